"""``--json``: one document on standard output for every command, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import healthalloc as ha
from healthalloc.cli import app
from healthalloc.cli.answer import plain, rows
from tests.folder import Folder

KEYS = ["command", "exit_code", "run", "tables", "written", "error"]
ICU_CAP = """
[[clause]]
id = "icu-cap"
quote = "no more than 2 beds of intensive care"
source = "chapter 4"
kind = "amount"
resource = "icu_bed"
at_most = 2
"""
# words after the scenario, and the tables that the document must hold
CASES: dict[str, tuple[list[str], list[str]]] = {
    "alternatives": (["region", "--within", "1", "--different", "1"], ["alternatives"]),
    "audit": (["region"], ["audit_clauses", "audit_arithmetic"]),
    "bundle": (["region"], []),
    "compare": (["region", "-s", "keep"], ["comparison"]),
    "explain": (["region"], ["conflicts", "repairs", "repair_changes"]),
    "export": (["region"], []),
    "new": (["starter"], []),
    "prices": (["region", "--resolve", "0"], ["prices", "price_rows"]),
    "report": (["region"], []),
    "schema": (["stock"], ["schema"]),
    "solve": (["region"], ["allocation", "clauses", "cost", "flows"]),
    "sweep": (["region", "--draw", "1", "--workers", "1", "-o", "swept"], ["results"]),
    "trade-offs": (
        ["starter", "--against", "access-mean", "--points", "2"],
        ["trade_offs"],
    ),
    "verify": (["region-bundle.zip"], ["checks"]),
    "what-if": (["region", "--set", "icu=4"], ["edits", "changed_clauses"]),
    "workbook": (["region"], []),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path / "region").write()


def asked(*words: str) -> tuple[int, dict[str, Any]]:
    """Exit code, and the document, which is all that is printed."""
    ended = CliRunner().invoke(app, [*words, "--json"])
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    document = json.loads(ended.stdout, parse_constant=lambda word: pytest.fail(word))
    assert list(document) == KEYS
    assert document["exit_code"] == ended.exit_code
    assert document["command"] == words[0]
    return ended.exit_code, document


def test_every_command_has_a_case() -> None:
    names = {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}
    assert names == set(CASES)


@pytest.mark.parametrize("command", sorted(CASES))
def test_one_document(command: str, folder: Folder) -> None:
    words, tables = CASES[command]
    if command == "trade-offs":  # the region has nothing to trade
        ha.new_scenario("starter")
    if command == "verify":
        assert asked("bundle", "region")[0] == 0
    code, document = asked(command, *words)
    assert code == 0
    assert document["error"] is None
    assert set(tables) <= set(document["tables"])
    assert all(isinstance(table, list) for table in document["tables"].values())
    if command in ("bundle", "export", "new", "report", "solve", "workbook"):
        assert [Path(name).exists() for name in document["written"]] == [True]
    if command not in ("export", "new", "schema"):
        assert document["run"]


def test_the_document_holds_what_the_files_hold(folder: Folder, tmp_path: Path) -> None:
    _, document = asked("solve", "region", "-o", str(tmp_path / "out"))
    for file in (tmp_path / "out").glob("*.csv"):
        header, *lines = file.read_text("utf-8-sig").splitlines()
        table = document["tables"][file.stem]
        assert len(table) == len(lines)
        assert all(",".join(row) == header for row in table[:1])
    run = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))
    assert {k: v for k, v in run.items() if k != "files"} == document["run"]


def test_an_infeasible_plan_and_its_conflict(folder: Folder) -> None:
    folder.append("plan.toml", ICU_CAP)
    code, document = asked("solve", "region")
    assert (code, document["run"]["status"]) == (3, "infeasible")
    assert document["tables"]["conflict"]
    code, document = asked("prices", "region")
    assert code == 3
    assert document["tables"]["conflict"]


def test_every_problem_of_the_input(folder: Folder) -> None:
    folder.set("facilities", 1, "site", "closeable")
    code, document = asked("solve", "region")
    assert code == 2
    assert document["error"]["kind"] == "DataError"
    (problem,) = document["error"]["problems"]
    assert list(problem) == ["table", "row", "column", "value", "message", "mend"]
    assert (problem["table"], problem["row"], problem["column"]) == ("facilities", 1, "site")
    assert asked("schema", "nothing")[0] == 2


def test_values() -> None:
    table = pd.DataFrame({"a": [1, 2], "b": [np.nan, np.inf], "c": ["x", None]})
    assert plain(rows(table)) == [
        {"a": 1, "b": None, "c": "x"},
        {"a": 2, "b": "inf", "c": None},
    ]
    assert plain({"k": np.float64(2.0), "n": (np.int64(1), True)}) == {"k": 2.0, "n": [1, True]}
