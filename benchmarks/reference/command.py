"""``python -m benchmarks reference``: the table of phases."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmarks.reference.cases import case_of
from benchmarks.reference.clock import PHASES
from benchmarks.reference.drivers import NEEDS, present
from benchmarks.reference.engines import GENERIC, OWN, absent
from benchmarks.reference.runs import measure
from benchmarks.reference.shown import (
    console,
    differing,
    engine_table,
    faster,
    fastest,
    phase_table,
)


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
        for line in faster(found):
            typer.echo(line)
        for line in differing(found):
            typer.echo(f"NOT THE SAME {line}")
            wrong = True
    raise typer.Exit(1 if wrong else 0)


def engines(
    sizes: Annotated[str, typer.Option(help="Cases, or sizes as 400x60, with commas.")] = "S",
    names: Annotated[
        str, typer.Option("--engines", help="Engines, with commas; also names of solvers.")
    ] = ",".join((*OWN, "highs", *GENERIC)),
    runs: Annotated[int, typer.Option(help="Counted runs of each.", min=1)] = 3,
    limit_s: Annotated[float, typer.Option(help="CPU seconds for each; 0: no limit.")] = 600,
) -> None:
    """Time engines on the finished program, without whole units; certify every answer.

    Engines of this library go by the names that settings give them (``interior``, ``pulp``).
    Ends with 1 if two objectives differ.
    """
    wrong = False
    for name in sizes.split(","):
        case = case_of(name)
        if case.absent():
            typer.echo(f"{name}: not measured, {case.absent()}")
            continue
        why = {engine: absent(engine) for engine in names.split(",")}
        for engine, reason in why.items():
            if reason:
                typer.echo(f"{engine}: not measured, {reason}")
        workers = [f"engine:{engine}" for engine, reason in why.items() if not reason]
        measured = measure(name, workers, ["solve"], runs, limit_s)
        found = {worker.removeprefix("engine:"): m for worker, m in measured.items()}
        size = next((m.facts for m in found.values() if "nnz" in m.facts), None)
        typer.echo(f"\n{name}: {case.about}" + (_size(size) if size else ""))
        console().print(engine_table(found))
        for line in fastest(found, {"highs", *GENERIC}):
            typer.echo(line)
        for line in differing({d: m for d, m in found.items() if "objective" in m.facts}):
            typer.echo(f"NOT THE SAME {line}")
            wrong = True
    raise typer.Exit(1 if wrong else 0)


def _size(facts: dict[str, float]) -> str:
    return f", {facts['rows']:,} rows, {facts['columns']:,} columns, {facts['nnz']:,} nonzeros"
