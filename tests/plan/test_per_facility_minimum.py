"""Per-facility minimum: x of each open facility of a scope; bounds are times y."""

from __future__ import annotations

import math

import pytest

from healthalloc import PlanError
from tests.plan.checks import achieved, agreed_price, changes, measured, met, price, solved
from tests.region import KEPT_CNY, STOCK, clause, quiet, region, sited

KIND = "per_facility_minimum"


def nurses(**fields):
    return clause(KIND, **{"resource": "nurse"} | fields)


def test_measures_each_open_facility():
    assert measured(nurses(at_least=1)) == {"city": 10, "private": 4, "clinic": 2, "annex": 0}
    assert measured(nurses(at_least=1, scope={"side": "east"})) == {"clinic": 2, "annex": 0}
    wide = nurses(resource="staff", at_least=1, scope={"level": ["tertiary", "secondary"]})
    assert measured(wide) == {"city": 14, "private": 6}


def test_a_candidate_that_is_not_open_measures_nothing():
    value = measured(nurses(at_least=1), base=region)
    assert math.isnan(value.pop("annex"))
    assert value == {"city": 10, "private": 4, "clinic": 2}


def test_measures_a_given_stock_in_a_candidate():
    value = measured(nurses(at_least=1), {("annex", "nurse"): 3}, base=region)
    assert value == {"city": 10, "private": 4, "clinic": 2, "annex": 3}


def test_enforces_in_each_facility():
    solution = solved(nurses(at_least=3), whole_units=True)
    assert changes(solution) == {("clinic", "nurse"): 1, ("annex", "nurse"): 3}
    assert solution.objective == pytest.approx(KEPT_CNY + 4 * 120)


def test_price_is_one_unit_in_each_facility_where_it_binds():
    solution = solved(nurses(at_least=3))
    found = price(solution, KIND)
    assert found == pytest.approx({"city": 0, "private": 0, "clinic": 120, "annex": 120})
    assert agreed_price(lambda t: nurses(at_least=t), 3) == pytest.approx(240)


def test_a_ceiling_moves_the_rest_elsewhere():
    hospitals = {"category": "general_hospital"}
    floor = clause("amount", id="floor", resource="doctor", scope=hospitals, at_least=14)

    def ceiling(target):
        return nurses(resource="doctor", scope={"level": "secondary"}, at_most=target)

    # pays 340 a doctor in either hospital, so the ceiling costs nothing where both may grow
    solution = solved(floor, ceiling(5))
    assert achieved(solution, KIND)["private"] <= 5
    assert price(solution, KIND) == {"private": pytest.approx(0, abs=1e-9)}
    stock = STOCK.assign(lower=STOCK["existing"])
    stock.loc[(stock["facility_id"] == "city") & (stock["resource_id"] == "doctor"), "upper"] = 9
    with_icu = clause(
        "surge_reserve", id="pool", weights={"doctor": 1.0, "icu_bed": 1.0},
        scope=hospitals, at_least=18,
    )  # fmt: skip
    # city 9 doctors, private 5, so 4 of the 18 are ICU beds at 500 rather than doctors at 340
    assert changes(solved(with_icu, ceiling(5), stock=stock))[("private", "doctor")] == 3
    assert agreed_price(ceiling, 5, with_icu, stock=stock) == pytest.approx(500 - 340)


def test_a_range_has_a_floor_and_a_ceiling_in_each():
    solution = solved(nurses(at_least=3, at_most=12))
    value = achieved(solution, KIND)
    assert value == pytest.approx({"city": 10, "private": 4, "clinic": 3, "annex": 3})
    found = price(solution, KIND)
    assert found == pytest.approx({"city": 0, "private": 0, "clinic": 120, "annex": 120})


def test_a_closed_facility_is_exempt():
    # the base-year stock of city and private, and the clinic's given up
    kept = 33 * 50 + 2 * 200 + 6 * 300 + 14 * 100 + 10
    retired = 5 * 2 + 4 * 10 + 2 * 5
    solution = solved(nurses(at_least=3), base=sited)
    assert dict(zip(solution.sites["facility_id"], solution.sites["open"])) == {
        "city": True, "private": True, "clinic": False, "annex": False,
    }  # fmt: skip
    assert solution.objective == pytest.approx(kept + retired)
    value = achieved(solution, KIND)
    assert (value["city"], value["private"]) == (10, 4)
    assert math.isnan(value["clinic"])
    assert math.isnan(value["annex"])
    assert met(solution, KIND) == {"city": True, "private": True, "clinic": None, "annex": None}


def test_an_opened_candidate_is_not_exempt():
    count = clause("facility_count", at_least=3)
    solution = solved(nurses(at_least=3), count, base=sited, whole_units=True)
    # annex: its site, the doctor it must hold, three nurses; the clinic would cost more
    assert solution.objective == pytest.approx(5260 + 60 + 500 + 340 + 3 * 120)
    assert achieved(solution, KIND)["annex"] == 3
    assert math.isnan(achieved(solution, KIND)["clinic"])


def test_price_with_an_open_candidate():
    count = clause("facility_count", at_least=3)
    found = agreed_price(lambda t: nurses(at_least=t), 3, count, base=sited)
    assert found == pytest.approx(120)


def test_a_facility_without_a_stock_row_is_named():
    with pytest.raises(PlanError, match="no row for it \\(clinic, annex\\)"):
        quiet(clauses=[nurses(resource="icu_bed", at_least=1)])
