"""Weights by travel."""

from __future__ import annotations

import math

import numpy as np
import pytest

from healthalloc import DataError
from healthalloc.access import (
    enhanced_two_step_catchment,
    exponential,
    gaussian,
    gaussian_to_zero,
    gravity,
    power,
    step,
)


def test_values_by_hand():
    at = np.array([0.0, 10.0, 20.0])
    assert exponential(0.1)(at) == pytest.approx([1.0, math.exp(-1), math.exp(-2)])
    assert power(2.0, least=5.0)(at) == pytest.approx([1.0, 0.25, 0.0625])
    assert gaussian(10.0)(at) == pytest.approx([1.0, math.exp(-0.5), math.exp(-2)])
    half = (math.exp(-0.125) - math.exp(-0.5)) / (1 - math.exp(-0.5))
    assert gaussian_to_zero(20.0)(at) == pytest.approx([1.0, half, 0.0])
    assert gaussian_to_zero(20.0)(np.array([21.0, 500.0])).tolist() == [0.0, 0.0]


def test_a_step_ends_where_it_says_up_to_rounding():
    zones = step({30: 0.22, 10: 1.0, 20: 0.68})
    travel = np.array([0.0, 10.0, 10.001, 20.0, 30.0 * (1 + 1e-10), 30.001, 1e6])
    assert zones(travel).tolist() == [1.0, 1.0, 0.68, 0.68, 0.22, 0.0, 0.0]


@pytest.mark.parametrize(
    "decay", [exponential(0.3), power(2.0, 1.0), gaussian(5.0), gaussian_to_zero(40.0),
              step({5: 1.0, 30: 0.1})],
)  # fmt: skip
def test_decays_begin_at_one_and_never_rise(decay):
    weight = decay(np.linspace(0.0, 90.0, 400))
    assert weight[0] == 1.0
    assert (np.diff(weight) <= 0).all()
    assert (weight >= 0).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: exponential(0.0), "rate: '0' is not a finite number above 0"),
        (lambda: exponential(np.nan), "rate"),
        (lambda: power(-1.0, 1.0), "exponent"),
        (lambda: power(1.0, 0.0), "least"),
        (lambda: gaussian(np.inf), "width"),
        (lambda: gaussian_to_zero(-3.0), "limit"),
        (lambda: step({}), "no zone"),
        (lambda: step({10: 0.5, 20: 0.6}), "rises between 10 and 20"),
        (lambda: step({-1: 0.5}), "limit is not 0 or more"),
        (lambda: step({10: np.nan}), "weight is not 0 or more"),
    ],
)
def test_a_decay_that_cannot_be_is_refused(make, message):
    with pytest.raises(DataError, match=message):
        make()


@pytest.mark.parametrize(
    ("decay", "message"),
    [
        (lambda travel: 1.0 / travel, "at travel 0 is not a finite number"),
        (lambda travel: travel - 5.0, "'-5'"),
        (lambda travel: travel * np.nan, "'nan'"),
        (lambda travel: 1.0, "gives shape"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_weights_of_a_function_of_your_own_are_checked(decay, message):
    arcs = ([1.0], [1.0, 1.0], [0, 0], [0, 1], [0.0, 9.0])
    for measure in (gravity, enhanced_two_step_catchment):
        with pytest.raises(DataError, match=message):
            measure(*arcs, decay=decay)


def test_faint_weights_count_as_none():
    arcs = ([1.0], [7.0], [0], [0], [400.0])
    assert enhanced_two_step_catchment(*arcs, decay=exponential(1.0)).tolist() == [0.0]
    assert enhanced_two_step_catchment(*arcs, decay=exponential(0.8)) == pytest.approx([7.0])
