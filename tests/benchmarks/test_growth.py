"""Growth is fitted and read off as it should be; nothing is timed."""

import csv
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.reference.growth import fitted, nonzeros
from benchmarks.reference.runs import Measured


def test_a_power_is_found_again():
    rows = [{"nnz": n, "build": 3e-6 * n**1.25} for n in 2.0 ** np.arange(8, 20)]
    power = fitted(rows)["build"]
    assert power.exponent == pytest.approx(1.25)
    assert power.at(1e8) == pytest.approx(3e-6 * 1e10)
    assert power.off == pytest.approx(1.0)
    rows[-1]["build"] *= 2
    assert fitted(rows)["build"].exponent > 1.3
    assert "solve" not in fitted(rows)


def test_flows_grow_with_populations_and_the_rest_with_facilities():
    row = {"times": 2.0, "nnz": 1_000.0, "flow_nnz": 700.0}
    assert nonzeros(row, "10x5", "20x10") == 1_000
    assert nonzeros(row, "10x5", "40x10") == 1_700
    assert nonzeros(row, "10x5", "20x30") == 1_600


def measured(case, drivers, phases, runs, limit_s):
    """As if every cost were the square of the populations."""
    n = float(case.partition("x")[0])
    names = dict.fromkeys(phases, n**2 / len(phases))
    facts = {"nnz": 10 * n, "flow_nnz": 8 * n}
    return {drivers[0]: Measured(cpu_s=names, wall_s=names, peak_mb=names, facts=facts)}


def test_the_command_writes_measurements_and_a_plot(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("benchmarks.reference.growth.measure", measured)
    table, plot = tmp_path / "growth.csv", tmp_path / "growth.svg"
    command = ["growth", "--base", "10x5", "--doublings", "5", "--at", "400x200"]
    done = CliRunner().invoke(
        app, [*command, "--solve-s", "5000", "--output", str(table), "--plot", str(plot)]
    )
    assert done.exit_code == 0, done.output
    assert "2.00 (within 1.00x)" in done.output
    assert re.search(r"400x200, on paper +\| 4,000 +\| 160,000 ", done.output)
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["times"] for row in rows] == ["1", "2", "4", "8", "16", "32"]
    assert [row["solve"] for row in rows] == ["100", "400", "1600", "6400", "", ""]
    assert "nonzeros^2.00" in plot.read_text()
