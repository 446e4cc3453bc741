"""Sites with capacities: Lagrangian bound, reduced-cost fixing, and the program that is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csc_array, csr_array

from healthalloc.formulation.program import LinearProgram
from healthalloc.siting.costs import Flags, Floats, Positions, totals

_ROUNDS = 800
_PATIENCE = 20
_SMALLEST_STEP = 0.002


@dataclass(frozen=True, eq=False)
class Capacitated:
    """A capacitated siting problem as arrays.

    Parameters
    ----------
    row, column : ndarray of int, shape (n_pairs,)
    value : ndarray, shape (n_pairs,)
        Cost of serving all of the demand point there.
    demand : ndarray, shape (n_demand,)
    capacity, site_cost : ndarray, shape (n_candidates,)
    forced : ndarray of bool, shape (n_candidates,)
    p
        Number of sites, or None for as many as pay.
    """

    row: Positions
    column: Positions
    value: Floats
    demand: Floats
    capacity: Floats
    site_cost: Floats
    forced: Flags
    p: int | None

    def keep(self, pairs: Flags) -> Capacitated:
        """Only some of the pairs."""
        return Capacitated(
            self.row[pairs], self.column[pairs], self.value[pairs], self.demand, self.capacity,
            self.site_cost, self.forced, self.p,
        )  # fmt: skip


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
        Reduced cost of each pair.
    chosen : ndarray of bool, shape (n_candidates,)
        Sites that the bound opens.
    """

    value: float
    price: Floats
    site: Floats
    pair: Floats
    chosen: Flags


def evaluate(problem: Capacitated, price: Floats) -> tuple[SiteBound, Floats]:
    """Bound at given prices, and how much of each demand point the open sites serve.

    With the rows "everyone is served" priced out, each site is a continuous knapsack: it takes
    the demand of greatest gain per unit until it is full. Sites are opened that gain more than
    they cost; if their capacity does not hold all demand, the cheapest further capacity is
    added (Cornuejols, Sridharan and Thizy 1991, doi:10.1016/0377-2217(91)90301-S).
    """
    m = len(problem.capacity)
    net = problem.value - price[problem.row]
    at = np.flatnonzero(net < 0)
    row, column, worth = problem.row[at], problem.column[at], net[at]
    size = problem.demand[row]
    with np.errstate(divide="ignore"):
        ratio = np.where(size > 0, worth / size, -np.inf)
    order = np.lexsort((ratio, column))
    row, column = row[order], column[order]
    worth, size, ratio = worth[order], size[order], ratio[order]
    loads = np.cumsum(size)
    begin = np.searchsorted(column, np.arange(m + 1))
    base = np.concatenate([[0.0], loads])[begin[:-1]]
    before = loads - size - base[column]
    room = problem.capacity[column] - before
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(size > 0, np.clip(room / size, 0.0, 1.0), 1.0)
    site = problem.site_cost + totals(column, worth * share, m)
    # price of a unit of capacity: the ratio at which the site is full
    unit = np.zeros(m)
    partial = np.flatnonzero((share < 1.0) & (room > 0))
    unit[column[partial]] = -ratio[partial]
    full = np.flatnonzero(share == 0.0)
    first_full = full[np.unique(column[full], return_index=True)[1]]
    unit[column[first_full]] = np.maximum(unit[column[first_full]], -ratio[first_full])
    chosen, value = _open(problem, site)
    value += float(price.sum())
    served = totals(row, share * chosen[column], len(problem.demand))
    pair = net + unit[problem.column] * problem.demand[problem.row]
    return SiteBound(value, price, site, pair, chosen), served


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
    problem: Capacitated,
    cost_of: Callable[[Flags], tuple[float, object]],
    until: float,
    most_tries: int,
) -> tuple[SiteBound, float, object]:
    """Subgradient steps on the prices, with sites of the bound tried as answers.

    Parameters
    ----------
    problem
    cost_of
        Cost of the best assignment to given open sites (inf if none), and that assignment.
    until
        ``time.perf_counter()`` at which to stop.
    most_tries
        How many sets of sites are tried.

    Returns
    -------
    SiteBound
    float
        Cost of the best answer found.
    object
        Its assignment.
    """
    n = len(problem.demand)
    price = np.full(n, np.inf)
    np.minimum.at(price, problem.row, problem.value)
    price = price + problem.site_cost.mean() / max(n, 1)
    best, _ = evaluate(problem, price)
    objective, assignment = cost_of(np.ones(len(problem.capacity), dtype=np.bool_))
    if problem.p is not None:
        objective, assignment = np.inf, None
    aim = objective if np.isfinite(objective) else 2 * abs(best.value) + 1.0
    scale, stale, tried = 1.0, 0, set[bytes]()
    for step in range(_ROUNDS):
        found, served = evaluate(problem, price)
        stale = 0 if found.value > best.value + 1e-7 * abs(best.value) else stale + 1
        if found.value > best.value:
            best = found
        key = found.chosen.tobytes()
        if step % 10 == 0 and step > 30 and key not in tried and len(tried) < most_tries:
            tried.add(key)
            total, candidate = cost_of(_enough(problem, found))
            if total < objective:
                objective, assignment, aim = total, candidate, total
        if objective - best.value <= 1e-9 * abs(objective):
            break
        if stale >= _PATIENCE:
            scale, stale, price = scale / 2, 0, best.price
            if scale < _SMALLEST_STEP:
                break
            continue
        slope = 1.0 - served
        slope[(slope < 0) & (price <= 0)] = 0.0
        length = float(slope @ slope)
        if length == 0 or time.perf_counter() > until:
            break
        distance = max(aim, best.value) * 1.005 - found.value
        price = np.maximum(price + scale * distance / length * slope, 0.0)
    total, candidate = cost_of(_enough(problem, best))
    if total < objective:
        objective, assignment = total, candidate
    return best, objective, assignment


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
        leaving = np.where(free, site[~chosen].min(initial=np.inf) - site, 0.0)
        leaving[problem.forced] = np.inf
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
    over = entering[problem.column] + np.maximum(bound.pair, 0.0)
    return closed, opened, (over <= room) & ~closed[problem.column]


