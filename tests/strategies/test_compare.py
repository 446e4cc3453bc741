"""The common evaluation, what is promised of it, the optimising strategies, and bad input."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import healthalloc.cli.drawing
from healthalloc import (
    DataError,
    NoSolutionError,
    TravelMatrix,
    UnsupportedError,
    new_scenario,
    read_scenario,
    solve,
    write_scenario,
)
from healthalloc.cli.app import app
from healthalloc.comparing import Comparison, compare
from healthalloc.formulation import formulate
from healthalloc.strategies import (
    STRATEGIES,
    Allocation,
    access_floor,
    all_strategies,
    keep,
    least_cost,
    max_min,
    named_strategies,
)
from tests.docs.pages import ROOT
from tests.explain.small_county import (
    FACILITIES,
    RESIDENTS,
    RESOURCES,
    STOCK,
    VALUES,
    choices,
    county,
    gini,
    linear,
    worst_share,
)
from tests.region import clause, edit, region, settings
from tests.strategies.cases import PLAN_TABLE, referring, shuffled

runner = CliRunner()
RULES = ["keep", "by-residents", "by-need", "largest-gap", "cheapest-first", "nearest", "huff"]
OPTIMA = ["least-cost", "whole-units", "access-floor", "max-min", "lexicographic"]
NOT_TIMES = ["seconds"]


def row(found: Comparison, strategy: str) -> Any:
    return found.table.set_index("strategy").loc[strategy]


def impossible(**changes: Any) -> Any:
    return county(clauses=[clause("amount", resource="bed", at_least=100)], **changes)


# --- the table


def test_every_figure_by_hand() -> None:
    """Beds 2, 6, 1 for 1,000, 600 and 400 residents; 2.5 and 0.8 patients travel 11 and 13 min."""
    wanted = [
        clause("amount", id="more", resource="bed", at_least=10),
        clause("amount", id="enough", resource="bed", at_least=9),
        clause("amount", id="few", resource="bed", at_most=8, treatment="audit"),
    ]
    found = row(compare(county(clauses=wanted), ["keep"]), "keep")
    travel = 20 / 3 * (2.5 * 11 + 0.8 * 13)
    assert found["cost_cny_a_year"] == pytest.approx(450 + 150 + travel)
    assert found["penalty_cny_a_year"] == 0
    assert (found["clauses_met"], found["clauses_measured"]) == (1, 3)
    assert (found["broken"], found["broken_not_enforced"]) == ("more", "few")
    assert found["demand"] == pytest.approx(900)
    assert found["mean_travel"] == pytest.approx((2.5 * 11 + 0.8 * 13) / 9)
    assert (found["worst_travel"], found["travel_unit"]) == (pytest.approx(13), "min")
    assert found["units"] == 9
    assert found["gini"] == pytest.approx(gini([2, 6, 1], RESIDENTS))
    assert found["worst_tenth_per_1000"] == pytest.approx(worst_share([2, 6, 1], RESIDENTS, 0.1))
    # everybody reaches every bed
    assert found["two_step_per_1000"] == pytest.approx(4.5)
    assert found["two_step_worst_tenth_per_1000"] == pytest.approx(4.5)
    assert (found["actions"], found["limits_broken"], found["status"]) == (0, 0, "done")


def test_unmet_demand_by_reason() -> None:
    """The lower population reaches only the south, which is shut; upper and inner lack 0.2 beds."""
    radii = county().radii.assign(radius=12.0)
    shut = edit(FACILITIES, {"facility_id": "south"}, site="candidate")
    held = STOCK.assign(existing=[2, 5, 0])
    found = row(compare(county(radii=radii, facilities=shut, stock=held), ["keep"]), "keep")
    assert found["no_service_within_reach"] == pytest.approx(180)
    assert found["within_reach_but_no_capacity"] == pytest.approx(20)
    assert found["penalty_cny_a_year"] == pytest.approx(200 * 1000)


def test_limits_are_counted() -> None:
    held = STOCK.assign(lower=[3.0, 0.0, 0.0], upper=[7.0, 5.0, 4.0])
    found = compare(county(stock=held), ["keep", "by-residents"])
    assert found.table["limits_broken"].tolist() == [2, 0]
    closes = compare(county(), {"shut": lambda s: Allocation(np.zeros(3), np.zeros(3, dtype=bool))})
    assert row(closes, "shut")["limits_broken"] == 2  # two sites that must stay; one may close


def test_actions() -> None:
    moved = STOCK.assign(allocated=[3, 5, 0])
    closing = {"close": lambda s: Allocation(np.array([3.0, 5, 0]), np.array([True, True, False]))}
    assert row(compare(county(), {"move": lambda s: moved}), "move")["actions"] == 3
    assert row(compare(county(), closing), "close")["actions"] == 4


def test_spread_where_areas_differ_in_size() -> None:
    """Facilities state towns and populations villages; with the tree they meet at the towns."""
    villages = county().populations.assign(area=["a/1", "a/2", "b/1"])
    towns = FACILITIES.assign(area=["a", "a", "b"])
    areas = pd.DataFrame(
        [("all", "county", ""), ("a", "town", "all"), ("b", "town", "all")]
        + [(v, "village", v[0]) for v in ("a/1", "a/2", "b/1")],
        columns=["area_id", "level", "parent_id"],
    ).assign(name="x", source="made up")
    found = row(
        compare(county(populations=villages, facilities=towns, areas=areas), ["keep"]), "keep"
    )
    assert found["gini"] == pytest.approx(gini([8, 1], [1600, 400]))
    alone = row(compare(county(populations=villages, facilities=towns), ["keep"]), "keep")
    assert np.isnan(alone["gini"])
    assert np.isnan(alone["worst_tenth_per_1000"])


def test_tables_are_whole() -> None:
    found = compare(county(proposals=PLAN_TABLE))
    assert found.table["strategy"].tolist() == list(STRATEGIES)
    tables = found.tables()
    for name in ("stock", "sites", "cost", "demand", "access"):
        assert set(tables[f"comparison_{name}"]["strategy"]) == set(STRATEGIES)
    assert tables["comparison"] is found.table
    assert found.run()["strategies"]["huff"] == "done"


# --- what is promised


@pytest.mark.parametrize("least", [0, 9, 14])
@pytest.mark.parametrize("worth", [0.5, 20.0])
def test_least_cost_is_below_every_strategy_that_meets_the_plan(least: int, worth: float) -> None:
    wanted = [clause("amount", resource="bed", at_least=least)]
    found = compare(county(clauses=wanted, worth=worth)).table.set_index("strategy")
    bound = found["objective_cny_a_year"]["least-cost"]
    meets = found[(found["broken"] == "") & (found["limits_broken"] == 0)]
    assert set(OPTIMA) <= set(meets.index)
    assert least > 9 or {"keep", "by-residents"} <= set(meets.index)
    assert (meets["objective_cny_a_year"] >= bound * (1 - 1e-7)).all()
    assert (found["above_least_cost_percent"][meets.index] >= -1e-5).all()


def test_optimising_strategies_cost_what_their_programs_cost() -> None:
    """Evaluated in another program, with clauses and limits freed."""
    wanted = [clause("amount", resource="bed", at_least=6.5)]
    found = compare(county(clauses=wanted), ["least-cost", "whole-units"])
    costs = found.table["objective_cny_a_year"]
    relaxed = solve(county(clauses=wanted), whole_units=False).objective
    whole = solve(county(clauses=wanted), whole_units=True).objective
    assert costs.tolist() == pytest.approx([relaxed, whole])
    assert relaxed < whole


def test_fairness_access_and_rank_against_enumeration() -> None:
    plans = choices()
    least = min(c.cost for c in plans)
    near = [c for c in plans if c.cost <= 1.5 * least]
    worst = VALUES["equity-worst-area"]
    best = min(map(worst, near))
    shortest = min(c.minutes for c in plans if np.isfinite(c.minutes))
    found = compare(
        county(),
        {
            "fair": partial(max_min, within=50),
            "near": partial(access_floor, mean_travel_at_most=1.0),
            "first": STRATEGIES["lexicographic"],
        },
    )
    beds = found.solutions["fair"].stock["allocated"].tolist()
    assert min(1000 * b / r for b, r in zip(beds, RESIDENTS)) == pytest.approx(-best)
    cost = found.table.set_index("strategy")["objective_cny_a_year"]
    assert cost["fair"] == pytest.approx(min(c.cost for c in near if worst(c) <= best + 1e-9))
    assert cost["near"] == pytest.approx(min(c.cost for c in plans if c.minutes <= 1.0 + 1e-9))
    at_best = [c.cost for c in plans if c.minutes <= shortest + 1e-9]
    assert cost["first"] == pytest.approx(min(at_best))
    assert row(found, "first")["mean_travel"] == pytest.approx(shortest)


def test_access_floor_is_todays_by_default() -> None:
    """Today's mean way is 4.2 minutes; where travel is cheap, the least cost has a longer one."""
    found = compare(county(worth=0.2), ["keep", "least-cost", "whole-units", "access-floor"])
    travel = found.table.set_index("strategy")["mean_travel"]
    assert travel["whole-units"] > travel["keep"]
    assert travel["access-floor"] <= travel["keep"] * (1 + 1e-6)


