"""The plan as sides that can be left out or stretched, without costs.

Demand that is not served breaks nothing, so that flows play no part unless a clause speaks of
them; nor do additions and retirements, which follow from the stock, unless there is a budget.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csc_array, csr_array, diags_array, hstack, vstack

from healthalloc.clause_table import existing_decisions
from healthalloc.formulation.assemble import Model
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.solvers.base import Result, Solver, SolverOptions, Status

Positions = NDArray[np.intp]
Mask = NDArray[np.bool_]
FLOWS = "flows"
LARGE = 3e3
"""Rows with a coefficient above this are scaled."""
SECONDS_A_TEST = 10.0
"""Longest that one question with whole units may take; beyond, it counts as unanswered."""


@dataclass(frozen=True, eq=False)
class Bounds:
    """The numbers of a plan that may be left out or moved.

    Parameters
    ----------
    clauses
        Least and most value of each enforced clause, in its unit.
    lower, upper : ndarray, shape (n_stock,)
        Stock limits, in units; an infinite ``upper`` is no limit.
    """

    clauses: tuple[tuple[float, float], ...]
    lower: Floats
    upper: Floats

    @classmethod
    def of(cls, model: Model) -> Bounds:
        """The numbers as the scenario gives them."""
        stock = model.scenario.stock
        return cls(
            tuple(enforced.clause.bounds for enforced in model.enforced),
            stock["lower"].to_numpy(dtype=float),
            stock["upper"].fillna(np.inf).to_numpy(dtype=float),
        )


@dataclass(frozen=True, eq=False)
class Aside:
    """Columns of the hard rows that can follow whatever the others decide.

    Parameters
    ----------
    name
    columns : ndarray of bool, shape (n_columns,)
    rows : ndarray of bool, shape (n hard rows,)
        Rows of which these columns make a solution for any values of the others.
    """

    name: str
    columns: Mask
    rows: Mask


@dataclass(frozen=True, eq=False)
class SoftProgram:
    """Rows that hold whatever happens, and sides, each of a member of the plan.

    Member k is the k-th enforced clause; after the clauses, the limits of each stock. A side
    is one bound: ``sides @ x >= limit`` where ``is_floor``, else ``<=``.

    Parameters
    ----------
    model
    solver, options
        Solver of the small programs.
    hard : LinearProgram
        Columns ``stock | open | reached``, with flows and referrals before the last if a clause
        speaks of them, with additions and retirements if there is a budget, and the rows that
        hold whatever happens; no costs.
    sides : csr_array, shape (n_sides, n_columns)
    limit : ndarray, shape (n_sides,)
    is_floor : ndarray of bool, shape (n_sides,)
    member : ndarray of int, shape (n_sides,)
    n_members
        Number of members, with and without sides.
    asides
        What plays no part where no side speaks of it: flows, additions and retirements.
    """

    model: Model
    solver: Solver
    options: SolverOptions
    hard: LinearProgram
    sides: csr_array
    limit: Floats
    is_floor: Mask
    member: Positions
    n_members: int
    asides: tuple[Aside, ...]

    @property
    def keeps_flow(self) -> bool:
        """Whether the columns of the flows are there."""
        return any(aside.name == FLOWS for aside in self.asides)

    @property
    def members(self) -> Positions:
        """Members that have a side, clauses first."""
        return np.unique(self.member)

    @property
    def n_clauses(self) -> int:
        """Number of members that are clauses."""
        return len(self.model.enforced)

    def base(self, x: Floats | None = None) -> Floats:
        """What one unit of each side's target stands for in its row, shape (n_sides,).

        Parameters
        ----------
        x
            Where the denominators that depend on decisions are taken; the base year if none.
        """
        base = np.ones(len(self.limit))
        z = existing_decisions(self.model.layout) if x is None else self.decisions(x)
        for number, enforced in enumerate(self.model.enforced):
            own = np.flatnonzero(self.member == number)
            values = enforced.measure.base(z)
            if len(own):
                base[own] = np.tile(values, len(own) // len(values))
        return base

    def decisions(self, x: Floats) -> Floats:
        """The vector of decisions at a point, without flows if they are left out."""
        layout = self.model.layout
        if self.keeps_flow:
            return x[: layout.n_decisions]
        head = layout.n_stock + layout.n_facilities
        return np.concatenate([x[:head], np.zeros(layout.n_decisions - head)])

    def shortfall(self, x: Floats) -> Floats:
        """How far each side is from holding at a point, in rows, shape (n_sides,)."""
        off: Floats = self.limit - self.sides @ x
        return np.where(self.is_floor, off, -off)

    def about(self, members: ArrayLike) -> SoftProgram:
        """The same for some members only, without the columns that play no part for them.

        Solved with whole units once for each member of a conflict, a program without the flows
        of a large district takes a fraction of the time.
        """
        used = np.isin(self.member, members)
        by_column, sides = csc_array(self.hard.matrix), csc_array(self.sides[used])
        columns, rows = (np.zeros(size, dtype=bool) for size in self.hard.matrix.shape[::-1])
        for aside in self.asides:
            own = by_column[:, aside.columns]
            if not sides[:, aside.columns].nnz and aside.rows[own.indices].all():
                columns, rows = columns | aside.columns, rows | aside.rows
        hard = self.hard
        narrow = LinearProgram(
            hard.cost[~columns], hard.offset, csc_array(by_column[~rows][:, ~columns]),
            hard.row_lower[~rows], hard.row_upper[~rows],
            hard.column_lower[~columns], hard.column_upper[~columns], hard.integer[~columns],
        )  # fmt: skip
        asides = tuple(
            Aside(aside.name, aside.columns[~columns], aside.rows[~rows])
            for aside in self.asides
            if not columns[aside.columns].any()
        )
        return replace(
            self, hard=narrow, sides=csr_array(sides[:, ~columns]), limit=self.limit[used],
            is_floor=self.is_floor[used], member=self.member[used], asides=asides,
        )  # fmt: skip

    def program(self, members: ArrayLike) -> tuple[LinearProgram, Positions]:
        """The program in which only some members are in force.

        Returns
        -------
        LinearProgram
            The hard rows, then the sides of the members.
        ndarray of int
            Those sides.
        """
        used = np.flatnonzero(np.isin(self.member, members))
        floor = self.is_floor[used]
        hard, limit = self.hard, self.limit[used]
        program = replace(
            hard,
            matrix=csc_array(vstack([hard.matrix, self.sides[used]])),
            row_lower=np.concatenate([hard.row_lower, np.where(floor, limit, -np.inf)]),
            row_upper=np.concatenate([hard.row_upper, np.where(floor, np.inf, limit)]),
        )
        return program, used

    def stretched(
        self, members: ArrayLike, column: Positions, amount: Floats, cost: Floats, most: Floats
    ) -> tuple[LinearProgram, Positions]:
        """The program in which further columns make sides easier to meet.

        Parameters
        ----------
        members
            Members in force.
        column : ndarray of int, shape (n_sides,)
            Further column that helps each side; -1: none.
        amount : ndarray, shape (n_sides,)
            How far one unit of it helps.
        cost, most : ndarray, shape (n further columns,)
            Price of one unit, and the most there is.

        Returns
        -------
        LinearProgram
            Columns of `program`, then the further ones.
        ndarray of int
            Sides in force.
        """
        program, used = self.program(members)
        helped = np.flatnonzero(column[used] >= 0)
        sign = np.where(self.is_floor[used[helped]], 1.0, -1.0)
        help_ = coo_array(
            (
                sign * amount[used[helped]],
                (self.hard.n_rows + helped, column[used[helped]]),
            ),
            shape=(program.n_rows, len(cost)),
        )
        stretched = replace(
            program,
            cost=np.concatenate([program.cost, cost]),
            matrix=csc_array(hstack([program.matrix, help_])),
            column_lower=np.concatenate([program.column_lower, np.zeros(len(cost))]),
            column_upper=np.concatenate([program.column_upper, most]),
            integer=np.concatenate([program.integer, np.zeros(len(cost), dtype=bool)]),
        )
        return stretched, used

    def run(self, program: LinearProgram, gap: float = 0.0) -> Result:
        """Solve a small program, within the time of one question if it has whole units.

        Parameters
        ----------
        program
        gap
            Relative gap that will do, if it is wider than that of the options.
        """
        options = replace(self.options, gap=max(gap, self.options.gap))
        if program.is_mixed_integer:
            seconds = min(options.time_limit_s, SECONDS_A_TEST)
            options = replace(options, time_limit_s=seconds)
        even, factor = evened(program)
        result = self.solver(even, options)
        if result.row_dual is not None:
            result = replace(result, row_dual=result.row_dual * factor)
        return result

    def feasible(self, members: ArrayLike, *, relaxed: bool = False) -> bool | None:
        """Whether some members can all hold; ``None`` if a limit came before the answer.

        Parameters
        ----------
        members
            Members in force.
        relaxed
            Whether fractions of units and sites are allowed.
        """
        program, _ = self.program(members)
        return answer_of(self.run(program.relaxed() if relaxed else program).status)


def answer_of(status: Status) -> bool | None:
    """Whether a program without costs has a solution; ``None`` if a limit came first."""
    if status.has_solution:
        return True
    return False if status is Status.INFEASIBLE else None


def evened(program: LinearProgram) -> tuple[LinearProgram, Floats]:
    """The program with rows of money brought down to the size of the others.

    The tolerances of solvers are absolute: a budget to the last 1e-7 CNY is more than they can
    promise.

    Parameters
    ----------
    program

    Returns
    -------
    LinearProgram
    ndarray, shape (n_rows,)
        Factor of each row, a power of two; 1 for most.
    """
    most = abs(csr_array(program.matrix)).max(axis=1).toarray().ravel()
    large = most > LARGE
    factor = np.ones(program.n_rows)
    if not large.any():
        return program, factor
    factor[large] = 2.0 ** -np.round(np.log2(most[large]))
    even = replace(
        program,
        matrix=csc_array(diags_array(factor) @ program.matrix),
        row_lower=program.row_lower * factor,
        row_upper=program.row_upper * factor,
    )
    return even, factor
