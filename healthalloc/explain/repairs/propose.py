"""Which repairs are worth proving: least changes of minimal sets, of all, and without some."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from healthalloc.explain.conflicts.soft import SoftProgram
from healthalloc.explain.repairs.correction import ENOUGH, SECONDS, corrections
from healthalloc.explain.repairs.least_change import Changer
from healthalloc.explain.repairs.targets import Move, is_budget

Moves = list[Move]


def propose(
    soft: SoftProgram, changer: Changer, movable: set[int], last: set[int], search: int
) -> tuple[list[Moves], bool]:
    """Repairs that change different members, and whether every minimal set was looked at.

    Parameters
    ----------
    soft
        The plan, capped.
    changer
        Of the same.
    movable
        Members that may be changed.
    last
        Those of them that are taken only if nothing else will do.
    search
        Minimal sets to look at.
    """
    found = corrections(soft, movable, last, search)
    sets = [set(members.tolist()) for members in found.sets]
    # every way to touch as few binding clauses as possible, with all that is not binding
    ways = {frozenset(s & last) for s in sets} or ([] if found.complete else [frozenset(last)])
    pools = [(movable - last) | way for way in ways]
    single = [moves for members in sets if (moves := changer.least(members))]
    # more money mends most plans: what the targets alone can do is worth knowing beside it
    budget = {k for k in movable if is_budget(soft.model, k)}
    kept = [pool - budget for pool in pools if pool & budget]
    whole = [moves for pool in (*pools, *kept) if (moves := _less(changer, pool, single))]
    proposed = _distinct([*whole, *single])
    if not found.complete:
        proposed += _without_some(changer, proposed, pools)
    return proposed, found.complete


def _less(changer: Changer, pool: set[int], known: Sequence[Moves]) -> Moves | None:
    """The least change of all members of a pool, if it is less than that of any set in it."""
    bar = min((weight_of(m) for m in known if _members(m) <= pool), default=np.inf)
    moves = changer.least(pool)
    return moves if moves and weight_of(moves) < bar * (1 - 1e-9) else None


def weight_of(moves: Sequence[Move]) -> float:
    """Sum of the changes, each as a share of the size of its target."""
    return sum(move.weight for move in moves)


def _members(moves: Iterable[Move]) -> frozenset[int]:
    return frozenset(move.knob.member for move in moves)


def _distinct(proposed: Iterable[Moves]) -> list[Moves]:
    """Repairs that change different members, the first of each."""
    first: dict[frozenset[int], Moves] = {}
    for moves in proposed:
        first.setdefault(_members(moves), moves)
    return list(first.values())


def _without_some(
    changer: Changer, known: Sequence[Moves], pools: Sequence[Collection[int]]
) -> list[Moves]:
    """Further repairs where the search for minimal sets ended too early to find enough.

    A member of each repair known is left as it is, and the least change of all others is
    found; first those that could have changed further, since others can do so in their place,
    the most changed of them first: a repair that differs from all known (Reiter 1987,
    doi:10.1016/0004-3702(87)90062-2, on the tree of such choices).
    """
    more: list[Moves] = []
    waiting: list[frozenset[int]] = [frozenset()]
    began = time.monotonic()
    while waiting and len(known) + len(more) < ENOUGH and time.monotonic() - began < SECONDS:
        left = waiting.pop(0)
        untouched = [moves for moves in (*known, *more) if not _members(moves) & left]
        if untouched:
            of = sorted(untouched[0], key=lambda move: (move.is_all_the_way, -move.weight))
            waiting += [more_left for m in of if (more_left := left | {m.knob.member}) != left]
            continue
        found = [moves for pool in pools if (moves := changer.least(set(pool) - left))]
        if found:
            more.append(min(found, key=weight_of))
            waiting.insert(0, left)
    return more
