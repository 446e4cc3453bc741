"""What better access, equity or fewer actions cost: Pareto fronts, lexicographic and max-min."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from healthalloc.errors import UnsupportedError
from healthalloc.explain.asked import rise_percent
from healthalloc.explain.tradeoffs.criterion import Criterion
from healthalloc.explain.tradeoffs.pareto import Plan, best_or_same, front
from healthalloc.explain.tradeoffs.wanted import FRONT_S, Run, Wanted, opened
from healthalloc.labels import Words, language_of
from healthalloc.progress import each
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution


@dataclass(frozen=True, eq=False)
class TradeOffs:
    """Plans that no other plan beats in both cost and a criterion, or one after the other.

    Parameters
    ----------
    optimum
        The least-cost plan that they are held against.
    points
        One row for each plan, the cheapest first: ``point, criterion, unit, value,
        cost_cny_a_year`` (with the penalty of unmet demand), ``cost_rise_percent`` (of the
        least cost), ``cny_a_year_per_unit`` (cost of one unit of the criterion gained since
        the row before; never negative on a front), ``status`` (optimal where both gaps are as
        small as asked for), ``cost_gap`` (share by which a plan with this value might cost
        less; NaN in a step of `lexicographic` before the cost), ``value_gap`` (share by which a
        plan at this cost might have a better value).
    stock
        What each plan holds: ``point, facility_id, resource_id, existing, allocated, change``.
    sites
        What each plan opens: ``point, facility_id, site, open``.
    levels_lost
        Levels of the criterion for which a time limit came before any plan of their own, and a
        best end that is not proved: the front may go on there, though its points stand.
    """

    optimum: Solution
    points: pd.DataFrame
    stock: pd.DataFrame
    sites: pd.DataFrame
    levels_lost: int = 0

    @property
    def basis(self) -> str:
        """Whether units are whole."""
        whole = self.optimum.model.program.is_mixed_integer
        return "whole units or sites" if whole else "linear program"

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of a result folder, by file name."""
        return {
            "trade_offs": self.points, "trade_off_stock": self.stock,
            "trade_off_sites": self.sites,
        }  # fmt: skip

    def run(self) -> dict[str, Any]:
        """Facts of the run, for ``run.json``."""
        return {
            "scenario": self.optimum.scenario.settings.name,
            "criteria": list(dict.fromkeys(self.points["criterion"])),
            "basis": self.basis,
            "points": len(self.points),
            "levels_lost": self.levels_lost,
            "least_cost_cny_a_year": self.optimum.objective,
            "gap": self.optimum.gap,
            "solver": self.optimum.result.solver,
        }

    def plot(self, *, language: str | None = None) -> Any:
        """The front as a matplotlib figure: the criterion against the rise of cost.

        Parameters
        ----------
        language
            ``"en"`` or ``"zh"``, by default that of ``HEALTHALLOC_LANG``.

        Returns
        -------
        matplotlib.figure.Figure
            To be saved with ``savefig``.

        Raises
        ------
        UnsupportedError
            If matplotlib is not installed, or a text is Chinese and no font for it is.
        """
        from healthalloc.plotting.figure import figure_class, legible
        from healthalloc.plotting.fronts import draw_front

        figure = figure_class()(figsize=(6.4, 4.2), dpi=150, layout="constrained")
        draw_front(figure.subplots(), self, Words(language_of(language)))
        return legible(figure)


def trade_offs(
    scenario: Scenario | Solution,
    against: str,
    *,
    points: int = 11,
    within: float | None = None,
    resource: str | None = None,
    time_limit_s: float = FRONT_S,
    gap: float | None = None,
) -> TradeOffs:
    """Trace the Pareto front of cost against a criterion.

    The two ends are lexicographic optima (least cost, then best criterion; and the other way
    round). Between them the criterion is bounded at evenly spaced levels, cost is made least
    and then, at that cost, the criterion is made best: every point is non-dominated, as in the
    augmented epsilon-constraint method (Mavrotas 2009, doi:10.1016/j.amc.2009.03.037), but
    without weights. Levels that an earlier point already meets are skipped. With whole units
    every point is a mixed-integer program and exact up to its stated gap.

    Parameters
    ----------
    scenario
        A scenario, or its least-cost solution, which spares that solve.
    against
        ``access-mean``, ``access-worst``, ``equity-gini``, ``equity-worst-tenth``,
        ``equity-worst-area`` or ``actions`` (see `healthalloc.explain.tradeoffs.criteria`).
    points
        Most points of the front, both ends included; 2 or more.
    within
        Farthest that cost may rise above the least, in percent; ``None``: no limit.
    resource
        Resource that the equity criteria count, all kinds below it included; by default the
        first root of kind ``bed``.
    time_limit_s
        Seconds for all programs after the least-cost one. Of whole units each point may take
        an even share of what is left; what was reached is stated for each.
    gap
        Relative gap of each program, by default the scenario's.

    Returns
    -------
    TradeOffs

    Raises
    ------
    DataError
        If the criterion or the resource is unknown, or a number makes no sense.
    NoSolutionError
        If the scenario has no least-cost plan, or a limit came before it.
    UnsupportedError
        If there is nothing to trade: no plan is better than the least-cost plan.
    """
    wanted = Wanted(
        criteria=(against,), points=points, within=within, resource=resource,
        time_limit_s=time_limit_s, gap=gap, against_cost=True,
    )  # fmt: skip
    run = opened(scenario, wanted)
    plans, lost = front(run, run.criteria[0], points)
    if len(plans) == 1 and not lost:
        other = run.criteria[0]
        value = other.sign * plans[0].value
        limit = "" if within is None else f" within {within:g} % of the least cost"
        raise UnsupportedError(
            f"there is nothing to trade: no plan{limit} has a better {against} than the "
            f"least-cost plan: {value:.6g} ({other.unit})"
        )
    return _result(run, [(run.criteria[0], plan) for plan in plans], lost)


