"""Location set covering: the fewest sites that leave nobody beyond the radius."""

from __future__ import annotations

import time

import numpy as np

from healthalloc.siting.answer import Checks, Siting, nearest_open, no_answer, relative_gap
from healthalloc.siting.costs import Costs, check_radius
from healthalloc.siting.cover import fewest
from healthalloc.solvers.base import Status


def lscp(costs: Costs, radius: float, *, time_limit_s: float = 300.0) -> Siting:
    """Open as few sites as can be so that everyone has one within the radius.

    The location set covering problem of Toregas, Swain, ReVelle and Bergman (1971,
    doi:10.1287/opre.19.6.1363). Dominated rows and columns go first; what is left is bounded
    by its linear relaxation and, if need be, solved by HiGHS.

    Parameters
    ----------
    costs
        Forced sites count.
    radius
        Greatest cost at which a site covers a demand point.
    time_limit_s

    Returns
    -------
    Siting
        ``objective`` is the number of sites. Infeasible, with the demand points by name, if
        some have no candidate within the radius.

    Raises
    ------
    DataError
        If the radius is negative or not a number.
    """
    began = time.perf_counter()
    check_radius(radius)
    covers = costs.within(radius)
    lost = np.flatnonzero(np.diff(covers.indptr) == 0)
    if len(lost):
        names = costs.some_demand(lost)
        reason = f"no candidate within {radius:g} of {len(lost)} demand point(s): {names}"
        return no_answer("lscp", costs, Status.INFEASIBLE, reason, time.perf_counter() - began)
    found = fewest(covers, costs.forced, time_limit_s)
    assignment, cost = nearest_open(costs, found.columns)
    objective, bound = float(len(found.columns)), float(found.bound)
    return Siting(
        model="lscp", costs=costs, status=found.status, reason="", sites=found.columns,
        assignment=assignment, shares=None, objective=objective, bound=bound,
        gap=relative_gap(objective, bound), seconds=time.perf_counter() - began,
        checks=Checks(unassigned=int((cost > radius * (1 + 1e-9)).sum())),
    )  # fmt: skip
