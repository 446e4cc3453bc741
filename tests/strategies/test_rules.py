"""Each rule by hand: the small county of `tests.explain.small_county`.

    facility    north  middle  south        beds   2  6  1    limits   1-7  0-6  0-4
    population  upper  inner   lower        residents 1,000 600 400; patients 4.5 2.7 1.8
    minutes     north-middle 11, middle-south 13, north-south 24

A bed holds one patient; held 50, added 40, retired 2 CNY a year; a minute of all ways of one
patient's bed for a year 20/3.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from healthalloc import DataError, Scenario
from healthalloc.formulation.assemble import network
from healthalloc.layout import Layout
from healthalloc.strategies import (
    by_need,
    by_residents,
    cheapest_first,
    huff,
    keep,
    largest_gap,
    nearest_facility,
    plan_table,
)
from healthalloc.strategies.allocation import as_allocation
from healthalloc.strategies.evaluation import evaluate, mean_travel
from healthalloc.strategies.pots import population_needs
from tests.explain.small_county import DEMAND, FACILITIES, POPULATIONS, RESOURCES, STOCK, county
from tests.region import edit, region, table
from tests.strategies.cases import AGES, PLAN_TABLE, beds, referring

MINUTE = 20 / 3


def objective(scenario, strategy) -> float:
    cost = evaluate(scenario, strategy(scenario), "tested").cost
    return float(cost.set_index("component")["cny_a_year"]["objective"])


def test_keep() -> None:
    assert beds(county(), keep) == [2, 6, 1]
    # 2.5 patients from upper and 0.8 from lower go to the middle
    assert objective(county(), keep) == pytest.approx(450 + 150 + MINUTE * (2.5 * 11 + 0.8 * 13))
    mean, worst = mean_travel(evaluate(county(), keep(county()), "keep"))
    assert (mean, worst) == pytest.approx(((2.5 * 11 + 0.8 * 13) / 9, 13))


def test_by_residents() -> None:
    assert beds(county(), by_residents) == [4, 3, 2]
    assert beds(county(), partial(by_residents, totals={"bed": 12})) == [6, 4, 2]


def test_by_residents_within_limits() -> None:
    """7 is the most of the north: the others share 8 as 600 to 400."""
    assert beds(county(), partial(by_residents, totals={"bed": 15})) == [7, 5, 3]
    assert beds(county(), partial(by_residents, totals={"bed": 20})) == [7, 6, 4]


def test_residents_without_a_holder_count_at_the_nearest() -> None:
    """Of 2,000 residents the middle has its own 600 and the 400 of the south, 13 minutes away."""
    none = STOCK.assign(upper=[7.0, 6.0, 0.0], existing=[2, 7, 0])
    # 4.5 each: of equal remainders the first name goes first
    assert beds(county(stock=none), by_residents) == [4, 5, 0]


def test_within_an_area_todays_mix_stays() -> None:
    together = edit(FACILITIES, {"facility_id": "south"}, area="b")
    # 4.5 for area a, and for b, with the residents of c, 4.5 as 6 to 1: 3.86 and 0.64
    assert beds(county(facilities=together), by_residents) == [4, 4, 1]


def test_larger_area_counts_where_a_place_has_no_holder() -> None:
    """Lower is part of the town a, though the middle is nearer."""
    areas = table("""
area_id  name  level    parent_id
all      all   county   -
a        a     town     all
b        b     town     all
c        c     village  a
""")
    none = STOCK.assign(upper=[7.0, 6.0, 0.0], existing=[3, 7, 0])
    assert beds(county(stock=none, areas=areas), by_residents) == [7, 3, 0]


def test_by_need_counts_groups() -> None:
    """The 400 of lower need twice as much: 4.5, 2.7 and 3.6 of 9 beds."""
    older = table("""
