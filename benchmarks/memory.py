"""Resident memory of this process: what a phase takes above what was there before it."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_mb() -> float:
    """Largest resident memory since `reset_peak`, in MB; since the start where not on Linux."""
    if _STATUS.exists():
        return _field_mb("VmHWM")
    scale = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def reset_peak() -> float:
    """Begin the peak anew where the system can (Linux); the memory in use, in MB."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return peak_mb()


def release() -> None:
    """Give memory that nothing uses back to the system, so that it is not there to be reused."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _field_mb(name: str) -> float:
    lines = (line.partition(":") for line in _STATUS.read_text().splitlines())
    return next(int(value.split()[0]) for key, _, value in lines if key == name) * 1024 / 1e6
