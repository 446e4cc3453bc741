"""Read scenario folders and allocations."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import ValidationError

from healthalloc.door import SETTINGS_FIELDS, check_input
from healthalloc.errors import DataError, Problem
from healthalloc.io.files import read_csv, read_text, read_toml
from healthalloc.io.include import joined
from healthalloc.io.plan import PLAN_FILE, read_plan
from healthalloc.plan.door import adapter, typed_problems
from healthalloc.progress import phase
from healthalloc.scenario import Scenario
from healthalloc.schema import TABLES
from healthalloc.settings import RoadGraph, Settings, TravelMatrix
from healthalloc.validate import nearest

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["PLAN_FILE", "SETTINGS_FILE", "read_scenario", "read_stock"]

SETTINGS_FILE = "scenario.toml"


@phase("read")
def read_scenario(folder: str | os.PathLike[str]) -> Scenario:
    """Read a scenario folder, or a workbook that holds a scenario.

    Parameters
    ----------
    folder
        Folder with ``scenario.toml``, ``plan.toml`` and one CSV file for each table of the
        schema, in UTF-8; or an Excel workbook (``.xlsx``) with one sheet for each of them.

    Returns
    -------
    Scenario

    Raises
    ------
    DataError
        With every problem of the files and tables.
    PlanError
        With every problem of the plan, once the tables are right.
    UnsupportedError
        If a workbook is given and openpyxl is not installed.
    """
    from healthalloc.workbook import is_workbook, read_workbook

    path = Path(folder)
    if is_workbook(path):
        return read_workbook(path)
    if not path.is_dir():
        raise DataError([Problem(str(folder), "is no folder", mend="give a scenario folder")])
    problems: list[Problem] = []
    settings = _read_settings(path, problems)
    plan, includes = read_plan(path, problems)
    frames: dict[str, pd.DataFrame] = {}
    for name, table in TABLES.items():
        if table.optional and not (path / f"{name}.csv").exists():
            continue
        frame = read_csv(path / f"{name}.csv", problems)
        if frame is not None:
            frames[name] = frame
    travel: pd.DataFrame | None = None
    roads: nx.Graph[Any] | None = None
    if settings is not None and isinstance(settings.travel, TravelMatrix):
        travel = read_csv(path / settings.travel.file, problems)
    if settings is not None and isinstance(settings.travel, RoadGraph):
        roads = _read_graphml(path / settings.travel.file, problems)
    problems += _unknown_files(path, settings)
    if includes:
        frames, plan = joined(path, frames, plan, includes, problems)
    try:
        if problems or settings is None or plan is None:
            # what could be read is checked as well, so that one run lists everything
            _, *found = check_input(frames, settings, plan)
            raise DataError([*problems, *found[0], *found[1]])
        return Scenario(settings=settings, plan=plan, travel=travel, roads=roads, **frames)
    except DataError as error:
        raise type(error)(_on_sheet(p, frames) for p in error.problems) from None


def _on_sheet(problem: Problem, frames: Mapping[str, pd.DataFrame]) -> Problem:
    """The problem with the row that a spreadsheet shows, blank lines counted, and its folder."""
    if problem.row is None or problem.table not in frames:
        return problem
    rows = frames[problem.table].attrs.get("rows", ())
    if problem.row > len(rows):
        return problem
    row = rows[problem.row - 1]
    if isinstance(row, tuple):
        folder, row = row
        return replace(problem, row=row, table=f"{folder}/{problem.table}")
    return replace(problem, row=row)


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


def _read_settings(path: Path, problems: list[Problem]) -> Settings | None:
    values = read_toml(path / SETTINGS_FILE, problems)
    if values is None:
        return None
    try:
        settings: Settings = adapter(Settings).validate_python(values)
    except ValidationError as error:
        problems += typed_problems(error, SETTINGS_FILE, SETTINGS_FIELDS)
        return None
    return settings


def _read_graphml(path: Path, problems: list[Problem]) -> nx.Graph[Any] | None:
    import networkx as nx

    if read_text(path, problems) is None:
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
    table = read_csv(Path(file), problems)
    if table is None:
        raise DataError(problems)
    return table
