"""Ratio between resources: sum of x over one resource / sum of x over another."""

from __future__ import annotations

import math

import pytest

from tests.plan.checks import achieved, agreed_price, changes, measured, price, solved, total
from tests.region import KEPT_CNY, clause


def nurses(**fields):
    given = {"resource": "nurse", "per_resource": "doctor"} | fields
    return clause("ratio_between_resources", **given)


KIND = "ratio_between_resources"


def test_measures_over_all_facilities_together():
    assert measured(nurses(at_least=1)) == 1.6
    assert measured(nurses(per_resource="bed", at_least=0.1)) == 0.4
    assert measured(nurses(at_least=1, scope={"category": ["general_hospital"]})) == 14 / 6
    assert measured(nurses(at_least=0.1, scope={"side": "east"})) == 0.5


def test_measures_each_facility():
    value = measured(nurses(each=True, at_least=1))
    assert math.isnan(value.pop("annex"))  # no nurse for no doctor
    assert value == {"city": 2.5, "private": 2, "clinic": 0.5}


def test_measures_a_given_stock():
    assert measured(nurses(at_least=1), {("city", "doctor"): 10, ("city", "nurse"): 18}) == 1.5


def test_enforces_over_all_together():
    solution = solved(nurses(at_least=2), whole_units=True)
    assert total(solution, "nurse") == 20
    assert total(solution, "doctor") == 10
    assert solution.objective == pytest.approx(KEPT_CNY + 4 * 120)


def test_enforces_in_each_facility():
    solution = solved(nurses(each=True, at_least=2.2))
    assert changes(solution) == pytest.approx({("private", "nurse"): 0.4, ("clinic", "nurse"): 6.8})
    found = price(solution, KIND)
    assert found == pytest.approx({"city": 0, "private": 2 * 120, "clinic": 4 * 120, "annex": 0})


def test_enforces_in_each_facility_of_a_scope():
    solution = solved(nurses(each=True, at_least=2.5, scope={"ownership": "social"}))
    assert changes(solution) == {("private", "nurse"): 1}
    assert achieved(solution, KIND) == {"private": 2.5}


def test_price_of_a_floor_is_a_nurse_for_every_doctor():
    assert agreed_price(lambda t: nurses(at_least=t), 2) == pytest.approx(10 * 120)


def test_price_in_each_facility_is_the_sum():
    found = agreed_price(lambda t: nurses(each=True, at_least=t), 2.2)
    assert found == pytest.approx((2 + 4) * 120)


def test_price_of_a_ceiling_is_that_of_more_of_the_denominator():
    solution = solved(nurses(at_most=1.25))
    assert total(solution, "nurse") == 16
    assert total(solution, "doctor") == pytest.approx(16 / 1.25)
    # cost 340 x 16 / t, so one unit tighter costs 340 x 16 / t^2
    found = agreed_price(lambda t: nurses(at_most=t), 1.25)
    assert found == pytest.approx(340 * 16 / 1.25**2)


def test_a_range_binds_on_either_side():
    assert achieved(solved(nurses(at_least=2, at_most=2.5)), KIND) == pytest.approx(2)
    high = solved(nurses(at_least=1, at_most=1.25))
    assert achieved(high, KIND) == pytest.approx(1.25)
    assert price(high, KIND) == pytest.approx(340 * 16 / 1.25**2)


def test_equals_adds_to_the_side_that_is_short():
    more = solved(nurses(equals=2))
    assert (total(more, "nurse"), total(more, "doctor")) == pytest.approx((20, 10))
    fewer = solved(nurses(equals=1.25))
    assert (total(fewer, "nurse"), total(fewer, "doctor")) == pytest.approx((16, 12.8))
