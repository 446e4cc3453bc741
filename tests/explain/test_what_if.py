"""What if: every answer after any edits is that of the edited scenario solved from nothing."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import healthalloc as ha
import healthalloc.cli.what_if as command
from healthalloc.cli.app import app
from healthalloc.explain.what_if import WhatIf, nearby
from healthalloc.explain.what_if.changes import Changes
from healthalloc.solvers import SolverOptions, solve_highs
from tests.examples import examples
from tests.properties.scenarios import scenarios
from tests.region import RESOURCES, STOCK, clause, edit, quiet, region, sited, tiers

WEST = Path(__file__).parents[2] / "examples" / "panzhihua_west"


def same_as_cold(what_if: WhatIf, **options: Any) -> ha.Solution:
    """The open answer; it is that of the edited scenario solved by the front door."""
    warm, cold = what_if.solve(), ha.solve(what_if.scenario, **options)
    assert warm.status is cold.status
    if warm.status is ha.Status.OPTIMAL:
        assert warm.certificate is not None
        assert warm.certificate.passes(1e-6)
        # a cost that is a small difference of large terms is no more exact than these
        program, x = warm.model.program, warm.result.x
        terms = abs(program.offset) + float(np.abs(program.cost) @ np.abs(x))
        exact = max(1e-6, 1e-9 * terms)
        assert warm.objective == pytest.approx(cold.objective, rel=1e-6, abs=exact)
        assert warm.cost["cny_a_year"].iloc[-1] == pytest.approx(warm.objective, abs=1e-3)
    elif warm.status is ha.Status.INFEASIBLE:
        assert warm.conflict is not None
    return warm


# --- any edits


@st.composite
def edit_lists(draw: Any, scenario: ha.Scenario) -> list[tuple[Any, ...]]:
    """Edits in the words of a scenario; some of them are refused."""
    stock = list(zip(scenario.stock["facility_id"], scenario.stock["resource_id"]))
    facilities = list(scenario.facilities["facility_id"])
    clauses = [c.name for c in scenario.plan.clauses]
    sorts: list[st.SearchStrategy[tuple[Any, ...]]] = [
        st.tuples(st.just("close"), st.sampled_from(facilities)),
        st.tuples(st.just("open"), st.sampled_from(facilities)),
        st.tuples(
            st.just("bound"), st.sampled_from(stock), st.sampled_from([None, 0.0, 1.0, 3.0]),
            st.sampled_from([None, 0.0, 1.0, 6.0, 40.0, np.inf]),
        ),
        st.tuples(
            st.just("demand"), st.sampled_from(list(scenario.services["service_id"])),
            st.sampled_from([0.0, 0.5, 1.1, 2.0]),
        ),
        st.tuples(
            st.just("cost"), st.sampled_from(list(scenario.resources["resource_id"])),
            st.sampled_from([0.0, 0.9, 1.5]),
        ),
        st.tuples(
            st.just("penalty"), st.sampled_from(list(scenario.services["service_id"])),
            st.sampled_from([0.5, 2.0]),
        ),
        st.tuples(
            st.just("figure"),
            st.sampled_from(["discount_rate", "value_of_travel_cny_per_hour"]),
            st.sampled_from([0.0, 0.05, 0.2]),
        ),
        st.just(("restore",)),
        st.just(("restore one", 0)),
    ]  # fmt: skip
    if clauses:
        value = st.sampled_from([0.0, 0.5, 1.0, 2.0, 10.0, 40.0, (0.5, 2.0), (20.0, 20.0)])
        sorts += [
            st.tuples(st.just("set"), st.sampled_from(clauses), value),
            st.tuples(st.just("set"), st.sampled_from(clauses), value),
            st.tuples(st.just("drop"), st.sampled_from(clauses)),
        ]
    return draw(st.lists(st.one_of(sorts), min_size=1, max_size=5))  # type: ignore[no-any-return]


def make(what_if: WhatIf, edit: tuple[Any, ...]) -> None:
    word, *given = edit
    if word == "bound":
        (facility, resource), lower, upper = given
        what_if.bound(facility, resource, lower, upper)
    elif word == "restore one":
        items = what_if.edits["item"].tolist()
        if items:
            what_if.restore(items[0])
    else:
        getattr(what_if, word)(*given)


@settings(max_examples=examples(30))
@given(st.data())
def test_any_edits_give_the_answer_of_the_edited_scenario(data: st.DataObject) -> None:
    scenario = data.draw(scenarios())
    what_if = WhatIf(scenario)
    first = same_as_cold(what_if)
    for made in data.draw(edit_lists(scenario)):
        before = what_if.edits
        try:
            make(what_if, made)
        except ha.DataError:
            pd.testing.assert_frame_equal(what_if.edits, before)  # refused: nothing changed
        same_as_cold(what_if)
    what_if.restore()
    assert what_if.edits.empty
    again = what_if.solve()
    assert again.status is first.status
    if again.status is ha.Status.OPTIMAL:
        assert again.objective == pytest.approx(first.objective, rel=1e-6, abs=1e-6)


@settings(max_examples=examples(12))
@given(st.data())
def test_what_is_reported_is_what_the_edited_scenario_reports(data: st.DataObject) -> None:
    """Clauses, demand and cost of the open answer, measured by the edited scenario's own audit."""
    scenario = data.draw(scenarios(n_clauses=(1, 3)))
    what_if = WhatIf(scenario)
    for made in data.draw(edit_lists(scenario)):
        try:
            make(what_if, made)
        except ha.DataError:
            continue
    answer = what_if.solve()
    assume(answer.status is ha.Status.OPTIMAL)
    edited = what_if.scenario
    rows = answer.clause_rows
    names = [c.id for c in edited.plan.clauses if not c.id.startswith("what if")]
    assert list(dict.fromkeys(rows["clause_id"])) == names
    for c in edited.plan.clauses:
        mine = rows[(rows["clause_id"] == c.id) & (rows["part"] == c.part)]
        assert (mine["target"] == c.target_label).all()
        assert (mine["treatment"] == c.treatment).all()
        if c.treatment == "enforce":
            assert mine["met"].map(lambda met: met is not False).all()
    cold = ha.solve(edited)
    demand = answer.demand.set_index(["population_id", "service_id"])["demand"]
    expected = cold.demand.set_index(["population_id", "service_id"])["demand"]
    assert demand.tolist() == pytest.approx(expected.tolist())


