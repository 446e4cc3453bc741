"""Small programs with known answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csc_array

from healthalloc import LinearProgram

INF = np.inf


def program(
    cost: Sequence[float],
    rows: Sequence[tuple[float, Sequence[float], float]] = (),
    *,
    lower: Sequence[float] | None = None,
    upper: Sequence[float] | None = None,
    integer: Sequence[bool] | None = None,
    offset: float = 0.0,
) -> LinearProgram:
    """A program from rows ``(lower, coefficients, upper)``; columns are non-negative."""
    n = len(cost)
    matrix = csc_array(np.array([r[1] for r in rows], dtype=float).reshape(len(rows), n))
    return LinearProgram(
        np.array(cost, dtype=float),
        offset,
        matrix,
        np.array([r[0] for r in rows], dtype=float),
        np.array([r[2] for r in rows], dtype=float),
        np.zeros(n) if lower is None else np.array(lower, dtype=float),
        np.full(n, INF) if upper is None else np.array(upper, dtype=float),
        np.zeros(n, dtype=bool) if integer is None else np.array(integer, dtype=bool),
    )


def two_columns(**changes: object) -> LinearProgram:
    """Minimise 2 a + 3 b + 10 with a + b >= 4, a - b <= 2, a <= 3.

    By hand: b >= 4 - a, so the cost is 2 a + 3 (4 - a) + 10 = 22 - a, with a <= 3 from both of
    the other limits: a = 3, b = 1, cost 19. At the duals y = (2.5, -0.5), a's reduced cost is
    2 - 2.5 + 0.5 = 0 and b's is 3 - 2.5 - 0.5 = 0; they earn 2.5 * 4 - 0.5 * 2 + 10 = 19.
    """
    given = {"offset": 10.0, "upper": [3.0, INF]} | changes
    return program([2.0, 3.0], [(4.0, [1.0, 1.0], INF), (-INF, [1.0, -1.0], 2.0)], **given)


def bounded_by_a_fraction() -> LinearProgram:
    """Minimise 300 b with b >= 3.5 and a at most 1, both whole, 0.225 b <= a <= 0.275 b.

    By hand: b is 4 or more, so a is 1, which holds for 4: the cost is 1,200. The presolve of
    HiGHS 1.15 finds it infeasible where b is bounded by 3.5.
    """
    return program(
        [0.0, 300.0],
        [(0.0, [1.0, -0.225], INF), (-INF, [1.0, -0.275], 0.0)],
        lower=[0.0, 3.5],
        upper=[1.0, INF],
        integer=[True, True],
    )


def knapsack() -> LinearProgram:
    """Maximise 5 a + 4 b + 3 c with 2 a + 3 b + c <= 5, 4 a + b + 2 c <= 11, all 0 or 1.

    The relaxation takes a, c and two thirds of b: 8 + 8/3; whole columns take a and b: 9.
    """
    return program(
        [-5.0, -4.0, -3.0],
        [(-INF, [2.0, 3.0, 1.0], 5.0), (-INF, [4.0, 1.0, 2.0], 11.0)],
        upper=[1.0, 1.0, 1.0],
        integer=[True, True, True],
    )


def lost_on_the_way_back() -> LinearProgram:
    """A program whose answer CBC 2.10 loses when it undoes its preprocessing ("Cgl0013I").

    Two sites: a open holds 3.5 to 10 of u, b open holds up to 1 of v. Of 10 and of 75 cases
    treated in one of two ways a fifth is owed a second treatment, at 50 a case missed; only the
    first way leads to it, at up to 1 / 0.0065 = 152 cases. By hand: 85 cases the first way, so
    that 17 are referred and none missed, with b open: cost 0.
    """
    way = [
        # u, v, a, b, then of 10 and of 75 cases the first and the second way, cases not treated,
        # referred, missed of the first way, missed of the second, places taken
        (0.0, [1, 0, -3.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], INF),
        (-INF, [1, 0, -10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0.0),
        (-INF, [0, 1, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0.0),
        (10.0, [0, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0], 10.0),
        (75.0, [0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0], 75.0),
        (0.0, [0, 0, 0, 0, -0.2, 0, -0.2, 0, 0, 1, 1, 0, 0], 0.0),
        (0.0, [0, 0, 0, 0, 0, -0.2, 0, -0.2, 0, 0, 0, 1, 0], 0.0),
        (0.0, [0, 0, 0, 0, 0, 0, 0, 0, 0, -0.0065, 0, 0, 1], 0.0),
        (-INF, [0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 0.0),
    ]
    cost = [0.0] * 8 + [10.0, 0.0, 50.0, 50.0, 0.0]
    return program(
        cost, way, upper=[INF, INF, 1.0, 1.0, *[INF] * 9],
        integer=[False, False, True, True, *[False] * 9],
    )  # fmt: skip


def hard(n_columns: int = 60, n_rows: int = 5) -> LinearProgram:
    """A market split problem (Cornuejols and Dawande 1998), made soft so that 0 is feasible.

    Its relaxation costs 0 and no whole solution proves near it, so branch and bound takes for
    ever at this size.
    """
    random = np.random.default_rng(1)
    split = random.integers(0, 100, size=(n_rows, n_columns)).astype(float)
    half = np.floor(split.sum(axis=1) / 2) + 0.5
    soft = np.hstack([split, np.eye(n_rows), -np.eye(n_rows)])
    return program(
        [0.0] * n_columns + [1.0] * (2 * n_rows),
        [(h, row, h) for h, row in zip(half, soft)],
        upper=[1.0] * n_columns + [INF] * (2 * n_rows),
        integer=[True] * n_columns + [False] * (2 * n_rows),
    )
