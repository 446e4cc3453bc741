"""A clause on the share of areas that have something: "half of the streets have a nursery"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import numpy as np
from scipy.sparse import csr_array

from healthalloc.areas import area_of_level, inside
from healthalloc.layout import Layout
from healthalloc.plan.clause import LEVEL, Clause, ResourceId, Scope, register
from healthalloc.plan.measure import Cover, Measure


@register
@dataclass(frozen=True, kw_only=True)
class AreaShare(Clause):
    """Share of the areas of a level in which a facility holds a resource, in percent.

    An area counts once at least one whole unit stands in it.

    Parameters
    ----------
    resource
        What must stand there; all kinds below it count.
    level
        Level of the areas that are asked.
    scope
        Facilities that count; empty: all.
    """

    kind: ClassVar[str] = "area_share"
    most: ClassVar[float] = 100.0
    resource: ResourceId
    level: Annotated[str, LEVEL]
    scope: Scope = field(default_factory=dict)

    @property
    def unit_label(self) -> str:
        return "% of areas"

    def problems(self, layout: Layout) -> list[str]:
        ceiling = self.bounds[1]
        if self.treatment == "enforce" and ceiling < self.most:
            return [
                f"a ceiling of {ceiling:g} % of areas cannot be enforced: give at_least, or "
                "treatment audit"
            ]
        return []

    def measure(self, layout: Layout) -> Measure:
        areas = layout.scenario.areas
        every = layout.areas_of(self.level)
        shown = inside(areas, layout.area) if layout.area else set(every)
        asked = np.flatnonzero([area in shown for area in every])
        held = layout.stock_in(self.resource, layout.facilities_in(self.scope))
        stands_in = area_of_level(areas, self.level, layout.scenario.facilities["area"])
        place = stands_in[layout.stock_facility_idx[held]]
        inside_one = place >= 0
        near = csr_array(
            (np.ones(int(inside_one.sum())), (place[inside_one], held[inside_one])),
            shape=(len(every), layout.n_decisions),
        )
        share = np.full((1, len(asked)), 100.0 / max(len(asked), 1))
        return Measure(
            csr_array((1, layout.n_decisions)),
            np.array([float(len(asked) > 0)]),
            cover=Cover(csr_array(near[asked]), csr_array(share)),
        )
