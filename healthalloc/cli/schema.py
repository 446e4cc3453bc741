"""``healthalloc schema``."""

from __future__ import annotations

from typing import Annotated

import typer

from healthalloc import display
from healthalloc.cli.app import Exit, app, make_console
from healthalloc.schema import TABLES, schema_table


@app.command()
def schema(
    table: Annotated[str | None, typer.Argument(help="One table only.", show_default=False)] = None,
) -> None:
    """Print the columns, units, ranges and meaning of every table."""
    if table is not None and table not in TABLES:
        typer.echo(f"healthalloc: no table {table!r}: there are {', '.join(TABLES)}", err=True)
        raise typer.Exit(Exit.BAD_INPUT)
    display.schema(make_console(), schema_table(table))
