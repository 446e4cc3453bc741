"""``healthalloc alternatives``."""

from __future__ import annotations

import time
from typing import Annotated

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
    FurtherGap,
    Quiet,
    Tables,
    app,
    make_console,
    read,
    reported_errors,
)
from healthalloc.cli.optimum import least_cost_plan
from healthalloc.display import money, number, print_table
from healthalloc.errors import DataError, Problem
from healthalloc.explain.alternatives import TOTAL_LIMIT_S, Alternatives, check_request
from healthalloc.explain.alternatives import alternatives as find_alternatives
from healthalloc.io import output_folder, run_facts, write_results
from healthalloc.solvers import Status

LEAST_S = 0.1
"""Seconds for the alternatives when the least-cost plan took all."""
SHOWN = 20
"""Rows shown of a table by facility; ``-o`` writes all of them."""


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
    time_limit: Annotated[
        float | None,
        typer.Option(
            show_default=False,
            help="Seconds for the whole run, shared among its searches [default: as the scenario "
            "says for the least-cost plan, 240 for all after it].",
        ),
    ] = None,
    output: Tables = None,
    quiet: Quiet = False,
) -> None:
    """Find plans near the least cost that differ, the range of every stock, and what is sure."""
    console = make_console(quiet)
    with reported_errors(quiet):
        percentages = _percentages(within)
        scenario = read(folder, audit_only)
        seconds = TOTAL_LIMIT_S if time_limit is None else time_limit
        check_request(scenario, percentages, different, resource or (), seconds, gap)
        target = None if output is None else output_folder(output, folder)
        began = time.monotonic()
        base = least_cost_plan(console, scenario, continuous=continuous, time_limit_s=time_limit)
        if time_limit is not None:
            seconds = max(time_limit - (time.monotonic() - began), LEAST_S)
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
        shown = plans.drop(columns=["within_percent", "actions_at_least"])
        shown = shown.assign(
            cost_cny_a_year=plans["cost_cny_a_year"].map(money),
            status=plans["status"].map(lambda status: Status(status).words),
            gap=plans["gap"].map(lambda gap: f"{gap:.2g}" if np.isfinite(gap) else "not proved"),
            **{c: plans[c].map(number) for c in ("cost_rise_percent", *_DISTANCES)},
        )
        print_table(console, f"Plans within {percent:g} %", shown, wide=("kind",))
        for least in plans.loc[plans["actions_at_least"] > 0, "actions_at_least"]:
            console.print(f"No plan within {percent:g} % takes fewer than {least:.0f} actions.")
        _print_totals(console, found.totals[found.totals["within_percent"] == percent])
    _print_no_regret(console, found.no_regret)
    console.print(f"Ranges: {found.ranges['basis'].iat[0]}")
    if found.ranges_cut_off:
        console.print(
            f"{found.ranges_cut_off} of {len(found.ranges)} ranges were not searched to both ends "
            "in time: the limits of the stock stand there, which leave out no plan"
        )
    if found.plans_lost:
        console.print(
            f"{found.plans_lost} searches found no plan when their time was over: "
            "--time-limit gives them more"
        )


_DISTANCES = ("from_cheapest", "from_nearest")


def _print_totals(console: Console, totals: pd.DataFrame) -> None:
    """One row for each total that is not the same in all plans, one column for each plan."""
    if not len(totals):
        return
    keys = ["facility_id", "resource_id", "existing"]
    wide = totals.pivot_table(index=keys, columns="plan", values="allocated", sort=False)
    apart = wide.max(axis=1) - wide.min(axis=1)
    wide.columns = pd.Index([f"plan {k}" for k in wide.columns])
    moved = wide[apart > 0].reset_index()
    if not len(moved):
        console.print("What is compared is the same in all of these plans.")
        return
    order = apart[apart > 0].argsort(kind="stable").to_numpy()[::-1]
    shown = moved.iloc[order[:SHOWN]]
    numbers = {c: shown[c].map(number) for c in ("existing", *wide.columns)}
    print_table(console, "Where the plans differ", shown.assign(**numbers))
    _print_more(console, len(moved))


def _print_no_regret(console: Console, rows: pd.DataFrame) -> None:
    """The sure changes side by side for each percentage: sites first, then the largest."""
    if not len(rows):
        console.print("No change is in every plan.")
        return
    keys = ["facility_id", "resource_id", "action", "existing"]
    wide = rows.pivot_table(index=keys, columns="within_percent", values="sure_change", sort=False)
    wide.columns = pd.Index([f"{percent:g} %" for percent in wide.columns])
    table = wide.reset_index()
    size = table[wide.columns].abs().max(axis=1)
    size[table["resource_id"] == ""] = float("inf")
    shown = table.iloc[(-size).argsort(kind="stable").to_numpy()[:SHOWN]]
    numbers = {c: shown[c].map(number) for c in ("existing", *wide.columns)}
    title = "In every plan within so much of the least cost (no regret)"
    print_table(console, title, shown.assign(**numbers))
    _print_more(console, len(table))


def _print_more(console: Console, n: int) -> None:
    if n > SHOWN:
        console.print(f"... and {n - SHOWN} more: -o DIR writes all of them")
