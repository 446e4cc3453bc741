"""Primal-dual interior point: predictor, corrector and centrality correctors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from healthalloc.formulation.program import Floats
from healthalloc.solvers.interior.normal import Columns, Factor
from healthalloc.solvers.interior.standard import Standard

TOLERANCE = 1e-8
"""Relative gap, and residuals relative to the data, at which the method stops."""
MOST_ITERATIONS = 200
CORRECTORS = 4
"""Centrality correctors of one iteration, at most; each is a solve, not a factorisation."""


@dataclass(frozen=True, eq=False)
class Point:
    """A primal-dual point; also the direction of a step.

    Parameters
    ----------
    x, z : ndarray, shape (n,)
        Columns, and duals of ``x >= 0``.
    y_local, y_linking : ndarray
        Duals of the rows.
    w : ndarray, shape (n bounded,)
        Duals of ``x <= upper``, where that is finite.
    """

    x: Floats
    y_local: Floats
    y_linking: Floats
    z: Floats
    w: Floats

    def plus(self, other: Point, primal: float, dual: float) -> Point:
        """The point after so much of a direction."""
        return Point(
            self.x + primal * other.x,
            self.y_local + dual * other.y_local,
            self.y_linking + dual * other.y_linking,
            self.z + dual * other.z,
            self.w + dual * other.w,
        )


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
    form: Standard, columns: Columns, factor: Factor, go_on: Callable[[Iterate], bool]
) -> tuple[Floats, Floats, Iterate]:
    """Solve a program in standard form.

    Mehrotra's predictor-corrector (1992, doi:10.1137/0802028), its corrector weighted (Colombo
    and Gondzio 2008, doi:10.1007/s10589-007-9106-0), followed by centrality correctors (Gondzio
    1996, doi:10.1007/BF00249643).

    Parameters
    ----------
    form
    columns, factor
        Of its columns and of the matrix of its linking rows.
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
        return _Method(form, columns, factor).run(go_on)


