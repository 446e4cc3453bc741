"""The least and the most of stock over all plans that cost no more than so much."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from healthalloc.errors import NoSolutionError, SolverError, TimeLimitError
from healthalloc.explain.extended import SLACK, Builder, row_of
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.progress import phase
from healthalloc.solvers import Result, Session, SolverOptions, Status, certify
from healthalloc.solvers.basis import Basis

NEARLY = 1e-4
"""Largest gap of an end of a range; beyond that of other answers its proved bound is taken."""


@dataclass(frozen=True, eq=False)
class Ranges:
    """Range of some sums over all plans within a cost.

    Parameters
    ----------
    least, most : ndarray, shape (n_forms,)
        Infinite where there is no limit.
    searched : ndarray of bool, shape (n_forms,)
        Whether both ends were searched in time; elsewhere one or both are what the limits of
        the columns add up to, which leaves out no plan.
    """

    least: Floats
    most: Floats
    searched: NDArray[np.bool_]


def stock_ranges(
    program: LinearProgram,
    forms: csr_array,
    ceilings: Sequence[float],
    options: SolverOptions,
    *,
    seconds: float = np.inf,
) -> list[Ranges]:
    """Range of some sums over all plans within each of some costs, whole units relaxed.

    Two linear programs a sum, each from the last basis, except where a plan already found
    stands at the limit of every column of the sum (as in optimality-based bound tightening,
    Gleixner et al. 2017, doi:10.1007/s10898-016-0450-4). An end that puts no price on the cost
    is the end at every higher cost too, so that the highest takes little longer than the lowest.

    Parameters
    ----------
    program
    forms : csr_array, shape (n_forms, n_columns)
        With non-negative coefficients.
    ceilings
        Most that a plan may cost, CNY a year, ascending.
    options
        Time limit of each program.
    seconds
        Time limit of all of them together.

    Returns
    -------
    list of Ranges
        One for each ceiling. For a program with integer columns the true range lies within.

    Raises
    ------
    TimeLimitError
        If time was over before a sum without a limit of its own was searched.
    """
    until = time.monotonic() + seconds
    search = _Search(program.relaxed(), forms, options)
    limits = forms @ program.column_lower, _most(forms, program.column_upper)
    near_limits = limits[0] + SLACK * (1 + np.abs(limits[0])), limits[1] * (1 - SLACK) - SLACK
    n = forms.shape[0]
    ends = (np.full(n, np.inf), np.full(n, -np.inf))
    settled = (np.zeros(n, dtype=bool), np.zeros(n, dtype=bool))
    found = []
    for ceiling in ceilings:
        search.allow(ceiling)
        missed = (np.zeros(n, dtype=bool), np.zeros(n, dtype=bool))
        with phase("ranges", total=2 * n) as step:
            for side, sign in ((0, 1.0), (1, -1.0)):
                # what has no limit of its own first: it must not be missed
                for done, k in enumerate(np.argsort(np.isfinite(limits[side]), kind="stable")):
                    if settled[side][k]:
                        continue
                    step(done=side * n + done)
                    end = search.end(int(k), sign) if time.monotonic() < until else None
                    if end is None:
                        missed[side][k] = True
                        continue
                    if end.values is not None:
                        np.minimum(ends[0], end.values, out=ends[0])
                        np.maximum(ends[1], end.values, out=ends[1])
                        settled[0][ends[0] <= near_limits[0]] = True
                        settled[1][ends[1] >= near_limits[1]] = True
                    ends[side][k] = end.at
                    settled[side][k] |= end.is_free
        least, most = (np.where(missed[side], limits[side], ends[side]) for side in (0, 1))
        if (missed[1] & np.isinf(most)).any():
            raise TimeLimitError("time was over before all stocks without a limit had a range")
        found.append(Ranges(least, most, ~(missed[0] | missed[1])))
    return found


@dataclass(frozen=True, eq=False)
class _End:
    """One end of a range.

    Parameters
    ----------
    at
        Where it is.
    values : ndarray, shape (n_forms,), or None
        All sums at a plan that stands there, if it is finite.
    is_free
        Whether the cost does not matter to it.
    """

    at: float
    values: Floats | None
    is_free: bool


class _Search:
    """Searches ends of ranges, first among the flows that the least-cost plan may use.

    The other flows are most of all columns and seldom matter to how much stock there can be. An
    end found without them is proved for the whole program by the prices of its rows, at which
    none of them is wanted. Where that fails the whole program is solved.
    """

    def __init__(self, program: LinearProgram, forms: csr_array, options: SolverOptions) -> None:
        self._forms, self._options = forms, options
        builder = Builder(program)
        self._cost = builder.cost
        self._row = int(builder.add_rows(row_of(self._cost, scale=self._cost.as_row))[0])
        self._program = builder.program()
        self._basis: Basis | None = None
        self._parts: list[_Part] = []
        self._kept = [np.ones(self._program.n_columns, dtype=bool)]
        session = Session(program, options)
        cheapest = session.solve()
        if cheapest.x is not None and cheapest.column_dual is not None:
            if session.standing is not None:
                self._basis = session.standing.carried(program, self._program)
            flow = program.column_block("flow").slice
            few = self._kept[0].copy()
            wanted = (cheapest.x > 0) | (cheapest.column_dual <= SLACK)
            few[flow] = (wanted | (program.column_lower != 0))[flow]
            self._kept.insert(0, few)

    def allow(self, ceiling: float) -> None:
        """Let plans cost so much, no less than before."""
        upper = self._program.row_upper.copy()
        upper[self._row] = (ceiling + SLACK * max(1.0, abs(ceiling))) * self._cost.as_row
        self._program = replace(self._program, row_upper=upper)
        row = np.array([self._row])
        for part in self._parts:
            part.session.set_row_bounds(row, np.array([-np.inf]), upper[row])

    def end(self, k: int, sign: float) -> _End | None:
        """Least (sign 1) or most (sign -1) of a sum; None if a limit came first."""
        for place, kept in enumerate(self._kept):
            if place == len(self._parts):
                basis = self._basis if kept.all() else None
                part = _Part(self._program, kept, self._forms, self._options, basis)
                self._parts.append(part)
            part = self._parts[place]
            solved, result = part.solve(k, sign)
            if result.status is Status.UNBOUNDED:
                return _End(-sign * np.inf, None, True)
            if result.status in (Status.LIMIT_WITH_INCUMBENT, Status.LIMIT_WITHOUT_INCUMBENT):
                return None
            if result.x is None or result.row_dual is None:
                raise NoSolutionError(f"no range to show: the solve ended {result.status.value}")
            if part.wants_more(result.row_dual):
                continue
            certificate = certify(solved, result)
            if not certificate.passes(NEARLY):
                raise SolverError(f"a range does not pass its certificate: {certificate}")
            values = part.forms @ result.x
            # of a few units a gap is soon large: the proved end leaves no plan out
            at = values[k] if certificate.passes() else sign * certificate.bound
            return _End(at, values, bool(result.row_dual[self._row] == 0))
        raise AssertionError("the whole program wants no more")


class _Part:
    """A program with some of its columns, open in HiGHS; the others stand at 0."""

    def __init__(
        self, program: LinearProgram, kept: NDArray[np.bool_], forms: csr_array,
        options: SolverOptions, basis: Basis | None,
    ) -> None:  # fmt: skip
        few = np.flatnonzero(kept)
        self._left_out = csc_array(program.matrix[:, np.flatnonzero(~kept)])
        wide = csr_array(
            (forms.data, forms.indices, forms.indptr), shape=(forms.shape[0], program.n_columns)
        )
        self.forms = csr_array(wide[:, few])
        # the last point stays feasible when only the costs change
        self.session = Session(
            LinearProgram(
                program.cost[few], program.offset, csc_array(program.matrix[:, few]),
                program.row_lower, program.row_upper, program.column_lower[few],
                program.column_upper[few], program.integer[few],
            ),
            options, primal=True, basis=basis,
        )  # fmt: skip

    def solve(self, k: int, sign: float) -> tuple[LinearProgram, Result]:
        """Minimise a sum, times a sign; what was solved, and the answer."""
        form = slice(self.forms.indptr[k], self.forms.indptr[k + 1])
        columns = self.forms.indices[form].astype(np.intp)
        self.session.set_costs(columns, sign * self.forms.data[form])
        result = self.session.solve()
        solved = self.session.program
        self.session.set_costs(columns, np.zeros(len(columns)))
        return solved, result

    def wants_more(self, row_dual: Floats) -> bool:
        """Whether a column that is left out would do better than those kept."""
        return bool((self._left_out.T @ row_dual > SLACK).any())


def _most(forms: csr_array, upper: Floats) -> Floats:
    """Sums at the columns' upper bounds; forms without an unlimited column stay finite."""
    finite = np.where(np.isfinite(upper), upper, 0.0)
    endless = forms @ np.isinf(upper).astype(float) > 0
    most: Floats = np.where(endless, np.inf, forms @ finite)
    return most
