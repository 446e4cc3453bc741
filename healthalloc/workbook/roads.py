"""A road graph as two tables, and back."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from healthalloc.errors import DataError, Problem

if TYPE_CHECKING:
    import networkx as nx

NODES, EDGES = "road_nodes", "road_edges"
NODE, START, END, KEY = "node_id", "from_node_id", "to_node_id", "edge_key"


def road_frames(graph: nx.Graph[Any]) -> dict[str, pd.DataFrame]:
    """Nodes and edges with their attributes, by name of the sheet.

    Parameters
    ----------
    graph
        Attributes are numbers, flags or text.

    Raises
    ------
    DataError
        If an attribute is something else, e.g. a list.
    """
    nodes = [{NODE: str(node)} | dict(_plain(data, NODES)) for node, data in graph.nodes(data=True)]
    edges: list[dict[str, Any]] = []
    if graph.is_multigraph():
        for start, end, key, data in graph.edges(keys=True, data=True):  # type: ignore[call-overload]
            ends = {START: str(start), END: str(end), KEY: str(key)}
            edges.append(ends | dict(_plain(data, EDGES)))
    else:
        for start, end, data in graph.edges(data=True):
            edges.append({START: str(start), END: str(end)} | dict(_plain(data, EDGES)))
    return {
        NODES: pd.DataFrame(nodes, columns=_columns(nodes, [NODE]), dtype=object),
        EDGES: pd.DataFrame(edges, columns=_columns(edges, [START, END]), dtype=object),
    }


def _columns(rows: list[dict[str, Any]], first: list[str]) -> list[str]:
    return list(dict.fromkeys([*first, *(name for row in rows for name in row)]))


def _plain(data: Mapping[Any, Any], sheet: str) -> dict[str, Any]:
    for name, value in data.items():
        if not isinstance(value, str | int | float):
            message = "is no number and no text, so that no cell holds it"
            raise DataError([Problem(sheet, message, column=str(name), value=repr(value))])
    return {str(name): value for name, value in data.items()}


def road_graph(
    kind: str, nodes: list[dict[str, Any]], edges: list[dict[str, Any]]
) -> nx.Graph[Any]:
    """The graph of two tables.

    Parameters
    ----------
    kind
        ``"graph"``, ``"digraph"``, ``"multigraph"`` or ``"multidigraph"``.
    nodes, edges
        Rows of the tables, without their empty cells.

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    import networkx as nx

    kinds: dict[str, type[nx.Graph[Any]]] = {
        "graph": nx.Graph, "digraph": nx.DiGraph,
        "multigraph": nx.MultiGraph, "multidigraph": nx.MultiDiGraph,
    }  # fmt: skip
    if kind not in kinds:
        raise ValueError(f"is no kind of graph: one of {', '.join(kinds)}")
    graph = kinds[kind]()
    for row in nodes:
        graph.add_node(row.pop(NODE, ""), **row)
    for number, row in enumerate(edges):
        ends: tuple[Hashable, ...] = (row.pop(START, ""), row.pop(END, ""))
        if graph.is_multigraph():
            ends = (*ends, row.pop(KEY, str(number)))
        graph.add_edge(*ends, **row)
    return graph
