"""Road graphs in GraphML, as networkx and OSMnx write them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from healthalloc.errors import Problem
from healthalloc.io.files import read_text

if TYPE_CHECKING:
    import networkx as nx

_DEFAULTS = ("node_default", "edge_default")
"""Attributes of a graph that networkx reads from GraphML and writes itself."""


def read_roads(path: Path, problems: list[Problem]) -> nx.Graph[Any] | None:
    """A road graph, or ``None`` with what is wrong added to the problems."""
    import networkx as nx

    if read_text(path, problems) is None:
        return None
    try:
        graph: nx.Graph[Any] = nx.read_graphml(path)
    except Exception as error:  # the reader raises many kinds: XML, key and type errors
        problems.append(Problem(path.name, f"is not valid GraphML: {error}"))
        return None
    return graph


def write_roads(roads: nx.Graph[Any], path: Path) -> None:
    """Write a road graph as GraphML.

    Parameters
    ----------
    roads
        Attributes that GraphML cannot hold become text, as OSMnx does it: lists of the tags of
        several roads, geometry (as WKT), a coordinate reference system; absent ones are left out.
    path
    """
    import networkx as nx

    plain = roads.copy()
    holders = [plain.graph, *(data for _, data in plain.nodes(data=True))]
    for data in [*holders, *(data for *_, data in plain.edges(data=True))]:
        for name, value in list(data.items()):
            if name in _DEFAULTS:
                continue
            if value is None:
                del data[name]
            elif not isinstance(value, str | bool | int | float):
                data[name] = value.item() if hasattr(value, "item") else str(value)
    nx.write_graphml(plain, path)
