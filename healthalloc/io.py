"""Read and write scenario folders and result folders: the only file access of the package."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import platform
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import ValidationError

from healthalloc.errors import DataError, Problem
from healthalloc.plan.clause import Check, Clause, Plan
from healthalloc.plan.door import adapter, read_clause, typed_problems
from healthalloc.scenario import Scenario
from healthalloc.schema import TABLES
from healthalloc.settings import RoadGraph, Settings, TravelMatrix
from healthalloc.validate import clean_table, nearest

if TYPE_CHECKING:
    import networkx as nx

SETTINGS_FILE, PLAN_FILE = "scenario.toml", "plan.toml"
RUN_FILE = "run.json"
"""File that marks a folder as a result of this package."""


def read_scenario(folder: str | os.PathLike[str]) -> Scenario:
    """Read a scenario folder.

    Parameters
    ----------
    folder
        Folder with ``scenario.toml``, ``plan.toml`` and one CSV file for each table of the
        schema, in UTF-8.

    Returns
    -------
    Scenario

    Raises
    ------
    DataError
        With every problem of the files and tables.
    PlanError
        With every problem of the plan, once the tables are right.
    """
    path = Path(folder)
    if not path.is_dir():
        raise DataError([Problem(str(folder), "is no folder", mend="give a scenario folder")])
    problems: list[Problem] = []
    settings = _read_settings(path, problems)
    plan = _read_plan(path, problems)
    tables: dict[str, pd.DataFrame] = {}
    for name, table in TABLES.items():
        if table.optional and not (path / f"{name}.csv").exists():
            continue
        frame = _read_csv(path / f"{name}.csv", problems)
        if frame is not None:
            tables[name] = frame
    travel: pd.DataFrame | None = None
    roads: nx.Graph[Any] | None = None
    if settings is not None and isinstance(settings.travel, TravelMatrix):
        travel = _read_csv(path / settings.travel.file, problems)
    if settings is not None and isinstance(settings.travel, RoadGraph):
        roads = _read_graphml(path / settings.travel.file, problems)
    known = {f"{name}.csv" for name in TABLES}
    if settings is not None and isinstance(settings.travel, TravelMatrix):
        known.add(settings.travel.file)
    for file in sorted(path.glob("*.csv")):
        if file.name not in known:
            problems.append(Problem(file.name, "unknown table", mend=nearest(file.name, known)))
    if problems or settings is None or plan is None:
        # the tables that could be read are checked as well, so that one run lists everything
        extra = settings.extra_facility_columns if settings is not None else None
        for name, frame in tables.items():
            if name == "facilities":
                extra_columns = extra if extra is not None else list(map(str, frame.columns))
                problems += clean_table(name, frame, extra_columns)[1]
            else:
                problems += clean_table(name, frame)[1]
        raise DataError(problems)
    return Scenario(settings=settings, plan=plan, travel=travel, roads=roads, **tables)


def _read_text(path: Path, problems: list[Problem]) -> str | None:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        problems.append(Problem(path.name, "missing file", mend="healthalloc new makes a sample"))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problems.append(
            Problem(
                path.name, f"is not UTF-8 (line {line}, byte 0x{error.object[error.start]:02x})",
                mend="save the file as 'CSV UTF-8'; Chinese Excel writes GB 18030 by default",
            )
        )  # fmt: skip
    except OSError as error:
        problems.append(Problem(path.name, f"cannot be read: {error.strerror}"))
    return None


def _read_csv(path: Path, problems: list[Problem]) -> pd.DataFrame | None:
    text = _read_text(path, problems)
    if text is None:
        return None
    table = path.stem if path.stem in TABLES else path.name
    try:
        rows = [row for row in csv.reader(io.StringIO(text), strict=True) if row]
    except csv.Error as error:
        problems.append(Problem(table, f"is not valid CSV: {error}"))
        return None
    if not rows:
        problems.append(Problem(table, "the file is empty", mend="give it a header"))
        return None
    header, width = [name.strip() for name in rows[0]], len(rows[0])
    ragged = [k for k, row in enumerate(rows[1:], start=1) if len(row) != width]
    for k in ragged:
        found = len(rows[k])
        problems.append(
            Problem(
                table, f"has {found} cells, the header has {width}", k,
                mend="quote a cell that holds a comma: \"a, b\"",
            )
        )  # fmt: skip
    return None if ragged else pd.DataFrame(rows[1:], columns=header, dtype=object)


def _read_toml(path: Path, problems: list[Problem]) -> dict[str, Any] | None:
    text = _read_text(path, problems)
    if text is None:
        return None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.append(Problem(path.name, f"is not valid TOML: {error}"))
        return None


def _read_settings(path: Path, problems: list[Problem]) -> Settings | None:
    values = _read_toml(path / SETTINGS_FILE, problems)
    if values is None:
        return None
    try:
        settings: Settings = adapter(Settings).validate_python(values)
    except ValidationError as error:
        known = [f.name for f in fields(Settings)]
        problems += typed_problems(error, SETTINGS_FILE, known)
        return None
    return settings


def _read_plan(path: Path, problems: list[Problem]) -> Plan | None:
    values = _read_toml(path / PLAN_FILE, problems)
    if values is None:
        return None
    n_before = len(problems)
    for key in values.keys() - {"clause", "check"}:
        mend = nearest(key, ["clause", "check"]) or "allowed: clause, check"
        problems.append(Problem("plan", "unknown field", column=key, mend=mend))
    clauses: list[Clause] = []
    for number, entry in enumerate(_entries(values, "clause", problems), start=1):
        parts = _entries(entry, "part", problems) if isinstance(entry.get("part"), list) else [{}]
        for part in parts:
            merged = {k: v for k, v in entry.items() if k != "part" or isinstance(v, str)} | part
            place = "/".join(
                str(merged[k]) for k in ("id", "part") if merged.get(k)
            ) or f"clause {number}"  # fmt: skip
            clause, found = read_clause(merged, place)
            problems += found
            if clause is not None:
                clauses.append(clause)
    checks: list[Check] = []
    for number, entry in enumerate(_entries(values, "check", problems), start=1):
        try:
            checks.append(adapter(Check).validate_python(entry))
        except ValidationError as error:
            place = f"check {entry.get('id', number)}"
            problems += typed_problems(error, "plan", [f.name for f in fields(Check)], place)
    return Plan(clauses, checks) if len(problems) == n_before else None


def _entries(values: Mapping[str, Any], key: str, problems: list[Problem]) -> list[dict[str, Any]]:
    entries = values.get(key, [])
    if isinstance(entries, list) and all(isinstance(e, dict) for e in entries):
        return entries
    problems.append(Problem("plan", f"{key} is a list of tables: [[{key}]]", column=key))
    return []


def _read_graphml(path: Path, problems: list[Problem]) -> nx.Graph[Any] | None:
    import networkx as nx

    if _read_text(path, problems) is None:
        return None
    try:
        graph: nx.Graph[Any] = nx.read_graphml(path)
    except Exception as error:  # the reader raises many kinds: XML, key and type errors
        problems.append(Problem(path.name, f"is not valid GraphML: {error}"))
        return None
    return graph


def write_scenario(scenario: Scenario, folder: str | os.PathLike[str]) -> None:
    """Write a scenario as a folder that `read_scenario` reads back without loss.

    Parameters
    ----------
    scenario
        What to write.
    folder
        Folder to make; it must not exist yet, or be empty.

    Raises
    ------
    DataError
        If the folder holds something.
    """
    import tomli_w

    path = Path(folder)
    _refuse_filled(path)
    with _whole_folder(path) as target:
        for name, table in scenario.tables.items():
            if len(table) or not TABLES[name].optional:
                _write_csv(_plain(table), target / f"{name}.csv")
        (target / SETTINGS_FILE).write_text(
            tomli_w.dumps(_without_none(asdict(scenario.settings))), encoding="utf-8"
        )
        entries = {
            "clause": [_without_none({"kind": c.kind} | asdict(c)) for c in scenario.plan.clauses],
            "check": [_without_none(asdict(c)) for c in scenario.plan.checks],
        }
        (target / PLAN_FILE).write_text(tomli_w.dumps(entries), encoding="utf-8")
        travel = scenario.settings.travel
        if isinstance(travel, TravelMatrix) and scenario.travel is not None:
            _write_csv(scenario.travel, target / travel.file)
        if isinstance(travel, RoadGraph) and scenario.roads is not None:
            import networkx as nx

            nx.write_graphml(scenario.roads, target / travel.file)


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    flags = table.select_dtypes("bool").columns
    return table.assign(**{str(c): table[c].map({True: "yes", False: "no"}) for c in flags})


def _without_none(value: Any) -> Any:
    """Plain lists and dicts that TOML can hold, empty entries left out."""
    if isinstance(value, Mapping):
        return {k: _without_none(v) for k, v in value.items() if v is not None and v != ""}
    return [_without_none(v) for v in value] if isinstance(value, list | tuple) else value


def new_scenario(folder: str | os.PathLike[str]) -> None:
    """Write the starter scenario: small, commented, solvable.

    Parameters
    ----------
    folder
        Folder to make; it must not exist yet, or be empty.

    Raises
    ------
    DataError
        If the folder holds something.
    """
    path = Path(folder)
    _refuse_filled(path)
    with _whole_folder(path) as target:
        for file in resources.files("healthalloc").joinpath("starter").iterdir():
            (target / file.name).write_bytes(file.read_bytes())


def _refuse_filled(path: Path) -> None:
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        mend = "name a folder that does not exist yet"
        raise DataError([Problem(str(path), "exists and is not empty", mend=mend)])


def output_folder(output: str | os.PathLike[str] | None, scenario_folder: Path) -> Path:
    """Where to write the results of a scenario.

    Parameters
    ----------
    output
        The folder asked for; ``None`` for ``<scenario>-solution`` in the current folder, or
        beside the scenario when the current folder lies in it.
    scenario_folder
        Folder of the scenario, in which nothing is ever written.

    Raises
    ------
    DataError
        If the folder lies in the scenario, or holds something that is no result of ours.
    """
    scenario_folder = scenario_folder.resolve()
    if output is None:
        here = Path.cwd().resolve()
        inside = here == scenario_folder or scenario_folder in here.parents
        path = (scenario_folder.parent if inside else here) / f"{scenario_folder.name}-solution"
    else:
        path = Path(output).resolve()
    if path == scenario_folder or scenario_folder in path.parents:
        mend = "choose an output folder outside the scenario"
        raise DataError([Problem(str(path), "lies inside the scenario", mend=mend)])
    if path.exists() and not (path / RUN_FILE).exists():
        try:
            _refuse_filled(path)
        except DataError as error:
            message = "exists and is no earlier result"
            mend = "choose another output folder"
            raise DataError([Problem(str(path), message, mend=mend)]) from error
    return path


def write_results(tables: Mapping[str, pd.DataFrame], run: Mapping[str, Any], folder: Path) -> None:
    """Write result tables and ``run.json`` as one folder, whole or not at all.

    Parameters
    ----------
    tables
        Tables by file name without ``.csv``.
    run
        Facts of the run.
    folder
        Folder to make; an earlier result there is replaced once the new one is complete.
    """
    with _whole_folder(folder) as target:
        for name, table in tables.items():
            _write_csv(table, target / f"{name}.csv")
        text = json.dumps(run, ensure_ascii=False, indent=2, default=str) + "\n"
        (target / RUN_FILE).write_text(text, encoding="utf-8")


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, encoding="utf-8", lineterminator="\n", float_format="%.12g")


@contextlib.contextmanager
def _whole_folder(path: Path) -> Iterator[Path]:
    """A scratch folder beside ``path`` that takes its place only when all went well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        scratch.chmod(0o755)
        yield scratch
        if path.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{path.name}-old-", dir=path.parent))
            path.rename(old / path.name)
            scratch.rename(path)
            shutil.rmtree(old)
        else:
            scratch.rename(path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def read_stock(file: str | os.PathLike[str]) -> pd.DataFrame:
    """Read an allocation, as ``allocation.csv`` holds it.

    Parameters
    ----------
    file
        CSV file in UTF-8.

    Raises
    ------
    DataError
        If the file cannot be read as a table.
    """
    problems: list[Problem] = []
    table = _read_csv(Path(file), problems)
    if table is None:
        raise DataError(problems)
    return table


def run_facts(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """What ``run.json`` says of the input and the software.

    Parameters
    ----------
    folder
        Folder of the scenario.
    """
    packages = ("healthalloc", "highspy", "networkx", "numpy", "pandas", "pulp", "scipy")
    return {
        "input_sha256": input_hash(folder),
        "versions": {"python": platform.python_version()} | {p: version(p) for p in packages},
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def input_hash(folder: str | os.PathLike[str]) -> str:
    """SHA-256 over the names and contents of a scenario folder's files, in name order."""
    digest = hashlib.sha256()
    for file in sorted(p for p in Path(folder).iterdir() if p.is_file()):
        digest.update(file.name.encode() + b"\0" + str(file.stat().st_size).encode() + b"\0")
        digest.update(file.read_bytes())
    return digest.hexdigest()
