"""Travel, reach and radius limits against hand-made numbers and slow, plain computations."""

from __future__ import annotations

import itertools
import math
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthalloc.errors import DataError
from healthalloc.network import Arcs, Pairs, radius_limits, reach, travel_pairs
from healthalloc.settings import GreatCircle, RoadGraph, Travel, TravelMatrix
from tests.examples import examples

DEGREE_KM = math.pi / 180 * 6371.0088  # one degree of latitude
NO_LIMIT = math.inf
NOT_ASKED = -math.inf


def points(
    kind: str,
    places: list[tuple[float, float]],
    area_class: list[str] | None = None,
    nodes: list[str] | None = None,
) -> pd.DataFrame:
    """A table of facilities (F1, F2, ...) or populations (P1, P2, ...)."""
    n = len(places)
    letter = {"facility": "F", "population": "P"}[kind]
    return pd.DataFrame(
        {
            f"{kind}_id": pd.Series([f"{letter}{k + 1}" for k in range(n)], dtype=str),
            "area_class": pd.Series(area_class or ["urban"] * n, dtype=str),
            "longitude": np.array([place[0] for place in places], dtype=float),
            "latitude": np.array([place[1] for place in places], dtype=float),
            "node_id": pd.Series(nodes or [""] * n, dtype=str),
        }
    )


def pairs_of(
    facilities: pd.DataFrame,
    populations: pd.DataFrame,
    travel: Travel,
    km: float = NOT_ASKED,
    minutes: float = NOT_ASKED,
    table: pd.DataFrame | None = None,
    roads: nx.Graph[Any] | None = None,
) -> Pairs:
    """Pairs with one limit for everybody."""
    n = len(populations)
    limits = np.full(n, km), np.full(n, minutes)
    return travel_pairs(facilities, populations, travel, *limits, table, roads)


def as_dict(pairs: Pairs) -> dict[tuple[int, int], tuple[float, float]]:
    """(population, facility): (minutes, km)."""
    ends = zip(pairs.population_idx.tolist(), pairs.facility_idx.tolist(), strict=True)
    return dict(
        zip(
            ends,
            zip(pairs.travel_min.tolist(), pairs.distance_km.tolist(), strict=True),
            strict=True,
        )
    )


def messages(error: pytest.ExceptionInfo[DataError]) -> list[str]:
    return [str(problem) for problem in error.value.problems]


def circle(detour_factor: float = 1.0, **speed: float) -> GreatCircle:
    return GreatCircle(
        method="great_circle",
        detour_factor=detour_factor,
        speed_km_per_h=speed or {"urban": 60.0, "rural": 30.0},
    )


# --- great circle


def test_one_degree_of_latitude_is_111_195_km() -> None:
    pairs = pairs_of(
        points("facility", [(100, 27)]), points("population", [(100, 26)]), circle(), 200
    )
    assert pairs.distance_km == pytest.approx([111.195], abs=5e-4)
    assert pairs.travel_min == pytest.approx([111.195], abs=5e-4)  # at 60 km/h


def test_one_degree_of_longitude_at_60_north_is_about_half() -> None:
    pairs = pairs_of(
        points("facility", [(10, 60)]), points("population", [(11, 60)]), circle(), 200
    )
    haversine = math.sin(math.radians(0.5)) * 0.5
    assert pairs.distance_km == pytest.approx([2 * 6371.0088 * math.asin(haversine)], rel=1e-12)


def test_detour_lengthens_and_speed_follows_the_class_of_the_population() -> None:
    facilities = points("facility", [(0, 0)], ["rural"])
    populations = points("population", [(0, 0.1), (0, 0.1)], ["urban", "rural"])
    found = as_dict(pairs_of(facilities, populations, circle(1.5), km=100))
    km = 0.15 * DEGREE_KM
    assert found[0, 0] == pytest.approx((km, km))
    assert found[1, 0] == pytest.approx((2 * km, km))


def test_either_limit_lets_a_pair_in_and_nan_asks_for_nothing() -> None:
    facilities = points("facility", [(0, 0)])
    populations = points("population", [(0, 0.1)] * 4)
    km, nan = 0.1 * DEGREE_KM, math.nan  # 11.1 km, 11.1 min
    limit_km = np.array([km, nan, km - 0.01, nan])
    limit_min = np.array([nan, km, km - 0.01, nan])
    pairs = travel_pairs(facilities, populations, circle(), limit_km, limit_min)
    assert pairs.population_idx.tolist() == [0, 1]


