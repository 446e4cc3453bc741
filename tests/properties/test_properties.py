"""What must hold for every scenario, whatever its figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

import healthalloc as ha
from healthalloc.layout import Layout
from healthalloc.plan import KINDS
from healthalloc.schema import TABLES
from tests.examples import examples
from tests.properties.scenarios import (
    FLAG,
    KINDS_COVERED,
    SOURCE,
    scenarios,
    with_clauses,
)

CONSTANT_BASE = {
    "amount", "area_share", "coverage", "facility_target", "freeze_rule", "ratio_to_population",
    "surge_reserve",
}  # fmt: skip
"""Kinds whose value is a linear form of the allocation: the least cost is convex in the target."""
SITES_ALONE = {"facility_count", "facility_per_population", "merger"}
"""Kinds whose value depends on openings alone: with fixed sites nothing in them can move."""
BY_FLOWS = {"first_contact_share", "length_of_stay", "referral_share"}
"""Kinds whose value depends on where cases go, so that stock alone does not tell it."""
OPTIMAL, INFEASIBLE = ha.Status.OPTIMAL, ha.Status.INFEASIBLE


def rounding(*costs: float) -> float:
    """Difference between two equal costs that solvers may leave."""
    return 1e-6 * max([1.0, *map(abs, costs)])


def as_printed(solution: ha.Solution) -> float:
    """What the eight digits that CBC prints leave open in a cost made up of large terms."""
    assert solution.result.x is not None
    return 1e-8 * float(np.abs(solution.model.program.cost) @ np.abs(solution.result.x))


def solved(scenario: ha.Scenario, whole_units: bool = False) -> ha.Solution:
    solution = ha.solve(scenario, whole_units=whole_units)
    assert solution.status in (OPTIMAL, INFEASIBLE)
    if solution.status is OPTIMAL:
        assert solution.certificate is not None
        assert solution.certificate.passes()
    return solution


def least_cost(scenario: ha.Scenario, whole_units: bool = False) -> float:
    """The least cost; infinite where the plan is infeasible."""
    solution = solved(scenario, whole_units)
    return solution.objective if solution.status is OPTIMAL else np.inf


def assert_no_dearer(cost: float, than: float) -> None:
    assert cost <= than + (rounding(than) if np.isfinite(than) else 0.0)


# --- more of something never hurts


@given(scenario=scenarios(), whole_units=st.booleans(), data=st.data())
def test_wider_stock_limits_never_cost_more(
    scenario: ha.Scenario, whole_units: bool, data: st.DataObject
) -> None:
    stock = scenario.stock.copy()
    for row in range(len(stock)):
        wider = data.draw(st.sampled_from(("", "upper", "lower")))
        if wider == "upper" and stock.at[row, "resource_id"] != FLAG:
            stock.at[row, "upper"] += 6.0
        if wider == "lower":
            stock.at[row, "lower"] = 0.0
    cost = least_cost(scenario.replace(stock=stock), whole_units)
    assert_no_dearer(cost, least_cost(scenario, whole_units))


# a merger may say that a branch must stay where many live: a new one too
@given(scenario=scenarios(kinds=sorted(KINDS_COVERED - {"merger"})), whole_units=st.booleans())
def test_a_further_candidate_never_costs_more(scenario: ha.Scenario, whole_units: bool) -> None:
    first = scenario.facilities.iloc[[0]]
    site = first.assign(facility_id="new", site="candidate", site_cost_cny=250.0)
    leaves = sorted(set(scenario.resources["resource_id"]) - set(scenario.resources["parent_id"]))
    stock = pd.DataFrame(
        {"facility_id": "new", "resource_id": leaves, "existing": 0.0, "lower": 0.0}
    ).assign(upper=[1.0 if leaf == FLAG else 20.0 for leaf in leaves], source=SOURCE)
    more = scenario.replace(
        facilities=pd.concat([scenario.facilities, site]),
        stock=pd.concat([scenario.stock, stock]),
    )
    cost = least_cost(more, whole_units)
    assert_no_dearer(cost, least_cost(scenario, whole_units))


@given(scenario=scenarios(), whole_units=st.booleans())
def test_a_further_form_never_costs_more(scenario: ha.Scenario, whole_units: bool) -> None:
    bases = scenario.facilities[scenario.facilities["form_of"] == ""]
    base = bases[bases["site"] != "candidate"].head(1)
    assume(len(base))
    facility_id = base["facility_id"].iloc[0]
    form = base.assign(
        facility_id="new", site="candidate", site_cost_cny=250.0, form_of=facility_id
    )
    own = scenario.stock[scenario.stock["facility_id"] == facility_id]
    of_form = own.assign(facility_id="new", existing=0.0).fillna({"upper": 30.0})
    # an institution with forms may not be without limits
    limited = scenario.replace(stock=scenario.stock.fillna({"upper": 30.0}))
    kinds = {clause.kind for clause in scenario.plan.clauses}
    assume("merger" not in kinds)
    try:
        more = limited.replace(
            facilities=pd.concat([scenario.facilities, form]),
            stock=pd.concat([limited.stock, of_form]),
        )
    except ha.PlanError:  # a department that may now be held 30 times
        return
    assert_no_dearer(least_cost(more, whole_units), least_cost(limited, whole_units))


@given(
    scenario=scenarios(kinds=sorted(KINDS_COVERED - {"referral_share"})),
    whole_units=st.booleans(),
)
def test_farther_referrals_never_cost_more(scenario: ha.Scenario, whole_units: bool) -> None:
    assume(len(scenario.referrals))
    farther = scenario.referrals.assign(radius=3.0 * scenario.referrals["radius"])
    cost = least_cost(scenario.replace(referrals=farther), whole_units)
    assert_no_dearer(cost, least_cost(scenario, whole_units))


@given(scenario=scenarios(n_clauses=(1, 2), first_kind="length_of_stay"), whole_units=st.booleans())
def test_a_shorter_stay_never_costs_more(scenario: ha.Scenario, whole_units: bool) -> None:
    stay, *others = scenario.plan.clauses
    costs = [
        least_cost(with_clauses(scenario, [*stated, *others]), whole_units)
        for stated in ([replace(stay, at_most=0.5 * (stay.at_most or 0.0))], [stay], [])
    ]
    for shorter, longer in pairwise(costs):
        assert_no_dearer(shorter, longer)


@given(scenario=scenarios(n_clauses=(0, 2)), whole_units=st.booleans())
def test_a_larger_share_referred_never_costs_less(scenario: ha.Scenario, whole_units: bool) -> None:
    """Every case treated owes more: what is not taken costs its penalty."""
    assume(len(scenario.referrals))
    assume(not {"referral_share"} & {clause.kind for clause in scenario.plan.clauses})
    fewer = scenario.referrals.assign(share=0.5 * scenario.referrals["share"])
    cost = least_cost(scenario.replace(referrals=fewer), whole_units)
    assert_no_dearer(cost, least_cost(scenario, whole_units))


# --- a stricter plan never pays


def stricter(clause: ha.Clause, step: float) -> Iterator[ha.Clause]:
    """The clause with one target moved inwards by a share of itself, in each way there is."""
    by = step * max([1.0, *(abs(b) for b in clause.bounds if np.isfinite(b))])
    if clause.about is not None:
        yield replace(clause, tolerance=(clause.tolerance or 0.0) * (1 - step))
    if clause.at_least is not None:
        most = min(clause.most, np.inf if clause.at_most is None else clause.at_most)
        yield replace(clause, at_least=min(clause.at_least + by, most))
    if clause.at_most is not None:
        yield replace(clause, at_most=max(clause.at_most - by, clause.at_least or 0.0))


# a shorter stay frees beds: see above
STRICTER = sorted(KINDS_COVERED - {"length_of_stay"})


@given(
    scenario=scenarios(n_clauses=(1, 2), kinds=STRICTER, audited=False), whole_units=st.booleans()
)
@settings(max_examples=examples(24))
def test_a_tighter_target_never_costs_less(scenario: ha.Scenario, whole_units: bool) -> None:
    cost = least_cost(scenario, whole_units)
    clauses = scenario.plan.clauses
    for k, clause in enumerate(clauses):
        for tighter in stricter(clause, 0.2):
            try:
                changed = with_clauses(scenario, [*clauses[:k], tighter, *clauses[k + 1 :]])
            except ha.PlanError:  # a floor that nobody in the scope can ever meet
                continue
            assert_no_dearer(cost, least_cost(changed, whole_units))


@given(
    scenario=scenarios(n_clauses=(1, 3), kinds=STRICTER, audited=False), whole_units=st.booleans()
)
def test_a_further_clause_never_costs_less(scenario: ha.Scenario, whole_units: bool) -> None:
    clauses = scenario.plan.clauses
    costs = [
        least_cost(with_clauses(scenario, clauses[:k]), whole_units)
        for k in range(len(clauses) + 1)
    ]
    assert np.isfinite(costs[0])
    for fewer, more in pairwise(costs):
        assert_no_dearer(fewer, more)


@given(scenario=scenarios(n_clauses=(0, 2)))
def test_whole_units_never_cost_less_than_fractions(scenario: ha.Scenario) -> None:
    assert_no_dearer(least_cost(scenario, False), least_cost(scenario, True))


# --- what must not matter


@given(scenario=scenarios(), whole_units=st.booleans(), seed=st.integers(0, 1000))
def test_order_of_rows_changes_nothing(scenario: ha.Scenario, whole_units: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    tables = {
        name: table.iloc[random.permutation(len(table))] for name, table in scenario.tables.items()
    }
    clauses = [scenario.plan.clauses[k] for k in random.permutation(len(scenario.plan.clauses))]
    shuffled = scenario.replace(**tables, plan=ha.Plan(clauses))
    one, other = solved(scenario, whole_units), solved(shuffled, whole_units)
    assert one.status is other.status
    if one.status is OPTIMAL:
        assert abs(one.objective - other.objective) <= rounding(one.objective)
        left, right = (s.cost["cny_a_year"].iloc[-1] for s in (one, other))
        assert abs(left - right) <= rounding(left)


@given(
    scenario=scenarios(
        n_clauses=(1, 1), kinds=sorted(CONSTANT_BASE), sites=False, generic=True, audited=False
    ),
    seed=st.integers(0, 1000),
)
@settings(max_examples=examples(8))
def test_order_of_rows_does_not_change_unique_prices(scenario: ha.Scenario, seed: int) -> None:
    random = np.random.default_rng(seed)
    tables = {
        name: table.iloc[random.permutation(len(table))] for name, table in scenario.tables.items()
    }
    solution = solved(scenario)
    assume(solution.status is OPTIMAL)
    other = solved(scenario.replace(**tables))
    prices, others = (
        s.clauses.set_index("clause_id")["price_cny_a_year"] for s in (solution, other)
    )
    for k, clause in enumerate(scenario.plan.clauses):
        if clause.kind not in CONSTANT_BASE or not can_move(scenario, clause):
            continue
        left, right = slopes(scenario, k, solution.objective)
        if abs(right - left) <= 1e-3 * max(1.0, abs(left)):  # then the price is unique
            assert prices[clause.id] == pytest.approx(
                others[clause.id], rel=1e-4, abs=1e-3, nan_ok=True
            )


MONEY = {
    "resources": ("capital_cost_cny", "operating_cost_cny", "retirement_cost_cny"),
    "facilities": ("site_cost_cny",),
    "services": ("unmet_penalty_cny",),
}


def test_every_column_of_money_is_scaled_below() -> None:
    money = {(t.name, c.name) for t in TABLES.values() for c in t.columns if "_cny" in c.name}
    assert money == {(name, column) for name, columns in MONEY.items() for column in columns}
    priced = {f.name for kind in KINDS.values() for f in fields(kind) if "_cny" in f.name}
    assert priced == {"penalty_cny_per_resident"}


def tripled_penalty(clause: ha.Clause) -> ha.Clause:
    penalty = getattr(clause, "penalty_cny_per_resident", None)
    return clause if penalty is None else replace(clause, penalty_cny_per_resident=3.0 * penalty)  # type: ignore[call-arg]


@given(
    scenario=scenarios(n_clauses=(0, 2), kinds=["coverage", *KINDS_COVERED]),
    whole_units=st.booleans(),
)
def test_scaling_every_cost_scales_the_objective(scenario: ha.Scenario, whole_units: bool) -> None:
    tables = {
        name: getattr(scenario, name).assign(
            **{column: 3.0 * getattr(scenario, name)[column] for column in columns}
        )
        for name, columns in MONEY.items()
    }
    value = scenario.settings.value_of_travel_cny_per_hour
    tripled = scenario.replace(
        **tables,
        settings=replace(scenario.settings, value_of_travel_cny_per_hour=3.0 * value),
        plan=ha.Plan([tripled_penalty(clause) for clause in scenario.plan.clauses]),
    )
    one, three = solved(scenario, whole_units), solved(tripled, whole_units)
    assert one.status is three.status
    if one.status is OPTIMAL:
        assert abs(3.0 * one.objective - three.objective) <= rounding(three.objective)


@given(scenario=scenarios(n_clauses=(0, 2)), whole_units=st.booleans())
@settings(max_examples=examples(20))
def test_highs_and_pulp_agree(scenario: ha.Scenario, whole_units: bool) -> None:
    highs, pulp = (
        ha.solve(scenario, whole_units=whole_units, solver=name) for name in ("highs", "pulp")
    )
    assert highs.status is pulp.status
    if highs.status is OPTIMAL:
        apart = abs(highs.objective - pulp.objective)
        assert apart <= rounding(highs.objective) + as_printed(pulp)


def lies_in(scenario: ha.Scenario, place: str, area: str) -> bool:
    parent = dict(zip(scenario.areas["area_id"], scenario.areas["parent_id"]))
    while place and place != area:
        place = parent[place]
    return place == area


@given(scenario=scenarios(n_clauses=(0, 1)), whole_units=st.booleans())
def test_a_clause_on_an_area_binds_nobody_elsewhere(
    scenario: ha.Scenario, whole_units: bool
) -> None:
    assume(len(scenario.areas))
    first = scenario.facilities.iloc[0]
    outside = [a for a in scenario.areas["area_id"] if not lies_in(scenario, first["area"], a)]
    assume(outside)
    resource = scenario.stock["resource_id"].iloc[0]
    head = {"id": "elsewhere", "quote": "none", "source": "a plan", "treatment": "enforce"}
    nothing = KINDS["facility_target"](
        **head, facility_id=first["facility_id"], resource=resource, at_most=0.0, area=outside[0]
    )
    bound = with_clauses(scenario, [*scenario.plan.clauses, nothing])
    one, other = least_cost(scenario, whole_units), least_cost(bound, whole_units)
    assert one == other or abs(one - other) <= rounding(one)


# --- the tables of a solution


@given(scenario=scenarios(), whole_units=st.booleans())
def test_demand_is_accounted_for(scenario: ha.Scenario, whole_units: bool) -> None:
    solution = solved(scenario, whole_units)
    assume(solution.status is OPTIMAL)
    demand = solution.demand
    parts = demand[["served", "no_service_within_reach", "within_reach_but_no_capacity"]]
    assert len(demand) == len(scenario.populations) * len(scenario.services)
    assert (parts >= 0).all(axis=None)
    np.testing.assert_allclose(parts.sum(axis=1), demand["demand"], rtol=1e-12, atol=1e-9)
    keys = ["population_id", "service_id"]
    flows = solution.flows.groupby(keys)["cases_a_year"].sum()
    served = demand.set_index(keys)["served"]
    expected = flows.reindex(served.index, fill_value=0.0)
    np.testing.assert_allclose(served, expected, rtol=1e-6, atol=1e-3)


@given(scenario=scenarios(), whole_units=st.booleans())
def test_costs_add_up(scenario: ha.Scenario, whole_units: bool) -> None:
    solution = solved(scenario, whole_units)
    assume(solution.status is OPTIMAL)
    cost = solution.cost.set_index("component")["cny_a_year"]
    spent = ["capital", "retirement", "operating", "staff", "travel", "site"]
    penalties = ["unmet_penalty", "left_out_penalty"]
    assert set(cost.index) == {*spent, *penalties, "total", "objective"}
    small = rounding(solution.objective)
    assert (cost >= -small).all()
    assert abs(cost[spent].sum() - cost["total"]) <= small
    assert abs(cost[["total", *penalties]].sum() - cost["objective"]) <= small
    assert abs(cost["objective"] - solution.objective) <= small
    assert solution.bound <= solution.objective + small


@given(scenario=scenarios(), whole_units=st.booleans())
def test_allocation_keeps_its_limits(scenario: ha.Scenario, whole_units: bool) -> None:
    solution = solved(scenario, whole_units)
    assume(solution.status is OPTIMAL)
    sites = solution.sites.set_index("facility_id")
    form_of = scenario.facilities.set_index("facility_id")["form_of"]
    institution = form_of.where(form_of != "", form_of.index)
    n_open = sites["open"].groupby(institution).sum()
    assert (n_open <= 1).all()
    stays = institution[sites["site"] == "existing"]
    assert (n_open[stays] == 1).all()
    stock = solution.stock.merge(
        scenario.stock[["facility_id", "resource_id", "lower", "upper"]], validate="1:1"
    )
    is_open = stock["facility_id"].map(sites["open"])
    held = stock["allocated"]
    assert (held >= np.where(is_open, stock["lower"], 0.0) - 1e-6).all()
    assert (held <= np.where(is_open, stock["upper"].fillna(np.inf), 0.0) + 1e-6).all()
    assert (held >= 0).all()
    np.testing.assert_allclose(stock["change"], held - stock["existing"], atol=1e-12)
    # what an institution has is shown once, in whichever form
    of = stock["facility_id"].map(institution)
    shown = stock["existing"].groupby([of, stock["resource_id"]]).sum()
    had = scenario.stock["existing"].groupby([of, stock["resource_id"]]).sum()
    np.testing.assert_allclose(shown, had)
    if whole_units:
        whole = stock["resource_id"].map(scenario.resources.set_index("resource_id")["whole"])
        assert (held[whole] == held[whole].round()).all()
    assert solution.flows["facility_id"].map(sites["open"]).all()


@given(scenario=scenarios(n_clauses=(1, 3)), whole_units=st.booleans())
def test_every_enforced_clause_is_met(scenario: ha.Scenario, whole_units: bool) -> None:
    solution = solved(scenario, whole_units)
    assume(solution.status is OPTIMAL)
    by_name = {clause.name: clause for clause in scenario.plan.clauses}
    rows = solution.clause_rows
    assert set(rows["clause_id"]) == set(by_name)
    for clause_id, treatment, achieved, met in zip(
        rows["clause_id"], rows["treatment"], rows["achieved"], rows["met"]
    ):
        low, high = by_name[clause_id].bounds
        if not np.isfinite([low, high]).any():  # a price, not a target
            assert met is None
        elif treatment == "enforce" and not np.isnan(achieved):
            small = 1e-5 * max([1.0, *(abs(b) for b in (low, high) if np.isfinite(b))])
            assert low - small <= achieved <= high + small
            assert met is True


@given(scenario=scenarios(n_clauses=(1, 3)), whole_units=st.booleans())
def test_audit_of_the_allocation_measures_the_same(
    scenario: ha.Scenario, whole_units: bool
) -> None:
    solution = solved(scenario, whole_units)
    assume(solution.status is OPTIMAL)
    measured = ha.audit(scenario, solution.stock).clause_rows
    measured = measured[measured["allocation"] == "given"].reset_index(drop=True)
    rows = solution.clause_rows
    keys = ["clause_id", "part", "area_id", "facility_id"]
    assert measured[keys].equals(rows[keys])
    # an open site that holds nothing cannot be told from a closed one by its stock
    held = solution.stock.groupby("facility_id")["allocated"].sum()
    sites = solution.sites
    bare = sites["open"] & (sites["facility_id"].map(held).fillna(0.0) == 0)
    bases = set(scenario.facilities["form_of"])
    choice = (sites["site"] != "existing") | sites["facility_id"].isin(bases)
    openings = {"facility_share", "hierarchy", "per_facility_minimum", *SITES_ALONE}
    compared = ~rows["kind"].isin(openings) | (not bare[choice].any())
    compared &= ~rows["kind"].isin(BY_FLOWS)
    assert measured["achieved"][rows["kind"].isin(BY_FLOWS)].isna().all()
    # allocations are rounded to 6 decimals; shares of small stocks magnify that
    np.testing.assert_allclose(
        measured["achieved"][compared], rows["achieved"][compared], rtol=1e-5, atol=1e-5
    )


# --- prices


def moved(scenario: ha.Scenario, k: int, by: float) -> ha.Scenario:
    """The scenario with the k-th clause tighter by so much (looser, if negative)."""
    clauses = list(scenario.plan.clauses)
    clause = clauses[k]
    if clause.about is not None:
        clauses[k] = replace(clause, tolerance=(clause.tolerance or 0.0) - by)
    else:
        clauses[k] = replace(
            clause,
            at_least=None if clause.at_least is None else clause.at_least + by,
            at_most=None if clause.at_most is None else clause.at_most - by,
        )
    return with_clauses(scenario, clauses)


def step_of(clause: ha.Clause) -> float:
    share = 1e-2 if clause.kind in CONSTANT_BASE else 1e-3
    return share * max(abs(b) for b in clause.bounds if np.isfinite(b))


def slopes(scenario: ha.Scenario, k: int, cost: float) -> tuple[float, float]:
    """Cost of the k-th clause's last and next step of tightening, per unit."""
    step = step_of(scenario.plan.clauses[k])
    last = (cost - least_cost(moved(scenario, k, -step))) / step
    following = (least_cost(moved(scenario, k, step)) - cost) / step
    return last, following


