"""Travel matrices in Parquet and OMX, in and out, and what may be wrong with them."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import tomli_w
from typer.testing import CliRunner

import healthalloc as ha
from healthalloc.cli import app
from healthalloc.errors import DataError
from tests.folder import Folder

h5py = pytest.importorskip("h5py")
pytest.importorskip("pyarrow")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A scenario whose travel is a matrix; the file of the matrix is not there yet."""
    folder = Folder(tmp_path / "region").write()
    text = folder.text("scenario.toml")
    head, tail = text[: text.index("[travel]")], text[text.index("[solve]") :]
    folder.write_text("scenario.toml", f"{head}@travel@\n\n{tail}")
    return folder


def travel(folder: Folder, file: str, layout: str, more: str = "") -> None:
    lines = f'[travel]\nmethod = "matrix"\nfile = "{file}"\nlayout = "{layout}"\nunit = "km"\n'
    speeds = "[travel.speed_km_per_h]\nurban = 60\nrural = 60\n"
    folder.replace("scenario.toml", "@travel@", lines + more + speeds)


def ids(folder: Folder, table: str) -> list[str]:
    return [row[0] for row in folder.cells(table)[1:]]


def square(folder: Folder) -> tuple[list[str], np.ndarray]:
    """Zones, and travel from each to each: ten minutes times their distance in the list."""
    zones = ids(folder, "facilities") + ids(folder, "populations") + ["elsewhere"]
    at = np.arange(len(zones), dtype=float)
    return zones, 10 * np.abs(at[:, None] - at)


def write_omx(path: Path, matrices: dict[str, Any], lookups: dict[str, Any]) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["OMX_VERSION"] = np.bytes_(b"0.2")
        for name, values in matrices.items():
            file.create_dataset(f"data/{name}", data=values)
        for name, zones in lookups.items():
            texts = [z.encode() if isinstance(z, str) else z for z in zones]
            file.create_dataset(f"lookup/{name}", data=np.array(texts))


GREAT_CIRCLE = """[travel]
method = "great_circle"
[travel.speed_km_per_h]
urban = 30
rural = 47
"""


def ring_of(scenario: ha.Scenario) -> nx.DiGraph:
    """A one-way ring road past all points, and one point that it misses."""
    roads = nx.DiGraph()
    points = pd.concat([scenario.facilities, scenario.populations])[["longitude", "latitude"]]
    for node, place in enumerate(points.drop_duplicates().to_dict("records")):
        roads.add_node(node, **place)
    n = len(roads)
    for node in range(n - 1):
        roads.add_edge(node, (node + 1) % (n - 1), travel_min=3.7, length_km=2.3)
    return roads


def lengths(scenario: ha.Scenario) -> dict[tuple[str, str], float]:
    assert scenario.travel is not None
    wide = scenario.travel.set_index("population_id")
    return {(i, str(j)): wide.at[i, j] for i in wide.index for j in wide if j != "source"}


def test_omx_by_ids(folder: Folder) -> None:
    zones, values = square(folder)
    write_omx(folder / "travel.omx", {"am": values}, {"zones": zones})
    travel(folder, "travel.omx", "omx")
    scenario = ha.read_scenario(folder.path)
    found = lengths(scenario)
    place = {zone: k for k, zone in enumerate(zones)}
    assert len(found) == len(scenario.populations) * len(scenario.facilities)
    assert all(v == 10 * abs(place[i] - place[j]) for (i, j), v in found.items())


def test_omx_by_numbered_zones(folder: Folder) -> None:
    zones, values = square(folder)
    number = {zone: 100 + k for k, zone in enumerate(zones)}
    for table in ("facilities", "populations"):
        if "node_id" not in folder.cells(table)[0]:
            folder.add_column(table, "node_id")
        for row, name in enumerate(ids(folder, table), start=1):
            folder.set(table, row, "node_id", str(number[name]))
    lookups = {"taz": list(number.values()), "district": [1] * len(zones)}
    write_omx(folder / "travel.omx", {"am": values, "pm": 2 * values}, lookups)
    travel(folder, "travel.omx", "omx", 'matrix = "pm"\nzones = "taz"\n')
    scenario = ha.read_scenario(folder.path)
    place = {zone: k for k, zone in enumerate(zones)}
    assert all(v == 20 * abs(place[i] - place[j]) for (i, j), v in lengths(scenario).items())


