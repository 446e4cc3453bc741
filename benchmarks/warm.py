"""``python -m benchmarks warm``: changes of an open scenario beside solving it from nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from healthalloc.explain.tradeoffs import trade_offs
from healthalloc.explain.what_if import WhatIf
from healthalloc.formulation import formulate
from healthalloc.formulation.budget import spending
from healthalloc.generate import generate
from healthalloc.plan import Amount, Plan
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution
from healthalloc.solvers import SolverOptions, certify, solve_highs
from healthalloc.solving import solve

SIZES = {"S": (200, 30), "M": (2000, 300)}
LIMIT_S = 3000.0
Change = Callable[[WhatIf], None]


def binding(base: Solution) -> Scenario:
    """The scenario with a budget and a ceiling on general beds that its optimum just keeps."""
    scenario, x = base.scenario, base.result.x
    assert x is not None
    spent = spending(base.model.layout)
    beds = base.stock.loc[base.stock["resource_id"] == "general_bed", "allocated"].sum()
    ceiling = Amount(
        id="ceiling", quote="general beds as they are", source="assumed: a benchmark",
        resource="general_bed", at_most=float(beds),
    )  # fmt: skip
    return scenario.replace(
        plan=Plan([*scenario.plan.clauses, ceiling]),
        settings=replace(
            scenario.settings, budget_cny_a_year=float(spent @ x[: len(spent)]) * (1 + 1e-9)
        ),
    )


def changes(base: Solution) -> dict[str, Change]:
    """The ten kinds of change, by name.

    Parameters
    ----------
    base
        Optimum of the scenario that is open (see `binding`).
    """
    scenario, stock = base.scenario, base.stock
    general = stock[stock["resource_id"] == "general_bed"].sort_values("allocated")
    middle = general.iloc[len(general) // 2]
    facility, held = str(middle["facility_id"]), float(middle["allocated"])
    budget = scenario.settings.budget_cny_a_year
    ceiling = scenario.plan.clauses[-1].at_most
    assert budget is not None
    assert ceiling is not None
    draw = np.random.default_rng(0)
    residents = scenario.populations["residents"].to_numpy(copy=True)
    some = draw.choice(len(residents), max(2, len(residents) // 100), replace=False)
    residents[some] = np.ceil(residents[some] * draw.uniform(0.8, 1.2, len(some)))

    def more_demand(what_if: WhatIf) -> None:
        for service in scenario.services["service_id"]:
            what_if.demand(service, 1.01)

    stays = scenario.services["stay_days"].where(scenario.services["service_id"] != "icu", 6.3)
    doctors = stock["resource_id"] == "doctor"
    social = scenario.facilities["facility_id"][scenario.facilities["ownership"] == "social"]
    theirs = stock.loc[doctors & stock["facility_id"].isin(social), "allocated"].sum()
    more = Amount(
        id="more", quote="5 % more doctors in social hands", source="assumed: a benchmark",
        resource="doctor", scope={"ownership": "social"}, at_least=1.05 * float(theirs),
    )  # fmt: skip
    plan = Plan([*scenario.plan.clauses, more])
    return {
        "one cost: rehabilitation beds 5 % dearer": lambda w: w.cost("rehab_bed", 1.05),
        "one bound: a facility at 90 % of its beds": lambda w: w.bound(
            facility, "general_bed", 0.0, 0.9 * held
        ),
        "a clause target: intensive care beds +15 %": lambda w: w.set("icu", 1.15 * _icu(base)),
        "close a facility": lambda w: w.close(facility),
        "all demand +1 %": more_demand,
        "a binding ceiling -3 %": lambda w: w.set("ceiling", 0.97 * ceiling),
        "scattered demand: 1 % of the points": lambda w: w.replace(
            populations=scenario.populations.assign(residents=residents)
        ),
        "a clause added": lambda w: w.replace(plan=plan),
        "a clause dropped": lambda w: w.drop("doctors"),
        "a stay: intensive care +5 %": lambda w: w.replace(
            services=scenario.services.assign(stay_days=stays)
        ),
        "a budget -3 %": lambda w: w.set("budget", 0.97 * budget),
    }


def _icu(base: Solution) -> float:
    stock = base.stock
    return float(stock.loc[stock["resource_id"] == "icu_bed", "allocated"].sum())


def measured(what_if: WhatIf, name: str, change: Change, cold_s: float | None) -> dict[str, Any]:
    """One change of an open, solved scenario, beside the changed scenario from nothing.

    Parameters
    ----------
    what_if
        Solved; it is brought back to where it was.
    name, change
    cold_s
        CPU seconds of a solve from nothing to compare with; ``None``: measure that of the
        changed scenario.
    """
    began = time.process_time()
    change(what_if)
    edited = time.process_time()
    warm = what_if.solve()
    row: dict[str, Any] = {
        "change": name, "edit": edited - began, "hot": time.process_time() - began,
        "iterations": warm.result.iterations, "cold": cold_s, "cold_iterations": None,
        "same": "", "proved": warm.certificate is not None and warm.certificate.passes(),
    }  # fmt: skip
    if cold_s is None:
        began = time.process_time()
        program = formulate(what_if.scenario).program.relaxed()
        cold = solve_highs(program, SolverOptions(time_limit_s=LIMIT_S))
        proof = certify(program, cold)
        row |= {"cold": time.process_time() - began, "cold_iterations": cold.iterations}
        row["same"] = abs(proof.objective - warm.objective) <= 1e-6 * abs(proof.objective)
    return row


def warm(
    size: Annotated[str, typer.Option(help="Size of the reference problem: S or M.")] = "S",
    each: Annotated[
        bool, typer.Option(help="Solve every changed scenario from nothing too.")
    ] = True,
    points: Annotated[int, typer.Option(help="Points of the front; 0: none.")] = 20,
    engine: Annotated[str, typer.Option(help="Engine of the first solve, as settings name it.")] = (
        "highs"
    ),
) -> None:
    """Changes of an open scenario and a Pareto front beside solves from nothing, in CPU time."""
    region = generate(*SIZES[size])
    began = time.process_time()
    first = solve(region, solver=engine, whole_units=False, time_limit_s=LIMIT_S)
    cold_s = time.process_time() - began
    typer.echo(
        f"{size} from nothing: {cold_s:.2f} CPU s, {first.result.iterations} iterations, "
        f"{first.result.solver}"
    )
    scenario = binding(first)
    began = time.process_time()
    what_if = WhatIf(first, whole_units=False, time_limit_s=LIMIT_S)
    what_if.replace(plan=scenario.plan, settings=scenario.settings)
    base = what_if.solve()
    typer.echo(
        f"opened, two rows added: {time.process_time() - began:.2f} CPU s, "
        f"{base.result.iterations} iterations"
    )
    given = {name: getattr(scenario, name) for name in ("populations", "services", "plan")}
    rows = []
    for name, change in changes(base).items():
        rows.append(measured(what_if, name, change, None if each else cold_s))
        typer.echo(f"{name}: {rows[-1]['hot']:.2f} s", err=True)
        what_if.restore()
        what_if.replace(**given)
        what_if.solve()
    table = Table(
        "change", "edit s", "hot s", "iterations", "cold s", "cold iterations", "hot/cold",
        "proved", "equal",
    )  # fmt: skip
    for row in rows:
        table.add_row(
            row["change"], f"{row['edit']:.3f}", f"{row['hot']:.3f}", str(row["iterations"]),
            f"{row['cold']:.2f}", str(row["cold_iterations"] or ""),
            f"{100 * row['hot'] / row['cold']:.1f} %", "yes" if row["proved"] else "NO",
            {"": "", True: "yes", False: "NO"}[row["same"]],
        )  # fmt: skip
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    shares = [row["hot"] / row["cold"] for row in rows]
    typer.echo(f"median {100 * np.median(shares):.1f} %, worst {100 * max(shares):.1f} %")
    if points:
        began = time.process_time()
        found = trade_offs(first, "access-mean", points=points, time_limit_s=LIMIT_S)
        took, n = time.process_time() - began, len(found.points)
        typer.echo(f"front of {n} points: {took:.2f} CPU s, {took / cold_s:.2f} cold solves")
    if not all(row["proved"] and row["same"] in ("", True) for row in rows):
        raise typer.Exit(1)
