"""``healthalloc compare``."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import partial
from math import isnan
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from healthalloc.cli.answer import answer
from healthalloc.cli.app import (
    AuditOnly,
    Exit,
    Folder,
    FurtherTimeLimit,
    Quiet,
    app,
    make_console,
    read,
    reported_errors,
)
from healthalloc.cli.drawing import PlotFile, check_plot
from healthalloc.comparing import Comparison
from healthalloc.comparing import compare as hold_side_by_side
from healthalloc.errors import DataError, Problem
from healthalloc.explain.asked import TIME_LIMIT_S
from healthalloc.io import output_folder, run_facts, write_results
from healthalloc.labels import Words, language_of
from healthalloc.scenario import Scenario
from healthalloc.solving import with_settings
from healthalloc.strategies import (
    STRATEGIES,
    Strategy,
    access_floor,
    all_strategies,
    by_need,
    by_residents,
    largest_gap,
    lexicographic,
    max_min,
    named_strategies,
)
from healthalloc.strategies.max_min import WITHIN

DONE = ("done", "limit")
HEADS = (
    "cost", "penalty", "clauses", "no_service", "no_capacity", "mean", "worst", "gini",
    "worst_tenth", "two_step", "two_step_tenth", "actions", "seconds",
)  # fmt: skip
"""Narrow columns of the table, in the order of `_cells`: words of the group ``comparison``."""
SHOWN = 8  # lines of a reason


@app.command()
def compare(
    folder: Folder,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            "--strategy",
            "-s",
            show_default=False,
            autocompletion=lambda: list(STRATEGIES),
            help="Strategy to run (repeatable; names may be joined by commas): "
            f"{', '.join(STRATEGIES)}; plan-table:ID for one of several tables [default: all].",
        ),
    ] = None,
    total: Annotated[
        list[str] | None,
        typer.Option(
            show_default=False,
            help="RESOURCE=UNITS that by-residents, by-need and largest-gap share "
            "(repeatable) [default: today's].",
        ),
    ] = None,
    mean_travel: Annotated[
        float | None,
        typer.Option(
            show_default=False,
            help="Longest mean way of access-floor, minutes one way [default: today's].",
        ),
    ] = None,
    within: Annotated[
        float, typer.Option(help="Percent above the least cost that max-min may spend.")
    ] = WITHIN,
    resource: Annotated[
        str | None,
        typer.Option(show_default=False, help="Resource whose spread is measured [default: beds]."),
    ] = None,
    service: Annotated[
        str | None,
        typer.Option(
            show_default=False,
            help="Service by which access to it is measured [default: the first that needs it].",
        ),
    ] = None,
    audit_only: AuditOnly = None,
    gap: Annotated[
        float | None,
        typer.Option(help="Relative gap of programs after the first [default: the scenario's]."),
    ] = None,
    time_limit: FurtherTimeLimit = None,
    plot: PlotFile = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the tables [default: none written]."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Run allocation strategies side by side on one scenario and print one table."""
    console = make_console(quiet)
    with reported_errors(quiet):
        check_plot(plot, folder)
        totals = _totals(total)
        scenario = read(folder, audit_only)
        seconds = TIME_LIMIT_S if time_limit is None else time_limit
        if time_limit is not None:
            scenario = with_settings(scenario, {"time_limit_s": time_limit})
        chosen = _chosen(scenario, strategy)
        tuned: dict[Strategy, Strategy] = {
            **{rule: partial(rule, totals=totals) for rule in (by_residents, by_need, largest_gap)},
            access_floor: partial(
                access_floor, mean_travel_at_most=mean_travel, time_limit_s=seconds, gap=gap
            ),
            max_min: partial(
                max_min, within=within, resource=resource, time_limit_s=seconds, gap=gap
            ),
            lexicographic: partial(lexicographic, time_limit_s=seconds, gap=gap),
        }
        wanted = {name: tuned.get(rule, rule) for name, rule in chosen.items()}
        target = None if output is None else output_folder(output, folder)
        found = hold_side_by_side(scenario, wanted, resource=resource, service=service)
        tables, run = found.tables(), found.run() | run_facts(folder)
        if target is not None:
            write_results(tables, run, target)
        if plot is not None:
            found.plot().savefig(plot)
    answer(run, tables, target)
    show(console, found)
    if target is not None:
        console.print(f"Tables written to {escape(str(target))}")
    if not found.solutions and found.table["status"].eq("no plan").any():
        raise typer.Exit(Exit.NO_SOLUTION_IN_TIME)


def _chosen(scenario: Scenario, names: list[str] | None) -> Mapping[str, Strategy]:
    if names is None:
        return all_strategies(scenario)
    return named_strategies(scenario, [name for word in names for name in word.split(",")])


