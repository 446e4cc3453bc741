"""Every kind of bad input: one error with every problem, exit code 2, nothing written."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import healthalloc as ha
from healthalloc.cli import app
from tests.folder import Edit, Folder, snapshot
from tests.region import (
    FACILITIES,
    POPULATIONS,
    RESOURCES,
    SERVICES,
    STOCK,
    clause,
    edit,
    region,
    settings,
)


@dataclass(frozen=True)
class Found:
    """A problem as it must be reported: where, which value, and what the text must say."""

    table: str
    row: int | None
    column: str
    value: str
    says: tuple[str, ...]


def found(table: str, row: int | None, column: str, value: str, *says: str) -> Found:
    return Found(table, row, column, value, says)


@dataclass(frozen=True)
class Fault:
    """A way to spoil a scenario folder, and every problem that must be reported."""

    name: str
    spoil: Edit
    problems: tuple[Found, ...]


FAULTS: list[Fault] = []


def fault(name: str, *problems: Found) -> Callable[[Edit], Edit]:
    """Add a fault; the function below spoils the folder."""

    def add(spoil: Edit) -> Edit:
        FAULTS.append(Fault(name, spoil, problems))
        return spoil

    return add


def cell_fault(
    table: str, row: int, column: str, value: str, *says: str, reported: str | None = None
) -> None:
    """Add the fault that one cell of one table holds something wrong."""

    def spoil(folder: Folder) -> None:
        folder.set(table, row, column, value)

    problem = found(table, row, column, value if reported is None else reported, *says)
    FAULTS.append(Fault(f"{table} row {row} {column} {value!r}", spoil, (problem,)))


def plan_fault(name: str, old: str, new: str, column: str, value: str, *says: str) -> None:
    """Add the fault that some words of the plan are others."""

    def spoil(folder: Folder) -> None:
        folder.replace("plan.toml", old, new)

    FAULTS.append(Fault(f"plan: {name}", spoil, (found("plan", None, column, value, *says),)))


# ------------------------------------------------------------------ files

for file in (
    "facilities.csv", "populations.csv", "resources.csv", "stock.csv", "services.csv", "radii.csv",
    "demand.csv", "requirements.csv", "scenario.toml", "plan.toml",
):  # fmt: skip
    FAULTS.append(
        Fault(
            f"missing {file}",
            lambda folder, file=file: (folder / file).unlink(),  # type: ignore[misc]
            (found(file, None, "", "", "missing file"),),
        )
    )


@fault("empty file", found("radii", None, "", "", "empty", "header"))
def _(folder: Folder) -> None:
    folder.write_text("radii.csv", "")


@fault("file of no known name", found("propsals.csv", None, "", "", "unknown", "proposals.csv"))
def _(folder: Folder) -> None:
    (folder / "proposals.csv").rename(folder / "propsals.csv")


@fault("GB 18030", found("facilities.csv", None, "", "", "UTF-8", "line 3", "CSV UTF-8"))
def _(folder: Folder) -> None:
    folder.set("facilities", 2, "name", "杏元医院")
    folder.recode("facilities.csv", "gb18030")


@fault("UTF-16", found("stock.csv", None, "", "", "UTF-8", "line 1"))
def _(folder: Folder) -> None:
    folder.recode("stock.csv", "utf-16")


@fault("GB 18030 in the plan", found("plan.toml", None, "", "", "UTF-8", "line 3"))
def _(folder: Folder) -> None:
    folder.recode("plan.toml", "gb18030")


@fault("GB 18030 in the settings", found("scenario.toml", None, "", "", "UTF-8", "line 1"))
def _(folder: Folder) -> None:
    folder.recode("scenario.toml", "gb18030")


@fault("a row too long", found("demand", 2, "", "", "5 cells", "4"))
def _(folder: Folder) -> None:
    folder.replace("demand.csv", "visit,,1000,made up", "visit,,1,000,made up")


@fault("a row too short", found("demand", 1, "", "", "3 cells", "4"))
def _(folder: Folder) -> None:
    folder.replace("demand.csv", "inpatient,,100,made up", "inpatient,,100")


@fault("invalid TOML in the settings", found("scenario.toml", None, "", "", "TOML", "line 2"))
def _(folder: Folder) -> None:
    folder.replace("scenario.toml", "base_year = 2020", "base_year = ")


@fault("invalid TOML in the plan", found("plan.toml", None, "", "", "TOML", "line 12"))
def _(folder: Folder) -> None:
    folder.replace("plan.toml", '[[clause]]\nid = "icu"', '[[clause]\nid = "icu"')


@fault(
    "a quote that is never closed in a long file",
    found("stock", None, "", "", "quote"),
)
def _(folder: Folder) -> None:
    row = 'city,general_bed,23,0,,"made up\n'
    folder.append("stock.csv", row + "private,icu_bed,0,0,4,made up\n" * 6000)


# ------------------------------------------------------------------ columns

for table, column in (
    ("populations", "residents"), ("stock", "existing"), ("services", "unmet_penalty_cny"),
    ("radii", "unit"), ("facilities", "source"), ("facts", "quote"),
):  # fmt: skip
    FAULTS.append(
        Fault(
            f"missing column {table}.{column}",
            lambda folder, t=table, c=column: folder.drop_column(t, c),  # type: ignore[misc]
            (found(table, None, column, "", "missing column"),),
        )
    )


@fault(
    "unknown column",
    found("resources", None, "opertaing_cost", "", "unknown column", "operating_cost_cny"),
)
def _(folder: Folder) -> None:
    folder.add_column("resources", "opertaing_cost", "1")


@fault(
    "unknown column of facilities",
    found("facilities", None, "ownr", "", "unknown column", "extra_facility_columns"),
)
def _(folder: Folder) -> None:
    folder.add_column("facilities", "ownr", "x")


@fault(
    "column under a wrong name",
    found("populations", None, "residants", "", "unknown column", "residents"),
    found("populations", None, "residents", "", "missing column"),
)
def _(folder: Folder) -> None:
    folder.replace("populations.csv", "residents", "residants")


@fault("column given twice", found("stock", None, "upper", "", "twice"))
def _(folder: Folder) -> None:
    folder.add_column("stock", "upper", "1")


# ------------------------------------------------------------------ ids and references

cell_fault("facilities", 4, "facility_id", "city", "row 1", "facility_id")
cell_fault("populations", 3, "population_id", "town", "row 1")
cell_fault("resources", 6, "resource_id", "doctor", "row 5")
cell_fault("services", 2, "service_id", "inpatient", "row 1")
cell_fault("facts", 2, "fact_id", "beds", "row 1")


@fault(
    "duplicate stock row",
    found("stock", 19, "facility_id + resource_id", "city, nurse", "row 4", "remove"),
)
def _(folder: Folder) -> None:
    folder.add_row("stock", facility_id="city", resource_id="nurse", existing="1")


cell_fault("stock", 6, "facility_id", "privat", "facilities", "did you mean private?")
cell_fault("stock", 1, "resource_id", "genral_bed", "resources", "did you mean general_bed?")
cell_fault("groups", 2, "population_id", "vilage", "populations", "did you mean village?")
cell_fault("resources", 2, "parent_id", "beds", "resources", "did you mean bed?")
cell_fault("requirements", 4, "resource_id", "docter", "resources", "did you mean doctor?")
cell_fault("requirements", 4, "category", "primary", "category")
cell_fault("radii", 1, "service_id", "impatient", "services", "did you mean inpatient?")
cell_fault("demand", 2, "group_id", "odl", "group", "old")
cell_fault("proposals", 1, "facility_id", "citty", "facilities", "did you mean city?")
cell_fault("proposals", 2, "resource_id", "icu", "resources")


@fault(
    "cycle in the tree of resources",
    found(
        "resources", 1, "parent_id", "general_bed", "cycle", "bed -> general_bed -> bed", "topmost"
    ),
)
def _(folder: Folder) -> None:
    folder.set("resources", 1, "parent_id", "general_bed")


@fault(
    "two cycles in the tree of resources",
    found("resources", 4, "parent_id", "nurse", "staff -> nurse -> staff"),
    found("resources", 7, "parent_id", "fever_clinic", "fever_clinic -> fever_clinic"),
)
def _(folder: Folder) -> None:
    folder.set("resources", 4, "parent_id", "nurse")
    folder.set("resources", 7, "parent_id", "fever_clinic")


# ------------------------------------------------------------------ numbers

for word in ("nan", "NaN", "many", "1,000", "0x10"):
    cell_fault("populations", 2, "residents", word, "not a number", ">= 0")
for word in ("inf", "-inf", "Infinity", "1e999"):
    cell_fault("populations", 2, "residents", word, "infinite", "finite number >= 0")
    cell_fault("stock", 7, "upper", word, "infinite", "finite number >= 0")
for word in ("", "  "):
    cell_fault("populations", 1, "residents", word, "empty", ">= 0", reported=word)
cell_fault("populations", 3, "residents", "-1000", "out of range", ">= 0")
cell_fault("groups", 1, "residents", "-1", "out of range", ">= 0")
for column in ("existing", "lower", "upper"):
    cell_fault("stock", 3, column, "-1", "out of range", ">= 0")
for word in ("0", "1.2", "-0.1"):
    cell_fault("resources", 3, "availability", word, "out of range", "> 0", "<= 1")
cell_fault("resources", 2, "life_years", "0", "out of range", "> 0")
cell_fault("resources", 2, "capital_cost_cny", "-5", "out of range", ">= 0")
cell_fault("radii", 4, "radius", "0", "out of range", "> 0")
cell_fault("demand", 1, "rate_per_1000", "-100", "out of range", ">= 0")
cell_fault("requirements", 2, "amount", "0", "out of range", "> 0")
cell_fault("services", 1, "stay_days", "0", "out of range", "> 0")
cell_fault("proposals", 2, "amount", "-2", "out of range", ">= 0")


@fault("lower above upper", found("stock", 11, "lower", "11", "upper 10", "lower <= upper"))
def _(folder: Folder) -> None:
    folder.set("stock", 11, "lower", "11")


# ------------------------------------------------------------------ points

cell_fault("facilities", 1, "longitude", "180.5", "out of range", ">= -180", "<= 180")
cell_fault("facilities", 1, "latitude", "-90.01", "out of range", ">= -90", "<= 90")
cell_fault("populations", 1, "latitude", "", "longitude and latitude", reported="80")
FAULTS[-1] = Fault(
    "a point without latitude",
    FAULTS[-1].spoil,
    (found("populations", 1, "longitude", "80", "longitude and latitude", "WGS 84"),),
)


@fault(
    "one swapped point among many",
    found("populations", 2, "longitude, latitude", "30, 80.2698", "swap"),
)
def _(folder: Folder) -> None:
    folder.swap("populations", 2)


@fault(
    "one swapped point whose longitude is no latitude",
    *(
        found("facilities", row, "latitude", "101.6", "out of range", "<= 90", "swapped")
        for row in (3,)
    ),
)
def _(folder: Folder) -> None:
    for table, n_rows in (("facilities", 4), ("populations", 3)):
        for row in range(1, n_rows + 1):
            folder.set(table, row, "longitude", "101.6")
    folder.swap("facilities", 3)


@fault(
    "all points swapped",
    *(found("facilities", k, "latitude", "101.6", "<= 90", "swapped") for k in range(1, 5)),
    *(found("populations", k, "latitude", "101.6", "<= 90", "swapped") for k in range(1, 4)),
)
def _(folder: Folder) -> None:
    for table, n_rows in (("facilities", 4), ("populations", 3)):
        for row in range(1, n_rows + 1):
            folder.set(table, row, "longitude", "101.6")
        folder.swap(table, *range(1, n_rows + 1))


@fault(
    "a point at 0, 0 among others",
    found("facilities", 2, "longitude", "0", "and latitude are 0", "leave both empty"),
)
def _(folder: Folder) -> None:
    folder.set("facilities", 2, "longitude", "0")
    folder.set("facilities", 2, "latitude", "0")


# ------------------------------------------------------------------ words

cell_fault("radii", 1, "unit", "minutes", "one of min, km", "did you mean min?")
cell_fault("radii", 1, "unit", "miles", "one of min, km")
cell_fault("services", 2, "setting", "ambulant", "did you mean ambulatory?")
cell_fault("facilities", 3, "site", "closeable", "did you mean closable?")
cell_fault("resources", 5, "kind", "stuff", "bed, staff, equipment", "did you mean staff?")
cell_fault("requirements", 1, "basis", "per_patients", "did you mean per_patient?")

# ------------------------------------------------------------------ figures that must agree

cell_fault("facilities", 1, "facility_id", "", "is empty")
cell_fault("services", 1, "stay_days", "", "inpatient", "stay")
cell_fault("services", 2, "stay_days", "3", "ambulatory", "no stay")
cell_fault("groups", 3, "residents", "1001", "larger than its population")
cell_fault("stock", 11, "upper", "", "open or close", "upper")
cell_fault("stock", 15, "existing", "1", "candidate", "closable")
cell_fault("requirements", 3, "basis", "per_patient", "ambulatory", "cases_per_unit")


@fault(
    "service without demand",
    found("services", 2, "service_id", "visit", "no row in the table demand", "demand.csv"),
)
def _(folder: Folder) -> None:
    folder.replace("demand.csv", "visit,,1000,made up\n", "")


@fault("stock of a resource with kinds", found("stock", 19, "resource_id", "staff", "kinds"))
def _(folder: Folder) -> None:
    folder.add_row("stock", facility_id="city", resource_id="staff", existing="1")


# ------------------------------------------------------------------ formulas

FORMULAS = ("=cmd|' /C calc'!A0", "@SUM(A1:A9)", "+1+1", "-1+1", "=1")
for word in FORMULAS:
    cell_fault("facilities", 2, "name", word, "formula", "letter or a digit")
cell_fault("populations", 1, "source", "=HYPERLINK(A1)", "formula")
cell_fault("facilities", 2, "side", "=side", "formula")
cell_fault("facilities", 2, "facility_id", "@private", "formula")
cell_fault("facts", 1, "quote", "=1272", "formula")
for field in ("quote", "source"):
    plan_fault(
        f"formula as {field}",
        '"at least 3 beds of intensive care"\nsource = "chapter 1"',
        {
            "quote": '"=cmd|x"\nsource = "chapter 1"',
            "source": '"at least 3 beds of intensive care"\nsource = "=cmd|x"',
        }[field],
        f"icu: {field}",
        "=cmd|x",
        "formula",
    )
plan_fault(
    "formula after a tab",
    '"at least 3 beds of intensive care"',
    '"\\t=cmd|x"',
    "icu: quote",
    "\t=cmd|x",
    "formula",
)
plan_fault("formula as id", 'id = "icu"', 'id = "=icu"', "=icu: id", "=icu", "formula")
plan_fault(
    "formula as part",
    'part = "reach"',
    'part = "@reach"',
    "fever/@reach: part",
    "@reach",
    "formula",
)
plan_fault(
    "formula as reason",
    'reason = "an outcome"',
    'reason = "=cmd|x"',
    "life: reason",
    "=cmd|x",
    "formula",
)
plan_fault(
    "formula as unit", 'unit = "years"', 'unit = "@years"', "life: unit", "@years", "formula"
)
plan_fault(
    "formula in a check",
    '"the rate counts other beds"',
    '"=cmd|x"',
    "check rate: explains",
    "=cmd|x",
    "formula",
)

# ------------------------------------------------------------------ the plan

plan_fault(
    "unknown kind", '"amount"', '"amonut"', "icu: kind", "amonut", "unknown kind", "mean amount?"
)
plan_fault(
    "unknown kind, none near", '"amount"', '"xyz"', "icu: kind", "xyz", "allowed", "facility_share"
)
plan_fault("no kind", 'kind = "amount"\n', "", "icu: kind", "", "missing field")
plan_fault(
    "unknown unit",
    '"per_1000_residents"',
    '"per_100_residents"',
    "beds: unit",
    "per_100_residents",
    "per_1000_residents",
    "per_10000_residents",
)
plan_fault(
    "unknown unit of a radius", '"km"', '"miles"', "fever/reach: radius_unit", "miles", "km", "min"
)
plan_fault(
    "unknown field",
    "at_least = 3\n",
    "at_least = 3\nat_leest = 4\n",
    "icu: at_leest",
    "",
    "unknown field",
    "did you mean at_least?",
)
plan_fault(
    "unknown field of the plan",
    '[[check]]\nid = "rate"',
    '[[chekc]]\nid = "rate"',
    "chekc",
    "",
    "unknown field",
    "did you mean check?",
)
plan_fault(
    "missing field",
    'quote = "people live longer"\n',
    "",
    "life: quote",
    "",
    "missing field",
)
plan_fault(
    "unknown treatment", '"audit"', '"audited"', "city: treatment", "audited", "enforce", "record"
)
plan_fault("target that is no number", "= 4.2", '= "many"', "beds: at_least", "many", "number")
plan_fault("target NaN", "= 4.2", "= nan", "beds: at_least", "nan", "finite")
plan_fault("target infinite", "= 4.2", "= inf", "beds: at_least", "inf", "finite")
plan_fault("target negative", "= 4.2", "= -4.2", "beds: at_least", "-4.2", "0")
plan_fault("duplicate id", 'id = "icu"', 'id = "beds"', "id", "beds", "2 times", "own id")
plan_fault(
    "duplicate part", 'part = "share"', 'part = "reach"', "id", "fever/reach", "2 times", "part"
)
plan_fault(
    "unknown resource",
    'resource = "icu_bed"',
    'resource = "icu_beds"',
    "icu: resource",
    "icu_beds",
    "did you mean icu_bed?",
)
plan_fault(
    "unknown resource below",
    'of_resource = "bed"',
    'of_resource = "beds"',
    "social: of_resource",
    "beds",
    "did you mean bed?",
)
plan_fault(
    "unknown facility",
    'facility_id = "city"',
    'facility_id = "citi"',
    "city: facility_id",
    "citi",
    "did you mean city?",
)
plan_fault(
    "scope by an unknown column",
    '{ ownership = "social" }',
    '{ ownrship = "social" }',
    "social: part_scope",
    "ownrship",
    "did you mean ownership?",
)
plan_fault(
    "scope by an unknown word",
    '{ ownership = "social" }',
    '{ ownership = "socal" }',
    "social: part_scope.ownership",
    "socal",
    "did you mean social?",
)
plan_fault(
    "empty scope",
    'scope = { category = "primary_centre", ownership = ["public"] }',
    'scope = { category = "primary_centre", ownership = ["social"] }',
    "fever/share: scope",
    "{'category': 'primary_centre', 'ownership': ('social',)}",
    "no facility matches",
    "widen",
)
plan_fault(
    "scope of no words",
    'ownership = ["public"] }',
    "ownership = [] }",
    "fever/share: scope",
    "{'category': 'primary_centre', 'ownership': ()}",
    "no facility matches",
)
plan_fault(
    "unknown area class",
    'area_class = ["urban"]',
    'area_class = ["urban", "town"]',
    "fever/reach",
    "",
    "'town'",
    "urban, rural",
)
plan_fault(
    "enforced without a target",
    "at_least = 3\n",
    "",
    "icu: target",
    "",
    "at_least, at_most, equals or about",
)
plan_fault(
    "floor above ceiling",
    "at_least = 3\n",
    "at_least = 3\nat_most = 2\n",
    "icu: target",
    "",
    "at_least 3 is above at_most 2",
)
plan_fault(
    "share above 100",
    "at_least = 20\n",
    "at_least = 120\n",
    "social: target",
    "",
    "above 100",
)
plan_fault(
    "check of an unknown fact",
    'sum = ["beds"]',
    'sum = ["bedz"]',
    "check rate",
    "bedz",
    "fact_id",
    "did you mean beds?",
)
plan_fault(
    "check printed nowhere",
    'printed = "beds_per_1000"',
    'printed = "beds_per_thousand"',
    "check rate",
    "beds_per_thousand",
    "fact_id",
)

# ------------------------------------------------------------------ the settings


@fault(
    "discount rate that is no rate",
    found("scenario.toml", None, "discount_rate", "4.0", "less than 1"),
)
def _(folder: Folder) -> None:
    folder.replace("scenario.toml", "base_year = 2020", "base_year = 2020\ndiscount_rate = 4.0")


@fault("discount rate NaN", found("scenario.toml", None, "discount_rate", "nan", "less than 1"))
def _(folder: Folder) -> None:
    folder.replace("scenario.toml", "base_year = 2020", "base_year = 2020\ndiscount_rate = nan")


@fault(
    "unknown setting",
    found("scenario.toml", None, "discont_rate", "", "unknown field", "mean discount_rate?"),
)
def _(folder: Folder) -> None:
    folder.replace("scenario.toml", "base_year = 2020", "base_year = 2020\ndiscont_rate = 0.1")


@fault(
    "target year before base year",
    found("settings", None, "target_year", "2019", "before the base year"),
)
def _(folder: Folder) -> None:
    folder.replace("scenario.toml", "target_year = 2025", "target_year = 2019")


NAMES = [fault.name for fault in FAULTS]


@pytest.fixture(scope="module")
def faultless(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return Folder(tmp_path_factory.mktemp("folder") / "region").write().bytes()


@pytest.fixture
def folder(faultless: dict[str, bytes], tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "region")
    made.path.mkdir()
    for name, content in faultless.items():
        (made / name).write_bytes(content)
    return made


def problems_of(folder: Folder) -> tuple[ha.Problem, ...]:
    with pytest.raises(ha.DataError) as caught:
        ha.read_scenario(folder.path)
    for problem in caught.value.problems:
        assert str(problem) in str(caught.value)
    n = len(caught.value.problems)
    assert str(caught.value).startswith(f"{n} problem{'s' if n > 1 else ''} in the input:")
    return caught.value.problems


def places(problems: Iterable[ha.Problem | Found]) -> list[tuple[str, int, str, str]]:
    """Where problems stand and which value they show, in an order of their own."""
    return sorted((p.table, p.row or 0, p.column, p.value) for p in problems)


def test_the_folder_has_no_fault(folder: Folder) -> None:
    scenario = ha.read_scenario(folder.path)
    assert len(scenario.plan.clauses) == 7
    assert {name: len(table) for name, table in scenario.tables.items()} == {
        "areas": 0, "facilities": 4, "populations": 3, "groups": 3, "resources": 7, "stock": 18,
        "services": 2, "radii": 4, "demand": 2, "requirements": 4, "referrals": 0, "proposals": 2,
        "facts": 3,
    }  # fmt: skip


def test_fault_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_every_problem_is_named(fault: Fault, folder: Folder) -> None:
    fault.spoil(folder)
    problems = problems_of(folder)
    assert places(problems) == places(fault.problems)
    for wanted in fault.problems:
        text = next(
            str(p)
            for p in problems
            if (p.table, p.row, p.column) == (wanted.table, wanted.row, wanted.column)
        )
        for words in wanted.says:
            assert words in text


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_the_command_ends_with_2_and_writes_nothing(
    fault: Fault, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fault.spoil(folder)
    before = snapshot(tmp_path)
    result = CliRunner().invoke(app, ["solve", "region", "-o", "out"])
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    for wanted in fault.problems:
        for part in (wanted.table, wanted.column):
            assert part in result.stderr
    assert snapshot(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["region"]


def test_an_earlier_result_stays_as_it_was(folder: Folder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = CliRunner().invoke(app, ["audit", str(folder.path), "-o", str(out)])
    assert first.exit_code == 0, first.output
    before = snapshot(out)
    folder.set("populations", 1, "residents", "-1")
    for command in ("solve", "audit"):
        result = CliRunner().invoke(app, [command, str(folder.path), "-o", str(out)])
        assert result.exit_code == 2
    assert snapshot(out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "region"]


def test_no_folder(tmp_path: Path) -> None:
    problems = problems_of(Folder(tmp_path / "nowhere"))
    assert places(problems) == [(str(tmp_path / "nowhere"), 0, "", "")]
    assert "folder" in str(problems[0])
    result = CliRunner().invoke(app, ["solve", str(tmp_path / "nowhere")])
    assert result.exit_code == 2
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------ many at once


def test_eight_faults_of_the_tables_in_one_error(folder: Folder, tmp_path: Path) -> None:
    (folder / "services.csv").unlink()
    folder.drop_column("radii", "unit")
    folder.add_column("resources", "operating_costs", "1")
    folder.set("facilities", 2, "site", "existig")
    folder.set("populations", 2, "residents", "nan")
    folder.set("populations", 3, "residents", "-1")
    folder.set("stock", 1, "upper", "inf")
    folder.set("requirements", 1, "amount", "one")
    folder.replace("plan.toml", '"amount"', '"amunt"')
    wanted = [
        ("facilities", 2, "site", "existig"),
        ("plan", 0, "icu: kind", "amunt"),
        ("populations", 2, "residents", "nan"),
        ("populations", 3, "residents", "-1"),
        ("radii", 0, "unit", ""),
        ("requirements", 1, "amount", "one"),
        ("resources", 0, "operating_costs", ""),
        ("services.csv", 0, "", ""),
        ("stock", 1, "upper", "inf"),
    ]
    assert places(problems_of(folder)) == wanted
    result = CliRunner().invoke(app, ["solve", str(folder.path), "-o", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "9 problems" in result.stderr
    assert len(re.findall(r"^  - ", result.stderr, flags=re.M)) == 9
    assert not (tmp_path / "out").exists()


def test_eight_faults_of_different_sorts_in_one_error(folder: Folder) -> None:
    """A range, a word, a reference, a tree, a limit, a point, a clause and a check."""
    folder.set("populations", 2, "residents", "-1")
    folder.set("radii", 1, "unit", "minutes")
    folder.set("proposals", 1, "facility_id", "citty")
    folder.set("resources", 4, "parent_id", "nurse")
    folder.set("stock", 11, "lower", "11")
    folder.swap("facilities", 2)
    folder.replace("plan.toml", 'resource = "icu_bed"', 'resource = "icu_beds"')
    folder.replace("plan.toml", 'sum = ["beds"]', 'sum = ["bedz"]')
    found = {(p.table, p.row, p.column) for p in problems_of(folder)}
    assert found == {
        ("populations", 2, "residents"),
        ("radii", 1, "unit"),
        ("proposals", 1, "facility_id"),
        ("resources", 4, "parent_id"),
        ("stock", 11, "lower"),
        ("facilities", 2, "longitude, latitude"),
        ("plan", None, "icu: resource"),
        ("plan", None, "check rate"),
    }


def test_a_duplicate_and_a_wrong_number_in_one_table(folder: Folder) -> None:
    folder.set("stock", 1, "existing", "-1")
    folder.add_row("stock", facility_id="city", resource_id="nurse", existing="1")
    assert places(problems_of(folder)) == [
        ("stock", 1, "existing", "-1"),
        ("stock", 19, "facility_id + resource_id", "city, nurse"),
    ]


def test_all_problems_of_the_plan_at_once(folder: Folder) -> None:
    folder.replace("plan.toml", "at_least = 4.2", "at_least = 4.2\nequals = 5")
    folder.replace("plan.toml", 'resource = "icu_bed"', 'resource = "icu_beds"')
    folder.replace("plan.toml", '{ ownership = "social" }', '{ ownership = "private" }')
    folder.replace("plan.toml", 'facility_id = "city"', 'facility_id = "citi"')
    folder.replace("plan.toml", 'sum = ["beds"]', 'sum = ["bedz"]')
    assert places(problems_of(folder)) == [
        ("plan", 0, "beds: target", ""),
        ("plan", 0, "check rate", "bedz"),
        ("plan", 0, "city: facility_id", "citi"),
        ("plan", 0, "icu: resource", "icu_beds"),
        ("plan", 0, "social: part_scope.ownership", "private"),
    ]


# ------------------------------------------------------------------ what a person sees


def test_row_numbers_count_blank_lines(folder: Folder) -> None:
    """The row a person looks for is the one that a spreadsheet shows, one below the header."""
    text = folder.text("populations.csv")
    header, first, *rest = text.splitlines()
    folder.write_text("populations.csv", "\n".join([header, first, "", "", *rest]) + "\n")
    folder.set("populations", 4, "residents", "-1")
    assert places(problems_of(folder)) == [("populations", 4, "residents", "-1")]


def test_a_message_states_place_value_and_what_is_allowed(folder: Folder) -> None:
    folder.set("resources", 3, "availability", "1.2")
    (problem,) = problems_of(folder)
    assert str(problem) == (
        "resources, row 3, column availability: '1.2' is out of range: "
        "expected a finite number > 0 <= 1"
    )


@pytest.mark.parametrize(
    ("old", "new", "column", "value", "says"),
    [
        ("detour_factor = 1.0", "detour_factor = 0.5", "detour_factor", "0.5", "1"),
        ("urban = 30.0", "urban = 0.0", "speed_km_per_h.urban", "0.0", "0"),
        ('"great_circle"', '"great_circel"', "travel", "great_circel", "great_circle"),
        ("detour_factor = 1.0", "detour_facter = 1.0", "detour_facter", "", "mean detour_factor?"),
        ("gap = 0.0", "gapp = 0.0", "gapp", "", "did you mean gap?"),
    ],
)  # fmt: skip
def test_settings_of_travel_and_solve(
    folder: Folder, old: str, new: str, column: str, value: str, says: str
) -> None:
    folder.replace("scenario.toml", old, new)
    (problem,) = problems_of(folder)
    assert problem.table == "scenario.toml"
    assert column in problem.column
    assert value in problem.value
    assert says in str(problem)


def test_a_speed_for_each_area_class(folder: Folder) -> None:
    folder.replace("scenario.toml", "rural = 60.0\n", "")
    result = CliRunner().invoke(app, ["solve", str(folder.path), "-o", str(folder / "../out")])
    assert result.exit_code == 2
    assert "'rural'" in result.stderr
    assert not (folder / "../out").exists()


def test_a_radius_for_each_area_class(folder: Folder) -> None:
    folder.replace("radii.csv", "visit,rural,20,km,made up\n", "")
    result = CliRunner().invoke(app, ["solve", str(folder.path), "-o", str(folder / "../out")])
    assert result.exit_code == 2
    assert "'visit'" in result.stderr
    assert "'rural'" in result.stderr
    assert not (folder / "../out").exists()


@pytest.mark.parametrize(
    "table",
    ["facilities", "populations", "resources", "stock", "services", "radii", "demand",
     "requirements"],
)  # fmt: skip
def test_a_table_of_no_rows_is_an_error(folder: Folder, table: str) -> None:
    folder.write_cells(table, folder.cells(table)[:1])
    with pytest.raises(ha.DataError):
        ha.formulate(ha.read_scenario(folder.path))


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_line_ends_of_other_systems(folder: Folder, newline: str) -> None:
    text = folder.text("stock.csv").replace("\n", newline)
    (folder / "stock.csv").write_bytes(text.encode())
    assert len(ha.read_scenario(folder.path).stock) == 18


def test_a_byte_order_mark_does_no_harm(folder: Folder) -> None:
    folder.recode("stock.csv", "utf-8-sig")
    folder.recode("plan.toml", "utf-8-sig")
    assert len(ha.read_scenario(folder.path).stock) == 18


@pytest.mark.parametrize("word", ["NA", "null", "None", "nan", "TRUE", "007", "1e3", "-", "+"])
def test_words_that_look_like_something_else_stay_words(folder: Folder, word: str) -> None:
    folder.set("facilities", 1, "name", word)
    assert ha.read_scenario(folder.path).facilities["name"].iat[0] == word


def test_options_of_the_command(folder: Folder, tmp_path: Path) -> None:
    target = ["-o", str(tmp_path / "out")]
    for options, words in (
        (["--audit-only", "bedz"], "bedz"),
        (["--solver", "simplex"], "simplex"),
        (["--solver", "pulp:NOBODY"], "NOBODY"),
        (["--gap", "-1"], "gap"),
        (["--gap", "nan"], "gap"),
        (["--time-limit", "0"], "0"),
    ):
        result = CliRunner().invoke(app, ["solve", str(folder.path), *target, *options])
        assert result.exit_code == 2, options
        assert words in result.stderr
        assert isinstance(result.exception, SystemExit)
    assert not (tmp_path / "out").exists()


# ------------------------------------------------------------------ the same from DataFrames


def refused(**changes: Any) -> tuple[ha.Problem, ...]:
    with pytest.raises(ha.DataError) as caught:
        region(**changes)
    return caught.value.problems


def with_cell(frame: pd.DataFrame, row: int, column: str, value: Any) -> pd.DataFrame:
    """A copy with one cell changed, the column's type kept where it can be."""
    changed = frame.copy()
    if not isinstance(value, float | int):
        changed[column] = changed[column].astype(object)
    changed.loc[row - 1, column] = value
    return changed


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (math.nan, "empty"),
        (None, "empty"),
        (pd.NA, "empty"),
        (pd.NaT, "empty"),
        (math.inf, "infinite"),
        (-math.inf, "infinite"),
        (-1.0, "out of range"),
        ("many", "not a number"),
        ("", "empty"),
    ],
)
def test_residents_of_a_frame(value: Any, words: str) -> None:
    frame = POPULATIONS.astype({"residents": float})
    (problem,) = refused(populations=with_cell(frame, 2, "residents", value))
    assert (problem.table, problem.row, problem.column) == ("populations", 2, "residents")
    assert words in str(problem)
    assert ">= 0" in str(problem)


