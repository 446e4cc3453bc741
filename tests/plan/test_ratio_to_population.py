"""Ratio to population: units over thousands (ten thousands) of residents of the region."""

from __future__ import annotations

import pytest

from tests.plan.checks import achieved, agreed_price, measured, solved, total
from tests.region import KEPT_CNY, clause


def ratio(**fields):
    return clause(
        "ratio_to_population", **{"resource": "bed", "unit": "per_1000_residents"} | fields
    )


def test_measures_per_thousand_and_per_ten_thousand():
    assert measured(ratio(at_least=1)) == 4.0
    assert measured(ratio(unit="per_10000_residents", at_least=1)) == 40.0


def test_a_scope_narrows_the_units_and_not_the_residents():
    assert measured(ratio(scope={"ownership": "social"}, at_least=1)) == 1.0
    assert measured(ratio(scope={"side": ["east"]}, at_least=0.1)) == 0.5


def test_measures_a_given_stock():
    assert measured(ratio(at_least=1), {("clinic", "general_bed"): 9}) == pytest.approx(4.4)


def test_units_of_the_label():
    assert ratio(at_least=1).unit_label == "per 1,000 residents"
    assert ratio(unit="per_10000_residents", at_least=1).unit_label == "per 10,000 residents"


def test_enforces_and_costs_what_the_missing_units_cost():
    solution = solved(ratio(at_least=4.5), whole_units=True)
    assert total(solution, "general_bed") == 38 + 5
    assert solution.objective == pytest.approx(KEPT_CNY + 5 * 150)


def test_whole_units_round_up():
    assert achieved(solved(ratio(at_least=4.41), whole_units=True), "ratio_to_population") == 4.5


def test_price_is_that_of_a_unit_for_every_thousand_residents():
    assert agreed_price(lambda t: ratio(at_least=t), 4.5) == pytest.approx(10 * 150)


def test_price_is_that_of_a_unit_for_every_ten_thousand_residents():
    found = agreed_price(
        lambda t: ratio(resource="nurse", unit="per_10000_residents", at_least=t), 18
    )
    assert found == pytest.approx(120)


def test_a_ceiling_makes_the_other_kind_grow():
    floor = ratio(id="floor", at_least=4.5)

    def ceiling(target):
        return ratio(resource="general_bed", at_most=target)

    solution = solved(floor, ceiling(4.0))
    assert (total(solution, "general_bed"), total(solution, "icu_bed")) == (40, 5)
    assert agreed_price(ceiling, 4.0, floor) == pytest.approx(10 * (500 - 150))


def test_a_range():
    solution = solved(ratio(at_least=4.2, at_most=4.3))
    assert achieved(solution, "ratio_to_population") == pytest.approx(4.2)
    assert solution.clauses["target"].tolist() == ["4.2 to 4.3"]
