"""How the least cost of a linear program answers to a moving target: slopes and their reach."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from healthalloc.errors import SolverError
from healthalloc.explain.prices.faces import directions, directions_and_points, face
from healthalloc.explain.prices.moves import Move, Positions, freed, moved_rows
from healthalloc.explain.prices.reach import OptimalFace, proved
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.solvers import Session, SolverOptions, solve_highs
from healthalloc.solvers.base import Status

ZERO = 1e-6
"""A slope of no more CNY a year counts as none."""
DRIFT = 0.05
"""Where the slope changes smoothly, it holds as long as it changes by no more than this share."""
_SEARCH = 1e-3
_FIRST_STEP = 1e-2
_GROWTH = 4.0
_MOST_TRIES = 60
_ENDLESS = 1e4


class Sensitivity:
    """A solved linear program, and how its least cost changes with its targets.

    With targets on the right-hand side the least cost is convex and piecewise linear in them;
    where several duals are optimal it has a kink, and its two slopes are the directional
    derivatives ``min cost @ d`` over the feasible directions ``d`` at the optimum, whose duals
    are the optimal duals of the program (Bertsimas and Tsitsiklis 1997, section 5.2). With
    targets in the coefficients the slope is the saddle value of ``dual @ base(x)`` over the
    optimal faces (Freund 1985, doi:10.1007/BFb0121072).

    Parameters
    ----------
    program
        Without integers.
    options

    Raises
    ------
    SolverError
        If the program cannot be solved to a proved optimum.
    """

    def __init__(self, program: LinearProgram, options: SolverOptions) -> None:
        self._options = options
        self.program = program
        self._session = Session(program, options)
        result = proved(program, self._session.solve())
        if result.x is None or result.row_dual is None:
            raise SolverError(f"the program to be priced ended {result.status.value}")
        self.x, self.dual = result.x, result.row_dual
        self.cost = float(program.cost @ self.x) + program.offset
        self._basis = self._session.basis
        self._direction = Session(directions(program, self.x), options)

    @cached_property
    def _by_row(self) -> csr_array:
        return csr_array(self.program.matrix)

    @cached_property
    def _loose_columns(self) -> Floats:
        """Columns that are not fixed, in each row."""
        loose = self.program.column_lower < self.program.column_upper
        counted: Floats = abs(self._by_row) @ loose.astype(float)
        return counted

    @cached_property
    def _freed(self) -> Session:
        # what is optimal stays feasible when rows are taken away or costs change
        session = Session(self.program, self._options, primal=True)
        session.return_to(self._basis)
        return session

    @cached_property
    def _face(self) -> OptimalFace:
        return OptimalFace(self.program, self.x, self.dual, self._basis, self._options)

    def without(self, rows: Positions, points: Positions) -> float:
        """Least cost without some clauses, CNY a year.

        Parameters
        ----------
        rows, points
            As for `freed`.
        """
        if not self.dual[rows].any() and not self.program.cost[points].any():
            return self.cost  # the same duals prove the same point optimal without them
        program = freed(self.program, rows, points)
        self._open_freed(program, rows, points)
        result = proved(program, self._freed.solve())
        self._open_freed(self.program, rows, points)
        self._freed.return_to(self._basis)
        if result.x is None:
            raise SolverError(f"the program without a clause ended {result.status.value}")
        return float(program.cost @ result.x) + program.offset

    def _open_freed(self, program: LinearProgram, rows: Positions, points: Positions) -> None:
        self._freed.set_row_bounds(rows, program.row_lower[rows], program.row_upper[rows])
        self._freed.set_costs(points, program.cost[points])
        self._freed.set_offset(program.offset)

    def can_move(self, move: Move) -> bool:
        """Whether any of the rows holds a column that is not fixed."""
        return bool(self._loose_columns[move.rows].any())

    def slope(self, move: Move, way: int) -> tuple[float, Floats]:
        """Change of the least cost for each unit by which some targets are tightened.

        Parameters
        ----------
        move
        way
            1 for the slope on the tighter side, -1 for that on the looser side.

        Returns
        -------
        slope
            CNY a year for a unit tighter; ``inf`` (``-inf``) if the program has no solution on
            the tighter (looser) side.
        dual : ndarray, shape (n_rows,)
            Optimal duals of the program that have this slope.
        """
        if way < 0 and self._has_no_price(move):
            return 0.0, self.dual  # the least of the prices that are right
        move = self.settled(move)
        was = self._direction.program
        lower, upper = was.row_lower[move.rows], was.row_upper[move.rows]
        at_lower = np.isfinite(lower) & move.lower
        at_upper = np.isfinite(upper) & move.upper
        if not (at_lower | at_upper).any():
            return 0.0, self.dual
        base = move.base(self.x)
        change = way * move.sign * base
        self._direction.set_row_bounds(
            move.rows, np.where(at_lower, change, lower), np.where(at_upper, change, upper)
        )
        result = proved(self._direction.program, self._direction.solve(), Status.INFEASIBLE)
        self._direction.set_row_bounds(move.rows, lower, upper)
        dual = self.dual if result.row_dual is None else result.row_dual
        slope = self._rise(result.x, way)
        if move.denominator is None or (slope == 0 and (base > 0).all()):
            return slope, dual  # no dual but 0 is right, or each costs the same at any point
        if self._one_base(move):
            return slope, dual
        program = directions_and_points(was, face(self.program, self.dual), move, way)
        result = proved(program, solve_highs(program, self._options), Status.INFEASIBLE)
        return self._rise(result.x, way), self.dual

    def _rise(self, direction: Floats | None, way: int) -> float:
        if direction is None:
            return way * np.inf
        slope = way * float((self.program.cost * direction[: len(self.x)]).sum())
        return slope if abs(slope) > ZERO else 0.0

    def _has_no_price(self, move: Move) -> bool:
        """Whether a bound moves that has, by the duals at hand, no price."""
        return move.lower != move.upper and not self.dual[move.rows].any()

    def reach(
        self, move: Move, way: int, slope: float, dual: Floats, limit: float, target: float
    ) -> float:
        """How far the targets can move until the slope changes.

        With targets on the right-hand side: exactly, as the farthest move at which some
        feasible point is complementary to the duals. With targets in the coefficients the
        slope changes all the way; it holds while it and the change of cost that it foretells
        are right to within `DRIFT`, which is found by warm re-solves, to three digits; where it is
        0, exactly.

        Parameters
        ----------
        move, way
            As for `slope`.
        slope, dual
            As `slope` gives them.
        limit
            Farthest move that makes sense, in the unit of the target; may be infinite.
        target
            Where the targets stand.
        """
        if limit <= 0 or np.isinf(slope):
            return 0.0
        if way < 0 and slope == 0 and self._has_no_price(move):
            return limit  # the point at hand is optimal without the rows
        move = self.settled(move)
        if move.denominator is None:
            if way < 0 and slope == 0 and move.lower != move.upper:
                return limit  # a cost that is convex and never falls as targets tighten
            return self._face.farthest(move, way, dual, limit)
        if way > 0 and slope == 0 and len(move.rows) == 1:
            return self._face.farthest_ratio(move, limit)
        return self._search(move, way, slope, limit, abs(target))

    def settled(self, move: Move) -> Move:
        """The same move with the fixed columns of its denominators counted as constants."""
        if move.denominator is None:
            return move
        program = self.program
        fixed = program.column_lower == program.column_upper
        constant = move.constant + move.denominator @ np.where(fixed, self.x, 0.0)
        free = csr_array(move.denominator.multiply(~fixed[None, :]))
        free.eliminate_zeros()
        return replace(move, constant=constant, denominator=free if free.nnz else None)

    def _one_base(self, move: Move) -> bool:
        """Whether the denominators are the same at every optimal point."""
        assert move.denominator is not None
        for k in range(len(move.rows)):
            least, most = self._face.range_of(move.denominator[[k]].toarray().ravel())
            if not most - least <= ZERO * (1.0 + abs(least)):
                return False
        return True

    def _search(self, move: Move, way: int, slope: float, limit: float, target: float) -> float:
        """The farthest move at which the slope holds: growing steps, then false position."""
        good, bad = (0.0, 0.0), (limit, np.inf)
        step = min(limit, _FIRST_STEP * (target or 1.0))
        endless = _ENDLESS * (target or 1.0)
        found_bad = False
        for tried in range(_MOST_TRIES):
            change = self._drift(move, way * step, slope)
            if change <= 1.0:
                good = (step, change)
            else:
                bad, found_bad = (step, change), True
            if (
                good[0] == limit
                or good[0] >= endless
                or (found_bad and bad[0] - good[0] <= _SEARCH * bad[0])
            ):
                break
            if not found_bad:
                step = min(_GROWTH * step, limit)
                continue
            share = 0.5
            if np.isfinite(bad[1]) and tried % 2:
                share = float(np.clip((1.0 - good[1]) / (bad[1] - good[1]), 0.02, 0.98))
            step = good[0] + share * (bad[0] - good[0])
        self._set(move, 0.0)
        return good[0] if found_bad or good[0] == limit else np.inf

    def _set(self, move: Move, step: float) -> None:
        lower, upper, matrix = moved_rows(self.program, move, step, self._by_row[move.rows])
        self._session.set_row_bounds(move.rows, lower, upper)
        for k, row in enumerate(move.rows):
            part = slice(matrix.indptr[k], matrix.indptr[k + 1])
            columns = matrix.indices[part].astype(np.intp)
            self._session.set_row(int(row), columns, matrix.data[part])

    def _drift(self, move: Move, step: float, slope: float) -> float:
        """How far the slope, and the change of cost that it foretells, are off after a move.

        1 is what is allowed; infinite where the program has no solution.
        """
        self._set(move, step)
        result = proved(self._session.program, self._session.solve(), Status.INFEASIBLE)
        if result.x is None or result.row_dual is None:
            return np.inf
        change = float(self.program.cost @ result.x) + self.program.offset - self.cost
        noise = ZERO * (1.0 + abs(step)) + 1e-10 * abs(self.cost)
        foretold = abs(change - slope * step) / (DRIFT * abs(slope * step) + noise)
        if slope == 0:
            return foretold  # whichever duals the solver found
        dual = result.row_dual[move.rows]
        priced = np.clip(dual, 0.0 if not move.upper else None, None if move.lower else 0.0)
        found = move.sign * float(priced @ move.base(result.x))
        return max(foretold, abs(found - slope) / (DRIFT * abs(slope) + ZERO))
