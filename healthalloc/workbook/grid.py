"""A sheet as a grid of cells: what Excel does to what people type is told, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any

from healthalloc.errors import Problem
from healthalloc.workbook.limits import unescaped

MOST_DIGITS = 10**15
"""Whole numbers from here on lose digits in Excel."""
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+[,，]\d+\s*")


@dataclass(frozen=True, eq=False)
class Grid:
    """The filled cells of a sheet below its header.

    Parameters
    ----------
    name
        Name of the sheet as it is written there.
    header
        Letter of each column by the name in its header.
    rows
        Numbers of the rows that are not blank.
    cells
        Cells by row number and column letter, the empty ones left out.
    """

    name: str
    header: Mapping[str, str]
    rows: Sequence[int]
    cells: Mapping[tuple[int, str], Any]
    uncomputed: frozenset[str] = field(default=frozenset())

    def place(self, row: int | None = None, column: str = "") -> str:
        """Where a cell stands, in words."""
        letter = self.header.get(column, "")
        if row is not None and letter:
            return f"sheet {self.name}, cell {letter}{row}"
        if row is not None:
            return f"sheet {self.name}, row {row}"
        return f"sheet {self.name}, cell {letter}1" if letter else f"sheet {self.name}"

    def cell(self, row: int, column: str) -> Any:
        """The cell, or None where it is empty."""
        return self.cells.get((row, self.header[column]))


def read_grid(sheet: Any, formulas: frozenset[str], problems: list[Problem]) -> Grid | None:
    """The cells of a sheet, or None if it has no header.

    Parameters
    ----------
    sheet
        Sheet of openpyxl, with values for formulas.
    formulas
        Addresses of its formulas.
    problems
        What is wrong is added: merged cells, values without a header, a header given twice.
    """
    name = sheet.title
    filled = {
        (cell.row, cell.column_letter): cell
        # only the cells of the file: a walk over all would make a million empty ones
        for cell in sheet._cells.values()
        if not _is_blank(cell) or (cell.coordinate in formulas and cell.data_type != "str")
    }
    if not filled:
        return None
    merged = [
        str(area)
        for area in sheet.merged_cells.ranges
        if area.size["columns"] * area.size["rows"] > 1
    ]
    for area in merged:
        mend = "unmerge them (Home, Merge & Center) and fill in every cell"
        problems.append(Problem(f"sheet {name}, cells {area}", "are merged", mend=mend))
    top = min(row for row, _ in filled)
    header: dict[str, str] = {}
    for (row, letter), cell in sorted(filled.items(), key=lambda item: item[1].column):
        if row != top:
            continue
        word = as_text(cell, f"sheet {name}, cell {letter}{row}", problems).strip()
        if word in header:
            message = f"stands already in {header[word]}{row}: a header is given once"
            problems.append(Problem(f"sheet {name}, cell {letter}{row}", message, value=word))
        header.setdefault(word, letter)
    known = set(header.values())
    lost = {letter: row for row, letter in sorted(filled, reverse=True) if letter not in known}
    for letter, row in sorted(lost.items()):
        place, value = f"sheet {name}, cell {letter}{row}", filled[row, letter].value
        message, mend = "stands in a column without a header", "name the column, or clear it"
        problems.append(Problem(place, message, value=str(value), mend=mend))
    rows = sorted({row for row, _ in filled} - {top})
    return Grid(name, header, rows, filled, formulas)


def _is_blank(cell: Any) -> bool:
    return cell.value is None or (isinstance(cell.value, str) and not cell.value.strip())


def value_of(
    cell: Any, place: str, problems: list[Problem], formulas: frozenset[str] = frozenset()
) -> Any:
    """The value of a cell: text, int, float, bool or None.

    Parameters
    ----------
    cell
        Of openpyxl, or None.
    place
        Where it stands, in words.
    problems
        A date, an error of Excel or a formula without a value is added; then the value is None.
    formulas
        Addresses of the formulas of the sheet.
    """
    if cell is None:
        return None
    value = cell.value
    if value is None and cell.coordinate in formulas and cell.data_type != "str":
        mend = "open the file in Excel or LibreOffice and save it, or type the value"
        message = "holds a formula that was never calculated"
        problems.append(Problem(place, message, mend=mend))
        return None
    if cell.data_type == "e":
        message = "is an error of Excel"
        problems.append(Problem(place, message, value=str(value), mend="mend the formula"))
        return None
    if isinstance(value, date | time | timedelta):
        mend = "format the cell as text (or as a number) and type it again"
        message = "is a date or time to Excel, which is allowed nowhere"
        problems.append(Problem(place, message, value=str(value), mend=mend))
        return None
    return unescaped(value) if isinstance(value, str) else value


def as_text(
    cell: Any, place: str, problems: list[Problem], formulas: frozenset[str] = frozenset()
) -> str:
    """A cell that holds an id, a name or a sentence.

    A whole number is taken for the digits that are shown; one that has lost digits is refused.
    """
    value = value_of(cell, place, problems, formulas)
    if isinstance(value, bool):
        mend = "format the cell as text and type the word again"
        problems.append(Problem(place, "is TRUE or FALSE to Excel, not a word", mend=mend))
        return ""
    if isinstance(value, int | float):
        if abs(value) >= MOST_DIGITS:
            mend = "format the cell as text and type all digits again"
            message = "is a number of more than 15 digits, of which Excel loses the last"
            problems.append(Problem(place, message, value=f"{value:.0f}", mend=mend))
            return ""
        if float(value).is_integer():
            zeros = len(cell.number_format) if set(cell.number_format) == {"0"} else 0
            return str(int(value)).zfill(zeros)
        return repr(value)
    return value or ""


def as_number(
    cell: Any,
    place: str,
    problems: list[Problem],
    formulas: frozenset[str] = frozenset(),
    is_fraction: bool = False,
) -> str:
    """A cell that holds a number, as text with all its digits.

    Parameters
    ----------
    cell, place, problems, formulas
        As for `value_of`.
    is_fraction
        Whether 70 % is 0.7 here; elsewhere a cell shown as a percentage is refused.
    """
    value = value_of(cell, place, problems, formulas)
    if isinstance(value, bool):
        problems.append(Problem(place, "is TRUE or FALSE to Excel, not a number"))
        return ""
    if isinstance(value, str):
        if _DECIMAL_COMMA.fullmatch(value):
            mend = f"is a comma meant for a point? write {re.sub('[,，]', '.', value.strip())}"
            message = "is text, not a number"
            problems.append(Problem(place, message, value=value, mend=mend))
            return ""
        return value
    if value is None:
        return ""
    if "%" in cell.number_format and not is_fraction:
        mend = f"give the cell a number format and type {100 * value:g} or {value:g}"
        message = f"is shown as {100 * value:g} %, but Excel holds {value:g}: which is meant?"
        problems.append(Problem(place, message, value=f"{value:g}", mend=mend))
        return ""
    return repr(value)


def as_flag(
    cell: Any, place: str, problems: list[Problem], formulas: frozenset[str] = frozenset()
) -> str:
    """A cell that holds yes or no: also TRUE and FALSE, 1 and 0."""
    value = value_of(cell, place, problems, formulas)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:g}"
    return (value or "").strip()
