"""Share out in proportion to residents."""

from __future__ import annotations

import numpy as np

from healthalloc.formulation.program import Floats
from healthalloc.layout import Layout
from healthalloc.scenario import Scenario
from healthalloc.strategies.allocation import Allocation
from healthalloc.strategies.pots import Totals, shared_out
from healthalloc.strategies.sharing import in_proportion


def by_residents(scenario: Scenario, *, totals: Totals | None = None) -> Allocation:
    """Share today's units of each resource in proportion to residents.

    The rule of so many beds per 1,000 residents everywhere: by population of areas, the
    starting point of resource allocation formulas (Rice and Smith 2001,
    doi:10.1111/1468-0009.00188). Residents count in their own area, or in that of the nearest
    holder if nobody holds the resource there; within an area today's mix stays. Limits of
    ``stock.csv`` bind first and the others share the rest; whole units by largest remainders.

    Parameters
    ----------
    scenario
    totals
        Units of a resource to share instead of today's, e.g. ``{"bed": 1155}``.
    """

    def residents(layout: Layout) -> Floats:
        each: Floats = np.outer(layout.residents_idx, np.ones(len(layout.resource_ids)))
        return each

    return shared_out(scenario, residents, in_proportion, totals)
