"""Read ``plan.toml``: clauses, their parts, checks, and the folders that it includes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, ValidationError

from healthalloc.errors import Problem
from healthalloc.io.files import read_toml
from healthalloc.plan.clause import Check, Clause, Plan
from healthalloc.plan.door import adapter, read_clause, typed_problems
from healthalloc.settings import STRICT
from healthalloc.validate import nearest

PLAN_FILE = "plan.toml"
_KEYS = ("clause", "check", "include")


@dataclass(frozen=True, kw_only=True)
class Include:
    """Another scenario folder whose region and clauses are taken in.

    Parameters
    ----------
    folder
        The folder, relative to the one that includes it.
    area
        Area that its clauses speak of where they name none.
    leave_out
        Ids of clauses that are not taken.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    folder: Annotated[str, Field(min_length=1)]
    area: Annotated[str, Field(min_length=1)]
    leave_out: tuple[str, ...] = field(default=())


def read_plan(path: Path, problems: list[Problem]) -> tuple[Plan | None, list[Include]]:
    """The plan of a scenario folder.

    Parameters
    ----------
    path
        The folder.
    problems
        What is wrong is added.

    Returns
    -------
    Plan or None
        Without what it includes; ``None`` where anything was wrong.
    list of Include
    """
    values = read_toml(path / PLAN_FILE, problems)
    if values is None:
        return None, []
    n_before = len(problems)
    for key in values.keys() - set(_KEYS):
        mend = nearest(key, _KEYS) or f"allowed: {', '.join(_KEYS)}"
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
            problems += typed_problems(error, "plan", {"": [f.name for f in fields(Check)]}, place)
    includes: list[Include] = []
    for number, entry in enumerate(_entries(values, "include", problems), start=1):
        try:
            includes.append(adapter(Include).validate_python(entry))
        except ValidationError as error:
            known = {"": [f.name for f in fields(Include)]}
            problems += typed_problems(error, "plan", known, f"include {number}")
    return (Plan(clauses, checks) if len(problems) == n_before else None), includes


def _entries(values: Mapping[str, Any], key: str, problems: list[Problem]) -> list[dict[str, Any]]:
    found = values.get(key, [])
    if isinstance(found, list) and all(isinstance(e, dict) for e in found):
        return found
    problems.append(Problem("plan", f"{key} is a list of tables: [[{key}]]", column=key))
    return []