def test_flows_of_an_optimum_meet_clauses_on_flows() -> None:
    """Nobody is referred for the sake of cost alone; the plan asks for one visit in twenty."""
    asked = clause("referral_share", from_service="visit", to_service="inpatient", at_least=5)
    careless = edit(referring().services, {"service_id": "inpatient"}, unmet_penalty_cny=0.0)
    scenario = referring(services=careless, clauses=[asked])
    found = compare(scenario, ["keep", "nearest", "least-cost", "whole-units"], service="visit")
    assert found.table["clauses_met"].tolist() == [0, 1, 1, 1]
    assert found.table["broken"].tolist() == ["referral_share", "", "", ""]


def test_of_equally_cheap_flows_those_with_short_ways_are_shown() -> None:
    """Travel has no value here, and 24 minutes are as far as 11 and 13."""
    found = row(compare(county(worth=0.0), ["keep"]), "keep")
    assert found["mean_travel"] == pytest.approx((2.5 * 11 + 0.8 * 13) / 9)
    assert found["worst_travel"] == pytest.approx(13)


@pytest.mark.parametrize("make", [county, region, referring])
def test_order_of_rows_does_not_matter(make: Any) -> None:
    given = make()
    names = [n for n in all_strategies(given) if n in RULES]
    first = compare(given, names, service="visit" if make is referring else None)
    stock = first.tables()["comparison_stock"].set_index(["strategy", "facility_id", "resource_id"])
    for seed in (1, 2, 3):
        again = compare(shuffled(given, seed), names, service=first.service_id)
        other = again.tables()["comparison_stock"]
        other = other.set_index(["strategy", "facility_id", "resource_id"]).loc[stock.index]
        pd.testing.assert_frame_equal(stock, other)
        numbers = first.table.select_dtypes("number").columns.drop(NOT_TIMES)
        np.testing.assert_allclose(again.table[numbers], first.table[numbers], rtol=1e-6, atol=1e-6)


