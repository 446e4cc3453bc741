"""The optimal points of a solved program, searched for how far a target can move among them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from healthalloc.errors import SolverError, TimeLimitError
from healthalloc.explain.prices.faces import face, farthest, moves_every_bound, split
from healthalloc.explain.prices.moves import Move
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.solvers import Session, SolverOptions, certify, solve_highs
from healthalloc.solvers.base import Result, Status

_CLOSE = 1e-9
_MOST_STEPS = 30


class OptimalFace:
    """The optimal points of a program, open in HiGHS.

    Every question begins at the optimal basis, which is feasible for it, and goes on with the
    primal simplex method.

    Parameters
    ----------
    program
        Without integers.
    x, dual
        An optimal point and optimal duals of it.
    basis
        The basis of both.
    options
    """

    def __init__(
        self, program: LinearProgram, x: Floats, dual: Floats, basis: Any, options: SolverOptions
    ) -> None:
        self._program, self._x, self._dual, self._options = program, x, dual, options
        self._session = Session(_with_move(face(program, dual)), options, primal=True)
        self._basis = _with_one_more(basis)

    def range_of(self, form: Floats) -> tuple[float, float]:
        """The least and the most of a sum of columns over the optimal points.

        Parameters
        ----------
        form : ndarray, shape (n_columns,)
        """
        program = self._session.program
        loose = program.column_lower < program.column_upper
        at = float(form @ self._x)
        if not form[loose[:-1]].any():
            return at, at
        ends = [self._best(sign * form) for sign in (1.0, -1.0)]
        least, most = (
            sign * np.inf if x is None else float(form @ x) for sign, x in zip((-1.0, 1.0), ends)
        )
        return least, most

    def farthest(self, move: Move, way: int, dual: Floats, limit: float) -> float:
        """The farthest move at which some feasible point is complementary to given duals.

        Parameters
        ----------
        move
            Without a denominator.
        way
            1 to tighten, -1 to loosen.
        dual : ndarray, shape (n_rows,)
        limit
            Farthest move allowed; may be infinite.
        """
        if not moves_every_bound(self._program, move):
            return self._farthest_apart(move, way, dual, limit)
        program = _asking(farthest(self._program, move, way, dual), limit)
        session, n = self._session, self._program.n_columns
        was = session.program
        rows = _differ(was.row_lower, program.row_lower, was.row_upper, program.row_upper)
        columns = _differ(
            was.column_lower, program.column_lower, was.column_upper, program.column_upper
        )
        of = slice(int(program.matrix.indptr[n]), int(program.matrix.indptr[n + 1]))
        session.set_row_bounds(rows, program.row_lower[rows], program.row_upper[rows])
        session.set_column_bounds(
            columns, program.column_lower[columns], program.column_upper[columns]
        )
        session.set_column(n, program.matrix.indices[of].astype(np.intp), program.matrix.data[of])
        session.set_costs(np.array([n]), np.array([-1.0]))
        session.return_to(self._basis)
        result = proved(session.program, session.solve(), Status.UNBOUNDED)
        session.set_row_bounds(rows, was.row_lower[rows], was.row_upper[rows])
        session.set_column_bounds(columns, was.column_lower[columns], was.column_upper[columns])
        session.set_column(n, np.zeros(0, dtype=np.intp), np.zeros(0))
        session.set_costs(np.array([n]), np.zeros(1))
        return np.inf if result.x is None else float(result.x[-1])

    def _farthest_apart(self, move: Move, way: int, dual: Floats, limit: float) -> float:
        """The same where a bound of the rows stays: the one that moves gets a row of its own."""
        program, apart = split(self._program, move)
        own = dual[move.rows]
        priced = (own > 0) & move.lower | (own < 0) & move.upper
        rest = dual.copy()
        rest[move.rows] = np.where(priced, 0.0, own)
        both = np.append(rest, np.where(priced, own, 0.0))
        program = _asking(farthest(program, apart, way, both), limit)
        result = proved(program, solve_highs(program, self._options), Status.UNBOUNDED)
        return np.inf if result.x is None else float(result.x[-1])

    def farthest_ratio(self, move: Move, limit: float) -> float:
        """How far a target without a price can be tightened that stands in one row's coefficients.

        The most of a ratio over the optimal points, as a sequence of linear programs
        (Dinkelbach 1967, doi:10.1287/mnsc.13.7.492).

        Parameters
        ----------
        move
            Of one row, with a denominator.
        limit
            Farthest move allowed; may be infinite.
        """
        assert move.denominator is not None
        row = int(move.rows[0])
        program = self._program
        top = move.sign * program.matrix[[row]].toarray().ravel()
        bound = program.row_lower[row] if move.lower else program.row_upper[row]
        rhs = move.sign * float(bound)
        bottom = move.denominator.toarray().ravel()
        constant = float(move.constant[0])
        x, reach = self._x, 0.0
        for _ in range(_MOST_STEPS):
            base = constant + float(bottom @ x)
            spare = float(top @ x) - rhs
            if base <= _CLOSE:
                return limit if spare >= -_CLOSE else reach
            further = max(reach, spare / base)
            if further >= limit:
                return limit
            if further - reach <= _CLOSE * (1.0 + further) and reach > 0:
                break
            reach = further
            best = self._best(reach * bottom - top)
            if best is None:
                return limit
            x = best
        return reach

    def _best(self, form: Floats) -> Floats | None:
        """The optimal point with the least of a sum; ``None`` if there is no least."""
        session, used = self._session, np.flatnonzero(form)
        session.set_costs(used, form[used])
        session.return_to(self._basis)
        result = proved(session.program, session.solve(), Status.UNBOUNDED)
        session.set_costs(used, np.zeros(len(used)))
        return None if result.x is None else result.x[:-1]


def _differ(lower: Floats, new_lower: Floats, upper: Floats, new_upper: Floats) -> NDArray[np.intp]:
    """Where two pairs of bounds differ."""
    return np.flatnonzero((lower != new_lower) | (upper != new_upper))


def _with_one_more(basis: Any) -> Any:
    """The basis of a program with one column more, at its lower bound."""
    import highspy

    wide = highspy.HighsBasis()
    wide.col_status = [*basis.col_status, highspy.HighsBasisStatus.kLower]
    wide.row_status = basis.row_status
    wide.valid = basis.valid
    return wide


def _with_move(program: LinearProgram) -> LinearProgram:
    """The program with a column more, of nothing."""
    matrix = program.matrix
    wide = csc_array(
        (matrix.data, matrix.indices, np.append(matrix.indptr, matrix.nnz)),
        shape=(program.n_rows, program.n_columns + 1),
    )
    return replace(
        program, cost=np.append(program.cost, 0.0), matrix=wide,
        column_lower=np.append(program.column_lower, 0.0),
        column_upper=np.append(program.column_upper, 0.0),
        integer=np.append(program.integer, False),
    )  # fmt: skip


def _asking(program: LinearProgram, limit: float) -> LinearProgram:
    """The program that asks for the most of its last column, up to a limit."""
    cost, upper = program.cost.copy(), program.column_upper.copy()
    cost[-1], upper[-1] = -1.0, limit
    return replace(program, cost=cost, column_upper=upper)


def proved(program: LinearProgram, result: Result, otherwise: Status | None = None) -> Result:
    """A result that is optimal and certified.

    Parameters
    ----------
    program, result
    otherwise
        A status without solution that means something here and passes as well.

    Raises
    ------
    TimeLimitError
        If a limit came first.
    SolverError
        If the result is neither.
    """
    if otherwise is not None and result.status is otherwise:
        return replace(result, x=None, row_dual=None)
    if result.status in (Status.LIMIT_WITH_INCUMBENT, Status.LIMIT_WITHOUT_INCUMBENT):
        raise TimeLimitError("no prices: a limit came before any solution")
    if result.status is not Status.OPTIMAL:
        raise SolverError(f"a program of the price search ended {result.status.value}")
    certificate = certify(program, result)
    if not certificate.passes(0.0):
        raise SolverError(f"an answer does not pass the certificate: {certificate}")
    return result