@pytest.mark.parametrize("file", ["travel.omx", "travel.parquet"])
def test_a_matrix_survives_and_gives_the_same_answer(
    folder: Folder, tmp_path: Path, file: str
) -> None:
    zones, values = square(folder)
    layout = "omx" if file.endswith("omx") else "wide"
    travel(folder, file, layout)
    if layout == "omx":
        write_omx(folder / file, {"am": values}, {"zones": zones})
    else:
        n = len(ids(folder, "facilities"))
        wide = pd.DataFrame(values[n:-1, :n], columns=zones[:n])
        wide.insert(0, "population_id", zones[n:-1])
        wide.to_parquet(folder / file)
    scenario = ha.read_scenario(folder.path)
    ha.write_scenario(scenario, tmp_path / "again")
    again = ha.read_scenario(tmp_path / "again")
    assert lengths(again) == lengths(scenario)
    assert ha.solve(again).objective == ha.solve(scenario).objective


def test_empty_cells_may_mean_no_way(folder: Folder) -> None:
    zones, values = square(folder)
    values[values > 30] = np.nan
    write_omx(folder / "travel.omx", {"am": values}, {"zones": zones})
    travel(folder, "travel.omx", "omx", 'missing_pairs = "unreachable"\n')
    scenario = ha.read_scenario(folder.path)
    flows = ha.solve(scenario).flows
    assert len(flows)
    assert (flows["travel_min"] <= 30).all()


@pytest.mark.parametrize(
    ("change", "more", "words"),
    [
        (
            lambda z, v: ({"am": v[1:, 1:]}, {"zones": z[1:]}), "",
            ["facilities, row 1, column facility_id: 'city' is no zone of travel.omx"],
        ),
        (
            lambda z, v: ({"am": np.where(v > 50, np.nan, v)}, {"zones": z}), "",
            ["travel.omx:", "cells are empty: hamlet to city", 'missing_pairs = "unreachable"'],
        ),
        (
            lambda z, v: ({"am": v, "pm": v}, {"zones": z}), "",
            ["travel.omx: holds 2 matrices: am, pm (name one as matrix under [travel])"],
        ),
        (
            lambda z, v: ({"am": v}, {"zones": z}), 'matrix = "amm"\n',
            ["column travel.matrix: 'amm' is no matrix of the file (did you mean am?)"],
        ),
        (
            lambda z, v: ({"am": v}, {"zones": z, "taz": z}), "",
            ["has several lookups of its rows: taz, zones (name one as zones under [travel])"],
        ),
        (
            lambda z, v: ({"am": v}, {"zones": z}), 'zones = "taz"\n',
            ["column travel.zones: 'taz' is no lookup that fits the rows (these do: zones)"],
        ),
        (lambda z, v: ({"am": v}, {}), "", ["has no lookup of the zones of its", "rows"]),
        (
            lambda z, v: ({"am": v}, {"zones": [z[0], z[0], *z[2:]]}), "",
            ["'city' stands twice in the lookup of zones"],
        ),
        (lambda z, v: ({}, {"zones": z}), "", ["travel.omx: has no matrix"]),
    ],
)  # fmt: skip
def test_faults_of_omx_are_named(folder: Folder, change: Any, more: str, words: list[str]) -> None:
    zones, values = square(folder)
    write_omx(folder / "travel.omx", *change(zones, values))
    travel(folder, "travel.omx", "omx", more)
    with pytest.raises(DataError) as error:
        ha.read_scenario(folder.path)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("file", "layout", "words"),
    [
        ("travel.omx", "omx", "travel.omx: is not valid OMX"),
        ("travel.parquet", "wide", "travel.parquet: is not valid Parquet"),
        ("absent.omx", "omx", "absent.omx: missing file"),
        ("absent.parquet", "long", "absent.parquet: missing file"),
        ("travel.omx", "wide", "column travel.file: 'travel.omx' a matrix of layout omx"),
    ],
)
def test_files_that_are_none(folder: Folder, file: str, layout: str, words: str) -> None:
    (folder / "travel.omx").write_bytes(b"no HDF5")
    (folder / "travel.parquet").write_bytes(b"no Parquet")
    travel(folder, file, layout)
    with pytest.raises(DataError) as error:
        ha.read_scenario(folder.path)
    assert words in str(error.value)