def test_the_same_again() -> None:
    first, again = compare(county()), compare(county())
    pd.testing.assert_frame_equal(
        first.table.drop(columns=NOT_TIMES), again.table.drop(columns=NOT_TIMES)
    )


@pytest.mark.parametrize("name", RULES[1:])
@pytest.mark.parametrize("make", [county, region, referring, linear])
def test_rules_keep_limits_and_whole_units(name: str, make: Any) -> None:
    scenario = make()
    found = compare(scenario, [name], service=scenario.services["service_id"].iat[-1])
    assert found.table["limits_broken"].tolist() == [0]
    held = found.solutions[name].stock["allocated"]
    np.testing.assert_allclose(held, np.round(held), atol=1e-9)
    if name in ("by-residents", "by-need", "largest-gap"):
        stock = found.solutions[name].stock.groupby("resource_id")[["existing", "allocated"]].sum()
        np.testing.assert_allclose(stock["allocated"], stock["existing"])


def test_real_plan() -> None:
    """The table of the West District: what the optimum costs, and the plan's own table breaks."""
    scenario = read_scenario(ROOT / "examples" / "panzhihua_west")
    found = compare(scenario, ["keep", "by-residents", "nearest", "plan-table", "whole-units"])
    optimum = solve(scenario)
    assert row(found, "whole-units")["objective_cny_a_year"] == pytest.approx(optimum.objective)
    assert row(found, "whole-units")["broken"] == ""
    assert row(found, "plan-table")["actions"] == 5
    printed = set(row(found, "plan-table")["broken"].split(", "))
    assert printed.isdisjoint({"xq-20", "xq-24", "xq-25", "xq-26", "xq-27"})  # the table itself
    assert {"xq-05", "xq-06", "xq-22"} <= printed
    beds = found.solutions["by-residents"].stock.set_index("resource_id")["allocated"]
    existing = scenario.stock.set_index("resource_id")["existing"]
    for kind in ("general_bed", "icu_bed", "rehab_bed", "nurse"):
        assert beds[kind].sum() == existing[kind].sum()


