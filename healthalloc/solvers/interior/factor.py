"""Solving with the matrix of the linking rows: a factorisation in a band, made good by iteration.

The matrix is factorised in single precision, which takes half the time and memory, and is the
preconditioner of conjugate gradients in double precision. Where those take many iterations, as
near the optimum, the next matrix is factorised in double precision.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, cho_solve_banded, cholesky_banded
from scipy.sparse import csr_array

from healthalloc.formulation.program import Floats
from healthalloc.solvers.interior.normal import Normal

REGULARISATION = {np.float32: 1e-7, np.float64: 1e-13}
"""Added to a diagonal of ones."""
MANY = 10
"""Iterations of one solve from which single precision no longer pays."""
MOST = 40
"""Iterations of one solve, at most."""

Solve = Callable[[Floats], Floats]


class Factor:
    """Factorises one matrix after another.

    Parameters
    ----------
    normal
        Order and pattern of the matrices.

    Attributes
    ----------
    precision
        Of the next factorisation.
    """

    def __init__(self, normal: Normal) -> None:
        self.normal = normal
        self.precision: type[np.float32] | type[np.float64] = np.float32
        counts = np.bincount(normal.row, minlength=len(normal.order))
        self.starts = np.concatenate([[0], np.cumsum(counts)])

    @property
    def operations(self) -> float:
        """About how many multiplications one factorisation takes."""
        n, n_core = len(self.normal.order), self.normal.n_core
        return float(n_core * self.normal.width**2 + (n - n_core) ** 3)

    def __call__(self, entries: Floats) -> Callable[[Floats, float], Floats]:
        """A function that solves with the matrix, to a residual relative to the right-hand side.

        Parameters
        ----------
        entries : ndarray, shape (n_entries,)

        Raises
        ------
        numpy.linalg.LinAlgError
            If it is not positive definite.
        """
        normal = self.normal
        n = len(normal.order)
        on_diagonal = normal.row == normal.column
        diagonal = np.zeros(n)
        diagonal[normal.row[on_diagonal]] = entries[on_diagonal]
        scale = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
        scaled = entries * scale[normal.row] * scale[normal.column]
        lower = csr_array((scaled, normal.column, self.starts), shape=(n, n))
        upper, own = lower.T, diagonal * scale * scale
        try:
            nearly = self.nearly(scaled)
        except np.linalg.LinAlgError:
            if self.precision is np.float64:
                raise
            self.precision = np.float64
            nearly = self.nearly(scaled)

        def times(x: Floats) -> Floats:
            product: Floats = lower @ x + upper @ x - own * x
            return product

        def solve(right: Floats, tolerance: float) -> Floats:
            found, iterations = conjugate_gradients(
                times, nearly, right[normal.order] * scale, tolerance
            )
            if iterations > MANY:
                self.precision = np.float64
            out = np.empty(n)
            out[normal.order] = found * scale
            return out

        return solve

    def nearly(self, entries: Floats) -> Solve:
        """A function that solves with the matrix up to the error of the precision."""
        normal, n = self.normal, self.normal.n_core
        in_core = normal.row < n
        inner = self.inner(normal.row[in_core], normal.column[in_core], entries[in_core])
        n_border = len(normal.order) - n
        if not n_border:
            return inner
        border = np.zeros((n_border, n + n_border))
        border[normal.row[~in_core] - n, normal.column[~in_core]] = entries[~in_core]
        beside = border[:, :n].T
        solved = inner(beside)
        rest = border[:, n:] - beside.T @ solved
        rest[np.diag_indices(n_border)] += REGULARISATION[self.precision]
        if not np.isfinite(rest).all():
            raise np.linalg.LinAlgError("the rows that link everything are dependent")
        corner = cho_factor(rest, lower=True, check_finite=False)

        def solve(right: Floats) -> Floats:
            first = inner(right[:n])
            last = cho_solve(corner, right[n:] - beside.T @ first, check_finite=False)
            return np.concatenate([first - solved @ last, last])

        return solve

    def inner(self, row: NDArray[np.int64], column: NDArray[np.int64], entries: Floats) -> Solve:
        """The same for the rows that touch few classes."""
        n, width, precision = self.normal.n_core, self.normal.width, self.precision
        band = np.zeros((width + 1, n), dtype=precision, order="F")
        band[row - column, column] = entries
        band[0] += REGULARISATION[precision]
        factor = cholesky_banded(band, overwrite_ab=True, lower=True, check_finite=False)
        return lambda right: np.asarray(
            cho_solve_banded((factor, True), right.astype(precision), check_finite=False),
            dtype=float,
        )


def conjugate_gradients(
    times: Solve, nearly: Solve, right: Floats, tolerance: float
) -> tuple[Floats, int]:
    """Solve a positive definite system by preconditioned conjugate gradients.

    Parameters
    ----------
    times
        Product with the matrix.
    nearly
        Product with nearly its inverse.
    right : ndarray, shape (n,)
    tolerance
        Of the residual, relative to ``right``.

    Returns
    -------
    x : ndarray, shape (n,)
    iterations
    """
    goal = tolerance * float(np.linalg.norm(right))
    x, residual = np.zeros(len(right)), right
    direction, past = np.zeros(len(right)), 1.0
    for iteration in range(MOST):
        if not float(np.linalg.norm(residual)) > goal:
            return x, iteration
        moved = nearly(residual)
        now = float(residual @ moved)
        direction = moved + (now / past if iteration else 0.0) * direction
        product = times(direction)
        step = now / float(direction @ product)
        if not np.isfinite(step):
            break
        x = x + step * direction
        residual = residual - step * product
        past = now
    return x, MOST
