"""A limit in any phase: how a command ends, and what it keeps."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from healthalloc import TimeLimitError, cli, price_clauses, read_scenario, solving
from healthalloc.explain.conflicts import filters
from healthalloc.explain.prices import table as price_table
from tests.folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "region").write()


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


@pytest.mark.parametrize(
    "command", [["trade-offs", "--against", "actions"], ["alternatives"], ["prices"]]
)
def test_a_time_limit_holds_for_the_least_cost_plan(
    folder: Folder, tmp_path: Path, command: list[str]
) -> None:
    out = tmp_path / "out"
    result = run(*command, folder.path, "-o", out, "--time-limit", "1e-9")
    assert result.exit_code == 4, result.output
    assert "No plan: a limit came before any solution" in result.stdout
    assert not out.exists()


def test_compare_ends_with_4_if_a_limit_leaves_no_strategy(folder: Folder) -> None:
    def compared(*strategies: str) -> Result:
        return run("compare", folder.path, "-s", ",".join(strategies), "--time-limit", "1e-9")

    result = compared("least-cost", "whole-units")
    assert result.exit_code == 4, result.output
    assert "least-cost, whole-units: no plan" in result.stdout
    assert compared("least-cost", "huff").exit_code == 0  # huff states its flows itself


def test_prices_in_time_are_kept(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[str] = []
    price = price_table.statement_price

    def timed(study: Any, model: Any, enforced: Any, *rest: Any, **how: Any) -> Any:
        if not lost or enforced.clause.name in lost:
            lost.append(enforced.clause.name)
            raise TimeLimitError("a limit")
        return price(study, model, enforced, *rest, **how)

    monkeypatch.setattr(price_table, "statement_price", timed)
    found = price_clauses(read_scenario(folder.path))
    basis = found.clauses.set_index("clause_id")["price_basis"]
    assert basis[lost[0]] == price_table.NOT_IN_TIME
    assert (basis != price_table.NOT_IN_TIME).sum() == len(basis) - 1 > 0


TWO_CONFLICTS = """
[[clause]]
id = "icu-cap"
quote = "no more than 2 beds of intensive care"
source = "chapter 4"
kind = "amount"
resource = "icu_bed"
at_most = 2

[[clause]]
id = "few-nurses"
quote = "no more than 1 nurse"
source = "chapter 4"
kind = "amount"
resource = "nurse"
at_most = 1

[[clause]]
id = "many-nurses"
quote = "20 nurses or more"
source = "chapter 4"
kind = "amount"
resource = "nurse"
at_least = 20
"""


def test_explain_keeps_the_conflicts_that_time_allows(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explained(name: str, *options: str) -> tuple[Result, list[str]]:
        result = run("explain", folder.path, "-o", tmp_path / name, *options)
        members = tmp_path / name / "conflicts.csv"
        ids = pd.read_csv(members)["conflict"].unique().tolist() if members.exists() else []
        return result, ids

    folder.append("plan.toml", TWO_CONFLICTS)
    result, ids = explained("all", "--time-limit", "60", "--conflicts-only")
    assert (result.exit_code, ids) == (0, [1, 2])
    result, ids = explained("none", "--time-limit", "1e-9")
    assert (result.exit_code, ids) == (4, [])
    assert "a limit came before the answer" in result.stderr

    minimal_set, asked = filters.minimal_set, []

    def timed(*given: Any, **how: Any) -> Any:
        asked.append(given)
        if len(asked) == 2:
            raise TimeLimitError("a limit")
        return minimal_set(*given, **how)

    def late(*given: Any, **how: Any) -> Any:
        raise TimeLimitError("a limit")

    monkeypatch.setattr(filters, "minimal_set", timed)
    monkeypatch.setattr(sys.modules["healthalloc.cli.explain"], "repairs", late)
    result, ids = explained("some")
    assert (result.exit_code, ids) == (0, [1])
    assert "There may be further conflicts" in result.stdout
    assert "No repair found in time" in result.stdout
    facts = json.loads((tmp_path / "some" / "run.json").read_text(encoding="utf-8"))
    assert (facts["conflicts_complete"], facts["repairs_complete"]) == (False, False)


def test_an_infeasible_plan_is_told_without_time_for_its_conflict(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*given: Any, **how: Any) -> Any:
        raise TimeLimitError("a limit")

    folder.append("plan.toml", TWO_CONFLICTS)
    monkeypatch.setattr(solving, "find_conflict", late)
    result = run("solve", folder.path, "-o", tmp_path / "out")
    assert result.exit_code == 3
    assert "infeasible. A limit came before it was known" in result.stdout
    result = run("solve", folder.path, "-o", tmp_path / "out2", "--lang", "zh")
    assert "规划不可行。先到达时限，尚不知哪些内容不能同时成立。" in result.stdout
