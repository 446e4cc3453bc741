"""How the least cost of a linear program answers to a moving target: slopes and their reach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from healthalloc.errors import SolverError
from healthalloc.explain.faces import directions, directions_and_points, face, farthest
from healthalloc.explain.moves import Move, Positions, moved_rows
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.solvers import Session, SolverOptions, certify, solve_highs
from healthalloc.solvers.base import Result, Status

ZERO = 1e-6
"""A slope of no more CNY a year counts as none."""
DRIFT = 0.05
"""Where the slope changes smoothly, it holds as long as it changes by no more than this share."""
_SEARCH = 1e-4
_FIRST_STEP = 1e-3
_DOUBLINGS = 24


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
        result = _proved(program, self._session.solve())
        if result.x is None or result.row_dual is None:
            raise SolverError(f"the program to be priced ended {result.status.value}")
        self.x, self.dual = result.x, result.row_dual
        self.cost = float(program.cost @ self.x) + program.offset
        self._direction = Session(directions(program, self.x), options)

    def without(self, rows: Positions) -> float:
        """Least cost without some rows, CNY a year."""
        program = self.program
        free = np.full(len(rows), np.inf)
        self._session.set_row_bounds(rows, -free, free)
        result = _proved(self._session.program, self._session.solve())
        self._session.set_row_bounds(rows, program.row_lower[rows], program.row_upper[rows])
        if result.x is None:
            raise SolverError(f"the program without a clause ended {result.status.value}")
        return float(program.cost @ result.x) + program.offset

    def can_move(self, move: Move) -> bool:
        """Whether any of the rows holds a column that is not fixed."""
        loose = self.program.column_lower < self.program.column_upper
        return bool((abs(csr_array(self.program.matrix)[move.rows]) @ loose).any())

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
        move = self._fixed_as_constant(move)
        was = self._direction.program
        lower, upper = was.row_lower[move.rows], was.row_upper[move.rows]
        at_lower = np.isfinite(lower) & move.lower
        at_upper = np.isfinite(upper) & move.upper
        if not (at_lower | at_upper).any():
            return 0.0, self.dual
        if move.denominator is not None and not self._one_base(move):
            program = directions_and_points(was, face(self.program, self.dual), move, way)
            result = _proved(program, self._solve(program), Status.INFEASIBLE)
            dual = self.dual
        else:
            change = way * move.sign * move.base(self.x)
            self._direction.set_row_bounds(
                move.rows, np.where(at_lower, change, lower), np.where(at_upper, change, upper)
            )
            result = _proved(self._direction.program, self._direction.solve(), Status.INFEASIBLE)
            self._direction.set_row_bounds(move.rows, lower, upper)
            dual = self.dual if result.row_dual is None else result.row_dual
        if result.x is None:
            return way * np.inf, dual
        slope = way * float(self.program.cost @ result.x[: len(self.x)])
        return slope if abs(slope) > ZERO else 0.0, dual

    def reach(
        self, move: Move, way: int, slope: float, dual: Floats, limit: float, target: float
    ) -> float:
        """How far the targets can move until the slope changes.

        With targets on the right-hand side: exactly, as the farthest move at which some
        feasible point is complementary to the duals. With targets in the coefficients the
        slope changes all the way; it holds while it and the change of cost that it foretells
        are right to within `DRIFT`, which is found by warm re-solves, to four digits.

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
        move = self._fixed_as_constant(move)
        if move.denominator is not None:
            return self._search(move, way, slope, limit, abs(target))
        if way < 0 and slope == 0 and move.lower != move.upper:
            return limit  # a cost that is convex and never falls as targets tighten
        result = _proved(
            program := farthest(self.program, move, way, dual, limit),
            self._solve(program),
            Status.UNBOUNDED,
        )
        return np.inf if result.x is None else float(result.x[-1])

    def _solve(self, program: LinearProgram) -> Result:
        return solve_highs(program, self._options)

    def _fixed_as_constant(self, move: Move) -> Move:
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
        optimal = face(self.program, self.dual)
        loose = optimal.column_lower < optimal.column_upper
        for k in range(len(move.rows)):
            cost = move.denominator[[k]].toarray().ravel()
            if not cost[loose].any():
                continue
            ends = []
            for sign in (1.0, -1.0):
                program = replace(optimal, cost=sign * cost, offset=0.0)
                result = _proved(program, self._solve(program), Status.UNBOUNDED)
                ends.append(np.inf if result.x is None else float(cost @ result.x))
            if not abs(ends[1] - ends[0]) <= ZERO * (1.0 + abs(ends[0])):
                return False
        return True

    def _search(self, move: Move, way: int, slope: float, limit: float, target: float) -> float:
        """Doubling, then bisection, for the farthest move at which the slope holds."""
        step = _FIRST_STEP * (target or 1.0)
        good, bad = 0.0, limit
        for _ in range(_DOUBLINGS):
            tried = min(step, limit)
            if not self._holds(move, way * tried, slope):
                bad = tried
                break
            good, step = tried, 2 * step
            if good == limit:
                break
        while np.isfinite(bad) and bad - good > _SEARCH * bad:
            middle = (good + bad) / 2
            good, bad = (middle, bad) if self._holds(move, way * middle, slope) else (good, middle)
        self._set(move, 0.0)
        return good if np.isfinite(bad) else np.inf

    def _set(self, move: Move, step: float) -> None:
        lower, upper, matrix = moved_rows(self.program, move, step)
        self._session.set_row_bounds(move.rows, lower, upper)
        for k, row in enumerate(move.rows):
            part = slice(matrix.indptr[k], matrix.indptr[k + 1])
            columns = matrix.indices[part].astype(np.intp)
            self._session.set_row(int(row), columns, matrix.data[part])

    def _holds(self, move: Move, step: float, slope: float) -> bool:
        """Whether the targets moved by a step have (nearly) the same slope."""
        self._set(move, step)
        result = _proved(self._session.program, self._session.solve(), Status.INFEASIBLE)
        if result.x is None or result.row_dual is None:
            return False
        change = float(self.program.cost @ result.x) + self.program.offset - self.cost
        noise = ZERO * (1.0 + abs(step)) + 1e-10 * abs(self.cost)
        if abs(change - slope * step) > DRIFT * abs(slope * step) + noise:
            return False
        if slope == 0:
            return True  # whichever duals the solver found
        dual = result.row_dual[move.rows]
        priced = np.clip(dual, 0.0 if not move.upper else None, None if move.lower else 0.0)
        found = move.sign * float(priced @ move.base(result.x))
        return abs(found - slope) <= DRIFT * abs(slope) + ZERO


def _proved(program: LinearProgram, result: Result, otherwise: Status | None = None) -> Result:
    """A result that is optimal and certified.

    Parameters
    ----------
    program, result
    otherwise
        A status without solution that means something here and passes as well.

    Raises
    ------
    SolverError
        If the result is neither.
    """
    if otherwise is not None and result.status is otherwise:
        return replace(result, x=None, row_dual=None)
    if result.status is not Status.OPTIMAL:
        raise SolverError(f"a program of the price search ended {result.status.value}")
    certificate = certify(program, result)
    if not certificate.passes(0.0):
        raise SolverError(f"an answer does not pass the certificate: {certificate}")
    return result
