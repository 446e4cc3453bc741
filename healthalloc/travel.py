"""Travel between populations and facilities: great circle, road graph or given matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.errors import DataError, Problem

if TYPE_CHECKING:
    import networkx as nx
    from scipy.sparse import csr_array

    from healthalloc.settings import GreatCircle, RoadGraph, TravelMatrix

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the earth (IUGG)."""

ROUNDING = 1 + 1e-9
"""A limit is passed only by more than the rounding of a sum: 0.1 km + 0.2 km is within 0.3 km."""

UNREACHABLE = "unreachable"
"""The word for "there is no way" in a travel matrix."""

_ONCE = "keep one of the two"
_MANY = 5  # how many offenders an error names before it only counts them


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of a population and a facility that may matter, by population, then facility.

    Parameters
    ----------
    population_idx, facility_idx : shape (n_pairs,)
        Rows of the two tables.
    travel_min, distance_km : shape (n_pairs,)
        Travel one way, finite; NaN where the method does not know the quantity.
    """

    population_idx: Positions
    facility_idx: Positions
    travel_min: Floats
    distance_km: Floats

    def __len__(self) -> int:
        return len(self.population_idx)


def _join(parts: Sequence[Pairs]) -> Pairs:
    nobody, nothing = np.zeros(0, dtype=np.intp), np.zeros(0)
    return Pairs(
        np.concatenate([nobody, *(part.population_idx for part in parts)]),
        np.concatenate([nobody, *(part.facility_idx for part in parts)]),
        np.concatenate([nothing, *(part.travel_min for part in parts)]),
        np.concatenate([nothing, *(part.distance_km for part in parts)]),
    )


def positions_of(ids: pd.Series[Any], known: Sequence[str] | pd.Index[Any]) -> Positions:
    """Position of each id among the known ones, -1 where there is none."""
    return pd.Index(list(known), dtype=object).get_indexer(pd.Index(list(ids), dtype=object))


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise DataError(problems)


def _some(names: Sequence[object]) -> str:
    """The first few names, for an error that may have thousands."""
    return ", ".join(map(str, names[:_MANY])) + (", ..." if len(names) > _MANY else "")


def _limit_problems(
    limit_km: Floats, limit_min: Floats, knows: Mapping[str, bool], mend: Mapping[str, str]
) -> list[Problem]:
    """A radius in a unit that the method does not know would silently reach nobody."""
    return [
        Problem(
            "travel",
            f"a radius in {unit} is asked for, but travel is not known in {unit}",
            mend=f"{mend[unit]}, or state every radius in {'min' if unit == 'km' else 'km'}",
        )
        for unit, limit in (("km", limit_km), ("min", limit_min))
        if not knows[unit] and (limit > -np.inf).any()
    ]


def _minutes_per_km(
    populations: pd.DataFrame, speed_km_per_h: Mapping[str, float]
) -> tuple[Floats, list[Problem]]:
    """Pace of each population's area class, shape (n_populations,); minutes per km."""
    speed = populations["area_class"].map(dict(speed_km_per_h)).to_numpy(dtype=np.float64)
    problems = [
        Problem(
            "travel",
            f"no speed for the area class {area_class!r}",
            column="speed_km_per_h",
            mend="add it under [travel.speed_km_per_h]",
        )
        for area_class in populations["area_class"][np.isnan(speed)].unique()
    ]
    return 60 / speed, problems


# --- points on the sphere


def _unit_vectors(longitude: Floats, latitude: Floats) -> Floats:
    """Points on the unit sphere, shape (n, 3), from degrees."""
    east, north = np.radians(longitude), np.radians(latitude)
    return np.column_stack(
        [np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)]
    )


def _km_of_chord(chord: Floats) -> Floats:
    """Great-circle km of a straight line between two points of the unit sphere."""
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(chord / 2, 1.0))


def _chord_of_km(km: float) -> float:
    """Chord of an arc, a little longer so that no pair on the edge is lost to rounding."""
    return float(2 * np.sin(min(km / EARTH_RADIUS_KM, np.pi) / 2)) * ROUNDING + 1e-12


