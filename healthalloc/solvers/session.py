"""A program that stays open in HiGHS: change it, solve it again from where it stood."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, vstack

from healthalloc.errors import SolverError
from healthalloc.formulation.program import Floats, LinearProgram, inward
from healthalloc.solvers.base import Result, SolverOptions, Status
from healthalloc.solvers.basis import Basis, basis_of, offer
from healthalloc.solvers.highs import CHOOSE, DUAL, PRIMAL, hand_over, passed, read_result
from healthalloc.solvers.interior import NAME as INTERIOR
from healthalloc.solvers.interior import large_interior
from healthalloc.solvers.matrix import (
    column_values,
    row_values,
    same_matrix,
    with_column,
    with_row,
)

Positions = NDArray[np.intp]
ColdEngine = Callable[[LinearProgram, SolverOptions], Result | None]
PATIENCE_S = 1.0
"""Seconds that a start may take however quick the program was from nothing."""
_NO_LIMIT = 2**31 - 1


class Session:
    """A program open in HiGHS.

    Every change is made to the open solver and to `program`, which therefore always states
    what the last answer is an answer to, for its certificate. An LP starts from the last
    basis (dual simplex, Koberstein 2005); a MILP from the last incumbent, whose whole numbers
    HiGHS completes to a point of the changed program if it can. The time limit is that of each
    solve.

    A start helps where a change is small. One that takes more simplex iterations than `most`, or
    longer than the program took from nothing, is broken off, and the program is solved from
    nothing. From nothing a large LP of an allocation's shape is solved by the interior point,
    and HiGHS goes on from the vertex that it gives.

    A row that is freed while it has a price is first turned around: bounded on its other side
    at the bound that it stood at. The point stays feasible, and by convexity the optimum of the
    freed program lies on that side, so that primal simplex finds it in a few iterations; HiGHS
    would move a free row to 0 and lose its place.

    Parameters
    ----------
    program
        The program to open.
    options
        How to solve.
    primal
        Go on with the primal simplex method: for changes after which the last point stays
        feasible, as where costs change or bounds are taken away.
    basis
        Basis of an earlier answer to the program, or one much like it, to begin from.
    cold
        What solves an LP from nothing, or says None where HiGHS is to do it.
    cold_s
        Seconds that the LP took from nothing, where that is known.

    Attributes
    ----------
    restarts : int
        How often a start did not help.
    cold_s : float
        Seconds of the last solve from nothing; infinite where none is known.
    """

    def __init__(
        self,
        program: LinearProgram,
        options: SolverOptions | None = None,
        *,
        primal: bool = False,
        basis: Basis | None = None,
        cold: ColdEngine = large_interior,
        cold_s: float = np.inf,
    ) -> None:
        self._program = program
        self._options = options = options or SolverOptions()
        self._cold = cold
        self.cold_s = cold_s
        self._is_warm = basis is not None
        self._incumbent: Floats | None = None
        self._row_dual: Floats | None = None
        self._turned: set[int] = set()
        self._simplex = PRIMAL if primal else DUAL
        self._is_given = basis is not None
        self.restarts = 0
        self._left_s = options.time_limit_s
        self._highs: Any = passed(program, options)
        self._highs.setOptionValue("simplex_strategy", self._simplex)
        if basis is not None:
            offer(self._highs, basis)

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
        self._left_s = self._options.time_limit_s
        if self._program.is_mixed_integer:
            self._offer_incumbent()
            result = self._run(began)
            self._incumbent = self._incumbent if result.x is None else result.x
            return result
        spent = self._run_turned(began) if self._turned else 0
        if self._is_warm:
            if self._is_given:  # primal, if its point is feasible
                self._highs.setOptionValue("simplex_strategy", CHOOSE)
            result = self._run(began, self.most, max(self.cold_s, PATIENCE_S))
            self._highs.setOptionValue("simplex_strategy", self._simplex)
            self._is_given = False
            if self._stopped(result) and self._left_s > 0:
                self.restarts += 1
                spent += result.iterations or 0
                self._is_warm = (result.iterations or 0) < self.most
                result = self._from_nothing(began)
        else:
            result = self._from_nothing(began)
        self._is_warm, self._row_dual = result.status is Status.OPTIMAL, result.row_dual
        return replace(result, iterations=spent + (result.iterations or 0))

    @staticmethod
    def _stopped(result: Result) -> bool:
        return result.status in (Status.LIMIT_WITH_INCUMBENT, Status.LIMIT_WITHOUT_INCUMBENT)

    def _run_turned(self, began: float) -> int:
        """Solve with the freed rows turned around, then free them; the iterations it took."""
        spent = 0
        if self._is_warm:
            self._highs.setOptionValue("simplex_strategy", PRIMAL)
            spent = self._run(began, self.most).iterations or 0
            self._highs.setOptionValue("simplex_strategy", self._simplex)
        rows = np.array(sorted(self._turned), dtype=np.int32)
        free = np.full(len(rows), np.inf)
        self._highs.changeRowsBounds(len(rows), rows, -free, free)
        self._turned.clear()
        return spent

    @property
    def most(self) -> int:
        """Most simplex iterations of an LP from a basis: as many as there are rows, or 1,000.

        From nothing an LP of this library takes two to four times the number of its rows.
        """
        return max(self._program.n_rows, 1000)

    def _run(self, began: float, most: int = _NO_LIMIT, most_s: float = np.inf) -> Result:
        # simplex counts its limit over all solves of an instance, branch and bound over one
        # (https://github.com/ERGO-Code/HiGHS/issues/1477)
        before = 0.0 if self._program.is_mixed_integer else self._highs.getRunTime()
        self._highs.setOptionValue("time_limit", before + min(self._left_s, most_s))
        self._highs.setOptionValue("simplex_iteration_limit", most)
        try:
            result = read_result(self._highs, self._program, began)
        except SolverError:
            self.forget()
            self._highs.setOptionValue("simplex_iteration_limit", _NO_LIMIT)
            result = read_result(self._highs, self._program, began)
        self._count(began)
        return result

    def _count(self, began: float) -> None:
        self._left_s = max(self._options.time_limit_s - (time.perf_counter() - began), 0.0)

    def _from_nothing(self, began: float) -> Result:
        """Solve an LP by the cold engine and settle at a basis, or by HiGHS without any."""
        started = time.perf_counter()
        found = self._cold(self._program, replace(self._options, time_limit_s=self._left_s))
        self._count(began)
        if found is None:
            # a start that was broken off for its time alone goes on where it stood
            result = self._run(began, self.most) if self._is_warm else None
            if result is None or (self._stopped(result) and self._left_s > 0):
                self.forget()
                result = self._run(began)
        elif found.basis is None:
            result = found
        else:
            offer(self._highs, found.basis)
            self._highs.setOptionValue("simplex_strategy", PRIMAL)
            settled = self._run(began, self.most)
            self._highs.setOptionValue("simplex_strategy", self._simplex)
            iterations = (found.iterations or 0) + (settled.iterations or 0)
            result = found if self._stopped(settled) else settled
            result = replace(result, iterations=iterations)
        self.cold_s = time.perf_counter() - started
        return replace(result, seconds=time.perf_counter() - began)

    def settle(self) -> None:
        """Bring a basis that was given to an optimal one, before the program is changed.

        That of an interior point's vertex is optimal but for a few iterations of primal simplex;
        after a change dual simplex would have to mend both.
        """
        self._highs.setOptionValue("simplex_strategy", PRIMAL)
        result = self._run(time.perf_counter(), self.most)
        self._highs.setOptionValue("simplex_strategy", self._simplex)
        self._row_dual, self._is_given = result.row_dual, False

    def allow(self, seconds: float) -> None:
        """Give each solve from now on this long, in place of the time limit that it began with."""
        self._options = replace(self._options, time_limit_s=seconds)

    def start_from(self, x: Floats) -> None:
        """Let branch and bound begin from a point in place of the last incumbent.

        Parameters
        ----------
        x : ndarray, shape (n_columns,)
            Its whole numbers count; one that cannot be completed does no harm.
        """
        self._incumbent = x

    def _offer_incumbent(self) -> None:
        """Last before a solve, because every change to the program makes HiGHS forget it."""
        import highspy

        if self._incumbent is not None and len(self._incumbent) == self._program.n_columns:
            point = highspy.HighsSolution()
            point.col_value = self._incumbent.tolist()
            self._highs.setSolution(point)

    @property
    def standing(self) -> Basis | None:
        """The basis of the last answer, for another session to begin from."""
        return basis_of(self._highs)

    @property
    def basis(self) -> Any:
        """The basis of the last answer as HiGHS keeps it, for `return_to`."""
        return self._highs.getBasis()

    def farkas(self) -> Floats | None:
        """Weights of the rows that prove a linear program infeasible, where HiGHS has them.

        Returns
        -------
        ndarray, shape (n_rows,), or None
            Rows with weight 0 play no part in the proof (Farkas' lemma).
        """
        if not self._highs.getDualRayExist()[1]:
            return None
        _, found, weight = self._highs.getDualRay()
        return np.asarray(weight, dtype=float) if found else None

    def return_to(self, basis: Any) -> None:
        """Let the next solve begin from a basis of the same rows and columns.

        Raises
        ------
        ValueError
            If the basis has other rows and columns.
        """
        import highspy

        self._is_warm = True
        if self._highs.setBasis(basis) == highspy.HighsStatus.kError:
            raise ValueError("the basis is not one of this program")

    def forget(self) -> None:
        """Drop the basis and the incumbent: the next solve begins from nothing."""
        self._highs.clearSolver()
        self._is_warm, self._incumbent, self._row_dual = False, None, None

    def become(self, program: LinearProgram) -> None:
        """Bring the open program to another one, keeping what holds of basis and incumbent.

        Where only costs and bounds differ, they are changed in place. Otherwise the program is
        handed over anew, to begin from the old basis as far as its columns and rows go (see
        `Basis.carried`).

        Parameters
        ----------
        program
            The program to be open from now on.
        """
        now = self._program
        if not same_matrix(now.matrix, program.matrix) or (now.integer != program.integer).any():
            basis = None if now.is_mixed_integer else basis_of(self._highs)
            self._turned.clear()
            self._row_dual = None
            hand_over(self._highs, program)
            if basis is not None:
                offer(self._highs, basis.carried(now, program))
        else:
            costs = np.flatnonzero(now.cost != program.cost)
            columns = np.flatnonzero(
                (now.column_lower != program.column_lower)
                | (now.column_upper != program.column_upper)
            )
            rows = np.flatnonzero(
                (now.row_lower != program.row_lower) | (now.row_upper != program.row_upper)
            )
            self.set_costs(costs, program.cost[costs])
            self.set_offset(program.offset)
            lower, upper = program.column_lower, program.column_upper
            self.set_column_bounds(columns, lower[columns], upper[columns])
            self.set_row_bounds(rows, program.row_lower[rows], program.row_upper[rows])
        self._program = program

    def set_row_bounds(self, rows: Positions, lower: Floats, upper: Floats) -> None:
        """Change the bounds of some rows, each shape (k,)."""
        turned = self._sides_to_turn(rows, lower, upper)
        self._highs.changeRowsBounds(len(rows), rows.astype(np.int32), *turned)
        row_lower, row_upper = self._program.row_lower.copy(), self._program.row_upper.copy()
        row_lower[rows], row_upper[rows] = lower, upper
        self._program = replace(self._program, row_lower=row_lower, row_upper=row_upper)

    def _sides_to_turn(
        self, rows: Positions, lower: Floats, upper: Floats
    ) -> tuple[Floats, Floats]:
        """Bounds to begin with: those of rows that are freed and have a price, turned around."""
        now = self._program
        self._turned -= set(rows.tolist())
        if self._row_dual is None or not self._is_warm or len(self._row_dual) != now.n_rows:
            return lower, upper
        price = self._row_dual[rows]
        freed = np.isinf(lower) & np.isinf(upper) & (price != 0)
        self._turned |= set(rows[freed].tolist())
        high = np.where(freed & (price > 0), now.row_lower[rows], upper)
        low = np.where(freed & (price < 0), now.row_upper[rows], lower)
        return low, high

    def set_column_bounds(self, columns: Positions, lower: Floats, upper: Floats) -> None:
        """Change the bounds of some columns, each shape (k,)."""
        whole = inward(lower, upper, self._program.integer[columns])
        self._highs.changeColsBounds(len(columns), columns.astype(np.int32), *whole)
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

        Parameters
        ----------
        row
            Position of the row.
        columns, values : shape (k,)
            Each column once.
        """
        matrix = self._program.matrix
        old, new = row_values(matrix, row), np.zeros(matrix.shape[1])
        new[columns] = values
        for column in np.flatnonzero(old != new).tolist():
            self._highs.changeCoeff(row, column, new[column])
        self._program = replace(self._program, matrix=with_row(matrix, row, new))

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
        old, new = column_values(matrix, column), np.zeros(matrix.shape[0])
        new[rows] = values
        for row in np.flatnonzero(old != new).tolist():
            self._highs.changeCoeff(row, column, new[row])
        self._program = replace(self._program, matrix=with_column(matrix, column, new))

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


def seconds_from_nothing(result: Result) -> float:
    """Seconds of an answer that was surely found from nothing, infinite for any other."""
    return result.seconds if result.solver == INTERIOR else np.inf
