"""What demand is worth to sites of limited size: a knapsack for each site, all at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from healthalloc.siting.capacitated import Capacitated
from healthalloc.siting.costs import Floats, totals
from healthalloc.siting.ranked import grain

_LARGEST_TABLE = 2**27  # bytes of choices that are kept to read the answer from


@dataclass(frozen=True, eq=False)
class Units:
    """Demand and capacity as whole numbers of one unit.

    Parameters
    ----------
    demand : ndarray of int, shape (n_demand,)
    capacity : ndarray of int, shape (n_candidates,)
    """

    demand: NDArray[np.int64]
    capacity: NDArray[np.int64]


def units(demand: Floats, capacity: Floats) -> Units | None:
    """Whole numbers for demand and capacity; None if there are none or the tables too large.

    What a capacity holds beyond a whole number of units holds nobody.
    """
    unit = grain(demand)
    if unit == 0:
        return None
    sizes, rooms = np.rint(demand / unit), np.floor(capacity / unit * (1 + 1e-12) + 1e-9)
    if len(demand) * len(capacity) * (rooms.max(initial=0.0) + 1) > _LARGEST_TABLE:
        return None
    return Units(sizes.astype(np.int64), rooms.astype(np.int64))


@dataclass(frozen=True, eq=False)
class Packed:
    """The best load of each site.

    Parameters
    ----------
    worth : ndarray, shape (n_candidates,)
        Least sum of what the demand taken costs, 0 or less.
    share : ndarray, shape (n_pairs,)
        How much of the demand point is taken.
    over : ndarray, shape (n_pairs,)
        How much that sum rises at least if the pair is taken whole; ``inf`` if it does not fit.
    """

    worth: Floats
    share: Floats
    over: Floats


def pack(problem: Capacitated, cost: Floats, size: Units) -> Packed:
    """Fill each site with whole demand points of least total cost (Bellman 1957).

    Parameters
    ----------
    problem
    cost : shape (n_pairs,)
        What it costs to take the pair; only those below 0 are taken.
    size
        The demand and capacity of the problem.
    """
    row, column = problem.row, problem.column
    m, most = len(size.capacity), int(size.capacity.max(initial=0))
    sites = np.arange(m)
    least = np.zeros((m, most + 1))
    fits = size.demand[row] <= size.capacity[column]
    useful = np.flatnonzero((cost < 0) & fits)
    items, begin = np.unique(row[useful], return_index=True)
    end = np.append(begin[1:], len(useful))
    choice = np.zeros((len(items), m, most + 1), dtype=np.bool_)
    for k, item in enumerate(items.tolist()):
        at = useful[begin[k] : end[k]]
        here, load = column[at], int(size.demand[item])
        before = least[here]
        with_it = before[:, : most + 1 - load] + cost[at, None]
        better = with_it < before[:, load:]
        before[:, load:] = np.where(better, with_it, before[:, load:])
        least[here] = before
        choice[k, here, load:] = better
    worth = least[sites, size.capacity]
    room = size.capacity.copy()
    taken = np.zeros(len(row), dtype=np.bool_)
    for k in range(len(items) - 1, -1, -1):
        at = useful[begin[k] : end[k]]
        here = column[at]
        mine = choice[k, here, room[here]]
        taken[at[mine]] = True
        room[here[mine]] -= size.demand[items[k]]
    rest = np.maximum(size.capacity[column] - size.demand[row], 0)
    over = np.maximum(cost + least[column, rest] - worth[column], 0.0)
    over[taken] = 0.0
    return Packed(worth, taken.astype(np.float64), np.where(fits, over, np.inf))


def pour(problem: Capacitated, cost: Floats) -> Packed:
    """Fill each site with parts of demand points, those that gain most by unit first.

    Parameters
    ----------
    problem
    cost : shape (n_pairs,)
        What it costs to take all of the demand point; only costs below 0 are taken.
    """
    m = len(problem.capacity)
    at = np.flatnonzero(cost < 0)
    row, column, worth = problem.row[at], problem.column[at], cost[at]
    size = problem.demand[row]
    with np.errstate(divide="ignore"):
        ratio = np.where(size > 0, worth / size, -np.inf)
    order = np.lexsort((ratio, column))
    at, row, column = at[order], row[order], column[order]
    worth, size, ratio = worth[order], size[order], ratio[order]
    loads = np.cumsum(size)
    begin = np.searchsorted(column, np.arange(m + 1))
    base = np.concatenate([[0.0], loads])[begin[:-1]]
    room = problem.capacity[column] - (loads - size - base[column])
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(size > 0, np.clip(room / size, 0.0, 1.0), 1.0)
    # price of a unit of capacity: the ratio at which the site is full
    unit = np.zeros(m)
    partial = np.flatnonzero((share < 1.0) & (room > 0))
    unit[column[partial]] = -ratio[partial]
    full = np.flatnonzero(share == 0.0)
    first_full = full[np.unique(column[full], return_index=True)[1]]
    unit[column[first_full]] = np.maximum(unit[column[first_full]], -ratio[first_full])
    shares = np.zeros(len(cost))
    shares[at] = share
    over = np.maximum(cost + unit[problem.column] * problem.demand[problem.row], 0.0)
    return Packed(totals(column, worth * share, m), shares, over)
