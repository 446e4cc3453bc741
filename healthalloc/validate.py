"""Checks at the door, one table at a time: columns, types, ranges, keys."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.errors import Problem
from healthalloc.schema import REQUIRED, SOURCE, TABLES, Column, Table

_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
FORMULA_STARTS = ("=", "@", "\t", "\r", "+", "-")
"""First characters that a spreadsheet takes for a formula."""
MOST_KNOWN = 8
"""Names told where nothing is near the one written."""
_FORMULA_FIRST = frozenset(FORMULA_STARTS)
Floats = NDArray[np.float64]


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint ``"did you mean ...?"``, or ``""`` when nothing is near.

    Parameters
    ----------
    word
        What was written.
    known
        What could have been meant.
    """
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else ""


def near_or_known(word: str, known: Iterable[str]) -> str:
    """A hint as `nearest`, or what is known when nothing is near.

    Parameters
    ----------
    word
        What was written.
    known
        What could have been meant, in the order in which it is told.
    """
    names = list(dict.fromkeys(known))
    more = ", ..." if len(names) > MOST_KNOWN else ""
    known_ones = f"known: {', '.join(names[:MOST_KNOWN])}{more}" if names else ""
    return nearest(word, names) or known_ones


def rows_where(bad: pd.Series[bool] | NDArray[np.bool_] | list[bool]) -> list[int]:
    """Positions at which a mask holds."""
    positions: list[int] = np.flatnonzero(np.asarray(bad, dtype=bool)).tolist()
    return positions


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would take the text for a formula.

    A signed number such as ``-3.5`` is no formula.
    """
    if not text.startswith(FORMULA_STARTS):
        return False
    try:
        float(text)
    except ValueError:
        return text.strip() not in {"-", "+"}
    return False


def clean_table(
    name: str, frame: pd.DataFrame, extra_columns: Sequence[str] = ()
) -> tuple[pd.DataFrame, list[Problem]]:
    """Check one table against the schema and give it its types and defaults.

    Parameters
    ----------
    name
        Name of the table in the schema.
    frame
        The table as read (all text) or as given from Python.
    extra_columns
        Further columns to keep, as text.

    Returns
    -------
    DataFrame
        Columns in schema order, then ``extra_columns``; text as object strings without outer
        blanks, numbers as float64; a fresh RangeIndex. Where there are problems, cells are
        whatever could be read.
    list of Problem
        Everything wrong, empty if nothing is.
    """
    table = TABLES[name]
    frame = pd.DataFrame(frame)  # without attrs, which pandas copies with every column
    problems: list[Problem] = []
    known = [column.name for column in table.columns]
    if frame.empty and list(frame.columns) == known and not extra_columns:
        return _nothing(name).copy(), []
    for given in map(str, frame.columns):
        if given not in known and given not in extra_columns:
            message = "unknown column"
            mend = nearest(given, known) or f"allowed: {', '.join(known)}"
            if name == "facilities":
                mend += "; columns of your own are named in extra_facility_columns"
            problems.append(Problem(name, message, column=given, mend=mend))
    if not frame.columns.is_unique:
        doubled = [str(c) for c in frame.columns[frame.columns.duplicated()]]
        problems += [Problem(name, "column given twice", column=c) for c in doubled]
        frame = frame.loc[:, ~frame.columns.duplicated()]
    clean: dict[str, Any] = {}
    extras = [Column(c, "text", "", default="") for c in extra_columns]
    for column in [*table.columns, *extras]:
        if column.name in frame.columns:
            clean[column.name], found = _clean_column(name, column, frame[column.name])
            problems += found
        elif column.default is REQUIRED:
            clean[column.name] = _blank(column, len(frame))
            mend = "from DataFrames as well as files, each row says where it comes from"
            problems.append(
                Problem(
                    name, "missing column", column=column.name,
                    mend=mend if column is SOURCE else f"add it: {column.meaning}",
                )
            )  # fmt: skip
        else:
            clean[column.name] = _blank(column, len(frame))
    result = pd.DataFrame(clean, index=pd.RangeIndex(len(frame)))
    if set(table.key) <= set(frame.columns):
        problems += _duplicate_keys(table, result)
    return result, problems


@cache
def _nothing(name: str) -> pd.DataFrame:
    """A table without rows, as `clean_table` gives it; not to be changed."""
    return pd.DataFrame({column.name: _blank(column, 0) for column in TABLES[name].columns})


def _blank(column: Column, n_rows: int) -> NDArray[Any]:
    """A column that was not given: its default, or nothing where it has none."""
    if column.default is not REQUIRED:
        kind = object if isinstance(column.default, str) else None
        return np.full(n_rows, column.default, dtype=kind)
    return np.full(n_rows, np.nan) if column.kind == "number" else np.full(n_rows, "", object)


def _clean_column(table: str, column: Column, values: pd.Series[Any]) -> tuple[Any, list[Problem]]:
    problems: list[Problem] = []

    def refuse(bad: NDArray[np.bool_] | list[bool], message: str, mend: str = "") -> None:
        for row in rows_where(bad):
            given = values.iat[row]
            value = "" if given is None or given is pd.NA else str(given)
            problems.append(Problem(table, message, row + 1, column.name, value, mend))

    if column.kind == "number" and values.dtype.kind in "iuf":
        number = values.to_numpy(dtype=float)
        return _clean_number(column, number, np.isnan(number), refuse), problems
    raw = values.to_numpy(dtype=object).tolist()
    # missing cells (None, NaN, a short row) become blanks; text loses its outer blanks
    text = [
        cell.strip() if type(cell) is str else "" if pd.isna(cell) else str(cell).strip()
        for cell in raw
    ]
    if column.kind == "number":
        number = np.asarray(pd.to_numeric(pd.Series(text, dtype=object), errors="coerce"), float)
        blank = np.array([not cell for cell in text], dtype=bool)
        return _clean_number(column, number, blank, refuse), problems
    has_blanks = "" in text
    if column.default is REQUIRED and has_blanks:
        refuse([not cell for cell in text], _empty_message(column), column.meaning)
    if column.kind == "yes_no":
        flags = [_YES.get(cell.lower()) if cell else column.default for cell in text]
        refuse([flag is None for flag in flags], f"expected {column.allowed}")
        return np.array([bool(flag) for flag in flags], dtype=bool), problems
    if not _FORMULA_FIRST.isdisjoint({cell[:1] for cell in text}):
        refuse(
            [is_formula(cell) for cell in text], "would run as a formula in a spreadsheet",
            "begin the cell with a letter or a digit",
        )  # fmt: skip
    if column.choices and not set(text) <= {*column.choices, ""}:
        for row, cell in enumerate(text):
            if cell and cell not in column.choices:
                problems.append(
                    Problem(
                        table, f"is not known: expected {column.allowed}", row + 1,
                        column.name, cell, nearest(cell, column.choices),
                    )
                )  # fmt: skip
    if has_blanks and column.default not in (REQUIRED, ""):
        text = [cell or str(column.default) for cell in text]
    if values.dtype == "str" and text == raw:  # what is clean already keeps its array
        return values.array, problems
    return np.array(text, dtype=object), problems


def _empty_message(column: Column) -> str:
    return f"is empty: expected {column.allowed}"


def _clean_number(
    column: Column, number: Floats, blank: NDArray[np.bool_], refuse: Callable[..., None]
) -> Floats:
    """Numbers within their range, blanks filled with the default."""
    if column.default is REQUIRED:
        refuse(blank, _empty_message(column), column.meaning)
    infinite = np.isinf(number)
    refuse(~blank & np.isnan(number), f"is not a number: expected {column.allowed}")
    refuse(infinite, f"is infinite: expected {column.allowed}")
    with np.errstate(invalid="ignore"):
        outside = np.zeros(len(number), dtype=bool)
        if column.minimum is not None:
            outside |= number < column.minimum
        if column.above is not None:
            outside |= number <= column.above
        if column.maximum is not None:
            outside |= number > column.maximum
    mend = "are longitude and latitude swapped?" if column.name == "latitude" else ""
    refuse(outside & ~infinite, f"is out of range: expected {column.allowed}", mend)
    if column.default is not REQUIRED:
        return np.where(blank, float(column.default), number)  # type: ignore[arg-type]
    return number


def _duplicate_keys(table: Table, frame: pd.DataFrame) -> list[Problem]:
    key = list(table.key)
    twice = frame.duplicated(key)
    if not twice.any():
        return []
    problems = []
    blank = (frame[key].isin(["", np.nan])).all(axis=1)
    for row in rows_where(twice & ~blank):
        value = ", ".join(str(frame[k].iat[row]) for k in key)
        same = (frame[key] == frame[key].iloc[row]).all(axis=1).to_numpy()
        first = int(np.flatnonzero(same)[0]) + 1
        problems.append(
            Problem(
                table.name, f"stands already in row {first}; rows must differ in {', '.join(key)}",
                row + 1, " + ".join(key), value, "remove one of the two rows",
            )
        )  # fmt: skip
    return problems
