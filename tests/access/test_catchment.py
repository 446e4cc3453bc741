"""Floating catchment areas, gravity and cumulative opportunities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthalloc.access import (
    AccessArcs,
    cumulative_opportunities,
    enhanced_two_step_catchment,
    exponential,
    gaussian,
    gaussian_to_zero,
    gravity,
    power,
    step,
    three_step_catchment,
    two_step_catchment,
)
from tests.access.dense import dense_access, networks, often

# two towns of 100 and 400 residents; A (10 beds) is 5 and 20 minutes away, B (2 beds) 40 and 10
TOWNS = AccessArcs(
    np.array([100.0, 400.0]),
    np.array([10.0, 2.0]),
    np.array([0, 0, 1, 1]),
    np.array([0, 1, 0, 1]),
    np.array([5.0, 40.0, 20.0, 10.0]),
)
ZONES = step({10: 1.0, 20: 0.5, 30: 0.25})


def test_two_step_by_hand():
    # A is shared by 500, B by the 400 alone
    access = two_step_catchment(*TOWNS, limit=20)
    assert access == pytest.approx([10 / 500, 10 / 500 + 2 / 400])
    assert two_step_catchment(*TOWNS, limit=40) == pytest.approx([12 / 500, 12 / 500])


def test_enhanced_two_step_by_hand():
    # A: 10 / (1 x 100 + 0.5 x 400) = 1/30 ; B: 2 / (1 x 400) = 1/200
    access = enhanced_two_step_catchment(*TOWNS, decay=ZONES)
    assert access == pytest.approx([1 / 30, 0.5 / 30 + 1 / 200])


def test_three_step_by_hand():
    # the second town goes to A with chance 0.5 / 1.5, to B with 1 / 1.5
    to_a, to_b = 0.5 * (1 / 3), 1.0 * (2 / 3)
    ratio_a, ratio_b = 10 / (100 + to_a * 400), 2 / (to_b * 400)
    access = three_step_catchment(*TOWNS, decay=ZONES)
    assert access == pytest.approx([ratio_a, to_a * ratio_a + to_b * ratio_b])


def test_gravity_and_cumulative_by_hand():
    assert gravity(*TOWNS, decay=ZONES) == pytest.approx([10.0, 7.0])
    assert gravity(*TOWNS, decay=exponential(0.1), limit=20) == pytest.approx(
        [10 * math.exp(-0.5), 10 * math.exp(-2) + 2 * math.exp(-1)]
    )
    assert cumulative_opportunities(*TOWNS, limit=10).tolist() == [10.0, 2.0]


@pytest.mark.parametrize("measure", [two_step_catchment, cumulative_opportunities])
def test_an_arc_at_the_limit_counts_up_to_rounding(measure):
    # 0.1 + 0.2 is a little more than 0.3
    at = AccessArcs(np.array([1.0]), np.array([1.0]), [0], [0], np.array([0.1 + 0.2]))
    assert measure(*at, limit=0.3).tolist() == [1.0]
    assert measure(*at, limit=0.29999).tolist() == [0.0]


def test_a_supply_of_zero_and_a_point_out_of_reach_have_no_access():
    arcs = ([5.0, 5.0], [0.0], [0], [0], [1.0])
    for access in (
        two_step_catchment(*arcs, limit=10),
        enhanced_two_step_catchment(*arcs, decay=ZONES),
        three_step_catchment(*arcs, decay=ZONES),
        gravity(*arcs, decay=ZONES),
        cumulative_opportunities(*arcs, limit=10),
    ):
        assert access.tolist() == [0.0, 0.0]


def test_a_supply_within_reach_of_no_demand_is_undefined_there_and_nowhere_else():
    # only the empty point 0 reaches supply 0; point 1 reaches supply 1
    arcs = ([0.0, 4.0], [3.0, 2.0], [0, 0, 1], [0, 1, 1], [1.0, 1.0, 1.0])
    access = two_step_catchment(*arcs, limit=10)
    assert np.isnan(access[0])
    assert access[1] == 0.5
    far = ([0.0, 4.0], [3.0, 2.0], [0, 0, 1], [0, 1, 1], [99.0, 1.0, 1.0])
    assert enhanced_two_step_catchment(*far, decay=ZONES).tolist() == [0.5, 0.5]


def test_every_supply_point_is_a_choice_even_an_empty_one():
    # half of the demand looks at the empty supply first, so the other seems less crowded
    lone = ([10.0], [1.0], [0], [0], [1.0])
    with_empty = ([10.0], [1.0, 0.0], [0, 0], [0, 1], [1.0, 1.0])
    assert three_step_catchment(*lone, decay=ZONES) == pytest.approx([0.1])
    assert three_step_catchment(*with_empty, decay=ZONES) == pytest.approx([0.1])


def test_infinite_travel_is_no_way():
    arcs = ([1.0, 1.0], [1.0], [0, 1], [0, 0], [1.0, np.inf])
    assert two_step_catchment(*arcs, limit=np.inf).tolist() == [1.0, 0.0]
    assert gravity(*arcs, decay=lambda minutes: np.ones_like(minutes)).tolist() == [1.0, 0.0]


def test_nobody_reaches_anything():
    nothing = ([1.0, 2.0], [3.0], [], [], [])
    assert two_step_catchment(*nothing, limit=5).tolist() == [0.0, 0.0]
    assert three_step_catchment(*nothing, decay=ZONES).tolist() == [0.0, 0.0]
    assert two_step_catchment([], [], [], [], [], limit=5).shape == (0,)


DECAYS = {
    "step": ZONES,
    "exponential": exponential(0.2),
    "power": power(1.5, least=2.0),
    "gaussian": gaussian(12.0),
    "gaussian_to_zero": gaussian_to_zero(30.0),
}


@pytest.mark.parametrize("name", DECAYS)
@often
@given(arcs=networks())
def test_sparse_agrees_with_dense(name, arcs):
    decay = DECAYS[name]

    def weight(minutes: float) -> float:
        return float(decay(np.array([minutes]))[0])

    dense = dense_access(arcs, weight, choose=False)
    assert enhanced_two_step_catchment(*arcs, decay=decay) == pytest.approx(dense, nan_ok=True)
    dense = dense_access(arcs, weight, choose=True)
    assert three_step_catchment(*arcs, decay=decay) == pytest.approx(dense, nan_ok=True)


@often
@given(arcs=networks(), limit=st.sampled_from([0.0, 10.0, 25.0, 60.0]))
def test_two_step_agrees_with_dense_and_with_one_zone(arcs, limit):
    access = two_step_catchment(*arcs, limit=limit)
    dense = dense_access(arcs, lambda minutes: float(minutes <= limit * (1 + 1e-9)), choose=False)
    assert access == pytest.approx(dense, nan_ok=True)
    one_zone = enhanced_two_step_catchment(*arcs, decay=step({limit: 1.0}))
    assert np.array_equal(access, one_zone, equal_nan=True)


@often
@given(arcs=networks())
def test_supply_that_demand_reaches_is_conserved(arcs):
    inhabited = arcs.demand > 0
    for decay in DECAYS.values():
        useful = (decay(arcs.travel) > 0) & inhabited[arcs.demand_idx]
        reached = arcs.supply[np.unique(arcs.supply_idx[useful])].sum()
        for measure in (enhanced_two_step_catchment, three_step_catchment):
            access = measure(*arcs, decay=decay)
            assert not np.isnan(access[inhabited]).any()
            assert arcs.demand[inhabited] @ access[inhabited] == pytest.approx(reached)


@often
@given(arcs=networks(), data=st.data())
def test_the_order_of_arcs_and_points_does_not_matter(arcs, data):
    n, m = len(arcs.demand), len(arcs.supply)
    home = np.array(data.draw(st.permutations(range(n))))
    site = np.array(data.draw(st.permutations(range(m))))
    shuffled = AccessArcs(
        arcs.demand[home], arcs.supply[site],
        np.argsort(home)[arcs.demand_idx], np.argsort(site)[arcs.supply_idx], arcs.travel,
    )  # fmt: skip
    for decay in DECAYS.values():
        before = three_step_catchment(*arcs, decay=decay)
        after = three_step_catchment(*shuffled, decay=decay)
        assert after == pytest.approx(before[home], nan_ok=True)


@often
@given(arcs=networks(), factor=st.floats(0.01, 100))
def test_access_follows_supply_and_gives_way_to_demand(arcs, factor):
    before = two_step_catchment(*arcs, limit=30)
    more_supply = arcs._replace(supply=arcs.supply * factor)
    assert two_step_catchment(*more_supply, limit=30) == pytest.approx(before * factor, nan_ok=True)
    more_demand = arcs._replace(demand=arcs.demand * factor)
    assert two_step_catchment(*more_demand, limit=30) == pytest.approx(before / factor, nan_ok=True)


def test_memory_is_that_of_the_arcs():
    # 200,000 x 200,000 points would be 320 GB as a dense matrix
    n = 200_000
    here = np.arange(n)
    access = two_step_catchment(np.ones(n), np.full(n, 2.0), here, here, np.zeros(n), limit=1)
    assert (access == 2.0).all()
