"""Classic location models on the same network: exact, with the bound and the gap.

`Costs` are what every model starts from (`from_matrix`, `from_table`, `from_scenario`,
`from_graph`), `Siting` is what every model gives back.
"""

from __future__ import annotations

from healthalloc.siting.answer import Checks, Siting
from healthalloc.siting.backup import backup_coverage
from healthalloc.siting.capacitated_p_median import capacitated_p_median
from healthalloc.siting.costs import Costs, from_matrix
from healthalloc.siting.facility_location import capacitated_facility_location
from healthalloc.siting.inputs import from_graph, from_scenario, from_table
from healthalloc.siting.lscp import lscp
from healthalloc.siting.mclp import mclp
from healthalloc.siting.p_center import p_center
from healthalloc.siting.p_median import p_median

__all__ = [
    "Checks",
    "Costs",
    "Siting",
    "backup_coverage",
    "capacitated_facility_location",
    "capacitated_p_median",
    "from_graph",
    "from_matrix",
    "from_scenario",
    "from_table",
    "lscp",
    "mclp",
    "p_center",
    "p_median",
]
