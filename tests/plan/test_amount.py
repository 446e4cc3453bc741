"""Amount: sum of x over the resource and all kinds below it."""

from __future__ import annotations

import pytest

from tests.plan.checks import achieved, agreed_price, changes, measured, price, solved, total
from tests.region import KEPT_CNY, STOCK, clause


def test_measures_all_kinds_below_the_resource():
    assert measured(clause("amount", resource="icu_bed", at_least=1)) == 2
    assert measured(clause("amount", resource="bed", at_least=1)) == 40
    assert measured(clause("amount", resource="staff", at_least=1)) == 26


@pytest.mark.parametrize(
    ("scope", "beds"),
    [
        ({}, 40),
        ({"ownership": "social"}, 10),
        ({"category": ["general_hospital", "primary_centre"]}, 40),
        ({"level": ["tertiary", "primary"]}, 30),
        ({"level": ["tertiary", "primary"], "area_class": "urban"}, 25),
        ({"side": "east"}, 5),
    ],
)
def test_measures_the_facilities_of_its_scope(scope, beds):
    assert measured(clause("amount", resource="bed", scope=scope, at_least=1)) == beds


def test_measures_a_given_stock():
    given = {("private", "icu_bed"): 3, ("city", "general_bed"): 20}
    assert measured(clause("amount", resource="bed", at_least=1), given) == 20 + 2 + 10 + 3 + 5


def test_adds_the_cheapest_kind():
    solution = solved(clause("amount", resource="bed", at_least=43))
    assert total(solution, "general_bed") == 38 + 3
    assert total(solution, "icu_bed") == 2
    assert solution.objective == pytest.approx(KEPT_CNY + 3 * (100 + 50))


def test_adds_whole_units():
    floor = clause("amount", resource="icu_bed", at_least=3.5)
    whole = solved(floor, whole_units=True)
    assert achieved(whole, "amount") == 4
    assert whole.objective == pytest.approx(KEPT_CNY + 2 * 500)
    assert solved(floor).objective == pytest.approx(KEPT_CNY + 1.5 * 500)


def test_scope_decides_where_units_are_added():
    scope = {"side": "east", "site": "existing", "facility_id": ["clinic", "private"]}
    solution = solved(clause("amount", resource="doctor", scope=scope, at_least=6))
    assert changes(solution) == {("clinic", "doctor"): 2}


def test_price_of_a_floor_is_a_unit_added_and_held():
    found = agreed_price(lambda t: clause("amount", resource="icu_bed", at_least=t), 4)
    assert found == pytest.approx(300 + 200)


def test_price_of_a_floor_on_what_would_go_is_a_unit_held_less_retired():
    found = agreed_price(
        lambda t: clause("amount", resource="general_bed", at_least=t), 30, stock=STOCK
    )
    assert found == pytest.approx(50 - 2)


def test_price_of_a_ceiling_is_the_dearer_kind_less_the_cheaper():
    floor = clause("amount", id="floor", resource="bed", at_least=44)

    def ceiling(target):
        return clause("amount", resource="general_bed", at_most=target)

    solution = solved(floor, ceiling(40))
    assert (total(solution, "general_bed"), total(solution, "icu_bed")) == (40, 4)
    assert solution.objective == pytest.approx(KEPT_CNY + 2 * 150 + 2 * 500)
    assert agreed_price(ceiling, 40, floor) == pytest.approx(500 - 150)
    assert price(solution, "floor") == pytest.approx(500)


def test_a_range_binds_on_one_side():
    low = solved(clause("amount", resource="icu_bed", at_least=3, at_most=6))
    assert achieved(low, "amount") == 3
    floor = clause("amount", id="floor", resource="bed", at_least=44)
    ranged = clause("amount", resource="general_bed", at_least=39, at_most=41)
    high = solved(floor, ranged)
    assert achieved(high, "amount") == 41
    assert price(high, "amount") == pytest.approx(350)


def test_a_clause_with_slack_costs_nothing():
    solution = solved(clause("amount", resource="bed", at_least=39))
    assert price(solution, "amount") == 0
    assert solution.clauses["slack"].tolist() == [1]
