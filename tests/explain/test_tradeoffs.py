from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scipy.sparse import csc_array
from typer.testing import CliRunner

from healthalloc import (
    DataError,
    LinearProgram,
    NoSolutionError,
    Scenario,
    TravelMatrix,
    UnsupportedError,
    formulate,
    new_scenario,
    solve,
    write_scenario,
)
from healthalloc.cli.app import app
from healthalloc.cli.tradeoffs import show
from healthalloc.explain import extended
from healthalloc.explain.extended import Builder, Form, Found, Open, row_of
from healthalloc.explain.tradeoffs import TradeOffs, lexicographic, max_min, trade_offs
from healthalloc.explain.tradeoffs.criteria import served_as
from healthalloc.explain.tradeoffs.criterion import Gini, Linear
from healthalloc.explain.tradeoffs.pareto import Plan, proved
from healthalloc.generate import generate
from healthalloc.plotting.fonts import chinese_family
from healthalloc.solvers import Session, SolverOptions, Status, solve_highs
from tests.explain.small_county import (
    FACILITIES,
    POPULATIONS,
    RESIDENTS,
    STOCK,
    VALUES,
    Choice,
    beds_of,
    choices,
    county,
    gini,
    linear,
    pareto,
    worst_share,
)
from tests.region import clause, edit, quiet, settings

runner = CliRunner()
MORE_IS_BETTER = ("equity-worst-tenth", "equity-worst-area")


def front(found: TradeOffs, criterion: str) -> list[tuple[float, float]]:
    """Cost and value of each point; less is better in both."""
    sign = -1.0 if criterion in MORE_IS_BETTER else 1.0
    values = sign * found.points["value"]
    return list(zip(found.points["cost_cny_a_year"], values))


def enumerated(criterion: str) -> list[tuple[float, float]]:
    if criterion == "access-mean":
        return pareto([(c.cost, c.minutes) for c in choices() if np.isfinite(c.minutes)])
    if criterion == "access-worst":
        return pareto([(k, d) for c in choices() for d, k in c.cheapest_within.items()])
    return pareto([(c.cost, VALUES[criterion](c)) for c in choices()])


def stock_of(found: TradeOffs, point: int) -> pd.DataFrame:
    return found.stock[found.stock["point"] == point]


# --- fronts against enumeration


@pytest.mark.parametrize("criterion", ["access-mean", "access-worst", *VALUES])
def test_front_is_that_of_all_allocations(criterion: str) -> None:
    found = trade_offs(county(), criterion, points=60)
    np.testing.assert_allclose(front(found, criterion), enumerated(criterion), rtol=1e-6, atol=1e-9)
    assert set(found.points["status"]) == {"optimal"}
    assert found.points[["cost_gap", "value_gap"]].to_numpy().max() <= 1e-6


