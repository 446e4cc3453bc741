"""Scenario folders and result folders: nothing is lost, nothing is half written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NoReturn

import networkx as nx
import numpy as np
import pandas as pd
import pytest

import healthalloc as ha
from healthalloc import io
from healthalloc.layout import Layout
from healthalloc.plan import Check, FacilityCount
from tests.folder import FACTS, GROUPS, PROPOSALS, Folder, snapshot
from tests.region import (
    AREAS,
    FACILITIES,
    KM_PER_DEGREE,
    POPULATIONS,
    RESOURCES,
    STOCK,
    TIERS,
    clause,
    edit,
    located,
    region,
    settings,
    with_form,
)

CLAUSES = (
    clause(
        "ratio_to_population", id="a", resource="bed", unit="per_1000_residents", baseline=4.0,
        at_least=4.1, status="binding", note="assumed: so", part="first",
    ),
    clause("ratio_to_population", id="a", part="second", resource="nurse",
           unit="per_10000_residents", at_least=16.0, at_most=20.0),
    clause("amount", id="b", resource="icu_bed", at_least=1 / 3),
    clause("ratio_between_resources", id="c", resource="nurse", per_resource="doctor", about=1.6,
           tolerance=0.1, each=True, scope={"category": ("general_hospital",)}),
    clause("resource_share", id="d", resource="bed", of_resource="bed", at_least=20.0,
           part_scope={"ownership": "social"}),
    clause("per_facility_minimum", id="e", resource="doctor", at_least=1.0,
           scope={"side": ("east", "west"), "category": "primary_centre"}),
    clause("facility_target", id="f", facility_id="city", resource="bed", equals=25.0,
           treatment="audit"),
    clause("facility_share", id="g", resource="fever_clinic", at_least=50.0),
    clause("facility_count", id="h", at_most=4.0),
    clause("coverage", id="i", resource="doctor", radius=12.5, radius_unit="km",
           area_class=("urban", "rural"), at_least=80.0, penalty_cny_per_resident=0.1),
    clause("surge_reserve", id="j", weights={"icu_bed": 1.0, "general_bed": 0.1}, at_least=3.0),
    clause("record", id="k", reason="an outcome", unit="years", at_least=79.0,
           quote='人均"预期"寿命\nsecond line \\ with a backslash, a comma and a tab\t.'),
    clause("area_share", id="l", resource="bed", level="village", area="east", at_least=50.0),
    clause("facility_per_population", id="m", each_area=("town", "county"), at_most=9000.0,
           treatment="audit"),
    clause("first_contact_share", id="n", services=("visit", "inpatient"), at_least=1.5,
           scope={"category": "primary_centre"}),
    clause("freeze_rule", id="o", resource="bed", occupancy_below_percent=75.5,
           stay_above_days=9.0, at_most=100.0, each_area="town"),
    clause("hierarchy", id="p", resource="bed", radius=60.0, radius_unit="min", at_least=1.0,
           tiers=({"level": "primary"}, {"level": ("secondary",), "side": "west"})),
    clause("length_of_stay", id="q", services=("inpatient",), at_most=7.1, scope={"side": "west"}),
    clause("merger", id="r", scope={"facility_id": "annex"}, hosts={"level": "secondary"},
           radius=40.0, radius_unit="km", habit={"annex": "private"}, residents_at_least=5000.0,
           at_least=1.0),
    clause("referral_share", id="s", from_service="visit", to_service="inpatient",
           to_scope={"side": "west"}, at_least=0.5, treatment="audit"),
)  # fmt: skip
CHECKS = (
    Check(
        id="x", printed="beds_per_1000", sum=("beds",), over=("residents",), scale=1000.0,
        explains="因为",
    ),
    Check(id="y", printed="beds", sum=("beds", "residents"), times=("beds_per_1000",),
          tolerance=0.0),
)  # fmt: skip


REFERRALS = TIERS["referrals"].iloc[[0]].assign(share=0.1 / 3)


def full_region(**changes: Any) -> ha.Scenario:
    """The region with every table, every kind of clause and checks."""
    given: dict[str, Any] = {
        "clauses": CLAUSES,
        "checks": CHECKS,
        "areas": AREAS,
        "facilities": FACILITIES,
        "populations": POPULATIONS,
        "groups": GROUPS,
        "referrals": REFERRALS,
        "proposals": PROPOSALS,
        "facts": FACTS,
    } | changes
    used = {"occupancy_percent": [70.0, 200 / 3, 80.0, 0.0], "stay_days": [9.5, 8.1, 10.0, 1.0]}
    given["facilities"] = located(given["facilities"]).assign(**used)
    given["populations"] = located(given["populations"])
    return region(**given)


def matrix_region(layout: str, travel: pd.DataFrame, **options: Any) -> ha.Scenario:
    by_matrix = ha.TravelMatrix(layout=layout, unit="km", **options)  # type: ignore[arg-type]
    speeds = {"urban": 30.0, "rural": 60.0}
    by_matrix = ha.TravelMatrix(
        layout=by_matrix.layout, unit="km", speed_km_per_h=speeds, **options
    )
    return region(settings=settings(travel=by_matrix), travel=travel)


LONG = pd.DataFrame(
    [
        (p, f, abs(a - b) / 3)
        for p, a in (("town", 0), ("village", 30), ("hamlet", 50))
        for f, b in (("city", 0), ("private", 10), ("clinic", 30), ("annex", 50))
    ],
    columns=["population_id", "facility_id", "travel"],
)
WIDE = LONG.pivot(index="population_id", columns="facility_id", values="travel").reset_index()


def roads(kind: type[nx.Graph[Any]] = nx.Graph) -> nx.Graph[Any]:
    """A road from city to annex by way of the other two places."""
    graph: nx.Graph[Any] = kind()
    for name, km in (("c", 0), ("p", 10), ("k", 30), ("a", 50)):
        graph.add_node(name, longitude=km / KM_PER_DEGREE, latitude=0.0)
    for start, end, km in (("c", "p", 31 / 3), ("p", "k", 20.1), ("k", "a", 20.2)):
        graph.add_edge(start, end, length_km=km, travel_min=km * 1.1, name="路")
        if graph.is_directed():
            graph.add_edge(end, start, length_km=km, travel_min=km * 1.3, name="路")
    return graph


def round_trip(scenario: ha.Scenario, tmp_path: Path) -> ha.Scenario:
    folder = tmp_path / "written"
    ha.write_scenario(scenario, folder)
    return ha.read_scenario(folder)


def assert_same_tables(a: ha.Scenario, b: ha.Scenario) -> None:
    for name in a.tables:
        pd.testing.assert_frame_equal(a.tables[name], b.tables[name], check_exact=True)


# ------------------------------------------------------------------ round trips


def test_every_kind_of_clause_is_in_the_round_trip() -> None:
    from healthalloc.plan import KINDS

    built_in = {n for n, kind in KINDS.items() if kind.__module__.startswith("healthalloc.")}
    assert {c.kind for c in CLAUSES} == built_in


def test_tables_survive(tmp_path: Path) -> None:
    scenario = full_region()
    assert_same_tables(scenario, round_trip(scenario, tmp_path))


def test_plan_survives(tmp_path: Path) -> None:
    scenario = full_region()
    back = round_trip(scenario, tmp_path).plan
    assert back.clauses == scenario.plan.clauses
    assert back.checks == scenario.plan.checks


def test_settings_survive(tmp_path: Path) -> None:
    scenario = full_region(
        settings=settings(
            name='区 "quoted" \\ name',
            discount_rate=0.1 + 0.2,
            value_of_travel_cny_per_hour=1 / 3,
            solve=ha.SolveSettings(
                whole_units=False, gap=1e-9, time_limit_s=12.5, solver="pulp:PULP_CBC_CMD"
            ),
            sources={"travel.detour_factor": "assumed: straight", "name": "plan, page 1"},
        )
    )
    assert round_trip(scenario, tmp_path).settings == scenario.settings


def test_numbers_survive_to_the_last_digit(tmp_path: Path) -> None:
    numbers = [0.1 + 0.2, 1e-7 / 3, 123456789012345.6]
    scenario = full_region(
        populations=POPULATIONS.assign(residents=numbers),
        groups=GROUPS[:0],
        areas=AREAS.assign(residents=np.nan),
    )
    back = round_trip(scenario, tmp_path)
    assert back.populations["residents"].tolist() == numbers


@pytest.mark.parametrize(
    "text", ["杏元医院", "a, b", 'say "so"', "two\nlines", "two\r\nlines", "NA", "nan", "007",
             "1e5", "'quoted'", "semi;colon", "yes", "-", "a\rb"],
)  # fmt: skip
def test_text_survives(tmp_path: Path, text: str) -> None:
    scenario = full_region(facilities=edit(FACILITIES, {"facility_id": "city"}, name=text))
    assert round_trip(scenario, tmp_path).facilities["name"].iat[0] == text


def test_flags_and_empty_cells_survive(tmp_path: Path) -> None:
    scenario = full_region(
        resources=RESOURCES.assign(whole=[True, False, True, True, False, True, True])
    )
    back = round_trip(scenario, tmp_path)
    assert back.resources["whole"].tolist() == [True, False, True, True, False, True, True]
    assert back.stock["upper"].isna().tolist() == scenario.stock["upper"].isna().tolist()
    assert back.services["stay_days"].isna().tolist() == [False, True]


def test_a_scope_on_an_empty_word_survives(tmp_path: Path) -> None:
    facilities = edit(FACILITIES, {"facility_id": "private"}, level="")
    counted = clause("facility_count", at_least=1.0, scope={"level": ""})
    listed = clause("facility_count", id="list", at_least=1.0, scope={"level": ("", "tertiary")})
    scenario = region(clauses=[counted, listed], facilities=facilities)
    back = round_trip(scenario, tmp_path)
    assert back.plan.clauses == scenario.plan.clauses
    measured = [c.measure(Layout(back)).numerator.sum() for c in back.plan.clauses]
    assert measured == [1.0, 2.0]


def test_lists_of_python_mean_the_same_when_read_back(tmp_path: Path) -> None:
    counted = FacilityCount(
        id="n", quote="said so", source="the plan", at_least=2,
        scope={"category": ["primary_centre"]},
    )  # fmt: skip
    back = round_trip(region(clauses=[counted]), tmp_path)
    assert back.plan.clauses[0].measure(Layout(back)).numerator.sum() == 2.0


@pytest.mark.parametrize(("layout", "travel"), [("long", LONG), ("wide", WIDE)])
def test_a_travel_matrix_survives(tmp_path: Path, layout: str, travel: pd.DataFrame) -> None:
    scenario = matrix_region(layout, travel)
    back = round_trip(scenario, tmp_path)
    assert back.settings == scenario.settings
    assert back.travel is not None
    numbers = [c for c in travel.columns if not c.endswith("_id")]
    read = back.travel.astype(dict.fromkeys(numbers, float))
    pd.testing.assert_frame_equal(
        read, travel.rename_axis(columns=None), check_exact=True, check_dtype=False
    )
    assert arcs(back) == arcs(scenario)


def test_what_cannot_be_reached_survives(tmp_path: Path) -> None:
    travel = LONG.astype({"travel": object})
    travel.loc[travel["facility_id"] == "private", "travel"] = "unreachable"
    travel = travel[~((travel["population_id"] == "town") & (travel["facility_id"] == "annex"))]
    scenario = matrix_region("long", travel, missing_pairs="unreachable", file="way.csv")
    back = round_trip(scenario, tmp_path)
    assert (tmp_path / "written" / "way.csv").exists()
    assert back.travel is not None
    assert back.travel["travel"].eq("unreachable").tolist() == (
        travel["travel"].eq("unreachable").tolist()
    )
    assert arcs(back) == arcs(scenario)
    assert arcs(back)


def arcs(scenario: ha.Scenario) -> list[tuple[Any, ...]]:
    """The arcs of the flows with their travel, to the last digit."""
    found = ha.formulate(scenario).layout.arcs
    assert found is not None
    columns = (
        found.population_idx, found.facility_idx, found.service_idx, found.travel_min,
        found.distance_km,
    )  # fmt: skip
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph])
def test_a_road_graph_survives(tmp_path: Path, kind: type[nx.Graph[Any]]) -> None:
    scenario = region(settings=settings(travel=ha.RoadGraph()), roads=roads(kind))
    back = round_trip(scenario, tmp_path)
    assert back.roads is not None
    assert back.roads.is_directed() == scenario.roads.is_directed()  # type: ignore[union-attr]
    assert dict(back.roads.nodes(data=True)) == dict(roads(kind).nodes(data=True))
    assert back.roads.adj == roads(kind).adj
    assert arcs(back) == arcs(scenario)
    assert arcs(back)


def test_an_edge_without_a_number_is_not_made_up(tmp_path: Path) -> None:
    graph = roads()
    graph.add_node("far")
    scenario = region(settings=settings(travel=ha.RoadGraph(file="ways.graphml")), roads=graph)
    ha.write_scenario(scenario, tmp_path / "written")
    assert (tmp_path / "written" / "ways.graphml").exists()


def test_a_second_round_trip_writes_the_same_bytes(tmp_path: Path) -> None:
    ha.write_scenario(full_region(), tmp_path / "one")
    ha.write_scenario(ha.read_scenario(tmp_path / "one"), tmp_path / "two")
    assert snapshot(tmp_path / "one") == snapshot(tmp_path / "two")


def test_the_answer_is_the_same_after_a_round_trip(tmp_path: Path) -> None:
    scenario = region(clauses=[clause("amount", resource="icu_bed", at_least=4.0)])
    back = round_trip(scenario, tmp_path)
    first, second = ha.solve(scenario), ha.solve(back)
    assert first.objective == second.objective
    pd.testing.assert_frame_equal(first.stock, second.stock, check_exact=True)


def test_forms_survive(tmp_path: Path) -> None:
    scenario = with_form()
    back = round_trip(scenario, tmp_path)
    assert_same_tables(scenario, back)
    assert back.facilities["form_of"].tolist() == ["", "", "", "", "clinic"]


def test_the_west_district_survives(tmp_path: Path) -> None:
    example = Path(__file__).parents[1] / "examples" / "panzhihua_west"
    scenario = ha.read_scenario(example)
    back = round_trip(scenario, tmp_path)
    assert_same_tables(scenario, back)
    assert back.plan == scenario.plan
    assert back.settings == scenario.settings


def test_optional_tables_may_be_absent(tmp_path: Path) -> None:
    ha.write_scenario(region(), tmp_path / "written")
    names = {path.name for path in (tmp_path / "written").iterdir()}
    assert not names & {
        "areas.csv", "groups.csv", "referrals.csv", "proposals.csv", "facts.csv",
    }  # fmt: skip
    assert_same_tables(region(), ha.read_scenario(tmp_path / "written"))


# ------------------------------------------------------------------ where scenarios are written


@pytest.mark.parametrize("write", [lambda f: ha.write_scenario(region(), f), ha.new_scenario])
def test_a_filled_folder_is_refused(tmp_path: Path, write: Any) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ha.DataError, match="not empty"):
        write(folder)
    assert snapshot(tmp_path) == {os.path.join("folder", "notes.txt"): b"mine"}
    with pytest.raises(ha.DataError, match="not empty"):
        write(folder / "notes.txt")


@pytest.mark.parametrize("write", [lambda f: ha.write_scenario(region(), f), ha.new_scenario])
def test_an_empty_folder_and_absent_parents_will_do(tmp_path: Path, write: Any) -> None:
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty")
    write(str(tmp_path / "a" / "b"))
    assert snapshot(tmp_path / "empty") == snapshot(tmp_path / "a" / "b")
    assert ha.read_scenario(tmp_path / "empty").settings.name
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "empty"]


def test_the_current_folder_will_do_if_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    ha.new_scenario(".")
    # the current folder is still the one that holds the files
    assert Path("scenario.toml").exists()
    assert ha.read_scenario(folder).settings.name
    assert [p.name for p in tmp_path.iterdir()] == ["here"]


# ------------------------------------------------------------------ where results are written


@pytest.fixture
def scenario_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "region"
    folder.mkdir()
    (folder / "scenario.toml").write_text("")
    return folder


def test_by_default_the_result_stands_in_the_current_folder(
    scenario_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "elsewhere"
    here.mkdir()
    monkeypatch.chdir(here)
    assert io.output_folder(None, scenario_folder) == here / "region-solution"
    assert io.output_folder(None, Path("../region")) == here / "region-solution"
    assert not list(here.iterdir())


@pytest.mark.parametrize("inside", ["", "deeper"])
def test_from_inside_the_scenario_the_result_stands_beside_it(
    scenario_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    (scenario_folder / inside).mkdir(exist_ok=True)
    monkeypatch.chdir(scenario_folder / inside)
    assert io.output_folder(None, scenario_folder) == tmp_path / "region-solution"
    up = Path(".") if not inside else Path("..")
    assert io.output_folder(None, up) == tmp_path / "region-solution"


@pytest.mark.parametrize("output", ["region", "region/out", "region/a/b", "other/../region/out"])
def test_never_inside_the_scenario(scenario_folder: Path, tmp_path: Path, output: str) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(ha.DataError, match="inside the scenario"):
        io.output_folder(tmp_path / output, scenario_folder)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_never_inside_the_scenario_by_way_of_a_link(scenario_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(scenario_folder)
    with pytest.raises(ha.DataError, match="inside the scenario"):
        io.output_folder(tmp_path / "link" / "out", scenario_folder)
    with pytest.raises(ha.DataError, match="inside the scenario"):
        io.output_folder(scenario_folder / "out", tmp_path / "link")


def test_a_folder_that_begins_alike_is_another(scenario_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "region-out"
    assert io.output_folder(str(target), scenario_folder) == target


def test_a_folder_that_is_no_result_is_refused(scenario_folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    assert io.output_folder(mine, scenario_folder) == mine
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(ha.DataError, match="no earlier result"):
        io.output_folder(mine, scenario_folder)
    with pytest.raises(ha.DataError, match="no earlier result"):
        io.output_folder(mine / "thesis.txt", scenario_folder)


def test_an_earlier_result_may_be_replaced(scenario_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    io.write_results({"a": pd.DataFrame({"x": [1]})}, {}, out)
    assert io.output_folder(out, scenario_folder) == out


def test_a_result_that_holds_something_else_is_not_replaced(
    scenario_folder: Path, tmp_path: Path
) -> None:
    """Notes that somebody put beside the tables must not vanish with the next solve."""
    out = tmp_path / "out"
    io.write_results({"a": pd.DataFrame({"x": [1]})}, {}, out)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(ha.DataError):
        io.write_results(
            {"a": pd.DataFrame({"x": [2]})}, {}, io.output_folder(out, scenario_folder)
        )
    assert (out / "notes.txt").read_text() == "mine"


def test_the_scenario_may_not_lie_in_the_output(tmp_path: Path) -> None:
    """To replace that output would take the scenario away with it."""
    out = tmp_path / "out"
    io.write_results({"a": pd.DataFrame({"x": [1]})}, {}, out)
    folder = Folder(out / "region").write()
    with pytest.raises(ha.DataError):
        io.output_folder(out, folder.path)


# ------------------------------------------------------------------ whole or not at all

OLD = {"a": pd.DataFrame({"x": [1]}), "b": pd.DataFrame({"y": ["old"]})}
NEW = {"a": pd.DataFrame({"x": [2]}), "c": pd.DataFrame({"z": ["new"]})}


class Unwritable(pd.DataFrame):
    """A table that breaks while it is written."""

    def to_csv(self, *args: Any, **kwargs: Any) -> NoReturn:  # type: ignore[override]
        raise OSError("no space left on the device")


def test_results_are_written(tmp_path: Path) -> None:
    run = {"status": "optimal", "名": "区", "gap": None}
    tables = {"a": pd.DataFrame({"number": [1.0, 0.5, np.nan], "名": ["区", "a,b", ""]})}
    io.write_results(tables, run, tmp_path / "deep" / "out")
    out = tmp_path / "deep" / "out"
    assert sorted(p.name for p in out.iterdir()) == ["a.csv", "run.json"]
    assert (out / "a.csv").read_bytes().decode() == 'number,名\n1,区\n0.5,"a,b"\n,\n'
    assert json.loads((out / "run.json").read_bytes()) == run | {"files": ["a.csv"]}
    assert "区" in (out / "run.json").read_text(encoding="utf-8")
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["out"]


def test_a_new_result_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    out = tmp_path / "out"
    io.write_results(OLD, {}, out)
    io.write_results(NEW, {}, out)
    assert sorted(snapshot(out)) == ["a.csv", "c.csv", "run.json"]
    assert (out / "a.csv").read_text() == "x\n2\n"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, UnicodeEncodeError])
def test_a_failure_half_way_leaves_the_old_result(
    tmp_path: Path, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    io.write_results(OLD, {}, out)
    before = snapshot(out)
    broken = Unwritable({"z": [1]})
    if error is KeyboardInterrupt:

        def interrupt(*args: Any, **kwargs: Any) -> NoReturn:
            raise KeyboardInterrupt

        monkeypatch.setattr(Unwritable, "to_csv", interrupt)
    if error is UnicodeEncodeError:
        broken = pd.DataFrame({"z": ["\ud800"]}, dtype=object)  # type: ignore[assignment]
    with pytest.raises(error):
        io.write_results({"a": NEW["a"], "c": broken}, {}, out)
    assert snapshot(out) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_failure_of_the_last_file_leaves_the_old_result(tmp_path: Path) -> None:
    out = tmp_path / "out"
    io.write_results(OLD, {}, out)
    before = snapshot(out)
    with pytest.raises(UnicodeEncodeError):
        io.write_results(NEW, {"name": "\ud800"}, out)
    assert snapshot(out) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_failure_without_an_old_result_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no space"):
        io.write_results({"c": Unwritable({"z": [1]})}, {}, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_failure_of_the_exchange_brings_the_old_result_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program may hold the folder open when the new one is to take its place."""
    out = tmp_path / "out"
    io.write_results(OLD, {}, out)
    before = snapshot(out)
    rename = Path.rename

    def refuse(self: Path, target: str | Path) -> Path:
        if Path(target) == out and (self / "c.csv").exists():
            raise PermissionError("in use")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(PermissionError, match="in use"):
        io.write_results(NEW, {}, out)
    assert out.exists()
    assert snapshot(out) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_scenario_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*args: Any, **kwargs: Any) -> NoReturn:
        raise OSError("no space left on the device")

    monkeypatch.setattr(nx, "write_graphml", break_down)
    scenario = region(settings=settings(travel=ha.RoadGraph()), roads=roads())
    with pytest.raises(OSError, match="no space"):
        ha.write_scenario(scenario, tmp_path / "written")
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------ the hash of the input