@pytest.mark.parametrize("value", [None, math.nan, pd.NA, "", "  "])
def test_an_empty_name_of_a_frame(value: Any) -> None:
    (problem,) = refused(
        facilities=with_cell(FACILITIES.astype({"name": object}), 3, "name", value)
    )
    assert (problem.table, problem.row, problem.column) == ("facilities", 3, "name")
    assert "is empty" in str(problem)


@pytest.mark.parametrize(
    "dtype", [np.int8, np.int64, np.uint16, np.float32, "Int64", "Float64", "string", object]
)
def test_numbers_of_any_type(dtype: Any) -> None:
    frame = POPULATIONS.assign(residents=[60, 30, 10]).astype({"residents": dtype})
    made = region(populations=frame)
    assert made.populations["residents"].dtype == np.float64
    assert made.populations["residents"].tolist() == [60.0, 30.0, 10.0]


def test_an_absent_number_of_a_nullable_type() -> None:
    frame = STOCK.astype({"upper": "Float64", "existing": "Int64"})
    assert frame["upper"].isna().any()
    pd.testing.assert_frame_equal(region(stock=frame).stock, region().stock)


def test_frames_of_nullable_types() -> None:
    """What ``convert_dtypes`` or a database hands over."""
    frame = with_cell(FACILITIES.assign(area="west"), 1, "area", None).convert_dtypes()
    assert frame["area"].isna().any()
    assert region(facilities=frame).facilities["area"].tolist() == ["", "west", "west", "west"]


