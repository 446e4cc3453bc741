"""What report and plots show, as tables and arrays, without any drawing."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.access import from_scenario
from healthalloc.access.inputs import AccessArcs
from healthalloc.access.stock import Subject, scenario_of
from healthalloc.errors import DataError
from healthalloc.layout import Layout
from healthalloc.norms import offers
from healthalloc.scenario import Scenario
from healthalloc.solution import NEGLIGIBLE, Solution

Floats = NDArray[np.float64]
KM_PER_DEGREE = 111.195
"""Of latitude; of longitude at the equator."""


def places_km(scenario: Scenario) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Where facilities and populations lie: `to_km` of each, in the order of the tables."""
    return to_km(scenario, scenario.facilities), to_km(scenario, scenario.populations)


def to_km(scenario: Scenario, table: pd.DataFrame) -> pd.DataFrame:
    """Points as km east and north of the middle of a region.

    Longitudes are shrunk by the cosine of the middle latitude, which is right within 1 % over a
    few degrees.

    Parameters
    ----------
    scenario
        Whose facilities and populations have the middle.
    table
        With columns ``longitude, latitude``, degrees.

    Returns
    -------
    DataFrame
        Columns ``x_km, y_km`` with the index of the table; NaN where a point is not stated.
    """
    columns = ["longitude", "latitude"]
    points = pd.concat(
        [t[columns].astype(float) for t in (scenario.facilities, scenario.populations)]
    )
    longitude, latitude = (points.min() + points.max()) / 2
    at = table[columns].astype(float) - [longitude, latitude]
    east = at["longitude"] * KM_PER_DEGREE * np.cos(np.radians(latitude))
    return pd.DataFrame({"x_km": east, "y_km": at["latitude"] * KM_PER_DEGREE})


def outlines_km(scenario: Scenario) -> list[Floats]:
    """Rings of the outlines of areas, each of shape (n_points, 2), as `to_km` places points."""
    rings = []
    for outline in scenario.outlines.values():
        polygons = outline["coordinates"]
        for polygon in [polygons] if outline["type"] == "Polygon" else polygons:
            for ring in polygon:
                points = np.array([point[:2] for point in ring], dtype=float)
                table = pd.DataFrame(points, columns=["longitude", "latitude"])
                rings.append(to_km(scenario, table).to_numpy())
    return rings


def offered_by(solution: Solution) -> NDArray[np.bool_]:
    """Services that each facility offers with what it is allocated.

    Returns
    -------
    ndarray of bool, shape (n_facilities, n_services)
        Without a solution, with what it holds today.
    """
    layout = solution.model.layout
    if not solution.status.has_solution:
        held = solution.scenario.stock["existing"].to_numpy(dtype=float)
        return offers(layout, held > NEGLIGIBLE)
    held = solution.stock["allocated"].to_numpy(dtype=float)
    is_open = solution.sites["open"].to_numpy(dtype=bool)
    found: NDArray[np.bool_] = offers(layout, held > NEGLIGIBLE) & is_open[:, None]
    return found


def radius_km(scenario: Scenario, service_id: str, area_class: str) -> float:
    """Radius of a service circle on a map, straight km; NaN where it is no circle.

    A radius in km is drawn as it stands, divided by the detour factor of great-circle travel;
    one in minutes only with great-circle travel, by the speed of the area class.

    Parameters
    ----------
    scenario
    service_id
    area_class
        Of the residents who travel.
    """
    radii, travel = scenario.radii, scenario.settings.travel
    row = radii[(radii["service_id"] == service_id) & (radii["area_class"] == area_class)]
    if row.empty or (travel.method != "great_circle" and row["unit"].iat[0] == "min"):
        return np.nan
    radius = float(row["radius"].to_numpy(dtype=float)[0])
    if travel.method != "great_circle":
        return radius
    if row["unit"].iat[0] == "min":
        radius *= travel.speed_km_per_h[area_class] / 60.0
    return radius / travel.detour_factor


def focus(scenario: Scenario) -> tuple[str, str] | None:
    """The resource and the service by which access is shown.

    The first root of kind ``bed`` and the first service that needs some of it, has demand and a
    radius; without beds, the first service that has both and what it needs first.
    """
    layout, resources = Layout(scenario), scenario.resources
    is_root = resources["parent_id"] == ""
    beds = list(resources.loc[(resources["kind"] == "bed") & is_root, "resource_id"])
    usable = set(scenario.demand["service_id"]) & set(scenario.radii["service_id"])
    needed = scenario.requirements[scenario.requirements["service_id"].isin(usable)]
    rank = {service: k for k, service in enumerate(scenario.services["service_id"])}
    needed = needed.sort_values("service_id", key=lambda column: column.map(rank), kind="stable")
    pairs = list(zip(needed["resource_id"], needed["service_id"]))
    for root in beds:
        k = layout.resource_ids.get_loc(root)
        below = set(layout.resource_ids[layout.under[k]])
        for resource_id, service_id in pairs:
            if resource_id in below:
                return root, service_id
    return pairs[0] if pairs else None


def travel_curve(subject: Subject, service_id: str) -> tuple[Floats, Floats, str] | None:
    """Residents whose nearest facility that offers a service lies within some travel.

    Parameters
    ----------
    subject
    service_id

    Returns
    -------
    travel, percent, unit
        The curve as corners, from 0 up; it ends at the share within the service's radius.
        ``None`` where it cannot be measured.
    """
    scenario = scenario_of(subject)
    needed = scenario.requirements.loc[
        scenario.requirements["service_id"] == service_id, "resource_id"
    ]
    for unit in ("min", "km"):
        for resource_id in needed.iloc[:1]:
            try:
                arcs = from_scenario(subject, resource_id, service_id, unit=unit)
            except DataError:
                continue
            travel, percent = nearest_curve(arcs)
            return travel, percent, unit
    return None


