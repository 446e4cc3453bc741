"""The least-cost plan that a command starts from, or the exit code of having no plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from healthalloc.cli.answer import answer
from healthalloc.cli.ending import Exit, end_without, fail
from healthalloc.display import print_conflict
from healthalloc.errors import NoSolutionError
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution
from healthalloc.solvers import Status
from healthalloc.solving import solve


@contextmanager
def limits_end() -> Iterator[None]:
    """Once there is a least-cost plan, only a limit can leave a further program without one."""
    try:
        yield
    except NoSolutionError as error:
        fail(error, Exit.NO_SOLUTION_IN_TIME)


def least_cost_plan(
    console: Console, scenario: Scenario, *, continuous: bool, time_limit_s: float | None
) -> Solution:
    """Solve a scenario; without a plan say why and end the command.

    Parameters
    ----------
    console
    scenario
    continuous
        Allow fractions of beds and people.
    time_limit_s
        Seconds for each program; ``None``: as the scenario says.

    Raises
    ------
    typer.Exit
        With the exit code of the status, if there is no plan.
    """
    base = solve(scenario, whole_units=False if continuous else None, time_limit_s=time_limit_s)
    end_without_plan(console, base)
    return base


def end_without_plan(console: Console, found: Solution) -> None:
    """Say why there is no plan, and end the command; do nothing if there is one.

    Raises
    ------
    typer.Exit
        With the exit code of the status, if there is no plan.
    """
    if found.status.has_solution:
        return
    answer(found.run(), found.tables())
    if found.status is Status.INFEASIBLE:
        print_conflict(console, "[bold red]The plan is infeasible.[/]", found)
    else:
        console.print(f"[bold red]No plan:[/] {found.status.words}")
    end_without(found.status)
