"""LP engines on the same finished program: generic ones beside those of this library."""

from __future__ import annotations

import importlib.util
import time
from dataclasses import dataclass

import numpy as np

from healthalloc.errors import SolverError
from healthalloc.formulation.program import LinearProgram
from healthalloc.solvers import ENGINES, Result, Solver, SolverOptions, Status, named_solver
from healthalloc.solvers.highs import passed, read_result


@dataclass(frozen=True)
class Engine:
    """A generic engine.

    Parameters
    ----------
    about
    solve
    package
        What it needs.
    """

    about: str
    solve: Solver
    package: str = "highspy"


def _highs(choice: str) -> Solver:
    def solve(program: LinearProgram, options: SolverOptions) -> Result:
        began = time.perf_counter()
        highs = passed(program, options)
        highs.setOptionValue("solver", choice)
        return read_result(highs, program, began)

    return solve


def solve_clp(program: LinearProgram, options: SolverOptions) -> Result:
    """Clp's ``initialSolve``, which presolves and chooses between its simplex methods itself."""
    from cylp.cy import CyClpSimplex, CyCoinPackedMatrix

    began = time.perf_counter()
    clp, matrix = CyClpSimplex(), program.matrix
    clp.logLevel = 0
    column = np.repeat(np.arange(program.n_columns, dtype=np.int32), np.diff(matrix.indptr))
    packed = CyCoinPackedMatrix(True, matrix.indices.astype(np.int32), column, matrix.data)
    clp.loadProblem(
        packed, program.column_lower, program.column_upper, program.cost,
        program.row_lower, program.row_upper,
    )  # fmt: skip
    if clp.initialSolve() != "optimal":
        raise SolverError(f"Clp stopped with {clp.getStatusString()!r}")
    dual = clp.dualConstraintSolution
    row_dual = np.concatenate(list(dual.values())) if isinstance(dual, dict) else np.array(dual)
    return Result(
        status=Status.OPTIMAL,
        solver="Clp",
        seconds=time.perf_counter() - began,
        x=np.array(clp.primalVariableSolutionAll)[: program.n_columns],
        row_dual=row_dual,
        column_dual=program.cost - program.matrix.T @ row_dual,
        iterations=int(clp.iteration),
    )


GENERIC: dict[str, Engine] = {
    "highs-dual": Engine("HiGHS dual simplex", _highs("simplex")),
    "highs-ipm": Engine("HiGHS interior point, crossover", _highs("ipx")),
    "highs-hipo": Engine("HiGHS HiPO, crossover", _highs("hipo"), "highspy_extras"),
    "clp": Engine("Clp initialSolve", solve_clp, "cylp"),
}
"""Engines that know nothing of the problem."""

OWN = tuple(name for name in ENGINES if name not in ("auto", "highs"))
"""Engines of the library itself, by the names that settings give them."""


def engine(name: str) -> Solver:
    """A generic engine, or one that the library knows by this name.

    Raises
    ------
    ValueError
        If nobody knows it.
    """
    return GENERIC[name].solve if name in GENERIC else named_solver(name)


def absent(name: str) -> str:
    """Why an engine cannot run here, or nothing."""
    try:
        engine(name)
    except ValueError as error:
        return str(error)
    package = GENERIC[name].package if name in GENERIC else "highspy"
    return "" if importlib.util.find_spec(package) else f"{package} is not installed"
