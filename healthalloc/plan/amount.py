"""A clause on an amount: "no fewer than 50 ICU beds"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from healthalloc.layout import Layout
from healthalloc.plan.clause import Clause, ResourceId, Scope, ones, register
from healthalloc.plan.measure import Measure


@register
@dataclass(frozen=True, kw_only=True)
class Amount(Clause):
    """Units of a resource in all facilities of a scope together.

    Parameters
    ----------
    resource
        What is counted; all kinds below it count.
    scope
        Facilities that count; empty: all.
    """

    kind: ClassVar[str] = "amount"
    resource: ResourceId
    scope: Scope = field(default_factory=dict)

    @property
    def unit_label(self) -> str:
        return "units"

    def measure(self, layout: Layout) -> Measure:
        held = layout.stock_sum(self.resource, layout.facilities_in(self.scope))
        return Measure(held, ones(1))
