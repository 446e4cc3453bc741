"""A clause on a share: "30 % of beds in social hands", "2-3 % observation beds in each"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from healthalloc.layout import Layout
from healthalloc.plan.clause import Clause, ResourceId, Scope, register
from healthalloc.plan.measure import Measure


@register
@dataclass(frozen=True, kw_only=True)
class ResourceShare(Clause):
    """Share of one resource in another, in percent.

    Parameters
    ----------
    resource
        Numerator; all kinds below it count.
    of_resource
        Denominator; all kinds below it count.
    scope
        Facilities that count; empty: all.
    part_scope
        Narrows the numerator further, e.g. ``{"ownership": "social"}``.
    each
        Whether the share must hold in each facility rather than over all together.
    """

    kind: ClassVar[str] = "resource_share"
    most: ClassVar[float] = 100.0
    resource: ResourceId
    of_resource: ResourceId
    scope: Scope = field(default_factory=dict)
    part_scope: Scope = field(default_factory=dict)
    each: bool = False

    @property
    def unit_label(self) -> str:
        return "%"

    def measure(self, layout: Layout) -> Measure:
        where = layout.facilities_in(self.scope)
        counted = where & layout.facilities_in(self.part_scope)
        if self.each:
            where = counted
        top = layout.stock_sum(self.resource, counted, each=self.each, weight=100.0)
        bottom = layout.stock_sum(self.of_resource, where, each=self.each)
        names = layout.facility_names(where) if self.each else ()
        return Measure(top, np.zeros(top.shape[0]), bottom, names)