def _points(table: pd.DataFrame) -> Floats:
    return _unit_vectors(table["longitude"].to_numpy(float), table["latitude"].to_numpy(float))


def _coordinate_problems(
    name: str, table: pd.DataFrame, needed: NDArray[np.bool_], mend: str
) -> list[Problem]:
    problems = []
    for column in ("longitude", "latitude"):
        rows = np.flatnonzero(table[column].isna().to_numpy() & needed)
        problems += [
            Problem(
                name, "is empty, but travel needs it", row=int(row) + 1, column=column, mend=mend
            )
            for row in rows
        ]
    return problems


def by_great_circle(
    facilities: pd.DataFrame,
    populations: pd.DataFrame,
    travel: GreatCircle,
    limit_km: Floats,
    limit_min: Floats,
) -> Pairs:
    """Pairs by great circle: at least all those within the limits; see ``travel_pairs``."""
    from scipy.spatial import cKDTree

    minutes_per_km, problems = _minutes_per_km(populations, travel.speed_km_per_h)
    for name, table in (("facilities", facilities), ("populations", populations)):
        everyone = np.ones(len(table), dtype=np.bool_)
        mend = "give WGS 84 degrees, or choose another method of travel"
        problems += _coordinate_problems(name, table, everyone, mend)
    _refuse(problems)
    straight_limit_km = np.maximum(limit_km, limit_min / minutes_per_km) / travel.detour_factor
    facility_tree = cKDTree(_points(facilities))
    points = _points(populations)
    parts: list[Pairs] = []
    # one search for each area class, because radius and speed are stated by area class
    for rows in populations.groupby("area_class").indices.values():
        farthest = straight_limit_km[rows].max()
        if farthest >= 0:
            near = cKDTree(points[rows]).sparse_distance_matrix(
                facility_tree, _chord_of_km(farthest), output_type="ndarray"
            )
            population_idx = np.asarray(rows, dtype=np.intp)[near["i"]]
            distance_km = _km_of_chord(near["v"]) * travel.detour_factor
            travel_min = distance_km * minutes_per_km[population_idx]
            parts.append(Pairs(population_idx, near["j"], travel_min, distance_km))
    return _join(parts)


# --- the road graph

_LENGTH = {"length_km": 1.0, "length": 0.001}  # attribute: km in one unit
_SPEED = ("speed_km_per_h", "speed_kph")
_LONGITUDE = ("longitude", "lon", "x")
_LATITUDE = ("latitude", "lat", "y")
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
    weights, problems = _road_weights(roads)
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
        problems += _limit_problems(limit_km, limit_min, knows, mend_limit)
    _refuse(problems)

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
    return _join(parts)


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


def _road_weights(roads: nx.Graph[Any]) -> tuple[_Weights, list[Problem]]:
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
    minutes = _first([column("travel_min"), 60 * km / speed])
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
            where = _some([names[row] for row in missing])
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
        doubled = _some(list(nodes[nodes.duplicated()].unique()))
        return nodes.unique(), None, [Problem("roads", f"two nodes are both named {doubled}")]
    if not (facilities["node_id"].eq("").any() or populations["node_id"].eq("").any()):
        return nodes, None, []
    if nodes.empty:
        return nodes, None, [Problem("roads", "the road graph has no nodes")]
    attributes = [data for _, data in roads.nodes(data=True)]
    degrees, problems = [], []
    for names, most in ((_LONGITUDE, 180), (_LATITUDE, 90)):
        values = _first([_attribute(attributes, name)[0] for name in names])
        degrees.append(values)
        outside = np.flatnonzero(~(np.abs(values) <= most))
        if len(outside):
            message = f"must be degrees from -{most} to {most}; is not on {len(outside)} nodes: "
            mend = "bring the graph to WGS 84, or give every point a node_id"
            problems.append(
                Problem("roads", message + _some(list(nodes[outside])), None, names[0], mend=mend)
            )
    return nodes, None if problems else _unit_vectors(*degrees), problems


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
    problems += _coordinate_problems(name, table, ~placed, "give WGS 84 degrees or a node_id")
    access_km = np.zeros(len(table))
    if vectors is not None and not problems and not placed.all():
        chord, nearest = cKDTree(vectors).query(_points(table[~placed]))
        stop_idx[~placed] = nearest
        access_km[~placed] = _km_of_chord(np.asarray(chord))
    return stop_idx, access_km, problems


