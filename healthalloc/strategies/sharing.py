"""Share a number of units among places within limits, in whole units where asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from healthalloc.formulation.program import Floats

FAINT = 1e-9
"""Weights below this share of the largest count as none."""
STEPS = 200
"""Halvings of an interval, enough for the last digit."""


def in_proportion(total: float, weight: Floats, lower: Floats, upper: Floats) -> Floats:
    """Share a total in proportion to weights.

    Where a limit binds, the place gets the limit and the others share the rest in proportion.
    Places of weight 0 get their lower limit, and evenly what the others cannot take.

    Parameters
    ----------
    total
        Units; what no limit lets in is not placed, and the lower limits are given in any case.
    weight, lower, upper : ndarray, shape (n_places,)
        All 0 or more; an upper limit may be infinite.

    Returns
    -------
    ndarray, shape (n_places,)
    """
    if not len(weight):
        return np.zeros(0)
    if weight.max() > 0:
        weight = weight / weight.max()
    weighted = weight > FAINT
    if not weighted.any():
        weight, weighted = np.ones(len(weight)), np.ones(len(weight), dtype=bool)
    most = np.where(weighted, upper, lower)
    if most.sum() < total and not weighted.all():
        filled = np.where(weighted, upper, lower)
        rest = total - filled[weighted].sum()
        other = ~weighted
        filled[other] = in_proportion(rest, np.ones(int(other.sum())), lower[other], upper[other])
        return filled
    highest = (total + lower.max(initial=0.0) + 1.0) / weight[weighted].min()
    return _met(total, lambda level: np.clip(level * weight, lower, most), 0.0, float(highest))


def equal_gaps(total: float, need: Floats, lower: Floats, upper: Floats) -> Floats:
    """Share a total so that the largest gap between need and share is as small as can be.

    Giving each next unit to the largest gap ends where all gaps are equal, but for limits: the
    rule of constrained equal losses (Aumann and Maschler 1985,
    doi:10.1016/0022-0531(85)90102-4).

    Parameters
    ----------
    total, lower, upper
        As in `in_proportion`.
    need : ndarray, shape (n_places,)
        Units.
    """
    if not len(need):
        return np.zeros(0)
    lowest, highest = float(need.min()) - total - 1.0, float(need.max())
    return _met(total, lambda gap: np.clip(need - gap, lower, upper), highest, lowest)


def _met(total: float, shares: Callable[[float], Floats], few: float, many: float) -> Floats:
    """Shares that add up to a total, between a level that gives too few and one too many."""
    for _ in range(STEPS):
        middle = (few + many) / 2
        if shares(middle).sum() < total:
            few = middle
        else:
            many = middle
    return shares(many)


def whole_shares(shares: Floats, names: Sequence[str]) -> Floats:
    """Whole units by the largest remainders (Hamilton's rule), the total rounded.

    Parameters
    ----------
    shares : ndarray, shape (n_places,)
    names : length n_places
        Of equal remainders the first name goes first, whatever the order of the rows.
    """
    exact = np.round(shares, 9)
    units = np.floor(exact)
    left = int(np.round(exact.sum() - units.sum()))
    rank: NDArray[np.intp] = np.argsort(np.argsort(np.array(names, dtype=str), kind="stable"))
    order = np.lexsort((rank, -np.round(exact - units, 7)))
    units[order[:left]] += 1.0
    return units
