"""Good sites of limited size fast: greedy choice, then exchanges, led by prices."""

from __future__ import annotations

import time

import numpy as np
from scipy.sparse import coo_array, csr_array

from healthalloc.siting.assign import Assigned, assign
from healthalloc.siting.capacitated import Capacitated
from healthalloc.siting.costs import Flags, Floats
from healthalloc.siting.interchange import exchanges
from healthalloc.siting.knapsack import pour
from healthalloc.siting.ranked import rank

_TRIES = 30  # changes that are valued in vain before the sites count as the best around
_SPLIT_TRIES = 100  # the same where demand may be split, which is quicker to value


def search(problem: Capacitated, until: float) -> Assigned:
    """Greedy choice and exchanges, with demand split first and then as asked.

    Parameters
    ----------
    problem
    until
        ``time.perf_counter()`` at which to stop.
    """
    split = problem.divided
    sites = exchange(split, greedy(split), until, tries=_SPLIT_TRIES)
    if not problem.whole:
        return sites
    return exchange(problem, assign(problem, sites.is_open), until, tries=_TRIES)


def greedy(problem: Capacitated) -> Assigned:
    """Open, one after the other, the site that could save most at the prices of the moment.

    The greedy choice of Kuehn and Hamburger (1963), with the transport program valued anew
    after each site and the saving of a site bounded by what its capacity can hold at the
    prices of that program (Jacobsen 1983, doi:10.1016/0377-2217(83)90195-9).
    """
    best = assign(problem, problem.forced)
    while problem.p is None or best.is_open.sum() < problem.p:
        site = _net(problem, best.price)
        site[best.is_open] = np.inf
        if problem.p is None and site.min() >= 0:
            break
        is_open = best.is_open.copy()
        is_open[int(site.argmin())] = True
        found = assign(problem, is_open)
        if problem.p is None and found.score >= best.score:
            break
        best = found
    return best


def exchange(problem: Capacitated, best: Assigned, until: float, tries: int) -> Assigned:
    """Exchange, open or close single sites as long as that helps.

    Changes are tried in the order of an estimate: what the uncapacitated exchange would do at
    costs that hold the price of capacity. Those of which the prices of the transport program
    prove that they cannot help are left out.

    Parameters
    ----------
    problem
    best
        Sites to begin with.
    until
        ``time.perf_counter()`` at which to stop.
    tries
        Changes valued in vain before the search ends.
    """
    tried = set[bytes]()
    while True:
        found = None
        for is_open in _changes(problem, best, tries):
            if is_open.tobytes() in tried:
                continue
            tried.add(is_open.tobytes())
            if time.perf_counter() > until:
                return best
            other = assign(problem, is_open, best.score)
            if other.score < best.score - 1e-9 * abs(best.score):
                found = other
                break
        if found is None:
            return best
        best = found


def _changes(problem: Capacitated, best: Assigned, most: int) -> list[Flags]:
    """Open sites one change away that may be better, those of the best estimate first."""
    n, m = len(problem.demand), len(problem.capacity)
    priced = problem.value + best.unit_price[problem.column] * problem.demand[problem.row]
    values = csr_array(coo_array((priced, (problem.row, problem.column)), shape=(n, m)))
    ranked = rank(values, np.full(n, problem.far + float(priced.max(initial=0.0))))
    found = exchanges(ranked, best.is_open, np.flatnonzero(problem.forced))
    sites, cost = found.sites, problem.site_cost
    net = _net(problem, best.price)
    room = best.score - best.relaxed  # what the prices say may not rise by as much as that

    def likely(estimate: Floats, rise: Floats) -> Floats:
        return np.where(rise < room, np.maximum(estimate, rise), np.inf)

    exchanged = found.change + cost[None, :] - cost[sites, None]
    moves = [(likely(exchanged, net[None, :] - net[sites, None]), True, True)]
    if problem.p is None:
        opened = np.where(best.is_open, np.inf, cost - found.gain)
        closed = np.where(problem.forced[sites], np.inf, found.loss - cost[sites])
        moves += [
            (likely(opened, net)[None, :], False, True),
            (likely(closed, -net[sites])[:, None], True, False),
        ]
    flat = np.concatenate([move[0].ravel() for move in moves])
    kind = np.repeat(np.arange(len(moves)), [move[0].size for move in moves])
    place = np.concatenate([np.arange(move[0].size) for move in moves])
    allowed = np.flatnonzero(flat < np.inf)
    order = allowed[np.argsort(flat[allowed], kind="stable")][:most]
    changed = []
    for k in order.tolist():
        _, closes, opens = moves[int(kind[k])]
        is_open = best.is_open.copy()
        if closes:
            is_open[sites[place[k] // m if opens else place[k]]] = False
        if opens:
            is_open[place[k] % m] = True
        changed.append(is_open)
    return changed


def _net(problem: Capacitated, price: Floats) -> Floats:
    """Cost of each site less what it can save at given prices of service."""
    net = problem.value - price[problem.row]
    return problem.site_cost + pour(problem, net).worth
