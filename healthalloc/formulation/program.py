"""The linear program as arrays: costs, matrix, bounds, integrality, labelled blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array

Floats = NDArray[np.float64]
ROUND = 1e-6
"""Distance from a whole number that counts as rounding."""


@dataclass(frozen=True, eq=False)
class Block:
    """A run of columns or rows of one sort.

    Parameters
    ----------
    name
        What they are, e.g. ``"flow"``.
    start, stop
        Positions in the program, as in a slice.
    labels
        Makes the table that says what each one stands for, one row each.
    """

    name: str
    start: int
    stop: int
    labels: Callable[[], pd.DataFrame]

    @property
    def slice(self) -> slice:
        """The positions as a slice."""
        return slice(self.start, self.stop)

    @property
    def size(self) -> int:
        """Number of columns or rows."""
        return self.stop - self.start


@dataclass(frozen=True, eq=False)
class LinearProgram:
    """Minimise ``cost @ x + offset`` subject to row and column bounds.

    ``row_lower <= matrix @ x <= row_upper``, ``column_lower <= x <= column_upper``, and
    ``x[k]`` whole where ``integer[k]``.

    Parameters
    ----------
    cost : ndarray, shape (n_columns,)
        CNY a year for one unit.
    offset
        Constant part of the objective, CNY a year.
    matrix : csc_array, shape (n_rows, n_columns)
        No explicit zeros.
    row_lower, row_upper : ndarray, shape (n_rows,)
        Bounds of ``matrix @ x``; infinite where there is none.
    column_lower, column_upper : ndarray, shape (n_columns,)
        Bounds of ``x``; infinite where there is none.
    integer : ndarray of bool, shape (n_columns,)
        Columns that must be whole.
    columns, rows : tuple of Block
        What stands where; the blocks follow one another without gaps.
    """

    cost: Floats
    offset: float
    matrix: csc_array
    row_lower: Floats
    row_upper: Floats
    column_lower: Floats
    column_upper: Floats
    integer: NDArray[np.bool_]
    columns: tuple[Block, ...] = ()
    rows: tuple[Block, ...] = ()

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.cost)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.row_lower)

    @property
    def is_mixed_integer(self) -> bool:
        """Whether any column must be whole."""
        return bool(self.integer.any())

    def column_block(self, name: str) -> Block:
        """The columns of one sort."""
        return next(block for block in self.columns if block.name == name)

    def row_block(self, name: str) -> Block:
        """The rows of one sort."""
        return next(block for block in self.rows if block.name == name)

    def relaxed(self) -> LinearProgram:
        """The same program without integrality."""
        return replace(self, integer=np.zeros(self.n_columns, dtype=bool))

    def fixed(self, positions: NDArray[np.intp], values: Floats) -> LinearProgram:
        """The same program with some columns fixed.

        Parameters
        ----------
        positions : ndarray of int, shape (k,)
        values : ndarray, shape (k,)
        """
        lower, upper = self.column_lower.copy(), self.column_upper.copy()
        lower[positions] = upper[positions] = values
        return replace(self, column_lower=lower, column_upper=upper)


def inward(lower: Floats, upper: Floats, integer: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Bounds moved to the whole numbers within them, where only whole numbers count.

    Parameters
    ----------
    lower, upper : ndarray, shape (n,)
    integer : ndarray of bool, shape (n,)
    """
    lower = np.where(integer, np.ceil(lower - ROUND), lower)
    upper = np.where(integer, np.floor(upper + ROUND), upper)
    return lower, upper
