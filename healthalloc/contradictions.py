"""Clauses that cannot hold together, or not with the limits of the stock, by plain arithmetic.

What needs more than two statements to be seen is found by `explain.conflicts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from healthalloc.layout import Layout
from healthalloc.plan.clause import Clause
from healthalloc.plan.measure import Measure

Floats = NDArray[np.float64]
ROOM = 1 + 1e-6


@dataclass(frozen=True)
class Contradiction:
    """Two figures that cannot both hold.

    Parameters
    ----------
    name
        What contradicts what.
    printed
        The floor (or ceiling) of the first clause, in its unit.
    possible
        The most (or least) that the other side leaves of it, in the same unit.
    arithmetic
        How that follows.
    quote
        Words of the first clause.
    """

    name: str
    printed: float
    possible: float
    arithmetic: str
    quote: str


@dataclass(frozen=True, eq=False)
class _Row:
    """One value of a clause that adds decisions up: ``coefficient[column] / base``."""

    clause: Clause
    place: str
    column: NDArray[np.intp]
    coefficient: Floats
    base: float

    @property
    def label(self) -> str:
        return f"{self.clause.name}{f' in {self.place}' if self.place else ''}"


def contradictions(layout: Layout) -> list[Contradiction]:
    """Every pair of a floor and a ceiling, or a limit of the stock, that contradict each other.

    Parameters
    ----------
    layout
        Of the scenario; clauses are looked at whether they are enforced or not.
    """
    rows = [
        row
        for clause in layout.scenario.plan.clauses
        if clause.treatment != "record" and not clause.is_parameter
        for row in _rows(clause, clause.measured(layout))
    ]
    return [*_against_limits(layout, rows), *_against_each_other(layout, rows)]


def _rows(clause: Clause, measure: Measure) -> Iterator[_Row]:
    plain = measure.denominator is None and measure.cover is None and measure.offset is None
    if not plain or (measure.numerator.data < 0).any():
        return
    top = csr_array(measure.numerator)
    for k in range(measure.n_rows):
        span = slice(top.indptr[k], top.indptr[k + 1])
        place = " / ".join(word for word in measure.place(k) if word)
        if measure.constant[k] > 0 and span.start < span.stop:
            column = top.indices[span].astype(np.intp)
            yield _Row(clause, place, column, top.data[span], float(measure.constant[k]))


def _against_limits(layout: Layout, rows: list[_Row]) -> Iterator[Contradiction]:
    """Floors above all that may be held, ceilings below all that must be."""
    stock = layout.scenario.stock
    n_open = layout.n_facilities
    fixed = (~layout.is_choice).astype(float)
    upper = np.concatenate([stock["upper"].fillna(np.inf).to_numpy(dtype=float), np.ones(n_open)])
    lower = stock["lower"].to_numpy(dtype=float) * fixed[layout.stock_facility_idx]
    lower = np.concatenate([lower, fixed])
    for row in rows:
        if (row.column >= len(upper)).any():
            continue  # flows have no limits of their own
        low, high = row.clause.bounds
        most = float(row.coefficient @ upper[row.column]) / row.base
        least = float(row.coefficient @ lower[row.column]) / row.base
        unit = row.clause.unit_label
        if most * ROOM < low:
            text = f"upper limits add up to {most:.6g} {unit}, the floor is {low:.6g}"
            name = f"{row.label} against the limits of the stock"
            yield Contradiction(name, low, most, text, row.clause.quote)
        if least > high * ROOM:
            text = f"lower limits add up to {least:.6g} {unit}, the ceiling is {high:.6g}"
            name = f"{row.label} against the limits of the stock"
            yield Contradiction(name, high, least, text, row.clause.quote)


def _against_each_other(layout: Layout, rows: list[_Row]) -> Iterator[Contradiction]:
    """Floors above what the ceiling of another clause leaves.

    If every coefficient of the floor is at most ``t`` times that of the ceiling, the floor's
    value is at most ``t`` times what the ceiling allows.
    """
    floors = [row for row in rows if np.isfinite(row.clause.bounds[0]) and row.clause.bounds[0] > 0]
    ceilings = [row for row in rows if np.isfinite(row.clause.bounds[1])]
    allowed = np.zeros(layout.n_decisions)
    for ceiling in ceilings:
        allowed[:] = 0.0
        allowed[ceiling.column] = ceiling.coefficient
        most = ceiling.clause.bounds[1] * ceiling.base
        for floor in floors:
            share = allowed[floor.column]
            if floor is ceiling or not share.all():
                continue
            factor = float((floor.coefficient / share).max())
            possible, low = factor * most / floor.base, floor.clause.bounds[0]
            if possible * ROOM < low:
                unit = floor.clause.unit_label
                text = (
                    f"{ceiling.label} allows {ceiling.clause.bounds[1]:.6g} "
                    f"{ceiling.clause.unit_label} = {most:.6g}, which leaves at most "
                    f"{possible:.6g} {unit}; {floor.label} asks for {low:.6g}"
                )
                name = f"{floor.label} against {ceiling.label}"
                yield Contradiction(name, low, possible, text, floor.clause.quote)
