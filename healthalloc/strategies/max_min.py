"""As much as a budget allows for the area that is worst off."""

from __future__ import annotations

from healthalloc.explain.asked import TIME_LIMIT_S
from healthalloc.explain.tradeoffs.pareto import front
from healthalloc.explain.tradeoffs.wanted import Wanted, opened
from healthalloc.scenario import Scenario
from healthalloc.strategies.allocation import Allocation, of_point

WITHIN = 5.0
"""Percent above the least cost that fairness may take, unless told otherwise."""


def max_min(
    scenario: Scenario,
    *,
    within: float = WITHIN,
    resource: str | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    gap: float | None = None,
) -> Allocation:
    """Meet every enforced clause, and give the worst-off area as much as a budget allows.

    Max-min fairness (Rawls 1971; Bertsimas, Farias and Trichakis 2011,
    doi:10.1287/opre.1100.0865), at the least cost for it: the last plan of
    `healthalloc.max_min`.

    Parameters
    ----------
    scenario
    within
        How far cost may rise above the least, in percent.
    resource
        Resource counted by resident, all kinds below it included; by default beds.
    time_limit_s
        Seconds for all programs after the least-cost one.
    gap
        Relative gap of each of them.

    Raises
    ------
    DataError
        If areas of facilities and populations do not match, or a number makes no sense.
    NoSolutionError
        As `least_cost`.
    UnsupportedError
        If there are fewer than two areas with residents.
    """
    wanted = Wanted(
        criteria=("equity-worst-area",), within=within, resource=resource,
        time_limit_s=time_limit_s, gap=gap,
    )  # fmt: skip
    run = opened(scenario, wanted)
    plans, _ = front(run, run.criteria[0], 2)
    plan = plans[-1]
    model, status = run.base.model, plan.status(run.options)
    return of_point(model.layout, model.program, plan.x, status)
