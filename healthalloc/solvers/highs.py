"""HiGHS through ``highspy``: the program's arrays are handed over as they are."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from healthalloc.errors import SolverError
from healthalloc.formulation.program import LinearProgram, inward
from healthalloc.progress import is_heard, phase
from healthalloc.solvers.base import Result, SolverOptions, Status
from healthalloc.solvers.basis import Basis, basis_of, offer

CHOOSE, DUAL, PRIMAL = 0, 1, 4
"""The simplex methods, as HiGHS numbers them; it chooses primal where the start is feasible."""


def solve_highs(program: LinearProgram, options: SolverOptions) -> Result:
    """Solve with HiGHS (Huangfu and Hall 2018, doi:10.1007/s12532-017-0130-5).

    Parameters
    ----------
    program
    options

    Returns
    -------
    Result
        With duals for an LP, with the bound for a MILP.

    Raises
    ------
    SolverError
        If HiGHS breaks down or stops for a reason it does not name.
    """
    began = time.perf_counter()
    highs = passed(program, options)
    result = read_result(highs, program, began)
    return replace(result, basis=basis_of(highs)) if result.row_dual is not None else result


def settled(program: LinearProgram, basis: Basis, options: SolverOptions) -> Result:
    """Solve an LP by primal simplex from a basis that is nearly optimal.

    Parameters
    ----------
    program
    basis
    options

    Raises
    ------
    SolverError
        If HiGHS breaks down or stops for a reason it does not name.
    """
    began = time.perf_counter()
    highs = passed(program, options)
    highs.setOptionValue("simplex_strategy", PRIMAL)
    offer(highs, basis)
    return replace(read_result(highs, program, began), basis=basis_of(highs))


def passed(program: LinearProgram, options: SolverOptions) -> Any:
    """A HiGHS instance that holds the program, silent, with its limits set."""
    import highspy

    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("time_limit", options.time_limit_s)
    highs.setOptionValue("mip_rel_gap", options.gap)
    highs.setOptionValue("mip_feasibility_tolerance", 1e-7)
    hand_over(highs, program)
    return highs


def hand_over(highs: Any, program: LinearProgram) -> None:
    """Pass a program to a HiGHS instance in place of the one that it holds.

    The presolve of HiGHS 1.15 may call a program infeasible where an integer column is bounded
    by a fraction; the bounds go in as the whole numbers within.
    """
    import highspy

    matrix = program.matrix
    lower, upper = inward(program.column_lower, program.column_upper, program.integer)
    highs.passModel(
        program.n_columns,
        program.n_rows,
        matrix.nnz,
        int(highspy.MatrixFormat.kColwise),
        int(highspy.ObjSense.kMinimize),
        program.offset,
        program.cost,
        lower,
        upper,
        program.row_lower,
        program.row_upper,
        matrix.indptr.astype(np.int32, copy=False),
        matrix.indices.astype(np.int32, copy=False),
        matrix.data,
        program.integer.astype(np.int32),
    )


def read_result(highs: Any, program: LinearProgram, began: float) -> Result:
    """Run HiGHS on the program that it holds and read the answer.

    Parameters
    ----------
    highs
        As `passed` makes it.
    program
        What it holds.
    began
        ``time.perf_counter()`` at the start.

    Raises
    ------
    SolverError
        If HiGHS stops for a reason that is no status.
    """
    import highspy

    _run(highs, program)
    ended = highs.getModelStatus()
    if ended == highspy.HighsModelStatus.kUnboundedOrInfeasible:
        highs.setOptionValue("presolve", "off")
        _run(highs, program)
        highs.setOptionValue("presolve", "choose")
        ended = highs.getModelStatus()
    info = highs.getInfo()
    feasible = info.primal_solution_status == int(highspy.SolutionStatus.kSolutionStatusFeasible)
    # HiGHS does not look at the rows of a program without columns
    possible = not ((program.row_lower > 0) | (program.row_upper < 0)).any()
    status = _status(ended, feasible, possible)
    if status is None:
        raise SolverError(f"HiGHS stopped with {highs.modelStatusToString(ended)!r}")
    answer = highs.getSolution()
    is_lp = not program.is_mixed_integer
    with_duals = is_lp and status is Status.OPTIMAL
    nodes, iterations = int(info.mip_node_count), int(info.simplex_iteration_count)
    return Result(
        status=status,
        solver=f"HiGHS {highs.version()}",
        seconds=time.perf_counter() - began,
        x=np.array(answer.col_value) if status.has_solution else None,
        row_dual=np.array(answer.row_dual) if with_duals else None,
        column_dual=np.array(answer.col_dual) if with_duals else None,
        bound=None if is_lp or not status.has_solution else float(info.mip_dual_bound),
        iterations=iterations if is_lp else nodes,
    )


def _run(highs: Any, program: LinearProgram) -> None:
    """Run, and tell whoever listens how far it is whenever HiGHS asks whether to go on."""
    if not is_heard():
        highs.run()
        return
    with phase("integer" if program.is_mixed_integer else "linear") as step:

        def told(event: Any) -> None:
            at = event.data_out
            known = {
                "gap": at.mip_gap, "bound": at.mip_dual_bound, "best": at.mip_primal_bound,
                "nodes": at.mip_node_count, "iterations": at.simplex_iteration_count,
            }  # fmt: skip
            # what is not known yet is infinite, or -1
            step(
                **{
                    name: value
                    for name, value in known.items()
                    if np.isfinite(value) and (value > 0 or name in ("bound", "best"))
                }
            )

        asks = (highs.cbSimplexInterrupt, highs.cbMipInterrupt)
        for ask in asks:
            ask.subscribe(told)
        try:
            highs.run()
        finally:
            for ask in asks:
                ask.unsubscribe(told)


def _status(ended: object, feasible: bool, possible: bool) -> Status | None:
    """Status of a run, or None for one that counts as a breakdown."""
    from highspy import HighsModelStatus as Ended

    if ended == Ended.kOptimal:
        return Status.OPTIMAL
    if ended == Ended.kModelEmpty:
        return Status.OPTIMAL if possible else Status.INFEASIBLE
    if ended == Ended.kInfeasible:
        return Status.INFEASIBLE
    if ended == Ended.kUnbounded:
        return Status.UNBOUNDED
    limits = (
        Ended.kTimeLimit, Ended.kIterationLimit, Ended.kSolutionLimit, Ended.kMemoryLimit,
        Ended.kInterrupt,
    )  # fmt: skip
    if ended in limits:
        return Status.LIMIT_WITH_INCUMBENT if feasible else Status.LIMIT_WITHOUT_INCUMBENT
    return None
