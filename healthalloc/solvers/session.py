"""A program that stays open in HiGHS: change it, solve it again from where it stood."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, csr_array, vstack

from healthalloc.errors import SolverError
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.solvers.base import Result, SolverOptions
from healthalloc.solvers.highs import passed, read_result

Positions = NDArray[np.intp]


class Session:
    """A program open in HiGHS.

    Every change is made to the open solver and to `program`, which therefore always states
    what the last answer is an answer to, for its certificate. An LP starts from the last
    basis (dual simplex, Koberstein 2005); a MILP from the last incumbent. The time limit is
    that of each solve.

    Parameters
    ----------
    program
        The program to open.
    options
        How to solve.
    primal
        Go on with the primal simplex method: for changes after which the last point stays
        feasible, as where costs change or bounds are taken away.
    """

    def __init__(
        self,
        program: LinearProgram,
        options: SolverOptions | None = None,
        *,
        primal: bool = False,
    ) -> None:
        self._program = program
        options = options or SolverOptions()
        self._time_limit_s = options.time_limit_s
        self._highs: Any = passed(program, options)
        if primal:
            self._highs.setOptionValue("simplex_strategy", 4)

    @property
    def program(self) -> LinearProgram:
        """The program as it stands now."""
        return self._program

    def solve(self) -> Result:
        """Solve the program as it stands, from the last basis or incumbent.

        Raises
        ------
        SolverError
            If HiGHS breaks down, from where it stood and from nothing.
        """
        began = time.perf_counter()
        # simplex counts its limit over all solves of an instance, branch and bound over one
        # (https://github.com/ERGO-Code/HiGHS/issues/1477)
        before = 0.0 if self._program.is_mixed_integer else self._highs.getRunTime()
        self._highs.setOptionValue("time_limit", before + self._time_limit_s)
        try:
            return read_result(self._highs, self._program, began)
        except SolverError:
            self.forget()
            return read_result(self._highs, self._program, began)

    def start_from(self, x: Floats) -> None:
        """Offer branch and bound a point; one that is not feasible does no harm.

        Any later change of the program makes HiGHS forget it.

        Parameters
        ----------
        x : ndarray, shape (n_columns,)
        """
        import highspy

        point = highspy.HighsSolution()
        point.col_value = x.tolist()
        self._highs.setSolution(point)

    @property
    def basis(self) -> Any:
        """The basis of the last answer, for `return_to`."""
        return self._highs.getBasis()

    def return_to(self, basis: Any) -> None:
        """Let the next solve begin from a basis of the same rows and columns.

        Raises
        ------
        ValueError
            If the basis has other rows and columns.
        """
        import highspy

        if self._highs.setBasis(basis) == highspy.HighsStatus.kError:
            raise ValueError("the basis is not one of this program")

    def forget(self) -> None:
        """Drop the basis and the incumbent: the next solve begins from nothing."""
        self._highs.clearSolver()

    def set_row_bounds(self, rows: Positions, lower: Floats, upper: Floats) -> None:
        """Change the bounds of some rows, each shape (k,)."""
        self._highs.changeRowsBounds(len(rows), rows.astype(np.int32), lower, upper)
        row_lower, row_upper = self._program.row_lower.copy(), self._program.row_upper.copy()
        row_lower[rows], row_upper[rows] = lower, upper
        self._program = replace(self._program, row_lower=row_lower, row_upper=row_upper)

    def set_column_bounds(self, columns: Positions, lower: Floats, upper: Floats) -> None:
        """Change the bounds of some columns, each shape (k,)."""
        self._highs.changeColsBounds(len(columns), columns.astype(np.int32), lower, upper)
        column_lower = self._program.column_lower.copy()
        column_upper = self._program.column_upper.copy()
        column_lower[columns], column_upper[columns] = lower, upper
        self._program = replace(self._program, column_lower=column_lower, column_upper=column_upper)

    def set_costs(self, columns: Positions, cost: Floats) -> None:
        """Change the costs of some columns, each shape (k,)."""
        self._highs.changeColsCost(len(columns), columns.astype(np.int32), cost)
        changed = self._program.cost.copy()
        changed[columns] = cost
        self._program = replace(self._program, cost=changed)

    def set_offset(self, offset: float) -> None:
        """Change the constant part of the objective, CNY a year."""
        self._highs.changeObjectiveOffset(offset)
        self._program = replace(self._program, offset=offset)

    def set_row(self, row: int, columns: Positions, values: Floats) -> None:
        """Replace the coefficients of one row by those given; all others become 0.

        Where the row keeps its columns, only their values are exchanged.

        Parameters
        ----------
        row
            Position of the row.
        columns, values : shape (k,)
            Each column once.
        """
        matrix = self._program.matrix
        at = np.flatnonzero(matrix.indices == row)
        here = np.searchsorted(matrix.indptr, at, side="right") - 1
        old, new = np.zeros(self._program.n_columns), np.zeros(self._program.n_columns)
        old[here], new[columns] = matrix.data[at], values
        for column in np.flatnonzero(old != new).tolist():
            self._highs.changeCoeff(row, column, new[column])
        if np.array_equal(old != 0, new != 0):
            data = matrix.data.copy()
            data[at] = new[here]
            changed = csc_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)
        else:
            rest, present = matrix.indices != row, np.flatnonzero(new)
            by_column = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))[rest]
            triplets = (
                np.concatenate([matrix.indices[rest], np.full(len(present), row)]),
                np.concatenate([by_column, present]),
            )
            data = np.concatenate([matrix.data[rest], new[present]])
            changed = csc_array(coo_array((data, triplets), shape=matrix.shape))
        self._program = replace(self._program, matrix=changed)

    def set_column(self, column: int, rows: Positions, values: Floats) -> None:
        """Replace the coefficients of one column by those given; all others become 0.

        Parameters
        ----------
        column
            Position of the column.
        rows, values : shape (k,)
            Each row once.
        """
        matrix = self._program.matrix
        own = slice(int(matrix.indptr[column]), int(matrix.indptr[column + 1]))
        old, new = np.zeros(matrix.shape[0]), np.zeros(matrix.shape[0])
        old[matrix.indices[own]], new[rows] = matrix.data[own], values
        for row in np.flatnonzero(old != new).tolist():
            self._highs.changeCoeff(row, column, new[row])
        present = np.flatnonzero(new)
        indptr = matrix.indptr.copy()
        indptr[column + 1 :] += len(present) - (own.stop - own.start)
        kept = present.astype(matrix.indices.dtype)
        indices = np.concatenate([matrix.indices[: own.start], kept, matrix.indices[own.stop :]])
        data = np.concatenate([matrix.data[: own.start], new[present], matrix.data[own.stop :]])
        changed = csc_array((data, indices, indptr), shape=matrix.shape)
        self._program = replace(self._program, matrix=changed)

    def add_rows(self, matrix: csr_array, lower: Floats, upper: Floats) -> Positions:
        """Add rows below the others.

        Parameters
        ----------
        matrix : csr_array, shape (k, n_columns)
        lower, upper : shape (k,)

        Returns
        -------
        ndarray of int, shape (k,)
            Their positions.
        """
        first = self._program.n_rows
        self._highs.addRows(
            len(lower), lower, upper, matrix.nnz, matrix.indptr[:-1].astype(np.int32),
            matrix.indices.astype(np.int32), matrix.data,
        )  # fmt: skip
        self._program = replace(
            self._program,
            matrix=csc_array(vstack([self._program.matrix, matrix])),
            row_lower=np.concatenate([self._program.row_lower, lower]),
            row_upper=np.concatenate([self._program.row_upper, upper]),
        )
        return np.arange(first, self._program.n_rows)
