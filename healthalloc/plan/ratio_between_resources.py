"""A clause on one resource per unit of another: "1.95 nurses per doctor"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from healthalloc.layout import Layout
from healthalloc.plan.clause import Clause, ResourceId, Scope, register
from healthalloc.plan.measure import Measure


@register
@dataclass(frozen=True, kw_only=True)
class RatioBetweenResources(Clause):
    """Units of one resource for each unit of another.

    Parameters
    ----------
    resource
        Numerator; all kinds below it count.
    per_resource
        Denominator; all kinds below it count.
    scope
        Facilities that count; empty: all.
    each
        Whether the ratio must hold in each facility rather than over all together.
    """

    kind: ClassVar[str] = "ratio_between_resources"
    resource: ResourceId
    per_resource: ResourceId
    scope: Scope = field(default_factory=dict)
    each: bool = False

    @property
    def unit_label(self) -> str:
        return f"{self.resource} per {self.per_resource}"

    def measure(self, layout: Layout) -> Measure:
        where = layout.facilities_in(self.scope)
        top = layout.stock_sum(self.resource, where, each=self.each)
        bottom = layout.stock_sum(self.per_resource, where, each=self.each)
        names = layout.facility_names(where) if self.each else ()
        return Measure(top, np.zeros(top.shape[0]), bottom, names)
