"""What must hold for every strategy in any scenario: random ones with forms, areas, referrals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from healthalloc import NoSolutionError, Scenario
from healthalloc.clause_table import MET
from healthalloc.strategies import (
    Strategy,
    by_need,
    by_residents,
    cheapest_first,
    huff,
    keep,
    largest_gap,
    least_cost,
    nearest_facility,
)
from healthalloc.strategies.evaluation import evaluate, limits_broken
from tests.examples import examples
from tests.properties.scenarios import scenarios

RULES: list[Strategy] = [
    by_residents, by_need, largest_gap, cheapest_first, nearest_facility, huff,
]  # fmt: skip
quickly = settings(max_examples=examples(8))


@pytest.mark.parametrize("rule", [keep, *RULES], ids=lambda rule: rule.__name__)
@given(scenario=scenarios())
@quickly
def test_every_rule_is_sound(rule: Strategy, scenario: Scenario) -> None:
    found = evaluate(scenario, rule(scenario), "rule")
    layout, stock = found.model.layout, found.stock
    demand = found.demand
    parts = demand[["served", "no_service_within_reach", "within_reach_but_no_capacity"]]
    np.testing.assert_allclose(parts.sum(axis=1), demand["demand"], rtol=1e-6, atol=1e-6)
    if rule is not keep:
        assert limits_broken(layout, found) == 0 or starts_outside(scenario)
        whole = scenario.resources.set_index("resource_id")["whole"].astype(bool)
        held = stock["allocated"][stock["resource_id"].map(whole)]
        moved = held[stock["change"].abs() > 1e-6]
        np.testing.assert_allclose(moved, np.round(moved), atol=1e-6)


def starts_outside(scenario: Scenario) -> bool:
    """Whether today's stock breaks a limit, which a rule may leave as it is."""
    table = scenario.stock
    upper = table["upper"].fillna(np.inf)
    return bool(((table["existing"] < table["lower"]) | (table["existing"] > upper)).any())


@given(scenario=scenarios())
@quickly
def test_least_cost_is_a_lower_bound(scenario: Scenario) -> None:
    try:
        best = evaluate(scenario, least_cost(scenario), "least-cost")
    except NoSolutionError:
        return
    assert limits_broken(best.model.layout, best) == 0
    clauses = best.clauses
    assert not (clauses["met"].eq(False) & (clauses["treatment"] == "enforce")).any()
    bound = objective(best)
    for rule in [keep, *RULES]:
        found = evaluate(scenario, rule(scenario), "rule")
        rows = found.clause_rows
        enforced = rows[rows["treatment"] == "enforce"]
        # to the letter: a clause counts as met if it is broken by less than a millionth
        meets = enforced["met"].ne(False).all() and (enforced["slack"].fillna(0.0) >= 0).all()
        if meets and not limits_broken(found.model.layout, found):
            assert objective(found) >= bound - 10 * MET * max(1.0, abs(bound))


def objective(found) -> float:  # type: ignore[no-untyped-def]
    return float(found.cost.set_index("component")["cny_a_year"]["objective"])
