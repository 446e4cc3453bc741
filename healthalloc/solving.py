"""Solve a scenario: formulate, solve, prove, price."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace

import numpy as np

from healthalloc.errors import SolverError, TimeLimitError, UnsupportedError
from healthalloc.explain.conflicts import Conflict, find_conflict
from healthalloc.formulation.assemble import Model, formulate
from healthalloc.formulation.program import LinearProgram
from healthalloc.scenario import Scenario
from healthalloc.settings import SolveSettings
from healthalloc.solution import Prices, Solution
from healthalloc.solvers import SolverOptions, certify, named_solver, solve_highs
from healthalloc.solvers.base import Result, Solver, Status
from healthalloc.solvers.certificate import Certificate
from healthalloc.solvers.diving import or_whole_point


def solve(
    scenario: Scenario,
    *,
    solver: str | Solver | None = None,
    whole_units: bool | None = None,
    gap: float | None = None,
    time_limit_s: float | None = None,
    memory_limit_gb: float | None = None,
) -> Solution:
    """Find the cheapest allocation that meets every enforced clause.

    The linear relaxation is solved first: it proves a bound, and gives the prices. With whole
    units or site choices the mixed-integer program follows; its prices are those of the linear
    program with the sites fixed as it chose them, and are labelled so. Where a limit stops the
    mixed-integer program, the relaxation is rounded to a plan (`solvers.diving`) in at most as
    much time again, and the better plan is returned, with that status and its gap.

    Parameters
    ----------
    scenario
    solver
        Overrides the scenario's: a name as in `SolveSettings`, or a function of your own.
    whole_units, gap, time_limit_s, memory_limit_gb
        Override the scenario's settings (see `SolveSettings`).

    Returns
    -------
    Solution
        Also when the plan is infeasible or a limit came first: look at ``status``, or call
        ``require_optimal``.

    Raises
    ------
    SolverError
        If the solver breaks down or an optimum does not pass its certificate.
    UnsupportedError
        If the solver asked for is not available, or proves nothing because it gives no duals.
    DataError
        If travel cannot be measured, e.g. a radius in a unit that the matrix does not know, or
        the program would take more memory than the limit.
    """
    given: dict[str, object] = {
        "whole_units": whole_units, "gap": gap, "time_limit_s": time_limit_s,
        "memory_limit_gb": memory_limit_gb,
    }  # fmt: skip
    if isinstance(solver, str):
        given["solver"] = solver
    scenario = with_settings(scenario, {k: v for k, v in given.items() if v is not None})
    settings = scenario.settings.solve
    engine = solver if callable(solver) else named_solver(settings.solver)
    options = SolverOptions(time_limit_s=settings.time_limit_s, gap=settings.gap)
    began = time.perf_counter()
    model = formulate(scenario)
    built = time.perf_counter()
    answer = answered(model, engine, options)
    seconds = {"formulate": built - began, "solve": time.perf_counter() - built}
    return Solution(model, *answer, seconds=seconds)


Answer = tuple[Result, Certificate | None, Prices | None, Conflict | None]


def answered(
    model: Model,
    engine: Solver,
    options: SolverOptions,
    conflict_engine: Solver | None = None,
    *,
    conflict: bool = True,
) -> Answer:
    """Solve a model's program, prove the answer, price its clauses or name their conflict.

    Parameters
    ----------
    model
    engine, options
        Solver of the relaxation, the program, and the program that is priced.
    conflict_engine
        Solver of the small programs of a conflict, if another.
    conflict
        Whether to look for the clauses that cannot hold together.

    Returns
    -------
    result : Result
    certificate : Certificate or None
        If there is a point.
    prices : Prices or None
        If the answer is optimal.
    conflict : Conflict or None
        If the program is infeasible, it was asked for and no limit came before it.
    """
    program = model.program
    relaxed = engine(program.relaxed(), options)
    result = relaxed
    if program.is_mixed_integer and relaxed.status is Status.OPTIMAL:
        result = engine(program, options)
        if result.status in (Status.LIMIT_WITH_INCUMBENT, Status.LIMIT_WITHOUT_INCUMBENT):
            result = or_whole_point(program, relaxed, result, options)
        result = replace(result, basis=relaxed.basis)
    elif program.is_mixed_integer and relaxed.status.has_solution:
        # a limit stopped the relaxation: its point is no allocation of whole units
        result = replace(relaxed, status=Status.LIMIT_WITHOUT_INCUMBENT, x=None)
    if result.status is Status.INFEASIBLE:
        found = None
        if conflict:
            with suppress(TimeLimitError):  # infeasible it is, whether or not time told why
                found = find_conflict(model, conflict_engine or engine, options)
        return result, None, None, found
    if not result.status.has_solution:
        return result, None, None, None
    result = rounded(program, result)
    root = proved(program.relaxed(), relaxed) if relaxed.status is Status.OPTIMAL else None
    root_bound = None if root is None else root.bound
    certificate = root if result is relaxed else certify(program, result, root_bound)
    if result.status is not Status.OPTIMAL:
        return result, certificate, None, None
    # a solver that tells no bound is held to feasibility; the gap stated is the proved one
    told = certificate is not None and certificate.bound_source != "relaxation"
    require(certificate, options.gap if told else np.inf)
    return result, certificate, _prices(model, result, relaxed, engine, options), None


def with_settings(scenario: Scenario, changes: dict[str, object]) -> Scenario:
    """The scenario with some of its `SolveSettings` changed."""
    if not changes:
        return scenario
    solve_settings: SolveSettings = replace(scenario.settings.solve, **changes)  # type: ignore[arg-type]
    return scenario.replace(settings=replace(scenario.settings, solve=solve_settings))


def rounded(program: LinearProgram, result: Result) -> Result:
    """Integer columns moved onto the whole numbers that the solver meant."""
    if not program.is_mixed_integer or result.x is None:
        return result
    x = result.x.copy()
    x[program.integer] = np.round(x[program.integer])
    return replace(result, x=x)


def proved(program: LinearProgram, result: Result) -> Certificate:
    """Certificate of an LP's optimum; an error where the proof fails."""
    if result.row_dual is None:
        raise UnsupportedError(
            f"{result.solver} gives no duals, so its optimum cannot be proved: "
            "choose another solver"
        )
    certificate = certify(program, result)
    require(certificate, 0.0)
    return certificate


