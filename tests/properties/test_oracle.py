"""The package against an independent, naive formulation on random scenarios."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import healthalloc as ha
from healthalloc.plan import KINDS
from tests.examples import examples
from tests.properties.oracle import Oracle
from tests.properties.scenarios import KINDS_COVERED, scenarios

RELATIVE = 1e-6


def same(a: float, b: float) -> bool:
    return abs(a - b) <= RELATIVE * max(1.0, abs(a), abs(b))


def compare(scenario: ha.Scenario, whole_units: bool) -> ha.Solution:
    """Hold a solve against the oracle: status, optimum, and our answer in the oracle's rows."""
    solution = ha.solve(scenario, whole_units=whole_units)
    oracle = Oracle(scenario, whole_units=whole_units)
    assert solution.status.value == oracle.solve()
    if solution.status is not ha.Status.OPTIMAL:
        return solution
    assert same(solution.objective, oracle.objective)

    stock = solution.stock.set_index(["facility_id", "resource_id"])["allocated"].to_dict()
    is_open = solution.sites.set_index("facility_id")["open"].to_dict()
    flows = solution.flows.set_index(["population_id", "facility_id", "service_id"])
    path = ["from_facility_id", "to_facility_id", "from_service_id", "to_service_id"]
    sent = solution.referrals.set_index(path)["cases_a_year"].to_dict()
    oracle.take(stock, is_open, flows["cases_a_year"].to_dict(), sent)
    # allocations are rounded to 6 decimals, and a row adds up a handful of them
    assert oracle.violation() <= 2e-5
    ours = solution.cost.set_index("component")["cny_a_year"]
    for name, value in oracle.components().items():
        assert abs(ours[name] - value) <= RELATIVE * max(1.0, solution.objective), name
    assert same(oracle.objective, solution.objective)
    for i, s, demand, _, without, short in solution.demand.itertuples(index=False):
        assert same(demand, oracle.demand[i, s])
        assert (without if oracle.has_service(i, s) else short) == 0.0
    return solution


def test_every_kind_is_drawn() -> None:
    ours = {name for name, kind in KINDS.items() if kind.__module__.startswith("healthalloc.")}
    assert ours - {"record"} == KINDS_COVERED


@given(scenario=scenarios(n_clauses=(0, 3)), whole_units=st.booleans())
@settings(max_examples=examples(30))
def test_same_optimum(scenario: ha.Scenario, whole_units: bool) -> None:
    compare(scenario, whole_units)


@pytest.mark.parametrize("kind", sorted(KINDS_COVERED))
def test_same_optimum_with_a_clause_of_each_kind(kind: str) -> None:
    statuses = set()

    @given(scenario=scenarios(n_clauses=(1, 2), first_kind=kind), whole_units=st.booleans())
    @settings(max_examples=examples(10))
    def check(scenario: ha.Scenario, whole_units: bool) -> None:
        statuses.add(compare(scenario, whole_units).status)

    check()
    assert ha.Status.OPTIMAL in statuses  # else the clause was never enforced in an answer
