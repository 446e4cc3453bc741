"""A clause on a service circle: "within 5 km of an emergency station in town"."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from scipy.sparse import csr_array

from healthalloc.layout import Layout
from healthalloc.plan.clause import Clause, ResourceId, Scope, register
from healthalloc.plan.measure import Cover, Measure
from healthalloc.settings import AtLeastZero, Positive


@register
@dataclass(frozen=True, kw_only=True)
class Coverage(Clause):
    """Share of residents with a facility that holds a resource within a radius, in percent.

    A population counts as reached once at least one whole unit of the resource is held
    within its radius (the covering condition of Toregas et al. 1971, weighted by residents
    as in Church and ReVelle 1974); a closed facility holds nothing.

    Parameters
    ----------
    resource
        What must stand within the radius; all kinds below it count.
    radius, radius_unit
        The radius, in ``km`` or ``min``.
    area_class
        Area classes of the populations that are asked; empty: all.
    scope
        Facilities that count; empty: all.
    penalty_cny_per_resident
        Yearly cost of a resident left out, CNY; with it the clause may do without a target and
        is then met as far as it is worth it.
    """

    kind: ClassVar[str] = "coverage"
    most: ClassVar[float] = 100.0
    resource: ResourceId
    radius: Positive
    radius_unit: Literal["km", "min"]
    area_class: tuple[str, ...] = ()
    scope: Scope = field(default_factory=dict)
    penalty_cny_per_resident: AtLeastZero | None = None

    @property
    def unit_label(self) -> str:
        return "% of residents"

    @property
    def is_priced(self) -> bool:
        return self.penalty_cny_per_resident is not None

    def problems(self, layout: Layout) -> list[str]:
        known = layout.scenario.populations["area_class"].unique()
        ceiling = self.bounds[1]
        refused = [
            f"a ceiling of {ceiling:g} % on residents reached cannot be enforced: give at_least, "
            "or treatment audit"
        ]
        return [
            *(refused if self.treatment == "enforce" and ceiling < self.most else []),
            *self._unknown_classes(known),
        ]

    def _unknown_classes(self, known: Iterable[str]) -> list[str]:
        return [
            f"area_class {word!r} matches no population: allowed are {', '.join(known)}"
            for word in self.area_class
            if word not in known
        ]

    def measure(self, layout: Layout) -> Measure:
        where = layout.facilities_in(self.scope)
        classes = layout.scenario.populations["area_class"]
        asked = classes.isin(self.area_class).to_numpy() | (not self.area_class)
        asked &= layout.population_shown
        residents = layout.residents_idx[asked]
        share = 100.0 * residents / (residents.sum() or 1.0)
        point = np.cumsum(asked) - 1
        near_population, near_facility = layout.within(self.radius, self.radius_unit, asked, where)
        shape = (len(residents), len(where))
        near = csr_array(
            (np.ones(len(near_facility)), (point[near_population], near_facility)), shape=shape
        )
        held = layout.stock_in(self.resource, where)
        holder = csr_array(
            (np.ones(len(held)), (layout.stock_facility_idx[held], held)),
            shape=(len(where), layout.n_decisions),
        )
        penalty = self.penalty_cny_per_resident
        cover = Cover(
            csr_array(near @ holder),
            csr_array(share[None, :]),
            None if penalty is None else penalty * residents,
        )
        reached = np.array([float(residents.sum() > 0)])
        return Measure(csr_array((1, layout.n_decisions)), reached, cover=cover)
