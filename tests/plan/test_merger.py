"""Merger: open hosts within the radius of a branch / the branch; and branches that must stay.

Branches are clinic (km 30) and annex (km 50), hosts city (0) and private (10). Within 20 km of
the clinic live village and hamlet, 4,000 residents, and the same within 20 km of the annex.
"""

from __future__ import annotations

import numpy as np
import pytest

from healthalloc import PlanError, Status, audit, solve
from healthalloc.explain.repairs import repairs
from tests.plan.checks import achieved, measured, met, solved
from tests.plan.test_facility_count import ANNEX_OPEN, CLINIC_CLOSED, CLINIC_OPEN, KEPT
from tests.region import (
    FACILITIES,
    KM_PER_DEGREE,
    POPULATIONS,
    clause,
    edit,
    quiet,
    sited,
    with_areas,
    with_form,
)

KIND = "merger"
BRANCHES, HOSTS = {"category": "primary_centre"}, {"category": "general_hospital"}


def merged(**fields):
    given = {"scope": BRANCHES, "hosts": HOSTS, "radius": 20, "radius_unit": "km"}
    return clause(KIND, **given | fields)


def both():
    return clause("facility_count", scope=BRANCHES, equals=2)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, {"clinic": 1, "annex": 0}),
        ({"radius": 40}, {"clinic": 2, "annex": 1}),
        ({"radius": 50}, {"clinic": 2, "annex": 2}),
        ({"radius": 50, "hosts": {"ownership": "social"}}, {"clinic": 1, "annex": 1}),
        # a km takes a minute from clinic and annex
        ({"radius": 39, "radius_unit": "min"}, {"clinic": 2, "annex": 0}),
        ({"radius": 50, "habit": {"clinic": "city"}}, {"clinic": 1, "annex": 2}),
        ({"habit": {"clinic": "city"}}, {"clinic": 0, "annex": 0}),
    ],
)
def test_measures_open_hosts_of_each_branch(fields, found):
    assert measured(merged(at_least=1, treatment="audit", **fields)) == found


def test_a_closed_branch_needs_no_host():
    found = measured(merged(at_least=1, treatment="audit"), base=sited)
    assert np.isnan(found.pop("annex"))
    assert found == {"clinic": 1}


def test_a_branch_is_kept_only_near_an_open_host():
    # the annex is the cheaper branch, and too far from any host
    one = clause("facility_count", scope=BRANCHES, at_least=1)
    assert solved(one, base=sited).objective == pytest.approx(KEPT + CLINIC_CLOSED + ANNEX_OPEN)
    solution = solved(merged(at_least=1), one, base=sited)
    assert solution.objective == pytest.approx(KEPT + CLINIC_OPEN)
    assert met(solution, KIND) == {"clinic": True, "annex": None}
    assert solve(sited(clauses=[merged(at_least=1), both()])).status is Status.INFEASIBLE
    far = solved(merged(at_least=1, radius=40), both(), base=sited)
    assert achieved(far, KIND) == {"clinic": 2, "annex": 1}


def test_a_host_stays_open_for_its_branch():
    # the private hospital may close; its stock and a site of 1,000 a year would be saved
    facilities = edit(FACILITIES, {"facility_id": "private"}, site="closable", site_cost_cny=1000.0)
    stock = sited().stock.fillna({"upper": 50.0})
    given = {"facilities": facilities, "stock": stock, "base": sited}
    keep = clause("facility_count", scope={"facility_id": "clinic"}, equals=1)
    assert not solved(keep, **given).sites["open"][1]
    assert solved(keep, merged(at_least=1), **given).sites["open"][1]
    # to the city they go by habit, not to the private hospital
    by_habit = merged(at_least=1, radius=30, habit={"clinic": "city"})
    assert not solved(keep, by_habit, **given).sites["open"][1]


def test_where_many_live_a_branch_must_stay():
    free = solved(merged(at_least=1), base=sited)
    assert free.sites["open"].tolist() == [True, True, False, False]
    # with the hamlet at 25 km, 4,000 live within 20 km of the clinic and 3,000 of the annex
    near = edit(POPULATIONS, {"population_id": "hamlet"}, longitude=25 / KM_PER_DEGREE)
    stays = merged(residents_at_least=4000, at_least=1)
    solution = solved(stays, base=sited, populations=near)
    assert solution.sites["open"].tolist() == [True, True, True, False]
    rows = solution.clause_rows
    assert rows["facility_id"].tolist() == ["clinic", "annex", "clinic"]
    assert rows["met"].tolist() == [True, None, True]


