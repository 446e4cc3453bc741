"""The certificate bundle: what is true verifies, and whatever is changed in it fails."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array
from typer.testing import CliRunner

import healthalloc as ha
import healthalloc.cli.verify  # registers the commands
from healthalloc.bundle import (
    HEADERS,
    LABELS,
    MANIFEST,
    MEMBERS,
    bundle_path,
    json_text,
    write_bundle,
)
from healthalloc.cli.app import app
from healthalloc.explain.what_if import WhatIf
from healthalloc.mps import read_mps, write_mps
from healthalloc.verification import Verification, reader, verify
from tests.examples import examples
from tests.properties.scenarios import scenarios
from tests.region import clause, region

WEST = Path(__file__).parents[1] / "examples" / "panzhihua_west"
CLAUSES = [
    clause("amount", id="beds", resource="bed", at_least=45),
    clause("resource_share", id="icu", resource="icu_bed", of_resource="bed", at_least=7),
    clause(
        "ratio_between_resources", id="doctors", resource="doctor", per_resource="nurse",
        at_least=0.3, at_most=0.9,
    ),
    clause("per_facility_minimum", id="each", resource="doctor", at_least=1),
    clause(
        "coverage", id="reach", resource="doctor", radius=15, radius_unit="min", at_least=60
    ),
    clause("amount", id="measured", resource="nurse", at_least=999, treatment="audit"),
]  # fmt: skip
Edit = Callable[[dict[str, bytes]], None]


def bundled(tmp_path: Path, scenario: ha.Scenario, folder: Path | None = None) -> Path:
    solution = ha.solve(scenario).require_optimal()
    return write_bundle(solution, tmp_path / "made.zip", folder)


@pytest.fixture(scope="module", params=[True, False], ids=["whole units", "fractions"])
def good(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    scenario = region(clauses=CLAUSES, whole_units=request.param)
    if not request.param:  # no choice of sites either: a linear program
        facilities = scenario.facilities.assign(site="existing")
        scenario = scenario.replace(facilities=facilities)
    return bundled(tmp_path_factory.mktemp("bundle"), scenario)


def contents(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(file: Path, members: dict[str, bytes], *, recompute: bool) -> Path:
    """Write members as a bundle, with the manifest as it was or as a forger would make it."""
    members = dict(members)
    if recompute:
        manifest = json.loads(members[MANIFEST])
        manifest["members"] = {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in members.items() if name != MANIFEST
        }  # fmt: skip
        members[MANIFEST] = json_text(manifest).encode()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file


def failed(found: Verification) -> dict[str, str]:
    return {check.name: check.detail for check in found.checks if not check.passed}


def table(members: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(members[name].decode())))


def put(members: dict[str, bytes], name: str, rows: list[dict[str, str]]) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADERS[name], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    members[name] = out.getvalue().encode()


def cell(name: str, column: str, change: Callable[[float], float], where: str = "") -> Edit:
    """Change the number in one cell: of the row whose key or clause is given, or the largest."""

    def edit(members: dict[str, bytes]) -> None:
        rows = table(members, name)
        chosen = [r for r in rows if where in (*list(r.values())[:2],)] if where else rows
        finite = [r for r in chosen if np.isfinite(float(r[column]))]
        row = max(finite, key=lambda r: abs(float(r[column])))
        row[column] = repr(change(float(row[column])))
        put(members, name, rows)

    return edit


def fact(*path: str, value: Any = None, change: Callable[[float], float] | None = None) -> Edit:
    def edit(members: dict[str, bytes]) -> None:
        run = json.loads(members["run.json"])
        place = run
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value if change is None else change(place[path[-1]])
        members["run.json"] = json_text(run).encode()

    return edit


def program(change: Callable[[ha.LinearProgram], ha.LinearProgram]) -> Edit:
    def edit(members: dict[str, bytes]) -> None:
        text = write_mps(change(read_mps(members["program.mps"].decode())))
        assert text.encode() != members["program.mps"]
        members["program.mps"] = text.encode()

    return edit


def clause_row(members: dict[str, bytes], name: str) -> int:
    return next(int(r["row"][1:]) for r in table(members, "clauses.csv") if r["clause_id"] == name)


def of_clause(
    name: str, change: Callable[[ha.LinearProgram, int], ha.LinearProgram]
) -> Edit:  # fmt: skip
    """Change the program at the row of a clause."""

    def edit(members: dict[str, bytes]) -> None:
        row = clause_row(members, name)
        program(lambda p: change(p, row))(members)

    return edit


def lower_side(p: ha.LinearProgram, row: int) -> ha.LinearProgram:
    lower = p.row_lower.copy()
    lower[row] -= 1.0
    return replace(p, row_lower=lower)


def coefficient(p: ha.LinearProgram, row: int) -> ha.LinearProgram:
    lines = p.matrix.tolil()
    column = lines.rows[row][0]
    lines[row, column] = lines[row, column] * 1.001
    return replace(p, matrix=csc_array(lines))


def cheaper(p: ha.LinearProgram) -> ha.LinearProgram:
    return replace(p, cost=p.cost * 0.99)


def looser(members: dict[str, bytes]) -> None:
    """Loosen the side of a row, no clause, that the relaxation pays most for."""
    duals = [float(r["relaxation"]) for r in table(members, "duals.csv")]
    blocks = [r["block"] for r in table(members, "rows.csv")]
    p = read_mps(members["program.mps"].decode())
    paid = np.array([y if b == "balance" else 0.0 for y, b in zip(duals, blocks)])
    worth = np.nan_to_num(paid * np.where(paid > 0, p.row_lower, 0.0))
    assert worth.max() > 0
    lower = p.row_lower.copy()
    lower[np.argmax(worth)] = 0.0
    members["program.mps"] = write_mps(replace(p, row_lower=lower)).encode()


# --- what is true


def test_a_bundle_verifies(good: Path) -> None:
    found = verify(good)
    assert failed(found) == {}
    assert found.passed
    assert found.status == "optimal"
    assert found.proved_bound <= found.objective + 1e-6 * abs(found.objective)
    names = {check.name for check in found.checks}
    assert {"hashes", "solution: rows", "relaxation: dual bound", "clauses: coefficients"} <= names


def test_members_and_headers_are_as_documented(good: Path) -> None:
    members = contents(good)
    assert set(members) == set(MEMBERS)
    for name, header in HEADERS.items():
        assert members[name].decode().splitlines()[0] == ",".join(header)
    listed = json.loads(members[MANIFEST])["members"]
    assert {n: e["sha256"] for n, e in listed.items()} == {
        n: hashlib.sha256(data).hexdigest() for n, data in members.items() if n != MANIFEST
    }


def test_the_clause_table_of_the_bundle_is_that_of_the_solution(good: Path) -> None:
    members = contents(good)
    solution = ha.solve(
        region(clauses=CLAUSES, whole_units=json.loads(members["run.json"])["proof"]["whole_units"])
    )
    rows = pd.DataFrame(table(members, "clauses.csv"))
    if json.loads(members["run.json"])["proof"]["whole_units"]:
        mine = rows.assign(price=rows["price_cny_a_year"].astype(float)).groupby(
            ["clause_id", "facility_id"]
        )["price"].sum()  # fmt: skip
        theirs = solution.clause_rows[solution.clause_rows["treatment"] == "enforce"]
        for row in theirs.itertuples():
            assert mine[row.clause_id, row.facility_id] == pytest.approx(
                row.price_cny_a_year, abs=1e-6
            )
    assert "measured" not in rows["clause_id"].tolist()  # it is no row of the program


def test_the_same_answer_makes_the_same_members(tmp_path: Path) -> None:
    solution = ha.solve(region(clauses=CLAUSES))
    one = contents(write_bundle(solution, tmp_path / "a.zip"))
    other = contents(write_bundle(solution, tmp_path / "b.zip"))
    assert one == other


@settings(max_examples=examples(25))
@given(scenarios())
def test_any_solution_makes_a_bundle_that_verifies(
    tmp_path_factory: pytest.TempPathFactory, scenario: ha.Scenario
) -> None:
    solution = ha.solve(scenario)
    assume(solution.status is ha.Status.OPTIMAL)
    file = write_bundle(solution, tmp_path_factory.getbasetemp() / "any.zip")
    assert failed(verify(file)) == {}


def test_a_what_if_answer_makes_a_bundle(tmp_path: Path) -> None:
    what_if = WhatIf(region(clauses=CLAUSES, whole_units=False))
    what_if.solve()
    what_if.drop("doctors")  # its rows stay in the program, free
    what_if.set("beds", 47)
    what_if.close("private")
    found = verify(write_bundle(what_if.solve(), tmp_path / "made.zip"))
    assert failed(found) == {}


def test_a_scenario_without_clauses(tmp_path: Path) -> None:
    assert failed(verify(bundled(tmp_path, region()))) == {}


def test_an_infeasible_plan_has_nothing_to_prove(tmp_path: Path) -> None:
    impossible = clause("amount", resource="icu_bed", at_least=1, at_most=0.5)
    with pytest.raises(ha.PlanError):
        region(clauses=[impossible])
    crowded = clause("facility_target", facility_id="annex", resource="nurse", at_least=6)
    solution = ha.solve(region(clauses=[crowded]))
    with pytest.raises(ha.NoSolutionError, match="nothing to prove"):
        write_bundle(solution, tmp_path / "made.zip")
    assert list(tmp_path.iterdir()) == []


# --- what was tampered with

TAMPERED: dict[str, tuple[Edit, str, str]] = {
    # what is changed, the check that fails even if the hashes are forged, words of its detail
    "x": (cell("solution.csv", "value", lambda v: v + 1.0), "solution: ", ""),
    "x slightly": (cell("solution.csv", "value", lambda v: v * (1 + 1e-4)), "solution: ", ""),
    "x of relaxation": (
        cell("solution.csv", "relaxation", lambda v: v * 1.01), "relaxation: ", "",
    ),
    "x of prices": (cell("solution.csv", "priced", lambda v: v * 1.01), "prices: ", ""),
    "dual of relaxation": (cell("duals.csv", "relaxation", lambda v: v * 1.01), "relaxation", ""),
    "dual of prices": (cell("duals.csv", "priced", lambda v: v * 1.01), "prices: ", ""),
    "dual sign": (cell("duals.csv", "relaxation", lambda v: -v), "relaxation: ", ""),
    "cost in the program": (program(cheaper), "solution: cost", "recomputed"),
    "constant": (
        program(lambda p: replace(p, offset=p.offset - 10.0)), "solution: cost", "recomputed",
    ),
    "side of a clause": (of_clause("beds", lower_side), "clauses: target, low", "clause beds"),
    "coefficient of a clause": (of_clause("icu", coefficient), "clauses: coeff", "clause icu"),
    "coefficient of a ratio": (
        of_clause("doctors", coefficient), "clauses: coefficients", "clause doctors",
    ),
    "balance": (looser, "relaxation: ", ""),
    "whole numbers": (
        program(lambda p: replace(p, integer=~p.integer)), "program: size", "run.json",
    ),
    "target": (
        cell("clauses.csv", "low", lambda v: v - 1.0, "beds"), "clauses: target", "clause beds",
    ),
    "target in coefficients": (
        cell("clauses.csv", "low", lambda v: v - 1.0, "icu"), "clauses: coeff", "clause icu",
    ),
    "achieved": (
        cell("clauses.csv", "achieved", lambda v: v + 0.5, "beds"), "clauses: achieved", "beds",
    ),
    "price": (
        cell("clauses.csv", "price_cny_a_year", lambda v: v + 5.0, "beds"), "clauses: prices",
        "beds",
    ),
    "denominator": (
        cell("measures.csv", "coefficient", lambda v: v * 2), "clauses: coeff", "clause",
    ),
    "objective said": (
        fact("objective_cny_a_year", change=lambda v: v * 0.999), "solution: cost", "",
    ),
    "bound said": (fact("bound_cny_a_year", change=lambda v: v * 1.5), "claim: bound", ""),
    "gap said": (fact("gap", value=0.37), "claim: gap", "says 0.37"),
    "objective certified": (
        fact("certificate", "objective", change=lambda v: v - 1.0), "claim: certificate", "",
    ),
    "relaxation said": (
        fact("proof", "relaxation_cny_a_year", change=lambda v: v * 1.001), "relaxation: cost", "",
    ),
    "prices said": (
        fact("proof", "priced_cny_a_year", change=lambda v: v * 1.001), "prices: cost", "",
    ),
    "rows counted": (fact("program", "rows", change=lambda v: v + 1), "program: size", ""),
    "status": (fact("status", value="perfect"), "claim: status", "perfect"),
    "source of the bound": (
        fact("certificate", "bound_source", value="a friend"), "claim: certificate bound", "friend",
    ),
    "residual certified": (
        fact("certificate", "primal", value=0.1), "claim: certificate primal", "says 0.1",
    ),
    "wholeness certified": (
        fact("certificate", "integrality", value=0.3), "claim: certificate integ", "says 0.3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TAMPERED)
def test_a_changed_number_fails_by_its_hash(case: str, good: Path, tmp_path: Path) -> None:
    members = contents(good)
    before = dict(members)
    TAMPERED[case][0](members)
    changed = [name for name in members if members[name] != before[name]]
    assert len(changed) == 1
    found = verify(pack(tmp_path / "t.zip", members, recompute=False))
    assert not found.passed
    assert failed(found)["hashes"] == changed[0]


@pytest.mark.parametrize("case", TAMPERED)
def test_what_is_false_fails_though_the_hashes_are_forged(
    case: str, good: Path, tmp_path: Path
) -> None:
    edit, check, words = TAMPERED[case]
    members = contents(good)
    edit(members)
    found = failed(verify(pack(tmp_path / "t.zip", members, recompute=True)))
    assert not {"hashes", "text"} & set(found)
    matching = {name: detail for name, detail in found.items() if name.startswith(check)}
    assert matching, found
    assert any(words in detail for detail in matching.values()), found


def without_last(name: str) -> Edit:
    return lambda members: put(members, name, table(members, name)[:-1])


def lower_bound(factor: float) -> Edit:
    """A lower bound and the gap to match."""

    def edit(members: dict[str, bytes]) -> None:
        run = json.loads(members["run.json"])
        cost, bound = run["objective_cny_a_year"], factor * run["bound_cny_a_year"]
        for path, value in (
            (("bound_cny_a_year",), bound), (("certificate", "bound"), bound),
            (("gap",), (cost - bound) / cost),
        ):  # fmt: skip
            fact(*path, value=value)(members)

    return edit


def everywhere(name: str, column: str, change: Callable[[float], float]) -> Edit:
    def edit(members: dict[str, bytes]) -> None:
        rows = table(members, name)
        for row in rows:
            row[column] = repr(change(float(row[column])))
        put(members, name, rows)

    return edit


FURTHER: list[Edit] = [
    *(
        everywhere("solution.csv", column, change)
        for column in ("value", "relaxation", "priced")
        for change in (lambda v: v - 5.0, lambda v: v + 0.3)
    ),
    *(
        everywhere("duals.csv", column, change)
        for column in ("relaxation", "priced")
        for change in (lambda v: -v, lambda v: v + 1e4)
    ),
    *(without_last(name) for name in ("rows.csv", "columns.csv", "clauses.csv")),
    lambda m: put(m, "measures.csv", [r | {"part": "x"} for r in table(m, "measures.csv")]),
    lambda m: put(m, "clauses.csv", [r | {"area_id": "x"} for r in table(m, "clauses.csv")]),
    everywhere("clauses.csv", "high", lambda v: v + 1.0 if np.isfinite(v) else 5.0),
    *(fact("certificate", word, value=0.37) for word in ("bound", "gap", "gap_of_terms", "dual")),
    fact("certificate", "complementarity", value=0.37),
    lower_bound(0.9),
    lambda members: members.update({"run.json": members["run.json"].rstrip()}),
]


def test_every_check_can_fail(good: Path, tmp_path: Path) -> None:
    made = {check.name for check in verify(good).checks}
    seen: set[str] = set()
    for edit in (*(edit for edit, *_ in TAMPERED.values()), *FURTHER):
        members = contents(good)
        edit(members)
        seen |= failed(verify(pack(tmp_path / "t.zip", members, recompute=True))).keys()
    assert made - seen == {"hashes"}  # which are forged with the rest


def test_a_forged_allocation_names_the_clause_it_breaks(good: Path, tmp_path: Path) -> None:
    """Fewer beds and the cost to match: cheaper, and the clause on beds is not met."""
    members = contents(good)
    linear = read_mps(members["program.mps"].decode())
    rows = table(members, "solution.csv")
    labels = table(members, "columns.csv")
    x = np.array([float(r["value"]) for r in rows])
    place = {(r["block"], r["facility_id"], r["resource_id"]): k for k, r in enumerate(labels)}
    beds = [f for b, f, r in place if (b, r) == ("stock", "general_bed")]
    facility = max(beds, key=lambda f: x[place["add", f, "general_bed"]])
    gone = min(x[place["add", facility, "general_bed"]], 3.0)
    assert gone > 0
    x[place["stock", facility, "general_bed"]] -= gone
    x[place["add", facility, "general_bed"]] -= gone
    for row, value in zip(rows, x.tolist()):
        row["value"] = repr(value)
    put(members, "solution.csv", rows)
    cost = float(linear.cost @ x) + linear.offset
    fact("objective_cny_a_year", value=cost)(members)
    fact("certificate", "objective", value=cost)(members)
    found = failed(verify(pack(tmp_path / "t.zip", members, recompute=True)))
    assert "clause beds" in found["clauses: met"]
    assert "clause beds" in found["solution: rows"]
    assert "claim: bound" in found  # cheaper than the bound it claims


def test_a_clause_hidden_from_the_table_is_missed(good: Path, tmp_path: Path) -> None:
    members = contents(good)
    put(
        members, "clauses.csv",
        [r for r in table(members, "clauses.csv") if r["clause_id"] != "beds"],
    )  # fmt: skip
    found = failed(verify(pack(tmp_path / "t.zip", members, recompute=True)))
    assert "beds" in found["clauses: every row said once"]


@pytest.mark.parametrize("word", ["dual", "complementarity"])
def test_a_residual_of_duals_is_small_and_said_where_there_are_duals(
    word: str, good: Path, tmp_path: Path
) -> None:
    members = contents(good)
    is_linear = json.loads(members["run.json"])["certificate"]["bound_source"] == "dual"
    fact("certificate", word, value=0.1 if is_linear else 0.0)(members)
    found = failed(verify(pack(tmp_path / "t.zip", members, recompute=True)))
    assert list(found) == [f"claim: certificate {word}"]


def test_a_row_of_a_clause_is_labelled_as_one(good: Path, tmp_path: Path) -> None:
    members = contents(good)
    row = clause_row(members, "beds")
    rows = table(members, "rows.csv")
    rows[row]["block"] = "balance"
    put(members, "rows.csv", rows)
    found = failed(verify(pack(tmp_path / "t.zip", members, recompute=True)))
    assert found == {"clauses: labels": "beds"}


def test_a_bound_said_to_be_proved_must_be(tmp_path: Path) -> None:
    """With whole units the duals prove less than the solver says: it cannot be called proved."""
    members = contents(bundled(tmp_path, region(clauses=CLAUSES)))
    fact("certificate", "bound_source", value="relaxation")(members)
    verified = verify(pack(tmp_path / "t.zip", members, recompute=True))
    said = json.loads(members["run.json"])["bound_cny_a_year"]
    assert said > verified.proved_bound + 1.0
    assert "solver's word" in failed(verified)["claim: bound"]


def test_a_clause_said_twice_or_under_another_name_fails(good: Path, tmp_path: Path) -> None:
    members = contents(good)
    rows = table(members, "clauses.csv")
    put(members, "clauses.csv", [*rows, rows[0]])
    found = failed(verify(pack(tmp_path / "t.zip", members, recompute=True)))
    assert "clauses: every row said once" in found
    moved = [rows[0] | {"facility_id": "elsewhere"}, *rows[1:]]
    put(members, "clauses.csv", moved)
    found = failed(verify(pack(tmp_path / "t.zip", members, recompute=True)))
    assert rows[0]["clause_id"] in found["clauses: labels"]
    rows[0]["clause_id"] = "another"
    put(members, "clauses.csv", rows)
    found = failed(verify(pack(tmp_path / "t.zip", members, recompute=True)))
    assert "another" in found["clauses: labels"]


@pytest.mark.parametrize("name", ["solution.csv", "duals.csv", "rows.csv", "columns.csv"])
def test_a_value_left_out_or_given_twice_fails(name: str, good: Path, tmp_path: Path) -> None:
    for rows in (
        lambda all_rows: all_rows[:-1], lambda all_rows: [*all_rows, all_rows[0]],
    ):  # fmt: skip
        members = contents(good)
        put(members, name, rows(table(members, name)))
        assert not verify(pack(tmp_path / "t.zip", members, recompute=True)).passed


def test_numbers_beyond_all_measure_fail_without_a_warning(good: Path, tmp_path: Path) -> None:
    members = contents(good)
    cell("solution.csv", "value", lambda v: 1e308)(members)
    cell("duals.csv", "relaxation", lambda v: -1e308)(members)
    assert not verify(pack(tmp_path / "t.zip", members, recompute=True)).passed


# --- what another reader may read in another way


def once(old: bytes, new: bytes) -> Edit:
    def edit(members: dict[str, bytes]) -> None:
        for name, data in members.items():
            if name != MANIFEST and old in data:
                members[name] = data.replace(old, new, 1)
                return
        raise AssertionError(old)

    return edit


def unbounded(members: dict[str, bytes]) -> None:
    """HiGHS takes a whole column without an upper bound for one of 0 or 1."""
    p = read_mps(members["program.mps"].decode())
    open_ended = np.flatnonzero(np.isinf(p.column_upper))
    members["program.mps"] = members["program.mps"].replace(
        f" PL bound c{open_ended[-1]}\n".encode(), b"", 1
    )


TWO_WAYS: dict[str, Edit] = {
    "a comment": once(b"\nROWS\n", b"\n* the rows\nROWS\n"),
    "rows by other names": lambda m: m.update(
        {"program.mps": m["program.mps"].replace(b" r0\n", b" rx\n").replace(b" r0 ", b" rx ")}
    ),
    "an underscore": once(b" 1.0\n", b" 0_1.0\n"),
    "a bound left out": unbounded,
    "a section twice": once(b"\nBOUNDS\n", b"\nRANGES\nBOUNDS\n"),
    "quotes": once(b"\nr0,", b'\n"r0",'),
    "line ends": lambda m: m.update({"rows.csv": m["rows.csv"].replace(b"\n", b"\r\n")}),
    "a key twice": once(b'{\n  "scenario"', b'{\n  "status": "infeasible",\n  "scenario"'),
}  # fmt: skip


@pytest.mark.parametrize("case", TWO_WAYS)
def test_what_can_be_read_in_two_ways_fails(case: str, good: Path, tmp_path: Path) -> None:
    members = contents(good)
    TWO_WAYS[case](members)
    changed = [n for n, data in contents(good).items() if members[n] != data]
    assert len(changed) == 1
    found = failed(verify(pack(tmp_path / "t.zip", members, recompute=True)))
    assert found == {"text": changed[0]}


def test_lines_of_unicode_are_lines_here_only(good: Path, tmp_path: Path) -> None:
    members = contents(good)
    once(b"\nRHS\n", "\n* x\u2028 rhs r0 1.0\nRHS\n".encode())(members)
    found = failed(verify(pack(tmp_path / "t.zip", members, recompute=True)))
    assert found["text"] == "program.mps"


@pytest.mark.parametrize("digits", ["1_0.0", "１.0", " 1.0", "1", "1e0", "+1.0", "infinity"])
def test_a_number_is_written_in_one_way(digits: str, good: Path, tmp_path: Path) -> None:
    members = contents(good)
    rows = table(members, "clauses.csv")
    rows[0]["high"] = digits
    put(members, "clauses.csv", rows)
    with pytest.raises(ha.DataError, match=r"clauses.csv: column high, row 1: .* is not written"):
        verify(pack(tmp_path / "t.zip", members, recompute=True))


def test_a_strange_name_cannot_move_the_cursor(good: Path, tmp_path: Path) -> None:
    for edit in (
        fact("scenario", value="\x1b[2JVerified\u202e"),
        fact("status", value="\x1b[2J"),
        lambda m: m.update({"\x1b[2J.csv": b""}),
        lambda m: put(
            m, "clauses.csv", [r | {"clause_id": "\x1b[2J"} for r in table(m, "clauses.csv")]
        ),
    ):  # fmt: skip
        members = contents(good)
        edit(members)
        result = run("verify", pack(tmp_path / "t.zip", members, recompute=True))
        assert result.exit_code in (0, 1, 2)
        assert "\\x1b[2J" in result.output
        assert not {"\x1b", "\u202e"} & set(result.output)


# --- what cannot be read


def raw(file: Path, names: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in names.items():
            archive.writestr(name, data)
    return file


@pytest.mark.parametrize("name", MEMBERS)
def test_a_missing_member_cannot_be_read(name: str, good: Path, tmp_path: Path) -> None:
    members = contents(good)
    del members[name]
    with pytest.raises(ha.DataError, match=f"{name}: missing from the bundle"):
        verify(raw(tmp_path / "t.zip", members))


@pytest.mark.parametrize(
    "name", ["../evil.csv", "/etc/evil", "a/b.csv", "..\\evil.csv", "C:\\evil", "extra.csv"]
)
def test_a_member_that_is_no_part_is_refused_and_nothing_unpacked(
    name: str, good: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    file = pack(tmp_path / "in" / "t.zip", contents(good) | {name: b"x"}, recompute=True)
    with pytest.raises(ha.DataError, match="no member of a bundle; nothing was unpacked"):
        verify(file)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["t.zip"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_stands_twice_is_refused(good: Path, tmp_path: Path) -> None:
    file = shutil.copy(good, tmp_path / "t.zip")
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("solution.csv", b"column,value\n")
    with pytest.raises(ha.DataError, match=r"solution.csv: stands twice"):
        verify(file)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_cannot_be_read(share: float, good: Path, tmp_path: Path) -> None:
    data = good.read_bytes()
    (tmp_path / "t.zip").write_bytes(data[: int(share * len(data))])
    with pytest.raises(ha.DataError, match="damaged or no zip"):
        verify(tmp_path / "t.zip")


def test_flipped_bytes_never_verify(good: Path, tmp_path: Path) -> None:
    """Wherever a byte of a member is flipped, the bundle fails or cannot be read."""
    data = good.read_bytes()
    start = data.index(b"MANIFEST.json") + len("MANIFEST.json")
    end = data.index(b"PK\x01\x02")
    for at in np.linspace(start + 40, end - 1, 25, dtype=int).tolist():
        spoiled = bytearray(data)
        spoiled[at] ^= 0x55
        (tmp_path / "t.zip").write_bytes(spoiled)
        try:
            passed = verify(tmp_path / "t.zip").passed
        except ha.DataError:
            continue
        # a byte of a local header that readers do not use is the only harmless one
        if passed:
            assert contents(tmp_path / "t.zip") == contents(good)


def test_no_file_a_folder_and_some_other_file(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("not a zip")
    for path, words in (
        (tmp_path / "none.zip", "cannot be read"), (tmp_path, "cannot be read"),
        (tmp_path / "text.zip", "no zip"),
    ):  # fmt: skip
        with pytest.raises(ha.DataError, match=words):
            verify(path)


def test_a_zip_bomb_is_refused_unopened(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = contents(good)
    file = pack(tmp_path / "t.zip", members | {"program.mps": b"0" * (3 << 20)}, recompute=True)

    def never(*_: object) -> bytes:
        raise AssertionError("a member was unpacked")

    monkeypatch.setattr(zipfile.ZipFile, "read", never)
    with pytest.raises(ha.DataError, match=r"program.mps: unpacks to 3,145,728 bytes from"):
        verify(file)


def test_a_huge_bundle_is_refused_unopened(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MOST_BYTES", 10_000)
    with pytest.raises(ha.DataError, match=r"more than the 10,000 that are read"):
        verify(good)


def test_a_size_that_lies_is_found_out(good: Path, tmp_path: Path) -> None:
    """A member larger than its header says: the unpacker stops there, and the sum is wrong."""
    members = contents(good)
    file = pack(tmp_path / "t.zip", members, recompute=True)
    data = bytearray(file.read_bytes())
    size = len(members["solution.csv"])
    entry = data.rindex(b"PK\x01\x02", 0, data.rindex(b"solution.csv"))
    assert int.from_bytes(data[entry + 24 : entry + 28], "little") == size
    data[entry + 24 : entry + 28] = (100).to_bytes(4, "little")
    file.write_bytes(data)
    with pytest.raises(ha.DataError, match="damaged"):
        verify(file)


NONSENSE = {
    "not UTF-8": ("solution.csv", b"\xff\xfe", "not UTF-8"),
    "another header": ("duals.csv", b"row,dual\n", "does not begin with the columns"),
    "ragged": ("duals.csv", b"row,relaxation,priced\nr0,1\n", "has not 3 cells"),
    "a word": ("duals.csv", b"row,relaxation,priced\nr0,1.0,many\n", "column priced"),
    "nan": ("solution.csv", b"column,value,relaxation,priced\nc0,nan,0,0\n", "nan is not finite"),
    "inf": ("solution.csv", b"column,value,relaxation,priced\nc0,inf,0,0\n", "inf is not finite"),
    "no such row": ("duals.csv", b"row,relaxation,priced\nr999999,0,0\n", "'r999999' is no row"),
    "unclosed quote": ("rows.csv", b'row,"', "not valid CSV"),
    "empty": ("clauses.csv", b"", "does not begin"),
    "no JSON": ("run.json", b"{", "not valid JSON"),
    "deep JSON": ("run.json", b"[" * 100_000, "not valid JSON"),
    "a list": ("run.json", b"[]", "no JSON object"),
    "no facts": ("run.json", b"{}", "has no program.rows"),
    "a number beyond all": (
        "run.json",
        b'{"program": {"rows": 1' + b"0" * 400 + b"}}",
        "program.rows is no number",
    ),
    "a range without width": (
        "program.mps",
        b"ROWS\n N cost\n G r0\nRANGES\n x r0 1e-999999999\nENDATA\n",
        "no width",
    ),
    "a range beyond all": (
        "program.mps",
        b"ROWS\n N cost\n G r0\nRHS\n x r0 1e308\nRANGES\n x r0 1e308\nENDATA\n",
        "too large",
    ),
    "no program": ("program.mps", b"hello", "unknown section 'hello'"),
    "half a program": ("program.mps", b"NAME x\nROWS\n N cost\n", "cut short"),
    "a number": ("program.mps", b"ROWS\n N cost\nCOLUMNS\n c0 cost nan\nENDATA\n", "not finite"),
}


@pytest.mark.parametrize("case", NONSENSE)
def test_nonsense_in_a_member_is_said_to_be_so(case: str, good: Path, tmp_path: Path) -> None:
    name, data, words = NONSENSE[case]
    file = pack(tmp_path / "t.zip", contents(good) | {name: data}, recompute=True)
    with pytest.raises(ha.DataError, match=words):
        verify(file)


def test_a_manifest_of_another_version_or_list(good: Path, tmp_path: Path) -> None:
    members = contents(good)
    manifest = json.loads(members[MANIFEST])
    later = json.dumps(manifest | {"version": 2}).encode()
    with pytest.raises(ha.DataError, match="version 2, this reads 1"):
        verify(raw(tmp_path / "t.zip", members | {MANIFEST: later}))
    del manifest["members"]["duals.csv"]
    fewer = json.dumps(manifest).encode()
    with pytest.raises(ha.DataError, match="does not list the members"):
        verify(raw(tmp_path / "t.zip", members | {MANIFEST: fewer}))


# --- the program as MPS


def same_program(one: ha.LinearProgram, other: ha.LinearProgram) -> None:
    for name in ("cost", "row_lower", "row_upper", "column_lower", "column_upper", "integer"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert one.offset == other.offset
    assert one.matrix.shape == other.matrix.shape
    assert (one.matrix != other.matrix).nnz == 0
    assert one.matrix.nnz == other.matrix.nnz


numbers = st.floats(-1e14, 1e14).filter(lambda v: v == 0 or abs(v) > 1e-15)


@st.composite
def programs(draw: Any) -> ha.LinearProgram:
    n_rows, n_columns = draw(st.integers(0, 4)), draw(st.integers(1, 4))

    def vector(size: int) -> np.ndarray[Any, Any]:
        return np.array(draw(st.lists(numbers, min_size=size, max_size=size)), dtype=float)

    def bounds(size: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        a, b = vector(size), vector(size)
        low, high = np.minimum(a, b), np.maximum(a, b)
        form = np.array(draw(st.lists(st.integers(0, 4), min_size=size, max_size=size)), dtype=int)
        low, high = np.where(form == 1, -np.inf, low), np.where(form == 2, np.inf, high)
        low, high = np.where(form == 3, -np.inf, low), np.where(form == 3, np.inf, high)
        return low, np.where(form == 4, low, high)

    matrix = csc_array(vector(n_rows * n_columns).reshape(n_rows, n_columns))
    matrix.eliminate_zeros()
    whole = draw(st.lists(st.booleans(), min_size=n_columns, max_size=n_columns))
    return ha.LinearProgram(
        vector(n_columns), float(vector(1)[0]), matrix, *bounds(n_rows), *bounds(n_columns),
        np.array(whole, dtype=bool),
    )  # fmt: skip


@settings(max_examples=examples(200))
@given(programs())
def test_mps_loses_no_digit(made: ha.LinearProgram) -> None:
    same_program(read_mps(write_mps(made)), made)


@settings(max_examples=examples(60))
@given(programs())
def test_mps_is_read_alike_by_another_reader(
    tmp_path_factory: pytest.TempPathFactory, made: ha.LinearProgram
) -> None:
    """HiGHS reads the same program; a range may end a last digit away."""
    file = tmp_path_factory.getbasetemp() / "program.mps"
    file.write_text(write_mps(made))
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("small_matrix_value", 1e-16)
    assert highs.readModel(str(file)) in (highspy.HighsStatus.kOk, highspy.HighsStatus.kWarning)
    lp = highs.getLp()
    assert (lp.num_row_, lp.num_col_) == made.matrix.shape
    assert list(lp.col_cost_) == made.cost.tolist()
    assert lp.offset_ == made.offset
    assert list(lp.col_lower_) == made.column_lower.tolist()
    assert list(lp.col_upper_) == made.column_upper.tolist()
    assert list(lp.row_lower_) == made.row_lower.tolist()
    with np.errstate(invalid="ignore"):
        off = np.abs(np.array(lp.row_upper_) - made.row_upper)
    ends = np.abs(np.nan_to_num(made.row_lower, posinf=0, neginf=0))
    ends += np.abs(np.nan_to_num(made.row_upper, posinf=0, neginf=0))
    assert (np.nan_to_num(off) <= np.spacing(ends)).all()
    assert np.isinf(lp.row_upper_).tolist() == np.isinf(made.row_upper).tolist()
    kinds = [kind == highspy.HighsVarType.kInteger for kind in lp.integrality_]
    assert (kinds or [False] * lp.num_col_) == made.integer.tolist()


def test_mps_of_a_bundle_is_the_program(good: Path) -> None:
    members = contents(good)
    whole = json.loads(members["run.json"])["proof"]["whole_units"]
    scenario = region(clauses=CLAUSES, whole_units=whole)
    if not whole:
        scenario = scenario.replace(facilities=scenario.facilities.assign(site="existing"))
    same_program(read_mps(members["program.mps"].decode()), ha.formulate(scenario).program)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ROWS\n N cost\n G r0\n G r0", "row 'r0'"),
        ("ROWS\n G r0", "the first row, and no other, is the objective"),
        ("ROWS\n N cost\n N more", "no other, is the objective"),
        ("ROWS\n N cost\n X r0", "kind 'X'"),
        ("ROWS\n N cost\nCOLUMNS\n c0 r7 1.0", "'r7'"),
        ("ROWS\n N cost\nCOLUMNS\n c0 cost 1.0\n c1 cost 1.0\n c0 cost 2.0", "two places"),
        ("ROWS\n N cost\nCOLUMNS\n c0 cost 1.0\n c0 cost 2.0", "given twice"),
        ("ROWS\n N cost\nCOLUMNS\n c0 cost 1.0\nBOUNDS\n BV b c0", "kind 'BV'"),
        ("ROWS\n N cost\nCOLUMNS\n c0 cost 1.0\nBOUNDS\n UP b c0", "line 6"),
        ("ROWS\n N cost\n L r0\nRANGES\n x r0 1.0", "not of kind G"),
        ("ENDATA\nROWS", "text after ENDATA"),
        ("ROWS\n N cost\nRHS\n x cost 1.0\n x cost 2.0", "given twice"),
        (" c0 cost 1.0", "a line in section"),
    ],
)
def test_mps_that_is_none(line: str, words: str) -> None:
    with pytest.raises(ha.DataError, match=words):
        read_mps(line + "\nENDATA\n")


# --- against the folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ha.write_scenario(region(clauses=CLAUSES), tmp_path / "scenario")
    return tmp_path / "scenario"


def test_against_its_own_folder(folder: Path, tmp_path: Path) -> None:
    file = bundled(tmp_path, ha.read_scenario(folder), folder)
    assert failed(verify(file, folder)) == {}


def test_against_a_folder_that_changed_since(folder: Path, tmp_path: Path) -> None:
    file = bundled(tmp_path, ha.read_scenario(folder), folder)
    plan = folder / "plan.toml"
    text = plan.read_text(encoding="utf-8")
    assert text.count("at_least = 45") == 1
    plan.write_text(text.replace("at_least = 45", "at_least = 46"), encoding="utf-8")
    (folder / "notes.txt").write_text("new")
    found = failed(verify(file, folder))
    assert found["folder: files"] == "plan.toml, notes.txt"
    assert "beds" in found["folder: clauses"]
    assert "clause beds" in found["folder: lower sides"]
    assert found["folder: run.json"] == "input_sha256"
    assert set(found) == {
        "folder: files", "folder: run.json", "folder: clauses", "folder: lower sides",
    }  # fmt: skip


def test_a_consistent_forgery_fails_against_the_folder_only(folder: Path, tmp_path: Path) -> None:
    """A bundle made from a softened plan is true in itself: only the folder gives it away."""
    scenario = ha.read_scenario(folder)
    clauses = [replace(c, at_least=41) if c.id == "beds" else c for c in scenario.plan.clauses]
    softened = scenario.replace(plan=ha.Plan(clauses))
    file = write_bundle(ha.solve(softened), tmp_path / "made.zip", folder)
    assert failed(verify(file)) == {}
    found = failed(verify(file, folder))
    assert "folder: files" not in found  # the hashes are those of the folder
    assert "beds" in found["folder: clauses"]


def test_against_knows_how_it_was_solved(folder: Path, tmp_path: Path) -> None:
    scenario = ha.read_scenario(folder).audit_only("beds", "icu")
    solution = ha.solve(scenario, whole_units=False)
    file = write_bundle(solution, tmp_path / "made.zip", folder)
    found = verify(file, folder)
    assert failed(found) == {}
    details = {check.name: check.detail for check in found.checks}
    assert "beds, icu" in details["folder: enforced"]
    assert details["folder: whole units"] == "the run allowed fractions of units"
    assert set(found.not_enforced) == {"beds", "icu", "measured"}
    assert "neither enforced nor proved: beds, icu, measured" in run("verify", file).output


def test_against_a_folder_of_another_size(folder: Path, tmp_path: Path) -> None:
    file = bundled(tmp_path, region(), folder)
    assert "made anew" in failed(verify(file, folder))["folder: program"]


LABELLED = [
    (name, column)
    for name in ("columns.csv", "rows.csv", "inputs.csv", "clauses.csv")
    for column in HEADERS[name]
    if column in ("block", *LABELS, "file", "bytes", "sha256", "quote", "unit")
]


@pytest.mark.parametrize(("name", "column"), LABELLED)
def test_a_word_that_was_changed_fails_against_the_folder(
    name: str, column: str, folder: Path, tmp_path: Path
) -> None:
    members = contents(bundled(tmp_path, ha.read_scenario(folder), folder))
    rows = table(members, name)
    for changed in (rows[0], rows[-1]):
        before = changed[column]
        changed[column] = "1"
        put(members, name, rows)
        changed[column] = before
        found = failed(verify(pack(tmp_path / "t.zip", members, recompute=True), folder))
        assert any(check.startswith("folder: ") for check in found), found


@pytest.mark.parametrize(
    ("path", "value"),
    [(("scenario",), "another"), (("input_sha256",), "0"), (("program", "flow_arcs"), 1)],
)
def test_a_fact_of_the_scenario_that_was_changed_fails_against_the_folder(
    path: tuple[str, ...], value: object, folder: Path, tmp_path: Path
) -> None:
    members = contents(bundled(tmp_path, ha.read_scenario(folder), folder))
    fact(*path, value=value)(members)
    found = failed(verify(pack(tmp_path / "t.zip", members, recompute=True), folder))
    assert found == {"folder: run.json": path[-1]}


def test_inputs_said_twice_or_not_at_all_fail_against_the_folder(
    folder: Path, tmp_path: Path
) -> None:
    file = bundled(tmp_path, ha.read_scenario(folder), folder)
    members = contents(file)
    rows = table(members, "inputs.csv")
    put(members, "inputs.csv", [*rows, rows[0]])
    found = failed(verify(pack(tmp_path / "t.zip", members, recompute=True), folder))
    assert found == {"folder: files": rows[0]["file"]}
    without = write_bundle(ha.solve(ha.read_scenario(folder)), tmp_path / "made.zip")
    assert "no hashes of inputs" in failed(verify(without, folder))["folder: files"]


def test_against_no_folder(good: Path, tmp_path: Path) -> None:
    with pytest.raises(ha.DataError, match="no folder"):
        verify(good, tmp_path / "none")


# --- the commands

runner = CliRunner()


def run(*words: object) -> Any:
    return runner.invoke(app, [str(word) for word in words])


def test_commands_bundle_and_verify(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "out" / "answer.zip"
    made = run("bundle", folder, "-o", file)
    assert made.exit_code == 0, made.output
    checked = run("verify", file, "--against", folder)
    assert checked.exit_code == 0, checked.output
    assert "Verified" in checked.output
    members = contents(file)
    hashes = {r["file"]: r["sha256"] for r in table(members, "inputs.csv")}
    assert hashes == {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
    assert json.loads(members["run.json"])["versions"]["healthalloc"] == ha.__version__
    again = run("bundle", folder, "-o", file, "-q")  # an earlier bundle is replaced
    assert (again.exit_code, again.output) == (0, "")


def test_command_verify_fails_with_1_and_names_the_clause(good: Path, tmp_path: Path) -> None:
    members = contents(good)
    TAMPERED["target"][0](members)
    result = run("verify", pack(tmp_path / "t.zip", members, recompute=True))
    assert result.exit_code == 1
    assert "Not verified" in result.output
    assert "clause beds" in result.output


def test_command_verify_ends_with_2_for_what_is_no_bundle(good: Path, tmp_path: Path) -> None:
    members = contents(good)
    del members["duals.csv"]
    result = run("verify", raw(tmp_path / "t.zip", members))
    assert result.exit_code == 2
    assert "duals.csv: missing from the bundle" in result.output
    assert run("verify", tmp_path / "none.zip").exit_code == 2


def test_command_bundle_of_an_infeasible_plan_ends_with_3(tmp_path: Path) -> None:
    crowded = clause("facility_target", facility_id="annex", resource="nurse", at_least=6)
    ha.write_scenario(region(clauses=[crowded]), tmp_path / "scenario")
    result = run("bundle", tmp_path / "scenario", "-o", tmp_path / "made.zip")
    assert result.exit_code == 3
    assert "cannot all hold together" in result.output
    assert not (tmp_path / "made.zip").exists()


def test_where_a_bundle_may_not_go(folder: Path, tmp_path: Path) -> None:
    inside = run("bundle", folder, "-o", folder / "made.zip")
    assert inside.exit_code == 2
    assert "inside the scenario" in inside.output
    other = tmp_path / "thesis.zip"
    raw(other, {"thesis.tex": b"years of work"})
    result = run("bundle", folder, "-o", other)
    assert result.exit_code == 2
    assert "no earlier bundle" in result.output
    assert set(contents(other)) == {"thesis.tex"}
    assert run("bundle", folder, "-o", tmp_path).exit_code == 2


def test_the_bundle_is_named_after_the_scenario(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert bundle_path(None, folder) == tmp_path.resolve() / "scenario-bundle.zip"


# --- the West District


def test_west_district(tmp_path: Path) -> None:
    file = bundled(tmp_path, ha.read_scenario(WEST), WEST)
    found = verify(file, WEST)
    assert failed(found) == {}
    assert 0 <= found.proved_gap < 0.01
    members = contents(file)
    cell("clauses.csv", "low", lambda v: v - 5.0, "xq-22")(members)
    forged = failed(verify(pack(tmp_path / "t.zip", members, recompute=True)))
    assert set(forged) == {"clauses: target, low"}
    assert "clause xq-22" in forged["clauses: target, low"]
