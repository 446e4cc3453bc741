"""Resource share: 100 x sum of x over a part / sum of x over the whole."""

from __future__ import annotations

import math

import pytest

from healthalloc import PlanError
from tests.plan.checks import achieved, agreed_price, changes, measured, price, solved, total
from tests.region import KEPT_CNY, clause, quiet

KIND = "resource_share"


def share(**fields):
    return clause(KIND, **{"resource": "icu_bed", "of_resource": "bed"} | fields)


def social(**fields):
    return share(resource="bed", part_scope={"ownership": "social"}, **fields)


def test_measures_in_percent():
    assert measured(share(at_least=1)) == 5.0
    assert measured(share(at_least=1, scope={"level": ["tertiary"]})) == 8.0
    assert measured(social(at_least=1)) == 25.0
    assert measured(social(at_least=1, scope={"side": "west"})) == pytest.approx(100 * 10 / 35)


def test_measures_each_facility_of_scope_and_part_scope():
    value = measured(share(each=True, at_most=50))
    assert math.isnan(value.pop("annex"))
    assert value == {"city": 8, "private": 0, "clinic": 0}
    hospitals = {"category": "general_hospital"}
    both = share(each=True, at_most=50, scope=hospitals, part_scope={"ownership": "public"})
    assert measured(both) == {"city": 8}


def test_measures_a_given_stock():
    given = {("city", "icu_bed"): 6, ("city", "general_bed"): 19}
    assert measured(share(at_least=1), given) == pytest.approx(15)


def test_the_added_part_makes_the_whole_larger():
    solution = solved(share(at_least=10))
    # icu = 10 % of (38 + icu)
    assert total(solution, "icu_bed") == pytest.approx(38 / 9)
    assert solution.objective == pytest.approx(KEPT_CNY + (38 / 9 - 2) * 500)
    whole = solved(share(at_least=10), whole_units=True)
    assert total(whole, "icu_bed") == 5


def test_a_part_scope_decides_where():
    solution = solved(social(at_least=30))
    assert changes(solution) == pytest.approx({("private", "general_bed"): 30 * 3 / 7 - 10})


def test_each_facility_of_a_scope():
    hospitals = {"category": "general_hospital"}
    solution = solved(share(each=True, at_least=20, scope=hospitals))
    assert changes(solution) == pytest.approx(
        {("city", "icu_bed"): 23 / 4 - 2, ("private", "icu_bed"): 10 / 4}
    )
    assert achieved(solution, KIND) == pytest.approx({"city": 20, "private": 20})
    # icu = g t / (100 - t), so its slope is 100 g / (100 - t)^2
    assert price(solution, KIND) == pytest.approx(
        {"city": 500 * 2300 / 6400, "private": 500 * 1000 / 6400}
    )


def test_price_of_a_floor():
    found = agreed_price(lambda t: share(at_least=t), 10)
    assert found == pytest.approx(500 * 3800 / 90**2)


def test_price_of_a_floor_with_a_part_scope():
    found = agreed_price(lambda t: social(at_least=t), 30)
    assert found == pytest.approx(150 * 3000 / 70**2)


def test_price_in_each_facility():
    hospitals = {"category": "general_hospital"}
    found = agreed_price(lambda t: share(each=True, at_least=t, scope=hospitals), 20)
    assert found == pytest.approx(500 * 3300 / 80**2)


def test_a_ceiling_makes_the_rest_grow():
    solution = solved(social(at_most=20))
    assert total(solution, "general_bed") + total(solution, "icu_bed") == pytest.approx(50)
    # beds = 100 x 10 / t
    found = agreed_price(lambda t: social(at_most=t), 20)
    assert found == pytest.approx(150 * 1000 / 20**2)


def test_a_range_binds_on_either_side():
    assert achieved(solved(share(at_least=10, at_most=12)), KIND) == pytest.approx(10)
    assert achieved(solved(social(at_least=10, at_most=20)), KIND) == pytest.approx(20)


def test_a_share_above_100_is_refused():
    with pytest.raises(PlanError, match="target is above 100 %"):
        quiet(clauses=[share(at_least=101)])
