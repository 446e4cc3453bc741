"""Read the sheet of settings."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from healthalloc.door import SETTINGS_FIELDS
from healthalloc.errors import Problem
from healthalloc.plan.door import adapter, typed_problems
from healthalloc.settings import GreatCircle, RoadGraph, Settings, SolveSettings, TravelMatrix
from healthalloc.validate import nearest
from healthalloc.workbook.fields import Field, fields_of
from healthalloc.workbook.forms import read_words
from healthalloc.workbook.grid import Grid, as_flag, as_number, as_text
from healthalloc.workbook.write import ROAD_KIND, SETTING_HEADINGS

_FRACTIONS = ("discount_rate", "solve.gap")
_TRAVEL = (GreatCircle, RoadGraph, TravelMatrix)


def read_settings(grid: Grid, problems: list[Problem]) -> tuple[Settings | None, str]:
    """The settings, and the kind of road graph; None where anything is wrong.

    Parameters
    ----------
    grid
        Sheet of settings.
    problems
        What is wrong is added.
    """
    n_before = len(problems)
    names = [heading.name for heading in SETTING_HEADINGS]
    for column in grid.header:
        if column not in names:
            mend = nearest(column, names) or f"allowed: {', '.join(names)}"
            problems.append(Problem(grid.place(None, column), "unknown column", mend=mend))
    if not {"setting", "value"} <= set(grid.header):
        message = "needs a header with the columns setting and value"
        problems.append(Problem(grid.place(), message))
        return None, ""
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    told: dict[str, int] = {}
    for row in grid.rows:
        cells = {c: grid.cell(row, c) for c in names if c in grid.header}
        place = grid.place(row, "setting")
        name = as_text(cells["setting"], place, problems, grid.uncomputed)
        if not name:
            problems.append(Problem(place, "is empty: which setting is meant?"))
            continue
        if name in told:
            problems.append(Problem(place, f"stands already in row {told[name]}", value=name))
        told[name] = row
        source = as_text(cells.get("source"), grid.place(row, "source"), problems, grid.uncomputed)
        if source:
            sources[name] = source
        value = _value(name, cells["value"], grid, row, problems)
        if value is not None:
            _put(values, name, value)
    kind = values.get("travel", {}).pop(ROAD_KIND.partition(".")[2], "")
    if len(problems) > n_before:
        return None, ""
    try:
        settings: Settings = adapter(Settings).validate_python(values | {"sources": sources})
    except ValidationError as error:
        problems += typed_problems(error, "settings", SETTINGS_FIELDS)
        return None, ""
    return settings, kind


def _known() -> dict[str, Field]:
    known = {f"travel.{n}": f for cls in _TRAVEL for n, f in fields_of(cls).items()}
    return known | {f"solve.{n}": f for n, f in fields_of(SolveSettings).items()}


def _value(name: str, cell: Any, grid: Grid, row: int, problems: list[Problem]) -> Any:
    """The value of a setting, or None where it is not given."""
    place, formulas = grid.place(row, "value"), grid.uncomputed
    if cell is None:
        return None
    field = _known().get(name)
    if name in ("name", ROAD_KIND) or (field is not None and field.form == "text"):
        return as_text(cell, place, problems, formulas) or None
    if field is not None and field.form == "flag":
        return as_flag(cell, place, problems, formulas) or None
    if name == "extra_facility_columns":
        text = as_text(cell, place, problems, formulas)
        try:
            return read_words(text) if text.strip() else None
        except ValueError as error:
            problems.append(Problem(place, str(error), value=text))
            return None
    number = as_number(cell, place, problems, formulas, is_fraction=name in _FRACTIONS)
    return number.strip() or None


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    """Put a value under its dotted name; the last part of a speed may hold points itself."""
    above, _, below = name.partition(".")
    group, _, key = below.partition(".")
    if not below:
        values[name] = value
    elif not key:
        values.setdefault(above, {})[group] = value
    else:
        inner = values.setdefault(above, {}).setdefault(group, {})
        if isinstance(inner, dict):
            inner[key] = value
