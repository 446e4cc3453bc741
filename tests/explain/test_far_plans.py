"""A plan far from others is found quickly, for the search for the farthest to begin from."""

from __future__ import annotations

import numpy as np
import pytest

from healthalloc.explain.alternatives.far import far_plan
from healthalloc.explain.alternatives.near import Near
from healthalloc.explain.asked import explain_options, least_cost
from healthalloc.formulation.program import Floats
from healthalloc.scenario import Scenario
from healthalloc.solvers import SolverOptions
from tests.explain.small_county import county


def near_of(scenario: Scenario, percent: float) -> Near:
    base = least_cost(scenario)
    resources = scenario.resources["resource_id"].tolist()
    return Near(base, percent, resources, explain_options(base, 30, None))


def far_of(near: Near, plans: list[Floats], options: SolverOptions) -> Floats | None:
    forms = near.forms[near.compared]
    low, high = near.least[near.compared], near.most[near.compared]
    return far_plan(near._builder, forms, plans, high, low, options)


@pytest.mark.parametrize("percent", [10, 20])
def test_a_far_plan_is_near_in_cost_and_nearly_as_far_as_any(percent: float) -> None:
    near = near_of(county(), percent)
    first = near.totals(near.found[0][1])
    far = far_of(near, [first], near.options)
    assert far is not None
    program = near.model.program
    assert program.cost @ far + program.offset <= near.ceiling * (1 + 1e-6)
    distance = np.abs(near.totals(far) - first).sum()
    found = near.farthest()
    assert found is not None
    best = np.abs(near.totals(found[0].x[: program.n_columns]) - first).sum()
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
