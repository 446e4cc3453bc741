"""Capacitated facility location: which sites to open and who goes where, at least cost."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array

from healthalloc.errors import DataError, Problem
from healthalloc.siting.answer import Checks, Siting, no_answer, pair_values, relative_gap
from healthalloc.siting.capacitated import (
    Capacitated,
    capacitated_program,
    fix_sites,
    link_rows,
    raise_bound,
)
from healthalloc.siting.costs import Costs, Flags, Floats, coordinates, totals
from healthalloc.siting.p_median import weighted
from healthalloc.solvers import Session, SolverOptions, solve_highs
from healthalloc.solvers.base import Status

_LINK_ROUNDS = 30
_MANY = 20


def capacitated_facility_location(
    costs: Costs,
    capacity: Any,
    site_cost: Any,
    *,
    demand: Any = None,
    single_source: bool = False,
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
        single_source, time_limit_s, gap,
    )  # fmt: skip


def solve_capacitated(
    model: str,
    costs: Costs,
    capacity: Any,
    site_cost: Any,
    demand: Any,
    p: int | None,
    single_source: bool,
    time_limit_s: float,
    gap: float,
) -> Siting:
    """Solve any of the capacitated models; see `capacitated_facility_location`."""
    began = time.perf_counter()
    until = began + time_limit_s
    problem = _problem(costs, capacity, site_cost, demand, p)
    reason = _impossible(costs, problem, single_source)
    if reason:
        return no_answer(model, costs, Status.INFEASIBLE, reason, time.perf_counter() - began)

    def cost_of(is_open: Flags) -> tuple[float, object]:
        return _best_shares(problem, is_open, single_source, until)

    # pairs that no whole demand point fits through cannot be used
    if single_source:
        fits = problem.demand[problem.row] <= problem.capacity[problem.column]
        problem = problem.keep(fits)
    bound, objective, x = raise_bound(problem, cost_of, until, most_tries=30)
    lower, status = min(bound.value, objective), Status.OPTIMAL
    slack = max(1e-10, 0.5 * gap) * abs(objective) if np.isfinite(objective) else 0.0
    if not objective - lower <= slack:
        limit = objective - slack
        closed, opened, usable = fix_sites(problem, bound, limit)
        left = problem.keep(usable if single_source else ~closed[problem.column])
        # where no capacity is taken, only a row of its own ties a share to its site
        linked = (left.value < bound.price[left.row]) | (left.demand[left.row] == 0)
        program = capacitated_program(left, closed, opened, linked, single_source)
        program = _linked(program, left, until)
        seconds = max(1.0, until - time.perf_counter())
        result = solve_highs(program, SolverOptions(time_limit_s=seconds, gap=gap / 2))
        status = result.status
        if result.bound is not None:
            lower = max(lower, min(result.bound, objective))
        if result.x is not None:
            total, found = cost_of(result.x[: costs.n_candidates] > 0.5)
            shares = _as_shares(left, result.x[costs.n_candidates :], costs)
            if single_source:
                total, found = _priced(problem, result.x[: costs.n_candidates] > 0.5, shares)
            if total < objective:
                objective, x = total, found
        if status is Status.INFEASIBLE and np.isfinite(objective):
            lower, status = objective, Status.OPTIMAL
    if not isinstance(x, tuple):
        why = "no assignment keeps the capacities" if status is Status.INFEASIBLE else "time limit"
        if status.has_solution:
            status = Status.LIMIT_WITHOUT_INCUMBENT
        return no_answer(model, costs, status, why, time.perf_counter() - began)
    if status is Status.LIMIT_WITHOUT_INCUMBENT:
        status = Status.LIMIT_WITH_INCUMBENT
    return _answer(model, costs, problem, x, objective, lower, status, began)


def _problem(
    costs: Costs, capacity: Any, site_cost: Any, demand: Any, p: int | None
) -> Capacitated:
    problems: list[Problem] = []
    m, n = costs.n_candidates, costs.n_demand
    arrays = {
        "capacity": (capacity, m), "site_cost": (site_cost, m),
        "demand": (costs.weight if demand is None else demand, n),
    }  # fmt: skip
    read: dict[str, Floats] = {}
    for name, (given, size) in arrays.items():
        values = np.asarray(given, dtype=np.float64)
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
    )  # fmt: skip


def _impossible(costs: Costs, problem: Capacitated, single_source: bool) -> str:
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
    if single_source:
        largest = np.zeros(costs.n_demand)
        np.maximum.at(largest, problem.row, room[problem.column])
        large = np.flatnonzero((problem.demand > largest) & (np.diff(costs.cost.indptr) > 0))
        if len(large):
            names = costs.some_demand(large)
            reasons.append(f"larger than every capacity within reach: {names}")
    return "; ".join(reasons)


def _linked(program: Any, left: Capacitated, until: float) -> Any:
    """The program with the rows ``share <= site`` that its relaxation breaks."""
    m = len(left.capacity)
    options = SolverOptions(time_limit_s=max(1.0, until - time.perf_counter()))
    session = Session(program.relaxed(), options)
    for _ in range(_LINK_ROUNDS):
        result = session.solve()
        if result.x is None or result.status is not Status.OPTIMAL:
            break
        broken = np.flatnonzero(result.x[m:] > result.x[:m][left.column] + 1e-6)
        if not len(broken) or time.perf_counter() > until:
            break
        session.add_rows(
            link_rows(left, broken), np.full(len(broken), -np.inf), np.zeros(len(broken))
        )
    relaxed = session.program
    return type(program)(
        cost=program.cost, offset=program.offset, matrix=relaxed.matrix,
        row_lower=relaxed.row_lower, row_upper=relaxed.row_upper,
        column_lower=program.column_lower, column_upper=program.column_upper,
        integer=program.integer,
    )  # fmt: skip


def _best_shares(
    problem: Capacitated, is_open: Flags, single_source: bool, until: float
) -> tuple[float, object]:
    """Cheapest shares of given open sites: a transport program."""
    if problem.capacity[is_open].sum() < problem.demand.sum() * (1 - 1e-12):
        return np.inf, None
    mine = problem.keep(is_open[problem.column])
    none = np.zeros(len(mine.value), dtype=np.bool_)
    program = capacitated_program(
        Capacitated(mine.row, mine.column, mine.value, mine.demand, mine.capacity,
                    np.zeros_like(mine.site_cost), mine.forced, None),
        ~is_open, is_open, none, single_source,
    )  # fmt: skip
    seconds = max(1.0, until - time.perf_counter())
    if single_source:
        seconds = min(5.0, seconds)
    result = solve_highs(program, SolverOptions(time_limit_s=seconds, gap=1e-3))
    if result.x is None:
        return np.inf, None
    m, n = len(problem.capacity), len(problem.demand)
    x = np.clip(result.x[m:], 0.0, 1.0)
    x[x < 1e-9] = 0.0
    shares = csr_array(coo_array((x, (mine.row, mine.column)), shape=(n, m)))
    if single_source:
        shares.data = np.rint(shares.data)
    shares.eliminate_zeros()
    return _priced(problem, is_open, shares)


def _as_shares(left: Capacitated, x: Floats, costs: Costs) -> csr_array:
    keep = x > 0.5
    shape = (costs.n_demand, costs.n_candidates)
    places = (left.row[keep], left.column[keep])
    return csr_array(coo_array((np.ones(int(keep.sum())), places), shape=shape))


def _priced(problem: Capacitated, is_open: Flags, shares: csr_array) -> tuple[float, object]:
    """What sites and shares cost, from the arrays."""
    row, column, share = coordinates(shares)
    n, m = shares.shape
    values = csr_array(
        coo_array((problem.value + 1.0, (problem.row, problem.column)), shape=(n, m))
    )  # + 1 so that a cost of 0 stays stored
    value = pair_values(values, row, column) - 1.0
    total = float(problem.site_cost[is_open].sum() + value @ share)
    return total, (is_open, shares)


def _answer(
    model: str,
    costs: Costs,
    problem: Capacitated,
    x: tuple[Flags, csr_array],
    told: float,
    lower: float,
    status: Status,
    began: float,
) -> Siting:
    is_open, shares = x
    sites = np.flatnonzero(is_open)
    row, column, share = coordinates(shares)
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
        assignment=assignment, shares=shares, objective=objective, bound=bound,
        gap=relative_gap(objective, bound), seconds=time.perf_counter() - began,
        checks=Checks(
            objective=relative_gap(objective, told),
            unassigned=int((np.abs(served - 1.0) > 1e-6).sum()),
            misassigned=int((~is_open[column] | np.isnan(value)).sum()),
            capacity=float(max(over.max(initial=0.0), 0.0)),
            n_sites=0 if problem.p is None else len(sites) - problem.p,
        ),
    )  # fmt: skip
