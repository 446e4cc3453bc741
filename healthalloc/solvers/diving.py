"""A plan in whole units from the linear program: round, solve again, then improve unit by unit."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from healthalloc.formulation.program import ROUND, Floats, LinearProgram, inward
from healthalloc.solvers.base import Result, SolverOptions, Status
from healthalloc.solvers.session import Positions, Session

SHARE = 0.2
"""Share of the fractional columns that is rounded between two solves."""
LEAST_GAIN = 1e-7
"""Share of the cost that a step must save."""


def whole_point(program: LinearProgram, relaxed: Result, options: SolverOptions) -> Floats | None:
    """A good feasible point of a mixed-integer program, from its relaxation's optimum.

    Parameters
    ----------
    program
    relaxed
        Optimal answer to its relaxation.
    options
        Time limit of each linear program, after which no further one is begun.

    Returns
    -------
    ndarray, shape (n_columns,), or None
        None if rounding finds no feasible point in time.
    """
    ends = time.perf_counter() + options.time_limit_s
    session = Session(program.relaxed(), options, basis=relaxed.basis)
    columns = np.flatnonzero(program.integer)
    lower, upper = program.column_lower[columns], program.column_upper[columns]
    limits = inward(lower, upper, program.integer[columns])
    dived = _dive(session, columns, limits, relaxed, ends)
    return None if dived is None else _improved(session, columns, limits, dived, ends)


def _dive(
    session: Session,
    columns: Positions,
    limits: tuple[Floats, Floats],
    result: Result,
    ends: float,
) -> Result | None:
    """Round some columns and let flows and the others make up for it, until all are whole.

    The fractional columns nearest to a whole number go first (fractional diving; Berthold 2006,
    "Primal heuristics for mixed integer programs", section 3.1). Where that leaves no feasible
    point they are rounded up instead, which gives capacity.
    """
    least, most = limits
    while result.status is Status.OPTIMAL and result.x is not None:
        x = result.x[columns]
        off = np.abs(x - np.round(x))
        fractional = np.flatnonzero(off > ROUND)
        if not len(fractional):
            whole = np.round(x)
            session.set_column_bounds(columns, whole, whole)
            settled = session.solve()
            return settled if settled.status is Status.OPTIMAL else None
        if time.perf_counter() > ends:
            break
        n = max(1, int(SHARE * len(fractional)))
        chosen = fractional[np.argsort(off[fractional], kind="stable")[:n]]
        for value in (np.round(x[chosen]), np.ceil(x[chosen])):
            value = np.clip(value, least[chosen], most[chosen])
            session.set_column_bounds(columns[chosen], value, value)
            result = session.solve()
            if result.status is Status.OPTIMAL:
                break
    return None


def _improved(
    session: Session,
    columns: Positions,
    limits: tuple[Floats, Floats],
    result: Result,
    ends: float,
) -> Floats | None:
    """Add or take one unit where the reduced costs promise most, as long as that saves cost.

    A reduced cost bounds what one unit more (or less) can save from above, so columns that
    promise too little need no solve. At most two solves for each integer column.
    """
    if result.x is None or result.column_dual is None:
        return result.x
    program, (least, most) = session.program, limits
    best, at = result.x, np.round(result.x[columns])
    price, cost = result.column_dual[columns], float(program.cost @ best)
    enough = LEAST_GAIN * max(1.0, abs(cost + program.offset))
    failed = np.zeros(len(columns), dtype=bool)
    for _ in range(2 * len(columns)):
        step = np.where(price < 0, 1.0, -1.0)
        possible = ~failed & (at + step >= least) & (at + step <= most)
        promise = np.where(possible, np.abs(price), 0.0)
        k = int(np.argmax(promise)) if len(promise) else 0
        if not len(promise) or promise[k] <= enough or time.perf_counter() > ends:
            break
        one = columns[[k]]
        session.set_column_bounds(one, at[[k]] + step[[k]], at[[k]] + step[[k]])
        trial = session.solve()
        saves = (
            trial.status is Status.OPTIMAL
            and trial.x is not None
            and trial.column_dual is not None
            and float(program.cost @ trial.x) < cost - enough
        )
        if not saves:
            failed[k] = True
            session.set_column_bounds(one, at[[k]], at[[k]])
            continue
        assert trial.x is not None
        assert trial.column_dual is not None
        at[k] += step[k]
        best, price, cost = trial.x, trial.column_dual[columns], float(program.cost @ trial.x)
        failed[:] = False
    return best


def or_whole_point(
    program: LinearProgram, relaxed: Result, result: Result, options: SolverOptions
) -> Result:
    """The answer of a branch and bound that a limit stopped, or a better plan by `whole_point`."""
    x = whole_point(program, relaxed, options)
    if x is None or (result.x is not None and program.cost @ result.x <= program.cost @ x):
        return result
    return replace(result, status=Status.LIMIT_WITH_INCUMBENT, x=x)
