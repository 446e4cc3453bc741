"""What the explanations share of what is asked for: a least-cost plan, limits, percentages."""

from __future__ import annotations

import numpy as np

from healthalloc.errors import Problem
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution
from healthalloc.solvers import SolverOptions
from healthalloc.solving import solve

TIME_LIMIT_S = 30.0
"""Seconds that each program of an explanation may take, unless told otherwise."""


def explain_options(base: Solution, time_limit_s: float, gap: float | None) -> SolverOptions:
    """How the programs after the least-cost one are solved.

    Parameters
    ----------
    base
        The least-cost plan.
    time_limit_s
        Seconds for each program.
    gap
        Relative gap of each; ``None``: as the scenario says.
    """
    settings = base.scenario.settings.solve
    return SolverOptions(time_limit_s=time_limit_s, gap=settings.gap if gap is None else gap)


def least_cost(scenario: Scenario | Solution) -> Solution:
    """The least-cost plan of a scenario, or the one given.

    Raises
    ------
    NoSolutionError
        If there is none.
    """
    base = scenario if isinstance(scenario, Solution) else solve(scenario)
    return base if base.status.has_solution else base.require_optimal()


def limit_problems(where: str, time_limit_s: float, gap: float | None) -> list[Problem]:
    """What is wrong with the limits asked for."""
    problems = []
    if not time_limit_s > 0:
        message = "leaves no time to solve"
        problems.append(Problem(where, message, value=str(time_limit_s), mend="seconds above 0"))
    if gap is not None and not gap >= 0:
        problems.append(Problem(where, "is no gap", value=str(gap), mend="0 or more"))
    return problems


def ceiling(base: Solution, within: float | None) -> float:
    """Most that a plan may cost, CNY a year.

    Parameters
    ----------
    base
        The least-cost plan.
    within
        Percent above it; ``None``: no limit.
    """
    return np.inf if within is None else base.objective + within / 100 * abs(base.objective)


def rise_percent(cost: float, least: float) -> float:
    """How far a cost lies above the least, in percent of it; NaN where that is 0."""
    return float(np.round(100 * (cost - least) / abs(least), 9)) + 0.0 if least else np.nan
