"""Capacitated facility location: which sites to open and who goes where, at least cost."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from healthalloc.errors import DataError, Problem
from healthalloc.siting.answer import Checks, Siting, no_answer, pair_values, relative_gap
from healthalloc.siting.assign import Assigned
from healthalloc.siting.capacitated import Capacitated
from healthalloc.siting.capacitated_problem import solve_sites
from healthalloc.siting.costs import Costs, Floats, as_numbers, coordinates, totals
from healthalloc.siting.p_median import weighted
from healthalloc.solvers.base import Status

_MANY = 20


def capacitated_facility_location(
    costs: Costs,
    capacity: Any,
    site_cost: Any,
    *,
    demand: Any = None,
    single_source: bool = False,
    exact: bool = True,
    time_limit_s: float = 300.0,
    gap: float = 1e-9,
) -> Siting:
    """Open sites and share out demand so that sites plus weight times cost is least.

    The capacitated plant location problem (Sridharan 1995,
    doi:10.1016/0377-2217(95)00042-O); with ``single_source``, every demand point goes to one
    site (Holmberg, Ronnqvist and Yuan 1999). Lagrangian prices bound it and close sites that
    cannot pay; what is left is solved by HiGHS, with the rows ``share <= open`` added where the
    relaxation breaks them.

    Parameters
    ----------
    costs
        Forced sites are open and paid for.
    capacity : number or shape (n_candidates,)
        Demand that each site holds, ``inf`` for no limit.
    site_cost : number or shape (n_candidates,)
        Cost of each open site.
    demand : shape (n_demand,), optional
        What each demand point takes of a capacity; its weight by default. Weights of 1 with
        demand given mean that ``costs`` hold the cost of serving all of a demand point.
    single_source
        Whether a demand point goes to one site as a whole.
    exact
        If false, greedy choice and exchanges alone, for sizes where proof is out of reach,
        with a Lagrangian bound.
    time_limit_s, gap
        When to stop.

    Returns
    -------
    Siting
        ``shares`` says how demand is split. Infeasible, with the reason, if demand is more
        than capacity or, with ``single_source``, a demand point is larger than every capacity
        within its reach.

    Raises
    ------
    DataError
        With all problems of the arrays.
    """
    return solve_capacitated(
        "capacitated_facility_location", costs, capacity, site_cost, demand, None,
        single_source, exact, time_limit_s, gap,
    )  # fmt: skip


def solve_capacitated(
    model: str,
    costs: Costs,
    capacity: Any,
    site_cost: Any,
    demand: Any,
    p: int | None,
    single_source: bool,
    exact: bool,
    time_limit_s: float,
    gap: float,
) -> Siting:
    """Solve any of the capacitated models; see `capacitated_facility_location`."""
    began = time.perf_counter()
    until = began + time_limit_s
    problem = _problem(costs, capacity, site_cost, demand, p, single_source)
    reason = _impossible(costs, problem)
    if reason:
        return no_answer(model, costs, Status.INFEASIBLE, reason, time.perf_counter() - began)
    # pairs that no whole demand point fits through cannot be used
    if single_source:
        problem = problem.keep(problem.demand[problem.row] <= problem.capacity[problem.column])
    found = solve_sites(problem, exact=exact, until=until, gap=gap)
    if found.best is None:
        infeasible = found.status is Status.INFEASIBLE
        why = "no assignment keeps the capacities" if infeasible else "time limit"
        why = why if exact else "greedy choice and exchanges found no sites that serve everyone"
        return no_answer(model, costs, found.status, why, time.perf_counter() - began)
    return _answer(model, costs, problem, found.best, found.bound, found.status, began)


def _problem(
    costs: Costs, capacity: Any, site_cost: Any, demand: Any, p: int | None, whole: bool
) -> Capacitated:
    problems: list[Problem] = []
    m, n = costs.n_candidates, costs.n_demand
    arrays = {
        "capacity": (capacity, m), "site_cost": (site_cost, m),
        "demand": (costs.weight if demand is None else demand, n),
    }  # fmt: skip
    read: dict[str, Floats] = {}
    for name, (given, size) in arrays.items():
        values = as_numbers(name, given)
        if values.ndim == 0:
            values = np.full(size, float(values))
        if values.shape != (size,):
            problems.append(Problem(name, f"has shape {values.shape}, not ({size},)"))
        for k in np.flatnonzero(np.isnan(values) | (values < 0)).ravel()[:_MANY].tolist():
            problems.append(
                Problem(name, "is not 0 or more", k + 1, value=f"{values.ravel()[k]:g}")
            )
        if name != "capacity" and np.isposinf(values).any():
            problems.append(Problem(name, "is infinite", mend="give finite numbers"))
        read[name] = values
    if problems:
        raise DataError(problems)
    row, column, value = coordinates(weighted(costs))
    forced = np.isin(np.arange(m), costs.forced)
    return Capacitated(
        row, column, value, read["demand"],
        # no more than all demand is ever used; an infinite coefficient would be no number
        np.minimum(read["capacity"], read["demand"].sum()), read["site_cost"], forced, p,
        whole,
    )  # fmt: skip


def _impossible(costs: Costs, problem: Capacitated) -> str:
    """Why there can be no answer, or ''."""
    reasons = []
    lost = costs.unreached
    if len(lost):
        reasons.append(f"no candidate can reach {costs.some_demand(lost)}")
    total, room = problem.demand.sum(), problem.capacity
    if problem.p is not None:
        ranked = np.sort(room[~problem.forced])[::-1][: problem.p - int(problem.forced.sum())]
        most = float(room[problem.forced].sum() + ranked.sum())
        what = f"the {problem.p} sites of greatest capacity hold"
    else:
        most, what = float(room.sum()), "all candidates together hold"
    if total > most * (1 + 1e-12):
        reasons.append(f"total demand is {total:g}, but {what} {most:g}")
    if problem.whole:
        largest = np.zeros(costs.n_demand)
        np.maximum.at(largest, problem.row, room[problem.column])
        large = np.flatnonzero((problem.demand > largest) & (np.diff(costs.cost.indptr) > 0))
        if len(large):
            names = costs.some_demand(large)
            reasons.append(f"larger than every capacity within reach: {names}")
    return "; ".join(reasons)


def _answer(
    model: str,
    costs: Costs,
    problem: Capacitated,
    found: Assigned,
    lower: float,
    status: Status,
    began: float,
) -> Siting:
    is_open, sites = found.is_open, np.flatnonzero(found.is_open)
    row, column, share = coordinates(found.shares)
    value = pair_values(weighted(costs), row, column)
    objective = float(problem.site_cost[sites].sum() + np.nansum(value * share))
    load = totals(column, share * problem.demand[row], costs.n_candidates)
    served = totals(row, share, costs.n_demand)
    over = (load - problem.capacity) / np.maximum(problem.capacity, 1.0)
    bound = min(lower, objective)
    order = np.lexsort((share, row))
    assignment = np.full(costs.n_demand, -1, dtype=np.intp)
    assignment[row[order]] = column[order]
    return Siting(
        model=model, costs=costs, status=status, reason="", sites=sites,
        assignment=assignment, shares=found.shares, objective=objective, bound=bound,
        gap=relative_gap(objective, bound), seconds=time.perf_counter() - began,
        checks=Checks(
            objective=relative_gap(objective, found.total),
            unassigned=int((np.abs(served - 1.0) > 1e-6).sum()),
            misassigned=int((~is_open[column] | np.isnan(value)).sum()),
            capacity=float(max(over.max(initial=0.0), 0.0)),
            n_sites=0 if problem.p is None else len(sites) - problem.p,
        ),
    )  # fmt: skip
