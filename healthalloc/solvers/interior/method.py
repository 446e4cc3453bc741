"""Primal-dual interior point: predictor, corrector and centrality correctors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from healthalloc.formulation.program import Floats
from healthalloc.solvers.interior.factor import Factor
from healthalloc.solvers.interior.standard import Standard
from healthalloc.solvers.interior.step import (
    Equations,
    Point,
    Residuals,
    Step,
    add,
    best_share,
    longest,
)

TOLERANCE = 1e-8
"""Relative gap, and residuals relative to the data, at which the method stops."""
MOST_ITERATIONS = 200
CORRECTORS = 8
"""Centrality correctors of one iteration, at most; each is a solve, not a factorisation."""
GAIN = 1.02
"""What a corrector must make of the product of the step lengths."""
BACK = 0.97
"""How much of the longest step is taken: nothing comes so near to a bound that it sticks."""
NEAR = 0.1
"""Relative gap below which one of two factors that grows is believed, and the other follows."""
NEAR_TARGET = 0.1
"""What a step is to make of the mean product there, at most."""
SOLVED, SOLVED_MORE = 1e-8, 1e-4
"""Relative residuals of the solves for the step, and for its correctors."""


@dataclass(frozen=True)
class Iterate:
    """Where the method stands after some iterations.

    Parameters
    ----------
    iterations
    objective, bound
        CNY a year.
    primal, dual
        Largest residuals, relative to the data.
    terms
        Size of what the objective adds up, CNY a year.
    """

    iterations: int
    objective: float
    bound: float
    primal: float
    dual: float
    terms: float

    @property
    def gap(self) -> float:
        """Distance of objective and bound, relative to the objective.

        An objective that is a small difference of large terms counts as a share of those.
        """
        size = max(abs(self.objective), 1e-3 * self.terms, 1.0)
        return abs(self.objective - self.bound) / size

    @property
    def done(self) -> bool:
        """Whether the point is good enough."""
        return max(self.gap, self.primal, self.dual) <= TOLERANCE


def interior_point(
    form: Standard, factor: Factor, go_on: Callable[[Iterate], bool]
) -> tuple[Floats, Floats, Iterate]:
    """Solve a program in standard form.

    Mehrotra's predictor-corrector (1992, doi:10.1137/0802028), its corrector weighted (Colombo
    and Gondzio 2008, doi:10.1007/s10589-007-9106-0), followed by centrality correctors (Gondzio
    1996, doi:10.1007/BF00249643). Near the optimum the correctors are of another kind: see
    `_following`.

    Parameters
    ----------
    form
    factor
        Of the matrix of its linking rows.
    go_on
        Told where the method stands before each iteration; stops it with a False.

    Returns
    -------
    x : ndarray, shape (n,)
    y : ndarray, shape (n_rows,)
    reached : Iterate
        Whether it is optimal is for the caller to judge: ``reached.done``.
    """
    with np.errstate(all="ignore"):
        return _Method(form, factor).run(go_on)


class _Method:
    """One run: the scaled data, and the steps over it."""

    def __init__(self, form: Standard, factor: Factor) -> None:
        self.factor, self.columns = factor, factor.normal.columns
        self.offset = form.program.offset + float(form.program.cost @ form.settled)
        bounded = self.columns.bounded
        sizes = np.abs(np.concatenate([form.right, form.upper[bounded]]))
        self.right_scale = max(float(sizes.mean()), 1e-12)
        self.cost_scale = max(float(np.abs(form.cost).max()), 1e-12)
        self.cost = form.cost / self.cost_scale
        self.right_local = form.right[: form.n_local] / self.right_scale
        self.right_linking = form.right[form.n_local :] / self.right_scale
        self.upper = form.upper[bounded] / self.right_scale
        self.n_products = len(form.cost) + len(bounded)

    def run(self, go_on: Callable[[Iterate], bool]) -> tuple[Floats, Floats, Iterate]:
        point, k, stalled = self.start(), 0, 0
        while True:
            residuals = self.residuals(point)
            reached = self.reached(point, residuals, k)
            if reached.done or k == MOST_ITERATIONS or stalled > 3 or not go_on(reached):
                break
            try:
                equations = Equations(self.columns, self.factor, point)
                step, primal, dual = self.step(equations, residuals, reached.gap < NEAR)
            except np.linalg.LinAlgError:
                break
            if not np.isfinite(primal * dual) or not np.isfinite(step.y_linking).all():
                break
            stalled = stalled + 1 if max(primal, dual) < 1e-3 else 0
            point, k = equations.moved(step, BACK * primal, BACK * dual), k + 1
        y = np.concatenate([point.y_local, point.y_linking]) * self.cost_scale
        return point.x * self.right_scale, y, reached

    def start(self) -> Point:
        """Each local row shared out evenly among its columns, all else at a like distance."""
        columns, bounded = self.columns, self.columns.bounded
        count = np.maximum(np.bincount(columns.row, columns.value != 0, columns.n_local), 1)
        usual = float(np.median(np.abs(self.right_local)))
        x = np.full(len(self.cost), usual)
        held = columns.value != 0
        row = columns.row[held]
        even = np.abs(self.right_local)[row] / (np.abs(columns.value[held]) * count[row])
        x[held] = np.maximum(even, usual)
        x[bounded] = np.minimum(x[bounded], self.upper / 2)
        spread = 0.1 * float(np.median(np.abs(self.cost[self.cost != 0])))
        # dearest reward of each local row, and a spread below it: reduced costs begin positive
        y_local = np.full(columns.n_local, np.inf)
        np.minimum.at(y_local, row, self.cost[held] / columns.value[held])
        y_local = np.where(np.isfinite(y_local), np.minimum(y_local, 0.0) - spread, 0.0)
        y_linking = np.zeros(columns.n_linking)
        reduced = self.cost - columns.transposed(y_local, y_linking)
        z = np.maximum(reduced, 0.0) + spread
        w = np.maximum(-reduced[bounded], 0.0) + spread
        return Point(x, z, self.upper - x[bounded], w, y_local, y_linking)

    def residuals(self, p: Point) -> Residuals:
        columns = self.columns
        dual = self.cost - columns.transposed(p.y_local, p.y_linking)
        dual -= p.z
        dual[columns.bounded] += p.w
        linking = self.right_linking - columns.linking(p.x)
        return Residuals(self.right_local - columns.local(p.x), linking, dual)

    def reached(self, p: Point, residuals: Residuals, k: int) -> Iterate:
        earned = self.right_local @ p.y_local + self.right_linking @ p.y_linking
        unit = self.cost_scale * self.right_scale
        size = 1.0 + max(np.abs(self.right_local).max(initial=0), self.upper.max(initial=0))
        cost = float(self.cost @ p.x)
        return Iterate(
            k,
            self.offset + cost * unit,
            self.offset + float(earned - self.upper @ p.w) * unit,
            max(_most(residuals.local), _most(residuals.linking)) / size,
            _most(residuals.dual),
            abs(cost) * unit,
        )

    def step(
        self, equations: Equations, residuals: Residuals, is_near: bool
    ) -> tuple[Step, float, float]:
        """A step, and how much of it keeps columns and their duals positive."""
        lower, upper, parts = equations.lower, equations.upper, self.columns.parts
        step = equations.step(lambda c, b: (-lower[c], -upper[b]), SOLVED, residuals)
        primal, dual = longest(step)
        mean = float(lower.sum() + upper.sum()) / self.n_products
        left = (equations.after(step, primal, dual) / self.n_products / mean) ** 3
        target = mean * (min(NEAR_TARGET, left) if is_near else left)

        def second_order(c: slice, b: slice) -> tuple[Floats, Floats]:
            return (
                target - lower[c] * step.x[c] * step.z[c],
                target - upper[b] * step.room[b] * step.w[b],
            )

        def central(c: slice, b: slice) -> tuple[Floats, Floats]:
            return (
                _back(lower[c] * (1 + far * step.x[c]) * (1 + dual_far * step.z[c]), target),
                _back(upper[b] * (1 + far * step.room[b]) * (1 + dual_far * step.w[b]), target),
            )

        def following(c: slice, b: slice) -> tuple[Floats, Floats]:
            return (
                _following(lower[c], step.x[c], step.z[c], target),
                _following(upper[b], step.room[b], step.w[b], target),
            )

        more = equations.step(following if is_near else second_order, SOLVED_MORE)
        share, primal, dual = best_share(step, more, max(0.05, primal * dual), parts)
        add(step, more, share, parts)
        for _ in range(CORRECTORS):
            if min(primal, dual) > 0.9:
                break
            far, dual_far = min(1.0, 1.08 * primal + 0.3), min(1.0, 1.08 * dual + 0.3)
            more = equations.step(following if is_near else central, SOLVED_MORE)
            share, longer, dual_longer = best_share(step, more, max(0.05, far * dual_far), parts)
            if longer * dual_longer < GAIN * primal * dual:
                break
            add(step, more, share, parts)
            primal, dual = longer, dual_longer
        return step, primal, dual


def _following(products: Floats, one: Floats, other: Floats, target: float) -> Floats:
    """What brings products to the target if, of two factors, the one that shrinks follows.

    Newton's equation takes a factor that grows fivefold to need another that falls below 0; it
    needs one that falls to a fifth.
    """
    grows = 1.0 + np.maximum(np.maximum(one, other), -0.9)
    return target / grows - products * (1.0 + np.minimum(one, other))


def _back(products: Floats, target: float) -> Floats:
    """How far products are outside a tenth to ten times the target."""
    out = np.clip(products, 0.1 * target, 10 * target) - products
    back: NDArray[np.float64] = np.maximum(out, -10 * target)
    return back


def _most(values: Floats) -> float:
    return float(np.abs(values).max(initial=0.0))
