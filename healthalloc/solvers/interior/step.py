"""Steps from one interior point: the equations to solve, and how far a step may go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from healthalloc.formulation.program import Floats
from healthalloc.solvers.interior.columns import Columns, Part
from healthalloc.solvers.interior.factor import Factor

SHARES = 9
"""How many shares of a corrector are tried."""

Products = Callable[[slice, slice], tuple[Floats, Floats]]
"""What to add to the products of columns and duals, for a run of columns and of bounded ones."""


@dataclass(frozen=True, eq=False)
class _Parts:
    """What a point and a step consist of.

    Parameters
    ----------
    x, z : ndarray, shape (n,)
        Columns, and duals of ``x >= 0``.
    room, w : ndarray, shape (n bounded,)
        ``upper - x``, where that is finite, and duals of ``x <= upper``.
    y_local, y_linking : ndarray
        Duals of the rows.
    """

    x: Floats
    z: Floats
    room: Floats
    w: Floats
    y_local: Floats
    y_linking: Floats


class Point(_Parts):
    """A primal-dual point."""


class Step(_Parts):
    """A direction; columns and their duals relative to the point it starts from."""


@dataclass(frozen=True, eq=False)
class Residuals:
    """What a point lacks to satisfy the equations.

    Parameters
    ----------
    local, linking : ndarray
        Of the rows.
    dual : ndarray, shape (n,)
    """

    local: Floats
    linking: Floats
    dual: Floats


class Equations:
    """The linear equations of all steps from one point.

    Parameters
    ----------
    columns
    factor
    point

    Attributes
    ----------
    lower, upper : ndarray, shapes (n,) and (n bounded,)
        Products of columns and duals, of rooms and duals.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the point has run into numbers too small to go on.
    """

    def __init__(self, columns: Columns, factor: Factor, point: Point) -> None:
        self.columns, self.point = columns, point
        self.lower, self.upper = point.x * point.z, point.room * point.w
        self.d = point.z / point.x
        self.d[columns.bounded] += point.w / point.room
        self.d += 1e-12
        np.reciprocal(self.d, out=self.d)
        self.inverse, entries = factor.normal(self.d)
        self.solve = factor(entries)

    def step(
        self, products: Products, tolerance: float, residuals: Residuals | None = None
    ) -> Step:
        """Step that adds so much to the products, and mends the residuals, if given."""
        columns, p, d, inverse = self.columns, self.point, self.d, self.inverse
        moved, z, x = np.empty(len(d)), np.empty(len(d)), np.empty(len(d))
        room, w = np.empty(len(p.room)), np.empty(len(p.room))
        on_local, sums = np.empty(columns.n_local), np.zeros(columns.n_classes)
        for part in columns.parts:
            now, bounded = part.columns, part.bounded
            lower, upper = products(now, bounded)
            z[now], w[bounded] = lower / self.lower[now], upper / self.upper[bounded]
            lower /= p.x[now]
            lower[part.at] -= upper / p.room[bounded]
            if residuals is not None:
                lower -= residuals.dual[now]
            lower *= d[now]
            needed = -(part.by_row @ lower)
            if residuals is not None:
                needed += residuals.local[part.rows]
            guess = part.of_local(inverse[part.rows] * needed)
            guess *= d[now]
            guess += lower
            sums += np.bincount(part.of_class, guess, columns.n_classes)
            on_local[part.rows], moved[now] = needed, lower
        on_linking = -(columns.link @ sums)
        if residuals is not None:
            on_linking += residuals.linking
        y_linking = self.solve(on_linking, tolerance)
        y_local, of_class = np.empty(columns.n_local), columns.link_transposed @ y_linking
        for part in columns.parts:
            now, bounded = part.columns, part.bounded
            pulled = of_class[part.of_class]
            on_rows = inverse[part.rows] * (on_local[part.rows] - part.by_row @ (pulled * d[now]))
            pulled += part.of_local(on_rows)
            pulled *= d[now]
            pulled += moved[now]
            room[bounded] = -pulled[part.at] / p.room[bounded]
            w[bounded] -= room[bounded]
            pulled /= p.x[now]
            z[now] -= pulled
            x[now], y_local[part.rows] = pulled, on_rows
        return Step(x, z, room, w, y_local, y_linking)

    def after(self, step: Step, primal: float, dual: float) -> float:
        """Sum of all products after so much of a step."""
        total = float((self.upper * (1 + primal * step.room)) @ (1 + dual * step.w))
        for part in self.columns.parts:
            now = part.columns
            shrunk = self.lower[now] * (1 + primal * step.x[now])
            total += float(shrunk @ (1 + dual * step.z[now]))
        return total

    def moved(self, step: Step, primal: float, dual: float) -> Point:
        """The point after so much of a step."""
        p = self.point
        return Point(
            _scaled(p.x, step.x, primal), _scaled(p.z, step.z, dual),
            _scaled(p.room, step.room, primal), _scaled(p.w, step.w, dual),
            p.y_local + dual * step.y_local, p.y_linking + dual * step.y_linking,
        )  # fmt: skip


def longest(step: Step) -> tuple[float, float]:
    """How much of a step keeps columns and duals positive: at most 1."""
    primal = min(float(step.x.min(initial=0.0)), float(step.room.min(initial=0.0)))
    dual = min(float(step.z.min(initial=0.0)), float(step.w.min(initial=0.0)))
    return 1.0 / max(1.0, -primal), 1.0 / max(1.0, -dual)


def best_share(step: Step, more: Step, least: float, parts: list[Part]) -> tuple[float, ...]:
    """Share of a corrector that makes the step longest, and the two lengths it then has."""
    shares = np.linspace(least, 1.0, SHARES)
    primal, dual = _least(step.room, more.room, shares), _least(step.w, more.w, shares)
    for part in parts:
        now = part.columns
        primal = np.minimum(primal, _least(step.x[now], more.x[now], shares))
        dual = np.minimum(dual, _least(step.z[now], more.z[now], shares))
    lengths = 1.0 / np.maximum(1.0, -primal), 1.0 / np.maximum(1.0, -dual)
    best = int(np.argmax(lengths[0] * lengths[1]))
    return float(shares[best]), float(lengths[0][best]), float(lengths[1][best])


def add(step: Step, more: Step, share: float, parts: list[Part]) -> None:
    """Add a share of a corrector to a step, in place."""
    for part in parts:
        now = part.columns
        step.x[now] += share * more.x[now]
        step.z[now] += share * more.z[now]
    for name in ("room", "w", "y_local", "y_linking"):
        getattr(step, name)[:] += share * getattr(more, name)


def _least(base: Floats, more: Floats, shares: Floats) -> Floats:
    """Least of ``base + share * more`` for each share, or some number above -1."""
    both = base + more
    counts = np.flatnonzero(np.minimum(both, base, out=both) < -1.0)
    if not len(counts):
        return np.zeros(len(shares))
    least: Floats = (base[counts] + shares[:, None] * more[counts]).min(axis=1)
    return least


def _scaled(values: Floats, relative: Floats, length: float) -> Floats:
    out = relative * length
    out += 1.0
    out *= values
    return out
