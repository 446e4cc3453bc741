"""Clauses that contradict each other or the limits of the stock, found by plain arithmetic."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import healthalloc as ha
from healthalloc import Plan
from tests.region import clause, region, with_areas


def found(*clauses: ha.Clause, against: str, **changes: Any) -> pd.DataFrame:
    """Rows of the audit that are held against a clause or the limits."""
    arithmetic = ha.audit(region(plan=Plan(list(clauses)), **changes)).arithmetic
    return arithmetic[arithmetic["against"] == against].set_index("check_id")


def test_a_floor_above_the_limits_of_the_stock() -> None:
    # fever clinics: at most one in each of four facilities
    asked = clause("amount", id="five", resource="fever_clinic", at_least=5, treatment="audit")
    row = found(asked, against="limits").loc["five against the limits of the stock"]
    assert (row["printed"], row["computed"], row["agrees"]) == (5, 4, False)
    assert "upper limits add up to 4 units, the floor is 5" in row["arithmetic"]


def test_a_floor_that_the_limits_just_allow_is_none() -> None:
    asked = clause("amount", id="four", resource="fever_clinic", at_least=4)
    assert found(asked, against="limits").empty


def test_a_ceiling_below_the_limits_of_the_stock() -> None:
    # three of the four facilities stay or may stay; two cannot close
    asked = clause("facility_count", id="one", at_most=1, treatment="audit")
    row = found(asked, against="limits").loc["one against the limits of the stock"]
    assert (row["printed"], row["computed"]) == (1, 2)


def test_a_part_cannot_exceed_the_whole_in_other_units() -> None:
    # 3 doctors per 1,000 of 10,000 residents are 30; the staff are to be at most 25
    part = clause(
        "ratio_to_population", id="doctors", resource="doctor", unit="per_1000_residents",
        at_least=3, treatment="audit",
    )  # fmt: skip
    whole = clause("amount", id="staff", resource="staff", at_most=25, treatment="audit")
    row = found(part, whole, against="clause").loc["doctors against staff"]
    assert row["printed"] == 3
    assert row["computed"] == pytest.approx(2.5)
    assert "leaves at most 2.5" in row["arithmetic"]


def test_a_whole_may_exceed_what_a_part_is_allowed() -> None:
    part = clause("amount", id="doctors", resource="doctor", at_most=5, treatment="audit")
    whole = clause("amount", id="staff", resource="staff", at_least=25, treatment="audit")
    assert found(part, whole, against="clause").empty


def test_a_range_does_not_contradict_itself() -> None:
    asked = clause("amount", id="staff", resource="staff", at_least=20, at_most=25)
    assert found(asked, against="clause").empty


def test_an_area_against_the_region() -> None:
    whole = clause("amount", id="all", resource="icu_bed", at_most=2, treatment="audit")
    part = clause(
        "amount", id="west", resource="icu_bed", at_least=4, area="west", treatment="audit"
    )
    arithmetic = ha.audit(with_areas(plan=Plan([whole, part]))).arithmetic
    assert "west in west against all" in set(arithmetic["check_id"])


def test_what_is_recorded_contradicts_nothing() -> None:
    noted = clause(
        "record", id="wish", treatment="record", reason="not measured", at_least=99, unit="beds"
    )
    ceiling = clause("amount", id="beds", resource="bed", at_most=50)
    assert found(noted, ceiling, against="clause").empty
