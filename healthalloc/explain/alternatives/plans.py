"""Near-optimal plans: how different they can be, and what all of them have in common."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from healthalloc.errors import DataError, Problem, TimeLimitError
from healthalloc.explain.alternatives.near import NOT_SEARCHED, Near
from healthalloc.explain.alternatives.ranges import stock_ranges
from healthalloc.explain.alternatives.totals import by_institution, ranged
from healthalloc.explain.asked import (
    ceiling,
    explain_options,
    least_cost,
    limit_problems,
)
from healthalloc.formulation.assemble import Model
from healthalloc.formulation.program import ROUND, Floats
from healthalloc.progress import each
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution
from healthalloc.validate import nearest

TOTAL_LIMIT_S = 240.0
"""Seconds that all alternatives together may take, unless told otherwise."""
RANGES_SHARE = 0.4
"""Share of them that the ranges may take; what they leave goes to the plans."""


@dataclass(frozen=True, eq=False)
class Alternatives:
    """Plans near the least cost, and the range of every stock over all of them.

    Parameters
    ----------
    optimum
        The least-cost plan.
    plans
        One row for each plan shown: ``within_percent, plan, kind`` (cheapest, fewest actions
        or different), ``cost_cny_a_year`` (with the penalty of unmet demand),
        ``cost_rise_percent, actions, actions_at_least`` (of the fewest actions: the number that
        no plan within the cost goes below), ``from_cheapest, from_nearest`` (sum of the absolute
        differences of what is compared, from the cheapest plan and from the most similar plan
        before it: a bed that moves counts twice), ``status, gap``.
    totals
        What each plan gives each facility of what planners compare: ``within_percent, plan,
        facility_id, resource_id, existing, allocated, change``.
    stock
        The plans in full: columns as ``totals``, leaf resources.
    ranges
        Least and most over all plans within the cost: ``within_percent, facility_id,
        resource_id, level`` (leaf, root, group, institution or site), ``existing, least, most,
        basis`` (how they are proved; where time was over before both ends were searched, the
        limits of the stock stand there). The site rows speak of being open (1) or not (0); the
        institution rows, of an institution that may take another form, of what its forms hold
        together.
    no_regret
        The part of the change that is in every plan within the cost: ``within_percent,
        facility_id, resource_id, level, existing, least, most, sure_change, action``. An
        institution counts once, whatever its form, under the id of the form that stands.
    plans_lost
        Searches for a plan whose time was over before any was found.
    """

    optimum: Solution
    plans: pd.DataFrame
    totals: pd.DataFrame
    stock: pd.DataFrame
    ranges: pd.DataFrame
    no_regret: pd.DataFrame
    plans_lost: int = 0

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of a result folder, by file name."""
        return {
            "alternatives": self.plans, "alternative_totals": self.totals,
            "alternative_stock": self.stock, "ranges": self.ranges,
            "no_regret": self.no_regret,
        }  # fmt: skip

    @property
    def ranges_cut_off(self) -> int:
        """Ranges of which an end was not searched in time."""
        return int((self.ranges["basis"] == NOT_SEARCHED).sum())

    def run(self) -> dict[str, Any]:
        """Facts of the run, for ``run.json``."""
        return {
            "scenario": self.optimum.scenario.settings.name,
            "within_percent": list(dict.fromkeys(self.plans["within_percent"])),
            "compared": list(dict.fromkeys(self.totals["resource_id"])),
            "least_cost_cny_a_year": self.optimum.objective,
            "gap": self.optimum.gap,
            "plans_lost": self.plans_lost,
            "ranges_cut_off": self.ranges_cut_off,
            "range_basis": ", ".join(self.ranges["basis"].unique()),
            "solver": self.optimum.result.solver,
        }


