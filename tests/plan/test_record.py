"""Record: no rows, nothing measured, listed with its reason."""

from __future__ import annotations

import math

import pytest

from healthalloc import PlanError, audit, formulate
from tests.plan.checks import solved
from tests.region import KEPT_CNY, clause, quiet


def record(**fields):
    given = {"reason": "an outcome, not an allocation", "unit": "years", "baseline": 77.2}
    return clause("record", **given | fields)


def test_is_listed_with_its_target_and_reason():
    row = solved(record(at_least=78.5)).clauses.iloc[0]
    assert row["clause_id"] == "record"
    assert (row["unit"], row["target"], row["baseline"]) == ("years", ">= 78.5", 77.2)
    assert row["price_basis"] == "an outcome, not an allocation"
    assert math.isnan(row["achieved"])
    assert math.isnan(row["slack"])
    assert math.isnan(row["price_cny_a_year"])
    assert row["met"] is None


def test_is_listed_by_the_audit_and_is_no_baseline_to_check():
    found = audit(quiet(clauses=[record(at_least=78.5)]))
    assert found.clauses["clause_id"].tolist() == ["record"]
    assert found.arithmetic.empty


def test_adds_no_row_and_costs_nothing():
    with_record, without = quiet(clauses=[record(at_least=1e9)]), quiet()
    assert formulate(with_record).program.n_rows == formulate(without).program.n_rows
    assert solved(record(at_least=1e9)).objective == pytest.approx(KEPT_CNY)


def test_measures_nothing():
    scenario = quiet()
    layout = formulate(scenario).layout
    assert record().measure(layout).n_rows == 0


def test_needs_no_target():
    assert solved(record()).clauses["target"].tolist() == [""]


@pytest.mark.parametrize("treatment", ["enforce", "audit"])
def test_cannot_be_enforced_or_measured(treatment):
    with pytest.raises(PlanError, match="treatment"):
        quiet(clauses=[record(treatment=treatment)])


def test_needs_a_reason():
    with pytest.raises(PlanError, match="reason"):
        quiet(clauses=[record(reason="")])
