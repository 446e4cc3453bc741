"""Read a certificate bundle: every member accounted for, nothing unpacked to disk."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from healthalloc.bundle import HEADERS, MANIFEST, MEMBERS, RUN, VERSION, json_text
from healthalloc.errors import DataError, Problem
from healthalloc.formulation.program import LinearProgram
from healthalloc.mps import read_mps, write_mps

MOST_BYTES = 1 << 30
"""Largest bundle that is read, unpacked, bytes."""
MOST_RATIO, SMALL = 200, 1 << 20
"""A member above the small size that shrinks by more than this is no table of numbers."""

Table = dict[str, list[str]]


@dataclass(frozen=True, eq=False)
class Bundle:
    """What a bundle says, nothing of it checked yet but the form.

    Parameters
    ----------
    program
        Without blocks.
    run
        Facts of the run.
    tables
        The CSV members: columns of text by name.
    altered
        Members whose content is not what the manifest says.
    rewritten
        Members that say the same in another text than `write_bundle` gives it, which another
        reader may take for something else: a number ``1_0``, a column without a bound, a key
        given twice.
    """

    program: LinearProgram
    run: Mapping[str, Any]
    tables: Mapping[str, Table]
    altered: tuple[str, ...]
    rewritten: tuple[str, ...]

    def numbers(self, member: str, column: str, *, finite: bool = True) -> NDArray[np.float64]:
        """A column of numbers of a table.

        Raises
        ------
        DataError
            If a cell is no number in full digits, or not a finite one where it must be.
        """
        cells = self.tables[member][column]
        try:
            values = np.array([float(cell) for cell in cells], dtype=float)
        except ValueError as error:
            raise _unreadable(member, f"column {column}: {error}") from error
        if finite and not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise _unreadable(member, f"column {column}, row {row + 1}: {cells[row]} is not finite")
        for row, (cell, value) in enumerate(zip(cells, values.tolist()), start=1):
            if cell != repr(value):
                message = f"column {column}, row {row}: {cell!r} is not written as {value!r}"
                raise _unreadable(member, message)
        return values

    def positions(self, member: str, column: str, size: int) -> NDArray[np.intp]:
        """A column of names of the program's rows (``r0``) or columns (``c0``) as positions.

        Raises
        ------
        DataError
            If a cell is no such name.
        """
        place = {f"{column[0]}{k}": k for k in range(size)}
        cells = self.tables[member][column]
        unknown = [cell for cell in cells if cell not in place]
        if unknown:
            raise _unreadable(member, f"{unknown[0]!r} is no {column} of the program")
        return np.array([place[cell] for cell in cells], dtype=np.intp)

    def fact(self, *path: str) -> Any:
        """A fact of the run by its place in ``run.json``.

        Raises
        ------
        DataError
            If it is not there.
        """
        value: Any = self.run
        for key in path:
            if not isinstance(value, Mapping) or key not in value:
                raise _unreadable(RUN, f"has no {'.'.join(path)}")
            value = value[key]
        return value

    def names(self, *path: str) -> list[str]:
        """A fact that is a list of names.

        Raises
        ------
        DataError
            If it is not there, or no such list.
        """
        value = self.fact(*path)
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise _unreadable(RUN, f"{'.'.join(path)} is no list of names")
        return value

    def amount(self, *path: str) -> float:
        """A fact that is a number; NaN where it is empty.

        Raises
        ------
        DataError
            If it is not there, or no number.
        """
        value = self.fact(*path)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise _unreadable(RUN, f"{'.'.join(path)} is no number")
        try:
            return np.nan if value is None else float(value)
        except OverflowError as error:
            raise _unreadable(RUN, f"{'.'.join(path)} is no number") from error


def read_bundle(file: str | os.PathLike[str]) -> Bundle:
    """Read a bundle into memory.

    Parameters
    ----------
    file

    Raises
    ------
    DataError
        If it is no bundle: no zip, a member missing, unknown, doubled, encrypted or too large,
        or one that cannot be read as what it should be.
    """
    members = _contents(Path(file))
    manifest, run = _mapping(members, MANIFEST), _mapping(members, RUN)
    if manifest.get("version") != VERSION:
        raise _unreadable(MANIFEST, f"version {manifest.get('version')!r}, this reads {VERSION}")
    listed = manifest.get("members")
    if not isinstance(listed, dict) or listed.keys() != members.keys() - {MANIFEST}:
        raise _unreadable(MANIFEST, "does not list the members that are there")
    altered = tuple(
        name
        for name, entry in listed.items()
        if not isinstance(entry, dict)
        or entry.get("sha256") != hashlib.sha256(members[name]).hexdigest()
        or entry.get("bytes") != len(members[name])
    )
    tables = {name: _table(name, members[name], header) for name, header in HEADERS.items()}
    program = read_mps(_text("program.mps", members["program.mps"]))
    texts = {MANIFEST: json_text(manifest), RUN: json_text(run), "program.mps": write_mps(program)}
    texts |= {name: _csv_text(table) for name, table in tables.items()}
    rewritten = tuple(n for n in MEMBERS if members[n] != texts[n].encode(errors="surrogatepass"))
    return Bundle(program, run, tables, altered, rewritten)


def printable(text: str) -> str:
    """A text of a stranger as it can be shown: what would move the cursor is written out."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _unreadable(member: str, message: str) -> DataError:
    mend = "no readable certificate bundle"
    return DataError([Problem(printable(member), printable(message), mend=mend)])


