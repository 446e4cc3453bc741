from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scipy.sparse import coo_array, csc_array, vstack
from typer.testing import CliRunner

import healthalloc.cli.alternatives
from healthalloc import (
    DataError,
    NoSolutionError,
    Scenario,
    SolverError,
    Status,
    TimeLimitError,
    UnsupportedError,
    audit,
    formulate,
    new_scenario,
    solve,
    write_scenario,
)
from healthalloc.cli.alternatives import show
from healthalloc.cli.app import app
from healthalloc.explain.alternatives import Alternatives, alternatives, ranges
from healthalloc.explain.alternatives.actions import ActionCount, action_count, change_limits
from healthalloc.explain.alternatives.near import NOT_SEARCHED
from healthalloc.explain.alternatives.ranges import stock_ranges
from healthalloc.explain.alternatives.totals import ranged
from healthalloc.explain.extended import Builder, Form, Found, Open
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.solvers import Certificate, SolverOptions, session
from healthalloc.solvers.base import Result
from tests.explain.small_county import (
    FACILITIES,
    STOCK,
    Choice,
    beds_of,
    choices,
    county,
    linear,
    solved,
)
from tests.region import clause, edit, quiet, region, with_form

runner = CliRunner()
assert healthalloc.cli.alternatives


def near(percent: float) -> list[Choice]:
    least = min(c.cost for c in choices())
    return [c for c in choices() if c.cost <= least * (1 + percent / 100) + 1e-6]


def of_plan(table: pd.DataFrame, percent: float, plan: int) -> pd.DataFrame:
    return table[(table["within_percent"] == percent) & (table["plan"] == plan)]