service_id  group_id  rate_per_1000
inpatient   -                   450
inpatient   old                 450
""")
    assert beds(county(groups=AGES, demand=older), by_need) == [4, 2, 3]
    assert beds(county(groups=AGES, demand=older), by_residents) == [4, 3, 2]


def test_largest_gap() -> None:
    """Gaps of 2.1 at north and middle, none of it for the south; need alone gives all some."""
    assert beds(county(), partial(largest_gap, totals={"bed": 3})) == [2, 1, 0]
    assert beds(county(), partial(by_need, totals={"bed": 3})) == [1, 1, 1]


def test_nearest() -> None:
    assert beds(county(), nearest_facility) == [5, 3, 2]
    assert objective(county(), nearest_facility) == pytest.approx(500 + 150 + 4 * 40 + 3 * 2)


def test_nearest_turns_away_where_a_limit_binds() -> None:
    """The south has one bed for 1.8 patients; the rule sends nobody to the middle."""
    small = county(stock=STOCK.assign(upper=[7.0, 6.0, 1.0]))
    found = evaluate(small, nearest_facility(small), "nearest")
    assert found.stock["allocated"].tolist() == [5, 3, 1]
    missed = found.demand.set_index("population_id")["within_reach_but_no_capacity"]
    assert missed.to_dict() == pytest.approx({"upper": 0, "inner": 0, "lower": 80})
    assert found.demand["no_service_within_reach"].sum() == 0


def test_nearest_goes_to_no_closed_site() -> None:
    candidate = edit(FACILITIES, {"facility_id": "south"}, site="candidate")
    scenario = county(facilities=candidate, stock=STOCK.assign(existing=[2, 6, 0]))
    assert beds(scenario, nearest_facility) == [5, 5, 0]  # 2.7 and 1.8 patients at the middle


def test_huff() -> None:
    """Beds of today over the square of the way, at least one minute."""
    ways = np.array([[1, 11, 24], [11, 1, 13], [24, 13, 1]])
    pull = np.array([2, 6, 1]) / ways**2.0
    flow = np.array([4.5, 2.7, 1.8])[:, None] * pull / pull.sum(axis=1, keepdims=True)
    assert (np.ceil(flow.sum(axis=0)) <= [7, 6, 4]).all()
    given = huff(county())
    assert given.stock.tolist() == np.ceil(flow.sum(axis=0)).tolist()
    np.testing.assert_allclose(given.flow, flow.ravel())


def test_huff_sends_nobody_where_nobody_can_be_treated() -> None:
    empty = county(stock=STOCK.assign(existing=[2, 0, 0]))
    assert beds(empty, huff) == [7, 0, 0]  # 9 patients, 7 beds at most
    nothing = county(stock=STOCK.assign(existing=[0, 0, 0], lower=[0.0, 0.0, 0.0]))
    assert beds(nothing, huff) == beds(nothing, nearest_facility) == [5, 3, 2]


@pytest.mark.parametrize("asked", [{"exponent": 0.0}, {"least_travel": -1.0}])
def test_huff_refuses(asked: dict[str, float]) -> None:
    with pytest.raises(DataError, match="is not above 0"):
        huff(county(), **asked)


def test_cheapest_first_builds_where_building_is_cheap() -> None:
    """A new bed at home (90) is cheaper than an old one 11 minutes away (50 + 73)."""
    assert beds(county(), cheapest_first) == [5, 3, 2]


def test_cheapest_first_travels_where_building_is_dear() -> None:
    """At 400 for a new bed 2.5 of upper, then 0.8 of lower take what the middle has left."""
    dear = county(resources=edit(RESOURCES, capital_cost_cny=4000.0))
    assert beds(dear, cheapest_first) == [2, 6, 1]


def test_cheapest_first_leaves_what_is_not_worth_it() -> None:
    """A case of which leaving it out costs 0.8: 80 for a patient, less than a new bed (90)."""
    cheap = county().services.assign(unmet_penalty_cny=0.8)
    found = evaluate(county(services=cheap), cheapest_first(county(services=cheap)), "cheapest")
    assert found.stock["allocated"].tolist() == [2, 3, 1]
    missed = found.demand.set_index("population_id")["within_reach_but_no_capacity"]
    # the flows of least cost still use what is left of the third bed of the middle (73 on the way)
    assert missed["upper"] == pytest.approx(220)


def test_plan_table() -> None:
    scenario = county(proposals=PLAN_TABLE)
    assert beds(scenario, plan_table) == [3, 4, 1]


def test_plan_table_is_split_into_whole_units() -> None:
    """City has 23 general and 2 intensive beds: of 30, 27.6 and 2.4."""
    printed = table("""
proposal_id  facility_id  resource_id  amount
printed      city         bed              30
""")
    scenario = region(proposals=printed)
    held = dict(zip(scenario.stock["resource_id"], plan_table(scenario).stock))
    stock = scenario.stock.assign(allocated=plan_table(scenario).stock)
    city = stock[stock["facility_id"] == "city"].set_index("resource_id")["allocated"]
    assert (city["general_bed"], city["icu_bed"]) == (28, 2)
    assert held["fever_clinic"] == 0  # the annex, last of the table, as today


def test_stock_that_no_service_needs_stays() -> None:
    """Nobody needs intensive beds or fever clinics there, and at the clinic no nurse."""
    scenario = region()
    stays = scenario.stock["resource_id"].isin(["icu_bed", "fever_clinic"]) | (
        (scenario.stock["facility_id"] == "clinic")
        & scenario.stock["resource_id"].isin(["nurse", "general_bed"])
    )
    existing = scenario.stock["existing"].to_numpy()
    for rule in (by_residents, by_need, largest_gap, nearest_facility, huff, cheapest_first):
        found = as_allocation(network(scenario), rule(scenario), "tested").stock
        np.testing.assert_array_equal(found[stays], existing[stays])
        assert (found != existing).any()


KINDS = table("""
resource_id  name   parent_id  kind  availability  capital_cost_cny  life_years  operating_cost_cny  retirement_cost_cny
bed          bed    -          bed              1                 0          10                   0                    0
ward         ward   bed        bed              1               400          10                  50                   20
rehab        rehab  bed        bed            0.5               400          10                  50                   20
""")  # noqa: E501


def of_kinds(**changes: Any) -> Scenario:
    """The county, where beds are of two kinds; a patient in one of rehabilitation counts half."""
    held = table("""
