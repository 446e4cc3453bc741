"""An edited scenario is that scenario solved from nothing, whatever kind of clause is edited."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import healthalloc as ha
from tests.examples import examples
from tests.properties.scenarios import KINDS_COVERED, scenarios, with_clauses

OPTIMAL = ha.Status.OPTIMAL
Target = float | tuple[float, float]


def same_answer(edited: ha.WhatIf, scenario: ha.Scenario) -> bool:
    """Hold the open answer against a solve from scratch; whether there is a solution."""
    warm, cold = edited.solve(), ha.solve(scenario)
    assert warm.status is cold.status
    if cold.status is not OPTIMAL:
        return False
    assert warm.certificate is not None
    assert warm.certificate.passes()
    # a cost that is a small difference of large terms is no more exact than these
    exact = 1e-6 * max(1.0, abs(cold.objective), 1e-3 * abs(cold.model.program.offset))
    assert abs(warm.objective - cold.objective) <= exact
    last = warm.cost["cny_a_year"].iloc[-1]
    assert abs(last - cold.objective) <= 10 * exact
    met = warm.clause_rows["met"][warm.clause_rows["treatment"] == "enforce"]
    assert not (met == False).any()  # noqa: E712 - None where there is nothing to measure
    return True


def other_target(clause: ha.Clause, factor: float) -> tuple[Target, ha.Clause]:
    """A target further down or up, and the clause that has it."""
    if clause.at_least is not None and clause.at_most is not None:
        pair = factor * clause.at_least, clause.at_most
        return (min(pair), max(pair)), replace(clause, at_least=min(pair), at_most=max(pair))
    form = next(
        f for f in ("at_least", "at_most", "equals", "about") if getattr(clause, f) is not None
    )
    value = min(factor * getattr(clause, form), clause.most)
    return value, replace(clause, **{form: value})


@pytest.mark.parametrize("kind", sorted(KINDS_COVERED))
def test_a_clause_of_each_kind_is_set_dropped_and_restored(kind: str) -> None:
    solved = set()

    @given(
        scenario=scenarios(n_clauses=(1, 2), first_kind=kind),
        factor=st.sampled_from([0.5, 0.75, 1.25]),
    )
    @settings(max_examples=examples(3))
    def check(scenario: ha.Scenario, factor: float) -> None:
        clause, *others = scenario.plan.clauses
        what_if = ha.WhatIf(scenario)
        solved.add(same_answer(what_if, scenario))
        if clause.target_label:
            value, changed = other_target(clause, factor)
            try:
                by_hand = with_clauses(scenario, [changed, *others])
            except ha.PlanError:
                with pytest.raises(ha.PlanError):
                    what_if.set(clause.name, value)
            else:
                what_if.set(clause.name, value)
                solved.add(same_answer(what_if, by_hand))
        what_if.drop(clause.name)
        same_answer(what_if, with_clauses(scenario, [replace(clause, treatment="audit"), *others]))
        what_if.restore()
        same_answer(what_if, scenario)

    check()
    assert True in solved  # else nothing was compared but two refusals


@given(
    scenario=scenarios(n_clauses=(1, 2), first_kind="length_of_stay"),
    factor=st.sampled_from([0.0, 0.5, 2.0]),
    stay_first=st.booleans(),
)
@settings(max_examples=examples(8))
def test_a_stay_and_other_edits_in_any_order(
    scenario: ha.Scenario, factor: float, stay_first: bool
) -> None:
    """An edit that makes the program anew keeps the edits before it and takes those after it."""
    clause, *others = scenario.plan.clauses
    service = scenario.services["service_id"].iloc[0]
    what_if = ha.WhatIf(scenario)
    for edit in sorted(("stay", "demand", "dropped"), reverse=stay_first):
        if edit == "stay":
            what_if.set(clause.name, 1.5)
        elif edit == "demand":
            what_if.demand(service, factor)
        else:
            for other in others:
                if other.treatment == "enforce":
                    what_if.drop(other.name)
    rate = scenario.demand["rate_per_1000"].where(
        scenario.demand["service_id"] != service, factor * scenario.demand["rate_per_1000"]
    )
    by_hand = with_clauses(
        scenario.replace(demand=scenario.demand.assign(rate_per_1000=rate)),
        [replace(clause, at_most=1.5), *(replace(c, treatment="audit") for c in others)],
    )
    same_answer(what_if, by_hand)


@given(scenario=scenarios(n_clauses=(0, 2)), data=st.data())
@settings(max_examples=examples(8))
def test_sites_shut_among_forms_and_referrals(scenario: ha.Scenario, data: st.DataObject) -> None:
    facility = data.draw(st.sampled_from(list(scenario.facilities["facility_id"])))
    what_if = ha.WhatIf(scenario)
    what_if.close(facility)
    same_answer(what_if, what_if.scenario)
    what_if.open(facility)
    same_answer(what_if, what_if.scenario)