def apart(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return float(sum(abs(a - b) for a, b in zip(one, other)))


@pytest.fixture(scope="module")
def found() -> Alternatives:
    return alternatives(county(), (1, 10, 20), different=3)


# --- ranges


@pytest.mark.parametrize("percent", [10, 20])
def test_ranges_hold_every_near_allocation(found: Alternatives, percent: float) -> None:
    rows = found.ranges[found.ranges["within_percent"] == percent]
    beds = rows[rows["level"] == "root"]
    every = np.array([c.beds for c in near(percent)])
    assert (beds["least"].to_numpy() <= every.min(axis=0)).all()
    assert (beds["most"].to_numpy() >= every.max(axis=0)).all()
    site = rows[rows["level"] == "site"].iloc[0]
    opened = [c.open for c in near(percent)]
    assert site["least"] <= min(opened)
    assert max(opened) <= site["most"]
    assert set(rows["basis"]) == {"linear relaxation: the true range lies within"}
    # whole beds: the ends are whole as well
    assert (rows[["least", "most"]] % 1 == 0).all(axis=None)


@pytest.mark.parametrize("percent", [5, 20])
def test_ranges_of_a_relaxation_without_sites_are_tight(percent: float) -> None:
    """One facility can hold it all, so that every whole number within the cost is met."""
    fixed = STOCK.assign(lower=[1, 6, 1], upper=[7, 6, 1])
    scenario = county(stock=fixed, facilities=FACILITIES.assign(site="existing"))
    least = min(c.cost for c in choices() if c.beds[1:] == (6, 1) and c.open)
    every = [
        c.beds[0] for c in choices()
        if c.beds[1:] == (6, 1) and c.open and c.cost <= least * (1 + percent / 100)
    ]  # fmt: skip
    rows = alternatives(scenario, [percent], different=0).ranges
    north = rows[(rows["facility_id"] == "north") & (rows["level"] == "root")].iloc[0]
    assert (north["least"], north["most"]) == (min(every), max(every))


@pytest.mark.parametrize("percent", [0, 1, 5, 50])
def test_linear_ranges_are_exact(percent: float) -> None:
    """Against scipy, on the program with the cost as a row."""
    scenario = linear()
    rows = alternatives(scenario, [percent], different=0).ranges
    program = formulate(scenario).program
    ceiling = solve(scenario).objective * (1 + percent / 100) * (1 + 1e-9)
    capped = replace(
        program,
        matrix=csc_array(vstack([program.matrix, coo_array(program.cost[None, :])])),
        row_lower=np.append(program.row_lower, -np.inf),
        row_upper=np.append(program.row_upper, ceiling - program.offset),
    )
    for k in range(len(STOCK)):
        for sign, column in ((1.0, "least"), (-1.0, "most")):
            goal = np.zeros(program.n_columns)
            goal[k] = sign
            end = sign * solved(replace(capped, cost=goal)).fun
            assert rows[column].iat[k] == pytest.approx(end, abs=2e-5)
    assert set(rows["basis"]) == {"linear program"}


def test_ranges_of_totals_are_not_sums_of_ranges() -> None:
    """A hospital may hold its beds as either kind, but the total is given."""
    wanted = [
        clause("facility_target", id=f, facility_id=f, resource="bed", equals=n)
        for f, n in (("city", 30), ("private", 12), ("clinic", 5), ("annex", 2))
    ]
    rows = alternatives(quiet(clauses=wanted), [30], different=0).ranges
    by = rows.set_index(["facility_id", "resource_id"])
    assert tuple(by.loc[("city", "bed"), ["least", "most"]]) == (30, 30)
    assert tuple(by.loc[("city", "icu_bed"), ["least", "most"]]) == (2, 7)
    assert tuple(by.loc[("city", "general_bed"), ["least", "most"]]) == (23, 28)
    assert by.loc[("city", "bed"), "level"] == "root"
    assert by.loc[("city", "icu_bed"), "level"] == "leaf"


@pytest.mark.parametrize("whole_units", [True, False])
def test_ranges_of_several_ceilings_are_those_of_each_alone(whole_units: bool) -> None:
    base = solve(county(whole_units=whole_units))
    _, forms, _ = ranged(base.model)
    ceilings = [base.objective * share for share in (1, 1.01, 1.1, 1.2)]
    together = stock_ranges(base.model.program, forms, ceilings, SolverOptions())
    for limit, here in zip(ceilings, together):
        alone = stock_ranges(base.model.program, forms, [limit], SolverOptions())[0]
        assert here.least == pytest.approx(alone.least, abs=1e-5)
        assert here.most == pytest.approx(alone.most, abs=1e-5)
        assert here.searched.all()
    assert (together[0].most < together[-1].most - 0.1).any()


def test_wider_ceilings_only_widen_the_ranges() -> None:
    rows = alternatives(region(), (5, 1, 2, 2), different=0).ranges
    assert list(dict.fromkeys(rows["within_percent"])) == [1, 2, 5]
    least, most = (
        rows.pivot_table(
            index=["facility_id", "resource_id", "level"], columns="within_percent", values=end
        ).to_numpy()
        for end in ("least", "most")
    )
    assert (np.diff(least, axis=1) <= 1e-6).all()
    assert (np.diff(most, axis=1) >= -1e-6).all()
    assert (most >= least).all()


# --- the no-regret part


def test_no_regret_is_in_every_near_allocation(found: Alternatives) -> None:
    assert set(found.no_regret["within_percent"]) == {1}
    rows = found.no_regret[found.no_regret["level"] == "root"]
    place = {name: k for k, name in enumerate(FACILITIES["facility_id"])}
    assert len(rows) == 2
    for row in rows.itertuples():
        changes = [c.beds[place[row.facility_id]] - row.existing for c in near(1)]
        assert min(np.sign(row.sure_change) * np.array(changes)) >= abs(row.sure_change)
    closed = found.no_regret[found.no_regret["level"] == "site"]
    assert (len(closed), any(c.open for c in near(1))) == (1, False)


def sure_county() -> Scenario:
    """A clause wants 4 more ICU beds in the city; closing the clinic saves its site."""
    wanted = clause("facility_target", facility_id="city", resource="icu_bed", at_least=6)
    return quiet(
        clauses=[wanted],
        facilities=edit(quiet().facilities, {"facility_id": "clinic"}, site="closable",
                        site_cost_cny=40000.0),
        stock=quiet().stock.assign(upper=200.0),
    )  # fmt: skip


def test_no_regret_names_what_is_sure() -> None:
    rows = alternatives(sure_county(), [1], different=0).no_regret
    by = rows.set_index(["facility_id", "resource_id"])
    assert by.loc[("city", "icu_bed"), "sure_change"] == 4
    assert by.loc[("city", "icu_bed"), "action"] == "add at least"
    assert by.loc[("clinic", ""), "action"] == "close"
    assert by.loc[("clinic", "doctor"), "sure_change"] == -4
    assert by.loc[("clinic", "doctor"), "action"] == "give up at least"
    assert ("private", "icu_bed") not in by.index


def test_no_regret_is_in_every_plan_found() -> None:
    found = alternatives(sure_county(), [1], different=2)
    both = found.no_regret.merge(found.stock, on=["facility_id", "resource_id"])
    assert len(both) >= 3 * found.plans["plan"].nunique()
    assert (both["change"] * np.sign(both["sure_change"]) >= both["sure_change"].abs()).all()


# --- the plans


@pytest.mark.parametrize("percent", [10, 20])
def test_fewest_actions_and_of_these_the_cheapest(found: Alternatives, percent: float) -> None:
    row = found.plans[
        (found.plans["within_percent"] == percent) & (found.plans["kind"] == "fewest actions")
    ].iloc[0]
    fewest = min(c.actions for c in near(percent))
    cost = min(c.cost for c in near(percent) if c.actions == fewest)
    assert row["actions"] == row["actions_at_least"] == fewest
    told = f"No plan within {percent} % takes fewer than {fewest} actions." in printed(found)
    assert told == (fewest > 0)
    assert row["cost_cny_a_year"] == pytest.approx(cost, rel=1e-6)


@pytest.mark.parametrize("percent", [10, 20])
def test_different_plans_are_as_far_as_any_and_as_cheap(
    found: Alternatives, percent: float
) -> None:
    plans = found.plans[found.plans["within_percent"] == percent]
    beds = [beds_of(of_plan(found.stock, percent, k)) for k in plans["plan"]]
    for row in plans.itertuples():
        before = beds[: row.plan]
        if row.kind == "different":
            farthest = max(min(apart(c.beds, b) for b in before) for c in near(percent))
            assert row.from_nearest == farthest > 0
            cheapest = min(c.cost for c in choices() if c.beds == beds[row.plan])
            assert row.cost_cny_a_year == pytest.approx(cheapest, rel=1e-6)
        if before:
            assert row.from_nearest == min(apart(beds[row.plan], b) for b in before)
            assert row.from_cheapest == apart(beds[row.plan], beds[0])
    assert (plans["kind"] == "different").sum() == 3


def test_plans_lie_within_the_cost_and_the_ranges(found: Alternatives) -> None:
    plans = found.plans
    least = plans["cost_cny_a_year"].min()
    assert least == pytest.approx(min(c.cost for c in choices()))
    assert (plans["cost_rise_percent"] <= plans["within_percent"] + 1e-6).all()
    assert (plans["cost_rise_percent"] >= 0).all()
    assert set(plans["status"]) == {"optimal"}
    joined = found.stock.merge(found.ranges, on=["within_percent", "facility_id", "resource_id"])
    assert (joined["allocated"] >= joined["least"] - 1e-6).all()
    assert (joined["allocated"] <= joined["most"] + 1e-6).all()


def test_search_ends_when_there_is_nothing_else() -> None:
    held = STOCK.assign(lower=STOCK["existing"], upper=STOCK["existing"])
    existing = FACILITIES.assign(site="existing")
    found = alternatives(county(stock=held, facilities=existing), [5])
    assert found.plans["kind"].tolist() == ["cheapest", "fewest actions"]
    assert found.plans["actions"].tolist() == [0, 0]
    assert not len(found.no_regret)


def test_fractions_of_beds() -> None:
    scenario = linear(worth=2.0)
    found = alternatives(scenario, [10], different=2)
    plans = found.plans
    assert (plans["cost_rise_percent"] <= 10 + 1e-6).all()
    assert plans["from_nearest"].iloc[-1] > 1
    assert plans["actions"].min() < plans["actions"].iloc[0]


def test_clauses_hold_in_every_plan() -> None:
    wanted = clause("ratio_to_population", resource="bed", unit="per_1000_residents", at_least=4.5)
    scenario = region(clauses=[wanted])
    found = alternatives(scenario, [5], different=2)
    for k in found.plans["plan"]:
        stock = of_plan(found.stock, 5, k)[["facility_id", "resource_id", "allocated"]]
        rows = audit(scenario, stock.rename(columns={"allocated": "amount"})).clause_rows
        assert rows.loc[rows["allocation"] == "given", "met"].all()


def test_resources_that_plans_differ_in() -> None:
    found = alternatives(region(), [20], different=1, resources=["staff", "icu_bed"])
    assert set(found.totals["resource_id"]) == {"staff", "icu_bed"}
    far = found.plans.iloc[-1]
    totals = [
        of_plan(found.totals, 20, k).set_index(["facility_id", "resource_id"])["allocated"]
        for k in (0, far["plan"])
    ]
    assert far["from_cheapest"] == pytest.approx((totals[1] - totals[0]).abs().sum())


def test_many_short_solves_do_not_use_up_the_limit_of_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The solver's clock runs on over all solves of an open program."""
    limits = []
    run = session.read_result

    def noted(highs: Any, program: LinearProgram, began: float) -> Any:
        _, limit = highs.getOptionValue("time_limit")
        if not program.is_mixed_integer:
            limits.append(limit - highs.getRunTime())
        return run(highs, program, began)

    monkeypatch.setattr(session, "read_result", noted)
    monkeypatch.setattr(session, "PATIENCE_S", np.inf)  # no start gives way before the limit
    base = solve(linear())
    _, forms, _ = ranged(base.model)
    stock_ranges(base.model.program, forms, [base.objective * 1.1], SolverOptions(time_limit_s=7.0))
    assert len(limits) >= 6
    assert limits == pytest.approx([7.0] * len(limits), abs=0.1)


def test_the_search_for_few_actions_begins_from_a_plan_with_fewer() -> None:
    base = solve(county())
    assert base.result.x is not None
    options = SolverOptions(gap=0.0)
    builder = Builder(base.model.program)
    counted = action_count(builder, base.model, *change_limits(base.model, np.inf, options))
    program, start = builder.program(), counted.extended(base.result.x)
    few = counted.fewer(Open(program, options), start)
    value = program.matrix @ few
    assert (program.row_lower - 1e-6 <= value).all()
    assert (value <= program.row_upper + 1e-6).all()
    assert few[program.integer] == pytest.approx(np.round(few[program.integer]), abs=1e-6)
    assert counted.form.of(few) == counted.measured(few) < counted.measured(start)


def test_a_search_without_time_is_told_and_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit before any plan: what was found stays, and no plan is said to be the last."""
    search = Open.search

    def stopped(self: Open, form: Form, start: Floats | None = None) -> Found | Status:
        found = search(self, form, start)
        if len(form.columns) == 1 and form.factors[0] == -1 and isinstance(found, Found):
            assert start is not None
            assert form.of(start) == 0.0  # the search begins from a plan that is known
            return Found(start, Status.LIMIT_WITH_INCUMBENT, 0.0, np.inf)
        return found

    monkeypatch.setattr(Open, "search", stopped)
    monkeypatch.setattr("healthalloc.explain.alternatives.near.far_plan", lambda *_: None)
    cut = alternatives(county(), [20], different=2)
    assert cut.plans_lost == cut.run()["plans_lost"] == 1
    assert list(cut.plans["kind"]) == ["cheapest", "fewest actions"]
    assert "1 searches found no plan when their time was over" in printed(cut)
    monkeypatch.setattr(Open, "search", lambda *_, **__: Status.LIMIT_WITHOUT_INCUMBENT)
    assert alternatives(county(), [20], different=2).plans_lost == 2
    monkeypatch.undo()
    assert alternatives(county(), [20], different=2).plans_lost == 0


def test_the_fewest_actions_are_no_plan_of_their_own_while_none_fewer_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    search = Open.search

    def stopped(self: Open, form: Form, start: Floats | None = None) -> Found | Status:
        found = search(self, form, start)
        if isinstance(found, Found) and start is not None:
            return Found(start, Status.LIMIT_WITH_INCUMBENT, form.of(start), 0.5)
        return found

    monkeypatch.setattr(Open, "search", stopped)
    monkeypatch.setattr(ActionCount, "fewer", lambda self, program, start: start)
    cut = alternatives(county(), [10, 20], different=0)
    assert (list(cut.plans["kind"]), cut.plans_lost) == (["cheapest", "cheapest"], 2)


def printed(found: Alternatives) -> str:
    console = Console(record=True, width=100, file=io.StringIO())
    show(console, found)
    return console.export_text()


def test_time_that_is_over_after_the_ranges_leaves_the_ranges(
    monkeypatch: pytest.MonkeyPatch, found: Alternatives
) -> None:
    monkeypatch.setattr("healthalloc.explain.alternatives.plans._part", lambda *_: 0.0)
    cut = alternatives(county(), (1, 10, 20), different=3)
    pd.testing.assert_frame_equal(cut.ranges, found.ranges)
    pd.testing.assert_frame_equal(cut.no_regret, found.no_regret)
    assert list(cut.plans["kind"]) == ["cheapest"] * 3
    assert cut.plans_lost == 6  # at each percentage the fewest, and the first different one


def test_ranges_that_time_does_not_allow_stand_at_the_limits_of_the_stock(
    monkeypatch: pytest.MonkeyPatch, found: Alternatives
) -> None:
    """They leave out no plan, so that what is no regret there is no regret."""
    monkeypatch.setattr("healthalloc.explain.alternatives.plans.RANGES_SHARE", 0.0)
    cut = alternatives(county(), (10, 20), different=1)
    assert cut.ranges_cut_off == cut.run()["ranges_cut_off"] == len(cut.ranges)
    at_first = cut.ranges[cut.ranges["within_percent"] == 10].iloc[: len(STOCK)]
    assert at_first["least"].tolist() == STOCK["lower"].tolist()
    assert at_first["most"].tolist() == STOCK["upper"].tolist()
    assert set(cut.ranges["basis"]) == {NOT_SEARCHED}
    assert f"{len(cut.ranges)} of {len(cut.ranges)} ranges were not searched" in printed(cut)
    # wider limits change neither the fewest actions nor the farthest plan
    same = ["kind", "cost_cny_a_year", "actions", "from_nearest"]
    both = found.plans[(found.plans["plan"] <= 2) & (found.plans["within_percent"] >= 10)][same]
    both = both.reset_index(drop=True)
    pd.testing.assert_frame_equal(cut.plans[same], both)


def test_time_that_is_over_before_anything_was_found() -> None:
    with pytest.raises(TimeLimitError, match="before any alternative"):
        alternatives(county(), time_limit_s=1e-9)
    endless = STOCK.assign(upper=np.nan).astype({"upper": float})
    with pytest.raises(TimeLimitError, match="without a limit"):
        alternatives(linear(worth=1.5, stock=endless), time_limit_s=1e-9)


@pytest.mark.parametrize("gap", [2e-6, 2e-4])
def test_an_end_that_is_not_quite_proved_is_taken_at_its_bound(
    gap: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that no plan is left out; one that is far from proved is no end."""
    honest = ranges.certify

    def loose(program: LinearProgram, result: Result) -> Certificate:
        proof = honest(program, result)
        off = gap * max(1.0, abs(proof.objective))
        return replace(proof, gap=gap, gap_of_terms=gap, bound=proof.bound - off)

    exact = alternatives(linear(), [10], different=0).ranges
    monkeypatch.setattr(ranges, "certify", loose)
    if gap > ranges.NEARLY:
        with pytest.raises(SolverError, match="does not pass"):
            alternatives(linear(), [10], different=0)
        return
    wide = alternatives(linear(), [10], different=0).ranges
    assert (wide["least"] <= exact["least"] + 1e-9).all()
    assert (wide["most"] >= exact["most"] - 1e-9).all()
    assert (wide["most"] > exact["most"] + 1e-6).any()


# --- what cannot be done


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"within": []}, "no percentage is given"),
        ({"within": [1, -1]}, "is no rise of cost"),
        ({"within": [float("nan")]}, "is no rise of cost"),
        ({"within": [float("inf")]}, "is no rise of cost"),
        ({"different": -1}, "is no number of plans"),
        ({"resources": ["bad"]}, "did you mean bed?"),
        ({"time_limit_s": 0.0}, "leaves no time"),
        ({"gap": float("nan")}, "is no gap"),
    ],
)
def test_bad_request(asked: dict[str, Any], text: str) -> None:
    with pytest.raises(DataError) as error:
        alternatives(county(), **asked)
    assert len(error.value.problems) == 1
    assert text in str(error.value)


