"""Lagrangian bound of sites with capacities, and what it proves about single sites and pairs."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from healthalloc.siting.assign import Assigned, assign
from healthalloc.siting.capacitated import Capacitated
from healthalloc.siting.capacitated_search import exchange
from healthalloc.siting.costs import Flags, Floats, totals
from healthalloc.siting.knapsack import Units, pack, pour, units
from healthalloc.siting.ranked import lifted

_ROUNDS = 800
_PATIENCE = 20
_SMALLEST_STEP = 0.002
_PRIMAL_EVERY = 10
_TRIES = 40  # changes of tried sites that are valued in vain before that ends
_NEAR = 1.01  # sites whose score is within this factor of the best are improved by exchanges


@dataclass(frozen=True, eq=False)
class SiteBound:
    """A Lagrangian bound and the reduced costs that go with it.

    Parameters
    ----------
    value
        No answer costs less.
    price : ndarray, shape (n_demand,)
    site : ndarray, shape (n_candidates,)
        What each site costs net of the demand it would serve at these prices.
    pair : ndarray, shape (n_pairs,)
        How much that rises, at least, if the pair serves all of its demand point.
    chosen : ndarray of bool, shape (n_candidates,)
        Sites that the bound opens.
    served : ndarray, shape (n_demand,)
        How much of each demand point they serve.
    """

    value: float
    price: Floats
    site: Floats
    pair: Floats
    chosen: Flags
    served: Floats


def evaluate(problem: Capacitated, price: Floats, size: Units | None = None) -> SiteBound:
    """Bound at given prices.

    With the rows "everyone is served" priced out, each site is a knapsack: it takes the demand
    of greatest gain. Sites are opened that gain more than they cost; if their capacity does
    not hold all demand, the cheapest further capacity is added (Cornuejols, Sridharan and
    Thizy 1991, doi:10.1016/0377-2217(91)90301-S).

    Parameters
    ----------
    problem
    price : shape (n_demand,)
    size
        Demand and capacity in whole units: demand points then go into the knapsacks as a
        whole, which only bounds what keeps them whole, but more tightly. By default they may be
        split.
    """
    net = problem.value - price[problem.row]
    packed = pour(problem, net) if size is None else pack(problem, net, size)
    site = problem.site_cost + packed.worth
    chosen, value = _open(problem, site)
    served = totals(problem.row, packed.share * chosen[problem.column], len(problem.demand))
    return SiteBound(value + float(price.sum()), price, site, packed.over, chosen, served)


def _open(problem: Capacitated, site: Floats) -> tuple[Flags, float]:
    """Sites that the bound opens, and what they cost net."""
    if problem.p is not None:
        order = np.where(problem.forced, -np.inf, site)
        chosen = np.zeros(len(site), dtype=np.bool_)
        chosen[np.argsort(order, kind="stable")[: problem.p]] = True
        return chosen, float(site[chosen].sum())
    chosen = problem.forced | (site < 0)
    value = float(site[chosen].sum())
    short = float(problem.demand.sum() - problem.capacity[chosen].sum())
    return chosen, value + _fill(problem, site, ~chosen, short)


def _fill(problem: Capacitated, site: Floats, rest: Flags, short: float) -> float:
    """Least cost of so much more capacity, in parts of sites."""
    if short <= 0:
        return 0.0
    at = np.flatnonzero(rest & (problem.capacity > 0))
    at = at[np.argsort(site[at] / problem.capacity[at])]
    before = np.cumsum(problem.capacity[at]) - problem.capacity[at]
    share = np.clip((short - before) / problem.capacity[at], 0.0, 1.0)
    return float(np.maximum(site[at], 0.0) @ share)


def raise_bound(
    problem: Capacitated, best: Assigned, step: float, until: float
) -> tuple[SiteBound, Assigned]:
    """Subgradient steps on the prices, with sites of the bound tried as answers.

    Parameters
    ----------
    problem
    best
        Sites to beat; their prices are where the steps begin.
    step
        Every total is a whole multiple of it (0 if not known).
    until
        ``time.perf_counter()`` at which to stop.

    Returns
    -------
    SiteBound
    Assigned
        The best sites found.
    """
    size = units(problem.demand, problem.capacity) if problem.whole else None
    price = np.maximum(best.price, 0.0)
    bound = evaluate(problem, price, size)
    scale, stale, tried = 1.0, 0, set[bytes]()
    for round_ in range(_ROUNDS):
        found = evaluate(problem, price, size)
        stale = 0 if found.value > bound.value + 1e-6 * abs(bound.value) else stale + 1
        if found.value > bound.value:
            bound = found
        key = found.chosen.tobytes()
        if round_ % _PRIMAL_EVERY == 0 and round_ > 2 * _PRIMAL_EVERY and key not in tried:
            tried.add(key)
            other = assign(problem, _enough(problem, found), best.total)
            if other.relaxed < _NEAR * best.score:
                other = exchange(problem, other, until, tries=_TRIES)
            best = other if other.score < best.score else best
        if best.score - lifted(bound.value, step) <= 1e-9 * abs(best.score):
            break
        if stale >= _PATIENCE:
            scale, stale, price = scale / 2, 0, bound.price
            if scale < _SMALLEST_STEP:
                break
            continue
        slope = 1.0 - found.served
        slope[(slope < 0) & (price <= 0)] = 0.0
        length = float(slope @ slope)
        if length == 0 or time.perf_counter() > until:
            break
        distance = 1.005 * max(best.score, bound.value) - found.value
        price = np.maximum(price + scale * distance / length * slope, 0.0)
    return bound, best


def _enough(problem: Capacitated, bound: SiteBound) -> Flags:
    """The sites of a bound, with the next best ones until all demand fits."""
    chosen = bound.chosen.copy()
    short = problem.demand.sum() - problem.capacity[chosen].sum()
    if problem.p is None and short > 0:
        useful = ~chosen & (problem.capacity > 0)
        per_unit = np.full(len(chosen), np.inf)
        per_unit[useful] = bound.site[useful] / problem.capacity[useful]
        rank = np.argsort(per_unit)
        needed = int(np.searchsorted(np.cumsum(problem.capacity[rank]), short)) + 1
        chosen[rank[:needed]] = True
    return chosen


def fix_sites(problem: Capacitated, bound: SiteBound, limit: float) -> tuple[Flags, Flags, Flags]:
    """Reduced-cost fixing: what an answer of cost at most ``limit`` can use.

    Returns
    -------
    closed, opened : ndarray of bool, shape (n_candidates,)
    whole : ndarray of bool, shape (n_pairs,)
        Pairs that may serve all of their demand point; those of closed sites may not.
    """
    site, chosen = bound.site, bound.chosen
    if problem.p is not None:
        free = chosen & ~problem.forced
        base = float(bound.price.sum() + site[chosen].sum())
        entering = np.where(chosen, 0.0, site - site[free].max(initial=-np.inf))
        leaving = site[~chosen].min(initial=np.inf) - np.where(free, site, 0.0)
        leaving[~free] = 0.0
    else:
        m = len(site)
        base = float(bound.price.sum())
        entering, leaving = np.zeros(m), np.zeros(m)
        demand = float(problem.demand.sum())
        for j in range(m):
            for way, change in ((True, entering), (False, leaving)):
                other = chosen.copy()
                other[j] = way
                rest = ~other
                rest[j] = False
                short = demand - float(problem.capacity[other].sum())
                if short > float(problem.capacity[rest].sum()):
                    change[j] = np.inf
                    continue
                change[j] = float(site[other].sum()) + _fill(problem, site, rest, short)
    leaving[problem.forced] = np.inf
    room = limit - base
    closed = (entering > room) & ~problem.forced
    opened = (leaving > room) | problem.forced
    over = entering[problem.column] + bound.pair
    return closed, opened, (over <= room) & ~closed[problem.column]
