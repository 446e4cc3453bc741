"""Trees of resources and areas, and who stands in them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from healthalloc.consistency.common import Tables
from healthalloc.errors import Problem
from healthalloc.validate import nearest, rows_where

HALF_A_PERSON = 0.5
"""Sums of residents that differ by no more agree."""


def check_resource_tree(tables: Tables) -> list[Problem]:
    """The parents of the resources must form a forest."""
    return _cycles(tables, "resources", "resource_id")


def _cycles(tables: Tables, table: str, key: str) -> list[Problem]:
    """Rows whose parents lead back to themselves, each cycle once."""
    parent = dict(zip(tables[table][key].tolist(), tables[table]["parent_id"].tolist()))
    problems: list[Problem] = []
    for row, path in _paths_back(parent):
        message = f"the tree of {table} has a cycle: " + " -> ".join(path)
        mend = "empty the parent_id of the topmost one"
        problems.append(Problem(table, message, row + 1, "parent_id", path[1], mend))
    return problems


def _paths_back(successor: Mapping[str, str]) -> list[tuple[int, list[str]]]:
    """Cycles of a map in which everything has one successor or none (empty)."""
    found: list[tuple[int, list[str]]] = []
    reported: set[str] = set()
    for row, start in enumerate(successor):
        path = [start]
        while successor.get(path[-1]) and successor[path[-1]] not in path:
            path.append(successor[path[-1]])
        if successor.get(path[-1]) == start and start not in reported:
            reported |= set(path)
            found.append((row, [*path, start]))
    return found


def check_area_tree(tables: Tables) -> list[Problem]:
    """The areas form one tree, and what the populations add up to is what they print."""
    problems = _cycles(tables, "areas", "area_id")
    if problems:
        return problems
    areas = tables["areas"]
    roots = areas["area_id"][areas["parent_id"] == ""].tolist()
    if len(roots) > 1:
        problems.append(
            Problem(
                "areas", f"{len(roots)} areas lie in no other: {', '.join(roots[:5])}",
                column="parent_id", mend="one root only: give the others their parent_id",
            )
        )  # fmt: skip
    return problems


def check_areas_used(tables: Tables) -> list[Problem]:
    """Facilities and populations stand in areas of the tree."""
    known = tables["areas"]["area_id"].tolist()
    if not known:
        return []
    problems: list[Problem] = []
    for name in ("facilities", "populations"):
        given = tables[name]["area"]
        for row in rows_where(~given.isin(known)):
            value = str(given.iat[row])
            message = "is no area of the tree" if value else "is empty: expected an area_id"
            mend = nearest(value, known) or "add it to areas.csv, with its level and parent"
            problems.append(Problem(name, message, row + 1, "area", value, mend))
    return problems


def check_area_residents(tables: Tables) -> list[Problem]:
    """Populations add up to the residents that an area prints."""
    areas, populations = tables["areas"], tables["populations"]
    parent = dict(zip(areas["area_id"].tolist(), areas["parent_id"].tolist()))
    total = dict.fromkeys(parent, 0.0)
    for area, residents in zip(populations["area"].tolist(), populations["residents"].tolist()):
        while area:
            total[area] += residents
            area = parent[area]
    found = areas["area_id"].map(total).to_numpy(dtype=float)
    printed = areas["residents"].to_numpy(dtype=float)
    return [
        Problem(
            "areas", f"the populations of {areas['area_id'].iat[row]} add up to {found[row]:g}",
            row + 1, "residents", f"{printed[row]:g}",
            "mend the populations, or leave the cell empty if they need not agree",
        )
        for row in rows_where(np.abs(found - printed) > HALF_A_PERSON)
    ]  # fmt: skip
