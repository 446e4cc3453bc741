"""Sites with capacities: the search alone, the knapsacks, and sizes that are proved."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthalloc.siting import capacitated_facility_location, capacitated_p_median, from_matrix
from healthalloc.siting.capacitated import Capacitated
from healthalloc.siting.capacitated_bound import evaluate
from healthalloc.siting.knapsack import pack, pour, units
from healthalloc.solvers import Status
from tests.examples import examples


def plane(n, seed):
    rng = np.random.default_rng(seed)
    xy = rng.integers(1, 101, (n, 2))
    cost = np.floor(np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)))
    return cost, rng.integers(1, 21, n).astype(float)


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("p", [None, 5])
def test_the_search_alone_is_good_and_says_what_it_does_not_prove(single, p):
    cost, demand = plane(40, 1)
    costs, room = from_matrix(cost), float(np.ceil(demand.sum() / 5 / 0.8))

    def solve(exact):
        if p is None:
            return capacitated_facility_location(
                costs, room, 60.0, demand=demand, single_source=single, exact=exact
            )
        return capacitated_p_median(
            costs, p, room, demand=demand, single_source=single, exact=exact
        )

    quick, best = solve(False), solve(True)
    assert best.status is Status.OPTIMAL
    assert (quick.status is Status.OPTIMAL) == (quick.gap <= 1e-9)
    assert quick.status.has_solution
    assert quick.bound <= best.objective <= quick.objective <= 1.1 * best.objective
    for answer in (quick, best):
        assert answer.checks is not None
        assert answer.checks.passes
        if single:
            assert (answer.shares.data == 1).all()


def test_the_search_finds_sites_where_room_is_scarce():
    # 3 + 3, 4 + 2 and 5 + 1 fill three sites of 6 to the brim
    demand = np.array([3.0, 3.0, 4.0, 2.0, 5.0, 1.0])
    cost = np.abs(np.arange(6.0)[:, None] - np.arange(3.0)[None, :] * 2)
    answer = capacitated_p_median(from_matrix(cost), 3, 6.0, demand=demand)
    assert answer.status is Status.OPTIMAL
    assert answer.objective == 3.0
    assert answer.assignment.tolist() == [0, 0, 1, 1, 2, 2]


def test_a_search_without_sites_says_so():
    # three points of 2 do not fit into two sites of 3 as a whole
    costs = from_matrix(np.ones((3, 2)), weight=[2, 2, 2])
    quick = capacitated_facility_location(costs, 3.0, 0.0, single_source=True, exact=False)
    assert quick.status is Status.LIMIT_WITHOUT_INCUMBENT
    assert "found no sites" in quick.reason


@st.composite
def knapsacks(draw):
    n, m = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    row, column = np.divmod(np.arange(n * m), m)
    problem = Capacitated(
        row, column, np.zeros(n * m), rng.integers(0, 6, n).astype(float),
        rng.integers(0, 12, m).astype(float), np.zeros(m), np.zeros(m, dtype=bool), None, True,
    )  # fmt: skip
    return problem, rng.integers(-9, 5, n * m).astype(float)


@settings(max_examples=examples(60))
@given(knapsacks())
def test_knapsacks_are_the_best_of_all(case):
    problem, cost = case
    size = units(problem.demand, problem.capacity)
    if size is None:
        assert not problem.demand.any()
        return
    whole, split = pack(problem, cost, size), pour(problem, cost)
    for j, room in enumerate(problem.capacity):
        mine = cost[problem.column == j]
        loads = [
            (take @ mine, take)
            for take in map(np.array, itertools.product([0, 1], repeat=len(mine)))
            if take @ problem.demand <= room
        ]
        best = min(value for value, _ in loads)
        assert whole.worth[j] == best
        assert split.worth[j] <= best + 1e-9
        assert whole.share[problem.column == j] @ mine == best
        for i in range(len(mine)):
            with_it = min((value for value, take in loads if take[i]), default=np.inf)
            assert whole.over[problem.column == j][i] <= with_it - best + 1e-9


def test_whole_knapsacks_bound_more_tightly():
    cost, demand = plane(30, 3)
    row, column = np.divmod(np.arange(900), 30)
    room = np.full(30, np.ceil(demand.sum() / 4 / 0.9))
    problem = Capacitated(
        row, column, cost.ravel(), demand, room, np.zeros(30), np.zeros(30, dtype=bool), 4, True
    )
    price = np.sort(cost, axis=1)[:, 12]
    split = evaluate(problem, price).value
    whole = evaluate(problem, price, units(demand, room)).value
    best = capacitated_p_median(from_matrix(cost), 4, room, demand=demand)
    assert split <= whole <= best.require_optimal().objective
    assert split < whole


def test_fifty_points_and_five_sites_are_proved():
    cost, demand = plane(50, 1)
    room = np.ceil(demand.sum() / 5 / 0.85)
    answer = capacitated_p_median(from_matrix(cost), 5, room, demand=demand)
    assert answer.require_optimal().objective == 761.0
