"""Read scenario folders and allocations."""

from __future__ import annotations

import csv
import io
import os
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import ValidationError

from healthalloc.door import SETTINGS_FIELDS, check_input
from healthalloc.errors import DataError, Problem
from healthalloc.plan.clause import Check, Clause, Plan
from healthalloc.plan.door import adapter, read_clause, typed_problems
from healthalloc.scenario import Scenario
from healthalloc.schema import TABLES
from healthalloc.settings import RoadGraph, Settings, TravelMatrix
from healthalloc.validate import nearest

if TYPE_CHECKING:
    import networkx as nx

SETTINGS_FILE, PLAN_FILE = "scenario.toml", "plan.toml"


def read_scenario(folder: str | os.PathLike[str]) -> Scenario:
    """Read a scenario folder.

    Parameters
    ----------
    folder
        Folder with ``scenario.toml``, ``plan.toml`` and one CSV file for each table of the
        schema, in UTF-8.

    Returns
    -------
    Scenario

    Raises
    ------
    DataError
        With every problem of the files and tables.
    PlanError
        With every problem of the plan, once the tables are right.
    """
    path = Path(folder)
    if not path.is_dir():
        raise DataError([Problem(str(folder), "is no folder", mend="give a scenario folder")])
    problems: list[Problem] = []
    settings = _read_settings(path, problems)
    plan = _read_plan(path, problems)
    frames: dict[str, pd.DataFrame] = {}
    for name, table in TABLES.items():
        if table.optional and not (path / f"{name}.csv").exists():
            continue
        frame = _read_csv(path / f"{name}.csv", problems)
        if frame is not None:
            frames[name] = frame
    travel: pd.DataFrame | None = None
    roads: nx.Graph[Any] | None = None
    if settings is not None and isinstance(settings.travel, TravelMatrix):
        travel = _read_csv(path / settings.travel.file, problems)
    if settings is not None and isinstance(settings.travel, RoadGraph):
        roads = _read_graphml(path / settings.travel.file, problems)
    problems += _unknown_files(path, settings)
    try:
        if problems or settings is None or plan is None:
            # what could be read is checked as well, so that one run lists everything
            _, *found = check_input(frames, settings, plan)
            raise DataError([*problems, *found[0], *found[1]])
        return Scenario(settings=settings, plan=plan, travel=travel, roads=roads, **frames)
    except DataError as error:
        raise type(error)(_on_sheet(p, frames) for p in error.problems) from None


def _on_sheet(problem: Problem, frames: Mapping[str, pd.DataFrame]) -> Problem:
    """The problem with the row that a spreadsheet shows, blank lines counted."""
    if problem.row is None or problem.table not in frames:
        return problem
    rows = frames[problem.table].attrs.get("rows", ())
    return replace(problem, row=rows[problem.row - 1]) if problem.row <= len(rows) else problem


def _unknown_files(path: Path, settings: Settings | None) -> list[Problem]:
    """CSV files that nothing reads; a travel matrix may lie there unused."""
    known = {f"{name}.csv" for name in TABLES} | {"travel.csv"}
    if settings is not None and isinstance(settings.travel, TravelMatrix):
        known.add(settings.travel.file)
    files = [file.name for file in sorted(path.glob("*.csv"))]
    return [
        Problem(file, "unknown table", mend=nearest(file, known))
        for file in files
        if file not in known
    ]


def _read_text(path: Path, problems: list[Problem]) -> str | None:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        problems.append(Problem(path.name, "missing file", mend="healthalloc new makes a sample"))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problems.append(
            Problem(
                path.name, f"is not UTF-8 (line {line}, byte 0x{error.object[error.start]:02x})",
                mend="save the file as 'CSV UTF-8'; Chinese Excel writes GB 18030 by default",
            )
        )  # fmt: skip
    except OSError as error:
        problems.append(Problem(path.name, f"cannot be read: {error.strerror}"))
    return None


