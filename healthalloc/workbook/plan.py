"""Read the sheets of clauses and checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pydantic import ValidationError

from healthalloc.errors import Problem
from healthalloc.plan.clause import KINDS, Check, Clause, Plan
from healthalloc.plan.door import adapter, read_clause, typed_problems
from healthalloc.validate import nearest
from healthalloc.workbook.fields import Field, clause_columns, clause_field, fields_of
from healthalloc.workbook.forms import (
    read_mapping,
    read_mappings,
    read_word_or_words,
    read_words,
)
from healthalloc.workbook.grid import Grid, as_flag, as_number, as_text
from healthalloc.workbook.locate import entry_name
from healthalloc.workbook.write import CHECKS, CLAUSES


def read_plan(grids: Mapping[str, Grid], problems: list[Problem]) -> Plan | None:
    """The plan, or None where anything is wrong.

    Parameters
    ----------
    grids
        Sheets by name.
    problems
        What is wrong is added.
    """
    n_before = len(problems)
    clauses: list[Clause] = []
    checks: list[Check] = []
    if CLAUSES in grids:
        grid = grids[CLAUSES]
        _refuse_columns(grid, clause_columns(), problems)
        for row in grid.rows:
            entry = _clause_entry(grid, row, problems)
            clause, found = read_clause(entry, entry_name(grid, row))
            problems += found
            if clause is not None:
                clauses.append(clause)
    if CHECKS in grids:
        grid, known = grids[CHECKS], fields_of(Check)
        _refuse_columns(grid, list(known), problems)
        for row in grid.rows:
            entry = _entry(grid, row, known, problems)
            try:
                checks.append(adapter(Check).validate_python(entry))
            except ValidationError as error:
                place = f"check {entry_name(grid, row)}"
                names = {"": [f.name for f in fields(Check)]}
                problems += typed_problems(error, "plan", names, place)
    return Plan(clauses, checks) if len(problems) == n_before else None


def _refuse_columns(grid: Grid, known: list[str], problems: list[Problem]) -> None:
    for column in grid.header:
        if column not in known:
            mend = nearest(column, known) or f"allowed: {', '.join(known)}"
            problems.append(
                Problem(grid.place(None, column), "unknown column", value=column, mend=mend)
            )


def _clause_entry(grid: Grid, row: int, problems: list[Problem]) -> dict[str, Any]:
    kind = ""
    if "kind" in grid.header:
        place = grid.place(row, "kind")
        kind = as_text(grid.cell(row, "kind"), place, problems, grid.uncomputed).strip()
    own = fields_of(KINDS[kind]) if kind in KINDS else {}
    # a column that the kind does not know is passed on, so that it is refused by name
    known = {name: own.get(name) or clause_field(name) for name in clause_columns()}
    del known["kind"]
    return _entry(grid, row, known, problems) | ({"kind": kind} if kind else {})


def _entry(
    grid: Grid, row: int, known: Mapping[str, Field], problems: list[Problem]
) -> dict[str, Any]:
    """The filled fields of a row."""
    entry = {}
    for name in grid.header:
        if name in known:
            value = _value(grid, row, known[name], problems)
            if value is not None:
                entry[name] = value
    return entry


_READERS = {
    "words": read_words, "word or words": read_word_or_words, "mapping": read_mapping,
    "mappings": read_mappings,
}  # fmt: skip


def _value(grid: Grid, row: int, field: Field, problems: list[Problem]) -> Any:
    cell, place = grid.cell(row, field.name), grid.place(row, field.name)
    if cell is None:
        return None
    if field.form == "number":
        return as_number(cell, place, problems, grid.uncomputed).strip() or None
    if field.form == "flag":
        return as_flag(cell, place, problems, grid.uncomputed) or None
    text = as_text(cell, place, problems, grid.uncomputed)
    if field.form == "text":
        return text or None
    if not text.strip():
        return None
    try:
        return _READERS[field.form](text)
    except ValueError as error:
        problems.append(Problem(place, str(error), value=text))
        return None
