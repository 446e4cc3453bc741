"""``python -m benchmarks``: run the registered cases and print what they took."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.processes import Case, timed_side_by_side
from benchmarks.reference.cases import CASES as SCENARIOS
from benchmarks.reference.command import engines, reference
from benchmarks.reference.growth import growth
from benchmarks.sweep import sweep
from benchmarks.warm import warm

_PYTHON = sys.executable
_IMPORTS = [_PYTHON, "-c", "import numpy, pandas, scipy.sparse"]

CASES = {
    "import": Case("import healthalloc", [_PYTHON, "-c", "import healthalloc"], _IMPORTS, 0.6),
    "import-all": Case(
        "import every public name",
        [_PYTHON, "-c", "from healthalloc import *"],
        _IMPORTS,
    ),
    "solve-west": Case(
        "solve panzhihua_west",
        [_PYTHON, "-m", "healthalloc", "solve", "examples/panzhihua_west", "-o", "{output}", "-q"],
        _IMPORTS,
        5.0,
    ),
    "audit-west": Case(
        "audit panzhihua_west",
        [_PYTHON, "-m", "healthalloc", "audit", "examples/panzhihua_west", "-q"],
        _IMPORTS,
    ),
}
app = typer.Typer(no_args_is_help=True, help="Benchmarks; run from the root of the project.")


@app.command()
def main_job(
    runs: Annotated[int, typer.Option(help="Counted runs of each process.", min=1)] = 5,
) -> None:
    """Time the import and the main job as whole processes beside the imports they need."""
    table = Table("case", "wall s", "cpu s", "peak MB", "target s", "floor: wall s", "ratio (cpu)")
    for case in CASES.values():
        ours, floor = timed_side_by_side(case, runs)
        table.add_row(
            case.name,
            f"{ours.wall_s:.2f}",
            f"{ours.cpu_s:.2f}",
            f"{ours.peak_mb:.0f}",
            f"{case.target_s:g}" if case.target_s else "",
            f"{floor.wall_s:.2f}",
            f"{ours.cpu_s / floor.cpu_s:.2f}",
        )
    Console(width=None if sys.stdout.isatty() else 120).print(table)


@app.command()
def cases() -> None:
    """List the cases."""
    for name, case in CASES.items():
        typer.echo(f"main-job: {name}: {case.name}")
    for scenario in SCENARIOS.values():
        absent = scenario.absent()
        typer.echo(
            f"reference: {scenario.name}: {scenario.about}" + (f" ({absent})" if absent else "")
        )


app.command()(reference)
app.command()(engines)
app.command()(growth)
app.command()(sweep)
app.command()(warm)


if __name__ == "__main__":
    app()
