"""``healthalloc trade-offs``."""

from __future__ import annotations

from typing import Annotated

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
from healthalloc.cli.drawing import PlotFile, check_plot
from healthalloc.cli.optimum import least_cost_plan, limits_end
from healthalloc.display import money, number, print_table
from healthalloc.explain.tradeoffs import TradeOffs
from healthalloc.explain.tradeoffs import trade_offs as trace
from healthalloc.explain.tradeoffs.criteria import CRITERIA
from healthalloc.explain.tradeoffs.wanted import FRONT_S, Wanted
from healthalloc.io import output_folder, run_facts, write_results


@app.command("trade-offs")
def trade_offs(
    folder: Folder,
    against: Annotated[
        str,
        typer.Option(
            show_default=False,
            autocompletion=lambda: [c for c in CRITERIA if c != "cost"],
            help=f"What cost is held against: {', '.join(c for c in CRITERIA if c != 'cost')}.",
        ),
    ],
    points: Annotated[int, typer.Option(help="Most points of the front, 2 or more.")] = 11,
    within: Annotated[
        float | None,
        typer.Option(
            show_default=False,
            help="Farthest that cost may rise above the least, in percent [default: any].",
        ),
    ] = None,
    resource: Annotated[
        str | None,
        typer.Option(
            show_default=False,
            help="Resource that the equity criteria count, with all kinds below it "
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
            help="Seconds for the whole front, shared among its points [default: 120; the "
            "least-cost plan before it as the scenario says].",
        ),
    ] = None,
    plot: PlotFile = None,
    output: Tables = None,
    quiet: Quiet = False,
) -> None:
    """Trace what better access, equity or fewer actions cost: an exact Pareto front."""
    console = make_console(quiet)
    with reported_errors(quiet):
        check_plot(plot, folder)
        scenario = read(folder, audit_only)
        seconds = FRONT_S if time_limit is None else time_limit
        Wanted(
            criteria=(against,), points=points, within=within, resource=resource,
            time_limit_s=seconds, gap=gap, against_cost=True,
        ).check(scenario)  # fmt: skip
        target = None if output is None else output_folder(output, folder)
        base = least_cost_plan(console, scenario, continuous=continuous, time_limit_s=time_limit)
        with limits_end():
            found = trace(
                base, against, points=points, within=within, resource=resource,
                time_limit_s=seconds, gap=gap,
            )  # fmt: skip
        tables, run = found.tables(), found.run() | run_facts(folder)
        if target is not None:
            write_results(tables, run, target)
        if plot is not None:
            found.plot().savefig(plot)
    answer(run, tables, target)
    show(console, found)
    if target is not None:
        console.print(f"Tables written to {escape(str(target))}")
    if plot is not None:
        answer(written=plot)
        console.print(f"Drawn in {escape(str(plot))}")


def show(console: Console, found: TradeOffs) -> None:
    """Print the front.

    Parameters
    ----------
    console
    found
    """
    points = found.points
    criterion, unit = str(points["criterion"].iat[0]), str(points["unit"].iat[0])
    console.print(
        f"[bold]{escape(found.optimum.scenario.settings.name)}[/]: "
        f"cost against {escape(criterion)} ({escape(unit)}; {found.basis})"
    )
    shown = points[["point"]].copy()
    shown[criterion] = points["value"].map(number)
    shown["cost (CNY a year)"] = points["cost_cny_a_year"].map(money)
    shown["rise (%)"] = points["cost_rise_percent"].map(lambda v: f"{v:.4f}")
    shown["CNY a year per unit gained"] = points["cny_a_year_per_unit"].map(money)
    shown["status"] = points["status"]
    for gap in ("cost_gap", "value_gap"):
        shown[gap.replace("_", " ") + " (%)"] = points[gap].map(lambda v: f"{100 * v:.2g}")
    print_table(console, "", shown)
    stopped = int((points["status"] != "optimal").sum())
    if stopped:
        console.print(
            f"{stopped} of {len(points)} points are not proved when their time was over: a plan "
            "as good might cost less by the cost gap, and one as cheap be better by the value "
            "gap; --time-limit gives them more"
        )
    if found.levels_lost:
        console.print(
            f"{found.levels_lost} more levels had no plan of their own when their time was over: "
            "--time-limit gives them more"
        )
