"""The command line: what it prints, what it writes, how it ends."""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import healthalloc as ha
from healthalloc import cli
from healthalloc.io import input_hash
from healthalloc.schema import TABLES
from healthalloc.validate import is_formula
from tests.folder import Folder, snapshot

COLUMNS = {
    "allocation": ["facility_id", "resource_id", "existing", "allocated", "change"],
    "sites": ["facility_id", "name", "site", "open"],
    "clauses": [
        "clause_id", "quote", "source", "status", "treatment", "unit", "baseline", "base_year",
        "target", "achieved", "slack", "met", "price_cny_a_year", "price_basis", "tightest",
        "statements",
    ],
    "clause_rows": [
        "clause_id", "part", "area_id", "facility_id", "kind", "quote", "source", "status",
        "treatment", "unit", "baseline", "base_year", "target", "achieved", "slack", "met",
        "price_cny_a_year", "price_basis",
    ],
    "flows": [
        "population_id", "facility_id", "service_id", "cases_a_year", "travel_min", "distance_km",
    ],
    "demand": [
        "population_id", "service_id", "demand", "served", "no_service_within_reach",
        "within_reach_but_no_capacity",
    ],
    "cost": ["component", "cny_a_year", "cny_a_year_per_resident"],
    "access": [
        "service_id", "area_class", "residents", "residents_within_radius",
        "share_within_radius_percent", "mean_travel_min", "worst_travel_min", "mean_distance_km",
        "worst_distance_km",
    ],
    "assumptions": ["table", "row", "item", "assumption"],
}  # fmt: skip
ICU_CAP = """
[[clause]]
id = "icu-cap"
quote = "no more than 2 beds of intensive care"
source = "chapter 4"
kind = "amount"
resource = "icu_bed"
at_most = 2
"""


def run(*arguments: str | Path) -> Result:
    """Call the command as a shell would."""
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


def read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", keep_default_na=False, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "region").write()


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """The region, solved once: what was printed and the folder written."""
    place = tmp_path_factory.mktemp("solved")
    result = run("solve", Folder(place / "region").write().path, "-o", place / "out")
    return result, place / "out"


# ------------------------------------------------------------------ solve


def test_solve_ends_with_0(solved: tuple[Result, Path]) -> None:
    result, out = solved
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert str(out) in result.stdout.replace("\n", "")


def test_solve_prints_the_answer(solved: tuple[Result, Path]) -> None:
    text = solved[0].stdout
    for words in (
        "test region 测试区", "Optimal", "certificate passed", "每千人口床位数不低于4.2张",
        "beds", "icu", "social", "city", "fever", "life", ">= 4.2", "CNY", "lower bound",
        "4 enforced and met, 1 audited, 1 recorded", "1 inputs are assumptions",
    ):  # fmt: skip
        assert words in text


def test_solve_writes_the_documented_tables(solved: tuple[Result, Path]) -> None:
    out = solved[1]
    assert {p.name for p in out.iterdir()} == {f"{name}.csv" for name in COLUMNS} | {"run.json"}
    for name, columns in COLUMNS.items():
        assert list(read(out, name).columns) == columns, name


