"""Sites with capacities: the problem as arrays, and as a program with strong linking rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array, csc_array, csr_array

from healthalloc.formulation.program import LinearProgram
from healthalloc.siting.costs import Flags, Floats, Positions


@dataclass(frozen=True, eq=False)
class Capacitated:
    """A capacitated siting problem as arrays.

    Parameters
    ----------
    row, column : ndarray of int, shape (n_pairs,)
        Sorted by row.
    value : ndarray, shape (n_pairs,)
        Cost of serving all of the demand point there.
    demand : ndarray, shape (n_demand,)
    capacity, site_cost : ndarray, shape (n_candidates,)
    forced : ndarray of bool, shape (n_candidates,)
    p
        Number of sites, or None for as many as pay.
    whole
        Whether each demand point goes to one site.
    """

    row: Positions
    column: Positions
    value: Floats
    demand: Floats
    capacity: Floats
    site_cost: Floats
    forced: Flags
    p: int | None
    whole: bool

    def keep(self, pairs: Flags) -> Capacitated:
        """Only some of the pairs."""
        return replace(
            self, row=self.row[pairs], column=self.column[pairs], value=self.value[pairs]
        )

    @property
    def divided(self) -> Capacitated:
        """The same with demand that may be split."""
        return replace(self, whole=False)

    @property
    def far(self) -> float:
        """What leaving a demand point unserved counts in a search for sites."""
        return float(3 * self.value.max(initial=0.0) + self.site_cost.max(initial=0.0) + 1.0)


def capacitated_program(
    problem: Capacitated, closed: Flags, opened: Flags, linked: Flags
) -> LinearProgram:
    """Sites, shares, capacities, and ``share <= site`` for some pairs.

    Parameters
    ----------
    problem
        Pairs of closed sites left out.
    closed, opened : shape (n_candidates,)
    linked : shape (n_pairs,)
        Pairs with a row of their own ``x <= y`` (strong linking).

    Returns
    -------
    LinearProgram
        Columns are the candidates, then the pairs.
    """
    n, m, k = len(problem.demand), len(problem.capacity), len(problem.value)
    pairs = m + np.arange(k)
    links = np.flatnonzero(linked)
    ones = np.ones(k)
    parts = [
        (problem.row, pairs, ones),
        (n + problem.column, pairs, problem.demand[problem.row]),
        (n + np.arange(m), np.arange(m), -problem.capacity),
        (np.full(m, n + m), np.arange(m), problem.capacity),
        (np.full(m, n + m + 1), np.arange(m), np.ones(m)),
        (n + m + 2 + np.arange(len(links)), pairs[links], np.ones(len(links))),
        (n + m + 2 + np.arange(len(links)), problem.column[links], -np.ones(len(links))),
    ]
    row, column, data = (np.concatenate([part[i] for part in parts]) for i in range(3))
    filled = data != 0
    shape = (n + m + 2 + len(links), m + k)
    coordinates = (row[filled].astype(np.intp), column[filled].astype(np.intp))
    matrix = csc_array(coo_array((data[filled], coordinates), shape=shape))
    infinite = np.full(m + len(links), np.inf)
    count = (0.0, float(m)) if problem.p is None else (float(problem.p), float(problem.p))
    demand = float(problem.demand.sum())
    return LinearProgram(
        cost=np.concatenate([problem.site_cost, problem.value]),
        offset=0.0,
        matrix=matrix,
        row_lower=np.concatenate(
            [np.ones(n), -infinite[:m], [demand * (1 - 1e-12), count[0]], -infinite[m:]]
        ),
        row_upper=np.concatenate(
            [np.ones(n), np.zeros(m), [np.inf, count[1]], np.zeros(len(links))]
        ),
        column_lower=np.concatenate([opened.astype(float), np.zeros(k)]),
        column_upper=np.concatenate([(~closed).astype(float), ones]),
        integer=np.concatenate([np.ones(m, dtype=np.bool_), np.full(k, problem.whole)]),
    )


def link_rows(problem: Capacitated, pairs: Positions) -> csr_array:
    """Rows ``share - site <= 0`` for some pairs, over the columns of the program."""
    m, k, n = len(problem.capacity), len(problem.value), len(pairs)
    rows = np.concatenate([np.arange(n), np.arange(n)])
    columns = np.concatenate([m + pairs, problem.column[pairs]])
    data = np.concatenate([np.ones(n), -np.ones(n)])
    return csr_array(coo_array((data, (rows, columns)), shape=(n, m + k)))
