"""Facility per population: residents / open facilities, one at least for every area."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from healthalloc import PlanError, audit
from tests.plan.checks import achieved, measured, met, solved
from tests.plan.test_facility_count import ANNEX_OPEN, CLINIC_CLOSED, CLINIC_OPEN, KEPT
from tests.region import AREAS, clause, quiet, region, sited, with_areas

KIND = "facility_per_population"


def per_facility(**fields):
    return clause(KIND, **fields)


def sited_areas(**changes):
    return with_areas(sited, **changes)


def region_areas(**changes):
    return with_areas(region, **changes)


PRIMARY = {"category": "primary_centre"}


def test_measures_residents_for_each_open_facility():
    assert measured(per_facility(at_most=5000)) == 10000 / 4
    assert measured(per_facility(at_most=5000), base=region) == pytest.approx(10000 / 3)
    assert measured(per_facility(at_most=9999, scope=PRIMARY)) == 5000


def test_measures_each_area():
    towns = per_facility(at_most=5000, each_area="town")
    assert measured(towns, base=with_areas) == {"west": 3000, "east": 2000}
    assert measured(towns, base=region_areas) == {"west": 3000, "east": 4000}
    # the west has residents and no primary centre
    primary = per_facility(each_area="town", scope=PRIMARY, treatment="audit")
    assert measured(primary, base=with_areas) == {"west": math.inf, "east": 2000}


def test_measures_a_given_stock():
    east = per_facility(at_most=5000, area="east")
    assert measured(east, {("annex", "doctor"): 1}, base=region_areas) == {"east": 2000}
    closed = {("clinic", resource): 0 for resource in ("general_bed", "doctor", "nurse")}
    assert measured(east, closed, base=region_areas) == {"east": math.inf}


def test_a_floor_is_met_where_there_is_none():
    # so many residents or more for each facility: nobody has too few
    none = per_facility(at_least=3000, area="west", scope=PRIMARY)
    solution = solved(none, base=with_areas)
    assert achieved(solution, KIND) == {"west": math.inf}
    assert met(solution, KIND) == {"west": True}


def test_no_facility_at_all_is_not_met():
    primary = per_facility(each_area="town", scope=PRIMARY, at_most=9000, treatment="audit")
    rows = audit(with_areas(clauses=[primary])).clause_rows
    assert rows["met"].tolist() == [False, True]


@pytest.mark.parametrize(
    ("most", "cost"),
    [
        (4000, KEPT + CLINIC_CLOSED + ANNEX_OPEN),
        (3999, KEPT + CLINIC_OPEN + ANNEX_OPEN),
        (2000, KEPT + CLINIC_OPEN + ANNEX_OPEN),
    ],
)
def test_opens_as_many_as_the_residents_need(most, cost):
    primary = per_facility(at_most=most, area="east", scope=PRIMARY)
    solution = solved(primary, base=sited_areas)
    assert achieved(solution, KIND)["east"] <= most
    assert solution.objective == pytest.approx(cost)


def test_a_floor_keeps_others_from_opening():
    # the visits of the region would have both primary centres open
    free = solved(base=region_areas)
    assert free.sites["open"].all()
    solution = solved(per_facility(at_least=3000, area="east", scope=PRIMARY), base=region_areas)
    assert achieved(solution, KIND) == {"east": 4000}
    assert solution.objective > free.objective


def test_every_area_is_entitled_to_one():
    # 1,000 residents on the shore: one is allowed, as if they were 3,000, and one is needed
    shore = per_facility(area="shore", at_least=3000, at_most=10000)
    solution = solved(shore, base=sited_areas)
    assert achieved(solution, KIND) == {"shore": 3000}
    assert met(solution, KIND) == {"shore": True}
    assert solution.sites["open"].tolist() == [True, True, False, True]
    # in the east 4,000 allow one, not two
    assert measured(per_facility(area="east", at_least=5000, treatment="audit"),
                    base=with_areas) == {"east": 2500}  # fmt: skip


def test_an_area_where_nobody_lives_is_passed_over():
    wood = pd.DataFrame(
        [("wood", "Wood", "town", "county", np.nan, "made up")],
        columns=["area_id", "name", "level", "parent_id", "residents", "source"],
    )
    areas = pd.concat([AREAS[wood.columns], wood], ignore_index=True)
    towns = per_facility(at_most=5000, each_area="town")
    assert measured(towns, base=with_areas, areas=areas) == {"west": 3000, "east": 2000}
    alone = solved(per_facility(at_most=5000, area="wood"), base=with_areas, areas=areas)
    assert met(alone, KIND) == {"wood": None}


def test_the_audit_of_the_allocation_agrees():
    solution = solved(per_facility(at_most=2000, area="east", scope=PRIMARY), base=sited_areas)
    rows = audit(solution.scenario, solution.stock).clause_rows
    found = rows.loc[rows["allocation"] == "given", "achieved"].tolist()
    assert found == [2000] == list(achieved(solution, KIND).values())


def test_no_price_is_put_on_what_the_priced_program_fixes():
    solution = solved(per_facility(at_most=4000, area="east", scope=PRIMARY), base=sited_areas)
    row = solution.clause_rows.iloc[0]
    assert row["price_cny_a_year"] != 0
    assert "fixed" in row["price_basis"]


def test_too_few_candidates_are_refused_by_area():
    with pytest.raises(PlanError) as raised:
        with_areas(clauses=[per_facility(at_most=1500, each_area="town", scope=PRIMARY)])
    text = str(raised.value)
    # 6,000 and 4,000 residents for 1,500 each
    assert "needs 4 facilities for 6,000 residents, but only 0 in its scope" in text
    assert "in west" in text
    assert "needs 2.67 facilities for 4,000 residents, but only 2 in its scope" in text
    with pytest.raises(PlanError, match="for 10,000 residents, but only 4"):
        quiet(clauses=[per_facility(at_most=2400)])
    quiet(clauses=[per_facility(at_most=2400, treatment="audit")])
    quiet(clauses=[per_facility(at_most=2500)])
