"""How many actions a plan takes: stocks that change, sites that open or close."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from healthalloc.errors import UnsupportedError
from healthalloc.explain.alternatives.ranges import stock_ranges
from healthalloc.explain.extended import Builder, Form, Open, Positions
from healthalloc.formulation.assemble import Model
from healthalloc.formulation.blocks import Rows
from healthalloc.formulation.program import ROUND, Floats, inward
from healthalloc.solvers import SolverOptions, Status
from healthalloc.travel.common import some

MOST_ROUNDS = 3
NEAR = 1e-2
"""Gap that will do for a plan to begin a search from."""


@dataclass(frozen=True, eq=False)
class ActionCount:
    """The number of actions as a form over a program's columns.

    Parameters
    ----------
    form
    measured
        The number from stock and openings alone.
    indicators : ndarray of int
        Columns that say whether a stock changes.
    moved
        What they must at least be in a plan.
    """

    form: Form
    measured: Callable[[Floats], float]
    indicators: Positions
    moved: Callable[[Floats], Floats]

    def extended(self, x: Floats) -> Floats:
        """A plan of the model with the columns added, for a program extended by nothing else."""
        return np.concatenate([x, [1.0], self.moved(x)])

    def fewer(self, program: Open, start: Floats) -> Floats:
        """A plan with few actions, for the search for the fewest to begin from.

        What changes neither in the linear relaxation nor in a plan at hand is held as it is
        (relaxation induced neighbourhood, Danna, Rothberg and Le Pape 2005,
        doi:10.1007/s10107-004-0518-7), as long as that leads to fewer.

        Parameters
        ----------
        program
            A mixed-integer program that holds the columns.
        start
            A plan of it.
        """
        best, whole = start.copy(), program.session.program
        best[self.indicators] = self.moved(best)
        options = replace(program.options, time_limit_s=program.left_s)
        relaxed = Open(whole.relaxed(), options).search(self.form)
        if isinstance(relaxed, Status):
            return best
        options = replace(
            options, gap=max(options.gap, NEAR), time_limit_s=program.left_s / MOST_ROUNDS
        )
        for _ in range(MOST_ROUNDS):
            still = (relaxed.x[self.indicators] < ROUND) & (best[self.indicators] < ROUND)
            upper = whole.column_upper.copy()
            upper[self.indicators[still]] = 0.0
            found = Open(replace(whole, column_upper=upper), options).search(self.form, best)
            if isinstance(found, Status) or found.value > self.form.of(best) - 0.5:
                break
            best = found.x
        return best


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
        ranges = stock_ranges(program, each, [ceiling], options)[0]
        lower, upper = inward(ranges.least, ranges.most, program.integer[:n])
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
            f"actions cannot be counted where stock {why}: give one in the stock table for "
            f"{some(names)}{mend}"
        )


def action_count(builder: Builder, model: Model, lower: Floats, upper: Floats) -> ActionCount:
    """Add an indicator for each stock that may change.

    An action is a resource of an institution that differs from the base year, or a site that
    opens or closes. An institution that takes another form (an upgrade) takes one action: what
    moves from form to form is the same stock. Where the bounds leave out the base year, the
    action is certain and needs no indicator.

    Parameters
    ----------
    builder
        Takes the columns and rows.
    model
    lower, upper : ndarray, shape (n_stock,)
        Finite bounds of each stock (see `change_limits`).
    """
    together, existing, lower, upper = _by_institution(model, lower, upper)
    n = model.layout.n_stock
    certain = (lower > existing + ROUND) | (upper < existing - ROUND)
    up = np.flatnonzero(~certain & (upper > existing + ROUND))
    down = np.flatnonzero(~certain & (lower < existing - ROUND))
    either = np.union1d(up, down)
    changed = builder.add_columns(len(either), binary=True)
    for held, limit in ((up, upper), (down, lower)):
        rises = limit is upper
        k = np.arange(len(held))
        of = changed[np.searchsorted(either, held)]
        stock = together[held].tocoo()
        builder.add_rows(
            Rows(
                np.concatenate([stock.row, k]),
                np.concatenate([stock.col, of]),
                np.concatenate([np.ones(stock.nnz), existing[held] - limit[held]]),
                np.full(len(k), -np.inf) if rises else existing[held],
                existing[held] if rises else np.full(len(k), np.inf),
            )
        )
    opens, closes = _sites(model)
    form = Form(
        np.concatenate([changed, opens, closes.ravel(), [builder.one]]).astype(np.intp),
        np.concatenate(
            [
                np.ones(len(changed) + len(opens)),
                -np.ones(closes.size),
                [float(certain.sum()) + n_closable(model)],
            ]
        ),
    )  # fmt: skip

    def away(x: Floats) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = np.abs(together @ x[:n] - existing) > ROUND
        return found

    def measured(x: Floats) -> float:
        is_open = x > 0.5
        shut = n_closable(model) - is_open[closes].sum()
        return float(away(x).sum() + is_open[opens].sum() + shut)

    return ActionCount(form, measured, changed, lambda x: away(x)[either].astype(float))


def n_closable(model: Model) -> int:
    """Number of institutions that may close."""
    return int((model.scenario.facilities["site"] == "closable").sum())


def _by_institution(
    model: Model, lower: Floats, upper: Floats
) -> tuple[csr_array, Floats, Floats, Floats]:
    """What the forms of each institution hold together of each resource.

    Returns
    -------
    csr_array, shape (n_held, n_stock)
        Which stocks it is the sum of.
    existing, lower, upper : ndarray, shape (n_held,)
        One form is open at a time, so that together they hold no more than the largest of them.
    """
    layout = model.layout
    _, of = np.unique(layout.balance_idx, return_inverse=True)
    n_held, n = int(of.max(initial=-1)) + 1, layout.n_stock
    together = csr_array((np.ones(n), (of, np.arange(n))), shape=(n_held, n))
    most = np.full(n_held, -np.inf)
    np.maximum.at(most, of, upper)
    existing = model.scenario.stock["existing"].to_numpy(dtype=float)
    held: Floats = together @ existing
    least = np.asarray(together @ lower)
    return together, held, least, most


def _sites(model: Model) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Columns of the sites that open something new, and of those that keep something open."""
    layout, first = model.layout, model.program.column_block("open").start
    site = model.scenario.facilities["site"].to_numpy()
    closable = np.flatnonzero(site == "closable")
    # an institution is closed once none of its forms is open
    keep = np.flatnonzero(np.isin(layout.institution_idx, closable))
    return first + np.flatnonzero(site == "candidate"), first + keep
