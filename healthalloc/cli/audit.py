"""``healthalloc audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from healthalloc import display
from healthalloc.auditing import audit as audit_scenario
from healthalloc.cli.answer import answer
from healthalloc.cli.app import (
    Folder,
    Format,
    Quiet,
    Tables,
    app,
    make_console,
    read,
    reported_errors,
)
from healthalloc.io import TableFormat, output_folder, read_stock, run_facts, write_results


@app.command()
def audit(
    folder: Folder,
    stock: Annotated[
        Path | None,
        typer.Option(
            help="CSV or Parquet of an allocation to measure: facility_id, resource_id, allocated."
        ),
    ] = None,
    output: Tables = None,
    table_format: Format = TableFormat.CSV,
    quiet: Quiet = False,
) -> None:
    """Measure stock that somebody chose against the plan, and the plan against itself."""
    console = make_console(quiet)
    with reported_errors(quiet):
        scenario = read(folder)
        target = None if output is None else output_folder(output, folder)
        table_format.require()  # before the work
        found = audit_scenario(scenario, None if stock is None else read_stock(stock))
        tables, run = found.tables(), {"audit": scenario.settings.name} | run_facts(folder)
        if target is not None:
            write_results(tables, run, target, table_format)
    answer(run | {"notes": found.notes}, tables, target)
    display.audit(console, scenario, found, target)
