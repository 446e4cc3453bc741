"""``python -m benchmarks.siting``: the siting models on published cases, beside spopt.

Small cases are in ``tests/data/siting``; others are read from the folder that the environment
variable HEALTHALLOC_DATA names. Where spopt is installed (``pip install spopt``; never a
dependency), it solves the same cases, each in a process of its own, and the table gives ratios.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import statistics
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
PEER_LIMIT_S = 240
RUNS = 3  # of which the median counts
SOME_S = 3.0  # no further run after so long


SMALL = Path(__file__).parent.parent / "tests" / "data" / "siting"


def find_file(file: str) -> Path | None:
    """Where the file of a case is: among the small ones, or in the folder of the environment."""
    folders = [SMALL, *map(Path, filter(None, [os.environ.get("HEALTHALLOC_DATA")]))]
    return next((folder / file for folder in folders if (folder / file).exists()), None)


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


def solve_case(case: Case) -> Siting:
    """Solve a case from its file."""
    path = find_file(case.file)
    if path is None:
        raise FileNotFoundError(case.file)
    return case.solve(path)


# --- measurements


def dense(costs: Costs) -> np.ndarray[Any, Any]:
    """The matrix that both libraries start from."""
    matrix = np.full(costs.cost.shape, np.inf)
    row = np.repeat(np.arange(costs.n_demand), np.diff(costs.cost.indptr))
    matrix[row, costs.cost.indices] = costs.cost.data
    return matrix


def by_spopt(case: Case, answer: Siting) -> dict[str, Any]:
    """Objective, seconds to build and to solve of spopt, with the solver that PuLP finds first."""
    import pulp
    from spopt import locate

    assert case.spopt is not None
    name, radius = case.spopt
    matrix, weight, p = dense(answer.costs), answer.costs.weight, len(answer.sites)
    engine = pulp.listSolvers(onlyAvailable=True)[0]
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        build: dict[str, Callable[[], Any]] = {
            "LSCP": lambda: locate.LSCP.from_cost_matrix(matrix, radius),
            "MCLP": lambda: locate.MCLP.from_cost_matrix(matrix, weight, radius, p),
            "PMedian": lambda: locate.PMedian.from_cost_matrix(matrix, weight, p),
            "PCenter": lambda: locate.PCenter.from_cost_matrix(matrix, p),
        }
        model = build[name]()
        built = time.perf_counter()
        limits = {"msg": False, "timeLimit": PEER_LIMIT_S}
        solved = model.solve(pulp.getSolver(engine, **limits), results=False)
    ended = time.perf_counter()
    objective = pulp.value(solved.problem.objective)
    return {"objective": objective, "build": built - began, "solve": ended - built}


def by_us(case: Case, answer: Siting) -> dict[str, Any]:
    """Seconds from the same matrix to a sparse program, and from it to the answer; medians."""
    assert case.spopt is not None
    name, radius = case.spopt
    matrix, weight, p = dense(answer.costs), answer.costs.weight, len(answer.sites)
    models: dict[str, Callable[[Costs], Siting]] = {
        "LSCP": lambda costs: lscp(costs, radius or 0.0),
        "MCLP": lambda costs: mclp(costs, p, radius or 0.0),
        "PMedian": lambda costs: p_median(costs, p),
        "PCenter": lambda costs: p_center(costs, p),
    }
    builds, wholes = [], []
    while not wholes or (len(wholes) < RUNS and sum(wholes) < SOME_S):
        began = time.perf_counter()
        models[name](from_matrix(matrix, weight))
        wholes.append(time.perf_counter() - began)
        builds.append(build_seconds(matrix, weight, p, radius))
    build, whole = statistics.median(builds), statistics.median(wholes)
    return {"objective": answer.objective, "build": build, "whole": whole}


def build_seconds(matrix: Any, weight: Any, p: int, radius: float | None) -> float:
    """What reading a dense matrix into `Costs` and a sparse program takes us."""
    from healthalloc.siting.cover import cover_program
    from healthalloc.siting.p_median import weighted
    from healthalloc.siting.radius import radius_program
    from healthalloc.siting.ranked import rank

    began = time.perf_counter()
    costs = from_matrix(matrix, weight)
    if radius is None:
        no_site = np.zeros(costs.n_candidates, dtype=bool)
        served = np.ones(costs.n_demand, dtype=bool)
        radius_program(rank(weighted(costs)), p, np.arange(costs.n_candidates), no_site, served)
    else:
        cover_program(costs.within(radius))
    return time.perf_counter() - began


def _measure(name: str, who: str) -> dict[str, Any]:
    """One case in this process: its answer, seconds and memory."""
    if name.startswith("like "):
        n, p = map(int, name.split()[1:])
        answer = p_median(pmed_like(n, n), p, time_limit_s=LIMIT_S)
        case = Case(name, "", lambda path: answer, answer.objective)
    else:
        case = next(case for case in CASES if case.name == name)
        answer = solve_case(case)
    if who == "spopt":
        row = by_spopt(case, answer)
    elif case.spopt is not None:
        row = by_us(case, answer)
    else:
        row = {"objective": answer.objective, "whole": answer.seconds}
    found = answer.objective / case.scale(answer)
    right = abs(found - case.answer) <= case.digits and answer.status.value == "optimal"
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    gap = answer.gap
    return row | {"right": right, "gap": gap, "shown": found, "peak_mb": peak_mb}


def _run(name: str, who: str) -> dict[str, Any]:
    """One measurement in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.siting", "--one", name, "--who", who]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def _line(name: str, peer: bool) -> tuple[bool, list[str]]:
    """Whether a case came out right, and its line of the table."""
    ours = _run(name, "us")
    right = bool(ours["right"])
    line = [
        name, f"{ours['shown']:.6g}", "yes" if right else f"NO: gap {ours['gap']:.2g}",
        f"{ours['build']:.4f}" if "build" in ours else "", f"{ours['whole']:.3f}",
        f"{ours['peak_mb']:.0f}",
    ]  # fmt: skip
    if not peer or "build" not in ours:
        return right, [*line, *[""] * 6]
    theirs = _run(name, "spopt")
    same = abs((theirs["objective"] or np.nan) - ours["objective"]) <= 1e-6 * ours["objective"]
    stopped = theirs["solve"] >= PEER_LIMIT_S
    whole = theirs["build"] + theirs["solve"]
    return right and (same or stopped), [
        *line, f"{theirs['build']:.2f}", f"{whole:.2f}", f"{theirs['peak_mb']:.0f}",
        "yes" if same else "stopped" if stopped else "NO",
        f"{theirs['build'] / ours['build']:.0f}",
        (">" if stopped else "") + f"{whole / ours['whole']:.0f}",
    ]  # fmt: skip