def nearest_curve(arcs: AccessArcs) -> tuple[Floats, Floats]:
    """Percent of the people whose nearest supply lies within each travel.

    Parameters
    ----------
    arcs

    Returns
    -------
    travel, percent : shape (n_distinct + 1,)
        From 0 up; ``percent`` never falls.
    """
    people, _, home, _, way = arcs
    nearest = np.full(len(people), np.inf)
    np.minimum.at(nearest, home, way)
    reached = np.isfinite(nearest)
    total = people.sum()
    travel, place = np.unique(nearest[reached], return_inverse=True)
    weight = np.zeros(len(travel))
    np.add.at(weight, place, people[reached])
    percent = 100.0 * np.cumsum(weight) / total if total else weight
    return np.concatenate([[0.0], travel]), np.concatenate([[0.0], percent])


def held_by_facility(solution: Solution, kind: str) -> pd.DataFrame:
    """Units of a kind of resource in each facility, before and after.

    Parameters
    ----------
    solution
    kind
        ``bed``, ``staff``, ... as in the table of resources.

    Returns
    -------
    DataFrame
        ``facility_id, name, existing, allocated, change``, a row for each facility in the order
        of the scenario; allocated is NaN without a solution.
    """
    scenario = solution.scenario
    stock = stock_of(solution)
    kinds = scenario.resources.set_index("resource_id")["kind"]
    chosen = stock[stock["resource_id"].map(kinds) == kind]
    sums = chosen.groupby("facility_id")[["existing", "allocated"]].sum(min_count=1)
    table = scenario.facilities[["facility_id", "name"]].reset_index(drop=True)
    table = table.join(sums.astype(float), on="facility_id")
    table["existing"] = table["existing"].fillna(0.0)
    if solution.status.has_solution:
        table["allocated"] = table["allocated"].fillna(0.0)
    table["change"] = table["allocated"] - table["existing"]
    return table


def stock_of(solution: Solution) -> pd.DataFrame:
    """The allocation as `Solution.stock`; without a solution, allocated and change are NaN."""
    if solution.status.has_solution:
        return solution.stock
    table = solution.scenario.stock[["facility_id", "resource_id", "existing"]].copy()
    return table.assign(allocated=np.nan, change=np.nan)


def facility_states(solution: Solution) -> pd.DataFrame:
    """What becomes of each facility.

    Returns
    -------
    DataFrame
        ``facility_id, name, state`` (``opens, closes, grows, shrinks, same``; ``today`` without
        a solution; ``""`` for one that holds nothing before nor after), and existing and
        allocated units of beds and staff: ``bed_before, bed_after, staff_before, staff_after``.
    """
    beds, staff = (held_by_facility(solution, kind) for kind in ("bed", "staff"))
    table = beds[["facility_id", "name"]].copy()
    for kind, held in (("bed", beds), ("staff", staff)):
        table[f"{kind}_before"], table[f"{kind}_after"] = held["existing"], held["allocated"]
    stock = stock_of(solution).groupby("facility_id")[["existing", "allocated"]].sum()
    ids = table["facility_id"]
    before, after = (ids.map(stock[c]).fillna(0.0) for c in ("existing", "allocated"))
    if not solution.status.has_solution:
        table["state"] = np.where(before > 0, "today", "")
        return table
    has_beds = (table["bed_before"] > 0) | (table["bed_after"] > 0)
    change = np.where(has_beds, beds["change"], after - before)
    table["state"] = np.select(
        [
            (before <= 0) & (after <= 0), before <= 0, after <= 0, change > 0.5, change < -0.5,
        ],
        ["", "opens", "closes", "grows", "shrinks"],
        "same",
    )  # fmt: skip
    return table


def one_percent_cny(clauses: pd.DataFrame) -> Floats:
    """Cost of tightening each clause by one per cent of what it achieves, CNY a year.

    Prices are per unit of each clause, and the units differ; this makes them comparable.

    Parameters
    ----------
    clauses
        As `Solution.clauses`.
    """
    price = clauses["price_cny_a_year"].to_numpy(dtype=float)
    found: Floats = price * 0.01 * np.abs(clauses["achieved"].to_numpy(dtype=float))
    return found


def shortfall_percent(clauses: pd.DataFrame) -> Floats:
    """How far each clause is from its target, in per cent of the target; 0 for one that is met.

    Of a target of two numbers the nearer counts; of a target of 0 the shortfall is infinite.

    Parameters
    ----------
    clauses
        As `Solution.clauses`.
    """
    found = []
    for text, achieved, slack in zip(clauses["target"], clauses["achieved"], clauses["slack"]):
        numbers = [float(word) for word in _NUMBER.findall(str(text))]
        missing = max(-float(slack), 0.0) if slack == slack else 0.0
        if "±" in str(text):
            numbers = numbers[:1]
        target = min((abs(n) for n in numbers), key=lambda n: abs(n - achieved), default=np.nan)
        far = 100.0 * missing / target if target > 0 else np.inf
        found.append(far if missing else 0.0)
    return np.array(found, dtype=np.float64)


_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
