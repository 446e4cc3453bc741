"""Referrals: cases that go on from one facility to another, computed by hand (see `tiers`)."""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest

import healthalloc as ha
from tests.region import (
    DEMAND,
    KM_PER_DEGREE,
    RADII,
    TIERS,
    clause,
    edit,
    quiet,
    region,
    settings,
    table,
    tiers,
)


def solved(**changes: Any) -> ha.Solution:
    return ha.solve(tiers(**changes)).require_optimal()


def cost(solution: ha.Solution) -> dict[str, float]:
    return solution.cost.set_index("component")["cny_a_year"].to_dict()


def allocated(solution: ha.Solution) -> dict[tuple[str, str], float]:
    stock = solution.stock
    return dict(zip(zip(stock["facility_id"], stock["resource_id"]), stock["allocated"]))


def cases(solution: ha.Solution) -> dict[tuple[str, str, str], float]:
    rows = solution.referrals
    keys = zip(rows["from_facility_id"], rows["to_facility_id"], rows["to_service_id"])
    return dict(zip(keys, rows["cases_a_year"]))


def not_referred(solution: ha.Solution) -> dict[str, float]:
    needs = solution.referral_needs
    return dict(zip(needs["to_service_id"], needs["not_referred"]))


# ------------------------------------------------------------------ three tiers, and back down


def test_each_tier_holds_what_is_sent_to_it() -> None:
    assert allocated(solved()) == pytest.approx(
        {
            ("centre", "doctor"): 1.0,
            ("county", "general_bed"): 2 / 0.8,
            ("province", "icu_bed"): 0.2 / 0.8,
            ("centre", "general_bed"): 2 / 0.8,  # for those who come back down
        }
    )


def test_the_cost_follows_the_cases() -> None:
    beds, icu, doctor = 2.5 + 2.5, 0.25, 1.0
    assert cost(solved()) == pytest.approx(
        {
            "capital": beds * 100 + icu * 300 + doctor * 40, "retirement": 0,
            "operating": beds * 50 + icu * 200, "staff": doctor * 300,
            "travel": 400 + 120 + 100, "site": 0, "total": 1835, "unmet_penalty": 0,
            "left_out_penalty": 0, "objective": 1835,
        }
    )  # fmt: skip
    assert solved().objective == pytest.approx(1835)


def test_the_table_of_referrals() -> None:
    rows = solved().referrals
    assert list(rows.columns) == [
        "from_facility_id", "to_facility_id", "from_service_id", "to_service_id", "cases_a_year",
        "travel_min", "distance_km",
    ]  # fmt: skip
    expected = [
        ("centre", "county", "visit", "inpatient", 100, 20, 10),
        ("county", "province", "inpatient", "intensive", 20, 30, 30),
        ("county", "centre", "inpatient", "rehab", 50, 10, 10),
    ]
    for found, wanted in zip(rows.itertuples(index=False), expected, strict=True):
        assert found[:4] == wanted[:4]
        assert found[4:] == pytest.approx(wanted[4:])


def test_the_table_of_needs() -> None:
    needs = solved().referral_needs
    assert needs.iloc[:, :3].to_numpy().tolist() == [
        ["centre", "visit", "inpatient"],
        ["county", "inpatient", "intensive"],
        ["county", "inpatient", "rehab"],
    ]
    assert needs["needed"].tolist() == pytest.approx([100, 20, 50])
    assert needs["referred"].tolist() == pytest.approx([100, 20, 50])
    assert needs["not_referred"].tolist() == [0, 0, 0]


def test_demand_and_flows_are_of_residents_alone() -> None:
    solution = solved()
    assert solution.flows["service_id"].tolist() == ["visit"]
    demand = solution.demand.set_index("service_id")["demand"]
    assert demand.to_dict() == {"visit": 1000, "inpatient": 0, "intensive": 0, "rehab": 0}


def test_the_tables_are_written_where_there_are_referrals() -> None:
    assert {"referrals", "referral_needs"} <= solved().tables().keys()
    assert not {"referrals", "referral_needs"} & ha.solve(quiet()).tables().keys()


def test_a_clause_on_stock_is_measured_beside_referrals() -> None:
    beds = clause("amount", resource="bed", at_least=6)
    solution = solved(clauses=[beds])
    assert solution.clauses["achieved"].tolist() == pytest.approx([6])
    assert solution.clauses["base_year"].tolist() == [0]
    # 0.75 of a general bed more than the referrals need
    assert solution.objective == pytest.approx(1835 + 0.75 * 150)


def test_every_stage_may_be_in_demand_as_well() -> None:
    # 50 admissions a year come from home as well, 20 minutes away
    demand = pd.concat([TIERS["demand"], edit(DEMAND.iloc[[0]], rate_per_1000=50.0)])
    solution = solved(demand=demand, radii=pd.concat([TIERS["radii"], RADII.iloc[[0]]]))
    assert solution.referral_needs["needed"].tolist() == pytest.approx([100, 30, 75])
    assert allocated(solution)["county", "general_bed"] == pytest.approx(3 / 0.8)


