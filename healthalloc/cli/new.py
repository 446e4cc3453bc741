"""``healthalloc new``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from healthalloc.cli.answer import answer
from healthalloc.cli.app import app, make_console, reported_errors
from healthalloc.errors import DataError, Problem
from healthalloc.io import new_scenario, read_scenario, write_scenario


@app.command()
def new(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder to make.", show_default=False)
    ] = None,
    xlsx: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", show_default=False, help="Make one Excel workbook (.xlsx) instead."
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="DIR",
            show_default=False,
            help="Scenario folder or workbook to copy [default: the starter].",
        ),
    ] = None,
) -> None:
    """Write a small, commented, solvable scenario to start from, as a folder or a workbook."""
    with reported_errors():
        target = _target(folder, xlsx)
        if source is None and target is folder:
            new_scenario(target)
        elif source is None:
            with tempfile.TemporaryDirectory() as scratch:
                new_scenario(Path(scratch) / "starter")
                write_scenario(read_scenario(Path(scratch) / "starter"), target)
        else:
            write_scenario(read_scenario(source), target)
    answer(written=target)
    shown = escape(str(target))
    make_console().print(f"Wrote {shown}. Try: healthalloc solve {shown}", soft_wrap=True)


def _target(folder: Path | None, xlsx: Path | None) -> Path:
    if folder is not None and xlsx is None:
        return folder
    if xlsx is None or folder is not None:
        mend = "healthalloc new my_region, or healthalloc new --xlsx my_region.xlsx"
        raise DataError([Problem("new", "takes a folder or --xlsx FILE, one of them", mend=mend)])
    if xlsx.suffix.lower() != ".xlsx":
        mend = f"{xlsx}.xlsx"
        raise DataError([Problem("--xlsx", "is no .xlsx file", value=str(xlsx), mend=mend)])
    return xlsx
