"""The normal equations of a step, with the local rows eliminated.

``matrix @ diag(d) @ matrix.T`` is diagonal in the local rows, so that what has to be factorised
is no larger than the rows that link them. Columns that have the same coefficients in those (the
flows of one service into one facility) are a class: all that links two classes is the sum, over
the local rows that have a column of each, of a product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, csr_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

from healthalloc.formulation.program import Floats
from healthalloc.solvers.interior.columns import Columns
from healthalloc.solvers.interior.standard import Positions


@dataclass(frozen=True, eq=False)
class Rows:
    """The local rows that have one number of linked columns.

    Parameters
    ----------
    columns : ndarray of int, shape (n_columns a row, n_rows)
    one, other : ndarray of int, shape (n_pairs a row,)
        Which of the columns make a pair.
    pair : ndarray of int, shape (n_pairs a row * n_rows,)
        Pair of classes that each pair of columns counts to.
    """

    columns: Positions
    one: Positions
    other: Positions
    pair: Positions


class Normal:
    """How to add up the matrix of the linking rows, and in which order its rows stand.

    Rows that touch few classes come first, so ordered that the entries are near the diagonal;
    the few that touch classes everywhere (clauses) come last.

    Parameters
    ----------
    columns

    Attributes
    ----------
    order : ndarray of int, shape (n_linking,)
        Linking row that stands at each place.
    n_core
        Rows that come first.
    width
        Largest distance from the diagonal among them.
    row, column : ndarray of int, shape (n_entries,)
        Places of the entries on and below the diagonal, row after row.
    """

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        place, high, low, number = _class_pairs(columns)
        self.n_pairs = len(high)
        self.rows = _rows(columns, place, number)
        link = csc_array(columns.link)
        every = np.arange(columns.n_classes)
        alone, pairs = _products(link, every, every), _products(link, high, low)
        one, other = np.concatenate([alone[1], pairs[1]]), np.concatenate([alone[2], pairs[2]])
        self.order, self.n_core = _ordered(columns.link, one, other)
        placed = np.empty_like(self.order)
        placed[self.order] = np.arange(len(placed))
        one, other = placed[one], placed[other]
        # of a class with itself each entry comes twice, of two classes both ways but once
        value = np.concatenate([alone[3], np.where(pairs[1] == pairs[2], -2.0, -1.0) * pairs[3]])
        part = np.concatenate([alone[0], columns.n_classes + pairs[0]])
        is_needed = np.ones(len(value), dtype=bool)
        is_needed[: len(alone[0])] = (one >= other)[: len(alone[0])]
        n = len(self.order)
        key = np.maximum(one, other)[is_needed] * n + np.minimum(one, other)[is_needed]
        found, of_key = np.unique(key, return_inverse=True)
        self.row, self.column = found // n, found % n
        entries = (value[is_needed], (of_key, part[is_needed]))
        shape = (len(found), columns.n_classes + self.n_pairs)
        self.sums = csr_array(coo_array(entries, shape=shape))
        core = self.row < self.n_core
        self.width = int((self.row - self.column)[core].max(initial=0))

    def __call__(self, d: Floats) -> tuple[Floats, Floats]:
        """Inverse of the local diagonal, and the entries of the matrix without the local rows.

        Parameters
        ----------
        d : ndarray, shape (n,)
            Weight of each column.

        Returns
        -------
        inverse : ndarray, shape (n_local,)
        entries : ndarray, shape (n_entries,)
        """
        columns = self.columns
        inverse = 1.0 / np.maximum(columns.local(columns.value * d), 1e-300)
        root = columns.of_local(np.sqrt(inverse))
        root *= d
        pairs = np.zeros(self.n_pairs)
        for rows in self.rows:
            held = root[rows.columns]
            products = held[rows.one] * held[rows.other]
            pairs += np.bincount(rows.pair, products.ravel(), self.n_pairs)
        root *= root
        alone = np.bincount(columns.of_class, d - root, columns.n_classes)
        return inverse, self.sums @ np.concatenate([alone, pairs])


def _class_pairs(columns: Columns) -> tuple[Positions, Positions, Positions, NDArray[np.int32]]:
    """Pairs of classes that share local rows.

    Returns
    -------
    place : ndarray of int, shape (n_classes,)
        Classes so numbered that those of a pair are near one another.
    high, low : ndarray of int, shape (n_pairs,)
        Classes of each pair.
    number : ndarray of int, shape (n_classes, span)
        Number of each pair, by the higher place and the distance to the lower one.
    """
    n_classes = columns.n_classes
    parts = (
        np.ones(len(columns.linked), dtype=np.float32),
        columns.of_class[columns.linked],
        columns.starts,
    )
    member = csr_array(parts, shape=(columns.n_local, n_classes))
    together = csr_array(member.T @ member)
    place = np.empty(n_classes, dtype=np.int64)
    place[reverse_cuthill_mckee(together, symmetric_mode=True)] = np.arange(n_classes)
    entries = together.tocoo()
    high, low = entries.row.astype(np.int64), entries.col.astype(np.int64)
    is_first = place[high] >= place[low]
    high, low = high[is_first], low[is_first]
    distance = place[high] - place[low]
    number = np.zeros((n_classes, int(distance.max(initial=0)) + 1), dtype=np.int32)
    number[place[high], distance] = np.arange(len(high))
    return place, high, low, number


def _rows(columns: Columns, place: Positions, number: NDArray[np.int32]) -> list[Rows]:
    """The local rows by their number of linked columns."""
    counts = np.diff(columns.starts)
    found = []
    for count in np.unique(counts[counts > 1]):
        starts = columns.starts[:-1][counts == count]
        held = columns.linked[starts + np.arange(count)[:, None]]
        one, other = np.triu_indices(count, 1)
        at = place[columns.of_class[held]]
        high, low = np.maximum(at[one], at[other]), np.minimum(at[one], at[other])
        pair = number[high, high - low].ravel().astype(np.int64)
        found.append(Rows(held, one, other, pair))
    return found


def _products(
    link: csc_array, one: Positions, other: Positions
) -> tuple[Positions, Positions, Positions, Floats]:
    """Which pair, row of the one, row of the other and product of their coefficients, for all."""
    sizes = np.diff(link.indptr)
    counts = sizes[one] * sizes[other]
    pair = np.repeat(np.arange(len(one)), counts)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts)
    size = sizes[other][pair]
    first = link.indptr[one][pair] + within // size
    second = link.indptr[other][pair] + within % size
    indices = link.indices.astype(np.int64)
    return pair, indices[first], indices[second], link.data[first] * link.data[second]


def _ordered(link: csr_array, one: Positions, other: Positions) -> tuple[Positions, int]:
    """Linking rows in the order in which to factorise them, and how many touch few classes."""
    # a clause touches facilities everywhere, a capacity only the classes of one
    degree = np.diff(link.indptr)
    wide = degree > max(60.0, 20 * float(np.median(degree)))
    core = np.flatnonzero(~wide)
    both = ~wide[one] & ~wide[other]
    n = len(degree)
    ones = np.ones(int(both.sum()), dtype=np.int8)
    pattern = csr_array(coo_array((ones, (one[both], other[both])), shape=(n, n)))
    inner = csr_array((pattern + pattern.T)[core][:, core])
    first = core[reverse_cuthill_mckee(inner, symmetric_mode=True)]
    return np.concatenate([first, np.flatnonzero(wide)]).astype(np.int64), len(core)
