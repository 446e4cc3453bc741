"""A clause on merging: "hospitals of abolished townships become branches of one nearby"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from scipy.sparse import csr_array

from healthalloc.layout import Floats, Layout, Mask
from healthalloc.plan.clause import Clause, FacilityId, Scope, register
from healthalloc.plan.measure import Measure, stacked
from healthalloc.settings import AtLeastZero, Positive


@register
@dataclass(frozen=True, kw_only=True)
class Merger(Clause):
    """Open hosts within a radius of each branch that is kept; and a branch where many live.

    A branch may be kept only where a host within the radius is open: the one that residents go
    to by habit, where it is named. Where at least ``residents_at_least`` live within the radius
    of the branch, it must be kept; elsewhere it may close.

    Parameters
    ----------
    scope
        The branches, e.g. the forms that merged hospitals would take.
    hosts
        Facilities that branches may be merged into.
    radius, radius_unit
        Farthest between branch and host, and the circle in which residents count.
    habit
        Host that the residents of a branch use, in whichever of its forms, by facility_id of the
        branch.
    residents_at_least
        Residents within the radius from which a branch must stay.
    """

    kind: ClassVar[str] = "merger"
    is_about_distance: ClassVar[bool] = True
    scope: Scope
    hosts: Scope
    radius: Positive
    radius_unit: Literal["km", "min"]
    habit: Mapping[FacilityId, FacilityId] = field(default_factory=dict)
    residents_at_least: AtLeastZero | None = None

    @property
    def unit_label(self) -> str:
        return "open hosts of a branch (or the branch, where it must stay)"

    def problems(self, layout: Layout) -> list[str]:
        hosts = layout.facilities_in(self.hosts)
        both = layout.facilities_in(self.scope) & hosts
        facility_id = layout.scenario.facilities["facility_id"]
        known = {*facility_id[hosts], *facility_id[layout.institution_idx[hosts]]}
        floor = self.bounds[0]
        scaled = self.residents_at_least is not None and np.isfinite(floor) and floor not in (0, 1)
        return [
            *self.ceiling_refused(),
            *(
                ["at_least is 1, or 0 for none, where residents_at_least says that a branch stays"]
                * scaled
            ),
            *(
                f"facility {name} is both a branch and a host: narrow scope or hosts"
                for name in layout.facility_names(both)
            ),
            *(
                f"the habit of {branch} is {host}, which is no host: widen hosts, or name another"
                for branch, host in self.habit.items()
                if host not in known
            ),
        ]

    def measure(self, layout: Layout) -> Measure:
        branch = layout.facilities_in(self.scope)
        names = layout.facility_names(branch)
        n, position = len(names), np.cumsum(branch) - 1
        start, end = layout.between(
            self.radius, self.radius_unit, branch, layout.facilities_in(self.hosts)
        )
        facility_id = layout.scenario.facilities["facility_id"].to_numpy()
        institution = facility_id[layout.institution_idx]
        usual = np.array([self.habit.get(str(f), "") for f in facility_id], dtype=object)
        wanted = usual[start]
        used = (wanted == "") | (wanted == facility_id[end]) | (wanted == institution[end])
        start, end = start[used], end[used]
        shape = (n, layout.n_decisions)
        hosts = csr_array(
            (np.ones(len(start)), (position[start], layout.n_stock + end)), shape=shape
        )
        kept = layout.open_sum(branch, each=True)
        parts = [Measure(hosts, np.zeros(n), kept, names)]
        if self.residents_at_least is not None:
            stays = self._residents_near(layout, branch)[branch] >= self.residents_at_least
            must = Measure(
                csr_array(kept[stays]), np.ones(int(stays.sum())),
                csr_array((int(stays.sum()), layout.n_decisions)),
                tuple(name for name, stay in zip(names, stays) if stay),
            )  # fmt: skip
            parts.append(must)
        return stacked(parts)

    def _residents_near(self, layout: Layout, branch: Mask) -> Floats:
        asked = layout.population_shown
        population, facility = layout.within(self.radius, self.radius_unit, asked, branch)
        residents = layout.residents_idx[population]
        return np.bincount(facility, residents, layout.n_facilities).astype(float)
