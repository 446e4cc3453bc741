"""Conflicts and repairs where institutions have forms, cases are referred, coverage has a price."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import healthalloc as ha
from tests.examples import examples
from tests.properties.oracle import Oracle
from tests.properties.scenarios import KINDS_COVERED, scenarios, with_clauses

AMPLE = 1e4
# the limit of a department, 1, cannot be lifted while a clause asks which facilities have it;
# a parameter is no row, so it is in no conflict
KINDS = sorted(KINDS_COVERED - {"facility_share", "length_of_stay"})
NEW = ["area_share", "facility_per_population", "freeze_rule", "hierarchy", "merger"]
OPTIMAL, INFEASIBLE = ha.Status.OPTIMAL, ha.Status.INFEASIBLE


def without(
    scenario: ha.Scenario, clauses: Iterable[ha.Clause], limits: Sequence[tuple[str, str]]
) -> ha.Scenario:
    """The scenario with only those clauses, and no stock limits but those."""
    stock, facilities = scenario.stock, scenario.facilities
    kept = np.array([key in limits for key in zip(stock["facility_id"], stock["resource_id"])])
    choice = facilities["site"] != "existing"
    choice |= facilities["facility_id"].isin(facilities["form_of"])
    may_close = stock["facility_id"].isin(facilities["facility_id"][choice])
    lifted = np.where(may_close, AMPLE, np.nan)
    stock = stock.assign(
        lower=stock["lower"].where(kept, 0.0),
        # what can be held at all is no limit but a fact of the network
        upper=stock["upper"].where(kept, lifted),
    )
    return with_clauses(scenario.replace(stock=stock), list(clauses))


def holds(scenario: ha.Scenario) -> bool:
    status = ha.solve(scenario).status
    assert status in (OPTIMAL, INFEASIBLE)
    return status is OPTIMAL


def test_a_conflict_is_one_and_minimal() -> None:
    members: set[str] = set()

    # with a new kind first, so that most conflicts have one to tell of
    drawn = st.sampled_from(NEW).flatmap(
        lambda kind: scenarios(n_clauses=(2, 4), first_kind=kind, kinds=KINDS, audited=False)
    )

    @given(scenario=drawn)
    @settings(max_examples=examples(24))
    def check(scenario: ha.Scenario) -> None:
        conflict = ha.solve(scenario).conflict
        if conflict is None:
            assert holds(scenario)
            return
        assert conflict.minimal
        clauses = list(conflict.clauses)
        limits = list(zip(conflict.limits["facility_id"], conflict.limits["resource_id"]))
        alone = without(scenario, clauses, limits)
        assert not holds(alone)
        for k in range(len(clauses)):
            assert holds(without(scenario, clauses[:k] + clauses[k + 1 :], limits))
        for k in range(len(limits)):
            assert holds(without(scenario, clauses, limits[:k] + limits[k + 1 :]))
        in_fractions = Oracle(alone, whole_units=False, relax_sites=True).solve()
        assert conflict.whole_units is (in_fractions == "optimal")
        members.update(clause.kind for clause in clauses)

    check()
    assert len(members & set(NEW)) >= 2


def test_a_price_alone_is_in_no_conflict() -> None:
    seen = []

    @given(scenario=scenarios(n_clauses=(2, 4), first_kind="coverage", kinds=KINDS))
    @settings(max_examples=examples(40))
    def check(scenario: ha.Scenario) -> None:
        first, *others = scenario.plan.clauses
        priced: Any = replace(first, at_least=None, penalty_cny_per_resident=5.0)  # type: ignore[call-arg]
        conflict = ha.solve(with_clauses(scenario, [priced, *others])).conflict
        if conflict is None:
            return
        assert priced.name not in {clause.name for clause in conflict.clauses}
        seen.append(conflict)

    check()
    assert seen


def test_every_repair_holds_and_takes_all_its_changes() -> None:
    repaired = []

    @given(scenario=scenarios(n_clauses=(2, 3), kinds=KINDS, audited=False))
    @settings(max_examples=examples(12))
    def check(scenario: ha.Scenario) -> None:
        found = ha.repairs(scenario, most=2, search=3)
        assert found.holds is holds(scenario)
        for repair in found.repairs:
            solution = ha.solve(repair.scenario)
            assert solution.status is OPTIMAL
            exact = 1e-6 * max(1.0, abs(solution.objective))
            assert abs(solution.objective - repair.cost_cny_a_year) <= exact
            # what was not changed is as it was
            changed = set(repair.changes["member"])
            names = zip(scenario.plan.clauses, repair.scenario.plan.clauses)
            assert {a.name for a, b in names if a != b} <= changed
            repaired.append(repair)

    check()
    assert repaired
