"""Travel along the shortest paths of a road graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.errors import DataError, Problem
from healthalloc.travel.common import (
    ROUNDING,
    Floats,
    Pairs,
    Positions,
    coordinate_problems,
    join,
    km_of_chord,
    limit_problems,
    positions_of,
    refuse,
    some,
    unit_points,
    unit_vectors,
)
from healthalloc.travel.highway_speeds import CLASS, LIMIT, highway_speeds

if TYPE_CHECKING:
    import networkx as nx
    from scipy.sparse import csr_array

    from healthalloc.settings import RoadGraph


_LENGTH = {"length_km": 1.0, "length": 0.001}  # attribute: km in one unit
_SPEED = ("speed_km_per_h", "speed_kph")
_LONGITUDE = ("longitude", "lon")
_LATITUDE = ("latitude", "lat")
_WGS84 = {"epsg:4326", "ogc:crs84", "urn:ogc:def:crs:ogc:1.3:crs84", "wgs84", ""}
FASTEST_KM_PER_H = 300.0
"""A ``travel_time`` that is faster than this is not in seconds."""
_CHUNK_CELLS = 4_000_000  # path lengths held at a time, 32 MB


@dataclass(frozen=True, eq=False)
class _Weights:
    """The edges of a road graph as sparse matrices from head to tail, by unit if known.

    ``most[unit]`` is the most of that unit that any edge has for one of the other unit.
    """

    graphs: dict[str, csr_array]
    most: dict[str, float]


def by_road(
    facilities: pd.DataFrame,
    populations: pd.DataFrame,
    travel: RoadGraph,
    limit_km: Floats,
    limit_min: Floats,
    roads: nx.Graph[Any] | None,
) -> Pairs:
    """Pairs by shortest paths: exactly those within the limits; see ``travel_pairs``."""
    if roads is None:
        mend = "give the GraphML file named in [travel], or a networkx graph"
        raise DataError([Problem("roads", "there is no road graph", mend=mend)])
    weights, problems = _road_weights(roads, travel.speed_km_per_h)
    nodes, vectors, found = _road_nodes(roads, facilities, populations)
    problems += found
    facility_node, facility_access_km, found = _stops("facilities", facilities, nodes, vectors)
    problems += found
    population_node, population_access_km, found = _stops(
        "populations", populations, nodes, vectors
    )
    problems += found
    if weights.graphs:
        knows = {unit: unit in weights.graphs for unit in ("km", "min")}
        mend_limit = {"km": "give the edges length_km", "min": "give the edges speed_km_per_h"}
        problems += limit_problems(limit_km, limit_min, knows, mend_limit)
    refuse(problems)

    limits = {"km": limit_km, "min": limit_min}
    asked = _search_limits(limits, weights.most)
    per_access_km = {"km": 1.0, "min": 60 / travel.access_speed_km_per_h}
    chunk = max(1, _CHUNK_CELLS // max(len(nodes), len(populations), 1))
    parts: list[Pairs] = []
    # dense only for a few facilities at a time
    for first in range(0, len(facilities) if asked else 0, chunk):
        here = slice(first, first + chunk)
        access_km = facility_access_km[here, np.newaxis] + population_access_km
        total = {
            unit: _path_lengths(graph, facility_node[here], asked[unit])[:, population_node]
            + access_km * per_access_km[unit]
            for unit, graph in weights.graphs.items()
        }
        near = np.zeros(access_km.shape, dtype=np.bool_)
        for unit, length in total.items():
            # not the unreachable, should the limit be infinite
            near |= np.isfinite(length) & (length <= limits[unit] * ROUNDING)
        facility_idx, population_idx = np.nonzero(near)
        length_of = {
            unit: total[unit][near] if unit in total else np.full(len(facility_idx), np.nan)
            for unit in limits
        }
        parts.append(Pairs(population_idx, facility_idx + first, length_of["min"], length_of["km"]))
    return join(parts)


def _search_limits(limits: Mapping[str, Floats], most: Mapping[str, float]) -> dict[str, float]:
    """How far to search in each unit; empty if nothing is asked for.

    A pair found by its minutes is to have its km too, and the other way round: the fastest
    edge bounds the km, and the slowest the minutes, that such a pair can have.
    """
    farthest = {unit: float(limit.max(initial=-np.inf)) for unit, limit in limits.items()}
    if max(farthest.values()) < 0:
        return {}
    search = {}
    for unit, other in (("km", "min"), ("min", "km")):
        bound = farthest[other] * most[unit] if farthest[other] >= 0 else 0.0
        search[unit] = max(farthest[unit], np.inf if np.isnan(bound) else bound, 0.0)
    return search


def _path_lengths(graph: csr_array, sources: Positions, limit: float) -> Floats:
    """Shortest paths from every node to a few, shape (n_sources, n_nodes); ``inf``: no way.

    The graph is reversed, so that one search finds everybody who can come to a facility.
    """
    from scipy.sparse.csgraph import dijkstra

    lengths: Floats = dijkstra(graph, directed=True, indices=sources, limit=limit * ROUNDING**2)
    return lengths


def _road_weights(
    roads: nx.Graph[Any], speed_km_per_h: Mapping[str, float]
) -> tuple[_Weights, list[Problem]]:
    edges = list(roads.edges(data=True))
    attributes = [data for _, _, data in edges]
    names = [f"{tail} -> {head}" for tail, head, _ in edges]
    problems: list[Problem] = []

    def column(name: str, *, above_zero: bool = False) -> Floats:
        values, faulty = _attribute(attributes, name)
        faulty |= np.isinf(values) | (values < 0) | (above_zero & (values == 0))
        allowed = f"must be a finite number {'>' if above_zero else '>='} 0"
        problems.extend(
            Problem(
                "roads", f"{allowed}, on edge {names[row]}", None, name, str(attributes[row][name])
            )
            for row in np.flatnonzero(faulty)
        )
        return np.where(faulty, 1.0, values)

    km = _first([column(name) * factor for name, factor in _LENGTH.items()])
    speed = _first([column(name, above_zero=True) for name in _SPEED])
    timed = column("travel_time") / 60  # seconds, as OSMnx writes it
    problems += _time_problems(km, timed, names)
    minutes = _first([column("travel_min"), timed, 60 * km / speed])
    if np.isnan(minutes).any() and any(CLASS in data or LIMIT in data for data in attributes):
        speed, found = highway_speeds(attributes, np.isnan(minutes), speed_km_per_h)
        problems += found
        minutes = _first([minutes, 60 * km / speed])
    position = {node: row for row, node in enumerate(roads)}
    tail_idx = np.array([position[tail] for tail, _, _ in edges], dtype=np.intp)
    head_idx = np.array([position[head] for _, head, _ in edges], dtype=np.intp)
    if not roads.is_directed():
        tail_idx, head_idx = np.r_[tail_idx, head_idx], np.r_[head_idx, tail_idx]
    graphs = {}
    for unit, weight, what in (("km", km, "length_km"), ("min", minutes, "travel_min")):
        missing = np.flatnonzero(np.isnan(weight))
        if not len(missing):
            per_way = weight if roads.is_directed() else np.r_[weight, weight]
            graphs[unit] = _least_edges(head_idx, tail_idx, per_way, len(position))
        elif len(missing) < len(weight):
            where = some([names[row] for row in missing])
            message = f"is not known on {len(missing)} of {len(weight)} edges: {where}"
            mend = "give it on every edge or on none; length and speed also make travel_min"
            problems.append(Problem("roads", message, column=what, mend=mend))
    if not edges:
        problems.append(Problem("roads", "the road graph has no edges"))
    elif not graphs and not problems:
        mend = "give every edge length_km or travel_min"
        problems.append(Problem("roads", "no edge has a length or a travel time", mend=mend))
    with np.errstate(invalid="ignore", divide="ignore"):
        # an edge of 0 km and 0 min bounds nothing: fmax passes over its NaN
        most = {
            "km": float(np.fmax.reduce(km / minutes, initial=0.0)),
            "min": float(np.fmax.reduce(minutes / km, initial=0.0)),
        }
    return _Weights(graphs, most), problems


def _time_problems(km: Floats, minutes: Floats, names: Sequence[str]) -> list[Problem]:
    """Edges whose ``travel_time`` cannot be seconds."""
    with np.errstate(invalid="ignore", divide="ignore"):
        fast = np.flatnonzero(60 * km / minutes > FASTEST_KM_PER_H)
    if not len(fast):
        return []
    first = fast[0]
    message = f"is faster than {FASTEST_KM_PER_H:g} km/h on {len(fast)} edges: {names[first]}"
    mend = "travel_time is in seconds, as OSMnx writes it; give minutes as travel_min"
    return [Problem("roads", message, None, "travel_time", f"{60 * minutes[first]:g}", mend)]


def _least_edges(row: Positions, column: Positions, weight: Floats, n_nodes: int) -> csr_array:
    """Sparse matrix with the least of parallel edges, which scipy would add up."""
    from scipy.sparse import csr_array

    order = np.lexsort((weight, column, row))
    row, column, weight = row[order], column[order], weight[order]
    least = np.ones(len(row), dtype=np.bool_)
    least[1:] = (row[1:] != row[:-1]) | (column[1:] != column[:-1])
    return csr_array((weight[least], (row[least], column[least])), shape=(n_nodes, n_nodes))


def _attribute(
    attributes: Sequence[Mapping[str, Any]], name: str
) -> tuple[Floats, NDArray[np.bool_]]:
    """One attribute as numbers, NaN where absent; and where it is given but no number.

    OSMnx writes numbers into GraphML as text.
    """
    given = pd.Series([data.get(name) for data in attributes], dtype=object)
    values = pd.to_numeric(given, errors="coerce").to_numpy(dtype=np.float64, copy=True)
    return values, np.isnan(values) & given.notna().to_numpy()


def _first(columns: Sequence[Floats]) -> Floats:
    """The first value that is not NaN, place by place."""
    result = columns[0]
    for column in columns[1:]:
        result = np.where(np.isnan(result), column, result)
    return result


def _road_nodes(
    roads: nx.Graph[Any], facilities: pd.DataFrame, populations: pd.DataFrame
) -> tuple[pd.Index[Any], Floats | None, list[Problem]]:
    """Names of the nodes as text, and where they are, if a point needs its nearest node."""
    nodes = pd.Index([str(node) for node in roads], dtype=object)
    if nodes.has_duplicates:
        doubled = some(list(nodes[nodes.duplicated()].unique()))
        return nodes.unique(), None, [Problem("roads", f"two nodes are both named {doubled}")]
    if not (facilities["node_id"].eq("").any() or populations["node_id"].eq("").any()):
        return nodes, None, []
    if nodes.empty:
        return nodes, None, [Problem("roads", "the road graph has no nodes")]
    longitude, latitude, problems = _degrees(roads)
    for names, most, values in ((_LONGITUDE, 180, longitude), (_LATITUDE, 90, latitude)):
        outside = np.flatnonzero(~(np.abs(values) <= most))
        if len(outside):
            message = f"must be degrees from -{most} to {most}; is not on {len(outside)} nodes: "
            mend = "bring the graph to WGS 84, or give every point a node_id"
            problems.append(
                Problem("roads", message + some(list(nodes[outside])), None, names[0], mend=mend)
            )
    return nodes, None if problems else unit_vectors(longitude, latitude), problems


def node_degrees(roads: nx.Graph[Any]) -> Floats | None:
    """Longitude and latitude of each node, shape (n_nodes, 2), if all nodes state them.

    Parameters
    ----------
    roads
    """
    *degrees, problems = _degrees(roads)
    at = np.column_stack(degrees)
    return None if problems or np.isnan(at).any() else at


def _degrees(roads: nx.Graph[Any]) -> tuple[Floats, Floats, list[Problem]]:
    """Longitude and latitude of each node; ``x`` and ``y`` are in the system the graph states."""
    attributes = [data for _, data in roads.nodes(data=True)]
    by_name = [
        _first([_attribute(attributes, name)[0] for name in names])
        for names in (_LONGITUDE, _LATITUDE)
    ]
    x, y = (_attribute(attributes, name)[0] for name in "xy")
    system = str(roads.graph.get("crs", ""))
    used = np.isnan(by_name).any(axis=0) & ~(np.isnan(x) | np.isnan(y))
    problems: list[Problem] = []
    if used.any() and system.strip().lower() not in _WGS84:
        from healthalloc.geo.systems import points_to_wgs84

        x[used], y[used], problems = points_to_wgs84(x[used], y[used], system, "roads")
    longitude, latitude = _first([by_name[0], x]), _first([by_name[1], y])
    if problems:  # told once: what follows would be said of the other system
        longitude, latitude = np.zeros_like(x), np.zeros_like(y)
    return longitude, latitude, problems


def _stops(
    name: str, table: pd.DataFrame, nodes: pd.Index[Any], vectors: Floats | None
) -> tuple[Positions, Floats, list[Problem]]:
    """Node at which each point joins the graph, and the straight km from the point to it."""
    from scipy.spatial import cKDTree

    placed = table["node_id"].ne("").to_numpy()
    stop_idx = positions_of(table["node_id"], nodes)
    problems = [
        Problem(
            name, "is no node of the road graph", int(row) + 1, "node_id",
            str(table["node_id"].iloc[row]), "leave it empty to take the nearest node",
        )
        for row in np.flatnonzero(placed & (stop_idx < 0))
    ]  # fmt: skip
    problems += coordinate_problems(name, table, ~placed, "give WGS 84 degrees or a node_id")
    access_km = np.zeros(len(table))
    if vectors is not None and not problems and not placed.all():
        chord, nearest = cKDTree(vectors).query(unit_points(table[~placed]))
        stop_idx[~placed] = nearest
        access_km[~placed] = km_of_chord(np.asarray(chord))
    return stop_idx, access_km, problems
