"""Share out in proportion to need."""

from __future__ import annotations

from healthalloc.scenario import Scenario
from healthalloc.strategies.allocation import Allocation
from healthalloc.strategies.pots import Totals, population_needs, shared_out
from healthalloc.strategies.sharing import in_proportion


def by_need(scenario: Scenario, *, totals: Totals | None = None) -> Allocation:
    """Share today's units of each resource in proportion to the need for it.

    Capitation weighted by need (Rice and Smith 2001, doi:10.1111/1468-0009.00188): need is the
    scenario's own demand, by group of residents where it is given so, times what a case
    requires. Otherwise as `by_residents`.

    Parameters
    ----------
    scenario
    totals
        Units of a resource to share instead of today's.
    """
    return shared_out(scenario, population_needs, in_proportion, totals)
