"""Arrays of the norms: demand, requirements, who offers what, yearly costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.layout import Layout
from healthalloc.travel import positions_of

if TYPE_CHECKING:
    from healthalloc.scenario import Scenario

DAYS_A_YEAR = 365.0
Floats = NDArray[np.float64]


def cases_per_flow(scenario: Scenario) -> Floats:
    """Cases a year in one unit of flow, by service, shape (n_services,).

    Flows of an inpatient service are patients in bed on an average day (one bed turns
    ``365 / stay`` admissions a year); flows of an ambulatory one are visits a year.
    """
    stay = scenario.services["stay_days"].to_numpy(dtype=float)
    return np.where(np.isnan(stay), 1.0, DAYS_A_YEAR / np.where(np.isnan(stay), 1.0, stay))


def demand_cases(scenario: Scenario) -> Floats:
    """Admissions or visits a year, shape (n_populations, n_services)."""
    services = pd.Index(scenario.services["service_id"])
    populations = pd.Index(scenario.populations["population_id"])
    cases = np.zeros((len(populations), len(services)))
    everyone = scenario.populations["residents"].to_numpy(dtype=float)
    groups = scenario.groups
    of_group: dict[str, Floats] = {"": everyone}
    for group_id, rows in groups.groupby("group_id"):
        residents = np.zeros(len(populations))
        residents[populations.get_indexer(rows["population_id"])] = rows["residents"]
        of_group[str(group_id)] = residents
    demand = scenario.demand
    for service_id, group_id, rate in zip(
        demand["service_id"], demand["group_id"], demand["rate_per_1000"]
    ):
        cases[:, services.get_loc(service_id)] += of_group[group_id] * rate / 1000.0
    return cases


def categories(scenario: Scenario) -> tuple[NDArray[np.intp], pd.Index[Any]]:
    """Category of each facility as a position, shape (n_facilities,), and the categories."""
    codes, names = pd.factorize(scenario.facilities["category"])
    return codes, pd.Index(names)


def needs(layout: Layout, basis: str = "") -> Floats:
    """Resource needed for one unit of flow, shape (n_categories, n_services, n_resources).

    Only the resource that a requirement names is counted, not the ones above it.

    Parameters
    ----------
    layout
    basis
        Only requirements of this basis; empty: all.
    """
    scenario = layout.scenario
    _, names = categories(scenario)
    need = np.zeros((len(names), len(scenario.services), len(layout.resource_ids)))
    required = scenario.requirements
    service_idx = positions_of(required["service_id"], scenario.services["service_id"])
    resource_idx = positions_of(required["resource_id"], layout.resource_ids)
    category_idx = positions_of(required["category"], names)
    for_all = required["category"].to_numpy(dtype=object) == ""
    amount = required["amount"].to_numpy(dtype=float)
    of_basis = required["basis"].to_numpy(dtype=object)
    by_day = of_basis == "per_patient"
    per_flow = np.where(by_day, amount, cases_per_flow(scenario)[service_idx] / amount)
    for k in np.flatnonzero(of_basis == basis) if basis else range(len(required)):
        of = slice(None) if for_all[k] else category_idx[k]
        need[of, service_idx[k], resource_idx[k]] = per_flow[k]
    return need


def stay_factor(layout: Layout) -> Floats:
    """Stay at each facility as a share of the service's, shape (n_facilities, n_services).

    1 except where an enforced clause on the length of stay shortens it; of several the
    shortest counts.
    """
    factor = np.ones((layout.n_facilities, len(layout.scenario.services)))
    for clause in layout.scenario.plan.clauses:
        if clause.is_parameter and clause.treatment == "enforce":
            factor = np.minimum(factor, clause.stay_factor(layout))
    return factor


def offers(layout: Layout, held: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Which facility offers which service, shape (n_facilities, n_services).

    A facility offers a service whose requirements name its category (or no category) if it
    can hold some kind of every resource required.

    Parameters
    ----------
    held
        Stock rows that count, shape (n_stock,); by default those whose upper limit is not 0.
    """
    category_idx, _ = categories(layout.scenario)
    required = np.asarray(needs(layout) > 0, dtype=bool)
    counted = (layout.scenario.stock["upper"] != 0).to_numpy() if held is None else held
    holds = np.zeros((layout.n_facilities, len(layout.resource_ids)), dtype=bool)
    holds[layout.stock_facility_idx[counted], layout.stock_resource_idx[counted]] = True
    can = holds @ layout.under.T
    offered = np.zeros((layout.n_facilities, required.shape[1]), dtype=bool)
    for s in range(required.shape[1]):
        wanted = required[category_idx, s, :]
        offered[:, s] = wanted.any(axis=1) & ~(wanted & ~can).any(axis=1)
    return offered