def test_the_hash_follows_contents_and_names_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "region").write()
    first = io.input_hash(folder.path)
    assert len(first) == 64
    assert int(first, 16) >= 0
    os.utime(folder / "stock.csv", (1, 1))
    assert io.input_hash(folder.path) == first
    assert io.input_hash(str(folder.path)) == first

    copy = Folder(tmp_path / "copy")
    copy.path.mkdir()
    for name in sorted(folder.bytes(), reverse=True):
        (copy / name).write_bytes(folder.bytes()[name])
    assert io.input_hash(copy.path) == first

    text = folder.text("stock.csv")
    folder.write_text("stock.csv", text.replace("23", "24", 1))
    changed = io.input_hash(folder.path)
    assert changed != first
    folder.write_text("stock.csv", text)
    assert io.input_hash(folder.path) == first

    (folder / "demand.csv").rename(folder / "demand2.csv")
    assert io.input_hash(folder.path) != first


def test_the_hash_knows_where_a_file_ends(tmp_path: Path) -> None:
    for name, contents in (("one", (b"ab", b"c")), ("two", (b"a", b"bc"))):
        (tmp_path / name).mkdir()
        for file, content in zip(("x", "y"), contents):
            (tmp_path / name / file).write_bytes(content)
    assert io.input_hash(tmp_path / "one") != io.input_hash(tmp_path / "two")


