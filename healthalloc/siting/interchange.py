"""Good sites fast: greedy choice, then the best exchange of one site until none helps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from healthalloc.siting.costs import Flags, Floats, Positions, totals
from healthalloc.siting.ranked import Ranked


def greedy(ranked: Ranked, p: int, forced: Positions) -> Flags:
    """Open, one after the other, the site that saves most (Kuehn and Hamburger 1963).

    Parameters
    ----------
    ranked
    p
        Number of sites to open, with the forced ones.
    forced
        Sites that are open from the start.

    Returns
    -------
    ndarray of bool, shape (n_candidates,)
        Open sites.
    """
    is_open = np.zeros(ranked.n_candidates, dtype=np.bool_)
    is_open[forced] = True
    now = ranked.nearest(is_open, ranked.far)[1]
    pairs = ranked
    for _ in range(p - len(forced)):
        useful = pairs.value < now[pairs.row]
        pairs = pairs.keep(useful) if useful.sum() < 0.9 * len(useful) else pairs
        saving = np.maximum(now[pairs.row] - pairs.value, 0.0)
        gain = totals(pairs.column, saving, ranked.n_candidates)
        gain[is_open] = -1.0
        best = int(gain.argmax())
        is_open[best] = True
        mine = pairs.column == best
        now[pairs.row[mine]] = np.minimum(now[pairs.row[mine]], pairs.value[mine])
    return is_open


def interchange(ranked: Ranked, is_open: Flags, forced: Positions) -> Flags:
    """Exchange one site for another as long as the best exchange helps.

    The saving of every exchange is found at once, from the pairs that are cheaper than the
    second cheapest open site: saving of the newcomer, loss of the leaver, and what the
    newcomer makes up of that loss (Teitz and Bart 1968; Resende and Werneck 2007,
    doi:10.1007/s10479-006-0154-0).

    Parameters
    ----------
    ranked
    is_open : shape (n_candidates,)
        Sites to begin with.
    forced
        Sites that must stay.

    Returns
    -------
    ndarray of bool, shape (n_candidates,)
        Open sites from which no single exchange helps.
    """
    is_open = is_open.copy()
    m = ranked.n_candidates
    tolerance = 1e-9 * (1.0 + float(np.minimum(ranked.far, 1e300).max()))
    while True:
        found = exchanges(ranked, is_open, forced)
        if found.change.size == 0:
            return is_open
        best = int(found.change.argmin())
        if found.change.flat[best] >= -tolerance:
            return is_open
        is_open[found.sites[best // m]] = False
        is_open[best % m] = True


@dataclass(frozen=True, eq=False)
class Exchanges:
    """What single changes of the open sites would do to the total.

    Parameters
    ----------
    sites : ndarray of int, shape (k,)
        Open sites.
    gain : ndarray, shape (n_candidates,)
        What opening each candidate saves.
    loss : ndarray, shape (k,)
        What closing each open site costs.
    change : ndarray, shape (k, n_candidates)
        What exchanging an open site for a candidate costs; ``inf`` where that cannot be.
    """

    sites: Positions
    gain: Floats
    loss: Floats
    change: Floats


def exchanges(ranked: Ranked, is_open: Flags, forced: Positions) -> Exchanges:
    """What every single change of the open sites would do to the total."""
    m, far = ranked.n_candidates, ranked.far
    site, first, second = ranked.nearest(is_open, far)
    sites = np.flatnonzero(is_open)
    slot = np.full(m + 1, len(sites), dtype=np.intp)  # the last for "no site"
    slot[sites] = np.arange(len(sites))
    at = np.flatnonzero(ranked.value < second[ranked.row])
    row, column, value = ranked.row[at], ranked.column[at], ranked.value[at]
    gain = totals(column, np.maximum(first[row] - value, 0.0), m)
    loss = totals(slot[site], second - first, len(sites) + 1)[:-1]
    made_up = totals(
        slot[site[row]] * m + column,
        second[row] - np.maximum(value, first[row]),
        (len(sites) + 1) * m,
    ).reshape(-1, m)[:-1]
    change = loss[:, None] - made_up
    change -= gain
    change[:, is_open] = np.inf
    change[slot[forced]] = np.inf
    return Exchanges(sites, gain, loss, change)