# --- by hand, in a region where a bed costs k + o


BEDS = clause("amount", id="beds", resource="bed", at_least=40)
ICU = clause("resource_share", id="icu", resource="icu_bed", of_resource="bed", at_least=5)


def test_a_floor_raised_costs_its_beds() -> None:
    what_if = WhatIf(quiet(clauses=[BEDS]))
    before = what_if.solve()
    what_if.set("beds", 43)
    after = what_if.solve()
    assert after.objective - before.objective == pytest.approx(3 * 150.0)
    assert after.clauses["target"].tolist() == [">= 43"]
    assert after.clauses["price_cny_a_year"].tolist() == pytest.approx([150.0])
    what_if.restore("beds")
    assert what_if.solve().objective == pytest.approx(before.objective)


def test_a_target_among_the_coefficients_moves_with_the_edit() -> None:
    what_if = WhatIf(quiet(clauses=[ICU], whole_units=True))
    # 5 % of 40 beds are the 2 there are; 10 % need x more: 2 + x >= 0.1 (40 + x), so 3
    before = what_if.solve()
    what_if.set("icu", 10)
    after = same_as_cold(what_if)
    assert after.objective - before.objective == pytest.approx(3 * 500.0)
    what_if.set("icu", 0)
    assert same_as_cold(what_if).objective == pytest.approx(before.objective)


FORMS = {
    "at_least": ({"at_least": 40}, 44.0, (44.0, np.inf)),
    "at_most": ({"at_most": 60}, 44.0, (-np.inf, 44.0)),
    "equals": ({"equals": 40}, 44.0, (44.0, 44.0)),
    "about": ({"about": 41, "tolerance": 1}, 44.0, (43.0, 45.0)),
    "range": ({"at_least": 40, "at_most": 41}, (44.0, 50.0), (44.0, 50.0)),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["amount", "ratio"])
def test_set_moves_the_bound_that_the_clause_has(form: str, kind: str) -> None:
    given, value, bounds = FORMS[form]
    made = clause("amount", id="c", resource="general_bed", **given)
    if kind == "ratio":
        made = clause(
            "ratio_between_resources", id="c", resource="general_bed", per_resource="fever_clinic",
            **given,
        )  # fmt: skip
    what_if = WhatIf(region(clauses=[made], whole_units=False))
    what_if.set("c", value)  # type: ignore[arg-type]
    assert what_if.scenario.plan.clauses[0].bounds == bounds
    same_as_cold(what_if)


@pytest.mark.parametrize(("low", "high"), [(2.0, 2.0), (2.0, 3.0)])
@pytest.mark.parametrize(("then_low", "then_high"), [(2.5, 2.5), (1.0, 4.0)])
def test_a_range_may_close_and_open_again(
    low: float, high: float, then_low: float, then_high: float
) -> None:
    """With a changing denominator a range takes two rows and a value one."""
    made = clause(
        "ratio_between_resources", id="c", resource="general_bed", per_resource="nurse",
        at_least=low, at_most=high,
    )  # fmt: skip
    what_if = WhatIf(region(clauses=[made], whole_units=False))
    what_if.solve()
    what_if.set("c", (then_low, then_high))
    same_as_cold(what_if)
    what_if.drop("c")
    same_as_cold(what_if)


