"""Sheets that people read: formats, frozen headers, filters, totals that can be followed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from healthalloc.errors import DataError, Problem
from healthalloc.labels import Words
from healthalloc.workbook.library import xlsxwriter
from healthalloc.workbook.limits import MOST_ROWS, shortened

LOOKS = {
    "text": "@", "long": "@", "units": "#,##0.0;[Red]-#,##0.0;0", "whole": "#,##0",
    "money": "#,##0", "price": "#,##0.00", "number": "#,##0.00", "percent": "0.0",
    "change": "+#,##0.0;[Red]-#,##0.0;0", "gap": "0.0000", "agree": '"{yes}";;"{no}"',
}  # fmt: skip
"""Number formats."""
WIDTHS = {"text": 18, "long": 44, "money": 16, "price": 16}
INPUT_BLUE, HEAD_FILL, TOTAL_FILL = "#1F4E9E", "#DDE6EE", "#F2F2F2"
GREEN, RED, AMBER = "#C6EFCE", "#FFC7CE", "#FFEB9C"
_SIMPLE = re.compile(r"[A-Za-z_\u4e00-\u9fff][^*?~]{0,200}")


@dataclass(frozen=True)
class Formula:
    """A formula and its value, which stands beside it for readers that do not calculate."""

    text: str
    value: float


@dataclass(frozen=True, eq=False)
class Shown:
    """One column of a table.

    Parameters
    ----------
    key
        Its name among the labels ``workbook_column``.
    values
        Text, numbers, truth values, formulas; NaN and None are left empty.
    look
        One of `LOOKS`.
    is_input
        Whether it is an input, which is shown in blue.
    total
        Whether the last row adds it up.
    """

    key: str
    values: Sequence[Any] | NDArray[Any]
    look: str = "text"
    is_input: bool = False
    total: bool = False


@dataclass(frozen=True, eq=False)
class Placed:
    """Where a table stands: for formulas on other sheets."""

    sheet: str
    letters: dict[str, str]
    n_rows: int
    first: int = 2

    def range(self, key: str) -> str:
        """All cells of a column."""
        letter, last = self.letters[key], max(self.first, self.first + self.n_rows - 1)
        return f"'{self.sheet}'!${letter}${self.first}:${letter}${last}"

    def cell(self, key: str, row: int) -> str:
        """One cell of a column, by position of its row."""
        return f"'{self.sheet}'!${self.letters[key]}${self.first + row}"


@dataclass(frozen=True, eq=False)
class Book:
    """A workbook that is being written, with its formats and language."""

    workbook: Any
    words: Words
    formats: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def word(self, key: str) -> str:
        """A word of the workbook in its language."""
        return self.words(f"workbook.{key}")

    def title(self, sheet: str) -> str:
        """The name of a sheet."""
        return self.words(f"workbook_sheet.{sheet}")

    def add(self, sheet: str) -> None:
        """Add an empty sheet."""
        self.workbook.add_worksheet(self.title(sheet))

    def sheet(self, name: str) -> Any:
        """A sheet that was added."""
        return self.workbook.get_worksheet_by_name(self.title(name))

    def look(self, look: str, *marks: str) -> Any:
        """A cell format; marks are ``"input"``, ``"head"``, ``"total"``, ``"title"``."""
        key = (look, *marks)
        if key not in self.formats:
            shown = LOOKS[look].replace("{yes}", self.word("yes")).replace("{no}", self.word("no"))
            style: dict[str, Any] = {"num_format": shown, "valign": "top"}
            if look == "long":
                style["text_wrap"] = True
            if "input" in marks:
                style["font_color"] = INPUT_BLUE
            if "head" in marks:
                style |= {"bold": True, "text_wrap": True, "bg_color": HEAD_FILL, "bottom": 1}
            if "total" in marks:
                style |= {"bold": True, "top": 1, "bg_color": TOTAL_FILL}
            if "title" in marks:
                style |= {"bold": True, "font_size": 14}
            self.formats[key] = self.workbook.add_format(style)
        return self.formats[key]

    def put(self, sheet: Any, row: int, column: int, value: Any, look: str, *marks: str) -> None:
        """Put a value in a cell (counted from 0); text is never run, whatever it begins with."""
        style = self.look(look, *marks)
        if isinstance(value, Formula):
            known = "" if np.isnan(value.value) else value.value
            sheet.write_formula(row, column, value.text, style, known)
        elif isinstance(value, bool | np.bool_):
            sheet.write_string(row, column, self.word("yes" if value else "no"), style)
        elif isinstance(value, str):
            if value:
                sheet.write_string(row, column, shortened(value), style)
        elif value is not None and np.isfinite(value):
            sheet.write_number(row, column, float(value), style)
        elif value is not None and np.isinf(value):
            sheet.write_string(row, column, "∞" if value > 0 else "-∞", style)


def new_book(stream: Any, words: Words) -> Book:
    """An empty workbook.

    Parameters
    ----------
    stream
        Binary file that it is written to.
    words
        Of the language.
    """
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    return Book(xlsxwriter().Workbook(stream, options | {"in_memory": True}), words)


def letter_of(column: int) -> str:
    """Letter of a column counted from 0."""
    letter = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letter = chr(65 + rest) + letter
    return letter


def place(book: Book, name: str, columns: Sequence[Shown], top: int = 0) -> Placed:
    """Where the columns of a table will stand, before it is written.

    Parameters
    ----------
    book, name
    columns
    top
        Row of the header, counted from 0.
    """
    letters = {shown.key: letter_of(k) for k, shown in enumerate(columns)}
    return Placed(book.title(name), letters, len(columns[0].values), top + 2)


def add_table(book: Book, name: str, columns: Sequence[Shown], top: int = 0) -> Placed:
    """Write a table: header, rows, and a total that follows the filter.

    Parameters
    ----------
    book
    name
        Name of a sheet that was added.
    columns
        With values of one length.
    top
        Row of the header, counted from 0. A table at the top of its sheet is frozen and filtered.

    Raises
    ------
    DataError
        If a sheet cannot hold so many rows.
    """
    sheet, placed = book.sheet(name), place(book, name, columns, top)
    n = placed.n_rows
    if top + n + 2 > MOST_ROWS:
        message = f"has {n:,} rows, a sheet holds {MOST_ROWS:,}"
        raise DataError([Problem(f"sheet {name}", message, mend="use the CSV tables of solve -o")])
    for k, shown in enumerate(columns):
        marks = ("input",) if shown.is_input else ()
        book.put(sheet, top, k, book.words(f"workbook_column.{shown.key}"), "text", "head")
        for row, value in enumerate(shown.values, start=top + 1):
            book.put(sheet, row, k, value, shown.look, *marks)
        if top == 0:
            sheet.set_column(k, k, WIDTHS.get(shown.look, 12))
    if any(shown.total for shown in columns) and n:
        _add_total(book, sheet, columns, placed)
    if top == 0:
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(n, 1), len(columns) - 1)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.set_footer("&L&A&R&P / &N")
    return placed


def _add_total(book: Book, sheet: Any, columns: Sequence[Shown], placed: Placed) -> None:
    """A row below the filtered range; SUBTOTAL leaves hidden rows out."""
    row = placed.first - 1 + placed.n_rows
    for k, shown in enumerate(columns):
        value: Any = book.word("shown") if k == 0 else ""
        if shown.total:
            numbers = [v.value if isinstance(v, Formula) else v for v in shown.values]
            letter = letter_of(k)
            cells = f"{letter}{placed.first}:{letter}{row}"
            value = Formula(f"=SUBTOTAL(109,{cells})", float(np.nansum(np.array(numbers, float))))
        book.put(sheet, row, k, value, shown.look, "total")
        if value == "":
            sheet.write_blank(row, k, None, book.look(shown.look, "total"))


def sum_where(values: str, *conditions: tuple[str, str, Sequence[str]]) -> str:
    """The sum of the cells whose keys are those of given cells, as a formula without ``=``.

    SUMIFS where it is safe; it takes ``*`` for any text, ``007`` for 7 and ``A`` for ``a``, so
    that awkward keys are compared letter by letter.

    Parameters
    ----------
    values
        Range to add up.
    *conditions
        Range of keys, cell (or quoted text) with the key, and the keys that occur.
    """
    if all(_is_simple(keys) for _, _, keys in conditions):
        return f"SUMIFS({values}," + ",".join(f"{r},{cell}" for r, cell, _ in conditions) + ")"
    tests = "*".join(f"EXACT({r},{cell})" for r, cell, _ in conditions)
    return f"SUMPRODUCT({tests}*{values})"


def _is_simple(keys: Sequence[str]) -> bool:
    different = set(keys)
    folded = {key.casefold() for key in different}
    return len(folded) == len(different) and all(
        _SIMPLE.fullmatch(key) and key.casefold() not in ("true", "false") for key in different
    )
