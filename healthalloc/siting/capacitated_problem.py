"""Choose sites of limited size at least cost: search, bound, fix, prove."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from healthalloc.formulation.program import LinearProgram
from healthalloc.siting.assign import Assigned, assign, valued
from healthalloc.siting.capacitated import Capacitated, capacitated_program, link_rows
from healthalloc.siting.capacitated_bound import fix_sites, raise_bound
from healthalloc.siting.capacitated_search import search
from healthalloc.siting.costs import Flags, Floats
from healthalloc.siting.ranked import grain, lifted
from healthalloc.solvers import Session, SolverOptions, solve_highs
from healthalloc.solvers.base import Status

_LINK_ROUNDS = 30
_SEARCH_SHARE = 0.25  # of the time, at most, goes to the first sites
_BOUND_FACTOR = 10.0  # of the time of the search goes to the bound where no proof is asked for


@dataclass(frozen=True, eq=False)
class Found:
    """Sites with their assignment, and what no others go below.

    Parameters
    ----------
    best : Assigned or None
        None if no sites were found that serve everyone.
    bound
    status
    """

    best: Assigned | None
    bound: float
    status: Status


def solve_sites(problem: Capacitated, *, exact: bool, until: float, gap: float) -> Found:
    """Open sites and assign everyone at least cost.

    Greedy choice and exchanges give sites, Lagrangian prices a bound; the two close sites and
    strike out pairs that no better answer can use. What is left goes to HiGHS with the rows
    ``share <= site`` that its relaxation breaks.

    Parameters
    ----------
    problem
    exact
        If false, stop at greedy choice, exchanges and the Lagrangian bound.
    until
        ``time.perf_counter()`` at which to stop.
    gap
        Relative gap that counts as proof.
    """
    now, step = time.perf_counter(), _step(problem)
    best = search(problem, now + (until - now) * _SEARCH_SHARE)
    spent = time.perf_counter() - now
    bound_until = until if exact else min(until, now + _BOUND_FACTOR * spent)
    bound, best = raise_bound(problem, best, step, bound_until)
    lower = min(lifted(bound.value, step), best.total)
    slack = max(1e-10, 0.5 * gap) * abs(best.total) if np.isfinite(best.total) else 0.0
    if best.total - lower <= slack or not exact or time.perf_counter() > until:
        return _closed_with(best, lower, gap)
    margin = max(step * (1 - 1e-6), slack)
    closed, opened, usable = fix_sites(problem, bound, best.total - margin)
    if (closed & opened).any():
        return Found(best, best.total, Status.OPTIMAL)
    # split shares of a pair that cannot serve the whole may still be of use
    left = problem.keep(usable if problem.whole else ~closed[problem.column])
    found, proved = _by_program(left, closed, opened, bound.price, until, gap)
    # what was struck out cannot cost less than the incumbent that struck it out
    lower = max(lower, min(lifted(proved, step), best.total))
    if found is not None and found.total < best.total:
        best = found
    if np.isinf(best.total) and np.isinf(lower):
        return Found(None, np.inf, Status.INFEASIBLE)
    return _closed_with(best, lower, gap)


def _step(problem: Capacitated) -> float:
    """Of what every total is a whole multiple; 0 if demand is split or costs are not whole."""
    values = np.concatenate([problem.value, problem.site_cost])
    return grain(values) if problem.whole else 0.0


def _closed_with(best: Assigned, bound: float, gap: float) -> Found:
    if np.isinf(best.total):
        return Found(None, bound, Status.LIMIT_WITHOUT_INCUMBENT)
    proved = best.total - bound <= gap * abs(best.total) + 1e-12
    status = Status.OPTIMAL if proved else Status.LIMIT_WITH_INCUMBENT
    return Found(best, min(bound, best.total), status)


def _by_program(
    left: Capacitated, closed: Flags, opened: Flags, price: Floats, until: float, gap: float
) -> tuple[Assigned | None, float]:
    """The best answer to what is left and its bound, by HiGHS; ``inf`` if there is none."""
    n, m = len(left.demand), len(left.capacity)
    # where no capacity is taken, only a row of its own ties a share to its site
    linked = (left.value < price[left.row]) | (left.demand[left.row] == 0)
    program = _linked(capacitated_program(left, closed, opened, linked), left, until)
    seconds = max(1.0, until - time.perf_counter())
    result = solve_highs(program, SolverOptions(time_limit_s=seconds, gap=gap / 2))
    if result.status is Status.INFEASIBLE:
        return None, np.inf
    bound = -np.inf if result.bound is None else result.bound
    if result.x is None:
        return None, bound
    is_open: Flags = result.x[:m] > 0.5
    if not left.whole:
        found = assign(left, is_open)
    else:
        found = valued(left, is_open, np.rint(result.x[m:]), np.zeros(n), np.zeros(m))
    if result.status is Status.OPTIMAL:
        bound = found.total  # within the gap asked for
    return found, bound


def _linked(program: LinearProgram, left: Capacitated, until: float) -> LinearProgram:
    """The program with the rows ``share <= site`` that its relaxation breaks."""
    m = len(left.capacity)
    options = SolverOptions(time_limit_s=max(1.0, until - time.perf_counter()))
    session = Session(program.relaxed(), options)
    for _ in range(_LINK_ROUNDS):
        result = session.solve()
        if result.x is None or result.status is not Status.OPTIMAL:
            break
        broken = np.flatnonzero(result.x[m:] > result.x[:m][left.column] + 1e-6)
        if not len(broken) or time.perf_counter() > until:
            break
        session.add_rows(
            link_rows(left, broken), np.full(len(broken), -np.inf), np.zeros(len(broken))
        )
    rows = session.program
    return replace(program, matrix=rows.matrix, row_lower=rows.row_lower, row_upper=rows.row_upper)