def annuity(rate: float, years: Floats) -> Floats:
    """Yearly payment that repays 1 over some years at a rate, shape of ``years``.

    The capital recovery factor ``rate / (1 - (1 + rate) ** -years)``; ``1 / years`` at rate 0.
    """
    if rate == 0:
        return 1.0 / years
    factor: Floats = rate / -np.expm1(-years * np.log1p(rate))
    return factor


def resource_costs(scenario: Scenario) -> dict[str, Floats]:
    """Yearly cost of a unit of each resource, CNY a year, each shape (n_resources,).

    Returns
    -------
    dict
        ``capital`` (a unit added), ``retirement`` (an existing unit given up), both
        annualised over the resource's life, and ``operating`` (a unit held).
    """
    table = scenario.resources
    years = table["life_years"].to_numpy(dtype=float)
    factor = annuity(scenario.settings.discount_rate, years)
    return {
        "capital": table["capital_cost_cny"].to_numpy(dtype=float) * factor,
        "retirement": table["retirement_cost_cny"].to_numpy(dtype=float) * factor,
        "operating": table["operating_cost_cny"].to_numpy(dtype=float),
    }


def unmet_penalties(scenario: Scenario) -> Floats:
    """Penalty of one unit of flow not served, CNY a year, shape (n_services,)."""
    penalty = scenario.services["unmet_penalty_cny"].to_numpy(dtype=float)
    return penalty * cases_per_flow(scenario)


def referral_load(scenario: Scenario) -> Floats:
    """Penalty of the referrals that one unit of flow asks for, CNY a year, shape (n_services,).

    A unit of flow of a service asks for ``share`` cases of the next one. If nobody takes them,
    their penalty is due; what is referred takes it off again, and asks for the next in turn.
    """
    referrals = scenario.referrals
    services = pd.Index(scenario.services["service_id"])
    start = services.get_indexer(referrals["from_service_id"])
    end = services.get_indexer(referrals["to_service_id"])
    share = referrals["share"].to_numpy(dtype=float)
    per_case = scenario.services["unmet_penalty_cny"].to_numpy(dtype=float)
    load = np.zeros(len(services))
    np.add.at(load, start, share * per_case[end])
    return load * cases_per_flow(scenario)


def travel_costs(scenario: Scenario, travel_min: Floats, service_idx: NDArray[np.intp]) -> Floats:
    """Value of the time on the way of one unit of flow, CNY a year, shape (n_arcs,)."""
    value = scenario.settings.value_of_travel_cny_per_hour / 60.0
    if value == 0:
        return np.zeros(len(travel_min))
    journeys = scenario.services["journeys_per_case"].to_numpy(dtype=float)
    return value * travel_min * (journeys * cases_per_flow(scenario))[service_idx]


def referral_service_idx(layout: Layout) -> NDArray[np.intp]:
    """Service that each referral arc leads to, shape (n_referrals,)."""
    services = pd.Index(layout.scenario.services["service_id"])
    end = services.get_indexer(layout.scenario.referrals["to_service_id"])
    if layout.referral_arcs is None:
        return np.zeros(0, dtype=np.intp)
    reached: NDArray[np.intp] = end[layout.referral_arcs.referral_idx]
    return reached


def arrivals(layout: Layout) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Facility and service of every flow, then of every referral.

    Returns
    -------
    facility_idx, service_idx : ndarray of int, shape (n_flows + n_referrals,)
    """
    arcs, referred = layout.arcs, layout.referral_arcs
    if arcs is None:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    if referred is None:
        return arcs.facility_idx, arcs.service_idx
    return (
        np.concatenate([arcs.facility_idx, referred.to_idx]),
        np.concatenate([arcs.service_idx, referral_service_idx(layout)]),
    )