@pytest.mark.parametrize("criterion", ["access-mean", "equity-gini", "equity-worst-tenth"])
def test_few_points_are_ends_and_non_dominated_points_between(criterion: str) -> None:
    every = enumerated(criterion)
    found = front(trade_offs(county(), criterion, points=3), criterion)
    assert len(found) <= 3 < len(every)
    for cost, value in found:
        assert min(abs(cost - c) / c + abs(value - v) for c, v in every) < 1e-6
    np.testing.assert_allclose([found[0], found[-1]], [every[0], every[-1]], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("criterion", ["access-mean", "access-worst", *VALUES])
def test_stock_of_a_point_has_its_value(criterion: str) -> None:
    found = trade_offs(county(), criterion, points=9)
    for point, (cost, value) in zip(found.points["point"], front(found, criterion)):
        beds = beds_of(stock_of(found, point))
        sites = found.sites[found.sites["point"] == point]
        is_open = bool(sites["open"].iloc[-1])
        at = next(c for c in choices() if c.beds == beds and c.open == is_open)
        if criterion == "access-worst":
            assert at.cheapest_within[value] == pytest.approx(cost, rel=1e-6)
            continue
        of_plan = at.minutes if criterion == "access-mean" else VALUES[criterion](at)
        assert (at.cost, of_plan) == pytest.approx((cost, value), rel=1e-6)


def test_limit_on_the_rise_of_cost() -> None:
    least = min(c.cost for c in choices())
    found = trade_offs(county(), "equity-worst-tenth", points=60, within=40)
    near = [c for c in choices() if c.cost <= 1.4 * least]
    expected = pareto([(c.cost, VALUES["equity-worst-tenth"](c)) for c in near])
    np.testing.assert_allclose(front(found, "equity-worst-tenth"), expected, rtol=1e-6)
    assert len(expected) < len(enumerated("equity-worst-tenth"))


@pytest.mark.parametrize("within", [3, 7, 12, 25, 50])
@pytest.mark.parametrize("criterion", ["equity-gini", "actions", "equity-worst-tenth"])
def test_best_within_a_budget(criterion: str, within: float) -> None:
    least = min(c.cost for c in choices())
    near = [c for c in choices() if c.cost <= (1 + within / 100) * least]
    found = lexicographic(county(), [criterion, "cost"], within=within)
    expected = ranked([criterion, "cost"], near)
    sign = -1.0 if criterion in MORE_IS_BETTER else 1.0
    np.testing.assert_allclose(found.points["value"] * [sign, 1.0], expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("least_in_south", [0, 2])
@pytest.mark.parametrize("within", [12, 50])
def test_front_of_actions_within_a_budget(within: float, least_in_south: int) -> None:
    """The bounds of the indicators are those of the budget; a sure change needs none."""
    wanted = clause("facility_target", facility_id="south", resource="bed", at_least=least_in_south)
    plans = [c for c in choices() if c.beds[2] >= least_in_south]
    least = min(c.cost for c in plans)
    near = [c for c in plans if c.cost <= (1 + within / 100) * least]
    expected = pareto([(c.cost, c.actions) for c in near])
    assert len(expected) > 1
    found = trade_offs(county(clauses=[wanted]), "actions", points=60, within=within)
    np.testing.assert_allclose(front(found, "actions"), expected, rtol=1e-6)


# --- what is proved where a limit comes


def plan_of(cost: float, value: float, level: float, *bounds: float) -> Plan:
    return Plan(np.zeros(0), cost, value, level, *bounds)


def test_bounds_of_one_plan_hold_for_others() -> None:
    """Each plan's own proof is weak; its neighbours' say more."""
    cheap = plan_of(100.0, 9.0, np.inf, 100.0, 1.0)
    middle = plan_of(110.0, 6.5, 7.0, 105.0, 2.0)
    stopped = plan_of(130.0, 5.0, 5.0, 90.0, 3.0)
    dear = plan_of(150.0, 4.0, 4.0, 140.0, 4.0)
    gaps = [(p.cost_gap, p.value_gap) for p in proved([cheap, middle, stopped, dear])]
    assert gaps == [
        (0.0, pytest.approx(2 / 9)),  # 105 at least for a value of 7
        (pytest.approx(5 / 110), pytest.approx(2.5 / 6.5)),  # nothing is better than 4
        (pytest.approx(25 / 130), pytest.approx(1 / 5)),  # 105 at least for 5, too
        (pytest.approx(10 / 150), 0.0),
    ]


def test_front_stopped_early_states_gaps_that_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every search ends with what it began from, and the bound of the relaxation."""
    base, search = solve(county()), Open.search

    def stopped(self: Open, form: Form, start: Any = None) -> Any:
        if start is None or not self.session.program.is_mixed_integer:
            return search(self, form, start)
        bound = search(Open(self.session.program.relaxed(), self.options), form)
        value = form.of(start)
        assert isinstance(bound, Found)
        gap = (value - bound.value) / abs(value)
        return Found(start, Status.LIMIT_WITH_INCUMBENT, value, max(gap, 0.0))

    every = enumerated("equity-gini")
    monkeypatch.setattr(Open, "search", stopped)
    found = trade_offs(base, "equity-gini", points=6)
    # no better plan was found, which is no proof that there is none
    assert len(found.points) == 1
    assert found.levels_lost == 5
    (cost, value), point = front(found, "equity-gini")[0], found.points.iloc[0]
    assert point["status"] == "limit_with_incumbent"
    assert cost == pytest.approx(every[0][0])
    assert point["value_gap"] > 0
    best = max(v for c, v in every if c <= cost * (1 + 1e-9))
    assert value - point["value_gap"] * abs(value) <= best + 1e-9


@pytest.mark.parametrize("gap", [np.nan, np.inf])
def test_nothing_is_proved_without_a_gap(gap: float) -> None:
    found = Found(np.zeros(0), Status.LIMIT_WITH_INCUMBENT, 0.0, gap)
    plan = plan_of(100.0, 0.0, np.inf, 100.0, found.bound)
    assert plan.value_gap == np.inf
    assert plan.status(SolverOptions()) is Status.LIMIT_WITH_INCUMBENT


def test_searches_end_when_their_time_is_over() -> None:
    opened = Open(Builder(formulate(county()).program).program(), SolverOptions())
    opened.until = 0.0
    nothing = Form(np.zeros(0, dtype=np.intp), np.zeros(0))
    assert opened.search(nothing) is Status.LIMIT_WITHOUT_INCUMBENT
    opened.until = np.inf
    assert isinstance(opened.search(nothing), Found)


def test_a_large_program_is_searched_with_the_sites_at_hand_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = solve(county())
    usual = trade_offs(base, "equity-gini").points
    sites, begin = base.model.program.column_block("open").slice, Open._with_its_sites
    begun = []

    def spied(self: Open, form: Form, start: Any) -> Any:
        found = begin(self, form, start)
        begun.append((form.of(found), form.of(start)))
        np.testing.assert_allclose(found[sites], start[sites])
        return found

    monkeypatch.setattr(extended, "LARGE", 0)
    monkeypatch.setattr(Open, "_with_its_sites", spied)
    pd.testing.assert_frame_equal(trade_offs(base, "equity-gini").points, usual)
    assert any(after < before - 1e-3 for after, before in begun)


def test_least_cost_plan_at_hand_is_not_sought_again(monkeypatch: pytest.MonkeyPatch) -> None:
    base, least, sought = solve(county()), Linear.least, []

    def counted(self: Linear, program: Open, start: Any = None) -> Any:
        sought.extend([program] if self.name == "cost" else [])
        return least(self, program, start)

    monkeypatch.setattr(Linear, "least", counted)
    assert len(trade_offs(base, "equity-gini", points=2).points) == 2
    assert len(sought) == 1  # of the best end alone


def lose_second_level(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time run out on the second level between the ends."""
    least, of_cost = Linear.least, []

    def timed(self: Linear, program: Open, start: Any = None) -> Any:
        of_cost.extend([program] if self.name == "cost" else [])
        # the first time is the least-cost plan
        if self.name == "cost" and len(of_cost) == 3:
            raise NoSolutionError("a limit")
        return least(self, program, start)

    monkeypatch.setattr(Linear, "least", timed)


def test_front_cut_by_time_keeps_its_points_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    region = generate(40, 6)
    base = solve(region, whole_units=False)
    whole = trade_offs(base, "access-mean", points=6)
    assert whole.levels_lost == 0
    assert whole.run()["levels_lost"] == 0
    lose_second_level(monkeypatch)
    cut = trade_offs(base, "access-mean", points=6)
    assert cut.levels_lost == 1
    assert cut.run()["levels_lost"] == 1
    # the least-cost plan and the first level, then the third
    kept = whole.points["value"].drop(2)
    assert cut.points["value"].to_numpy() == pytest.approx(kept.to_numpy(), rel=1e-6)
    console = Console(record=True, width=100, file=io.StringIO())
    show(console, cut)
    assert "1 more levels had no plan" in console.export_text()
    cut.points["status"] = ["optimal", *["limit_with_incumbent"] * 4]
    show(console, cut)
    assert "4 of 5 points are not proved" in console.export_text()


def test_front_without_ends_keeps_the_plans_found(monkeypatch: pytest.MonkeyPatch) -> None:
    region = generate(40, 6)
    base = solve(region, whole_units=False)
    whole = trade_offs(base, "access-mean", points=6)
    least = Linear.least

    def lose(name: str) -> None:
        def timed(self: Linear, program: Open, start: Any = None) -> Any:
            if self.name == name:
                raise NoSolutionError("a limit")
            return least(self, program, start)

        monkeypatch.setattr(Linear, "least", timed)

    for name in ("access-mean", "cost"):  # the far end; the cheapest, so that the base is left
        lose(name)
        cut = trade_offs(base, "access-mean", points=6)
        assert (len(cut.points), cut.levels_lost) == (1, 5)
        assert cut.points["status"].tolist() == ["limit_with_incumbent"]
        assert cut.points["cost_cny_a_year"].iat[0] == pytest.approx(base.objective, rel=1e-6)
        assert cut.points["value"].iat[0] >= whole.points["value"].iat[0] * (1 - 1e-6)
        held = cut.stock["allocated"].to_numpy() @ np.ones(len(cut.stock))
        assert held == pytest.approx(base.stock["allocated"].sum(), rel=1e-6)

    steps = lexicographic(base, ["access-mean"], within=1)
    assert len(steps.points) == 1
    two = lexicographic(base, ["access-mean", "cost"], within=1)  # cost finds no plan in time
    assert two.points["status"].tolist() == ["optimal", "limit_with_incumbent"]
    assert two.points["cost_cny_a_year"].iat[1] == two.points["cost_cny_a_year"].iat[0]


def test_front_begins_from_the_basis_of_the_least_cost_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = solve(generate(200, 30), whole_units=False)
    solve_session, iterations = Session.solve, []

    def counted(self: Session) -> Any:
        result = solve_session(self)
        iterations.append(result.iterations)
        return result

    monkeypatch.setattr(Session, "solve", counted)
    found = trade_offs(base, "access-mean", points=20)
    assert len(found.points) == 20
    assert base.result.iterations is not None
    assert sum(iterations) < 1.5 * base.result.iterations


@pytest.mark.parametrize("within", [1, 3])
def test_linear_end_within_a_budget_is_the_best_there(within: float) -> None:
    for criterion in ("equity-gini", "equity-worst-tenth"):
        found = trade_offs(linear(), criterion, points=3, within=within)
        best = lexicographic(linear(), [criterion], within=within)
        assert found.points["value"].iat[-1] == pytest.approx(best.points["value"].iat[0])
        assert found.points["cost_rise_percent"].iat[-1] == pytest.approx(within, rel=1e-5)


# --- linear programs


LINEAR = ["access-mean", "access-worst", "equity-gini", "equity-worst-tenth", "equity-worst-area"]


@pytest.mark.parametrize("criterion", LINEAR)
def test_linear_front_is_convex_falling_and_not_below_the_optimum(criterion: str) -> None:
    found = trade_offs(linear(), criterion, points=9)
    points = np.array(front(found, criterion))
    assert set(found.points["status"]) == {"optimal"}
    steps = np.diff(points, axis=0)
    assert (steps[:, 0] > 0).all()
    assert (steps[:, 1] < 0).all()
    least = solve(linear()).objective
    assert points[0, 0] == pytest.approx(least, rel=1e-8)
    assert (points[:, 0] >= least * (1 - 1e-9)).all()
    prices = found.points["cny_a_year_per_unit"].to_numpy()[1:]
    np.testing.assert_allclose(prices, -steps[:, 0] / steps[:, 1], rtol=1e-6)
    if criterion in ("access-mean", "equity-worst-tenth", "equity-worst-area"):
        # the rate of a convex front only rises
        assert (np.diff(prices) >= -1e-5 * prices[1:]).all()


@pytest.mark.parametrize("criterion", LINEAR)
def test_no_plan_with_as_good_a_value_is_cheaper(criterion: str) -> None:
    """Each point in turn, with the two goals changed over."""
    found = trade_offs(linear(), criterion, points=5)
    ranked = lexicographic(linear(), [criterion, "cost"])
    best = front(found, criterion)[-1]
    sign = -1.0 if criterion in MORE_IS_BETTER else 1.0
    assert sign * ranked.points["value"].iat[0] == pytest.approx(best[1], rel=1e-6, abs=1e-8)
    assert ranked.points["value"].iat[1] == pytest.approx(best[0], rel=1e-6)


def test_gini_and_worst_tenth_are_those_of_the_books() -> None:
    for name, by_hand in (
        ("equity-gini", lambda beds: gini(beds, RESIDENTS)),
        ("equity-worst-tenth", lambda beds: worst_share(beds, RESIDENTS, 0.1)),
    ):
        found = trade_offs(linear(), name, points=5)
        for point, value in zip(found.points["point"], found.points["value"]):
            beds = beds_of(stock_of(found, point))
            assert value == pytest.approx(by_hand(beds), rel=1e-5, abs=1e-6)


def test_tenth_takes_part_of_an_area() -> None:
    """200 of 2,000 residents: the 100 of one area have 0.1 beds, 100 of the next 0.2."""
    people = POPULATIONS.assign(residents=[1000.0, 900.0, 100.0])
    held = STOCK.assign(existing=[2, 3, 0], lower=[2.0, 3.0, 0.0], upper=[2.0, 3.0, 0.1])
    found = lexicographic(linear(populations=people, stock=held), ["equity-worst-tenth"])
    assert found.points["value"].tolist() == pytest.approx([1000 * (0.1 + 0.2) / 200])


def test_access_serves_everybody_as_at_least_cost() -> None:
    """Of the lower population 0.3 patients find a bed near enough to be worth the way.

    Leaving them out as well would make the mean 0.
    """
    held = STOCK.assign(existing=[6, 3, 0], lower=[6, 3, 0], upper=[6, 3, 0])
    services = edit(linear().services, unmet_penalty_cny=1.0)
    base = solve(linear(worth=2.0, stock=held, services=services)).require_optimal()
    served = base.demand.set_index("population_id")["served"]
    assert served["lower"] == pytest.approx(30)
    found = lexicographic(base, ["access-mean"])
    assert found.points["value"].tolist() == pytest.approx([0.3 * 13 / (4.5 + 2.7 + 0.3)])


def test_travel_known_in_km_only() -> None:
    arcs = {"upper": (0, 11, 24), "inner": (11, 0, 13), "lower": (24, 13, 0)}
    travel = pd.DataFrame(
        [
            (population, facility, float(km))
            for population, row in arcs.items()
            for facility, km in zip(FACILITIES["facility_id"], row)
        ],
        columns=["population_id", "facility_id", "travel"],
    )
    scenario = county()
    radii = edit(scenario.radii, unit="km")
    in_km = settings(
        extra_facility_columns=(),
        value_of_travel_cny_per_hour=0.0,
        travel=TravelMatrix(layout="long", unit="km"),
        solve=scenario.settings.solve,
    )
    given = scenario.replace(settings=in_km, travel=travel, radii=radii)
    found = trade_offs(given, "access-worst")
    assert set(found.points["unit"]) == {"km one way"}
    assert found.points["value"].tolist() == sorted(found.points["value"], reverse=True)
    assert set(found.points["value"]) <= {0.0, 11.0, 13.0, 24.0}


@pytest.mark.parametrize("whole", [False, True])
def test_least_ratio_takes_several_steps(whole: bool) -> None:
    """One of three: from the least top to the most bottom, and back to the least ratio."""
    top, bottom = np.array([1.0, 8.0, 4.5]), np.array([1.0, 10.0, 6.0])
    same = np.hstack([np.eye(3), -np.eye(3)])  # the forms share no column
    program = LinearProgram(
        np.zeros(6), 0.0, csc_array(np.vstack([[1, 1, 1, 0, 0, 0], same])),
        np.array([1.0, 0, 0, 0]), np.array([1.0, 0, 0, 0]),
        np.zeros(6), np.ones(6), np.full(6, whole),
    )  # fmt: skip
    builder = Builder(program)
    over, under = Form(np.arange(3), top), Form(np.arange(3, 6), bottom)
    row = int(builder.add_rows(row_of(under))[0])
    ratio = Gini(over, under, row, builder.one, lambda x: over.of(x) / under.of(x))
    answer = ratio.least(Open(builder.program(), SolverOptions(gap=0.0)))
    assert answer.value == pytest.approx(0.75)
    assert answer.x[:3] == pytest.approx([0, 0, 1])


# --- lexicographic and max-min


def ranked(criteria: list[str], plans: list[Choice]) -> list[float]:
    """Sequential optima by enumeration."""
    measures = VALUES | {"cost": lambda c: c.cost}
    values = []
    for name in criteria:
        best = min(measures[name](c) for c in plans)
        plans = [c for c in plans if measures[name](c) <= best + 1e-6 * max(1.0, abs(best))]
        values.append(best)
    return values


@pytest.mark.parametrize(
    "criteria",
    [
        ["cost"],
        ["actions", "cost"],
        ["cost", "equity-gini"],
        ["equity-gini", "cost", "actions"],
        ["equity-worst-area", "actions", "cost"],
        ["actions", "equity-gini", "cost"],
        ["equity-worst-tenth", "equity-gini", "cost"],
    ],
)
def test_lexicographic_is_one_optimum_after_the_other(criteria: list[str]) -> None:
    found = lexicographic(county(), criteria)
    assert found.points["criterion"].tolist() == criteria
    sign = [-1.0 if name in MORE_IS_BETTER else 1.0 for name in criteria]
    values = found.points["value"].to_numpy() * sign
    np.testing.assert_allclose(values, ranked(criteria, list(choices())), rtol=1e-6, atol=1e-7)


def test_lexicographic_access() -> None:
    some = [c for c in choices() if np.isfinite(c.minutes)]
    found = lexicographic(county(), ["access-mean", "cost"])
    best = min(c.minutes for c in some)
    cost = min(c.cost for c in some if c.minutes <= best + 1e-9)
    assert found.points["value"].tolist() == pytest.approx([best, cost], rel=1e-6)
    found = lexicographic(county(), ["access-worst", "cost"])
    within = [(d, c) for choice in some for d, c in choice.cheapest_within.items()]
    assert found.points["value"].tolist() == pytest.approx(min(w for w in within if w[1] < np.inf))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_plan_has_a_shorter_longest_way(seed: int) -> None:
    base = solve(generate(40, 6, seed=seed), whole_units=False)
    longest = lexicographic(base, ["access-worst"]).points["value"].iat[0]
    arcs, program = base.model.layout.arcs, served_as(base)
    assert arcs is not None
    lengths, flow = np.unique(arcs.travel_min), program.column_block("flow").slice
    for length in (longest, lengths[lengths < longest].max()):
        upper = program.column_upper.copy()
        upper[flow] = np.where(arcs.travel_min <= length, np.inf, 0.0)
        ended = solve_highs(replace(program, column_upper=upper), SolverOptions()).status
        assert ended is (Status.OPTIMAL if length == longest else Status.INFEASIBLE)


def test_lexicographic_within_a_budget_without_cost_among_the_criteria() -> None:
    least = min(c.cost for c in choices())
    near = [c for c in choices() if c.cost <= 1.3 * least]
    found = lexicographic(county(), ["equity-worst-area", "actions"], within=30)
    expected = ranked(["equity-worst-area", "actions"], near)
    np.testing.assert_allclose(found.points["value"] * [-1, 1], expected, rtol=1e-6, atol=1e-9)
    assert found.points["cost_cny_a_year"].max() <= 1.3 * least * (1 + 1e-8)


@pytest.mark.parametrize("within", [10, 50, 100])
def test_max_min_is_the_best_worst_area_within_the_budget(within: float) -> None:
    least = min(c.cost for c in choices())
    near = [c for c in choices() if c.cost <= (1 + within / 100) * least]
    worst = VALUES["equity-worst-area"]
    best = min(map(worst, near))
    cost = min(c.cost for c in near if worst(c) <= best + 1e-9)
    found = max_min(county(), within=within)
    last = found.points.iloc[-1]
    assert last["value"] == pytest.approx(-best)
    assert last["cost_cny_a_year"] == pytest.approx(cost, rel=1e-6)


def test_max_min_that_cannot_gain_is_the_least_cost_plan() -> None:
    found = max_min(county(), within=0.5)
    assert len(found.points) == 1
    least = min(c.cost for c in choices())
    assert found.points["cost_cny_a_year"].iat[0] == pytest.approx(least)


# --- what cannot be done


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"against": "acces-mean"}, "did you mean access-mean?"),
        ({"against": "beauty"}, "allowed: access-mean"),
        ({"against": "cost"}, "is what is traded"),
        ({"points": 0}, "too few points"),
        ({"points": -3}, "too few points"),
        ({"points": 1}, "too few points"),
        ({"within": 0.0}, "leaves no range of cost"),
        ({"within": -5.0}, "leaves no range of cost"),
        ({"within": float("nan")}, "leaves no range of cost"),
        ({"resource": "bad"}, "did you mean bed?"),
        ({"resource": ""}, "allowed: bed"),
        ({"time_limit_s": 0.0}, "leaves no time"),
        ({"gap": -0.1}, "is no gap"),
    ],
)
def test_bad_request(asked: dict[str, Any], text: str) -> None:
    with pytest.raises(DataError) as error:
        trade_offs(county(), **{"against": "actions"} | asked)
    assert len(error.value.problems) == 1
    assert text in str(error.value)


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(DataError) as error:
        trade_offs(county(), "beauty", points=0, within=-1, resource="x")
    assert len(error.value.problems) == 4