# --- forms of an institution, travel in km


def with_form() -> Any:
    """The north may become a larger form of itself, at a price and with twice the beds."""
    form = FACILITIES.iloc[[0]].assign(
        facility_id="north_large", name="north_large", site="candidate", site_cost_cny=10.0,
        form_of="north",
    )  # fmt: skip
    held = STOCK.iloc[[0]].assign(facility_id="north_large", existing=0, lower=6.0, upper=14.0)
    facilities = pd.concat([FACILITIES.assign(form_of=""), form], ignore_index=True)
    return county(facilities=facilities, stock=pd.concat([STOCK, held], ignore_index=True))


def test_rules_keep_the_form_of_today() -> None:
    found = compare(with_form())
    table = found.table.set_index("strategy")
    assert (table["limits_broken"] == 0).all()
    stock = found.tables()["comparison_stock"].set_index(["strategy", "facility_id"])["allocated"]
    for name in RULES:
        assert stock[name, "north_large"] == 0
        assert stock[name, "north"] == row(compare(county(), [name]), name)["units"] - sum(
            stock[name, other] for other in ("middle", "south")
        )


def test_optimum_may_change_the_form_and_costs_the_same_here() -> None:
    """Ten beds where the present form may hold seven."""
    wanted = clause("facility_target", facility_id="north_large", resource="bed", at_least=10)
    scenario = with_form()
    scenario = scenario.replace(plan=type(scenario.plan)([wanted]))
    found = compare(scenario, ["whole-units"])
    assert row(found, "whole-units")["objective_cny_a_year"] == pytest.approx(
        solve(scenario).objective
    )
    assert row(found, "whole-units")["limits_broken"] == 0
    both = {"both": lambda s: Allocation(np.array([1.0, 6, 1, 6]), np.ones(4, dtype=bool))}
    assert row(compare(scenario, both), "both")["limits_broken"] == 1


