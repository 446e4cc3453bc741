"""Access in a scenario and in a solution; the region of `tests.region` allows sums by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from healthalloc import DataError, NoSolutionError, TravelMatrix, solve
from healthalloc.access import (
    access_by_area,
    access_by_population,
    exponential,
    from_scenario,
    gravity,
    step,
    two_step_catchment,
)
from tests.region import (
    FACILITIES,
    POPULATIONS,
    RADII,
    TIERS,
    clause,
    edit,
    region,
    settings,
    table,
    tiers,
)

AREAS = {
    "facilities": FACILITIES.assign(area=["west", "west", "east", "far"]),
    "populations": POPULATIONS.assign(area=["west", "east", "east"]),
}
LAND = {"west": 10.0, "east": 70.0, "far": 20.0}


def test_arcs_of_the_stock_of_today():
    # within 30 min of the town: city (25 beds, 0 min) and private (10 beds, 20 min); the village
    # has 60 min: both again, at 30 and 20 min; the hamlet 50 and 40 min; the clinic does not
    # offer the service
    arcs = from_scenario(region(), "bed", "inpatient")
    assert arcs.demand.tolist() == [6000.0, 3000.0, 1000.0]
    assert arcs.supply.tolist() == [25.0, 10.0, 0.0, 0.0]
    assert list(zip(arcs.demand_idx.tolist(), arcs.supply_idx.tolist())) == [
        (0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1),
    ]  # fmt: skip
    assert arcs.travel == pytest.approx([0.0, 20.0, 30.0, 20.0, 50.0, 40.0], abs=1e-9)


def test_table_by_population():
    table = access_by_population(region(), "bed", "inpatient")
    assert list(table) == [
        "population_id", "name", "area", "area_class", "residents", "cumulative_units",
        "two_step_per_1000",
    ]  # fmt: skip
    assert table["cumulative_units"].tolist() == [35.0] * 3
    assert table["two_step_per_1000"].tolist() == pytest.approx([3.5] * 3)


def test_a_limit_takes_the_place_of_the_radius():
    # 30 min: the hamlet reaches nothing; city and private are shared by 9,000
    table = access_by_population(region(), "bed", "inpatient", limit=30)
    assert table["two_step_per_1000"].tolist() == pytest.approx([35 / 9, 35 / 9, 0.0])
    # 20 km: the town reaches city and private, the village private alone
    table = access_by_population(region(), "bed", "inpatient", limit=20, unit="km")
    assert table["two_step_per_1000"].tolist() == pytest.approx([25 / 6 + 10 / 9, 10 / 9, 0.0])


def test_a_decay_adds_its_measures():
    zones = step({25: 1.0, 60: 0.5})
    table = access_by_population(region(), "bed", "inpatient", decay=zones)
    assert table["gravity_units"].tolist() == pytest.approx([35.0, 22.5, 17.5])
    city, private = 25 / (6 + 1.5 + 0.5), 10 / (6 + 3 + 0.5)
    expected = [city + private, 0.5 * city + private, 0.5 * (city + private)]
    assert table["enhanced_two_step_per_1000"].tolist() == pytest.approx(expected)
    # chances 1/2, 1/2 in town; 1/3, 2/3 in the village; 1/2, 1/2 in the hamlet
    city = 25 / (3 + 0.5 * 1 + 0.5 * 0.5)
    private = 10 / (3 + 2 + 0.5 * 0.5)
    expected = [
        0.5 * (city + private), 0.5 / 3 * city + 2 / 3 * private, 0.25 * (city + private),
    ]  # fmt: skip
    assert table["three_step_per_1000"].tolist() == pytest.approx(expected)


def test_cases_instead_of_residents():
    # 100 admissions a year for 1,000 residents
    table = access_by_population(region(), "bed", "inpatient", demand="cases")
    assert table["cases_a_year"].tolist() == [600.0, 300.0, 100.0]
    assert table["two_step_per_1000"].tolist() == pytest.approx([35.0] * 3)


def test_only_what_offers_the_service_counts():
    # beds without a nurse are no inpatient service
    stock = edit(region().stock, {"facility_id": "private", "resource_id": "nurse"}, existing=0.0)
    table = access_by_population(region(stock=stock), "bed", "inpatient")
    assert table["two_step_per_1000"].tolist() == pytest.approx([2.5] * 3)


def test_stock_that_may_not_stay_counts_today():
    stock = edit(
        region().stock, {"facility_id": "private", "resource_id": "general_bed"},
        lower=0.0, upper=0.0,
    )  # fmt: skip
    table = access_by_population(region(stock=stock), "bed", "inpatient")
    assert table["two_step_per_1000"].tolist() == pytest.approx([3.5] * 3)


def test_a_solution_is_measured_by_what_it_allocates_and_opens():
    solution = solve(region()).require_optimal()
    allocated = solution.stock.groupby(["facility_id", "resource_id"])["allocated"].sum()
    arcs = from_scenario(solution, "general_bed", "inpatient")
    held = [allocated[site, "general_bed"] for site in ("city", "private")]
    assert arcs.supply.tolist() == [*held, 0.0, 0.0]
    # doctors serve visits; a site that the solution closes is none
    arcs = from_scenario(solution, "doctor", "visit")
    open_sites = solution.sites["open"].to_numpy()
    doctors = allocated.xs("doctor", level="resource_id")[solution.sites["facility_id"]]
    assert arcs.supply == pytest.approx(np.where(open_sites, doctors, 0.0))
    assert open_sites[arcs.supply_idx].all()
    people = access_by_population(solution, "doctor", "visit")
    reached = doctors.to_numpy()[np.unique(arcs.supply_idx)].sum()
    assert people["residents"] @ people["two_step_per_1000"] / 1000 == pytest.approx(reached)


def test_what_the_solver_leaves_at_a_closed_site_does_not_count():
    solution = solve(region(**AREAS)).require_optimal()
    closed = solution.sites["facility_id"].isin(["city"])
    vars(solution)["sites"] = solution.sites.assign(open=~closed)  # as if it had been closed
    held = solution.stock.set_index(["facility_id", "resource_id"])["allocated"]
    assert held["city", "doctor"] > 0
    assert from_scenario(solution, "doctor", "visit").supply[0] == 0.0
    by_area = access_by_area(solution, "doctor", "visit").set_index("area")
    assert by_area["units"]["west"] == pytest.approx(held["private", "doctor"])


def test_a_solution_without_an_allocation_has_no_access():
    impossible = clause("amount", resource="bed", at_least=1e9)
    stock = region().stock.assign(upper=100.0)
    solution = solve(region(clauses=[impossible], stock=stock))
    with pytest.raises(NoSolutionError):
        access_by_population(solution, "bed", "inpatient")


def test_table_by_area():
    zones = step({25: 1.0, 60: 0.5})
    table = access_by_area(
        region(**AREAS), "bed", "inpatient", decay=zones, area_km2=LAND
    ).set_index("area")
    assert table.index.tolist() == ["west", "east", "far"]
    assert table["residents"].tolist() == [6000.0, 4000.0, 0.0]
    # the clinic's beds stand in the east although they offer no inpatient service
    assert table["units"].tolist() == [35.0, 5.0, 0.0]
    assert table["units_per_1000"].tolist()[:2] == pytest.approx([35 / 6, 5 / 4])
    assert table["two_step_per_1000"].tolist()[:2] == pytest.approx([3.5, 3.5])
    assert table["gravity_units"]["east"] == pytest.approx((3000 * 22.5 + 1000 * 17.5) / 4000)
    assert table.loc["far", ["units_per_1000", "two_step_per_1000"]].isna().all()
    assert table["hrad"].tolist() == pytest.approx([0.875 / 0.1, 0.125 / 0.7, 0.0])
    assert table["pad"].tolist() == pytest.approx([0.6 / 0.1, 0.4 / 0.7, 0.0])
    assert table["hrad_to_pad"].tolist()[:2] == pytest.approx([0.875 / 0.6, 0.125 / 0.4])
    assert np.isnan(table["hrad_to_pad"]["far"])


TREE = table("""
area_id  name    level   parent_id  residents
county   County  county  -              -
plain    Plain   side    county         -
hills    Hills   side    county         -
west     West    town    plain          -
east     East    town    hills          -
far      Far     town    hills          -
""")


def test_areas_of_a_level():
    sides = access_by_area(region(**AREAS, areas=TREE), "bed", "inpatient", level="side")
    assert sides["area"].tolist() == ["plain", "hills"]
    assert sides["residents"].tolist() == [6000.0, 4000.0]
    assert sides["units"].tolist() == [35.0, 5.0]
    whole = access_by_area(
        region(**AREAS, areas=TREE), "bed", "inpatient", level="county", area_km2={"county": 9.0}
    )
    assert whole.loc[0, ["area", "units", "hrad", "hrad_to_pad"]].tolist() == ["county", 40, 1, 1]
    with pytest.raises(DataError, match="column level: 'village' no area has this level"):
        access_by_area(region(**AREAS, areas=TREE), "bed", "inpatient", level="village")
    higher = AREAS["facilities"].assign(area=["county", "west", "east", "far"])
    with pytest.raises(DataError, match="facilities, row 1, column area: 'county' lies in no"):
        access_by_area(
            region(**AREAS | {"facilities": higher}, areas=TREE), "bed", "inpatient", level="side"
        )


def test_a_place_where_nobody_lives_does_not_blur_its_area():
    # within 5 min only the empty hamlet reaches the annex's doctors, only the village the clinic's
    stock = edit(region().stock, {"facility_id": "annex", "resource_id": "doctor"}, existing=2.0)
    populations = edit(AREAS["populations"], {"population_id": "hamlet"}, residents=0.0)
    facilities = edit(AREAS["facilities"], {"facility_id": "annex"}, site="closable")
    scenario = region(facilities=facilities, populations=populations, stock=stock)
    people = access_by_population(scenario, "doctor", "visit", limit=5)
    assert people["two_step_per_1000"].isna().tolist() == [False, False, True]
    by_area = access_by_area(scenario, "doctor", "visit", limit=5).set_index("area")
    assert by_area["two_step_per_1000"]["east"] == pytest.approx(4 / 3)


@pytest.mark.parametrize(
    ("asked", "options", "message"),
    [
        (("beds", "inpatient"), {}, "column resource_id: 'beds' is not known"),
        (("bed", "surgery"), {}, "column service_id: 'surgery' is not known"),
        (("bed", "inpatient"), {"unit": "hours"}, "column unit: 'hours'"),
        (("bed", "inpatient"), {"demand": "people"}, "column demand: 'people'"),
        (("bed", "inpatient"), {"limit": -1.0}, "column limit: '-1' is not 0 or more"),
        (("bed", "inpatient"), {"limit": np.nan}, "column limit: 'nan'"),
    ],
)
def test_what_is_not_known_is_named(asked, options, message):
    with pytest.raises(DataError, match=message):
        access_by_population(region(), *asked, **options)


def test_a_service_reached_by_referral_has_no_radius():
    with pytest.raises(DataError, match="has no radius of service 'inpatient'"):
        from_scenario(tiers(), "bed", "inpatient")
    stock = edit(TIERS["stock"], existing=8.0)
    arcs = from_scenario(tiers(stock=stock), "bed", "inpatient", limit=10, unit="km")
    assert arcs.supply.tolist() == [0.0, 8.0, 0.0]
    assert arcs.travel == pytest.approx([10.0])


def test_land_must_be_given_for_every_area():
    with pytest.raises(DataError, match="'far' has no entry"):
        access_by_area(region(**AREAS), "bed", "inpatient", area_km2={"west": 1.0, "east": 1.0})
    with pytest.raises(DataError, match="area_km2, row 3: '0'"):
        access_by_area(region(**AREAS), "bed", "inpatient", area_km2=LAND | {"far": 0.0})


def test_travel_that_is_known_in_km_only():
    rows = [("town", "city", 5.0), ("town", "private", 10.0), ("hamlet", "private", 40.0)]
    scenario = region(
        settings=settings(
            travel=TravelMatrix(layout="long", unit="km", missing_pairs="unreachable"),
            value_of_travel_cny_per_hour=0.0,
        ),
        radii=RADII.assign(radius=40.0, unit="km"),
        travel=pd.DataFrame(rows, columns=["population_id", "facility_id", "travel"]),
    )
    with pytest.raises(DataError, match="is not known in min for every pair"):
        from_scenario(scenario, "bed", "inpatient")
    arcs = from_scenario(scenario, "bed", "inpatient", unit="km")
    assert arcs.travel.tolist() == [5.0, 10.0, 40.0]
    assert two_step_catchment(*arcs, limit=10) == pytest.approx([35 / 6000, 0, 0])
    assert gravity(*arcs, decay=exponential(0.1))[2] == pytest.approx(10 * np.exp(-4.0))
