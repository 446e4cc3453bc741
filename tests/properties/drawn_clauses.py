"""Clauses of random small scenarios: one maker for each kind.

Every maker draws a clause that the door accepts: a floor is asked for only where the tables of
the scenario say that it can be met, in every area that the clause speaks of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

import healthalloc as ha
from healthalloc import plan as kinds_of
from tests.properties.drawn_tables import FLAG, Draw, Record, Tables, pick


def draw_where(draw: Draw, tables: Tables, *, each: bool = True) -> Record:
    """The region, an area, each area of a level, or each of a level in an area."""
    if not tables.areas or draw(st.booleans()):
        return {}
    place = {"area": pick(draw, *(row["area_id"] for row in tables.areas))}
    if not each or draw(st.booleans()):
        return place
    levels = {row["level"]: {"each_area": row["level"]} for row in tables.areas}
    wheres = [*levels.values(), *(level | place for level in levels.values())]
    return dict(pick(draw, *(where for where in wheres if tables.spoken_of(where))))


def everywhere(tables: Tables, where: Record, resource: str, scope: Record) -> bool:
    """Whether some facility may hold a resource in every area that a clause speaks of."""
    return all(
        tables.stock_of(resource, tables.in_scope(scope, area)) for area in tables.spoken_of(where)
    )


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
    where = draw_where(draw, tables)
    rows = tables.stock_of(resource, tables.in_scope(scope, tables.spoken_of(where)[0]))
    floor = everywhere(tables, where, resource, scope)
    bounds = draw_bounds(draw, tables, shares_of(rows), floor=floor)
    return kinds_of.Amount(**head, **bounds, **where, resource=resource, scope=scope)


def ratio_to_population(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    scope, resource = draw_scope(draw, tables), draw_resource(draw, tables)
    where = draw_where(draw, tables)
    area = tables.spoken_of(where)[0]
    rows = tables.stock_of(resource, tables.in_scope(scope, area))
    unit = pick(draw, "per_1000_residents", "per_10000_residents")
    per_unit = (1e3 if unit == "per_1000_residents" else 1e4) / (tables.residents_in(area) or 1e3)
    floor = everywhere(tables, where, resource, scope)
    bounds = draw_bounds(draw, tables, shares_of(rows, per_unit), floor=floor)
    return kinds_of.RatioToPopulation(
        **head, **bounds, **where, resource=resource, unit=unit, scope=scope
    )


def facility_target(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    facility_id = pick(draw, *tables.in_scope({}))
    resource = draw_resource(draw, tables)
    where = draw_where(draw, tables)
    institution = tables.institution(facility_id)
    forms = [j for j in tables.in_scope({}) if tables.institution(j) == institution]
    rows = tables.stock_of(resource, forms)
    floor = everywhere(tables, where, resource, {"facility_id": forms})
    bounds = draw_bounds(draw, tables, shares_of(rows), floor=floor)
    return kinds_of.FacilityTarget(
        **head, **bounds, **where, facility_id=facility_id, resource=resource
    )


def per_facility_minimum(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    scope, resource = draw_scope(draw, tables), draw_resource(draw, tables)
    where = draw_where(draw, tables)
    asked = {j for area in tables.spoken_of(where) for j in tables.in_scope(scope, area)}
    floor = all(tables.stock_of(resource, [j]) for j in asked)
    bounds = draw_bounds(draw, tables, (1.0, 0.5, 2.0, 5.0, 0.0), floor=floor)
    return kinds_of.PerFacilityMinimum(**head, **bounds, **where, resource=resource, scope=scope)


def ratio_between_resources(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    scope, top = draw_scope(draw, tables), draw_resource(draw, tables)
    bottom, each = draw_resource(draw, tables), draw(st.booleans())
    where = draw_where(draw, tables)
    places = [tables.in_scope(scope, area) for area in tables.spoken_of(where)]
    asked = [[j] for place in places for j in place] if each else places
    floor = all(tables.stock_of(top, facilities) for facilities in asked)
    bounds = draw_bounds(draw, tables, (0.5, 0.25, 1.0, 2.0), floor=floor)
    return kinds_of.RatioBetweenResources(
        **head, **bounds, **where, resource=top, per_resource=bottom, scope=scope, each=each
    )


def resource_share(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    scope, each = draw_scope(draw, tables), draw(st.booleans())
    facility = pick(draw, *tables.in_scope(scope))
    owner = next(f["ownership"] for f in tables.facilities if f["facility_id"] == facility)
    part_scope = pick(draw, {}, {"ownership": owner})
    top, bottom = draw_resource(draw, tables), draw_resource(draw, tables)
    where = draw_where(draw, tables)
    places = [
        [j for j in tables.in_scope(scope, area) if j in tables.in_scope(part_scope)]
        for area in tables.spoken_of(where)
    ]
    asked = [[j] for place in places for j in place] if each else places
    floor = all(tables.stock_of(top, facilities) for facilities in asked)
    bounds = draw_bounds(draw, tables, (50.0, 10.0, 25.0, 75.0, 90.0), floor=floor)
    return kinds_of.ResourceShare(
        **head, **bounds, **where, resource=top, of_resource=bottom, scope=scope,
        part_scope=part_scope, each=each,
    )  # fmt: skip


def facility_share(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    scope = draw_scope(draw, tables)
    where = draw_where(draw, tables)
    floor = everywhere(tables, where, FLAG, scope)
    bounds = draw_bounds(draw, tables, (50.0, 30.0, 60.0, 90.0), floor=floor)
    return kinds_of.FacilityShare(**head, **bounds, **where, resource=FLAG, scope=scope)


def can_be_open(tables: Tables, scope: Record, area: str) -> tuple[int, int]:
    """Fewest and most facilities of a scope that some choice of sites leaves open."""
    site = {f["facility_id"]: f["site"] for f in tables.facilities}
    inside = tables.in_scope(scope, area)
    stay = [j for j in inside if site[j] == "existing" and not tables.has_forms(j)]
    return len(stay), len({tables.institution(j) for j in inside})


def facility_count(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    scope, where = draw_scope(draw, tables), draw_where(draw, tables)
    asked = [can_be_open(tables, scope, area) for area in tables.spoken_of(where)]
    least, most = max(low for low, _ in asked), min(high for _, high in asked)
    if least > most:  # no count fits all the areas
        where, (least, most) = {}, can_be_open(tables, scope, "")
    bounds = draw_bounds(draw, tables, tuple(range(most, least - 1, -1)))
    if "about" in bounds:
        bounds = {"about": float(most), "tolerance": 0.5}
    return kinds_of.FacilityCount(**head, **bounds, **where, scope=scope)


def facility_per_population(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    scope, where = draw_scope(draw, tables), draw_where(draw, tables)
    asked = [(tables.residents_in(a), can_be_open(tables, scope, a)[1])
             for a in tables.spoken_of(where)]  # fmt: skip
    residents = max(people for people, _ in asked) or 1000.0
    floors = (residents, residents / 2, 2 * residents)
    if any(people and not n for people, n in asked):  # nobody could serve them
        return kinds_of.FacilityPerPopulation(
            **head, **where, at_least=pick(draw, *floors), scope=scope
        )
    ceiling = max((people / n for people, n in asked if n), default=0.0) or 1000.0
    bounds = pick(
        draw,
        {"at_most": ceiling * pick(draw, 1.25, 2.0, 1.0)},
        {"at_least": pick(draw, *floors)},
        {"at_least": 0.75 * ceiling, "at_most": 1.5 * ceiling},
    )
    return kinds_of.FacilityPerPopulation(**head, **where, **bounds, scope=scope)


def coverage(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    scope, resource = draw_scope(draw, tables), draw_resource(draw, tables)
    classes = sorted({p["area_class"] for p in tables.populations})
    where = draw_where(draw, tables)
    penalty = pick(draw, None, 2.0, 0.0, 30.0)
    target: Record = {"at_least": float(pick(draw, 50, 20, 80, 100))}
    if penalty is not None and draw(st.booleans()):
        target = {}
    radii = (20.0, 30.0, 12.0) if tables.generic else (12.0, 30.0, 4.0)
    return kinds_of.Coverage(
        **head,
        **target,
        **where,
        penalty_cny_per_resident=penalty,
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
    where = draw_where(draw, tables)
    areas = tables.spoken_of(where)
    rows = [row for r in weights for row in tables.stock_of(r, tables.in_scope(scope, areas[0]))]
    floor = all(
        any(tables.stock_of(r, tables.in_scope(scope, area)) for r in weights) for area in areas
    )
    bounds = draw_bounds(draw, tables, shares_of(rows, min(weights.values())), floor=floor)
    return kinds_of.SurgeReserve(**head, **bounds, **where, weights=weights, scope=scope)


def area_share(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    levels = sorted({row["level"] for row in tables.areas})
    if not levels:  # a region without areas: nothing to ask
        return amount(draw, tables, head)
    return kinds_of.AreaShare(
        **head,
        **draw_where(draw, tables),
        at_least=float(pick(draw, 50, 100, 30, 60)),
        resource=draw_resource(draw, tables),
        level=pick(draw, "town", *levels),
        scope=draw_scope(draw, tables),
    )


def draw_services(draw: Draw, tables: Tables, setting: str = "") -> tuple[str, ...]:
    """Some services, of a setting if one is given; none, where there are none."""
    found = [s["service_id"] for s in tables.services if setting in ("", s["setting"])]
    if not found:
        return ()
    return tuple(draw(st.lists(st.sampled_from(found), min_size=1, max_size=2, unique=True)))


def first_contact_share(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    bounds = draw_bounds(draw, tables, (50.0, 20.0, 80.0, 100.0))
    if "about" in bounds:
        bounds = {"about": 60.0, "tolerance": 15.0}
    return kinds_of.FirstContactShare(
        **head,
        **bounds,
        **draw_where(draw, tables),
        services=draw_services(draw, tables),
        scope=draw_scope(draw, tables),
    )


def freeze_rule(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    return kinds_of.FreezeRule(
        **head,
        **draw_where(draw, tables),
        at_most=float(pick(draw, 100, 80, 150)),
        resource=draw_resource(draw, tables),
        occupancy_below_percent=pick(draw, 75.0, 95.0),
        stay_above_days=pick(draw, 9.0, 5.0),
        scope=draw_scope(draw, tables),
    )


def hierarchy(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    present = sorted({f["category"] for f in tables.facilities})
    tiers = [{"category": word} for word in present]
    if len(tiers) == 1 or draw(st.booleans()):
        tiers.append(pick(draw, {}, *({"ownership": f["ownership"]} for f in tables.facilities)))
    where = draw_where(draw, tables)
    if not all(tables.in_scope(tier, where.get("area", "")) for tier in tiers):
        where = {}
    return kinds_of.Hierarchy(
        **head,
        **where,
        at_least=pick(draw, 1.0, 3.0, 0.5),
        resource=draw_resource(draw, tables),
        tiers=tuple(tiers),
        radius=pick(draw, 50.0, 12.0, 5.0),
        radius_unit=pick(draw, "km", "min"),
    )


def length_of_stay(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    services = draw_services(draw, tables, "inpatient")
    if not services:  # a region without inpatients: nothing to ask
        return amount(draw, tables, head)
    return kinds_of.LengthOfStay(
        **head,
        **draw_where(draw, tables, each=False),
        at_most=pick(draw, 4.0, 2.0, 7.5, 30.0),
        services=services,
        scope=draw_scope(draw, tables),
    )


def merger(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    ids = tables.in_scope({})
    forms = [f["facility_id"] for f in tables.facilities if f["form_of"]]
    first = pick(draw, *(forms or ids))
    branches = tuple(sorted({first, *(j for j in ids[2:3] if draw(st.booleans()))}))
    hosts = tuple(j for j in ids if j not in branches)
    named = draw(st.booleans())
    return kinds_of.Merger(
        **head,
        **draw_where(draw, tables),
        at_least=1.0,
        scope={"facility_id": branches},
        hosts={"facility_id": hosts},
        radius=pick(draw, 50.0, 12.0, 5.0),
        radius_unit=pick(draw, "km", "min"),
        habit={first: pick(draw, *hosts)} if named else {},
        residents_at_least=pick(draw, None, 900.0, 2500.0),
    )


def referral_share(draw: Draw, tables: Tables, head: Record) -> ha.Clause:
    if not tables.referrals:  # a region without referrals: nothing to ask
        return amount(draw, tables, head)
    row = pick(draw, *tables.referrals)
    needed = 100.0 * row["share"]
    bounds = draw_bounds(draw, tables, (0.5 * needed, 0.25 * needed, needed, 0.0))
    if "about" in bounds:
        bounds = {"about": 0.5 * needed, "tolerance": 0.25 * needed}
    return kinds_of.ReferralShare(
        **head,
        **bounds,
        **draw_where(draw, tables),
        from_service=row["from_service_id"],
        to_service=row["to_service_id"],
        scope=draw_scope(draw, tables),
        to_scope=draw_scope(draw, tables),
    )


MAKERS: dict[str, Callable[[Draw, Tables, Record], ha.Clause]] = {
    maker.__name__: maker
    for maker in (
        amount, ratio_to_population, facility_target, per_facility_minimum,
        ratio_between_resources, resource_share, facility_share, facility_count, coverage,
        surge_reserve, area_share, facility_per_population, first_contact_share, freeze_rule,
        hierarchy, length_of_stay, merger, referral_share,
    )
}  # fmt: skip

KINDS_COVERED: set[str] = set(MAKERS)
"""Clause kinds that the random scenarios draw."""
