"""Roads of OpenStreetMap: classes, limits, one-way streets, other systems, GraphML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import networkx as nx
import pandas as pd
import pytest

from healthalloc.errors import DataError, Problem
from healthalloc.io.roads import read_roads, write_roads
from healthalloc.settings import RoadGraph
from healthalloc.travel.highway_speeds import standard
from tests.test_network import as_dict, messages, pairs_of, points

ENDS = {"facilities": ["B"], "populations": ["A"]}


def osm(**edge: Any) -> nx.MultiDiGraph[Any]:
    """A way of 6 km from A to B and back, as OSMnx states it."""
    roads: nx.MultiDiGraph[Any] = nx.MultiDiGraph(crs="epsg:4326")
    roads.add_node("A", x=101.0, y=26.0, street_count=1)
    roads.add_node("B", x=101.05, y=26.0, street_count=1)
    for ends in ("AB", "BA"):
        roads.add_edge(*ends, osmid=7, length=6000.0, oneway=False, **edge)
    return roads


def minutes(roads: nx.Graph[Any], nodes: bool = True, **settings: Any) -> float:
    """Minutes from a population at A to a facility at B."""
    facilities = points("facility", [(101.05, 26.0)], nodes=["B" if nodes else ""])
    populations = points("population", [(101.0, 26.0)], nodes=["A" if nodes else ""])
    travel = RoadGraph(**settings)
    found = as_dict(pairs_of(facilities, populations, travel, minutes=1e4, roads=roads))
    return found[0, 0][0]


@pytest.mark.parametrize(
    ("edge", "expected"),
    [
        ({"highway": "primary"}, 6 / 65 * 60),
        ({"highway": ["residential", "primary"]}, 6 / 25 * 60),
        ({"highway": "['residential', 'primary']"}, 6 / 25 * 60),
        ({"highway": "primary", "maxspeed": "50"}, 6 / 40 * 60),
        ({"highway": "primary", "maxspeed": "60 km/h"}, 6 / 48 * 60),
        ({"highway": "primary", "maxspeed": "['80', '30']"}, 6 / 24 * 60),
        ({"highway": "primary", "maxspeed": "50 mph"}, 6 / (0.8 * 80.4672) * 60),
        ({"highway": "primary", "maxspeed": "CN:urban"}, 6 / 65 * 60),
        ({"highway": "primary", "speed_kph": "30.0"}, 12.0),
        ({"highway": "primary", "travel_time": "600"}, 10.0),
        ({"highway": "primary", "travel_time": "600", "travel_min": 9.0}, 9.0),
        ({"maxspeed": 50}, 6 / 40 * 60),
    ],
)
def test_minutes_of_an_edge(edge: dict[str, Any], expected: float) -> None:
    assert minutes(osm(**edge)) == pytest.approx(expected)


def test_speeds_of_ones_own_count_first() -> None:
    roads = osm(highway="track", maxspeed="50")
    assert minutes(roads, speed_km_per_h={"track": 12.0}) == pytest.approx(30.0)


def test_a_class_without_a_speed_is_named() -> None:
    with pytest.raises(DataError) as error:
        minutes(osm(highway="['track', 'primary']"))
    text = messages(error)[0]
    assert "'track' no speed is known for this class of road (2 edges)" in text
    assert "[travel.speed_km_per_h]" in text


def test_travel_time_in_minutes_is_told() -> None:
    with pytest.raises(DataError, match=r"'6' is faster than 300 km/h on 2 edges: A -> B"):
        minutes(osm(travel_time=6.0))


def test_one_way_stays_one_way() -> None:
    roads = osm(highway="primary")
    roads.remove_edge("A", "B")
    assert minutes(roads.reverse()) == pytest.approx(6 / 65 * 60)
    with pytest.raises(KeyError):  # no pair
        minutes(roads)


def test_projected_nodes_are_brought_to_wgs84() -> None:
    pytest.importorskip("pyproj")
    roads = osm(highway="primary")
    roads.graph["crs"] = "EPSG:4544"  # CGCS2000, Gauss-Kruger, 105 E
    for node, x in (("A", 99_600.0), ("B", 104_605.0)):
        roads.nodes[node].update(x=x, y=2_879_000.0)
    with pytest.raises(DataError, match="holds degrees"):
        minutes(nx.MultiDiGraph(osm(highway="primary"), crs="EPSG:4544"), nodes=False)
    assert minutes(roads, nodes=False) > 6 / 65 * 60  # and a walk to the node
    roads.graph["crs"] = "Mars"
    with pytest.raises(DataError, match="'Mars' is no coordinate reference system"):
        minutes(roads, nodes=False)


@pytest.mark.parametrize("saved", [False, True])
def test_a_graph_of_osmnx_survives_graphml(tmp_path: Path, saved: bool) -> None:
    roads = osm(highway=["residential", "primary"], lanes=None, reversed={True, False})
    if saved:  # as save_graphml does: every attribute is text
        for *_, data in roads.edges(data=True):
            data.update({name: str(value) for name, value in data.items()})
    write_roads(roads, tmp_path / "roads.graphml")
    problems: list[Problem] = []
    again = read_roads(tmp_path / "roads.graphml", problems)
    assert problems == []
    assert again is not None
    assert again.is_directed()
    assert again.graph["crs"] == "epsg:4326"
    assert minutes(again) == minutes(roads)
    write_roads(again, tmp_path / "second.graphml")
    second = read_roads(tmp_path / "second.graphml", problems)
    assert second is not None
    assert minutes(second) == minutes(roads)
    assert roads.edges["A", "B", 0]["highway"] != "", "the graph given is not changed"


def test_speeds_by_class_are_an_assumption(tmp_path: Path) -> None:
    from tests import region
    from tests.folder import Folder

    folder = Folder(tmp_path / "region").write()
    write_roads(osm(highway="primary"), folder / "roads.graphml")
    text = folder.text("scenario.toml")
    head, tail = text[: text.index("[travel]")], text[text.index("[solve]") :]
    folder.write_text("scenario.toml", head + '[travel]\nmethod = "road_graph"\n\n' + tail)
    import healthalloc as ha

    scenario = ha.read_scenario(folder.path)
    found = scenario.assumptions()
    assert isinstance(found, pd.DataFrame)
    row = found[found["item"] == "travel.speed_km_per_h"].iloc[0]
    assert standard()["source"] in row["assumption"]
    timed = scenario.replace(roads=osm(travel_min=4.0))
    assert "travel.speed_km_per_h" not in set(timed.assumptions()["item"])
    assert region.FACILITIES is not None
