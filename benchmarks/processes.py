"""Time whole processes: the command of a case beside the floor it is compared with."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A process to time.

    Parameters
    ----------
    name
        Name in the table.
    command
        What to run; ``{output}`` becomes a fresh folder.
    floor
        Another process that does what cannot be avoided; the ratio is against it.
    target_s
        Wall time it should stay under on two cores, or 0.
    """

    name: str
    command: Sequence[str]
    floor: Sequence[str]
    target_s: float = 0.0


@dataclass(frozen=True)
class Timing:
    """Medians of one process.

    Parameters
    ----------
    wall_s, cpu_s
        Wall time, and user plus system time of the process, in seconds.
    peak_mb
        Largest resident memory, in MB.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float


def _once(command: Sequence[str]) -> Timing:
    with tempfile.TemporaryDirectory() as folder:
        filled = [word.format(output=os.path.join(folder, "output")) for word in command]
        began = time.perf_counter()
        process = subprocess.Popen(filled, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(filled)} ended with {process.returncode}")
    # ru_maxrss is in kilobytes on Linux and in bytes on macOS
    scale = 1e6 if sys.platform == "darwin" else 1e3
    return Timing(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / scale)


def timed_side_by_side(case: Case, runs: int) -> tuple[Timing, Timing]:
    """Medians of a case and of its floor, run in turn after one warm-up of each.

    Parameters
    ----------
    case
    runs
        Counted runs of each.
    """
    _once(case.command), _once(case.floor)
    pairs = [(_once(case.command), _once(case.floor)) for _ in range(runs)]

    def median(side: int) -> Timing:
        timings = [pair[side] for pair in pairs]
        return Timing(
            statistics.median(t.wall_s for t in timings),
            statistics.median(t.cpu_s for t in timings),
            statistics.median(t.peak_mb for t in timings),
        )

    return median(0), median(1)
