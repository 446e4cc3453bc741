"""Strategies side by side: each run on one scenario, all evaluated in the same way."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from healthalloc.errors import DataError, NoSolutionError, Problem, UnsupportedError
from healthalloc.explain.asked import rise_percent
from healthalloc.formulation.assemble import formulate
from healthalloc.layout import Layout
from healthalloc.norms import needs
from healthalloc.plotting.figure import figure_class
from healthalloc.progress import each
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution
from healthalloc.solvers import Status
from healthalloc.strategies import Strategy, all_strategies, named_strategies
from healthalloc.strategies.evaluation import evaluate
from healthalloc.strategies.indicators import indicators
from healthalloc.validate import nearest

LOWER_BOUND = "least-cost"
"""Strategy against whose cost the others are held."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What some strategies achieve in one scenario.

    Parameters
    ----------
    scenario
    resource_id, service_id
        Resource whose spread is measured, and service by which its access is.
    solutions
        The evaluation of each strategy that gave an allocation (see `strategies.evaluation`).
    table
        One row for each strategy:

        - ``strategy, status`` (``done``, ``limit``, ``infeasible``, ``no plan`` or ``not
          possible``), ``reason`` where there is no allocation, ``seconds`` of the strategy
          alone;
        - ``cost_cny_a_year`` (spent), ``penalty_cny_a_year`` (price of demand and referrals not
          served and of residents left out), ``objective_cny_a_year`` (the sum),
          ``above_least_cost_percent`` (of the objective; negative for a strategy that breaks
          what binds the cheapest plan);
        - ``clauses_met, clauses_measured, broken`` (ids of enforced clauses),
          ``broken_not_enforced`` (ids), ``limits_broken`` (stocks and sites outside their
          limits);
        - ``demand, no_service_within_reach, within_reach_but_no_capacity``: admissions and
          visits a year, all services; ``mean_travel, worst_travel, travel_unit`` over all cases
          served;
        - ``units`` of the resource, ``gini`` and ``worst_tenth_per_1000`` of units per resident
          by area (see `indicators.by_area`), ``two_step_per_1000`` (2SFCA, mean over residents)
          and ``two_step_worst_tenth_per_1000``;
        - ``actions``: stocks that change and sites that open or close.
    """

    scenario: Scenario
    resource_id: str
    service_id: str
    solutions: Mapping[str, Solution]
    table: pd.DataFrame

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of a result folder, by file name."""

        def all_of(make: Callable[[Solution], pd.DataFrame]) -> pd.DataFrame:
            parts = [make(s).assign(strategy=name) for name, s in self.solutions.items()]
            if not parts:
                return pd.DataFrame({"strategy": []})
            table = pd.concat(parts, ignore_index=True)
            return table[["strategy", *table.columns.drop("strategy")]]

        def by_service(solution: Solution) -> pd.DataFrame:
            columns = list(solution.demand.columns[2:])
            return solution.demand.groupby("service_id", sort=False)[columns].sum().reset_index()

        def clauses(solution: Solution) -> pd.DataFrame:
            return solution.clauses.drop(columns=["price_cny_a_year", "price_basis"])

        return {
            "comparison": self.table,
            "comparison_clauses": all_of(clauses),
            "comparison_cost": all_of(lambda s: s.cost),
            "comparison_demand": all_of(by_service),
            "comparison_access": all_of(lambda s: s.access),
            "comparison_stock": all_of(lambda s: s.stock),
            "comparison_sites": all_of(lambda s: s.sites[["facility_id", "site", "open"]]),
        }

    def run(self) -> dict[str, Any]:
        """Facts of the run, for ``run.json``."""
        return {
            "scenario": self.scenario.settings.name,
            "resource": self.resource_id,
            "service": self.service_id,
            "strategies": dict(zip(self.table["strategy"], self.table["status"])),
        }

    def plot(self) -> Any:
        """Cost, clauses, travel and spread side by side as a matplotlib figure.

        One row of bars for each strategy with an allocation; dark bars break no enforced clause.

        Returns
        -------
        matplotlib.figure.Figure
            To be saved with ``savefig``.

        Raises
        ------
        UnsupportedError
            If matplotlib is not installed, or no strategy gave an allocation.
        """
        make = figure_class()
        shown = self.table[self.table["cost_cny_a_year"].notna()]
        if shown.empty:
            raise UnsupportedError("there is nothing to plot: no strategy gave an allocation")
        figure = make(figsize=(10.0, 1.2 + 0.32 * len(shown)), layout="constrained")
        panels = figure.subplots(1, 4, sharey=True, width_ratios=[2, 1, 1, 1])
        color = np.where(shown["broken"] == "", "C0", "#a6c8e4").tolist()
        cost, penalty, met, way, spread = (
            shown[column].to_numpy(dtype=float)
            for column in (
                "cost_cny_a_year", "penalty_cny_a_year", "clauses_met", "mean_travel", "gini",
            )
        )  # fmt: skip
        unit = shown["travel_unit"].iat[0]
        titles = [
            "million CNY a year\n(hatched: penalty of unmet demand)",
            f"clauses met, of {shown['clauses_measured'].max():.0f}",
            f"mean way, {unit}",
            f"Gini of {self.resource_id}\nper resident",
        ]
        for axes, values, title in zip(panels, (cost / 1e6, met, way, spread), titles):
            axes.barh(shown["strategy"].tolist(), values, color=color)
            axes.set_title(title, fontsize=9)
            axes.grid(axis="x", alpha=0.3)
            axes.set_axisbelow(True)
        panels[0].barh(
            shown["strategy"].tolist(), penalty / 1e6, left=cost / 1e6, color="none",
            edgecolor="C3", hatch="///",
            linewidth=0.0,
        )  # fmt: skip
        panels[0].invert_yaxis()
        return figure


