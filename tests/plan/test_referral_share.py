"""Referral share: 100 x cases of a service referred on / cases of the service before it.

Of the 1,000 visits at the centre 10 % need admission. Where admission is not priced (penalty 0)
none are referred; one more costs 4 CNY of travel and 150 / 0.8 / 50 = 3.75 of beds.
"""

from __future__ import annotations

import math

import pandas as pd
import pytest

from healthalloc import PlanError, audit, solve
from tests.plan.checks import achieved, measured, met, price, slope, solved
from tests.region import TIERS, clause, edit, named, table, tiers

KIND = "referral_share"


def share(**fields):
    return clause(KIND, **{"from_service": "visit", "to_service": "inpatient"} | fields)


def unpriced(**changes):
    """The tiers, where nobody pays for admissions and what follows that are lacking."""
    services = TIERS["services"].assign(unmet_penalty_cny=[500.0, 0.0, 0.0, 0.0])
    return tiers(**{"services": services} | changes)


def test_measures_what_is_referred():
    wanted = [
        share(treatment="audit"),
        share(id="up", from_service="inpatient", to_service="intensive", treatment="audit"),
        share(id="down", from_service="inpatient", to_service="rehab", treatment="audit"),
    ]
    solution = solved(*wanted, base=tiers)
    assert achieved(solution, KIND) == pytest.approx(10)
    assert achieved(solution, "up") == pytest.approx(20)
    assert achieved(solution, "down") == pytest.approx(50)


def test_enforces_a_floor():
    free = solved(share(treatment="audit"), base=unpriced)
    assert achieved(free, KIND) == 0
    assert free.objective == pytest.approx(340)
    solution = solved(share(at_least=8), base=unpriced)
    assert achieved(solution, KIND) == pytest.approx(8)
    assert solution.referrals["cases_a_year"].tolist() == pytest.approx([80])
    assert solution.objective == pytest.approx(340 + 80 * (4 + 3.75))


def test_price_of_one_percent_of_cases():
    found = price(solved(share(at_least=8), base=unpriced), KIND)
    assert found == pytest.approx(10 * (4 + 3.75))
    assert found == pytest.approx(slope(lambda t: share(at_least=t), 8, base=unpriced), rel=1e-6)


def test_a_ceiling_is_kept():
    solution = solved(share(at_most=5), base=tiers)
    assert achieved(solution, KIND) == pytest.approx(5)
    needs = solution.referral_needs.set_index("to_service_id")
    assert needs.loc["inpatient"].tolist()[2:] == pytest.approx([100, 50, 50])


def with_second_county(**changes):
    """A second county hospital, dearer to reach, 1 km farther."""
    second = TIERS["facilities"][TIERS["facilities"]["facility_id"] == "county"]
    second = edit(second, facility_id="second", name="second", ownership="social")
    second = second.assign(longitude=second["longitude"] * 1.1)
    beds = TIERS["stock"][TIERS["stock"]["facility_id"] == "county"]
    tables = {
        "facilities": pd.concat([TIERS["facilities"], second], ignore_index=True),
        "stock": pd.concat([TIERS["stock"], edit(beds, facility_id="second")], ignore_index=True),
        "referrals": TIERS["referrals"].assign(radius=60, unit="min"),
    }
    return unpriced(**tables | changes)


def test_scopes_narrow_both_ends():
    social = {"ownership": "social"}
    solution = solved(
        share(at_least=3, to_scope=social), share(id="all", at_least=7), base=with_second_county
    )
    assert achieved(solution, KIND) == pytest.approx(3)
    assert achieved(solution, "all") == pytest.approx(7)
    went = solution.referrals.set_index("to_facility_id")["cases_a_year"]
    assert went.to_dict() == pytest.approx({"second": 30, "county": 40})
    # 40 go to the county, 30 on a way that is 11 km = 22 min long
    assert solution.objective == pytest.approx(340 + 40 * 7.75 + 30 * (4.4 + 3.75))


def test_a_scope_of_those_that_refer():
    centre = solved(share(at_least=8, scope={"level": "primary"}), base=unpriced)
    assert achieved(centre, KIND) == pytest.approx(8)
    county = share(treatment="audit", scope={"level": "secondary"})
    assert math.isnan(achieved(solved(county, base=tiers), KIND))


def test_an_audit_of_stock_cannot_measure_it():
    assert math.isnan(measured(share(at_least=8), base=tiers))
    solution = solved(share(at_least=8), base=tiers)
    rows = audit(solution.scenario, solution.stock).clause_rows
    assert rows["met"].tolist() == [None, None]


def test_without_demand_there_is_nothing_to_meet():
    nobody = {"populations": TIERS["populations"].assign(residents=0)}
    solution = solve(tiers(clauses=[share(at_least=8)], **nobody)).require_optimal()
    assert met(solution, KIND) is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"at_least": 11}, "asks for 11 % from visit to inpatient, but .* says that 10 % need it"),
        ({"at_least": 5, "to_service": "rehab"}, "has no row from visit to rehab"),
        ({"at_least": 5, "to_service": "inpatients"}, "is no known service"),
        ({"at_least": 101}, "the target is above 100 % of cases"),
        ({"at_least": 5, "to_scope": {"level": "fourth"}}, "no facility has this level"),
    ],
)
def test_what_makes_no_sense_is_refused(fields, message):
    with pytest.raises(PlanError, match=message):
        tiers(clauses=[share(**fields)])


def test_more_than_need_it_may_be_audited():
    solution = solved(share(at_least=11, treatment="audit"), base=tiers)
    assert solution.clauses["met"].tolist() == [False]


def test_services_in_a_plan_without_referrals_are_refused():
    services = named(
        table("""
        service_id  setting     stay_days  journeys_per_case  unmet_penalty_cny
        visit       ambulatory          -                  2                500
        """)
    )
    wanted = TIERS["requirements"][TIERS["requirements"]["service_id"] == "visit"]
    alone = {"services": services, "requirements": wanted,
             "referrals": TIERS["referrals"].iloc[:0]}  # fmt: skip
    with pytest.raises(PlanError, match="has no row from visit to visit"):
        tiers(clauses=[share(to_service="visit", at_least=1)], **alone)
