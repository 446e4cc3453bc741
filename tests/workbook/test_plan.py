"""The plan workbook: its totals, its sheets, hostile names, infeasible plans."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

import healthalloc as ha
from healthalloc.labels import Words, catalogue
from healthalloc.workbook.limits import MOST_CHARACTERS, length, shortened
from healthalloc.workbook.results import plan_path, write_plan
from healthalloc.workbook.shown import Shown, add_table, new_book, sum_where
from tests.region import clause, region
from tests.test_io import full_region
from tests.workbook.books import needs_libreoffice, recomputed

ROOT = Path(__file__).parents[2]
HOSTILE = [
    "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "@SUM(1+1)", "+1+1", "-2+3", "../../x",
    "😀" * 20_000, "a\nb", "\x00\x07", "'; DROP TABLE x", "http://example.org", "\ud800", "_x0041_",
]  # fmt: skip


@pytest.fixture(scope="module")
def solution() -> ha.Solution:
    return ha.solve(
        full_region(clauses=[clause("amount", resource="bed", at_least=2.0)])
    ).require_optimal()


def write(solution: ha.Solution, tmp_path: Path, language: Any = "en") -> Path:
    file = tmp_path / "plan.xlsx"
    write_plan(solution, file, language, {"input_sha256": "abc"})
    return file


def values(file: Path) -> Any:
    return openpyxl.load_workbook(file, data_only=True)


def test_costs_beside_formulas_are_the_solver_s(solution: ha.Solution, tmp_path: Path) -> None:
    sheet = values(write(solution, tmp_path))["costs"]
    shown = [sheet[f"B{row}"].value for row in range(2, 12)]
    np.testing.assert_allclose(shown, solution.cost["cny_a_year"], rtol=1e-6, atol=1e-3)


def test_totals_are_formulas(solution: ha.Solution, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(write(solution, tmp_path))
    n = len(solution.stock) + 2
    assert book["allocation"][f"R{n}"].value == f"=SUBTOTAL(109,R2:R{n - 1})"
    assert book["costs"]["B8"].value == "=SUM(B2:B7)"
    assert book["costs"]["B2"].value == f"=SUM('allocation'!$P$2:$P${n - 1})"
    assert book["summary"]["B7"].value == "='costs'!B8"


def test_sheets_are_frozen_filtered_and_coloured(solution: ha.Solution, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(write(solution, tmp_path))
    wanted = ["summary", "costs", "units", "allocation", "clauses", "clause_rows", "demand",
              "access", "sites"]  # fmt: skip
    assert book.sheetnames[: len(wanted)] == wanted
    assert book.sheetnames[-1] == "assumptions"
    for name in wanted[1:]:
        assert book[name].freeze_panes == "B2"
        assert book[name].auto_filter.ref
    assert len(book["clauses"].conditional_formatting) >= 2
    assert book["allocation"]["J2"].number_format.startswith("#,##0")


@needs_libreoffice
@pytest.mark.parametrize(
    ("name", "language"),
    [("region", "en"), ("region", "zh"), ("panzhihua_west", "en"), ("forms and referrals", "zh")],
)
def test_libreoffice_computes_the_same(name: str, language: Any, tmp_path: Path) -> None:
    if name == "region":
        found = ha.solve(full_region(clauses=[clause("amount", resource="bed", at_least=2.0)]))
    elif name == "panzhihua_west":
        found = ha.solve(ha.read_scenario(ROOT / "examples" / name), whole_units=False)
    else:
        pingba = ha.read_scenario(ROOT / "examples" / "pingba")
        found = ha.solve(pingba, whole_units=False, gap=0.01)
    file = write(found.require_optimal(), tmp_path, language)
    texts, told = openpyxl.load_workbook(file), values(file)
    computed = recomputed(file, tmp_path)
    n_formulas = 0
    for sheet in texts.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type != "f":
                    continue
                n_formulas += 1
                one = told[sheet.title][cell.coordinate].value
                other = computed[sheet.title][cell.coordinate].value
                place = f"{sheet.title}!{cell.coordinate} {cell.value}"
                if one in (None, "") or other in (None, ""):
                    assert (one or "") == (other or ""), place
                else:
                    assert other == pytest.approx(one, rel=1e-6, abs=1e-6), place
    assert n_formulas > 100


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:16])
def test_hostile_text_is_text(text: str, tmp_path: Path) -> None:
    with open(tmp_path / "x.xlsx", "wb") as stream:
        book = new_book(stream, Words("en"))
        book.add("access")
        add_table(book, "access", [Shown("facility", [text, "after"])])
        book.workbook.close()
    cell = openpyxl.load_workbook(tmp_path / "x.xlsx")["access"]["A2"]
    assert cell.data_type == "s"
    assert cell.hyperlink is None
    with zipfile.ZipFile(tmp_path / "x.xlsx") as archive:
        assert not [n for n in archive.namelist() if "externalLink" in n]
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
    assert openpyxl.load_workbook(tmp_path / "x.xlsx")["access"]["A3"].value == "after"


def test_a_text_that_is_too_long_says_that_it_is_cut() -> None:
    for text in ("x" * 40_000, "😀" * 20_000):
        cut = shortened(text)
        assert length(cut) <= MOST_CHARACTERS
        assert "40,000 characters; cut" in cut
    assert shortened("y" * MOST_CHARACTERS) == "y" * MOST_CHARACTERS


@pytest.mark.parametrize(
    ("keys", "function"),
    [
        (["a", "b"], "SUMIFS"), (["普通床", "x_1"], "SUMIFS"), (["a", "A"], "SUMPRODUCT"),
        (["a*"], "SUMPRODUCT"), (["007", "7"], "SUMPRODUCT"), ([">5"], "SUMPRODUCT"),
        (["true"], "SUMPRODUCT"), (["a?"], "SUMPRODUCT"),
    ],
)  # fmt: skip
def test_keys_that_sumifs_would_mix_up_are_compared_exactly(keys: list[str], function: str) -> None:
    assert sum_where("C:C", ("A:A", "$A$2", keys)).startswith(function)


def test_an_infeasible_plan_names_what_conflicts(tmp_path: Path) -> None:
    clauses = [
        clause("amount", id=i, resource="bed", **{b: v})
        for i, b, v in (("low", "at_least", 9.0), ("high", "at_most", 3.0))
    ]
    found = ha.solve(region(clauses=clauses))
    assert found.status is ha.Status.INFEASIBLE
    book = values(write(found, tmp_path))
    assert book.sheetnames == ["summary", "conflict", "assumptions"]
    assert {row[0].value for row in book["conflict"].iter_rows(min_row=2)} >= {"low", "high"}


def test_chinese_words(solution: ha.Solution, tmp_path: Path) -> None:
    book = values(write(solution, tmp_path, "zh"))
    assert book.sheetnames[:4] == ["摘要", "费用", "资源", "配置"]
    assert book["配置"]["J1"].value == "配置后"


def test_every_label_is_there_in_both_languages() -> None:
    ours = [texts for key, texts in catalogue().items() if key.startswith("workbook")]
    assert len(ours) > 100
    assert all(texts["en"] and texts["zh"] for texts in ours)


def test_a_file_that_is_not_ours_is_kept(solution: ha.Solution, tmp_path: Path) -> None:
    folder = tmp_path / "scenario"
    folder.mkdir()
    file = write(solution, tmp_path)
    assert plan_path(file, folder) == file
    ha.write_scenario(region(), tmp_path / "region.xlsx")
    for path, told in (
        (tmp_path / "region.xlsx", "no earlier plan workbook"),
        (folder / "plan.xlsx", "inside the scenario"),
        (tmp_path / "plan.csv", "no name of an Excel workbook"),
    ):
        with pytest.raises(ha.DataError, match=told):
            plan_path(path, folder)


def test_more_rows_than_a_sheet_holds_are_refused(tmp_path: Path) -> None:
    book = new_book(tmp_path / "x.xlsx", Words("en"))
    book.add("access")
    rows = np.zeros(1_048_576)
    with pytest.raises(ha.DataError, match="1,048,576 rows"):
        add_table(book, "access", [Shown("row", rows)])


def test_stock_of_the_region_is_in_the_book(solution: ha.Solution, tmp_path: Path) -> None:
    sheet = values(write(solution, tmp_path))["allocation"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)][:-1]
    shown = pd.DataFrame({"facility_id": [r[0] for r in rows], "resource_id": [r[5] for r in rows],
                          "allocated": [float(r[9]) for r in rows]})  # fmt: skip
    pd.testing.assert_frame_equal(shown, solution.stock[list(shown)], check_dtype=False)


def test_a_chinese_summary_has_no_english_answers(solution: ha.Solution, tmp_path: Path) -> None:
    summary = openpyxl.load_workbook(write(solution, tmp_path, "zh")).worksheets[0]
    formats = {cell.number_format for row in summary.iter_rows() for cell in row}
    assert '"是";;"否"' in formats
    said = " ".join(str(cell.value) for row in summary.iter_rows() for cell in row)
    assert "linear program" not in said
