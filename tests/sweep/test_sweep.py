"""Sweeps: the answers of single solves, whatever runs them and whatever dies on the way."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import healthalloc as ha
from healthalloc.explain.what_if import WhatIf
from healthalloc.generate import generate
from healthalloc.progress import Phase, listening
from healthalloc.sweeps.cases import path, read_cases
from healthalloc.sweeps.run import NOT_RUN
from tests.sweep.faults import Faulty, die_always, die_once

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(scope="module")
def scenario() -> ha.Scenario:
    return generate(30, 6, seed=0)


@pytest.fixture(scope="module")
def cases(scenario: ha.Scenario) -> pd.DataFrame:
    return ha.ensemble(scenario, 12, seed=7, spread=0.1).assign(
        case=[str(k) for k in range(1, 13)], beds=np.linspace(4.4, 4.9, 12)
    )


@pytest.fixture(scope="module")
def cold(scenario: ha.Scenario, cases: pd.DataFrame) -> pd.DataFrame:
    """Each case solved on its own, from nothing."""
    records = []
    for row in cases.to_dict("records"):
        what_if = WhatIf(scenario)
        what_if.set("beds", row["beds"])
        for service in scenario.services["service_id"]:
            what_if.demand(service, row[f"demand:{service}"])
        answer = ha.solve(what_if.scenario)
        prices = answer.clauses.set_index("clause_id")["price_cny_a_year"]
        demand = answer.demand
        unmet = demand["demand"].sum() - demand["served"].sum()
        cost = answer.cost.set_index("component")["cny_a_year"]
        figures = {"objective_cny_a_year": answer.objective, "unmet": unmet}
        figures |= {"cost_cny_a_year": cost["total"], "penalty_cny_a_year": cost["unmet_penalty"]}
        iterations = answer.result.iterations
        records.append(figures | {"iterations": iterations, **prices.add_prefix("price:")})
    return pd.DataFrame(records)


class Steps:
    """How many cases were done, whenever that changed."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def __call__(self, phases: tuple[Phase, ...]) -> None:
        for phase in phases:
            if phase.name == "sweep" and self.seen[-1:] != [phase.done]:
                assert phase.total == 12
                self.seen.append(phase.done)


def require_all(found: ha.Sweep, cases: pd.DataFrame, cold: pd.DataFrame) -> None:
    """Every case once, in order, certified, at the cost of the cold solve."""
    table = found.results
    assert table["case"].tolist() == cases["case"].tolist()
    assert (table["status"] == "optimal").all()
    assert table["certified"].all()
    assert found.is_complete
    for column in ("objective_cny_a_year", "cost_cny_a_year"):
        assert table[column].to_numpy(float) == pytest.approx(cold[column].to_numpy(), rel=1e-6)
    np.testing.assert_allclose(table["demand:icu"].to_numpy(float), cases["demand:icu"])


# --- answers


def test_each_answer_is_that_of_a_single_solve(
    scenario: ha.Scenario, cases: pd.DataFrame, cold: pd.DataFrame
) -> None:
    found = ha.sweep(scenario, cases, workers=1, tables=["stock", "cost"])
    require_all(found, cases, cold)
    table = found.results
    for column in ("unmet", "penalty_cny_a_year"):
        assert table[column].to_numpy(float) == pytest.approx(cold[column], rel=1e-5, abs=1e-3)
    assert found.folder is None
    stock = found.tables["stock"].groupby("case", sort=False)["allocated"].sum()
    assert stock.index.tolist() == cases["case"].tolist()
    cost = found.tables["cost"]
    objective = cost.loc[cost["component"] == "objective", "cny_a_year"].to_numpy(float)
    assert objective == pytest.approx(cold["objective_cny_a_year"].to_numpy(), rel=1e-6)


def test_prices_are_those_of_the_clause_table(scenario: ha.Scenario) -> None:
    cases = pd.DataFrame({"beds": [4.6, 6.0], "icu": [1, 25]})
    found = ha.sweep(scenario, cases, workers=1, tables=["clauses"])
    clauses = found.tables["clauses"]
    for clause_id, rows in clauses.groupby("clause_id"):
        expected = rows["price_cny_a_year"].to_numpy(float)
        assert found.results[f"price:{clause_id}"].to_numpy(float) == pytest.approx(expected)
    assert (found.results["price:icu"] > 0).any()