@pytest.mark.parametrize("value", [True, pd.Timestamp("2020-01-01"), 1j, [1], {"a": 1}])
def test_cells_that_are_no_numbers(value: Any) -> None:
    frame = POPULATIONS.astype({"residents": object})
    frame.at[1, "residents"] = value
    (problem,) = refused(populations=frame)
    assert (problem.table, problem.row, problem.column) == ("populations", 2, "residents")


@pytest.mark.parametrize("dtype", [bool, complex])
def test_columns_that_are_no_numbers(dtype: type) -> None:
    problems = refused(populations=POPULATIONS.astype({"residents": dtype}))
    assert {(p.table, p.column) for p in problems} == {("populations", "residents")}


def test_a_wrong_type_is_named_in_every_row() -> None:
    problems = refused(stock=STOCK.assign(existing="none"))
    assert [(p.table, p.row, p.column, p.value) for p in problems] == [
        ("stock", row, "existing", "none") for row in range(1, 19)
    ]


def test_a_frame_needs_a_source() -> None:
    (problem,) = refused(services=SERVICES.drop(columns="source"))
    assert (problem.table, problem.row, problem.column) == ("services", None, "source")
    assert "missing column" in str(problem)


def test_a_column_twice_in_a_frame() -> None:
    frame = pd.concat([STOCK, STOCK[["upper"]]], axis=1)
    (problem,) = refused(stock=frame)
    assert (problem.table, problem.column) == ("stock", "upper")


