"""A clause on the share of facilities that have something: "100 % have a fever clinic"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from healthalloc.layout import Layout
from healthalloc.plan.clause import Clause, ResourceId, Scope, register
from healthalloc.plan.measure import Measure


@register
@dataclass(frozen=True, kw_only=True)
class FacilityShare(Clause):
    """Share of the open facilities of a scope that hold a resource, in percent.

    The resource is one that a facility has or has not, such as a department: its ``upper``
    in the table ``stock`` is at most 1.

    Parameters
    ----------
    resource
        What the facilities should have; a leaf of the tree.
    scope
        Facilities that are asked; empty: all.
    """

    kind: ClassVar[str] = "facility_share"
    most: ClassVar[float] = 100.0
    resource: ResourceId
    scope: Scope = field(default_factory=dict)

    @property
    def unit_label(self) -> str:
        return "% of facilities"

    def problems(self, layout: Layout) -> list[str]:
        held = layout.stock_in(self.resource, layout.facilities_in(self.scope))
        kinds = layout.under[layout.resource_ids.get_loc(self.resource)].sum()
        if kinds > 1:
            return [f"{self.resource} has kinds below it: name one that a facility has or has not"]
        stock = layout.scenario.stock.iloc[held]
        return [
            f"facility {facility} may hold {upper:g} {resource}: a share of facilities needs "
            "something they have or have not, so give upper 1 in stock"
            for facility, resource, upper in zip(
                stock["facility_id"], stock["resource_id"], stock["upper"].fillna(float("inf"))
            )
            if upper > 1
        ]

    def measure(self, layout: Layout) -> Measure:
        where = layout.facilities_in(self.scope)
        held = layout.stock_sum(self.resource, where, weight=100.0)
        return Measure(held, np.zeros(1), layout.open_sum(where))
