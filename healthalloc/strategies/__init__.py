"""Allocation strategies: one file for each, one signature, from a scenario to its allocation."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from healthalloc.errors import DataError, Problem
from healthalloc.scenario import Scenario
from healthalloc.strategies.access_floor import access_floor
from healthalloc.strategies.allocation import Allocation, Strategy
from healthalloc.strategies.by_need import by_need
from healthalloc.strategies.by_residents import by_residents
from healthalloc.strategies.cheapest_first import cheapest_first
from healthalloc.strategies.huff import huff
from healthalloc.strategies.keep import keep
from healthalloc.strategies.largest_gap import largest_gap
from healthalloc.strategies.least_cost import least_cost
from healthalloc.strategies.lexicographic import lexicographic
from healthalloc.strategies.max_min import max_min
from healthalloc.strategies.nearest import nearest_facility
from healthalloc.strategies.plan_table import check_proposal, plan_table
from healthalloc.strategies.whole_units import whole_units
from healthalloc.validate import nearest

__all__ = [
    "STRATEGIES", "Allocation", "Strategy", "access_floor", "all_strategies", "by_need",
    "by_residents", "cheapest_first", "huff", "keep", "largest_gap", "least_cost",
    "lexicographic", "max_min", "named_strategies", "nearest_facility", "plan_table",
    "whole_units",
]  # fmt: skip

STRATEGIES: dict[str, Strategy] = {
    "keep": keep,
    "by-residents": by_residents,
    "by-need": by_need,
    "largest-gap": largest_gap,
    "cheapest-first": cheapest_first,
    "nearest": nearest_facility,
    "huff": huff,
    "plan-table": plan_table,
    "least-cost": least_cost,
    "whole-units": whole_units,
    "access-floor": access_floor,
    "max-min": max_min,
    "lexicographic": lexicographic,
}
"""The strategies by name. Where the plan has several tables, ``plan-table:ID`` names one."""

TABLE = "plan-table:"


def all_strategies(scenario: Scenario) -> dict[str, Strategy]:
    """Every strategy that a scenario has the data for, by name."""
    tables = list(scenario.proposals["proposal_id"].unique())
    found: dict[str, Strategy] = {}
    for name, strategy in STRATEGIES.items():
        if strategy is not plan_table:
            found[name] = strategy
        elif len(tables) == 1:
            found[name] = plan_table
        else:
            found |= {TABLE + t: partial(plan_table, proposal_id=t) for t in tables}
    return found


def named_strategies(scenario: Scenario, names: Iterable[str]) -> dict[str, Strategy]:
    """The strategies of some names.

    Raises
    ------
    DataError
        With every name that is not known, or that the scenario has no data for.
    """
    found: dict[str, Strategy] = {}
    problems: list[Problem] = []
    for name in names:
        if name in found:
            mend = "name each strategy once"
            problems.append(Problem("strategies", "is given twice", value=name, mend=mend))
        elif name.startswith(TABLE):
            proposal_id = name.removeprefix(TABLE)
            problems += check_proposal(scenario, proposal_id)
            found[name] = partial(plan_table, proposal_id=proposal_id)
        elif name in STRATEGIES:
            if name == "plan-table":
                problems += check_proposal(scenario)
            found[name] = STRATEGIES[name]
        else:
            mend = nearest(name, STRATEGIES) or f"allowed: {', '.join(STRATEGIES)}"
            problems.append(Problem("strategies", "is no strategy", value=name, mend=mend))
    if problems:
        raise DataError(problems)
    return found
