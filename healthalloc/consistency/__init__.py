"""Checks at the door, across tables: references, trees, figures that must agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from healthalloc.consistency.care import (
    check_groups,
    check_radii,
    check_requirements,
    check_services,
)
from healthalloc.consistency.common import Tables, can_read, check_references
from healthalloc.consistency.referring import check_referrals
from healthalloc.consistency.sites import (
    check_forms,
    check_points,
    check_proposals,
    check_site_costs,
    check_stock_leaves,
    check_stock_limits,
    check_stock_of_sites,
)
from healthalloc.consistency.trees import (
    check_area_residents,
    check_area_tree,
    check_areas_used,
    check_resource_tree,
)
from healthalloc.errors import Problem

__all__ = ["can_read", "check_consistency", "check_references"]


def check_consistency(
    tables: Tables, found: Sequence[Problem], needs_coordinates: bool
) -> list[Problem]:
    """Everything wrong between tables.

    A check is left out where a column that it reads is faulty already: what it would find there
    follows from the fault.

    Parameters
    ----------
    tables
        Cleaned tables by name; those that could not be read are left out.
    found
        What is known to be wrong in single tables.
    needs_coordinates
        Whether every facility and population must have longitude and latitude.
    """
    problems = check_references(tables, found)
    for check, reads in _CHECKS.items():
        if can_read(tables, [*found, *problems], reads):
            problems += check(tables)
    printed = "areas.area_id areas.parent_id areas.residents populations.area populations.residents"
    if can_read(tables, [*found, *problems], printed) and len(tables["areas"]):
        problems += check_area_residents(tables)
    points = "facilities.longitude facilities.latitude populations.longitude populations.latitude"
    if can_read(tables, found, points):
        problems += check_points(tables, needs_coordinates)
    return problems


_CHECKS: dict[Callable[[Tables], list[Problem]], str] = {
    check_resource_tree: "resources.resource_id resources.parent_id",
    check_stock_limits: "stock.lower stock.upper",
    check_stock_leaves: "stock.resource_id resources.resource_id resources.parent_id",
    check_stock_of_sites: "stock.facility_id stock.existing stock.upper facilities.facility_id "
    "facilities.site",
    check_services: "services.service_id services.setting services.stay_days demand.service_id "
    "requirements.service_id",
    check_requirements: "requirements.service_id requirements.category requirements.basis "
    "services.service_id services.setting facilities.category",
    check_groups: "groups.population_id groups.group_id groups.residents demand.group_id "
    "populations.population_id populations.residents",
    check_radii: "radii.service_id radii.area_class services.service_id populations.area_class "
    "demand.service_id",
    check_area_tree: "areas.area_id areas.parent_id",
    check_areas_used: "areas.area_id facilities.area populations.area",
    check_forms: "facilities.facility_id facilities.form_of facilities.site",
    check_site_costs: "facilities.site facilities.site_cost_cny",
    check_referrals: "referrals.from_service_id referrals.to_service_id referrals.share "
    "services.service_id services.unmet_penalty_cny",
    check_proposals: "proposals.proposal_id",
}
"""Checks across tables, each with the columns that it reads."""