@app.command()
def main(
    only: Annotated[str, typer.Option(help="Cases whose name holds this.")] = "",
    like: Annotated[list[int] | None, typer.Option(help="Sizes of pmed-like graphs.")] = None,
    peer: Annotated[bool, typer.Option(help="Run spopt beside, if installed.")] = True,
    one: Annotated[str, typer.Option(hidden=True)] = "",
    who: Annotated[str, typer.Option(hidden=True)] = "us",
) -> None:
    """Solve every case that is there, each in a process of its own, and print the table."""
    if one:
        typer.echo(json.dumps(_measure(one, who)))
        return
    names = [case.name for case in CASES if only in case.name and find_file(case.file)]
    for n in like or []:
        names += [f"like {n} {p}" for p in (5, 10, n // 10, n // 5, n // 3)]
    if not names:
        typer.echo("no case: set HEALTHALLOC_DATA or give --like")
        raise typer.Exit(1)
    peer = peer and importlib.util.find_spec("spopt") is not None
    head = [
        "case", "objective", "proved and right", "build s", "whole s", "peak MB",
        "spopt: build s", "whole s", "peak MB", "equal", "build ratio", "whole ratio",
    ]  # fmt: skip
    for words in (head, ["---"] * len(head)):
        typer.echo("| " + " | ".join(words) + " |")
    wrong = 0
    for name in names:
        right, line = _line(name, peer)
        wrong += not right
        typer.echo("| " + " | ".join(line) + " |")
    raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    app()
