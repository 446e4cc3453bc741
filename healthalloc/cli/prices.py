"""``healthalloc prices``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.markup import escape

from healthalloc import display
from healthalloc.cli.answer import answer
from healthalloc.cli.app import (
    AuditOnly,
    Continuous,
    Folder,
    Quiet,
    Tables,
    app,
    make_console,
    read,
    reported_errors,
    split_ids,
)
from healthalloc.cli.optimum import end_without_plan
from healthalloc.explain.prices import ALL_PARTS, ClausePrices, check_request, price_solution
from healthalloc.explain.prices.marginal import NOT_COMPUTED
from healthalloc.explain.prices.resolves import RESOLVE_SECONDS
from healthalloc.formulation.budget import stated
from healthalloc.io import output_folder, run_facts, write_results
from healthalloc.solvers import Status
from healthalloc.solving import solve as solve_scenario

SHOWN = 12
"""Rows shown of single areas and facilities."""


@app.command()
def prices(
    folder: Folder,
    clause: Annotated[
        list[str] | None,
        typer.Option(
            "--clause",
            "-c",
            show_default=False,
            help="Price this clause (repeatable; ids may be joined by commas).",
        ),
    ] = None,
    resolve: Annotated[
        int, typer.Option(help="Clauses to solve again with whole units, dearest first.", min=0)
    ] = 5,
    time_limit: Annotated[
        float | None,
        typer.Option(
            show_default=False,
            help="Seconds for each program solved [default: 10 for each clause that is solved "
            "again, others as the scenario says].",
        ),
    ] = None,
    output: Tables = None,
    audit_only: AuditOnly = None,
    continuous: Continuous = False,
    ranges: Annotated[
        bool | None,
        typer.Option(
            "--row-ranges/--no-row-ranges",
            show_default=False,
            help="How far the price of each area and facility holds [default: in small plans].",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """What each clause costs: one unit tighter, over which range, and as a whole."""
    console = make_console(quiet)
    with reported_errors(quiet):
        scenario = read(folder, audit_only)
        target = None if output is None else output_folder(output, folder)
        seconds = RESOLVE_SECONDS if time_limit is None else time_limit
        if clause is not None:
            clause = split_ids(clause, [word for c in stated(scenario) for word in (c.id, c.name)])
        check_request(scenario, clause, resolve, seconds)
        solution = solve_scenario(
            scenario, whole_units=False if continuous else None, time_limit_s=time_limit
        )
        if solution.status.has_solution:
            found = price_solution(
                solution, resolve=resolve, clauses=clause, ranges=ranges, time_limit_s=seconds
            )
            tables, run = found.tables(), found.run() | run_facts(folder)
            if target is not None:
                write_results(tables, run, target)
    end_without_plan(console, solution)
    answer(run, tables, target)
    _show(console, found, target)


def _show(console: Console, found: ClausePrices, folder: Path | None) -> None:
    """Print the prices: each clause, what was solved again, what is free or cannot move."""
    settings = found.solution.scenario.settings
    console.print(f"[bold]{escape(settings.name)}[/]: prices in {settings.target_year}")
    if found.solution.status is not Status.OPTIMAL:
        gap = f"{found.solution.gap:.2g}"
        console.print(f"The solve ended at a limit: prices of the best plan found (gap {gap})")
    rows = found.clauses[found.clauses["part"] != ALL_PARTS]
    priced = rows[rows["statements"] > 0]
    if len(priced):
        console.print(f"One unit tighter: {priced['price_basis'].iat[0]}")
    names = _names(rows)
    costs = rows[(rows["price_high_cny_a_year"] > 0) & (rows["price_cny_a_year"] > 0)]
    shown = costs[["quote", "target", "unit"]].copy()
    shown.insert(0, "clause_id", names[costs.index])
    shown["quote"] = shown["quote"].map(display.short)
    shown["one unit tighter"] = [_price(*row) for row in costs[_ENDS].itertuples(index=False)]
    shown["holds over"] = [
        f"{_end(low)} to {_end(high)}"
        for low, high in zip(costs["target_from"], costs["target_to"])
    ]
    shown["1 % tighter"] = costs["one_percent_tighter_cny_a_year"].map(display.money)
    shown["whole clause"] = costs["whole_cny_a_year"].map(display.money)
    display.print_table(console, "What the clauses cost (CNY a year)", shown, wide=("quote",))
    if len(found.resolved):
        _show_resolved(console, found.resolved)
    _show_places(console, found.rows)
    penalised = rows[(rows["whole_cny_a_year"] > 0) & ~rows.index.isin(costs.index)]
    if len(penalised):
        amounts = penalised["whole_cny_a_year"].map(display.money)
        several = [f"{name} {amount}" for name, amount in zip(names[penalised.index], amounts)]
        console.print(
            "Whole clause by its penalty on those left out (CNY a year): "
            f"{escape(', '.join(several))}"
        )
    free = names[rows["free"].eq(True)]
    console.print(f"Free, a tighter target costs nothing: {escape(', '.join(free) or 'none')}")
    for reason, part in rows[rows["tighter"] != ""].groupby("tighter", sort=False):
        console.print(f"No tighter target, {escape(str(reason))}: ", end="")
        console.print(escape(", ".join(names[part.index])))
    for reason, part in rows[rows["statements"] == 0].groupby("price_basis", sort=False):
        console.print(f"No price, {escape(str(reason).removeprefix('none: '))}: ", end="")
        console.print(escape(", ".join(names[part.index])))
    if folder is not None:
        console.print(f"Tables written to {escape(str(folder))}")


def _show_places(console: Console, rows: pd.DataFrame) -> None:
    """Print the dearest rows of clauses that speak of several areas or facilities."""
    several = rows.groupby(["clause_id", "part"])["clause_id"].transform("size") > 1
    costs = rows[several & (rows["price_cny_a_year"] > 0)]
    if len(costs):
        shown = costs.nlargest(SHOWN, "price_cny_a_year", keep="first")
        table = shown[["area_id", "facility_id", "target", "unit"]].copy()
        table.insert(0, "clause_id", _names(shown))
        table["achieved"] = shown["achieved"].map(display.number)
        table["one unit tighter"] = [_price(*row) for row in shown[_ENDS].itertuples(index=False)]
        title = "Where it costs most: each area and facility alone (CNY a year)"
        display.print_table(console, title, table)
        if len(costs) > len(shown):
            console.print(f"... and {len(costs) - len(shown)} more: -o DIR writes all of them")
    missing = int((rows["range_basis"] == NOT_COMPUTED).sum())
    if missing:
        console.print(
            f"How far the prices of {missing} single areas and facilities hold was not computed: "
            "--row-ranges does"
        )


def _show_resolved(console: Console, rows: pd.DataFrame) -> None:
    shown = rows[["clause_id", "change", "target"]].rename(columns={"change": "edit"})
    shown["clause_id"] = _names(rows)
    shown["cost"] = [
        _cost(cost, low, high)
        for cost, low, high in rows.filter(like="cost").itertuples(index=False)
    ]
    shown["status"] = [Status(status).words for status in rows["status"]]
    basis = str(rows["basis"].iat[0]).rsplit(", ", 1)[0]
    display.print_table(console, f"{basis.capitalize()} (CNY a year)", shown)


def _names(rows: pd.DataFrame) -> pd.Series[str]:
    return rows["clause_id"] + rows["part"].map(lambda part: f"/{part}" if part else "")


_ENDS = ["price_cny_a_year", "price_low_cny_a_year", "price_high_cny_a_year", "is_range"]


def _price(price: float, low: float, high: float, is_range: bool) -> str:
    """A price, or the range of prices that are right."""
    if np.isinf(high):
        return f"{low:,.0f} or more"
    return f"{low:,.0f} to {high:,.0f}" if is_range else display.money(price)


def _end(target: float) -> str:
    # what rounding leaves of a range that ends at nothing
    return "any" if np.isinf(target) else f"{round(target, 9):.6g}"


def _cost(cost: float, low: float, high: float) -> str:
    """What a re-solve costs, with its proved limits where they differ by a CNY or more."""
    if np.isnan(cost):
        return "not known"
    if np.isinf(cost):
        return "no allocation meets it"
    limits = f" ({low:,.0f} to {high:,.0f})" if high - low >= 1.0 else ""
    return display.money(cost) + limits