def test_free_stock_without_end() -> None:
    free = edit(county().resources, capital_cost_cny=0.0, operating_cost_cny=0.0)
    endless = STOCK.assign(upper=np.nan).astype({"upper": float})
    with pytest.raises(UnsupportedError, match="bed in north"):
        alternatives(linear(resources=free, stock=endless))


def test_unlimited_stock_that_costs_is_bounded_by_the_cost() -> None:
    endless = STOCK.assign(upper=np.nan).astype({"upper": float})
    found = alternatives(linear(worth=1.5, stock=endless), [10], different=1)
    assert np.isfinite(found.ranges["most"]).all()
    assert found.plans["from_nearest"].iat[-1] > 0


def impossible() -> Scenario:
    wanted = clause("amount", resource="icu_bed", at_least=100)
    return quiet(clauses=[wanted], stock=quiet().stock.assign(upper=20.0, lower=0.0))


def test_infeasible_plan() -> None:
    with pytest.raises(NoSolutionError, match="cannot hold together"):
        alternatives(impossible())


# --- the command


@pytest.fixture
def starter(tmp_path: Path) -> Path:
    new_scenario(tmp_path / "county")
    return tmp_path / "county"


def run(*words: object) -> Any:
    return runner.invoke(app, ["alternatives", *map(str, words)])


