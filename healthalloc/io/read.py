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
from healthalloc.geo.read import SUFFIXES
from healthalloc.io.files import read_csv, read_toml
from healthalloc.io.include import joined
from healthalloc.io.matrix import read_matrix
from healthalloc.io.plan import PLAN_FILE, read_plan
from healthalloc.io.roads import read_roads
from healthalloc.io.tables import geographic_files, read_parquet, read_tables
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
        Facilities, populations and areas may stand in a GeoJSON, GeoPackage or Shapefile of
        their name instead of the CSV file, or as layers of one ``region.gpkg``.

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
        If a file needs a package that is not installed; the error names the extra.
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
    frames, outlines = read_tables(path, tuple(TABLES), problems)
    travel: pd.DataFrame | None = None
    roads: nx.Graph[Any] | None = None
    if includes:
        frames, outlines, plan = joined(path, frames, outlines, plan, includes, problems)
    if settings is not None and isinstance(settings.travel, TravelMatrix):
        travel = read_matrix(path / settings.travel.file, settings.travel, frames, problems)
    if settings is not None and isinstance(settings.travel, RoadGraph):
        roads = read_roads(path / settings.travel.file, problems)
    problems += _unknown_files(path, settings)
    try:
        if problems or settings is None or plan is None:
            # what could be read is checked as well, so that one run lists everything
            _, *found = check_input(frames, settings, plan)
            raise DataError([*problems, *found[0], *found[1]])
        return Scenario(
            settings=settings, plan=plan, travel=travel, roads=roads, outlines=outlines, **frames
        )
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
    """Tables and layers that nothing reads; a travel matrix may lie there unused."""
    known = {f"{name}.csv" for name in TABLES} | {"travel.csv"} | geographic_files()
    if settings is not None and isinstance(settings.travel, TravelMatrix):
        known.add(settings.travel.file)
    endings = (".csv", *SUFFIXES)
    files = [file.name for file in sorted(path.iterdir()) if file.suffix.lower() in endings]
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


def read_stock(file: str | os.PathLike[str]) -> pd.DataFrame:
    """Read an allocation, as ``allocation.csv`` holds it.

    Parameters
    ----------
    file
        CSV file in UTF-8, or Parquet file.

    Raises
    ------
    DataError
        If the file cannot be read as a table.
    UnsupportedError
        If it is Parquet and pyarrow is not installed.
    """
    problems: list[Problem] = []
    path = Path(file)
    table = (read_parquet if path.suffix.lower() == ".parquet" else read_csv)(path, problems)
    if table is None:
        raise DataError(problems)
    return table
