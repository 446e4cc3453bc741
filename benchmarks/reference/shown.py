"""The tables of measurements, with ratios and whether everybody stated the same program."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.reference.clock import BUILD, PHASES
from benchmarks.reference.runs import Measured

SAME = 1e-6
SUMS = ("nnz", "rows", "columns", "matrix_sum", "cost_sum", "bound_sum")
FLOOR = "highspy"
ENGINE_FACTS = {"iterations": "", "objective": ".10g", "gap": ".1e", "residual": ".1e"}


def console() -> Console:
    """As wide as the terminal, or as the widest table where there is none."""
    return Console(width=None if sys.stdout.isatty() else 200)


def table_of(*heads: str) -> Table:
    """A table that terminals and documents can both show."""
    return Table(*heads, box=box.MARKDOWN)


def differing(found: Mapping[str, Measured]) -> list[str]:
    """Figures on which the drivers do not agree: of the program, and the objective."""
    wrong = []
    for name in (*SUMS, "objective"):
        values = [m.facts[name] for m in found.values() if name in m.facts]
        if values and max(values) - min(values) > SAME * max(map(abs, values)):
            each = ", ".join(
                f"{d} {m.facts[name]:.12g}" for d, m in found.items() if name in m.facts
            )
            wrong.append(f"{name}: {each}")
    return wrong


def phase_table(found: Mapping[str, Measured], phases: Sequence[str]) -> Table:
    """CPU seconds of each phase, and how often the floor's."""
    table = table_of("phase", *(_head(name) for name in found))
    for phase in (p for p in PHASES if p in phases):
        table.add_row(phase, *(_seconds(m, [phase], found) for m in found.values()))
    together = [p for p in BUILD if p in phases]
    if len(together) > 1:
        head = " + ".join(together)
        table.add_row(head, *(_seconds(m, together, found) for m in found.values()))
    if together:
        table.add_row(
            "its bytes per nonzero", *(_bytes(m, together, found) for m in found.values())
        )
    if together and "pass" in phases:
        head, whole = "all of it and pass", [*together, "pass"]
        table.add_row(head, *(_seconds(m, whole, found) for m in found.values()))
        table.add_row("its bytes per nonzero", *(_bytes(m, whole, found) for m in found.values()))
    for phase in ("solve", "extract"):
        if phase in phases:
            table.add_row(f"MB above start, {phase}", *(_peak(m, phase) for m in found.values()))
    if "solve" in phases:
        shown = (m.facts.get("objective", math.nan) for m in found.values())
        table.add_row("objective", *(f"{value:.10g}" for value in shown))
    return table


def faster(found: Mapping[str, Measured]) -> list[str]:
    """How often faster than each peer we are, from tables to a program that HiGHS holds."""
    if "ours" not in found:
        return []
    whole = (*BUILD, "pass")
    lines = []
    for name, measured in found.items():
        ratio = measured.sum_s(whole) / found["ours"].sum_s(whole)
        if name not in ("ours", FLOOR) and ratio > 0:
            lines.append(f"to the program in HiGHS, ours is {ratio:.3g} times as fast as {name}")
    return lines


def engine_table(found: Mapping[str, Measured]) -> Table:
    """CPU seconds, memory and certificate of each engine."""
    table = table_of(
        "engine", "CPU s", "wall s", "MB above start", "iterations", "objective", "gap",
        "largest residual",
    )  # fmt: skip
    for name, m in found.items():
        if m.stopped:
            table.add_row(name, m.why)
            continue
        shown = [f"{m.facts[k]:{f}}" if k in m.facts else "" for k, f in ENGINE_FACTS.items()]
        cpu, wall = m.cpu_s["solve"], m.wall_s["solve"]
        table.add_row(name, f"{cpu:.4g}", f"{wall:.4g}", _peak(m, "solve"), *shown)
    return table


def fastest(found: Mapping[str, Measured], generic: Collection[str]) -> list[str]:
    """How often faster each other engine is than the fastest generic one."""
    seconds = {name: m.cpu_s["solve"] for name, m in found.items() if not m.stopped}
    best = min((name for name in seconds if name in generic), key=seconds.__getitem__, default="")
    return [
        f"{name}: {seconds[best] / seconds[name]:.3g} times as fast as {best}"
        for name in seconds
        if best and name not in generic
    ]


def _head(name: str) -> str:
    return f"{name} (floor)" if name == FLOOR else name


def _seconds(measured: Measured, phases: Sequence[str], found: Mapping[str, Measured]) -> str:
    if measured.stopped in phases:
        return measured.why
    mine = measured.sum_s(phases)
    if math.isnan(mine):
        return ""
    floor = found[FLOOR].sum_s(phases) if FLOOR in found else math.nan
    own = found.get(FLOOR) is measured
    return f"{mine:.4g}" + ("" if own or math.isnan(floor) else f" ({mine / floor:.3g}x)")


def _bytes(measured: Measured, phases: Sequence[str], found: Mapping[str, Measured]) -> str:
    peaks = [measured.peak_mb[p] for p in phases if p in measured.peak_mb]
    nnz = next((m.facts["nnz"] for m in found.values() if "nnz" in m.facts), 0)
    return f"{max(peaks) * 1e6 / nnz:.0f}" if peaks and nnz else ""


def _peak(measured: Measured, phase: str) -> str:
    return f"{measured.peak_mb[phase]:.0f}" if phase in measured.peak_mb else ""
