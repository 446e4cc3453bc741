"""Make the sides of a plan from the model of its scenario."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array, csc_array, csr_array, vstack

from healthalloc.explain.conflicts.soft import (
    FLOWS,
    Aside,
    Bounds,
    Mask,
    Positions,
    SoftProgram,
)
from healthalloc.formulation.assemble import Enforced, Model
from healthalloc.formulation.blocks import clause_rows
from healthalloc.formulation.budget import Budget
from healthalloc.formulation.program import Block, Floats, LinearProgram
from healthalloc.plan import FacilityShare
from healthalloc.plan.measure import Measure
from healthalloc.solvers.base import Solver, SolverOptions


def soften(
    model: Model,
    solver: Solver,
    options: SolverOptions,
    bounds: Bounds | None = None,
    *,
    capped: bool = False,
) -> SoftProgram:
    """The plan of a model as sides that can be left out or stretched.

    A facility that may open or close holds next to nothing while closed, whatever becomes of
    its limits.

    Parameters
    ----------
    model
    solver, options
        Solver of the small programs.
    bounds
        Other numbers than those of the scenario.
    capped
        Whether what no target may exceed holds in any case: shares of at most 100 %, and one
        of what a facility has or has not.
    """
    program, layout = model.program, model.layout
    bounds = bounds or Bounds.of(model)
    keeps_flow = any(_touches_flow(model, enforced.measure) for enforced in model.enforced)
    parts_kept = [_FLOWS] if keeps_flow else []
    parts_kept += [_MOVES] if any(_is_budget(e) for e in model.enforced) else []
    column_names = ["stock", "open", *(c for part in parts_kept for c in part.columns), "reached"]
    row_names = ["reached", "form", *(r for part in parts_kept for r in part.rows)]
    keep, rows = _of(program.column_block, column_names), _of(program.row_block, row_names)
    width = program.n_columns

    parts: list[_Sides] = []
    always: list[_Sides] = []
    for number, (enforced, (low, high)) in enumerate(zip(model.enforced, bounds.clauses)):
        measure, first = enforced.measure, enforced.first_reached
        for floor, target in ((True, low), (False, high)):
            if np.isfinite(target):
                parts.append(_clause_sides(measure, floor, target, number, first, width))
        most = enforced.clause.most
        if capped and np.isfinite(high) and np.isfinite(most):
            always.append(_clause_sides(measure, False, max(most, high), number, first, width))
    parts += _limit_sides(model, bounds, width)
    always.append(_closed_holds_nothing(model, bounds, parts, width))

    by_row = csr_array(program.matrix)[rows]
    hard = vstack([by_row, *(part.matrix for part in always)], format="csc")[:, keep]
    most_held = np.inf if not capped else _most_held(model, bounds)
    lower, upper = program.column_lower.copy(), program.column_upper.copy()
    lower[: layout.n_stock], upper[: layout.n_stock] = 0.0, most_held
    n_always = sum(len(part.limit) for part in always)
    return SoftProgram(
        model, solver, options,
        LinearProgram(
            np.zeros(len(keep)), 0.0, csc_array(hard),
            np.concatenate([program.row_lower[rows], np.full(n_always, -np.inf)]),
            np.concatenate([program.row_upper[rows], *(part.limit for part in always)]),
            lower[keep], upper[keep], program.integer[keep],
        ),
        csr_array(vstack([part.matrix for part in parts], format="csr")[:, keep]),
        np.concatenate([np.zeros(0), *(part.limit for part in parts)]),
        np.concatenate([np.zeros(0, dtype=bool), *(part.is_floor for part in parts)]),
        np.concatenate([np.zeros(0, dtype=np.intp), *(part.member for part in parts)]),
        len(model.enforced) + layout.n_stock,
        tuple(
            Aside(
                part.name,
                np.isin(keep, _of(program.column_block, part.columns)),
                # -1: the sides that hold in any case are rows of no block
                np.isin(np.append(rows, np.full(n_always, -1)), _of(program.row_block, part.rows)),
            )
            for part in parts_kept
        ),
    )  # fmt: skip


class _Part(NamedTuple):
    """Blocks of the program that follow whatever stock and openings are."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]


