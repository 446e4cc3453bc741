"""What the checks across tables share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.errors import Problem
from healthalloc.schema import TABLES
from healthalloc.validate import nearest, rows_where

Tables = Mapping[str, pd.DataFrame]


def can_read(tables: Tables, found: Sequence[Problem], columns: str) -> bool:
    """Whether columns can be relied on.

    Parameters
    ----------
    tables
        Tables that could be read.
    found
        Problems known.
    columns
        Names ``table.column``, with blanks between them.
    """
    faulty = {f"{p.table}.{name}" for p in found for name in re.split(r" \+ |, ", p.column)}
    wanted = set(columns.split())
    return not wanted & faulty and {name.split(".")[0] for name in wanted} <= tables.keys()


def flag(
    tables: Tables,
    table: str,
    bad: pd.Series[bool] | NDArray[np.bool_],
    column: str,
    message: str,
    mend: str = "",
) -> list[Problem]:
    """One problem for each row of a table where ``bad`` holds."""
    values = tables[table][column]
    return [
        Problem(table, message, row + 1, column, shown(values.iat[row]), mend)
        for row in rows_where(bad)
    ]


def shown(value: Any) -> str:
    """A cell as an error message shows it."""
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:g}"
    return str(value)


def check_references(tables: Tables, found: Sequence[Problem] = ()) -> list[Problem]:
    """Every value of a referring column must exist where it points.

    Parameters
    ----------
    tables
        Cleaned tables by name.
    found
        Problems known; what they touch is not relied on.
    """
    problems: list[Problem] = []
    for name, frame in tables.items():
        for column in TABLES[name].columns:
            if not column.references or not can_read(tables, found, column.references):
                continue
            target, key = column.references.split(".")
            known = tables[target][key].tolist()
            values = frame[column.name].tolist()
            unknown = set(values).difference(known, [""])
            for row, value in enumerate(values) if unknown else ():
                if value in unknown:
                    message, mend = f"is no {key} of the table {target}", nearest(value, known)
                    problems.append(Problem(name, message, row + 1, column.name, value, mend))
    return problems
