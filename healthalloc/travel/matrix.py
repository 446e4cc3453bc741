"""Travel as a given matrix says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from healthalloc.errors import DataError, Problem
from healthalloc.travel.common import (
    MANY,
    ONCE,
    UNREACHABLE,
    Floats,
    Pairs,
    Positions,
    limit_problems,
    positions_of,
    refuse,
    some,
    speeds_as_minutes_per_km,
)

if TYPE_CHECKING:
    from healthalloc.settings import TravelMatrix


@dataclass(frozen=True, eq=False)
class _Cells:
    """The cells of a travel matrix, row by row; position -1 where an id is not known."""

    population_idx: Positions
    facility_idx: Positions
    value: pd.Series[Any]
    columns: Sequence[str]  # those that hold travel


def by_matrix(
    facilities: pd.DataFrame,
    populations: pd.DataFrame,
    travel: TravelMatrix,
    limit_km: Floats,
    limit_min: Floats,
    table: pd.DataFrame | None,
) -> Pairs:
    """Every pair of the matrix, ``inf`` where there is no way; see ``travel_pairs``."""
    if table is None:
        mend = "give the file named in [travel], or a DataFrame"
        raise DataError([Problem("travel", "there is no travel matrix", mend=mend)])
    population_ids = pd.Index(populations["population_id"], dtype=object)
    facility_ids = pd.Index(facilities["facility_id"], dtype=object)
    read = _read_long if travel.layout == "long" else _read_wide
    cells, problems = read(table, population_ids, facility_ids)
    values, found = _travel_values(cells, travel.missing_pairs == "unreachable")
    problems += found
    if travel.missing_pairs == "error":
        problems += _missing_pairs(cells, population_ids, facility_ids)
    knows = {"km": travel.unit == "km", "min": travel.unit == "min" or bool(travel.speed_km_per_h)}
    mend_limit = {"km": "give the matrix in km", "min": "give [travel.speed_km_per_h]"}
    problems += limit_problems(limit_km, limit_min, knows, mend_limit)
    minutes_per_km = np.full(len(populations), np.nan)
    if travel.unit == "km" and travel.speed_km_per_h:
        minutes_per_km, found = speeds_as_minutes_per_km(populations, travel.speed_km_per_h)
        problems += found
    refuse(problems)
    unknown = np.full(len(values), np.nan)
    if travel.unit == "min":
        return Pairs(cells.population_idx, cells.facility_idx, values, unknown)
    travel_min = values * minutes_per_km[cells.population_idx]
    return Pairs(cells.population_idx, cells.facility_idx, travel_min, values)


def _text(values: pd.Series[Any] | pd.Index[Any]) -> pd.Series[Any]:
    """Cells as text without outer blanks; an absent value is an empty text."""
    given = pd.Series(np.asarray(values), dtype=object)
    return given.where(given.notna(), "").astype(str).str.strip().astype(object)


def _no_such(ids: pd.Series[Any], known: Positions, name: str) -> list[Problem]:
    return [
        Problem("travel", f"is no {name}", int(row) + 1, name, str(ids.iloc[row]))
        for row in np.flatnonzero(known < 0)
    ]


def _read_long(
    table: pd.DataFrame, population_ids: pd.Index[Any], facility_ids: pd.Index[Any]
) -> tuple[_Cells, list[Problem]]:
    columns = ["population_id", "facility_id", "travel"]
    refuse(_column_problems(table, columns, [*columns, "source"]))
    population_id, facility_id = _text(table["population_id"]), _text(table["facility_id"])
    population_idx = positions_of(population_id, population_ids)
    facility_idx = positions_of(facility_id, facility_ids)
    problems = _no_such(population_id, population_idx, "population_id")
    problems += _no_such(facility_id, facility_idx, "facility_id")
    pairs = pd.DataFrame({"population_id": population_id, "facility_id": facility_id})
    problems += [
        Problem(
            "travel", "is given twice", int(row) + 1, "population_id + facility_id",
            ", ".join(pairs.iloc[row]), ONCE,
        )
        for row in np.flatnonzero(pairs.duplicated())
    ]  # fmt: skip
    return _Cells(population_idx, facility_idx, table["travel"], ["travel"]), problems


def _read_wide(
    table: pd.DataFrame, population_ids: pd.Index[Any], facility_ids: pd.Index[Any]
) -> tuple[_Cells, list[Problem]]:
    names = pd.Index(_text(table.columns))
    allowed = ["population_id", "source", *facility_ids]
    refuse(_column_problems(table.set_axis(names, axis=1), ["population_id"], allowed))
    population_id = _text(table.iloc[:, names.get_indexer(["population_id"])[0]])
    population_idx = positions_of(population_id, population_ids)
    problems = _no_such(population_id, population_idx, "population_id")
    problems += [
        Problem(
            "travel",
            "is given twice",
            int(row) + 1,
            "population_id",
            population_id.iloc[row],
            ONCE,
        )
        for row in np.flatnonzero(population_id.duplicated())
    ]
    places = np.flatnonzero(names.isin(facility_ids))
    n_rows, n_columns = len(table), len(places)
    return _Cells(
        population_idx=population_idx.repeat(n_columns),
        facility_idx=np.tile(facility_ids.get_indexer(names[places]), n_rows),
        value=pd.Series(table.iloc[:, places].to_numpy().ravel()),
        columns=list(names[places]),
    ), problems


def _column_problems(
    table: pd.DataFrame, needed: Sequence[str], allowed: Sequence[str]
) -> list[Problem]:
    names = [str(name) for name in table.columns]
    problems = [
        Problem("travel", "is missing", column=name) for name in needed if name not in names
    ]
    problems += [
        Problem("travel", "is not known as a column of this layout", column=name)
        for name in names
        if name not in allowed
    ]
    doubled = table.columns[table.columns.duplicated()]
    return problems + [Problem("travel", "is given twice", None, str(n), "", ONCE) for n in doubled]


def _travel_values(cells: _Cells, empty_is_no_way: bool) -> tuple[Floats, list[Problem]]:
    """Travel of each cell, ``inf`` where the cell says that there is no way."""
    if pd.api.types.is_numeric_dtype(cells.value):
        values = cells.value.to_numpy(dtype=np.float64, na_value=np.nan)
        no_way, empty = np.zeros(len(values), dtype=np.bool_), np.isnan(values)
    else:
        text = _text(cells.value)
        values = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64)
        no_way, empty = text.eq(UNREACHABLE).to_numpy(), text.eq("").to_numpy()
    if empty_is_no_way:
        no_way = no_way | empty
    faulty = np.flatnonzero(~no_way & ~(np.isfinite(values) & (values >= 0)))
    allowed = f"a finite number >= 0 or the word {UNREACHABLE!r} is allowed"
    shown = _text(cells.value.iloc[faulty])
    problems = []
    for cell, value in zip(faulty.tolist(), shown, strict=True):
        row, place = divmod(cell, len(cells.columns))
        message = allowed if value else f"is empty: {allowed}"
        problems.append(Problem("travel", message, row + 1, cells.columns[place], value))
    return np.where(no_way, np.inf, values), problems


def _missing_pairs(
    cells: _Cells, population_ids: pd.Index[Any], facility_ids: pd.Index[Any]
) -> list[Problem]:
    given = np.zeros((len(population_ids), len(facility_ids)), dtype=np.bool_)
    known = (cells.population_idx >= 0) & (cells.facility_idx >= 0)
    given[cells.population_idx[known], cells.facility_idx[known]] = True
    n_missing = given.size - int(given.sum())
    if not n_missing:
        return []
    first = np.argwhere(~given)[: MANY + 1].tolist()
    where = some([f"{population_ids[i]} to {facility_ids[j]}" for i, j in first])
    mend = f'write "{UNREACHABLE}" where there is no way, or set missing_pairs = "{UNREACHABLE}"'
    message = f"{n_missing} of {given.size} pairs are missing: {where}"
    return [Problem("travel", message, mend=mend)]
