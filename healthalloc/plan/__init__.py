"""The plan: one file for each kind of clause, one statement of what it measures."""

from healthalloc.plan.amount import Amount
from healthalloc.plan.clause import (
    KINDS,
    Check,
    Clause,
    FacilityId,
    Plan,
    ResourceId,
    Scope,
    register,
)
from healthalloc.plan.coverage import Coverage
from healthalloc.plan.facility_count import FacilityCount
from healthalloc.plan.facility_share import FacilityShare
from healthalloc.plan.facility_target import FacilityTarget
from healthalloc.plan.measure import Cover, Measure
from healthalloc.plan.per_facility_minimum import PerFacilityMinimum
from healthalloc.plan.ratio_between_resources import RatioBetweenResources
from healthalloc.plan.ratio_to_population import RatioToPopulation
from healthalloc.plan.record import Record
from healthalloc.plan.resource_share import ResourceShare
from healthalloc.plan.surge_reserve import SurgeReserve

__all__ = [
    "KINDS",
    "Amount",
    "Check",
    "Clause",
    "Cover",
    "Coverage",
    "FacilityCount",
    "FacilityId",
    "FacilityShare",
    "FacilityTarget",
    "Measure",
    "PerFacilityMinimum",
    "Plan",
    "RatioBetweenResources",
    "RatioToPopulation",
    "Record",
    "ResourceId",
    "ResourceShare",
    "Scope",
    "SurgeReserve",
    "register",
]