def test_rows_are_counted_not_labelled() -> None:
    frame = with_cell(POPULATIONS, 2, "residents", -1).set_axis([7, 7, 9])
    (problem,) = refused(populations=frame)
    assert problem.row == 2


def test_the_frame_given_is_not_changed() -> None:
    frame = RESOURCES.assign(name=" padded ")
    before = frame.copy()
    assert set(region(resources=frame).resources["name"]) == {"padded"}
    pd.testing.assert_frame_equal(frame, before)


def test_ids_that_are_numbers_become_text() -> None:
    facilities = FACILITIES.assign(facility_id=[1, 2, 3, 4])
    stock = STOCK.assign(
        facility_id=STOCK["facility_id"].map(dict(zip(FACILITIES["facility_id"], [1, 2, 3, 4])))
    )
    assert region(facilities=facilities, stock=stock).stock["facility_id"].iat[0] == "1"


def test_settings_of_python_are_checked() -> None:
    (problem,) = refused(settings=settings(discount_rate=1.5))
    assert (problem.table, problem.column, problem.value) == ("settings", "discount_rate", "1.5")
    (problem,) = refused(settings=settings(value_of_travel_cny_per_hour=math.nan))
    assert problem.column == "value_of_travel_cny_per_hour"


def test_clauses_of_python_are_checked() -> None:
    bad = clause("amount", resource="bed", at_least=math.nan)
    with pytest.raises(ha.PlanError) as caught:
        region(clauses=[bad])
    assert [p.column for p in caught.value.problems] == ["amount: at_least"]
    bad = clause("amount", resource="bed", at_least=-1.0)
    with pytest.raises(ha.PlanError, match="greater than or equal to 0"):
        region(clauses=[bad])
    with pytest.raises(ha.PlanError, match="no facility matches"):
        region(
            clauses=[
                clause(
                    "facility_count", at_least=0, scope={"ownership": "social", "level": "tertiary"}
                )
            ]
        )


def test_a_matrix_or_graph_is_needed_where_travel_says_so() -> None:
    matrix = ha.TravelMatrix(layout="long", unit="min")
    (problem,) = refused(settings=settings(travel=matrix))
    assert problem.table == "travel"
    assert "missing" in str(problem)
    (problem,) = refused(settings=settings(travel=ha.RoadGraph()))
    assert problem.table == "roads"
    assert "missing" in str(problem)


def test_points_may_be_left_out_of_a_matrix_scenario() -> None:
    pairs = [(p, f, 10.0) for p in POPULATIONS["population_id"] for f in FACILITIES["facility_id"]]
    travel = pd.DataFrame(pairs, columns=["population_id", "facility_id", "travel"])
    made = region(
        settings=settings(travel=ha.TravelMatrix(layout="long", unit="km")),
        travel=travel,
        facilities=edit(FACILITIES, longitude=math.nan, latitude=math.nan),
        populations=edit(POPULATIONS, longitude=math.nan, latitude=math.nan),
    )
    assert made.facilities["longitude"].isna().all()