class _Method:
    """One run: the scaled data, and the steps over it."""

    def __init__(self, form: Standard, columns: Columns, factor: Factor) -> None:
        self.columns, self.factor = columns, factor
        self.offset = form.program.offset + float(form.program.cost @ form.settled)
        self.bounded = np.flatnonzero(np.isfinite(form.upper))
        sizes = np.abs(np.concatenate([form.right, form.upper[self.bounded]]))
        self.right_scale = max(float(sizes.mean()), 1e-12)
        self.cost_scale = max(float(np.abs(form.cost).max()), 1e-12)
        self.cost = form.cost / self.cost_scale
        self.right_local = form.right[: form.n_local] / self.right_scale
        self.right_linking = form.right[form.n_local :] / self.right_scale
        self.upper = form.upper[self.bounded] / self.right_scale
        self.n_pairs = len(form.cost) + len(self.bounded)

    def run(self, go_on: Callable[[Iterate], bool]) -> tuple[Floats, Floats, Iterate]:
        point, k, stalled = self.start(), 0, 0
        while True:
            residuals = self.residuals(point)
            reached = self.reached(point, residuals, k)
            if reached.done or k == MOST_ITERATIONS or stalled > 3 or not go_on(reached):
                break
            try:
                direction, primal, dual = self.direction(point, residuals)
            except np.linalg.LinAlgError:
                break
            if not np.isfinite(primal * dual) or not np.isfinite(direction.y_linking).all():
                break
            stalled = stalled + 1 if max(primal, dual) < 1e-3 else 0
            point, k = point.plus(direction, primal, dual), k + 1
        y = np.concatenate([point.y_local, point.y_linking]) * self.cost_scale
        return point.x * self.right_scale, y, reached

    def start(self) -> Point:
        """Each local row shared out evenly among its columns, all else at a like distance."""
        columns = self.columns
        count = np.maximum(np.bincount(columns.row, columns.value != 0, columns.n_local), 1)
        usual = float(np.median(np.abs(self.right_local)))
        share = np.full(len(self.cost), usual)
        held = columns.value != 0
        row = columns.row[held]
        even = np.abs(self.right_local)[row] / (np.abs(columns.value[held]) * count[row])
        share[held] = np.maximum(even, usual)
        share[self.bounded] = np.minimum(share[self.bounded], self.upper / 2)
        spread = 0.1 * float(np.median(np.abs(self.cost[self.cost != 0])))
        # dearest reward of each local row, and a spread below it: reduced costs begin positive
        y_local = np.full(columns.n_local, np.inf)
        np.minimum.at(y_local, row, self.cost[held] / columns.value[held])
        y_local = np.where(np.isfinite(y_local), np.minimum(y_local, 0.0) - spread, 0.0)
        y_linking = np.zeros(columns.n_linking)
        reduced = self.cost - columns.transposed(y_local, y_linking)
        z = np.maximum(reduced, 0.0) + spread
        w = np.maximum(-reduced[self.bounded], 0.0) + spread
        return Point(share, y_local, y_linking, z, w)

    def residuals(self, p: Point) -> tuple[Floats, Floats, Floats]:
        columns = self.columns
        dual = self.cost - columns.transposed(p.y_local, p.y_linking) - p.z
        dual[self.bounded] += p.w
        local = self.right_local - columns.local(p.x)
        return local, self.right_linking - columns.linking(p.x), dual

    def reached(self, p: Point, residuals: tuple[Floats, Floats, Floats], k: int) -> Iterate:
        local, linking, dual = residuals
        earned = self.right_local @ p.y_local + self.right_linking @ p.y_linking
        unit = self.cost_scale * self.right_scale
        size = 1.0 + max(np.abs(self.right_local).max(initial=0), self.upper.max(initial=0))
        return Iterate(
            k,
            self.offset + float(self.cost @ p.x) * unit,
            self.offset + float(earned - self.upper @ p.w) * unit,
            max(_most(local), _most(linking)) / size,
            _most(dual),
            abs(float(self.cost @ p.x)) * unit,
        )

    def direction(
        self, p: Point, residuals: tuple[Floats, Floats, Floats]
    ) -> tuple[Point, float, float]:
        columns, bounded = self.columns, self.bounded
        room = self.upper - p.x[bounded]
        weight = p.z / p.x
        weight[bounded] += p.w / room
        d = 1.0 / (weight + 1e-12)
        inverse, matrix = columns.schur(d)
        solve = self.factor(matrix)
        per_x, per_z, per_room, per_w = -1.0 / p.x, -1.0 / p.z, 1.0 / room, -1.0 / p.w

        def towards(
            lower: Floats, upper: Floats, local: Floats | float, linking: Floats | float,
            dual: Floats | float,
        ) -> Point:  # fmt: skip
            """Direction to products ``lower`` and ``upper`` of bounds and duals, less today's."""
            right = dual + lower * per_x
            right[bounded] += upper * per_room
            moved = d * right
            on_local = local + columns.local(moved)
            guess = d * columns.value * (inverse * on_local)[columns.row]
            y_linking = solve(linking + columns.linking(moved - guess))
            pulled = d * columns.of_linking(y_linking)
            y_local = inverse * (on_local - columns.local(pulled))
            x = pulled + d * columns.value * y_local[columns.row] - moved
            z = -(lower - p.z * x) * per_x
            w = (upper + p.w * x[bounded]) * per_room
            return Point(x, y_local, y_linking, z, w)

        def longest(ratios: tuple[Floats, Floats, Floats, Floats]) -> tuple[float, float]:
            x, room_, z, w = (float(r.max(initial=0)) for r in ratios)
            primal, dual = max(x, room_), max(z, w)
            return min(1.0, 1.0 / primal if primal else 1.0), min(1.0, 1.0 / dual if dual else 1.0)

        def ratios(q: Point) -> tuple[Floats, Floats, Floats, Floats]:
            return q.x * per_x, q.x[bounded] * per_room, q.z * per_z, q.w * per_w

        def weighted(base: Point, more: Point, least: float) -> tuple[Point, float, float]:
            """As much of a corrector as makes the step longest."""
            one, other = ratios(base), ratios(more)
            best = max(
                (
                    (*longest(tuple(a + t * b for a, b in zip(one, other))), t)  # type: ignore[arg-type]
                    for t in (1.0, (1 + least) / 2, least)
                ),
                key=lambda found: found[0] * found[1],
            )
            primal, dual, t = best
            return base.plus(more, t, t), primal, dual

        local, linking, dual_residual = residuals
        now_lower, now_upper = p.x * p.z, room * p.w
        mean = float(now_lower.sum() + now_upper.sum()) / self.n_pairs
        step = towards(-now_lower, -now_upper, local, linking, dual_residual)
        primal, dual = longest(ratios(step))
        after_lower = (p.x + primal * step.x) * (p.z + dual * step.z)
        after_upper = (room - primal * step.x[bounded]) * (p.w + dual * step.w)
        after = float(after_lower.sum() + after_upper.sum()) / self.n_pairs
        target = mean * (after / mean) ** 3
        second = towards(target - step.x * step.z, target + step.x[bounded] * step.w, 0.0, 0.0, 0.0)
        step, primal, dual = weighted(step, second, max(0.05, primal * dual))
        for _ in range(CORRECTORS):
            if min(primal, dual) > 0.9:
                break
            far_primal, far_dual = min(1.0, 1.08 * primal + 0.3), min(1.0, 1.08 * dual + 0.3)
            lower = (p.x + far_primal * step.x) * (p.z + far_dual * step.z)
            upper = (room - far_primal * step.x[bounded]) * (p.w + far_dual * step.w)
            more = towards(_back(lower, target), _back(upper, target), 0.0, 0.0, 0.0)
            tried, longer, dual_longer = weighted(step, more, max(0.05, far_primal * far_dual))
            if longer * dual_longer < 1.1 * primal * dual:
                break
            step, primal, dual = tried, longer, dual_longer
        back = max(0.995, 1.0 - mean)
        return step, min(1.0, back * primal), min(1.0, back * dual)


def _back(products: Floats, target: float) -> Floats:
    """How far products are outside a tenth to ten times the target."""
    out = np.clip(products, 0.1 * target, 10 * target) - products
    back: NDArray[np.float64] = np.maximum(out, -10 * target)
    return back


def _most(values: Floats) -> float:
    return float(np.abs(values).max(initial=0.0))