@pytest.mark.parametrize("criteria", [[], ["cost", "cost"], ["cost", "costs"]])
def test_bad_ranking(criteria: list[str]) -> None:
    with pytest.raises(DataError):
        lexicographic(county(), criteria)


def test_nothing_to_trade() -> None:
    held = STOCK.assign(lower=STOCK["existing"], upper=STOCK["existing"])
    with pytest.raises(UnsupportedError, match=r"has a better equity-gini .*: 0\.\d+ \(0 to 1\)$"):
        trade_offs(linear(stock=held), "equity-gini")


def test_stock_without_end_needs_a_budget() -> None:
    endless = STOCK.assign(upper=np.nan).astype({"upper": float})
    for criterion in ("equity-worst-tenth", "actions"):
        scenario = linear(worth=1.5, stock=endless)
        with pytest.raises(UnsupportedError, match="--within"):
            trade_offs(scenario, criterion)
        found = trade_offs(scenario, criterion, within=50)
        assert found.points["cost_rise_percent"].max() <= 50 * (1 + 1e-6)


def test_facility_in_an_unknown_area() -> None:
    strange = edit(FACILITIES, {"facility_id": "south"}, area="cc")
    with pytest.raises(DataError, match="'cc' is the area of no population"):
        trade_offs(county(facilities=strange), "equity-gini")