def test_unmet_demand_by_service(scenario: ha.Scenario) -> None:
    cases = pd.DataFrame({"demand:icu": ["+40000%"], "penalty:icu": [2.0], "cost:nurse": ["-10%"]})
    found = ha.sweep(scenario, cases, workers=1, tables=["demand"])
    demand = found.tables["demand"].groupby("service_id")[["demand", "served"]].sum()
    unmet = demand["demand"] - demand["served"]
    assert unmet["icu"] > 1
    for service, cases_a_year in unmet.items():
        assert found.results[f"unmet:{service}"].iloc[0] == pytest.approx(cases_a_year, abs=1e-3)


def test_warm_takes_fewer_iterations_than_cold(
    scenario: ha.Scenario, cases: pd.DataFrame, cold: pd.DataFrame
) -> None:
    found = ha.sweep(scenario, cases, workers=1, chunk_size=12)
    warm = np.sort(found.results["iterations"].to_numpy(float))
    assert warm[:-1].mean() < 0.4 * cold["iterations"].mean()  # all but the first


def test_the_order_and_size_of_chunks_change_no_cost(
    scenario: ha.Scenario, cases: pd.DataFrame, cold: pd.DataFrame
) -> None:
    shuffled = cases.sample(frac=1.0, random_state=1)
    found = ha.sweep(scenario, shuffled, workers=2, chunk_size=1)
    require_all(found, shuffled, cold.loc[shuffled.index])


def test_every_sort_of_edit_and_back() -> None:
    scenario = generate(12, 3, seed=2)
    stock = scenario.stock.set_index(["facility_id", "resource_id"])
    facility, resource = next(k for k in stock.index if k[1] == "icu_bed")
    cases = pd.DataFrame(
        [
            {"set:icu": "3 units", "demand:rehab": "+5%"},
            {"rate:icu": 8.0, "setting:discount_rate": 0.08},
            {f"bound:{facility}:{resource}": "..1", "cost:nurse": 1.2},
            {"drop:beds": True, "penalty:icu": "-50%"},
            {f"close:{facility}": "yes"},
            {"demand:rehab": 1.0},
        ]
    )
    cases = cases.astype(object).where(cases.notna(), "")
    found = ha.sweep(scenario, cases, workers=1, chunk_size=6).results
    base = ha.solve(scenario).objective
    assert (found["status"] == "optimal").all()
    assert found["objective_cny_a_year"].iloc[-1] == pytest.approx(base)  # all taken back
    assert (abs(found["objective_cny_a_year"].iloc[:-1] / base - 1) > 1e-9).sum() >= 4
    read = read_cases(scenario, cases)
    for edits, objective in zip(read.edits, found["objective_cny_a_year"]):
        what_if = WhatIf(scenario)
        for (sort, item), value in edits.items():
            match sort:
                case "rate":
                    what_if.demand(item, *value)
                case "setting":
                    what_if.figure(item, *value)
                case "bound":
                    what_if.bound(*item.split(":"), *value)
                case _:
                    getattr(what_if, sort)(item, *value)
        assert what_if.solve().objective == pytest.approx(objective)


def test_an_infeasible_case_is_a_row_like_any_other() -> None:
    scenario = generate(12, 3, seed=2)
    cases = pd.DataFrame({"icu": [1.0, 1e6, 2.0]})
    found = ha.sweep(scenario, cases, workers=1, chunk_size=3).results
    assert found["status"].tolist() == ["optimal", "infeasible", "optimal"]
    assert np.isnan(found["objective_cny_a_year"].to_numpy(float, na_value=np.nan)[1])
    named = ha.sweep(scenario, cases.iloc[[1]], workers=1, conflicts=True).results
    assert "icu" in named["reason"].iloc[0]


