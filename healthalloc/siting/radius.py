"""The p-median as a program over radii: whether a site is open within each distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array

from healthalloc.formulation.program import LinearProgram
from healthalloc.siting.costs import Flags, Positions, totals
from healthalloc.siting.ranked import Ranked

Hashes = NDArray[np.uint64]


def radius_program(
    ranked: Ranked, p: int, sites: Positions, opened: Flags, must_serve: Flags
) -> LinearProgram:
    """Minimise the total over p open sites, one column for each site and each radius.

    For a demand point with values ``v1 < v2 < ...`` over its candidates, ``z`` of radius
    ``vk`` says that no site within it is open and costs ``v(k+1) - vk``; one row a radius ties
    it to the radius before: ``z(k) + (sites at exactly vk) >= z(k-1)`` (Cornuejols, Nemhauser
    and Wolsey 1980; Elloumi 2010, doi:10.1007/s10878-008-9183-7; Garcia, Labbe and Marin
    2011). A chain ends at the first radius that reaches an open site; demand points that see
    the same sites share their column, with their costs added up (AlBdaiwi, Goldengorin and
    Sierksma 2009).

    Parameters
    ----------
    ranked
        Pairs that may be used, those of closed sites left out.
    p
        Number of sites, with those in ``opened``.
    sites
        Candidates that are columns; every pair's candidate is among them.
    opened : shape (n_candidates,)
        Sites fixed open.
    must_serve : shape (n_demand,)
        Demand points that must have an open site among their pairs.

    Returns
    -------
    LinearProgram
        Its first ``len(sites)`` columns say which site is open.
    """
    n = ranked.n_demand
    # levels: runs of pairs of one demand point and one value
    new_row = np.diff(ranked.row, prepend=-1) != 0
    new_level = new_row | (np.diff(ranked.value, prepend=-1.0) != 0)
    level_of_pair = np.cumsum(new_level) - 1
    first = np.flatnonzero(new_level)
    row, value = ranked.row[first], ranked.value[first]
    last_of_row = np.append(np.diff(row) != 0, True) if len(row) else np.zeros(0, dtype=np.bool_)
    # an open site ends the chain: levels from the first one that holds an open site are certain
    n_levels = len(first)
    holds_open = np.zeros(n_levels, dtype=np.bool_)
    holds_open[level_of_pair[opened[ranked.column]]] = True
    certain_at = np.full(n, n_levels, dtype=np.intp)
    np.minimum.at(certain_at, row[holds_open], np.flatnonzero(holds_open))
    live = np.arange(n_levels) < certain_at[row]
    following = np.append(value[1:], 0.0)
    must = must_serve | np.isinf(ranked.unserved)
    rise = np.where(last_of_row, np.where(must, 0.0, ranked.unserved)[row], following) - value
    ends = last_of_row & must[row] & live  # here a site is needed: no z, a cover row
    rise[ends] = 0.0
    # what a level sees, as a hash of its set of sites
    seen = _set_hashes(ranked, level_of_pair, new_row, n_levels)
    free = live & ~ends
    representative, merged = _groups(seen[free])
    levels = np.flatnonzero(free)
    chosen_levels = levels[representative]
    z_of_level = np.full(n_levels, -1, dtype=np.intp)
    z_of_level[levels] = merged
    n_sites, n_z = len(sites), len(chosen_levels)
    z_cost = totals(merged, rise[levels], n_z)
    # one row for each representative level and for each different cover row
    cover, _ = _groups(seen[ends])
    row_levels = np.concatenate([chosen_levels, np.flatnonzero(ends)[cover]])
    n_rows = len(row_levels)
    before = np.where(new_row[first[row_levels]], -1, row_levels - 1)
    parent = np.where(before >= 0, z_of_level[before], -1)
    row_of_level = np.full(n_levels, -1, dtype=np.intp)
    row_of_level[row_levels] = np.arange(n_rows)
    site_column = np.full(ranked.n_candidates, -1, dtype=np.intp)
    site_column[sites] = np.arange(n_sites)
    pair_row = row_of_level[level_of_pair]
    used = np.flatnonzero(pair_row >= 0)
    chained = np.flatnonzero(parent >= 0)
    row_idx = np.concatenate([pair_row[used], np.arange(n_z), chained, np.full(n_sites, n_rows)])
    column_idx = np.concatenate(
        [
            site_column[ranked.column[used]], n_sites + np.arange(n_z),
            n_sites + parent[chained], np.arange(n_sites),
        ]
    )  # fmt: skip
    data = np.ones(len(row_idx))
    data[len(used) + n_z : len(used) + n_z + len(chained)] = -1.0
    n_columns = n_sites + n_z
    matrix = csc_array(coo_array((data, (row_idx, column_idx)), shape=(n_rows + 1, n_columns)))
    never = (np.diff(ranked.start) == 0) & ~must
    offset = ranked.unserved[never].sum() + value[new_row[first]].sum()
    lower = np.where(parent >= 0, 0.0, 1.0)
    return LinearProgram(
        cost=np.concatenate([np.zeros(n_sites), z_cost]),
        offset=float(offset),
        matrix=matrix,
        row_lower=np.append(lower, float(p)),
        row_upper=np.append(np.full(n_rows, np.inf), float(p)),
        column_lower=np.concatenate([opened[sites].astype(float), np.zeros(n_z)]),
        column_upper=np.ones(n_columns),
        integer=np.arange(n_columns) < n_sites,
    )


def _set_hashes(ranked: Ranked, level_of_pair: Positions, new_row: Flags, n_levels: int) -> Hashes:
    """A number for the set of sites within each level, shape (n_levels, 2).

    Sums of two random 64-bit words a site, so that two different sets agree with a chance of
    about 2**-128 a couple.
    """
    words = np.random.default_rng(20110).integers(
        0, 2**64, size=(ranked.n_candidates, 2), dtype=np.uint64
    )
    running = np.cumsum(words[ranked.column], axis=0, dtype=np.uint64)
    begin = np.flatnonzero(new_row)
    base = np.zeros((len(begin), 2), dtype=np.uint64)
    base[1:] = running[begin[1:] - 1]
    within_row = running - np.repeat(base, np.diff(np.append(begin, len(running))), axis=0)
    last = np.append(np.flatnonzero(np.diff(level_of_pair)), len(level_of_pair) - 1)
    hashed = within_row[last[:n_levels]] if n_levels else np.zeros((0, 2), dtype=np.uint64)
    return hashed


def _groups(hashes: Hashes) -> tuple[Positions, Positions]:
    """First member of each group of equal hashes, and the group of each member."""
    order = np.lexsort(hashes.T)
    ranked = hashes[order]
    new = np.ones(len(ranked), dtype=np.bool_)
    new[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    group = np.empty(len(ranked), dtype=np.intp)
    group[order] = np.cumsum(new) - 1
    return order[new], group
