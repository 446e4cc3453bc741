"""Backup coverage: everyone within the radius of a site, as many as possible of two."""

from __future__ import annotations

import time

import numpy as np
from scipy.sparse import coo_array, csc_array

from healthalloc.formulation.program import LinearProgram
from healthalloc.siting.answer import Checks, Siting, nearest_open, no_answer, relative_gap
from healthalloc.siting.costs import Costs, check_p, check_radius
from healthalloc.solvers import SolverOptions, solve_highs
from healthalloc.solvers.base import Status


def backup_coverage(
    costs: Costs, p: int, radius: float, *, time_limit_s: float = 300.0, gap: float = 1e-9
) -> Siting:
    """Cover everyone once and the greatest weight twice with p sites.

    BACOP1 of Hogan and ReVelle (1986, doi:10.1287/mnsc.32.11.1434).

    Parameters
    ----------
    costs
        Forced sites are among the p.
    p
        Number of sites.
    radius
        Greatest cost at which a site covers a demand point.
    time_limit_s, gap
        When to stop.

    Returns
    -------
    Siting
        ``objective`` is the weight within the radius of two or more sites; ``assignment`` is
        the cheapest site. Infeasible if p sites cannot cover everyone once; `lscp` says how
        many can.

    Raises
    ------
    DataError
        If p or the radius cannot be.
    """
    began = time.perf_counter()
    check_p(costs, p)
    check_radius(radius)
    covers = costs.within(radius)
    lost = np.flatnonzero(np.diff(covers.indptr) == 0)
    if len(lost):
        reason = f"no candidate within {radius:g} of {costs.some_demand(lost)}"
        return no_answer(
            "backup_coverage", costs, Status.INFEASIBLE, reason, time.perf_counter() - began
        )
    n, m = covers.shape
    row = np.repeat(np.arange(n), np.diff(covers.indptr))
    parts = [
        (row, covers.indices, np.ones(covers.nnz)),
        (np.arange(n), m + np.arange(n), -np.ones(n)),
        (np.full(m, n), np.arange(m), np.ones(m)),
    ]
    rows, columns, data = (np.concatenate([part[k] for part in parts]) for k in range(3))
    forced = np.isin(np.arange(m), costs.forced)
    program = LinearProgram(
        cost=np.concatenate([np.zeros(m), -costs.weight]),
        offset=0.0,
        matrix=csc_array(coo_array((data, (rows, columns)), shape=(n + 1, m + n))),
        row_lower=np.append(np.ones(n), float(p)),
        row_upper=np.append(np.full(n, np.inf), float(p)),
        column_lower=np.concatenate([forced.astype(float), np.zeros(n)]),
        column_upper=np.ones(m + n),
        # with whole sites the second cover is whole at an optimum by itself
        integer=np.arange(m + n) < m,
    )
    result = solve_highs(program, SolverOptions(time_limit_s=time_limit_s, gap=gap))
    if result.x is None:
        infeasible = result.status is Status.INFEASIBLE
        reason = f"no {p} sites cover everyone" if infeasible else "time limit"
        return no_answer(
            "backup_coverage", costs, result.status, reason, time.perf_counter() - began
        )
    sites = np.flatnonzero(result.x[:m] > 0.5)
    assignment, cost = nearest_open(costs, sites)
    times = np.asarray(covers[:, sites].sum(axis=1)).ravel()
    objective = float(costs.weight[times >= 2].sum())
    bound = max(objective, -(result.bound if result.bound is not None else -np.inf))
    told = -float(program.cost @ result.x)
    return Siting(
        model="backup_coverage", costs=costs, status=result.status, reason="", sites=sites,
        assignment=assignment, shares=None, objective=objective, bound=bound,
        gap=relative_gap(objective, bound), seconds=time.perf_counter() - began,
        checks=Checks(
            objective=abs(objective - told) / max(1.0, abs(objective)),
            unassigned=int((cost > radius * (1 + 1e-9)).sum()),
            n_sites=len(sites) - int(p),
        ),
    )  # fmt: skip
