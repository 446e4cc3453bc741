"""Facility count: sum of y over a scope."""

from __future__ import annotations

import pytest

from healthalloc import Status, audit, solve
from tests.plan.checks import achieved, measured, solved
from tests.region import clause, quiet, region, sited

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


def test_more_than_there_are_is_infeasible():
    found = solve(quiet(clauses=[count(at_least=5)]))
    assert found.status is Status.INFEASIBLE
