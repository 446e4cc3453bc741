"""How the least cost of a linear program answers to a moving target: slopes and their reach."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, csc_array, csr_array, hstack, vstack

from healthalloc.errors import SolverError
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.solvers import Session, SolverOptions, certify, solve_highs
from healthalloc.solvers.base import Result, Status

Positions = NDArray[np.intp]
Mask = NDArray[np.bool_]

ZERO = 1e-6
"""A slope of no more CNY a year counts as none."""
DRIFT = 0.01
"""Where the slope changes smoothly, it holds as long as it changes by no more than this share."""
_AT_BOUND = 1e-9
_SEARCH = 1e-4
_LEAST_STEP = 1e-3
_DOUBLINGS = 24


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
    lower, upper, matrix = _moved_rows(program, move, step)
    row_lower, row_upper = program.row_lower.copy(), program.row_upper.copy()
    row_lower[move.rows], row_upper[move.rows] = lower, upper
    whole = program.matrix
    if move.denominator is not None:
        place = csr_array(
            (np.ones(len(move.rows)), (move.rows, np.arange(len(move.rows)))),
            shape=(program.n_rows, len(move.rows)),
        )
        whole = csc_array(whole + place @ (matrix - csr_array(whole)[move.rows]))
        whole.eliminate_zeros()
    return replace(program, matrix=whole, row_lower=row_lower, row_upper=row_upper)


def _moved_rows(
    program: LinearProgram, move: Move, step: float
) -> tuple[Floats, Floats, csr_array]:
    shift = move.sign * step
    lower, upper = program.row_lower[move.rows], program.row_upper[move.rows]
    lower = lower + shift * move.constant * move.lower
    upper = upper + shift * move.constant * move.upper
    matrix = csr_array(program.matrix)[move.rows]
    if move.denominator is not None:
        matrix = csr_array(matrix - shift * move.denominator)
    return lower, upper, matrix


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
        self._row_at = _at_bounds(
            program.matrix @ self.x, program.row_lower, program.row_upper,
            1.0 + abs(program.matrix) @ np.abs(self.x),
        )  # fmt: skip
        self._column_at = _at_bounds(
            self.x, program.column_lower, program.column_upper, 1.0 + np.abs(self.x)
        )
        self._direction = Session(self._directions(), options)

    def _directions(self) -> LinearProgram:
        """Feasible directions at the optimum: what stands at a bound may only leave inward."""

        def bounds(at: tuple[Mask, Mask]) -> tuple[Floats, Floats]:
            return np.where(at[0], 0.0, -np.inf), np.where(at[1], 0.0, np.inf)

        row_lower, row_upper = bounds(self._row_at)
        column_lower, column_upper = bounds(self._column_at)
        return LinearProgram(
            self.program.cost, 0.0, self.program.matrix, row_lower, row_upper,
            column_lower, column_upper, np.zeros(self.program.n_columns, dtype=bool),
        )  # fmt: skip

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
        at_lower = self._row_at[0][move.rows] & move.lower
        at_upper = self._row_at[1][move.rows] & move.upper
        if not (at_lower | at_upper).any():
            return 0.0, self.dual
        base = move.base(self.x)
        if move.denominator is not None and not self._one_base(move):
            result = self._joint(move, way, at_lower, at_upper)
            slope = (
                np.inf if result.x is None else float(self.program.cost @ result.x[: len(self.x)])
            )
            return way * slope if abs(slope) > ZERO else 0.0, self.dual
        change = way * move.sign * base
        was = self._direction.program
        lower, upper = was.row_lower[move.rows], was.row_upper[move.rows]
        self._direction.set_row_bounds(
            move.rows, np.where(at_lower, change, lower), np.where(at_upper, change, upper)
        )
        result = _proved(self._direction.program, self._direction.solve())
        self._direction.set_row_bounds(move.rows, lower, upper)
        if result.x is None or result.row_dual is None:
            return way * np.inf, self.dual
        slope = way * float(self.program.cost @ result.x)
        return slope if abs(slope) > ZERO else 0.0, result.row_dual

    def reach(
        self, move: Move, way: int, slope: float, dual: Floats, limit: float, target: float
    ) -> float:
        """How far the targets can move until the slope changes.

        With targets on the right-hand side: exactly, the farthest move at which some feasible
        point is complementary to the duals. With targets in the coefficients the slope changes
        all the way, and holds while it is within `DRIFT`; found by warm re-solves, to four
        digits.

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
        if way < 0 and slope == 0 and move.lower != move.upper:
            # cost never falls when a target is tightened: what saves nothing here never does
            if move.denominator is None:
                return limit
        move = self._fixed_as_constant(move)
        if move.denominator is not None:
            return self._search(move, way, slope, limit, abs(target))
        rows, change = move.rows, way * move.sign * move.constant
        face = self._face(dual)
        lower, upper = face.row_lower.copy(), face.row_upper.copy()
        own_lower = np.where(move.lower, lower[rows], -np.inf)
        own_upper = np.where(move.upper, upper[rows], np.inf)
        priced = face.row_lower[rows] == face.row_upper[rows]
        own_lower, own_upper = (
            np.where(priced, face.row_lower[rows], own_lower),
            np.where(priced, face.row_upper[rows], own_upper),
        )
        if move.lower:
            lower[rows] = -np.inf
        if move.upper:
            upper[rows] = np.inf
        # a bound that moves stands in a row of its own, so that the other one stays
        lower[rows[priced]], upper[rows[priced]] = -np.inf, np.inf
        own = csr_array(face.matrix)[rows]
        matrix = block_array([[face.matrix, None], [own, csr_array(-change[:, None])]])
        n = face.n_columns
        result = _proved(
            program := LinearProgram(
                np.append(np.zeros(n), -1.0), 0.0, csc_array(matrix),
                np.concatenate([lower, own_lower]), np.concatenate([upper, own_upper]),
                np.append(face.column_lower, 0.0), np.append(face.column_upper, limit),
                np.zeros(n + 1, dtype=bool),
            ),
            solve_highs(program, self._options),
        )  # fmt: skip
        return np.inf if result.x is None else float(result.x[-1])
