"""Minimal sets of members whose change can mend a plan, fewest members first."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, lil_array

from healthalloc.explain.conflicts.filters import minimal_sets
from healthalloc.explain.conflicts.soft import Positions, SoftProgram
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.progress import phase
from healthalloc.solvers.base import SolverOptions, Status
from healthalloc.solvers.highs import solve_highs

LATER = 1e-3
"""How much later a stock limit is chosen than a clause, in members; a small one later still."""
ENOUGH = 3
"""Sets below which those that differ only in the facility are looked at as well."""
MOST_ROUNDS = 200
SECONDS = 15.0
"""After so long no further set is looked for; a tight budget conflicts with nearly everything."""


@dataclass(frozen=True, eq=False)
class Corrections:
    """Minimal sets of members whose change can mend a plan.

    Parameters
    ----------
    sets
        Members of each set, fewest first; none contains another.
    complete
        Whether every minimal set is there, but for those that differ from one of these only
        in the facilities whose limits of a resource they change.
    """

    sets: tuple[Positions, ...]
    complete: bool


@phase("correction")
def corrections(
    soft: SoftProgram, movable: Iterable[int], last: Iterable[int], most: int
) -> Corrections:
    """Enumerate minimal correction sets by implicit hitting sets.

    A set that mends the plan takes a member of every conflict. The smallest set that hits all
    conflicts known so far is tried; while what is left cannot hold, it holds further conflicts,
    which are added (Moreno-Centeno and Karp 2013, doi:10.1287/opre.1120.1139). A set that
    mends is kept, and barred from then on. No bound on the changes ("big M") is needed.

    Of the limits of one resource, the largest is tried first; sets that differ only in the
    facility are barred together as long as there are others.

    Parameters
    ----------
    soft
    movable
        Members that may be changed.
    last
        Those of them that are taken only if nothing else will do: every set has as few of
        them as possible.
    most
        Sets to look for.
    """
    cover = _Cover.of(soft, np.array(sorted(movable), dtype=np.intp), set(last))
    found: list[Positions] = []
    complete = False
    until = time.monotonic() + SECONDS
    for _ in range(MOST_ROUNDS):
        if (seconds := until - time.monotonic()) <= 0:
            return Corrections(tuple(found), complete=False)
        try:
            chosen = cover.cheapest(found, seconds, alike=not complete)
        except TimeoutError:
            return Corrections(tuple(found), complete=False)
        if chosen is None:
            if complete or len(found) >= ENOUGH:
                return Corrections(tuple(found), complete=True)
            complete = True
            continue
        left = np.setdiff1d(soft.members, chosen)
        conflicts = [c.members for c in minimal_sets(soft, left, thorough=False)]
        if conflicts:
            cover.known += conflicts
            continue
        found.append(chosen)
        cover.allowed = min(cover.allowed, int(cover.is_last[np.isin(cover.movable, chosen)].sum()))
        if len(found) == (min(most, ENOUGH) if complete else most):
            break
    return Corrections(tuple(found), complete)


@dataclass(eq=False)
class _Cover:
    """The cheapest members that hit every known conflict.

    Parameters
    ----------
    movable : ndarray of int, shape (n,)
    price : ndarray, shape (n,)
    kind : ndarray of int, shape (n,)
        Clauses: each its own; stock limits: one for each resource.
    is_last : ndarray of bool, shape (n,)
    allowed
        Most members of the last resort in a set.
    known
        Conflicts known so far.
    """

    movable: Positions
    price: Floats
    kind: Positions
    is_last: NDArray[np.bool_]
    allowed: int
    known: list[Positions] = field(default_factory=list)

    @classmethod
    def of(cls, soft: SoftProgram, movable: Positions, last: set[int]) -> _Cover:
        n, layout = soft.n_clauses, soft.model.layout
        is_limit = movable >= n
        stock = movable[is_limit] - n
        table = soft.model.scenario.stock
        size = table["upper"].fillna(table["lower"]).to_numpy(dtype=float)[stock]
        price, kind = np.ones(len(movable)), movable.copy()
        price[is_limit] += LATER * (2 - size / max(1.0, size.max(initial=0.0)))
        kind[is_limit] = n + layout.stock_resource_idx[stock]
        is_last = np.isin(movable, list(last))
        price[is_last] += 2 * price.sum()
        return cls(movable, price, kind, is_last, int(is_last.sum()))

    def cheapest(self, barred: list[Positions], seconds: float, *, alike: bool) -> Positions | None:
        """The cheapest members that hit every known conflict; ``None`` if none do.

        Parameters
        ----------
        barred
            Sets of which no other may contain all members.
        seconds
            Time to find them.
        alike
            Whether to bar sets of the same kinds of members too.

        Raises
        ------
        TimeoutError
            If it is not known in time which are the cheapest.
        """
        if any(not np.isin(members, self.movable).any() for members in self.known):
            return None
        n = len(self.movable)
        kinds, kind = np.unique(self.kind, return_inverse=True)
        n_kinds = len(kinds)
        n_known = len(self.known)
        # members, then kinds: a kind is taken as soon as one member of it is
        matrix = lil_array((n_known + len(barred) + 1 + n, n + n_kinds))
        lower, upper = np.full(matrix.shape[0], -np.inf), np.full(matrix.shape[0], np.inf)
        for row, members in enumerate(self.known):
            matrix[row, np.flatnonzero(np.isin(self.movable, members))] = 1.0
            lower[row] = 1.0
        for row, members in enumerate(barred, start=n_known):
            chosen = np.flatnonzero(np.isin(self.movable, members))
            columns = n + np.unique(kind[chosen]) if alike else chosen
            matrix[row, columns] = 1.0
            upper[row] = len(columns) - 1
        row = n_known + len(barred)
        matrix[row, np.flatnonzero(self.is_last)] = 1.0
        upper[row] = self.allowed
        k = np.arange(n)
        matrix[row + 1 + k, k] = -1.0
        matrix[row + 1 + k, n + kind] = 1.0
        lower[row + 1 :] = 0.0
        program = LinearProgram(
            np.concatenate([self.price, np.zeros(n_kinds)]), 0.0, csc_array(matrix), lower, upper,
            np.zeros(n + n_kinds), np.ones(n + n_kinds), np.ones(n + n_kinds, dtype=bool),
        )  # fmt: skip
        result = solve_highs(program, SolverOptions(time_limit_s=seconds, gap=0.0))
        if result.status not in (Status.OPTIMAL, Status.INFEASIBLE):
            raise TimeoutError
        return None if result.x is None else self.movable[result.x[:n] > 0.5]
