"""A yearly budget: its row, its price, its part in conflicts, repairs, what-if and bundles."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import healthalloc as ha
from healthalloc.bundle import write_bundle
from healthalloc.cli.app import Exit, app
from healthalloc.explain.conflicts import find_conflicts
from healthalloc.explain.prices import price_solution
from healthalloc.explain.repairs import check_kept, correction, propose, repairs
from healthalloc.explain.what_if import WhatIf
from healthalloc.verification import verify
from tests.region import FACILITIES, KEPT_CNY, clause, edit, quiet, region

BEDS_CNY = 10 * 150
"""Ten general beds more than the 40 there are: 100 for each, and 50 to run it."""


def with_budget(scenario: ha.Scenario, budget: float | None) -> ha.Scenario:
    return scenario.replace(settings=replace(scenario.settings, budget_cny_a_year=budget))


def fifty(budget: float | None, **changes: Any) -> ha.Scenario:
    beds = clause("amount", id="beds", resource="bed", at_least=50.0)
    return with_budget(quiet(clauses=[beds], whole_units=False, **changes), budget)


def test_a_budget_that_is_not_used_up_is_free() -> None:
    found = ha.solve(fifty(10_000.0)).require_optimal()
    assert found.budget == {
        "budget_cny_a_year": 10_000.0,
        "spent_cny_a_year": pytest.approx(KEPT_CNY + BEDS_CNY),
        "price": pytest.approx(0.0, abs=1e-9),
    }
    assert found.run()["budget"] == found.budget
    cost = found.cost.set_index("component")["cny_a_year"]
    assert cost["spent_of_budget"] == pytest.approx(KEPT_CNY + BEDS_CNY)


def test_without_a_budget_nothing_is_said_of_one() -> None:
    found = ha.solve(fifty(None))
    assert found.budget is None
    assert "spent_of_budget" not in set(found.cost["component"])
    with pytest.raises(ha.PlanError, match=r"'nope' no enforced clause.*known: beds, budget"):
        check_kept(fifty(1e6), ["nope"])
    with pytest.raises(ha.PlanError, match="no clause"):
        WhatIf(fifty(None)).set("budget", 5.0)


@pytest.mark.parametrize("budget", ["-5", "0", "inf", "nan"])
def test_a_budget_that_is_none_is_refused_by_name(tmp_path: Path, budget: str) -> None:
    ha.write_scenario(fifty(1e6), tmp_path / "county")
    settings = tmp_path / "county" / "scenario.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(
        re.sub(r"(?m)^budget_cny_a_year = .*$", f"budget_cny_a_year = {budget}", text),
        encoding="utf-8",
    )
    with pytest.raises(ha.DataError, match=r"scenario.toml.*budget_cny_a_year.*" + budget):
        ha.read_scenario(tmp_path / "county")


def test_travel_and_penalties_are_not_paid_out_of_the_budget() -> None:
    free = ha.solve(region(whole_units=False))
    parts = free.cost.set_index("component")["cny_a_year"]
    paid = float(parts[["capital", "retirement", "operating", "staff", "site"]].sum())
    assert parts["objective"] > paid
    told = ha.solve(with_budget(region(whole_units=False), 2 * paid))
    assert told.budget is not None
    assert told.budget["spent_cny_a_year"] == pytest.approx(paid)


def test_a_budget_that_binds_costs_what_the_unserved_cost_more() -> None:
    scenario = region(whole_units=False, facilities=edit(FACILITIES, site="existing"))
    free = ha.solve(with_budget(scenario, 1e9))
    assert free.budget is not None
    spent = free.budget["spent_cny_a_year"]
    assert spent is not None
    tight = 0.97 * spent
    found = ha.solve(with_budget(scenario, tight)).require_optimal()
    assert found.budget is not None
    assert found.budget["spent_cny_a_year"] == pytest.approx(tight)
    more = ha.solve(with_budget(scenario, tight + 0.01)).objective
    less = ha.solve(with_budget(scenario, tight - 0.01)).objective
    price = found.budget["price"]
    assert price is not None
    assert price > 0
    # the price of a budget: what one CNY a year more saves, one less costs
    assert (found.objective - more) / 0.01 <= price * (1 + 1e-3)
    assert price <= (less - found.objective) / 0.01 * (1 + 1e-3)
    row = price_solution(found, resolve=0).clauses.set_index("clause_id").loc["budget"]
    assert row["side"] == "ceiling"
    assert row["price_low_cny_a_year"] <= price * (1 + 1e-6)
    assert price <= row["price_high_cny_a_year"] * (1 + 1e-6)
    assert row["whole_cny_a_year"] == pytest.approx(found.objective - free.objective)


def test_a_budget_too_small_is_in_the_conflict_with_what_it_cannot_pay() -> None:
    scenario = fifty(KEPT_CNY + BEDS_CNY - 150.0)
    found = ha.solve(scenario)
    assert found.status is ha.Status.INFEASIBLE
    for method in ("elastic", "iis"):
        conflict = find_conflicts(scenario, method=method)[0]
        members = conflict.table()
        assert set(members["kind"]) >= {"budget", "clause"}
        assert set(members.loc[members["kind"] != "stock limits", "member"]) == {"beds", "budget"}
    dropped = scenario.audit_only("beds")
    assert ha.solve(dropped).status is ha.Status.OPTIMAL
    assert ha.solve(with_budget(scenario, None)).status is ha.Status.OPTIMAL


def test_repairs_move_the_budget_or_the_target_and_hold() -> None:
    scenario = fifty(KEPT_CNY + BEDS_CNY - 150.0)
    found = repairs(scenario, keep_limits=True)
    by_member = {tuple(r.changes["member"]): r for r in found.repairs}
    assert set(by_member) >= {("budget",), ("beds",)}
    budget = by_member[("budget",)]
    change = budget.changes.iloc[0]
    assert change["kind"] == "budget"
    assert change["unit"] == "CNY a year"
    assert change["to"] == pytest.approx(KEPT_CNY + BEDS_CNY, rel=0.01)
    assert budget.scenario.settings.budget_cny_a_year == change["to"]
    assert by_member[("beds",)].changes["to"].iat[0] == pytest.approx(49.0)
    for repair in found.repairs:
        assert repair.solution.status is ha.Status.OPTIMAL
    rows = found.summary()
    allowed = [r.scenario.settings.budget_cny_a_year for r in found.repairs]
    assert (rows["spent_cny_a_year"] <= np.array(allowed) * (1 + 1e-9)).all()
    assert rows["spent_cny_a_year"].iat[found.repairs.index(budget)] == pytest.approx(
        KEPT_CNY + BEDS_CNY
    )
    kept = repairs(scenario, keep_limits=True, keep=["budget"])
    assert all("budget" not in set(r.changes["member"]) for r in kept.repairs)


def test_what_the_targets_alone_can_do_is_told_beside_more_money(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Though no time is left to search for sets, nor for repairs that leave something out."""
    monkeypatch.setattr(correction, "SECONDS", 0.0)
    monkeypatch.setattr(propose, "SECONDS", 0.0)
    found = repairs(fifty(KEPT_CNY + BEDS_CNY - 150.0), keep_limits=True)
    assert [tuple(r.changes["member"]) for r in found.repairs] == [("budget",), ("beds",)]


