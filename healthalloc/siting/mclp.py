"""Maximal covering: p sites, so that as much demand as possible lies within the radius."""

from __future__ import annotations

import time

import numpy as np
from scipy.sparse import csr_array

from healthalloc.siting.answer import Checks, Siting, nearest_open, no_answer, relative_gap
from healthalloc.siting.costs import Costs, Floats, Positions, check_p, check_radius, totals
from healthalloc.siting.ranked import rank
from healthalloc.siting.sites_problem import choose_sites


def mclp(
    costs: Costs,
    p: int,
    radius: float,
    *,
    exact: bool = True,
    time_limit_s: float = 300.0,
    gap: float = 1e-9,
) -> Siting:
    """Open p sites so that the weight within the radius of one of them is greatest.

    The maximal covering location problem of Church and ReVelle (1974,
    doi:10.1007/BF01942293). Demand points that see the same candidates are one; the weight
    left out is minimised as a p-median is.

    Parameters
    ----------
    costs
        Forced sites are among the p.
    p
        Number of sites.
    radius
        Greatest cost at which a site covers a demand point.
    exact
        If false, greedy choice and interchange alone.
    time_limit_s, gap
        When to stop; the gap is relative to the weight left out.

    Returns
    -------
    Siting
        ``objective`` and ``bound`` are weights covered; ``assignment`` is the cheapest open
        site within the radius, -1 for demand that is not covered.

    Raises
    ------
    DataError
        If p or the radius cannot be.
    """
    began = time.perf_counter()
    check_p(costs, p)
    check_radius(radius)
    covers = costs.within(radius)
    merged, weight = merge_equal(covers, costs.weight)
    values = csr_array((np.zeros(merged.nnz), merged.indices, merged.indptr), shape=merged.shape)
    chosen = choose_sites(
        rank(values, weight), int(p), costs.forced,
        exact=exact, time_limit_s=time_limit_s, gap=gap,
    )  # fmt: skip
    if chosen.is_open is None:
        return no_answer("mclp", costs, chosen.status, "", time.perf_counter() - began)
    sites = np.flatnonzero(chosen.is_open)
    assignment, cost = nearest_open(costs, sites)
    assignment = np.where(cost <= radius * (1 + 1e-9), assignment, -1)
    total = float(weight.sum())
    objective = float(costs.weight[assignment >= 0].sum())
    bound = max(total - chosen.bound, objective)
    return Siting(
        model="mclp", costs=costs, status=chosen.status, reason="", sites=sites,
        assignment=assignment, shares=None, objective=objective, bound=bound,
        gap=relative_gap(objective, bound), seconds=time.perf_counter() - began,
        checks=Checks(
            objective=relative_gap(objective, total - chosen.objective), n_sites=len(sites) - int(p)
        ),
    )  # fmt: skip


def merge_equal(covers: csr_array, weight: Floats) -> tuple[csr_array, Floats]:
    """Rows that see the same candidates made one, their weights added up.

    Rows of weight 0 and rows that see nobody are kept; their weights count as the others' do.
    """
    if covers.shape[0] == 0:
        return covers, weight
    words = np.random.default_rng(1974).integers(
        0, 2**64, size=(covers.shape[1], 2), dtype=np.uint64
    )
    rows = np.repeat(np.arange(covers.shape[0]), np.diff(covers.indptr))
    hashes = np.zeros((covers.shape[0], 2), dtype=np.uint64)
    np.add.at(hashes, rows, words[covers.indices])
    order = np.lexsort(hashes.T)
    ranked = hashes[order]
    new = np.ones(len(ranked), dtype=np.bool_)
    new[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    group: Positions = np.cumsum(new) - 1
    return csr_array(covers[order[new]]), totals(group, weight[order], int(new.sum()))
