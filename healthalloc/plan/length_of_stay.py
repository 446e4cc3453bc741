"""A clause on the length of stay: "10.7 days become 9.7"; it changes the need for beds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from scipy.sparse import csr_array

from healthalloc.layout import Floats, Layout
from healthalloc.norms import DAYS_A_YEAR, arrivals, cases_per_flow, stay_factor
from healthalloc.plan.clause import Clause, Scope, ServiceId, register
from healthalloc.plan.measure import Measure


@register
@dataclass(frozen=True, kw_only=True)
class LengthOfStay(Clause):
    """Average stay over some inpatient services in the facilities of a scope, in days.

    Enforced, it is no row but a norm: each of the services stays at most so long in these
    facilities, so that an admission needs fewer bed-days (admissions x stay / 365 patients in
    bed, Little 1961). What it frees is in the table ``beds_freed``.

    Parameters
    ----------
    services
        Inpatient services that it speaks of.
    scope
        Facilities; empty: all.
    """

    kind: ClassVar[str] = "length_of_stay"
    is_parameter: ClassVar[bool] = True
    services: Annotated[tuple[ServiceId, ...], Field(min_length=1)]
    scope: Scope = field(default_factory=dict)

    @property
    def unit_label(self) -> str:
        return "days"

    def problems(self, layout: Layout) -> list[str]:
        services = layout.scenario.services.set_index("service_id")
        found = [
            f"service {name} is ambulatory and has no stay: name inpatient services"
            for name in self.services
            if services["setting"][name] != "inpatient"
        ]
        if self.treatment == "enforce" and not 0 < self.bounds[1] < np.inf:
            found.append("a stay that is enforced needs a ceiling above 0: give at_most or equals")
        longest = self.equals if self.equals is not None else 0.0
        found += [
            f"service {name} stays {services['stay_days'][name]:g} days: equals can shorten that, "
            "not lengthen it"
            for name in self.services
            if longest > services["stay_days"][name]
        ]
        if self.each_area:
            found.append("a stay is stated for a scope: name the area, not a level")
        return found

    def stay_factor(self, layout: Layout) -> Floats:
        services = layout.scenario.services
        stay = services["stay_days"].to_numpy(dtype=float)
        concerned = services["service_id"].isin(self.services).to_numpy()
        shown = layout.part(self.area) if self.area else layout
        factor = np.ones((layout.n_facilities, len(services)))
        cell = np.ix_(shown.facilities_in(self.scope), concerned)
        factor[cell] = np.minimum(self.bounds[1] / stay[concerned], 1.0)
        return factor

    def measure(self, layout: Layout) -> Measure:
        services = layout.scenario.services["service_id"].isin(self.services).to_numpy()
        facility_idx, service_idx = arrivals(layout)
        first = layout.n_stock + layout.n_facilities
        counted = np.flatnonzero(
            layout.facilities_in(self.scope)[facility_idx] & services[service_idx]
        )
        facility_idx, service_idx = facility_idx[counted], service_idx[counted]
        row, shape = np.zeros(len(counted), dtype=np.intp), (1, layout.n_decisions)
        days = DAYS_A_YEAR * stay_factor(layout)[facility_idx, service_idx]
        cases = cases_per_flow(layout.scenario)[service_idx]
        return Measure(
            csr_array((days, (row, first + counted)), shape=shape),
            np.zeros(1),
            csr_array((cases, (row, first + counted)), shape=shape),
        )