def _contents(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            problems = _form_problems(infos)
            if problems:
                raise DataError(problems)
            return {info.filename: archive.read(info) for info in infos}
    except OSError as error:
        raise _unreadable(str(path), f"cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        raise _unreadable(path.name, f"is damaged or no zip file: {error}") from error
    except Exception as error:
        # zlib.error and struct.error, whatever a damaged file makes the unpacker raise
        if isinstance(error, DataError):
            raise
        raise _unreadable(path.name, f"is damaged: {error}") from error


def _form_problems(infos: list[zipfile.ZipInfo]) -> list[Problem]:
    names = [info.filename for info in infos]
    problems = [
        Problem(printable(name), "is no member of a bundle; nothing was unpacked")
        for name in dict.fromkeys(names)
        if name not in MEMBERS
    ]
    problems += [Problem(name, "missing from the bundle") for name in MEMBERS if name not in names]
    problems += [
        Problem(name, "stands twice in the bundle") for name in MEMBERS if names.count(name) > 1
    ]
    problems += [Problem(i.filename, "is encrypted") for i in infos if i.flag_bits & 1]
    for info in infos:
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            problems.append(Problem(info.filename, "is packed in another way than deflate"))
        if info.file_size > SMALL and info.file_size > MOST_RATIO * max(info.compress_size, 1):
            size = f"{info.file_size:,} bytes from {info.compress_size:,}"
            problems.append(Problem(info.filename, f"unpacks to {size}: no table of numbers does"))
    total = sum(info.file_size for info in infos)
    if total > MOST_BYTES:
        message = f"unpacks to {total:,} bytes, more than the {MOST_BYTES:,} that are read"
        problems.append(Problem("bundle", message))
    return problems


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unreadable(name, f"is not UTF-8: {error}") from error


def _mapping(members: Mapping[str, bytes], name: str) -> dict[str, Any]:
    try:
        value = json.loads(_text(name, members[name]))
        json_text(value)  # which is deeper than reading goes
    except (ValueError, RecursionError) as error:
        raise _unreadable(name, f"is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise _unreadable(name, "is no JSON object")
    return value


def _table(name: str, data: bytes, header: list[str]) -> Table:
    try:
        rows = list(csv.reader(io.StringIO(_text(name, data), newline=""), strict=True))
    except csv.Error as error:
        raise _unreadable(name, f"is not valid CSV: {error}") from error
    if not rows or rows[0] != header:
        raise _unreadable(name, f"does not begin with the columns {', '.join(header)}")
    ragged = [k for k, row in enumerate(rows) if len(row) != len(header)]
    if ragged:
        raise _unreadable(name, f"line {ragged[0] + 1} has not {len(header)} cells")
    return {column: [row[k] for row in rows[1:]] for k, column in enumerate(header)}


def _csv_text(table: Table) -> str:
    """A table as `write_bundle` writes it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values()))
    return buffer.getvalue()
