"""What Excel does to what people type: told with sheet and cell, never guessed."""

from __future__ import annotations

import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import healthalloc as ha
from tests.region import region
from tests.test_io import full_region
from tests.workbook.books import assert_same, edited, refused


def letter(book: Any, sheet: str, column: str) -> str:
    return str(next(c.column_letter for c in book[sheet][1] if c.value == column))


def put(sheet: str, column: str, row: int, value: Any, number_format: str = "") -> Any:
    """An edit of one cell."""

    def edit(book: Any) -> None:
        cell = book[sheet][f"{letter(book, sheet, column)}{row}"]
        cell.value = value
        if number_format:
            cell.number_format = number_format

    return edit


def with_clauses() -> ha.Scenario:
    return full_region()


# ------------------------------------------------------------------ taken as they are meant


def test_a_code_typed_as_a_number_keeps_its_digits(tmp_path: Path) -> None:
    def edit(book: Any) -> None:
        put("populations", "population_id", 2, 510403001003, "General")(book)

    back = ha.read_scenario(edited(tmp_path, edit))
    assert back.populations["population_id"].iat[0] == "510403001003"


def test_zeros_that_a_format_shows_count(tmp_path: Path) -> None:
    back = ha.read_scenario(edited(tmp_path, put("populations", "population_id", 2, 7, "00000")))
    assert back.populations["population_id"].iat[0] == "00007"


@pytest.mark.parametrize(
    ("value", "flag"), [(True, True), (False, False), (0, False), ("YES", True)]
)
def test_truth_values_are_flags(tmp_path: Path, value: Any, flag: bool) -> None:
    back = ha.read_scenario(edited(tmp_path, put("resources", "whole", 2, value)))
    assert bool(back.resources["whole"].iat[0]) is flag


def test_a_percentage_is_a_fraction_where_one_is_meant(tmp_path: Path) -> None:
    edit = put("resources", "availability", 2, 0.7, "0%")
    assert ha.read_scenario(edited(tmp_path, edit)).resources["availability"].iat[0] == 0.7


def test_blank_rows_sheets_of_notes_and_case_do_no_harm(tmp_path: Path) -> None:
    def edit(book: Any) -> None:
        book["stock"].insert_rows(3, 2)
        book["stock"].insert_rows(1)
        book["stock"]["A500"] = "   "
        book["stock"]["A1048576"].number_format = "0.00"
        book.create_sheet("_notes")["A1"] = "mine"
        book.create_sheet("Sheet2")
        book["stock"].title = "Stock "

    assert_same(region(), ha.read_scenario(edited(tmp_path, edit)))


def test_a_formula_counts_with_the_value_that_is_shown(tmp_path: Path) -> None:
    file = edited(tmp_path, put("stock", "existing", 2, "=4+5"))
    (text,) = refused(file)
    assert "sheet stock, cell C2: holds a formula that was never calculated" in text
    # as Excel saves it: the value beside the formula
    changed = tmp_path / "saved.xlsx"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b"<f>4+5</f><v />", b"<f>4+5</f><v>9</v>")
                         .replace(b"<f>4+5</f><v/>", b"<f>4+5</f><v>9</v>"))  # fmt: skip
    assert ha.read_scenario(changed).stock["existing"].iat[0] == 9.0


# ------------------------------------------------------------------ refused, with the cell


