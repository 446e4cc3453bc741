"""From an interior optimum to a sparse one: most flows of an optimal vertex are 0.

An interior point splits what could as well go one way, and leaves a trace on every column. The
columns that carry next to nothing are held at 0, local rows with one column left are settled, and
simplex finds a vertex of the small program that remains: a face of the optimum.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array, csr_array

from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.solvers.base import SolverOptions
from healthalloc.solvers.basis import BASIC, LOWER, Basis
from healthalloc.solvers.highs import solve_highs
from healthalloc.solvers.interior.columns import Columns
from healthalloc.solvers.interior.standard import Standard


class Corner(NamedTuple):
    """A vertex.

    Parameters
    ----------
    x : ndarray, shape (n,)
    basis : Basis or None
        Of the program in standard form. It is square and regular: that of the small program,
        and for each row settled the one column that takes all of it.
    """

    x: Floats
    basis: Basis | None


def vertex(
    form: Standard, columns: Columns, x: Floats, y: Floats, trace: float, options: SolverOptions
) -> Corner | None:
    """A vertex of the optimal face, or None if the small program has no answer.

    Parameters
    ----------
    form
    columns
        Of its columns.
    x, y : ndarray, shapes (n,) and (n_rows,)
        Interior optimum.
    trace
        Share of its local row, or of its upper bound, below which a column is a trace.
    options
        Limits of the small solve.

    Returns
    -------
    Corner or None
    """
    n_local = columns.n_local
    reduced = form.cost - columns.transposed(y[:n_local], y[n_local:])
    has_local = columns.value != 0
    part = np.abs(columns.value * x)
    of_row = np.bincount(columns.row, part, n_local)[columns.row]
    held = has_local & (part < trace * of_row) & (reduced > 0)
    held &= ~np.isfinite(form.upper) | (x < trace * form.upper)
    left = np.bincount(columns.row, has_local & ~held, n_local)
    # a local row whose one column takes all of it
    single = has_local & ~held & (left[columns.row] == 1) & ~np.isfinite(form.upper)
    value = np.zeros(len(x))
    value[single] = form.right[:n_local][columns.row[single]] / columns.value[single]
    single &= value >= 0
    value[~single] = 0.0
    kept = np.flatnonzero(~held & ~single)
    settled_row = np.zeros(n_local, dtype=bool)
    settled_row[columns.row[single]] = True
    rows = np.concatenate([np.flatnonzero(~settled_row), np.arange(n_local, len(form.right))])
    right = (form.right - form.matrix @ value)[rows]
    matrix = csc_array(csr_array(form.matrix[:, kept])[rows])
    small = LinearProgram(
        form.cost[kept], 0.0, matrix, right, right, np.zeros(len(kept)), form.upper[kept],
        np.zeros(len(kept), dtype=bool),
    )  # fmt: skip
    found = solve_highs(small, options)
    if found.x is None:
        return None
    value[kept] = found.x
    if found.basis is None:
        return Corner(value, None)
    stands = np.full(len(x), LOWER, dtype=np.int8)
    stands[single] = BASIC
    stands[kept] = found.basis.columns
    of_rows = np.full(len(form.right), LOWER, dtype=np.int8)
    of_rows[rows] = found.basis.rows
    return Corner(value, Basis(stands, of_rows))