def test_travel_known_in_km_only() -> None:
    """With no value of travel, the same rules and the same ways, in km."""
    km = {"upper": (0, 11, 24), "inner": (11, 0, 13), "lower": (24, 13, 0)}
    travel = pd.DataFrame(
        [
            (population, facility, float(way))
            for population, ways in km.items()
            for facility, way in zip(FACILITIES["facility_id"], ways)
        ],
        columns=["population_id", "facility_id", "travel"],
    )
    in_km = settings(
        extra_facility_columns=(), value_of_travel_cny_per_hour=0.0,
        travel=TravelMatrix(layout="long", unit="km"),
        solve=county().settings.solve,
    )  # fmt: skip
    radii = county().radii.assign(unit="km")
    found = compare(county(settings=in_km, travel=travel, radii=radii)).table
    in_min = compare(county(worth=0.0)).table
    assert set(found["travel_unit"]) == {"km"}
    columns = ["objective_cny_a_year", "units", "mean_travel", "worst_travel", "two_step_per_1000"]
    rules = found["strategy"].isin([*RULES, "lexicographic"])
    np.testing.assert_allclose(found.loc[rules, columns], in_min.loc[rules, columns], rtol=1e-5)


# --- strategies of one's own


def test_own_function_gives_a_table_an_array_or_an_allocation() -> None:
    some = pd.DataFrame({"facility_id": ["south"], "resource_id": ["bed"], "allocated": [4]})
    own = {
        "table": lambda s: some,
        "array": lambda s: np.array([2.0, 6.0, 4.0]),
        "allocation": lambda s: Allocation(np.array([2.0, 6.0, 4.0])),
    }
    found = compare(county(), own)
    stock = [found.solutions[name].stock["allocated"].tolist() for name in own]
    assert stock == [[2, 6, 4]] * 3
    assert len(set(found.table["objective_cny_a_year"].round(6))) == 1


def fine() -> Any:
    return STOCK.assign(allocated=[1, 2, 3])[["facility_id", "resource_id", "allocated"]]


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        (None, "'NoneType' returns no stock"),
        (np.array([1.0, 2.0]), r"has shape \(2,\), not \(3,\)"),
        (np.array([1.0, -2.0, 0.0]), "row 2, column stock: '-2' is not a finite number"),
        (np.array([1.0, np.nan, 0.0]), "'nan' is not a finite number"),
        (np.array([1.0, np.inf, 0.0]), "'inf' is not a finite number"),
        (fine().drop(columns="allocated"), "column allocated: missing column"),
        (
            fine().replace("south", "soth"),
            "'soth bed' is no row of the stock table .did you mean south",
        ),
        (pd.concat([fine(), fine()]), "'north bed' is named twice"),
        (fine().astype({"allocated": object}).replace(3, "x"), "'nan' is not a finite number"),
        (Allocation(np.ones(3), np.zeros(2, dtype=bool)), r"is_open: has shape \(2,\)"),
        (Allocation(np.ones(3), np.array([True, True, False])), "'south' stock at a facility"),
        (Allocation(np.ones(3), flow=np.ones(2)), "flow: has shape"),
        (Allocation(np.full(3, 9.0), flow=np.full(9, 5.0)), "exceeds the demand at"),
        (Allocation(np.zeros(3), flow=np.full(9, 0.1)), "exceeds the capacity at north bed"),
    ],
)
def test_what_a_function_returns_is_checked(returned: Any, text: str) -> None:
    with pytest.raises(DataError, match=text):
        compare(county(), {"mine": lambda s: returned})


# --- what cannot be done


@pytest.mark.parametrize(
    ("strategies", "text"),
    [
        (["huf"], "'huf' is no strategy (did you mean huff?)"),
        (["what"], "allowed: keep, by-residents"),
        (["keep", "keep"], "is given twice"),
        (["plan-table"], "the plan has no table of its own"),
        (["plan-table:x"], "the plan has no table of its own"),
        ([], "none is given"),
        ({}, "none is given"),
    ],
)
def test_bad_request(strategies: Any, text: str) -> None:
    with pytest.raises(DataError) as error:
        compare(county(), strategies)
    assert text in str(error.value)


def test_every_unknown_name_is_listed() -> None:
    with pytest.raises(DataError) as error:
        compare(county(), ["huf", "nearst", "plan-table"])
    assert len(error.value.problems) == 3


