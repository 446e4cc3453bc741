"""A clause on a reserve that can be opened quickly: "40 infectious beds within days"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pydantic import Field

from healthalloc.layout import Layout
from healthalloc.plan.clause import Clause, ResourceId, Scope, ones, register
from healthalloc.plan.measure import Measure

Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


@register
@dataclass(frozen=True, kw_only=True)
class SurgeReserve(Clause):
    """Units that named facilities can convert in an emergency.

    Parameters
    ----------
    weights
        Share of each resource that can be converted, in (0, 1]; the resources must not
        contain each other.
    scope
        Facilities that count; empty: all.
    """

    kind: ClassVar[str] = "surge_reserve"
    weights: Annotated[Mapping[ResourceId, Share], Field(min_length=1)]
    scope: Scope = field(default_factory=dict)

    @property
    def unit_label(self) -> str:
        return "units"

    def problems(self, layout: Layout) -> list[str]:
        counted = layout.resource_ids.isin(list(self.weights))
        twice = layout.under[counted].sum(axis=0) > 1
        return [f"weights count {r} more than once" for r in layout.resource_ids[twice]]

    def measure(self, layout: Layout) -> Measure:
        where = layout.facilities_in(self.scope)
        parts = [layout.stock_sum(r, where, weight=share) for r, share in self.weights.items()]
        return Measure(sum(parts[1:], parts[0]), ones(1))