def require(certificate: Certificate | None, gap: float) -> None:
    """Raise a `SolverError` unless a certificate passes."""
    if certificate is None or not certificate.passes(gap):
        raise SolverError(
            "the solver called its answer optimal, but the answer does not pass the certificate "
            "(inputs of very different size, say 1e-6 beside 1e9, are the usual cause): "
            f"{certificate}"
        )


def _prices(
    model: Model, result: Result, relaxed: Result, engine: Solver, options: SolverOptions
) -> Prices:
    """Prices of the enforced clauses from the duals of a linear program."""
    program = model.program
    sites = program.column_block("open")
    choices = sites.start + np.flatnonzero(program.integer[sites.slice])
    priced = relaxed
    basis = "dual of the linear program"
    if program.is_mixed_integer:
        basis += ", whole units relaxed"
    if len(choices):
        assert result.x is not None
        at_choice = program.relaxed().fixed(choices, result.x[choices])
        # where fixed sites leave no choice, an interior point's duals grow without limit: the
        # vertex of a simplex is taken wherever that solved the relaxation, too
        by_simplex = relaxed.solver.startswith("HiGHS")
        priced = (solve_highs if by_simplex else engine)(at_choice, options)
        basis += ", sites fixed as chosen"
        if priced.status is not Status.OPTIMAL:
            return Prices({}, f"none: the priced program ended {priced.status.value}", None)
        proved(at_choice, priced)
    if priced.row_dual is None or priced.x is None:
        return Prices({}, "none: the solver gives no duals", None)
    decisions = priced.x[: model.layout.n_decisions]
    fixed = program.column_lower == program.column_upper
    fixed[choices] = True
    loose = abs(program.matrix[:, ~fixed]) @ np.ones(int((~fixed).sum()))
    by_clause = {}
    for enforced in model.enforced:
        dual = np.abs(priced.row_dual[enforced.slice])
        base = enforced.measure.base(decisions)
        price = np.zeros(enforced.measure.n_rows)
        # a row of nothing but fixed sites has no price in this program, whatever its dual
        dual[loose[enforced.slice] == 0] = np.nan
        np.add.at(price, enforced.measure_row, dual)
        by_clause[enforced.clause.name] = price * base
    objective = float(program.cost @ priced.x) + program.offset
    return Prices(by_clause, basis, objective)