def alternatives(
    scenario: Scenario | Solution,
    within: Sequence[float] = (1.0, 2.0, 5.0),
    *,
    different: int = 3,
    resources: Sequence[str] = (),
    time_limit_s: float = TOTAL_LIMIT_S,
    gap: float | None = None,
) -> Alternatives:
    """Find plans near the least cost that differ, and what all such plans share.

    For each percentage: the plan with the fewest actions (the cheapest of these), and plans
    that stand as far as possible from all plans before them, measured by what each facility
    holds (modelling to generate alternatives, Brill, Chang and Hopkins 1982,
    doi:10.1287/mnsc.28.3.221; here the smallest L1 distance is made largest, exactly, rather
    than by their heuristic), each made as cheap as what it gives to whom allows. The ranges
    are two linear programs for each stock; with whole units or sites they are those of the
    linear relaxation, so that the true range lies within (stock of whole units is rounded
    inward), and the no-regret part is certain.

    Parameters
    ----------
    scenario
        A scenario, or its least-cost solution, which spares that solve.
    within
        How far cost may rise above the least, in percent, each 0 or more.
    different
        Number of different plans for each percentage.
    resources
        Resources whose totals by facility the plans shall differ in, all kinds below them
        included; by default the roots of kind ``bed``.
    time_limit_s
        Seconds for all that comes after the least-cost plan, about. Each search may take its
        part of what is left, so that what one leaves goes to those after it. What was reached
        is stated for each plan and each range.
    gap
        Relative gap of each program after the least-cost one, by default the scenario's.

    Returns
    -------
    Alternatives

    Raises
    ------
    DataError
        If a number makes no sense or a resource is unknown.
    NoSolutionError
        If the scenario has no least-cost plan.
    TimeLimitError
        If time was over before anything was found.
    UnsupportedError
        If stock that costs nothing may grow without end.
    """
    given = scenario.scenario if isinstance(scenario, Solution) else scenario
    compared = check_request(given, within, different, resources, time_limit_s, gap)
    base = least_cost(scenario)
    options = explain_options(base, time_limit_s, gap)
    until = time.monotonic() + time_limit_s
    counted = ranged(base.model, compared)
    percentages = sorted(set(map(float, within)))
    ceilings = [ceiling(base, percent) for percent in percentages]
    most_s = RANGES_SHARE * time_limit_s
    ranges = stock_ranges(
        base.model.program, counted[1], ceilings, replace(options, time_limit_s=most_s),
        seconds=most_s,
    )  # fmt: skip
    near = [
        Near(base, percent, compared, options, counted, found)
        for percent, found in zip(percentages, ranges)
    ]
    known: list[Floats] = []
    for k, budget in enumerate(each(near, "near", item=lambda n: f"{n.percent:g} %")):
        # of the time left each search may take its part; finding the fewest counts twice
        later = (len(near) - 1 - k) * (2 + different)
        budget.fewest_actions(2 * _part(until, 2 + different + later), known)
        for left in range(different, 0, -1):
            if not budget.farthest(_part(until, left + later), known):
                break
        known = [plan for _, plan, _ in budget.found]
    # what is too few for a dearer plan is too few for a cheaper one
    for narrow, wide in reversed(list(pairwise(near))):
        narrow.actions_at_least = float(np.fmax(narrow.actions_at_least, wide.actions_at_least))
    joined = [
        pd.concat(parts, ignore_index=True)
        for parts in zip(*((n.plan_table(), n.total_table(), n.stock_table()) for n in near))
    ]
    table = pd.concat([n.range_table() for n in near], ignore_index=True)
    plans, totals, stock = joined
    lost = sum(n.n_lost for n in near)
    if lost and len(plans) == len(near) and not any(found.searched.any() for found in ranges):
        raise TimeLimitError("time was over before any alternative was found")
    return Alternatives(base, plans, totals, stock, table, _no_regret(base.model, table), lost)


def _part(until: float, parts: int) -> float:
    """Seconds of one of so many parts of the time left."""
    return max(until - time.monotonic(), 0.0) / parts


def _no_regret(model: Model, ranges: pd.DataFrame) -> pd.DataFrame:
    """The rows of a range table that leave out the base year, of each institution once."""
    ranges = ranges[by_institution(model, ranges)]
    existing, least, most = (ranges[name].to_numpy() for name in ("existing", "least", "most"))
    sure = np.where(least > existing + ROUND, least - existing, 0.0)
    sure = np.where(most < existing - ROUND, most - existing, sure)
    table = ranges.drop(columns="basis").assign(sure_change=np.round(sure, 6) + 0.0)
    ids = model.scenario.facilities["facility_id"].to_numpy()
    is_form = ranges["facility_id"].isin(ids[model.layout.has_forms])
    is_site = ranges["level"] == "site"
    more = np.select([is_site & is_form, is_site], ["take this form", "open"], "add at least")
    less = np.select([is_site & is_form, is_site], ["leave this form", "close"], "give up at least")
    table["action"] = np.where(sure > 0, more, less)
    kept: pd.DataFrame = table[sure != 0].reset_index(drop=True)
    return kept


def check_request(
    scenario: Scenario,
    within: Sequence[float],
    different: int,
    resources: Sequence[str],
    time_limit_s: float,
    gap: float | None,
) -> list[str]:
    """The resources compared, once everything asked for makes sense.

    Raises
    ------
    DataError
        With everything that does not.
    """
    problems = limit_problems("alternatives", time_limit_s, gap)

    def refuse(message: str, value: object, mend: str) -> None:
        problems.append(Problem("alternatives", message, value=str(value), mend=mend))

    if not len(within):
        refuse("no percentage is given", "", "for example --within 1,2,5")
    for percent in within:
        if not (percent >= 0 and np.isfinite(percent)):
            refuse("is no rise of cost", percent, "a percentage, 0 or more")
    if different < 0:
        refuse("is no number of plans", different, "0 or more")
    ids = list(scenario.resources["resource_id"])
    for resource in resources:
        if resource not in ids:
            refuse("is no resource", resource, nearest(resource, ids))
    if problems:
        raise DataError(problems)
    beds = (scenario.resources["kind"] == "bed") & (scenario.resources["parent_id"] == "")
    return list(resources) or list(scenario.resources["resource_id"][beds])