def test_a_dropped_clause_is_still_measured() -> None:
    what_if = WhatIf(quiet(clauses=[clause("amount", id="beds", resource="bed", at_least=50)]))
    assert what_if.solve().clauses["price_cny_a_year"].tolist() == pytest.approx([150.0])
    what_if.drop("beds")
    rows = what_if.solve().clauses
    assert rows[["treatment", "achieved", "met"]].iloc[0].tolist() == ["audit", 40.0, False]
    assert np.isnan(rows["price_cny_a_year"].iat[0])


def test_close_retires_what_a_facility_holds() -> None:
    what_if = WhatIf(quiet(stock=STOCK, whole_units=False))
    what_if.close("private")
    answer = same_as_cold(what_if)
    held = answer.stock[answer.stock["facility_id"] == "private"]
    assert held["allocated"].eq(0).all()
    assert not answer.sites.set_index("facility_id")["open"]["private"]
    what_if.open("private")
    assert what_if.edits.empty
    same_as_cold(what_if)


def test_open_pays_for_the_site_and_its_least_stock() -> None:
    what_if = WhatIf(sited())
    before = what_if.solve()
    assert not before.sites.set_index("facility_id")["open"]["annex"]
    what_if.open("annex")
    after = same_as_cold(what_if)
    # the site, and the one doctor that the annex must hold
    assert after.objective - before.objective == pytest.approx(500.0 + 340.0)


def test_a_limit_raised_from_nothing_makes_new_arcs() -> None:
    """Who may hold no doctor offers no visits: the open program has no arcs to it."""
    stock = edit(STOCK, {"facility_id": "private", "resource_id": "doctor"}, upper=0.0)
    scenario = region(stock=edit(stock, {"facility_id": "private"}, existing=0.0))
    what_if = WhatIf(scenario)
    n_arcs = what_if.solve().model.layout.n_flows
    what_if.bound("private", "doctor", upper=9.0)
    assert same_as_cold(what_if).model.layout.n_flows > n_arcs
    what_if.restore("private:doctor")
    same_as_cold(what_if)


def test_a_least_stock_at_a_site_without_one_makes_a_new_row() -> None:
    what_if = WhatIf(sited())
    what_if.open("annex")
    what_if.bound("annex", "nurse", lower=2.0)
    answer = same_as_cold(what_if)
    held = answer.stock.set_index(["facility_id", "resource_id"])["allocated"]
    assert held["annex", "nurse"] == 2.0


def test_demand_moves_cases_and_penalties() -> None:
    what_if = WhatIf(region())
    before = what_if.solve().demand
    what_if.demand("visit", 1.5)
    after = same_as_cold(what_if).demand
    visits = before["service_id"] == "visit"
    factor = np.where(visits, 1.5, 1.0)
    assert after["demand"].tolist() == pytest.approx((before["demand"] * factor).tolist())


def test_a_budget_counts_the_costs_as_they_are_now() -> None:
    given = region()
    limited = given.replace(settings=dataclasses.replace(given.settings, budget_cny_a_year=3e3))
    what_if = WhatIf(limited)
    what_if.close("annex")
    costs = []
    for factor in (1.0, 1.5, 0.5):
        what_if.cost("general_bed", factor)
        warm, cold = what_if.solve(), ha.solve(what_if.scenario)
        assert warm.budget is not None
        assert warm.budget["spent_cny_a_year"] <= 3e3 * (1 + 1e-9)
        assert warm.objective == pytest.approx(cold.objective)
        costs.append(warm.objective)
    assert costs[2] < costs[0] < costs[1]
    assert what_if.edits.to_numpy().tolist()[1:] == [["cost", "general_bed", "100 %", "50 %"]]


def test_infeasible_after_an_edit_names_the_conflict_and_comes_back() -> None:
    what_if = WhatIf(quiet(clauses=[BEDS, clause("amount", id="most", resource="bed", at_most=50)]))
    first = what_if.solve().objective
    what_if.set("beds", 51)
    answer = same_as_cold(what_if)
    assert answer.status is ha.Status.INFEASIBLE
    assert answer.conflict is not None
    assert {c.id for c in answer.conflict.clauses} == {"beds", "most"}
    what_if.set("beds", 40)
    assert what_if.solve().objective == pytest.approx(first)


def test_sites_held_leave_a_linear_program() -> None:
    what_if = WhatIf(sited(clauses=[BEDS], whole_units=False))
    first = what_if.solve()
    assert first.model.program.is_mixed_integer
    what_if.hold_sites()
    held = same_as_cold(what_if)
    assert not held.model.program.is_mixed_integer
    assert held.objective == pytest.approx(first.objective)
    assert held.certificate is not None
    assert held.certificate.bound_source == "dual"