def compare(
    scenario: Scenario,
    strategies: Sequence[str] | Mapping[str, Strategy] | None = None,
    *,
    resource: str | None = None,
    service: str | None = None,
) -> Comparison:
    """Run allocation strategies on a scenario and hold them side by side.

    All are evaluated alike, in the scenario's own program: cost by its components, every clause
    of the plan, service and access with the flows of least cost that the stock can take, or with
    those that the strategy itself states (see `strategies.evaluation.evaluate`).

    Parameters
    ----------
    scenario
    strategies
        Names (see `STRATEGIES`), or functions of your own by the name to show them under: each
        takes the scenario and returns a table ``facility_id, resource_id, allocated``, an array
        of stock or an `Allocation`. By default all that the scenario has the data for.
    resource
        Resource whose spread over residents is measured; by default the first root of kind
        ``bed``.
    service
        Service by which access to it is measured; by default the first that needs it and has a
        radius.

    Returns
    -------
    Comparison
        A strategy that finds no allocation has a row that says why; the others still run.

    Raises
    ------
    DataError
        If a strategy, the resource or the service is not known, the plan has no table for
        ``plan-table``, the scenario has no beds and no resource is named, or what a function
        returns is no allocation.
    """
    if strategies is None:
        wanted = all_strategies(scenario)
    elif isinstance(strategies, Mapping):
        wanted = dict(strategies)
    else:
        wanted = named_strategies(scenario, strategies)
    resource_id, service_id = _measured(scenario, resource, service, len(wanted))
    model = formulate(scenario)
    solutions: dict[str, Solution] = {}
    rows: list[dict[str, Any]] = []
    for name, strategy in each(wanted.items(), "strategies", item=itemgetter(0)):
        began = time.perf_counter()
        ended, reason, returned = "done", "", None
        try:
            returned = strategy(scenario)
        except NoSolutionError as error:
            reason = str(error)
            ended = "infeasible" if "infeasible" in reason else "no plan"
        except (UnsupportedError, DataError) as error:
            ended, reason = "not possible", str(error)
        seconds = time.perf_counter() - began
        row: dict[str, Any] = {"strategy": name, "status": ended}
        if ended == "done":
            try:
                found = solutions[name] = evaluate(scenario, returned, name, model=model)
            except NoSolutionError as error:
                rows.append(row | {"status": "no plan", "seconds": seconds, "reason": str(error)})
                continue
            if found.status is Status.LIMIT_WITH_INCUMBENT:
                row["status"] = "limit"
            row |= indicators(found, resource_id, service_id)
        rows.append(row | {"seconds": seconds, "reason": reason})
    return Comparison(scenario, resource_id, service_id, solutions, _table(rows))


_COLUMNS = [
    "strategy", "status", "cost_cny_a_year", "penalty_cny_a_year", "objective_cny_a_year",
    "above_least_cost_percent", "clauses_met", "clauses_measured", "broken",
    "broken_not_enforced", "limits_broken", "demand", "no_service_within_reach",
    "within_reach_but_no_capacity", "mean_travel", "worst_travel", "travel_unit", "units", "gini",
    "worst_tenth_per_1000", "two_step_per_1000", "two_step_worst_tenth_per_1000", "actions",
    "seconds", "reason",
]  # fmt: skip
_WORDS = {"strategy", "status", "broken", "broken_not_enforced", "travel_unit", "reason"}


def _table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    for column in table.columns:
        if column in _WORDS:
            table[column] = table[column].astype(object).where(table[column].notna(), "")
        else:
            table[column] = table[column].astype(float)
    objective = dict(zip(table["strategy"], table["objective_cny_a_year"].to_numpy(dtype=float)))
    least = objective.get(LOWER_BOUND, np.nan)
    table["above_least_cost_percent"] = [rise_percent(o, least) for o in objective.values()]
    return table


def _measured(
    scenario: Scenario, resource: str | None, service: str | None, n_strategies: int
) -> tuple[str, str]:
    """The resource and the service that are measured."""
    problems = []
    if not n_strategies:
        mend = "name one at least, or leave the choice out for all"
        problems.append(Problem("strategies", "none is given", mend=mend))
    table, services = scenario.resources, list(scenario.services["service_id"])
    ids = list(table["resource_id"])
    beds = list(table["resource_id"][(table["kind"] == "bed") & (table["parent_id"] == "")])
    if resource is not None and resource not in ids:
        problems.append(
            Problem("compare", "is no resource", None, "resource", resource, nearest(resource, ids))
        )
    elif resource is None and not beds:
        mend = "name another resource"
        problems.append(Problem("compare", "the scenario has no resource of kind bed", mend=mend))
    if service is not None and service not in services:
        problems.append(
            Problem(
                "compare", "is no service", None, "service", service, nearest(service, services)
            )
        )
    if problems:
        raise DataError(problems)
    resource_id = beds[0] if resource is None else resource
    return resource_id, service or _service_of(scenario, resource_id)


def _service_of(scenario: Scenario, resource_id: str) -> str:
    layout = Layout(scenario)
    k = layout.resource_ids.get_loc(resource_id)
    needed = needs(layout).sum(axis=0)[:, layout.under[k] | layout.under[:, k]].any(axis=1)
    with_radius = set(scenario.radii["service_id"])
    for service_id, is_needed in zip(scenario.services["service_id"], needed):
        if is_needed and service_id in with_radius:
            return str(service_id)
    message = f"no service that residents reach needs {resource_id}"
    raise DataError([Problem("compare", message, column="service", mend="name a service")])
