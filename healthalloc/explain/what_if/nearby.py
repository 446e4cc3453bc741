"""Among answers that cost the same, the one that moves least."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csc_array, hstack, vstack

from healthalloc.errors import SolverError
from healthalloc.explain.extended import Form
from healthalloc.formulation.program import LinearProgram
from healthalloc.solution import Solution
from healthalloc.solvers import SolverOptions, certify
from healthalloc.solvers.highs import solve_highs

DEARER = 1e-9
"""Share of the cost by which the answer that moves least may be dearer: rounding."""
MOST_SECONDS = 10.0
"""Longest search; the answer found by then, or the one given, is taken."""


def nearby(solution: Solution, reference: Solution) -> Solution:
    """The answer of the same cost whose stock lies nearest to that of another answer.

    A plan often has many cheapest answers, e.g. where two facilities hire at the same price;
    a solver returns any of them, and comparing two such answers shows moves that nothing asks
    for. This minimises the sum of units by which stock differs, at the cost and the sites of the
    answer given (lexicographic optimisation; Isermann 1982, doi:10.1007/BF01782758).

    Parameters
    ----------
    solution
        Optimal.
    reference
        An answer with the same stock rows.

    Returns
    -------
    Solution
        Certified as the one given; the one given itself where none nearer was found.
    """
    x, program = solution.result.x, solution.model.program
    certificate, target = solution.certificate, reference.result.x
    if x is None or target is None or certificate is None:
        return solution
    n_stock, n = solution.model.layout.n_stock, program.n_columns
    sites = program.column_block("open")
    at = np.arange(sites.start, sites.stop)
    fixed = program.fixed(at, x[at])
    eye = csc_array((np.ones(n_stock), (np.arange(n_stock), np.arange(n_stock))))
    pick = csc_array((np.ones(n_stock), (np.arange(n_stock), np.arange(n_stock))), (n_stock, n))
    empty = csc_array((program.n_rows, 2 * n_stock))
    scale = Form(np.arange(n), program.cost).as_row
    money = csc_array(np.concatenate([scale * program.cost, np.zeros(2 * n_stock)])[None, :])
    matrix = vstack(
        [hstack([program.matrix, empty]), hstack([pick, -eye, eye]), money], format="csc"
    )
    ceiling = certificate.objective - program.offset + DEARER * max(1.0, certificate.objective)
    wanted = target[:n_stock]
    nearest = LinearProgram(
        np.concatenate([np.zeros(n), np.ones(2 * n_stock)]), 0.0, csc_array(matrix),
        np.concatenate([program.row_lower, wanted, [-np.inf]]),
        np.concatenate([program.row_upper, wanted, [scale * ceiling]]),
        np.concatenate([fixed.column_lower, np.zeros(2 * n_stock)]),
        np.concatenate([fixed.column_upper, np.full(2 * n_stock, np.inf)]),
        np.concatenate([program.integer, np.zeros(2 * n_stock, dtype=bool)]),
    )  # fmt: skip
    limit = min(MOST_SECONDS, solution.scenario.settings.solve.time_limit_s)
    try:
        found = solve_highs(nearest, SolverOptions(time_limit_s=limit, gap=0.0))
    except SolverError:  # all of the money in one row, to its last digits, is hard to solve with
        return solution
    if found.x is None:
        return solution
    moved = found.x[:n].copy()
    moved[program.integer] = np.round(moved[program.integer])
    result = replace(solution.result, x=moved)
    proof = certify(program, result)
    # an optimum may be this much dearer and still pass as one
    if not proof.passes(max(solution.gap, solution.scenario.settings.solve.gap)):
        return solution
    return replace(solution, result=result, certificate=proof)
