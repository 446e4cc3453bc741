"""A clause on where residents go first: "92 % of first contacts at primary care"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from scipy.sparse import csr_array

from healthalloc.layout import Floats, Layout, Mask, in_scope
from healthalloc.norms import cases_per_flow
from healthalloc.plan.clause import Clause, Scope, ServiceId, register
from healthalloc.plan.measure import Measure


@register
@dataclass(frozen=True, kw_only=True)
class FirstContactShare(Clause):
    """Share of the cases that residents bring themselves which go to a scope, in percent.

    Cases referred from one facility to another are no first contacts. With an ``area`` it is
    about the residents of the area, wherever they go. Needs flows, so that an
    audit of stock alone cannot measure it.

    Parameters
    ----------
    services
        Services whose cases are counted.
    scope
        Facilities of the numerator, e.g. primary care.
    """

    kind: ClassVar[str] = "first_contact_share"
    most: ClassVar[float] = 100.0
    services: Annotated[tuple[ServiceId, ...], Field(min_length=1)]
    scope: Scope = field(default_factory=dict)

    @property
    def unit_label(self) -> str:
        return "% of first contacts"

    def measure(self, layout: Layout) -> Measure:
        shape, arcs = (1, layout.n_decisions), layout.arcs
        if arcs is None:
            return Measure(csr_array(shape), np.zeros(1), csr_array(shape))
        services = layout.scenario.services["service_id"].isin(self.services).to_numpy()
        asked = services[arcs.service_idx] & layout.population_shown[arcs.population_idx]
        where = in_scope(layout.scenario.facilities, self.scope)  # residents may leave their area
        cases: Floats = cases_per_flow(layout.scenario)[arcs.service_idx]
        first = layout.n_stock + layout.n_facilities

        def total(counted: Mask, factor: float) -> csr_array:
            flow = np.flatnonzero(counted)
            row = np.zeros(len(flow), dtype=np.intp)
            return csr_array((factor * cases[flow], (row, first + flow)), shape=shape)

        return Measure(total(asked & where[arcs.facility_idx], 100.0), np.zeros(1), total(asked, 1))
