"""``healthalloc explain``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from healthalloc.cli.answer import answer
from healthalloc.cli.app import (
    AuditOnly,
    Continuous,
    Folder,
    Quiet,
    Tables,
    TimeLimit,
    app,
    make_console,
    read,
    reported_errors,
    split_ids,
)
from healthalloc.display import unproved
from healthalloc.errors import TimeLimitError
from healthalloc.explain.conflicts import Conflicts, find_conflicts
from healthalloc.explain.repairs import Repairs, check_kept, repairs
from healthalloc.formulation.budget import stated
from healthalloc.io import output_folder, run_facts, write_results
from healthalloc.scenario import Scenario
from healthalloc.solving import with_settings


class Method(StrEnum):
    """How the conflicts are found."""

    ELASTIC = "elastic"
    IIS = "iis"


@app.command(
    epilog="Exit code 0 whether the plan holds or not: the command does what it is asked to do "
    "when it explains an infeasible plan. To test whether a plan holds, use solve (exit code 3)."
)
def explain(
    folder: Folder,
    output: Tables = None,
    audit_only: AuditOnly = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            show_default=False,
            help="Clause that no repair may change (repeatable; ids may be joined by commas).",
        ),
    ] = None,
    keep_limits: Annotated[
        bool, typer.Option("--keep-limits", help="No repair may change a stock limit.")
    ] = False,
    most: Annotated[int, typer.Option(help="Repairs to show.", min=1)] = 5,
    method: Annotated[
        Method, typer.Option(help="Own elastic filter, or the IIS of HiGHS.")
    ] = Method.ELASTIC,
    conflicts_only: Annotated[
        bool, typer.Option("--conflicts-only", help="Look for no repairs.")
    ] = False,
    continuous: Continuous = False,
    time_limit: TimeLimit = None,
    quiet: Quiet = False,
) -> None:
    """Say which clauses of a plan cannot hold together, and the smallest changes that mend it."""
    console = make_console(quiet)
    with reported_errors(quiet):
        scenario = read(folder, audit_only)
        changes: dict[str, object] = {"whole_units": False} if continuous else {}
        if time_limit is not None:
            changes["time_limit_s"] = time_limit
        scenario = with_settings(scenario, changes)
        target = None if output is None else output_folder(output, folder)
        words = split_ids(keep, [word for c in stated(scenario) for word in (c.id, c.name)])
        check_kept(scenario, words)
        conflicts = find_conflicts(scenario, method=method.value)
    console.print(f"[bold]{escape(scenario.settings.name)}[/]")
    if len(conflicts):
        _print_conflicts(console, conflicts)
    else:
        console.print("[bold green]The plan holds[/]: no clauses conflict, nothing to repair.")
    with reported_errors(quiet):
        tables = {"conflicts": conflicts.table()}
        run: dict[str, Any] = {
            "scenario": scenario.settings.name,
            "plan_holds": not len(conflicts),
            "conflicts": len(conflicts),
            "conflicts_complete": conflicts.complete,
        }
        mended = None
        if not conflicts_only:
            mended = _repairs_in_time(scenario, keep=words, keep_limits=keep_limits, most=most)
            tables |= {"repairs": mended.summary(), "repair_changes": mended.changes()}
            run |= {"repairs": len(mended), "repairs_complete": mended.complete}
        run |= run_facts(folder)
        if target is not None:
            write_results(tables, run, target)
    answer(run, tables, target)
    if mended is not None and not mended.holds:
        _print_repairs(console, mended)
    if target is not None:
        console.print(f"Tables written to {escape(str(target))}")


def _repairs_in_time(scenario: Scenario, **asked: Any) -> Repairs:
    """The repairs found; none, and not all looked at, where a limit came before any."""
    try:
        return repairs(scenario, **asked)
    except TimeLimitError:
        return Repairs((), {}, holds=False, complete=False)


def _print_conflicts(console: Console, found: Conflicts) -> None:
    n = len(found)
    console.print(
        f"[bold red]The plan is infeasible[/]: {n} conflict{'' if n == 1 else 's'}. "
        "Of each, these cannot all hold:"
    )
    for number, conflict in enumerate(found.conflicts, start=1):
        console.print(f"[bold]Conflict {number}[/]")
        console.print(escape(str(conflict)))
        if not conflict.minimal:
            console.print(unproved(conflict))
    if not found.complete:
        console.print("There may be further conflicts: a limit came before the rest was looked at.")
    if all(conflict.minimal for conflict in found.conflicts):
        console.print("Leaving out or loosening enough any one line of a conflict resolves it.")


def _print_repairs(console: Console, found: Repairs) -> None:
    if not len(found) and not found.complete:
        console.print("[bold]No repair found in time[/]: --time-limit gives the search more.")
        return
    if not len(found):
        console.print("[bold red]No repair[/]: nothing that may be changed makes the plan hold.")
        return
    console.print("Each of these repairs makes the plan hold, proved by solving it:")
    for number, repair in enumerate(found.repairs, start=1):
        words = ", ".join(name for name, k in found.best.items() if k == number - 1)
        console.print(f"[bold]Repair {number}[/]" + (f" ({words})" if words else ""))
        console.print(escape(str(repair)))
        n, n_binding = repair.n_changes, repair.n_binding
        binding = f", {n_binding} of them binding" if n_binding else ""
        spent = repair.spent_cny_a_year
        counted = "" if spent is None else f", of which {spent:,.0f} CNY count against the budget"
        console.print(
            f"    {n} {'member' if n == 1 else 'members'} changed{binding}; in all by "
            f"{100 * repair.weighted_change:,.3g} % of the targets; yearly cost "
            f"{repair.cost_cny_a_year:,.0f} CNY{counted} ({repair.solution.status.words}, "
            f"gap {repair.solution.gap:.2g})"
        )
    if not found.complete:
        console.print("There may be further repairs: the search ended before all were looked at.")
