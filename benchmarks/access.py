"""``python -m benchmarks.access``: floating catchment areas beside PySAL access.

Where PySAL access is installed (``pip install access``; never a dependency), it measures the
same instances in the same run: results are compared, and the table gives ratios. Instances are
synthetic; where the environment variable HEALTHALLOC_DATA names a folder that holds it,
Belo Horizonte is added. Both libraries start from the same tables of named points.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.memory import peak_mb, reset_peak
from healthalloc.access import (
    AccessArcs,
    enhanced_two_step_catchment,
    from_table,
    gaussian,
    step,
    three_step_catchment,
    two_step_catchment,
)

app = typer.Typer(add_completion=False)
LIMIT_MIN = 60.0
WIDTH_MIN = 20.0
ZONES = {20: 1.0, 40: 0.68, 60: 0.22}
REACH = 50  # supplies within reach of each point of a synthetic instance
AGREE = 1e-9
MEASURES = ["2SFCA", "E2SFCA step", "E2SFCA Gaussian", "3SFCA step"]


class Instance(NamedTuple):
    """Units by named point, and a row for each pair: the arguments of `from_table`."""

    demand: pd.Series[float]
    supply: pd.Series[float]
    table: pd.DataFrame


class Measured(NamedTuple):
    """Access of each demand point, and the seconds it took."""

    access: np.ndarray[Any, Any]
    build_s: float
    run_s: float


# --- instances


def synthetic(n_arcs: int, seed: int) -> Instance:
    """Points on a ring; each demand point reaches the 50 supplies around it in 0 to 60 min."""
    rng = np.random.default_rng(seed)
    n_demand = max(n_arcs // REACH, 1)
    n_supply = max(n_demand // 10, 2 * REACH)
    near = np.linspace(0, n_supply, n_demand, endpoint=False).astype(int)
    offset = np.arange(REACH) - REACH // 2
    supply_id = (near[:, None] + offset) % n_supply
    travel = np.abs(offset) * (1.8 * LIMIT_MIN / REACH) + rng.uniform(0, 6, supply_id.shape)
    table = pd.DataFrame(
        {
            "demand_id": np.repeat(np.arange(n_demand), REACH),
            "supply_id": supply_id.ravel(),
            "travel": travel.ravel(),
        }
    )
    demand = pd.Series(rng.integers(50, 5000, n_demand).astype(float))
    return Instance(demand, pd.Series(rng.integers(1, 400, n_supply).astype(float)), table)


def belo_horizonte(opportunity: str) -> Instance | None:
    """Cells of the city and minutes between them; None where the data is not there."""
    named = os.environ.get("HEALTHALLOC_DATA")
    folder = Path(named or ".") / "belo_horizonte"
    if not named or not folder.exists():
        return None
    land = pd.read_csv(folder / "land_use_data.csv", index_col="id")
    pairs = pd.read_csv(folder / "travel_matrix_idx.csv.gz")
    table = pd.DataFrame(
        {
            "demand_id": land.index.to_numpy()[pairs["from_id"]],
            "supply_id": land.index.to_numpy()[pairs["to_id"]],
            "travel": pairs["travel_time"].to_numpy(dtype=float),
        }
    )
    return Instance(land["population"].astype(float), land[opportunity].astype(float), table)


def instance_of(name: str) -> Instance | None:
    """The instance of a name: a number of arcs, or ``belo_horizonte``."""
    return belo_horizonte("jobs") if name == "belo_horizonte" else synthetic(int(name), 1)


# --- the two libraries


def by_us(instance: Instance, measure: str) -> Measured:
    """Positions from names (build), then the measure (run)."""
    began = time.perf_counter()
    arcs: AccessArcs = from_table(*instance)
    built = time.perf_counter()
    if measure == "2SFCA":
        access = two_step_catchment(*arcs, limit=LIMIT_MIN)
    elif measure == "E2SFCA step":
        access = enhanced_two_step_catchment(*arcs, decay=step(ZONES))
    elif measure == "E2SFCA Gaussian":
        access = enhanced_two_step_catchment(*arcs, decay=gaussian(WIDTH_MIN), limit=LIMIT_MIN)
    else:
        access = three_step_catchment(*arcs, decay=step(ZONES))
    return Measured(access, built - began, time.perf_counter() - built)


def by_peer(instance: Instance, measure: str) -> Measured:
    """`Access` from ready tables (build), then PySAL's method (run)."""
    from access import Access, weights

    demand = instance.demand.rename("demand").rename_axis("id").reset_index()
    supply = instance.supply.rename("supply").rename_axis("id").reset_index()
    table = instance.table.copy()
    began = time.perf_counter()
    model = Access(
        demand_df=demand, demand_index="id", demand_value="demand",
        supply_df=supply, supply_index="id", supply_value="supply",
        cost_df=table, cost_origin="demand_id", cost_dest="supply_id", cost_name="travel",
    )  # fmt: skip
    built = time.perf_counter()
    if measure == "2SFCA":
        model.two_stage_fca(name="found", max_cost=LIMIT_MIN)
    elif measure == "E2SFCA step":
        model.enhanced_two_stage_fca(
            name="found", max_cost=LIMIT_MIN, weight_fn=weights.step_fn(ZONES)
        )
    elif measure == "E2SFCA Gaussian":
        model.enhanced_two_stage_fca(
            name="found", max_cost=LIMIT_MIN, weight_fn=weights.gaussian(WIDTH_MIN)
        )
    else:
        model.three_stage_fca(name="found", max_cost=LIMIT_MIN, weight_fn=weights.step_fn(ZONES))
    ran = time.perf_counter()
    access = model.access_df["found_supply"].reindex(instance.demand.index)
    # who reaches nothing has no row there, and access 0 here
    return Measured(access.fillna(0.0).to_numpy(), built - began, ran - built)


