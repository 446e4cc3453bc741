"""Area share: 100 x areas with a whole unit / areas of the level.

Towns: west (city, private) and east (clinic, annex, in its villages mill and shore). One fever
clinic, in the city; beds in all but the annex.
"""

from __future__ import annotations

import numpy as np
import pytest

from healthalloc import PlanError, solve
from tests.plan.checks import achieved, agreed_price, changes, measured, met, solved
from tests.region import (
    AREA_OF,
    FACILITIES,
    KEPT_CNY,
    clause,
    edit,
    quiet,
    region,
    sited,
    with_areas,
)

KIND = "area_share"


def fever(**fields):
    return clause(KIND, **{"resource": "fever_clinic", "level": "town"} | fields)


@pytest.mark.parametrize(
    ("fields", "percent"),
    [
        ({}, 50),
        ({"resource": "general_bed"}, 100),
        ({"resource": "bed", "level": "county"}, 100),
        # the hospitals of the west stand in no village
        ({"resource": "bed", "level": "village"}, 50),
        ({"resource": "doctor", "level": "village"}, 50),
        ({"resource": "bed", "scope": {"side": "west"}}, 50),
        ({"resource": "bed", "scope": {"category": ["primary_centre"]}, "level": "village"}, 50),
    ],
)
def test_measures_areas_where_something_stands(fields, percent):
    assert measured(fever(at_least=1, **fields), base=with_areas) == percent


def test_measures_a_given_stock():
    village = fever(level="village", at_least=1)
    assert measured(village, {("annex", "fever_clinic"): 1}, base=with_areas) == 50
    both = {("annex", "fever_clinic"): 1, ("clinic", "fever_clinic"): 1}
    assert measured(village, both, base=with_areas) == 100
    # the town does not count twice
    assert measured(fever(at_least=1), both, base=with_areas) == 100


def test_counts_the_areas_of_an_area():
    of_east = fever(resource="bed", level="village", area="east", at_least=1)
    assert measured(of_east, base=with_areas) == {"east": 50}
    assert measured(fever(area="east", at_least=1), base=with_areas) == {"east": 0}
    each = fever(resource="bed", level="village", each_area="town", treatment="audit")
    found = measured(each, base=with_areas)
    assert found["east"] == 50
    assert np.isnan(found["west"])  # it has no village


def test_an_area_without_any_is_neither_met_nor_enforced():
    solution = solved(fever(level="village", area="west", at_least=100), base=with_areas)
    assert met(solution, KIND) == {"west": None}
    assert solution.objective == pytest.approx(KEPT_CNY)


def test_enforces_with_whole_units():
    solution = solved(fever(at_least=100), base=with_areas, whole_units=True)
    assert achieved(solution, KIND) == 100
    assert [f for f, _ in changes(solution)] in (["clinic"], ["annex"])
    assert solution.objective == pytest.approx(KEPT_CNY + 60)
    villages = solved(fever(level="village", at_least=60), base=with_areas, whole_units=True)
    assert villages.objective == pytest.approx(KEPT_CNY + 2 * 60)


def test_a_closed_facility_does_not_count():
    # bed-less, the annex opens with its doctor; that is cheaper than to keep the clinic
    staffed = fever(resource="doctor", scope={"side": "east"}, at_least=50)
    solution = solved(staffed, base=lambda **k: with_areas(sited, **k), whole_units=True)
    assert solution.sites["open"].tolist() == [True, True, False, True]
    assert measured(staffed, base=lambda **k: with_areas(region, **k)) == 50


def test_price_of_one_percent_of_areas():
    # of two towns, one fever clinic is 50 %
    assert agreed_price(lambda t: fever(at_least=t), 75, base=with_areas) == pytest.approx(60 / 50)


def test_a_facility_above_the_level_stands_in_no_area_of_it():
    facilities = edit(quiet().facilities, site_cost_cny=0.0)
    facilities["area"] = facilities["facility_id"].map(AREA_OF | {"city": "county"})
    assert measured(fever(at_least=1), base=with_areas, facilities=facilities) == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"level": "twon"}, "'twon' is no known level of areas .did you mean town"),
        ({"at_most": 50}, "a ceiling of 50 % of areas cannot be enforced"),
        ({"at_least": 101}, "the target is above 100 % of areas"),
        ({"at_least": 1, "resource": "fever"}, "is no known resource"),
    ],
)
def test_what_makes_no_sense_is_refused(fields, message):
    with pytest.raises(PlanError, match=message):
        with_areas(clauses=[fever(**fields)])


def test_a_ceiling_is_audited():
    solution = solve(with_areas(clauses=[fever(at_most=40, treatment="audit")]))
    assert solution.clauses["met"].tolist() == [False]


def test_without_a_table_of_areas_it_is_refused():
    with pytest.raises(PlanError, match=r"add areas\.csv"):
        quiet(facilities=FACILITIES, clauses=[fever(at_least=1)])
