"""Open a workbook: its sheets by the name of what they hold, its formulas."""

from __future__ import annotations

import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

from healthalloc.errors import DataError, Problem
from healthalloc.schema import TABLES
from healthalloc.validate import nearest
from healthalloc.workbook.grid import Grid, read_grid
from healthalloc.workbook.guide import GUIDE, KINDS_SHEET
from healthalloc.workbook.library import openpyxl
from healthalloc.workbook.roads import EDGES, NODES
from healthalloc.workbook.write import CHECKS, CLAUSES, SETTINGS, TRAVEL

NOT_READ = (GUIDE, KINDS_SHEET)
KNOWN = (SETTINGS, CLAUSES, CHECKS, *TABLES, TRAVEL, NODES, EDGES)
REQUIRED = (SETTINGS, CLAUSES, *(name for name, table in TABLES.items() if not table.optional))


def read_grids(path: Path, problems: list[Problem]) -> dict[str, Grid]:
    """The sheets of a workbook by the name of what they hold.

    Parameters
    ----------
    path
    problems
        What is wrong is added: sheets that nothing reads, and those that are missing.

    Raises
    ------
    DataError
        If the file is no workbook.
    UnsupportedError
        If openpyxl is not installed.
    """
    values = _load(path, data_only=True)
    formulas = _formulas(path)
    grids: dict[str, Grid] = {}
    for sheet in values.worksheets:
        name = sheet.title.strip().lower()
        if name in NOT_READ or name.startswith("_"):
            continue
        if name not in KNOWN:
            if any(cell.value is not None for cell in sheet._cells.values()):
                mend = nearest(name, [*KNOWN, *NOT_READ]) or f"known: {', '.join(KNOWN)}"
                mend += "; a sheet of your own has a name that begins with _"
                problems.append(Problem(f"sheet {sheet.title}", "unknown sheet", mend=mend))
            continue
        grid = read_grid(sheet, formulas.get(sheet.title, frozenset()), problems)
        if grid is not None:
            grids[name] = grid
    for chart in values.chartsheets:
        if not chart.title.startswith("_"):
            mend = "a sheet of your own has a name that begins with _"
            problems.append(Problem(f"sheet {chart.title}", "holds a chart", mend=mend))
    titles = {sheet.title.strip().lower() for sheet in values.worksheets}
    for name in REQUIRED:
        if name not in grids:
            message = "is empty: it needs a header" if name in titles else "missing sheet"
            mend = "healthalloc new --xlsx FILE makes a sample"
            problems.append(Problem(f"sheet {name}", message, mend=mend))
    return grids


def _load(path: Path, data_only: bool) -> Any:
    load = openpyxl().load_workbook
    try:
        with warnings.catch_warnings():
            # drop-downs of newer versions and the like: they carry no values
            warnings.simplefilter("ignore")
            return load(path, data_only=data_only)
    except FileNotFoundError:
        mend = "healthalloc new --xlsx FILE makes a sample"
        raise DataError([Problem(str(path), "missing file", mend=mend)]) from None
    except OSError as error:
        raise DataError([Problem(str(path), f"cannot be read: {error.strerror}")]) from None
    except Exception as error:  # the reader raises many kinds: zip, XML, key and type errors
        mend = "save it as 'Excel Workbook (*.xlsx)', without a password"
        message = f"cannot be read as a workbook ({type(error).__name__}: {error})"
        raise DataError([Problem(str(path), message, mend=mend)]) from None


def _formulas(path: Path) -> dict[str, frozenset[str]]:
    """Addresses of the formulas by sheet; the file is read again only if it has any."""
    with zipfile.ZipFile(path) as archive:
        parts = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        if not any(re.search(rb"<(\w+:)?f[\s/>]", archive.read(name)) for name in parts):
            return {}
    book = _load(path, data_only=False)
    return {
        sheet.title: frozenset(c.coordinate for c in sheet._cells.values() if c.data_type == "f")
        for sheet in book.worksheets
    }
