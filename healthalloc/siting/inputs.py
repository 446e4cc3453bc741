"""Costs from a long table, a scenario or a networkx graph."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from healthalloc.errors import DataError, Problem
from healthalloc.network import travel_pairs
from healthalloc.scenario import Scenario
from healthalloc.siting.costs import Costs, Floats, Positions

if TYPE_CHECKING:
    import networkx as nx

_MANY = 20


def from_table(
    table: pd.DataFrame,
    weight: Mapping[Any, float] | pd.Series[Any],
    *,
    demand: str = "demand_id",
    candidate: str = "candidate_id",
    cost: str = "cost",
    candidates: Iterable[Hashable] | None = None,
    forced: Iterable[Hashable] = (),
) -> Costs:
    """Costs from a long table with one row for each pair that can be joined.

    Parameters
    ----------
    table
        With the three columns named below.
    weight
        Units of demand by name of the demand point; it says which demand points there are.
    demand, candidate, cost
        Names of the columns.
    candidates
        Names of the candidates; those of the table, in order of appearance, by default.
    forced
        Names of the candidates that stay open.

    Returns
    -------
    Costs

    Raises
    ------
    DataError
        With all problems found: columns, unknown or repeated names, NaN, negative numbers.
    """
    absent = [name for name in (demand, candidate, cost) if name not in table]
    if absent:
        raise DataError(Problem("cost", "missing", column=name) for name in absent)
    weights = pd.Series(weight, dtype=np.float64)
    names = pd.Index(table[candidate].unique() if candidates is None else list(candidates))
    problems = _repeated("demand points", weights.index) + _repeated("candidates", names)
    if problems:
        raise DataError(problems)
    row = weights.index.get_indexer(pd.Index(table[demand]))
    column = names.get_indexer(pd.Index(table[candidate]))
    for where, positions, what in ((demand, row, "weight"), (candidate, column, "candidates")):
        for k in np.flatnonzero(positions < 0)[:_MANY].tolist():
            name = str(table[where].iloc[k])
            problems.append(Problem("cost", f"is not among the {what}", k + 1, where, name))
    pair = pd.Series(row * len(names) + column)
    for k in np.flatnonzero(pair.duplicated())[:_MANY].tolist():
        problems.append(Problem("cost", "repeats a pair", k + 1, mend="keep one of the two"))
    stay, unknown = _positions(names, forced)
    if problems or unknown:
        raise DataError([*problems, *unknown])
    values = table[cost].to_numpy(dtype=np.float64)
    matrix = _sparse(row, column, values, (len(weights), len(names)))
    return Costs(matrix, weights.to_numpy(), stay, weights.index, names)


def from_scenario(
    scenario: Scenario,
    *,
    unit: Literal["min", "km"] = "min",
    limit: float = np.inf,
    keep_existing: bool = True,
) -> Costs:
    """Costs of a scenario: residents of its populations, travel to its facilities.

    Parameters
    ----------
    scenario
    unit
        Whether travel counts in minutes or km.
    limit
        Pairs farther apart than this are left out.
    keep_existing
        Whether facilities with ``site = "existing"`` are forced open.

    Returns
    -------
    Costs
        Travel is by the scenario's own method (`healthalloc.network.travel_pairs`).

    Raises
    ------
    DataError
        As `travel_pairs`.
    """
    nobody = np.full(len(scenario.populations), -np.inf)
    limits = {"km": nobody, "min": nobody} | {unit: np.full(len(nobody), float(limit))}
    pairs = travel_pairs(
        scenario.facilities, scenario.populations, scenario.settings.travel,
        limit_km=limits["km"], limit_min=limits["min"],
        travel_table=scenario.travel, roads=scenario.roads,
    )  # fmt: skip
    travel = pairs.travel_min if unit == "min" else pairs.distance_km
    shape = (len(scenario.populations), len(scenario.facilities))
    existing = scenario.facilities["site"].eq("existing").to_numpy() & keep_existing
    return Costs(
        _sparse(pairs.population_idx, pairs.facility_idx, travel, shape),
        scenario.populations["residents"].to_numpy(dtype=np.float64),
        np.flatnonzero(existing),
        pd.Index(scenario.populations["population_id"]),
        pd.Index(scenario.facilities["facility_id"]),
    )


def from_graph(
    graph: nx.Graph[Any],
    weight: Mapping[Any, float] | None = None,
    *,
    length: str = "weight",
    candidates: Iterable[Hashable] | None = None,
    forced: Iterable[Hashable] = (),
    limit: float = np.inf,
) -> Costs:
    """Costs of a graph: lengths of shortest paths between its nodes.

    Parameters
    ----------
    graph
        Any networkx graph. Demand travels along the direction of the edges; of parallel edges
        the shortest counts.
    weight
        Units of demand by node; 1 at every node by default.
    length
        Name of the edge attribute that is added up along a path, not negative.
    candidates
        Nodes where a site may stand; all by default.
    forced
        Nodes whose site stays open.
    limit
        Paths longer than this are not looked for, which saves time and memory where a radius
        is given anyway.

    Returns
    -------
    Costs

    Raises
    ------
    DataError
        With all problems found: unknown nodes, edges without the attribute or with a bad one.
    """
    nodes = pd.Index(list(graph.nodes), tupleize_cols=False)
    weights = dict.fromkeys(graph.nodes, 1.0) if weight is None else dict(weight)
    names = pd.Index(list(graph.nodes if candidates is None else candidates), tupleize_cols=False)
    to, problems = _positions(nodes, names, "candidates")
    demand_ids = pd.Index(list(weights), tupleize_cols=False)
    origin, unknown = _positions(nodes, demand_ids, "weight")
    stay, not_there = _positions(names, forced)
    problems += unknown + not_there
    edges = list(graph.edges(data=length, default=np.nan))
    lengths = np.array([edge[2] for edge in edges], dtype=np.float64)
    for k in np.flatnonzero(~(lengths >= 0))[:_MANY].tolist():
        name, value = f"{edges[k][0]!r} - {edges[k][1]!r}", f"{lengths[k]:g}"
        problems.append(Problem("graph", f"edge {name}: {length} is not 0 or more", value=value))
    if problems:
        raise DataError(problems)
    tail = nodes.get_indexer(pd.Index([edge[0] for edge in edges], tupleize_cols=False))
    head = nodes.get_indexer(pd.Index([edge[1] for edge in edges], tupleize_cols=False))
    if not graph.is_directed():
        tail, head = np.concatenate([tail, head]), np.concatenate([head, tail])
        lengths = np.concatenate([lengths, lengths])
    ways = _shortest_parallel(tail, head, lengths, len(nodes))
    # from the candidates backward, if they are fewer
    if len(to) < len(origin):
        found = dijkstra(csr_array(ways.T), indices=to, limit=limit)[:, origin].T
    else:
        found = dijkstra(ways, indices=origin, limit=limit)[:, to]
    row, column = np.nonzero(np.isfinite(found))
    matrix = _sparse(row, column, found[row, column], found.shape)
    return Costs(matrix, np.array(list(weights.values()), dtype=float), stay, demand_ids, names)


def _shortest_parallel(tail: Positions, head: Positions, length: Floats, n: int) -> csr_array:
    """Edges as a matrix; csgraph reads an explicit 0 as an edge of length 0."""
    order = np.lexsort((length, head, tail))
    tail, head, length = tail[order], head[order], length[order]
    first = np.ones(len(tail), dtype=np.bool_)
    first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    return _sparse(tail[first], head[first], length[first], (n, n))


def _sparse(row: Positions, column: Positions, value: Floats, shape: tuple[int, int]) -> csr_array:
    kept = ~np.isposinf(value)
    coordinates = (row[kept], column[kept])
    matrix = csr_array(coo_array((value[kept], coordinates), shape=shape))
    matrix.sort_indices()
    return matrix


def _positions(
    known: pd.Index[Any], names: Iterable[Hashable], table: str = "forced"
) -> tuple[Positions, list[Problem]]:
    asked = pd.Index(list(names), tupleize_cols=False)
    at = known.get_indexer(asked) if len(asked) else np.zeros(0, dtype=np.intp)
    problems = [
        Problem(table, "is not known", value=str(asked[k]))
        for k in np.flatnonzero(at < 0)[:_MANY].tolist()
    ]
    return np.unique(at) if table == "forced" else at, problems


def _repeated(table: str, names: pd.Index[Any]) -> list[Problem]:
    return [
        Problem(table, "occurs more than once", value=str(name))
        for name in names[names.duplicated()].unique()[:_MANY]
    ]
