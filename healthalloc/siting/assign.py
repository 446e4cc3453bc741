"""Who goes where, given the open sites: a transport program, rounded where points stay whole."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array, csc_array, csr_array

from healthalloc.formulation.program import LinearProgram
from healthalloc.siting.capacitated import Capacitated
from healthalloc.siting.costs import Flags, Floats, Positions, totals
from healthalloc.solvers import SolverOptions, solve_highs

_MOST_SWAPPED = 2000  # demand points up to which all exchanges of two are looked at


@dataclass(frozen=True, eq=False)
class Assigned:
    """Open sites and the shares that each demand point gets of them.

    Parameters
    ----------
    is_open : ndarray of bool, shape (n_candidates,)
    shares : csr_array, shape (n_demand, n_candidates)
    total
        Cost of sites and shares; ``inf`` if someone is not served.
    score
        The same, with a penalty for demand that is not served: what a search compares.
    relaxed
        Score with demand split.
    price : ndarray, shape (n_demand,)
        Price of serving a demand point, from the transport program.
    unit_price : ndarray, shape (n_candidates,)
        Price of a unit of capacity.
    """

    is_open: Flags
    shares: csr_array
    total: float
    score: float
    relaxed: float
    price: Floats
    unit_price: Floats


def assign(problem: Capacitated, is_open: Flags, worth_rounding: float = np.inf) -> Assigned:
    """Cheapest shares of given open sites.

    Parameters
    ----------
    problem
    is_open : shape (n_candidates,)
    worth_rounding
        Where demand points stay whole, the shares are rounded only if the split ones score
        below this.
    """
    n, m, k = len(problem.demand), len(problem.capacity), len(problem.value)
    at = np.flatnonzero(is_open[problem.column])
    row, column = problem.row[at], problem.column[at]
    sites = np.flatnonzero(is_open)
    slot = np.zeros(m, dtype=np.intp)
    slot[sites] = np.arange(len(sites))
    pairs, people = np.arange(len(at)), np.arange(n)
    sizes = problem.demand[row]
    some = np.flatnonzero(sizes > 0)
    rows = np.concatenate([row, n + slot[column[some]], people])
    columns = np.concatenate([pairs, some, len(at) + people])
    data = np.concatenate([np.ones(len(at)), sizes[some], np.ones(n)])
    shape = (n + len(sites), len(at) + n)
    far = np.full(n, problem.far)
    result = solve_highs(
        LinearProgram(
            cost=np.concatenate([problem.value[at], far]),
            offset=0.0,
            matrix=csc_array(coo_array((data, (rows, columns)), shape=shape)),
            row_lower=np.concatenate([np.ones(n), np.full(len(sites), -np.inf)]),
            row_upper=np.concatenate([np.ones(n), problem.capacity[sites]]),
            column_lower=np.zeros(len(at) + n),
            column_upper=np.ones(len(at) + n),
            integer=np.zeros(len(at) + n, dtype=np.bool_),
        ),
        SolverOptions(),
    )
    share, price, unit_price = np.zeros(k), far, np.zeros(m)
    if result.x is None or result.row_dual is None:
        return valued(problem, is_open, share, price, unit_price)
    share[at] = np.clip(result.x[: len(at)], 0.0, 1.0)
    share[share < 1e-9] = 0.0
    price, unit_price[sites] = result.row_dual[:n], np.maximum(-result.row_dual[n:], 0.0)
    split = valued(problem, is_open, share, price, unit_price)
    if not problem.whole or split.score >= worth_rounding or not len(sites):
        return replace(split, total=np.inf) if problem.whole else split
    rounded = valued(problem, is_open, _rounded(problem, at, share, sites), price, unit_price)
    return replace(rounded, relaxed=split.score)


def valued(
    problem: Capacitated, is_open: Flags, share: Floats, price: Floats, unit_price: Floats
) -> Assigned:
    """Shares with what they cost; shares beyond a capacity are not served."""
    n, m = len(problem.demand), len(problem.capacity)
    used = np.flatnonzero(share)
    cost = float(problem.site_cost[is_open].sum() + problem.value[used] @ share[used])
    bare = float(np.maximum(1.0 - totals(problem.row[used], share[used], n), 0.0).sum())
    load = totals(problem.column[used], share[used] * problem.demand[problem.row[used]], m)
    # the tolerance of a capacity is that of the checks of an answer
    over = load > problem.capacity * (1 + 1e-7) + 1e-9
    score = cost + problem.far * (bare + int(over.sum()))
    total = cost if bare <= 1e-7 * n and not over.any() else np.inf
    places = (problem.row[used], problem.column[used])
    shares = csr_array(coo_array((share[used], places), shape=(n, m)))
    return Assigned(is_open, shares, total, score, score, price, unit_price)


def _rounded(problem: Capacitated, at: Positions, share: Floats, sites: Positions) -> Floats:
    """Each demand point at one site: the split shares rounded, then shifts and exchanges.

    A demand point moves to another site, or two exchange theirs, as long as that helps; load
    beyond a capacity outweighs every cost (Osman and Christofides 1994,
    doi:10.1111/j.1475-3995.1994.tb00310.x).
    """
    n, k = len(problem.demand), len(sites)
    slot = np.searchsorted(sites, problem.column[at])
    where, cost = np.full((n, k), -1, dtype=np.intp), np.full((n, k), np.inf)
    where[problem.row[at], slot] = at
    cost[problem.row[at], slot] = problem.value[at]
    part = np.where(where >= 0, share[where], 0.0)
    served = np.flatnonzero(np.isfinite(cost).any(axis=1))
    home = np.where(part.max(axis=1) > 0, part.argmax(axis=1), cost.argmin(axis=1))
    room, demand = problem.capacity[sites], problem.demand
    smallest = demand[demand > 0].min(initial=np.inf)
    heavy = problem.far * n / smallest if np.isfinite(smallest) else 0.0
    cost = np.where(np.isfinite(cost), cost, heavy * (demand.sum() + 1.0))[served]
    home, demand = home[served], demand[served]
    tolerance = 1e-9 * (1.0 + problem.far)
    people = np.arange(len(served))
    load = totals(home, demand, k)
    for _ in range(20 * n):
        over = np.maximum(load - room, 0.0)
        leave = np.maximum(load[home] - demand - room[home], 0.0) - over[home]
        reach = np.maximum(load + demand[:, None] - room, 0.0) - over
        shift = cost - cost[people, home][:, None] + heavy * (reach + leave[:, None])
        shift[people, home] = 0.0
        best = int(shift.argmin())
        if shift.flat[best] < -tolerance:
            i, j = divmod(best, k)
            load[home[i]] -= demand[i]
            load[j] += demand[i]
            home[i] = j
            continue
        pair = _best_exchange(cost, demand, home, load, room, heavy, tolerance)
        if pair is None:
            break
        i, j = pair
        load[home[i]] += demand[j] - demand[i]
        load[home[j]] += demand[i] - demand[j]
        home[i], home[j] = home[j], home[i]
    rounded = np.zeros_like(share)
    chosen = where[served, home]
    rounded[chosen[chosen >= 0]] = 1.0
    return rounded


def _best_exchange(
    cost: Floats, demand: Floats, home: Positions, load: Floats, room: Floats, heavy: float,
    tolerance: float,
) -> tuple[int, int] | None:  # fmt: skip
    """The two demand points whose exchange of sites helps most, or None."""
    if len(home) > _MOST_SWAPPED:
        return None
    now = cost[np.arange(len(home)), home]
    there = cost[:, home] - now[:, None]  # i at the site of j
    more = demand[None, :] - demand[:, None]  # what the site of i gains
    over = np.maximum(load - room, 0.0)[home]
    spare = (load - room)[home]
    excess = np.maximum(spare[:, None] + more, 0.0) - over[:, None]
    change = there + there.T + heavy * (excess + excess.T)
    change[home[:, None] == home[None, :]] = 0.0
    best = int(change.argmin())
    if change.flat[best] >= -tolerance:
        return None
    return divmod(best, len(home))
