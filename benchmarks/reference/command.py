"""``python -m benchmarks reference``: the table of phases."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmarks.reference.cases import case_of
from benchmarks.reference.clock import PHASES
from benchmarks.reference.drivers import NEEDS, present
from benchmarks.reference.runs import measure
from benchmarks.reference.shown import console, differing, phase_table


def reference(
    sizes: Annotated[str, typer.Option(help="Cases, or sizes as 400x60, with commas.")] = "S,M",
    drivers: Annotated[str, typer.Option(help="Drivers, with commas.")] = ",".join(NEEDS),
    phases: Annotated[str, typer.Option(help="Phases, with commas.")] = ",".join(PHASES),
    runs: Annotated[int, typer.Option(help="Counted runs of each.", min=1)] = 3,
    limit_s: Annotated[float, typer.Option(help="CPU seconds for one phase; 0: no limit.")] = 600,
) -> None:
    """Time each phase of each driver on the same program, in CPU seconds and memory above start.

    Every run is a process of its own, and the drivers take turns; medians are shown, in brackets
    how often the floor. Ends with 1 if the drivers do not state the same program and objective.
    """
    wanted = phases.split(",")
    unknown = [p for p in wanted if p not in PHASES] + [
        d for d in drivers.split(",") if d not in NEEDS
    ]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join((*PHASES, *NEEDS))}")
    wrong = False
    for name in sizes.split(","):
        case = case_of(name)
        if case.absent():
            typer.echo(f"{name}: not measured, {case.absent()}")
            continue
        here = [d for d in drivers.split(",") if present(d)]
        for driver in set(drivers.split(",")) - set(here):
            typer.echo(f"{driver}: not measured, {NEEDS[driver]} is not installed")
        found = measure(name, here, wanted, runs, limit_s)
        size = next((m.facts for m in found.values() if "nnz" in m.facts), None)
        typer.echo(f"\n{name}: {case.about}" + (_size(size) if size else "") + "; CPU seconds")
        console().print(phase_table(found, wanted))
        for driver, measured in found.items():
            if measured.stopped:
                typer.echo(f"{driver}: {measured.stopped}: {measured.why}")
            if "cannot" in measured.facts:
                typer.echo(f"{driver}: {measured.facts['cannot']}")
        for line in differing(found):
            typer.echo(f"NOT THE SAME {line}")
            wrong = True
    raise typer.Exit(1 if wrong else 0)


def _size(facts: dict[str, float]) -> str:
    return f", {facts['rows']:,} rows, {facts['columns']:,} columns, {facts['nnz']:,} nonzeros"