def test_residents_of_a_branch_are_counted_within_its_radius():
    def rows(residents, radius):
        stays = merged(residents_at_least=residents, radius=radius, treatment="audit", at_least=1)
        found = audit(quiet(clauses=[stays])).clause_rows
        # after a row for each branch, one for each that must stay
        return found["facility_id"].tolist()[2:]

    assert rows(4001, 20) == []
    assert rows(4000, 20) == ["clinic", "annex"]
    assert rows(3000, 19) == ["clinic"]
    assert rows(1000, 19) == ["clinic", "annex"]


def test_a_branch_that_must_stay_far_from_any_host_is_infeasible():
    stays = merged(residents_at_least=4000, at_least=1)
    found = solve(sited(clauses=[stays]))
    assert found.status is Status.INFEASIBLE
    assert [clause.id for clause in found.conflict.clauses] == [KIND]


def test_a_branch_that_must_stay_far_from_any_host_is_mended_by_no_merger():
    found = repairs(sited(clauses=[merged(residents_at_least=4000, at_least=1)]))
    assert found.repairs
    assert {(c["member"], c["to"]) for c in found.changes().to_dict("records")} == {(KIND, 0.0)}


def test_a_host_by_habit_counts_in_whichever_of_its_forms():
    # residents of the annex go to the clinic, as it is or as the hospital that it may become
    given = {"scope": {"facility_id": "annex"}, "habit": {"annex": "clinic"}, "at_least": 1}
    either = merged(hosts={"side": "east", "facility_id": ["clinic", "clinic_plus"]}, **given)
    for form in ("clinic", "clinic_plus"):
        open_ = clause("facility_count", scope={"facility_id": form}, equals=1)
        assert achieved(solved(either, open_, base=with_form), KIND) == {"annex": 1}


def test_in_an_area_only_its_residents_are_counted():
    # 3,000 of the village live in the mill, 20 km from the annex on the shore
    shore = {"scope": {"facility_id": "annex"}, "treatment": "audit", "at_least": 1}
    for residents, must in ((1000, 2), (1001, 1)):
        stays = merged(residents_at_least=residents, area="shore", **shore)
        assert len(audit(with_areas(clauses=[stays])).clause_rows) == must


def test_the_audit_of_the_allocation_agrees():
    solution = solved(merged(at_least=1, radius=40), both(), base=sited)
    rows = audit(solution.scenario, solution.stock).clause_rows
    rows = rows[(rows["allocation"] == "given") & (rows["clause_id"] == KIND)]
    assert rows["achieved"].tolist() == list(achieved(solution, KIND).values()) == [2, 1]


def test_a_branch_may_be_another_form_of_what_is_merged():
    # the clinic may become a hospital 20 km from the private one
    merging = merged(scope={"facility_id": "clinic_plus"}, hosts={"level": "secondary",
                     "ownership": "social"}, at_least=1)  # fmt: skip
    upgrade = clause("facility_count", scope={"facility_id": "clinic_plus"}, equals=1)
    assert achieved(solved(merging, upgrade, base=with_form), KIND) == {"clinic_plus": 1}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hosts": {"side": ["east", "west"]}}, "facility clinic is both a branch and a host"),
        ({"habit": {"clinik": "city"}}, "'clinik' is no known facility .did you mean clinic"),
        ({"habit": {"clinic": "ctiy"}}, "'ctiy' is no known facility .did you mean city"),
        ({"scope": {"category": "branch"}}, "no facility has this category"),
        ({"hosts": {"kategory": "general_hospital"}}, "is no column of facilities"),
        ({"radius": -1}, "radius"),
        ({"residents_at_least": -1}, "residents_at_least"),
        ({"residents_at_least": 1, "at_least": 2}, "at_least is 1, or 0 for none"),
    ],
)
def test_what_makes_no_sense_is_refused(fields, message):
    with pytest.raises(PlanError, match=message):
        quiet(clauses=[merged(**{"at_least": 1} | fields)])
