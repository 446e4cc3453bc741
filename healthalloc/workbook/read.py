"""Read a scenario from one workbook."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from healthalloc.door import check_input
from healthalloc.errors import DataError, Problem
from healthalloc.scenario import Scenario
from healthalloc.schema import TABLES
from healthalloc.settings import RoadGraph, TravelMatrix
from healthalloc.workbook.book import read_grids
from healthalloc.workbook.grid import Grid, as_flag, as_number, as_text, value_of
from healthalloc.workbook.locate import Locator
from healthalloc.workbook.plan import read_plan
from healthalloc.workbook.roads import EDGES, END, KEY, NODE, NODES, START, road_graph
from healthalloc.workbook.settings import read_settings
from healthalloc.workbook.write import SETTINGS, TRAVEL

if TYPE_CHECKING:
    import networkx as nx


def read_workbook(file: str | os.PathLike[str]) -> Scenario:
    """Read a scenario from a workbook, one sheet a table.

    Parameters
    ----------
    file
        Workbook (.xlsx) with the sheets ``settings``, ``clauses`` and one for each table of the
        schema.

    Raises
    ------
    DataError
        With every problem of the sheets, each with sheet and cell.
    PlanError
        With every problem of the plan, once the tables are right.
    UnsupportedError
        If openpyxl is not installed.
    """
    problems: list[Problem] = []
    grids = read_grids(Path(file), problems)
    settings, graph_kind = None, ""
    if SETTINGS in grids:
        settings, graph_kind = read_settings(grids[SETTINGS], problems)
    plan = read_plan(grids, problems)
    frames = {
        name: read_table(grids[name], name, problems)
        for name, table in TABLES.items()
        if name in grids and (grids[name].rows or not table.optional)
    }
    travel: pd.DataFrame | None = None
    roads: nx.Graph[Any] | None = None
    if settings is not None and isinstance(settings.travel, TravelMatrix) and TRAVEL in grids:
        travel = read_table(grids[TRAVEL], TRAVEL, problems)
    if settings is not None and isinstance(settings.travel, RoadGraph) and NODES in grids:
        roads = _read_roads(grids, graph_kind, problems)
    locator = Locator(grids)
    try:
        if problems or settings is None or plan is None:
            # what could be read is checked as well, so that one run lists everything
            _, *found = check_input(frames, settings, plan)
            raise DataError([*problems, *_not_told(found[0], problems, locator), *found[1]])
        return Scenario(
            settings=settings, plan=plan, travel=travel, roads=roads, outlines={}, **frames
        )
    except DataError as error:
        raise type(error)(map(locator.found, error.problems)) from None


def _not_told(found: list[Problem], told: list[Problem], locator: Locator) -> list[Problem]:
    """Problems of cells that are not told yet: a cell that cannot be read is taken for empty."""
    places = {problem.table for problem in told}
    return [problem for problem in found if locator.found(problem).table not in places]


def read_table(grid: Grid, name: str, problems: list[Problem]) -> pd.DataFrame:
    """A table of text, as it would stand in a CSV file.

    Parameters
    ----------
    grid
    name
        Name of the table; one that the schema does not know holds text and plain numbers.
    problems
        Cells that Excel has changed are added.
    """
    known = {c.name: c for c in TABLES[name].columns} if name in TABLES else {}
    columns = {}
    for column in grid.header:
        schema = known.get(column)
        kind = "text" if schema is None else schema.kind
        texts = []
        for row in grid.rows:
            cell, place = grid.cell(row, column), grid.place(row, column)
            if kind == "yes_no":
                texts.append(as_flag(cell, place, problems, grid.uncomputed))
            elif kind == "number" or (name == TRAVEL and not column.endswith("_id")):
                is_fraction = schema is not None and schema.unit == "fraction"
                texts.append(as_number(cell, place, problems, grid.uncomputed, is_fraction))
            else:
                texts.append(as_text(cell, place, problems, grid.uncomputed))
        columns[column] = texts
    return pd.DataFrame(columns, index=pd.RangeIndex(len(grid.rows)), dtype=object)


def _read_roads(
    grids: Mapping[str, Grid], kind: str, problems: list[Problem]
) -> nx.Graph[Any] | None:
    tables: list[list[dict[str, Any]]] = []
    for name in (NODES, EDGES):
        rows: list[dict[str, Any]] = []
        grid = grids.get(name)
        for row in grid.rows if grid is not None else ():
            assert grid is not None
            values = {}
            for column in grid.header:
                cell, place = grid.cell(row, column), grid.place(row, column)
                read = as_text if column in (NODE, START, END, KEY) else value_of
                value = read(cell, place, problems, grid.uncomputed)
                if value is not None and value != "":
                    values[column] = value
            rows.append(values)
        tables.append(rows)
    try:
        return road_graph(kind or "graph", *tables)
    except ValueError as error:
        problems.append(Problem(f"sheet {SETTINGS}", str(error), column="travel.graph", value=kind))
        return None
