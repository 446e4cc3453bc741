"""The pairs of each demand point from the cheapest on: what all p-median steps work on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from healthalloc.siting.costs import Flags, Floats, Positions


@dataclass(frozen=True, eq=False)
class Ranked:
    """Pairs sorted by demand point, then value, then candidate.

    Parameters
    ----------
    n_demand, n_candidates
    start : ndarray of int, shape (n_demand + 1,)
        First pair of each demand point.
    row, column : ndarray of int, shape (n_pairs,)
    value : ndarray, shape (n_pairs,)
        What it costs to serve all of the demand point there.
    unserved : ndarray, shape (n_demand,)
        What it costs to leave the demand point unserved; ``inf`` if it must be served. Every
        value is below it.
    """

    n_demand: int
    n_candidates: int
    start: Positions
    row: Positions
    column: Positions
    value: Floats
    unserved: Floats

    def keep(self, pairs: Flags) -> Ranked:
        """Only some of the pairs."""
        counts = np.concatenate([[0], np.cumsum(pairs)])
        return Ranked(
            self.n_demand, self.n_candidates, counts[self.start], self.row[pairs],
            self.column[pairs], self.value[pairs], self.unserved,
        )  # fmt: skip

    def nearest(self, is_open: Flags, far: Floats) -> tuple[Positions, Floats, Floats]:
        """Cheapest open site of each demand point, its value, and the second cheapest value.

        Parameters
        ----------
        is_open : shape (n_candidates,)
        far : shape (n_demand,)
            Value where there is no such site.

        Returns
        -------
        site : shape (n_demand,)
            -1 where there is none.
        first, second : shape (n_demand,)
        """
        at = np.flatnonzero(is_open[self.column])
        row = self.row[at]
        begin = np.searchsorted(row, np.arange(self.n_demand + 1))
        count = np.diff(begin)
        site = np.full(self.n_demand, -1, dtype=np.intp)
        first, second = far.copy(), far.copy()
        one, two = np.flatnonzero(count >= 1), np.flatnonzero(count >= 2)
        site[one] = self.column[at[begin[one]]]
        first[one] = self.value[at[begin[one]]]
        second[two] = self.value[at[begin[two] + 1]]
        return site, first, second

    def total(self, is_open: Flags) -> float:
        """Cost of serving every demand point from its cheapest open site."""
        return float(self.nearest(is_open, self.unserved)[1].sum())

    @property
    def far(self) -> Floats:
        """``unserved``, or where there is none a value that outweighs everything else."""
        filled = self.start[1:] > self.start[:-1]
        most = np.zeros(self.n_demand)
        most[filled] = self.value[self.start[1:][filled] - 1]
        finite = np.where(np.isinf(self.unserved), most, self.unserved)
        return np.where(np.isinf(self.unserved), finite.sum() + 1.0, self.unserved)


def rank(value: csr_array, unserved: Floats | None = None) -> Ranked:
    """Sort the pairs of each demand point by value.

    Parameters
    ----------
    value : csr_array, shape (n_demand, n_candidates)
        Stored pairs are those that can be joined.
    unserved : shape (n_demand,), optional
        ``inf`` by default.
    """
    n, m = value.shape
    row = np.repeat(np.arange(n), np.diff(value.indptr))
    order = np.lexsort((value.indices, value.data, row))
    ranked = Ranked(
        n, m, value.indptr.astype(np.intp), row, value.indices[order].astype(np.intp),
        value.data[order], np.full(n, np.inf) if unserved is None else unserved,
    )  # fmt: skip
    below = ranked.value < ranked.unserved[ranked.row]
    return ranked if below.all() else ranked.keep(below)


def grain(values: Floats) -> float:
    """Largest number of which all values are whole multiples, or 0 if they are not whole.

    A total of such values that is above a bound is above it by the rest of the grain too.
    """
    finite = values[np.isfinite(values)]
    if not len(finite) or np.abs(finite).max() > 2**40 or (finite != np.rint(finite)).any():
        return 0.0
    return float(np.gcd.reduce(finite.astype(np.int64)))


def lifted(bound: float, grain: float) -> float:
    """Smallest total of the grain that is not below a bound."""
    return bound if grain == 0 else float(np.ceil((bound / grain) - 1e-6) * grain)
