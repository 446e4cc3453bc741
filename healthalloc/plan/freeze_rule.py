"""A clause that stops growth where beds stand empty: "under 75 % and over 9 days, no new beds"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from scipy.sparse import csr_array

from healthalloc.layout import Layout, Mask
from healthalloc.plan.clause import Clause, ResourceId, Scope, register
from healthalloc.plan.measure import Measure
from healthalloc.settings import Positive

Percent = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]


@register
@dataclass(frozen=True, kw_only=True)
class FreezeRule(Clause):
    """Stock as a share of the base year's, in percent, where the facility is used too little.

    It speaks of the facilities of the scope whose ``occupancy_percent`` is below one threshold
    and whose ``stay_days`` are above the other, both of the base year; with ``at_most = 100``
    these get nothing new, in whichever of their forms.

    Parameters
    ----------
    resource
        What may not grow; all kinds below it count.
    occupancy_below_percent, stay_above_days
        The thresholds; both must be passed.
    scope
        Facilities that the rule is for; empty: all.
    """

    kind: ClassVar[str] = "freeze_rule"
    resource: ResourceId
    occupancy_below_percent: Percent
    stay_above_days: Positive
    scope: Scope = field(default_factory=dict)

    @property
    def unit_label(self) -> str:
        return "% of the base year"

    @property
    def nothing_to_say(self) -> str:
        return "none: no facility in the scope passes both thresholds"

    def problems(self, layout: Layout) -> list[str]:
        facilities = layout.scenario.facilities
        where = layout.facilities_in(self.scope)
        return [
            f"facility {facility} has no {column} in facilities.csv, so nobody can say whether "
            "the rule is for it: give it, or narrow the scope"
            for column in ("occupancy_percent", "stay_days")
            for facility in facilities["facility_id"][where & facilities[column].isna().to_numpy()]
        ]

    def _frozen(self, layout: Layout) -> Mask:
        facilities = layout.scenario.facilities
        empty = (facilities["occupancy_percent"] < self.occupancy_below_percent).to_numpy()
        slow = (facilities["stay_days"] > self.stay_above_days).to_numpy()
        frozen: Mask = layout.facilities_in(self.scope) & empty & slow
        return frozen

    def measure(self, layout: Layout) -> Measure:
        frozen = self._frozen(layout)
        existing = layout.scenario.stock["existing"].to_numpy(dtype=float)
        # all forms of a frozen institution: an upgrade is no way around the rule
        institutions = np.isin(layout.institution_idx, layout.institution_idx[frozen])
        held = layout.stock_in(self.resource, institutions)
        row_of = np.full(layout.n_facilities, -1, dtype=np.intp)
        row_of[layout.institution_idx[frozen]] = np.arange(int(frozen.sum()))
        row = row_of[layout.institution_idx[layout.stock_facility_idx[held]]]
        n = int(frozen.sum())
        base = np.bincount(row, existing[held], n).astype(float)
        growth = csr_array((np.full(len(held), 100.0), (row, held)), shape=(n, layout.n_decisions))
        return Measure(growth, base, facilities=layout.facility_names(frozen))
