"""Lagrangian bound of the p-median, and what it proves about single sites and pairs."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from healthalloc.siting.costs import Flags, Floats, Positions, totals
from healthalloc.siting.interchange import interchange
from healthalloc.siting.ranked import Ranked, lifted

_ROUNDS = 1500
_PATIENCE = 25  # rounds without a better bound before the step is halved
_SMALLEST_STEP = 0.002
_PRIMAL_EVERY = 20


@dataclass(frozen=True, eq=False)
class Bound:
    """A lower bound, the prices that prove it, and the best sites seen.

    Parameters
    ----------
    value
        No choice of p sites costs less.
    price : ndarray, shape (n_demand,)
        Price that each demand point pays for being served.
    saving : ndarray, shape (n_candidates,)
        What each site is worth at these prices, 0 or less.
    is_open : ndarray of bool, shape (n_candidates,)
        Best sites found.
    objective
        What they cost.
    """

    value: float
    price: Floats
    saving: Floats
    is_open: Flags
    objective: float


def savings(ranked: Ranked, price: Floats) -> Floats:
    """What each site is worth at given prices: the sum of value less price, where negative."""
    worth = np.minimum(ranked.value - price[ranked.row], 0.0)
    return totals(ranked.column, worth, ranked.n_candidates)


def best_sites(saving: Floats, p: int, forced: Positions) -> Flags:
    """The forced sites and those worth most, p in all."""
    order = saving.copy()
    order[forced] = -np.inf
    chosen = np.zeros(len(saving), dtype=np.bool_)
    chosen[np.argpartition(order, p - 1)[:p]] = True
    return chosen


def bound_p_median(
    ranked: Ranked, p: int, forced: Positions, is_open: Flags, grain: float, until: float
) -> Bound:
    """Raise the Lagrangian bound of the p-median by subgradient steps.

    The rows "every demand point is served once" are priced out. What is left falls apart into
    sites, of which the p best are opened (Cornuejols, Fisher and Nemhauser 1977,
    doi:10.1287/mnsc.23.8.789; Beasley 1985). Any prices prove a bound; the steps only make it
    a good one. Sites that the bound opens are improved by interchange now and then.

    Parameters
    ----------
    ranked
    p
    forced
    is_open : shape (n_candidates,)
        Sites to begin with.
    grain
        Every total is a whole multiple of it (0 if not known).
    until
        ``time.perf_counter()`` at which to stop.
    """
    least, cap = price_range(ranked, is_open)
    first, second = ranked.nearest(is_open, ranked.far)[1:]
    halfway = (first + np.minimum(second, 2 * first + 1)) / 2
    price = np.clip(np.where(second >= ranked.unserved, ranked.unserved, halfway), least, cap)
    ascent = ascend(
        ranked, p, forced, price, (least, cap), is_open, grain, until,
        rounds=_ROUNDS, patience=_PATIENCE, smallest=_SMALLEST_STEP, primal_every=_PRIMAL_EVERY,
    )  # fmt: skip
    return ascent[0]


def ascend(
    ranked: Ranked,
    p: int,
    forced: Positions,
    price: Floats,
    price_range: tuple[Floats, Floats],
    is_open: Flags,
    grain: float,
    until: float,
    *,
    rounds: int,
    patience: int,
    smallest: float,
    primal_every: int,
    target: float | None = None,
) -> tuple[Bound, Floats]:
    """Subgradient steps from given prices.

    Parameters
    ----------
    ranked, p, forced
    price : shape (n_demand,)
        Where to begin.
    price_range
        Least and largest price of each demand point.
    is_open : shape (n_candidates,)
        Sites to beat.
    grain, until
        As in `bound_p_median`.
    rounds
        Most steps.
    patience
        Steps without a better bound before the step is halved.
    smallest
        Step at which to stop.
    primal_every
        How often the sites that the bound opens are tried.
    target
        Total to beat, where it is not that of ``is_open`` among these pairs.

    Returns
    -------
    Bound
    ndarray, shape (n_candidates,)
        How often each site was opened of late, between 0 and 1.
    """
    least, cap = price_range
    best_open, objective = is_open, ranked.total(is_open) if target is None else target
    # a pair that is never below the price of its demand point cannot matter
    pairs = ranked.keep(ranked.value < cap[ranked.row])
    best_price, value, scale, stale = price, -np.inf, 1.0, 0
    often = np.zeros(ranked.n_candidates)
    tried: set[bytes] = set()
    for step in range(rounds):
        below = np.flatnonzero(pairs.value < price[pairs.row])
        row, column = pairs.row[below], pairs.column[below]
        worth = pairs.value[below] - price[row]
        saving = totals(column, worth, ranked.n_candidates)
        chosen = best_sites(saving, p, forced)
        often += 0.05 * (chosen - often)
        found = float(price.sum() + saving[chosen].sum())
        stale = 0 if found > value + 1e-7 * abs(value) else stale + 1
        if found > value:
            value, best_price = found, price
        if step % primal_every == 0 and chosen.tobytes() not in tried:
            tried.add(chosen.tobytes())
            total = ranked.total(chosen)
            if total < objective + 0.03 * (abs(objective) + 1):
                better = interchange(ranked, chosen, forced)
                total = ranked.total(better)
                if total < objective - 1e-12 * abs(objective):
                    best_open, objective = better, total
        if objective - lifted(value, grain) <= 1e-9 * abs(objective):
            break
        if stale >= patience:
            scale, stale, price = scale / 2, 0, best_price
            if scale < smallest:
                break
            continue
        slope = 1.0 - np.bincount(row[chosen[column]], minlength=ranked.n_demand)
        slope[(slope > 0) & (price >= cap)] = 0.0
        slope[(slope < 0) & (price <= least)] = 0.0
        length = float(slope @ slope)
        if length == 0 or time.perf_counter() > until:
            break
        distance = 1.01 * objective - found
        price = np.clip(price + scale * distance / length * slope, least, cap)
    saving = savings(ranked, best_price)
    value = float(best_price.sum() + saving[best_sites(saving, p, forced)].sum())
    return Bound(value, best_price, saving, best_open, objective), often


def price_range(ranked: Ranked, is_open: Flags) -> tuple[Floats, Floats]:
    """Prices worth trying: from the cheapest site of a demand point to its third open one.

    No price above that of leaving the demand point unserved is worth trying, and that is the
    limit where it may be.
    """
    rows = np.arange(ranked.n_demand)
    filled = ranked.start[1:] > ranked.start[:-1]
    most, least = np.zeros(ranked.n_demand), np.zeros(ranked.n_demand)
    most[filled] = ranked.value[ranked.start[1:][filled] - 1]
    least[filled] = ranked.value[ranked.start[:-1][filled]]
    at = np.flatnonzero(is_open[ranked.column])
    row = ranked.row[at]
    third = np.searchsorted(row, rows) + 2
    has_third = third < np.searchsorted(row, rows, side="right")
    cap = most + (most - least).max(initial=0.0) + 1.0
    cap[has_third] = ranked.value[at[third[has_third]]]
    cap = np.where(np.isfinite(ranked.unserved), ranked.unserved, cap)
    return np.minimum(least, cap), cap


@dataclass(frozen=True, eq=False)
class Fixed:
    """What no choice better than the incumbent can do without, or do at all.

    Parameters
    ----------
    closed, opened : ndarray of bool, shape (n_candidates,)
    pairs : ndarray of bool, shape (n_pairs,)
        Pairs that a better choice may still use.
    must_serve : ndarray of bool, shape (n_demand,)
        Demand points that a better choice cannot leave unserved.
    """

    closed: Flags
    opened: Flags
    pairs: Flags
    must_serve: Flags


def fix(ranked: Ranked, p: int, forced: Positions, bound: Bound, limit: float) -> Fixed:
    """Reduced-cost fixing: keep only what a choice of total at most ``limit`` can use.

    Parameters
    ----------
    ranked
    p
    forced
    bound
        Prices and savings that prove it.
    limit
        Largest total that is still of interest.
    """
    room = limit - bound.value
    chosen = best_sites(bound.saving, p, forced)
    rest = ~chosen
    free = chosen.copy()
    free[forced] = False
    last_in = bound.saving[free].max(initial=-np.inf)
    first_out = bound.saving[rest].min(initial=np.inf)
    entering = np.where(chosen, 0.0, bound.saving - last_in)  # inf if every chosen one is forced
    leaving = np.where(free, first_out - bound.saving, 0.0)
    closed = rest & (entering > room)
    opened = free & (leaving > room)
    opened[forced] = True
    over = np.maximum(ranked.value - bound.price[ranked.row], 0.0)
    usable = (over + entering[ranked.column] <= room) & ~closed[ranked.column]
    must_serve = ranked.unserved - bound.price > room
    return Fixed(closed, opened, usable, must_serve)
