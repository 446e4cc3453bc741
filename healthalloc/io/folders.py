"""Folders and files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from healthalloc.errors import DataError, Problem


def refuse_filled(
    path: Path,
    message: str = "exists and is not empty",
    mend: str = "name a folder that does not exist yet",
) -> None:
    """Raise a `DataError` if a path exists and is no empty folder."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise DataError([Problem(str(path), message, mend=mend)])


def write_csv(table: pd.DataFrame, path: Path, number_format: str | None = None) -> None:
    """Write a table in UTF-8, by default with every digit of its numbers."""
    # a lone carriage return is a line break to a reader, but needs no quotes to the writer
    text = table.select_dtypes(exclude="number").astype(str)
    broken = any(text[c].str.contains("\r", regex=False).any() for c in text)
    table.to_csv(
        path, index=False, encoding="utf-8", lineterminator="\n", float_format=number_format,
        quoting=csv.QUOTE_ALL if broken else csv.QUOTE_MINIMAL,
    )  # fmt: skip


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A scratch folder beside ``path`` that takes its place only when all went well.

    An earlier folder stays as it is when anything fails, the last exchange included.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as scratch:
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        new.mkdir()
        yield new
        if path.exists() and not any(path.iterdir()):
            # an empty folder may be somebody's current one: fill it rather than replace it
            for file in new.iterdir():
                file.rename(path / file.name)
            return
        if path.exists():
            path.rename(old)
        try:
            new.rename(path)
        except OSError:
            if old.exists():
                old.rename(path)
            raise
