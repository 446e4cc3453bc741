"""Write a scenario as one workbook: a sheet for each table, the settings, clauses and checks."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pandas as pd

from healthalloc.errors import DataError, Problem
from healthalloc.io.write import with_words
from healthalloc.plan.clause import Check
from healthalloc.scenario import Scenario
from healthalloc.schema import TABLES
from healthalloc.settings import RoadGraph, Settings, SolveSettings, TravelMatrix
from healthalloc.workbook.fields import (
    Field,
    check_field,
    clause_columns,
    clause_field,
    field_meanings,
    fields_of,
)
from healthalloc.workbook.filled import (
    Heading,
    add_drop_downs,
    add_sheet,
    cell_of_field,
    heading_of_column,
    heading_of_field,
)
from healthalloc.workbook.guide import GUIDE, KINDS_SHEET, guide_rows, kind_rows
from healthalloc.workbook.library import openpyxl
from healthalloc.workbook.limits import whole_file
from healthalloc.workbook.roads import road_frames

SETTINGS, CLAUSES, CHECKS, TRAVEL = "settings", "clauses", "checks", "travel"
ROAD_KIND = "travel.graph"
"""Setting that says which kind of graph the sheets of roads make."""
SETTING_HEADINGS = (
    Heading("setting", "Dotted name, as in scenario.toml.", required=True),
    Heading("value", "Empty: the default."),
    Heading("source", "Where the figure comes from: a document, or 'assumed: <reason>'."),
    Heading("meaning", "Not read."),
)


def write_workbook(scenario: Scenario, file: str | os.PathLike[str]) -> None:
    """Write a scenario as a workbook that `read_workbook` reads back without loss.

    Parameters
    ----------
    scenario
        What to write.
    file
        File to make; it must not exist yet.

    Raises
    ------
    DataError
        If the file exists, or something is larger than Excel holds.
    UnsupportedError
        If openpyxl is not installed.
    """
    path = Path(file).resolve()
    if path.exists():
        mend = "name a file that does not exist yet"
        raise DataError([Problem(str(path), "exists", mend=mend)])
    book = openpyxl().Workbook()
    book.remove(book.active)
    book.properties.creator = "healthalloc"
    sheets = _sheets(scenario)
    for name, (headings, rows) in sheets.items():
        add_sheet(book, name, headings, rows)
    for name, (headings, _) in sheets.items():
        add_drop_downs(book, name, headings)
    _offer_kinds(book)
    _wide(book)
    stream = io.BytesIO()
    book.save(stream)
    whole_file(path, stream.getvalue())


Sheet = tuple[list[Heading], list[list[Any]]]


def _sheets(scenario: Scenario) -> dict[str, Sheet]:
    sheets: dict[str, Sheet] = {
        GUIDE: ([Heading("sheet"), Heading("what it holds")], guide_rows()),
        SETTINGS: (list(SETTING_HEADINGS), list(setting_rows(scenario))),
        CLAUSES: _clauses(scenario),
        CHECKS: _checks(scenario),
    }
    for name, table in scenario.tables.items():
        known = {column.name: heading_of_column(column) for column in TABLES[name].columns}
        own = "A column of your own, for use in scopes (see extra_facility_columns in settings)."
        headings = [known.get(c, Heading(c, own)) for c in map(str, table.columns)]
        sheets[name] = headings, with_words(table).to_numpy(dtype=object).tolist()
    travel = scenario.settings.travel
    if isinstance(travel, TravelMatrix) and scenario.travel is not None:
        sheets[TRAVEL] = _free(scenario.travel)
    if isinstance(travel, RoadGraph) and scenario.roads is not None:
        sheets |= {name: _free(frame) for name, frame in road_frames(scenario.roads).items()}
    sheets[KINDS_SHEET] = (
        [Heading(n) for n in ("kind", "states", "needs", "may have")],
        kind_rows(),
    )
    return sheets


def _free(table: pd.DataFrame) -> Sheet:
    """A table that the schema does not know."""
    numbers = set(table.select_dtypes("number").columns)
    headings = [Heading(str(c), is_number=c in numbers) for c in table.columns]
    return headings, table.to_numpy(dtype=object).tolist()


def setting_rows(scenario: Scenario) -> Iterator[list[Any]]:
    """Rows of the sheet of settings: name, value, source, meaning.

    Parameters
    ----------
    scenario
    """
    settings = scenario.settings
    meanings = dict(field_meanings(Settings))
    groups: dict[str, type] = {"travel": type(settings.travel), "solve": SolveSettings}
    for above, cls in groups.items():
        meanings |= {f"{above}.{n}": words for n, words in field_meanings(cls).items()}
    known = fields_of_settings(settings)
    sources = dict(settings.sources)
    for name, value in _flat(settings):
        cell = cell_of_field(value, known[name]) if name in known else value
        parent = name.rpartition(".")[0]
        yield [name, cell, sources.pop(name, None), meanings.get(name) or meanings.get(parent)]
    if scenario.roads is not None and isinstance(settings.travel, RoadGraph):
        graph = scenario.roads
        kind = ("multi" if graph.is_multigraph() else "") + ("di" if graph.is_directed() else "")
        words = "How road_nodes and road_edges make a graph: graph, digraph (one-way edges), "
        words += "multigraph or multidigraph (several edges between two nodes)."
        yield [ROAD_KIND, f"{kind}graph", None, words]
    for name, source in sources.items():
        yield [name, None, source, meanings.get(name, "")]


def fields_of_settings(settings: Settings) -> dict[str, Field]:
    """The settings that are no group, by dotted name."""
    groups: dict[str, type] = {"travel": type(settings.travel), "solve": SolveSettings}
    plain = {f.name for f in fields(Settings)} - {*groups, "sources"}
    known = {f"{g}.{n}": field for g, cls in groups.items() for n, field in fields_of(cls).items()}
    return known | {n: _setting_field(n) for n in plain}


def _setting_field(name: str) -> Field:
    form = {"extra_facility_columns": "words", "name": "text"}.get(name, "number")
    return Field(name, form, "")  # type: ignore[arg-type]


def _flat(settings: Settings) -> Iterator[tuple[str, Any]]:
    values = asdict(settings)
    values.pop("sources")
    for name, value in values.items():
        if not isinstance(value, Mapping):
            yield name, value
            continue
        for inner, one in value.items():
            if isinstance(one, Mapping):
                yield from ((f"{name}.{inner}.{key}", v) for key, v in one.items())
            else:
                yield f"{name}.{inner}", one


def _clauses(scenario: Scenario) -> Sheet:
    columns = clause_columns()
    rows = []
    for clause in scenario.plan.clauses:
        known = fields_of(type(clause))
        cells = {name: cell_of_field(getattr(clause, name), f) for name, f in known.items()}
        cells["kind"] = clause.kind
        missing = [name for name in cells if name not in columns]
        if missing:
            message = f"the kind is not registered, so nobody could read {', '.join(missing)} back"
            raise DataError([Problem("plan", message, column=clause.name, value=clause.kind)])
        rows.append([cells.get(name) for name in columns])
    return [heading_of_field(clause_field(name)) for name in columns], rows


def _checks(scenario: Scenario) -> Sheet:
    names = list(fields_of(Check))
    rows = [
        [cell_of_field(getattr(check, name), fields_of(Check)[name]) for name in names]
        for check in scenario.plan.checks
    ]
    return [heading_of_field(check_field(name)) for name in names], rows


def _offer_kinds(book: Any) -> None:
    """The drop-down of clause kinds: too many words for a list of its own."""
    validation = openpyxl("worksheet.datavalidation").DataValidation
    n = book[KINDS_SHEET].max_row
    rule = validation(type="list", formula1=f"{KINDS_SHEET}!$A$2:$A${n}", allow_blank=True)
    rule.error, rule.showErrorMessage = "One of the kinds on the sheet clause_kinds.", True
    letter = openpyxl("utils").get_column_letter(clause_columns().index("kind") + 1)
    rule.add(f"{letter}2:{letter}1048576")
    book[CLAUSES].add_data_validation(rule)


def _wide(book: Any) -> None:
    """Wide columns where people read sentences."""
    wrap = openpyxl("styles").Alignment(wrap_text=True, vertical="top")
    for name, letters in ((GUIDE, "B"), (SETTINGS, "AD"), (CLAUSES, "F"), (KINDS_SHEET, "BCD")):
        for letter in letters:
            book[name].column_dimensions[letter].width = 40 if name != GUIDE else 110
            for cell in book[name][letter]:
                cell.alignment = wrap
