"""The plan: one file for each kind of clause, one statement of what it measures."""

from healthalloc.plan.amount import Amount
from healthalloc.plan.area_share import AreaShare
from healthalloc.plan.clause import (
    KINDS,
    Check,
    Clause,
    FacilityId,
    Plan,
    ResourceId,
    Scope,
    ServiceId,
    register,
)
from healthalloc.plan.coverage import Coverage
from healthalloc.plan.facility_count import FacilityCount
from healthalloc.plan.facility_per_population import FacilityPerPopulation
from healthalloc.plan.facility_share import FacilityShare
from healthalloc.plan.facility_target import FacilityTarget
from healthalloc.plan.first_contact_share import FirstContactShare
from healthalloc.plan.freeze_rule import FreezeRule
from healthalloc.plan.hierarchy import Hierarchy
from healthalloc.plan.length_of_stay import LengthOfStay
from healthalloc.plan.measure import Cover, Measure
from healthalloc.plan.merger import Merger
from healthalloc.plan.per_facility_minimum import PerFacilityMinimum
from healthalloc.plan.ratio_between_resources import RatioBetweenResources
from healthalloc.plan.ratio_to_population import RatioToPopulation
from healthalloc.plan.record import Record
from healthalloc.plan.referral_share import ReferralShare
from healthalloc.plan.resource_share import ResourceShare
from healthalloc.plan.surge_reserve import SurgeReserve

__all__ = [
    "KINDS",
    "Amount",
    "AreaShare",
    "Check",
    "Clause",
    "Cover",
    "Coverage",
    "FacilityCount",
    "FacilityId",
    "FacilityPerPopulation",
    "FacilityShare",
    "FacilityTarget",
    "FirstContactShare",
    "FreezeRule",
    "Hierarchy",
    "LengthOfStay",
    "Measure",
    "Merger",
    "PerFacilityMinimum",
    "Plan",
    "RatioBetweenResources",
    "RatioToPopulation",
    "Record",
    "ReferralShare",
    "ResourceId",
    "ResourceShare",
    "Scope",
    "ServiceId",
    "SurgeReserve",
    "register",
]
