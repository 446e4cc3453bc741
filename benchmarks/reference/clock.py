"""The clock of a worker: seconds and memory of each phase, one JSON line when it ends."""

from __future__ import annotations

import contextlib
import json
import resource
import time
from collections.abc import Collection, Iterator

from benchmarks.memory import peak_mb, release, reset_peak

PHASES = ("read", "validate", "reach", "build", "labels", "pass", "solve", "extract")
"""In the order in which they run; a driver has those that it has."""

BUILD = ("validate", "reach", "build", "labels")
"""The phases from tables in memory to a labelled program."""


def cpu_seconds() -> float:
    """User and system time of this process, its threads and its ended children."""
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, both))


class Clock:
    """Times phases and prints a line for each.

    Parameters
    ----------
    wanted
        Phases to run.
    limit_s
        CPU seconds after which the system ends the process, counted anew for each phase; 0:
        none. What it printed until then counts.
    silent
        Print nothing: the warm-up.
    """

    def __init__(self, wanted: Collection[str], limit_s: float = 0.0, silent: bool = False) -> None:
        self.wanted, self.limit_s, self.silent = set(wanted), limit_s, silent
        release()
        self.start_mb = reset_peak()

    def wants(self, *phases: str) -> bool:
        """Whether any of the phases is to run."""
        return bool(self.wanted.intersection(phases))

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time what happens inside; the peak counts from the memory before the first phase."""
        self._line({"began": name})
        self._set_limit()
        reset_peak()
        cpu, wall = cpu_seconds(), time.perf_counter()
        yield
        cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
        peak = max(peak_mb() - self.start_mb, 0.0)
        self._line({"phase": name, "cpu_s": cpu, "wall_s": wall, "peak_mb": peak})

    def facts(self, **values: float | str) -> None:
        """State what was built or found."""
        self._line({"facts": values})

    def _set_limit(self) -> None:
        if self.limit_s and not self.silent:
            used = resource.getrusage(resource.RUSAGE_SELF)
            soft = int(used.ru_utime + used.ru_stime + self.limit_s) + 1
            _, hard = resource.getrlimit(resource.RLIMIT_CPU)
            resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))

    def _line(self, values: dict[str, object]) -> None:
        if not self.silent:
            print(json.dumps(values), flush=True)
