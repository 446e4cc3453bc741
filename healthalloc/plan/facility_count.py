"""A clause on the number of facilities of a kind: "four community health centres"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from healthalloc.layout import Layout
from healthalloc.plan.clause import Clause, Scope, ones, register
from healthalloc.plan.measure import Measure


@register
@dataclass(frozen=True, kw_only=True)
class FacilityCount(Clause):
    """Number of open facilities in a scope.

    Parameters
    ----------
    scope
        Facilities that are counted; empty: all.
    """

    kind: ClassVar[str] = "facility_count"
    scope: Scope = field(default_factory=dict)

    @property
    def unit_label(self) -> str:
        return "facilities"

    def measure(self, layout: Layout) -> Measure:
        return Measure(layout.open_sum(layout.facilities_in(self.scope)), ones(1))
