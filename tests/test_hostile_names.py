"""Names that try to be something else, as ids, names, quotes and titles, through every output."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any

import networkx as nx
import openpyxl
import pandas as pd
import pytest
from openpyxl.utils.escape import unescape

import healthalloc as ha
from healthalloc.errors import Problem
from healthalloc.io import write_results
from healthalloc.io.roads import read_roads, write_roads
from healthalloc.validate import is_formula
from healthalloc.workbook.results import write_plan
from tests.region import clause, region, settings

TEXTS = [
    "<script>alert(1)</script>", "../../x", "C:\\x", "long" * 2500, 'a\tb "c"\nd\re', "a,b;c='1'",
    "x =cmd|' /C calc'!A0", "{{ 7*7 }} ${x} %s {0}", "CON", "[red]x[/]", "a in b",
]  # fmt: skip
FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-1+2", "@SUM(A1)", "=1\t", "-x"]
SWAPPED = ("city", "village", "icu_bed")
"""A facility, a population and a resource, which get the text as id and as name."""


def named(text: str) -> ha.Scenario:
    """The region with a text for ids and names of each kind, a clause and the title."""
    tables: dict[str, Any] = {
        name: table.replace(dict.fromkeys(SWAPPED, text)) for name, table in region().tables.items()
    }
    for name in ("facilities", "populations", "resources"):
        tables[name]["name"] = text
    asked = clause("amount", id=text, resource=text, at_least=1, quote=text, source=text)
    title = settings(name=text, sources={"name": text})
    return region(settings=title, clauses=[asked], **tables)


@cache
def solved(text: str) -> ha.Solution:
    return ha.solve(named(text)).require_optimal()


hostile = pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:20])


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A folder some way down, above which nothing may appear."""
    inside = tmp_path / "a" / "b" / "c"
    inside.mkdir(parents=True)
    return inside


def nothing_outside(box: Path) -> None:
    top = box.parent.parent.parent
    assert [p.name for p in top.rglob("*") if box not in (p, *p.parents)] == ["a", "b"]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_run_is_refused_wherever_it_stands(text: str) -> None:
    with pytest.raises(ha.DataError) as caught:
        named(text)
    places = {(p.table, p.column) for p in caught.value.problems}
    assert {
        ("facilities", "facility_id"), ("facilities", "name"), ("populations", "population_id"),
        ("resources", "resource_id"), ("stock", "facility_id"),
    } <= places  # fmt: skip


@hostile
def test_tables_are_text_and_read_back(text: str, box: Path) -> None:
    scenario = named(text)
    ha.write_scenario(scenario, box / "region")
    ha.write_scenario(scenario, box / "region.xlsx")
    for back in (ha.read_scenario(box / "region"), ha.read_scenario(box / "region.xlsx")):
        assert back.settings == scenario.settings
        assert back.plan == scenario.plan
        for name, table in scenario.tables.items():
            pd.testing.assert_frame_equal(back.tables[name], table)
    write_results(solved(text).tables(), solved(text).run(), box / "results")
    for file in (box / "results").glob("*.csv"):
        with file.open(encoding="utf-8-sig", newline="") as lines:
            assert not [cell for row in csv.reader(lines) for cell in row if is_formula(cell)]
    stock = pd.read_csv(box / "results" / "allocation.csv", dtype={"facility_id": str})
    assert stock["facility_id"].tolist() == solved(text).stock["facility_id"].tolist()
    nothing_outside(box)


@hostile
def test_the_plan_workbook_holds_it_as_text(text: str, box: Path) -> None:
    pytest.importorskip("xlsxwriter", reason="pip install 'healthalloc[excel]'")
    write_plan(solved(text), box / "plan.xlsx", "zh", {})
    book = openpyxl.load_workbook(box / "plan.xlsx")
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row]
    assert not [c.value for c in cells if c.data_type == "f" and text in str(c.value)]
    assert text in {unescape(c.value) for c in cells if isinstance(c.value, str)}
    nothing_outside(box)


@pytest.mark.parametrize("text", TEXTS[1:5], ids=lambda text: ascii(text)[:20])
def test_layers_matrices_and_bundles_hold_it(text: str, box: Path) -> None:
    pytest.importorskip("geopandas", reason="pip install 'healthalloc[geo]'")
    pytest.importorskip("pyarrow", reason="pip install 'healthalloc[parquet]'")
    ha.write_layers(solved(text), box / "layers")
    layer = ha.read_layer(box / "layers" / "facilities.geojson", "facilities")
    assert text in set(layer.table["name"])
    matrix = ha.write_travel(named(text), box / "travel.parquet")
    back = pd.read_parquet(box / matrix.file)
    assert set(back["population_id"]) == set(named(text).populations["population_id"])
    roads: nx.Graph[str] = nx.Graph()
    roads.add_edge(text, "end", name=text, length_km=1.0, speed_km_per_h=30.0)
    write_roads(roads, box / "roads.graphml")
    problems: list[Problem] = []
    read = read_roads(box / "roads.graphml", problems)
    assert read is not None
    assert (set(read.nodes), problems) == ({text, "end"}, [])
    ha.write_bundle(solved(text), box / "proof.zip")
    assert ha.verify(box / "proof.zip").passed
    nothing_outside(box)


@pytest.mark.parametrize("text", TEXTS[3:8], ids=lambda text: ascii(text)[:20])
def test_plots_draw_it(text: str) -> None:
    pytest.importorskip("matplotlib", reason="pip install 'healthalloc[plot]'")
    plot = solved(text).plot
    for figure in (plot.map(), plot.allocation(), plot.clauses()):
        figure.canvas.draw()
