"""A clause on one named facility: a row of the plan's institution table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from healthalloc.layout import Layout
from healthalloc.plan.clause import Clause, FacilityId, ResourceId, ones, register
from healthalloc.plan.measure import Measure


@register
@dataclass(frozen=True, kw_only=True)
class FacilityTarget(Clause):
    """Units of a resource in one facility, in whichever of its forms.

    Parameters
    ----------
    facility_id
        The facility.
    resource
        What is counted; all kinds below it count.
    """

    kind: ClassVar[str] = "facility_target"
    facility_id: FacilityId
    resource: ResourceId

    @property
    def unit_label(self) -> str:
        return "units"

    def measure(self, layout: Layout) -> Measure:
        facility_id = layout.scenario.facilities["facility_id"]
        of = layout.institution_idx[(facility_id == self.facility_id).to_numpy()]
        form = (layout.institution_idx == of) & layout.facility_shown
        return Measure(
            layout.stock_sum(self.resource, form), ones(1), facilities=(self.facility_id,)
        )
