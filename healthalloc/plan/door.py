"""Checks of the plan at the door: every clause against its kind and against the tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from healthalloc.errors import Problem
from healthalloc.layout import Layout, in_scope
from healthalloc.plan.clause import (
    AREA,
    FACILITY,
    KINDS,
    LEVEL,
    RESOURCE,
    SERVICE,
    Check,
    Clause,
    Plan,
)
from healthalloc.validate import is_formula, nearest

Adapter = TypeAdapter[Any]

REFERRED = {
    RESOURCE: ("resources", "resource_id"),
    FACILITY: ("facilities", "facility_id"),
    SERVICE: ("services", "service_id"),
    AREA: ("areas", "area_id"),
    LEVEL: ("areas", "level"),
}
"""Table and column that the marks of a clause's fields refer to."""


@cache
def adapter(kind: type) -> Adapter:
    """Validator of a dataclass of settings, clauses or checks."""
    return TypeAdapter(kind)


def typed_problems(
    error: ValidationError, table: str, known: Mapping[str, Iterable[str]], name: str = ""
) -> list[Problem]:
    """The findings of a type check as problems of the input.

    Parameters
    ----------
    error
        What the type check raised.
    table
        File or table that was checked.
    known
        Field names allowed under each field that has fields of its own, and under ``""``, for
        the nearest name of an unknown one.
    name
        Identifier of the entry, e.g. of a clause.
    """
    problems = []
    for finding in error.errors(include_url=False):
        column = ".".join(str(part) for part in finding["loc"])
        message, mend = finding["msg"][0].lower() + finding["msg"][1:], ""
        value = "" if finding["type"] == "missing" else str(finding["input"])
        if finding["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
            word = str(finding["loc"][-1])
            message, value = "unknown field", ""
            above = str(finding["loc"][0]) if len(finding["loc"]) > 1 else ""
            names = list(known.get(above, known[""]))
            mend = nearest(word, names) or f"allowed: {', '.join(names)}"
        elif finding["type"] == "missing":
            message = "missing field"
        place = f"{name}: {column}" if name else column
        problems.append(Problem(table, message, column=place, value=value, mend=mend))
    return problems


def read_clause(entry: Mapping[str, Any], place: str) -> tuple[Clause | None, list[Problem]]:
    """Make a clause from an entry of ``plan.toml``.

    Parameters
    ----------
    entry
        The entry, parts already merged.
    place
        Name of the entry in messages.
    """
    kind = entry.get("kind", "")
    if kind not in KINDS:
        mend = nearest(str(kind), KINDS) or f"allowed: {', '.join(KINDS)}"
        message = "unknown kind of clause" if kind else "missing field"
        return None, [Problem("plan", message, column=f"{place}: kind", value=kind, mend=mend)]
    cls = KINDS[kind]
    try:
        values = {key: value for key, value in entry.items() if key != "kind"}
        return adapter(cls).validate_python(values), []
    except ValidationError as error:
        return None, typed_problems(error, "plan", {"": [f.name for f in fields(cls)]}, place)


def stated_problems(plan: Plan, tables: Mapping[str, pd.DataFrame]) -> list[Problem]:
    """What is wrong with the words of a plan: types, names, references, formulas.

    Parameters
    ----------
    plan
    tables
        Tables by name; references are checked into those that are there.
    """
    problems: list[Problem] = []
    known_ids = {
        mark: tables[name][column].unique().tolist()
        for mark, (name, column) in REFERRED.items()
        if name in tables
    }
    for name, count in Counter(clause.name for clause in plan.clauses).items():
        if count > 1:
            problems.append(
                Problem(
                    "plan", f"stands {count} times", column="id", value=name,
                    mend="give each clause its own id, or its statements each a part",
                )
            )  # fmt: skip
    for clause in plan.clauses:
        try:
            adapter(type(clause)).validate_python(clause)
        except ValidationError as error:
            known = {"": [f.name for f in fields(clause)]}
            problems += typed_problems(error, "plan", known, clause.name)
            continue
        problems += _reference_problems(clause, tables, known_ids)
        problems += _formula_problems(clause, clause.name)
        if clause.treatment != "record":
            problems += [_of(clause, "target", text) for text in clause.bound_problems()]
    for check in plan.checks:
        problems += _formula_problems(check, f"check {check.id}")
        if "facts" in tables:
            problems += _check_problems(check, set(tables["facts"]["fact_id"]))
    return problems


def measured_problems(plan: Plan, layout: Layout) -> list[Problem]:
    """What is wrong with a well-stated plan in its scenario.

    Parameters
    ----------
    plan
        Without `stated_problems`.
    layout
        Positions of the scenario's stock and openings.
    """
    problems: list[Problem] = []
    for clause in plan.clauses:
        if clause.treatment == "record":
            continue
        if clause.each_area and not layout.areas_of(clause.each_area, clause.area):
            message = f"no area of this level lies in {clause.area}"
            mend = "name a level below it, or leave out area"
            problems.append(_of(clause, "each_area", message, str(clause.each_area), mend))
            continue
        if clause.is_about_distance and layout.scenario.settings.travel.method == "matrix":
            message = "asks for travel between facilities, which a travel matrix does not know"
            mend = "choose great_circle or road_graph, or treatment record"
            problems.append(_of(clause, "kind", message, clause.kind, mend))
            continue
        found = [_of(clause, "", text) for text in clause.problems(layout)]
        if not found and clause.treatment == "enforce":
            found = _nobody_problems(clause, layout)
        problems += found
    return problems


def _nobody_problems(clause: Clause, layout: Layout) -> list[Problem]:
    """A floor on a resource that nobody in the scope can hold."""
    marks = set().union(*_marked_fields(type(clause)).values())
    if (
        clause.is_parameter
        or clause.is_about_distance
        or RESOURCE not in marks
        or clause.bounds[0] <= 0
    ):
        return []
    measure = clause.measured(layout)
    without = (np.diff(measure.numerator.indptr) == 0) & (measure.fixed == 0)
    # in an area without anybody whom the clause speaks of, it says nothing
    asked = measure.constant > 0
    if measure.denominator is not None:
        asked |= np.diff(measure.denominator.indptr) > 0
    empty = np.flatnonzero(without & asked)
    if measure.cover is not None or not len(empty):
        return []
    places = [" / ".join(word for word in measure.place(k) if word) for k in empty.tolist()]
    who = ", ".join(place or "nobody" for place in places)
    message = (
        f"asks for more than nothing, but the table stock has no row for it ({who}): "
        "who has no row holds none"
    )
    mend = "add rows to the stock table (upper: the most they may hold), or narrow the scope"
    return [_of(clause, "scope", message, mend=mend)]


def _formula_problems(item: Clause | Check, name: str) -> list[Problem]:
    """Text that a spreadsheet would run, in any field: all of it reaches a result table."""
    values = {f.name: getattr(item, f.name) for f in fields(item)}
    return [
        Problem(
            "plan", "would run as a formula in a spreadsheet", column=f"{name}: {field}",
            value=text, mend="begin it with a letter or a digit",
        )
        for field, text in values.items() if isinstance(text, str) and is_formula(text)
    ]  # fmt: skip


def _of(clause: Clause, field: str, message: str, value: str = "", mend: str = "") -> Problem:
    place = f"{clause.name}: {field}" if field else clause.name
    return Problem("plan", message, column=place, value=value, mend=mend)


def _reference_problems(
    clause: Clause, tables: Mapping[str, pd.DataFrame], known: Mapping[str, Sequence[str]]
) -> list[Problem]:
    problems: list[Problem] = []
    for name, marks in _marked_fields(type(clause)).items():
        value = getattr(clause, name)
        if "scope" in marks and "facilities" in tables:
            for scope in [value] if isinstance(value, Mapping) else value:
                problems += _scope_problems(clause, name, scope, tables["facilities"])
        for mark in marks & known.keys():
            for word in _words(value):
                if word and word not in known[mark]:
                    some = ", ".join(dict.fromkeys(known[mark][:50])) or "none: add areas.csv"
                    mend = nearest(word, known[mark]) or f"known: {some}"
                    noun = "level of areas" if mark == LEVEL else mark
                    problems.append(_of(clause, name, f"is no known {noun}", word, mend))
    return problems


def _words(value: Any) -> list[str]:
    """Names that a field holds: itself, its entries, or keys and values."""
    if isinstance(value, str):
        return [value]
    named = [*value, *value.values()] if isinstance(value, Mapping) else value
    return [word for word in named if isinstance(word, str)]


def _scope_problems(
    clause: Clause, name: str, scope: Mapping[str, Any], facilities: pd.DataFrame
) -> list[Problem]:
    problems: list[Problem] = []
    for column, allowed in scope.items():
        if column not in facilities.columns:
            mend = nearest(column, facilities.columns) or "use a column of facilities.csv"
            problems.append(_of(clause, name, "is no column of facilities", column, mend))
            continue
        present = sorted(map(str, facilities[column].unique()))
        for word in [allowed] if isinstance(allowed, str) else allowed:
            if word not in present:
                mend = nearest(word, present) or f"present: {', '.join(present[:8])}"
                message = f"no facility has this {column}"
                problems.append(_of(clause, f"{name}.{column}", message, word, mend))
    if not problems and not in_scope(facilities, scope).any():
        message = "no facility matches the scope, so the clause would say nothing"
        problems.append(_of(clause, name, message, str(dict(scope)), "widen the scope"))
    return problems


@cache
def _marked_fields(kind: type[Clause]) -> dict[str, set[str]]:
    """Fields of a clause kind that refer to tables, with the marks found in their types."""
    hints = get_type_hints(kind, include_extras=True)
    return {f.name: marks for f in fields(kind) if (marks := _marks(hints[f.name]))}


def _marks(hint: Any) -> set[str]:
    marks = {m for m in getattr(hint, "__metadata__", ()) if isinstance(m, str)}
    inner = get_args(hint)[:1] if get_origin(hint) is Annotated else get_args(hint)
    return marks.union(*map(_marks, inner)) if inner else marks


def _check_problems(check: Check, facts: set[str]) -> list[Problem]:
    return [
        Problem(
            "plan", "is no fact_id of the table facts", column=f"check {check.id}", value=word,
            mend=nearest(word, facts),
        )
        for word in check.facts if word not in facts
    ]  # fmt: skip
