"""Choose p sites so that the total of the cheapest open values is least: bound, fix, prove.

The p-median and maximal covering are both this: the second gives every pair within the radius
the value 0 and lets a demand point go unserved for its weight.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from healthalloc.siting.branch import branch
from healthalloc.siting.costs import Flags, Floats, Positions
from healthalloc.siting.interchange import greedy, interchange
from healthalloc.siting.lagrangian import Bound, Fixed, bound_p_median, fix
from healthalloc.siting.radius import radius_program
from healthalloc.siting.ranked import Ranked, grain, lifted
from healthalloc.solvers import SolverOptions, solve_highs
from healthalloc.solvers.base import Status

_SLACK = 1e-10  # relative: totals nearer than this to the incumbent are not better
_FEW_SITES = 30  # up to this p, branching on sites beats the linear program of a p-median
_NODES = 4000


@dataclass(frozen=True, eq=False)
class Chosen:
    """Sites, what they cost, and what no others go below.

    Parameters
    ----------
    is_open : ndarray of bool, shape (n_candidates,), or None
        None if no sites were found that serve everyone who must be served.
    objective, bound
    status
    """

    is_open: Flags | None
    objective: float
    bound: float
    status: Status


def choose_sites(
    ranked: Ranked, p: int, forced: Positions, *, exact: bool, time_limit_s: float, gap: float
) -> Chosen:
    """Choose p sites of least total.

    Greedy choice and interchange give sites, Lagrangian prices a bound; the two close sites
    and strike out pairs that no better choice can use. What is left is searched by branch and
    bound on the sites where p is small, and else goes to HiGHS as a program over radii.

    Parameters
    ----------
    ranked
    p
    forced
    exact
        If false, stop at greedy and interchange, with the bound of the cheapest values.
    time_limit_s, gap
        When to stop.
    """
    until = time.perf_counter() + time_limit_s
    is_open = interchange(ranked, greedy(ranked, p, forced), forced)
    objective = ranked.total(is_open)
    step = grain(np.concatenate([ranked.value, ranked.unserved]))
    if not exact:
        return _closed_with(is_open, objective, lifted(_least(ranked), step), gap)
    if np.isinf(objective):
        return _any_sites(ranked, p, forced, step, until, gap)
    bound = bound_p_median(ranked, p, forced, is_open, step, until)
    lower = min(lifted(bound.value, step), bound.objective)
    slack = max(_SLACK, 0.5 * gap) * abs(bound.objective)
    if bound.objective - lower <= slack or time.perf_counter() > until:
        return _closed_with(bound.is_open, bound.objective, lower, gap)
    kept = fix(ranked, p, forced, bound, bound.objective - max(step * (1 - 1e-6), slack))
    if _nothing_left(ranked, p, kept):
        return _closed_with(bound.is_open, bound.objective, bound.objective - slack, gap)
    if p <= _FEW_SITES and np.isinf(ranked.unserved).all():
        usable = ranked.keep(kept.pairs)
        is_open, objective, lower = branch(
            usable, ranked, p, kept.opened, kept.closed, bound, step, slack, until, _NODES
        )
        bound = replace(bound, is_open=is_open, objective=objective)
        if lower >= objective or time.perf_counter() > until:
            lower = min(lower, objective - slack if step == 0 else objective)
            return _closed_with(is_open, objective, lower, gap)
    return _by_program(ranked, p, bound, kept, lower, step, until, gap)


def _least(ranked: Ranked) -> float:
    """Total with every candidate open."""
    return ranked.total(np.ones(ranked.n_candidates, dtype=np.bool_))


def _closed_with(is_open: Flags, objective: float, bound: float, gap: float) -> Chosen:
    if np.isinf(objective):
        return Chosen(None, np.inf, bound, Status.LIMIT_WITHOUT_INCUMBENT)
    proved = objective - bound <= gap * abs(objective) + 1e-12
    status = Status.OPTIMAL if proved else Status.LIMIT_WITH_INCUMBENT
    return Chosen(is_open, objective, min(bound, objective), status)


def _nothing_left(ranked: Ranked, p: int, kept: Fixed) -> bool:
    must = kept.must_serve | np.isinf(ranked.unserved)
    served = np.zeros(ranked.n_demand, dtype=np.bool_)
    served[ranked.row[kept.pairs]] = True
    return bool(kept.opened.sum() > p or (must & ~served).any())


def _any_sites(
    ranked: Ranked, p: int, forced: Positions, step: float, until: float, gap: float
) -> Chosen:
    """Where the search found no sites that serve everyone, the whole program decides."""
    nothing = Fixed(
        closed=np.zeros(ranked.n_candidates, dtype=np.bool_),
        opened=np.isin(np.arange(ranked.n_candidates), forced),
        pairs=np.ones(len(ranked.value), dtype=np.bool_),
        must_serve=np.zeros(ranked.n_demand, dtype=np.bool_),
    )
    none: Floats = np.zeros(0)
    unknown = Bound(-np.inf, none, none, nothing.closed, np.inf)
    return _by_program(ranked, p, unknown, nothing, _least(ranked), step, until, gap)


def _by_program(
    ranked: Ranked,
    p: int,
    bound: Bound,
    kept: Fixed,
    lower: float,
    step: float,
    until: float,
    gap: float,
) -> Chosen:
    """Solve what fixing left; nothing in it means that the incumbent is best."""
    sites = np.flatnonzero(~kept.closed)
    must = kept.must_serve & np.isfinite(ranked.unserved)
    program = radius_program(ranked.keep(kept.pairs), p, sites, kept.opened, must)
    left = max(1.0, until - time.perf_counter())
    result = solve_highs(program, SolverOptions(time_limit_s=left, gap=gap / 2))
    is_open, objective = bound.is_open, bound.objective
    if result.status is Status.INFEASIBLE:
        if np.isinf(objective):
            return Chosen(None, np.inf, np.inf, Status.INFEASIBLE)
        return Chosen(is_open, objective, objective, Status.OPTIMAL)
    # what was struck out cannot cost less than the incumbent that struck it out
    if result.bound is not None:
        lower = max(lower, min(lifted(result.bound, step), objective))
    if result.x is not None:
        found = np.zeros(ranked.n_candidates, dtype=np.bool_)
        found[sites[result.x[: len(sites)] > 0.5]] = True
        total = ranked.total(found)
        if total < objective:
            is_open, objective = found, total
    if result.status is Status.OPTIMAL and np.isfinite(objective):
        return Chosen(is_open, objective, min(lower, objective), Status.OPTIMAL)
    return _closed_with(is_open, objective, lower, gap)
