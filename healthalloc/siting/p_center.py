"""p-center: p sites, so that the farthest has least far to go."""

from __future__ import annotations

import time

import numpy as np
from scipy.sparse import csr_array

from healthalloc.siting.answer import Checks, Siting, nearest_open, no_answer, relative_gap
from healthalloc.siting.costs import Costs, Floats, Positions, check_p
from healthalloc.siting.cover import fewest
from healthalloc.siting.p_median import weighted
from healthalloc.solvers.base import Status


def p_center(
    costs: Costs, p: int, *, by_weight: bool = False, time_limit_s: float = 300.0
) -> Siting:
    """Open p sites so that the greatest cost to the cheapest open site is least.

    The vertex p-center of Hakimi (1965) by bisection over the different costs: p sites will do
    for a radius if no more are needed to cover everyone within it (Minieka 1970,
    doi:10.1137/1012016; Daskin 2000).

    Parameters
    ----------
    costs
        Forced sites are among the p.
    p
        Number of sites.
    by_weight
        Whether the greatest product of weight and cost counts; by default the weights do not
        matter.
    time_limit_s

    Returns
    -------
    Siting
        ``objective`` is the greatest cost. Infeasible if no p sites reach every demand point.

    Raises
    ------
    DataError
        If p cannot be chosen.
    """
    began = time.perf_counter()
    check_p(costs, p)
    lost = costs.unreached
    if len(lost):
        reason = f"no candidate can reach {costs.some_demand(lost)}"
        return _none(costs, Status.INFEASIBLE, reason, began)
    values = weighted(costs) if by_weight else costs.cost
    distinct = np.unique(values.data)
    # below the nearest candidate of someone, or beyond a forced site, nothing helps
    low = int(np.searchsorted(distinct, _farthest_nearest(values)))
    high = len(distinct) - 1
    spread = _spread(values, p, costs.forced)
    best = spread
    if spread is not None:
        high = int(np.searchsorted(distinct, _greatest(values, spread)))
    else:
        best = fewest_within(values, distinct[high], costs, p, began, time_limit_s)
    if best is None:
        return _none(costs, Status.LIMIT_WITHOUT_INCUMBENT, "time limit", began)
    if len(best) > p:
        return _none(costs, Status.INFEASIBLE, f"no {p} sites reach every demand point", began)
    proved = True
    while low < high:
        middle = (low + high) // 2
        found = fewest_within(values, distinct[middle], costs, p, began, time_limit_s)
        if found is None:
            proved = False
            break
        if len(found) <= p:
            best = found
            high = min(middle, int(np.searchsorted(distinct, _greatest(values, found))))
        else:
            low = middle + 1
    sites = _filled(best, p, costs.n_candidates)
    assignment, cost = nearest_open(costs, sites)
    objective = float((cost * costs.weight if by_weight else cost).max())
    bound = objective if proved else min(float(distinct[low]), objective)
    status = Status.OPTIMAL if proved or bound == objective else Status.LIMIT_WITH_INCUMBENT
    return Siting(
        model="p_center", costs=costs, status=status, reason="", sites=sites,
        assignment=assignment, shares=None, objective=objective, bound=bound,
        gap=relative_gap(objective, bound), seconds=time.perf_counter() - began,
        checks=Checks(
            objective=relative_gap(objective, min(objective, float(distinct[high]))),
            unassigned=int((assignment < 0).sum()),
            n_sites=len(sites) - int(p),
        ),
    )  # fmt: skip


def fewest_within(
    values: csr_array, radius: float, costs: Costs, p: int, began: float, time_limit_s: float
) -> Positions | None:
    """Sites that cover everyone within a radius: p or fewer if that can be, else more.

    None if time ran out before that was known.
    """
    near = values.data <= radius
    counts = np.concatenate([[0], np.cumsum(near)])
    parts = (np.ones(int(near.sum())), values.indices[near], counts[values.indptr])
    covers = csr_array(parts, shape=values.shape)
    left = time_limit_s - (time.perf_counter() - began)
    if left <= 0:
        return None
    found = fewest(covers, costs.forced, left, at_most=p)
    return found.columns if found.status is Status.OPTIMAL else None


def _farthest_nearest(values: csr_array) -> float:
    return float(np.minimum.reduceat(values.data, values.indptr[:-1]).max())


def _greatest(values: csr_array, sites: Positions) -> float:
    """Greatest value to the cheapest of some sites; inf if someone reaches none."""
    columns = csr_array(values[:, sites])
    if (np.diff(columns.indptr) == 0).any():
        return float("inf")
    return _farthest_nearest(columns)


def _spread(values: csr_array, p: int, forced: Positions) -> Positions | None:
    """The farthest demand point's nearest site, p times (Gonzalez 1985), if that reaches all."""
    sites = list(forced)
    nearest: Floats = np.full(values.shape[0], np.inf)
    by_column = values.tocsc()

    def add(site: int) -> None:
        part = slice(by_column.indptr[site], by_column.indptr[site + 1])
        rows = by_column.indices[part]
        nearest[rows] = np.minimum(nearest[rows], by_column.data[part])

    for site in sites:
        add(int(site))
    while len(sites) < p:
        row = int(nearest.argmax())
        part = slice(values.indptr[row], values.indptr[row + 1])
        site = int(values.indices[part][values.data[part].argmin()])
        if site in sites:
            break
        sites.append(site)
        add(site)
    if np.isinf(nearest).any():
        return None
    return np.unique(np.array(sites, dtype=np.intp))


def _filled(sites: Positions, p: int, n_candidates: int) -> Positions:
    """With further sites until there are p; a further site never does harm."""
    rest = np.setdiff1d(np.arange(n_candidates), sites)
    return np.union1d(sites, rest[: p - len(sites)])


def _none(costs: Costs, status: Status, reason: str, began: float) -> Siting:
    return no_answer("p_center", costs, status, reason, time.perf_counter() - began)