def test_same_place_is_a_pair_of_no_distance() -> None:
    pairs = pairs_of(
        points("facility", [(101.7, 26.6)]), points("population", [(101.7, 26.6)]), circle(), 1
    )
    assert pairs.distance_km.tolist() == [0.0]


def test_no_limit_reaches_the_antipode() -> None:
    pairs = pairs_of(
        points("facility", [(0, 0)]), points("population", [(180, 0)]), circle(), NO_LIMIT
    )
    assert pairs.distance_km == pytest.approx([math.pi * 6371.0088])


@pytest.mark.parametrize(("n_facilities", "n_populations"), [(0, 2), (2, 0), (0, 0)])
def test_empty_tables_have_no_pairs(n_facilities: int, n_populations: int) -> None:
    facilities = points("facility", [(0, 0)] * n_facilities)
    populations = points("population", [(0, 0)] * n_populations)
    assert len(pairs_of(facilities, populations, circle(), km=10)) == 0


def brute_haversine(facilities: pd.DataFrame, populations: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Straight km, shape (n_populations, n_facilities), by the haversine formula."""
    east_p = np.radians(populations["longitude"].to_numpy())[:, None]
    north_p = np.radians(populations["latitude"].to_numpy())[:, None]
    east_f = np.radians(facilities["longitude"].to_numpy())
    north_f = np.radians(facilities["latitude"].to_numpy())
    half = (
        np.sin((north_p - north_f) / 2) ** 2
        + np.cos(north_p) * np.cos(north_f) * np.sin((east_p - east_f) / 2) ** 2
    )
    return np.asarray(2 * 6371.0088 * np.arcsin(np.sqrt(np.minimum(half, 1))))


near_here = st.tuples(st.floats(101, 103), st.floats(25, 27))
anywhere = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


@settings(max_examples=examples(150))
@given(
    places=st.lists(near_here, min_size=2, max_size=30)
    | st.lists(anywhere, min_size=2, max_size=30),
    rural=st.integers(0, 2**15),
    limits=st.lists(
        st.tuples(st.floats(0.01, 3000), st.floats(0.01, 3000)), min_size=15, max_size=15
    ),
    detour_factor=st.floats(1, 2),
)
def test_great_circle_agrees_with_brute_force(
    places: list[tuple[float, float]],
    rural: int,
    limits: list[tuple[float, float]],
    detour_factor: float,
) -> None:
    half = len(places) // 2
    facilities = points("facility", places[half:])
    area_class = ["rural" if rural >> k & 1 else "urban" for k in range(half)]
    populations = points("population", places[:half], area_class)
    limit_km, limit_min = np.array(limits[:half]).T
    found = travel_pairs(facilities, populations, circle(detour_factor), limit_km, limit_min)
    km = brute_haversine(facilities, populations) * detour_factor
    minutes = km * np.where(populations["area_class"] == "urban", 1.0, 2.0)[:, None]

    def within(slack_km: float) -> set[tuple[int, int]]:
        near = (km <= limit_km[:, None] + slack_km) | (minutes <= limit_min[:, None] + slack_km)
        return {(int(i), int(j)) for i, j in zip(*np.nonzero(near), strict=True)}

    got = as_dict(found)
    # 1e-3 km: both formulas lose digits near the antipode
    assert within(-1e-3) <= got.keys() <= within(1e-3)
    assert list(got) == sorted(got)
    ends = found.population_idx, found.facility_idx
    np.testing.assert_allclose(found.distance_km, km[ends], rtol=1e-9, atol=1e-3)
    np.testing.assert_allclose(found.travel_min, minutes[ends], rtol=1e-9, atol=2e-3)


def test_great_circle_names_every_gap_at_once() -> None:
    facilities = points("facility", [(0, 0), (math.nan, 0)])
    populations = points("population", [(0, math.nan), (0, 0)], ["island", "urban"])
    with pytest.raises(DataError) as error:
        pairs_of(facilities, populations, circle(urban=30), km=10)
    places = [(p.table, p.row, p.column) for p in error.value.problems]
    assert places == [
        ("travel", None, "speed_km_per_h"),
        ("facilities", 2, "longitude"),
        ("populations", 1, "latitude"),
    ]
    assert "no speed for the area class 'island'" in str(error.value)


# --- road graph


ROADS = RoadGraph(method="road_graph", access_speed_km_per_h=20.0)


def road_case(
    roads: nx.Graph[Any], facility_nodes: list[str], population_nodes: list[str], **limit: Any
) -> Pairs:
    nowhere = (math.nan, math.nan)
    facilities = points("facility", [nowhere] * len(facility_nodes), nodes=facility_nodes)
    populations = points("population", [nowhere] * len(population_nodes), nodes=population_nodes)
    return pairs_of(facilities, populations, ROADS, roads=roads, **limit)


def test_fastest_and_shortest_path_may_differ() -> None:
    roads: nx.Graph[Any] = nx.Graph()
    roads.add_edge("a", "b", length_km=4, speed_km_per_h=20)  # 12 min, the short way
    roads.add_edge("a", "m", length_km=5, speed_km_per_h=100)  # 3 min
    roads.add_edge("m", "b", length_km=5, travel_min=3)
    assert as_dict(road_case(roads, ["b"], ["a"], minutes=6)) == {(0, 0): (6.0, 4.0)}
    assert as_dict(road_case(roads, ["b"], ["a"], km=4)) == {(0, 0): (6.0, 4.0)}
    assert not as_dict(road_case(roads, ["b"], ["a"], km=3.9, minutes=5.9))


def test_residents_travel_along_one_way_streets() -> None:
    roads: nx.DiGraph[Any] = nx.DiGraph()
    roads.add_edge("a", "b", length_km=1)
    assert as_dict(road_case(roads, ["b"], ["a"], km=5)).keys() == {(0, 0)}
    assert not as_dict(road_case(roads, ["a"], ["b"], km=NO_LIMIT))


def test_unknown_quantity_is_nan() -> None:
    roads: nx.Graph[Any] = nx.Graph()
    roads.add_edge("a", "b", length=1500.0)  # metres, as OSMnx writes
    pairs = road_case(roads, ["b"], ["a"], km=5)
    assert pairs.distance_km.tolist() == [1.5]
    assert np.isnan(pairs.travel_min).all()
    roads = nx.Graph()
    roads.add_edge("a", "b", travel_min="7")  # text, as GraphML may hold
    pairs = road_case(roads, ["b"], ["a"], minutes=7)
    assert pairs.travel_min.tolist() == [7.0]
    assert np.isnan(pairs.distance_km).all()


def test_a_sum_is_within_the_limit_it_equals_on_paper() -> None:
    roads = nx.Graph([("a", "b", {"length_km": 0.1}), ("b", "c", {"length_km": 0.2})])
    assert len(road_case(roads, ["c"], ["a"], km=0.3)) == 1  # 0.1 + 0.2 > 0.3 in floats


def test_point_joins_the_nearest_node_by_a_straight_leg() -> None:
    roads = nx.Graph([(1, 2, {"length_km": 10, "speed_kph": 60})])
    nx.set_node_attributes(roads, {1: {"x": "0", "y": "0"}, 2: {"x": "0", "y": "0.1"}})
    facilities = points("facility", [(0.0, 0.11)])
    populations = points("population", [(0.02, 0.0), (math.nan, math.nan)], nodes=["", "1"])
    got = as_dict(pairs_of(facilities, populations, ROADS, km=100, roads=roads))
    to_facility, to_population = 0.01 * DEGREE_KM, 0.02 * DEGREE_KM
    assert got[1, 0] == pytest.approx((10 + 3 * to_facility, 10 + to_facility))  # 20 km/h
    legs = to_facility + to_population
    assert got[0, 0] == pytest.approx((10 + 3 * legs, 10 + legs))


def test_graphml_round_trip_gives_the_same_pairs(tmp_path: Any) -> None:
    roads: nx.MultiDiGraph[Any] = nx.MultiDiGraph()
    roads.add_node(7, longitude=1.0, latitude=2.0)
    roads.add_edge(7, 8, length_km=3.0, travel_min=4.0)
    nx.write_graphml(roads, tmp_path / "roads.graphml")
    again = nx.read_graphml(tmp_path / "roads.graphml")
    for graph in (roads, again):
        assert as_dict(road_case(graph, ["8"], ["7"], km=5)) == {(0, 0): (4.0, 3.0)}


@pytest.mark.parametrize("chunk_cells", [1, 4_000_000])
def test_limit_is_passed_down(monkeypatch: pytest.MonkeyPatch, chunk_cells: int) -> None:
    import scipy.sparse.csgraph

    limits: list[float] = []
    dijkstra = scipy.sparse.csgraph.dijkstra

    def spy(*args: Any, **kwargs: Any) -> Any:
        limits.append(kwargs["limit"])
        return dijkstra(*args, **kwargs)

    monkeypatch.setattr(scipy.sparse.csgraph, "dijkstra", spy)
    monkeypatch.setattr("healthalloc.travel.road_graph._CHUNK_CELLS", chunk_cells)
    roads = nx.path_graph([str(k) for k in range(50)])
    for _, _, data in roads.edges(data=True):
        data |= {"length_km": 1.0, "travel_min": 2.0}
    got = as_dict(road_case(roads, ["0", "9"], ["3", "20"], km=6.0))
    assert got == {(0, 0): (6.0, 3.0), (0, 1): (12.0, 6.0)}
    # 6 km, and the 12 min that 6 km can take; one search a unit for each chunk
    assert limits == pytest.approx([6.0, 12.0] * (2 if chunk_cells == 1 else 1))


@settings(max_examples=examples(150))
@given(data=st.data(), directed=st.booleans(), multi=st.booleans())
def test_road_graph_agrees_with_networkx(data: st.DataObject, directed: bool, multi: bool) -> None:
    kinds = {
        (False, False): nx.Graph,
        (True, False): nx.DiGraph,
        (False, True): nx.MultiGraph,
        (True, True): nx.MultiDiGraph,
    }
    roads: nx.Graph[Any] = kinds[directed, multi]()
    n = data.draw(st.integers(1, 8))
    roads.add_nodes_from(range(n))
    weight = st.integers(0, 20).map(float)
    edge = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1), weight, weight)
    for tail, head, km, minutes in data.draw(st.lists(edge, min_size=1, max_size=20)):
        roads.add_edge(tail, head, length_km=km, travel_min=minutes)
    nodes = st.lists(st.integers(0, n - 1), min_size=1, max_size=5)
    facility_nodes, population_nodes = data.draw(nodes), data.draw(nodes)
    limits = st.floats(0, 40) | st.sampled_from([NOT_ASKED, NO_LIMIT])
    km_limit, min_limit = data.draw(limits), data.draw(limits)

    expected = {}
    shortest = dict(nx.all_pairs_dijkstra_path_length(roads, weight="length_km"))
    fastest = dict(nx.all_pairs_dijkstra_path_length(roads, weight="travel_min"))
    for (i, p), (j, f) in itertools.product(enumerate(population_nodes), enumerate(facility_nodes)):
        if f in shortest[p] and (shortest[p][f] <= km_limit or fastest[p][f] <= min_limit):
            expected[i, j] = (fastest[p][f], shortest[p][f])
    got = road_case(
        roads,
        [str(f) for f in facility_nodes],
        [str(p) for p in population_nodes],
        km=km_limit,
        minutes=min_limit,
    )
    assert as_dict(got) == expected


def test_road_graph_names_every_fault_at_once() -> None:
    roads: nx.Graph[Any] = nx.Graph()
    roads.add_edge("a", "b", length_km="far", travel_min=1)
    roads.add_edge("b", "c", length_km=-1, travel_min=1)
    roads.add_edge("c", "d", length_km=1, speed_km_per_h=0)
    roads.add_edge("d", "e", length_km=1)
    roads.add_nodes_from("abcde", x=500_000.0)
    facilities = points("facility", [(0, 0)], nodes=["nowhere"])
    populations = points("population", [(0, math.nan)])
    with pytest.raises(DataError) as error:
        pairs_of(facilities, populations, ROADS, km=1, roads=roads)
    text = str(error.value)
    assert len(error.value.problems) == 8
    assert "roads, column length_km: 'far' must be a finite number >= 0, on edge a -> b" in text
    assert "'-1' must be a finite number >= 0, on edge b -> c" in text
    assert "column speed_km_per_h: '0' must be a finite number > 0, on edge c -> d" in text
    assert "column travel_min: is not known on 1 of 4 edges: d -> e" in text
    assert "longitude: must be degrees from -180 to 180; is not on 5 nodes: a, b, c, d, e" in text
    assert "latitude: must be degrees" in text
    assert "facilities, row 1, column node_id: 'nowhere' is no node of the road graph" in text
    assert "populations, row 1, column latitude: is empty" in text


@pytest.mark.parametrize(
    ("roads", "message"),
    [
        (None, "there is no road graph"),
        (nx.Graph(), "the road graph has no nodes"),
        (nx.empty_graph(2), "the road graph has no edges"),
        (nx.Graph([("a", "b")]), "no edge has a length or a travel time"),
        (nx.Graph([(1, "1", {"length_km": 1})]), "two nodes are both named 1"),
    ],
)
def test_unusable_road_graph(roads: nx.Graph[Any] | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        pairs_of(
            points("facility", [(0, 0)]), points("population", [(0, 0)]), ROADS, 1, roads=roads
        )


@pytest.mark.parametrize(
    ("weight", "limit", "mend"),
    [("length_km", "minutes", "speed_km_per_h"), ("travel_min", "km", "length_km")],
)
def test_road_graph_that_does_not_know_the_unit(weight: str, limit: str, mend: str) -> None:
    roads = nx.Graph([("a", "b", {weight: 1})])
    with pytest.raises(DataError, match=f"is not known in .*give the edges {mend}"):
        road_case(roads, ["a"], ["b"], **{limit: 5.0})


# --- matrix


def matrix(**given: Any) -> TravelMatrix:
    return TravelMatrix(**{"method": "matrix", "layout": "long", "unit": "min"} | given)


TWO_FACILITIES = points("facility", [(math.nan, math.nan)] * 2)
TWO_POPULATIONS = points("population", [(math.nan, math.nan)] * 2, ["urban", "rural"])
LONG = pd.DataFrame(
    {
        "population_id": ["P2", "P1", "P1", "P2"],
        "facility_id": ["F1", "F1", "F2", "F2"],
        "travel": ["unreachable", "10", " 2.5 ", "40"],
    }
)
WIDE = pd.DataFrame(
    {"population_id": ["P2", "P1"], "F2": ["40", " 2.5 "], "F1": ["unreachable", "10"]}
)


@pytest.mark.parametrize(("layout", "table"), [("long", LONG), ("wide", WIDE)])
def test_matrix_in_minutes(layout: str, table: pd.DataFrame) -> None:
    travel = matrix(layout=layout)
    pairs = pairs_of(TWO_FACILITIES, TWO_POPULATIONS, travel, minutes=NO_LIMIT, table=table)
    assert {ends: minutes for ends, (minutes, _) in as_dict(pairs).items()} == {
        (0, 0): 10.0,
        (0, 1): 2.5,
        (1, 1): 40.0,
    }
    assert np.isnan(pairs.distance_km).all()
    near = pairs_of(TWO_FACILITIES, TWO_POPULATIONS, travel, minutes=10, table=table)
    assert list(as_dict(near)) == [(0, 0), (0, 1)]


@pytest.mark.parametrize(("layout", "table"), [("long", LONG), ("wide", WIDE)])
def test_matrix_in_km_becomes_minutes_at_the_speed_of_the_class(
    layout: str, table: pd.DataFrame
) -> None:
    travel = matrix(layout=layout, unit="km", speed_km_per_h={"urban": 30.0, "rural": 40.0})
    pairs = pairs_of(TWO_FACILITIES, TWO_POPULATIONS, travel, minutes=20, table=table)
    assert as_dict(pairs) == {(0, 0): (20.0, 10.0), (0, 1): (5.0, 2.5)}
    pairs = pairs_of(TWO_FACILITIES, TWO_POPULATIONS, travel, km=40, table=table)
    assert as_dict(pairs)[1, 1] == (60.0, 40.0)


def test_matrix_of_numbers_and_a_source_column() -> None:
    table = pd.DataFrame({"population_id": ["P1", "P2"], "F1": [1.0, 2.0], "F2": [3, 4]})
    table["source"] = "survey"
    pairs = pairs_of(TWO_FACILITIES, TWO_POPULATIONS, matrix(layout="wide"), minutes=9, table=table)
    assert pairs.travel_min.tolist() == [1.0, 3.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("layout", "table"), [("long", LONG.iloc[:2]), ("wide", WIDE.iloc[1:, [0, 2]])]
)
def test_missing_pairs(layout: str, table: pd.DataFrame) -> None:
    with pytest.raises(DataError) as error:
        pairs_of(TWO_FACILITIES, TWO_POPULATIONS, matrix(layout=layout), minutes=99, table=table)
    (message,) = messages(error)
    n_missing = 2 if layout == "long" else 3
    assert f"{n_missing} of 4 pairs are missing: P1 to F2" in message
    assert 'missing_pairs = "unreachable"' in message
    travel = matrix(layout=layout, missing_pairs="unreachable")
    pairs = pairs_of(TWO_FACILITIES, TWO_POPULATIONS, travel, minutes=99, table=table)
    assert as_dict(pairs).keys() == {(0, 0)}


def test_many_missing_pairs_are_counted_and_the_first_named() -> None:
    facilities = points("facility", [(0, 0)] * 20)
    with pytest.raises(DataError, match=r"39 of 40 .*P1 to F6, \.\.\.") as error:
        pairs_of(facilities, TWO_POPULATIONS, matrix(), minutes=9, table=LONG.iloc[1:2])
    assert "F7" not in str(error.value)


@pytest.mark.parametrize(
    "cell", ["", None, math.nan, "-1", -1.0, "nan", "inf", math.inf, "1,5", "x"]
)
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_faulty_cell(cell: Any, layout: str) -> None:
    table = (LONG if layout == "long" else WIDE).astype(object)
    column = "travel" if layout == "long" else "F1"
    table.loc[1, column] = cell
    with pytest.raises(DataError) as error:
        pairs_of(TWO_FACILITIES, TWO_POPULATIONS, matrix(layout=layout), minutes=9, table=table)
    (problem,) = error.value.problems
    assert (problem.table, problem.row, problem.column) == ("travel", 2, column)
    blank = cell in ("", None) or cell != cell
    assert problem.value == ("" if blank else str(cell))
    assert ("is empty" in problem.message) == blank
    assert "the word 'unreachable'" in problem.message


def test_numeric_nan_is_an_empty_cell() -> None:
    table = LONG.assign(travel=[1.0, math.nan, -2.0, math.inf])
    with pytest.raises(DataError) as error:
        pairs_of(TWO_FACILITIES, TWO_POPULATIONS, matrix(), minutes=9, table=table)
    assert [(p.row, p.value) for p in error.value.problems] == [(2, ""), (3, "-2.0"), (4, "inf")]


def test_long_matrix_names_every_fault_at_once() -> None:
    table = pd.DataFrame(
        {
            "population_id": ["P1", "P1", "P9", "P2", None],
            "facility_id": ["F1", "F1", "F1", "F9", "F1"],
            "travel": ["1", "2", "far", "4", "5"],
        }
    )
    with pytest.raises(DataError) as error:
        pairs_of(TWO_FACILITIES, TWO_POPULATIONS, matrix(), minutes=9, table=table)
    assert [(p.row, p.column, p.value) for p in error.value.problems] == [
        (3, "population_id", "P9"),
        (5, "population_id", ""),
        (4, "facility_id", "F9"),
        (2, "population_id + facility_id", "P1, F1"),
        (3, "travel", "far"),
        (None, "", ""),  # missing pairs
    ]


def test_wide_matrix_names_every_fault_at_once() -> None:
    table = pd.DataFrame({"population_id": ["P1", "P1", "P9"], "F1": ["1", "2", ""], "F2": "3"})
    with pytest.raises(DataError) as error:
        pairs_of(TWO_FACILITIES, TWO_POPULATIONS, matrix(layout="wide"), minutes=9, table=table)
    assert [(p.row, p.column, p.value) for p in error.value.problems] == [
        (3, "population_id", "P9"),
        (2, "population_id", "P1"),
        (3, "F1", ""),
        (None, "", ""),  # missing pairs
    ]


@pytest.mark.parametrize(
    ("layout", "columns", "expected"),
    [
        ("long", ["population_id", "travel"], "column facility_id: is missing"),
        ("long", ["population_id", "facility_id", "travel", "mode"], "column mode: is not known"),
        ("wide", ["F1", "F2"], "column population_id: is missing"),
        ("wide", ["population_id", "F1", "F2", "F9"], "column F9: is not known"),
        ("wide", ["population_id", "F1", "F1"], "column F1: is given twice"),
    ],
)
def test_columns_of_the_matrix(layout: str, columns: list[str], expected: str) -> None:
    table = pd.DataFrame([["1"] * len(columns)], columns=columns)
    with pytest.raises(DataError, match=expected):
        pairs_of(TWO_FACILITIES, TWO_POPULATIONS, matrix(layout=layout), minutes=9, table=table)


def test_no_matrix_given() -> None:
    with pytest.raises(DataError, match="there is no travel matrix"):
        pairs_of(TWO_FACILITIES, TWO_POPULATIONS, matrix(), minutes=9)


def test_matrix_that_does_not_know_the_unit() -> None:
    with pytest.raises(DataError, match=r"radius in km is asked for.*give the matrix in km"):
        pairs_of(TWO_FACILITIES, TWO_POPULATIONS, matrix(), km=9, table=LONG)
    with pytest.raises(DataError, match=r"radius in min is asked for.*speed_km_per_h"):
        pairs_of(TWO_FACILITIES, TWO_POPULATIONS, matrix(unit="km"), minutes=9, table=LONG)
    travel = matrix(unit="km", speed_km_per_h={"urban": 30.0})
    with pytest.raises(DataError, match="no speed for the area class 'rural'"):
        pairs_of(TWO_FACILITIES, TWO_POPULATIONS, travel, km=9, table=LONG)


# --- radii and reach


def radii_table(*rows: tuple[str, str, float, str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["service_id", "area_class", "radius", "unit"])


RADII = radii_table(
    ("primary", "urban", 15, "min"),
    ("primary", "rural", 30, "min"),
    ("icu", "urban", 20, "km"),
    ("icu", "rural", 50, "km"),
    ("unused", "urban", 999, "km"),
)


def test_limits_are_the_farthest_radius_of_each_class() -> None:
    radii = pd.concat([RADII, radii_table(("er", "urban", 12, "min"), ("er", "rural", 45, "min"))])
    limit_km, limit_min = radius_limits(radii, TWO_POPULATIONS, ["primary", "icu", "er"])
    assert limit_km.tolist() == [20, 50]
    assert limit_min.tolist() == [15, 45]
    limit_km, limit_min = radius_limits(radii, TWO_POPULATIONS, ["primary"])
    assert limit_km.tolist() == [NOT_ASKED] * 2
    limit_km, limit_min = radius_limits(radii, TWO_POPULATIONS, [])
    assert limit_min.tolist() == [NOT_ASKED] * 2


def test_every_service_needs_a_radius_for_every_class_present() -> None:
    populations = points("population", [(0, 0)] * 3, ["urban", "island", "island"])
    with pytest.raises(DataError) as error:
        radius_limits(RADII, populations, ["primary", "icu"])
    assert messages(error) == [
        "radii: no radius of service 'primary' for area class 'island' (add a row)",
        "radii: no radius of service 'icu' for area class 'island' (add a row)",
    ]
    assert radius_limits(RADII, TWO_POPULATIONS.iloc[:1], ["icu"])[0].tolist() == [20]


def pairs_by_hand(rows: list[tuple[int, int, float, float]]) -> Pairs:
    population_idx, facility_idx, travel_min, distance_km = np.array(rows, dtype=float).T
    return Pairs(
        population_idx.astype(np.intp), facility_idx.astype(np.intp), travel_min, distance_km
    )


def triples(arcs: Arcs) -> list[tuple[int, int, int]]:
    """(population, service, facility) in order."""
    columns = arcs.population_idx, arcs.service_idx, arcs.facility_idx
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_arcs_are_within_the_radius_of_service_and_class_and_offered() -> None:
    pairs = pairs_by_hand([(0, 0, 15, 21), (0, 1, 16, 20), (1, 0, 16, 50), (1, 1, 30, 51)])
    services = ["primary", "icu"]
    offers = np.ones((2, 2), dtype=bool)
    arcs = reach(pairs, TWO_POPULATIONS, TWO_FACILITIES, offers, RADII, services)
    assert triples(arcs) == [(0, 0, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0)]
    assert arcs.travel_min.tolist() == [15, 16, 16, 30, 16]
    assert arcs.distance_km.tolist() == [21, 20, 50, 51, 50]
    offers[0, 0] = False
    arcs = reach(pairs, TWO_POPULATIONS, TWO_FACILITIES, offers, RADII, services)
    assert triples(arcs) == [(0, 1, 1), (1, 0, 1), (1, 1, 0)]


def test_no_pairs_or_no_services_no_arcs() -> None:
    nobody = Pairs(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0), np.zeros(0))
    offers = np.ones((2, 2), dtype=bool)
    assert not len(
        reach(nobody, TWO_POPULATIONS, TWO_FACILITIES, offers, RADII, ["icu", "primary"])
    )
    pairs = pairs_by_hand([(0, 0, 1, 1)])
    assert not len(reach(pairs, TWO_POPULATIONS, TWO_FACILITIES, offers[:, :0], RADII, []))


def test_radius_in_a_unit_that_travel_does_not_know() -> None:
    offers = np.ones((2, 2), dtype=bool)
    pairs = pairs_by_hand([(0, 0, 15, math.nan), (1, 0, 15, math.nan)])
    with pytest.raises(DataError) as error:
        reach(pairs, TWO_POPULATIONS, TWO_FACILITIES, offers, RADII, ["primary", "icu"])
    assert [(p.table, p.row, p.column, p.value) for p in error.value.problems] == [
        ("radii", 3, "unit", "km"),
        ("radii", 4, "unit", "km"),
    ]
    assert "state the radius in min" in str(error.value)


def test_offers_of_the_wrong_shape() -> None:
    pairs = pairs_by_hand([(0, 0, 1, 1)])
    with pytest.raises(ValueError, match="offers"):
        reach(
            pairs, TWO_POPULATIONS, TWO_FACILITIES, np.ones((1, 1), bool), RADII, ["icu", "primary"]
        )


@settings(max_examples=examples(60))
@given(seed=st.integers(0, 10**6), n_facilities=st.integers(1, 6), n_populations=st.integers(1, 12))
def test_reach_agrees_with_the_definition(seed: int, n_facilities: int, n_populations: int) -> None:
    rng = np.random.default_rng(seed)
    facilities = points("facility", [tuple(p) for p in rng.uniform(26, 26.5, (n_facilities, 2))])
    classes = rng.choice(["urban", "rural"], n_populations).tolist()
    places = [tuple(p) for p in rng.uniform(26, 26.5, (n_populations, 2))]
    populations = points("population", places, classes)
    services = ["a", "b", "c"]
    radii = radii_table(
        *(
            (s, c, float(rng.uniform(5, 50)), str(rng.choice(["km", "min"])))
            for s in services
            for c in ("rural", "urban")
        )
    )
    offers = rng.random((n_facilities, 3)) < 0.7
    travel = circle(1.3)
    limits = radius_limits(radii, populations, services)
    pairs = travel_pairs(facilities, populations, travel, *limits)
    arcs = reach(pairs, populations, facilities, offers, radii, services)
    km = 1.3 * brute_haversine(facilities, populations)
    radius = {(r.service_id, r.area_class): (r.radius, r.unit) for r in radii.itertuples()}
    expected = []
    for i, s, j in itertools.product(range(n_populations), range(3), range(n_facilities)):
        most, unit = radius[services[s], classes[i]]
        length = km[i, j] if unit == "km" else km[i, j] * (1 if classes[i] == "urban" else 2)
        if offers[j, s] and length <= most:
            expected.append((i, s, j))
    assert triples(arcs) == expected
