"""The tables of random small scenarios, as lists of records while they are being drawn.

Numbers come from short lists, so that a failing example reads well and no target lies within
a solver's tolerance of its limit by accident.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st

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
    areas: list[Record]
    referrals: list[Record]
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

    def in_scope(self, scope: Mapping[str, Any], area: str = "") -> list[str]:
        return [
            f["facility_id"]
            for f in self.facilities
            if all(f[column] in ([w] if isinstance(w, str) else w) for column, w in scope.items())
            and self.lies_in(f["area"], area)
        ]

    def lies_in(self, place: str, area: str) -> bool:
        """Whether an area is, or is part of, another; every one is part of the region (empty)."""
        parent = {row["area_id"]: row["parent_id"] for row in self.areas}
        while place and place != area:
            place = parent[place]
        return place == area

    def spoken_of(self, where: Mapping[str, Any]) -> list[str]:
        """Areas that a clause makes a statement for, by its area and each_area."""
        if "each_area" not in where:
            return [where.get("area", "")]
        return [
            row["area_id"]
            for row in self.areas
            if row["level"] == where["each_area"]
            and self.lies_in(row["area_id"], where.get("area", ""))
        ]

    def residents_in(self, area: str) -> float:
        return sum(p["residents"] for p in self.populations if self.lies_in(p["area"], area))

    def institution(self, facility_id: str) -> str:
        """The facility that a facility is a form of; itself, if none."""
        of = {f["facility_id"]: f["form_of"] for f in self.facilities}
        return of[facility_id] or facility_id

    def has_forms(self, facility_id: str) -> bool:
        same = [self.institution(f["facility_id"]) for f in self.facilities]
        return same.count(self.institution(facility_id)) > 1


def draw_areas(draw: Draw) -> list[Record]:
    """No areas, or a county of some towns of which the first has some villages."""
    n_towns, n_villages = pick(draw, (2, 0), (0, 0), (2, 2), (3, 1))
    names = [("county", "county", "")] if n_towns else []
    names += [(f"t{k}", "town", "county") for k in range(n_towns)]
    names += [(f"t0v{k}", "village", "t0") for k in range(n_villages)]
    return [
        {"area_id": name, "name": f"Area {name}", "level": level, "parent_id": above,
         "source": SOURCE}
        for name, level, above in names
    ]  # fmt: skip


def draw_referrals(draw: Draw, services: Sequence[Record]) -> list[Record]:
    """Referrals in either direction that lead in no circle, chains among them."""
    ids = [row["service_id"] for row in services]
    if draw(st.booleans()):
        ids.reverse()
    pairs = [(ids[a], ids[b]) for a in range(len(ids)) for b in range(a + 1, len(ids))]
    chain = list(pairwise(ids))
    return [
        {
            "from_service_id": start,
            "to_service_id": end,
            "share": pick(draw, 0.5, 0.2, 1.0),
            "radius": pick(draw, 40.0, 12.0, 4.0),
            "unit": pick(draw, "km", "min"),
            "source": SOURCE,
        }
        for start, end in pick(draw, chain, pairs, pairs[:1], [])
    ]


def worth_treating(services: Sequence[Record], referrals: Sequence[Record]) -> None:
    """Raise penalties so that turning a case away costs no less than not referring it on."""
    penalty = {row["service_id"]: row for row in services}
    for _ in services:  # as often as the longest chain
        for row in services:
            owed = [
                r["share"] * penalty[r["to_service_id"]]["unmet_penalty_cny"]
                for r in referrals
                if r["from_service_id"] == row["service_id"]
            ]
            row["unmet_penalty_cny"] = max(row["unmet_penalty_cny"], 1.001 * sum(owed))


def draw_forms(draw: Draw, facilities: Sequence[Record]) -> list[Record]:
    """Up to two further forms of the first facility that is no candidate."""
    base = next((f for f in facilities if f["site"] != "candidate"), None)
    if base is None:
        return []
    return [
        base
        | {
            "facility_id": f"{base['facility_id']}form{k}",
            "name": f"{base['name']} in form {k}",
            "category": pick(draw, *CATEGORIES),
            "site": "candidate",
            "site_cost_cny": float(pick(draw, 300, 0, 2000)) + k,
            "form_of": base["facility_id"],
        }
        for k in range(pick(draw, 1, 0, 0, 2))
    ]


def draw_tables(
    draw: Draw, *, sites: bool, generic: bool, areas: bool, forms: bool, referrals: bool
) -> Tables:
    """The tables of a scenario.

    Parameters
    ----------
    sites
        Whether facilities may be closable or candidate.
    areas, forms, referrals
        Whether there may be areas, institutions of several forms (with sites only), referrals.
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

    tree = draw_areas(draw) if areas else []
    area_ids = [row["area_id"] for row in tree] or [""]

    def place() -> Record:
        return {
            "area": pick(draw, *area_ids),
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
            "form_of": "",
            "area_class": pick(draw, *CLASSES),
            "occupancy_percent": pick(draw, 60.0, 90.0),
            "stay_days": pick(draw, 12.0, 7.0),
            **place(),
        }
        for j in range(n_facilities)
    ]
    if sites and forms:
        facilities += draw_forms(draw, facilities)
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
    bases = {f["form_of"] for f in facilities}
    for facility in facilities:
        choice = facility["site"] != "existing" or facility["facility_id"] in bases
        for leaf in leaves:
            if not pick(draw, True, True, True, False):
                continue
            most = 1.0 if leaf == FLAG else pick(draw, 10.0, 4.0, 25.0, 0.0, np.nan)
            if choice and np.isnan(most):
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
    services: list[Record] = []
    radii: list[Record] = []
    demand: list[Record] = []
    requirements: list[Record] = []
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
    referred = draw_referrals(draw, services) if referrals else []
    worth_treating(services, referred)
    if referred and draw(st.booleans()):  # one that residents do not reach by themselves
        only = referred[-1]["to_service_id"]
        demand = [row for row in demand if row["service_id"] != only]
        radii = [row for row in radii if row["service_id"] != only]
    return Tables(
        facilities, populations, groups, resources, stock, services, radii, demand, requirements,
        tree, referred, generic,
    )  # fmt: skip
