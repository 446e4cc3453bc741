"""What a scenario states, in arrays by position: the same figures for every driver.

Worked out from the tables once more, apart from the library, so that equal objectives mean
something. Only scenarios of the reference problem's shape can be stated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.errors import UnsupportedError
from healthalloc.plan import (
    Amount,
    Clause,
    RatioBetweenResources,
    RatioToPopulation,
    ResourceShare,
)
from healthalloc.scenario import Scenario
from healthalloc.settings import GreatCircle

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Figures:
    """Positions instead of names: populations i, facilities j, services s, resources r, stock k.

    Parameters
    ----------
    population_point, facility_point : shapes (n_i, 3) and (n_j, 3)
        On the unit sphere.
    class_idx : shape (n_i,)
        Area class.
    radius_km : shape (n_s, n_classes)
        By road.
    detour
        Road km for one straight km.
    minutes_per_km : shape (n_classes,)
    demand : shape (n_i, n_s)
        In units of flow.
    cost_per_min, penalty : shape (n_s,)
        Of a unit of flow, CNY a year.
    need : shape (n_s, n_r)
        Units for one unit of flow.
    offers : bool, shape (n_j, n_s)
    stock_facility, stock_resource, existing, lower, upper : shape (n_k,)
    available, operating, capital, retirement : shape (n_r,)
        Usable share of a unit, and its yearly cost held, added and given up.
    clauses
        Name, coefficient of each stock and floor of each clause.
    """

    population_point: Floats
    facility_point: Floats
    class_idx: Positions
    radius_km: Floats
    detour: float
    minutes_per_km: Floats
    demand: Floats
    cost_per_min: Floats
    penalty: Floats
    need: Floats
    offers: NDArray[np.bool_]
    stock_facility: Positions
    stock_resource: Positions
    existing: Floats
    lower: Floats
    upper: Floats
    available: Floats
    operating: Floats
    capital: Floats
    retirement: Floats
    clauses: tuple[tuple[str, Floats, float], ...]


def figures(scenario: Scenario) -> Figures:
    """The figures of a scenario.

    Raises
    ------
    UnsupportedError
        If it is not of the reference problem's shape.
    """
    _require_shape(scenario)
    travel = scenario.settings.travel
    assert isinstance(travel, GreatCircle)
    people, places = scenario.populations, scenario.facilities
    services, resources, stock = scenario.services, scenario.resources, scenario.stock
    stay = services["stay_days"].to_numpy(float)
    cases = np.where(np.isnan(stay), 1.0, 365.0 / stay)
    rate = scenario.demand.groupby("service_id")["rate_per_1000"].sum()
    a_head = rate.reindex(services["service_id"]).fillna(0.0).to_numpy() / 1000 / cases
    class_idx, classes = pd.factorize(people["area_class"])
    radius = scenario.radii.pivot(index="service_id", columns="area_class", values="radius")
    need = _needs(scenario, cases)
    facility_idx = pd.Index(places["facility_id"]).get_indexer(stock["facility_id"])
    resource_idx = pd.Index(resources["resource_id"]).get_indexer(stock["resource_id"])
    may_hold = np.zeros((len(places), len(resources)), dtype=bool)
    held = (stock["upper"] != 0).to_numpy()
    may_hold[facility_idx[held], resource_idx[held]] = True
    needed = need > 0
    i = scenario.settings.discount_rate
    years = resources["life_years"].to_numpy(float)
    annual = i / (1 - (1 + i) ** -years) if i else 1 / years
    hourly = scenario.settings.value_of_travel_cny_per_hour
    return Figures(
        population_point=_on_sphere(people),
        facility_point=_on_sphere(places),
        class_idx=class_idx.astype(np.intp),
        radius_km=radius.loc[services["service_id"], classes].to_numpy(float),
        detour=travel.detour_factor,
        minutes_per_km=60 / np.array([travel.speed_km_per_h[c] for c in classes]),
        demand=people["residents"].to_numpy(float)[:, None] * a_head,
        cost_per_min=hourly / 60 * services["journeys_per_case"].to_numpy(float) * cases,
        penalty=services["unmet_penalty_cny"].to_numpy(float) * cases,
        need=need,
        offers=(may_hold @ needed.T.astype(int)) == needed.sum(axis=1),
        stock_facility=facility_idx,
        stock_resource=resource_idx,
        existing=stock["existing"].to_numpy(float),
        lower=stock["lower"].to_numpy(float),
        upper=stock["upper"].fillna(np.inf).to_numpy(float),
        available=resources["availability"].to_numpy(float),
        operating=resources["operating_cost_cny"].to_numpy(float),
        capital=resources["capital_cost_cny"].to_numpy(float) * annual,
        retirement=resources["retirement_cost_cny"].to_numpy(float) * annual,
        clauses=tuple((c.name, *_clause(c, scenario)) for c in scenario.plan.clauses),
    )


def _needs(scenario: Scenario, cases: Floats) -> Floats:
    table = scenario.requirements
    s = pd.Index(scenario.services["service_id"]).get_indexer(table["service_id"])
    r = pd.Index(scenario.resources["resource_id"]).get_indexer(table["resource_id"])
    amount = table["amount"].to_numpy(float)
    need = np.zeros((len(scenario.services), len(scenario.resources)))
    need[s, r] = np.where(table["basis"] == "per_patient", amount, cases[s] / amount)
    return need


def _on_sphere(table: pd.DataFrame) -> Floats:
    east, north = (np.radians(table[c].to_numpy(float)) for c in ("longitude", "latitude"))
    return np.column_stack(
        [np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)]
    )


def _clause(clause: Clause, scenario: Scenario) -> tuple[Floats, float]:
    """Coefficient of each stock, and the floor."""

    def held(resource: str, facilities: pd.Series[Any] | None = None) -> Floats:
        parent = scenario.resources.set_index("resource_id")["parent_id"].to_dict()
        below = {r for r in parent if resource in (r, parent[r])}
        rows = scenario.stock["resource_id"].isin(below)
        if facilities is not None:
            rows &= scenario.stock["facility_id"].isin(facilities)
        return rows.to_numpy(float)

    least = clause.at_least or 0.0
    if isinstance(clause, RatioToPopulation):
        residents = float(scenario.populations["residents"].sum())
        return held(clause.resource), least * residents / 1000
    if isinstance(clause, RatioBetweenResources):
        return held(clause.resource) - least * held(clause.per_resource), 0.0
    if isinstance(clause, ResourceShare):
        places = scenario.facilities
        for column, value in clause.part_scope.items():
            places = places[places[column] == value]
        part = held(clause.resource, places["facility_id"])
        return 100 * part - least * held(clause.of_resource), 0.0
    assert isinstance(clause, Amount)
    return held(clause.resource), least


def _require_shape(scenario: Scenario) -> None:
    kinds = (RatioToPopulation, RatioBetweenResources, ResourceShare, Amount)
    resources, wanted = scenario.resources, scenario.requirements
    roots = set(resources.loc[resources["parent_id"] == "", "resource_id"])
    parents = set(resources["parent_id"])
    possible = {
        "groups": scenario.groups.empty,
        "referrals": scenario.referrals.empty,
        "sites to choose": (scenario.facilities["site"] == "existing").all(),
        "forms": (scenario.facilities["form_of"] == "").all(),
        "site costs": not scenario.facilities["site_cost_cny"].any(),
        "a budget": scenario.settings.budget_cny_a_year is None,
        "travel other than by great circle": isinstance(scenario.settings.travel, GreatCircle),
        "radii in minutes": (scenario.radii["unit"] == "km").all(),
        "deep trees of resources": set(resources["parent_id"]) <= roots | {""},
        "requirements of a kind of facility": (wanted["category"] == "").all(),
        "requirements of several kinds of resource": not parents & set(wanted["resource_id"]),
        "whole units": not scenario.settings.solve.whole_units,
        "other clauses": all(
            isinstance(c, kinds)
            and c.bounds == (c.at_least, np.inf)
            and c.treatment == "enforce"
            and getattr(c, "unit", "per_1000_residents") == "per_1000_residents"
            and not (c.scope or c.area or c.each_area or getattr(c, "each", False))
            for c in scenario.plan.clauses
        ),
    }
    outside = [name for name, holds in possible.items() if not holds]
    if outside:
        raise UnsupportedError(f"only this library's driver states {', '.join(outside)}")
