"""A scenario goes through a workbook without loss."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

import healthalloc as ha
from healthalloc.plan import KINDS
from healthalloc.schema import TABLES
from healthalloc.workbook.fields import clause_columns
from tests.examples import examples
from tests.folder import GROUPS
from tests.properties.scenarios import scenarios
from tests.region import AREAS, FACILITIES, POPULATIONS, edit, region
from tests.region import settings as region_settings
from tests.test_io import LONG, WIDE, arcs, full_region, matrix_region, roads
from tests.workbook.books import SOFFICE, assert_same, needs_libreoffice, recomputed, round_trip

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.name for path in (ROOT / "examples").iterdir() if path.is_dir())


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_survive(name: str, tmp_path: Path) -> None:
    scenario = ha.read_scenario(ROOT / "examples" / name)
    assert_same(scenario, round_trip(scenario, tmp_path))


def test_an_included_folder_is_joined(tmp_path: Path) -> None:
    city = ha.read_scenario(ROOT / "examples" / "panzhihua")
    back = round_trip(city, tmp_path)
    own = pd.read_csv(ROOT / "examples" / "panzhihua" / "facilities.csv")
    assert len(back.facilities) == len(city.facilities) > len(own)


def test_every_kind_of_clause_survives(tmp_path: Path) -> None:
    scenario = full_region()
    assert_same(scenario, round_trip(scenario, tmp_path))
    written = {clause.kind for clause in scenario.plan.clauses}
    assert written == {n for n, k in KINDS.items() if k.__module__.startswith("healthalloc.")}


@settings(
    max_examples=examples(15),
    suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture],
)
@given(scenario=scenarios(n_clauses=(0, 4), referrals=False))
def test_random_scenarios_survive(scenario: ha.Scenario, tmp_path: Path) -> None:
    assert_same(scenario, round_trip(scenario, tmp_path))


def test_a_workbook_and_a_folder_give_the_same_answer(tmp_path: Path) -> None:
    one = ha.solve(region())
    other = ha.solve(round_trip(region(), tmp_path))
    assert one.objective == other.objective
    pd.testing.assert_frame_equal(one.stock, other.stock)


def test_settings_survive(tmp_path: Path) -> None:
    scenario = full_region(
        settings=region_settings(
            name='区 "quoted" \\ name', discount_rate=0.1 + 0.2,
            value_of_travel_cny_per_hour=1 / 3,
            solve=ha.SolveSettings(whole_units=False, gap=1e-9, time_limit_s=12.5, solver="pulp"),
            sources={"travel.detour_factor": "assumed: straight", "name": "plan, page 1"},
        )
    )  # fmt: skip
    assert round_trip(scenario, tmp_path).settings == scenario.settings


@pytest.mark.parametrize("name", ["urban.core", "a, b", "城 区"])
def test_a_class_of_areas_may_have_any_name(name: str, tmp_path: Path) -> None:
    speeds = {"urban": 30.0, "rural": 60.0, name: 12.5}
    travel = ha.GreatCircle(speed_km_per_h=speeds)
    scenario = full_region(settings=region_settings(travel=travel))
    assert round_trip(scenario, tmp_path).settings.travel == travel


def test_numbers_survive_to_the_last_digit(tmp_path: Path) -> None:
    numbers = [0.1 + 0.2, 1e-7 / 3, 123456789012345.6]
    scenario = full_region(
        populations=POPULATIONS.assign(residents=numbers), groups=GROUPS[:0],
        areas=AREAS.assign(residents=np.nan),
    )  # fmt: skip
    assert round_trip(scenario, tmp_path).populations["residents"].tolist() == numbers


TEXTS = [
    "杏元医院", "a, b", 'say "so"', "two\nlines", "two\r\nlines", "NA", "nan", "007", "1e5",
    "510403001003", "12345678901234567890", "TRUE", "#N/A", "1/2", "2026-03-01", "50%", "'quoted'",
    "_x000D_", "_x0041_ and _x005F_", "a\x00b\x07c\x0bd\x1fe", "￾￿",
    "<script>alert(1)</script>", "../../x", "😀" * 3, "长" * 10_000, "‮rtl", "a\rb", "{=1+1}",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:20])
def test_text_survives(tmp_path: Path, text: str) -> None:
    scenario = region(facilities=edit(FACILITIES, {"facility_id": "city"}, name=text))
    assert scenario.facilities["name"].iat[0] == text
    assert round_trip(scenario, tmp_path).facilities["name"].iat[0] == text


def test_a_text_that_no_cell_holds_is_refused_by_name(tmp_path: Path) -> None:
    for text, n in (("长" * 32_768, "32,768"), ("😀" * 16_384, "32,768")):
        scenario = region(facilities=edit(FACILITIES, {"facility_id": "city"}, name=text))
        with pytest.raises(ha.DataError, match=f"sheet facilities, cell B2: .* has {n} characters"):
            ha.write_scenario(scenario, tmp_path / "long.xlsx")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("layout", "travel"), [("long", LONG), ("wide", WIDE)])
def test_a_travel_matrix_survives(tmp_path: Path, layout: str, travel: pd.DataFrame) -> None:
    scenario = matrix_region(layout, travel)
    back = round_trip(scenario, tmp_path)
    assert back.settings == scenario.settings
    assert arcs(back) == arcs(scenario)


def test_what_cannot_be_reached_survives(tmp_path: Path) -> None:
    travel = LONG.astype({"travel": object})
    travel.loc[travel["facility_id"] == "private", "travel"] = "unreachable"
    scenario = matrix_region("long", travel, missing_pairs="unreachable")
    assert arcs(round_trip(scenario, tmp_path)) == arcs(scenario)


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
def test_a_road_graph_survives(tmp_path: Path, kind: type[nx.Graph[Any]]) -> None:
    graph = roads(kind)
    graph.nodes["c"]["名"] = "007"
    graph.add_edge("c", "p", length_km=99.0, travel_min=990.0, closed=True)
    travel = ha.RoadGraph(access_speed_km_per_h=30.0)
    scenario = full_region(settings=region_settings(travel=travel), roads=graph)
    back = round_trip(scenario, tmp_path)
    assert back.roads is not None
    assert type(back.roads) is kind
    assert dict(back.roads.nodes(data=True)) == dict(graph.nodes(data=True))
    assert sorted(back.roads.edges(data=True), key=str) == sorted(graph.edges(data=True), key=str)
    assert arcs(back) == arcs(scenario)


def test_a_workbook_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "region.xlsx"
    file.write_text("mine")
    with pytest.raises(ha.DataError, match="exists"):
        ha.write_scenario(region(), file)
    assert file.read_text() == "mine"


# ------------------------------------------------------------------ what the sheets offer


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Any:
    file = tmp_path_factory.mktemp("book") / "region.xlsx"
    ha.write_scenario(full_region(), file)
    return openpyxl.load_workbook(file)


def header(book: Any, sheet: str) -> dict[str, Any]:
    return {cell.value: cell for cell in book[sheet][1]}


def test_every_table_has_a_frozen_filtered_sheet_with_comments(book: Any) -> None:
    for name, table in TABLES.items():
        cells = header(book, name)
        for column in table.columns:
            assert column.meaning in cells[column.name].comment.text
            assert column.allowed in cells[column.name].comment.text
        assert book[name].freeze_panes == "B2"
        assert book[name].auto_filter.ref.startswith("A1:")
    assert list(header(book, "clauses")) == clause_columns()


def rules(book: Any, sheet: str, column: str) -> list[Any]:
    cell = header(book, sheet)[column]
    address = f"{cell.column_letter}2"
    return [r for r in book[sheet].data_validations.dataValidation if address in r.sqref]


def test_drop_downs_follow_the_schema(book: Any) -> None:
    assert [r.formula1 for r in rules(book, "facilities", "site")] == [
        '"existing,closable,candidate"'
    ]
    assert [r.formula1 for r in rules(book, "resources", "whole")] == ['"yes,no"']
    (rule,) = rules(book, "stock", "resource_id")
    assert rule.formula1.startswith("OFFSET(resources!$A$2,")
    (rule,) = rules(book, "resources", "availability")
    assert (rule.type, rule.operator, rule.formula1, rule.formula2) == (
        "decimal",
        "between",
        "0",
        "1",
    )
    (rule,) = rules(book, "clauses", "kind")
    assert rule.formula1 == f"clause_kinds!$A$2:$A${len(KINDS) + 1}"
    kinds = [row[0].value for row in book["clause_kinds"].iter_rows(min_row=2)]
    assert kinds == list(KINDS)
    (rule,) = rules(book, "clauses", "treatment")
    assert rule.formula1 == '"enforce,audit,record"'


def test_no_cell_holds_a_formula(book: Any) -> None:
    for sheet in book.worksheets:
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


@needs_libreoffice
def test_a_planner_may_save_it_in_libreoffice(tmp_path: Path) -> None:
    scenario = full_region()
    file = tmp_path / "region.xlsx"
    ha.write_scenario(scenario, file)
    recomputed(file, tmp_path)
    assert SOFFICE is not None
    back = ha.read_scenario(tmp_path / "computed" / "region.xlsx")
    for name, table in scenario.tables.items():
        # it saves 15 digits of 17
        pd.testing.assert_frame_equal(table, back.tables[name], rtol=1e-14)
    assert [c.name for c in back.plan.clauses] == [c.name for c in scenario.plan.clauses]
    assert back.plan.checks == scenario.plan.checks


# ------------------------------------------------------------------ without the library


def test_the_core_does_not_import_it() -> None:
    code = "import sys, healthalloc as ha; ha.read_scenario(sys.argv[1]); "
    code += "assert not {'openpyxl', 'xlsxwriter'} & set(sys.modules)"
    folder = ROOT / "examples" / "panzhihua_west"
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)


def test_without_it_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    for act in (
        lambda: ha.read_scenario(tmp_path / "region.xlsx"),
        lambda: ha.write_scenario(region(), tmp_path / "region.xlsx"),
    ):
        with pytest.raises(ha.UnsupportedError, match=r"healthalloc\[excel\]"):
            act()


def test_a_folder_may_be_called_like_a_workbook(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "healthalloc" / "starter", tmp_path / "region.xlsx")
    assert ha.read_scenario(tmp_path / "region.xlsx").settings.name == "Example county"