def test_several_tables_of_the_plan() -> None:
    two = pd.concat([PLAN_TABLE, PLAN_TABLE.assign(proposal_id="draft", amount=[2, 5])])
    scenario = county(proposals=two.reset_index(drop=True))
    found = compare(scenario, ["plan-table:printed", "plan-table:draft"])
    stock = found.tables()["comparison_stock"].groupby("strategy", sort=False)["allocated"]
    assert stock.agg(list).tolist() == [[3, 4, 1], [2, 5, 1]]
    assert {"plan-table:printed", "plan-table:draft"} <= set(all_strategies(scenario))
    for name in ("plan-table", "plan-table:drafts"):
        with pytest.raises(DataError, match=r"name plan-table:printed or|did you mean draft"):
            named_strategies(scenario, [name])


def test_without_beds() -> None:
    places = county(resources=edit(RESOURCES, kind="place"))
    with pytest.raises(DataError, match="no resource of kind bed"):
        compare(places, ["keep"])
    assert row(compare(places, ["keep"], resource="bed"), "keep")["units"] == 9


def test_unknown_resource_and_service() -> None:
    with pytest.raises(DataError) as error:
        compare(county(), ["keep"], resource="bad", service="inpatent")
    assert [p.mend for p in error.value.problems] == [
        "did you mean bed?",
        "did you mean inpatient?",
    ]
    with pytest.raises(DataError, match="no service that residents reach needs icu_bed"):
        compare(region(), ["keep"], resource="icu_bed")


def test_infeasible_plan_leaves_the_rules() -> None:
    found = compare(impossible())
    table = found.table.set_index("strategy")
    assert table["status"][OPTIMA].tolist() == ["infeasible"] * 5
    assert table["reason"][OPTIMA].str.contains("cannot hold together").all()
    assert table["cost_cny_a_year"][OPTIMA].isna().all()
    assert table["status"][RULES].tolist() == ["done"] * 7
    assert (table["broken"][RULES] == "amount").all()
    assert set(found.solutions) == set(RULES)


def test_floor_that_cannot_be_reached() -> None:
    """With one bed at the north somebody has to go."""
    held = county(stock=STOCK.assign(upper=[1.0, 6.0, 4.0], existing=[1, 6, 1]))
    asked = {"floor": partial(access_floor, mean_travel_at_most=0.1), "keep": keep}
    found = compare(held, asked)
    assert row(found, "floor")["status"] == "infeasible"
    reason = row(found, "floor")["reason"]
    assert "0.1 at most" in reason
    best = float(reason.rsplit(" ", 1)[1])
    assert best > 0.1
    with pytest.raises(NoSolutionError):
        access_floor(held, mean_travel_at_most=best * 0.99)
    reached = compare(held, {"floor": partial(access_floor, mean_travel_at_most=best * 1.001)})
    assert row(reached, "floor")["mean_travel"] <= best * 1.0011
    assert row(found, "keep")["status"] == "done"


@pytest.mark.parametrize("limit", [-1.0, np.nan, np.inf])
def test_floor_that_is_no_number(limit: float) -> None:
    with pytest.raises(DataError, match="finite number of 0 or more"):
        access_floor(county(), mean_travel_at_most=limit)


def test_one_area_leaves_max_min_out() -> None:
    one = county(
        facilities=FACILITIES.assign(area="a"), populations=county().populations.assign(area="a")
    )
    found = compare(one, ["max-min", "least-cost"])
    assert found.table["status"].tolist() == ["not possible", "done"]
    assert "two areas" in row(found, "max-min")["reason"]
    assert row(found, "least-cost")["gini"] == 0


def test_least_cost_raises_on_its_own() -> None:
    with pytest.raises(NoSolutionError, match="cannot hold together"):
        least_cost(impossible())