# ------------------------------------------------------------------ what binds


def test_a_full_upper_tier_leaves_cases_behind() -> None:
    # 0.1 ICU bed at 0.8 is 8 cases a year of 20
    stock = TIERS["stock"].assign(upper=[math.nan, math.nan, math.nan, 0.1])
    solution = solved(stock=stock)
    assert cases(solution)["county", "province", "intensive"] == pytest.approx(8)
    assert not_referred(solution) == pytest.approx({"inpatient": 0, "intensive": 12, "rehab": 0})
    # 0.15 ICU beds and 12 ways of 6 CNY are saved, 12 cases are penalised
    assert cost(solution)["unmet_penalty"] == pytest.approx(12 * 3000)
    assert solution.objective == pytest.approx(1835 - 0.15 * 500 - 12 * 6 + 12 * 3000)


def test_a_full_middle_tier_asks_the_upper_one_for_less() -> None:
    # one bed at 0.8: 40 of 100 cases, of whom 8 need intensive care and 20 rehabilitation
    stock = TIERS["stock"].assign(upper=[math.nan, math.nan, 1.0, math.nan])
    solution = solved(stock=stock)
    assert cases(solution) == pytest.approx(
        {
            ("centre", "county", "inpatient"): 40,
            ("county", "province", "intensive"): 8,
            ("county", "centre", "rehab"): 20,
        }
    )
    assert not_referred(solution)["inpatient"] == pytest.approx(60)
    held = 340 + 1 * 150 + 0.1 * 500 + 1 * 150
    assert solution.objective == pytest.approx(held + 0.4 * 620 + 60 * 1000)


def test_what_is_not_worth_the_way_is_not_referred() -> None:
    # rehabilitation costs 2 of travel and 7.5 of beds a case
    for penalty, referred in ((9.4, 0), (9.6, 50)):
        services = edit(TIERS["services"], {"service_id": "rehab"}, unmet_penalty_cny=penalty)
        solution = solved(services=services)
        assert not_referred(solution)["rehab"] == pytest.approx(50 - referred)
        missed = (50 - referred) * penalty
        assert cost(solution)["unmet_penalty"] == pytest.approx(missed)


def test_without_anyone_to_take_them_all_are_left() -> None:
    # no bed in the county: nobody within the radius offers admission
    stock = TIERS["stock"][TIERS["stock"]["facility_id"] != "county"]
    solution = solved(stock=stock)
    assert solution.referrals.empty
    assert not_referred(solution) == {"inpatient": pytest.approx(100)}
    assert solution.objective == pytest.approx(340 + 100 * 1000)


# ------------------------------------------------------------------ who is within reach


@pytest.mark.parametrize(
    ("radius", "unit", "reached"),
    [
        # from the centre; the same way back takes half the time
        (20.0, "min", True), (19.99, "min", False), (10.0, "km", True), (9.99, "km", False),
    ],
)  # fmt: skip
def test_the_radius_is_that_of_the_referral(radius: float, unit: str, reached: bool) -> None:
    referrals = edit(TIERS["referrals"], {"to_service_id": "inpatient"}, radius=radius, unit=unit)
    solution = solved(referrals=referrals)
    assert (("centre", "county", "inpatient") in cases(solution)) == reached
    assert not_referred(solution)["inpatient"] == pytest.approx(0 if reached else 100)


def test_a_facility_may_take_its_own() -> None:
    # the centre may admit as well, at no travel; but the province is too far from there
    admits = edit(TIERS["requirements"].iloc[[1]], category="primary_centre")
    requirements = pd.concat([TIERS["requirements"], admits])
    solution = solved(requirements=requirements)
    assert solution.objective == pytest.approx(1835)
    assert cases(solution)["centre", "county", "inpatient"] == pytest.approx(100)
    # where nobody minds what intensive care lacks, all stay where they are
    services = edit(TIERS["services"], {"service_id": "intensive"}, unmet_penalty_cny=0.0)
    solution = solved(requirements=requirements, services=services)
    assert cases(solution) == pytest.approx(
        {("centre", "centre", "inpatient"): 100, ("centre", "centre", "rehab"): 50}
    )
    assert not_referred(solution)["intensive"] == pytest.approx(20)
    assert solution.objective == pytest.approx(340 + 2.5 * 150 + 2.5 * 150)