def test_command(starter: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(starter, "--within", "1,2%", "--different", "1", "--gap", "0.001", "-o", out)
    assert result.exit_code == 0, result.output
    for words in ("Plans within 1 %", "Plans within 2 %", "no regret", "county_hospital"):
        assert words in result.stdout
    assert {file.name for file in out.iterdir()} == {
        "alternatives.csv", "alternative_totals.csv", "alternative_stock.csv", "ranges.csv",
        "no_regret.csv", "run.json",
    }  # fmt: skip
    plans = pd.read_csv(out / "alternatives.csv")
    assert set(plans["within_percent"]) == {1, 2}
    assert (plans["gap"] <= 0.001).all()


@pytest.mark.parametrize(
    "words",
    [
        ("--within", "1,x"),
        ("--within", ""),
        ("--within", "-1"),
        ("--different", "-1"),
        ("--resource", "bad"),
        ("--time-limit", "0"),
    ],
)
def test_command_refuses(starter: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    result = run(starter, *words, "-o", tmp_path / "out")
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


def test_command_writes_nothing_into_the_scenario(starter: Path) -> None:
    assert run(starter, "-o", starter / "out").exit_code == 2
    assert not (starter / "out").exists()


def test_command_on_an_infeasible_plan(tmp_path: Path) -> None:
    write_scenario(impossible(), tmp_path / "scenario")
    result = run(tmp_path / "scenario", "-o", tmp_path / "out")
    assert result.exit_code == 3, result.output
    assert "cannot all hold" in result.output
    assert not (tmp_path / "out").exists()


# --- forms of an institution


def test_an_upgrade_is_one_action_and_what_carries_over_is_none() -> None:
    """The clinic becomes a hospital with the 5 beds, 4 doctors and 2 nurses that it has."""
    must = clause("facility_count", id="upgrade", scope={"facility_id": "clinic_plus"}, equals=1.0)
    plans = alternatives(with_form(clauses=[must]), [10], different=0).plans
    assert plans["actions"].tolist() == [1, 1]
    assert plans["kind"].tolist() == ["cheapest", "fewest actions"]


def test_no_regret_counts_an_institution_once_whatever_its_form() -> None:
    """The clinic is upgraded with its 5 beds, 4 doctors and 2 nurses: no bed is added or lost."""
    must = clause("facility_count", id="upgrade", scope={"facility_id": "clinic_plus"}, equals=1.0)
    found = alternatives(with_form(clauses=[must]), [10], different=1)
    sure = found.no_regret[["facility_id", "level", "action"]]
    assert sure.to_numpy().tolist() == [
        ["clinic", "site", "leave this form"], ["clinic_plus", "site", "take this form"],
    ]  # fmt: skip
    together = found.ranges[found.ranges["level"] == "institution"].set_index("resource_id")
    assert set(together["facility_id"]) == {"clinic"}
    assert together["existing"][["general_bed", "doctor", "nurse"]].tolist() == [5, 4, 2]
    # beds that change the form they stand in are no difference between plans
    assert set(found.totals["facility_id"]) == {"city", "private", "clinic", "annex"}


def test_an_upgrade_and_a_bed_more_are_two_actions() -> None:
    must = clause("facility_count", id="upgrade", scope={"facility_id": "clinic_plus"}, equals=1.0)
    beds = clause("amount", id="beds", resource="general_bed", at_least=39.0)
    plans = alternatives(with_form(clauses=[must, beds]), [10], different=0).plans
    assert plans["actions"].tolist() == [2, 2]


def test_without_a_reason_nothing_is_upgraded() -> None:
    plans = alternatives(with_form(), [10], different=0).plans
    assert plans["actions"].tolist() == [0, 0]
