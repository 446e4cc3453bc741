"""Length of stay: sum of cases x stay / cases; enforced, it is a norm of the need for beds.

A stay of 7.3 days is 50 admissions a year in one bed. The town's 600 admissions go to the city,
the 400 of village and hamlet to the private hospital or the city.
"""

from __future__ import annotations

import math

import pytest

from healthalloc import PlanError, audit, formulate, solve
from tests.plan.checks import achieved, measured, met, price, solved, total
from tests.region import clause, quiet, region, tiers, with_areas

KIND = "length_of_stay"
CITY = {"facility_id": "city"}


def stay(**fields):
    return clause(KIND, **{"services": ("inpatient",)} | fields)


def test_measures_the_stay_of_the_services():
    solution = solved(stay(treatment="audit", at_most=7), base=region)
    assert achieved(solution, KIND) == pytest.approx(7.3)
    assert solution.clauses["met"].tolist() == [False]


def test_the_average_is_over_the_cases():
    both = {"services": ("inpatient", "intensive", "rehab"), "treatment": "audit"}
    # 100 admissions of 7.3 days, 20 of 3.65, 50 of 14.6
    expected = (100 * 7.3 + 20 * 3.65 + 50 * 14.6) / 170
    assert achieved(solved(stay(**both), base=tiers), KIND) == pytest.approx(expected)
    down = stay(**both, scope={"level": "primary"})
    assert achieved(solved(down, base=tiers), KIND) == pytest.approx(14.6)


def test_enforced_it_is_the_stay():
    before = solved(base=region)
    solution = solved(stay(at_most=6.57), base=region)  # nine tenths
    assert achieved(solution, KIND) == pytest.approx(6.57)
    assert met(solution, KIND)
    assert solution.demand["served"].sum() == pytest.approx(before.demand["served"].sum())
    # 1,000 admissions: 20 patients in bed become 18, at an occupancy of 0.8
    assert before.objective - solution.objective > 0
    beds = [total(s, "general_bed") for s in (before, solution)]
    assert beds == pytest.approx([20 / 0.8, 18 / 0.8])


def test_it_is_no_row_and_has_no_price():
    with_stay, without = (formulate(region(clauses=c)).program for c in ([stay(at_most=6)], []))
    assert with_stay.matrix.shape == without.matrix.shape
    solution = solved(stay(at_most=6), base=region)
    assert math.isnan(price(solution, KIND))
    basis = solution.clause_rows["price_basis"].tolist()
    assert basis == ["none: it changes a norm of the program, not a row"]


def test_a_scope_shortens_only_its_own():
    scoped = stay(at_most=6.57, scope={"category": "general_hospital", "level": "tertiary"})
    solution = solved(scoped, stay(id="all", treatment="audit"), base=region)
    flows = solution.flows[solution.flows["service_id"] == "inpatient"]
    cases = flows.groupby("facility_id")["cases_a_year"].sum()
    expected = (cases["city"] * 6.57 + cases.get("private", 0.0) * 7.3) / cases.sum()
    assert achieved(solution, "all") == pytest.approx(expected)


def test_an_area_shortens_only_its_own():
    def regional(**changes):
        return with_areas(region, **changes)

    east = solved(stay(at_most=6, area="east"), stay(id="all", treatment="audit"), base=regional)
    # no hospital stands in the east
    assert math.isnan(achieved(east, KIND)["east"])
    assert achieved(east, "all") == pytest.approx(7.3)
    west = solved(stay(at_most=6, area="west"), stay(id="all", treatment="audit"), base=regional)
    assert achieved(west, KIND) == pytest.approx({"west": 6})
    assert achieved(west, "all") == pytest.approx(6)


def test_of_several_the_shortest_counts():
    solution = solved(stay(id="a", at_most=7), stay(id="b", equals=6), base=region)
    assert (achieved(solution, "a"), achieved(solution, "b")) == pytest.approx((6, 6))


def test_a_ceiling_above_the_stay_changes_nothing():
    plain, loose = solve(region()), solve(region(clauses=[stay(at_most=9)]))
    assert loose.objective == plain.objective
    assert achieved(loose, KIND) == pytest.approx(7.3)


def test_audited_it_changes_nothing():
    plain = solve(region())
    assert solve(region(clauses=[stay(at_most=5, treatment="audit")])).objective == plain.objective
    scenario = region(clauses=[stay(at_most=5)]).audit_only(KIND)
    assert solve(scenario).objective == plain.objective


def test_an_audit_of_stock_cannot_measure_it():
    assert math.isnan(measured(stay(at_most=6), base=region))
    assert audit(region(clauses=[stay(at_most=6)])).clauses["met"].tolist() == [None]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"at_most": 5, "services": ("visit",)}, "service visit is ambulatory and has no stay"),
        ({"at_most": 5, "services": ()}, "services"),
        ({"at_most": 5, "services": ("inpatients",)}, "is no known service"),
        ({"at_least": 5}, "a stay that is enforced needs a ceiling above 0"),
        ({"at_most": 0}, "a stay that is enforced needs a ceiling above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(fields, message):
    with pytest.raises(PlanError, match=message):
        quiet(clauses=[stay(**fields)])


def test_a_stay_is_not_stated_for_each_area():
    with pytest.raises(PlanError, match="name the area, not a level"):
        with_areas(clauses=[stay(at_most=5, each_area="town")])