# --- the given matrix


@dataclass(frozen=True, eq=False)
class _Cells:
    """The cells of a travel matrix, row by row; position -1 where an id is not known."""

    population_idx: Positions
    facility_idx: Positions
    value: pd.Series[Any]
    columns: Sequence[str]  # those that hold travel


def by_matrix(
    facilities: pd.DataFrame,
    populations: pd.DataFrame,
    travel: TravelMatrix,
    limit_km: Floats,
    limit_min: Floats,
    table: pd.DataFrame | None,
) -> Pairs:
    """Every pair of the matrix, ``inf`` where there is no way; see ``travel_pairs``."""
    if table is None:
        mend = "give the file named in [travel], or a DataFrame"
        raise DataError([Problem("travel", "there is no travel matrix", mend=mend)])
    population_ids = pd.Index(populations["population_id"], dtype=object)
    facility_ids = pd.Index(facilities["facility_id"], dtype=object)
    read = _read_long if travel.layout == "long" else _read_wide
    cells, problems = read(table, population_ids, facility_ids)
    values, found = _travel_values(cells)
    problems += found
    if travel.missing_pairs == "error":
        problems += _missing_pairs(cells, population_ids, facility_ids)
    knows = {"km": travel.unit == "km", "min": travel.unit == "min" or bool(travel.speed_km_per_h)}
    mend_limit = {"km": "give the matrix in km", "min": "give [travel.speed_km_per_h]"}
    problems += _limit_problems(limit_km, limit_min, knows, mend_limit)
    minutes_per_km = np.full(len(populations), np.nan)
    if travel.unit == "km" and travel.speed_km_per_h:
        minutes_per_km, found = _minutes_per_km(populations, travel.speed_km_per_h)
        problems += found
    _refuse(problems)
    unknown = np.full(len(values), np.nan)
    if travel.unit == "min":
        return Pairs(cells.population_idx, cells.facility_idx, values, unknown)
    travel_min = values * minutes_per_km[cells.population_idx]
    return Pairs(cells.population_idx, cells.facility_idx, travel_min, values)


def _text(values: pd.Series[Any] | pd.Index[Any]) -> pd.Series[Any]:
    """Cells as text without outer blanks; an absent value is an empty text."""
    given = pd.Series(np.asarray(values), dtype=object)
    return given.where(given.notna(), "").astype(str).str.strip().astype(object)


def _no_such(ids: pd.Series[Any], known: Positions, name: str) -> list[Problem]:
    return [
        Problem("travel", f"is no {name}", int(row) + 1, name, str(ids.iloc[row]))
        for row in np.flatnonzero(known < 0)
    ]


def _read_long(
    table: pd.DataFrame, population_ids: pd.Index[Any], facility_ids: pd.Index[Any]
) -> tuple[_Cells, list[Problem]]:
    columns = ["population_id", "facility_id", "travel"]
    _refuse(_column_problems(table, columns, [*columns, "source"]))
    population_id, facility_id = _text(table["population_id"]), _text(table["facility_id"])
    population_idx = positions_of(population_id, population_ids)
    facility_idx = positions_of(facility_id, facility_ids)
    problems = _no_such(population_id, population_idx, "population_id")
    problems += _no_such(facility_id, facility_idx, "facility_id")
    pairs = pd.DataFrame({"population_id": population_id, "facility_id": facility_id})
    problems += [
        Problem(
            "travel", "is given twice", int(row) + 1, "population_id + facility_id",
            ", ".join(pairs.iloc[row]), _ONCE,
        )
        for row in np.flatnonzero(pairs.duplicated())
    ]  # fmt: skip
    return _Cells(population_idx, facility_idx, table["travel"], ["travel"]), problems