def can_move(scenario: ha.Scenario, clause: ha.Clause) -> bool:
    """Whether the clause has targets that a small step up and down leaves in order."""
    low, high = clause.bounds
    ends = [b for b in (low, high) if np.isfinite(b)]
    if clause.treatment != "enforce" or clause.equals is not None or max(ends, default=0.0) <= 0:
        return False
    if getattr(clause, "residents_at_least", None) is not None:
        return False  # a target that is met or not, by a branch that stays
    step = step_of(clause)
    most = clause.most_in(Layout(scenario))
    return high - low > 3 * step and all(2 * step < b < most - 2 * step for b in ends)


def check_prices(scenario: ha.Scenario) -> set[str]:
    """Hold prices against finite differences; the kinds of the clauses that had a price."""
    solution = solved(scenario)
    if solution.status is not OPTIMAL:
        return set()
    table = solution.clauses.set_index("clause_id")
    priced = set()
    for k, clause in enumerate(scenario.plan.clauses):
        if not can_move(scenario, clause):
            continue
        price = table.at[clause.id, "price_cny_a_year"]
        last, following = slopes(scenario, k, solution.objective)
        note(f"{clause.id}: {last} <= {price} <= {following}")
        error = 0.2 * rounding(solution.objective) / step_of(clause)
        if np.isnan(price):  # sites alone, or nobody and nothing
            assert table.at[clause.id, "price_basis"].startswith("none")
            assert abs(last) <= error
            assert abs(following) <= error or np.isinf(following)
            continue
        # a value with a base that varies makes the cost smooth, but not convex, in the target
        bent = 0.0 if clause.kind in CONSTANT_BASE else abs(following - last)
        bent = 0.0 if np.isinf(bent) else bent
        assert price >= 0
        assert min(last, following) - bent - error <= price <= max(last, following) + bent + error
        if price > 10 * error and np.isfinite(following):
            priced.add(clause.kind)
    return priced


def test_a_price_lies_between_the_slopes_of_the_cost() -> None:
    priced: set[str] = set()
    kinds = sorted(KINDS_COVERED - SITES_ALONE - {"length_of_stay"})
    drawn = st.sampled_from(kinds).flatmap(
        lambda kind: scenarios(
            n_clauses=(1, 2), first_kind=kind, sites=False, generic=True, audited=False
        )
    )

    @given(scenario=drawn)
    @settings(max_examples=examples(48))
    def check(scenario: ha.Scenario) -> None:
        priced.update(check_prices(scenario))

    check()
    assert len(priced) >= 3  # clauses of so many kinds did cost something
