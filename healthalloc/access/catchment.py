"""Access to supply that others use as well: the floating catchment areas.

All of them spread each supply over the demand around it, in proportion to weights ``w``:

    access[i] = sum_j  w[i, j] * supply[j] / sum_k w[k, j] * demand[k]

so that demand times access adds up to the supply that is reached. Where that is undefined,
access is NaN: at a point without demand that reaches a supply within reach of no demand at all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from healthalloc.access.decay import Decay, weights_of
from healthalloc.access.inputs import AccessArcs, Floats, checked_arcs, totals


def two_step_catchment(
    demand: ArrayLike,
    supply: ArrayLike,
    demand_idx: ArrayLike,
    supply_idx: ArrayLike,
    travel: ArrayLike,
    *,
    limit: float,
) -> Floats:
    """Supply per unit of demand by two-step floating catchment areas (2SFCA).

    Luo and Wang (2003, doi:10.1068/b29120): every arc within the limit weighs 1.

    Parameters
    ----------
    demand, supply, demand_idx, supply_idx, travel
        As in `AccessArcs`.
    limit
        Farthest travel; an arc exactly at it counts.

    Returns
    -------
    ndarray, shape (n_demand,)
        Units of supply for one unit of demand; 0 where nothing is within reach; NaN at points
        without demand where it is undefined.

    Raises
    ------
    DataError
        As `checked_arcs`.

    Examples
    --------
    Ten beds for 100 and 400 residents, two more that only the 400 reach:

    >>> two_step_catchment([100, 400], [10, 2], [0, 1, 1], [0, 0, 1], [5, 9, 20], limit=20)
    array([0.02 , 0.025])
    """
    arcs = checked_arcs(demand, supply, demand_idx, supply_idx, travel, limit)
    return _spread(arcs, np.ones(arcs.travel.size))


def enhanced_two_step_catchment(
    demand: ArrayLike,
    supply: ArrayLike,
    demand_idx: ArrayLike,
    supply_idx: ArrayLike,
    travel: ArrayLike,
    *,
    decay: Decay,
    limit: float = np.inf,
) -> Floats:
    """Supply per unit of demand by enhanced two-step catchment areas (E2SFCA).

    Near arcs weigh more than far ones, in both steps: in zones (`step`) after Luo and Qi (2009,
    doi:10.1016/j.healthplace.2009.06.002), by a Gaussian (`gaussian_to_zero`) after Dai (2010,
    doi:10.1016/j.healthplace.2010.06.012), or by any other decay.

    Parameters
    ----------
    demand, supply, demand_idx, supply_idx, travel
        As in `AccessArcs`.
    decay
        Weight by travel.
    limit
        Farthest travel; beyond it the weight is 0.

    Returns
    -------
    ndarray, shape (n_demand,)
        Units of supply for one unit of demand; 0 where nothing is within reach; NaN at points
        without demand where it is undefined.

    Raises
    ------
    DataError
        As `checked_arcs`, or if the decay gives a weight that is NaN, negative or infinite.
    """
    arcs = checked_arcs(demand, supply, demand_idx, supply_idx, travel, limit)
    return _spread(arcs, weights_of(decay, arcs.travel))


def three_step_catchment(
    demand: ArrayLike,
    supply: ArrayLike,
    demand_idx: ArrayLike,
    supply_idx: ArrayLike,
    travel: ArrayLike,
    *,
    decay: Decay,
    limit: float = np.inf,
) -> Floats:
    """Supply per unit of demand by three-step floating catchment areas (3SFCA).

    Wan, Zou and Sternberg (2012, doi:10.1080/13658816.2011.624987): demand first chooses among
    the supplies within reach, in proportion to their weights, so that a place with many choices
    does not count in full at each of them.

    Parameters
    ----------
    demand, supply, demand_idx, supply_idx, travel
        As in `AccessArcs`. Every supply point is a choice, even one of supply 0, as in the
        paper; leave out the points that are none.
    decay
        Weight by travel.
    limit
        Farthest travel; beyond it the weight is 0.

    Returns
    -------
    ndarray, shape (n_demand,)
        Units of supply for one unit of demand; 0 where nothing is within reach; NaN at points
        without demand where it is undefined.

    Raises
    ------
    DataError
        As `checked_arcs`, or if the decay gives a weight that is NaN, negative or infinite.
    """
    arcs = checked_arcs(demand, supply, demand_idx, supply_idx, travel, limit)
    weight = weights_of(decay, arcs.travel)
    choices = totals(arcs.demand_idx, weight, arcs.demand.size)[arcs.demand_idx]
    chance = np.divide(weight, choices, out=np.zeros_like(weight), where=choices > 0)
    return _spread(arcs, weight * chance)


def _spread(arcs: AccessArcs, weight: Floats) -> Floats:
    """Access by the two steps that all catchment areas share, shape (n_demand,)."""
    demand, supply, demand_idx, supply_idx, _ = arcs
    reached = totals(supply_idx, weight * demand[demand_idx], supply.size)
    # supply within reach of no demand: nothing to share if it is 0, undefined otherwise
    ratio = np.where(supply > 0, np.nan, 0.0)
    np.divide(supply, reached, out=ratio, where=reached > 0)
    # an arc without weight reaches nothing, not even what is undefined
    share = np.multiply(weight, ratio[supply_idx], out=np.zeros_like(weight), where=weight > 0)
    return totals(demand_idx, share, demand.size)
