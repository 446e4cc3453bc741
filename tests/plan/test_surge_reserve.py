"""Surge reserve: sum of share x x over several resources."""

from __future__ import annotations

import pytest

from healthalloc import PlanError
from tests.plan.checks import achieved, agreed_price, changes, measured, price, solved, total
from tests.region import KEPT_CNY, clause, quiet

KIND = "surge_reserve"


def reserve(**fields):
    return clause(KIND, **{"weights": {"general_bed": 0.1, "icu_bed": 1.0}} | fields)


def test_measures_the_weighted_sum():
    assert measured(reserve(at_least=1)) == pytest.approx(3.8 + 2)
    assert measured(reserve(at_least=1, scope={"side": ["west"]})) == pytest.approx(3.3 + 2)
    half = reserve(weights={"bed": 0.5}, scope={"level": "tertiary"}, at_least=1)
    assert measured(half) == 12.5


def test_measures_a_given_stock():
    given = {("city", "icu_bed"): 5, ("clinic", "general_bed"): 0}
    assert measured(reserve(at_least=1), given) == pytest.approx(3.3 + 5)


def test_adds_what_reserves_most_for_the_money():
    # a reserved unit costs 150 / 0.1 in general beds and 500 / 1 in ICU beds
    solution = solved(reserve(at_least=7.8), whole_units=True)
    assert (total(solution, "general_bed"), total(solution, "icu_bed")) == (38, 4)
    assert solution.objective == pytest.approx(KEPT_CNY + 2 * 500)
    # with a share of 0.5 general beds are the cheaper reserve: 300 a unit
    half = solved(reserve(weights={"general_bed": 0.5, "icu_bed": 1.0}, at_least=24))
    assert total(half, "general_bed") == pytest.approx(38 + 6)
    assert price(half, KIND) == pytest.approx(300)


def test_a_scope_decides_where():
    solution = solved(reserve(at_least=1.6, scope={"ownership": "social"}))
    assert changes(solution) == pytest.approx({("private", "icu_bed"): 0.6})


def test_price_of_a_reserved_unit():
    assert agreed_price(lambda t: reserve(at_least=t), 7) == pytest.approx(500)
    found = agreed_price(lambda t: reserve(weights={"general_bed": 0.1}, at_least=t), 7)
    assert found == pytest.approx(150 / 0.1)


def test_price_of_a_ceiling():
    floor = clause("amount", id="floor", resource="staff", at_least=30)

    def ceiling(target):
        return reserve(weights={"nurse": 0.5}, at_most=target)

    # 30 staff: nurses at 120 up to 18 of them (0.5 x 18 = 9), doctors at 340 for the rest
    solution = solved(floor, ceiling(9))
    assert total(solution, "nurse") == pytest.approx(18)
    assert total(solution, "doctor") == pytest.approx(12)
    assert agreed_price(ceiling, 9, floor) == pytest.approx((340 - 120) / 0.5)


def test_a_range():
    assert achieved(solved(reserve(at_least=6.8, at_most=9)), KIND) == pytest.approx(6.8)


def test_a_resource_counted_twice_is_refused():
    with pytest.raises(PlanError, match="count icu_bed more than once"):
        quiet(clauses=[reserve(weights={"bed": 0.1, "icu_bed": 1.0}, at_least=1)])


@pytest.mark.parametrize("weights", [{}, {"bed": 0.0}, {"bed": 1.5}, {"sofa": 0.5}])
def test_impossible_weights_are_refused(weights):
    with pytest.raises(PlanError, match="weights"):
        quiet(clauses=[reserve(weights=weights, at_least=1)])
