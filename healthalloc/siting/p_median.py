"""p-median: p sites, so that everyone together travels least."""

from __future__ import annotations

import time

import numpy as np
from scipy.sparse import csr_array

from healthalloc.siting.answer import Checks, Siting, nearest_open, no_answer, relative_gap
from healthalloc.siting.costs import Costs, Floats, check_p
from healthalloc.siting.ranked import rank
from healthalloc.siting.sites_problem import choose_sites
from healthalloc.solvers.base import Status


def p_median(
    costs: Costs,
    p: int,
    *,
    exact: bool = True,
    time_limit_s: float = 300.0,
    gap: float = 1e-9,
) -> Siting:
    """Open p sites so that weight times cost to the cheapest open site is least in total.

    The p-median of Hakimi (1964, doi:10.1287/opre.12.3.450) and ReVelle and Swain (1970).

    Parameters
    ----------
    costs
        Forced sites are among the p.
    p
        Number of sites.
    exact
        If false, greedy choice and interchange alone, for sizes where proof is out of reach;
        the bound is then that of all candidates open.
    time_limit_s
        Seconds after which the best sites found are returned with their gap.
    gap
        Relative gap that counts as proof.

    Returns
    -------
    Siting
        Infeasible if no p sites reach every demand point.

    Raises
    ------
    DataError
        If p cannot be chosen.

    Examples
    --------
    >>> from healthalloc.siting import from_matrix, p_median
    >>> answer = p_median(from_matrix([[0, 9], [9, 0], [9, 1]], weight=[5, 1, 1]), p=1)
    >>> answer.site_ids, answer.objective
    ([0], 18.0)
    """
    began = time.perf_counter()
    check_p(costs, p)
    lost = costs.unreached
    if len(lost):
        reason = f"no candidate can reach {costs.some_demand(lost)}"
        return no_answer("p_median", costs, Status.INFEASIBLE, reason, _since(began))
    ranked = rank(weighted(costs))
    chosen = choose_sites(
        ranked, int(p), costs.forced, exact=exact, time_limit_s=time_limit_s, gap=gap
    )
    if chosen.is_open is None:
        reason = f"no {p} sites reach every demand point"
        return no_answer("p_median", costs, chosen.status, reason, _since(began))
    sites = np.flatnonzero(chosen.is_open)
    assignment, cost = nearest_open(costs, sites)
    objective = float(costs.weight @ np.where(assignment >= 0, cost, 0.0))
    bound = min(chosen.bound, objective)
    return Siting(
        model="p_median", costs=costs, status=chosen.status, reason="", sites=sites,
        assignment=assignment, shares=None, objective=objective, bound=bound,
        gap=relative_gap(objective, bound), seconds=_since(began),
        checks=Checks(
            objective=relative_gap(objective, chosen.objective),
            unassigned=int((assignment < 0).sum()),
            n_sites=len(sites) - int(p),
        ),
    )  # fmt: skip


def weighted(costs: Costs) -> csr_array:
    """Cost of serving all of a demand point: weight times cost."""
    cost = costs.cost
    values: Floats = cost.data * np.repeat(costs.weight, np.diff(cost.indptr))
    return csr_array((values, cost.indices, cost.indptr), shape=cost.shape)


def _since(began: float) -> float:
    return time.perf_counter() - began