def test_the_path_through_the_cases_is_short(scenario: ha.Scenario, cases: pd.DataFrame) -> None:
    edits = read_cases(scenario, cases).edits
    order = path(edits)
    assert sorted(order.tolist()) == list(range(len(cases)))
    line = [{("demand", "icu"): (x,)} for x in (5.0, 1.0, 3.0, 2.0, 4.0)]
    steps = np.abs(np.diff([line[k]["demand", "icu"][0] for k in path(line)]))
    assert steps.sum() <= 6  # as given: 11


def test_ensembles_are_as_stated(scenario: ha.Scenario) -> None:
    drawn = ha.ensemble(scenario, 20_000, seed=5, spread=0.2, correlation=0.3)
    factors = drawn.drop(columns="case").to_numpy()
    assert factors.mean() == pytest.approx(1.0, abs=0.01)
    assert factors.std(axis=0) == pytest.approx(0.2, abs=0.01)
    correlation = np.corrcoef(np.log(factors).T)[~np.eye(6, dtype=bool)]
    assert correlation == pytest.approx(0.3, abs=0.03)
    again = ha.ensemble(scenario, 20_000, seed=5, spread=0.2, correlation=0.3)
    pd.testing.assert_frame_equal(drawn, again)
    one = ha.ensemble(scenario, 3, seed=5, services=["icu"])
    assert one.columns.tolist() == ["case", "demand:icu"]


# --- executors


def test_processes(scenario: ha.Scenario, cases: pd.DataFrame, cold: pd.DataFrame) -> None:
    with ProcessPoolExecutor(2, mp_context=SPAWN) as executor:
        found = ha.sweep(scenario, cases, executor=executor, chunk_size=3)
        assert executor.submit(abs, -1).result() == 1  # one that was given stays open
    require_all(found, cases, cold)


def test_threads(scenario: ha.Scenario, cases: pd.DataFrame, cold: pd.DataFrame) -> None:
    steps = Steps()
    with ThreadPoolExecutor(2) as executor, listening(steps):
        found = ha.sweep(scenario, cases, executor=executor, chunk_size=3)
    require_all(found, cases, cold)
    assert steps.seen == [0, 3, 6, 9, 12]


