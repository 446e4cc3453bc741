"""``healthalloc solve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from healthalloc import display
from healthalloc.bundle import bundle_path, write_bundle
from healthalloc.cli.answer import answer
from healthalloc.cli.app import (
    AuditOnly,
    Continuous,
    Folder,
    Format,
    Gap,
    MemoryLimit,
    Output,
    Quiet,
    SolverName,
    TimeLimit,
    app,
    make_console,
    read,
    reported_errors,
)
from healthalloc.cli.ending import end_without
from healthalloc.io import TableFormat, output_folder, run_facts, write_results
from healthalloc.solving import solve as solve_scenario


@app.command()
def solve(
    folder: Folder,
    output: Output = None,
    audit_only: AuditOnly = None,
    solver: SolverName = None,
    continuous: Continuous = False,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    memory_limit: MemoryLimit = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            show_default=False, help="Also write the program, answer and proof as one file."
        ),
    ] = None,
    table_format: Format = TableFormat.CSV,
    quiet: Quiet = False,
) -> None:
    """Find the cheapest allocation that meets the plan, prove it and price its clauses."""
    console = make_console(quiet)
    with reported_errors(quiet):
        scenario = read(folder, audit_only)
        target = output_folder(output, folder)
        table_format.require()  # before the work
        proof = None if bundle is None else bundle_path(bundle, folder)
        solution = solve_scenario(
            scenario,
            solver=solver,
            whole_units=False if continuous else None,
            gap=gap,
            time_limit_s=time_limit,
            memory_limit_gb=memory_limit,
        )
        tables, run = solution.tables(), solution.run() | run_facts(folder)
        write_results(tables, run, target, table_format)
        if proof is not None and solution.status.has_solution:
            write_bundle(solution, proof, folder)
    answer(run, tables, target)
    display.solution(console, solution, target)
    end_without(solution.status)
