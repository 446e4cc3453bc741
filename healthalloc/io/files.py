"""Read single files: text, tables, TOML; what is wrong is collected, not raised."""

from __future__ import annotations

import csv
import io
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd

from healthalloc.errors import Problem
from healthalloc.schema import TABLES


def read_text(path: Path, problems: list[Problem]) -> str | None:
    """Text of a UTF-8 file, or ``None`` with what is wrong added to the problems."""
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


def read_csv(path: Path, problems: list[Problem]) -> pd.DataFrame | None:
    """A table of text, or ``None`` with what is wrong added to the problems.

    ``attrs["rows"]`` holds the row of the file of each row, blank lines counted.
    """
    text = read_text(path, problems)
    if text is None:
        return None
    table = path.stem if path.stem in TABLES else path.name
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        mend = "look for a quote that is opened and never closed"
        problems.append(Problem(table, f"is not valid CSV: {error}", mend=mend))
        return None
    numbers = [number for number, row in enumerate(lines) if row]
    rows = [lines[number] for number in numbers]
    if not rows:
        problems.append(Problem(table, "the file is empty", mend="give it a header"))
        return None
    header, width = [name.strip() for name in rows[0]], len(rows[0])
    numbers = [number - numbers[0] for number in numbers[1:]]
    ragged = [k for k, row in enumerate(rows[1:], start=1) if len(row) != width]
    for k in ragged:
        found = len(rows[k])
        problems.append(
            Problem(
                table, f"has {found} cells, the header has {width}", numbers[k - 1],
                mend="quote a cell that holds a comma: \"a, b\"",
            )
        )  # fmt: skip
    if ragged:
        return None
    frame = pd.DataFrame(rows[1:], columns=header, dtype=object)
    frame.attrs["rows"] = numbers
    return frame


def read_toml(path: Path, problems: list[Problem]) -> dict[str, Any] | None:
    """Values of a TOML file, or ``None`` with what is wrong added to the problems."""
    text = read_text(path, problems)
    if text is None:
        return None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.append(Problem(path.name, f"is not valid TOML: {error}"))
        return None
