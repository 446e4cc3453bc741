"""An interior-point engine that knows the shape of an allocation program."""

from __future__ import annotations

import time
from dataclasses import replace

from healthalloc.formulation.program import LinearProgram
from healthalloc.progress import phase
from healthalloc.solvers.base import Result, SolverOptions, Status
from healthalloc.solvers.certificate import certify
from healthalloc.solvers.highs import settled, solve_highs
from healthalloc.solvers.interior.columns import Columns
from healthalloc.solvers.interior.factor import Factor
from healthalloc.solvers.interior.method import Iterate, interior_point
from healthalloc.solvers.interior.normal import Normal
from healthalloc.solvers.interior.standard import Standard, standard_form
from healthalloc.solvers.interior.vertex import vertex

__all__ = ["LEAST_COLUMNS", "by_interior", "large_interior", "solve_interior", "suited"]

NAME = "interior point"
LEAST_COLUMNS = 20_000
"""Columns from which the automatic choice looks at the shape: simplex is quick below."""
TRACES = (1e-4, 1e-6)
"""Shares of a local row that count as a trace of an interior point, tried in turn."""
VERTEX_GAP = 1e-7
"""Largest relative gap of a vertex that replaces the interior point."""
MOST_PAIRS = 300_000_000
"""Pairs of columns that share a local row above which they take too much memory."""
MOST_OPERATIONS = 2e12
"""Multiplications of one factorisation above which the shape is not worth it."""


def suited(program: LinearProgram) -> tuple[Standard, Factor] | None:
    """A program made ready for `solve_interior`, or None if it does not have the shape.

    The shape: no whole columns; every column has a lower bound and stands in at most one of the
    rows for demand and stock balance; the rows that remain are few, and link near facilities.

    Parameters
    ----------
    program
    """
    if program.is_mixed_integer:
        return None
    form = standard_form(program)
    if form is None or form.n_local < 2 * form.linking.shape[0] or not len(form.cost):
        return None
    columns = Columns(form)
    if columns.n_pairs > MOST_PAIRS:
        return None
    factor = Factor(Normal(columns))
    return (form, factor) if factor.operations < MOST_OPERATIONS else None


def solve_interior(program: LinearProgram, options: SolverOptions) -> Result:
    """Solve a linear program by an interior point that eliminates demand and balance rows.

    Of the normal equations only the rows that link populations and facilities remain to be
    factorised: some five a facility, whatever the number of populations and arcs. The optimum is
    moved to a vertex, so that few flows are not 0, and from its basis primal simplex finds the
    few columns that are still wrong. Programs without the shape (see `suited`), and those on which
    the method does not converge, e.g. because they are infeasible, go to `solve_highs`.

    Parameters
    ----------
    program
    options

    Returns
    -------
    Result
        ``solver`` says which of the two solved it.

    Raises
    ------
    SolverError
        If HiGHS breaks down.
    """
    began = time.perf_counter()
    found = by_interior(program, options)
    if found is not None:
        return found
    left = max(options.time_limit_s - (time.perf_counter() - began), 0.0)
    return solve_highs(program, replace(options, time_limit_s=left))


def large_interior(program: LinearProgram, options: SolverOptions) -> Result | None:
    """As `by_interior`, for programs that are large enough for it to be the faster engine."""
    return by_interior(program, options) if program.n_columns >= LEAST_COLUMNS else None


def by_interior(program: LinearProgram, options: SolverOptions) -> Result | None:
    """As `solve_interior`, but None where that would turn to `solve_highs`.

    Parameters
    ----------
    program
    options
    """
    began = time.perf_counter()
    found = _at_vertex(program, options)
    if found is None or found.basis is None:
        return found
    # an interior point's duals are the middle of all that are right, and grow without limit where
    # those do; a vertex has those of its basis
    spent = time.perf_counter() - began
    left = max(min(options.time_limit_s - spent, spent), 1.0)
    last = settled(program, found.basis, replace(options, time_limit_s=left))
    if last.status is not Status.OPTIMAL:
        return found
    seconds = time.perf_counter() - began
    return replace(last, solver=NAME, seconds=seconds, iterations=found.iterations)


def _at_vertex(program: LinearProgram, options: SolverOptions) -> Result | None:
    """The interior point's answer, moved to a vertex of the optimum if one is found.

    Its basis is nearly optimal, its duals are those of the interior point.
    """
    began = time.perf_counter()
    ready = suited(program)
    if ready is None:
        return None
    form, factor = ready

    def left() -> float:
        return options.time_limit_s - (time.perf_counter() - began)

    with phase("linear") as step:

        def go_on(reached: Iterate) -> bool:
            step(iterations=reached.iterations, gap=reached.gap)
            return left() > 0

        x, y, reached = interior_point(form, factor, go_on)
    if not reached.done:
        if left() > 0:
            return None
        return Result(
            status=Status.LIMIT_WITHOUT_INCUMBENT, solver=NAME,
            seconds=time.perf_counter() - began, iterations=reached.iterations,
        )  # fmt: skip
    columns = factor.normal.columns
    del ready, factor  # what follows needs its memory
    row_dual = form.dual_of(y)
    interior = Result(
        status=Status.OPTIMAL, solver=NAME, seconds=time.perf_counter() - began,
        x=form.x_of(x), row_dual=row_dual, column_dual=program.cost - program.matrix.T @ row_dual,
        iterations=reached.iterations,
    )  # fmt: skip
    spent = time.perf_counter() - began
    for trace in TRACES:
        limited = replace(options, time_limit_s=max(min(left(), spent), 1.0))
        corner = vertex(form, columns, x, y, trace, limited)
        if corner is None:
            continue
        if corner.basis is not None:
            interior = replace(interior, basis=form.basis_of(corner.basis, row_dual))
        moved = replace(interior, x=form.x_of(corner.x), seconds=time.perf_counter() - began)
        proof = certify(program, moved)
        if proof.passes(0.0) and proof.gap <= max(VERTEX_GAP, reached.gap):
            return moved
    return interior
