"""Facility count: sum of y over a scope."""

from __future__ import annotations

import pytest

from healthalloc import PlanError, audit
from tests.plan.checks import achieved, measured, solved
from tests.region import clause, quiet, region, sited, with_areas, with_form

KIND = "facility_count"
KEPT = 33 * 50 + 2 * 200 + 6 * 300 + 14 * 100 + 10  # city and private as they are
CLINIC_CLOSED = 5 * 2 + 4 * 10 + 2 * 5  # its stock retired
CLINIC_OPEN = 400 + 5 * 50 + 4 * 300 + 2 * 100
ANNEX_OPEN = 500 + 340  # the site, and the doctor it must hold


def count(**fields):
    return clause(KIND, **fields)


def test_measures_open_facilities():
    assert measured(count(at_least=1)) == 4
    assert measured(count(at_least=1), base=region) == 3
    assert measured(count(at_least=1, scope={"category": "primary_centre"}), base=region) == 1
    assert measured(count(at_least=1, scope={"site": ["existing", "candidate"]}), base=region) == 2
    assert measured(count(at_least=1, scope={"side": "east"})) == 2


def test_a_candidate_given_stock_is_open():
    assert measured(count(at_least=1), {("annex", "doctor"): 1}, base=region) == 4


@pytest.mark.parametrize(
    ("target", "cost"),
    [
        (0, KEPT + CLINIC_CLOSED),
        (1, KEPT + CLINIC_CLOSED + ANNEX_OPEN),
        (2, KEPT + CLINIC_OPEN + ANNEX_OPEN),
    ],
)
def test_opens_the_cheapest_sites(target, cost):
    primary = count(at_least=target, scope={"category": "primary_centre"})
    solution = solved(primary, base=sited)
    assert achieved(solution, KIND) == target
    assert solution.objective == pytest.approx(cost)


def test_a_ceiling_closes_the_dearest():
    # all would be open for the visits of the region, at no more than one primary centre
    free = solved(base=region)
    assert free.sites["open"].all()
    primary = count(at_most=1, scope={"category": "primary_centre"})
    solution = solved(primary, base=region)
    assert achieved(solution, KIND) == 1
    assert solution.objective > free.objective


def test_a_range_and_equals():
    assert achieved(solved(count(at_least=3, at_most=4), base=sited), KIND) == 3
    assert achieved(solved(count(equals=4), base=sited), KIND) == 4


def test_the_audit_of_the_allocation_agrees():
    # what a solution leaves closed, the audit of its stock does not count as open
    solution = solved(count(at_least=2), base=sited)
    rows = audit(solution.scenario, solution.stock).clause_rows
    found = rows.loc[rows["allocation"] == "given", "achieved"].tolist()
    assert found == [achieved(solution, KIND)] == [2]


def test_no_price_is_put_on_what_the_priced_program_fixes():
    # one primary centre more costs ANNEX_OPEN; the program with the sites fixed cannot know, so
    # a price of 0 would say that it is free
    primary = count(at_least=1, scope={"category": "primary_centre"})
    solution = solved(primary, base=sited)
    row = solution.clause_rows.iloc[0]
    assert row["price_cny_a_year"] != 0
    assert "fixed" in row["price_basis"]


# --- counts that no choice of sites can reach


def test_more_than_there_are_is_refused():
    with pytest.raises(PlanError, match="asks for 5 open facilities, but only 4 in its scope"):
        quiet(clauses=[count(at_least=5)])
    with pytest.raises(PlanError, match="asks for 3 open facilities, but only 2 in its scope"):
        region(clauses=[count(equals=3, scope={"category": "primary_centre"})])
    # the candidate counts: it may open
    assert achieved(solved(count(at_least=4), base=sited), KIND) == 4
    quiet(clauses=[count(at_least=5, treatment="audit")])


def test_fewer_than_must_stay_is_refused():
    with pytest.raises(PlanError, match="allows 3 open facilities, but 4 in its scope cannot clo"):
        quiet(clauses=[count(at_most=3)])
    with pytest.raises(PlanError, match="allows 1 open facilities, but 2 in its scope cannot clo"):
        sited(clauses=[count(at_most=1)])
    assert achieved(solved(count(at_most=2), base=sited), KIND) == 2


def test_the_area_of_an_unreachable_count_is_named():
    each = count(at_least=2, each_area="village")
    with pytest.raises(PlanError) as raised:
        with_areas(clauses=[each])
    text = str(raised.value)
    assert "only 1 in its scope exist or are candidates in mill" in text
    assert "only 1 in its scope exist or are candidates in shore" in text
    with pytest.raises(PlanError, match="but 2 in its scope cannot close in west"):
        with_areas(clauses=[count(at_most=1, each_area="town", scope={"side": "west"})])


def test_the_forms_of_an_institution_are_one_facility():
    # the clinic or the hospital that it may become, and the annex
    east = {"side": "east"}
    assert achieved(solved(count(equals=2, scope=east), base=with_form), KIND) == 2
    with pytest.raises(PlanError, match="asks for 3 open facilities, but only 2 in its scope"):
        with_form(clauses=[count(at_least=3, scope=east)])


# --- in each area


def test_counts_in_each_area():
    assert measured(count(at_least=1, each_area="town"), base=with_areas) == {"west": 2, "east": 2}
    villages = count(at_least=1, each_area=("town", "village"))
    assert measured(villages, base=lambda **k: with_areas(region, **k)) == {
        "west": 2, "east": 1, "mill": 1, "shore": 0,
    }  # fmt: skip


def test_one_in_each_area():
    villages = count(at_least=1, each_area="village")
    solution = solved(villages, base=lambda **k: with_areas(sited, **k))
    assert achieved(solution, KIND) == {"mill": 1, "shore": 1}
    assert solution.objective == pytest.approx(KEPT + CLINIC_OPEN + ANNEX_OPEN)
