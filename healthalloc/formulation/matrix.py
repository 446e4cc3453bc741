"""The matrix of the program, filled by column without a sort."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, hstack

from healthalloc.formulation.blocks import Columns, Rows
from healthalloc.layout import Layout
from healthalloc.norms import arrivals


def matrix_of(
    rows: Rows, layout: Layout, columns: Columns, demand_row: NDArray[np.int32] | None = None
) -> csc_array:
    """Coefficients of rows by column, those of an arrival in each flow and referral of it.

    Nearly all coefficients are those of flows. They are few when stated of arrivals, so these
    are brought in order; the column of a flow is then a copy of its arrival's, made with room at
    its head for what the flow has of its own: the row of its demand, and clauses that count it.

    Parameters
    ----------
    rows
    layout
        With its arcs.
    columns
    demand_row : ndarray of int, shape (n_flows,)
        Row of each flow in which it has the coefficient 1; none if left out.

    Returns
    -------
    csc_array, shape (n_rows, columns.end)
        In 32-bit positions; no explicit zeros, rows in order within each column.
    """
    shape = (rows.n_rows, columns.stop)
    stated = csc_array(coo_array((rows.value, (rows.row, rows.column)), shape=shape))
    stated.eliminate_zeros()
    before, own, after, arriving = (
        stated[:, start:stop]
        for start, stop in (
            (0, columns.flow), (columns.flow, columns.add), (columns.add, columns.end),
            (columns.end, columns.stop),
        )
    )  # fmt: skip
    n_own = np.diff(own.indptr)
    room = n_own.copy()
    if demand_row is not None:
        room[: layout.n_flows] += 1
    copied = [_with_room(arriving, n) for n in range(room.max(initial=0) + 1)]
    facility_idx, service_idx = arrivals(layout)
    source = room * layout.n_arrivals
    source += (facility_idx * len(layout.scenario.services) + service_idx).astype(np.int32)
    source += columns.flow
    end = columns.flow + len(copied) * layout.n_arrivals
    matrix = csc_array(hstack([before, *copied, after]))[
        :,
        np.concatenate(
            [np.arange(columns.flow), source, np.arange(end, end + after.shape[1])],
            dtype=np.int32,
        ),
    ]
    head = matrix.indptr[columns.flow : columns.add].copy()
    if demand_row is not None:
        matrix.indices[head[: layout.n_flows]] = demand_row
        head[: layout.n_flows] += 1
    place = np.repeat(head - own.indptr[:-1], n_own) + np.arange(own.nnz)
    matrix.indices[place], matrix.data[place] = own.indices, own.data
    matrix.sort_indices()  # looks first whether they are sorted; only clauses on flows are not
    return matrix


def _with_room(matrix: csc_array, n: int) -> csc_array:
    """The matrix with `n` more coefficients of 1 at the head of each column."""
    head = np.repeat(matrix.indptr[:-1], n)
    edges = matrix.indptr + n * np.arange(len(matrix.indptr), dtype=np.int32)
    parts = (np.insert(matrix.data, head, 1.0), np.insert(matrix.indices, head, 0), edges)
    return csc_array(parts, shape=matrix.shape)
