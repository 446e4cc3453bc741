"""The programs behind a price: optimal points, feasible directions, the farthest move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csc_array, csr_array, hstack, vstack

from healthalloc.explain.prices.moves import Move
from healthalloc.formulation.program import Floats, LinearProgram

_DUAL_ZERO = 1e-7
"""Duals and reduced costs up to this are rounding."""


def directions(program: LinearProgram, x: Floats) -> LinearProgram:
    """Feasible directions at a point: what stands at a bound may only leave it inward.

    Its duals are the duals of the program that are complementary to the point: all the optimal
    ones, if the point is optimal.

    Parameters
    ----------
    program
    x : ndarray, shape (n_columns,)
    """
    size = 1.0 + abs(program.matrix) @ np.abs(x)
    row_lower, row_upper = _cone(program.matrix @ x, program.row_lower, program.row_upper, size)
    column_lower, column_upper = _cone(
        x, program.column_lower, program.column_upper, 1.0 + np.abs(x)
    )
    return replace(
        program, offset=0.0, row_lower=row_lower, row_upper=row_upper,
        column_lower=column_lower, column_upper=column_upper,
    )  # fmt: skip


def _cone(values: Floats, lower: Floats, upper: Floats, size: Floats) -> tuple[Floats, Floats]:
    allowed = 1e-8 + 1e-9 * size
    return (
        np.where(values <= lower + allowed, 0.0, -np.inf),
        np.where(values >= upper - allowed, 0.0, np.inf),
    )


def face(program: LinearProgram, dual: Floats) -> LinearProgram:
    """The program narrowed to its optimal points: those complementary to optimal duals.

    Parameters
    ----------
    program
    dual : ndarray, shape (n_rows,)
    """
    reduced = program.cost - program.matrix.T @ dual
    size = np.abs(program.cost) + abs(program.matrix).T @ np.abs(dual)
    row_lower, row_upper = _pinned(dual, program.row_lower, program.row_upper, 0.0 * dual)
    column_lower, column_upper = _pinned(reduced, program.column_lower, program.column_upper, size)
    return replace(
        program, cost=np.zeros(program.n_columns), offset=0.0, row_lower=row_lower,
        row_upper=row_upper, column_lower=column_lower, column_upper=column_upper,
    )  # fmt: skip


def _pinned(dual: Floats, lower: Floats, upper: Floats, size: Floats) -> tuple[Floats, Floats]:
    """Bounds with what has a price held at the bound that the price is for."""
    allowed = _DUAL_ZERO + 1e-12 * size
    at_lower, at_upper = dual > allowed, dual < -allowed
    return np.where(at_upper, upper, lower), np.where(at_lower, lower, upper)


def directions_and_points(
    cone: LinearProgram, optimal: LinearProgram, move: Move, way: int
) -> LinearProgram:
    """The cheapest direction that follows a move, over every optimal point to start from.

    Parameters
    ----------
    cone
        As `directions` makes it.
    optimal
        As `face` makes it.
    move
        With a denominator.
    way
        1 to tighten, -1 to loosen.

    Returns
    -------
    LinearProgram
        Columns: the direction, then the point.
    """
    assert move.denominator is not None
    rows, shift = move.rows, way * move.sign
    lower, upper = cone.row_lower.copy(), cone.row_upper.copy()
    change = shift * move.constant
    own_lower = np.where(np.isfinite(lower[rows]), change if move.lower else 0.0, -np.inf)
    own_upper = np.where(np.isfinite(upper[rows]), change if move.upper else 0.0, np.inf)
    lower[rows], upper[rows] = -np.inf, np.inf
    own = csr_array(cone.matrix)[rows]
    empty = csr_array(cone.matrix.shape)
    matrix = vstack(
        [
            hstack([cone.matrix, empty]),
            hstack([empty, optimal.matrix]),
            hstack([own, -shift * move.denominator]),
        ]
    )
    return LinearProgram(
        np.append(cone.cost, optimal.cost), 0.0, csc_array(matrix),
        np.concatenate([lower, optimal.row_lower, own_lower]),
        np.concatenate([upper, optimal.row_upper, own_upper]),
        np.append(cone.column_lower, optimal.column_lower),
        np.append(cone.column_upper, optimal.column_upper),
        np.zeros(2 * cone.n_columns, dtype=bool),
    )  # fmt: skip


def farthest(program: LinearProgram, move: Move, way: int, dual: Floats) -> LinearProgram:
    """The points that are complementary to given duals after a move, whose size is a column.

    Parameters
    ----------
    program
    move
        Without a denominator, of rows of which every finite bound moves (see
        `moves_every_bound`).
    way
        1 to tighten, -1 to loosen.
    dual : ndarray, shape (n_rows,)

    Returns
    -------
    LinearProgram
        Columns: the point, then the move, from 0 on; no costs.
    """
    optimal, rows, n = face(program, dual), move.rows, program.n_columns
    low, high = program.row_lower[rows], program.row_upper[rows]
    # what has no price may stand above its floor, below its ceiling
    at_low, at_high = dual[rows] > _DUAL_ZERO, dual[rows] < -_DUAL_ZERO
    lower, upper = optimal.row_lower.copy(), optimal.row_upper.copy()
    lower[rows] = np.where(at_high, high, low)
    upper[rows] = np.where(at_low, low, high)
    change = -way * move.sign * move.constant
    moves = change != 0
    matrix = program.matrix
    order = np.argsort(rows[moves])
    data = [matrix.data, change[moves][order]]
    indices = [matrix.indices, rows[moves][order].astype(matrix.indices.dtype)]
    indptr = np.append(matrix.indptr, matrix.nnz + int(moves.sum()))
    wide = (np.concatenate(data), np.concatenate(indices), indptr)
    return LinearProgram(
        np.zeros(n + 1), 0.0, csc_array(wide, shape=(program.n_rows, n + 1)), lower, upper,
        np.append(optimal.column_lower, 0.0), np.append(optimal.column_upper, np.inf),
        np.zeros(n + 1, dtype=bool),
    )  # fmt: skip


def moves_every_bound(program: LinearProgram, move: Move) -> bool:
    """Whether a move shifts every finite bound of its rows, and changes no coefficient."""
    stays = np.zeros(len(move.rows), dtype=bool)
    if not move.lower:
        stays |= np.isfinite(program.row_lower[move.rows])
    if not move.upper:
        stays |= np.isfinite(program.row_upper[move.rows])
    return move.denominator is None and not stays.any()


def split(program: LinearProgram, move: Move) -> tuple[LinearProgram, Move]:
    """The program with the bounds that a move shifts in rows of their own, below the others.

    Parameters
    ----------
    program
    move
        Without a denominator.
    """
    rows, n = move.rows, len(move.rows)
    lower, upper = program.row_lower.copy(), program.row_upper.copy()
    own_lower = lower[rows] if move.lower else np.full(n, -np.inf)
    own_upper = upper[rows] if move.upper else np.full(n, np.inf)
    if move.lower:
        lower[rows] = -np.inf
    if move.upper:
        upper[rows] = np.inf
    matrix = csc_array(vstack([program.matrix, csr_array(program.matrix)[rows]]))
    apart = replace(
        program, matrix=matrix, row_lower=np.append(lower, own_lower),
        row_upper=np.append(upper, own_upper),
    )  # fmt: skip
    return apart, replace(move, rows=program.n_rows + np.arange(n))