def max_min(
    scenario: Scenario | Solution,
    *,
    within: float,
    resource: str | None = None,
    time_limit_s: float = FRONT_S,
    gap: float | None = None,
) -> TradeOffs:
    """Give the area that is worst off as much per resident as a budget allows.

    Parameters
    ----------
    scenario
        A scenario, or its least-cost solution.
    within
        How far cost may rise above the least, in percent.
    resource, time_limit_s, gap
        As in `trade_offs`.

    Returns
    -------
    TradeOffs
        The least-cost plan with the best worst-off area, and, where it is better, the plan
        with the best worst-off area within the budget, at the least cost for it. The criterion
        is ``equity-worst-area``.
    """
    wanted = Wanted(
        criteria=("equity-worst-area",), within=within, resource=resource,
        time_limit_s=time_limit_s, gap=gap,
    )  # fmt: skip
    run = opened(scenario, wanted)
    plans, lost = front(run, run.criteria[0], 2)
    return _result(run, [(run.criteria[0], plan) for plan in plans], lost)


def lexicographic(
    scenario: Scenario | Solution,
    criteria: Sequence[str],
    *,
    within: float | None = None,
    resource: str | None = None,
    time_limit_s: float = FRONT_S,
    gap: float | None = None,
) -> TradeOffs:
    """Make the first criterion best, then the second without loss in the first, and so on.

    Parameters
    ----------
    scenario
        A scenario, or its least-cost solution.
    criteria
        Criteria in order of rank, ``"cost"`` among them or not (see `trade_offs`).
    within, resource, time_limit_s, gap
        As in `trade_offs`.

    Returns
    -------
    TradeOffs
        One row for each step, with the value of the step's criterion; the last row is the
        answer.
    """
    wanted = Wanted(
        criteria=tuple(criteria), within=within, resource=resource,
        time_limit_s=time_limit_s, gap=gap,
    )  # fmt: skip
    run = opened(scenario, wanted)
    program, whole = run.program, run.program.session.program.is_mixed_integer
    steps: list[tuple[Criterion, Plan]] = []
    for k, criterion in enumerate(each(run.criteria, "steps", item=lambda c: c.name)):
        now = time.perf_counter()
        program.until = now + (run.until - now) / (len(run.criteria) - k if whole else 1)
        if steps:
            found = best_or_same(criterion, program, steps[-1][1].x)
        else:
            found = criterion.least(program)
        criterion.limit(program, found.value)
        x, of_cost = found.x, found.bound if criterion is run.cost else np.nan
        value = criterion.value(x)
        plan = Plan(x, run.cost.value(x), value, value, of_cost, found.bound)
        steps.append((criterion, plan))
    return _result(run, steps)


def _result(run: Run, steps: Sequence[tuple[Criterion, Plan]], lost: int = 0) -> TradeOffs:
    """The tables of some plans, in the order given."""
    base = run.base
    least = min([base.objective, *(plan.cost for _, plan in steps)])
    stock_columns = base.model.program.column_block("stock").slice
    open_columns = base.model.program.column_block("open").slice
    rows, stock, sites = [], [], []
    before: tuple[Criterion, Plan] | None = None
    for k, (criterion, plan) in enumerate(steps, start=1):
        price = np.nan
        if before is not None and before[0] is criterion:
            price = (plan.cost - before[1].cost) / (before[1].value - plan.value)
        before = criterion, plan
        rise = rise_percent(plan.cost, least)
        gaps = plan.cost_gap, plan.value_gap
        status = plan.status(run.options).value
        value = criterion.sign * plan.value + 0.0
        rows.append(
            (k, criterion.name, criterion.unit, value, plan.cost, rise, price, status, *gaps)
        )
        held = base.scenario.stock[["facility_id", "resource_id", "existing"]].copy()
        held["allocated"] = np.round(plan.x[stock_columns], 6) + 0.0
        held["change"] = held["allocated"] - held["existing"]
        held.insert(0, "point", k)
        opened = base.scenario.facilities[["facility_id", "site"]].copy()
        opened["open"] = plan.x[open_columns] > 0.5
        opened.insert(0, "point", k)
        stock.append(held)
        sites.append(opened)
    names = [
        "point", "criterion", "unit", "value", "cost_cny_a_year", "cost_rise_percent",
        "cny_a_year_per_unit", "status", "cost_gap", "value_gap",
    ]  # fmt: skip
    return TradeOffs(
        base, pd.DataFrame(rows, columns=names), pd.concat(stock, ignore_index=True),
        pd.concat(sites, ignore_index=True), lost,
    )  # fmt: skip
