"""``healthalloc bundle`` and ``healthalloc verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from healthalloc.bundle import bundle_path, write_bundle
from healthalloc.cli.answer import answer
from healthalloc.cli.app import (
    AuditOnly,
    Continuous,
    Exit,
    Folder,
    Gap,
    Quiet,
    TimeLimit,
    app,
    make_console,
    read,
    reported_errors,
)
from healthalloc.cli.optimum import end_without_plan
from healthalloc.display import print_table
from healthalloc.labels import Words, language_of
from healthalloc.solving import solve as solve_scenario
from healthalloc.verification import Verification
from healthalloc.verification import verify as verify_bundle


@app.command()
def bundle(
    folder: Folder,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            show_default=False,
            help="File to write [default: NAME-bundle.zip in the current folder].",
        ),
    ] = None,
    audit_only: AuditOnly = None,
    continuous: Continuous = False,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    quiet: Quiet = False,
) -> None:
    """Solve, and write the answer with its proof as one file that anybody can check."""
    console = make_console(quiet)
    with reported_errors(quiet):
        scenario = read(folder, audit_only)
        target = bundle_path(output, folder)
        solution = solve_scenario(
            scenario,
            whole_units=False if continuous else None,
            gap=gap,
            time_limit_s=time_limit,
        )
        if solution.status.has_solution:
            write_bundle(solution, target, folder)
    end_without_plan(console, solution)
    answer(solution.run(), written=target)
    console.print(
        f"Wrote {escape(str(target))}. Check it: healthalloc verify {escape(target.name)}"
    )


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Bundle.", show_default=False)],
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Scenario folder that it should belong to: its files and its program.",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Recompute everything that a certificate bundle claims, from its numbers alone."""
    console = make_console(quiet)
    with reported_errors(quiet):
        found = verify_bundle(file, against)
    answer(found.run(), {"checks": found.table()})
    _show(console, found, against is not None)
    if not found.passed:
        raise typer.Exit(Exit.FAILED)


def _show(console: Console, found: Verification, compared: bool) -> None:
    """Print the checks and the verdict."""
    console.print(f"[bold]{escape(found.scenario)}[/]: certificate bundle")
    table = found.table()
    table["passed"] = table["passed"].map({True: "yes", False: "[red]no[/]"})
    print_table(console, "Checks", table, wide=("check", "detail"))
    if not found.passed:
        words = Words(language_of())
        failed = [check for check in found.checks if not check.passed]
        console.print(
            f"[bold red]Not verified:[/] {len(failed)} of {len(found.checks)} checks fail"
        )
        for check in failed:
            found_wrong = f"{words.said(check.name)}: {words.said(check.detail)}"
            console.print(f"  - {escape(found_wrong)}")
        return
    console.print(
        f"[bold green]Verified:[/] an allocation at {found.objective:,.0f} CNY a year meets every "
        f"clause of the program; none costs less than {found.proved_bound:,.0f} (proved here, gap "
        f"{found.proved_gap:.2g})"
    )
    if found.not_enforced:
        names = ", ".join(found.not_enforced)
        console.print(f"Only measured, and so neither enforced nor proved: {escape(names)}")
    if not compared:
        console.print("Whether this is the program of your scenario: --against DIR")
