"""Matrices by column with one row or column exchanged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array

from healthalloc.formulation.program import Floats


def same_matrix(one: csc_array, other: csc_array) -> bool:
    """Whether two matrices have the same coefficients in the same places."""
    return (
        one.shape == other.shape
        and np.array_equal(one.indptr, other.indptr)
        and np.array_equal(one.indices, other.indices)
        and np.array_equal(one.data, other.data)
    )


def row_values(matrix: csc_array, row: int) -> Floats:
    """All coefficients of a row, shape (n_columns,)."""
    at, columns = _places(matrix, row)
    values = np.zeros(matrix.shape[1])
    values[columns] = matrix.data[at]
    return values


def column_values(matrix: csc_array, column: int) -> Floats:
    """All coefficients of a column, shape (n_rows,)."""
    own = slice(int(matrix.indptr[column]), int(matrix.indptr[column + 1]))
    values = np.zeros(matrix.shape[0])
    values[matrix.indices[own]] = matrix.data[own]
    return values


def with_row(matrix: csc_array, row: int, values: Floats) -> csc_array:
    """The matrix with other coefficients in a row.

    Where the row keeps its columns, only their values are exchanged.

    Parameters
    ----------
    matrix : csc_array, shape (n_rows, n_columns)
    row
    values : ndarray, shape (n_columns,)
    """
    at, columns = _places(matrix, row)
    present = np.flatnonzero(values)
    if np.array_equal(columns, present):
        data = matrix.data.copy()
        data[at] = values[present]
        return csc_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)
    rest = matrix.indices != row
    by_column = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))[rest]
    places = (
        np.concatenate([matrix.indices[rest], np.full(len(present), row)]),
        np.concatenate([by_column, present]),
    )
    data = np.concatenate([matrix.data[rest], values[present]])
    return csc_array(coo_array((data, places), shape=matrix.shape))


def with_column(matrix: csc_array, column: int, values: Floats) -> csc_array:
    """The matrix with other coefficients in a column.

    Parameters
    ----------
    matrix : csc_array, shape (n_rows, n_columns)
    column
    values : ndarray, shape (n_rows,)
    """
    start, end = int(matrix.indptr[column]), int(matrix.indptr[column + 1])
    present = np.flatnonzero(values)
    indptr = matrix.indptr.copy()
    indptr[column + 1 :] += len(present) - (end - start)
    kept = present.astype(matrix.indices.dtype)
    indices = np.concatenate([matrix.indices[:start], kept, matrix.indices[end:]])
    data = np.concatenate([matrix.data[:start], values[present], matrix.data[end:]])
    return csc_array((data, indices, indptr), shape=matrix.shape)


def _places(matrix: csc_array, row: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the coefficients of a row stand, and in which columns."""
    at = np.flatnonzero(matrix.indices == row)
    return at, np.searchsorted(matrix.indptr, at, side="right") - 1
