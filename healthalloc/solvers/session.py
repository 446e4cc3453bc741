"""A program that stays open in HiGHS: change it, solve it again from where it stood."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, vstack

from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.solvers.base import Result, SolverOptions
from healthalloc.solvers.highs import passed, read_result

Positions = NDArray[np.intp]


class Session:
    """A program open in HiGHS.

    Every change is made to the open solver and to `program`, which therefore always states
    what the last answer is an answer to, for its certificate. An LP starts from the last
    basis (dual simplex, Koberstein 2005); a MILP from the last incumbent.

    Parameters
    ----------
    program
        The program to open.
    options
        How to solve.
    """

    def __init__(self, program: LinearProgram, options: SolverOptions | None = None) -> None:
        self._program = program
        self._highs: Any = passed(program, options or SolverOptions())

    @property
    def program(self) -> LinearProgram:
        """The program as it stands now."""
        return self._program

    def solve(self) -> Result:
        """Solve the program as it stands, from the last basis.

        Raises
        ------
        SolverError
            If HiGHS breaks down.
        """
        began = time.perf_counter()
        return read_result(self._highs, self._program, began)

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

    def set_row(self, row: int, columns: Positions, values: Floats) -> None:
        """Replace the coefficients of one row by those given; all others become 0.

        Parameters
        ----------
        row
            Position of the row.
        columns, values : shape (k,)
        """
        by_row = csr_array(self._program.matrix)
        old = by_row.indices[by_row.indptr[row] : by_row.indptr[row + 1]]
        new = dict(zip(columns.tolist(), values.tolist()))
        for column in {*old.tolist(), *new}:
            self._highs.changeCoeff(row, column, new.get(column, 0.0))
        line = csr_array(
            (values, (np.zeros(len(columns), dtype=np.intp), columns)),
            shape=(1, self._program.n_columns),
        )
        matrix = csc_array(vstack([by_row[:row], line, by_row[row + 1 :]]))
        matrix.eliminate_zeros()
        self._program = replace(self._program, matrix=matrix)

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
