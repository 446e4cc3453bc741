"""``healthalloc what-if``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.markup import escape

from healthalloc.cli.answer import answer
from healthalloc.cli.app import (
    AuditOnly,
    Continuous,
    Folder,
    Gap,
    Quiet,
    Tables,
    TimeLimit,
    app,
    make_console,
    read,
    reported_errors,
    split_ids,
)
from healthalloc.cli.ending import end_without
from healthalloc.display import met, money, number, print_conflict, print_table
from healthalloc.errors import DataError, PlanError, Problem
from healthalloc.explain.what_if import WhatIf
from healthalloc.explain.what_if.changes import Changes
from healthalloc.formulation.budget import stated
from healthalloc.io import output_folder, run_facts, write_results
from healthalloc.solution import Solution
from healthalloc.solvers import Status

Edit = Callable[[WhatIf], None]
_NUMBER = r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"
SHOWN = 15
"""Rows shown of a long table; ``-o`` writes all of them."""


@app.command("what-if")
def what_if(
    folder: Folder,
    targets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="CLAUSE=VALUE",
            show_default=False,
            help="Another target, in the clause's unit: xq-22=80, xq-02=90%, xq-27/taiping=5, "
            "xq-32=2..4 for a clause with floor and ceiling (repeatable).",
        ),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLAUSE",
            show_default=False,
            help="Do not enforce it (repeatable; ids may be joined by commas).",
        ),
    ] = None,
    close: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FACILITY",
            show_default=False,
            help="Shut it (repeatable; ids may be joined by commas).",
        ),
    ] = None,
    open_: Annotated[
        list[str] | None,
        typer.Option(
            "--open",
            metavar="FACILITY",
            show_default=False,
            help="Have it open (repeatable; ids may be joined by commas).",
        ),
    ] = None,
    bound: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FACILITY:RESOURCE=LO..HI",
            show_default=False,
            help="Least and most it may hold; either may be left out (repeatable).",
        ),
    ] = None,
    demand: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SERVICE=+5%",
            show_default=False,
            help="More or less demand for a service, everywhere (repeatable).",
        ),
    ] = None,
    audit_only: AuditOnly = None,
    continuous: Continuous = False,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    output: Tables = None,
    quiet: Quiet = False,
) -> None:
    """Change a plan, solve it again from where it stood, and show what changes."""
    console = make_console(quiet)
    with reported_errors(quiet):
        scenario = read(folder, audit_only)
        places = list(scenario.facilities["facility_id"])
        edits = parse_edits(
            targets or (),
            split_ids(drop, [word for c in stated(scenario) for word in (c.id, c.name)]),
            split_ids(close, places), split_ids(open_, places), bound or (), demand or (),
        )  # fmt: skip
        target = None if output is None else output_folder(output, folder)
        session = WhatIf(
            scenario,
            whole_units=False if continuous else None,
            gap=gap,
            time_limit_s=time_limit,
        )
        _apply(session, edits)
        session.restore()
        before = session.solve()
        _apply(session, edits)
        after = session.solve(near=before)
        made, changes = session.edits, Changes(before, after)
        run = {"what_if": made.to_dict("records")}
        run |= {"before": before.run(), "after": after.run()} | run_facts(folder)
        tables = {"edits": made} | changes.tables()
        if after.conflict is not None:
            tables["conflict"] = after.conflict.table()
        if target is not None:
            write_results(tables, run, target)
    answer(run, tables, target)
    show(console, made, changes)
    if target is not None:
        console.print(f"Tables written to {escape(str(target))}")
    end_without(after.status)


def _apply(session: WhatIf, edits: Sequence[Edit]) -> None:
    """Make every edit; one error for all that is wrong with them."""
    problems: list[Problem] = []
    only_plan = True
    for edit in edits:
        try:
            edit(session)
        except DataError as error:
            problems += error.problems
            only_plan &= isinstance(error, PlanError)
    if problems:
        raise PlanError(problems) if only_plan else DataError(problems)


def parse_edits(
    targets: Sequence[str],
    drop: Sequence[str],
    close: Sequence[str],
    open_: Sequence[str],
    bound: Sequence[str],
    demand: Sequence[str],
) -> list[Edit]:
    """The edits that the options ask for.

    Parameters
    ----------
    targets, drop, close, open_, bound, demand
        Words as given on the command line.

    Raises
    ------
    DataError
        With every word that cannot be read, or if there is no edit at all.
    """
    edits: list[Edit] = []
    problems: list[Problem] = []
    for sort, words, reader in (
        ("--set", targets, _read_target), ("--bound", bound, _read_bound),
        ("--demand", demand, _read_demand), ("--drop", drop, lambda w: lambda s: s.drop(w)),
        ("--close", close, lambda w: lambda s: s.close(w)),
        ("--open", open_, lambda w: lambda s: s.open(w)),
    ):  # fmt: skip
        for word in words:
            made = reader(word)
            if isinstance(made, str):
                problems.append(Problem(sort, "cannot be read", value=word, mend=made))
            else:
                edits.append(made)
    problems += _contradictions(targets, drop, close, open_, bound, demand)
    if not problems and not edits:
        mend = "give --set, --drop, --close, --open, --bound or --demand"
        problems.append(Problem("what-if", "nothing to change", mend=mend))
    if problems:
        raise DataError(problems)
    return edits


def _contradictions(
    targets: Sequence[str],
    drop: Sequence[str],
    close: Sequence[str],
    open_: Sequence[str],
    bound: Sequence[str],
    demand: Sequence[str],
) -> list[Problem]:
    """What is asked for twice, of which only one can hold (see `parse_edits`)."""
    problems = []
    for sort, words in (("--set", targets), ("--bound", bound), ("--demand", demand)):
        times = Counter(_item(word) for word in words)
        twice = [item for item, n in times.items() if n > 1]
        mend = "give it once"
        problems += [Problem(sort, "is given twice", value=item, mend=mend) for item in twice]
    both = sorted({*map(_item, targets)} & {*drop})
    problems += [Problem("--set", "is dropped as well", value=word) for word in both]
    both = sorted({*close} & {*open_})
    problems += [Problem("--close", "is opened as well", value=word) for word in both]
    return problems


def _item(word: str) -> str:
    """What an edit speaks of, of words such as ``xq-22=80``; an id may have a sign in it."""
    return word.rpartition("=")[0].strip()


def _read_target(word: str) -> Edit | str:
    found = re.fullmatch(rf"\s*(.+?)\s*=\s*({_NUMBER})(?:\.\.({_NUMBER}))?\s*([^=]*?)\s*", word)
    if found is None:
        return "write CLAUSE=VALUE, CLAUSE=LO..HI, or either with the unit after it"
    clause, low, high, unit = found.groups()
    value = float(low) if high is None else (float(low), float(high))
    return lambda session: session.set(clause, value, unit)


def _read_bound(word: str) -> Edit | str:
    found = re.fullmatch(
        rf"\s*([^:].*:.*[^:])\s*=\s*({_NUMBER})?\s*\.\.\s*({_NUMBER}|inf)?\s*", word
    )
    if found is None or not (found[2] or found[3]):
        return "write FACILITY:RESOURCE=LO..HI, =LO.. or =..HI (inf: no limit)"
    place, low, high = found.groups()
    lower, upper = (None if end is None else float(end) for end in (low, high))
    return lambda session: session.bound(*_stock(session, place), lower, upper)


def _stock(session: WhatIf, place: str) -> tuple[str, str]:
    """Facility and resource of ``FACILITY:RESOURCE``; where an id has a colon, those that are."""
    words = place.split(":")
    ways = [(":".join(words[:k]), ":".join(words[k:])) for k in range(1, len(words))]
    pairs = [(facility.strip(), resource.strip()) for facility, resource in ways]
    stock = session.scenario.stock
    known = set(zip(stock["facility_id"], stock["resource_id"]))
    return next((pair for pair in pairs if pair in known), pairs[0])


def _read_demand(word: str) -> Edit | str:
    found = re.fullmatch(rf"\s*(.+?)\s*=\s*({_NUMBER})\s*%\s*", word)
    if found is None or found[2][0] not in "+-":
        return "write SERVICE=+5% or SERVICE=-5%"
    service, factor = found[1], 1.0 + float(found[2]) / 100.0
    return lambda session: session.demand(service, factor)


def show(console: Console, edits: pd.DataFrame, changes: Changes) -> None:
    """Print what was changed and what changes with it.

    Parameters
    ----------
    console
    edits
        As `WhatIf.edits` lists them.
    changes
        The answers before and after.
    """
    console.print(f"[bold]{escape(changes.after.scenario.settings.name)}[/]: what if")
    print_table(console, "Edits", edits)
    for name, solution in (("Before", changes.before), ("After", changes.after)):
        _headline(console, name, solution)
    if not changes.after.status.has_solution:
        return
    _table(console, "Cost (CNY a year)", changes.cost, money)
    held = changes.stock[changes.stock["kind"].isin(["bed", "staff"])]
    names = changes.after.scenario.facilities.set_index("facility_id")["name"]
    held = held.assign(name=held["facility_id"].map(names))
    columns = ["facility_id", "name", "resource_id", "before", "after", "change"]
    _table(console, "Beds and staff by facility", held[columns])
    _table(console, "Sites", changes.sites.replace({True: "open", False: "shut"}))
    _table(console, "Who travels farther", changes.travel_by_service)
    farther = changes.travel[changes.travel["change"] > 0]
    _table(console, "Mean travel that gets longer (minutes)", farther)
    _table(console, "Clauses", _shown_clauses(changes.clauses))
    unmet = changes.demand.groupby("service_id", sort=False, as_index=False)[
        ["residents", "before", "after", "change"]
    ].sum()
    _table(console, "Unmet demand where it changed (cases a year)", unmet)


def _headline(console: Console, name: str, solution: Solution) -> None:
    if solution.status is Status.INFEASIBLE:
        print_conflict(console, f"{name}: [bold red]infeasible.[/]", solution)
    elif not solution.status.has_solution:
        console.print(f"{name}: [bold red]no allocation[/] ({solution.status.words})")
    else:
        console.print(
            f"{name}: {solution.status.words}, {solution.objective:,.0f} CNY a year with unmet "
            f"demand priced (gap {solution.gap:.2g})"
        )


def _shown_clauses(rows: pd.DataFrame) -> pd.DataFrame:
    both: dict[str, Callable[[Any], str]] = {
        "treatment": str, "target": str, "achieved": number, "met": met,
        "price_cny_a_year": money,
    }  # fmt: skip
    shown = pd.DataFrame({"clause_id": rows["clause_id"]})
    where = zip(rows["part"], rows["area_id"], rows["facility_id"])
    shown["part"] = [" / ".join(filter(None, k)) for k in where]
    shown["unit"] = rows["unit"]
    for column, formatted in both.items():
        one, other = (
            [formatted(v) for v in rows[f"{column}_{side}"]] for side in ("before", "after")
        )
        title = "price (CNY a year per unit)" if column == "price_cny_a_year" else column
        shown[title] = [a if a == b else f"{a or '-'} → {b or '-'}" for a, b in zip(one, other)]
    return shown


def _table(
    console: Console,
    title: str,
    frame: pd.DataFrame,
    formatted: Callable[[float], str] = number,
) -> None:
    if not len(frame):
        return
    numbers = frame.select_dtypes(np.number).columns
    shown = frame.head(SHOWN)
    shown = shown.assign(**{str(c): shown[c].map(formatted) for c in numbers})
    print_table(console, title, shown)
    if len(frame) > SHOWN:
        console.print(f"... and {len(frame) - SHOWN} more: -o DIR writes all of them")
