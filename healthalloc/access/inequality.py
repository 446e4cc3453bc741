"""How unequally access or stock is spread over people; see `people` for what counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from healthalloc.access.inputs import Floats
from healthalloc.access.people import checked_values, lorenz_curve
from healthalloc.access.theil import theil
from healthalloc.errors import DataError, Problem


def gini(values: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Gini coefficient: 0 all have the same, towards 1 one has all.

    Twice the area between the Lorenz curve and the diagonal (for weighted data, Lerman and
    Yitzhaki 1989, Journal of Econometrics 42: 43-47).

    Parameters
    ----------
    values, weight
        As in `lorenz_curve`.

    Returns
    -------
    float
        0 or more, below 1.

    Raises
    ------
    DataError
        As `lorenz_curve`.

    Examples
    --------
    >>> gini([1, 3]), gini([0, 0, 0, 8])
    (0.25, 0.75)
    """
    # rounding may leave the curve a little above the diagonal
    return float(np.maximum(_twice_area(*lorenz_curve(values, weight)), 0.0))


def concentration_index(
    values: ArrayLike, rank: ArrayLike, weight: ArrayLike | None = None
) -> float:
    """Concentration index: below 0 the low ranks have more, above 0 the high ranks.

    Twice the area between the concentration curve and the diagonal (Wagstaff, Paci and van
    Doorslaer 1991, doi:10.1016/0277-9536(91)90212-U); people of the same rank share one place
    (Chen and Roy 2009, Journal of Health Economics 28: 169-175).

    Parameters
    ----------
    values, rank, weight
        As in `lorenz_curve`; the rank may be any finite number, e.g. income.

    Returns
    -------
    float
        Between -1 and 1.

    Raises
    ------
    DataError
        As `lorenz_curve`.
    """
    return _twice_area(*lorenz_curve(values, weight, rank))


def palma_ratio(
    values: ArrayLike, weight: ArrayLike | None = None, rank: ArrayLike | None = None
) -> float:
    """What the top tenth has in all, over what the bottom four tenths have in all.

    Palma (2011, doi:10.1111/j.1467-7660.2011.01694.x). 0.25 where all have the same.

    Parameters
    ----------
    values, weight, rank
        As in `lorenz_curve`; a point across an edge counts in part.

    Returns
    -------
    float
        Infinite where the bottom four tenths have nothing and the top tenth something; NaN
        where neither has anything.

    Raises
    ------
    DataError
        As `lorenz_curve`.
    """
    below_top, bottom = np.interp([0.9, 0.4], *lorenz_curve(values, weight, rank))
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.divide(1.0 - below_top, bottom))


def worst_off_share(
    values: ArrayLike, weight: ArrayLike | None = None, *, share: float = 0.1
) -> float:
    """Mean value of the people who have least, by default of the worst-off tenth.

    The lower tail mean (Rockafellar and Uryasev 2000, doi:10.21314/JOR.2000.038): points are
    counted from the worst, the last one in part.

    Parameters
    ----------
    values, weight
        As in `lorenz_curve`.
    share
        Of the people, above 0 and at most 1.

    Returns
    -------
    float
        In the unit of the values; 0 where all values are 0.

    Raises
    ------
    DataError
        As `lorenz_curve`, or for a share out of range.
    """
    if not 0 < share <= 1:
        raise DataError([Problem("share", "is not above 0 and at most 1", value=f"{share:g}")])
    held, people, _ = checked_values(values, weight)
    order = np.argsort(held, kind="stable")
    part = people[order] / people.sum()
    counted = np.clip(share - (np.cumsum(part) - part), 0.0, part)
    return float(held[order] @ counted / counted.sum())


def inequality(
    values: ArrayLike, weight: ArrayLike | None = None, rank: ArrayLike | None = None
) -> pd.Series[float]:
    """All indices at once.

    Parameters
    ----------
    values, weight
        As in `lorenz_curve`.
    rank
        What the concentration index ranks by, e.g. income; without it, it is left out.

    Returns
    -------
    Series
        ``mean, gini, theil, palma_ratio, worst_off_tenth`` and, with a rank,
        ``concentration_index``.

    Raises
    ------
    DataError
        As `lorenz_curve`.
    """
    held, people, _ = checked_values(values, weight, rank)
    found = {
        "mean": float(people @ held / people.sum()),
        "gini": gini(values, weight),
        "theil": theil(values, weight).total,
        "palma_ratio": palma_ratio(values, weight),
        "worst_off_tenth": worst_off_share(values, weight),
    }
    if rank is not None:
        found["concentration_index"] = concentration_index(values, rank, weight)
    return pd.Series(found, name="value")


def _twice_area(people: Floats, share: Floats) -> float:
    """Twice the area between a curve and the diagonal; above 0 where the curve sags."""
    return float(1.0 - np.diff(people) @ (share[1:] + share[:-1]))
