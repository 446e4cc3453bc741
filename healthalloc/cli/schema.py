"""``healthalloc schema``."""

from __future__ import annotations

from typing import Annotated

import typer

from healthalloc import display
from healthalloc.cli.answer import answer
from healthalloc.cli.app import app, make_console
from healthalloc.cli.ending import Exit, fail
from healthalloc.errors import UnsupportedError
from healthalloc.schema import TABLES, schema_table


@app.command()
def schema(
    table: Annotated[
        str | None,
        typer.Argument(
            help="One table only.", show_default=False, autocompletion=lambda: list(TABLES)
        ),
    ] = None,
) -> None:
    """Print the columns, units, ranges and meaning of every table."""
    if table is not None and table not in TABLES:
        known = ", ".join(TABLES)
        fail(UnsupportedError(f"no table {table!r}: there are {known}"), Exit.BAD_INPUT)
    rows = schema_table(table)
    answer(tables={"schema": rows})
    display.schema(make_console(), rows)
