"""Conflicts and repairs where institutions have forms, cases are referred, stays are stated."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import healthalloc as ha
from healthalloc.explain.conflicts import find_conflicts
from healthalloc.explain.conflicts.soften import soften
from healthalloc.explain.repairs import repairs
from healthalloc.solvers import SolverOptions, solve_highs
from tests.examples import examples
from tests.region import clause, quiet, tiers, with_form


def names(conflict: ha.Conflict) -> set[str]:
    return {c.name for c in conflict.clauses}


def test_an_institution_cannot_have_two_forms() -> None:
    stays = clause("facility_count", id="stays", scope={"facility_id": "clinic"}, equals=1.0)
    upgrade = clause("facility_count", id="up", scope={"facility_id": "clinic_plus"}, equals=1.0)
    scenario = with_form(clauses=[stays, upgrade])
    found = find_conflicts(scenario)
    assert [names(conflict) for conflict in found.conflicts] == [{"stays", "up"}]
    assert found[0].minimal
    mended = repairs(scenario)
    assert {tuple(r.changes["member"]) for r in mended.repairs} == {("stays",), ("up",)}
    assert all(r.solution.status is ha.Status.OPTIMAL for r in mended.repairs)


def test_shares_of_cases_never_conflict_since_nobody_need_be_treated() -> None:
    """Of no cases at all any share is referred on; those not treated are priced, and told."""
    pair = {"from_service": "visit", "to_service": "inpatient"}
    low = clause("referral_share", id="low", **pair, at_least=8.0)
    high = clause("referral_share", id="high", **pair, at_most=5.0)
    scenario = tiers(clauses=[low, high])
    assert not len(find_conflicts(scenario))
    found = ha.solve(scenario).require_optimal()
    assert found.demand["served"].sum() == pytest.approx(0.0)
    assert found.cost.set_index("component").at["unmet_penalty", "cny_a_year"] > 0


def test_a_price_on_residents_left_out_breaks_nothing() -> None:
    near = clause(
        "coverage", id="near", resource="icu_bed", radius=1.0, radius_unit="km",
        penalty_cny_per_resident=5.0,
    )  # fmt: skip
    few = clause("amount", id="few", resource="bed", at_most=30.0)
    many = clause("amount", id="many", resource="bed", at_least=45.0)
    found = find_conflicts(quiet(clauses=[near, few, many], stock=quiet().stock.assign(lower=0)))
    assert [names(conflict) for conflict in found.conflicts] == [{"few", "many"}]


@settings(max_examples=examples(8))
@given(stay=st.floats(0.5, 7.0), beds=st.floats(0.0, 20.0), ceiling=st.floats(0.0, 20.0))
def test_a_stay_never_decides_whether_a_plan_holds(
    stay: float, beds: float, ceiling: float
) -> None:
    """It changes how many beds a case needs, and a case that finds no bed has a price."""
    length = clause("length_of_stay", id="stay", services=("inpatient",), at_most=stay)
    floor = clause("amount", id="floor", resource="bed", at_least=beds)
    most = clause("amount", id="most", resource="bed", at_most=ceiling)
    found = find_conflicts(tiers(clauses=[length, floor, most]))
    assert bool(len(found)) == (beds > ceiling + 1e-6)
    for conflict in found.conflicts:
        assert names(conflict) == {"floor", "most"}


def test_what_plays_no_part_is_left_aside_and_changes_no_answer() -> None:
    """Flows where no clause in question speaks of them; additions where the budget does not."""
    share = clause(
        "referral_share", id="share", from_service="visit", to_service="inpatient", at_least=5.0
    )
    few = clause("amount", id="few", resource="bed", at_most=30.0)
    many = clause("amount", id="many", resource="bed", at_least=45.0)
    scenario = tiers(clauses=[share, few, many])
    scenario = scenario.replace(settings=replace(scenario.settings, budget_cny_a_year=4e5))
    model = ha.formulate(scenario)
    soft = soften(model, solve_highs, SolverOptions(gap=0.0))
    numbers = {e.clause.name: k for k, e in enumerate(model.enforced)}
    limits = [k for k in soft.members if k >= soft.n_clauses]
    widths = {}
    for n in range(len(numbers) + 1):
        for some in combinations(numbers, n):
            members = [numbers[name] for name in some] + limits
            about = soft.about(members)
            widths[some] = about.hard.n_columns
            assert about.feasible(members) is soft.feasible(members), some
            assert about.keeps_flow is ("share" in some)
    answers = {soft.feasible([numbers[name] for name in some] + limits) for some in widths}
    assert answers == {True, False}
    layout = model.layout
    both = soft.hard.n_columns
    assert widths["share", "budget"] == both
    assert widths["budget",] == both - layout.n_flows - layout.n_referrals
    assert widths["share",] == both - 2 * layout.n_stock