def test_roads_lead_from_facility_to_facility() -> None:
    roads: nx.Graph[Any] = nx.Graph()
    for name, km in (("c", 0), ("k", 10), ("p", 40)):
        roads.add_node(name, longitude=km / KM_PER_DEGREE, latitude=0.0)
    roads.add_edge("c", "k", length_km=10, travel_min=15)
    roads.add_edge("k", "p", length_km=30, travel_min=25)
    by_road = settings(travel=ha.RoadGraph())
    facilities = TIERS["facilities"].assign(node_id=["c", "k", "p"])
    populations = TIERS["populations"].assign(node_id="c")
    referrals = edit(TIERS["referrals"], {"to_service_id": "rehab"}, radius=15)
    solution = solved(settings=by_road, roads=roads, facilities=facilities,
                      populations=populations, referrals=referrals)  # fmt: skip
    assert solution.referrals["travel_min"].tolist() == pytest.approx([15, 25, 15])
    # 100 x 2 x 15, 20 x 2 x 25 and 50 x 2 x 15 minutes at 0.1 CNY
    assert cost(solution)["travel"] == pytest.approx(300 + 100 + 150)


def test_a_matrix_does_not_know_the_way_between_facilities() -> None:
    travel = table("""
        population_id  centre  county  province
        town                0      10        40
    """).drop(columns="source")
    matrix = ha.TravelMatrix(layout="wide", unit="km", speed_km_per_h={"urban": 30.0})
    with pytest.raises(ha.DataError, match="matrix does not know travel between facilities"):
        tiers(settings=settings(travel=matrix), travel=travel)


def test_a_facility_without_area_class_has_no_speed() -> None:
    scenario = tiers(facilities=edit(TIERS["facilities"], {"facility_id": "county"}, area_class=""))
    with pytest.raises(ha.DataError) as caught:
        ha.solve(scenario)
    assert [(p.table, p.row, p.column) for p in caught.value.problems] == [
        ("facilities", 2, "area_class")
    ]


# ------------------------------------------------------------------ bad input


def refused(referrals: pd.DataFrame, **changes: Any) -> list[tuple[str, int | None, str]]:
    with pytest.raises(ha.DataError) as caught:
        tiers(referrals=referrals, **changes)
    return [(p.table, p.row, p.column) for p in caught.value.problems]


def test_a_cycle_of_referrals_is_told_with_its_path() -> None:
    back = edit(TIERS["referrals"].iloc[[2]], from_service_id="rehab", to_service_id="visit")
    cycle = pd.concat([TIERS["referrals"], back])
    assert refused(cycle) == [("referrals", 4, "to_service_id")]
    with pytest.raises(ha.DataError, match="visit -> inpatient -> rehab -> visit"):
        tiers(referrals=cycle)


def test_two_ways_to_one_service_are_no_cycle() -> None:
    short = edit(TIERS["referrals"].iloc[[1]], from_service_id="visit", share=0.01)
    solution = solved(referrals=pd.concat([TIERS["referrals"], short]))
    # 10 of 1,000 visits need intensive care at once; the province is too far from the centre
    assert solution.referral_needs["needed"].tolist() == pytest.approx([100, 20, 50, 10])


def test_a_service_does_not_refer_to_itself() -> None:
    own = edit(TIERS["referrals"].iloc[[2]], to_service_id="inpatient")
    assert refused(pd.concat([TIERS["referrals"], own])) == [("referrals", 4, "to_service_id")]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("share", 0.0), ("share", 1.01), ("share", np.nan), ("radius", 0.0), ("unit", "miles"),
        ("to_service_id", "surgery"), ("source", ""),
    ],
)  # fmt: skip
def test_a_cell_out_of_range_is_refused(column: str, value: Any) -> None:
    wrong = edit(TIERS["referrals"], {"to_service_id": "intensive"}, **{column: value})
    found = refused(wrong)
    assert ("referrals", 2, column) in found


def test_a_referral_stands_once() -> None:
    twice = pd.concat([TIERS["referrals"], TIERS["referrals"].iloc[[0]]])
    assert ("referrals", 4, "from_service_id + to_service_id") in refused(twice)


def test_a_service_that_nobody_asks_for_is_refused() -> None:
    # without its referral, intensive care is neither in demand nor referred to
    assert refused(TIERS["referrals"].iloc[[0, 2]]) == [("services", 3, "service_id")]


def test_a_region_without_arcs_for_its_referrals_is_solved() -> None:
    # the clinics see visits and admit nobody, and there is nobody else
    lone = {
        "facilities": region().facilities.iloc[[2]],
        "stock": region().stock[lambda s: s["facility_id"] == "clinic"],
        "populations": region().populations.iloc[[1]],
        "demand": DEMAND.iloc[[1]],
        "radii": RADII.iloc[2:],
        "requirements": table("""
            service_id  resource_id  category        amount  basis
            inpatient   icu_bed      primary_centre       1  per_patient
            visit       doctor       primary_centre    1000  cases_per_unit
        """),
        "referrals": TIERS["referrals"].iloc[[0]].assign(share=0.01),
    }
    solution = ha.solve(region(**lone)).require_optimal()
    assert solution.referrals.empty
    assert not_referred(solution) == pytest.approx({"inpatient": 30})
    assert cost(solution)["unmet_penalty"] == pytest.approx(30 * 1000)
