"""Values that people have: checked, weighted, and in order of rank.

Values are 0 or more and weighted, usually by residents. A point without weight does not count,
whatever its value, even NaN. Where all values are 0 there is nothing to share, and every index
that is a ratio of shares is NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from healthalloc.access.inputs import Floats, totals, value_problems, vector
from healthalloc.errors import Problem
from healthalloc.travel.common import refuse


def lorenz_curve(
    values: ArrayLike, weight: ArrayLike | None = None, rank: ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Share of the people, from the lowest rank up, and the share of the total that they have.

    Lorenz (1905, doi:10.2307/2276207); by another rank than the value itself, the concentration
    curve of Wagstaff, Paci and van Doorslaer (1991, doi:10.1016/0277-9536(91)90212-U).

    Parameters
    ----------
    values : shape (n,)
        What each person at a point has, e.g. beds per resident.
    weight : shape (n,), optional
        People at the point; 1 by default.
    rank : shape (n,), optional
        What people are ranked by, e.g. income; by default the value itself. People of the same
        rank stand together, so that their order does not matter.

    Returns
    -------
    people, share : ndarray, shape (n_ranks + 1,)
        From 0 to 1. ``share`` is NaN where all values are 0.

    Raises
    ------
    DataError
        With all problems found: shapes, NaN, negative or infinite numbers, no weight at all.
    """
    held, people, order = checked_values(values, weight, rank)
    ranks, place = np.unique(order, return_inverse=True)
    n = len(ranks)
    return _cumulated(totals(place, people, n)), _cumulated(totals(place, people * held, n))


def checked_values(
    values: ArrayLike, weight: ArrayLike | None, rank: ArrayLike | None = None
) -> tuple[Floats, Floats, Floats]:
    """Values, weights and ranks of the points that have weight."""
    held, problems = vector("values", values)
    people, wrong = vector("weight", np.ones(held.size) if weight is None else weight)
    problems += wrong
    order, wrong = (held, []) if rank is None else vector("rank", rank)
    problems += wrong
    if not problems and not held.size == people.size == order.size:
        sizes = f"{held.size} values, {people.size} weights and {order.size} ranks"
        problems = [Problem("values", f"do not match: {sizes}", mend="give one of each a point")]
    refuse(problems)
    problems = value_problems("weight", people)
    counted = ~(people <= 0)
    problems += value_problems("values", np.where(counted, held, 0.0))
    if rank is not None:
        problems += value_problems("rank", np.where(counted, order, 0.0), signed=True)
    if not problems and not counted.any():
        problems = [Problem("weight", "adds up to 0, so nobody is counted")]
    refuse(problems)
    return held[counted], people[counted], order[counted]


def _cumulated(part: Floats) -> Floats:
    """Shares from the first on, beginning at 0; NaN where there is nothing to share."""
    sums = np.concatenate([[0.0], np.cumsum(part)])
    return sums / sums[-1] if sums[-1] > 0 else np.full(sums.size, np.nan)
