"""What a command answers as data: one JSON document for machines, with ``--json``."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from healthalloc.errors import DataError, HealthAllocError
from healthalloc.labels import Words, language_of


@dataclass
class Answer:
    """One document: every command fills in what it has."""

    command: str
    exit_code: int = 0
    run: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    error: dict[str, Any] | None = None


_asked: ContextVar[Answer | None] = ContextVar("asked", default=None)


def as_data() -> bool:
    """Whether the answer is asked for as JSON, so that nothing else may be printed."""
    return _asked.get() is not None


def answer(
    run: Mapping[str, Any] | None = None,
    tables: Mapping[str, pd.DataFrame] | None = None,
    written: Path | None = None,
) -> None:
    """Add to the document of a command that is run with ``--json``; else do nothing.

    Parameters
    ----------
    run
        Facts of the run, as ``run.json`` has them.
    tables
        Tables, by the name of the file that holds them in a result folder.
    written
        File or folder that was written.
    """
    asked = _asked.get()
    if asked is not None:
        asked.run |= run or {}
        asked.tables |= tables or {}
        asked.written += [] if written is None else [str(written)]


def answer_error(error: HealthAllocError) -> None:
    """Add an error to the document: its kind, its text, and all problems of the input."""
    asked = _asked.get()
    if asked is not None:
        words = Words(language_of())
        problems = error.problems if isinstance(error, DataError) else ()
        asked.error = {
            "kind": type(error).__name__,
            "message": words.error(error),
            "problems": [
                {
                    "table": problem.table, "row": problem.row, "column": problem.column,
                    "value": problem.value, "message": words.said(problem.message),
                    "mend": words.said(problem.mend),
                }
                for problem in problems
            ],
        }  # fmt: skip


@contextmanager
def answering(command: str, wanted: bool) -> Iterator[Answer]:
    """Collect the answer of a command, and print it at the end if JSON is wanted."""
    asked = Answer(command)
    if not wanted:
        yield asked
        return
    token = _asked.set(asked)
    try:
        yield asked
    finally:
        _asked.reset(token)
    document = {
        "command": asked.command,
        "exit_code": int(asked.exit_code),
        "run": asked.run,
        "tables": {name: rows(table) for name, table in asked.tables.items()},
        "written": asked.written,
        "error": asked.error,
    }
    # what an output of another encoding cannot show is written as \u....
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(plain(document), ensure_ascii=not utf8, allow_nan=False, indent=1)
    sys.stdout.write(f"{text}\n")


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as one object a row."""
    names = [str(column) for column in table.columns]
    cells = [table.iloc[:, k].tolist() for k in range(len(names))]
    return [dict(zip(names, row)) for row in zip(*cells)]


def plain(value: Any) -> Any:
    """A value as JSON knows it: nothing for NaN, ``"inf"`` and ``"-inf"`` as words."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, Sequence):
        return [plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    return None if value is pd.NA or value is pd.NaT else str(value)