# --- one measurement in a process of its own


def _measure(name: str, measure: str, who: str, runs: int, found: Path) -> dict[str, float]:
    """Medians of the seconds, and the memory that the runs take beyond the instance."""
    instance = instance_of(name)
    assert instance is not None
    one = by_peer if who == "peer" else by_us
    one(synthetic(REACH, 1), measure)  # imports are no part of it
    before_mb = reset_peak()
    measured = [one(instance, measure) for _ in range(runs)]
    np.save(found, measured[-1].access)
    return {
        "n_arcs": len(instance.table),
        "build_s": statistics.median(m.build_s for m in measured),
        "run_s": statistics.median(m.run_s for m in measured),
        "peak_mb": peak_mb(),
        "extra_mb": peak_mb() - before_mb,
    }


def _in_process(name: str, measure: str, who: str, runs: int) -> tuple[dict[str, Any], Any]:
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "access.npy"
        command = [
            sys.executable, "-W", "ignore", "-m", "benchmarks.access", "--one",
            json.dumps([name, measure, who, runs, str(found)]),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1]), np.load(found)


def _has_peer() -> bool:
    try:
        import access  # noqa: F401
    except ImportError:
        return False
    return True


@app.command()
def main(
    size: Annotated[list[int] | None, typer.Option(help="Arcs of a synthetic instance.")] = None,
    runs: Annotated[int, typer.Option(help="Counted runs of each.", min=1)] = 3,
    peer: Annotated[bool, typer.Option(help="Run PySAL access beside, if installed.")] = True,
    one: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Measure every instance by every measure, each in a process of its own."""
    if one:
        name, measure, who, runs, found = json.loads(one)
        typer.echo(json.dumps(_measure(name, measure, who, runs, Path(found))))
        return
    names = [str(n) for n in size or (10_000, 100_000, 1_000_000)]
    names += ["belo_horizonte"] if belo_horizonte("jobs") is not None else []
    peer = peer and _has_peer()
    table = Table(
        "instance", "arcs", "measure", "build s", "run s", "extra MB", "PySAL: build s", "run s",
        "extra MB", "time ratio", "memory ratio", "equal",
    )  # fmt: skip
    wrong = 0
    for name in names:
        for measure in MEASURES:
            ours, access = _in_process(name, measure, "us", runs)
            cells = [
                name if name == "belo_horizonte" else "synthetic", f"{ours['n_arcs']:,}", measure,
                f"{ours['build_s']:.4f}", f"{ours['run_s']:.4f}", f"{ours['extra_mb']:.0f}",
            ]  # fmt: skip
            if peer:
                theirs, theirs_access = _in_process(name, measure, "peer", runs)
                equal = np.allclose(access, theirs_access, rtol=AGREE, atol=0.0)
                wrong += not equal
                times = [row["build_s"] + row["run_s"] for row in (ours, theirs)]
                cells += [
                    f"{theirs['build_s']:.4f}", f"{theirs['run_s']:.4f}",
                    f"{theirs['extra_mb']:.0f}", f"{times[1] / times[0]:.0f}",
                    f"{theirs['extra_mb'] / max(ours['extra_mb'], 1.0):.1f}",
                    "yes" if equal else "NO",
                ]  # fmt: skip
            table.add_row(*cells)
    Console(width=None if sys.stdout.isatty() else 180).print(table)
    raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    app()
