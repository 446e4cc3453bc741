"""How many actions a plan takes: stocks that change, sites that open or close."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from healthalloc.errors import UnsupportedError
from healthalloc.explain.extended import Builder, Form
from healthalloc.explain.ranges import ROUND, inward, stock_ranges
from healthalloc.formulation.assemble import Model
from healthalloc.formulation.blocks import Rows
from healthalloc.formulation.program import Floats
from healthalloc.solvers import SolverOptions
from healthalloc.travel.common import some


@dataclass(frozen=True, eq=False)
class ActionCount:
    """The number of actions as a form over a program's columns.

    Parameters
    ----------
    form
    measured
        The number from stock and openings alone.
    extended
        A plan of the model with the columns added, for a program extended by nothing else.
    """

    form: Form
    measured: Callable[[Floats], float]
    extended: Callable[[Floats], Floats]


def change_limits(model: Model, ceiling: float, options: SolverOptions) -> tuple[Floats, Floats]:
    """Bounds of each stock among the plans that count, each shape (n_stock,).

    With a ceiling on the cost the range over all plans within it (linear relaxation, rounded
    inward for whole units), which leaves out no such plan; otherwise the limits of
    ``stock.csv``.

    Raises
    ------
    UnsupportedError
        If a stock can grow without end.
    """
    program, n = model.program, model.layout.n_stock
    lower, upper = program.column_lower[:n], program.column_upper[:n]
    if np.isfinite(ceiling):
        each = csr_array((np.ones(n), (np.arange(n), np.arange(n))), shape=(n, program.n_columns))
        lower, upper = inward(*stock_ranges(program, each, ceiling, options), program.integer[:n])
    require_bounded(model, upper, ceiling)
    return lower, upper


def require_bounded(model: Model, upper: Floats, ceiling: float) -> None:
    """Refuse stock that can grow without end.

    Raises
    ------
    UnsupportedError
    """
    endless = np.flatnonzero(np.isinf(upper))
    if len(endless):
        rows = model.scenario.stock.iloc[endless]
        names = [f"{r} in {f}" for f, r in zip(rows["facility_id"], rows["resource_id"])]
        costs_nothing = np.isfinite(ceiling)
        why = "costs nothing and has no upper limit" if costs_nothing else "has no upper limit"
        mend = "" if costs_nothing else ", or a limit on the cost (--within)"
        raise UnsupportedError(
            f"actions cannot be counted where stock {why}: give one in stock.csv for "
            f"{some(names)}{mend}"
        )


def action_count(builder: Builder, model: Model, lower: Floats, upper: Floats) -> ActionCount:
    """Add an indicator for each stock that may change.

    An action is a stock (one resource in one facility) that differs from the base year, or a
    site that opens or closes. Where the bounds leave out the base year, the action is certain
    and needs no indicator.

    Parameters
    ----------
    builder
        Takes the columns and rows.
    model
    lower, upper : ndarray, shape (n_stock,)
        Finite bounds of each stock (see `change_limits`).
    """
    existing = model.scenario.stock["existing"].to_numpy(dtype=float)
    n = model.layout.n_stock
    certain = (lower > existing + ROUND) | (upper < existing - ROUND)
    up = np.flatnonzero(~certain & (upper > existing + ROUND))
    down = np.flatnonzero(~certain & (lower < existing - ROUND))
    either = np.union1d(up, down)
    changed = builder.add_columns(len(either), binary=True)
    for stock, limit in ((up, upper), (down, lower)):
        rises = limit is upper
        k = np.arange(len(stock))
        of = changed[np.searchsorted(either, stock)]
        builder.add_rows(
            Rows(
                np.concatenate([k, k]),
                np.concatenate([stock, of]),
                np.concatenate([np.ones(len(k)), existing[stock] - limit[stock]]),
                np.full(len(k), -np.inf) if rises else existing[stock],
                existing[stock] if rises else np.full(len(k), np.inf),
            )
        )
    site = model.scenario.facilities["site"].to_numpy()
    first = model.program.column_block("open").start
    opens = first + np.flatnonzero(site == "candidate")
    closes = first + np.flatnonzero(site == "closable")
    form = Form(
        np.concatenate([changed, opens, closes, [builder.one]]).astype(np.intp),
        np.concatenate(
            [
                np.ones(len(changed) + len(opens)),
                -np.ones(len(closes)),
                [float(certain.sum()) + len(closes)],
            ]
        ),
    )

    def measured(x: Floats) -> float:
        moved = np.abs(x[:n] - existing) > ROUND
        return float(moved.sum() + (x[opens] > 0.5).sum() + (x[closes] < 0.5).sum())

    def extended(x: Floats) -> Floats:
        moved = np.abs(x[:n] - existing) > ROUND
        return np.concatenate([x, [1.0], moved[either]])

    return ActionCount(form, measured, extended)
