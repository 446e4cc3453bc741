"""Targets that move: the rows of a program that they stand in, and how the rows change."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from healthalloc.formulation.program import Floats, LinearProgram

Positions = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Move:
    """Some rows whose targets move together.

    Tightened by ``step``, row k asks for ``sign * step * (constant[k] + denominator[k] @ x)``
    more than before.

    Parameters
    ----------
    rows : ndarray of int, shape (k,)
        Rows of the program.
    sign
        1.0 if tighter means up, -1.0 if it means down.
    lower, upper
        Which bounds of the rows move.
    constant : ndarray, shape (k,)
        Fixed part of the denominators.
    denominator : csr_array, shape (k, n_columns), or None
        Part of the denominators that depends on the columns: there the target stands in the
        coefficients of the rows.
    """

    rows: Positions
    sign: float
    lower: bool
    upper: bool
    constant: Floats
    denominator: csr_array | None = None

    def base(self, x: Floats) -> Floats:
        """The denominators, shape (k,)."""
        if self.denominator is None:
            return self.constant
        base: Floats = self.constant + self.denominator @ x
        return base


def moved(program: LinearProgram, move: Move, step: float) -> LinearProgram:
    """The program with some targets tightened by ``step`` units (loosened if negative)."""
    rows = csr_array(program.matrix)[move.rows]
    lower, upper, matrix = moved_rows(program, move, step, rows)
    row_lower, row_upper = program.row_lower.copy(), program.row_upper.copy()
    row_lower[move.rows], row_upper[move.rows] = lower, upper
    whole = program.matrix
    if move.denominator is not None:
        place = csr_array(
            (np.ones(len(move.rows)), (move.rows, np.arange(len(move.rows)))),
            shape=(program.n_rows, len(move.rows)),
        )
        whole = csc_array(whole + place @ (matrix - rows))
        whole.eliminate_zeros()
    return replace(program, matrix=whole, row_lower=row_lower, row_upper=row_upper)


def freed(program: LinearProgram, rows: Positions, points: Positions) -> LinearProgram:
    """The program without some clauses: without their rows and the penalties they set.

    Parameters
    ----------
    program
    rows : ndarray of int
        Rows that enforce their targets.
    points : ndarray of int
        Columns of the points that they ask to be reached.
    """
    lower, upper, cost = program.row_lower.copy(), program.row_upper.copy(), program.cost.copy()
    lower[rows], upper[rows], cost[points] = -np.inf, np.inf, 0.0
    # the offset counts every point as left out, and reaching one earns its penalty back
    offset = program.offset + float(program.cost[points].sum())
    return replace(program, cost=cost, offset=offset, row_lower=lower, row_upper=upper)


def moved_rows(
    program: LinearProgram, move: Move, step: float, rows: csr_array
) -> tuple[Floats, Floats, csr_array]:
    """Bounds and coefficients of the rows whose targets move, tightened by ``step`` units.

    Parameters
    ----------
    program, move, step
    rows : csr_array, shape (k, n_columns)
        The rows as they stand.
    """
    shift = move.sign * step
    lower, upper = program.row_lower[move.rows], program.row_upper[move.rows]
    lower = lower + shift * move.constant * move.lower
    upper = upper + shift * move.constant * move.upper
    # a floor that reaches its ceiling may pass it by rounding only
    close = (lower > upper) & (lower - upper <= 1e-9 * (1.0 + np.abs(lower)))
    lower = np.where(close, upper, lower)
    if move.denominator is not None:
        rows = csr_array(rows - shift * move.denominator)
    return lower, upper, rows
