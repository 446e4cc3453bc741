"""Workbooks for the tests: written once, then edited as a person would in Excel."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

import healthalloc as ha
from tests.region import region

SOFFICE = shutil.which("soffice")
needs_libreoffice = pytest.mark.skipif(
    SOFFICE is None, reason="needs LibreOffice: apt-get install libreoffice-calc"
)


def edited(
    tmp_path: Path, edit: Callable[[Any], None], scenario: ha.Scenario | None = None
) -> Path:
    """A workbook of the test region after an edit."""
    file = tmp_path / "region.xlsx"
    ha.write_scenario(scenario or region(), file)
    book = openpyxl.load_workbook(file)
    edit(book)
    book.save(file)
    return file


def refused(file: Path, error: type[ha.DataError] = ha.DataError) -> list[str]:
    """The problems that a workbook is refused with."""
    with pytest.raises(error) as caught:
        ha.read_scenario(file)
    return [str(problem) for problem in caught.value.problems]


def assert_same(one: ha.Scenario, other: ha.Scenario) -> None:
    """Two scenarios that agree in every cell, clause and setting."""
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name], check_exact=True)
    assert one.settings == other.settings
    assert one.plan == other.plan


def round_trip(scenario: ha.Scenario, tmp_path: Path) -> ha.Scenario:
    file = tmp_path / "written.xlsx"
    file.unlink(missing_ok=True)
    ha.write_scenario(scenario, file)
    return ha.read_scenario(file)


def recomputed(file: Path, tmp_path: Path) -> Any:
    """The workbook as LibreOffice computes it, from formulas alone."""
    bare = tmp_path / "bare" / file.name
    bare.parent.mkdir()
    openpyxl.load_workbook(file).save(bare)  # this drops the values that stand beside formulas
    values = openpyxl.load_workbook(bare, data_only=True)
    texts = openpyxl.load_workbook(bare)
    for sheet in texts.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f" or values[sheet.title][cell.coordinate].value is None
    assert SOFFICE is not None
    subprocess.run(
        [
            SOFFICE, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless",
            "--convert-to", "xlsx", "--outdir", str(tmp_path / "computed"), str(bare),
        ],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl leaves out bars as LibreOffice draws them
        return openpyxl.load_workbook(tmp_path / "computed" / file.name, data_only=True)
