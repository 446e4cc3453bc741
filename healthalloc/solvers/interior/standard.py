"""A program in standard form, its rows split into local ones and the few that link them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, hstack

from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.solvers.basis import BASIC, LOWER, UPPER, Basis

Positions = NDArray[np.intp]

LOCAL_BLOCKS = ("demand", "balance")
"""Rows of which each column has at most one: they are solved out of every system."""


@dataclass(frozen=True, eq=False)
class Standard:
    """Minimise ``cost @ x`` subject to ``matrix @ x = right``, ``0 <= x <= upper``.

    Row and column bounds of a program become slack columns and shifts; columns that cannot
    move are left out.

    Parameters
    ----------
    program
        The program it was made from.
    cost, upper : ndarray, shape (n,)
    matrix : csc_array, shape (n_rows, n)
    right : ndarray, shape (n_rows,)
    n_local
        The first rows are local: each column has at most one coefficient in them.
    rows : ndarray of int, shape (n_rows,)
        Row of the program that each row is.
    columns : ndarray of int, shape (n,)
        Column of the program that each one is; -1 for a slack. They stand in the order of their
        local rows; those without one come last.
    settled : ndarray, shape (n_columns,)
        Values of the columns of the program when ``x`` is 0.
    forced : ndarray of int
        Rows of the program that leave their columns no choice, and were left out with them.
    """

    program: LinearProgram
    cost: Floats
    upper: Floats
    matrix: csc_array
    right: Floats
    n_local: int
    rows: Positions
    columns: Positions
    settled: Floats
    forced: Positions

    @cached_property
    def local(self) -> csr_array:
        """The local rows."""
        return csr_array(csr_array(self.matrix)[: self.n_local])

    @cached_property
    def linking(self) -> csr_array:
        """The rows that link the local ones."""
        return csr_array(csr_array(self.matrix)[self.n_local :])

    def x_of(self, x: Floats) -> Floats:
        """Values of the program's columns at a point of the standard form."""
        values = self.settled.copy()
        moves = self.columns >= 0
        values[self.columns[moves]] += x[moves]
        return values

    def dual_of(self, y: Floats) -> Floats:
        """Duals of the program's rows at duals of the standard form.

        A row that leaves its columns no choice takes the dual that lets them rest where they are.
        """
        program = self.program
        dual = np.zeros(program.n_rows)
        dual[self.rows] = y
        dual[self.forced] = self._forcing(dual)[0]
        return dual

    def _forcing(self, dual: Floats) -> tuple[Floats, Positions]:
        """Dual of each forced row that lets its columns rest, and the column that sets it.

        Parameters
        ----------
        dual : ndarray, shape (n_rows of the program,)
            Of the other rows.
        """
        rows = csr_array(csr_array(self.program.matrix)[self.forced])
        reduced = (self.program.cost - self.program.matrix.T @ dual)[rows.indices] / rows.data
        row = np.repeat(np.arange(len(self.forced)), np.diff(rows.indptr))
        order = np.lexsort((reduced, row))
        first = order[np.unique(row, return_index=True)[1]]
        least, column = np.zeros(len(self.forced)), np.full(len(self.forced), -1)
        least[row[first]], column[row[first]] = reduced[first], rows.indices[first]
        return np.minimum(least, 0.0), column

    def basis_of(self, basis: Basis, dual: Floats) -> Basis:
        """The program's basis at a basis of the standard form.

        A row without a slack of its own in the basis stands at the bound that ``right`` is.

        Parameters
        ----------
        basis
        dual : ndarray, shape (n_rows of the program,)
            Near its duals: says which rows of those left out are needed to hold columns at 0.
        """
        program, is_slack = self.program, self.columns < 0
        columns = np.full(program.n_columns, LOWER, dtype=np.int8)
        columns[self.columns[~is_slack]] = basis.columns[~is_slack]
        starts = self.matrix.indptr[:-1][is_slack]
        of_slack, is_above = self.matrix.indices[starts], self.matrix.data[starts] > 0
        slack = basis.columns[is_slack]
        at = basis.rows.copy()
        at[of_slack] = np.where(is_above == (slack == UPPER), LOWER, UPPER)
        at[of_slack[slack == BASIC]] = BASIC
        at[basis.rows == BASIC] = BASIC
        rows = np.full(program.n_rows, BASIC, dtype=np.int8)
        rows[self.rows] = at
        without = dual.copy()
        without[self.forced] = 0.0
        price, column = self._forcing(without)
        rows[self.forced[price < 0]] = UPPER
        columns[column[price < 0]] = BASIC
        return Basis(columns, rows)


