"""``python -m benchmarks.siting``: the siting models on published cases, beside spopt.

The cases are read from the folder that the environment variable HEALTHALLOC_DATA names. Where
spopt is installed (``pip install spopt``; never a dependency), it solves the same cases in the
same run, and the table gives ratios.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from healthalloc.siting import (
    Costs,
    Siting,
    capacitated_facility_location,
    from_matrix,
    lscp,
    mclp,
    p_center,
    p_median,
)

app = typer.Typer(add_completion=False)
LIMIT_S = 290.0
PEER_LIMIT_S = 600


def data_folder() -> Path | None:
    """The folder of published cases, if the environment names one."""
    named = os.environ.get("HEALTHALLOC_DATA")
    return Path(named) if named else None


# --- readers


def read_pmed(path: Path) -> tuple[Costs, int]:
    """An OR-Library p-median graph; of parallel edges the last one counts."""
    rows = np.loadtxt(path)
    n, _, p = rows[0].astype(int)
    ends = np.sort(rows[1:, :2].astype(int) - 1, axis=1)
    length = {(i, j): c for (i, j), c in zip(ends.tolist(), rows[1:, 2].tolist(), strict=True)}
    return from_matrix(_all_pairs(length, int(n))), int(p)


def pmed_like(n: int, seed: int) -> Costs:
    """A random graph of the OR-Library family: n^2 / 50 edges of length 1 to 100."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    ends = np.concatenate(
        [np.column_stack([order[:-1], order[1:]]), rng.integers(0, n, (n * n // 50, 2))]
    )
    ends = np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1)
    lengths = rng.integers(1, 101, len(ends)).astype(float)
    return from_matrix(_all_pairs(dict(zip(map(tuple, ends.tolist()), lengths.tolist())), n))


def _all_pairs(length: dict[tuple[int, int], float], n: int) -> np.ndarray[Any, Any]:
    ends = np.array(list(length))
    graph = csr_array((list(length.values()), (ends[:, 0], ends[:, 1])), shape=(n, n))
    return shortest_path(graph, directed=False)


def read_cap(path: Path, capacity: float) -> tuple[Costs, Any, Any, Any]:
    """An OR-Library capacitated case: costs of whole demands, demand, capacity, site cost."""
    words = path.read_text().replace("capacity", str(capacity)).split()
    m, n = int(words[0]), int(words[1])
    numbers = np.array(words[2:], dtype=float)
    sites = numbers[: 2 * m].reshape(m, 2)
    rows = numbers[2 * m :].reshape(n, m + 1)
    return from_matrix(rows[:, 1:]), rows[:, 0], sites[:, 0], sites[:, 1]


def read_swain(path: Path) -> Costs:
    """Swain's 55 nodes: x, y, demand; straight lines."""
    rows = np.loadtxt(path, skiprows=1)
    return from_matrix(np.hypot(*(rows[:, None, 1:3] - rows[None, :, 1:3]).T).T, rows[:, 3])


def read_san_francisco(path: Path) -> Costs:
    """Network metres from 205 census tracts to 16 sites, long."""
    table = pd.read_csv(path)
    wide = table.pivot(index="DestinationName", columns="name", values="distance")
    demand = table.groupby("DestinationName")["demand"].first().loc[wide.index]
    return from_matrix(wide.to_numpy(), demand, candidate_ids=list(wide))


def read_brighton(path: Path) -> Costs:
    """Driving seconds from 165 areas to 6 sites."""
    wide = pd.read_csv(path, index_col=0)
    demand = pd.read_csv(path.parent / "brighton_demand.csv", index_col=0)["demand"]
    return from_matrix(wide.to_numpy(), demand.loc[wide.index], candidate_ids=list(wide))


# --- cases


@dataclass(frozen=True)
class Case:
    """A published case.

    Parameters
    ----------
    name
    file
        Below the folder of data.
    solve
        From the path of the file to the answer.
    answer, digits
        Published objective and its last digit.
    per_demand
        Whether the objective is published per unit of demand.
    spopt
        What spopt solves: model, and radius or None.
    """

    name: str
    file: str
    solve: Callable[[Path], Siting]
    answer: float
    digits: float = 1e-6
    per_demand: bool = False
    spopt: tuple[str, float | None] | None = None

    def scale(self, answer: Siting) -> float:
        """What the objective is divided by before it is compared."""
        return float(answer.costs.weight.sum()) if self.per_demand else 1.0


def _pmed(model: Callable[..., Siting]) -> Callable[[Path], Siting]:
    def solve(path: Path) -> Siting:
        costs, p = read_pmed(path)
        return model(costs, p)

    return solve


def _cap(capacity: float = 0.0) -> Callable[[Path], Siting]:
    def solve(path: Path) -> Siting:
        costs, demand, room, site_cost = read_cap(path, capacity)
        return capacitated_facility_location(
            costs, room, site_cost, demand=demand, time_limit_s=LIMIT_S
        )

    return solve


def _on(read: Callable[[Path], Costs], model: Callable[..., Siting], *arguments: float) -> Any:
    return lambda path: model(read(path), *arguments)


_SF = "san_francisco/SF_network_distance_candidateStore_16_censusTract_205_new.csv"
_BRIGHTON = "brighton/brighton_travel_matrix_driving.csv"
_SWAIN = "swain55/swain_medrano.txt"
_MEDIANS = {1: 5819, 2: 4093, 3: 4250, 4: 3034, 5: 1355, 11: 7696, 16: 8162}
_CENTERS = {1: 127, 2: 98, 3: 93, 4: 74, 5: 48}
_CAPS = {
    "cap41": 1040444.375, "cap63": 1014062.050, "cap71": 932615.750, "cap101": 796648.437,
    "cap131": 793439.562,
}  # fmt: skip
_CAPA = {8000: 19240822.449, 10000: 18438046.543, 12000: 17765201.949, 14000: 17160439.012}
_SWAIN_MEDIANS = [5773.961589, 4614.765479, 3870.244242, 3283.860426, 2950.409780]

CASES: list[Case] = [
    *[
        Case(f"p-median pmed{k}", f"orlib_pmed/pmed{k}.txt", _pmed(p_median), float(best),
             spopt=("PMedian", None))
        for k, best in _MEDIANS.items()
    ],
    *[
        Case(f"p-center pmed{k}", f"orlib_pmed/pmed{k}.txt", _pmed(p_center), float(best),
             spopt=("PCenter", None))
        for k, best in _CENTERS.items()
    ],
    *[
        Case(f"location {k}", f"orlib_cap/{k}.txt", _cap(), best, 1e-3)
        for k, best in _CAPS.items()
    ],
    *[
        Case(f"p-median swain p={p}", _SWAIN, _on(read_swain, p_median, p), best, 1e-6)
        for p, best in enumerate(_SWAIN_MEDIANS, start=1)
    ],
    Case("LSCP swain 10", _SWAIN, _on(read_swain, lscp, 10.0), 9),
    Case("LSCP swain 15", _SWAIN, _on(read_swain, lscp, 15.0), 5),
    Case("LSCP San Francisco 5 km", _SF, _on(read_san_francisco, lscp, 5000.0), 8,
         spopt=("LSCP", 5000.0)),
    Case("LSCP San Francisco 8 km", _SF, _on(read_san_francisco, lscp, 8000.0), 3,
         spopt=("LSCP", 8000.0)),
    Case("MCLP San Francisco 5 km", _SF, _on(read_san_francisco, mclp, 4, 5000.0), 875247,
         spopt=("MCLP", 5000.0)),
    Case("p-median San Francisco", _SF, _on(read_san_francisco, p_median, 4), 2848268129.71, 0.01,
         spopt=("PMedian", None)),
    Case("p-center San Francisco", _SF, _on(read_san_francisco, p_center, 4), 7403.06, 0.01,
         spopt=("PCenter", None)),
    Case("p-median Brighton p=1", _BRIGHTON, _on(read_brighton, p_median, 1), 584.315, 1e-3, True),
    Case("p-median Brighton p=2", _BRIGHTON, _on(read_brighton, p_median, 2), 356.639, 1e-3, True),
    Case("p-center Brighton p=2", _BRIGHTON, _on(read_brighton, p_center, 2), 1001.33, 1e-2),
    Case("MCLP Brighton p=2", _BRIGHTON, _on(read_brighton, mclp, 2, 600.0), 302983),
    *[
        Case(f"location capa {size}", "orlib_cap/capa.txt", _cap(size), best, 1e-3)
        for size, best in _CAPA.items()
    ],
]  # fmt: skip


def solve_case(case: Case, folder: Path) -> Siting:
    """Solve a case from the files of a folder."""
    return case.solve(folder / case.file)


# --- spopt


def by_spopt(case: Case, costs: Costs, p: int) -> tuple[float, float, float]:
    """Objective, seconds to build and seconds to solve of spopt with CBC or what PuLP has."""
    import pulp
    from spopt import locate

    assert case.spopt is not None
    name, radius = case.spopt
    matrix = costs.cost.toarray()
    engine = pulp.listSolvers(onlyAvailable=True)[0]
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        build: dict[str, Callable[[], Any]] = {
            "LSCP": lambda: locate.LSCP.from_cost_matrix(matrix, radius),
            "MCLP": lambda: locate.MCLP.from_cost_matrix(matrix, costs.weight, radius, p),
            "PMedian": lambda: locate.PMedian.from_cost_matrix(matrix, costs.weight, p),
            "PCenter": lambda: locate.PCenter.from_cost_matrix(matrix, p),
        }
        model = build[name]()
        built = time.perf_counter()
        limits = {"msg": False, "timeLimit": PEER_LIMIT_S}
        solved = model.solve(pulp.getSolver(engine, **limits), results=False)
    objective = float(pulp.value(solved.problem.objective))
    return objective, built - began, time.perf_counter() - built


def build_seconds(costs: Costs, p: int, radius: float | None) -> float:
    """What reading a dense matrix into `Costs` and a sparse program takes us."""
    from healthalloc.siting.cover import cover_program
    from healthalloc.siting.p_median import weighted
    from healthalloc.siting.radius import radius_program
    from healthalloc.siting.ranked import rank

    matrix = np.full(costs.cost.shape, np.inf)
    row = np.repeat(np.arange(costs.n_demand), np.diff(costs.cost.indptr))
    matrix[row, costs.cost.indices] = costs.cost.data
    began = time.perf_counter()
    again = from_matrix(matrix, costs.weight)
    if radius is None:
        no_site = np.zeros(again.n_candidates, dtype=bool)
        served = np.ones(again.n_demand, dtype=bool)
        all_sites = np.arange(again.n_candidates)
        radius_program(rank(weighted(again)), p, all_sites, no_site, served)
    else:
        cover_program(again.within(radius))
    return time.perf_counter() - began


def _measure(name: str, peer: bool) -> dict[str, Any]:
    """One case in this process: its answer, seconds and memory."""
    folder = data_folder()
    if name.startswith("like "):
        n, p = map(int, name.split()[1:])
        answer = p_median(pmed_like(n, n), p, time_limit_s=LIMIT_S)
        case = Case(name, "", lambda path: answer, answer.objective)
    else:
        case = next(case for case in CASES if case.name == name)
        assert folder is not None
        answer = solve_case(case, folder)
    found = answer.objective / case.scale(answer)
    row: dict[str, Any] = {
        "name": name, "objective": found, "status": answer.status.value, "gap": answer.gap,
        "right": abs(found - case.answer) <= case.digits and answer.status.value == "optimal",
        "seconds": answer.seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }  # fmt: skip
    if peer and case.spopt is not None:
        p = len(answer.sites)
        row["build"] = build_seconds(answer.costs, p, case.spopt[1])
        try:
            theirs, built, solved = by_spopt(case, answer.costs, p)
        except ImportError:
            return row
        row |= {"spopt": theirs, "spopt_build": built, "spopt_solve": solved}
    return row


@app.command()
def main(
    only: Annotated[str, typer.Option(help="Cases whose name holds this.")] = "",
    like: Annotated[list[int] | None, typer.Option(help="Sizes of pmed-like graphs.")] = None,
    peer: Annotated[bool, typer.Option(help="Run spopt beside, if installed.")] = True,
    one: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Solve every case that is there, each in a process of its own, and print the table."""
    if one:
        typer.echo(json.dumps(_measure(one, peer)))
        return
    folder = data_folder()
    names = [c.name for c in CASES if folder is not None and (folder / c.file).exists()]
    names = [name for name in names if only in name]
    for n in like or []:
        names += [f"like {n} {p}" for p in (5, 10, n // 10, n // 5, n // 3)]
    if not names:
        typer.echo("no case: set HEALTHALLOC_DATA or give --like")
        raise typer.Exit(1)
    table = Table(
        "case", "objective", "proved and right", "s", "peak MB", "build ratio", "whole ratio"
    )
    wrong = 0
    for name in names:
        command = [sys.executable, "-m", "benchmarks.siting", "--one", name]
        command += [] if peer else ["--no-peer"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        row = json.loads(done.stdout.splitlines()[-1])
        wrong += not row["right"]
        ratios = ["", ""]
        if "spopt" in row:
            ours = max(row["seconds"], 1e-9)
            # a limit may stop spopt first; then it can only be worse
            if abs(row["spopt"] - row["objective"]) > 1e-6 * abs(row["objective"]):
                row["right"] &= row["spopt_solve"] >= PEER_LIMIT_S
                row["status"] += f", spopt {row['spopt']:.6f}"
            ratios = [
                f"{row['spopt_build'] / row['build']:.0f}",
                f"{(row['spopt_build'] + row['spopt_solve']) / ours:.0f}",
            ]
        verdict = "yes" if row["right"] else f"NO: {row['status']}, gap {row['gap']:.2g}"
        table.add_row(
            name, f"{row['objective']:.6f}", verdict, f"{row['seconds']:.3f}",
            f"{row['peak_mb']:.0f}", *ratios,
        )  # fmt: skip
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    app()
