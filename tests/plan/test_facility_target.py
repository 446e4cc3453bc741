"""Facility target: sum of x over the resource in one facility."""

from __future__ import annotations

import pytest

from healthalloc import PlanError
from tests.plan.checks import achieved, agreed_price, changes, measured, price, solved
from tests.region import KEPT_CNY, clause, edit, quiet

KIND = "facility_target"


def target(**fields):
    return clause(KIND, **{"facility_id": "clinic", "resource": "doctor"} | fields)


def test_measures_one_facility():
    assert measured(target(at_least=1)) == {"clinic": 4}
    assert measured(target(facility_id="city", resource="bed", at_least=1)) == {"city": 25}
    assert measured(target(facility_id="city", resource="staff", at_least=1)) == {"city": 14}


def test_measures_a_given_stock():
    given = {("clinic", "doctor"): 7, ("city", "doctor"): 1}
    assert measured(target(at_least=1), given) == {"clinic": 7}


def test_enforces_there_and_nowhere_else():
    solution = solved(target(at_least=6), whole_units=True)
    assert changes(solution) == {("clinic", "doctor"): 2}
    assert solution.objective == pytest.approx(KEPT_CNY + 2 * 340)


def test_counts_all_kinds_and_adds_the_cheapest():
    solution = solved(target(facility_id="city", resource="bed", at_least=28), whole_units=True)
    assert changes(solution) == {("city", "general_bed"): 3}


def test_price_of_a_floor():
    assert agreed_price(lambda t: target(at_least=t), 6) == pytest.approx(340)
    # once the cheap kind is full the next unit is a dear one
    found = agreed_price(
        lambda t: target(facility_id="private", resource="bed", at_least=t),
        12,
        stock=edit(
            quiet().stock, {"facility_id": "private", "resource_id": "general_bed"}, upper=10.0
        ),
    )
    assert found == pytest.approx(500)


def test_price_of_a_ceiling():
    # the private hospital is to have 14 beds, no more than 2 of which may be new general beds
    floor = target(id="floor", facility_id="private", resource="bed", at_least=14)
    found = agreed_price(
        lambda t: target(facility_id="private", resource="general_bed", at_most=t), 12, floor
    )
    assert found == pytest.approx(500 - 150)


def test_equals_and_range():
    exact = solved(target(equals=6))
    assert achieved(exact, KIND) == {"clinic": 6}
    assert price(exact, KIND) == {"clinic": pytest.approx(340)}
    ranged = solved(target(at_least=5, at_most=8))
    assert achieved(ranged, KIND) == {"clinic": 5}


def test_an_unknown_facility_is_refused_with_a_hint():
    with pytest.raises(PlanError, match="did you mean clinic"):
        quiet(clauses=[target(facility_id="clinik", at_least=1)])
