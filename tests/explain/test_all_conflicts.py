"""All disjoint conflicts of a plan, each held against the program solved with and without."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array, lil_array

import healthalloc as ha
from healthalloc.explain.conflicts import Conflict, Conflicts, find_conflict, find_conflicts
from healthalloc.formulation.assemble import Model
from healthalloc.solvers import SolverOptions, Status, solve_highs
from tests.examples import examples
from tests.properties import scenarios as random
from tests.region import STOCK, clause, edit, quiet, region, sited

METHODS = ("elastic", "iis")
Key = tuple[str, str] | str


def members(conflict: Conflict) -> set[Key]:
    """Clause names, and facility and resource of the limits."""
    limits = conflict.limits[["facility_id", "resource_id"]].itertuples(index=False, name=None)
    return {*(c.name for c in conflict.clauses), *limits}


def every_member(model: Model) -> set[Key]:
    stock = model.scenario.stock[["facility_id", "resource_id"]]
    return {*(e.clause.name for e in model.enforced), *stock.itertuples(index=False, name=None)}


def can_hold(model: Model, kept: Collection[Key]) -> bool:
    """Whether the whole program has a point with only some members in force.

    A facility that may open or close holds at most 10,000 units while open without its limit,
    and none while closed.
    """
    program = model.program
    row_lower, row_upper = program.row_lower.copy(), program.row_upper.copy()
    lower, upper = program.column_lower.copy(), program.column_upper.copy()
    for enforced in model.enforced:
        if enforced.clause.name not in kept:
            row_lower[enforced.slice], row_upper[enforced.slice] = -np.inf, np.inf
    stock = model.scenario.stock[["facility_id", "resource_id"]]
    for column, key in enumerate(stock.itertuples(index=False, name=None)):
        if key not in kept:
            lower[column], upper[column] = 0.0, np.inf
    matrix = lil_array(program.matrix)
    sites = program.row_block("site")
    labels = sites.labels().itertuples(index=False, name=None)
    for row, (facility, resource) in zip(range(sites.start, sites.stop), labels):
        if (facility, resource) in kept:
            continue
        facilities = list(model.scenario.facilities["facility_id"])
        is_most = np.isfinite(row_upper[row])
        row_lower[row] = -np.inf
        open_ = program.column_block("open").start + facilities.index(facility)
        matrix[row, open_] = -1e4 if is_most else matrix[row, open_]
    changed = replace(
        program, cost=np.zeros(program.n_columns), matrix=csc_array(matrix), row_lower=row_lower,
        row_upper=row_upper, column_lower=lower, column_upper=upper,
    )  # fmt: skip
    status = solve_highs(changed, SolverOptions(gap=0.0)).status
    assert status in (Status.OPTIMAL, Status.INFEASIBLE)
    return status is Status.OPTIMAL


def check(scenario: ha.Scenario, found: Conflicts) -> None:
    """Each conflict cannot hold alone, can without any one member; none share a member."""
    model = ha.formulate(scenario)
    sets = [members(conflict) for conflict in found.conflicts]
    together: set[Key] = set().union(*sets)
    assert len(together) == sum(map(len, sets))
    for conflict, own in zip(found.conflicts, sets):
        assert conflict.minimal
        assert not can_hold(model, own)
        for member in own:
            assert can_hold(model, own - {member}), member
    assert can_hold(model, every_member(model) - together)


def at_least(name: str, target: float, resource: str = "bed", **fields: object) -> ha.Clause:
    return clause("amount", id=name, resource=resource, at_least=target, **fields)


def at_most(name: str, target: float, resource: str = "bed", **fields: object) -> ha.Clause:
    return clause("amount", id=name, resource=resource, at_most=target, **fields)


# --- conflicts of known sets


@pytest.mark.parametrize("method", METHODS)
def test_a_plan_that_holds_has_none(method: str) -> None:
    found = find_conflicts(region(clauses=[at_least("a", 50)]), method=method)
    assert len(found) == 0
    assert list(found.table().columns) == [
        "conflict", "member", "kind", "quote", "target", "unit", "whole_units", "minimal",
        "minimal_in_fractions",
    ]  # fmt: skip
    assert found.table().empty
    assert str(found) == ""


@pytest.mark.parametrize("method", METHODS)
def test_single_and_whole(method: str) -> None:
    scenario = quiet(clauses=[clause("amount", id="half", resource="doctor", equals=12.5)])
    found = find_conflicts(scenario, method=method)
    assert [members(c) for c in found.conflicts] == [{"half"}]
    assert found[0].whole_units
    assert "whole units" in str(found[0])
    check(scenario, found)
    assert len(find_conflicts(quiet(clauses=scenario.plan.clauses, whole_units=False))) == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_clause_and_one_limit(method: str) -> None:
    target = clause(
        "facility_target", id="many", facility_id="private", resource="icu_bed", at_least=5
    )
    found = find_conflicts(quiet(clauses=[target, at_least("other", 40)]), method=method)
    assert [members(c) for c in found.conflicts] == [{"many", ("private", "icu_bed")}]
    assert not found[0].whole_units


@pytest.mark.parametrize("method", METHODS)
def test_nested_sets_give_the_inner_one(method: str) -> None:
    # {wide, low} is a conflict; so is every set around it, {low, town, country, wide} above all
    clauses = [
        at_most("low", 50),
        at_least("town", 45, scope={"side": "west"}),
        at_least("country", 4, scope={"side": "east"}),
        at_least("wide", 60),
    ]
    found = find_conflicts(region(clauses=clauses), method=method)
    assert [members(c) for c in found.conflicts] == [{"low", "wide"}]


@pytest.mark.parametrize("method", METHODS)
def test_two_disjoint_conflicts(method: str) -> None:
    clauses = [
        at_most("few beds", 50),
        at_least("many nurses", 40, "nurse"),
        at_least("many beds", 60),
        at_least("doctors", 12, "doctor"),
        at_most("few nurses", 30, "nurse"),
    ]
    scenario = region(clauses=clauses)
    found = find_conflicts(scenario, method=method)
    assert {frozenset(members(c)) for c in found.conflicts} == {
        frozenset({"few beds", "many beds"}),
        frozenset({"few nurses", "many nurses"}),
    }
    check(scenario, found)
    table = found.table()
    assert list(table["conflict"]) == [1, 1, 2, 2]
    assert set(table["target"]) == {"<= 50", ">= 60", ">= 40", "<= 30"}
    assert set(table["quote"]) == {"said so"}
    assert str(found).startswith("conflict 1:\n  - ")


@pytest.mark.parametrize("method", METHODS)
def test_a_part_and_a_whole_of_a_ratio(method: str) -> None:
    clauses = [
        clause("ratio_between_resources", resource="nurse", per_resource="doctor", at_least=3),
        at_least("doctors", 20, "doctor"),
        at_most("nurses", 50, "nurse"),
    ]
    scenario = region(clauses=clauses)
    found = find_conflicts(scenario, method=method)
    assert [members(c) for c in found.conflicts] == [
        {"ratio_between_resources", "doctors", "nurses"}
    ]
    check(scenario, found)


@pytest.mark.parametrize("method", METHODS)
def test_a_closed_site_holds_nothing_whatever_its_limit(method: str) -> None:
    clauses = [
        clause("facility_count", id="no annex", scope={"facility_id": "annex"}, at_most=0),
        clause("facility_target", id="beds", facility_id="annex", resource="bed", at_least=1),
    ]
    scenario = sited(clauses=clauses)
    found = find_conflicts(scenario, method=method)
    assert [members(c) for c in found.conflicts] == [{"no annex", "beds"}]
    check(scenario, found)


@pytest.mark.parametrize("method", METHODS)
def test_whole_units_with_the_one_limit_that_matters(method: str) -> None:
    stock = edit(
        STOCK, {"facility_id": "private", "resource_id": "icu_bed"}, upper=3.8, existing=0.0
    )
    target = clause(
        "facility_target", id="odd", facility_id="private", resource="icu_bed", at_least=3.5
    )
    scenario = region(clauses=[at_least("beds", 45), target], stock=stock)
    found = find_conflicts(scenario, method=method)
    assert [members(c) for c in found.conflicts] == [{"odd", ("private", "icu_bed")}]
    assert found[0].whole_units
    check(scenario, found)


def test_whole_units_make_a_set_smaller() -> None:
    # in fractions it takes all three; whole units rule out the first two alone
    clauses = [
        clause("amount", id="odd", resource="icu_bed", at_least=3.2, at_most=3.8),
        at_least("many", 5, "icu_bed"),
    ]
    whole = find_conflicts(region(clauses=clauses))
    assert [members(c) for c in whole.conflicts] == [{"odd"}]
    assert whole[0].whole_units
    assert not whole[0].minimal_in_fractions
    check(region(clauses=clauses), whole)
    fractions = find_conflicts(region(clauses=clauses, whole_units=False))
    assert [members(c) for c in fractions.conflicts] == [{"odd", "many"}]
    assert not fractions[0].whole_units
    assert fractions[0].minimal_in_fractions


@pytest.mark.parametrize("method", METHODS)
def test_many_limits_of_a_resource_stand_in_one_line(method: str) -> None:
    stock = STOCK.assign(upper=STOCK["upper"].fillna(12.0))
    stock["existing"] = stock[["existing", "upper"]].min(axis=1)
    scenario = region(clauses=[at_least("doctors", 40, "doctor")], stock=stock)
    found = find_conflicts(scenario, method=method)
    assert [members(c) for c in found.conflicts] == [
        {"doctors", *((j, "doctor") for j in ("city", "private", "clinic", "annex"))}
    ]
    lines = str(found[0]).splitlines()
    assert len(lines) == 2
    assert lines[1] == (
        "  - stock limits of doctor in 4 facilities: 1 to 39 together "
        "(city 0 to 12, private 0 to 12, clinic 0 to 10, annex 1 to 5)"
    )
    check(scenario, found)


def test_a_limit_without_an_upper_end_says_so() -> None:
    stock = edit(STOCK, {"facility_id": "city", "resource_id": "doctor"}, lower=30.0)
    found = find_conflicts(region(clauses=[at_most("few", 20, "doctor")], stock=stock))
    assert list(found.table()["target"]) == ["<= 20", "30 to no limit"]


@pytest.mark.parametrize("method", METHODS)
def test_the_first_conflict_is_that_of_the_solution(method: str) -> None:
    scenario = region(clauses=[at_most("few", 50), at_least("many", 60)])
    model = ha.formulate(scenario)
    one = find_conflict(model, solve_highs, SolverOptions(), method=method)
    solved = ha.solve(scenario).conflict
    assert solved is not None
    pd.testing.assert_frame_equal(one.table(), solved.table())


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="'iss': allowed are elastic, iis"):
        find_conflicts(region(), method="iss")


# --- West District with clauses that contradict it


def test_contradictions_in_west_district() -> None:
    scenario = ha.read_scenario("examples/panzhihua_west")
    added = [
        clause("amount", id="add-1", resource="icu_bed", at_least=500),
        clause("amount", id="add-2", resource="bed", at_most=1100),
        clause("ratio_to_population", id="add-3", resource="pharmacist", at_most=0.5,
               unit="per_1000_residents"),
    ]  # fmt: skip
    scenario = random.with_clauses(scenario, [*scenario.plan.clauses, *added])
    for method in METHODS:
        found = find_conflicts(scenario, method=method)
        assert len(found) == 3
        sets = [members(conflict) for conflict in found.conflicts]
        assert {"xq-07", "add-3"} in sets
        assert {
            "add-1", ("second_people_hospital", "icu_bed"), ("panmei_general_hospital", "icu_bed")
        } in sets  # fmt: skip
        check(scenario, found)


# --- random scenarios


@st.composite
def contradicted(draw: st.DrawFn) -> ha.Scenario:
    """A random scenario with a pair of clauses that no allocation meets."""
    scenario = draw(random.scenarios(n_clauses=(0, 4), audited=False))
    resource = draw(st.sampled_from(list(scenario.stock["resource_id"])))
    value = draw(st.sampled_from([2.0, 0.5, 7.0]))
    pair = [at_least("more", value + 1, resource), at_most("less", value, resource)]
    return random.with_clauses(scenario, [*scenario.plan.clauses, *pair])


@settings(max_examples=examples(40))
@given(contradicted())
def test_random_plans(scenario: ha.Scenario) -> None:
    for method in METHODS:
        found = find_conflicts(scenario, method=method)
        assert len(found) > 0
        check(scenario, found)
