"""The network as a networkx graph and back."""

from __future__ import annotations

import pickle
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthalloc.errors import DataError
from healthalloc.network import Arcs
from healthalloc.network_graph import from_networkx, to_networkx
from tests.examples import examples

SERVICES = ("primary", "icu")
FACILITIES = pd.DataFrame(
    {
        "facility_id": ["h2", "h1", "x"],
        "name": ["West", None, ""],
        "ward": pd.Series(["a", None, 3], dtype=object),
        "level": pd.Categorical(["tertiary", None, "tertiary"], ["primary", "tertiary"]),
        "longitude": [101.7, np.nan, -0.0],
        "beds": np.array([3, 4, 5], dtype=np.int32),
        "open": [True, False, True],
        "share": np.array([0.1, 0.2, 0.3], dtype=np.float32),
    }
)
POPULATIONS = pd.DataFrame(
    {
        "population_id": ["x", "v1"],
        "residents": [1234.5, 0.1 + 0.2],
        "area_class": ["urban", "rural"],
    }
)


def arcs_of(*rows: tuple[int, int, int, float, float]) -> Arcs:
    """Arcs from (population, service, facility, minutes, km)."""
    ends = np.array([row[:3] for row in rows], dtype=np.intp).reshape(-1, 3)
    travel = np.array([row[3:] for row in rows], dtype=float).reshape(-1, 2)
    return Arcs(ends[:, 0], ends[:, 2], ends[:, 1], travel[:, 0], travel[:, 1])


ARCS = arcs_of(
    (0, 0, 0, 1.5, np.nan), (0, 0, 2, 0.1, 0.3), (0, 1, 0, 1.5, np.nan), (1, 1, 1, 0.0, 7.0)
)


def assert_same(first: Arcs, second: Arcs) -> None:
    for name in ("population_idx", "facility_idx", "service_idx", "travel_min", "distance_km"):
        a, b = getattr(first, name), getattr(second, name)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def assert_round_trip(
    graph: nx.MultiDiGraph[Any], facilities: Any, populations: Any, arcs: Arcs
) -> None:
    facilities_back, populations_back, arcs_back, services = from_networkx(graph)
    exact: dict[str, Any] = {
        "check_exact": True,
        "check_index_type": "exact",
        "check_column_type": "exact",
    }
    pd.testing.assert_frame_equal(facilities_back, facilities, **exact)
    pd.testing.assert_frame_equal(populations_back, populations, **exact)
    assert_same(arcs_back, arcs)
    assert services == SERVICES


def test_nodes_edges_and_keys() -> None:
    graph = to_networkx(FACILITIES, POPULATIONS, ARCS, SERVICES)
    assert graph.number_of_nodes() == 5  # a facility and a population may share an id
    assert graph.nodes["population", "x"]["residents"] == 1234.5
    assert graph.nodes["facility", "h2"]["open"] is True
    assert graph.number_of_edges() == 4
    edge = graph.edges[("population", "v1"), ("facility", "h1"), "icu"]
    assert edge == {"travel_min": 0.0, "distance_km": 7.0}
    assert set(graph[("population", "x")][("facility", "h2")]) == {"primary", "icu"}


def test_round_trip_without_loss() -> None:
    graph = to_networkx(FACILITIES, POPULATIONS, ARCS, SERVICES)
    assert_round_trip(graph, FACILITIES, POPULATIONS, ARCS)
    assert_round_trip(graph.copy(), FACILITIES, POPULATIONS, ARCS)
    assert_round_trip(pickle.loads(pickle.dumps(graph)), FACILITIES, POPULATIONS, ARCS)


def test_round_trip_of_empty_tables() -> None:
    facilities, populations = FACILITIES.iloc[:0], POPULATIONS.iloc[:0]
    graph = to_networkx(facilities, populations, arcs_of(), SERVICES)
    assert_round_trip(graph, facilities, populations, arcs_of())


@settings(max_examples=examples(50))
@given(
    numbers=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=6),
    words=st.lists(st.text(max_size=5), min_size=6, max_size=6),
    chosen=st.sets(st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 5))),
)
def test_round_trip_of_any_table(
    numbers: list[float], words: list[str], chosen: set[tuple[int, int, int]]
) -> None:
    n = len(numbers)
    facilities = pd.DataFrame(
        {
            "facility_id": [f"f{k}" for k in range(n)],
            "name": pd.Series(words[:n], dtype=object),
            "site_cost_cny": numbers,
        }
    )
    arcs = arcs_of(*((i, s, j, j / 3, np.nan) for i, s, j in sorted(chosen) if j < n))
    graph = to_networkx(facilities, POPULATIONS, arcs, SERVICES)
    assert_round_trip(graph, facilities, POPULATIONS, arcs)


def test_removed_node_takes_its_row_and_arcs_along() -> None:
    graph = to_networkx(FACILITIES, POPULATIONS, ARCS, SERVICES)
    graph.remove_node(("facility", "h2"))
    facilities, _, arcs, _ = from_networkx(graph)
    assert facilities["facility_id"].tolist() == ["h1", "x"]
    assert_same(arcs, arcs_of((0, 0, 1, 0.1, 0.3), (1, 1, 0, 0.0, 7.0)))


def test_graph_of_somebody_else() -> None:
    with pytest.raises(DataError, match="make the graph with to_networkx") as error:
        from_networkx(nx.MultiDiGraph([("a", "b")]))
    assert len(error.value.problems) == 3


def test_damaged_graph_names_every_fault() -> None:
    graph = to_networkx(FACILITIES, POPULATIONS, ARCS, SERVICES)
    here, there = ("population", "x"), ("facility", "h1")
    graph.add_edge(here, there, key="surgery", travel_min=1.0, distance_km=1.0)
    graph.add_edge(there, here, key="icu", travel_min=1.0, distance_km=1.0)
    graph.add_edge(here, there, key="icu", travel_min=1.0)
    del graph.nodes[there]["beds"]
    with pytest.raises(DataError) as error:
        from_networkx(graph)
    assert len(error.value.problems) == 4
    assert "node ('facility', 'h1') lacks it" in str(error.value)
    graph.add_node("stranger")
    with pytest.raises(DataError, match="stranger"):
        from_networkx(graph)
