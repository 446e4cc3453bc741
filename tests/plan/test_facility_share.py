"""Facility share: 100 x sum of x over a department / number of open facilities."""

from __future__ import annotations

import pandas as pd
import pytest

from healthalloc import PlanError
from tests.plan.checks import achieved, agreed_price, changes, measured, solved, total
from tests.region import KEPT_CNY, RESOURCES, STOCK, clause, edit, quiet, region, sited

KIND = "facility_share"


def fever(**fields):
    return clause(KIND, **{"resource": "fever_clinic"} | fields)


def test_measures_open_facilities():
    assert measured(fever(at_least=1)) == 25
    assert measured(fever(at_least=1, scope={"category": ["general_hospital"]})) == 50
    assert measured(fever(at_most=1, scope={"side": "east"})) == 0
    # the candidate is not open and does not count
    assert measured(fever(at_least=1), base=region) == pytest.approx(100 / 3)


def test_measures_a_given_stock():
    assert measured(fever(at_least=1), {("clinic", "fever_clinic"): 1}) == 50
    given = {("annex", "fever_clinic"): 1, ("annex", "doctor"): 1}
    assert measured(fever(at_least=1), given, base=region) == 50


def test_enforces_in_all():
    solution = solved(fever(at_least=100), whole_units=True)
    assert total(solution, "fever_clinic") == 4
    assert solution.objective == pytest.approx(KEPT_CNY + 3 * 60)


def test_enforces_in_a_scope():
    solution = solved(fever(at_least=100, scope={"category": "general_hospital"}))
    assert changes(solution) == {("private", "fever_clinic"): 1}


def test_whole_facilities_round_up():
    solution = solved(fever(at_least=60), whole_units=True)
    assert achieved(solution, KIND) == 75


def test_a_closed_facility_is_exempt():
    solution = solved(fever(at_least=100), base=sited, whole_units=True)
    assert solution.sites["open"].tolist() == [True, True, False, False]
    assert changes(solution)[("private", "fever_clinic")] == 1
    assert achieved(solution, KIND) == 100
    assert solution.objective == pytest.approx(5260 + 60 + 60)


def test_price_of_one_percent_more():
    # 4 facilities, so one percent is 0.04 of a fever clinic
    assert agreed_price(lambda t: fever(at_least=t), 40) == pytest.approx(0.04 * 60)


def test_a_ceiling_is_kept():
    reached = clause("coverage", resource="fever_clinic", radius=25, radius_unit="km", at_least=100)
    solution = solved(reached, fever(at_most=50), whole_units=True)
    assert achieved(solution, KIND) == 50
    # one fever clinic more, within 25 km of village and hamlet
    assert [facility for facility, _ in changes(solution)] in (["clinic"], ["annex"])


def test_a_range():
    solution = solved(fever(at_least=40, at_most=80))
    assert achieved(solution, KIND) == pytest.approx(40)


def test_a_resource_held_several_times_is_refused():
    with pytest.raises(PlanError, match="facility city may hold inf doctor"):
        quiet(clauses=[fever(resource="doctor", at_least=50)])
    many = edit(STOCK, {"facility_id": "clinic", "resource_id": "fever_clinic"}, upper=2)
    with pytest.raises(PlanError, match="facility clinic may hold 2 fever_clinic"):
        quiet(stock=many, clauses=[fever(at_least=50)])


def test_a_resource_with_several_kinds_does_not_pass_100_percent():
    # a facility that holds both kinds is still one facility
    resources = pd.concat(
        [
            RESOURCES.assign(parent_id=RESOURCES["parent_id"].astype(object)),
            pd.DataFrame(
                [
                    ("clinics", None, "department", "Clinics", "made up"),
                    ("dental_clinic", "clinics", "department", "Dental", "made up"),
                ],
                columns=["resource_id", "parent_id", "kind", "name", "source"],
            ),
        ],
        ignore_index=True,
    )
    resources.loc[resources["resource_id"] == "fever_clinic", "parent_id"] = "clinics"
    dental = pd.DataFrame(
        [("city", "dental_clinic", 1.0, 1.0, 1.0, "made up")], columns=STOCK.columns
    )
    stock = pd.concat([STOCK, dental], ignore_index=True)
    either = fever(resource="clinics", scope={"facility_id": "city"}, at_least=100)
    with pytest.raises(PlanError, match="clinics"):
        quiet(resources=resources, stock=stock, clauses=[either])


def test_a_share_above_100_is_refused():
    with pytest.raises(PlanError, match="target is above 100 % of facilities"):
        quiet(clauses=[fever(at_least=120)])