_FLOWS = _Part(FLOWS, ("flow", "referral"), ("demand", "capacity", "referral"))
_MOVES = _Part("additions and retirements", ("add", "retire"), ("balance",))


@dataclass(frozen=True, eq=False)
class _Sides:
    """Some sides over all columns of the program."""

    matrix: csr_array
    limit: Floats
    is_floor: Mask
    member: Positions


def _of(block: Callable[[str], Block], names: Sequence[str]) -> Positions:
    return np.concatenate([_positions(block(name).slice) for name in names])


def _positions(where: slice) -> Positions:
    return np.arange(where.start, where.stop, dtype=np.intp)


def _clause_sides(
    measure: Measure, floor: bool, target: float, number: int, first: int, width: int
) -> _Sides:
    rows, _ = clause_rows(measure, (target, np.inf) if floor else (-np.inf, target), first)
    matrix = csr_array(coo_array((rows.value, (rows.row, rows.column)), shape=(rows.n_rows, width)))
    matrix.eliminate_zeros()
    n = rows.n_rows
    limit = rows.lower if floor else rows.upper
    return _Sides(matrix, limit, np.full(n, floor), np.full(n, number, dtype=np.intp))


def _limit_sides(model: Model, bounds: Bounds, width: int) -> list[_Sides]:
    """``stock <= upper`` and ``stock >= lower``, times open where the site is a choice."""
    choice = _is_choice(model)
    parts = []
    for floor, limit in ((True, bounds.lower), (False, bounds.upper)):
        of = np.flatnonzero(limit > 0) if floor else np.flatnonzero(np.isfinite(limit))
        matrix = _held_less_open(model, of, np.where(choice, limit, 0.0)[of], width)
        fixed = np.where(choice, 0.0, limit)[of]
        parts.append(_Sides(matrix, fixed, np.full(len(of), floor), len(model.enforced) + of))
    return parts


def _closed_holds_nothing(
    model: Model, bounds: Bounds, parts: Sequence[_Sides], width: int
) -> _Sides:
    """``stock <= ample x open`` where the site is a choice, with more than anybody asks for."""
    of = np.flatnonzero(_is_choice(model))
    named = [*(part.limit for part in parts), bounds.upper[np.isfinite(bounds.upper)]]
    ample = 10 * max([100.0, *(float(np.abs(numbers).max()) for numbers in named if len(numbers))])
    matrix = _held_less_open(model, of, np.full(len(of), ample), width)
    return _Sides(matrix, np.zeros(len(of)), np.zeros(len(of), dtype=bool), of)


def _held_less_open(model: Model, of: Positions, factor: Floats, width: int) -> csr_array:
    k = np.arange(len(of))
    site = model.program.column_block("open").start + model.layout.stock_facility_idx[of]
    values = np.concatenate([np.ones(len(of)), -factor])
    matrix = csr_array(
        coo_array((values, (np.tile(k, 2), np.concatenate([of, site]))), shape=(len(of), width))
    )
    matrix.eliminate_zeros()
    return matrix


def _is_choice(model: Model) -> Mask:
    choice: Mask = model.layout.is_choice[model.layout.stock_facility_idx]
    return choice


def _most_held(model: Model, bounds: Bounds) -> Floats:
    """1 for stock that a facility has or has not; no cap on other stock."""
    layout = model.layout
    yes_or_no = (model.scenario.resources["kind"] == "department").to_numpy()[
        layout.stock_resource_idx
    ]
    for clause in model.scenario.plan.clauses:
        if isinstance(clause, FacilityShare):
            where = layout.facilities_in(clause.scope)
            yes_or_no[layout.stock_in(clause.resource, where)] = True
    return np.where(yes_or_no & (bounds.upper <= 1), 1.0, np.inf)


def _touches_flow(model: Model, measure: Measure) -> bool:
    start, end = model.layout.n_stock + model.layout.n_facilities, model.layout.n_decisions
    near = None if measure.cover is None else measure.cover.near
    parts = [measure.numerator, measure.denominator, near]
    used = [part.indices for part in parts if part is not None]
    return any(bool(((at >= start) & (at < end)).any()) for at in used)


def _is_budget(enforced: Enforced) -> bool:
    return isinstance(enforced.clause, Budget)