@pytest.mark.parametrize(
    ("sheet", "column", "value", "number_format", "told"),
    [
        ("stock", "existing", "1,5", "", "'1,5' is text, not a number (is a comma"),
        ("stock", "existing", "1，5", "", "is text, not a number"),
        ("stock", "existing", "1,234.5", "", "is not a number"),
        ("stock", "existing", True, "", "is TRUE or FALSE to Excel, not a number"),
        ("stock", "existing", datetime(2026, 3, 1), "", "is a date or time to Excel"),
        ("stock", "existing", -4, "", "is out of range"),
        ("stock", "existing", "#REF!", "", "is an error of Excel"),
        ("facilities", "facility_id", 12345678901234567, "", "more than 15 digits"),
        ("facilities", "facility_id", datetime(2026, 3, 1), "", "is a date or time to Excel"),
        ("facilities", "name", True, "", "is TRUE or FALSE to Excel, not a word"),
        ("resources", "whole", "maybe", "", "expected yes or no"),
        ("stock", "resource_id", "general_bad", "", "general_bad"),
        ("facilities", "site", "existng", "", "did you mean existing?"),
        ("facilities", "occupancy_percent", 0.7, "0%", "is shown as 70 %, but Excel holds 0.7"),
        ("clauses", "at_least", 0.3, "0%", "is shown as 30 %, but Excel holds 0.3"),
        ("clauses", "at_least", "4,2", "", "is a comma meant for a point? write 4.2"),
        ("clauses", "at_least", True, "", "is TRUE or FALSE to Excel, not a number"),
        ("clauses", "kind", "amuont", "", "unknown kind of clause (did you mean amount?)"),
        ("clauses", "scope", "category", "", "expected 'name = word, word', found 'category'"),
        ("clauses", "scope", "categry = x", "", "did you mean category?"),
        ("clauses", "resource", "bad", "", "is no known resource"),
        ("clauses", "quote", None, "", "missing field"),
        ("settings", "value", None, "", "missing field"),
    ],
)  # fmt: skip
def test_a_bad_cell_is_named(
    tmp_path: Path, sheet: str, column: str, value: Any, number_format: str, told: str
) -> None:
    where = {}

    def edit(book: Any) -> None:
        where["cell"] = f"{letter(book, sheet, column)}2"
        put(sheet, column, 2, value, number_format)(book)

    found = refused(edited(tmp_path, edit, with_clauses()))
    assert any(told in text for text in found), found
    assert any(text.startswith(f"sheet {sheet}, cell {where['cell']}") for text in found), found


def test_merged_cells_are_named(tmp_path: Path) -> None:
    found = refused(edited(tmp_path, lambda book: book["stock"].merge_cells("A2:A4")))
    assert any("sheet stock, cells A2:A4: are merged (unmerge them" in text for text in found)


def test_a_wrong_sheet_name_is_told_with_the_nearest(tmp_path: Path) -> None:
    def edit(book: Any) -> None:
        book["facilities"].title = "Facilites"
        book.create_sheet("Budget")["A1"] = 5

    found = refused(edited(tmp_path, edit))
    assert any("sheet Facilites: unknown sheet (did you mean facilities?" in t for t in found)
    assert any("sheet Budget: unknown sheet (known: settings" in t for t in found)
    assert any("sheet facilities: missing sheet" in t for t in found)


def test_columns_are_told(tmp_path: Path) -> None:
    def edit(book: Any) -> None:
        book["stock"]["C1"] = "existng"
        book["stock"]["Z3"] = 7
        book["clauses"]["B1"] = "prat"
        book["radii"]["B1"] = "service_id"

    found = refused(edited(tmp_path, edit))
    assert any(
        t.startswith("sheet stock, cell C1") and "did you mean existing?" in t for t in found
    )
    assert any("sheet stock, cell Z3: '7' stands in a column without a header" in t for t in found)
    assert any("sheet clauses, cell B1" in t and "did you mean part?" in t for t in found)
    assert any("sheet radii, cell B1" in t and "stands already in A1" in t for t in found)


def test_rows_are_counted_as_excel_shows_them(tmp_path: Path) -> None:
    def edit(book: Any) -> None:
        book["stock"].insert_rows(3, 5)
        put("stock", "existing", 9, -1)(book)

    (text,) = refused(edited(tmp_path, edit))
    assert text.startswith("sheet stock, cell C9, column existing: '-1' is out of range")


def test_a_formula_in_a_name_is_refused(tmp_path: Path) -> None:
    def edit(book: Any) -> None:
        cell = book["facilities"]["B2"]
        cell.value = "=cmd|' /C calc'!A0"
        cell.data_type = "s"

    (text,) = refused(edited(tmp_path, edit))
    assert text.startswith("sheet facilities, cell B2")
    assert "would run as a formula in a spreadsheet" in text


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("region.xlsx", b"", "cannot be read as a workbook"),
        ("region.xlsx", b"PK\x03\x04 no zip", "cannot be read as a workbook"),
        ("region.xls", b"\xd0\xcf\x11\xe0", "is no .xlsx workbook (save it as"),
        ("region.ods", b"", "is no .xlsx workbook (save it as"),
        ("region.xlsx", None, "missing file (healthalloc new --xlsx FILE"),
    ],
)
def test_what_is_no_workbook_is_told(
    tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    (text,) = refused(tmp_path / name)
    assert told in text


def test_an_empty_workbook_names_every_sheet_it_needs(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "empty.xlsx")
    found = refused(tmp_path / "empty.xlsx")
    assert len([t for t in found if "missing sheet" in t]) == 10