def _read_csv(path: Path, problems: list[Problem]) -> pd.DataFrame | None:
    text = _read_text(path, problems)
    if text is None:
        return None
    table = path.stem if path.stem in TABLES else path.name
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        mend = "look for a quote that is opened and never closed"
        problems.append(Problem(table, f"is not valid CSV: {error}", mend=mend))
        return None
    numbers = [number for number, row in enumerate(lines) if row]
    rows = [lines[number] for number in numbers]
    if not rows:
        problems.append(Problem(table, "the file is empty", mend="give it a header"))
        return None
    header, width = [name.strip() for name in rows[0]], len(rows[0])
    numbers = [number - numbers[0] for number in numbers[1:]]
    ragged = [k for k, row in enumerate(rows[1:], start=1) if len(row) != width]
    for k in ragged:
        found = len(rows[k])
        problems.append(
            Problem(
                table, f"has {found} cells, the header has {width}", numbers[k - 1],
                mend="quote a cell that holds a comma: \"a, b\"",
            )
        )  # fmt: skip
    if ragged:
        return None
    frame = pd.DataFrame(rows[1:], columns=header, dtype=object)
    frame.attrs["rows"] = numbers
    return frame


def _read_toml(path: Path, problems: list[Problem]) -> dict[str, Any] | None:
    text = _read_text(path, problems)
    if text is None:
        return None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.append(Problem(path.name, f"is not valid TOML: {error}"))
        return None


def _read_settings(path: Path, problems: list[Problem]) -> Settings | None:
    values = _read_toml(path / SETTINGS_FILE, problems)
    if values is None:
        return None
    try:
        settings: Settings = adapter(Settings).validate_python(values)
    except ValidationError as error:
        problems += typed_problems(error, SETTINGS_FILE, SETTINGS_FIELDS)
        return None
    return settings


def _read_plan(path: Path, problems: list[Problem]) -> Plan | None:
    values = _read_toml(path / PLAN_FILE, problems)
    if values is None:
        return None
    n_before = len(problems)
    for key in values.keys() - {"clause", "check"}:
        mend = nearest(key, ["clause", "check"]) or "allowed: clause, check"
        problems.append(Problem("plan", "unknown field", column=key, mend=mend))
    clauses: list[Clause] = []
    for number, entry in enumerate(_entries(values, "clause", problems), start=1):
        parts = _entries(entry, "part", problems) if isinstance(entry.get("part"), list) else [{}]
        for part in parts:
            merged = {k: v for k, v in entry.items() if k != "part" or isinstance(v, str)} | part
            place = "/".join(
                str(merged[k]) for k in ("id", "part") if merged.get(k)
            ) or f"clause {number}"  # fmt: skip
            clause, found = read_clause(merged, place)
            problems += found
            if clause is not None:
                clauses.append(clause)
    checks: list[Check] = []
    for number, entry in enumerate(_entries(values, "check", problems), start=1):
        try:
            checks.append(adapter(Check).validate_python(entry))
        except ValidationError as error:
            place = f"check {entry.get('id', number)}"
            problems += typed_problems(error, "plan", {"": [f.name for f in fields(Check)]}, place)
    return Plan(clauses, checks) if len(problems) == n_before else None


def _entries(values: Mapping[str, Any], key: str, problems: list[Problem]) -> list[dict[str, Any]]:
    entries = values.get(key, [])
    if isinstance(entries, list) and all(isinstance(e, dict) for e in entries):
        return entries
    problems.append(Problem("plan", f"{key} is a list of tables: [[{key}]]", column=key))
    return []


def _read_graphml(path: Path, problems: list[Problem]) -> nx.Graph[Any] | None:
    import networkx as nx

    if _read_text(path, problems) is None:
        return None
    try:
        graph: nx.Graph[Any] = nx.read_graphml(path)
    except Exception as error:  # the reader raises many kinds: XML, key and type errors
        problems.append(Problem(path.name, f"is not valid GraphML: {error}"))
        return None
    return graph


def read_stock(file: str | os.PathLike[str]) -> pd.DataFrame:
    """Read an allocation, as ``allocation.csv`` holds it.

    Parameters
    ----------
    file
        CSV file in UTF-8.

    Raises
    ------
    DataError
        If the file cannot be read as a table.
    """
    problems: list[Problem] = []
    table = _read_csv(Path(file), problems)
    if table is None:
        raise DataError(problems)
    return table