def test_the_run_names_input_and_software(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "region").write()
    facts = io.run_facts(folder.path)
    assert facts["input_sha256"] == io.input_hash(folder.path)
    assert facts["versions"]["healthalloc"] == ha.__version__
    assert {"python", "highspy", "numpy", "pandas", "scipy"} <= set(facts["versions"])


# ------------------------------------------------------------------ a given allocation


def test_a_stock_file_is_read_as_text(tmp_path: Path) -> None:
    file = tmp_path / "allocation.csv"
    file.write_text("facility_id,resource_id,allocated\ncity,general_bed,23\n", encoding="utf-8")
    table = io.read_stock(file)
    assert table.to_dict("records") == [
        {"facility_id": "city", "resource_id": "general_bed", "allocated": "23"}
    ]


def test_a_stock_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ha.DataError, match=r"no\.csv: missing file"):
        io.read_stock(tmp_path / "no.csv")
    (tmp_path / "gb.csv").write_bytes("facility_id,名\n".encode("gb18030"))
    with pytest.raises(ha.DataError, match="not UTF-8"):
        io.read_stock(tmp_path / "gb.csv")


def test_stock_of_the_region_is_as_it_was() -> None:
    """The constants of `tests.region` are shared: no test may change them."""
    assert STOCK["existing"].sum() == 67