def test_settings_of_omx_belong_to_omx() -> None:
    matrix = ha.TravelMatrix(layout="wide", unit="min", zones="taz")
    with pytest.raises(DataError, match=r"travel.zones: 'taz' is for the layout omx alone"):
        ha.Scenario(
            settings=ha.Settings(name="x", base_year=2020, target_year=2025, travel=matrix),
            **{t: pd.DataFrame() for t in ("facilities", "populations", "resources", "stock",
               "services", "radii", "demand", "requirements")},
        )  # fmt: skip


def travel_of(scenario: ha.Scenario) -> pd.DataFrame:
    return ha.solve(scenario, whole_units=False).flows.filter(
        ["population_id", "facility_id", "service_id", "cases_a_year", "travel_min", "distance_km"]
    )


@pytest.mark.parametrize("suffix", ["omx", "parquet"])
@pytest.mark.parametrize("method", ["great_circle", "roads", "gaps"])
def test_travel_goes_out_as_a_matrix_and_comes_back(
    folder: Folder, tmp_path: Path, suffix: str, method: str
) -> None:
    if method == "gaps":
        zones, values = square(folder)
        values[values > 50] = np.nan
        write_omx(folder / "travel.omx", {"am": values}, {"zones": zones})
        travel(folder, "travel.omx", "omx", 'missing_pairs = "unreachable"\n')
    else:
        folder.replace("scenario.toml", "@travel@", GREAT_CIRCLE)
    before = ha.read_scenario(folder.path)
    if method == "roads":
        settings = replace(before.settings, travel=ha.RoadGraph())
        radii = before.radii.assign(radius=25.0, unit="min")
        before = before.replace(
            settings=settings, roads=ring_of(before), radii=radii, plan=ha.Plan()
        )
    ha.write_scenario(before, tmp_path / "same")
    out = tmp_path / f"travel.{suffix}"
    ended = CliRunner().invoke(app, ["export", str(tmp_path / "same"), "-o", str(out)])
    assert ended.exit_code == 0, ended.output
    ha.write_scenario(before, tmp_path / "again")
    text = (tmp_path / "again" / "scenario.toml").read_text()
    stated = tomllib.loads(ended.output.split(":\n", 1)[1])
    document = tomllib.loads(text) | stated
    (tmp_path / "again" / "scenario.toml").write_text(tomli_w.dumps(document))
    out.rename(tmp_path / "again" / out.name)
    after = ha.read_scenario(tmp_path / "again")
    columns = ["travel_min"] if method == "roads" else ["travel_min", "distance_km"]
    keys = ["population_id", "facility_id", "service_id", "cases_a_year"]
    pd.testing.assert_frame_equal(
        travel_of(after)[[*keys, *columns]], travel_of(before)[[*keys, *columns]], check_exact=True
    )


def test_a_matrix_is_written_in_two_formats_only(folder: Folder, tmp_path: Path) -> None:
    folder.replace("scenario.toml", "@travel@", GREAT_CIRCLE)
    with pytest.raises(DataError, match=r"cannot hold a travel matrix \(a file that ends in .omx"):
        ha.write_travel(ha.read_scenario(folder.path), tmp_path / "travel.csv")
