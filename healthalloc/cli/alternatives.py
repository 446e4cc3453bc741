"""``healthalloc alternatives``."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.markup import escape

from healthalloc.cli.answer import answer
from healthalloc.cli.app import (
    AuditOnly,
    Continuous,
    Folder,
    FurtherGap,
    FurtherTimeLimit,
    Quiet,
    Tables,
    app,
    make_console,
    read,
    reported_errors,
)
from healthalloc.cli.optimum import least_cost_plan, limits_end
from healthalloc.display import money, number, print_table
from healthalloc.errors import DataError, Problem
from healthalloc.explain.alternatives import Alternatives, check_request
from healthalloc.explain.alternatives import alternatives as find_alternatives
from healthalloc.explain.asked import TIME_LIMIT_S
from healthalloc.io import output_folder, run_facts, write_results

SHOWN = 20
"""Rows shown of the no-regret part; ``-o`` writes all of them."""


@app.command()
def alternatives(
    folder: Folder,
    within: Annotated[
        str, typer.Option(help="Rises of cost above the least, in percent, joined by commas.")
    ] = "1,2,5",
    different: Annotated[int, typer.Option(help="Different plans for each percentage.")] = 3,
    resource: Annotated[
        list[str] | None,
        typer.Option(
            show_default=False,
            help="Resource whose totals by facility the plans shall differ in (repeatable) "
            "[default: beds].",
        ),
    ] = None,
    audit_only: AuditOnly = None,
    continuous: Continuous = False,
    gap: FurtherGap = None,
    time_limit: FurtherTimeLimit = None,
    output: Tables = None,
    quiet: Quiet = False,
) -> None:
    """Find plans near the least cost that differ, the range of every stock, and what is sure."""
    console = make_console(quiet)
    with reported_errors(quiet):
        percentages = _percentages(within)
        scenario = read(folder, audit_only)
        seconds = TIME_LIMIT_S if time_limit is None else time_limit
        check_request(scenario, percentages, different, resource or (), seconds, gap)
        target = None if output is None else output_folder(output, folder)
        base = least_cost_plan(console, scenario, continuous=continuous, time_limit_s=time_limit)
        with limits_end():
            found = find_alternatives(
                base, percentages, different=different, resources=resource or (),
                time_limit_s=seconds, gap=gap,
            )  # fmt: skip
        tables, run = found.tables(), found.run() | run_facts(folder)
        if target is not None:
            write_results(tables, run, target)
    answer(run, tables, target)
    show(console, found)
    if target is not None:
        console.print(f"Tables written to {escape(str(target))}")


def _percentages(words: str) -> list[float]:
    found, problems = [], []
    for word in words.split(","):
        try:
            found.append(float(word.strip().removesuffix("%")))
        except ValueError:
            mend = "percentages joined by commas, e.g. 1,2,5"
            problems.append(Problem("--within", "is no number", value=word, mend=mend))
    if problems:
        raise DataError(problems)
    return found


def show(console: Console, found: Alternatives) -> None:
    """Print the plans, what each gives to whom, and what all of them share.

    Parameters
    ----------
    console
    found
    """
    console.print(f"[bold]{escape(found.optimum.scenario.settings.name)}[/]: near-optimal plans")
    console.print(
        f"Least cost {money(found.optimum.objective)} CNY a year with unmet demand priced "
        f"(gap {found.optimum.gap:.2g})"
    )
    for percent, plans in found.plans.groupby("within_percent"):
        shown = plans.drop(columns="within_percent")
        shown = shown.assign(
            cost_cny_a_year=plans["cost_cny_a_year"].map(money),
            gap=plans["gap"].map(lambda gap: f"{gap:.2g}"),
            **{c: plans[c].map(number) for c in ("cost_rise_percent", *_DISTANCES)},
        )
        print_table(console, f"Plans within {percent:g} %", shown, wide=("kind",))
        totals = found.totals[found.totals["within_percent"] == percent]
        _print_totals(console, totals)
        _print_no_regret(console, found.no_regret[found.no_regret["within_percent"] == percent])
    console.print(f"Ranges: {found.ranges['basis'].iat[0]}")
    if found.plans_lost:
        console.print(
            f"{found.plans_lost} searches found no different plan when their time was over: "
            "--time-limit gives them more"
        )


_DISTANCES = ("from_cheapest", "from_nearest")


def _print_totals(console: Console, totals: pd.DataFrame) -> None:
    """One row for each facility, one column for each plan; rows that never change left out."""
    if not len(totals):
        return
    keys = ["facility_id", "resource_id", "existing"]
    wide = totals.pivot_table(index=keys, columns="plan", values="allocated", sort=False)
    wide.columns = pd.Index([f"plan {k}" for k in wide.columns])
    shown = wide.reset_index()
    moved = shown[wide.columns].ne(shown["existing"], axis=0).any(axis=1)
    shown = shown[moved]
    if not len(shown):
        console.print("What is compared stays as it is in every plan.")
        return
    numbers = {c: shown[c].map(number) for c in ("existing", *wide.columns)}
    print_table(console, "What each facility holds", shown.assign(**numbers))


def _print_no_regret(console: Console, rows: pd.DataFrame) -> None:
    if not len(rows):
        console.print("No change is in every plan.")
        return
    shown = rows[["facility_id", "resource_id", "level", "action"]].head(SHOWN)
    for column in ("existing", "least", "most", "sure_change"):
        shown = shown.assign(**{column: rows[column].head(SHOWN).map(number)})
    print_table(console, "In every plan (no regret)", shown)
    if len(rows) > SHOWN:
        console.print(f"... and {len(rows) - SHOWN} more: -o DIR writes all of them")