def test_sites_are_held_as_the_answer_given_chose_them() -> None:
    first = ha.solve(sited(clauses=[BEDS], whole_units=False))
    what_if = WhatIf(first)
    what_if.hold_sites()
    held = what_if.solve()
    assert not held.model.program.is_mixed_integer
    assert held.sites["open"].tolist() == first.sites["open"].tolist()


def test_the_scenario_given_is_not_changed() -> None:
    scenario = region(clauses=[BEDS])
    tables = {name: table.copy() for name, table in scenario.tables.items()}
    what_if = WhatIf(scenario)
    what_if.set("beds", 45)
    what_if.close("city")
    what_if.bound("clinic", "nurse", 1, 2)
    what_if.demand("visit", 3)
    what_if.solve()
    assert scenario.plan.clauses[0].at_least == 40
    for name, table in tables.items():
        pd.testing.assert_frame_equal(scenario.tables[name], table)


def test_a_settings_override_holds_for_every_answer() -> None:
    what_if = WhatIf(region(clauses=[BEDS], whole_units=True), whole_units=False)
    assert not what_if.solve().scenario.settings.solve.whole_units
    same_as_cold(what_if)


# --- what is refused

AUDITED = clause("amount", id="audited", resource="nurse", at_least=1, treatment="audit")
RECORDED = clause("record", id="recorded", reason="an outcome", unit="years", at_least=1)
PARTS = [
    clause("facility_target", id="p", part=f, facility_id=f, resource="nurse", at_least=1)
    for f in ("city", "clinic")
]
RANGE = clause("amount", id="range", resource="doctor", at_least=1, at_most=90)
REFUSED: dict[str, tuple[Callable[[WhatIf], None], str]] = {
    "unknown clause": (lambda w: w.set("bedz", 1), "no clause has this id.*did you mean beds"),
    "parts": (lambda w: w.set("p", 1), "has parts.*p/city, p/clinic"),
    "audited": (lambda w: w.set("audited", 5), "audited, not enforced"),
    "recorded": (lambda w: w.set("recorded", 5), "recorded, not enforced"),
    "drop audited": (lambda w: w.drop("audited"), "audited, not enforced: there is nothing"),
    "clause like none": (lambda w: w.set("budget", -5), r"no clause has this id.*known: beds"),
    "drop unknown": (lambda w: w.drop("p/citi"), "no clause has this id.*did you mean p/city"),
    "set dropped": (lambda w: (w.drop("beds"), w.set("beds", 4))[1], "was dropped.*restore it"),
    "one value": (lambda w: w.set("range", 4), "floor and a ceiling.*LO..HI"),
    "two values": (lambda w: w.set("beds", (4, 5)), "one value.*not a range"),
    "crossed": (lambda w: w.set("range", (5, 4)), "above at_most 4"),
    "negative": (lambda w: w.set("beds", -1), "greater than or equal to 0"),
    "not finite": (lambda w: w.set("beds", np.nan), "finite"),
    "above 100 %": (lambda w: w.set("share", 101), "above 100 %"),
    "unit": (lambda w: w.set("beds", 4, "per1000"), "not measured in 'per1000'.*'units'"),
    "close unknown": (lambda w: w.close("citi"), "no known facility.*did you mean city"),
    "open unknown": (lambda w: w.open("x"), "no known facility.*known: city"),
    "bound facility": (lambda w: w.bound("x", "nurse", 1), "no known facility"),
    "bound resource": (lambda w: w.bound("city", "nurs", 1), "no known resource.*nurse"),
    "bound parent": (lambda w: w.bound("city", "bed", 1), "no row in the table stock.*doctor"),
    "bound crossed": (lambda w: w.bound("city", "nurse", 5, 4), "5 to 4 is no range"),
    "bound negative": (lambda w: w.bound("city", "nurse", -1), "-1 to inf is no range"),
    "bound nan": (lambda w: w.bound("city", "nurse", np.nan), "no range"),
    "bound at a site": (lambda w: w.bound("annex", "nurse", 0, np.inf), "needs an upper limit"),
    "bound of a share": (lambda w: w.bound("city", "fever_clinic", 0, 2), "share.*upper 1"),
    "demand unknown": (lambda w: w.demand("visits", 1), "no known service.*did you mean visit"),
    "demand negative": (lambda w: w.demand("visit", -0.1), "no factor of 0 or more"),
    "cost unknown": (lambda w: w.cost("beds", 1), "no known resource.*did you mean bed"),
    "cost negative": (lambda w: w.cost("bed", -1), "no factor of 0 or more"),
    "penalty unknown": (lambda w: w.penalty("visits", 1), "no known service.*did you mean visit"),
    "setting of the structure": (
        lambda w: w.figure("base_year", 2030),
        "no known setting that can be changed here",
    ),
    "setting out of range": (
        lambda w: w.figure("discount_rate", 1),
        "1 is out of range: allowed is 0 or more and below 1",
    ),
    "demand nan": (lambda w: w.demand("visit", np.nan), "no factor"),
    "restore unknown": (lambda w: w.restore("beds"), "was not edited"),
    "no answer yet": (lambda w: w.hold_sites(), "no answer yet"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_clearly(case: str) -> None:
    share = clause("facility_share", id="share", resource="fever_clinic", at_least=25)
    scenario = region(clauses=[BEDS, AUDITED, RECORDED, *PARTS, RANGE, share])
    edit_made, message = REFUSED[case]
    what_if = WhatIf(scenario)
    with pytest.raises(ha.DataError, match=r"(?s)what if.*" + message):
        edit_made(what_if)
    assert set(what_if.edits["edit"]) <= {"drop"}


@pytest.mark.parametrize("unit", ["units", " Units", "unit s", ""])
def test_a_unit_that_fits(unit: str) -> None:
    what_if = WhatIf(region(clauses=[BEDS]))
    what_if.set("beds", 41, unit)
    assert what_if.edits.values.tolist() == [["set", "beds", ">= 40 units", ">= 41 units"]]


@pytest.mark.parametrize("unit", ["per 1,000 residents", "per_1000_residents", "per1000residents"])
def test_a_unit_may_be_the_label_or_the_field(unit: str) -> None:
    ratio = clause(
        "ratio_to_population", id="r", resource="bed", unit="per_1000_residents", at_least=4
    )
    what_if = WhatIf(region(clauses=[ratio]))
    what_if.set("r", 4.5, unit)
    with pytest.raises(ha.PlanError, match="not measured in '%'"):
        what_if.set("r", 4.5, "%")


def test_edits_in_words() -> None:
    what_if = WhatIf(region(clauses=[BEDS, *PARTS]))
    what_if.set("beds", 41)
    what_if.drop("p")
    what_if.close("city")
    what_if.open("annex")
    what_if.bound("clinic", "nurse", lower=1)
    what_if.bound("city", "nurse", upper=7)
    what_if.demand("visit", 1.05)
    assert what_if.edits.values.tolist() == [
        ["set", "beds", ">= 40 units", ">= 41 units"],
        ["drop", "p/city", ">= 1 units", "not enforced"],
        ["drop", "p/clinic", ">= 1 units", "not enforced"],
        ["close", "city", "open", "shut"],
        ["open", "annex", "may be shut", "open"],
        ["bound", "clinic:nurse", "0 to 10", "1 to 10"],
        ["bound", "city:nurse", "0 or more", "0 to 7"],
        ["demand", "visit", "100 %", "105 %"],
    ]
    what_if.restore("p", "city", "visit")
    assert what_if.edits["item"].tolist() == ["beds", "annex", "clinic:nurse", "city:nurse"]


# --- what changed


def test_changes_by_hand() -> None:
    what_if = WhatIf(quiet(clauses=[BEDS]))
    before = what_if.solve()
    what_if.set("beds", 43)
    found = Changes(before, what_if.solve())
    assert found.stock["change"].sum() == pytest.approx(3.0)
    assert set(found.stock["resource_id"]) == {"general_bed"}
    region_row = found.facilities[found.facilities["facility_id"] == ""]
    columns = ["name", "resource_id", "kind", "before", "after", "change"]
    assert region_row[columns].values.tolist() == [["the region", "bed", "bed", 40.0, 43.0, 3.0]]
    cost = found.cost.set_index("component")["change"]
    assert cost[["capital", "operating", "staff", "total"]].tolist() == [300.0, 150.0, 0.0, 450.0]
    assert found.clauses[["target_before", "target_after"]].values.tolist() == [[">= 40", ">= 43"]]
    assert found.travel.empty
    assert found.demand.empty
    assert found.sites.empty


def test_who_travels_farther_when_the_clinic_shuts() -> None:
    what_if = WhatIf(region())
    before = what_if.solve()
    what_if.close("clinic")
    after = what_if.solve()
    found = Changes(before, after)
    assert found.sites[["facility_id", "before", "after"]].values.tolist() == [
        ["clinic", True, False]
    ]
    means = {}
    for name, solution in (("before", before), ("after", after)):
        flows = solution.flows
        for key, part in flows.groupby(["population_id", "service_id"]):
            weight = part["cases_a_year"] / part["cases_a_year"].sum()
            means[name, key] = float((part["travel_min"] * weight).sum())
    for row in found.travel.itertuples():
        key = (row.population_id, row.service_id)
        assert row.before == pytest.approx(means["before", key])
        assert row.after == pytest.approx(means["after", key])
        assert row.change == pytest.approx(row.after - row.before)
    counted = found.travel_by_service.set_index("service_id")
    for service, part in found.travel.groupby("service_id"):
        farther = part[part["change"] > 0]
        assert counted.loc[service, "populations_farther"] == len(farther)
        assert counted.loc[service, "residents_farther"] == farther["residents"].sum()
    unmet = after.demand["demand"] - after.demand["served"]
    missed_before = before.demand["demand"] - before.demand["served"]
    assert found.demand["change"].sum() == pytest.approx((unmet - missed_before).sum())
    assert len(found.travel) + len(found.demand) > 0


def test_nothing_changes_without_an_edit() -> None:
    what_if = WhatIf(region(clauses=[BEDS]))
    answer = what_if.solve()
    tables = Changes(answer, answer).tables()
    cost = tables.pop("changed_cost")
    assert cost["change"].eq(0).all()
    assert {name: len(table) for name, table in tables.items()} == dict.fromkeys(tables, 0)


def test_an_infeasible_side_leaves_its_columns_empty() -> None:
    most = clause("amount", id="most", resource="bed", at_most=50)
    what_if = WhatIf(quiet(clauses=[BEDS, most]))
    good = what_if.solve()
    what_if.set("beds", 51)
    bad = what_if.solve()
    found = Changes(bad, good)
    assert found.cost["before"].isna().all()
    assert found.cost["after"].notna().all()
    assert found.stock["after"].tolist() == good.stock["allocated"].tolist()
    assert found.clauses["met_after"].tolist() == [True, True]
    assert Changes(good, bad).stock["after"].isna().all()
    assert all(table.empty for table in Changes(bad, bad).tables().values())


def test_answers_to_different_regions_are_not_compared() -> None:
    other = edit(RESOURCES, {"resource_id": "nurse"}, name="another")
    renamed = region(resources=other.assign(resource_id=other["resource_id"]))
    one = ha.solve(region())
    Changes(one, ha.solve(renamed))  # the same identifiers
    fewer = region(stock=STOCK.iloc[:-1])
    with pytest.raises(ha.DataError, match="stock: the two answers speak of different ones"):
        Changes(one, ha.solve(fewer))


# --- the command

runner = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    range_ = clause("amount", id="range", resource="doctor", at_least=1, at_most=90)
    share = clause("facility_share", id="share", resource="fever_clinic", at_least=25)
    scenario = region(clauses=[BEDS, *PARTS, range_, share, AUDITED], whole_units=False)
    ha.write_scenario(scenario, tmp_path / "scenario")
    return tmp_path / "scenario"


def run(*words: object) -> Any:
    return runner.invoke(app, ["what-if", *map(str, words)])


def test_command_every_edit(folder: Path, tmp_path: Path) -> None:
    result = run(
        folder, "--set", "beds=45units", "--set", "p/city=2", "--set", "range=2..80",
        "--set", "share=50%", "--drop", "p/clinic", "--close", "private", "--open", "annex",
        "--bound", "clinic:nurse=1..4", "--demand", "visit=+5%", "-o", tmp_path / "out",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    edits = pd.read_csv(tmp_path / "out" / "edits.csv")
    assert dict(zip(edits["item"], edits["after"])) == {
        "beds": ">= 45 units", "p/city": ">= 2 units", "range": "2 to 80 units",
        "share": ">= 50 % of facilities", "p/clinic": "not enforced", "private": "shut",
        "annex": "open", "clinic:nurse": "1 to 4", "visit": "105 %",
    }  # fmt: skip
    run_json = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    before = ha.solve(ha.read_scenario(folder))
    assert run_json["before"]["objective_cny_a_year"] == pytest.approx(before.objective)
    cost = pd.read_csv(tmp_path / "out" / "changed_cost.csv").set_index("component")
    assert cost.loc["objective", "after"] == pytest.approx(
        run_json["after"]["objective_cny_a_year"], rel=1e-9
    )
    for table in (
        "changed_stock", "changed_facilities", "changed_sites", "changed_travel",
        "changed_travel_by_service", "changed_clauses", "changed_demand",
    ):  # fmt: skip
        assert (tmp_path / "out" / f"{table}.csv").exists()
    assert "Who travels farther" in result.output


@pytest.mark.parametrize(
    ("word", "bounds"), [("2..", "2 to 10"), ("..4", "0 to 4"), ("1..inf", None)]
)
def test_command_bounds_one_side(folder: Path, word: str, bounds: str | None) -> None:
    result = run(folder, "--bound", f"clinic:nurse={word}")
    if bounds is None:
        assert result.exit_code == 2
        assert "needs an upper limit" in result.output
    else:
        assert result.exit_code == 0
        assert bounds in result.output


def test_command_infeasible_ends_with_3_and_the_conflict(folder: Path, tmp_path: Path) -> None:
    result = run(folder, "--bound", "city:nurse=0..1", "--set", "p/city=2", "-o", tmp_path / "out")
    assert result.exit_code == 3
    assert "infeasible" in result.output
    assert "p/city" in result.output
    assert "nurse in city" in result.output
    conflict = pd.read_csv(tmp_path / "out" / "conflict.csv")
    assert "p/city" in conflict["member"].tolist()


def test_command_from_infeasible_to_feasible(folder: Path) -> None:
    scenario = ha.read_scenario(folder)
    clauses = [*scenario.plan.clauses, clause("amount", id="none", resource="bed", at_most=1)]
    bad = scenario.replace(plan=ha.Plan(clauses))
    ha.write_scenario(bad, folder.parent / "bad")
    result = run(folder.parent / "bad", "--drop", "none")
    assert result.exit_code == 0
    assert "Before: infeasible" in result.output
    assert "After: optimal" in result.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to change"),
        (["--set", "beds"], "--set: 'beds' cannot be read (write CLAUSE=VALUE"),
        (["--set", "beds=many"], "cannot be read"),
        (["--set", "beds=1e999"], "finite"),
        (["--set", "beds=4..5"], "one value"),
        (["--set", "beds=45 per1000"], "not measured in 'per1000'"),
        (["--set", "bedz=4"], "did you mean beds?"),
        (["--drop", "audited"], "audited, not enforced"),
        (["--bound", "city=4"], "--bound: 'city=4' cannot be read"),
        (["--bound", "city:nurse=.."], "cannot be read"),
        (["--demand", "visit=5%"], "write SERVICE=+5%"),
        (["--demand", "visit=-101%"], "no factor of 0 or more"),
        (["--close", "city", "--open", "city"], "is opened as well"),
        (["--set", "beds=41", "--set", "beds = 45"], "--set: 'beds' is given twice"),
        (["--demand", "visit=+5%", "--demand", "visit=+7%"], "'visit' is given twice"),
        (["--set", "beds=41", "--drop", "beds"], "'beds' is dropped as well"),
    ],
)
def test_command_bad_input_ends_with_2_and_writes_nothing(
    folder: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    result = run(folder, *words, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "out").exists()


def test_command_lists_everything_that_is_wrong(folder: Path) -> None:
    result = run(folder, "--set", "bedz=4", "--drop", "audited", "--close", "x")
    assert result.exit_code == 2
    assert "3 problems" in result.output


def test_command_output_inside_the_scenario_is_refused(folder: Path) -> None:
    result = run(folder, "--set", "beds=41", "-o", folder / "out")
    assert result.exit_code == 2
    assert "inside the scenario" in result.output


def test_command_quiet_prints_nothing(folder: Path) -> None:
    result = run(folder, "--set", "beds=41", "-q")
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize("word", ["xq-22=80", "xq-22 = 80 units", "xq-22=8e1", "xq-22=80.0units"])
def test_targets_are_read_alike(word: str) -> None:
    what_if = WhatIf(region(clauses=[clause("amount", id="xq-22", resource="bed", at_least=1)]))
    for made in command.parse_edits([word], [], [], [], [], []):
        made(what_if)
    assert what_if.edits["after"].tolist() == [">= 80 units"]


def test_ids_with_signs_in_them_can_be_named(tmp_path: Path) -> None:
    """Equals signs, colons and commas of an id are not taken for those of the option."""
    clauses = [
        clause("amount", id="a=1", resource="bed", at_least=41),
        clause("amount", id="b,c", resource="bed", at_least=42),
        clause("amount", id="d", resource="bed", at_least=1),
        clause("amount", id="e", resource="bed", at_least=2),
    ]
    scenario = region(clauses=clauses)
    named = {"city": "city:1"}
    scenario = scenario.replace(
        facilities=scenario.facilities.replace({"facility_id": named}),
        stock=scenario.stock.replace({"facility_id": named}),
    )
    ha.write_scenario(scenario, tmp_path / "signs")
    result = run(
        tmp_path / "signs", "--set", "a=1=43 units", "--drop", "b,c", "--drop", "d,e",
        "--bound", "city:1:nurse=2..", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    after = {e["item"]: e["after"] for e in json.loads(result.stdout)["tables"]["edits"]}
    assert set(after) == {"a=1", "b,c", "d", "e", "city:1:nurse"}
    assert after["a=1"] == ">= 43 units"


def test_a_penalty_that_makes_turning_everybody_away_cheaper_is_refused() -> None:
    """A visit unserved costs 500; one of ten visits needs admission, unserved at 1,000."""
    what_if = WhatIf(tiers())
    with pytest.raises(ha.DataError, match="turning everybody away would be cheaper"):
        what_if.penalty("visit", 0.1)
    assert what_if.edits.empty
    what_if.penalty("visit", 10)
    what_if.penalty("inpatient", 10)
    with pytest.raises(ha.DataError, match="turning everybody away would be cheaper"):
        what_if.restore("visit")
    assert what_if.edits["item"].tolist() == ["visit", "inpatient"]
    what_if.restore()
    assert what_if.edits.empty


# --- the West District


@pytest.fixture(scope="module")
def west() -> ha.Scenario:
    return ha.read_scenario(WEST)


def test_west_district_with_fractions(west: ha.Scenario) -> None:
    what_if = WhatIf(west, whole_units=False)
    before = what_if.solve()
    what_if.set("xq-22", 80, "units")
    what_if.set("xq-27/taiping", 5)
    what_if.set("xq-32", (2.5, 3))
    what_if.drop("xq-25")
    what_if.drop("xq-20")
    what_if.demand("inpatient", 1.05)
    after = same_as_cold(what_if, whole_units=False)
    found = Changes(before, after)
    changed = found.clauses.set_index(["clause_id", "part"])
    assert changed.loc[("xq-22", ""), "achieved_after"] == pytest.approx(80.0)
    target = next(c for c in after.scenario.plan.clauses if c.name == "xq-27/taiping")
    assert target.bounds == (5.0, 5.0)
    assert changed.loc[("xq-27", "taiping"), "target_after"] == target.target_label
    total = found.cost.set_index("component").loc["objective", "change"]
    assert total == pytest.approx(after.objective - before.objective)


def test_west_district_whole_units(west: ha.Scenario) -> None:
    what_if = WhatIf(west, whole_units=True)
    what_if.solve()
    what_if.set("xq-22", 60)
    answer = same_as_cold(what_if)
    assert np.allclose(answer.stock["allocated"] % 1, 0)


def test_west_district_a_loop_takes_few_iterations(west: ha.Scenario) -> None:
    """The second answer and all after it begin from the last basis."""
    what_if = WhatIf(west, whole_units=False)
    what_if.solve()
    what_if.hold_sites()
    counts = []
    for target in range(51, 61):
        what_if.set("xq-22", target)
        counts.append(what_if.solve().result.iterations)
    cold = solve_highs(what_if.solve().model.program, SolverOptions())
    assert cold.iterations is not None
    assert sum(counts) < cold.iterations  # ten answers for less than one


# --- near an earlier answer


@settings(max_examples=examples(12))
@given(st.data())
def test_near_an_earlier_answer_costs_the_same_and_moves_no_more(data: st.DataObject) -> None:
    scenario = data.draw(scenarios())
    what_if = WhatIf(scenario)
    before = what_if.solve()
    for made in data.draw(edit_lists(scenario)):
        try:
            make(what_if, made)
        except ha.DataError:
            continue
    any_answer = what_if.solve()
    near = what_if.solve(near=before)
    assert near.status is any_answer.status
    assume(before.status is near.status is ha.Status.OPTIMAL)
    assert near.certificate is not None
    assert near.certificate.passes(1e-6)
    assert near.objective == pytest.approx(any_answer.objective, rel=1e-8, abs=1e-6)
    moved = [
        (answer.stock["allocated"] - before.stock["allocated"]).abs().sum()
        for answer in (near, any_answer)
    ]
    assert moved[0] <= moved[1] + 1e-4


def test_an_answer_stands_though_none_nearer_can_be_solved_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def breaks_down(*_: object) -> None:
        raise ha.SolverError("HiGHS stopped with 'Solve error'")

    what_if = WhatIf(region(clauses=[clause("amount", id="beds", resource="bed", at_least=41)]))
    before = what_if.solve()
    what_if.set("beds", 45)
    alone = what_if.solve()
    monkeypatch.setattr(nearby, "solve_highs", breaks_down)
    after = what_if.solve(near=before)
    assert after.status is ha.Status.OPTIMAL
    assert after.objective == pytest.approx(alone.objective)


def test_what_costs_the_same_anywhere_moves_nowhere() -> None:
    """Beds cost the same in three places; which of them the solver fills is its whim."""
    what_if = WhatIf(quiet(clauses=[BEDS]))
    what_if.set("beds", 50)
    first = what_if.solve()
    what_if.bound("city", "general_bed", lower=24)
    second = what_if.solve()
    what_if.restore()
    what_if.set("beds", 50)
    again = what_if.solve(near=second)
    assert again.stock["allocated"].tolist() == second.stock["allocated"].tolist()
    assert again.objective == pytest.approx(first.objective)


@pytest.mark.parametrize("target", [1.25, 2.0, 0.5])
def test_a_target_above_all_residents_still_lets_one_facility_open(target: float) -> None:
    """So many residents are counted as the floor asks for, and that moves with the floor."""
    everybody = region().populations["residents"].sum()
    floor = clause("facility_per_population", id="per", at_least=1.5 * everybody)
    what_if = WhatIf(sited(clauses=[floor]))
    same_as_cold(what_if)
    what_if.set("per", target * everybody)
    edited = same_as_cold(what_if).model.program
    by_hand = ha.formulate(what_if.scenario).program
    assert edited.row_lower.tolist() == by_hand.row_lower.tolist()
    assert (edited.matrix != by_hand.matrix).nnz == 0
