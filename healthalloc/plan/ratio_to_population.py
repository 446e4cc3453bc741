"""A clause per resident: "8.9 beds per 1,000 residents"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from healthalloc.layout import Layout
from healthalloc.plan.clause import Clause, ResourceId, Scope, register
from healthalloc.plan.measure import Measure

_PER = {"per_1000_residents": 1e3, "per_10000_residents": 1e4}


@register
@dataclass(frozen=True, kw_only=True)
class RatioToPopulation(Clause):
    """Units of a resource in a scope for every 1,000 or 10,000 residents of the region.

    Parameters
    ----------
    resource
        What is counted; all kinds below it count.
    unit
        ``per_1000_residents`` or ``per_10000_residents``.
    scope
        Facilities that count; empty: all.
    """

    kind: ClassVar[str] = "ratio_to_population"
    resource: ResourceId
    unit: Literal["per_1000_residents", "per_10000_residents"]
    scope: Scope = field(default_factory=dict)

    @property
    def unit_label(self) -> str:
        return f"per {_PER[self.unit]:,.0f} residents"

    def measure(self, layout: Layout) -> Measure:
        held = layout.stock_sum(self.resource, layout.facilities_in(self.scope))
        return Measure(held, np.array([layout.residents / _PER[self.unit]]))
