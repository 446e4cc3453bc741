"""The tree of areas: which areas lie in which, and who stands where."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def inside(areas: pd.DataFrame, area_id: str) -> set[str]:
    """An area and all that lie in it.

    Parameters
    ----------
    areas
        Table of the schema, checked.
    area_id
        One of its areas.
    """
    return below(children_of(areas), area_id)


def children_of(areas: pd.DataFrame) -> dict[str, list[str]]:
    """The areas that lie directly in each area."""
    children: dict[str, list[str]] = {}
    for child, parent in zip(areas["area_id"].tolist(), areas["parent_id"].tolist()):
        children.setdefault(parent, []).append(child)
    return children


def below(children: Mapping[str, Sequence[str]], area_id: str) -> set[str]:
    """An area and all that lie in it, of the areas that `children_of` found."""
    found, open_ = set(), [area_id]
    while open_:
        area = open_.pop()
        found.add(area)
        open_ += children.get(area, [])
    return found


def of_level(areas: pd.DataFrame, levels: Collection[str], within: str = "") -> list[str]:
    """Areas of some levels, in table order.

    Parameters
    ----------
    areas
        Table of the schema, checked.
    levels
        Levels that count.
    within
        Restrict to areas in this one; empty: all.
    """
    chosen = areas["level"].isin(list(levels))
    if within:
        chosen &= areas["area_id"].isin(inside(areas, within))
    return [str(area) for area in areas["area_id"][chosen]]


def area_of_level(
    areas: pd.DataFrame, level: str, places: Sequence[str] | pd.Series[str]
) -> NDArray[np.intp]:
    """The area of a level that each place lies in.

    Parameters
    ----------
    areas
        Table of the schema, checked.
    level
        Level of the areas that are asked for.
    places : length n
        Areas of any level.

    Returns
    -------
    ndarray of int, shape (n,)
        Position among the areas of the level (see `of_level`); -1 where there is none.
    """
    position = {area: k for k, area in enumerate(of_level(areas, [level]))}
    parent = dict(zip(areas["area_id"].tolist(), areas["parent_id"].tolist()))
    found = np.full(len(places), -1, dtype=np.intp)
    for k, place in enumerate(places):
        while place and place not in position:
            place = parent.get(place, "")
        found[k] = position.get(place, -1)
    return found


def at_one_depth(
    areas: pd.DataFrame, homes: Sequence[str], sites: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Areas in which homes and sites can be compared.

    Where every site stands in the area of some home, nothing changes. Where the two state areas
    of different sizes and there is a tree, each is given the area around it at the smallest
    depth of the tree that all of them reach.

    Parameters
    ----------
    areas
        Table of the schema, checked; may be empty.
    homes, sites
        Areas of populations and of facilities.
    """
    if areas.empty or set(sites) <= set(homes):
        return list(homes), list(sites)
    parent = dict(zip(areas["area_id"].tolist(), areas["parent_id"].tolist()))

    def line(area: str) -> list[str]:
        above = [area]
        while parent.get(above[0]):
            above.insert(0, parent[above[0]])
        return above

    depth = min(len(line(area)) for area in {*homes, *sites})
    at_depth = {area: line(area)[depth - 1] for area in {*homes, *sites}}
    return [at_depth[area] for area in homes], [at_depth[area] for area in sites]
