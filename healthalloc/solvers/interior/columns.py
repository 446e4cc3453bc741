"""The columns of a standard form: their local rows, and what links them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csc_array, csr_array

from healthalloc.formulation.program import Floats
from healthalloc.solvers.interior.standard import Positions, Standard

AT_ONCE = 1 << 15
"""About how many columns a part has: its numbers stay in the cache of a processor."""


@dataclass(frozen=True, eq=False)
class Part:
    """A run of local rows and their columns. Elementwise work goes part by part.

    Parameters
    ----------
    columns, rows : slice
    bounded : slice
        Of the columns with an upper bound, those in this part.
    at : ndarray of int
        Positions in the part of its columns with an upper bound.
    by_row : csr_array, shape (n rows of the part, n columns of the part)
        The local rows.
    row : ndarray of int
        Local row of each column, counted from the first of the part; 0 if it has none.
    value : ndarray
        Coefficient of each column there; 0 if it has none.
    of_class : ndarray of int
        Class of each column.
    """

    columns: slice
    rows: slice
    bounded: slice
    at: Positions
    by_row: csr_array
    row: Positions
    value: Floats
    of_class: Positions

    def of_local(self, y: Floats) -> Floats:
        """``local.T @ y`` for the rows of the part."""
        total: Floats = y[self.row]
        total *= self.value
        return total


class Columns:
    """The columns of a standard form by class and local row.

    Columns with the same coefficients in the linking rows are a class.

    Parameters
    ----------
    form

    Attributes
    ----------
    row, value : ndarray, shape (n,)
        Local row of each column and its coefficient there; 0 and 0 if it has none.
    of_class : ndarray of int, shape (n,)
    link, link_transposed : csr_array, shape (n_linking, n_classes) and its transpose
        Coefficients of each class in the linking rows.
    bounded : ndarray of int
        Columns with an upper bound.
    linked : ndarray of int
        Columns of each local row that stand in linking rows too, one row after another.
    starts : ndarray of int, shape (n_local + 1,)
        Where each row begins in ``linked``.
    parts : list of Part
    """

    def __init__(self, form: Standard) -> None:
        n = len(form.cost)
        self.n_local, self.n_linking = form.n_local, form.linking.shape[0]
        local = form.local
        self.row = np.zeros(n, dtype=np.int64)
        self.row[local.indices] = np.repeat(np.arange(form.n_local), np.diff(local.indptr))
        self.value = np.zeros(n)
        self.value[local.indices] = local.data
        # columns with the same coefficients in the linking rows have the same random sum
        mark = np.random.default_rng(0).uniform(1, 2, self.n_linking)
        _, first, of = np.unique(form.linking.T @ mark, return_index=True, return_inverse=True)
        self.of_class, self.n_classes = of, len(first)
        self.link = csr_array(csc_array(form.linking)[:, first])
        self.link_transposed = csr_array(self.link.T)
        self.bounded = np.flatnonzero(np.isfinite(form.upper))
        linked = np.diff(self.link_transposed.indptr)[of[local.indices]] > 0
        self.linked = local.indices[linked].astype(np.int64)
        self.starts = np.concatenate([[0], np.cumsum(linked)])[local.indptr]
        self.parts = self._parts(local)

    def _parts(self, local: csr_array) -> list[Part]:
        ends = local.indptr[1:]
        last = np.flatnonzero(np.diff(ends // AT_ONCE, append=-1))
        edges = [(0, 0), *((int(row) + 1, int(ends[row])) for row in last)]
        # columns without a local row go with the last rows
        edges[-1] = (self.n_local, len(self.row))
        parts = []
        for (row, column), (next_row, next_column) in pairwise(edges):
            rows, columns = slice(row, next_row), slice(column, next_column)
            begins, stops = np.searchsorted(self.bounded, [column, next_column])
            parts.append(Part(
                columns, rows, slice(int(begins), int(stops)),
                self.bounded[begins:stops] - column,
                csr_array(local[rows][:, columns]),
                np.maximum(self.row[columns] - row, 0), self.value[columns], self.of_class[columns],
            ))  # fmt: skip
        return parts

    @property
    def n_pairs(self) -> int:
        """Number of pairs of linked columns that share a local row."""
        counts = np.diff(self.starts)
        return int((counts * (counts - 1) // 2).sum())

    def local(self, x: Floats) -> Floats:
        """``local @ x``."""
        return np.concatenate([part.by_row @ x[part.columns] for part in self.parts])

    def linking(self, x: Floats) -> Floats:
        """``linking @ x``."""
        total: Floats = self.link @ np.bincount(self.of_class, x, self.n_classes)
        return total

    def of_local(self, y: Floats) -> Floats:
        """``local.T @ y``."""
        return np.concatenate([part.of_local(y[part.rows]) for part in self.parts])

    def of_linking(self, y: Floats) -> Floats:
        """``linking.T @ y``."""
        total: Floats = (self.link_transposed @ y)[self.of_class]
        return total

    def transposed(self, y_local: Floats, y_linking: Floats) -> Floats:
        """``matrix.T @ y``."""
        total: Floats = self.of_linking(y_linking)
        total += self.of_local(y_local)
        return total
