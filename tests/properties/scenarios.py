"""Random small scenarios: hypothesis strategies that build a `Scenario` from DataFrames.

Numbers come from short lists, so that a failing example reads well and no target lies within
a solver's tolerance of its limit by accident.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

import healthalloc as ha
from healthalloc import plan as kinds_of

SOURCE = "assumed: drawn at random"
FLAG = "fever_clinic"
CATEGORIES = ("hospital", "clinic")
OWNERSHIPS = ("public", "social")
CLASSES = ("urban", "rural")
Draw = Callable[[st.SearchStrategy[Any]], Any]
Record = dict[str, Any]


def pick(draw: Draw, *values: Any) -> Any:
    return draw(st.sampled_from(values))


@dataclass
class Tables:
    """The tables as lists of records while they are being drawn."""

    facilities: list[Record]
    populations: list[Record]
    groups: list[Record]
    resources: list[Record]
    stock: list[Record]
    services: list[Record]
    radii: list[Record]
    demand: list[Record]
    requirements: list[Record]
    generic: bool

    def kinds_below(self, resource_id: str) -> set[str]:
        """The leaves of a resource."""
        children = [r["resource_id"] for r in self.resources if r["parent_id"] == resource_id]
        if not children:
            return {resource_id}
        return set().union(*map(self.kinds_below, children))

    def stock_of(self, resource_id: str, facility_ids: Collection[str]) -> list[Record]:
        leaves = self.kinds_below(resource_id)
        return [
            row
            for row in self.stock
            if row["resource_id"] in leaves and row["facility_id"] in facility_ids
        ]

    def in_scope(self, scope: Mapping[str, Any]) -> list[str]:
        return [
            f["facility_id"]
            for f in self.facilities
            if all(f[column] in ([w] if isinstance(w, str) else w) for column, w in scope.items())
        ]


# --- the tables


def draw_tables(draw: Draw, *, sites: bool, generic: bool) -> Tables:
    """The tables of a scenario.

    Parameters
    ----------
    sites
        Whether facilities may be closable or candidate.
    generic
        Costs without zeros and without ties, and no lower limits of stock: so that optima and
        prices tend to be unique, and clauses to cost something.
    """
    count = 0

    def cost(*values: float) -> float:
        nonlocal count
        value = float(pick(draw, *values))
        if not generic:
            return value
        count += 1
        return value + 1.0 + 7.0 * ((count * 0.6180339887) % 1.0)

    n_populations = draw(st.integers(2, 5))
    n_facilities = draw(st.integers(2, 4))
    n_resources = draw(st.integers(3, 6))
    n_services = draw(st.integers(1, 3))

    def place() -> Record:
        return {
            "longitude": 101.5 + draw(st.integers(0, 20)) / 100,
            "latitude": 26.5 + draw(st.integers(0, 20)) / 100,
            "source": SOURCE,
        }

    site_words = ("existing", "existing", "closable", "candidate") if sites else ("existing",)
    facilities = [
        {
            "facility_id": f"f{j}",
            "name": f"Facility {j}",
            "category": pick(draw, *CATEGORIES),
            "ownership": pick(draw, *OWNERSHIPS),
            "site": pick(draw, *site_words),
            "site_cost_cny": cost(0, 500, 4000),
            **place(),
        }
        for j in range(n_facilities)
    ]
    populations = [
        {
            "population_id": f"p{i}",
            "name": f"Village {i}",
            "area_class": pick(draw, *CLASSES),
            "residents": float(pick(draw, 800, 200, 1500, 3000, 0)) if i else 1000.0,
            **place(),
        }
        for i in range(n_populations)
    ]
    group_ids = pick(draw, (), ("old",), ("old", "children"))
    groups = [
        {
            "population_id": p["population_id"],
            "group_id": group_id,
            "residents": p["residents"] * pick(draw, 0.2, 0.5, 1.0),
            "source": SOURCE,
        }
        for group_id in group_ids
        for p in populations
        if p["population_id"] == "p0" or draw(st.booleans())
    ]
    resources = []
    for k in range(n_resources):
        above = ["", *(r["resource_id"] for r in resources)]
        resources.append(
            {
                "resource_id": f"r{k}",
                "name": f"Resource {k}",
                "parent_id": pick(draw, *above),
                "kind": pick(draw, "bed", "staff", "equipment"),
                "availability": pick(draw, 1.0, 0.5, 0.85),
                "capital_cost_cny": cost(100, 0, 5000),
                "life_years": pick(draw, 30.0, 1.0, 7.5),
                "operating_cost_cny": cost(10, 0, 300),
                "retirement_cost_cny": cost(20, 0, 800),
                "whole": pick(draw, True, True, False),
                "source": SOURCE,
            }
        )
    resources.append(
        {
            "resource_id": FLAG,
            "name": "Fever clinic",
            "parent_id": "",
            "kind": "department",
            "availability": 1.0,
            "capital_cost_cny": cost(0, 700),
            "life_years": 10.0,
            "operating_cost_cny": cost(90, 0),
            "retirement_cost_cny": cost(0, 30),
            "whole": pick(draw, True, False),
            "source": SOURCE,
        }
    )
    parents = {r["parent_id"] for r in resources}
    leaves = [r["resource_id"] for r in resources if r["resource_id"] not in parents]
    stock = []
    for facility in facilities:
        for leaf in leaves:
            if not pick(draw, True, True, True, False):
                continue
            most = 1.0 if leaf == FLAG else pick(draw, 10.0, 4.0, 25.0, 0.0, np.nan)
            if facility["site"] != "existing" and np.isnan(most):
                most = 30.0
            least = 0.0 if generic else pick(draw, 0.0, 0.0, 0.0, 2.0, 3.5)
            held = float(pick(draw, 5, 0, 1, 12))
            stock.append(
                {
                    "facility_id": facility["facility_id"],
                    "resource_id": leaf,
                    "existing": 0.0
                    if facility["site"] == "candidate"
                    else min(held, 1.0)
                    if leaf == FLAG
                    else held,
                    "lower": 0.0 if leaf == FLAG else min(least, 99.0 if np.isnan(most) else most),
                    "upper": most,
                    "source": SOURCE,
                }
            )
    if not stock:
        stock.append(
            {
                "facility_id": "f0", "resource_id": leaves[0], "existing": 0.0, "lower": 0.0,
                "upper": 1.0, "source": SOURCE,
            }
        )  # fmt: skip
    services, radii, demand, requirements = [], [], [], []
    for k in range(n_services):
        service_id = f"s{k}"
        inpatient = draw(st.booleans())
        services.append(
            {
                "service_id": service_id,
                "name": f"Service {k}",
                "setting": "inpatient" if inpatient else "ambulatory",
                "stay_days": pick(draw, 8.0, 3.0, 20.5) if inpatient else np.nan,
                "journeys_per_case": pick(draw, 2.0, 0.0, 3.5),
                "unmet_penalty_cny": cost(50, 0, 5, 1000),
                "source": SOURCE,
            }
        )
        for area_class in CLASSES:
            unit = pick(draw, "min", "km")
            radii.append(
                {
                    "service_id": service_id,
                    "area_class": area_class,
                    "radius": pick(draw, 40.0, 12.0, 4.0),
                    "unit": unit,
                    "source": SOURCE,
                }
            )
        demand.append(
            {
                "service_id": service_id,
                "group_id": pick(draw, "", *group_ids),
                "rate_per_1000": pick(draw, 50.0, 400.0, 0.0),
                "source": SOURCE,
            }
        )
        if group_ids and demand[-1]["group_id"] == "":
            demand.append(demand[-1] | {"group_id": group_ids[0], "rate_per_1000": 120.0})
        by_category = draw(st.booleans())
        present = sorted({f["category"] for f in facilities})
        asked = pick(draw, present, present[:1]) if by_category else ("",)
        for category in asked:
            pool = [r["resource_id"] for r in resources]
            chosen = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3, unique=True))
            for resource_id in chosen:
                per_patient = inpatient and draw(st.booleans())
                requirements.append(
                    {
                        "service_id": service_id,
                        "resource_id": resource_id,
                        "category": category,
                        "amount": pick(draw, 1.0, 0.3, 2.0)
                        if per_patient
                        else pick(draw, 100.0, 20.0, 400.0),
                        "basis": "per_patient" if per_patient else "cases_per_unit",
                        "source": SOURCE,
                    }
                )
    return Tables(
        facilities, populations, groups, resources, stock, services, radii, demand, requirements,
        generic,
    )  # fmt: skip


# --- the plan


def draw_scope(draw: Draw, tables: Tables) -> dict[str, Any]:
    """A scope that some facility matches."""
    facility = tables.facilities[draw(st.integers(0, len(tables.facilities) - 1))]
    column = pick(draw, "", "", "category", "ownership", "facility_id")
    if not column:
        return {}
    if column == "facility_id":
        others = {f["facility_id"] for f in tables.facilities[:2]}
        return {column: tuple(sorted({facility["facility_id"], *others}))}
    return {column: facility[column]}


def draw_bounds(
    draw: Draw, tables: Tables, values: Sequence[float], *, floor: bool = True
) -> Record:
    """A target: a floor, a ceiling, both, one value, or a value and a tolerance.

    Parameters
    ----------
    values
        Values that a target may take.
    floor
        Whether a target above 0 can be met at all (else the door refuses the clause).
    """
    if not floor:
        return {"at_most": float(pick(draw, *values))}
    forms = ("at_least", "at_least", "at_most", "both", "equals", "about")
    if tables.generic:
        forms = ("at_least", "at_least", "at_least", "about", "at_most", "both")
    form = pick(draw, *forms)
    value = float(pick(draw, *values))
    if form == "both":
        low, high = sorted((value, float(pick(draw, *values))))
        return {"at_least": low, "at_most": high}
    if form == "about":
        return {"about": value, "tolerance": float(pick(draw, 0.1, 0.5)) * value}
    return {form: value}


def shares_of(rows: Sequence[Record], per_unit: float = 1.0) -> tuple[float, ...]:
    """Targets from nothing to more than some stock rows can hold together."""
    most = sum(row["existing"] + 10.0 if np.isnan(row["upper"]) else row["upper"] for row in rows)
    least = sum(row["lower"] for row in rows)
    fractions = (0.5, 0.25, 0.75, 1.0, 0.0, 1.25)
    return tuple((least + fraction * (most - least)) * per_unit for fraction in fractions)


def draw_resource(draw: Draw, tables: Tables) -> str:
    return str(pick(draw, *(r["resource_id"] for r in tables.resources)))


def amount(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    scope, resource = draw_scope(draw, tables), draw_resource(draw, tables)
    rows = tables.stock_of(resource, tables.in_scope(scope))
    bounds = draw_bounds(draw, tables, shares_of(rows), floor=bool(rows))
    return kinds_of.Amount(**head, **bounds, resource=resource, scope=scope)


def ratio_to_population(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    scope, resource = draw_scope(draw, tables), draw_resource(draw, tables)
    rows = tables.stock_of(resource, tables.in_scope(scope))
    unit = pick(draw, "per_1000_residents", "per_10000_residents")
    residents = sum(p["residents"] for p in tables.populations)
    per_unit = (1e3 if unit == "per_1000_residents" else 1e4) / residents
    bounds = draw_bounds(draw, tables, shares_of(rows, per_unit), floor=bool(rows))
    return kinds_of.RatioToPopulation(**head, **bounds, resource=resource, unit=unit, scope=scope)


def facility_target(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    facility_id = pick(draw, *tables.in_scope({}))
    resource = draw_resource(draw, tables)
    rows = tables.stock_of(resource, [facility_id])
    bounds = draw_bounds(draw, tables, shares_of(rows), floor=bool(rows))
    return kinds_of.FacilityTarget(**head, **bounds, facility_id=facility_id, resource=resource)


def per_facility_minimum(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    scope, resource = draw_scope(draw, tables), draw_resource(draw, tables)
    all_hold = all(tables.stock_of(resource, [j]) for j in tables.in_scope(scope))
    bounds = draw_bounds(draw, tables, (1.0, 0.5, 2.0, 5.0, 0.0), floor=all_hold)
    return kinds_of.PerFacilityMinimum(**head, **bounds, resource=resource, scope=scope)


def ratio_between_resources(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    scope, top = draw_scope(draw, tables), draw_resource(draw, tables)
    bottom, each = draw_resource(draw, tables), draw(st.booleans())
    where = tables.in_scope(scope)
    asked = [[j] for j in where] if each else [where]
    floor = all(tables.stock_of(top, facilities) for facilities in asked)
    bounds = draw_bounds(draw, tables, (0.5, 0.25, 1.0, 2.0), floor=floor)
    return kinds_of.RatioBetweenResources(
        **head, **bounds, resource=top, per_resource=bottom, scope=scope, each=each
    )


def resource_share(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    scope, each = draw_scope(draw, tables), draw(st.booleans())
    facility = pick(draw, *tables.in_scope(scope))
    owner = next(f["ownership"] for f in tables.facilities if f["facility_id"] == facility)
    part_scope = pick(draw, {}, {"ownership": owner})
    top, bottom = draw_resource(draw, tables), draw_resource(draw, tables)
    counted = [j for j in tables.in_scope(scope) if j in tables.in_scope(part_scope)]
    asked = [[j] for j in counted] if each else [counted]
    floor = all(tables.stock_of(top, facilities) for facilities in asked)
    bounds = draw_bounds(draw, tables, (50.0, 10.0, 25.0, 75.0, 90.0), floor=floor)
    return kinds_of.ResourceShare(
        **head, **bounds, resource=top, of_resource=bottom, scope=scope, part_scope=part_scope,
        each=each,
    )  # fmt: skip


def facility_share(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    scope = draw_scope(draw, tables)
    floor = bool(tables.stock_of(FLAG, tables.in_scope(scope)))
    bounds = draw_bounds(draw, tables, (50.0, 30.0, 60.0, 90.0), floor=floor)
    return kinds_of.FacilityShare(**head, **bounds, resource=FLAG, scope=scope)


def facility_count(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    scope = draw_scope(draw, tables)
    n = len(tables.in_scope(scope))
    return kinds_of.FacilityCount(
        **head, **draw_bounds(draw, tables, (n, max(n - 1, 0), 1, n + 1)), scope=scope
    )


def coverage(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    scope, resource = draw_scope(draw, tables), draw_resource(draw, tables)
    classes = sorted({p["area_class"] for p in tables.populations})
    radii = (20.0, 30.0, 12.0) if tables.generic else (12.0, 30.0, 4.0)
    return kinds_of.Coverage(
        **head,
        at_least=float(pick(draw, 50, 20, 80, 100)),
        resource=resource,
        radius=pick(draw, *radii),
        radius_unit=pick(draw, "km", "min"),
        area_class=pick(draw, (), (classes[0],)),
        scope=scope,
    )


def surge_reserve(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    scope = draw_scope(draw, tables)
    leaves = sorted(set().union(*(tables.kinds_below(r["resource_id"]) for r in tables.resources)))
    chosen = draw(st.lists(st.sampled_from(leaves), min_size=1, max_size=2, unique=True))
    weights = {resource: pick(draw, 0.5, 0.1, 1.0) for resource in chosen}
    rows = [row for r in weights for row in tables.stock_of(r, tables.in_scope(scope))]
    bounds = draw_bounds(draw, tables, shares_of(rows, min(weights.values())), floor=bool(rows))
    return kinds_of.SurgeReserve(**head, **bounds, weights=weights, scope=scope)


MAKERS: dict[str, Callable[[Draw, Tables, Record], ha.Clause]] = {
    maker.__name__: maker
    for maker in (
        amount, ratio_to_population, facility_target, per_facility_minimum,
        ratio_between_resources, resource_share, facility_share, facility_count, coverage,
        surge_reserve,
    )
}  # fmt: skip

KINDS_COVERED: set[str] = set(MAKERS)
"""Clause kinds that the random scenarios draw."""


@st.composite
def scenarios(
    draw: Draw,
    *,
    kinds: Collection[str] = tuple(sorted(KINDS_COVERED)),
    n_clauses: tuple[int, int] = (0, 3),
    first_kind: str = "",
    sites: bool = True,
    generic: bool = False,
    audited: bool = True,
) -> ha.Scenario:
    """A small scenario with a plan that may or may not be feasible.

    Parameters
    ----------
    kinds
        Clause kinds to draw from.
    n_clauses
        Fewest and most clauses.
    first_kind
        Kind of the first clause; it is enforced.
    sites, generic
        As for `draw_tables`.
    audited
        Whether some clauses may be audited rather than enforced.
    """
    tables = draw_tables(draw, sites=sites, generic=generic)
    clauses = []
    for number in range(draw(st.integers(*n_clauses))):
        forced = bool(first_kind) and number == 0
        kind = first_kind if forced else pick(draw, *kinds)
        treatments = ("enforce", "enforce", "enforce", "audit" if audited else "enforce")
        head = {
            "id": f"c{number}",
            "quote": f"clause {number}",
            "source": "a plan",
            "treatment": "enforce" if forced else pick(draw, *treatments),
        }
        clauses.append(MAKERS[kind](draw, tables, head))
    settings = ha.Settings(
        name="A region drawn at random",
        base_year=2020,
        target_year=2025,
        discount_rate=pick(draw, 0.05, 0.0, 0.2),
        value_of_travel_cny_per_hour=pick(draw, 15.0, 0.0, 40.0),
        travel=ha.GreatCircle(
            detour_factor=pick(draw, 1.3, 1.0),
            speed_km_per_h={"urban": 20.0, "rural": pick(draw, 40.0, 30.0)},
        ),
        solve=ha.SolveSettings(whole_units=draw(st.booleans()), gap=0.0),
    )
    drawn = {name: rows for name, rows in vars(tables).items() if name != "generic" and rows}
    frames = {name: pd.DataFrame(rows) for name, rows in drawn.items()}
    return ha.Scenario(settings=settings, plan=ha.Plan(clauses), **frames)


def with_clauses(scenario: ha.Scenario, clauses: Sequence[ha.Clause]) -> ha.Scenario:
    """The scenario with another plan."""
    return scenario.replace(plan=replace(scenario.plan, clauses=tuple(clauses)))
