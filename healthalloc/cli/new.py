"""``healthalloc new``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from healthalloc.cli.app import app, reported_errors
from healthalloc.io import new_scenario


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(help="Folder to make.", show_default=False)],
) -> None:
    """Write a small, commented, solvable scenario folder to start from."""
    with reported_errors():
        new_scenario(folder)
    typer.echo(f"Wrote {folder}. Try: healthalloc solve {folder}")
