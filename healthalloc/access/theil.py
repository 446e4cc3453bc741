"""The Theil index, and what lies between and within groups."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import xlogy

from healthalloc.access.inputs import Floats, Positions, entry_problems, totals
from healthalloc.access.people import checked_values
from healthalloc.errors import DataError, Problem
from healthalloc.travel.common import refuse


class Theil(NamedTuple):
    """The Theil index and what groups explain of it; ``total = between + within``."""

    total: float
    between: float
    within: float


def theil(
    values: ArrayLike, weight: ArrayLike | None = None, group: ArrayLike | None = None
) -> Theil:
    """Theil index T: 0 all have the same; more is more unequal.

    Theil (1967, Economics and Information Theory), ``mean of r ln r`` with r the value over the
    mean, 0 ln 0 being 0. It splits exactly into what lies between and within groups (Shorrocks
    1980, doi:10.2307/1913126).

    Parameters
    ----------
    values, weight
        As in `lorenz_curve`.
    group : shape (n,), optional
        Name of the group of each point, e.g. its county; by default all are in one.

    Returns
    -------
    Theil
        ``total`` is 0 or more and at most ``-ln`` of the smallest share of the people.

    Raises
    ------
    DataError
        As `lorenz_curve`, or for groups of another length or without a name.
    """
    held, people, _ = checked_values(values, weight)
    place = _places(group, np.ones(len(held)) if weight is None else np.asarray(weight))
    total = float(people @ held)
    if total == 0:
        return Theil(np.nan, np.nan, np.nan)
    mean = total / people.sum()
    n_groups = int(place.max()) + 1
    of_group = totals(place, people * held, n_groups)
    mean_of_group = of_group / totals(place, people, n_groups)
    between = _sum_of_logs(of_group, mean_of_group / mean) / total
    safe = np.where(mean_of_group > 0, mean_of_group, 1.0)[place]
    within = _sum_of_logs(people * held, held / safe) / total
    # rounding may leave either a little below 0
    between, within = max(between, 0.0), max(within, 0.0)
    return Theil(between + within, between, within)


def _places(group: ArrayLike | None, people: Floats) -> Positions:
    """Position of the group of each point that has weight; all in one by default."""
    if group is None:
        return np.zeros(int((people > 0).sum()), dtype=np.intp)
    place, _ = pd.factorize(np.asarray(group, dtype=object))
    if place.shape != people.shape:
        raise DataError([Problem("group", f"has {place.size} entries for {people.size} values")])
    refuse(entry_problems("group", place < 0, "has no name"))
    return np.unique(place[people > 0], return_inverse=True)[1]


def _sum_of_logs(amount: Floats, ratio: Floats) -> float:
    """Sum of ``amount * ln(ratio)``, in which 0 ln 0 is 0."""
    return float(xlogy(amount, ratio).sum())
