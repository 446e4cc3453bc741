"""``healthalloc workbook``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from healthalloc.cli.answer import answer
from healthalloc.cli.app import (
    AuditOnly,
    Continuous,
    Folder,
    Gap,
    Quiet,
    SolverName,
    TimeLimit,
    app,
    make_console,
    read,
    reported_errors,
)
from healthalloc.cli.ending import end_without
from healthalloc.io import run_facts
from healthalloc.labels import language_of
from healthalloc.solving import solve as solve_scenario
from healthalloc.workbook.library import xlsxwriter
from healthalloc.workbook.results import plan_path, write_plan


@app.command()
def workbook(
    folder: Folder,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            show_default=False,
            help="Workbook to write [default: NAME-plan.xlsx in the current folder].",
        ),
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option(
            show_default=False,
            help="Language of headings and words: en or zh [default: HEALTHALLOC_LANG, else en].",
        ),
    ] = None,
    audit_only: AuditOnly = None,
    solver: SolverName = None,
    continuous: Continuous = False,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    quiet: Quiet = False,
) -> None:
    """Solve, and write the answer as an Excel workbook whose totals can be followed."""
    console = make_console(quiet)
    with reported_errors(quiet):
        xlsxwriter()  # before the work
        language = language_of(lang)
        target = plan_path(output, folder)
        scenario = read(folder, audit_only)
        solution = solve_scenario(
            scenario,
            solver=solver,
            whole_units=False if continuous else None,
            gap=gap,
            time_limit_s=time_limit,
        )
        write_plan(solution, target, language, run_facts(folder))
    answer(solution.run(), written=target)
    status = solution.status
    if status.has_solution:
        console.print(f"{escape(scenario.settings.name)}: {solution.objective:,.0f} CNY a year")
    else:
        console.print(f"{escape(scenario.settings.name)}: [red]{status.words}[/]")
    console.print(f"Workbook written to {escape(str(target))}")
    end_without(status)
