"""First contact share: 100 x cases that residents bring to a scope / all that they bring.

6,000 visits a year in town go to the city hospital, at the door, or to a health centre 5 km away
(10 minutes, so 2 CNY of time both ways). A doctor costs 340 a year and sees 2,000 visits in the
hospital (0.17 CNY each), 1,000 in the centre (0.34).
"""

from __future__ import annotations

import math

import pandas as pd
import pytest

from healthalloc import PlanError, Status, audit, solve
from tests.plan.checks import achieved, measured, met, price, slope, solved
from tests.region import (
    AREAS,
    DEMAND,
    POPULATIONS,
    RADII,
    REQUIREMENTS,
    SERVICES,
    clause,
    located,
    named,
    quiet,
    region,
    table,
    tiers,
)

KIND = "first_contact_share"
PRIMARY = {"category": "primary_centre"}


def share(**fields):
    return clause(KIND, **{"services": ("visit",), "scope": PRIMARY} | fields)


def of_visits(frame):
    return frame[frame["service_id"] == "visit"]


def in_town(**changes):
    """The town, the city hospital and a health centre, for visits alone."""
    tables = {
        "facilities": named(
            table("""
            facility_id  category          level     ownership  area_class  km  side  area
            city         general_hospital  tertiary  public     urban        0  west  west
            centre       primary_centre    primary   public     urban        5  west  west
            """)
        ),
        "populations": located(POPULATIONS[POPULATIONS["population_id"] == "town"]),
        "stock": table("""
            facility_id  resource_id  existing  lower  upper
            city         doctor              0      0      -
            centre       doctor              0      0      -
        """),
        "services": of_visits(SERVICES),
        "demand": of_visits(DEMAND),
        "radii": of_visits(RADII),
        "requirements": of_visits(REQUIREMENTS),
        "whole_units": False,
    }
    return region(**tables | changes)


def test_free_of_it_all_go_where_it_is_cheapest():
    solution = solved(share(treatment="audit"), base=in_town)
    assert achieved(solution, KIND) == 0
    assert solution.objective == pytest.approx(6000 * 0.17)


def test_enforces_a_floor():
    solution = solved(share(at_least=92), base=in_town)
    assert achieved(solution, KIND) == pytest.approx(92)
    visits = solution.flows.set_index("facility_id")["cases_a_year"]
    assert visits.to_dict() == pytest.approx({"city": 480, "centre": 5520})
    assert solution.objective == pytest.approx(480 * 0.17 + 5520 * (0.34 + 2))


def test_price_of_one_percent_of_first_contacts():
    found = price(solved(share(at_least=92), base=in_town), KIND)
    assert found == pytest.approx(60 * (0.34 + 2 - 0.17))
    assert found == pytest.approx(slope(lambda t: share(at_least=t), 92, base=in_town), rel=1e-6)


def test_price_of_a_ceiling():
    hospitals = {"category": "general_hospital"}
    solution = solved(share(scope=hospitals, at_most=40), base=in_town)
    assert achieved(solution, KIND) == pytest.approx(40)
    assert price(solution, KIND) == pytest.approx(60 * (0.34 + 2 - 0.17))


def test_with_other_services_all_cases_count():
    # 600 admissions a year, in patients in bed of 50 admissions each, and 6,000 visits
    solution = solve(region(clauses=[share(services=("inpatient", "visit"), treatment="audit")]))
    went = solution.flows.set_index("facility_id")["cases_a_year"]
    expected = 100 * went[["clinic", "annex"]].sum() / went.sum()
    assert went.sum() == pytest.approx(11000)
    assert expected > 0
    assert achieved(solution, KIND) == pytest.approx(expected)


def test_a_case_referred_on_is_no_first_contact():
    solution = solved(
        share(services=("visit", "inpatient"), treatment="audit"),
        share(id="inpatient", services=("inpatient",), treatment="audit"),
        base=tiers,
    )
    assert achieved(solution, KIND) == 100
    # all admissions come by referral: nothing to measure
    assert math.isnan(achieved(solution, "inpatient"))
    assert met(solution, "inpatient") is None


def test_an_area_speaks_of_its_residents_wherever_they_go():
    areas = AREAS.assign(residents=math.nan)
    # nobody of the west lives in the east; those of the west go to the west
    town = {"areas": areas}
    solution = solved(
        share(at_least=50, area="west"), share(id="east", treatment="audit", area="east"),
        base=in_town, **town,
    )  # fmt: skip
    assert achieved(solution, KIND) == pytest.approx({"west": 50})
    assert math.isnan(achieved(solution, "east")["east"])
    # a centre across the border counts for the residents
    facilities = in_town().facilities.assign(area=["west", "mill"])
    across = solved(share(at_least=50, area="west"), base=in_town, facilities=facilities, **town)
    assert achieved(across, KIND) == pytest.approx({"west": 50})


def test_an_audit_of_stock_cannot_measure_it():
    assert math.isnan(measured(share(at_least=50), base=in_town))
    solution = solved(share(at_least=50), base=in_town)
    rows = audit(solution.scenario, solution.stock).clause_rows
    assert rows["met"].tolist() == [None, None]


def test_without_demand_there_is_nothing_to_meet():
    solution = solved(share(at_least=50))
    assert math.isnan(achieved(solution, KIND))
    assert met(solution, KIND) is None


def test_a_floor_out_of_reach_leaves_visits_unserved_or_is_infeasible():
    # the centre may hold half a doctor: 500 visits
    stock = in_town().stock.assign(upper=[math.inf, 0.5]).replace(math.inf, math.nan)
    solution = solved(share(at_least=50), base=in_town, stock=stock)
    served = solution.flows.set_index("facility_id")["cases_a_year"]
    assert served.to_dict() == pytest.approx({"city": 500, "centre": 500})
    unmet = solution.cost.set_index("component")["cny_a_year"]["unmet_penalty"]
    assert unmet == pytest.approx(5000 * 100)
    forced = clause("amount", resource="doctor", scope=PRIMARY, at_least=1)
    assert solve(in_town(stock=stock, clauses=[forced])).status is Status.INFEASIBLE


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"services": ("visits",)}, "'visits' is no known service .did you mean visit"),
        ({"services": ()}, "services"),
        ({"at_least": 101}, "the target is above 100 % of first contacts"),
        ({"scope": {"category": "primary"}}, "no facility has this category"),
    ],
)
def test_what_makes_no_sense_is_refused(fields, message):
    with pytest.raises(PlanError, match=message):
        quiet(clauses=[share(**{"at_least": 50} | fields)])


def test_the_share_of_an_answer_follows_from_its_flows():
    solution = solve(region(clauses=[share(at_most=30)])).require_optimal()
    flows = solution.flows[solution.flows["service_id"] == "visit"]
    primary = flows["facility_id"].isin(["clinic", "annex"])
    expected = 100 * flows.loc[primary, "cases_a_year"].sum() / flows["cases_a_year"].sum()
    assert isinstance(flows, pd.DataFrame)
    assert achieved(solution, KIND) == pytest.approx(expected)
    assert achieved(solution, KIND) <= 30 + 1e-6
