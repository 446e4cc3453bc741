"""A plan far from others, found quickly: where the search for the farthest may begin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from healthalloc.explain.extended import LARGE, Builder, Form, Open
from healthalloc.formulation.blocks import Rows
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.solvers import SolverOptions, Status

ROUNDS = 4
"""How often the sides are chosen anew, at most."""
SAME = 1e-6
"""Distance at which two numbers count as the same."""
GAP = 0.05
"""Relative gap at which the search in whole units may end."""


def far_plan(
    builder: Callable[[], Builder],
    forms: csr_array,
    plans: Sequence[Floats],
    most: Floats,
    least: Floats,
    known: Floats,
    options: SolverOptions,
) -> Floats | None:
    """A plan far from some others, or None if none is found in time.

    For each plan and each total it is settled whether the total shall rise or fall; how far all
    totals go that way together is linear, and never more than their L1 distance. The sides are
    then taken from what the linear program finds, as long as that brings it farther; the last
    program is solved in whole units, those held that are the same there and in a known plan,
    and in a large program all sites (relaxation induced neighbourhood, Danna, Rothberg and
    Le Pape 2005, doi:10.1007/s10107-004-0518-7).

    Parameters
    ----------
    builder
        Makes the program of all plans that may be chosen.
    forms : csr_array, shape (n_totals, n_columns)
        Totals of a plan.
    plans : sequence of ndarray, shape (n_totals,)
        Totals of the plans to be far from.
    most, least : ndarray, shape (n_totals,)
        Between which the totals can lie.
    known : ndarray, shape (n_columns,)
        A plan that may be chosen.
    options
        Time limit of each program.

    Returns
    -------
    ndarray, shape (n_columns,), or None
    """
    sides = [np.where(most - at >= at - least, 1.0, -1.0) for at in plans]
    farthest, best = 0.0, None
    for _ in range(ROUNDS):
        program, reach = _one_way(builder(), forms, plans, sides)
        found = Open(program.relaxed(), options).search(reach)
        if isinstance(found, Status):
            break
        totals = forms @ found.x[: forms.shape[1]]
        distance = min(float(np.abs(totals - at).sum()) for at in plans)
        if distance <= 1.01 * farthest:
            break
        farthest, best = distance, (program, reach, found.x, sides)
        sides = [_sides(totals - at, side) for at, side in zip(plans, sides)]
    if best is None:
        return None
    program, reach, far, ways = best
    start = np.append(known, [1.0, _reach(forms @ known, plans, ways)])
    same = program.integer & (np.abs(far - start) < SAME)
    if program.n_columns >= LARGE:
        same[program.column_block("open").slice] = True
    lower, upper = program.column_lower.copy(), program.column_upper.copy()
    lower[same] = upper[same] = np.round(start[same])
    program = replace(program, column_lower=lower, column_upper=upper)
    found = Open(program, replace(options, gap=GAP)).search(reach, start)
    return None if isinstance(found, Status) else found.x[: forms.shape[1]]


def _reach(totals: Floats, plans: Sequence[Floats], sides: Sequence[Floats]) -> float:
    return min(float(side @ (totals - at)) for at, side in zip(plans, sides))


def _one_way(
    builder: Builder, forms: csr_array, plans: Sequence[Floats], sides: Sequence[Floats]
) -> tuple[LinearProgram, Form]:
    """Program of how far all totals go to their sides together, and what to minimise in it."""
    reach = builder.add_columns(1, -np.inf)
    for at, side in zip(plans, sides):
        along = forms.T @ side
        used = np.flatnonzero(along)
        columns = np.append(used, reach)
        builder.add_rows(
            Rows(
                np.zeros(len(columns), dtype=np.intp), columns, np.append(along[used], -1.0),
                np.array([side @ at]), np.array([np.inf]),
            )
        )  # fmt: skip
    return builder.program(), Form(reach, np.array([-1.0]))


def _sides(away: Floats, before: Floats) -> NDArray[np.float64]:
    return np.where(np.abs(away) > SAME, np.sign(away), before)
