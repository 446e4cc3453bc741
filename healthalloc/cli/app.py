"""What the commands share: the application, options, exit codes, how errors end."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from healthalloc import __version__
from healthalloc.cli.answer import as_data
from healthalloc.cli.ending import Exit as Exit
from healthalloc.cli.ending import fail
from healthalloc.cli.interrupt import interruptible
from healthalloc.cli.options import App, Group, Language
from healthalloc.errors import DataError, HealthAllocError, TimeLimitError, UnsupportedError
from healthalloc.io import TableFormat, read_scenario
from healthalloc.labels import Words, language_of
from healthalloc.progress import shown
from healthalloc.scenario import Scenario

app = App(
    name="healthalloc",
    cls=Group,
    help="Allocate beds, staff and capacity so that every clause of a health plan holds, "
    "at least cost, with proof.",
    epilog="Exit codes: 0 done, 1 the solver failed, 2 bad input (nothing written), "
    "3 the plan is infeasible, 4 a limit came before any solution, 130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Folder = Annotated[
    Path, typer.Argument(help="Scenario folder or workbook (.xlsx).", show_default=False)
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", show_default=False,
        help="Folder for the results [default: NAME-solution in the current folder].",
    ),
]  # fmt: skip
Tables = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Folder for the tables [default: none written]."),
]
Continuous = Annotated[
    bool, typer.Option("--continuous", help="Allow fractions of beds and people.")
]
SolverName = Annotated[
    str | None,
    typer.Option(
        autocompletion=lambda: ["auto", "highs", "interior", "pulp"],
        help="auto, highs, interior, pulp or pulp:NAME [default: as the scenario says].",
    ),
]
Gap = Annotated[float | None, typer.Option(help="Relative gap to stop at.", min=0.0)]
TimeLimit = Annotated[float | None, typer.Option(help="Seconds for each program solved.", min=0.0)]
MemoryLimit = Annotated[
    float | None,
    typer.Option(help="GB that building and solving may take; refused if more.", min=0.0),
]
FurtherGap = Annotated[
    float | None,
    typer.Option(help="Relative gap of each further program [default: as the scenario says]."),
]
FurtherTimeLimit = Annotated[
    float | None,
    typer.Option(
        show_default=False,
        help="Seconds for each program solved [default: 30; the least-cost one as the scenario "
        "says].",
    ),
]
Format = Annotated[
    TableFormat, typer.Option("--format", help="Format of the tables; parquet needs pyarrow.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
AuditOnly = Annotated[
    list[str] | None,
    typer.Option(
        "--audit-only", show_default=False,
        help="Measure this clause but do not enforce it (repeatable; ids may be joined by commas).",
    ),
]  # fmt: skip


def make_console(quiet: bool = False) -> Console:
    """Console for results on standard output.

    Parameters
    ----------
    quiet
        Print nothing.
    """
    # a pipe has no width of its own: wide enough for the tables
    return Spoken(
        quiet=quiet or as_data(), width=None if sys.stdout.isatty() else 160, highlight=False
    )


class Spoken(Console):
    """A console that prints the library's sentences in the language that is spoken."""

    def print(self, *objects: Any, **how: Any) -> None:
        """As `rich.console.Console.print`."""
        words = Words(language_of())
        super().print(*(words.said(o) if isinstance(o, str) else o for o in objects), **how)


@contextmanager
def reported_errors(quiet: bool = False) -> Iterator[None]:
    """The work of a command: its progress is shown, its errors end in a message and exit code.

    Parameters
    ----------
    quiet
        Show no progress.
    """
    try:
        with shown(quiet=quiet), interruptible():
            yield
    except KeyboardInterrupt:
        fail(HealthAllocError("interrupted"), Exit.INTERRUPTED)
    except TimeLimitError as error:
        fail(error, Exit.NO_SOLUTION_IN_TIME)
    except HealthAllocError as error:
        bad_input = isinstance(error, DataError | UnsupportedError)
        fail(error, Exit.BAD_INPUT if bad_input else Exit.FAILED)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"healthalloc {__version__}")
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    lang: Language = None,
) -> None:
    """Allocate health resources under the clauses of a plan."""
    context.obj = lang
    for stream in (sys.stdout, sys.stderr):
        # a console that knows no Chinese shows question marks rather than nothing
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def read(folder: Path, audit_only: list[str] | None = None) -> Scenario:
    """Read a scenario, some of its clauses only measured.

    Parameters
    ----------
    folder
    audit_only
        Ids as the option ``--audit-only`` gives them.
    """
    scenario = read_scenario(folder)
    if audit_only:
        known = [word for c in scenario.plan.clauses for word in (c.id, c.name)]
        scenario = scenario.audit_only(*split_ids(audit_only, known))
    return scenario


def split_ids(words: Iterable[str] | None, known: Iterable[str]) -> list[str]:
    """Ids as an option gives them, several joined by commas; one with a comma stays whole.

    Parameters
    ----------
    words
        What was typed.
    known
        The ids that there are.
    """
    whole = set(known)
    return [i for word in words or () for i in ([word] if word in whole else word.split(","))]