def standard_form(program: LinearProgram) -> Standard | None:
    """Standard form of a linear program, or None if it does not have the shape.

    The shape: all columns are bounded below, and the rows for demand and stock balance share no
    column.
    """
    matrix = program.matrix
    local = np.zeros(program.n_rows, dtype=bool)
    for block in program.rows:
        if block.name in LOCAL_BLOCKS:
            local[block.slice] = True
    if not local.any() or not np.isfinite(program.column_lower).all():
        return None
    of_entry = np.repeat(np.arange(program.n_columns), np.diff(matrix.indptr))
    if np.bincount(of_entry[local[matrix.indices]], minlength=program.n_columns).max() > 1:
        return None
    moves, forced = _moving(program)
    kept = np.ones(program.n_rows, dtype=bool)
    kept[forced] = False
    settled = program.column_lower
    lower, upper = _needed_bounds(program)
    base = matrix @ settled
    lower, upper = lower - base, upper - base
    bounded = np.isfinite(lower) | np.isfinite(upper)
    order = np.concatenate([np.flatnonzero(local & kept & bounded),
                            np.flatnonzero(~local & kept & bounded)])  # fmt: skip
    n_local = int((local & kept & bounded).sum())
    lower, upper = lower[order], upper[order]
    columns = np.flatnonzero(moves)
    structural = csc_array(csr_array(matrix[:, columns])[order])
    slack_row = np.flatnonzero(lower != upper)
    above, below = np.isfinite(upper[slack_row]), np.isfinite(lower[slack_row])
    sign = np.where(above, 1.0, -1.0)
    n_slack = len(slack_row)
    slack = csc_array((sign, (slack_row, np.arange(n_slack))), shape=(len(order), n_slack))
    with np.errstate(invalid="ignore"):
        room = np.where(above & below, upper[slack_row] - lower[slack_row], np.inf)
    together = csc_array(hstack([structural, slack]))
    by_row = _by_local_row(together, n_local)
    return Standard(
        program=program,
        cost=np.concatenate([program.cost[columns], np.zeros(n_slack)])[by_row],
        upper=np.concatenate([(program.column_upper - settled)[columns], room])[by_row],
        matrix=csc_array(together[:, by_row]),
        right=np.where(np.isfinite(upper), upper, lower),
        n_local=n_local,
        rows=order,
        columns=np.concatenate([columns, np.full(n_slack, -1)])[by_row],
        settled=settled,
        forced=forced,
    )


def _by_local_row(matrix: csc_array, n_local: int) -> Positions:
    """Columns in the order of their local rows; those without one come last."""
    column = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))
    local = matrix.indices < n_local
    row = np.full(matrix.shape[1], n_local)
    row[column[local]] = matrix.indices[local]
    return np.argsort(row, kind="stable")


def _moving(program: LinearProgram) -> tuple[NDArray[np.bool_], Positions]:
    """Columns that can move, and rows of none but columns that a bound of 0 holds at 0."""
    free = program.column_upper > program.column_lower
    rows = csr_array(program.matrix)
    at_zero = program.column_lower == 0
    entry_row = np.repeat(np.arange(program.n_rows), np.diff(rows.indptr))
    odd = (rows.data <= 0) | ~at_zero[rows.indices]
    has_odd = np.bincount(entry_row, odd, program.n_rows) > 0
    forcing = (program.row_upper == 0) & (program.row_lower <= 0) & ~has_odd
    forced = np.flatnonzero(forcing)
    held = rows.indices[forcing[entry_row]]
    free[held] = False
    return free, forced


def _needed_bounds(program: LinearProgram) -> tuple[Floats, Floats]:
    """Row bounds, infinite where the column bounds imply them."""
    positive, negative = program.matrix.maximum(0), program.matrix.minimum(0)
    huge = 1e300
    low, high = program.column_lower, np.minimum(program.column_upper, huge)
    with np.errstate(over="ignore", invalid="ignore"):
        least = positive @ low + negative @ high
        most = positive @ high + negative @ low
    equal = program.row_lower == program.row_upper
    lower = np.where(~equal & (least >= program.row_lower), -np.inf, program.row_lower)
    upper = np.where(~equal & (most <= program.row_upper), np.inf, program.row_upper)
    return lower, upper
