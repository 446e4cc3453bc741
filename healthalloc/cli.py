"""The command line: parse, call, print."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from healthalloc import __version__, display
from healthalloc.audit import audit as audit_scenario
from healthalloc.errors import DataError, HealthAllocError, UnsupportedError
from healthalloc.io import (
    new_scenario,
    output_folder,
    read_scenario,
    read_stock,
    run_facts,
    write_results,
)
from healthalloc.schema import TABLES, schema_table
from healthalloc.solve import solve as solve_scenario
from healthalloc.solvers import Status


class Exit(IntEnum):
    """Exit codes of the command."""

    OK = 0
    FAILED = 1
    BAD_INPUT = 2
    INFEASIBLE = 3
    NO_SOLUTION_IN_TIME = 4


app = typer.Typer(
    name="healthalloc",
    help="Allocate beds, staff and capacity so that every clause of a health plan holds, "
    "at least cost, with proof.",
    epilog="Exit codes: 0 done, 1 the solver failed, 2 bad input (nothing written), "
    "3 the plan is infeasible, 4 a limit came before any solution.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Folder = Annotated[Path, typer.Argument(help="Scenario folder.", show_default=False)]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", show_default=False,
        help="Folder for the results [default: NAME-solution in the current folder].",
    ),
]  # fmt: skip
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
AuditOnly = Annotated[
    list[str] | None,
    typer.Option(
        "--audit-only", show_default=False,
        help="Measure this clause but do not enforce it (repeatable; ids may be joined by commas).",
    ),
]  # fmt: skip


def _console(quiet: bool = False) -> Console:
    # a pipe has no width of its own: wide enough for the tables
    return Console(quiet=quiet, width=None if sys.stdout.isatty() else 150, highlight=False)


@contextmanager
def _errors() -> Iterator[None]:
    """Every error of ours ends in one message and an exit code, never a traceback."""
    try:
        yield
    except HealthAllocError as error:
        bad_input = isinstance(error, DataError | UnsupportedError)
        typer.echo(f"healthalloc: {error}", err=True)
        raise typer.Exit(Exit.BAD_INPUT if bad_input else Exit.FAILED) from None


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"healthalloc {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Allocate health resources under the clauses of a plan."""


@app.command()
def solve(
    folder: Folder,
    output: Output = None,
    audit_only: AuditOnly = None,
    solver: Annotated[
        str | None,
        typer.Option(help="highs, pulp or pulp:NAME [default: as the scenario says]."),
    ] = None,
    continuous: Annotated[
        bool, typer.Option("--continuous", help="Allow fractions of beds and people.")
    ] = False,
    gap: Annotated[float | None, typer.Option(help="Relative gap to stop at.", min=0.0)] = None,
    time_limit: Annotated[
        float | None, typer.Option(help="Seconds for each program solved.", min=0.0)
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Find the cheapest allocation that meets the plan, prove it and price its clauses."""
    console = _console(quiet)
    with _errors():
        scenario = read_scenario(folder)
        if audit_only:
            scenario = scenario.audit_only(*(i for word in audit_only for i in word.split(",")))
        target = output_folder(output, folder)
        solution = solve_scenario(
            scenario,
            solver=solver,
            whole_units=False if continuous else None,
            gap=gap,
            time_limit_s=time_limit,
        )
        write_results(solution.tables(), solution.run() | run_facts(folder), target)
    display.solution(console, solution, target)
    if solution.status is Status.INFEASIBLE:
        raise typer.Exit(Exit.INFEASIBLE)
    if solution.status is Status.LIMIT_WITHOUT_INCUMBENT:
        raise typer.Exit(Exit.NO_SOLUTION_IN_TIME)
    if not solution.status.has_solution:
        raise typer.Exit(Exit.FAILED)


@app.command()
def audit(
    folder: Folder,
    stock: Annotated[
        Path | None,
        typer.Option(help="CSV of an allocation to measure: facility_id, resource_id, allocated."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the tables [default: none written]."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Measure stock that somebody chose against the plan, and the plan against itself."""
    console = _console(quiet)
    with _errors():
        scenario = read_scenario(folder)
        target = None if output is None else output_folder(output, folder)
        found = audit_scenario(scenario, None if stock is None else read_stock(stock))
        if target is not None:
            write_results(
                found.tables(), {"audit": scenario.settings.name} | run_facts(folder), target
            )
    display.audit(console, scenario, found, target)


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(help="Folder to make.", show_default=False)],
) -> None:
    """Write a small, commented, solvable scenario folder to start from."""
    with _errors():
        new_scenario(folder)
    typer.echo(f"Wrote {folder}. Try: healthalloc solve {folder}")


@app.command()
def schema(
    table: Annotated[str | None, typer.Argument(help="One table only.", show_default=False)] = None,
) -> None:
    """Print the columns, units, ranges and meaning of every table."""
    if table is not None and table not in TABLES:
        typer.echo(f"healthalloc: no table {table!r}: there are {', '.join(TABLES)}", err=True)
        raise typer.Exit(Exit.BAD_INPUT)
    display.schema(_console(), schema_table(table))