def test_evaluation_measures_and_does_not_enforce() -> None:
    model = formulate(impossible())
    found = compare(impossible(), ["keep"]).solutions["keep"]
    assert found.model.program.n_rows == model.program.n_rows
    assert found.clauses["met"].tolist() == [False]


# --- the plot and the command


def test_plot_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UnsupportedError, match=r"healthalloc\[plot\]"):
        compare(county(), ["keep"]).plot()


def test_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    compare(county(), RULES).plot().savefig(tmp_path / "strategies.svg")
    assert "<svg" in (tmp_path / "strategies.svg").read_text(encoding="utf-8")


@pytest.fixture
def starter(tmp_path: Path) -> Path:
    new_scenario(tmp_path / "county")
    return tmp_path / "county"


def run(*words: object, columns: int = 100) -> Any:
    return runner.invoke(app, ["compare", *map(str, words)], env={"COLUMNS": str(columns)})


def test_command(starter: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(starter, "-s", "keep,nearest", "-s", "least-cost", "-o", out)
    assert result.exit_code == 0, result.output
    assert "keep, nearest all break" in result.stdout
    table = pd.read_csv(out / "comparison.csv")
    assert table["strategy"].tolist() == ["keep", "nearest", "least-cost"]
    assert {file.stem for file in out.iterdir()} == {
        "comparison", "comparison_clauses", "comparison_cost", "comparison_demand",
        "comparison_access", "comparison_stock", "comparison_sites", "run",
    }  # fmt: skip
    again = run(starter, "-s", "keep", "-o", out, "-q")
    assert (again.exit_code, again.stdout) == (0, "")


def test_table_is_readable_at_100_columns() -> None:
    west = ROOT / "examples" / "panzhihua_west"
    result = run(west, "-s", "keep,cheapest-first,access-floor", "--mean-travel", "1")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()[1:8]
    assert max(map(len, lines)) <= 100
    assert any(line.startswith("cheapest-first") and "/40" in line for line in lines)
    assert "no plan that meets every clause has one below" in result.stdout


def test_command_shares_totals(starter: Path, tmp_path: Path) -> None:
    result = run(starter, "-s", "by-residents", "--total", "bed=500", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert pd.read_csv(tmp_path / "out" / "comparison.csv")["units"].tolist() == [500]


@pytest.mark.parametrize(
    "words",
    [
        ("-s", "huf"),
        ("-s", "plan-table"),
        ("--total", "bed"),
        ("--total", "bed=many"),
        ("--total", "bed=-1"),
        ("--plot", "front.txt"),
        ("--plot", "nowhere/front.svg"),
        ("--resource", "bad"),
        ("--service", "bad"),
    ],
)
def test_command_refuses(starter: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    result = run(starter, *words, "-o", tmp_path / "out")
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


def test_command_without_matplotlib(
    starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    words = (starter, "-s", "keep", "--plot", tmp_path / "x.svg", "-o", tmp_path / "out")
    result = run(*words)
    assert result.exit_code == 2
    assert "matplotlib" in result.output
    assert not (tmp_path / "out").exists()


def test_command_draws(starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Figure:
        def savefig(self, path: Path) -> None:
            path.write_text("drawn", encoding="utf-8")

    monkeypatch.setattr(healthalloc.cli.drawing, "figure_class", lambda: Figure)
    monkeypatch.setattr(Comparison, "plot", lambda self: Figure())
    result = run(starter, "-s", "keep", "--plot", tmp_path / "x.svg")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "x.svg").read_text(encoding="utf-8") == "drawn"


def test_command_on_an_infeasible_plan(tmp_path: Path) -> None:
    write_scenario(impossible(), tmp_path / "scenario")
    result = run(tmp_path / "scenario")
    assert result.exit_code == 0, result.output
    assert "least-cost, whole-units, access-floor, max-min, lexicographic: infeasible" in (
        result.stdout.replace("\n", " ")
    )
    assert "cannot hold together" in result.stdout