def _read_wide(
    table: pd.DataFrame, population_ids: pd.Index[Any], facility_ids: pd.Index[Any]
) -> tuple[_Cells, list[Problem]]:
    names = pd.Index(_text(table.columns))
    allowed = ["population_id", "source", *facility_ids]
    _refuse(_column_problems(table.set_axis(names, axis=1), ["population_id"], allowed))
    population_id = _text(table.iloc[:, names.get_indexer(["population_id"])[0]])
    population_idx = positions_of(population_id, population_ids)
    problems = _no_such(population_id, population_idx, "population_id")
    problems += [
        Problem(
            "travel",
            "is given twice",
            int(row) + 1,
            "population_id",
            population_id.iloc[row],
            _ONCE,
        )
        for row in np.flatnonzero(population_id.duplicated())
    ]
    places = np.flatnonzero(names.isin(facility_ids))
    n_rows, n_columns = len(table), len(places)
    return _Cells(
        population_idx=population_idx.repeat(n_columns),
        facility_idx=np.tile(facility_ids.get_indexer(names[places]), n_rows),
        value=pd.Series(table.iloc[:, places].to_numpy().ravel()),
        columns=list(names[places]),
    ), problems


def _column_problems(
    table: pd.DataFrame, needed: Sequence[str], allowed: Sequence[str]
) -> list[Problem]:
    names = [str(name) for name in table.columns]
    problems = [
        Problem("travel", "is missing", column=name) for name in needed if name not in names
    ]
    problems += [
        Problem("travel", "is not known as a column of this layout", column=name)
        for name in names
        if name not in allowed
    ]
    doubled = table.columns[table.columns.duplicated()]
    return problems + [
        Problem("travel", "is given twice", None, str(n), "", _ONCE) for n in doubled
    ]


def _travel_values(cells: _Cells) -> tuple[Floats, list[Problem]]:
    """Travel of each cell, ``inf`` where the cell says that there is no way."""
    if pd.api.types.is_numeric_dtype(cells.value):
        values = cells.value.to_numpy(dtype=np.float64, na_value=np.nan)
        no_way = np.zeros(len(values), dtype=np.bool_)
    else:
        text = _text(cells.value)
        values = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64)
        no_way = text.eq(UNREACHABLE).to_numpy()
    faulty = np.flatnonzero(~no_way & ~(np.isfinite(values) & (values >= 0)))
    allowed = f"a finite number >= 0 or the word {UNREACHABLE!r} is allowed"
    shown = _text(cells.value.iloc[faulty])
    problems = []
    for cell, value in zip(faulty.tolist(), shown, strict=True):
        row, place = divmod(cell, len(cells.columns))
        message = allowed if value else f"is empty: {allowed}"
        problems.append(Problem("travel", message, row + 1, cells.columns[place], value))
    return np.where(no_way, np.inf, values), problems


def _missing_pairs(
    cells: _Cells, population_ids: pd.Index[Any], facility_ids: pd.Index[Any]
) -> list[Problem]:
    given = np.zeros((len(population_ids), len(facility_ids)), dtype=np.bool_)
    known = (cells.population_idx >= 0) & (cells.facility_idx >= 0)
    given[cells.population_idx[known], cells.facility_idx[known]] = True
    n_missing = given.size - int(given.sum())
    if not n_missing:
        return []
    first = np.argwhere(~given)[: _MANY + 1].tolist()
    where = _some([f"{population_ids[i]} to {facility_ids[j]}" for i, j in first])
    mend = f'write "{UNREACHABLE}" where there is no way, or set missing_pairs = "{UNREACHABLE}"'
    message = f"{n_missing} of {given.size} pairs are missing: {where}"
    return [Problem("travel", message, mend=mend)]
