"""Sheets that people fill in: header with comments, drop-downs, cells that lose no digit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from healthalloc.errors import DataError, Problem
from healthalloc.schema import REQUIRED, Column
from healthalloc.workbook.fields import Field
from healthalloc.workbook.forms import plain
from healthalloc.workbook.library import openpyxl
from healthalloc.workbook.limits import (
    MOST_CHARACTERS,
    MOST_COLUMNS,
    MOST_ROWS,
    escaped,
    length,
)

HEADER, REQUIRED_HEADER = "DDE6EE", "BFD4E6"
AS_TEXT = "@"
"""Number format that keeps what is typed as it is: ids with many digits, leading zeros."""
LONGEST_LIST = 255  # characters that a drop-down may list itself


@dataclass(frozen=True)
class Heading:
    """The header cell of a column, and what may stand below it.

    Parameters
    ----------
    name, comment
    is_number
    choices
        Words of the drop-down.
    references
        ``sheet.column`` whose values the drop-down offers.
    least, most, above
        Limits of a number.
    required
    """

    name: str
    comment: str = ""
    is_number: bool = False
    choices: tuple[str, ...] = ()
    references: str = ""
    least: float | None = None
    most: float | None = None
    above: float | None = None
    required: bool = False


def heading_of_column(column: Column) -> Heading:
    """The heading of a column of the schema."""
    lines = [column.meaning]
    if column.unit:
        lines.append(f"Unit: {column.unit}.")
    lines += [f"Allowed: {column.allowed}.", f"Empty: {column.default_text}."]
    choices = ("yes", "no") if column.kind == "yes_no" else column.choices
    return Heading(
        column.name, "\n".join(lines), column.kind == "number", choices, column.references,
        column.minimum, column.maximum, column.above, column.default is REQUIRED,
    )  # fmt: skip


def heading_of_field(field: Field) -> Heading:
    """The heading of a field of a clause or check."""
    how = {
        "flag": "yes or no.",
        "words": "Words apart by commas: a, b",
        "word or words": "A word, or words apart by commas: a, b",
        "mapping": "name = word, word; name = word",
        "mappings": "name = word | name = word",
    }
    comment = "\n".join(line for line in (field.meaning, how.get(field.form, "")) if line)
    choices = ("yes", "no") if field.form == "flag" else field.choices
    return Heading(
        field.name, comment, field.form == "number", choices, field.references,
        required=field.required,
    )  # fmt: skip


def add_sheet(
    book: Any, name: str, headings: Sequence[Heading], rows: Iterable[Sequence[Any]]
) -> None:
    """Add a sheet with a header and rows.

    Parameters
    ----------
    book
        Workbook of openpyxl.
    name
    headings
    rows
        Values by row: text, numbers, truth values; None, NaN and ``""`` are left empty.

    Raises
    ------
    DataError
        If a text or the table is larger than Excel holds.
    """
    sheet = book.create_sheet(name)
    if len(headings) > MOST_COLUMNS:
        raise _too_large(name, f"{len(headings):,} columns, a sheet holds {MOST_COLUMNS:,}")
    _write_header(sheet, headings)
    problems: list[Problem] = []
    last = 1
    for last, values in enumerate(rows, start=2):
        if last > MOST_ROWS:
            raise _too_large(name, f"more than {MOST_ROWS:,} rows, the most of a sheet")
        for number, value in enumerate(values, start=1):
            put(sheet, last, number, value, problems)
    if problems:
        raise DataError(problems)
    letter = openpyxl("utils").get_column_letter
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = f"A1:{letter(len(headings))}{max(last, 2)}"


def _too_large(name: str, message: str) -> DataError:
    mend = "keep this scenario as a folder of CSV files"
    return DataError([Problem(f"sheet {name}", message, mend=mend)])


def put(sheet: Any, row: int, column: int, value: Any, problems: list[Problem]) -> None:
    """Put a value in a cell so that it is read back as it is, and never run.

    Parameters
    ----------
    sheet
    row, column
        Counted from 1.
    value
    problems
        A text that is too long is added.
    """
    if value is None or value == "":
        return
    if isinstance(value, float) and not np.isfinite(value):
        if np.isnan(value):
            return
        value = str(value)
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        value = escaped(value)
        n = length(value)
        if n > MOST_CHARACTERS:
            problems.append(
                Problem(
                    f"sheet {sheet.title}, cell {cell.coordinate}",
                    f"has {n:,} characters, a cell holds {MOST_CHARACTERS:,}", value=value,
                    mend="shorten it, or keep this scenario as a folder of CSV files",
                )
            )  # fmt: skip
            return
        cell.value = value
        cell.data_type = "s"  # "=1+1" and "#N/A" are text as well
        cell.number_format = AS_TEXT
        return
    if isinstance(value, bool):
        cell.value = value
        return
    number = float(value)
    # all 17 digits: the library itself writes 16
    cell.value = repr(int(number)) if number.is_integer() else repr(number)
    cell.data_type = "n"


def _write_header(sheet: Any, headings: Sequence[Heading]) -> None:
    styles, letter = openpyxl("styles"), openpyxl("utils").get_column_letter
    for number, heading in enumerate(headings, start=1):
        cell = sheet.cell(1, number)
        cell.value, cell.data_type = escaped(heading.name), "s"
        cell.font = styles.Font(bold=True)
        colour = REQUIRED_HEADER if heading.required else HEADER
        cell.fill = styles.PatternFill("solid", fgColor=colour)
        cell.number_format = AS_TEXT
        if heading.comment:
            comment = openpyxl("comments").Comment(heading.comment, "healthalloc")
            comment.width, comment.height = 320, 40 + 18 * (len(heading.comment) // 40 + 3)
            cell.comment = comment
        width = 12 if heading.is_number else 22
        column = sheet.column_dimensions[letter(number)]
        column.width = max(width, min(len(heading.name) + 4, 40))
        if not heading.is_number:
            column.number_format = AS_TEXT


def add_drop_downs(book: Any, name: str, headings: Sequence[Heading]) -> None:
    """Add drop-downs and limits to the columns of a sheet, once all sheets are there.

    Parameters
    ----------
    book
    name
    headings
        Of the sheet.
    """
    letter = openpyxl("utils").get_column_letter
    for number, heading in enumerate(headings, start=1):
        rule = _rule(book, heading)
        if rule is not None:
            rule.error = f"{heading.name}: {heading.comment}"[:200]
            rule.errorTitle = heading.name[:30]
            rule.showErrorMessage = True
            rule.add(f"{letter(number)}2:{letter(number)}{MOST_ROWS}")
            book[name].add_data_validation(rule)


def _rule(book: Any, heading: Heading) -> Any:
    validation = openpyxl("worksheet.datavalidation").DataValidation
    words = ",".join(heading.choices)
    if words and len(words) <= LONGEST_LIST and len(words.split(",")) == len(heading.choices):
        return validation(type="list", formula1=f'"{words}"', allow_blank=True)
    if heading.references:
        source = _range_of(book, heading.references)
        # a warning only: names may be typed before their row is made
        style = "warning"
        return source and validation(
            type="list", formula1=source, allow_blank=True, errorStyle=style
        )
    if heading.is_number:
        low = heading.above if heading.least is None else heading.least
        if low is not None and heading.most is not None:
            limits = {
                "operator": "between",
                "formula1": f"{low:g}",
                "formula2": f"{heading.most:g}",
            }
        elif low is not None:
            operator = "greaterThan" if heading.least is None else "greaterThanOrEqual"
            limits = {"operator": operator, "formula1": f"{low:g}"}
        else:
            limits = {"operator": "between", "formula1": "-1E+300", "formula2": "1E+300"}
        return validation(type="decimal", allow_blank=True, **limits)
    return None


def _range_of(book: Any, references: str) -> str:
    """The filled cells of a column, as a formula that grows with it."""
    name, _, column = references.partition(".")
    if name not in book.sheetnames:
        return ""
    header = [cell.value for cell in book[name][1]]
    if column not in header:
        return ""
    letter = openpyxl("utils").get_column_letter(header.index(column) + 1)
    filled = f"COUNTA({name}!${letter}$2:${letter}${MOST_ROWS})"
    return f"OFFSET({name}!${letter}$2,0,0,MAX(1,{filled}),1)"


def cell_of_field(value: Any, field: Field) -> Any:
    """What a cell holds for the value of a field."""
    if value is None:
        return None
    if field.form == "flag":
        return "yes" if value else "no"
    if field.form in ("text", "number"):
        return value
    if field.form == "words" and len(value) == 1:
        return plain(value[0])
    nothing = field.form != "word or words" or value == ()
    if nothing and not len(value) and not field.required:
        return None
    return plain(value)
