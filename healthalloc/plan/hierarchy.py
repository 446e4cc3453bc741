"""A clause on tiers: "county hospital, centre town and ordinary town form one network"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.sparse import csr_array

from healthalloc.layout import Layout, Mask
from healthalloc.plan.clause import Clause, ResourceId, Scope, register
from healthalloc.plan.measure import Measure, stacked
from healthalloc.settings import Positive


@register
@dataclass(frozen=True, kw_only=True)
class Hierarchy(Clause):
    """Units of a resource in the next tier within a radius of each open facility of a tier.

    The coherence condition of hierarchical location models (Narula 1984): a facility of a lower
    tier stands only where one of the next tier backs it.

    Parameters
    ----------
    resource
        What the backing facility must hold; all kinds below it count.
    tiers
        Scopes of the tiers, lowest first.
    radius, radius_unit
        Farthest between a facility and the one that backs it, in ``km`` or ``min``.
    """

    kind: ClassVar[str] = "hierarchy"
    is_about_distance: ClassVar[bool] = True
    resource: ResourceId
    tiers: Annotated[tuple[Scope, ...], Field(min_length=2)]
    radius: Positive
    radius_unit: Literal["km", "min"]

    @property
    def unit_label(self) -> str:
        return "units in the next tier"

    def problems(self, layout: Layout) -> list[str]:
        shown = layout.part(self.area) if self.area else layout
        return [
            *self.ceiling_refused(),
            *(
                f"tier {number}: no facility of {self.area} matches {dict(tier)}"
                for number, tier in enumerate(self.tiers, start=1)
                if not shown.facilities_in(tier).any()
            ),
        ]

    def measure(self, layout: Layout) -> Measure:
        steps = [self._step(layout, low, high) for low, high in self._pairs(layout)]
        return stacked(steps)

    def _pairs(self, layout: Layout) -> Iterator[tuple[Mask, Mask]]:
        for low, high in zip(self.tiers, self.tiers[1:]):
            yield layout.facilities_in(low), layout.facilities_in(high)

    def _step(self, layout: Layout, low: Mask, high: Mask) -> Measure:
        start, end = layout.between(self.radius, self.radius_unit, low, high)
        position = np.cumsum(low) - 1
        n = int(low.sum())
        near = csr_array(
            (np.ones(len(start)), (position[start], end)), shape=(n, layout.n_facilities)
        )
        held = layout.stock_in(self.resource, high)
        holder = csr_array(
            (np.ones(len(held)), (layout.stock_facility_idx[held], held)),
            shape=(layout.n_facilities, layout.n_decisions),
        )
        open_ = layout.open_sum(low, each=True)
        return Measure(csr_array(near @ holder), np.zeros(n), open_, layout.facility_names(low))
