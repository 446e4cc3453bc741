"""``python -m benchmarks growth``: cost against size, fitted as powers, read off for a nation."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer

from benchmarks.reference.cases import case_of
from benchmarks.reference.clock import BUILD
from benchmarks.reference.runs import measure
from benchmarks.reference.shown import console, table_of

UNITS = {"build": "CPU s", "build memory": "MB", "solve": "CPU s", "solve memory": "MB"}
LARGEST = 5
"""A fit rests on so many of the largest sizes measured: at small ones fixed costs hide growth."""


class Power(NamedTuple):
    """``factor * nnz ** exponent``, and the largest ratio between a measurement and it."""

    factor: float
    exponent: float
    off: float

    def at(self, nnz: float) -> float:
        """The value read off."""
        return float(self.factor * nnz**self.exponent)


Row = dict[str, float]


def growth(
    base: Annotated[str, typer.Option(help="Smallest size.")] = "100x15",
    doublings: Annotated[int, typer.Option(help="How often it is doubled.", min=1)] = 9,
    engine: Annotated[str, typer.Option(help="Engine that solves.")] = "highs",
    solve_s: Annotated[float, typer.Option(help="Solve no more once it took so long.")] = 60,
    runs: Annotated[int, typer.Option(help="Counted runs of each.", min=1)] = 1,
    at: Annotated[str, typer.Option(help="Size to read off.")] = "600000x1000000",
    output: Annotated[Path | None, typer.Option(help="Where the measurements go, as CSV.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Where the plot goes: .svg or .png.")] = None,
) -> None:
    """Build and solve the reference problem at 1, 2, 4, ... times a size; fit, and read off."""
    populations, facilities = _size(base)
    rows: list[Row] = []
    for times in 2 ** np.arange(doublings + 1):
        solves = not rows or rows[-1].get("solve", solve_s) < solve_s
        size = f"{populations * times}x{facilities * times}"
        rows.append({"times": float(times)} | _measured(size, engine if solves else "", runs))
    fits = fitted(rows)
    _show(rows, fits, at, nonzeros(rows[-1], base, at))
    if output is not None:
        names = ["times", "nnz", "flow_nnz", *UNITS]
        with output.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows({k: f"{v:.6g}" for k, v in row.items()} for row in rows)
    if plot is not None:
        draw(rows, fits, plot)


def fitted(rows: Sequence[Row]) -> dict[str, Power]:
    """A power of the nonzeros for each quantity, by least squares of the logarithms."""
    fits = {}
    for name in UNITS:
        points = [(r["nnz"], r[name]) for r in rows if name in r][-LARGEST:]
        if len(points) < 2:
            continue
        nnz, value = np.log(np.array(points).T)
        exponent, constant = np.polyfit(nnz, value, 1)
        off = np.abs(constant + exponent * nnz - value).max()
        fits[name] = Power(float(np.exp(constant)), float(exponent), float(np.exp(off)))
    return fits


def nonzeros(row: Row, base: str, at: str) -> float:
    """Nonzeros at another size: flows grow with the populations, the rest with the facilities.

    As many facilities are within reach of a population as in the reference problem.
    """
    more_populations, more_facilities = (
        new / (old * row["times"]) for new, old in zip(_size(at), _size(base))
    )
    rest = row["nnz"] - row["flow_nnz"]
    return row["flow_nnz"] * more_populations + rest * more_facilities


def draw(rows: Sequence[Row], fits: Mapping[str, Power], path: Path) -> None:
    """Measurements and fits on logarithmic axes, seconds above, memory below."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    # text as text, and nothing that differs from one run to the next
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "growth"}):
        figure, panels = pyplot.subplots(2, 1, sharex=True, figsize=(6.0, 6.0))
        for panel, unit in zip(panels, ("CPU s", "MB")):
            for name in (n for n in fits if UNITS[n] == unit):
                nnz, value = np.array([(r["nnz"], r[name]) for r in rows if name in r]).T
                (line,) = panel.loglog(nnz, value, "o", markersize=4)
                ends = nnz[-LARGEST:][[0, -1]]
                fit = fits[name].factor * ends ** fits[name].exponent
                label = f"{name.removesuffix(' memory')}: nonzeros^{fits[name].exponent:.2f}"
                panel.loglog(ends, fit, color=line.get_color(), linewidth=1, label=label)
            panel.set_ylabel(unit)
            panel.legend(frameon=False)
            panel.grid(alpha=0.3)
        panels[-1].set_xlabel("nonzeros of the program")
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
        pyplot.close(figure)


def _size(text: str) -> tuple[int, int]:
    populations, _, facilities = text.partition("x")
    return int(populations), int(facilities)


def _measured(size: str, engine: str, runs: int) -> Row:
    built = measure(case_of(size).name, ["ours"], BUILD, runs, 0.0)["ours"]
    row = {
        "nnz": built.facts["nnz"],
        "flow_nnz": built.facts["flow_nnz"],
        "build": built.sum_s(BUILD),
        "build memory": max(built.peak_mb.values()),
    }
    if engine:
        by = f"engine:{engine}"
        solved = measure(case_of(size).name, [by], ["solve"], runs, 0.0)[by]
        if solved.stopped:
            raise typer.BadParameter(f"{engine} at {size}: {solved.why}")
        row |= {"solve": solved.cpu_s["solve"], "solve memory": solved.peak_mb["solve"]}
    return row


def _show(rows: Sequence[Row], fits: Mapping[str, Power], at: str, nnz: float) -> None:
    table = table_of("times", "nonzeros", *(f"{name}, {unit}" for name, unit in UNITS.items()))
    for row in rows:
        values = (f"{row[name]:.3g}" if name in row else "" for name in UNITS)
        table.add_row(f"{row['times']:.0f}", f"{row['nnz']:,.0f}", *values)
    powers = (
        f"{fits[name].exponent:.2f} (within {fits[name].off:.2f}x)" if name in fits else ""
        for name in UNITS
    )
    table.add_row("exponent", "", *powers)
    read_off = (f"{fits[name].at(nnz):,.0f}" if name in fits else "" for name in UNITS)
    table.add_row(f"{at}, on paper", f"{nnz:,.0f}", *read_off)
    console().print(table)
