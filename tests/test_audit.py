"""Audits computed by hand: stock against the plan, and the plan against itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

import healthalloc as ha
from healthalloc.auditing import half_last_digit
from healthalloc.plan import Check
from tests.region import FACILITIES, STOCK, clause, edit, region, table

HELD = [
    clause("facility_target", id=f"{facility} {resource}", facility_id=facility, resource=resource,
           treatment="audit")
    for facility, resource in zip(STOCK["facility_id"], STOCK["resource_id"])
]  # fmt: skip
"""One clause for each stock row, so that an audit shows what an allocation holds."""


def proposals(text: str) -> pd.DataFrame:
    return table("proposal_id facility_id resource_id amount\n" + text)


def holdings(
    scenario: ha.Scenario, name: str, stock: pd.DataFrame | None = None
) -> dict[str, float]:
    """What an allocation holds where it differs from the base year, by facility and resource."""
    found = ha.audit(scenario, stock).clauses
    rows = found[found["allocation"] == name].set_index("clause_id")
    changed = rows[rows["achieved"] != rows["base_year"]]
    return {str(k): float(v) for k, v in changed["achieved"].items() if k in NAMES}


NAMES = {c.id for c in HELD}


def only(found: pd.DataFrame, allocation: str = "existing") -> pd.DataFrame:
    return found[found["allocation"] == allocation].set_index("clause_id")


# ------------------------------------------------------------------ the base year


@pytest.mark.parametrize(
    ("kind", "fields", "achieved", "slack", "met"),
    [
        # 40 beds, 10,000 residents
        ("ratio_to_population", {"resource": "bed", "unit": "per_1000_residents", "at_least": 4.2},
         4.0, -0.2, False),
        ("ratio_to_population", {"resource": "doctor", "unit": "per_10000_residents",
                                 "at_least": 8, "at_most": 13}, 10.0, 2.0, True),
        ("amount", {"resource": "icu_bed", "at_least": 2}, 2.0, 0.0, True),
        ("amount", {"resource": "staff", "about": 30, "tolerance": 3}, 26.0, -1.0, False),
        # 16 nurses, 10 doctors
        ("ratio_between_resources", {"resource": "nurse", "per_resource": "doctor",
                                     "at_most": 1.5}, 1.6, -0.1, False),
        # 10 of 40 beds are social
        ("resource_share", {"resource": "bed", "of_resource": "bed", "at_least": 20,
                            "part_scope": {"ownership": "social"}}, 25.0, 5.0, True),
        ("facility_target", {"facility_id": "city", "resource": "bed", "equals": 25},
         25.0, 0.0, True),
        # one of the three that are open; the candidate is not
        ("facility_share", {"resource": "fever_clinic", "at_least": 100},
         100 / 3, 100 / 3 - 100, False),
        ("facility_count", {"at_least": 4}, 3.0, -1.0, False),
        # 6,000 of 10,000 live within 12 km of the one fever clinic
        ("coverage", {"resource": "fever_clinic", "radius": 12, "radius_unit": "km",
                      "at_least": 60}, 60.0, 0.0, True),
        ("coverage", {"resource": "bed", "radius": 25, "radius_unit": "min", "at_least": 100},
         100.0, 0.0, True),
        ("surge_reserve", {"weights": {"icu_bed": 1.0, "general_bed": 0.5}, "at_least": 22},
         21.0, -1.0, False),
    ],
)  # fmt: skip
def test_the_base_year_against_one_clause(
    kind: str, fields: dict[str, Any], achieved: float, slack: float, met: bool
) -> None:
    scenario = region(clauses=[clause(kind, treatment="audit", baseline=achieved, **fields)])
    found = ha.audit(scenario)
    (row,) = found.clauses.to_dict("records")
    assert row["allocation"] == "existing"
    assert row["treatment"] == "audit"
    for name, wanted in (("achieved", achieved), ("base_year", achieved), ("slack", slack)):
        assert math.isclose(row[name], wanted, rel_tol=1e-12, abs_tol=1e-12), name
    assert row["met"] is met
    (check,) = found.arithmetic.to_dict("records")
    assert check["agrees"]


def test_one_value_for_each_facility_and_the_tightest_in_the_summary() -> None:
    scenario = region(clauses=[clause("per_facility_minimum", resource="doctor", at_least=3)])
    found = ha.audit(scenario)
    rows = found.clause_rows.set_index("facility_id")
    assert rows["achieved"].to_dict().keys() == {"city", "private", "clinic", "annex"}
    assert rows["achieved"].dropna().to_dict() == {"city": 4, "private": 2, "clinic": 4}
    assert rows["met"].to_dict() == {"city": True, "private": False, "clinic": True, "annex": None}
    (row,) = found.clauses.to_dict("records")
    assert (row["achieved"], row["slack"], row["met"]) == (2, -1, False)
    assert (row["tightest"], row["statements"]) == ("private", 4)


def test_a_recorded_clause_is_listed_and_not_measured() -> None:
    kept = clause("record", treatment="record", reason="an outcome", unit="years", at_least=79.0)
    found = ha.audit(region(clauses=[kept]))
    (row,) = found.clauses.to_dict("records")
    assert row["target"] == ">= 79"
    assert math.isnan(row["achieved"])
    assert row["met"] is None
    assert found.arithmetic.empty


def test_no_clause_and_no_check() -> None:
    found = ha.audit(region())
    assert found.clauses.empty
    assert found.clause_rows.empty
    assert found.arithmetic.empty
    assert found.disagreements.empty
    assert found.notes == ()
    assert all(len(t.columns) for t in found.tables().values())


def test_an_audit_needs_no_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    import highspy
    import pulp

    def break_down(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a solver was called")

    monkeypatch.setattr(highspy.Highs, "__init__", break_down)
    monkeypatch.setattr(pulp.LpProblem, "solve", break_down)
    assert len(ha.audit(region(clauses=HELD)).clauses) == 18


# ------------------------------------------------------------------ proposals


def test_what_a_proposal_names_is_set_and_the_rest_stays() -> None:
    scenario = region(
        clauses=HELD,
        proposals=proposals("""
            a city     nurse    12
            a private  icu_bed   2
            b city     nurse     9
        """),
    )
    assert holdings(scenario, "existing") == {}
    assert holdings(scenario, "a") == {"city nurse": 12, "private icu_bed": 2}
    assert holdings(scenario, "b") == {"city nurse": 9}
    assert ha.audit(scenario).notes == ()


def test_a_total_is_split_as_the_kinds_stand_today() -> None:
    # 23 general and 2 intensive-care beds of 25; 4 doctors and 10 nurses of 14
    scenario = region(clauses=HELD, proposals=proposals("a city bed 50\na city staff 7"))
    assert holdings(scenario, "a") == {
        "city general_bed": 46, "city icu_bed": 4, "city doctor": 2, "city nurse": 5,
    }  # fmt: skip
    (note,) = ha.audit(scenario).notes
    assert note.startswith("a: 2 totals were split")


def test_a_total_over_nothing_is_split_evenly() -> None:
    scenario = region(clauses=HELD, proposals=proposals("a annex staff 4"))
    assert holdings(scenario, "a") == {"annex doctor": 2, "annex nurse": 2}


def test_a_total_of_one_kind_is_not_split() -> None:
    scenario = region(clauses=HELD, proposals=proposals("a clinic bed 7"))
    assert holdings(scenario, "a") == {"clinic general_bed": 7}
    assert ha.audit(scenario).notes == ()


def test_a_total_of_nothing_empties_all_kinds() -> None:
    scenario = region(clauses=HELD, proposals=proposals("a city bed 0"))
    assert holdings(scenario, "a") == {"city general_bed": 0, "city icu_bed": 0}


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_a_total_and_one_of_its_kinds(order: list[int]) -> None:
    """A plan that prints 50 beds, 10 of them intensive care, means 40 others."""
    both = proposals("a city bed 50\na city icu_bed 10").iloc[order]
    scenario = region(clauses=HELD, proposals=both)
    assert holdings(scenario, "a") == {"city general_bed": 40, "city icu_bed": 10}


def test_what_cannot_be_placed_is_noted() -> None:
    scenario = region(clauses=HELD, proposals=proposals("a clinic icu_bed 3\na city nurse 11"))
    assert holdings(scenario, "a") == {"city nurse": 11}
    (note,) = ha.audit(scenario).notes
    assert note == "a: clinic has no stock row for icu_bed: left out"


def test_totals_of_a_proposal_against_the_plan() -> None:
    scenario = region(
        clauses=[
            clause("amount", resource="bed", at_least=60),
            clause("ratio_to_population", id="rate", resource="bed", unit="per_1000_residents",
                   at_least=6.5),
        ],
        proposals=proposals("a city bed 50"),
    )  # fmt: skip
    rows = only(ha.audit(scenario).clauses, "a")
    assert rows["achieved"].to_dict() == {"amount": 65.0, "rate": 6.5}
    assert rows["base_year"].to_dict() == {"amount": 40.0, "rate": 4.0}
    assert rows["met"].to_dict() == {"amount": True, "rate": True}


def test_a_candidate_that_gets_stock_is_open() -> None:
    scenario = region(
        clauses=[clause("facility_count", equals=4)],
        proposals=proposals("a annex doctor 2\nb city doctor 2"),
    )
    found = ha.audit(scenario)
    assert only(found.clauses, "a")["achieved"].tolist() == [4]
    assert only(found.clauses, "b")["achieved"].tolist() == [3]


def test_a_candidate_that_gets_nothing_is_not_open() -> None:
    scenario = region(
        clauses=[clause("facility_count", equals=3)], proposals=proposals("a annex doctor 0")
    )
    assert only(ha.audit(scenario).clauses, "a")["achieved"].tolist() == [3]


# ------------------------------------------------------------------ a given allocation


@pytest.mark.parametrize("column", ["allocated", "amount"])
def test_a_given_allocation(column: str) -> None:
    stock = pd.DataFrame(
        {"facility_id": ["city", "clinic"], "resource_id": ["nurse", "bed"], column: [11, 6.5]}
    )
    wanted = {"city nurse": 11.0, "clinic general_bed": 6.5}
    assert holdings(region(clauses=HELD), "given", stock) == wanted


def test_further_columns_are_of_no_matter() -> None:
    stock = STOCK.assign(allocated=STOCK["existing"] + 1, change=1, name="x")
    found = holdings(region(clauses=HELD), "given", stock)
    assert len(found) == 18
    assert found["city doctor"] == 5


def test_the_allocation_given_is_not_changed() -> None:
    stock = pd.DataFrame({"facility_id": ["city"], "resource_id": ["nurse"], "allocated": [11]})
    before = stock.copy()
    ha.audit(region(), stock)
    pd.testing.assert_frame_equal(stock, before)


def refused(stock: pd.DataFrame) -> tuple[ha.Problem, ...]:
    with pytest.raises(ha.DataError) as caught:
        ha.audit(region(), stock)
    return caught.value.problems


def test_every_fault_of_a_given_allocation() -> None:
    good = {"facility_id": "city", "resource_id": "nurse", "allocated": 1.0}
    (problem,) = refused(pd.DataFrame([good | {"facility_id": "citty"}]))
    assert (problem.table, problem.row, problem.column) == ("stock given", 1, "facility_id")
    assert problem.value == "citty"
    assert "did you mean city?" in str(problem)
    problems = refused(
        pd.DataFrame([good, good | {"resource_id": "nurs"}, good | {"facility_id": "x"}])
    )
    assert [(p.row, p.column, p.value) for p in problems] == [
        (3, "facility_id", "x"), (2, "resource_id", "nurs"),
    ] or [(p.row, p.column, p.value) for p in problems] == [
        (2, "resource_id", "nurs"), (3, "facility_id", "x"),
    ]  # fmt: skip
    for amount, words in ((-1.0, "out of range"), (math.nan, "empty"), (math.inf, "infinite")):
        (problem,) = refused(pd.DataFrame([good | {"allocated": amount}]))
        assert (problem.row, words in str(problem)) == (1, True)
    (problem,) = refused(pd.DataFrame([good, good]))
    assert problem.row == 2
    (problem,) = refused(pd.DataFrame([good]).drop(columns="resource_id"))
    assert problem.column == "resource_id"
    assert "missing column" in str(problem)


def test_proposals_and_a_given_allocation_together() -> None:
    scenario = region(clauses=HELD, proposals=proposals("a city nurse 12"))
    stock = pd.DataFrame({"facility_id": ["city"], "resource_id": ["nurse"], "allocated": [11]})
    found = ha.audit(scenario, stock)
    assert list(dict.fromkeys(found.clauses["allocation"])) == ["existing", "a", "given"]


@pytest.mark.parametrize("name", ["given", "existing"])
def test_a_proposal_has_a_name_of_its_own(name: str) -> None:
    """A proposal called like one of ours is refused, not lost behind it."""
    with pytest.raises(ha.DataError, match=f"'{name}' is a name that the audit uses itself"):
        region(clauses=HELD, proposals=proposals(f"{name} city nurse 12"))


@pytest.mark.parametrize(
    "kind",
    [
        {"kind": "facility_count"},
        {"kind": "facility_share", "resource": "fever_clinic"},
        {"kind": "per_facility_minimum", "resource": "doctor"},
        {"kind": "amount", "resource": "staff"},
        {"kind": "ratio_between_resources", "resource": "nurse", "per_resource": "doctor",
         "each": True},
        {"kind": "coverage", "resource": "doctor", "radius": 10, "radius_unit": "km"},
    ],
    ids=lambda k: k["kind"],
)  # fmt: skip
def test_an_audit_of_an_answer_finds_what_the_answer_says(kind: dict[str, Any]) -> None:
    """Here the clinic closes and the annex does not open, and neither may count as open."""
    scenario = region(
        clauses=[clause(treatment="audit", at_least=1, **kind)],
        facilities=edit(FACILITIES, site_cost_cny=1e9),
    )
    solution = ha.solve(scenario).require_optimal()
    assert solution.sites["open"].tolist() == [True, True, False, False]
    found = ha.audit(scenario, solution.stock).clause_rows
    given = found[found["allocation"] == "given"].reset_index(drop=True)
    assert np.array_equal(given["achieved"], solution.clause_rows["achieved"], equal_nan=True)
    assert given["met"].tolist() == solution.clause_rows["met"].tolist()


# ------------------------------------------------------------------ the plan against itself


FACTS = table("""
fact_id  value  unit  quote
a            6  u     six
b            4  u     four
c          2.5  u     two_and_a_half
half       0.5  u     half
nil          0  u     none
""")


def checked(check: Check) -> dict[str, Any]:
    (row,) = ha.audit(region(facts=FACTS, checks=[check])).arithmetic.to_dict("records")
    return row


@pytest.mark.parametrize(
    ("fields", "computed", "text"),
    [
        ({"sum": ("a",)}, 6.0, "a 6 = 6"),
        ({"sum": ("a", "b")}, 10.0, "a 6 + b 4 = 10"),
        ({"sum": ("a", "a")}, 12.0, "a 6 + a 6 = 12"),
        ({"sum": ("a",), "times": ("b",)}, 24.0, "a 6 x b 4 = 24"),
        (
            {"sum": ("a", "b"), "times": ("c", "half")},
            12.5,
            "(a 6 + b 4) x c 2.5 x half 0.5 = 12.5",
        ),
        ({"sum": ("a",), "over": ("b",)}, 1.5, "a 6 / b 4 = 1.5"),
        ({"sum": ("a", "b"), "over": ("c",)}, 4.0, "(a 6 + b 4) / c 2.5 = 4"),
        ({"sum": ("a",), "over": ("b", "half")}, 6 / 4.5, "a 6 / (b 4 + half 0.5) = 1.33333"),
        ({"sum": ("a",), "scale": 1000.0}, 6000.0, "a 6 x 1000 = 6000"),
        (
            {"sum": ("a", "b"), "times": ("c",), "over": ("half",), "scale": 100.0},
            5000.0,
            "(a 6 + b 4) x c 2.5 x 100 / half 0.5 = 5000",
        ),
    ],
)
def test_a_check_is_computed(fields: dict[str, Any], computed: float, text: str) -> None:
    row = checked(Check(id="x", printed="b", **fields))
    assert math.isclose(row["computed"], computed, rel_tol=1e-12)
    assert row["arithmetic"] == text
    assert row["printed"] == 4.0
    assert math.isclose(row["difference"], computed - 4.0, rel_tol=1e-12, abs_tol=1e-12)
    assert row["agrees"] == (abs(computed - 4.0) <= 0.5)
    assert row["quote"] == "four"


@pytest.mark.parametrize(
    ("scale", "agrees"), [(1.0, True), (1.019, True), (1.02, True), (1.021, False), (0.979, False)]
)
def test_by_default_half_of_the_last_digit_is_allowed(scale: float, agrees: bool) -> None:
    # printed 2.5, so 0.05 either way: 2.45 to 2.55
    assert checked(Check(id="x", printed="c", sum=("c",), scale=scale))["agrees"] == agrees


@pytest.mark.parametrize(
    ("tolerance", "scale", "agrees"), [(0.0, 1.0, True), (0.0, 1.001, False), (1.0, 1.4, True)]
)
def test_a_stated_tolerance_is_taken(tolerance: float, scale: float, agrees: bool) -> None:
    check = Check(id="x", printed="c", sum=("c",), scale=scale, tolerance=tolerance)
    assert checked(check)["agrees"] == agrees


def test_an_explanation_is_given_where_figures_disagree() -> None:
    assert checked(Check(id="x", printed="a", sum=("a",), explains="why"))["explains"] == ""
    assert checked(Check(id="x", printed="a", sum=("c",), explains="why"))["explains"] == "why"


def test_a_division_by_nothing_disagrees() -> None:
    row = checked(Check(id="x", printed="a", sum=("a",), over=("nil",)))
    assert math.isnan(row["computed"])
    assert not row["agrees"]


def test_disagreements_are_the_rows_that_do_not_agree() -> None:
    checks = [
        Check(id="right", printed="a", sum=("a",)),
        Check(id="wrong", printed="a", sum=("c",)),
    ]
    beds = clause("amount", resource="bed", baseline=41, at_least=1)
    found = ha.audit(region(facts=FACTS, checks=checks, clauses=[beds]))
    assert found.arithmetic["check_id"].tolist() == ["right", "wrong", "baseline of amount"]
    assert found.disagreements["check_id"].tolist() == ["wrong", "baseline of amount"]


@pytest.mark.parametrize(
    ("baseline", "agrees"), [(1.6, True), (1.55, False), (1.604, False), (2.0, True), (1.0, False)]
)
def test_a_printed_baseline_is_a_check(baseline: float, agrees: bool) -> None:
    ratio = clause("ratio_between_resources", resource="nurse", per_resource="doctor", at_least=1,
                   baseline=baseline)  # fmt: skip
    (row,) = ha.audit(region(clauses=[ratio])).arithmetic.to_dict("records")
    assert (row["printed"], row["computed"], row["agrees"]) == (baseline, 1.6, agrees)


def test_a_baseline_is_checked_in_each_facility() -> None:
    each = clause("ratio_between_resources", resource="nurse", per_resource="doctor", at_least=1,
                  baseline=2.0, each=True, scope={"category": "general_hospital"})  # fmt: skip
    rows = ha.audit(region(clauses=[each])).arithmetic
    assert rows["check_id"].tolist() == [
        f"baseline of ratio_between_resources in {place}" for place in ("city", "private")
    ]
    assert rows["computed"].tolist() == [2.5, 2.0]
    assert rows["agrees"].tolist() == [True, True]


@pytest.mark.parametrize(
    ("printed", "half"),
    [
        (9.8, 0.05), (0.15, 0.005), (1.94, 0.005), (4.0, 0.5), (1272.0, 0.5), (1200.0, 0.5),
        (0.0, 0.5), (0.001, 0.0005), (1e-7, 5e-8), (1e22, 0.5), (-3.25, 0.005), (0.3, 0.05),
    ],
)  # fmt: skip
def test_half_of_the_last_digit(printed: float, half: float) -> None:
    assert math.isclose(half_last_digit(printed), half, rel_tol=1e-12)


def test_tables_of_an_audit() -> None:
    found = ha.audit(region(clauses=HELD))
    assert list(found.tables()) == ["audit_clauses", "audit_clause_rows", "audit_arithmetic"]
    for name in ("audit_clauses", "audit_clause_rows"):
        frame = found.tables()[name]
        assert frame.columns[0] == "allocation"
        assert not [c for c in frame.columns if c.startswith("price")]
