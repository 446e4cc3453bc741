"""How commands end: exit codes, and the one message of an error."""

from __future__ import annotations

from enum import IntEnum
from typing import NoReturn

import typer

from healthalloc.cli.answer import answer_error, as_data
from healthalloc.errors import HealthAllocError
from healthalloc.labels import Words, language_of
from healthalloc.solvers import Status


class Exit(IntEnum):
    """Exit codes of the command."""

    OK = 0
    FAILED = 1
    BAD_INPUT = 2
    INFEASIBLE = 3
    NO_SOLUTION_IN_TIME = 4
    INTERRUPTED = 130


OF_STATUS = {
    Status.INFEASIBLE: Exit.INFEASIBLE,
    Status.LIMIT_WITHOUT_INCUMBENT: Exit.NO_SOLUTION_IN_TIME,
}
"""Exit codes of statuses without an allocation, where they have one of their own."""


def end_without(status: Status) -> None:
    """End the command with the exit code of a status without an allocation; else do nothing.

    Raises
    ------
    typer.Exit
    """
    if not status.has_solution:
        raise typer.Exit(OF_STATUS.get(status, Exit.FAILED))


def fail(error: HealthAllocError, code: Exit) -> NoReturn:
    """Say what is wrong, on standard error or in the JSON document, and end the command."""
    if as_data():
        answer_error(error)
    else:
        typer.echo(f"healthalloc: {Words(language_of()).error(error)}", err=True)
    raise typer.Exit(code)
