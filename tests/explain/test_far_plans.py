"""A plan far from others is found quickly, for the search for the farthest to begin from."""

from __future__ import annotations

import numpy as np
import pytest

from healthalloc.explain.alternatives.far import far_plan
from healthalloc.explain.alternatives.near import Near
from healthalloc.explain.alternatives.ranges import stock_ranges
from healthalloc.explain.alternatives.totals import ranged
from healthalloc.explain.asked import ceiling, explain_options, least_cost
from healthalloc.formulation.program import Floats
from healthalloc.scenario import Scenario
from healthalloc.solvers import SolverOptions
from healthalloc.solvers.certificate import violation
from tests.explain.small_county import county
from tests.region import clause


def near_of(scenario: Scenario, percent: float) -> Near:
    base = least_cost(scenario)
    resources = scenario.resources["resource_id"].tolist()
    options, counted = explain_options(base, 30, None), ranged(base.model, resources)
    limits = [ceiling(base, percent)]
    ranges = stock_ranges(base.model.program, counted[1], limits, options)[0]
    return Near(base, percent, resources, options, counted, ranges)


def far_of(near: Near, plans: list[Floats], options: SolverOptions) -> Floats | None:
    forms = near.forms[near.compared]
    low, high = near.least[near.compared], near.most[near.compared]
    return far_plan(near._builder, forms, plans, high, low, near.found[0][1], options)


@pytest.mark.parametrize("percent", [10, 20])
def test_a_far_plan_is_near_in_cost_and_nearly_as_far_as_any(percent: float) -> None:
    near = near_of(county(), percent)
    first = near.totals(near.found[0][1])
    far = far_of(near, [first], near.options)
    assert far is not None
    program = near.model.program
    assert program.cost @ far + program.offset <= near.ceiling * (1 + 1e-6)
    distance = np.abs(near.totals(far) - first).sum()
    assert near.farthest(30.0)
    best = np.abs(near.totals(near.found[-1][1]) - first).sum()
    assert 0.5 * best <= distance <= best + 1e-6


def test_it_keeps_away_from_each_of_several() -> None:
    near = near_of(county(), 20)
    first = near.totals(near.found[0][1])
    second = far_of(near, [first], near.options)
    assert second is not None
    plans = [first, near.totals(second)]
    third = far_of(near, plans, near.options)
    assert third is not None
    assert min(np.abs(near.totals(third) - at).sum() for at in plans) >= 1


@pytest.mark.parametrize("whole_units", [True, False])
def test_every_plan_keeps_all_rows_and_the_cost(whole_units: bool) -> None:
    """Recomputed from the program of the scenario, which none of the searches is given."""
    wanted = clause("ratio_to_population", resource="bed", unit="per_1000_residents", at_least=3.5)
    near = near_of(county(clauses=[wanted], whole_units=whole_units), 20)
    near.fewest_actions(30.0)
    assert near.farthest(30.0)
    assert near.farthest(30.0)
    program = near.model.program
    assert len(program.row_block("clause").labels()) == 1
    for kind, x, _ in near.found:
        assert violation(program, x) <= 1e-6, kind
        assert np.abs(x - np.round(x))[program.integer].max(initial=0.0) <= 1e-6
        assert program.cost @ x + program.offset <= near.ceiling * (1 + 1e-6)
