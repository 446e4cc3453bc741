"""What is written is what was there: scenario folders and certificate bundles."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

import healthalloc as ha
from healthalloc.bundle import MANIFEST
from tests.examples import examples
from tests.properties.scenarios import KINDS_COVERED, scenarios

Row = dict[str, str]


@given(scenario=scenarios(n_clauses=(0, 4)))
@settings(max_examples=examples(20))
def test_a_scenario_comes_back_as_it_was(scenario: ha.Scenario) -> None:
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "made"
        ha.write_scenario(scenario, folder)
        back = ha.read_scenario(folder)
    for name, table in scenario.tables.items():
        pd.testing.assert_frame_equal(back.tables[name], table, check_exact=True)
    assert back.plan == scenario.plan
    assert back.settings == scenario.settings
    one, other = ha.formulate(scenario).program, ha.formulate(back).program
    assert (one.matrix != other.matrix).nnz == 0
    for part in ("cost", "row_lower", "row_upper", "column_lower", "column_upper", "integer"):
        np.testing.assert_array_equal(getattr(one, part), getattr(other, part))
    assert one.offset == other.offset


def contents(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(members: dict[str, bytes], file: Path) -> Path:
    """Members as a bundle, with the hashes that a careful forger would make."""
    manifest = json.loads(members[MANIFEST])
    manifest["members"] = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in members.items() if name != MANIFEST
    }  # fmt: skip
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in (members | {MANIFEST: json.dumps(manifest).encode()}).items():
            archive.writestr(name, data)
    return file


def edited(data: bytes, change: Callable[[list[Row]], bool]) -> bytes | None:
    """A table with a change made in its rows; ``None`` where there is nothing to change."""
    reader = csv.DictReader(io.StringIO(data.decode()))
    rows = list(reader)
    if not change(rows):
        return None
    out = io.StringIO()
    writer = csv.DictWriter(out, list(reader.fieldnames or ()), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def more(where: Callable[[Row], bool], column: str) -> Callable[[list[Row]], bool]:
    """Add to a number in the first row that fits."""

    def change(rows: list[Row]) -> bool:
        for row in rows:
            if where(row):
                number = float(row[column])
                row[column] = repr(number + max(1.0, abs(number)))
                return True
        return False

    return change


def renamed(rows: list[Row]) -> bool:
    """Let the first clause row that names an area speak of another one."""
    for row in rows:
        if row["area_id"]:
            row["area_id"] = "elsewhere"
            return True
    return False


def test_a_bundle_verifies_and_a_tampered_one_fails() -> None:
    tampered: list[str] = []
    kinds = ["coverage", "area_share", "facility_per_population", *sorted(KINDS_COVERED)]
    drawn = st.sampled_from(kinds[:4]).flatmap(
        lambda kind: scenarios(n_clauses=(1, 3), first_kind=kind, kinds=kinds)
    )

    @given(scenario=drawn, whole_units=st.booleans())
    @settings(max_examples=examples(24))
    def check(scenario: ha.Scenario, whole_units: bool) -> None:
        solution = ha.solve(scenario, whole_units=whole_units)
        if solution.status is not ha.Status.OPTIMAL:
            return
        with TemporaryDirectory() as scratch:
            folder, file = Path(scratch) / "made", Path(scratch) / "made.zip"
            ha.write_scenario(solution.scenario, folder)
            ha.write_bundle(solution, file, folder)
            found = ha.verify(file, folder)
            assert found.passed, found.table()
            members = contents(file)
            block_of = {
                row["column"]: row["block"]
                for row in csv.DictReader(io.StringIO(members["columns.csv"].decode()))
            }
            # a referral moved moves a row that holds it, unless it costs and bounds nothing
            forgeries = {
                "referral": ("solution.csv", more(
                    lambda row: block_of[row["column"]] == "referral", "value")),
                "offset": ("clauses.csv", more(lambda row: float(row["offset"]) > 0, "offset")),
                "area": ("clauses.csv", renamed),
                "reached": ("solution.csv", more(
                    lambda row: block_of[row["column"]] == "reached", "value")),
            }  # fmt: skip
            for name, (member, change) in forgeries.items():
                data = edited(members[member], change)
                if data is None:
                    continue
                forged = pack(members | {member: data}, Path(scratch) / f"{name}.zip")
                assert not ha.verify(forged, folder).passed, name
                tampered.append(name)

    check()
    assert {"referral", "offset", "area", "reached"} <= set(tampered)
