"""The five real plans: no clause lost, each with its row, the tables reproduced.

``data/clause_ids.csv`` lists the 124 clauses that were found in the texts of the five plans, and
what was said should be done with each.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import healthalloc as ha

EXAMPLES = Path(__file__).parents[1] / "examples"
LISTED = pd.read_csv(Path(__file__).parent / "data" / "clause_ids.csv")
PLANS = sorted(LISTED["example"].unique())


@cache
def scenario_of(name: str) -> ha.Scenario:
    return ha.read_scenario(EXAMPLES / name)


@cache
def relaxed(name: str) -> ha.Solution:
    """The plan with fractions of units allowed, which is quick; sites stay whole."""
    return ha.solve(scenario_of(name), whole_units=False, gap=1e-3)


def listed(name: str) -> pd.DataFrame:
    return LISTED[LISTED["example"] == name]


def test_five_plans_and_124_clauses_are_listed() -> None:
    assert len(PLANS) == 5
    assert LISTED["clause_id"].nunique() == len(LISTED) == 124


@pytest.mark.parametrize("name", PLANS)
def test_no_clause_is_lost(name: str) -> None:
    ids = {clause.id for clause in scenario_of(name).plan.clauses}
    assert set(listed(name)["clause_id"]) <= ids


@pytest.mark.parametrize("name", PLANS)
def test_clauses_are_treated_as_listed_or_say_why_not(name: str) -> None:
    plan = scenario_of(name).plan
    for clause_id, wanted in zip(listed(name)["clause_id"], listed(name)["treatment"]):
        parts = [clause for clause in plan.clauses if clause.id == clause_id]
        if wanted == "enforce" and not any(c.treatment == "enforce" for c in parts):
            assert any(c.note or getattr(c, "reason", "") for c in parts), clause_id


@pytest.mark.parametrize("name", PLANS)
def test_every_clause_has_one_row_with_its_value_and_price(name: str) -> None:
    table = relaxed(name).require_optimal().clauses.set_index("clause_id")
    assert table.index.is_unique
    rows = table.loc[listed(name)["clause_id"]]
    assert (rows["quote"] != "").all()
    assert rows["treatment"].isin(["enforce", "audit", "record"]).all()
    # a price, or why there is none
    assert (rows["price_basis"] != "").all()
    priced = rows["price_basis"].str.startswith("dual")
    assert rows["price_cny_a_year"][priced].ge(0).all()
    enforced = table[table["treatment"] == "enforce"]
    assert not (enforced["met"] == False).any()  # noqa: E712  (None: nothing to measure)


@pytest.mark.parametrize("name", PLANS)
def test_every_clause_is_audited(name: str) -> None:
    audit = ha.audit(scenario_of(name))
    for _, part in audit.clauses.groupby("allocation"):
        assert set(listed(name)["clause_id"]) <= set(part["clause_id"])
    assert len(audit.disagreements)  # every one of these plans has figures that do not follow
    assert audit.disagreements["arithmetic"].ne("").all()


@pytest.mark.parametrize("name", PLANS)
def test_every_input_says_where_it_comes_from(name: str) -> None:
    for table in scenario_of(name).tables.values():
        assert table["source"].ne("").all()
    assert len(scenario_of(name).assumptions())


@pytest.mark.parametrize("name", PLANS)
def test_populations_add_up_to_the_counties(name: str) -> None:
    areas, populations = scenario_of(name).areas, scenario_of(name).populations
    county = areas[areas["level"].isin(["county", "district"])]
    assert county["residents"].notna().all()
    assert county["residents"].sum() == populations["residents"].sum()


@pytest.mark.parametrize(
    ("name", "clauses", "beds"),
    [
        ("panzhihua_west", ["xq-24", "xq-25", "xq-26", "xq-27"], [800, 315, 40, 0, 0]),
        ("leshan_shizhong", ["lss-17"], [1000, 500, 300, 300, 300, 150, 120]),
    ],
)
def test_the_table_of_beds_is_reproduced_and_may_be_freed(
    name: str, clauses: list[str], beds: list[float]
) -> None:
    fixed = relaxed(name)
    rows = fixed.clause_rows[fixed.clause_rows["clause_id"].isin(clauses)]
    assert rows["achieved"].to_numpy() == pytest.approx(beds, abs=1e-6)
    proposed = ha.audit(scenario_of(name)).clause_rows
    table = proposed[(proposed["allocation"] != "existing") & proposed["clause_id"].isin(clauses)]
    assert table["achieved"].to_numpy() == pytest.approx(beds)
    free = ha.solve(scenario_of(name).audit_only(*clauses), whole_units=False, gap=1e-3)
    assert free.objective <= fixed.objective * (1 + 1e-3)


PAGE = EXAMPLES.parent / "docs" / "explanation" / "five-plans.md"


def table_of_the_page() -> pd.DataFrame:
    """The table of the page, a column a folder, a row a line."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:14]]
    folders = [cell.strip("`") for cell in cells[2][1:]]
    return pd.DataFrame({row[0]: row[1:] for row in cells[3:]}, index=folders).T


@pytest.mark.parametrize("name", PLANS)
def test_the_page_that_shows_the_five_is_up_to_date(name: str) -> None:
    column = table_of_the_page()[name]
    solution, audit = relaxed(name), ha.audit(scenario_of(name))
    assert float(column["residents"].replace(",", "")) == solution.model.layout.residents
    quoted = float(column["cost per resident, CNY a year"].replace(",", ""))
    cost = solution.cost.set_index("component")["cny_a_year_per_resident"]["total"]
    assert quoted == pytest.approx(cost, rel=3e-3)  # whole units cost a little more
    treatment = solution.clauses["treatment"].value_counts()
    for word, row in [
        ("enforce", "enforced"),
        ("audit", "only measured"),
        ("record", "only recorded"),
    ]:
        assert int(column[f"clauses {row}"]) == treatment.get(word, 0)
    found = f"{len(audit.disagreements)} of {len(audit.arithmetic)}"
    assert column["figures that do not follow"] == found


def test_miyis_15000_health_workers_are_flagged() -> None:
    found = ha.audit(scenario_of("miyi")).disagreements
    mine = found[
        found["check_id"].str.contains("my-06") | found["arithmetic"].str.contains("15000")
    ]
    assert len(mine)


def test_the_city_is_one_program_with_its_five_counties() -> None:
    city = scenario_of("panzhihua")
    counties = city.areas[city.areas["level"] == "county"]
    assert len(counties) == 5
    kept = {clause.area for clause in city.plan.clauses if clause.id.startswith(("xq-", "my-"))}
    assert kept <= set(city.areas["area_id"])
    assert len(kept) >= 2
    rows = relaxed("panzhihua").clause_rows
    each = rows[rows["area_id"].isin(counties["area_id"]) & rows["clause_id"].str.startswith("pzh")]
    assert set(each["area_id"]) == set(counties["area_id"])
    assert np.isfinite(relaxed("panzhihua").objective)
