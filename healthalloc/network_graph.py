"""The network as a networkx graph, and back without loss."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from healthalloc.errors import DataError, Problem
from healthalloc.network import Arcs

if TYPE_CHECKING:
    import networkx as nx

_TABLES = {"facilities": "facility", "populations": "population"}  # table: what its nodes are


def to_networkx(
    facilities: pd.DataFrame,
    populations: pd.DataFrame,
    arcs: Arcs,
    service_ids: Sequence[str],
) -> nx.MultiDiGraph[Any]:
    """Show the network as a graph for networkx.

    Parameters
    ----------
    facilities, populations
        Tables of the schema, checked.
    arcs
        Arcs between their rows.
    service_ids
        Services that the arcs refer to.

    Returns
    -------
    networkx.MultiDiGraph
        Nodes ``("facility", facility_id)`` and ``("population", population_id)`` with the
        columns of their table as attributes; an edge from population to facility for each arc,
        its key the service, with ``travel_min`` and ``distance_km``. The types of the columns
        and the services stand in ``graph.graph``.
    """
    import networkx as nx

    tables = {"facilities": facilities, "populations": populations}
    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(service_ids=tuple(service_ids))
    for table, kind in _TABLES.items():
        graph.graph[table] = dict(tables[table].dtypes)
        ids = tables[table][f"{kind}_id"]
        graph.add_nodes_from(zip(_nodes(kind, ids), tables[table].to_dict("records"), strict=True))
    facility_nodes = _nodes("facility", facilities["facility_id"])
    population_nodes = _nodes("population", populations["population_id"])
    for i, j, s, travel_min, distance_km in zip(
        arcs.population_idx.tolist(),
        arcs.facility_idx.tolist(),
        arcs.service_idx.tolist(),
        arcs.travel_min.tolist(),
        arcs.distance_km.tolist(),
        strict=True,
    ):
        graph.add_edge(
            population_nodes[i],
            facility_nodes[j],
            key=service_ids[s],
            travel_min=travel_min,
            distance_km=distance_km,
        )
    return graph


def _nodes(kind: str, ids: pd.Series[Any]) -> list[tuple[str, Hashable]]:
    return [(kind, name) for name in ids]


def from_networkx(
    graph: nx.MultiDiGraph[Any],
) -> tuple[pd.DataFrame, pd.DataFrame, Arcs, tuple[str, ...]]:
    """Read back a graph that :func:`to_networkx` made.

    Nodes and edges may have been removed, added or changed in between; rows follow the order
    of the nodes.

    Parameters
    ----------
    graph
        With nodes, edges and ``graph.graph`` as ``to_networkx`` writes them.

    Returns
    -------
    facilities, populations
        Tables with the columns, types and order of rows that they had.
    arcs
        Sorted by population, service and facility.
    service_ids

    Raises
    ------
    DataError
        With all problems found: the record of columns or services is missing, a node or edge
        is of no known kind, or lacks an attribute.
    """
    absent = [name for name in ("service_ids", *_TABLES) if name not in graph.graph]
    if absent:
        mend = "make the graph with to_networkx"
        raise DataError(
            Problem("graph", f"graph.graph[{n!r}] is missing", mend=mend) for n in absent
        )
    service_ids = tuple(graph.graph["service_ids"])
    kinds = set(_TABLES.values())
    problems = [
        Problem("graph", 'is no node ("facility", id) or ("population", id)', value=repr(node))
        for node in graph
        if not (isinstance(node, tuple) and len(node) == 2 and node[0] in kinds)
    ]
    if problems:
        raise DataError(problems)
    tables = {}
    positions: dict[str, dict[Hashable, int]] = {}
    for table, kind in _TABLES.items():
        nodes = [(node, data) for node, data in graph.nodes(data=True) if node[0] == kind]
        positions[kind] = {node: position for position, (node, _) in enumerate(nodes)}
        dtypes = graph.graph[table]
        lacking = [
            Problem("graph", f"node {node!r} lacks it", column=column)
            for node, data in nodes
            for column in dtypes
            if column not in data
        ]
        problems += lacking
        if not lacking:
            tables[table] = pd.DataFrame(
                {
                    column: pd.Series([data[column] for _, data in nodes], dtype=dtype)
                    for column, dtype in dtypes.items()
                }
            )
    services = {service: position for position, service in enumerate(service_ids)}
    rows = []
    for tail, head, service, data in graph.edges(keys=True, data=True):
        edge = f"edge {tail!r} -> {head!r} of {service!r}"
        if tail[0] != "population" or head[0] != "facility" or service not in services:
            message = f"{edge} does not go from population to facility, with a service as its key"
            problems.append(Problem("graph", message))
        elif not {"travel_min", "distance_km"} <= data.keys():
            problems.append(Problem("graph", f"{edge} lacks travel_min or distance_km"))
        else:
            rows.append(
                (
                    positions["population"][tail],
                    services[service],
                    positions["facility"][head],
                    data["travel_min"],
                    data["distance_km"],
                )
            )
    if problems:
        raise DataError(problems)
    rows.sort(key=lambda row: row[:3])
    ends = np.array([row[:3] for row in rows], dtype=np.intp).reshape(-1, 3)
    travel = np.array([row[3:] for row in rows], dtype=np.float64).reshape(-1, 2)
    arcs = Arcs(
        population_idx=ends[:, 0],
        service_idx=ends[:, 1],
        facility_idx=ends[:, 2],
        travel_min=travel[:, 0],
        distance_km=travel[:, 1],
    )
    return tables["facilities"], tables["populations"], arcs, service_ids
