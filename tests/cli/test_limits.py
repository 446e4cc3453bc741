"""A limit in any phase: how a command ends, and what it keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from healthalloc import TimeLimitError, cli, price_clauses, read_scenario
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
