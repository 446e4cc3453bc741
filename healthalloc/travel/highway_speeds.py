"""Speed on the roads of OpenStreetMap, whose edges say their class and sometimes a limit."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from healthalloc.errors import Problem
from healthalloc.travel.common import Floats, some

if TYPE_CHECKING:
    import networkx as nx

CLASS, LIMIT = "highway", "maxspeed"
OWN_TIMES = ("travel_min", "travel_time", "speed_km_per_h", "speed_kph")
"""Attributes of an edge from which its minutes follow without its class."""
_KM_PER_MILE = 1.609344
_LIMIT = re.compile(r"(\d+(?:\.\d+)?)\s*(mph|km/?h|kph)?", re.IGNORECASE)


@cache
def standard() -> Mapping[str, Any]:
    """Speeds by class, share of a posted limit, and their source."""
    text = resources.files("healthalloc.travel").joinpath("highway_speeds.toml").read_text("utf-8")
    return tomllib.loads(text)


def highway_speeds(
    attributes: Sequence[Mapping[str, Any]],
    needed: NDArray[np.bool_],
    speed_km_per_h: Mapping[str, float],
) -> tuple[Floats, list[Problem]]:
    """Speed of each edge from its posted limit or its class.

    An edge that merges several roads goes at the slowest of them.

    Parameters
    ----------
    attributes : length n_edges
        Of the edges; ``highway`` and ``maxspeed`` as OpenStreetMap or OSMnx write them.
    needed : shape (n_edges,)
        Edges whose speed is asked for.
    speed_km_per_h
        Speeds by class that count before the standard ones.

    Returns
    -------
    shape (n_edges,)
        km per hour; NaN where not asked for, or neither a class nor a limit is given.
    list of Problem
        Classes without a speed.
    """
    by_class = {**standard()["speed_km_per_h"], **speed_km_per_h}
    speeds = np.full(len(attributes), np.nan)
    unknown: dict[str, int] = {}
    for edge in np.flatnonzero(needed).tolist():
        classes = _words(attributes[edge].get(CLASS))
        limits = list(_limits(attributes[edge].get(LIMIT)))
        if limits and not any(c in speed_km_per_h for c in classes):
            speeds[edge] = min(limits) * standard()["posted_share"]
        elif classes and all(c in by_class for c in classes):
            speeds[edge] = min(by_class[c] for c in classes)
        for name in classes:
            if name not in by_class and np.isnan(speeds[edge]):
                unknown[name] = unknown.get(name, 0) + 1
    if not unknown:
        return speeds, []
    names = sorted(unknown, key=lambda name: -unknown[name])
    message = f"no speed is known for this class of road ({sum(unknown.values())} edges)"
    mend = "add it under [travel.speed_km_per_h], or leave such roads out of the graph"
    return speeds, [Problem("roads", message, column=CLASS, value=some(names), mend=mend)]


def uses_highway_speeds(roads: nx.Graph[Any] | None) -> bool:
    """Whether any edge has a class or a limit, and nothing else that tells its minutes.

    Parameters
    ----------
    roads
    """
    return roads is not None and any(
        (CLASS in data or LIMIT in data) and not any(name in data for name in OWN_TIMES)
        for _, _, data in roads.edges(data=True)
    )


def _words(value: Any) -> list[str]:
    """The words of an attribute; GraphML of OSMnx holds a list as ``"['60', '40']"``."""
    if value is None or value != value:
        return []
    if isinstance(value, str):
        value = value.strip().strip("[]").split(",")
    items = value if isinstance(value, list | tuple | set) else [value]
    return [word for item in items if (word := str(item).strip().strip("'\""))]


def _limits(value: Any) -> Iterator[float]:
    """Posted limits, km per hour; words such as ``CN:urban`` say none."""
    for word in _words(value):
        found = _LIMIT.fullmatch(word)
        if found and float(found[1]) > 0:
            yield float(found[1]) * (_KM_PER_MILE if (found[2] or "").lower() == "mph" else 1.0)
