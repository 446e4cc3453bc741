"""What a driver hands to the solver, in figures that do not depend on the order of anything."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from benchmarks.reference.clock import Clock
from healthalloc.formulation.program import Floats, LinearProgram


class Handed(NamedTuple):
    """A linear program as the arrays that a solver takes; matrix by column."""

    cost: Floats
    column_lower: Floats
    column_upper: Floats
    row_lower: Floats
    row_upper: Floats
    start: Any
    index: Any
    value: Floats
    offset: float


def state_program(clock: Clock, program: LinearProgram) -> None:
    """State size and sums of the library's program."""
    matrix = program.matrix
    state(
        clock,
        Handed(
            program.cost, program.column_lower, program.column_upper, program.row_lower,
            program.row_upper, matrix.indptr, matrix.indices, matrix.data, program.offset,
        ),
    )  # fmt: skip


def state_highs(clock: Clock, highs: Any) -> None:
    """State size and sums of the program that a HiGHS instance holds."""
    highs.ensureColwise()
    lp = highs.getLp()
    matrix = lp.a_matrix_
    names = ("col_cost_", "col_lower_", "col_upper_", "row_lower_", "row_upper_")
    arrays = [np.array(getattr(lp, name), dtype=float) for name in names]
    value = np.array(matrix.value_, dtype=float)
    state(clock, Handed(*arrays, matrix.start_, matrix.index_, value, float(lp.offset_)))


def state(clock: Clock, handed: Handed) -> None:
    """State size and sums: two drivers that state the same program state the same figures.

    Columns that no row holds do not count: whether they are left out is a matter of taste.
    """
    held = np.diff(handed.start) > 0
    bounds = np.concatenate(
        [np.abs(side[np.isfinite(side)]) for side in (handed.row_lower, handed.row_upper)]
    )
    ends = np.concatenate([handed.column_lower[held], handed.column_upper[held]])
    clock.facts(
        nnz=len(handed.value),
        rows=len(handed.row_lower),
        columns=int(held.sum()),
        matrix_sum=float(np.abs(handed.value).sum()),
        cost_sum=float(np.abs(handed.cost).sum()),
        bound_sum=float(bounds.sum() + np.abs(ends[np.isfinite(ends)]).sum()),
    )
