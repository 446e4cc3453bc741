"""Growth is fitted and read off as it should be; nothing is timed."""

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.reference.growth import fitted, nonzeros


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


def test_the_command_writes_measurements_and_a_plot(tmp_path):
    pytest.importorskip("matplotlib")
    csv, plot = tmp_path / "growth.csv", tmp_path / "growth.svg"
    command = ["growth", "--base", "40x12", "--doublings", "1"]
    done = CliRunner().invoke(app, [*command, "--output", str(csv), "--plot", str(plot)])
    assert done.exit_code == 0, done.output
    assert "on paper" in done.output
    assert csv.read_text().startswith("times,nnz,flow_nnz,build")
    assert len(csv.read_text().splitlines()) == 3
    assert "nonzeros^" in plot.read_text()
