"""The commands: ``new --xlsx``, ``solve`` on a workbook, ``workbook``."""

from __future__ import annotations

import sys
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner, Result

import healthalloc as ha
from healthalloc.cli import app
from tests.workbook.books import assert_same


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == code, result.output
    return result


def test_from_nothing_to_a_plan(here: Path) -> None:
    run("new", "--xlsx", "region.xlsx")
    run("solve", "region.xlsx", "-q")
    assert (here / "region-solution" / "allocation.csv").exists()
    run("audit", "region.xlsx", "-q")
    result = run("workbook", "region.xlsx", "--lang", "zh")
    assert "region-plan.xlsx" in result.output.replace("\n", "")
    book = openpyxl.load_workbook(here / "region-plan.xlsx", data_only=True)
    objective = ha.solve(ha.read_scenario("region.xlsx")).objective
    assert book["费用"]["B11"].value == pytest.approx(objective)


def test_the_starter_is_the_same_both_ways(here: Path) -> None:
    run("new", "folder")
    run("new", "--xlsx", "region.xlsx")
    assert_same(ha.read_scenario("folder"), ha.read_scenario("region.xlsx"))
    run("new", "--xlsx", "copy.xlsx", "--from", "folder")
    run("new", "back", "--from", "copy.xlsx")
    assert_same(ha.read_scenario("folder"), ha.read_scenario("back"))


def test_an_infeasible_plan_ends_with_3(here: Path) -> None:
    run("new", "--xlsx", "region.xlsx")
    book = openpyxl.load_workbook("region.xlsx")
    names = [cell.value for cell in book["clauses"][1]]
    book["clauses"].cell(2, names.index("at_least") + 1).value = 4000
    book.save("region.xlsx")
    run("workbook", "region.xlsx", "-o", "plan.xlsx", code=3)
    assert "conflict" in openpyxl.load_workbook("plan.xlsx").sheetnames


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["new"], "takes a folder or --xlsx FILE"),
        (["new", "a", "--xlsx", "b.xlsx"], "takes a folder or --xlsx FILE"),
        (["new", "--xlsx", "b.ods"], "is no .xlsx"),
        (["new", "--xlsx", "b"], "is no .xlsx file"),
        (["workbook", "nowhere"], "is no folder"),
        (["workbook", "nowhere.xlsx"], "missing file"),
        (["workbook", ".", "--lang", "fr"], "is no language"),
        (["workbook", "x", "-o", "plan.csv"], "is no name of an Excel workbook"),
    ],
)
def test_bad_input_ends_with_2(here: Path, words: list[str], told: str) -> None:
    result = run(*words, code=2)
    assert told in " ".join(result.output.split())
    assert list(here.iterdir()) == []


def test_the_scenario_is_never_overwritten(here: Path) -> None:
    run("new", "--xlsx", "region.xlsx")
    before = (here / "region.xlsx").read_bytes()
    run("workbook", "region.xlsx", "-o", "region.xlsx", code=2)
    run("new", "--xlsx", "region.xlsx", code=2)
    assert (here / "region.xlsx").read_bytes() == before


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    result = run("workbook", "anything", code=2)
    assert "pip install 'healthalloc[excel]'" in result.output
