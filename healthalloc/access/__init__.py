"""Access to supply and how equally it is spread: the measures, on sparse arcs.

Every measure of access takes the five arrays of `AccessArcs` (`from_scenario` and `from_table`
make them); every index of inequality takes values and weights. `access_by_population` and
`access_by_area` give labelled tables of a scenario or a solution.
"""

from __future__ import annotations

from healthalloc.access.agglomeration import Agglomeration, agglomeration
from healthalloc.access.catchment import (
    enhanced_two_step_catchment,
    three_step_catchment,
    two_step_catchment,
)
from healthalloc.access.decay import (
    Decay,
    exponential,
    gaussian,
    gaussian_to_zero,
    power,
    step,
)
from healthalloc.access.inequality import (
    concentration_index,
    gini,
    inequality,
    palma_ratio,
    worst_off_share,
)
from healthalloc.access.inputs import AccessArcs
from healthalloc.access.opportunities import cumulative_opportunities, gravity
from healthalloc.access.people import lorenz_curve
from healthalloc.access.stock import from_scenario, from_table
from healthalloc.access.tables import access_by_area, access_by_population
from healthalloc.access.theil import Theil, theil

__all__ = [
    "AccessArcs",
    "Agglomeration",
    "Decay",
    "Theil",
    "access_by_area",
    "access_by_population",
    "agglomeration",
    "concentration_index",
    "cumulative_opportunities",
    "enhanced_two_step_catchment",
    "exponential",
    "from_scenario",
    "from_table",
    "gaussian",
    "gaussian_to_zero",
    "gini",
    "gravity",
    "inequality",
    "lorenz_curve",
    "palma_ratio",
    "power",
    "step",
    "theil",
    "three_step_catchment",
    "two_step_catchment",
    "worst_off_share",
]
