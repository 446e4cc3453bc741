"""What an infeasible plan says of itself: the clauses and limits that cannot all hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from typer.testing import CliRunner

import healthalloc as ha
from healthalloc import Clause, NoSolutionError, Scenario, Status
from healthalloc.cli.app import app
from healthalloc.explain.conflicts import filters, find_conflicts
from healthalloc.explain.conflicts.soft import SoftProgram
from tests.examples import examples
from tests.properties.oracle import Oracle
from tests.properties.scenarios import KINDS_COVERED, scenarios, with_clauses
from tests.region import STOCK, clause, quiet, region

AMPLE = 1e4
SOLVERS = pytest.mark.parametrize("solver", ["highs", "pulp"])


def members(scenario: Scenario, **how: Any) -> tuple[set[str], set[tuple[str, str]], bool]:
    """Clause names and stock limits of the conflict, and whether it takes whole units."""
    solution = ha.solve(scenario, **how)
    assert solution.status is Status.INFEASIBLE
    conflict = solution.conflict
    assert conflict is not None
    assert conflict.minimal
    limits = set(zip(conflict.limits["facility_id"], conflict.limits["resource_id"]))
    names = [c.name for c in conflict.clauses]
    assert len(names) == len(set(names))
    assert len(limits) == len(conflict.limits)
    return set(names), limits, conflict.whole_units


FINE = [
    clause("amount", id="beds", resource="bed", at_least=10),
    clause("ratio_between_resources", id="nurses", resource="nurse", per_resource="bed",
           at_least=0.1),
    clause("coverage", id="near", resource="doctor", radius=5, radius_unit="km", at_least=10),
]  # fmt: skip
"""Clauses that hold whatever the others ask for."""


# --- conflicts made by hand


@SOLVERS
def test_one_clause_against_one_stock_limit(solver):
    # private may hold 4 ICU beds
    asked = clause("facility_target", facility_id="private", resource="icu_bed", at_least=5)
    found = members(region(clauses=[*FINE, asked]), solver=solver)
    assert found == ({"facility_target"}, {("private", "icu_bed")}, False)


@SOLVERS
def test_one_clause_against_several_stock_limits(solver):
    # clinic may hold 10 doctors, annex 5
    asked = clause("amount", resource="doctor", scope={"side": "east"}, at_least=16)
    found = members(region(clauses=[*FINE, asked]), solver=solver)
    assert found == ({"amount"}, {("clinic", "doctor"), ("annex", "doctor")}, False)
    fits = clause("amount", resource="doctor", scope={"side": "east"}, at_least=15)
    assert ha.solve(region(clauses=[*FINE, fits])).status is Status.OPTIMAL


@SOLVERS
def test_a_ceiling_against_lower_limits(solver):
    # the doctors that are there must stay: 4 city, 2 private, 4 clinic
    asked = clause("amount", resource="doctor", at_most=9)
    found = members(quiet(clauses=[asked]), solver=solver)
    holders = {("city", "doctor"), ("private", "doctor"), ("clinic", "doctor")}
    assert found == ({"amount"}, holders, False)


@SOLVERS
def test_two_clauses(solver):
    least = clause("amount", id="least", resource="nurse", at_least=30)
    most = clause("amount", id="most", resource="nurse", at_most=29)
    found = members(region(clauses=[least, *FINE, most]), solver=solver)
    assert found == ({"least", "most"}, set(), False)


@SOLVERS
def test_a_kind_against_what_it_is_a_kind_of(solver):
    kind = clause("amount", id="icu", resource="icu_bed", scope={"side": "west"}, at_least=46)
    whole = clause("ratio_to_population", id="all", resource="bed", unit="per_1000_residents",
                   at_most=4.5)  # fmt: skip
    found = members(region(clauses=[*FINE, kind, whole]), solver=solver)
    assert found == ({"icu", "all"}, set(), False)


@SOLVERS
def test_three_clauses_of_which_any_two_can_hold(solver):
    # 10 doctors ask for 20 nurses: 30 people where 25 are allowed
    city = {"facility_id": "city"}
    three = [
        clause("facility_target", id="doctors", facility_id="city", resource="doctor", at_least=10),
        clause("ratio_between_resources", id="ratio", resource="nurse", per_resource="doctor",
               scope=city, at_least=2),
        clause("amount", id="people", resource="staff", scope=city, at_most=25),
    ]  # fmt: skip
    found = members(region(clauses=[*FINE, *three]), solver=solver)
    assert found == ({"doctors", "ratio", "people"}, set(), False)


def test_a_share_against_the_facilities_it_speaks_of():
    three = [
        clause("facility_target", id="private", facility_id="private", resource="bed", at_most=10),
        clause("facility_target", id="city", facility_id="city", resource="bed", at_least=20),
        clause("resource_share", resource="bed", of_resource="bed",
               part_scope={"ownership": "social"}, at_least=34),
    ]  # fmt: skip
    found = members(region(clauses=[*FINE, *three]))
    assert found == ({"private", "city", "resource_share"}, set(), False)


def test_openings_and_a_stock_limit():
    # four open facilities include the annex, which may hold 5 doctors
    two = [
        clause("facility_count", at_least=4),
        clause("per_facility_minimum", resource="doctor", scope={"category": "primary_centre"},
               at_least=6),
    ]  # fmt: skip
    names, limits, _ = members(region(clauses=[*FINE, *two]))
    assert names == {"facility_count", "per_facility_minimum"}
    assert limits == {("annex", "doctor")}


def test_coverage_against_the_number_of_facilities():
    # all residents are near a bed only with clinic and annex, beside the two that stay open
    two = [
        clause("coverage", id="all", resource="general_bed", radius=5, radius_unit="km",
               at_least=95),
        clause("facility_count", id="few", at_most=3),
    ]  # fmt: skip
    names, limits, _ = members(region(clauses=[*FINE, *two]))
    assert names == {"all", "few"}
    assert limits == set()


def test_departments():
    # fever clinics: 4 facilities, at most 1 each
    two = [
        clause("facility_share", resource="fever_clinic", at_least=60),
        clause("amount", resource="fever_clinic", at_most=2),
    ]
    names, limits, whole = members(quiet(clauses=[*FINE, *two], stock=STOCK))
    assert (names, limits, whole) == ({"facility_share", "amount"}, set(), False)


def test_one_clause_that_contradicts_nothing_but_whole_units():
    asked = clause("amount", resource="doctor", at_least=10.2, at_most=10.8)
    scenario = region(clauses=[*FINE, asked])
    assert members(scenario) == ({"amount"}, set(), True)
    assert ha.solve(scenario, whole_units=False).status is Status.OPTIMAL


def test_two_clauses_that_only_whole_units_keep_apart():
    # 3 doctors per 2 nurses, and 7 doctors: 4.67 nurses
    city = {"facility_id": "city"}
    two = [
        clause("facility_target", id="doctors", facility_id="city", resource="doctor", equals=7),
        clause("ratio_between_resources", id="ratio", resource="doctor", per_resource="nurse",
               scope=city, equals=1.5),
    ]  # fmt: skip
    scenario = region(clauses=[*FINE, *two])
    assert members(scenario) == ({"doctors", "ratio"}, set(), True)
    assert ha.solve(scenario, whole_units=False).status is Status.OPTIMAL


def test_a_conflict_whose_time_is_over_is_told_as_far_as_it_was_reduced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    whole = clause("amount", id="whole", resource="doctor", at_least=10.2, at_most=10.8)
    nurses = [
        clause("amount", id="n-least", resource="nurse", at_least=30),
        clause("amount", id="n-most", resource="nurse", at_most=29),
    ]
    scenario = region(clauses=[*FINE, whole, *nurses])
    monkeypatch.setattr(filters, "SECONDS_A_SET", -1.0)
    first, second = find_conflicts(scenario).conflicts
    # in fractions there was time: the nurses are no more than it takes
    assert [c.name for c in first.clauses] == ["n-least", "n-most"]
    assert len(first.limits) == 0
    assert (first.minimal, first.minimal_in_fractions) == (False, True)
    # without the members of both the rest holds
    assert "whole" in {c.name for c in second.clauses}
    assert (second.minimal, second.minimal_in_fractions) == (False, False)
    ha.write_scenario(scenario, tmp_path / "county")
    told = CliRunner().invoke(app, ["explain", str(tmp_path / "county"), "--conflicts-only"])
    assert told.exit_code == 0
    assert told.stdout.count("Not proved minimal") == 1
    assert told.stdout.count("needed where fractions of units and sites are allowed") == 1
    assert "any one line of a conflict resolves it" not in told.stdout
    only = ["explain", str(tmp_path / "county"), "--conflicts-only", "--continuous"]
    fractions = CliRunner().invoke(app, only)
    assert "1 conflict." in fractions.stdout


def test_a_question_without_an_answer_leaves_the_set_as_it_was_in_fractions(
    monkeypatch: pytest.MonkeyPatch,
):
    nurses = [
        clause("amount", id="n-least", resource="nurse", at_least=30),
        clause("amount", id="n-most", resource="nurse", at_most=29),
    ]
    feasible = SoftProgram.feasible

    def unsure(soft: SoftProgram, members: Any, *, relaxed: bool = False) -> bool | None:
        return feasible(soft, members, relaxed=relaxed) if relaxed or len(members) != 1 else None

    monkeypatch.setattr(SoftProgram, "feasible", unsure)
    conflict = find_conflicts(region(clauses=[*FINE, *nurses]))[0]
    assert [c.name for c in conflict.clauses] == ["n-least", "n-most"]
    assert (conflict.minimal, conflict.minimal_in_fractions) == (False, True)


def test_sites_are_whole_even_where_units_are_not():
    # two facilities stay open, two are a choice
    asked = clause("facility_count", at_least=3.2, at_most=3.8)
    scenario = region(clauses=[*FINE, asked], whole_units=False)
    assert members(scenario) == ({"facility_count"}, set(), True)


def test_of_two_conflicts_one_is_told_whole():
    nurses = [
        clause("amount", id="n-least", resource="nurse", at_least=30),
        clause("amount", id="n-most", resource="nurse", at_most=29),
    ]
    doctors = [
        clause("amount", id="d-least", resource="doctor", at_least=20),
        clause("amount", id="d-most", resource="doctor", at_most=19),
    ]
    names, limits, _ = members(region(clauses=[*nurses, *FINE, *doctors]))
    assert names in ({"n-least", "n-most"}, {"d-least", "d-most"})
    assert limits == set()


def test_a_clause_that_is_not_enforced_is_in_no_conflict():
    least = clause("amount", id="least", resource="nurse", at_least=30)
    most = clause("amount", id="most", resource="nurse", at_most=29, treatment="audit")
    solution = ha.solve(region(clauses=[least, most]))
    assert solution.status is Status.OPTIMAL
    assert solution.conflict is None


def test_parts_are_told_apart():
    least = clause("amount", id="nurses", part="least", resource="nurse", at_least=30)
    most = clause("amount", id="nurses", part="most", resource="nurse", at_most=29)
    names, _, _ = members(region(clauses=[least, most]))
    assert names == {"nurses/least", "nurses/most"}


@pytest.mark.parametrize("by", [0.0, 1e-9, 1e-8, 5e-8, 2e-7, 5e-7, 2e-6, 1e-5])
@pytest.mark.parametrize("whole_units", [False, True])
def test_a_hair_out_of_reach_is_an_answer_all_the_same(by, whole_units):
    # a solver allows some 1e-7: whichever way it falls, it is no breakdown
    asked = clause("facility_target", facility_id="private", resource="icu_bed", at_least=4 + by)
    solution = ha.solve(region(clauses=[asked]), whole_units=whole_units)
    if by <= 1e-9:
        assert solution.status is Status.OPTIMAL
    if by >= 2e-6:
        assert solution.status is Status.INFEASIBLE
        assert solution.conflict is not None
        assert [c.name for c in solution.conflict.clauses] == ["facility_target"]


# --- how it is told


def test_words():
    asked = clause("facility_target", id="xy-7", facility_id="private", resource="icu_bed",
                   at_least=5, quote="at least five")  # fmt: skip
    solution = ha.solve(region(clauses=[asked]))
    text = str(solution.conflict)
    for word in ("xy-7", "at least five", ">= 5", "units", "icu_bed", "private", "0 to 4"):
        assert word in text
    with pytest.raises(NoSolutionError, match="infeasible") as caught:
        solution.require_optimal()
    assert text in str(caught.value)
    with pytest.raises(NoSolutionError):
        _ = solution.stock
    assert np.isnan(solution.objective)


def test_table():
    asked = clause("amount", id="xy-7", resource="doctor", at_most=9)
    solution = ha.solve(quiet(clauses=[asked]))
    table = solution.tables()["conflict"]
    assert list(table.columns) == ["member", "kind", "quote", "target", "unit"]
    assert list(table["kind"]) == ["clause", "stock limits", "stock limits", "stock limits"]
    assert table["member"].iloc[0] == "xy-7"
    assert set(table["member"].iloc[1:]) == {
        f"doctor in {j}" for j in ("city", "private", "clinic")
    }
    row = table.set_index("member").loc["doctor in city"]
    assert row["target"] == "4 to no limit"


# --- conflicts of random plans


def without(
    scenario: Scenario, clauses: Iterable[Clause], limits: Sequence[tuple[str, str]]
) -> Scenario:
    """The scenario with only those clauses, and no stock limits but those."""
    stock = scenario.stock.copy()
    place = list(zip(stock["facility_id"], stock["resource_id"]))
    kept = np.array([key in limits for key in place])
    site = scenario.facilities.set_index("facility_id")["site"]
    has_forms = stock["facility_id"].isin(scenario.facilities["form_of"])
    choice = ((stock["facility_id"].map(site) != "existing") | has_forms).to_numpy()
    stock["lower"] = np.where(kept, stock["lower"], 0.0)
    stock["upper"] = np.where(kept, stock["upper"], np.where(choice, AMPLE, np.nan))
    return with_clauses(scenario.replace(stock=stock), list(clauses))


# the limit of a department, 1, cannot be lifted while a clause asks which facilities have it
KINDS = sorted(KINDS_COVERED - {"facility_share"})


def check_conflict(scenario: Scenario, whole_units: bool) -> tuple[int, int, bool] | None:
    """Hold a conflict against solves of its members alone; how many clauses and limits it has."""
    solution = ha.solve(scenario, whole_units=whole_units)
    if solution.status is not Status.INFEASIBLE:
        return None
    conflict = solution.conflict
    assert conflict is not None
    assert conflict.minimal
    clauses = list(conflict.clauses)
    limits = list(zip(conflict.limits["facility_id"], conflict.limits["resource_id"]))
    assert clauses or limits

    alone = without(scenario, clauses, limits)
    assert ha.solve(alone, whole_units=whole_units).status is Status.INFEASIBLE
    for k in range(len(clauses)):
        rest = without(scenario, clauses[:k] + clauses[k + 1 :], limits)
        assert ha.solve(rest, whole_units=whole_units).status is Status.OPTIMAL, clauses[k].name
    for k in range(len(limits)):
        rest = without(scenario, clauses, limits[:k] + limits[k + 1 :])
        assert ha.solve(rest, whole_units=whole_units).status is Status.OPTIMAL, limits[k]
    in_fractions = Oracle(alone, whole_units=False, relax_sites=True).solve()
    assert conflict.whole_units is (in_fractions == "optimal")
    return len(clauses), len(limits), conflict.whole_units


@pytest.mark.parametrize("whole_units", [False, True])
def test_random_conflicts_are_conflicts_and_minimal(whole_units):
    found = set()

    @given(scenario=scenarios(n_clauses=(2, 4), kinds=KINDS, audited=False))
    @settings(max_examples=examples(15))
    def check(scenario: Scenario) -> None:
        found.add(check_conflict(scenario, whole_units))

    check()
    sizes = found - {None}
    assert any(n_limits for _, n_limits, _ in sizes)
