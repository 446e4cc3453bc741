"""Scenarios and plans as layers, results as Parquet: what is written, and what is refused."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import healthalloc as ha
from healthalloc import cli
from healthalloc.errors import UnsupportedError
from tests.folder import Folder, snapshot
from tests.region import quiet

geopandas = pytest.importorskip("geopandas")
pytest.importorskip("pyarrow")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "region").write()


def test_layers_of_a_plan(folder: Folder, tmp_path: Path) -> None:
    solution = ha.solve(ha.read_scenario(folder.path))
    names = ha.write_layers(solution, tmp_path / "plan.gpkg")
    assert names == ["facilities", "populations", "allocation", "demand", "flows"]
    layers = {n: geopandas.read_file(tmp_path / "plan.gpkg", layer=n) for n in names}
    assert all(layer.crs.to_epsg() == 4326 for layer in layers.values())
    stock = solution.stock
    kinds = solution.scenario.resources.set_index("resource_id")["kind"]
    for kind in ("bed", "staff"):
        of_kind = stock[stock["resource_id"].map(kinds) == kind]
        total = layers["facilities"][[f"{kind}_existing", f"{kind}_allocated"]].sum()
        np.testing.assert_allclose(total, of_kind[["existing", "allocated"]].sum())
    pd.testing.assert_frame_equal(
        pd.DataFrame(layers["flows"].drop(columns="geometry")), solution.flows, check_dtype=False
    )
    places = solution.scenario.populations.set_index("population_id")[["longitude", "latitude"]]
    for line, name in zip(layers["flows"].geometry, layers["flows"]["population_id"]):
        assert list(line.coords[0]) == list(places.loc[name])
    served = layers["populations"].set_index("population_id")
    for row in solution.demand.itertuples():
        expected = 100 * row.served / row.demand if row.demand else np.nan
        found = served.at[row.population_id, f"served_percent_{row.service_id}"]
        np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("output", ["region.gpkg", "layers"])
def test_a_scenario_is_read_back_without_loss(folder: Folder, tmp_path: Path, output: str) -> None:
    before = ha.read_scenario(folder.path)
    result = run("export", folder.path, "--scenario", "-o", tmp_path / output)
    assert result.exit_code == 0, result.output
    assert "Layers facilities, populations written to" in result.output
    for table in ("facilities", "populations"):
        (folder / f"{table}.csv").unlink()
    if output == "layers":
        for file in (tmp_path / output).iterdir():
            file.rename(folder / file.name)
    else:
        (tmp_path / output).rename(folder / output)
    after = ha.read_scenario(folder.path)
    for name, table in before.tables.items():
        pd.testing.assert_frame_equal(after.tables[name], table, check_exact=True)


def test_the_command_replaces_its_own_and_nothing_else(folder: Folder, tmp_path: Path) -> None:
    before = folder.bytes()
    for _ in range(2):
        result = run("export", folder.path, "-o", tmp_path / "plan", "-q")
        assert (result.exit_code, result.output) == (0, "")
    (tmp_path / "plan" / "mine.txt").write_text("mine")
    there = snapshot(tmp_path / "plan")
    for output, words in (
        (tmp_path / "plan", "exists and is no earlier export"),
        (tmp_path / "plan.geojson", "cannot hold the layers"),
        (folder / "plan.gpkg", "lies in the scenario"),
        (tmp_path, "lies in the scenario, or holds it"),
        (tmp_path / "roads.graphml", "the scenario has no road graph"),
    ):
        result = run("export", folder.path, "-o", output)
        assert result.exit_code == 2, output
        assert words in result.output
    assert snapshot(tmp_path / "plan") == there
    assert folder.bytes() == before


@pytest.mark.parametrize("output", ["plan.gpkg", "plan"])
def test_a_plan_without_flows(tmp_path: Path, output: str) -> None:
    solution = ha.solve(quiet())
    assert solution.flows.empty
    assert "flows" in ha.write_layers(solution, tmp_path / output)
    file = tmp_path / output
    of_flows = file / "flows.geojson" if file.is_dir() else file
    layer = None if file.is_dir() else "flows"
    assert len(geopandas.read_file(of_flows, layer=layer)) == 0


def test_an_infeasible_plan_has_nothing_to_export(folder: Folder, tmp_path: Path) -> None:
    folder.append(
        "plan.toml",
        '\n[[clause]]\nid = "cap"\nquote = "x"\nsource = "x"\nkind = "amount"\n'
        'resource = "icu_bed"\nat_most = 2\n',
    )
    result = run("export", folder.path, "-o", tmp_path / "plan.gpkg")
    assert result.exit_code == 3
    assert "nothing to export" in result.output
    assert not (tmp_path / "plan.gpkg").exists()


def test_results_as_parquet_are_those_of_csv(folder: Folder, tmp_path: Path) -> None:
    for name in ("csv", "parquet"):
        result = run("solve", folder.path, "-o", tmp_path / name, "--format", name)
        assert result.exit_code == 0, result.output
    files = {file.stem for file in (tmp_path / "csv").glob("*.csv")}
    assert files == {file.stem for file in (tmp_path / "parquet").glob("*.parquet")}
    for name in files:
        as_csv = pd.read_csv(tmp_path / "csv" / f"{name}.csv")
        as_parquet = pd.read_parquet(tmp_path / "parquet" / f"{name}.parquet")
        assert list(as_csv.columns) == list(as_parquet.columns)
        for column in as_csv.dropna(axis="columns", how="all").select_dtypes("number"):
            assert as_parquet[column].dtype.kind in "iuf"
            np.testing.assert_allclose(as_csv[column], as_parquet[column])
    audits = []
    for name in ("csv", "parquet"):
        stock = tmp_path / name / f"allocation.{name}"
        audit = ("audit", folder.path, "--stock", stock, "-o", tmp_path / f"audit-{name}")
        assert run(*audit, "--format", name).exit_code == 0
        audits.append(ha.audit(ha.read_scenario(folder.path), ha.io.read_stock(stock)).clauses)
    pd.testing.assert_frame_equal(*audits)
    assert (tmp_path / "audit-parquet" / "run.json").exists()


def test_a_parquet_file_that_is_none(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "stock.parquet").write_bytes(b"none")
    result = run("audit", folder.path, "--stock", tmp_path / "stock.parquet")
    assert result.exit_code == 2
    assert "stock.parquet: is not valid Parquet" in result.output


@pytest.mark.parametrize(
    ("package", "extra", "arguments"),
    [
        ("geopandas", "geo", ["export", "{}"]),
        ("pyarrow", "parquet", ["solve", "{}", "--format", "parquet"]),
        ("pyarrow", "parquet", ["audit", "{}", "--stock", "x.parquet"]),
    ],
)
def test_an_absent_package_names_its_extra(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    package: str, extra: str, arguments: list[str],
) -> None:  # fmt: skip
    real = importlib.import_module

    def absent(name: str, *more: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr("healthalloc.extras.importlib.import_module", absent)
    monkeypatch.chdir(tmp_path)
    before = snapshot(tmp_path)
    result = run(*(str(folder.path) if a == "{}" else a for a in arguments))
    assert result.exit_code == 2
    assert f"pip install 'healthalloc[{extra}]'" in result.output
    assert snapshot(tmp_path) == before
    with pytest.raises(UnsupportedError, match=package):
        ha.extras.optional(package, "it", extra)