def capacitated_program(
    problem: Capacitated, closed: Flags, opened: Flags, linked: Flags, whole: bool
) -> LinearProgram:
    """Sites, shares, capacities, and ``share <= site`` for some pairs.

    Parameters
    ----------
    problem
        Pairs of closed sites left out.
    closed, opened : shape (n_candidates,)
    linked : shape (n_pairs,)
        Pairs with a row of their own ``x <= y`` (strong linking).
    whole
        Whether each demand point has one site.

    Returns
    -------
    LinearProgram
        Columns are the candidates, then the pairs.
    """
    n, m, k = len(problem.demand), len(problem.capacity), len(problem.value)
    pairs = m + np.arange(k)
    links = np.flatnonzero(linked)
    ones = np.ones(k)
    parts = [
        (problem.row, pairs, ones),
        (n + problem.column, pairs, problem.demand[problem.row]),
        (n + np.arange(m), np.arange(m), -problem.capacity),
        (np.full(m, n + m), np.arange(m), problem.capacity),
        (np.full(m, n + m + 1), np.arange(m), np.ones(m)),
        (n + m + 2 + np.arange(len(links)), pairs[links], np.ones(len(links))),
        (n + m + 2 + np.arange(len(links)), problem.column[links], -np.ones(len(links))),
    ]
    row, column, data = (np.concatenate([part[i] for part in parts]) for i in range(3))
    filled = data != 0
    shape = (n + m + 2 + len(links), m + k)
    coordinates = (row[filled].astype(np.intp), column[filled].astype(np.intp))
    matrix = csc_array(coo_array((data[filled], coordinates), shape=shape))
    infinite = np.full(m + len(links), np.inf)
    count = (0.0, float(m)) if problem.p is None else (float(problem.p), float(problem.p))
    demand = float(problem.demand.sum())
    return LinearProgram(
        cost=np.concatenate([problem.site_cost, problem.value]),
        offset=0.0,
        matrix=matrix,
        row_lower=np.concatenate(
            [np.ones(n), -infinite[:m], [demand * (1 - 1e-12), count[0]], -infinite[m:]]
        ),
        row_upper=np.concatenate(
            [np.ones(n), np.zeros(m), [np.inf, count[1]], np.zeros(len(links))]
        ),
        column_lower=np.concatenate([opened.astype(float), np.zeros(k)]),
        column_upper=np.concatenate([(~closed).astype(float), ones]),
        integer=np.concatenate([np.ones(m, dtype=np.bool_), np.full(k, whole)]),
    )


def link_rows(problem: Capacitated, pairs: Positions) -> csr_array:
    """Rows ``share - site <= 0`` for some pairs, over the columns of the program."""
    m, k, n = len(problem.capacity), len(problem.value), len(pairs)
    rows = np.concatenate([np.arange(n), np.arange(n)])
    columns = np.concatenate([m + pairs, problem.column[pairs]])
    data = np.concatenate([np.ones(n), -np.ones(n)])
    return csr_array(coo_array((data, (rows, columns)), shape=(n, m + k)))
