"""Access to supply that nobody else takes away: cumulative opportunities and gravity."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from healthalloc.access.decay import Decay, weights_of
from healthalloc.access.inputs import Floats, checked_arcs, totals


def cumulative_opportunities(
    demand: ArrayLike,
    supply: ArrayLike,
    demand_idx: ArrayLike,
    supply_idx: ArrayLike,
    travel: ArrayLike,
    *,
    limit: float,
) -> Floats:
    """Supply within a limit of travel.

    Wachs and Kumagai (1973, Socio-Economic Planning Sciences 7: 437-456).

    Parameters
    ----------
    demand, supply, demand_idx, supply_idx, travel
        As in `AccessArcs`. Of the demand only its length counts.
    limit
        Farthest travel; an arc exactly at it counts.

    Returns
    -------
    ndarray, shape (n_demand,)
        Units of supply; 0 where nothing is within reach.

    Raises
    ------
    DataError
        As `checked_arcs`.

    Examples
    --------
    >>> cumulative_opportunities([1, 1], [5, 7], [0, 0, 1], [0, 1, 1], [10, 30, 31], limit=30)
    array([12.,  0.])
    """
    arcs = checked_arcs(demand, supply, demand_idx, supply_idx, travel, limit)
    return totals(arcs.demand_idx, arcs.supply[arcs.supply_idx], arcs.demand.size)


def gravity(
    demand: ArrayLike,
    supply: ArrayLike,
    demand_idx: ArrayLike,
    supply_idx: ArrayLike,
    travel: ArrayLike,
    *,
    decay: Decay,
    limit: float = np.inf,
) -> Floats:
    """Supply that counts less the farther away it is.

    The potential of Hansen (1959, doi:10.1080/01944365908978307): ``sum_j S_j f(t_ij)``.

    Parameters
    ----------
    demand, supply, demand_idx, supply_idx, travel
        As in `AccessArcs`. Of the demand only its length counts.
    decay
        Weight by travel: `exponential`, `power`, `gaussian`, `gaussian_to_zero`, `step`, or a
        function of your own.
    limit
        Farthest travel; beyond it the weight is 0.

    Returns
    -------
    ndarray, shape (n_demand,)
        Weighted units of supply; 0 where nothing is within reach.

    Raises
    ------
    DataError
        As `checked_arcs`, or if the decay gives a weight that is NaN, negative or infinite.
    """
    arcs = checked_arcs(demand, supply, demand_idx, supply_idx, travel, limit)
    counted = weights_of(decay, arcs.travel) * arcs.supply[arcs.supply_idx]
    return totals(arcs.demand_idx, counted, arcs.demand.size)