def test_retiring_costs_count() -> None:
    # no more than 38 beds: 2 general beds go, at 2 CNY each, and spare 50 each
    few = clause("amount", id="few", resource="bed", at_most=38.0)
    stock = quiet().stock.assign(lower=0.0, upper=quiet().stock["existing"])
    stock.loc[stock["resource_id"] != "general_bed", "lower"] = stock["existing"]
    found = ha.solve(with_budget(quiet(clauses=[few], stock=stock, whole_units=False), 1e6))
    assert found.budget is not None
    assert found.stock.loc[found.stock["resource_id"] == "general_bed", "change"].sum() <= -2
    parts = found.cost.set_index("component")["cny_a_year"]
    assert found.budget["spent_cny_a_year"] == pytest.approx(
        parts[["capital", "retirement", "operating", "staff", "site"]].sum()
    )


def test_what_if_moves_and_drops_the_budget() -> None:
    session = WhatIf(fifty(KEPT_CNY + BEDS_CNY))
    assert session.solve().status is ha.Status.OPTIMAL
    session.set("budget", KEPT_CNY + BEDS_CNY - 1.0)
    assert session.scenario.settings.budget_cny_a_year == KEPT_CNY + BEDS_CNY - 1.0
    assert session.solve().status is ha.Status.INFEASIBLE
    session.drop("budget")
    after = session.solve()
    assert after.status is ha.Status.OPTIMAL
    assert after.budget is None
    session.restore()
    assert session.solve().budget is not None
    with pytest.raises(ha.PlanError, match="above 0"):
        session.set("budget", 0.0)


def test_a_bundle_says_the_budget_and_verifies(tmp_path: Path) -> None:
    scenario = fifty(10_000.0)
    ha.write_scenario(scenario, tmp_path / "plan")
    read = ha.read_scenario(tmp_path / "plan")
    assert read.settings.budget_cny_a_year == 10_000.0
    write_bundle(ha.solve(read), tmp_path / "b.zip", tmp_path / "plan")
    found = verify(tmp_path / "b.zip", tmp_path / "plan")
    assert found.passed, found.table().to_string()


def test_a_clause_cannot_take_the_name_of_the_budget() -> None:
    beds = clause("amount", id="budget", resource="bed", at_least=50.0)
    assert ha.solve(quiet(clauses=[beds])).status is ha.Status.OPTIMAL
    with pytest.raises(ha.PlanError, match="give the clause another id"):
        ha.solve(with_budget(quiet(clauses=[beds]), 1e6))


@pytest.mark.parametrize("budget", [0.0, -1.0, np.inf])
def test_a_budget_is_money(budget: float) -> None:
    given = replace(quiet().settings, budget_cny_a_year=budget)
    with pytest.raises(ha.DataError, match="budget_cny_a_year"):
        quiet(settings=given)


def test_the_screen_says_what_is_left(tmp_path: Path) -> None:
    ha.write_scenario(fifty(10_000.0), tmp_path / "plan")
    result = CliRunner().invoke(app, ["solve", str(tmp_path / "plan"), "-o", str(tmp_path / "out")])
    assert result.exit_code == Exit.OK, result.output
    assert "Budget: 10,000 CNY a year" in result.output
