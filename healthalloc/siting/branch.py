"""Branch and bound over sites with Lagrangian bounds, for what fixing leaves of a p-median."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from healthalloc.siting.costs import Flags, Floats
from healthalloc.siting.lagrangian import Bound, ascend, fix, price_range
from healthalloc.siting.ranked import Ranked, lifted

_ROUNDS = 120
_PATIENCE = 8
_SMALLEST_STEP = 0.05


@dataclass(frozen=True, eq=False)
class _Node:
    pairs: Ranked
    opened: Flags
    closed: Flags
    price: Floats
    bound: float


def branch(
    ranked: Ranked,
    whole: Ranked,
    p: int,
    opened: Flags,
    closed: Flags,
    bound: Bound,
    step: float,
    slack: float,
    until: float,
    most_nodes: int,
) -> tuple[Flags, float, float]:
    """Search for better sites, depth first, opening or closing the least certain one.

    Parameters
    ----------
    ranked
        Pairs that may be used.
    whole
        All pairs, to value sites.
    p
    opened, closed : shape (n_candidates,)
        What is fixed already.
    bound
        Prices and the incumbent.
    step
        Grain of the totals.
    slack
        A total counts as better by more than this.
    until, most_nodes
        When to stop.

    Returns
    -------
    is_open : ndarray of bool, shape (n_candidates,)
    objective : float
    bound : float
        Equal to the objective if the search is complete.
    """
    is_open, objective = bound.is_open, bound.objective
    stack = [_Node(ranked, opened, closed, bound.price, bound.value)]
    nodes = 0
    while stack:
        if time.perf_counter() > until or nodes >= most_nodes:
            return is_open, objective, min(objective, *(node.bound for node in stack))
        node = stack.pop()
        nodes += 1
        limit = objective - max(step * (1 - 1e-6), slack)
        if lifted(node.bound, step) > limit:
            continue
        pairs, opened, closed = node.pairs, node.opened, node.closed
        found = _settled(p, opened, closed)
        if found is not None:
            total = whole.total(found)
            if total < objective:
                is_open, objective = found, total
            continue
        forced = np.flatnonzero(opened)
        least, cap = price_range(pairs, is_open)
        price = np.clip(node.price, least, cap)
        here, often = ascend(
            pairs, p, forced, price, (least, cap), is_open, step, until, rounds=_ROUNDS,
            patience=_PATIENCE, smallest=_SMALLEST_STEP, primal_every=10**9, target=objective,
        )  # fmt: skip
        value = max(node.bound, here.value)
        if lifted(value, step) > limit:
            continue
        kept = fix(pairs, p, forced, here, limit)
        opened, closed = opened | kept.opened, closed | kept.closed
        pairs = _trimmed(pairs.keep(kept.pairs), opened)
        empty = np.diff(pairs.start) == 0
        if opened.sum() > p or (empty & (np.isinf(pairs.unserved) | kept.must_serve)).any():
            continue
        free = ~opened & ~closed
        if not free.any() or opened.sum() == p:
            stack.append(_Node(pairs, opened, closed, here.price, value))
            continue
        unsure = np.where(free, -np.abs(often - 0.5), -np.inf)
        ties = unsure >= unsure.max() - 1e-9
        site = int(np.where(ties, here.saving, np.inf).argmin())
        one = np.zeros_like(opened)
        one[site] = True
        out = pairs.keep(pairs.column != site)
        without = _Node(out, opened, closed | one, here.price, value)
        within = _Node(_trimmed(pairs, opened | one), opened | one, closed, here.price, value)
        stack += [without, within] if often[site] >= 0.5 else [within, without]
    return is_open, objective, objective


def _settled(p: int, opened: Flags, closed: Flags) -> Flags | None:
    """The sites, where nothing is left to choose."""
    if opened.sum() == p:
        return opened
    if (~closed).sum() <= p:
        found = ~closed
        found[np.flatnonzero(closed)[: p - int(found.sum())]] = True
        return found
    return None


def _trimmed(pairs: Ranked, opened: Flags) -> Ranked:
    """Without the pairs that cost more than an opened site of the demand point."""
    first = pairs.nearest(opened, np.full(pairs.n_demand, np.inf))[1]
    return pairs.keep(pairs.value <= first[pairs.row])
