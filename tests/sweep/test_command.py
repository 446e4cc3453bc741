"""``healthalloc sweep``: cases in, Parquet out, exit codes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import healthalloc as ha
from healthalloc.cli.app import app
from healthalloc.generate import generate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sweep") / "region"
    ha.write_scenario(generate(12, 3, seed=2), path)
    return path


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["sweep", *map(str, words)])


def test_cases_in_a_file(folder: Path, tmp_path: Path) -> None:
    cases = tmp_path / "cases.csv"
    cases.write_text("case,icu,demand:icu\nas it is,,\nmore,9 units,+5%\n")
    output = tmp_path / "results.parquet"
    done = run(folder, cases, "-o", output, "--workers", 1, "--keep", "stock")
    assert done.exit_code == 0, done.output
    assert "optimal" in done.output
    assert "nine tenths" in done.output
    table = pd.read_parquet(output)
    assert table["case"].tolist() == ["as it is", "more"]
    base = ha.solve(ha.read_scenario(folder)).objective
    assert table["objective_cny_a_year"].iloc[0] == pytest.approx(base)
    stock = pd.read_parquet(output / "_stock")
    assert stock.loc[stock["case"] == "more"].query("resource_id == 'icu_bed'")[
        "allocated"
    ].sum() == pytest.approx(9)
    changed = run(folder, cases, "-o", output)
    assert changed.exit_code == 2
    assert "another sweep: options (tables) changed" in changed.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give a CSV of cases, or --draw N"),
        (["none.csv"], "none.csv: cannot be read"),
        (["--draw", 2, "--spread", -1], "is no spread of 0 or more"),
        (["--draw", 2, "--dask", "tcp://x:1", "--workers", 2], "does not go with --dask"),
        (["--draw", 2, "-o", "{folder}/out"], "lies inside the scenario"),
    ],
)
def test_bad_words_end_with_2(folder: Path, words: list[object], message: str) -> None:
    done = run(folder, *(str(word).format(folder=folder) for word in words))
    assert done.exit_code == 2
    assert message in done.output


def test_cases_that_a_limit_leaves_without_a_plan_are_told(folder: Path, tmp_path: Path) -> None:
    words = (folder, "--draw", 2, "--workers", 1, "--time-limit", "1e-9", "-q")
    done = run(*words, "-o", tmp_path / "out")
    assert done.exit_code == 4
    assert done.stderr == "healthalloc: a limit came before any solution in 2 of 2 cases\n"
    assert run(*words, "-o", tmp_path / "out").exit_code == 4  # from what is kept, as well
