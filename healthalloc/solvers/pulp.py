"""Any solver that PuLP finds: CBC, Gurobi, CPLEX, SCIP, ... on the finished program."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from healthalloc.errors import SolverError, UnsupportedError
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.progress import phase
from healthalloc.solvers.base import Result, SolverOptions, Status
from healthalloc.solvers.certificate import TOLERANCE, violation

PREFERRED = ("GUROBI", "CPLEX_PY", "XPRESS_PY", "COIN_CMD", "PULP_CBC_CMD", "SCIP_PY", "GLPK_CMD")
"""Solvers that ``pulp`` without a name tries first, in this order."""
CBC = ("COIN_CMD", "PULP_CBC_CMD")
"""PuLP's names of CBC: its own copy on the path, and the one that PuLP 3 brings along."""

SILENT = ("CyLP",)
"""PuLP's names of solvers whose answers it reads without a status: none can be relied on."""


def solve_pulp(program: LinearProgram, options: SolverOptions, name: str = "") -> Result:
    """Solve with a solver that PuLP finds (Mitchell, O'Sullivan and Dunning 2011).

    Parameters
    ----------
    program
    options
    name
        PuLP's name of the solver; empty: the first available of `PREFERRED`.

    Returns
    -------
    Result
        With duals for an LP where the solver gives them.

    Raises
    ------
    UnsupportedError
        If the solver is not available.
    SolverError
        If the solver breaks down.
    """
    import pulp

    began = time.perf_counter()
    with warnings.catch_warnings():
        # CBC comes with PuLP 3 under a name that PuLP 4 drops; PREFERRED takes whichever is there
        warnings.simplefilter("ignore", DeprecationWarning)
        chosen = _choose(pulp.listSolvers(onlyAvailable=True), name)
        problem, columns, rows = _build(program)
        status, x = _run(program, problem, columns, chosen, options)
        if chosen in CBC and program.is_mixed_integer and _breaks(program, x):
            # where CBC cannot carry its answer back from the preprocessed program, it says
            # "try without preprocessing" and hands over a point that breaks rows
            without = ["preprocess off"]
            left_s = max(1.0, options.time_limit_s - (time.perf_counter() - began))
            rest = replace(options, time_limit_s=left_s)
            status, x = _run(program, problem, columns, chosen, rest, options=without)
        row_dual = column_dual = None
        if status is Status.OPTIMAL and not program.is_mixed_integer:
            row_dual = _row_dual(program, rows)
        if row_dual is not None:
            column_dual = program.cost - program.matrix.T @ row_dual
    return Result(
        status=status,
        solver=f"PuLP {pulp.__version__} {chosen}",
        seconds=time.perf_counter() - began,
        x=x,
        row_dual=row_dual,
        column_dual=column_dual,
    )


def _breaks(program: LinearProgram, x: Floats | None) -> bool:
    return x is not None and violation(program, x) > TOLERANCE


def _run(
    program: LinearProgram,
    problem: Any,
    columns: list[Any],
    chosen: str,
    limits: SolverOptions,
    **settings: Any,
) -> tuple[Status, Floats | None]:
    """Status and point of a run of one of PuLP's solvers."""
    import pulp

    engine = pulp.getSolver(
        chosen, msg=False, timeLimit=limits.time_limit_s, gapRel=limits.gap, **settings
    )
    try:
        with phase("integer" if problem.isMIP() else "linear"):
            problem.solve(engine)
    except pulp.PulpSolverError as error:
        raise SolverError(f"PuLP with {chosen}: {error}") from error
    status = _status(pulp, problem)
    if not status.has_solution:
        return status, None
    # PuLP leaves the value of a column that no row mentions empty
    free = np.where(program.cost < 0, program.column_upper, program.column_lower)
    free = np.where(np.isfinite(free), free, 0.0)
    given = np.array([np.nan if v.varValue is None else v.varValue for v in columns])
    return status, np.where(np.isnan(given), free, given)


def _row_dual(program: LinearProgram, rows: list[tuple[int, Any]]) -> Floats | None:
    """Duals of the rows, both sides of a range added; None where the solver gives none."""
    if rows and all(constraint.pi is None for _, constraint in rows):
        return None
    dual = np.zeros(program.n_rows)
    for k, constraint in rows:
        dual[k] += 0.0 if constraint.pi is None else constraint.pi
    return dual


def _choose(found: list[str], name: str) -> str:
    available = [solver for solver in found if solver not in SILENT]
    if name:
        if name not in available:
            raise UnsupportedError(
                f"PuLP finds no solver called {name!r}: available are {', '.join(available)}"
            )
        return name
    for preferred in (*PREFERRED, *available):
        if preferred in available:
            return preferred
    raise UnsupportedError("PuLP finds no solver: install one, e.g. pip install 'pulp[cbc]'")


def _build(program: LinearProgram) -> tuple[Any, list[Any], list[tuple[int, Any]]]:
    """The program as PuLP objects: problem, variables, and (row, constraint) pairs."""
    import pulp

    problem = pulp.LpProblem("healthalloc", pulp.LpMinimize)
    columns = [
        problem.add_variable(
            f"x{k}", low if np.isfinite(low) else None, high if np.isfinite(high) else None,
            pulp.LpInteger if whole else pulp.LpContinuous,
        )
        for k, (low, high, whole) in enumerate(
            zip(program.column_lower, program.column_upper, program.integer)
        )
    ]  # fmt: skip
    # every column stands in the objective, so that none is unknown to the solver
    costs = program.cost.tolist()
    problem.setObjective(pulp.lpSum(c * v for c, v in zip(costs, columns) if c))
    by_row = csr_array(program.matrix)
    names: list[tuple[int, str]] = []
    for k, (low, high) in enumerate(zip(program.row_lower, program.row_upper)):
        span = slice(by_row.indptr[k], by_row.indptr[k + 1])
        terms = zip(by_row.data[span].tolist(), by_row.indices[span].tolist())
        left = pulp.lpSum(value * columns[j] for value, j in terms)
        if low == high:
            sides = [("e", left == float(low))]
        else:
            sides = [("l", left >= float(low))] if np.isfinite(low) else []
            sides += [("u", left <= float(high))] if np.isfinite(high) else []
        if span.stop == span.start:
            if low > 0 or high < 0:  # 0 >= 1 is not something PuLP can say
                infeasible = problem.add_variable(f"empty{k}", 0, 0)
                sides = [("e", infeasible == 1.0)]
            else:
                continue
        for side, constraint in sides:
            problem.addConstraint(constraint, f"r{k}{side}")
            names.append((k, f"r{k}{side}"))
    constraints = {constraint.name: constraint for constraint in problem.constraints()}
    return problem, columns, [(k, constraints[name]) for k, name in names]


def _status(pulp: Any, problem: Any) -> Status:
    if problem.status == pulp.LpStatusInfeasible:
        return Status.INFEASIBLE
    if problem.status == pulp.LpStatusUnbounded:
        return Status.UNBOUNDED
    if problem.sol_status == pulp.LpSolutionOptimal:
        return Status.OPTIMAL
    if problem.sol_status == pulp.LpSolutionIntegerFeasible:
        return Status.LIMIT_WITH_INCUMBENT
    if problem.status == pulp.LpStatusUndefined:
        raise SolverError("PuLP's solver ended with the status 'undefined'")
    return Status.LIMIT_WITHOUT_INCUMBENT
