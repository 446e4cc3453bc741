"""``healthalloc report``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from healthalloc.cli.answer import answer
from healthalloc.cli.app import (
    AuditOnly,
    Exit,
    Quiet,
    TimeLimit,
    app,
    make_console,
    read,
    reported_errors,
)
from healthalloc.comparing import Comparison, compare
from healthalloc.errors import DataError, Problem, TimeLimitError, UnsupportedError
from healthalloc.explain.conflicts import find_conflicts
from healthalloc.explain.repairs import repairs
from healthalloc.io import run_facts
from healthalloc.labels import language_of
from healthalloc.report import pair_report, require_libraries, solution_report
from healthalloc.scenario import Scenario
from healthalloc.solvers import Status
from healthalloc.solving import solve

REPAIRS = 3
"""Repairs shown of an infeasible plan."""
Found = TypeVar("Found")


@app.command(
    epilog="Exit code 0 whether the plan holds or not: the report says it. 1 if the solver failed "
    "and 4 if a limit came before any solution; the report is written then, too."
)
def report(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER [FOLDER]",
            help="Scenario folder; with two, what differs between them and for whom.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            show_default=False,
            help="HTML file to write [default: NAME-report.html in the current folder].",
        ),
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option(show_default=False, help="en or zh [default: HEALTHALLOC_LANG, else en]."),
    ] = None,
    strategies: Annotated[
        bool, typer.Option("--strategies", help="Also run all strategies, and show them.")
    ] = False,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            "--strategy",
            "-s",
            show_default=False,
            help="Also run this strategy, and show it (repeatable; names may be joined by commas).",
        ),
    ] = None,
    audit_only: AuditOnly = None,
    time_limit: TimeLimit = None,
    quiet: Quiet = False,
) -> None:
    """Write what a plan achieves and costs as one HTML page that needs no network."""
    console = make_console(quiet)
    with reported_errors(quiet):
        language = language_of(lang)
        require_libraries()  # before the work, so that nothing is solved for nothing
        file = report_file(output, folders)
        wanted = strategies or strategy is not None
        if len(folders) == 2 and wanted:
            raise UnsupportedError("strategies are shown for one scenario, not for two")
        scenarios = [read(folder, audit_only) for folder in folders]
        solutions = [solve(scenario, time_limit_s=time_limit) for scenario in scenarios]
        scenarios = [solution.scenario for solution in solutions]  # with the limit
        if len(solutions) == 2:
            page = pair_report(solutions, names_of(folders, scenarios), language=language)
        else:
            infeasible = solutions[0].status is Status.INFEASIBLE
            page = solution_report(
                solutions[0],
                language=language,
                strategies=_compared(scenarios[0], strategy) if wanted else None,
                conflicts=_in_time(find_conflicts, scenarios[0]) if infeasible else None,
                mended=_in_time(repairs, scenarios[0], most=REPAIRS) if infeasible else None,
                run=run_facts(folders[0]),
            )
        try:
            file.write_text(page, encoding="utf-8")
        except OSError as error:
            problem = Problem("--output", f"cannot be written: {error.strerror}", value=str(file))
            raise DataError([problem]) from None
    runs = {name: solution.run() for name, solution in zip(names_of(folders, scenarios), solutions)}
    answer(runs if len(runs) > 1 else solutions[0].run(), written=file)
    console.print(f"Report written to {file}", markup=False)
    if any(s.status is Status.LIMIT_WITHOUT_INCUMBENT for s in solutions):
        raise typer.Exit(Exit.NO_SOLUTION_IN_TIME)
    if any(s.status is Status.UNBOUNDED for s in solutions):
        raise typer.Exit(Exit.FAILED)


def report_file(output: Path | None, folders: list[Path]) -> Path:
    """Where the report goes.

    Parameters
    ----------
    output
        As asked for; ``None`` for a file in the current folder, named after the scenario folders.
    folders

    Raises
    ------
    DataError
        If there are more than two scenario folders, the file does not end in ``.html``, its
        folder does not exist, or it lies in a scenario folder.
    """
    if len(folders) > 2:
        mend = "one, or two to hold side by side"
        raise DataError([Problem("report", "takes one or two folders", value=str(len(folders)),
                                 mend=mend)])  # fmt: skip
    if output is None:
        named = "-".join(folder.resolve().name for folder in folders)
        output = Path(f"{named}-report.html")
    mend = "a file ending in .html, in a folder that exists, outside the scenario"
    inside = any(folder.resolve() in output.resolve().parents for folder in folders)
    if output.suffix.lower() not in (".html", ".htm") or not output.parent.is_dir() or inside:
        raise DataError([Problem("--output", "cannot be the report", value=str(output), mend=mend)])
    return output


def names_of(folders: list[Path], scenarios: list[Scenario]) -> list[str]:
    """Different names of two scenarios: their own, else those of the folders."""
    names = [scenario.settings.name for scenario in scenarios]
    if len(set(names)) == len(names):
        return names
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) == len(names):
        return names
    return [f"{name} ({k})" for k, name in enumerate(names, start=1)]


def _in_time(find: Callable[..., Found], *given: Any, **asked: Any) -> Found | None:
    """What is found; nothing where a limit came first."""
    try:
        return find(*given, **asked)
    except TimeLimitError:
        return None


def _compared(scenario: Scenario, names: list[str] | None) -> Comparison:
    if names is None:
        return compare(scenario)
    return compare(scenario, [name for word in names for name in word.split(",")])