def _totals(words: list[str] | None) -> dict[str, float]:
    totals: dict[str, float] = {}
    problems = []
    for word in words or []:
        name, _, units = word.partition("=")
        try:
            value = float(units)
        except ValueError:
            value = float("nan")
        if not name or not 0 <= value < float("inf"):
            mend = "RESOURCE=UNITS, e.g. bed=1155"
            problems.append(Problem("--total", "is no total", value=word, mend=mend))
        totals[name] = value
    if problems:
        raise DataError(problems)
    return totals


def show(console: Console, found: Comparison) -> None:
    """Print the comparison: one table, then which clauses each strategy breaks.

    Parameters
    ----------
    console
    found
    """
    table = found.table
    name = escape(found.scenario.settings.name)
    console.print(f"[bold]{name}[/]: {len(table)} strategies")
    shown = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    done = table[table["status"].isin(DONE)]
    unit = str(done["travel_unit"].iat[0]) if len(done) else "min"
    words = Words(language_of())
    shown.add_column(words("comparison.strategy"), overflow="fold")
    for head in HEADS:
        label = words(f"comparison.{head}", unit=words.known("unit", unit))
        shown.add_column(label, justify="right", no_wrap=True)
    for row in table.to_dict("records"):
        shown.add_row(escape(row["strategy"]), *_cells(row, words))
    console.print(shown)
    console.print(
        "Cost, and penalty of unmet demand, referrals and residents left out: million CNY a year. "
        "No service within reach, no capacity within reach: cases a year. Mean and worst way: "
        "one way, all cases served. "
        f"Gini and worst-off tenth: {escape(found.resource_id)} per 1,000 residents, by area; "
        f"2SFCA: the same within reach for {escape(found.service_id)}. Actions: stocks and sites "
        "that change.\n"
    )
    _print_broken(console, done)
    for reason, rows in table[table["reason"] != ""].groupby("reason", sort=False):
        names = ", ".join(f"[bold]{escape(name)}[/]" for name in rows["strategy"])
        lines = str(reason).splitlines()
        more = [f"  ... {len(lines) - SHOWN} more lines"] if len(lines) > SHOWN else []
        console.print(f"{names}: [red]{rows['status'].iat[0]}[/]")
        console.print(escape("\n".join([*lines[:SHOWN], *more])))
    for row in table.to_dict("records"):
        if row["status"] == "limit":
            console.print(f"[bold]{escape(row['strategy'])}[/]: stopped at a limit, not optimal")
        if row["limits_broken"] > 0:
            n = f"{row['limits_broken']:.0f}"
            console.print(f"[bold]{escape(row['strategy'])}[/]: {n} stocks or sites off limits")


def _cells(row: Mapping[Hashable, Any], words: Words) -> list[str]:
    if row["status"] not in DONE:
        narrow = words.known("comparison", row["status"])
        return [f"[red]{narrow}[/]", *[""] * 11, f"{row['seconds']:.1f}"]
    per_1000 = ("worst_tenth_per_1000", "two_step_per_1000", "two_step_worst_tenth_per_1000")
    return [
        _million(row["cost_cny_a_year"]),
        _million(row["penalty_cny_a_year"]),
        f"{row['clauses_met']:.0f}/{row['clauses_measured']:.0f}",
        f"{row['no_service_within_reach']:,.0f}",
        f"{row['within_reach_but_no_capacity']:,.0f}",
        *("" if isnan(row[c]) else f"{row[c]:.1f}" for c in ("mean_travel", "worst_travel")),
        "" if isnan(row["gini"]) else f"{row['gini']:.3f}",
        *("" if isnan(row[c]) else f"{row[c]:.2f}" for c in per_1000),
        f"{row['actions']:.0f}",
        f"{row['seconds']:.1f}",
    ]


def _print_broken(console: Console, done: pd.DataFrame) -> None:
    """Which enforced clauses are broken: first those that all of several strategies break."""
    broken = {name: ids.split(", ") for name, ids in zip(done["strategy"], done["broken"]) if ids}
    if not broken:
        console.print("No enforced clause is broken.")
        return
    sets = list(map(set, broken.values()))
    common = set.intersection(*sets) if len(sets) > 1 else set()
    if common:
        shared = [i for i in next(iter(broken.values())) if i in common]
        names = ", ".join(f"[bold]{escape(name)}[/]" for name in broken)
        console.print(f"{names} all break {len(shared)} enforced: {escape(', '.join(shared))}")
    for name, ids in broken.items():
        rest = [i for i in ids if i not in common]
        if rest:
            ids = escape(", ".join(rest))
            if common:
                console.print(f"[bold]{escape(name)}[/] also breaks {ids}")
            else:
                console.print(f"[bold]{escape(name)}[/] breaks {len(rest)} enforced: {ids}")


def _million(value: float) -> str:
    return f"{value / 1e6:,.2f}" if abs(value) < 1e10 else f"{value / 1e6:,.0f}"
