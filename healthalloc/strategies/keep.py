"""Keep what is there."""

from __future__ import annotations

from healthalloc.layout import Layout
from healthalloc.scenario import Scenario
from healthalloc.strategies.allocation import Allocation, open_today


def keep(scenario: Scenario) -> Allocation:
    """Keep the stock and the sites of the base year, even beyond the limits of ``stock.csv``.

    Parameters
    ----------
    scenario
    """
    stock = scenario.stock["existing"].to_numpy(dtype=float, copy=True)
    return Allocation(stock, open_today(Layout(scenario)))
