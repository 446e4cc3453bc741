"""Rows and columns exchanged in a sparse matrix, against the same on a dense one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csc_array

from healthalloc.solvers.matrix import (
    column_values,
    row_values,
    same_matrix,
    with_column,
    with_row,
)

DENSE = np.array([[1.0, 0.0, 2.0, 0.0], [0.0, 0.0, 3.0, 4.0], [5.0, 0.0, 0.0, 6.0]])


def sparse() -> csc_array:
    return csc_array(DENSE)


@pytest.mark.parametrize("row", range(3))
def test_a_row_is_read_and_exchanged(row: int) -> None:
    np.testing.assert_array_equal(row_values(sparse(), row), DENSE[row])
    for values in (7 * DENSE[row], np.array([0.0, 8.0, 0.0, 9.0]), np.zeros(4), np.ones(4)):
        expected = DENSE.copy()
        expected[row] = values
        np.testing.assert_array_equal(with_row(sparse(), row, values).toarray(), expected)


@pytest.mark.parametrize("column", range(4))
def test_a_column_is_read_and_exchanged(column: int) -> None:
    np.testing.assert_array_equal(column_values(sparse(), column), DENSE[:, column])
    for values in (7 * DENSE[:, column], np.array([0.0, 8.0, 0.0]), np.zeros(3), np.ones(3)):
        expected = DENSE.copy()
        expected[:, column] = values
        np.testing.assert_array_equal(with_column(sparse(), column, values).toarray(), expected)


def test_what_is_exchanged_leaves_the_matrix_as_it_was() -> None:
    matrix = sparse()
    with_row(matrix, 0, np.ones(4))
    with_column(matrix, 0, np.ones(3))
    assert same_matrix(matrix, sparse())
    assert not same_matrix(matrix, with_row(matrix, 0, 2 * DENSE[0]))
