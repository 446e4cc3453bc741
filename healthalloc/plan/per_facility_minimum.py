"""A clause on each facility: "at least two public health managers in every institution"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from healthalloc.layout import Layout
from healthalloc.plan.clause import Clause, ResourceId, Scope, register
from healthalloc.plan.measure import Measure


@register
@dataclass(frozen=True, kw_only=True)
class PerFacilityMinimum(Clause):
    """Units of a resource in each open facility of a scope; a closed one is exempt.

    Parameters
    ----------
    resource
        What is counted; all kinds below it count.
    scope
        Facilities that must hold it; empty: all.
    """

    kind: ClassVar[str] = "per_facility_minimum"
    resource: ResourceId
    scope: Scope = field(default_factory=dict)

    @property
    def unit_label(self) -> str:
        return "units per facility"

    def measure(self, layout: Layout) -> Measure:
        where = layout.facilities_in(self.scope)
        return Measure(
            layout.stock_sum(self.resource, where, each=True),
            np.zeros(int(where.sum())),
            layout.open_sum(where, each=True),
            layout.facility_names(where),
        )
