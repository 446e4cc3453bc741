"""``healthalloc export``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

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
    SolverName,
    TimeLimit,
    app,
    make_console,
    read,
    reported_errors,
)
from healthalloc.cli.ending import end_without
from healthalloc.errors import DataError, Problem
from healthalloc.geo.write import checked_output, write_layers
from healthalloc.io import write_travel
from healthalloc.io.roads import write_roads
from healthalloc.io.travel import SUFFIXES as MATRICES
from healthalloc.io.write import travel_toml
from healthalloc.scenario import Scenario
from healthalloc.solving import solve

GRAPHML = ".graphml"


@app.command()
def export(
    folder: Folder,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            show_default=False,
            help="GeoPackage (.gpkg) to write, or a folder for one GeoJSON file a layer; or a file "
            "that ends in .graphml for the road graph, in .omx or .parquet for the travel matrix "
            "[default: NAME-plan.gpkg in the current folder, NAME.gpkg with --scenario].",
        ),
    ] = None,
    scenario_only: Annotated[
        bool,
        typer.Option(
            "--scenario", help="Solve nothing: the layers of the scenario, to be read back."
        ),
    ] = False,
    audit_only: AuditOnly = None,
    solver: SolverName = None,
    continuous: Continuous = False,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    quiet: Quiet = False,
) -> None:
    """Solve, and write allocation, flows and who is served as layers for a GIS."""
    console = make_console(quiet)
    with reported_errors(quiet):
        path = export_path(output, folder, scenario_only)
        if path.suffix.lower() in (GRAPHML, *MATRICES):
            _write_travel(console, read(folder, audit_only), path)
            return
        checked_output(path)  # before the work
        scenario = read(folder, audit_only)
        if scenario_only:
            layers = write_layers(scenario, path)
            answer(written=path)
        else:
            solution = solve(
                scenario,
                solver=solver,
                whole_units=False if continuous else None,
                gap=gap,
                time_limit_s=time_limit,
            )
            answer(solution.run())
            if not solution.status.has_solution:
                console.print(f"[red]{solution.status.words}[/]: nothing to export")
                end_without(solution.status)
            layers = write_layers(solution, path)
            answer(written=path)
    console.print(f"Layers {', '.join(layers)} written to {escape(str(path))}")


def _write_travel(console: Console, scenario: Scenario, path: Path) -> None:
    """Write what travel is found from or what it is: the road graph, or the travel matrix."""
    if path.suffix.lower() in MATRICES:
        travel = write_travel(scenario, path)
        stated = travel_toml(travel)
        answer({"travel": asdict(travel)}, written=path)
        console.print(f"Travel matrix written to {escape(str(path))}; scenario.toml uses it with:")
        console.print(f"\n{escape(stated)}")
        return
    if scenario.roads is None:
        mend = "its method of travel is not road_graph"
        raise DataError([Problem("roads", "the scenario has no road graph", mend=mend)])
    write_roads(scenario.roads, path)
    answer(written=path)
    console.print(f"Road graph written to {escape(str(path))}")


def export_path(output: Path | None, folder: Path, scenario_only: bool) -> Path:
    """Where to write the layers of a scenario.

    Parameters
    ----------
    output
        As asked for; ``None`` for a GeoPackage in the current folder.
    folder
        Folder or workbook of the scenario, in which nothing is ever written.
    scenario_only
        Whether the scenario alone is written.

    Raises
    ------
    DataError
        If it lies in the scenario, or holds it.
    """
    here = folder.resolve()
    name = here.stem if here.is_file() else here.name
    path = (output or Path(f"{name}.gpkg" if scenario_only else f"{name}-plan.gpkg")).resolve()
    if path == here or here in path.parents or path in here.parents:
        mend = "choose an output apart from the scenario"
        raise DataError([Problem(str(path), "lies in the scenario, or holds it", mend=mend)])
    if path.suffix.lower() in (GRAPHML, *MATRICES) and not path.parent.is_dir():
        raise DataError([Problem(str(path.parent), "is no folder")])
    return path
