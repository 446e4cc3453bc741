"""Take other scenario folders in: their region joins, their clauses keep to their area."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from healthalloc.errors import Problem
from healthalloc.geo.read import Outlines
from healthalloc.io.plan import Include, read_plan
from healthalloc.io.tables import read_tables
from healthalloc.plan.clause import Check, Clause, Plan
from healthalloc.schema import TABLES
from healthalloc.validate import nearest

REGION = ("areas", "facilities", "populations", "groups", "stock", "proposals", "facts")
"""Tables that are joined; norms and settings are those of the including folder alone."""


def joined(
    path: Path,
    frames: Mapping[str, pd.DataFrame],
    outlines: Outlines,
    plan: Plan | None,
    includes: Sequence[Include],
    problems: list[Problem],
) -> tuple[dict[str, pd.DataFrame], Outlines, Plan | None]:
    """Tables, outlines of areas and plan with those of the included folders.

    Where two rows have the same key, the one of the including folder counts.

    Parameters
    ----------
    path
        The including folder.
    frames
        Its tables as read.
    outlines
        Of its areas.
    plan
        Its plan; ``None`` if it could not be read.
    includes
        What it includes.
    problems
        What is wrong is added.
    """
    tables = dict(frames)
    clauses = list(plan.clauses) if plan is not None else []
    checks = list(plan.checks) if plan is not None else []
    for include in includes:
        other = path / include.folder
        if not other.is_dir():
            message = "is no folder: an include names a scenario folder beside this one"
            problems.append(Problem("plan", message, column="include", value=include.folder))
            continue
        found: list[Problem] = []
        own, nested = read_plan(other, found)
        if nested:
            message = "includes a folder itself: includes are one level deep"
            found.append(Problem("plan", message, mend="include that folder here as well"))
        below, its_outlines = read_tables(other, REGION, found)
        outlines = its_outlines | outlines
        for name, frame in below.items():
            if name == "facts" and "fact_id" in frame:
                frame["fact_id"] = [own_name(include, fact) for fact in frame["fact_id"]]
            tables[name] = _below(tables.get(name), frame, name, include.folder)
        problems += [replace(p, table=f"{include.folder}/{p.table}") for p in found]
        if own is not None:
            clauses += _kept(own, include, problems)
            checks += [_own_check(check, include) for check in own.checks]
    return tables, outlines, None if plan is None else Plan(clauses, checks)


def own_name(include: Include, word: str) -> str:
    """Name of a fact or check of an included folder: two folders may print the same figure."""
    return f"{Path(include.folder).name}: {word}"


def _own_check(check: Check, include: Include) -> Check:
    def own(words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(own_name(include, word) for word in words)

    return replace(
        check, id=own_name(include, check.id), printed=own_name(include, check.printed),
        sum=own(check.sum), times=own(check.times), over=own(check.over),
    )  # fmt: skip


def _below(above: pd.DataFrame | None, below: pd.DataFrame, name: str, folder: str) -> pd.DataFrame:
    """The rows of two tables; of two with one key the first counts."""
    origin = [(folder, row) for row in below.attrs["rows"]]
    key = [column for column in TABLES[name].key if column in below.columns]
    if above is None:
        table = below.copy()
        table.attrs["rows"] = origin
        return table
    rows = [*above.attrs["rows"], *origin]
    table = pd.concat([above, below], ignore_index=True).fillna("")
    second = pd.Series([False] * len(above) + [True] * len(below))
    if set(key) <= set(above.columns):
        known = pd.MultiIndex.from_frame(above[key])
        second &= pd.MultiIndex.from_frame(table[key]).isin(known)
        table = table[~second].reset_index(drop=True)
        rows = [row for row, gone in zip(rows, second) if not gone]
    table.attrs["rows"] = rows
    return table


def _kept(plan: Plan, include: Include, problems: list[Problem]) -> list[Clause]:
    ids = {clause.id for clause in plan.clauses}
    problems += [
        Problem(
            "plan", f"is no clause of {include.folder}", column="include: leave_out", value=word,
            mend=nearest(word, ids),
        )
        for word in include.leave_out
        if word not in ids
    ]  # fmt: skip
    return [
        clause if clause.area else replace(clause, area=include.area)
        for clause in plan.clauses
        if clause.id not in include.leave_out
    ]


def input_files(folder: Path) -> list[tuple[str, Path]]:
    """Files that a scenario is read from, by name, those of included folders among them.

    Parameters
    ----------
    folder
        Folder of the scenario, or its workbook.

    Returns
    -------
    list of (str, Path)
        Name within the folder (``"../miyi/stock.csv"`` of an included one) and place.
    """
    if folder.is_file():  # a workbook
        return [(folder.name, folder)]
    _, includes = read_plan(folder, [])
    files = [(file.name, file) for file in folder.iterdir() if file.is_file()]
    for include in includes:
        other = folder / include.folder
        files += [(f"{include.folder}/{f.name}", f) for f in other.iterdir() if f.is_file()]
    return sorted(files)
