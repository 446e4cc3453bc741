"""Everybody goes to the nearest facility, which is sized to fit."""

from __future__ import annotations

import numpy as np

from healthalloc.formulation.program import Floats
from healthalloc.layout import Positions
from healthalloc.scenario import Scenario
from healthalloc.strategies.allocation import Allocation
from healthalloc.strategies.capacity import Capacity
from healthalloc.strategies.choosing import chosen


def nearest_facility(scenario: Scenario) -> Allocation:
    """Send everybody to the nearest facility that offers the service, and size it to fit.

    The assignment of the p-median problem without capacities (Hakimi 1964,
    doi:10.1287/opre.12.3.450), at the sites of today; of equally near ones the first by name.
    Where an upper limit of ``stock.csv`` binds, those turned away stay unserved: the rule sends
    nobody elsewhere. See `choosing.chosen`.

    Parameters
    ----------
    scenario
    """

    def pull(capacity: Capacity, facility: Positions, service: Positions, way: Floats) -> Floats:
        # nothing pulls: everybody goes to the nearest
        return np.zeros(len(way))

    return chosen(scenario, pull)
