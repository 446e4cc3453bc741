"""A clause on referrals: "30 % of inpatients go down to primary care for rehabilitation"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array

from healthalloc.layout import Layout, in_scope
from healthalloc.norms import arrivals, cases_per_flow, referral_service_idx
from healthalloc.plan.clause import Clause, Scope, ServiceId, register
from healthalloc.plan.measure import Measure


@register
@dataclass(frozen=True, kw_only=True)
class ReferralShare(Clause):
    """Share of the cases treated in a scope that are referred on, in percent.

    The table ``referrals`` says how many cases need it; the clause says how many of all cases
    must get it, or may. With an ``area`` it is about the facilities of the area that refer,
    wherever they refer to. Needs flows, so that an audit of stock alone cannot measure it.

    Parameters
    ----------
    from_service, to_service
        A row of the table ``referrals``.
    scope
        Facilities that refer; empty: all.
    to_scope
        Facilities referred to that count; empty: all.
    """

    kind: ClassVar[str] = "referral_share"
    most: ClassVar[float] = 100.0
    from_service: ServiceId
    to_service: ServiceId
    scope: Scope = field(default_factory=dict)
    to_scope: Scope = field(default_factory=dict)

    @property
    def unit_label(self) -> str:
        return "% of cases"

    def _row(self, layout: Layout) -> int:
        """Row of the table of referrals; -1 where there is none."""
        table = layout.scenario.referrals
        same = (table["from_service_id"] == self.from_service) & (
            table["to_service_id"] == self.to_service
        )
        return int(np.argmax(same)) if same.any() else -1

    def most_in(self, layout: Layout) -> float:
        """No more are referred than need it, unless nobody is treated at all."""
        share = float(layout.scenario.referrals["share"].iloc[self._row(layout)])
        return min(self.most, round(100.0 * share, 9))

    def problems(self, layout: Layout) -> list[str]:
        row = self._row(layout)
        pair = f"from {self.from_service} to {self.to_service}"
        if row < 0:
            return [f"the table referrals has no row {pair}: add it, with the share that needs it"]
        share, low = self.most_in(layout), self.bounds[0]
        if self.treatment == "enforce" and low > share:
            return [
                f"asks for {low:g} % {pair}, but referrals.csv says that {share:g} % need it: "
                "no more are referred"
            ]
        return []

    def measure(self, layout: Layout) -> Measure:
        shape, arcs = (1, layout.n_decisions), layout.referral_arcs
        if arcs is None or layout.arcs is None:
            return Measure(csr_array(shape), np.zeros(1), csr_array(shape))
        scenario, where = layout.scenario, layout.facilities_in(self.scope)
        cases = cases_per_flow(scenario)
        towards = in_scope(scenario.facilities, self.to_scope)
        counted = (arcs.referral_idx == self._row(layout)) & where[arcs.from_idx]
        referred = np.flatnonzero(counted & towards[arcs.to_idx])
        facility_idx, service_idx = arrivals(layout)
        start = list(scenario.services["service_id"]).index(self.from_service)
        treated = np.flatnonzero((service_idx == start) & where[facility_idx])
        first = layout.n_stock + layout.n_facilities
        top = 100.0 * cases[referral_service_idx(layout)][referred]
        zero, nought = np.zeros(len(referred), np.intp), np.zeros(len(treated), np.intp)
        at_top = first + layout.n_flows + referred
        return Measure(
            csr_array((top, (zero, at_top)), shape=shape),
            np.zeros(1),
            csr_array((cases[service_idx[treated]], (nought, first + treated)), shape=shape),
        )
