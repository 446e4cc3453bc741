"""Set covering: the fewest sites that cover every row, after what can be struck out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.sparse import csc_array, csr_array

from healthalloc.formulation.program import LinearProgram
from healthalloc.siting.costs import Flags, Floats, Positions
from healthalloc.solvers import SolverOptions, solve_highs
from healthalloc.solvers.base import Status

_DENSE = 2**22  # numbers in a covering matrix that is held dense while it is reduced
_TRIED_NODES = 4000  # of the search by trying, before a solver is asked
_CHUNK = 2**24  # numbers in one block of a comparison of all rows with all


@dataclass(frozen=True, eq=False)
class Reduced:
    """A covering problem of which the same number of sites is left to choose.

    Parameters
    ----------
    covers : csr_array, shape (n rows left, n columns left)
    columns : ndarray of int
        Positions of the columns left.
    taken : ndarray of int
        Positions of columns that some best answer holds.
    """

    covers: csr_array
    columns: Positions
    taken: Positions


def reduce_cover(covers: csr_array, forced: Positions) -> Reduced:
    """Strike out rows and columns until nothing more goes.

    A row covered by a forced site goes. A row goes if another row's columns are among its own.
    A column goes if another one covers all that it covers. A row with one column takes it
    (Toregas and ReVelle 1973; Garfinkel and Nemhauser 1972).

    Parameters
    ----------
    covers : csr_array, shape (n_rows, n_columns)
        1 where a column covers a row; every row has a column.
    forced
        Columns that are taken anyway.
    """
    columns = np.arange(covers.shape[1])
    taken = [np.asarray(forced, dtype=np.intp)]
    # small ones are dense: the same sums and products, without the overhead of sparse indexing
    small = covers.shape[0] * covers.shape[1] <= _DENSE
    matrix: Any = covers.toarray().astype(np.float32) if small else csr_array(covers)
    out = forced
    while True:
        if len(out):
            matrix = matrix[_sums(matrix[:, out], 1) == 0]
        before = (matrix.shape[0], len(columns))
        matrix = matrix[_undominated(matrix, smaller_wins=True)]
        keep = _undominated(matrix.T, smaller_wins=False)
        keep = keep[_sums(matrix[:, keep], 0) > 0]
        matrix, columns = matrix[:, keep], columns[keep]
        single = np.flatnonzero(_sums(matrix, 1) == 1)
        out = np.flatnonzero(_sums(matrix[single], 0) > 0)
        taken.append(columns[out])
        if not len(out) and before == (matrix.shape[0], len(columns)):
            left = csr_array(matrix, dtype=np.float64)
            return Reduced(left, columns, np.unique(np.concatenate(taken)))


def _sums(matrix: Any, axis: int) -> Floats:
    return np.asarray(matrix.sum(axis=axis), dtype=np.float64).ravel()


def _undominated(matrix: Any, smaller_wins: bool) -> Positions:
    """Rows that no other row makes needless; of equal rows, the first.

    Parameters
    ----------
    matrix
    smaller_wins
        Whether a row is needless if it contains another one, or if another one contains it.
    """
    n = matrix.shape[0]
    if n < 2:
        return np.arange(n)
    rows = matrix if isinstance(matrix, np.ndarray) else csr_array(matrix)
    size = _sums(rows, 1)
    position = np.arange(n)
    beaten = np.zeros(n, dtype=np.bool_)
    chunk = max(1, _CHUNK // n)
    for begin in range(0, n, chunk):
        part = slice(begin, min(begin + chunk, n))
        common = rows[part] @ rows.T
        common = common if isinstance(common, np.ndarray) else common.toarray()
        here = position[part, None]
        inside = common == (size[None, :] if smaller_wins else size[part, None])
        # equal sets beat one another: the first stays
        equal = inside & (size[None, :] == size[part, None])
        inside &= ~equal | (position[None, :] < here)
        inside[np.arange(part.stop - begin), position[part]] = False
        beaten[part] = inside.any(axis=1)
    return np.flatnonzero(~beaten)


def greedy_cover(covers: csr_array) -> Positions:
    """Columns that cover every row, the one that covers most first (Chvatal 1979).

    Columns that turn out not to be needed are given up again.
    """
    matrix, by_column = csr_array(covers), csc_array(covers)
    bare = np.ones(matrix.shape[0], dtype=np.bool_)
    gain = np.diff(by_column.indptr).astype(np.float64)
    chosen: list[int] = []
    while bare.any():
        best = int(gain.argmax())
        rows = by_column.indices[by_column.indptr[best] : by_column.indptr[best + 1]]
        fresh = rows[bare[rows]]
        bare[fresh] = False
        chosen.append(best)
        gain -= np.bincount(matrix[fresh].indices, minlength=len(gain))
    times = np.asarray(matrix[:, chosen].sum(axis=1)).ravel()
    kept = []
    for column in reversed(chosen):
        rows = by_column.indices[by_column.indptr[column] : by_column.indptr[column + 1]]
        if (times[rows] > 1).all():
            times[rows] -= 1
        else:
            kept.append(column)
    return np.array(sorted(kept), dtype=np.intp)


def cover_by_trying(covers: csr_array, at_most: int) -> Positions | None:
    """Cover every row by few columns, by trying those of the row that has fewest.

    A branch ends if the columns left, each as good as the best one, cover too few of the rows
    left (Balas and Ho 1980, doi:10.1007/BFb0120886).

    Parameters
    ----------
    covers : csr_array, shape (n_rows, n_columns)
    at_most
        How many columns may be used.

    Returns
    -------
    ndarray of int, or None
        The columns; every column if no ``at_most`` of them do; None if that takes too long.
    """
    by_column = csc_array(covers)
    sets = [
        sum(1 << int(row) for row in by_column.indices[begin:end])
        for begin, end in pairwise(by_column.indptr.tolist())
    ]
    options = [
        covers.indices[begin:end].tolist() for begin, end in pairwise(covers.indptr.tolist())
    ]
    # rows with few columns first: the first bare row is the one to branch on
    order = sorted(range(len(options)), key=lambda row: len(options[row]))
    stack: list[tuple[int, tuple[int, ...], frozenset[int]]] = [
        ((1 << covers.shape[0]) - 1, (), frozenset())
    ]
    for _ in range(_TRIED_NODES):
        if not stack:
            return np.arange(covers.shape[1])
        bare, chosen, banned = stack.pop()
        if not bare:
            return np.array(chosen, dtype=np.intp)
        left = at_most - len(chosen)
        row = next(row for row in order if bare >> row & 1)
        gains = sorted(((bare & s).bit_count() for s in sets), reverse=True) if left else []
        if sum(gains[:left]) < bare.bit_count():
            continue
        gains_here = [(-(bare & sets[k]).bit_count(), k) for k in options[row] if k not in banned]
        children = []
        for _gain, k in sorted(gains_here):
            children.append((bare & ~sets[k], (*chosen, k), banned))
            banned = banned | {k}  # a later branch need not hold it again
        stack.extend(reversed(children))
    return None


def cover_program(covers: csr_array, cost: Floats | None = None) -> LinearProgram:
    """Fewest columns so that every row has one."""
    n, m = covers.shape
    return LinearProgram(
        cost=np.ones(m) if cost is None else cost,
        offset=0.0,
        matrix=csc_array(covers),
        row_lower=np.ones(n),
        row_upper=np.full(n, np.inf),
        column_lower=np.zeros(m),
        column_upper=np.ones(m),
        integer=np.ones(m, dtype=np.bool_),
    )


@dataclass(frozen=True, eq=False)
class Cover:
    """Columns that cover every row, and how few no others go below.

    Parameters
    ----------
    columns : ndarray of int
    bound
    status
    """

    columns: Positions
    bound: int
    status: Status


def fewest(covers: csr_array, forced: Positions, time_limit_s: float, at_most: int = -1) -> Cover:
    """Cover every row by as few columns as can be.

    Parameters
    ----------
    covers : csr_array, shape (n_rows, n_columns)
        Every row has a column.
    forced
        Columns that are taken anyway; they count.
    time_limit_s
    at_most
        Stop as soon as it is known whether so many will do (-1: find the fewest).
    """
    left = reduce_cover(covers, forced)
    base = len(left.taken)
    found = left.columns[greedy_cover(left.covers)] if left.covers.shape[0] else left.columns[:0]
    columns = np.union1d(left.taken, found)
    bound = base + (1 if left.covers.shape[0] else 0)
    if len(columns) <= max(bound, at_most) or bound > at_most >= 0:
        return _cover(columns, bound, at_most)
    program = cover_program(left.covers)
    relaxed = solve_highs(program.relaxed(), SolverOptions(time_limit_s=time_limit_s))
    if relaxed.row_dual is not None and relaxed.x is not None:
        bound = max(bound, base + math.ceil(proved(program, relaxed.row_dual) - 1e-6))
        rounded = _rounded(left.covers, relaxed.x)
        if len(rounded) + base < len(columns):
            columns = np.union1d(left.taken, left.columns[rounded])
        if len(columns) <= max(bound, at_most) or bound > at_most >= 0:
            return _cover(columns, bound, at_most)
    if at_most >= 0:
        tried = cover_by_trying(left.covers, at_most - base)
        if tried is not None:
            enough = len(tried) <= at_most - base
            columns = np.union1d(left.taken, left.columns[tried]) if enough else columns
            return _cover(columns, bound if enough else at_most + 1, at_most)
    result = solve_highs(program, SolverOptions(time_limit_s=time_limit_s, gap=0.0))
    if result.x is not None:
        mine = left.columns[result.x > 0.5]
        if base + len(mine) < len(columns):
            columns = np.union1d(left.taken, mine)
    if result.bound is not None:
        bound = max(bound, base + math.ceil(result.bound - 1e-6))
    return _cover(columns, min(bound, len(columns)), at_most)


def _cover(columns: Positions, bound: int, at_most: int) -> Cover:
    known = len(columns) <= max(bound, at_most) or bound > at_most >= 0
    return Cover(columns, bound, Status.OPTIMAL if known else Status.LIMIT_WITH_INCUMBENT)


def proved(program: LinearProgram, price: Floats) -> float:
    """Bound that non-negative row prices prove, whatever the solver's rounding."""
    price = np.maximum(price, 0.0)
    reduced = program.cost - program.matrix.T @ price
    return float(price @ program.row_lower + np.minimum(reduced, 0.0) @ program.column_upper)


def _rounded(covers: csr_array, x: Floats) -> Positions:
    """Columns above a half, then the most useful ones for what is still bare."""
    sure: Flags = x > 0.5
    bare = np.flatnonzero(np.asarray(covers[:, sure].sum(axis=1)).ravel() == 0)
    rest = greedy_cover(csr_array(covers[bare])) if len(bare) else np.zeros(0, dtype=np.intp)
    return np.union1d(np.flatnonzero(sure), rest)
