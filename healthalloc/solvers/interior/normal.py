"""The normal equations of a step, with the local rows eliminated.

``matrix @ diag(d) @ matrix.T`` is diagonal in the local rows, so that what has to be factorised
is no larger than the rows that link them. Columns that have the same coefficients in those (the
flows of one service into one facility) are added up first.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cho_solve_banded, cholesky_banded
from scipy.sparse import csc_array, csr_array, diags_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

from healthalloc.formulation.program import Floats
from healthalloc.solvers.interior.standard import Positions, Standard

NEGLIGIBLE = 1e-13
"""Share of its local row below which a column is left out of the matrix of a step."""
REGULARISATION = 1e-13
"""Added to the diagonal, relative to it."""


class Columns:
    """The columns of a standard form by class and local row.

    Parameters
    ----------
    form
    """

    def __init__(self, form: Standard) -> None:
        n = len(form.cost)
        local = csc_array(form.local)
        self.n_local, self.n_linking = form.n_local, form.linking.shape[0]
        has_local = np.diff(local.indptr) == 1
        self.with_local = np.flatnonzero(has_local)
        self.everywhere = bool(has_local.all())
        self.row = np.zeros(n, dtype=np.int64)
        self.row[self.with_local] = local.indices
        self.value = np.zeros(n)
        self.value[self.with_local] = local.data
        # columns with the same coefficients in the linking rows have the same random sum
        mark = np.random.default_rng(0).uniform(1, 2, self.n_linking)
        _, first, of = np.unique(form.linking.T @ mark, return_index=True, return_inverse=True)
        self.of_class, self.n_classes = of, len(first)
        self.link = csr_array(csc_array(form.linking)[:, first])
        self.link_transposed = csr_array(self.link.T)
        order = np.lexsort((self.row[self.with_local], of[self.with_local]))
        self.ordered = self.with_local[order]
        counts = np.bincount(of[self.ordered], minlength=self.n_classes)
        self.starts = np.concatenate([[0], np.cumsum(counts)])
        self.ordered_row = self.row[self.ordered]

    def local(self, x: Floats) -> Floats:
        """``local @ x``."""
        return np.bincount(self.row, self.value * x, self.n_local).astype(float)

    def linking(self, x: Floats) -> Floats:
        """``linking @ x``."""
        total: Floats = self.link @ np.bincount(self.of_class, x, self.n_classes)
        return total

    def transposed(self, y_local: Floats, y_linking: Floats) -> Floats:
        """``matrix.T @ y``."""
        return self.of_linking(y_linking) + self.value * y_local[self.row]

    def of_linking(self, y: Floats) -> Floats:
        """``linking.T @ y``."""
        total: Floats = (self.link_transposed @ y)[self.of_class]
        return total

    def schur(self, d: Floats) -> tuple[Floats, csr_array]:
        """Inverse of the local diagonal, and the matrix of the linking rows without them.

        Parameters
        ----------
        d : ndarray, shape (n,)
            Weight of each column.
        """
        weight = self.value * d
        diagonal = np.bincount(self.row, weight * self.value, self.n_local)
        inverse = 1.0 / np.maximum(diagonal, 1e-300)
        root = weight[self.ordered] * np.sqrt(inverse)[self.ordered_row]
        counts = root * root > NEGLIGIBLE * d[self.ordered]
        if counts.mean() < 0.9:
            kept = np.concatenate([[0], np.cumsum(counts)])[self.starts]
            parts = (root[counts], self.ordered_row[counts], kept)
        else:
            parts = (root, self.ordered_row, self.starts)
        factor = csr_array(parts, shape=(self.n_classes, self.n_local))
        by_class = diags_array(np.bincount(self.of_class, d, self.n_classes)) - factor @ factor.T
        return inverse, csr_array(self.link @ (by_class @ self.link_transposed))


class Factor:
    """How to factorise the matrix of the linking rows: in a band, a few dense rows apart.

    Parameters
    ----------
    columns
    """

    def __init__(self, columns: Columns) -> None:
        pattern = columns.schur(np.ones(len(columns.row)))[1]
        # a clause touches facilities everywhere, a capacity only the classes of one
        degree = np.diff(columns.link.indptr)
        dense = degree > max(60.0, 20 * float(np.median(degree)))
        core, self.border = np.flatnonzero(~dense), np.flatnonzero(dense)
        inner = csr_array(pattern[core][:, core])
        self.core: Positions = core[reverse_cuthill_mckee(inner, symmetric_mode=True)]
        self.place = np.zeros(len(degree), dtype=np.int64)
        self.place[self.core] = np.arange(len(core))
        self.is_core = ~dense
        entries = inner.tocoo()
        place = self.place[core]
        self.width = int(np.abs(place[entries.row] - place[entries.col]).max(initial=0))

    @property
    def operations(self) -> float:
        """About how many multiplications one factorisation takes."""
        return float(len(self.core) * self.width**2 + len(self.border) ** 3)

    def __call__(self, matrix: csr_array) -> Callable[[Floats], Floats]:
        """A function that solves with the matrix.

        Raises
        ------
        numpy.linalg.LinAlgError
            If it is not positive definite.
        """
        entries = matrix.tocoo()
        row, column = self.place[entries.row], self.place[entries.col]
        inner = self.is_core[entries.row] & self.is_core[entries.col]
        low = inner & (row >= column)
        n = len(self.core)
        diagonal = matrix.diagonal()[self.core]
        small = REGULARISATION * diagonal + 1e-14 * float(diagonal.mean() if n else 0.0)
        if self.width > n // 3:
            full = np.zeros((n, n), order="F")
            full[row[low], column[low]] = entries.data[low]
            full[np.diag_indices(n)] += small
            lower = cho_factor(full, lower=True, overwrite_a=True, check_finite=False)

            def inner_solve(right: Floats) -> Floats:
                return np.asarray(cho_solve(lower, right, check_finite=False))
        else:
            band = np.zeros((self.width + 1, n), order="F")
            band[(row - column)[low], column[low]] = entries.data[low]
            band[0] += small
            factor = cholesky_banded(band, overwrite_ab=True, lower=True, check_finite=False)

            def inner_solve(right: Floats) -> Floats:
                return np.asarray(cho_solve_banded((factor, True), right, check_finite=False))

        if not len(self.border):
            return lambda right: _placed(self.core, inner_solve(right[self.core]), len(right))
        beside = matrix[self.core][:, self.border].toarray()
        solved = inner_solve(beside)
        rest = matrix[self.border][:, self.border].toarray() - beside.T @ solved
        rest[np.diag_indices(len(rest))] *= 1 + REGULARISATION
        if not np.isfinite(rest).all():
            raise np.linalg.LinAlgError("the rows that link everything are dependent")
        corner = cho_factor(rest, check_finite=False)

        def solve(right: Floats) -> Floats:
            first = inner_solve(right[self.core])
            last = cho_solve(corner, right[self.border] - beside.T @ first, check_finite=False)
            out = _placed(self.core, first - solved @ last, len(right))
            out[self.border] = last
            return out

        return solve


def _placed(positions: Positions, values: Floats, size: int) -> Floats:
    out = np.zeros(size)
    out[positions] = values
    return out
