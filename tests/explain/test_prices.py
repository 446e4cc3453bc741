"""Prices of clauses: by hand, against finite differences, at kinks, with whole units."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import healthalloc as ha
import healthalloc.cli.prices
from healthalloc import plan as kinds_of
from healthalloc.clause_table import ONLY_A_PENALTY
from healthalloc.cli.app import Exit, app
from healthalloc.explain.prices import (
    ALL_PARTS,
    CLAUSES,
    ROWS,
    ClausePrices,
    price_clauses,
    price_solution,
)
from tests.examples import examples
from tests.properties.scenarios import KINDS_COVERED, scenarios, with_clauses
from tests.region import (
    RESOURCES,
    STOCK,
    TIERS,
    clause,
    edit,
    quiet,
    region,
    sited,
    tiers,
    with_areas,
)  # fmt: skip

WEST = Path(__file__).parents[2] / "examples" / "panzhihua_west"
ENDS = ["price_low_cny_a_year", "price_high_cny_a_year"]
HELD = ["target_from", "target_to"]
COEFFICIENT_KINDS = {
    "first_contact_share", "ratio_between_resources", "referral_share", "resource_share",
}  # fmt: skip
"""Kinds whose target stands in the coefficients where no site is a choice."""


def priced(
    *clauses: ha.Clause,
    base: Any = quiet,
    whole_units: bool = False,
    resolve: int = 0,
    **changes: Any,
) -> ClausePrices:
    return price_clauses(base(clauses=clauses, whole_units=whole_units, **changes), resolve=resolve)


def one(found: ClausePrices, clause_id: str, part: str = "") -> pd.Series[Any]:
    rows = found.clauses
    rows = rows[(rows["clause_id"] == clause_id) & (rows["part"] == part)]
    assert len(rows) == 1
    return rows.iloc[0]


def near(*values: float) -> Any:
    return pytest.approx(list(values), rel=1e-6, abs=1e-6)


def amount(clause_id: str, resource: str, **fields: Any) -> ha.Clause:
    return clause("amount", id=clause_id, resource=resource, **fields)


# --- by hand: a bed costs 150 a year more, an ICU bed 500, a doctor 340, a nurse 120


def test_a_floor_by_hand() -> None:
    row = one(priced(amount("beds", "bed", at_least=50.0)), "beds")
    assert row["side"] == "floor"
    assert row["price_cny_a_year"] == pytest.approx(150)
    assert list(row[ENDS]) == near(150, 150)
    assert not row["is_range"]
    assert list(row[HELD]) == near(40, np.inf)
    assert row["one_percent_tighter_cny_a_year"] == pytest.approx(75)
    assert row["whole_cny_a_year"] == pytest.approx(1500)
    assert not row["free"]
    assert row["tighter"] == ""
    assert row["price_basis"] == "dual of the linear program"
    assert row["whole_basis"] == "linear program: cost with the clause less cost without it"


def test_a_floor_with_slack_is_free_up_to_what_is_there() -> None:
    row = one(priced(amount("beds", "bed", at_least=30.0)), "beds")
    assert row["free"]
    assert list(row[ENDS]) == near(0, 0)
    assert list(row[HELD]) == near(0, 40)
    assert row["slack"] == pytest.approx(10)
    assert row["whole_cny_a_year"] == 0


def test_a_ceiling_by_hand() -> None:
    found = priced(
        amount("beds", "bed", at_least=50.0), amount("general", "general_bed", at_most=45.0)
    )
    row = one(found, "general")
    assert row["side"] == "ceiling"
    assert list(row[ENDS]) == near(350, 350)  # an ICU bed in place of a general one
    assert list(row[HELD]) == near(38, 48)
    assert row["whole_cny_a_year"] == pytest.approx(3 * 350)
    assert list(one(found, "beds")[ENDS]) == near(500, 500)
    assert list(one(found, "beds")[HELD]) == near(47, np.inf)


@pytest.mark.parametrize(
    ("bounds", "side", "price", "held"),
    [
        ({"at_least": 39.0, "at_most": 45.0}, "ceiling", 350, (39, 48)),
        ({"about": 44.0, "tolerance": 1.0}, "ceiling", 350, (43, 48)),
        ({"equals": 45.0}, "lowered", 350, (38, 48)),
        ({"at_least": 49.0, "at_most": 60.0}, "floor", 150, (48, 60)),
        ({"about": 50.0, "tolerance": 1.0}, "floor", 150, (48, 51)),
        ({"equals": 49.0}, "raised", 150, (48, np.inf)),
        ({"at_least": 39.0, "at_most": 55.0}, "ceiling", 0, (48, np.inf)),
    ],
)
def test_the_side_that_costs_is_named(
    bounds: dict[str, float], side: str, price: float, held: tuple[float, float]
) -> None:
    found = priced(amount("beds", "bed", at_least=50.0), amount("general", "general_bed", **bounds))
    row = one(found, "general")
    assert row["side"] == side
    assert list(row[ENDS]) == near(price, price)
    assert list(row[HELD]) == near(*held)


def test_an_exact_value_between_two_costs_gives_the_dearer_way() -> None:
    # 48 general beds and 2 ICU beds are what 50 beds cost least: one fewer is an ICU bed more
    found = priced(
        amount("beds", "bed", at_least=50.0), amount("general", "general_bed", equals=48.0)
    )
    row = one(found, "general")
    assert row["side"] == "lowered"
    assert list(row[ENDS]) == near(0, 350)
    assert row["whole_cny_a_year"] == 0


def test_several_rows_each_and_together() -> None:
    found = priced(clause("per_facility_minimum", id="nurses", resource="nurse", at_least=4.5))
    rows = found.rows.set_index("facility_id")
    prices = {"city": 0, "private": 120, "clinic": 120, "annex": 120}
    held = {"city": (0, 10), "private": (4, np.inf), "clinic": (2, 10), "annex": (0, 5)}
    for facility, price in prices.items():
        assert list(rows.loc[facility, ENDS]) == near(price, price)
        assert list(rows.loc[facility, HELD]) == near(*held[facility])
    row = one(found, "nurses")
    assert row["statements"] == 4
    assert list(row[ENDS]) == near(360, 360)
    assert list(row[HELD]) == near(4, 5)
    assert row["whole_cny_a_year"] == pytest.approx((0.5 + 2.5 + 4.5) * 120)


def test_the_ranges_of_single_rows_can_be_left_out_and_say_so() -> None:
    nurses = clause("per_facility_minimum", id="nurses", resource="nurse", at_least=4.5)
    scenario = relaxed(quiet(clauses=[nurses]))
    found = price_clauses(scenario, resolve=0, ranges=False)
    assert set(found.rows["range_basis"]) == {"not computed"}
    assert found.rows[HELD].isna().all(axis=None)
    whole = price_clauses(scenario, resolve=0, ranges=True)
    assert set(whole.rows["range_basis"]) == {"exact"}
    pd.testing.assert_frame_equal(found.clauses, whole.clauses)
    pd.testing.assert_frame_equal(found.rows[ENDS], whole.rows[ENDS])


def test_rows_of_areas_name_their_area() -> None:
    beds = clause(
        "ratio_to_population", id="beds", resource="bed", unit="per_1000_residents",
        each_area="town", at_least=4.0,
    )  # fmt: skip
    found = price_clauses(relaxed(with_areas(clauses=[beds])), resolve=0)
    rows = found.rows.set_index("area_id")
    assert list(rows.index) == ["west", "east"]
    # 35 beds for 6,000 residents are enough; the 4,000 of the east have 5 of the 16 beds they need
    assert list(rows.loc["west", ENDS]) == near(0, 0)
    assert rows.at["west", "achieved"] == pytest.approx(35 / 6)
    assert rows.at["west", "target_to"] == pytest.approx(35 / 6)
    assert list(rows.loc["east", ENDS]) == near(4 * 150, 4 * 150)
    assert rows.at["east", "target_from"] == pytest.approx(5 / 4)
    assert one(found, "beds")["whole_cny_a_year"] == pytest.approx(11 * 150)


def test_a_stay_has_no_price_of_one_unit_and_says_why() -> None:
    stay = clause("length_of_stay", id="stay", services=("inpatient",), at_most=5.0)
    found = price_clauses(relaxed(region(clauses=[stay])), resolve=1)
    assert one(found, "stay")["price_basis"].startswith("none: it changes a norm")
    assert found.rows.empty


def test_parts_are_priced_alone_and_as_a_whole_clause() -> None:
    found = priced(
        amount("staff", "doctor", part="doctors", at_least=12.0),
        amount("staff", "nurse", part="nurses", at_least=20.0),
    )
    assert one(found, "staff", "doctors")["whole_cny_a_year"] == pytest.approx(2 * 340)
    assert one(found, "staff", "nurses")["whole_cny_a_year"] == pytest.approx(4 * 120)
    whole = one(found, "staff", ALL_PARTS)
    assert whole["whole_cny_a_year"] == pytest.approx(2 * 340 + 4 * 120)
    assert np.isnan(whole["price_cny_a_year"])


@pytest.mark.parametrize("target", [{"at_least": 50.0}, {}])
def test_a_whole_clause_includes_the_penalty_that_it_sets(
    target: dict[str, float], tmp_path: Path
) -> None:
    """60 % of residents have a fever clinic near; a second one costs 60 and spares 30.

    So the clause costs 0.01 for each of the 4,000 left out.
    """
    circle = clause(
        "coverage", id="circle", resource="fever_clinic", radius=12.0, radius_unit="km",
        penalty_cny_per_resident=0.01, **target,
    )  # fmt: skip
    found = priced(circle, whole_units=True, resolve=1)
    row = one(found, "circle")
    assert row["whole_cny_a_year"] == pytest.approx(40)
    assert (row["price_cny_a_year"] == 0) if target else (row["price_basis"] == ONLY_A_PENALTY)
    again = found.resolved[found.resolved["change"] == "left out"]
    assert again["cost_cny_a_year"].tolist() == near(40)
    ha.write_scenario(found.solution.scenario, tmp_path / "plan")
    result = run(tmp_path / "plan", "--resolve", 0)
    assert "penalty on those left out (CNY a year): circle 40" in result.output


def test_the_penalties_of_all_parts_count_in_the_whole_of_a_clause() -> None:
    circles = [
        clause(
            "coverage", id="circle", part=part, resource="fever_clinic", radius=12.0,
            radius_unit="km", penalty_cny_per_resident=penalty,
        )
        for part, penalty in (("a", 0.01), ("b", 0.02))
    ]  # fmt: skip
    # together they are worth a second fever clinic for 60, and 30 for the 1,000 still left out;
    # b alone costs 80, a alone 40
    found = priced(*circles)
    assert one(found, "circle", "a")["whole_cny_a_year"] == pytest.approx(90 - 80)
    assert one(found, "circle", "b")["whole_cny_a_year"] == pytest.approx(90 - 40)
    assert one(found, "circle", ALL_PARTS)["whole_cny_a_year"] == pytest.approx(90)


# --- several prices are right


def test_a_kink_has_a_range_whose_ends_are_the_slopes_on_both_sides() -> None:
    clinic = {"facility_id": "clinic"}

    def staff(target: float) -> ha.Scenario:
        return quiet(clauses=[amount("staff", "staff", scope=clinic, at_least=target)])

    # 2 nurses become 10, the most there may be; the next to come is a doctor
    found = price_clauses(relaxed(staff(14.0)), resolve=0)
    row = one(found, "staff")
    assert row["is_range"]
    assert list(row[ENDS]) == near(120, 340)
    assert row["price_cny_a_year"] == pytest.approx(340)
    assert list(row[HELD]) == near(6, 20)
    at = {t: ha.solve(relaxed(staff(t))).objective for t in (13.9, 14.0, 14.1)}
    assert (at[14.0] - at[13.9]) / 0.1 == pytest.approx(row["price_low_cny_a_year"])
    assert (at[14.1] - at[14.0]) / 0.1 == pytest.approx(row["price_high_cny_a_year"])
    for solver in ("highs", "pulp"):
        dual = ha.solve(relaxed(staff(14.0)), solver=solver).prices.by_clause["staff"][0]
        assert 120 - 1e-6 <= dual <= 340 + 1e-6


def test_two_clauses_that_say_the_same_are_both_free_to_drop_and_dear_to_tighten() -> None:
    found = priced(amount("a", "bed", at_least=50.0), amount("b", "bed", at_least=50.0))
    for clause_id in "ab":
        row = one(found, clause_id)
        assert list(row[ENDS]) == near(0, 150)
        assert row["price_cny_a_year"] == pytest.approx(150)
        assert list(row[HELD]) == near(0, np.inf)
        assert row["whole_cny_a_year"] == 0
        assert not row["free"]


def test_a_target_in_the_coefficients_whose_denominator_may_be_chosen() -> None:
    """Another doctor (with the 2 nurses he asks for) or another ICU bed: both cost 580.

    A tighter ratio is met with the fewest doctors (10), a looser one used with the most (20).
    """
    same = edit(RESOURCES, {"resource_id": "icu_bed"}, operating_cost_cny=280.0)

    def scenario(ratio: float) -> ha.Scenario:
        clauses = [
            clause(
                "ratio_between_resources", id="ratio", resource="nurse", per_resource="doctor",
                at_least=ratio,
            ),
            clause(
                "surge_reserve", id="reserve", weights={"doctor": 1.0, "icu_bed": 1.0},
                at_least=22.0,
            ),
        ]  # fmt: skip
        return quiet(clauses=clauses, resources=same, whole_units=False)

    row = one(price_clauses(scenario(2.0), resolve=0), "ratio")
    assert list(row[ENDS]) == near(1200, 2400)
    assert row["price_cny_a_year"] == pytest.approx(1200)
    at = {t: ha.solve(scenario(t)).objective for t in (1.999, 2.0, 2.001)}
    assert (at[2.001] - at[2.0]) / 0.001 == pytest.approx(1200)
    assert (at[2.0] - at[1.999]) / 0.001 == pytest.approx(2400)


# --- targets in the coefficients


def test_a_ratio_by_hand() -> None:
    ratio = clause(
        "ratio_between_resources", id="ratio", resource="nurse", per_resource="doctor", at_least=2.0
    )
    row = one(priced(ratio), "ratio")
    assert list(row[ENDS]) == near(1200, 1200)  # 10 doctors
    assert row["target_from"] == pytest.approx(1.6, rel=1e-3)
    assert row["target_to"] == np.inf
    assert row["whole_cny_a_year"] == pytest.approx(4 * 120)


def test_a_share_by_hand_whose_price_grows_all_the_way() -> None:
    """``n`` more nurses: 16 + n = s (26 + n), so that a share s costs 120 (26 s - 16) / (1 - s)."""
    share = clause(
        "resource_share", id="share", resource="nurse", of_resource="staff", at_least=70.0
    )
    row = one(priced(share), "share")
    assert list(row[ENDS]) == near(12 / 0.3**2, 12 / 0.3**2)
    most, least = (100 * (1 - 0.3 / np.sqrt(change)) for change in (1.05, 0.95))
    assert row["target_to"] == pytest.approx(most, abs=1e-3)
    assert row["target_from"] == pytest.approx(least, abs=1e-3)
    assert row["whole_cny_a_year"] == pytest.approx(120 * (26 * 0.7 - 16) / 0.3)


def test_a_range_in_the_coefficients_names_its_ceiling() -> None:
    share = clause(
        "resource_share", id="share", resource="nurse", of_resource="staff", at_least=10.0,
        at_most=50.0,
    )  # fmt: skip
    row = one(priced(share), "share")
    # 6 doctors more for 16 nurses; a share s takes 16 / s staff
    assert row["side"] == "ceiling"
    assert list(row[ENDS]) == near(340 * 16 / 0.5**2 / 100, 340 * 16 / 0.5**2 / 100)
    assert row["whole_cny_a_year"] == pytest.approx(6 * 340)


# --- where no tighter target is possible


def test_all_of_them_cannot_be_tightened() -> None:
    share = clause("facility_share", id="share", resource="fever_clinic", at_least=100.0)
    found = priced(share, resolve=5)
    row = one(found, "share")
    assert row["tighter"] == "impossible: 100 % of facilities is the most there is"
    assert list(row[ENDS]) == near(4 * 60 / 100, np.inf)
    assert row["price_cny_a_year"] == pytest.approx(2.4)
    assert list(row[HELD]) == near(25, 100)
    assert np.isnan(row["one_percent_tighter_cny_a_year"])
    assert found.resolved.empty  # not a re-solve that could only be infeasible


@pytest.mark.parametrize("bounds", [{"at_least": 10.0}, {"equals": 10.0}])
def test_no_more_can_be_referred_than_need_it(bounds: dict[str, float]) -> None:
    """10 % of visits need admission: a referral more costs 4 of travel and 3.75 of beds."""
    share = clause(
        "referral_share", id="share", from_service="visit", to_service="inpatient", **bounds
    )
    unpriced = TIERS["services"].assign(unmet_penalty_cny=[500.0, 0.0, 0.0, 0.0])
    found = priced(share, base=tiers, services=unpriced, resolve=1)
    row = one(found, "share")
    assert row["tighter"] == "impossible: 10 % of cases is the most there is"
    assert row["price_cny_a_year"] == pytest.approx(10 * 7.75)
    assert row["target_to"] == 10.0
    assert found.resolved.empty
    with pytest.raises(ha.PlanError, match="no more are referred"):
        retarget(found.solution.scenario, "share", row["side"], 10.01)


def test_none_of_them_cannot_be_tightened() -> None:
    found = priced(amount("icu", "icu_bed", at_most=0.0), stock=STOCK)
    assert one(found, "icu")["tighter"] == "impossible: 0 units is the least there is"


def test_a_limit_of_the_stock_stops_a_tighter_target() -> None:
    beds = amount("beds", "general_bed", scope={"facility_id": "clinic"}, at_least=10.0)
    row = one(priced(beds), "beds")
    assert row["tighter"] == "infeasible: no allocation meets a tighter target"
    assert list(row[ENDS]) == near(150, np.inf)
    assert list(row[HELD]) == near(5, 10)


def test_a_resource_against_a_group_that_holds_nothing_else() -> None:
    """At 1 it holds whatever is decided; at 0.999 none may be held: a cost without a slope."""
    of = {"resource": "general_bed", "per_resource": "bed", "scope": {"facility_id": "annex"}}
    beds = amount("beds", "general_bed", scope={"facility_id": "annex"}, at_least=2.0)

    def scenario(most: float, *others: ha.Clause) -> ha.Scenario:
        ratio = clause("ratio_between_resources", id="all", at_most=most, each=True, **of)
        return quiet(clauses=[ratio, *others], whole_units=False)

    found = price_clauses(scenario(1.0), clauses=["all"])
    row = one(found, "all")
    assert row["tighter"].startswith("no price: it holds whatever is decided")
    assert not row["free"]
    assert np.isnan(row["price_cny_a_year"])
    assert list(row[HELD]) == [1.0, 1.0]
    # the annex does without beds, so that a tighter target costs nothing there
    assert list(found.resolved["cost_cny_a_year"]) == [0.0]
    blocked = price_clauses(scenario(1.0, beds), clauses=["all"])
    assert list(blocked.resolved["status"]) == ["infeasible"]
    assert ha.solve(scenario(0.999, beds)).status is ha.Status.INFEASIBLE


def test_exact_values_that_fix_each_other() -> None:
    city = {"facility_id": "city"}
    found = priced(
        amount("beds", "bed", scope=city, equals=30.0),
        amount("general", "general_bed", scope=city, equals=27.0),
        amount("icu", "icu_bed", scope=city, equals=3.0),
    )
    assert set(found.clauses["side"]) == {"fixed"}
    assert set(found.clauses["tighter"]) == {"infeasible: no allocation meets any other target"}
    assert set(found.clauses["price_cny_a_year"]) == {0.0}


# --- whole units and sites


def test_whole_units_are_relaxed_and_solved_again_and_each_says_so() -> None:
    ratio = clause(
        "ratio_to_population", id="beds", resource="bed", unit="per_1000_residents", at_least=4.09
    )
    found = priced(ratio, whole_units=True, resolve=1)
    row = one(found, "beds")
    assert row["price_cny_a_year"] == pytest.approx(1500)
    assert row["price_basis"] == "dual of the linear program, whole units relaxed"
    assert row["whole_cny_a_year"] == pytest.approx(0.9 * 150)
    assert "whole units relaxed" in row["whole_basis"]
    again = found.resolved.set_index("change")
    # 40.9 beds are 41, a hundredth more are 42
    assert again.loc["1 % tighter", "cost_cny_a_year"] == pytest.approx(150)
    assert again.loc["1 % tighter", "target"].endswith("4.1309")
    assert again.loc["left out", "cost_cny_a_year"] == pytest.approx(150)
    assert list(again["basis"]) == [
        "re-solved with whole units, 1 % tighter", "re-solved with whole units, left out",
    ]  # fmt: skip
    assert (again["status"] == "optimal").all()
    assert (again["gap"] <= 1e-6).all()


def test_sites_as_chosen_have_no_price_but_a_re_solve() -> None:
    sites = clause("facility_count", id="sites", scope={"category": "primary_centre"}, at_least=1.0)
    found = priced(sites, base=sited, whole_units=True, resolve=1)
    row = one(found, "sites")
    assert np.isnan(row["price_cny_a_year"])
    assert row["tighter"] == "no price: it speaks of sites only, and they are fixed"
    again = found.resolved[found.resolved["change"] == "one unit tighter"].iloc[0]
    assert again["basis"] == "re-solved with whole units and site choices, one unit tighter"
    solved = [ha.solve(sited(clauses=[replace(sites, at_least=n)])).objective for n in (1.0, 2.0)]
    assert solved[1] > solved[0]
    assert again["cost_cny_a_year"] == pytest.approx(solved[1] - solved[0])


def test_a_tighter_target_that_nobody_can_meet_costs_more_than_any_money() -> None:
    beds = amount("beds", "general_bed", scope={"facility_id": "clinic"}, at_least=9.5)
    found = priced(beds, resolve=1)
    assert found.resolved["status"].tolist() == ["infeasible"]
    assert found.resolved["cost_cny_a_year"].tolist() == [np.inf]


def test_a_range_is_tightened_no_further_than_its_other_end() -> None:
    beds = amount("beds", "bed", at_least=50.0, at_most=50.25)
    again = priced(beds, resolve=1).resolved.iloc[0]
    assert again["change"] == "0.25 of a unit tighter"
    assert again["target"].endswith("50.25")
    assert again["cost_cny_a_year"] == pytest.approx(0.25 * 150)


def test_the_dearest_are_those_whose_last_percent_costs_most() -> None:
    found = priced(
        amount("a", "doctor", at_least=12.0),  # 340 a unit, 40.8 for 1 %
        amount("b", "bed", at_least=50.0),  # 150 a unit, 75 for 1 %
        amount("c", "nurse", at_least=1.0),  # free
        resolve=2,
    )
    assert found.resolved["clause_id"].tolist() == ["b", "a"]
    assert found.resolved["basis"].tolist() == ["re-solved, one unit tighter"] * 2


# --- random scenarios


def relaxed(scenario: ha.Scenario) -> ha.Scenario:
    solve = replace(scenario.settings.solve, whole_units=False)
    return scenario.replace(settings=replace(scenario.settings, solve=solve))


def retarget(scenario: ha.Scenario, name: str, side: str, target: float) -> ha.Scenario:
    """The scenario with the side of one clause at another target."""
    changed = []
    for c in scenario.plan.clauses:
        if c.name == name:
            low, high = c.bounds
            low = target if side == "floor" else low
            high = target if side == "ceiling" else high
            high = np.inf if high > c.most else high
            both = {
                "at_least": low if np.isfinite(low) else None,
                "at_most": high if np.isfinite(high) else None,
                "equals": None,
            }
            if side in ("raised", "lowered") or low == high:
                both = {"at_least": None, "at_most": None, "equals": target}
            c = replace(c, about=None, tolerance=None, **both)
        changed.append(c)
    return with_clauses(scenario, changed)


def cost_at(scenario: ha.Scenario, name: str, side: str, target: float) -> float:
    solution = ha.solve(retarget(scenario, name, side, target))
    return solution.objective if solution.status is ha.Status.OPTIMAL else np.inf


def linear(**changes: Any) -> st.SearchStrategy[ha.Scenario]:
    drawn = scenarios(sites=False, audited=False, **({"n_clauses": (1, 3)} | changes))
    return drawn.map(relaxed)


ODD_STEP = 0.83
"""No round number: a ratio of a resource to itself is met by anything at exactly 1."""
SLOW = settings(max_examples=examples(10))


@pytest.mark.parametrize(
    "kinds", [tuple(sorted(KINDS_COVERED)), tuple(sorted(COEFFICIENT_KINDS))], ids=["all", "shares"]
)
@SLOW
@given(data=st.data())
def test_costs_of_other_targets_and_of_none_are_what_the_prices_say(
    kinds: tuple[str, ...], data: st.DataObject
) -> None:
    scenario = data.draw(linear(kinds=kinds, first_kind=data.draw(st.sampled_from(kinds))))
    solution = ha.solve(scenario)
    assume(solution.status is ha.Status.OPTIMAL)
    found = price_solution(solution, resolve=0)
    whole_clauses_cost_the_difference_of_two_solves(found)
    cost = solution.objective
    noise = 1e-7 * (1 + abs(cost))
    for row in found.clauses.to_dict("records"):
        if row["part"] or row["side"] == "fixed" or not row["statements"]:
            continue
        assert 0 <= row["price_low_cny_a_year"] <= row["price_high_cny_a_year"]
        clause_ = next(c for c in scenario.plan.clauses if c.name == row["clause_id"])
        name, side, up = clause_.name, row["side"], row["side"] in ("floor", "raised")
        target = clause_.bounds[0] if up else clause_.bounds[1]
        drift = 0.05 if clause_.kind in COEFFICIENT_KINDS else 0.0
        below, above = target - row["target_from"], row["target_to"] - target
        tight, loose, sign = (above, below, 1) if up else (below, above, -1)
        tighter = row["price_cny_a_year"]
        low, high = (row[end] for end in ENDS)
        looser = low if tighter == high or row["tighter"] else high
        if not row["tighter"] and tight > 1e-6:
            step = min(tight, ODD_STEP)
            change = cost_at(scenario, name, side, target + sign * step) - cost
            assert change == pytest.approx(tighter * step, rel=drift + 1e-5, abs=noise)
        if loose > 1e-6:
            step = min(loose, ODD_STEP)
            change = cost - cost_at(scenario, name, side, target - sign * step)
            assert change == pytest.approx(looser * step, rel=drift + 1e-5, abs=noise)


@SLOW
@given(scenario=linear(kinds=tuple(sorted(KINDS_COVERED - COEFFICIENT_KINDS)), n_clauses=(1, 2)))
def test_at_the_end_of_its_range_the_price_changes_and_just_inside_it_does_not(
    scenario: ha.Scenario,
) -> None:
    solution = ha.solve(scenario)
    assume(solution.status is ha.Status.OPTIMAL)
    found = price_solution(solution, resolve=0)
    duals_of_both_solvers_lie_within_the_range(found)
    for row in found.clauses.to_dict("records"):
        name, side = row["clause_id"], row["side"]
        if side not in ("floor", "ceiling") or row["tighter"]:
            continue
        bounds = next(c.bounds for c in scenario.plan.clauses if c.name == name)
        other = bounds[1] if side == "floor" else bounds[0]
        target = bounds[0] if side == "floor" else bounds[1]
        end = row["target_to"] if side == "floor" else row["target_from"]
        if np.isinf(end) or abs(end - target) < 1e-3 or abs(end - other) < 1e-6:
            continue

        def price_at(where: float, name: str = name, side: str = side) -> dict[str, Any]:
            moved = retarget(scenario, name, side, where)
            priced = price_clauses(moved, resolve=0, clauses=[name]).clauses.iloc[0].to_dict()
            return priced if priced["side"] == side else priced | {"tighter": "other side"}

        price = row["price_cny_a_year"]
        inside = price_at(target + 0.9 * (end - target))
        if inside["tighter"] != "other side":
            assert inside["price_cny_a_year"] == pytest.approx(price, rel=1e-6, abs=1e-5)
        at_end = price_at(end)
        if not at_end["tighter"]:
            outside = price_at(end + 0.001 * (end - target))
            assert outside["tighter"] or outside["price_cny_a_year"] > price + 1e-6


def whole_clauses_cost_the_difference_of_two_solves(found: ClausePrices) -> None:
    scenario, objective = found.solution.scenario, found.solution.objective
    for row in found.clauses.to_dict("records"):
        if np.isnan(row["whole_cny_a_year"]):
            continue  # it speaks of nobody
        without = ha.solve(scenario.audit_only(row["clause_id"])).require_optimal()
        noise = 1e-8 * (1 + abs(objective))
        assert row["whole_cny_a_year"] >= 0
        assert row["whole_cny_a_year"] == pytest.approx(
            objective - without.objective, rel=1e-6, abs=noise
        )


def duals_of_both_solvers_lie_within_the_range(found: ClausePrices) -> None:
    for solver in ("highs", "pulp"):
        prices = ha.solve(found.solution.scenario, solver=solver).require_optimal().prices
        assert prices is not None
        for name, dual in prices.by_clause.items():
            ends = found.rows.loc[found.rows["clause_id"] == name, ENDS].to_numpy()
            known = ~np.isnan(dual) & ~np.isnan(ends).any(axis=1)
            slack = 1e-6 * (1 + np.abs(dual[known]))
            assert (dual[known] >= ends[known, 0] - slack).all()
            assert (dual[known] <= ends[known, 1] + slack).all()


# --- the example, the command, bad input


@pytest.fixture(scope="module")
def west() -> ClausePrices:
    return price_clauses(ha.read_scenario(WEST), resolve=2)


def test_the_district_is_priced_whole(west: ClausePrices) -> None:
    assert list(west.rows.columns) == ROWS
    assert list(west.clauses.columns) == CLAUSES
    enforced = [c.name for c in west.solution.scenario.plan.clauses if c.treatment == "enforce"]
    single = west.clauses[west.clauses["part"] != ALL_PARTS]
    assert len(single) == len(enforced)
    assert (single["price_cny_a_year"].dropna() >= 0).all()
    assert (west.clauses["whole_cny_a_year"] >= 0).all()
    bounds = {c.name: c.bounds for c in west.solution.scenario.plan.clauses}
    for row in single.to_dict("records"):
        low, high = bounds[f"{row['clause_id']}/{row['part']}" if row["part"] else row["clause_id"]]
        target = high if row["side"] == "ceiling" else low
        if row["side"] != "fixed":
            assert row["target_from"] - 1e-6 <= target <= row["target_to"] + 1e-6
    full = [name for name, (low, _) in bounds.items() if low == 100 and name in set(enforced)]
    of_100 = single[single["clause_id"].isin(full)]
    assert len(of_100)
    assert of_100["tighter"].str.startswith("impossible: 100 %").all()


def test_the_districts_re_solves_are_those_of_independent_solves(west: ClausePrices) -> None:
    scenario = west.solution.scenario
    exact = ha.solve(scenario, gap=0.0).objective
    assert len(west.resolved) == 4
    for row in west.resolved.to_dict("records"):
        if row["change"] == "left out":
            changed, sign = scenario.audit_only(row["clause_id"]), -1
        else:
            target = float(row["target"].split()[-1])
            changed, sign = retarget(scenario, row["clause_id"], "floor", target), 1
        solved = ha.solve(changed, gap=0.0).require_optimal()
        assert row["cost_cny_a_year"] == pytest.approx(sign * (solved.objective - exact), abs=50)
        assert row["cost_low_cny_a_year"] <= row["cost_cny_a_year"] <= row["cost_high_cny_a_year"]
        assert row["basis"].startswith("re-solved with whole units and site choices, ")


def run(*words: object) -> Any:
    return CliRunner().invoke(app, ["prices", *map(str, words)])


def test_the_command_prints_and_writes(tmp_path: Path) -> None:
    result = run(WEST, "--clause", "xq-22", "-c", "xq-28", "--resolve", 1, "-o", tmp_path / "out")
    assert result.exit_code == Exit.OK, result.output
    assert "xq-22" in result.output
    assert "dual of the linear program, whole units relaxed, sites fixed as chosen" in result.output
    assert "Re-solved with whole units and site choices" in result.output
    assert "Free, a tighter target costs nothing: xq-28/health" in result.output
    table = pd.read_csv(tmp_path / "out" / "prices.csv")
    assert list(table.columns) == CLAUSES
    assert table["clause_id"].tolist() == ["xq-22", "xq-28", "xq-28", "xq-28"]
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "prices.csv", "price_rows.csv", "price_resolves.csv", "assumptions.csv", "run.json",
    }  # fmt: skip
    assert set(table["year"]) == {2025}
    facts = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert facts["status"] == "optimal"


def test_a_linear_program_is_not_called_relaxed() -> None:
    result = run(WEST, "--continuous", "--clause", "xq-22", "--resolve", 0)
    assert result.exit_code == Exit.OK, result.output
    assert "sites fixed as chosen" in result.output  # continuous units leave the site choices


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--clause", "xq-222"], "did you mean xq-22"),
        (["--clause", "xq-22", "--clause", "xq-01"], "is not enforced"),
        (["--resolve", "-1"], "--resolve"),
        (["--audit-only", "nonsense"], "no clause has this id"),
    ],
)
def test_bad_input_writes_nothing(words: list[str], message: str, tmp_path: Path) -> None:
    result = run(WEST, *words, "-o", tmp_path / "out")
    assert result.exit_code == Exit.BAD_INPUT, result.output
    assert message in result.output
    assert not list(tmp_path.iterdir())


def test_results_never_go_into_the_scenario() -> None:
    result = run(WEST, "-o", WEST / "prices")
    assert result.exit_code == Exit.BAD_INPUT
    assert not (WEST / "prices").exists()


def test_an_infeasible_plan_has_no_prices(tmp_path: Path) -> None:
    impossible = region(
        clauses=[amount("few", "bed", at_most=1.0), amount("many", "bed", at_least=2.0)]
    )
    with pytest.raises(ha.NoSolutionError, match="few"):
        price_clauses(impossible)
    ha.write_scenario(impossible, tmp_path / "plan")
    result = run(tmp_path / "plan", "-o", tmp_path / "out")
    assert result.exit_code == Exit.INFEASIBLE
    assert "few" in result.output
    assert not (tmp_path / "out").exists()


def test_a_request_that_makes_no_sense_says_all_that_is_wrong() -> None:
    scenario = quiet(
        clauses=[
            amount("beds", "bed", at_least=50.0),
            kinds_of.Record(id="words", quote="q", source="s", treatment="record", reason="r"),
        ]
    )
    with pytest.raises(ha.PlanError) as error:
        price_clauses(scenario, clauses=["bedz", "words"])
    assert len(error.value.problems) == 2
    with pytest.raises(ha.DataError, match="below 0"):
        price_clauses(scenario, resolve=-1)
    with pytest.raises(ha.DataError, match="no time"):
        price_clauses(scenario, time_limit_s=0.0)


def test_a_plan_without_clauses_costs_nothing() -> None:
    found = priced()
    assert found.rows.empty
    assert found.clauses.empty
    assert found.resolved.empty
