"""Fill the largest gap first."""

from __future__ import annotations

from healthalloc.scenario import Scenario
from healthalloc.strategies.allocation import Allocation
from healthalloc.strategies.pots import Totals, population_needs, shared_out
from healthalloc.strategies.sharing import equal_gaps


def largest_gap(scenario: Scenario, *, totals: Totals | None = None) -> Allocation:
    """Give each next unit to the facility whose need exceeds its stock the most.

    It begins at the lower limits of ``stock.csv`` and ends when today's units are placed: all
    gaps are then equal, in units, but for limits. Large places bear the same shortage as small
    ones, where `by_need` lets shortage grow with need (constrained equal losses, Aumann and
    Maschler 1985, doi:10.1016/0022-0531(85)90102-4). Need counts as in `by_need`, in units;
    whole units by largest remainders.

    Parameters
    ----------
    scenario
    totals
        Units of a resource to share instead of today's.
    """
    return shared_out(scenario, population_needs, equal_gaps, totals)