def test_one_area_is_no_comparison() -> None:
    scenario = county(
        facilities=FACILITIES.assign(area="a"), populations=POPULATIONS.assign(area="a")
    )
    with pytest.raises(UnsupportedError, match="two areas"):
        trade_offs(scenario, "equity-worst-tenth")


def test_infeasible_plan() -> None:
    with pytest.raises(NoSolutionError, match="cannot hold together"):
        trade_offs(impossible(), "actions")


def impossible() -> Scenario:
    wanted = clause("amount", resource="icu_bed", at_least=100)
    few = quiet().stock.assign(upper=20.0, lower=0.0)
    return quiet(clauses=[wanted], stock=few)


# --- the plot


def test_plot_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    found = trade_offs(linear(), "access-mean", points=3)
    with pytest.raises(UnsupportedError, match=r"healthalloc\[plot\]"):
        found.plot()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("yearly cost above", "mean way to care\n(minutes one way)")),
        ("zh", ("年费用高出", "平均就医行程\n(分钟，单程)")),
    ],
)
def test_plot(language: str, words: tuple[str, ...], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    if language == "zh" and chinese_family() is None:
        pytest.skip("no font with Chinese glyphs is installed")
    found = trade_offs(linear(), "access-mean", points=3)
    figure = found.plot(language=language)
    axes = figure.axes[0]
    assert axes.get_xlabel().startswith(words[0])
    assert axes.get_ylabel() == words[1]
    x, y = axes.lines[0].get_data()
    assert list(x) == list(found.points["cost_rise_percent"])
    assert list(y) == list(found.points["value"])
    assert axes.get_legend() is None
    found.points["status"] = ["optimal", "limit_with_incumbent", "optimal"]
    hollow = found.plot(language=language).axes[0].lines[1]
    assert list(hollow.get_xdata()) == found.points["cost_rise_percent"].tolist()[1:2]
    assert found.plot(language=language).axes[0].get_legend() is not None
    figure.savefig(tmp_path / "front.svg")
    assert "<svg" in (tmp_path / "front.svg").read_text(encoding="utf-8")


def test_plot_of_a_language_that_is_none() -> None:
    with pytest.raises(DataError, match="is no language"):
        trade_offs(linear(), "access-mean", points=3).plot(language="fr")


# --- the command


@pytest.fixture
def starter(tmp_path: Path) -> Path:
    new_scenario(tmp_path / "county")
    return tmp_path / "county"


def run(*words: object) -> Any:
    return runner.invoke(app, ["trade-offs", *map(str, words)])


def test_command(starter: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(starter, "--against", "access-worst", "-o", out)
    assert result.exit_code == 0, result.output
    assert "access-worst" in result.stdout
    table = pd.read_csv(out / "trade_offs.csv")
    assert table["cost_cny_a_year"].is_monotonic_increasing
    assert table["value"].is_monotonic_decreasing
    stock = pd.read_csv(out / "trade_off_stock.csv")
    assert set(stock["point"]) == set(table["point"])
    assert {file.name for file in out.iterdir()} == {
        "trade_offs.csv", "trade_off_stock.csv", "trade_off_sites.csv", "run.json",
    }  # fmt: skip
    again = run(starter, "--against", "access-worst", "-o", out, "-q")
    assert (again.exit_code, again.stdout) == (0, "")


@pytest.mark.parametrize(
    "words",
    [
        ("--against", "beauty"),
        ("--against", "access-mean", "--points", "0"),
        ("--against", "access-mean", "--points", "-2"),
        ("--against", "access-mean", "--within", "0"),
        ("--against", "equity-gini"),  # all beds stand in one area
        ("--against", "access-mean", "--time-limit", "0"),
    ],
)
def test_command_refuses(starter: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    result = run(starter, *words, "-o", tmp_path / "out")
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


def test_command_draws(starter: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    result = run(starter, "--against", "access-worst", "--plot", tmp_path / "front.PNG")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "front.PNG").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["front.gif", "front", "nowhere/front.svg", "county/front.svg"])
def test_command_refuses_to_draw(name: str, starter: Path, tmp_path: Path) -> None:
    words = (starter, "--against", "access-worst", "-o", tmp_path / "out")
    result = run(*words, "--plot", tmp_path / name)
    assert result.exit_code == 2, result.output
    assert "cannot be drawn (a file in a folder that exists" in result.output
    assert not (tmp_path / "out").exists()


def test_command_without_matplotlib(
    starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    words = (starter, "--against", "access-worst", "-o", tmp_path / "out")
    result = run(*words, "--plot", tmp_path / "front.svg")
    assert result.exit_code == 2
    assert "matplotlib" in result.output
    assert not (tmp_path / "out").exists()


def test_command_on_an_infeasible_plan(tmp_path: Path) -> None:
    write_scenario(impossible(), tmp_path / "scenario")
    result = run(tmp_path / "scenario", "--against", "actions", "-o", tmp_path / "out")
    assert result.exit_code == 3, result.output
    assert "cannot all hold" in result.output
    assert not (tmp_path / "out").exists()
