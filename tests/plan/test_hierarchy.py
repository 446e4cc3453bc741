"""Hierarchy: sum of x over the next tier within the radius / y, for each facility of a tier.

By km: city 0 (tertiary, 2 ICU beds), private 10 (secondary), clinic 30 and annex 50 (primary).
From city and private a km takes 2 minutes, from clinic and annex 1 minute.
"""

from __future__ import annotations

import numpy as np
import pytest

from healthalloc import PlanError, Status, TravelMatrix, solve
from tests.plan.checks import achieved, agreed_price, changes, measured, met, solved
from tests.region import KEPT_CNY, clause, quiet, region, settings, sited, table, with_areas

KIND = "hierarchy"
TIERS = ({"level": "primary"}, {"level": "secondary"}, {"level": ["tertiary"]})


def chain(**fields):
    given = {"resource": "bed", "tiers": TIERS, "radius": 20, "radius_unit": "km"}
    return clause(KIND, **given | fields)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, {"clinic": 10, "annex": 0, "private": 25}),
        ({"radius": 40}, {"clinic": 10, "annex": 10, "private": 25}),
        ({"resource": "icu_bed"}, {"clinic": 0, "annex": 0, "private": 2}),
        ({"resource": "staff", "radius": 9.9}, {"clinic": 0, "annex": 0, "private": 0}),
        # 20 km are 20 minutes from the clinic; 10 km are 20 minutes from the private hospital
        ({"radius_unit": "min"}, {"clinic": 10, "annex": 0, "private": 25}),
        ({"radius_unit": "min", "radius": 19}, {"clinic": 0, "annex": 0, "private": 0}),
        ({"tiers": ({"level": "primary"}, {"category": "general_hospital"}), "radius": 30},
         {"clinic": 35, "annex": 0}),
    ],
)  # fmt: skip
def test_measures_what_backs_each_facility(fields, found):
    assert measured(chain(treatment="audit", **fields)) == found


def test_measures_a_given_stock():
    icu = chain(resource="icu_bed", treatment="audit")
    given = {("private", "icu_bed"): 3, ("city", "icu_bed"): 0}
    assert measured(icu, given) == {"clinic": 3, "annex": 0, "private": 0}


def test_a_closed_facility_is_exempt():
    found = measured(chain(at_least=1, radius=40), base=region)
    assert np.isnan(found.pop("annex"))
    assert found == {"clinic": 10, "private": 25}


def test_enforces_where_it_lacks():
    solution = solved(chain(resource="icu_bed", radius=40, at_least=1), whole_units=True)
    # one ICU bed in the private hospital backs both primary centres
    assert changes(solution) == {("private", "icu_bed"): 1}
    assert achieved(solution, KIND) == {"clinic": 1, "annex": 1, "private": 2}
    assert solution.objective == pytest.approx(KEPT_CNY + 500)


ALONE = ({"facility_id": "annex"}, {"level": "secondary"})


def test_a_facility_that_nobody_can_back_is_a_finding_not_a_slip():
    # the annex is 40 km from the next tier: the plan is infeasible, and the clause is named
    backed = chain(tiers=ALONE, at_least=1)
    found = solve(quiet(clauses=[backed]))
    assert found.status is Status.INFEASIBLE
    assert [c.id for c in found.conflict.clauses] == [KIND]
    # where it may stay closed it does, although it is the cheaper site
    one = clause("facility_count", scope={"level": "primary"}, at_least=1)
    solution = solved(backed, one, base=sited)
    assert solution.sites["open"].tolist() == [True, True, True, False]
    both = clause("facility_count", scope={"level": "primary"}, at_least=2)
    assert solve(sited(clauses=[backed, both])).status is Status.INFEASIBLE


def test_a_site_stays_closed_where_backing_it_is_dear():
    # the annex is the cheaper one to have, but not with three ICU beds in the private hospital
    one = clause("facility_count", scope={"level": "primary"}, at_least=1)
    assert solved(one, base=sited).sites["open"].tolist() == [True, True, False, True]
    backed = chain(tiers=ALONE, resource="icu_bed", radius=40, at_least=3)
    solution = solved(backed, one, base=sited)
    assert solution.sites["open"].tolist() == [True, True, True, False]
    assert met(solution, KIND) == {"annex": None}
    two = clause("facility_count", scope={"level": "primary"}, at_least=2)
    both = solved(backed, two, base=sited)
    assert achieved(both, KIND) == {"annex": 3}
    assert changes(both)["private", "icu_bed"] == 3


def test_price_of_a_unit_for_all_that_it_backs():
    found = agreed_price(lambda t: chain(resource="icu_bed", radius=40, at_least=t), 1.5)
    assert found == pytest.approx(500)


def test_in_an_area_only_its_facilities_count():
    towns = chain(
        tiers=({"level": "secondary"}, {"level": "tertiary"}), area="west", treatment="audit"
    )
    assert measured(towns, base=with_areas) == {"private": 25}
    with pytest.raises(PlanError, match="tier 1: no facility of west matches"):
        with_areas(clauses=[chain(area="west", at_least=1)])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tiers": ({"level": "primary"},)}, "tiers"),
        (
            {"tiers": ({"level": "primary"}, {"levle": "secondary"})},
            "levle' is no column of facilities .did you mean level",
        ),
        (
            {"tiers": ({"level": "primary"}, {"level": "second"})},
            "no facility has this level .did you mean secondary",
        ),
        ({"radius": 0}, "radius"),
        ({"radius_unit": "miles"}, "radius_unit"),
        ({"resource": "icu"}, "is no known resource"),
    ],
)
def test_what_makes_no_sense_is_refused(fields, message):
    with pytest.raises(PlanError, match=message):
        quiet(clauses=[chain(**{"at_least": 1} | fields)])


def test_a_travel_matrix_does_not_know_the_way_between_facilities():
    travel = table("""
        population_id  city  private  clinic  annex
        town              0       10      30     50
        village          30       20       0     20
        hamlet           50       40      20      0
    """).drop(columns="source")
    matrix = TravelMatrix(layout="wide", unit="km", speed_km_per_h={"urban": 30.0, "rural": 60.0})
    with pytest.raises(PlanError, match="which a travel matrix does not know"):
        solve(quiet(settings=settings(travel=matrix), travel=travel, clauses=[chain(at_least=1)]))
