"""Write result folders, and say what they were made from."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from healthalloc.errors import DataError, Problem
from healthalloc.extras import optional
from healthalloc.io.folders import refuse_filled, whole_folder, write_csv
from healthalloc.io.include import input_files
from healthalloc.io.tables import write_parquet
from healthalloc.progress import phase

RUN_FILE = "run.json"
"""File that marks a folder as a result and lists the files that belong to it."""


class TableFormat(Enum):
    """Formats of result tables."""

    CSV = "csv"
    PARQUET = "parquet"

    def require(self) -> None:
        """Raise an `UnsupportedError` if the package that writes it is not installed."""
        if self is TableFormat.PARQUET:
            optional("pyarrow", "a Parquet file", "parquet")


def output_folder(output: str | os.PathLike[str] | None, scenario_folder: Path) -> Path:
    """Where to write the results of a scenario.

    Parameters
    ----------
    output
        The folder asked for; ``None`` for ``<scenario>-solution`` in the current folder, or
        beside the scenario when the current folder lies in it.
    scenario_folder
        Folder of the scenario, in which nothing is ever written, or its workbook.

    Raises
    ------
    DataError
        If one of the two folders lies in the other, or the folder asked for holds something
        that is no result of ours.
    """
    scenario_folder = scenario_folder.resolve()
    if output is None:
        here = Path.cwd().resolve()
        inside = here == scenario_folder or scenario_folder in here.parents
        name = scenario_folder.stem if scenario_folder.is_file() else scenario_folder.name
        path = (scenario_folder.parent if inside else here) / f"{name}-solution"
    else:
        path = Path(output).resolve()
    mend = "choose an output folder apart from the scenario"
    if path == scenario_folder or scenario_folder in path.parents:
        raise DataError([Problem(str(path), "lies inside the scenario", mend=mend)])
    if path in scenario_folder.parents and path.exists() and (path / RUN_FILE).exists():
        raise DataError([Problem(str(path), "holds the scenario", mend=mend)])
    _refuse_foreign(path)
    return path


def _refuse_foreign(path: Path) -> None:
    """Raise a `DataError` if a folder holds anything that is not part of an earlier result."""
    try:
        run = json.loads((path / RUN_FILE).read_text(encoding="utf-8"))
        ours = {RUN_FILE, *run["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        refuse_filled(path, "exists and is no earlier result", "choose another output folder")
        return
    others = sorted(file.name for file in path.iterdir() if file.name not in ours)
    if others:
        message = f"holds what is no part of an earlier result: {', '.join(others[:5])}"
        mend = "choose another output folder, or move these away"
        raise DataError([Problem(str(path), message, mend=mend)])


@phase("write")
def write_results(
    tables: Mapping[str, pd.DataFrame],
    run: Mapping[str, Any],
    folder: Path,
    table_format: TableFormat = TableFormat.CSV,
) -> None:
    """Write result tables and ``run.json`` as one folder, whole or not at all.

    Parameters
    ----------
    tables
        Tables by file name without ending.
    run
        Facts of the run; the names of the files are added.
    folder
        Folder to make; an earlier result there is replaced once the new one is complete.
    table_format
        Format of the tables. Parquet keeps every digit and the types; CSV has 12 digits.

    Raises
    ------
    UnsupportedError
        If Parquet is asked for and pyarrow is not installed.
    """
    files = [f"{name}.{table_format.value}" for name in tables]
    with whole_folder(folder) as target:
        for file, table in zip(files, tables.values()):
            if table_format is TableFormat.PARQUET:
                write_parquet(table, target / file)
            else:
                write_csv(table, target / file, "%.12g")
        facts = dict(run) | {"files": files}
        text = json.dumps(facts, ensure_ascii=False, indent=2, default=str) + "\n"
        (target / RUN_FILE).write_text(text, encoding="utf-8")


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
    """SHA-256 over the names and contents of a scenario's files, in name order."""
    digest = hashlib.sha256()
    for name, file in input_files(Path(folder)):
        digest.update(name.encode() + b"\0" + str(file.stat().st_size).encode() + b"\0")
        digest.update(file.read_bytes())
    return digest.hexdigest()
