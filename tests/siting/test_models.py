"""Every model against every choice there is, on small cases."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthalloc.siting import (
    Siting,
    backup_coverage,
    capacitated_facility_location,
    capacitated_p_median,
    from_matrix,
    lscp,
    mclp,
    p_center,
    p_median,
)
from healthalloc.solvers import Status
from tests.examples import examples

FAR = np.inf


@st.composite
def cases(draw, reachable=True):
    n, m = draw(st.integers(1, 7)), draw(st.integers(1, 6))
    whole = draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    cost = rng.integers(0, 8, (n, m)).astype(float) if whole else rng.random((n, m)) * 10
    if not reachable or draw(st.booleans()):
        cost[rng.random((n, m)) < 0.3] = FAR
    weight = rng.integers(0, 9, n).astype(float)
    forced = tuple(np.flatnonzero(rng.random(m) < 0.2).tolist())
    p = draw(st.integers(max(1, len(forced)), m))
    return cost, weight, forced, p


def choices(m, forced, sizes):
    for size in sizes:
        for sites in itertools.combinations(range(m), size):
            if set(forced) <= set(sites):
                yield list(sites)


def nearest(cost, sites):
    return cost[:, sites].min(axis=1) if sites else np.full(len(cost), FAR)


def total(weight, cost):
    return FAR if np.isinf(cost).any() else float(weight @ cost)


def agrees(answer: Siting, best: float) -> None:
    if not np.isfinite(best):
        assert answer.status is Status.INFEASIBLE
        assert answer.reason
        return
    assert answer.status is Status.OPTIMAL
    assert answer.objective == pytest.approx(best, rel=1e-9, abs=1e-9)
    assert answer.bound == pytest.approx(best, rel=1e-6, abs=1e-6)
    assert answer.checks is not None
    assert answer.checks.passes
    assert set(answer.costs.forced) <= set(answer.sites)


@settings(max_examples=examples(60))
@given(cases())
def test_p_median_is_the_best_of_all(case):
    cost, weight, forced, p = case
    answer = p_median(from_matrix(cost, weight, forced), p)
    m = cost.shape[1]
    agrees(answer, min(total(weight, nearest(cost, s)) for s in choices(m, forced, [p])))


@settings(max_examples=examples(40))
@given(cases(), st.booleans())
def test_p_center_is_the_best_of_all(case, by_weight):
    cost, weight, forced, p = case
    answer = p_center(from_matrix(cost, weight, forced), p, by_weight=by_weight)
    factor = weight if by_weight else np.ones(len(weight))
    best = FAR
    for sites in choices(cost.shape[1], forced, [p]):
        near = nearest(cost, sites)
        if np.isfinite(near).all():
            best = min(best, float((near * factor).max()))
    agrees(answer, best)


@settings(max_examples=examples(40))
@given(cases(reachable=False), st.floats(0, 9))
def test_lscp_is_the_best_of_all(case, radius):
    cost, weight, forced, _ = case
    answer = lscp(from_matrix(cost, weight, forced), radius)
    m = cost.shape[1]
    covering = (s for s in choices(m, forced, range(m + 1)) if (nearest(cost, s) <= radius).all())
    agrees(answer, min((float(len(s)) for s in covering), default=FAR))


@settings(max_examples=examples(40))
@given(cases(reachable=False), st.floats(0, 9))
def test_mclp_is_the_best_of_all(case, radius):
    cost, weight, forced, p = case
    answer = mclp(from_matrix(cost, weight, forced), p, radius)
    best = max(
        float(weight[nearest(cost, s) <= radius].sum()) for s in choices(cost.shape[1], forced, [p])
    )
    agrees(answer, best)


@settings(max_examples=examples(40))
@given(cases(), st.floats(0, 9))
def test_backup_coverage_is_the_best_of_all(case, radius):
    cost, weight, forced, p = case
    answer = backup_coverage(from_matrix(cost, weight, forced), p, radius)
    best = -FAR
    for sites in choices(cost.shape[1], forced, [p]):
        times = (cost[:, sites] <= radius).sum(axis=1)
        if (times >= 1).all():
            best = max(best, float(weight[times >= 2].sum()))
    agrees(answer, best)


def whole_assignments(cost, weight, demand, capacity, sites):
    """Least cost with each demand point at one site, by going through all of them."""
    best = FAR
    for chosen in itertools.product(sites, repeat=len(weight)):
        load = np.bincount(chosen, demand, minlength=cost.shape[1])
        used = cost[np.arange(len(weight)), list(chosen)]
        if (load <= capacity + 1e-9).all() and np.isfinite(used).all():
            best = min(best, float(weight @ used))
    return best


def split_assignments(cost, weight, demand, capacity, sites):
    """Least cost with demand split, by an independent solver."""
    from scipy.optimize import linprog

    n, k = len(weight), len(sites)
    value = np.where(np.isinf(cost), np.inf, weight[:, None] * np.where(np.isinf(cost), 0, cost))
    value = value[:, sites]
    bounds = [(0, 0 if np.isinf(v) else 1) for v in value.ravel()]
    equal = np.kron(np.eye(n), np.ones(k))
    loads = np.kron(demand, np.eye(k))
    found = linprog(
        np.where(np.isinf(value), 0, value).ravel(), A_ub=loads, b_ub=capacity[sites],
        A_eq=equal, b_eq=np.ones(n), bounds=bounds,
    )  # fmt: skip
    return float(found.fun) if found.status == 0 else FAR


@st.composite
def sized_cases(draw):
    n, m = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    cost = rng.integers(0, 9, (n, m)).astype(float)
    if draw(st.booleans()):
        cost[rng.random((n, m)) < 0.2] = FAR
    demand = rng.integers(0 if draw(st.booleans()) else 1, 6, n).astype(float)
    weight = demand if draw(st.booleans()) else rng.integers(0, 6, n).astype(float)
    capacity = rng.integers(0, 14, m).astype(float)
    site_cost = rng.integers(0, 20, m).astype(float)
    forced = tuple(np.flatnonzero(rng.random(m) < 0.2).tolist())
    p = draw(st.integers(max(1, len(forced)), m))
    return cost, weight, demand, capacity, site_cost, forced, p


@settings(max_examples=examples(60))
@given(sized_cases(), st.booleans())
def test_facility_location_is_the_best_of_all(case, single):
    cost, weight, demand, capacity, site_cost, forced, _ = case
    answer = capacitated_facility_location(
        from_matrix(cost, weight, forced), capacity, site_cost,
        demand=demand, single_source=single,
    )  # fmt: skip
    m = cost.shape[1]
    assign = whole_assignments if single else split_assignments
    best = min(
        site_cost[s].sum() + assign(cost, weight, demand, capacity, s)
        for s in choices(m, forced, range(1, m + 1))
    )
    agrees(answer, best)


@settings(max_examples=examples(50))
@given(sized_cases(), st.booleans())
def test_capacitated_p_median_is_the_best_of_all(case, single):
    cost, weight, demand, capacity, _, forced, p = case
    answer = capacitated_p_median(
        from_matrix(cost, weight, forced), p, capacity, demand=demand, single_source=single
    )
    assign = whole_assignments if single else split_assignments
    best = min(
        assign(cost, weight, demand, capacity, s) for s in choices(cost.shape[1], forced, [p])
    )
    agrees(answer, best)


def plane(n, seed):
    rng = np.random.default_rng(seed)
    xy = rng.random((n, 2)) * 100
    return np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)), rng.integers(1, 50, n)


def test_order_does_not_matter():
    cost, weight = plane(40, 1)
    rng = np.random.default_rng(2)
    rows, columns = rng.permutation(40), rng.permutation(40)
    here = from_matrix(cost, weight)
    there = from_matrix(cost[rows][:, columns], weight[rows])
    for solve in (
        lambda c: p_median(c, 4),
        lambda c: p_center(c, 4),
        lambda c: lscp(c, 20.0),
        lambda c: mclp(c, 4, 15.0),
        lambda c: backup_coverage(c, 12, 30.0),
        lambda c: capacitated_p_median(c, 4, 400.0),
    ):
        first, second = solve(here), solve(there)
        assert first.objective == pytest.approx(second.objective, rel=1e-9)
        assert first.status is second.status is Status.OPTIMAL


def test_more_sites_and_longer_radii_are_never_worse():
    cost, weight = plane(50, 3)
    costs = from_matrix(cost, weight)
    medians = [p_median(costs, p).objective for p in range(1, 12)]
    centers = [p_center(costs, p).objective for p in range(1, 12)]
    covered = [mclp(costs, p, 15.0).objective for p in range(1, 12)]
    needed = [lscp(costs, radius).objective for radius in (5.0, 10.0, 20.0, 40.0, 80.0)]
    assert (np.diff(medians) < 0).all()
    assert (np.diff(centers) <= 0).all()
    assert (np.diff(covered) >= 0).all()
    assert (np.diff(needed) <= 0).all()
    farther = [mclp(costs, 3, radius).objective for radius in (5.0, 10.0, 20.0, 40.0)]
    assert (np.diff(farther) >= 0).all()


def test_a_forced_site_costs_what_it_costs():
    cost, weight = plane(30, 4)
    free = p_median(from_matrix(cost, weight), 3)
    worst = int(np.argmax(weight @ cost))
    held = p_median(from_matrix(cost, weight, [worst]), 3)
    assert worst in held.sites
    assert held.objective > free.objective
    assert p_median(from_matrix(cost, weight, free.sites), 3).objective == free.objective


def test_the_heuristic_says_what_it_does_not_prove():
    cost, weight = plane(60, 5)
    costs = from_matrix(cost, weight)
    quick, proved = p_median(costs, 5, exact=False), p_median(costs, 5)
    assert quick.status is Status.LIMIT_WITH_INCUMBENT
    assert quick.bound <= proved.objective <= quick.objective
    assert quick.gap > 0


def test_a_wide_integrality_gap_is_closed():
    # odd cycles: every point reaches two of the candidates around it
    n = 9
    cost = np.full((n, n), FAR)
    for i in range(n):
        cost[i, i] = cost[i, (i + 1) % n] = 1.0
    for exact, many in ((lscp(from_matrix(cost), 1.0), 5),):
        assert exact.objective == exact.bound == many
    assert p_median(from_matrix(cost), 4).status is Status.INFEASIBLE
    assert p_median(from_matrix(cost), 5).objective == n
    assert p_center(from_matrix(cost), 4).status is Status.INFEASIBLE


@pytest.mark.parametrize("seed", [0, 2, 3, 4])
def test_branching_and_the_program_over_radii_agree(monkeypatch, seed):
    from healthalloc.siting import sites_problem

    rng = np.random.default_rng(seed)
    cost = rng.integers(1, 30, (40, 25)).astype(float)
    cost[rng.random(cost.shape) < 0.3] = FAR
    costs = from_matrix(cost, rng.integers(0, 9, 40))
    calls = []
    solve, search = sites_problem.solve_highs, sites_problem.branch
    monkeypatch.setattr(
        sites_problem, "solve_highs", lambda *a: (calls.append("program"), solve(*a))[1]
    )
    monkeypatch.setattr(sites_problem, "branch", lambda *a: (calls.append("branch"), search(*a))[1])
    branched = p_median(costs, 6)
    monkeypatch.setattr(sites_problem, "_FEW_SITES", 0)
    programmed = p_median(costs, 6)
    assert calls == ["branch", "program"]
    assert branched.status is programmed.status is Status.OPTIMAL
    assert branched.objective == programmed.objective


def test_whole_demand_points_cost_no_less_than_split_ones():
    cost, weight = plane(25, 6)
    costs = from_matrix(cost, weight)
    split = capacitated_facility_location(costs, 180.0, 500.0)
    whole = capacitated_facility_location(costs, 180.0, 500.0, single_source=True)
    for answer in (split, whole):
        assert answer.status is Status.OPTIMAL
        assert answer.checks is not None
        assert answer.checks.passes
    assert whole.objective >= split.objective - 1e-6
    assert (whole.shares.data == 1).all()
    assert split.bound == pytest.approx(split.objective, rel=1e-6)
