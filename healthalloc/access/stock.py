"""The way in: demand, supply and arcs from a scenario, a solution or a long table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.access.inputs import AccessArcs, Floats, some_names, totals, vector
from healthalloc.errors import DataError, Problem
from healthalloc.layout import Layout
from healthalloc.network import radius_limits, reach, travel_pairs
from healthalloc.norms import demand_cases, offers
from healthalloc.scenario import Scenario
from healthalloc.solution import NEGLIGIBLE, Solution
from healthalloc.travel.common import refuse

Subject = Scenario | Solution
Unit = Literal["min", "km"]


def from_scenario(
    subject: Subject,
    resource_id: str,
    service_id: str,
    *,
    limit: float | None = None,
    unit: Unit = "min",
    demand: Literal["residents", "cases"] = "residents",
) -> AccessArcs:
    """Demand, supply and arcs of a scenario (existing stock) or a solution (allocated stock).

    Parameters
    ----------
    subject
        Of a solution, only open sites count.
    resource_id
        Resource that is shared; all kinds below it count.
    service_id
        Only facilities that offer this service with what they hold count.
    limit
        Farthest travel in ``unit``; by default the service's own radius, by area class.
    unit
        Whether travel is in minutes or km.
    demand
        Residents, or cases of the service a year.

    Returns
    -------
    AccessArcs
        In the order of the scenario's tables of populations and facilities; arcs lead to
        facilities that hold some of the resource.

    Raises
    ------
    DataError
        If the resource or the service is not known, the service has no radius and no limit is
        given, the limit is negative, or travel is not known in the unit.
    NoSolutionError
        If the solution has no allocation.
    """
    scenario = scenario_of(subject)
    _check_asked(scenario, resource_id, service_id, limit, unit, demand)
    offered = _offered(subject, service_id)
    supply = np.where(offered, units_held(subject, resource_id), 0.0)
    facilities, populations = scenario.facilities, scenario.populations
    if limit is None:
        limit_km, limit_min = radius_limits(scenario.radii, populations, [service_id])
    else:
        nobody = np.full(len(populations), -np.inf)
        everybody = np.full(len(populations), float(limit))
        limit_km, limit_min = (nobody, everybody) if unit == "min" else (everybody, nobody)
    pairs = travel_pairs(
        facilities, populations, scenario.settings.travel, limit_km, limit_min,
        travel_table=scenario.travel, roads=scenario.roads,
    )  # fmt: skip
    if limit is None:
        within = reach(
            pairs, populations, facilities, offered[:, None], scenario.radii, [service_id]
        )
        home, site = within.population_idx, within.facility_idx
        travel = within.travel_min if unit == "min" else within.distance_km
    else:
        home, site = pairs.population_idx, pairs.facility_idx
        travel = pairs.travel_min if unit == "min" else pairs.distance_km
    if np.isnan(travel).any():
        other = "km" if unit == "min" else "min"
        message = f"is not known in {unit} for every pair"
        raise DataError([Problem("travel", message, mend=f"ask for unit={other!r}")])
    kept = supply[site] > 0
    people = populations["residents"].to_numpy(dtype=np.float64)
    if demand == "cases":
        people = demand_cases(scenario)[:, list(scenario.services["service_id"]).index(service_id)]
    return AccessArcs(people, supply, home[kept], site[kept], travel[kept])


def from_table(
    demand: Mapping[Any, float] | pd.Series[Any],
    supply: Mapping[Any, float] | pd.Series[Any],
    table: pd.DataFrame,
    *,
    demand_id: str = "demand_id",
    supply_id: str = "supply_id",
    travel: str = "travel",
) -> AccessArcs:
    """Demand, supply and arcs from a long table with one row for each pair.

    Parameters
    ----------
    demand, supply
        Units by name of the point; they say which points there are.
    table
        With the three columns named below; travel that is infinite says that there is no way.
    demand_id, supply_id, travel
        Names of the columns.

    Returns
    -------
    AccessArcs
        In the order of ``demand`` and ``supply``.

    Raises
    ------
    DataError
        With all problems found: columns, unknown or repeated names, what is no number. The
        measures check the numbers themselves, and that no pair occurs twice.
    """
    refuse(
        [
            Problem("table", "has no such column", column=name)
            for name in (demand_id, supply_id, travel)
            if name not in table
        ]
    )
    problems: list[Problem] = []
    ends: list[NDArray[np.intp]] = []
    points = {"demand": pd.Series(demand), "supply": pd.Series(supply)}
    for (name, units), column in zip(points.items(), (demand_id, supply_id)):
        if not units.index.is_unique:
            again = units.index[units.index.duplicated()].unique()
            problems.append(Problem(name, f"names points twice: {some_names(list(again))}"))
            continue
        position = units.index.get_indexer(pd.Index(table[column]))
        if position.min(initial=0) < 0:
            unknown = list(table[column][position < 0].unique())
            message = f"names points that {name} does not have: {some_names(unknown)}"
            problems.append(Problem("table", message, column=column))
        ends.append(position)
    read: list[Floats] = []
    for name, values in (*points.items(), ("travel", table[travel])):
        array, wrong = vector(name, values)
        read.append(array)
        problems += wrong
    refuse(problems)
    return AccessArcs(read[0], read[1], ends[0], ends[1], read[2])


def scenario_of(subject: Subject) -> Scenario:
    """The scenario itself, or the one that was solved."""
    return subject.scenario if isinstance(subject, Solution) else subject


def units_held(subject: Subject, resource_id: str) -> Floats:
    """Units of a resource in each facility that is open, shape (n_facilities,)."""
    layout = Layout(scenario_of(subject))
    rows = layout.stock_in(resource_id, np.ones(layout.n_facilities, dtype=bool))
    facility = layout.stock_facility_idx[rows]
    held = totals(facility, _amounts(subject)[rows], layout.n_facilities)
    return np.where(_is_open(subject), held, 0.0)


def _offered(subject: Subject, service_id: str) -> NDArray[np.bool_]:
    """Facilities that offer a service with what they hold, shape (n_facilities,)."""
    scenario = scenario_of(subject)
    service = list(scenario.services["service_id"]).index(service_id)
    return offers(Layout(scenario), _amounts(subject) > NEGLIGIBLE)[:, service]


def _amounts(subject: Subject) -> Floats:
    """Units in each row of the stock table, shape (n_stock,)."""
    if isinstance(subject, Solution):
        return subject.stock["allocated"].to_numpy(dtype=np.float64)
    return subject.stock["existing"].to_numpy(dtype=np.float64)


def _is_open(subject: Subject) -> NDArray[np.bool_]:
    """Facilities that are open; what holds stock today is.

    The solver's tolerance may leave a little stock at a closed site.
    """
    if isinstance(subject, Solution):
        return subject.sites["open"].to_numpy(dtype=np.bool_)
    return np.ones(len(subject.facilities), dtype=np.bool_)


def _check_asked(
    scenario: Scenario,
    resource_id: str,
    service_id: str,
    limit: float | None,
    unit: str,
    demand: str,
) -> None:
    problems = []
    known = [
        ("resource_id", resource_id, list(scenario.resources["resource_id"])),
        ("service_id", service_id, list(scenario.services["service_id"])),
        ("unit", unit, ["min", "km"]),
        ("demand", demand, ["residents", "cases"]),
    ]
    for column, value, allowed in known:
        if value not in allowed:
            message = f"is not known: expected {some_names(allowed)}"
            problems.append(Problem("access", message, column=column, value=str(value)))
    if limit is not None and not limit >= 0:
        problems.append(Problem("access", "is not 0 or more", column="limit", value=f"{limit:g}"))
    if not problems and limit is None and service_id not in set(scenario.radii["service_id"]):
        problems.append(
            Problem("radii", f"has no radius of service {service_id!r}", mend="give a limit")
        )
    refuse(problems)
