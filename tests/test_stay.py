"""Shorter stays free beds: 10.7 days become 9.7, by hand.

1,000 admissions a year of 10.7 days are 1,000 x 10.7 / 365 = 29.3 patients in bed on an average
day, at an occupancy of 0.8 36.6 beds; of 9.7 days 26.6 patients and 33.2 beds: 3.4 beds freed.
"""

from __future__ import annotations

from typing import Any

import pytest

import healthalloc as ha
from tests.region import (
    FACILITIES,
    POPULATIONS,
    RESOURCES,
    SERVICES,
    STOCK,
    clause,
    edit,
    region,
    table,
)

BEFORE, AFTER = 1000 * 10.7 / 365 / 0.8, 1000 * 9.7 / 365 / 0.8
REQUIREMENTS = """
service_id  resource_id  category          amount  basis
inpatient   general_bed  general_hospital       1  per_patient
inpatient   nurse        general_hospital     100  cases_per_unit
"""


def hospital(requirements: str = REQUIREMENTS, **changes: Any) -> ha.Scenario:
    """The city hospital and 10,000 residents beside it; fractions are allowed."""
    tables = {
        "facilities": FACILITIES[FACILITIES["facility_id"] == "city"],
        "populations": edit(POPULATIONS.iloc[[0]], residents=10000),
        "stock": STOCK[STOCK["facility_id"] == "city"],
        "services": edit(SERVICES.iloc[[0]], stay_days=10.7),
        "demand": region().demand.iloc[[0]],
        "radii": region().radii.iloc[[0]],
        "requirements": table(requirements),
        "whole_units": False,
    }
    return region(**tables | changes)


def stay(**fields: Any) -> ha.Clause:
    given = {"services": ("inpatient",), "baseline": 10.7, "at_most": 9.7}
    return clause("length_of_stay", **given | fields)


def held(solution: ha.Solution, resource_id: str) -> float:
    return float(solution.stock.set_index("resource_id").at[resource_id, "allocated"])


def test_fewer_beds_are_needed_for_as_many_admissions() -> None:
    plain = ha.solve(hospital()).require_optimal()
    shorter = ha.solve(hospital(clauses=[stay()])).require_optimal()
    assert held(plain, "general_bed") == pytest.approx(BEFORE)
    assert held(shorter, "general_bed") == pytest.approx(AFTER)
    for solution in (plain, shorter):
        assert solution.flows["cases_a_year"].tolist() == pytest.approx([1000])
        # nurses are counted by the admission, not by the day
        assert held(solution, "nurse") == pytest.approx(10)
    # 3.4 general beds fewer are built and run
    assert plain.objective - shorter.objective == pytest.approx((BEFORE - AFTER) * 150)


def test_the_table_of_beds_freed() -> None:
    rows = ha.solve(hospital(clauses=[stay()])).beds_freed
    assert list(rows.columns) == [
        "facility_id", "service_id", "resource_id", "stay_days_before", "stay_days_after",
        "admissions_a_year", "beds_needed_before", "beds_needed_after", "beds_freed",
    ]  # fmt: skip
    assert rows.iloc[0].tolist()[:3] == ["city", "inpatient", "general_bed"]
    found = rows.iloc[0, 3:].astype(float).tolist()
    assert found == pytest.approx([10.7, 9.7, 1000, BEFORE, AFTER, BEFORE - AFTER])
    assert found[-1] == pytest.approx(3.4247, abs=1e-4)
    assert len(rows) == 1


def test_the_table_is_written_where_a_stay_is_stated() -> None:
    assert "beds_freed" in ha.solve(hospital(clauses=[stay()])).tables()
    assert "beds_freed" not in ha.solve(hospital()).tables()


def test_nothing_is_freed_where_nothing_is_shortened() -> None:
    for unchanged in (stay(at_most=10.7), stay(treatment="audit"), stay(at_most=12)):
        solution = ha.solve(hospital(clauses=[unchanged]))
        assert solution.beds_freed.empty
        assert held(solution, "general_bed") == pytest.approx(BEFORE)


def test_of_two_the_shorter_stay_counts() -> None:
    solution = ha.solve(hospital(clauses=[stay(id="a"), stay(id="b", at_most=8.56)]))
    assert solution.beds_freed["stay_days_after"].tolist() == pytest.approx([8.56])
    assert held(solution, "general_bed") == pytest.approx(BEFORE * 0.8)


def test_staff_by_the_patient_in_bed_shrinks_with_the_stay() -> None:
    by_day = REQUIREMENTS.replace("100  cases_per_unit", "0.5  per_patient")
    solution = ha.solve(hospital(by_day, clauses=[stay()])).require_optimal()
    assert held(solution, "nurse") == pytest.approx(0.5 * AFTER * 0.8)
    # nurses are no beds
    assert solution.beds_freed["resource_id"].tolist() == ["general_bed"]


def test_any_bed_counts_at_the_availability_of_those_held() -> None:
    # 30 general beds at 0.8 and 30 ICU beds at 0.5 are used at 0.65
    any_bed = REQUIREMENTS.replace("general_bed", "bed").replace("100  cases", "100  cases")
    resources = edit(RESOURCES, {"resource_id": "icu_bed"}, availability=0.5)
    stock = STOCK[STOCK["facility_id"] == "city"]
    for name in ("general_bed", "icu_bed"):
        stock = edit(stock, {"resource_id": name}, existing=30.0, lower=30.0, upper=30.0)
    given = {"resources": resources, "stock": stock, "clauses": [stay()]}
    rows = ha.solve(hospital(any_bed, **given)).require_optimal().beds_freed
    assert rows["resource_id"].tolist() == ["bed"]
    assert rows["beds_freed"].tolist() == pytest.approx([1000 * 1.0 / 365 / 0.65])


def test_whole_beds_are_kept() -> None:
    solution = ha.solve(hospital(clauses=[stay()], whole_units=True)).require_optimal()
    assert held(solution, "general_bed") == 34
    assert solution.beds_freed["beds_freed"].tolist() == pytest.approx([BEFORE - AFTER])


def test_the_clause_is_told_with_its_stay() -> None:
    row = ha.solve(hospital(clauses=[stay()])).clauses.iloc[0]
    assert (row["baseline"], row["target"], row["unit"]) == (10.7, "<= 9.7", "days")
    assert row["achieved"] == pytest.approx(9.7)
    assert bool(row["met"])