facility_id  resource_id  existing  lower  upper
north        ward                3      0      7
north        rehab               2      0      7
middle       ward                0      0      2
middle       rehab               0      0      2
south        ward                1      0      4
""")
    return county(**{"resources": KINDS, "stock": held} | changes)


def test_need_for_a_resource_is_met_by_its_kinds_as_held_today() -> None:
    """North 4.5 patients: 3.375 wards and 2.25 of rehabilitation, which are worth 1.125.

    Rounded down they take 4; the larger remainder, a ward, makes it 5. The middle holds nothing
    and has 2.7 patients: 1.8 of each, 0 or 1 more, 2.7 of 3 at most.
    """
    assert beds(of_kinds(), nearest_facility) == [4, 2, 2, 2, 2]


def test_need_falls_on_kinds_as_they_are_held() -> None:
    """Nine patients, 4 wards and 2 of rehabilitation for 5 in all: 7.2 wards, 3.6 of the other."""
    units = population_needs(Layout(of_kinds()))
    assert units.sum(axis=0).tolist() == pytest.approx([0, 7.2, 3.6])
    np.testing.assert_allclose(units[:, 1] / 7.2, [0.5, 0.3, 0.2])


# --- referrals: 200 of 2,000 visits need two beds, within 12 minutes of where the visit was


def test_nearest_refers_to_the_nearest() -> None:
    """1,000, 600 and 400 visits: 2, 2 and 1 doctors; 1, 0.6 and 0.4 beds at the same places."""
    found = evaluate(referring(), nearest_facility(referring()), "nearest")
    held = found.stock.set_index(["resource_id", "facility_id"])["allocated"]
    assert held["doctor"].to_dict() == {"north": 2, "middle": 2, "south": 1}
    assert held["bed"].to_dict() == {"north": 1, "middle": 1, "south": 1}
    assert found.referrals["cases_a_year"].tolist() == pytest.approx([100, 60, 40])
    assert (found.referrals["travel_min"] == 0).all()
    assert found.referral_needs["not_referred"].sum() == pytest.approx(0)


def test_referrals_that_do_not_fit_are_turned_away() -> None:
    full = referring().stock
    full.loc[full["resource_id"] == "bed", "upper"] = [1.0, 0.0, 0.1]
    full.loc[full["resource_id"] == "bed", "existing"] = [1.0, 0.0, 0.1]
    full.loc[full["resource_id"] == "bed", "lower"] = [1.0, 0.0, 0.0]
    parts = edit(referring().resources, {"resource_id": "bed"}, whole="no")
    scenario = referring(stock=full, resources=parts)
    found = evaluate(scenario, nearest_facility(scenario), "nearest")
    needs = found.referral_needs.set_index("facility_id")
    # the middle refers to the north, 11 minutes away: 160 cases for the one bed of 100
    assert needs["referred"].to_dict() == pytest.approx(
        {"north": 62.5, "middle": 37.5, "south": 10}
    )
    assert needs["not_referred"].sum() == pytest.approx(200 - 110)


def test_greedy_refers_on() -> None:
    found = evaluate(referring(), cheapest_first(referring()), "cheapest")
    assert found.referral_needs["not_referred"].sum() == pytest.approx(0)
    assert found.demand["served"].sum() == pytest.approx(2000)


# --- totals that cannot be shared


@pytest.mark.parametrize(
    ("totals", "text"),
    [
        ({"bad": 5}, "did you mean bed?"),
        ({"bed": -1}, "cannot be -1 of bed"),
        ({"bed": np.nan}, "cannot be nan of bed"),
        ({"bed": np.inf}, "cannot be inf of bed"),
    ],
)
def test_totals_refused(totals: dict[str, float], text: str) -> None:
    with pytest.raises(DataError) as error:
        by_residents(county(), totals=totals)
    assert text in str(error.value)


def test_totals_of_what_no_service_needs() -> None:
    with pytest.raises(DataError, match="there are no others"):
        by_residents(region(), totals={"fever_clinic": 4})
    with pytest.raises(DataError, match="is given twice"):
        by_residents(region(), totals={"bed": 50, "general_bed": 40})
    # 2 intensive beds and 5 of the clinic are needed by no service and stay
    stock = region().stock.assign(allocated=by_residents(region(), totals={"bed": 50}).stock)
    beds_of = stock["resource_id"].isin(["general_bed", "icu_bed"])
    assert stock.loc[beds_of, "allocated"].sum() == 50


def test_demand_of_nobody() -> None:
    nobody = county(demand=edit(DEMAND, rate_per_1000=0.0))
    assert beds(nobody, nearest_facility) == [1, 0, 0]  # the lower limit of the north
    assert sum(beds(nobody, by_need)) == 9
    empty = county(populations=POPULATIONS.assign(residents=0.0))
    assert sum(beds(empty, by_residents)) == 9