def test_a_dask_worker_killed_half_way_loses_nothing(
    scenario: ha.Scenario, cases: pd.DataFrame, cold: pd.DataFrame, tmp_path: Path
) -> None:
    distributed = pytest.importorskip("distributed")
    import dask

    quiet = {"distributed.admin.log-format": "", "logging.distributed": "critical"}
    with (
        dask.config.set(quiet),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        executor = Faulty(client.get_executor(), die_once, str(tmp_path / "died"))
        output = tmp_path / "results.parquet"
        found = ha.sweep(scenario, cases, executor=executor, chunk_size=2, output=output)
    assert (tmp_path / "died").exists()
    require_all(found, cases, cold)
    assert sorted(pd.read_parquet(output)["case"].map(int)) == list(range(1, 13))  # none twice


def test_a_killed_process_pool_is_replaced(
    scenario: ha.Scenario, cases: pd.DataFrame, cold: pd.DataFrame, tmp_path: Path
) -> None:
    def make() -> Executor:
        pools.append(Faulty(ProcessPoolExecutor(2, mp_context=SPAWN), die_once, mark))
        return pools[-1]

    pools: list[Executor] = []
    mark = str(tmp_path / "died")
    output = tmp_path / "results.parquet"
    found = ha.sweep(scenario, cases, executor=make, chunk_size=2, output=output, tables=["stock"])
    assert len(pools) == 2
    assert found.n_lost >= 1
    require_all(found, cases, cold)
    once = found.tables["stock"].value_counts(["case", "facility_id", "resource_id"])
    assert (once == 1).all()
    assert once.index.get_level_values("case").nunique() == 12


class DiesAfter(ThreadPoolExecutor):
    """Threads that take no more work after some tasks."""

    def __init__(self, n_tasks: int) -> None:
        super().__init__(1)
        self.left = n_tasks

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.left -= 1
        if self.left < 0:
            self.shutdown(wait=False)
        return super().submit(fn, *args, **kwargs)


def test_what_is_finished_stays_when_an_executor_dies_and_the_rest_follows(
    scenario: ha.Scenario, cases: pd.DataFrame, cold: pd.DataFrame, tmp_path: Path
) -> None:
    output = tmp_path / "results.parquet"
    found = ha.sweep(
        scenario, cases, executor=DiesAfter(2), chunk_size=3, output=output, tables=["stock"]
    )
    assert found.results["status"].value_counts().to_dict() == {"optimal": 6, NOT_RUN: 6}
    assert not found.is_complete
    missing = found.results[found.results["status"] == NOT_RUN]
    assert missing["reason"].str.contains("cannot schedule new futures").all()
    facts = json.loads((output / "_sweep.json").read_text())
    assert (facts["state"], facts["done"]) == ("incomplete", 6)
    kept = {part: part.read_bytes() for part in output.rglob("*.parquet")}
    # a table whose results were never written is no part of it
    stray = output / "_stock" / "part-000099.parquet"
    stray.write_bytes(next(iter(kept.values())))
    steps = Steps()
    with listening(steps):
        again = ha.sweep(scenario, cases, output=output, workers=1, tables=["stock"], chunk_size=5)
    require_all(again, cases, cold)
    assert steps.seen == [0, 6, 11, 12]
    assert all(part.read_bytes() == data for part, data in kept.items())
    assert not stray.exists()
    assert json.loads((output / "_sweep.json").read_text())["state"] == "complete"
    nothing = ha.sweep(scenario, cases, output=output, tables=["stock"], executor=DiesAfter(0))
    pd.testing.assert_frame_equal(nothing.results, again.results)  # nothing is left to do


def test_workers_that_always_die_are_given_up(scenario: ha.Scenario, cases: pd.DataFrame) -> None:
    def make() -> Executor:
        made.append(Faulty(ProcessPoolExecutor(1, mp_context=SPAWN), die_always))
        return made[-1]

    made: list[Executor] = []
    found = ha.sweep(scenario, cases.head(2), executor=make, resubmit=1, chunk_size=2)
    assert found.results["status"].tolist() == [NOT_RUN] * 2
    assert found.results["reason"].str.contains("BrokenProcessPool").all()
    assert len(made) == 2


def test_an_interruption_keeps_what_is_finished(
    scenario: ha.Scenario, cases: pd.DataFrame, cold: pd.DataFrame, tmp_path: Path
) -> None:
    def stop(phases: tuple[Phase, ...]) -> None:
        if phases and phases[0].done == 6:
            raise KeyboardInterrupt

    output = tmp_path / "results.parquet"
    with pytest.raises(KeyboardInterrupt), listening(stop):
        ha.sweep(scenario, cases, workers=1, output=output, chunk_size=3)
    assert json.loads((output / "_sweep.json").read_text())["state"] == "interrupted"
    assert len(pd.read_parquet(output)) == 6
    require_all(ha.sweep(scenario, cases, workers=1, output=output), cases, cold)


# --- bad input


@pytest.fixture
def shut() -> Executor:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    return executor


def test_an_executor_that_is_shut_down(scenario: ha.Scenario, shut: Executor) -> None:
    cases = pd.DataFrame({"beds": [4.6]})
    with pytest.raises(ha.DataError, match="executor: takes no work: cannot schedule new"):
        ha.sweep(scenario, cases, executor=shut)
    with pytest.raises(ha.DataError, match="executor: is a str: an Executor, or a function"):
        ha.sweep(scenario, cases, executor="threads")  # type: ignore[arg-type]


BAD = {
    "no rows": ({"beds": []}, "cases: has no rows"),
    "no edits": ({"case": ["a"]}, "cases: has no column that edits"),
    "unknown clause": ({"bedds": [4.6]}, "column|bedds: edits nothing.*did you mean beds"),
    "unknown word": ({"demands:icu": [1]}, "edits nothing.*did you mean demand"),
    "unknown service": ({"demand:icus": [1]}, "row 1, column demand:icus: 'icus' is no known"),
    "not a number": ({"beds": [4.6, np.nan]}, "row 2, column beds: 'nan' is not a number"),
    "negative factor": ({"demand:icu": [1, -1]}, "row 2.*-1 is no factor of 0 or more"),
    "infinite": ({"demand:icu": [np.inf]}, "row 1.*inf is no factor of 0 or more"),
    "no factor": ({"demand:icu": ["105%"]}, r"'105%' is no factor: write 1.05, or \+5%"),
    "no target": ({"beds": ["many"]}, "'many' is no target"),
    "wrong unit": ({"beds": ["4.6 km"]}, "is not measured in 'km'"),
    "no yes or no": ({"close:f1": ["perhaps"]}, "'perhaps' is neither true nor false"),
    "no range": ({"bound:f1:doctor": ["5"]}, "'5' is no range"),
    "unknown stock": ({"bound:f9:doctor": ["5.."]}, "row 1, column bound:f9:doctor"),
    "other setting": ({"setting:base_year": [2020]}, "no known setting"),
    "case twice": ({"case": ["a", "a"], "beds": [4, 5]}, "row 2, column case: 'a' stands there"),
    "close and open": ({"close:f1": [1], "open:f1": [1]}, "row 1: 'f1' contradicts another"),
    "set and drop": ({"beds": [4.6], "drop:beds": [1]}, "row 1: 'beds' contradicts another"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_cases_are_refused_by_name(name: str, scenario: ha.Scenario) -> None:
    table, message = BAD[name]
    with pytest.raises(ha.DataError, match=message):
        ha.sweep(scenario, pd.DataFrame(table))


def test_everything_that_is_wrong_is_listed(scenario: ha.Scenario) -> None:
    table = pd.DataFrame({"nothing": [1], "beds": ["x"], "demand:icu": [-1.0]})
    with pytest.raises(ha.DataError) as error:
        ha.sweep(scenario, table)
    assert [p.column for p in error.value.problems] == ["nothing", "beds", "demand:icu"]
    with pytest.raises(ha.DataError, match=r"is no table that a sweep can keep.*stock"):
        ha.sweep(scenario, pd.DataFrame({"beds": [4.6]}), tables=["stocks"])
    for wrong in ({"n_cases": 0}, {"spread": -1.0}, {"correlation": 2.0}, {"services": ["icus"]}):
        with pytest.raises(ha.DataError, match="ensemble"):
            ha.ensemble(scenario, **{"n_cases": 1, "seed": 0} | wrong)


def test_an_output_of_another_sweep_is_refused(scenario: ha.Scenario, tmp_path: Path) -> None:
    output = tmp_path / "results.parquet"
    cases = pd.DataFrame({"icu": [1.0, 2.0]})
    small = generate(12, 3, seed=2)
    ha.sweep(small, cases, workers=1, output=output)
    before = {part: part.read_bytes() for part in output.rglob("*.parquet")}
    other = small.replace(demand=small.demand.assign(rate_per_1000=1.0))
    with pytest.raises(ha.DataError, match=r"another sweep: scenario \(demand\) changed"):
        ha.sweep(other, cases, output=output)
    with pytest.raises(ha.DataError, match=r"another sweep: cases \(digest\) changed"):
        ha.sweep(small, cases * 2, output=output)
    with pytest.raises(ha.DataError, match=r"another sweep: options \(tables\) changed"):
        ha.sweep(small, cases, output=output, tables=["stock"])
    assert {part: part.read_bytes() for part in output.rglob("*.parquet")} == before
    afresh = ha.sweep(small, cases.head(1), workers=1, output=output, resume=False)
    assert len(afresh.results) == 1
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    for resume in (True, False):
        with pytest.raises(ha.DataError, match="exists and is no earlier sweep"):
            ha.sweep(small, cases, output=tmp_path / "mine", resume=resume)


def test_too_little_memory_is_said_before_anything_is_written(
    scenario: ha.Scenario, cases: pd.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(ha.DataError, match="takes about"):
        ha.sweep(scenario, cases, output=tmp_path / "results.parquet", memory_limit_gb=1e-6)
    assert not list(tmp_path.iterdir())