def test_the_allocation_is_in_whole_numbers(solved: tuple[Result, Path]) -> None:
    with (solved[1] / "allocation.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 18
    for row in rows:
        assert row["allocated"].isdigit(), row
        assert row["existing"].isdigit(), row
        assert int(row["change"]) == int(row["allocated"]) - int(row["existing"])


def test_the_clause_table_holds_the_plan(solved: tuple[Result, Path]) -> None:
    table = read(solved[1], "clauses").set_index("clause_id")
    assert list(table.index) == ["beds", "icu", "social", "city", "fever", "life"]
    assert table["treatment"].tolist() == [
        "enforce", "enforce", "enforce", "audit", "enforce", "record",
    ]  # fmt: skip
    assert table.at["beds", "quote"] == "每千人口床位数不低于4.2张"
    assert table.at["beds", "unit"] == "per 1,000 residents"
    assert float(table.at["beds", "baseline"]) == 4.0
    assert float(table.at["beds", "base_year"]) == 4.0
    enforced = table[table["treatment"] == "enforce"]
    assert (enforced["met"] == "True").all()
    assert (enforced["price_cny_a_year"].astype(float) >= 0).all()
    assert (enforced["slack"].astype(float) >= -1e-9).all()
    assert (table.loc[["city", "life"], "price_cny_a_year"] == "").all()
    assert table.at["life", "met"] == ""
    assert table.at["fever", "statements"] == 2


def test_the_files_agree_with_the_library(solved: tuple[Result, Path]) -> None:
    out = solved[1]
    solution = ha.solve(ha.read_scenario(out.parent / "region"))
    allocated = read(out, "allocation")
    assert allocated["allocated"].tolist() == solution.stock["allocated"].tolist()
    cost = read(out, "cost").set_index("component")["cny_a_year"]
    assert list(cost.index) == [
        "capital", "retirement", "operating", "staff", "travel", "site", "total",
        "unmet_penalty", "left_out_penalty", "objective",
    ]  # fmt: skip
    assert abs(cost["objective"] - solution.objective) < 1e-6
    assert abs(cost.iloc[:6].sum() - cost["total"]) < 1e-6


def test_every_case_of_demand_is_accounted_for(solved: tuple[Result, Path]) -> None:
    demand = read(solved[1], "demand")
    assert len(demand) == 6
    parts = demand[["served", "no_service_within_reach", "within_reach_but_no_capacity"]]
    assert ((parts.sum(axis=1) - demand["demand"]).abs() < 1e-6).all()
    served = read(solved[1], "flows").groupby(["population_id", "service_id"])["cases_a_year"].sum()
    for key, cases in demand.set_index(["population_id", "service_id"])["served"].items():
        assert abs(served.get(key, 0.0) - cases) < 1e-6


def test_the_run_is_described(solved: tuple[Result, Path]) -> None:
    out = solved[1]
    facts = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert facts["scenario"] == "test region 测试区"
    assert facts["status"] == "optimal"
    assert facts["objective_cny_a_year"] >= facts["bound_cny_a_year"] - 1e-6
    assert facts["gap"] <= 1e-6
    assert {"primal", "integrality", "gap"} <= set(facts["certificate"])
    assert facts["solver"].lower().startswith("highs")
    assert facts["versions"]["healthalloc"] == ha.__version__
    assert facts["input_sha256"] == input_hash(out.parent / "region")
    assert set(facts["seconds"]) == {"formulate", "solve"}
    assert "NaN" not in (out / "run.json").read_text(encoding="utf-8")


def test_assumptions_are_listed(solved: tuple[Result, Path]) -> None:
    assert read(solved[1], "assumptions").values.tolist() == [
        ["settings", 1, "travel.detour_factor", "assumed: straight roads"]
    ]


def test_the_scenario_is_left_as_it_was(folder: Folder, tmp_path: Path) -> None:
    before = folder.bytes()
    for command in ("solve", "audit"):
        assert run(command, folder.path, "-o", tmp_path / command, "-q").exit_code == 0
    assert folder.bytes() == before


def test_no_cell_of_a_result_is_a_formula(folder: Folder, tmp_path: Path) -> None:
    """Nor one that we made: a target ``= 25`` would run as a formula in a spreadsheet."""
    folder.replace("plan.toml", 'treatment = "audit"\n', "")
    assert run("solve", folder.path, "-o", tmp_path / "solved").exit_code == 0
    assert run("audit", folder.path, "-o", tmp_path / "audited").exit_code == 0
    for file in [*(tmp_path / "solved").glob("*.csv"), *(tmp_path / "audited").glob("*.csv")]:
        for row in csv.reader(io.StringIO(file.read_text(encoding="utf-8"))):
            assert not [cell for cell in row if is_formula(cell)], file.name


def test_by_default_beside_the_current_folder(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("solve", "region", "-q").exit_code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["region", "region-solution"]
    monkeypatch.chdir(folder.path)
    (tmp_path / "region-solution" / "cost.csv").unlink()
    assert run("solve", ".", "-q").exit_code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["region", "region-solution"]
    assert (tmp_path / "region-solution" / "cost.csv").exists()


def test_never_into_the_scenario(folder: Folder) -> None:
    before = folder.bytes()
    result = run("solve", folder.path, "-o", folder / "out")
    assert result.exit_code == 2
    assert "inside the scenario" in result.stderr
    assert folder.bytes() == before


def test_never_over_another_folder(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    for command in ("solve", "audit"):
        result = run(command, folder.path, "-o", tmp_path / "mine")
        assert result.exit_code == 2
        assert "no earlier result" in result.stderr
    assert snapshot(tmp_path / "mine") == {"thesis.txt": b"years of work"}


def test_two_runs_write_the_same_tables(folder: Folder, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run("solve", folder.path, "-o", tmp_path / name, "-q").exit_code == 0
    one, two = snapshot(tmp_path / "one"), snapshot(tmp_path / "two")
    assert one.keys() == two.keys()
    assert {name for name in one if one[name] != two[name]} <= {"run.json"}


def test_quiet_prints_nothing(folder: Folder, tmp_path: Path) -> None:
    for option in ("-q", "--quiet"):
        for command in ("solve", "audit"):
            result = run(command, folder.path, "-o", tmp_path / "out", option)
            assert result.exit_code == 0
            assert result.output == ""
            assert (tmp_path / "out" / "run.json").exists()


def test_quiet_still_prints_errors(tmp_path: Path) -> None:
    result = run("solve", tmp_path / "nowhere", "-q")
    assert result.exit_code == 2
    assert "is no folder" in result.stderr


def test_continuous_may_be_cheaper_and_not_whole(folder: Folder, tmp_path: Path) -> None:
    folder.set("populations", 1, "residents", "6123")  # 4.2 beds per 1,000 are 42.5 beds
    assert run("solve", folder.path, "-o", tmp_path / "whole").exit_code == 0
    assert run("solve", folder.path, "-o", tmp_path / "parts", "--continuous").exit_code == 0
    objective = {
        name: json.loads((tmp_path / name / "run.json").read_text(encoding="utf-8"))[
            "objective_cny_a_year"
        ]
        for name in ("whole", "parts")
    }
    assert objective["parts"] < objective["whole"]
    assert (read(tmp_path / "parts", "allocation")["allocated"] % 1 != 0).any()


@pytest.mark.parametrize(
    "options", [["--audit-only", "beds", "--audit-only", "fever/share"],
                ["--audit-only", "beds,fever/share"]],
)  # fmt: skip
def test_audit_only_measures_without_enforcing(
    folder: Folder, tmp_path: Path, options: list[str]
) -> None:
    result = run("solve", folder.path, "-o", tmp_path / "out", *options)
    assert result.exit_code == 0, result.output
    rows = read(tmp_path / "out", "clause_rows").set_index(["clause_id", "part"])
    assert rows.at[("beds", ""), "treatment"] == "audit"
    assert rows.at[("fever", "share"), "treatment"] == "audit"
    assert rows.at[("fever", "reach"), "treatment"] == "enforce"
    assert rows.at[("icu", ""), "treatment"] == "enforce"
    assert rows.at[("beds", ""), "price_cny_a_year"] == ""


def test_pulp_gives_the_same_cost(
    folder: Folder, tmp_path: Path, solved: tuple[Result, Path]
) -> None:
    result = run("solve", folder.path, "-o", tmp_path / "out", "--solver", "pulp")
    assert result.exit_code == 0, result.output
    ours, theirs = (
        json.loads((out / "run.json").read_text(encoding="utf-8"))
        for out in (solved[1], tmp_path / "out")
    )
    assert "pulp" in theirs["solver"].lower()
    gap = abs(ours["objective_cny_a_year"] - theirs["objective_cny_a_year"])
    assert gap <= 1e-6 * ours["objective_cny_a_year"]


def test_a_looser_gap_is_taken(folder: Folder, tmp_path: Path) -> None:
    result = run("solve", folder.path, "-o", tmp_path / "out", "--gap", "0.5")
    assert result.exit_code == 0, result.output
    facts = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert facts["status"] == "optimal"
    assert facts["gap"] <= 0.5


# ------------------------------------------------------------------ no allocation


def test_an_infeasible_plan_ends_with_3(folder: Folder, tmp_path: Path) -> None:
    folder.append("plan.toml", ICU_CAP)
    result = run("solve", folder.path, "-o", tmp_path / "out")
    assert result.exit_code == 3, result.output
    assert "infeasible" in result.stdout
    lines = [line.strip() for line in result.stdout.splitlines() if line.strip().startswith("- ")]
    assert [line.split(":")[0] for line in lines] == ["- icu", "- icu-cap"]
    assert "at least 3 beds of intensive care" in lines[0]
    assert ">= 3" in lines[0]
    assert "<= 2" in lines[1]
    out = tmp_path / "out"
    assert {p.name for p in out.iterdir()} == {"assumptions.csv", "conflict.csv", "run.json"}
    assert read(out, "conflict")["member"].tolist() == ["icu", "icu-cap"]
    facts = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert facts["status"] == "infeasible"
    assert facts["objective_cny_a_year"] is None


def test_clauses_against_stock_limits(folder: Folder, tmp_path: Path) -> None:
    for row in (2, 7):
        folder.set("stock", row, "upper", "1")
    folder.set("stock", 2, "existing", "1")
    result = run("solve", folder.path, "-o", tmp_path / "out")
    assert result.exit_code == 3, result.output
    members = read(tmp_path / "out", "conflict")
    assert members["kind"].tolist() == ["clause", "stock limits", "stock limits"]
    assert members["member"].tolist() == ["icu", "icu_bed in city", "icu_bed in private"]
    for words in ("icu: at least 3", "stock limits of icu_bed", "city 0 to 1", "private 0 to 1"):
        assert words in result.stdout


def test_audit_only_makes_an_infeasible_plan_feasible(folder: Folder, tmp_path: Path) -> None:
    folder.append("plan.toml", ICU_CAP)
    folder.replace("plan.toml", "equals = 25", "equals = 99")  # audited, and far from the cheapest
    result = run("solve", folder.path, "-o", tmp_path / "out", "--audit-only", "icu-cap")
    assert result.exit_code == 0, result.output
    assert "audited and not met: city, icu-cap" in result.stdout


def test_a_limit_before_any_solution_ends_with_4(folder: Folder, tmp_path: Path) -> None:
    result = run("solve", folder.path, "-o", tmp_path / "out", "--time-limit", "1e-9")
    assert result.exit_code == 4, result.output
    assert "No allocation" in result.stdout
    facts = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert facts["status"] == "limit_without_incumbent"
    assert not (tmp_path / "out" / "allocation.csv").exists()


def test_quiet_keeps_the_exit_codes(folder: Folder, tmp_path: Path) -> None:
    options = ["-o", tmp_path / "out", "-q"]
    assert run("solve", folder.path, *options, "--time-limit", "1e-9").exit_code == 4
    folder.append("plan.toml", ICU_CAP)
    result = run("solve", folder.path, *options)
    assert result.exit_code == 3
    assert result.stdout == ""


def test_a_broken_solver_ends_with_1_and_writes_nothing(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*args: Any, **kwargs: Any) -> NoReturn:
        raise ha.SolverError("numerical trouble")

    # the package's attribute of this name is the function, not the module
    monkeypatch.setattr(importlib.import_module("healthalloc.solving"), "named_solver", break_down)
    result = run("solve", folder.path, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "numerical trouble" in result.stderr
    assert not (tmp_path / "out").exists()


# ------------------------------------------------------------------ audit


def test_audit_prints_and_writes_nothing_by_default(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("audit", "region")
    assert result.exit_code == 0, result.output
    for words in ("existing", "draft", "每千人口床位数不低于4.2张", "plan against itself"):
        assert words in result.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["region"]


def test_audit_writes_the_documented_tables(folder: Folder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("audit", folder.path, "-o", out).exit_code == 0
    assert sorted(p.name for p in out.iterdir()) == [
        "audit_arithmetic.csv", "audit_clause_rows.csv", "audit_clauses.csv", "run.json",
    ]  # fmt: skip
    unpriced = [c for c in COLUMNS["clauses"] if not c.startswith("price")]
    assert list(read(out, "audit_clauses").columns) == ["allocation", *unpriced]
    assert list(read(out, "audit_arithmetic").columns) == [
        "check_id", "against", "printed", "computed", "difference", "agrees", "arithmetic",
        "quote", "explains",
    ]  # fmt: skip
    assert set(read(out, "audit_clauses")["allocation"]) == {"existing", "draft"}
    facts = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert facts["input_sha256"]


def test_audit_of_the_allocation_that_solve_wrote(
    folder: Folder, tmp_path: Path, solved: tuple[Result, Path]
) -> None:
    stock = solved[1] / "allocation.csv"
    result = run("audit", folder.path, "--stock", stock, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    given = read(tmp_path / "out", "audit_clauses")
    given = given[given["allocation"] == "given"].reset_index(drop=True)
    wanted = read(solved[1], "clauses")
    for column in ("clause_id", "achieved", "met"):
        assert given[column].astype(str).tolist() == wanted[column].astype(str).tolist()


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("facility_id,resource_id,allocated\ncitty,bed,1\n", ["row 1", "facility_id", "city?"]),
        ("facility_id,resource_id,allocated\ncity,bad,1\n", ["row 1", "resource_id", "bed?"]),
        ("facility_id,resource_id,allocated\ncity,bed,-1\n", ["row 1", "-1", ">= 0"]),
        ("facility_id,resource_id,allocated\ncity,bed,nan\n", ["row 1", "nan", ">= 0"]),
        ("facility_id,resource_id\ncity,bed\n", ["missing column"]),
        ("facility_id,resource_id,allocated\ncity,bed,1\ncity,bed,2\n", ["row 2", "row 1"]),
        ("facility_id,resource_id,allocated\ncity,bed\n", ["row 1", "2 cells"]),
        ("", ["empty"]),
    ],
)
def test_a_bad_allocation_ends_with_2(
    folder: Folder, tmp_path: Path, text: str, places: list[str]
) -> None:
    file = tmp_path / "given.csv"
    file.write_text(text, encoding="utf-8")
    result = run("audit", folder.path, "--stock", file, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    for words in places:
        assert words in result.stderr
    assert not (tmp_path / "out").exists()


# ------------------------------------------------------------------ new


def test_new_then_solve_and_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("new", "mine")
    assert result.exit_code == 0, result.output
    assert "healthalloc solve mine" in result.stdout
    assert {f"{t.name}.csv" for t in TABLES.values() if not t.optional} <= {
        p.name for p in Path("mine").iterdir()
    }
    assert run("solve", "mine").exit_code == 0
    table = read(tmp_path / "mine-solution", "clauses")
    assert (table.loc[table["treatment"] == "enforce", "met"] == "True").all()
    assert run("audit", "mine").exit_code == 0


def test_the_starter_explains_itself(tmp_path: Path) -> None:
    assert run("new", tmp_path / "mine").exit_code == 0
    for file in ("scenario.toml", "plan.toml"):
        assert (tmp_path / "mine" / file).read_text(encoding="utf-8").startswith("#")
    scenario = ha.read_scenario(tmp_path / "mine")
    assert set(scenario.facilities["site"]) == {"existing", "closable", "candidate"}


def test_the_starter_is_solved_by_pulp_too(tmp_path: Path) -> None:
    assert run("new", tmp_path / "mine").exit_code == 0
    result = run("solve", tmp_path / "mine", "-o", tmp_path / "out", "--solver", "pulp")
    assert result.exit_code == 0, result.output


def test_new_refuses_a_filled_folder(tmp_path: Path) -> None:
    assert run("new", tmp_path / "mine").exit_code == 0
    before = snapshot(tmp_path)
    result = run("new", tmp_path / "mine")
    assert result.exit_code == 2
    assert "not empty" in result.stderr
    assert snapshot(tmp_path) == before


# ------------------------------------------------------------------ schema and help


def test_schema_lists_every_table_and_column() -> None:
    result = run("schema")
    assert result.exit_code == 0
    for table in TABLES.values():
        assert f"{table.name}.csv" in result.stdout
    for column in ha.schema_table()["column"]:
        assert column in result.stdout


@pytest.mark.parametrize("name", list(TABLES))
def test_schema_of_one_table(name: str) -> None:
    result = run("schema", name)
    assert result.exit_code == 0
    text = result.stdout
    assert [t for t in TABLES if f"{t}.csv" in text.split("\n")[0]] == [name]
    for column in TABLES[name].columns:
        assert column.name in text
        if column.unit:
            assert column.unit.split()[0] in text


def test_schema_of_no_table() -> None:
    result = run("schema", "facilitys")
    assert result.exit_code == 2
    assert "facilitys" in result.stderr
    assert "facilities" in result.stderr


def test_help_and_version() -> None:
    assert run("--version").stdout.strip() == f"healthalloc {ha.__version__}"
    text = run("--help").stdout
    for command in ("solve", "audit", "new", "schema", "Exit codes"):
        assert command in text
    for option in ("--output", "--solver", "--time-limit", "--gap", "--continuous", "--audit-only"):
        assert option in run("solve", "--help").stdout


def test_unknown_commands_and_options_end_with_2() -> None:
    assert run("slove").exit_code == 2
    assert run("solve").exit_code == 2
    assert run("solve", "x", "--fast").exit_code == 2


# ------------------------------------------------------------------ as a process of its own


def spawn(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "healthalloc", *map(str, arguments)],
        capture_output=True, env=os.environ | environment, check=False, timeout=120,
    )  # fmt: skip


def test_as_a_module(folder: Folder, tmp_path: Path) -> None:
    done = spawn("solve", folder.path, "-o", tmp_path / "out", PYTHONIOENCODING="utf-8")
    assert done.returncode == 0, done.stderr
    # a slow machine is told what is being done, one phase a line; nothing else
    assert all(re.match(rb"\d+ s: ", line) for line in done.stderr.splitlines())
    assert "每千人口床位数不低于4.2张" in done.stdout.decode("utf-8")
    assert (tmp_path / "out" / "allocation.csv").exists()
    (folder / "stock.csv").unlink()
    done = spawn("solve", folder.path, "-o", tmp_path / "out2", PYTHONIOENCODING="utf-8")
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"stock.csv: missing file" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gb18030"])
def test_an_output_that_knows_no_chinese_does_no_harm(
    folder: Folder, tmp_path: Path, encoding: str
) -> None:
    """A redirected output has the system's encoding, which may lack the plan's characters."""
    done = spawn("solve", folder.path, "-o", tmp_path / "out", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert b"Optimal" in done.stdout
    assert b"Traceback" not in done.stderr
    folder.set("facilities", 1, "site", "市立")
    done = spawn("solve", folder.path, "-o", tmp_path / "out2", PYTHONIOENCODING=encoding)
    assert done.returncode == 2
    assert b"facilities, row 1, column site" in done.stderr


def on_a_terminal(width: int, *arguments: str, place: Path) -> tuple[int, str]:
    """Exit code of the command on a terminal of some width, and what it showed."""
    import fcntl
    import struct
    import termios

    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES"}}
    environment |= {"TERM": "xterm", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "healthalloc", *arguments],
        stdin=slave, stdout=slave, stderr=slave, cwd=place, env=environment,
    ) as process:  # fmt: skip
        os.close(slave)
        shown = b""
        while True:
            try:
                chunk = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            shown += chunk
        process.wait(timeout=120)
    os.close(master)
    return process.returncode, re.sub(r"\x1b\[[0-9;]*m", "", shown.decode("utf-8"))


needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


@needs_terminal
@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_terminal_shows_targets_and_prices(
    folder: Folder, tmp_path: Path, width: int
) -> None:
    code, shown = on_a_terminal(width, "solve", "region", place=tmp_path)
    assert code == 0, shown
    assert "Traceback" not in shown
    for word in ("Optimal", "1,500", "350"):
        assert word in shown, shown


@needs_terminal
@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_terminal_shows_every_allocation(
    folder: Folder, tmp_path: Path, width: int
) -> None:
    folder.set("proposals", 1, "amount", "35")  # with 12 and 5 others 5.2 beds per 1,000
    code, shown = on_a_terminal(width, "audit", "region", place=tmp_path)
    assert code == 0, shown
    assert "Traceback" not in shown
    for word in ("audit", "5.2"):
        assert word in shown, shown


@needs_terminal
@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_terminal_shows_the_schema(tmp_path: Path, width: int) -> None:
    code, shown = on_a_terminal(width, "schema", "stock", place=tmp_path)
    assert code == 0, shown
    for word in ("lower", "upper", ">= 0", "required", "Held"):
        assert word in shown, shown


@needs_terminal
def test_a_narrow_terminal_shows_problems(folder: Folder, tmp_path: Path) -> None:
    folder.set("facilities", 1, "site", "closeable")
    code, shown = on_a_terminal(40, "solve", "region", place=tmp_path)
    assert code == 2, shown
    assert "facilities, row 1, column site" in shown.replace("\r\n", "")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["wh"], {"what-if"}),
        (["solve", "--g"], {"--gap"}),
        (["solve", "--format", ""], {"csv", "parquet"}),
        (["solve", "--lang", ""], {"en", "zh"}),
        (["compare", "-s", "by-"], {"by-residents", "by-need"}),
        (["schema", "re"], {"resources", "requirements", "referrals"}),
        (["trade-offs", "--against", "equity-g"], {"equity-gini"}),
    ],
)
def test_the_shell_completes(words: list[str], offered: set[str]) -> None:
    line = " ".join(["root", *words])
    asked = {
        "_ROOT_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words)),
    }  # fmt: skip
    ended = CliRunner().invoke(cli.app, [], prog_name="root", env=asked)
    assert set(ended.output.split()) == offered
