"""Freeze rule: 100 x sum of x / sum of existing, in each facility that is used too little.

Below 75 % and above 9 days are the city (25 beds) and the annex (none); the private hospital is
full enough and the clinic's patients leave soon.
"""

from __future__ import annotations

import numpy as np
import pytest

from healthalloc import PlanError, Status, audit, solve
from tests.plan.checks import achieved, agreed_price, changes, measured, met, price, solved
from tests.region import FACILITIES, KEPT_CNY, clause, edit, quiet

KIND = "freeze_rule"
USED = edit(FACILITIES, site="existing", site_cost_cny=0.0).assign(
    occupancy_percent=[74.9, 75.0, 60.0, 0.0], stay_days=[9.1, 12.0, 9.0, 12.0]
)


def rule(**fields):
    given = {"resource": "bed", "occupancy_below_percent": 75, "stay_above_days": 9}
    return clause(KIND, **given | fields)


def used(**given):
    return quiet(**{"facilities": USED} | given)


def test_speaks_of_the_facilities_that_pass_both_thresholds():
    found = measured(rule(at_most=100), base=used)
    assert found == {"city": 100, "annex": pytest.approx(np.nan, nan_ok=True)}
    wider = measured(rule(at_most=100, occupancy_below_percent=75.1), base=used)
    assert set(wider) == {"city", "private", "annex"}
    stricter = measured(rule(at_most=100, stay_above_days=8.9), base=used)
    assert set(stricter) == {"city", "clinic", "annex"}


def test_a_scope_narrows_the_rule():
    assert measured(rule(at_most=100, scope={"side": "west"}), base=used) == {"city": 100}


def test_measures_a_given_stock():
    west = rule(at_most=100, scope={"side": "west"})
    given = {("city", "general_bed"): 28}  # and 2 ICU beds: 30 of 25
    assert measured(west, given, base=used) == {"city": 120}
    icu = rule(resource="icu_bed", at_most=100, scope={"side": "west"})
    assert measured(icu, {("city", "icu_bed"): 1}, base=used) == {"city": 50}


def test_nothing_new_where_it_freezes():
    wanted = clause("amount", resource="bed", scope={"side": "west"}, at_least=38)
    free = solved(wanted, base=used)
    solution = solved(rule(at_most=100), wanted, base=used)
    # three general beds more, anywhere in the west: the private hospital gets them
    assert changes(solution) == {("private", "general_bed"): 3}
    assert achieved(solution, KIND)["city"] == 100
    assert solution.objective == pytest.approx(free.objective) == KEPT_CNY + 3 * 150


def test_a_facility_that_has_none_gets_none():
    wanted = clause("amount", resource="bed", scope={"facility_id": "annex"}, at_least=1)
    assert solve(used(clauses=[wanted])).status is Status.OPTIMAL
    assert solve(used(clauses=[wanted, rule(at_most=100)])).status is Status.INFEASIBLE


def test_the_audit_sees_what_a_frozen_facility_starts_from_nothing():
    # enforced, the rule forbids it; so the audit does not pass it over
    scenario = used(clauses=[rule(at_most=100, scope={"side": "east"})])
    given = scenario.stock.assign(amount=scenario.stock["existing"])
    given.loc[(given["facility_id"] == "annex") & (given["resource_id"] == "general_bed"),
              "amount"] = 3  # fmt: skip
    rows = audit(scenario, given[["facility_id", "resource_id", "amount"]]).clause_rows
    assert rows.loc[rows["allocation"] == "given", "met"].tolist() == [False]


def test_price_of_one_percent_of_the_base_year():
    full = edit(used().stock, {"facility_id": "private", "resource_id": "general_bed"}, upper=10.0)
    floor = clause("amount", resource="bed", scope={"side": "west"}, at_least=38)
    # one percent of 25 beds is a quarter of a bed: an ICU bed in private, not a general one
    found = agreed_price(lambda t: rule(at_most=t), 104, floor, base=used, stock=full)
    assert found == pytest.approx(0.25 * (500 - 150))


def test_says_nothing_where_no_facility_passes_both_thresholds():
    solution = solved(rule(at_most=100, occupancy_below_percent=10, scope={"side": "west"}),
                      base=used)  # fmt: skip
    row = solution.clause_rows.iloc[0]
    assert met(solution, KIND) is None
    assert np.isnan(price(solution, KIND))
    assert row["price_basis"] == "none: no facility in the scope passes both thresholds"


def test_a_facility_without_its_figures_is_refused_by_name():
    unknown = USED.assign(occupancy_percent=[70.0, 70.0, np.nan, 70.0])
    with pytest.raises(PlanError, match="facility clinic has no occupancy_percent"):
        quiet(facilities=unknown, clauses=[rule(at_most=100)])
    quiet(facilities=unknown, clauses=[rule(at_most=100, scope={"side": "west"})])
    with pytest.raises(PlanError, match="facility city has no stay_days"):
        quiet(facilities=USED.drop(columns="stay_days"), clauses=[rule(at_most=100)])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"occupancy_below_percent": 0}, "occupancy_below_percent"),
        ({"occupancy_below_percent": 101}, "occupancy_below_percent"),
        ({"stay_above_days": 0}, "stay_above_days"),
        ({"resource": "bedd"}, "did you mean bed"),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(fields, message):
    with pytest.raises(PlanError, match=message):
        used(clauses=[rule(**{"at_most": 100} | fields)])
