"""Layers of geographic files as tables: round trips, systems of coordinates, faults by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import healthalloc as ha
from healthalloc.errors import DataError
from tests.folder import Folder

geopandas = pytest.importorskip("geopandas")
shapely = pytest.importorskip("shapely")

SQUARE = shapely.box(79.0, 29.0, 82.0, 31.0)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "region").write()


def layer_of(folder: Folder, table: str, crs: Any = 4326) -> Any:
    """The rows of a CSV file as a layer of points."""
    rows = pd.read_csv(folder / f"{table}.csv", keep_default_na=False)
    points = geopandas.points_from_xy(rows["longitude"], rows["latitude"])
    layer = geopandas.GeoDataFrame(rows, geometry=points, crs=4326)
    layer = layer.drop(columns=["longitude", "latitude"])
    return layer if crs is None else layer.to_crs(crs)


def put(folder: Folder, layer: Any, file: str, **options: Any) -> None:
    """Put a layer into the folder in place of the CSV file of its name."""
    (folder / f"{Path(file).stem}.csv").unlink(missing_ok=True)
    if file.endswith("shp"):  # which has no names of more than ten characters
        layer = layer.rename(columns=lambda name: name[:10])
    layer.to_file(folder / file, engine="pyogrio", **options)


def same_region(one: ha.Scenario, other: ha.Scenario) -> None:
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(other.tables[name], table, check_exact=False, rtol=1e-9)


@pytest.mark.parametrize("file", ["facilities.geojson", "facilities.gpkg", "facilities.shp"])
@pytest.mark.parametrize("crs", [4326, 4490, 32644, 3857])
def test_a_layer_stands_for_the_csv_file(folder: Folder, file: str, crs: int) -> None:
    before = ha.read_scenario(folder.path)
    layer = layer_of(folder, "facilities", crs)
    if file.endswith("geojson"):
        # without RFC 7946 the file names its system
        put(folder, layer, file, driver="GeoJSON")
    else:
        put(folder, layer, file)
    same_region(before, ha.read_scenario(folder.path))


def test_a_region_file_holds_several_tables(folder: Folder) -> None:
    before = ha.read_scenario(folder.path)
    for table in ("facilities", "populations"):
        layer = layer_of(folder, table)
        (folder / f"{table}.csv").unlink()
        layer.to_file(folder / "region.gpkg", layer=table, engine="pyogrio")
    same_region(before, ha.read_scenario(folder.path))


def test_ids_that_a_gis_made_numbers_stay_whole(folder: Folder) -> None:
    layer = layer_of(folder, "populations").assign(population_id=[1.0, 2.0, 3.0])
    put(folder, layer, "populations.gpkg")
    (folder / "groups.csv").unlink()
    assert list(ha.read_scenario(folder.path).populations["population_id"]) == ["1", "2", "3"]


def test_a_polygon_becomes_a_point_inside_and_an_area_keeps_it(
    folder: Folder, tmp_path: Path
) -> None:
    layer = layer_of(folder, "populations")
    cells = layer.set_geometry([point.buffer(0.01) for point in layer.geometry])
    areas = geopandas.GeoDataFrame(
        {
            "area_id": ["north", "south"], "name": ["北", "S"], "level": "county",
            "parent_id": ["", "north"], "source": "made up",
        },
        geometry=[SQUARE, None], crs=4326,
    )  # fmt: skip
    put(folder, areas, "areas.geojson")
    cells = cells.assign(area="north")
    put(folder, cells, "populations.geojson")
    folder.add_column("facilities", "area", "south")
    scenario = ha.read_scenario(folder.path)
    inside = geopandas.points_from_xy(
        scenario.populations["longitude"], scenario.populations["latitude"]
    )
    assert all(cell.contains(point) for cell, point in zip(cells.geometry, inside))
    assert list(scenario.outlines) == ["north"]
    ha.write_scenario(scenario, tmp_path / "again")
    again = ha.read_scenario(tmp_path / "again")
    same_region(scenario, again)
    assert shapely.geometry.shape(again.outlines["north"]).equals(SQUARE)
    layers = ha.to_geodataframes(again)
    assert layers["areas"].geometry.iloc[0].equals(SQUARE)
    read = ha.read_layer(layers["areas"], "areas")
    assert shapely.geometry.shape(read.outlines["north"]).equals(SQUARE)


def test_a_point_that_is_not_stated(folder: Folder) -> None:
    layer = layer_of(folder, "facilities")
    layer.loc[0, "geometry"] = None
    put(folder, layer, "facilities.geojson")
    with pytest.raises(DataError, match=r"facilities, row 1, column longitude: .* needs both"):
        ha.read_scenario(folder.path)


def no_system(layer: Any) -> Any:
    return layer.set_crs(None, allow_override=True)


def moved(x: float, y: float) -> Callable[[Any], Any]:
    return lambda layer: layer.set_geometry([shapely.Point(x, y)] * len(layer))


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("facilities.shp", no_system, ["facilities.shp: states no coordinate reference system",
                                       ".prj"]),
        ("facilities.gpkg", no_system, ["facilities.gpkg: states no coordinate reference system"]),
        (
            "facilities.geojson",
            moved(30.0, 100.0),
            ["facilities.geojson, row 1, column geometry: '30, 100' is no longitude and latitude",
             "WGS 84 (EPSG:4326)", "are longitude and latitude swapped?"],
        ),
        (
            "facilities.geojson",
            moved(512345.0, 2900000.0),
            ["'512345, 2.9e+06' is no longitude and latitude", "are these metres?"],
        ),
        (
            "facilities.gpkg",
            lambda d: d.set_crs(4547, allow_override=True),
            ["CGCS2000 / 3-degree Gauss-Kruger CM 114E (EPSG:4547)", "but holds degrees"],
        ),
        (
            "facilities.gpkg",
            lambda d: d.set_crs(4610, allow_override=True),
            ["no known transformation from Xian 1980 (EPSG:4610) to WGS 84"],
        ),
        (
            "facilities.gpkg",
            lambda d: d.set_geometry([p.buffer(0.1).boundary for p in d.geometry]),
            ["facilities.gpkg, row 1, column geometry: is a LineString, in", "point or a polygon"],
        ),
        (
            "facilities.geojson",
            lambda d: d.assign(beds=4),
            ["facilities, column beds: unknown column", "extra_facility_columns"],
        ),
        (
            "facilities.geojson",
            lambda d: d.assign(facility_id=["city", *d["facility_id"][:-1]]),
            ["facilities, row 2, column facility_id: 'city' stands already in row 1"],
        ),
        ("facilities.gpkg", lambda d: d.iloc[:0], ["facilities.gpkg: the layer is empty"]),
        (
            "facilities.geojson",
            lambda d: d.assign(longitude=80.5, latitude=30.0),
            ["facilities, row 1, column longitude: '80.500000' but the geometry says"],
        ),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:'crs' was not provided:UserWarning")
def test_faults_are_named(folder: Folder, file: str, change: Any, words: list[str]) -> None:
    put(folder, change(layer_of(folder, "facilities")), file)
    with pytest.raises(DataError) as error:
        ha.read_scenario(folder.path)
    for word in words:
        assert word in str(error.value)


def test_swapped_points_within_the_range_are_found_among_the_others(folder: Folder) -> None:
    layer = layer_of(folder, "facilities")
    layer.loc[0, "geometry"] = shapely.Point(layer.geometry[0].y, layer.geometry[0].x)
    put(folder, layer, "facilities.geojson")
    with pytest.raises(DataError, match="near them when swapped"):
        ha.read_scenario(folder.path)


def test_files_that_cannot_be_read(folder: Folder) -> None:
    (folder / "facilities.csv").unlink()
    folder.write_text("facilities.geojson", "{")
    folder.write_text("populatons.geojson", "{}")
    with pytest.raises(DataError) as error:
        ha.read_scenario(folder.path)
    text = str(error.value)
    assert "facilities.geojson: cannot be read as a geographic file" in text
    assert "populatons.geojson: unknown table (did you mean populations.geojson?)" in text


def test_layers_that_are_missing_or_doubled(folder: Folder) -> None:
    layer = layer_of(folder, "facilities")
    (folder / "facilities.csv").unlink()
    layer.to_file(folder / "region.gpkg", layer="facilites", engine="pyogrio")
    layer_of(folder, "populations").to_file(folder / "region.gpkg", layer="populations")
    with pytest.raises(DataError) as error:
        ha.read_scenario(folder.path)
    text = str(error.value)
    assert "region.gpkg: has no layer facilities, and there is no facilities.csv" in text
    assert "did you mean facilites?" in text
    assert "populations: stands in populations.csv and region.gpkg (keep one of them)" in text
    with pytest.raises(DataError, match="has no layer clinics: its layers are facilites, pop"):
        ha.read_layer(folder / "region.gpkg", "facilities", layer="clinics")


def test_a_shapefile_says_its_encoding(folder: Folder) -> None:
    layer = layer_of(folder, "facilities").assign(name="市医院")
    put(folder, layer, "facilities.shp", encoding="GB18030")
    assert set(ha.read_scenario(folder.path).facilities["name"]) == {"市医院"}
    (folder / "facilities.cpg").unlink()
    header = (folder / "facilities.dbf").read_bytes()
    (folder / "facilities.dbf").write_bytes(header[:29] + b"\0" + header[30:])
    with pytest.raises(DataError, match="does not say its encoding, and holds more"):
        ha.read_scenario(folder.path)


def test_a_layer_is_of_a_table_that_has_places(folder: Folder) -> None:
    with pytest.raises(DataError, match="one of areas, facilities, populations"):
        ha.read_layer(layer_of(folder, "facilities"), "stock")
    with pytest.raises(DataError, match="has no geometry"):
        ha.read_layer(pd.DataFrame({"facility_id": ["a"]}), "facilities")


def test_outlines_of_python_are_checked(folder: Folder) -> None:
    scenario = ha.read_scenario(folder.path)
    with pytest.raises(DataError) as error:
        scenario.replace(outlines={"nowhere": {"type": "Point", "coordinates": [1, 2]}})
    assert "outlines: 'nowhere' is no area_id" in str(error.value)
    assert "must be one of Polygon, MultiPolygon" in str(error.value)


def test_outlines_are_drawn(folder: Folder) -> None:
    pytest.importorskip("bokeh")
    from healthalloc.labels import Words
    from healthalloc.plotting.series import outlines_km, places_km
    from healthalloc.report.map import region_map

    areas = pd.DataFrame({"area_id": ["a"], "name": "A", "level": "county", "source": "made up"})
    folder.add_column("facilities", "area", "a")
    folder.add_column("populations", "area", "a")
    areas.to_csv(folder / "areas.csv", index=False)
    scenario = ha.read_scenario(folder.path)
    corner = scenario.facilities[["longitude", "latitude"]].iloc[0].tolist()
    ring = [corner, [82.0, 29.0], [82.0, 31.0], corner]
    shape = {"type": "MultiPolygon", "coordinates": [[ring, ring], [ring]]}
    scenario = scenario.replace(outlines={"a": shape})
    rings = outlines_km(scenario)
    assert len(rings) == 3
    assert rings[0][0].tolist() == places_km(scenario)[0].iloc[0].tolist()
    figure = region_map(ha.solve(scenario), Words("en"), None)
    (drawn,) = [r for r in figure.renderers if r.name == "outline"]
    assert len(drawn.data_source.data["xs"]) == 3


def test_geojson_follows_rfc_7946(folder: Folder, tmp_path: Path) -> None:
    scenario = ha.read_scenario(folder.path)
    ha.write_layers(scenario, tmp_path / "layers")
    text = json.loads((tmp_path / "layers" / "facilities.geojson").read_text(encoding="utf-8"))
    assert "crs" not in text
    first = scenario.facilities.iloc[0]
    feature = text["features"][0]
    assert feature["geometry"]["coordinates"] == [first["longitude"], first["latitude"]]
    assert feature["properties"]["facility_id"] == first["facility_id"]
