"""Run workers in turn, each in a fresh process, and take medians."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.reference.clock import PHASES

SLACK = 4.0
"""Wall seconds for each CPU second of the limit: others may use the machine."""


@dataclass
class Measured:
    """What the runs of one driver on one case came to.

    Parameters
    ----------
    cpu_s, wall_s, peak_mb
        For each phase the medians of the runs; memory is above the start of the process.
    facts
        What the last run stated.
    stopped
        Phase that the limit, or an error, ended; empty if none.
    why
        How it ended.
    """

    cpu_s: dict[str, float] = field(default_factory=dict)
    wall_s: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    stopped: str = ""
    why: str = ""

    def sum_s(self, phases: Sequence[str]) -> float:
        """CPU seconds of several phases; NaN if the last of them was not reached."""
        done = [self.cpu_s[p] for p in phases if p in self.cpu_s]
        return float("nan") if self.stopped in phases or not done else sum(done)


def measure(
    case: str, drivers: Sequence[str], phases: Sequence[str], runs: int, limit_s: float
) -> dict[str, Measured]:
    """Run every driver in turn, as often as asked for.

    A driver that a limit or an error ends is not run again.
    """
    lines: dict[str, list[dict[str, Any]]] = defaultdict(list)
    found = {name: Measured() for name in drivers}
    for _ in range(runs):
        for name in drivers:
            for together in _together(name, phases):
                if not found[name].stopped:
                    order = {"case": case, "by": name, "phases": together, "limit_s": limit_s}
                    lines[name] += _run(order, found[name])
    for name, measured in found.items():
        _gather(measured, lines[name])
    return found


def _together(driver: str, phases: Sequence[str]) -> list[list[str]]:
    """Phases that share a process: reading has one of its own, and peers have none."""
    rest = [p for p in PHASES if p in phases and p != "read"]
    reads = "read" in phases and driver in ("ours", "highspy")
    return ([["read"]] if reads else []) + ([rest] if rest else [])


def _run(order: dict[str, Any], measured: Measured) -> list[dict[str, Any]]:
    """Lines that a worker printed before it ended, however it ended."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.reference.worker"]
    process = subprocess.Popen(
        [*command, json.dumps(order)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **os.environ},
        start_new_session=True,
    )  # fmt: skip
    limit_s = order["limit_s"]
    try:
        # making the case takes its time as well, and there are several phases
        out, err = process.communicate(timeout=SLACK * limit_s + 600 if limit_s else None)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    if process.returncode:
        began = [line["began"] for line in lines if "began" in line]
        measured.stopped = began[-1] if began else "start"
        ended_by_limit = -process.returncode in (signal.SIGXCPU, signal.SIGKILL)
        last = (err.strip().splitlines() or [f"ended with {process.returncode}"])[-1]
        measured.why = f"not in {limit_s:g} s" if ended_by_limit and limit_s else last
    return lines


def _gather(measured: Measured, lines: list[dict[str, Any]]) -> None:
    phases = [line for line in lines if "phase" in line]
    for name in {line["phase"] for line in phases}:
        mine = [line for line in phases if line["phase"] == name]
        for what in ("cpu_s", "wall_s", "peak_mb"):
            getattr(measured, what)[name] = statistics.median(line[what] for line in mine)
    for line in lines:
        measured.facts |= line.get("facts", {})
