"""Clauses before access before cost."""

from __future__ import annotations

from healthalloc.explain.asked import TIME_LIMIT_S
from healthalloc.explain.extended import worst_status
from healthalloc.explain.tradeoffs.wanted import Wanted, opened
from healthalloc.scenario import Scenario
from healthalloc.strategies.allocation import Allocation, of_point


def lexicographic(
    scenario: Scenario,
    *,
    within: float | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    gap: float | None = None,
) -> Allocation:
    """Meet every enforced clause, then make the mean way shortest, then cost least.

    A lexicographic order of goals (Ignizio 1976): no gain in a later one makes up for a loss in
    an earlier one. Every population is served as much as in the least-cost plan, as in
    `healthalloc.lexicographic` with ``["access-mean", "cost"]``.

    Parameters
    ----------
    scenario
    within
        How far cost may rise above the least, in percent; by default there is no limit.
    time_limit_s, gap
        Limits of each program after the least-cost one.

    Raises
    ------
    NoSolutionError
        As `least_cost`.
    UnsupportedError
        If the least-cost plan serves nobody.
    """
    wanted = Wanted(
        criteria=("access-mean", "cost"), within=within, time_limit_s=time_limit_s, gap=gap
    )
    run = opened(scenario, wanted)
    solves = []
    for criterion in run.criteria:
        found = criterion.least(run.program)
        criterion.limit(run.program, found.value)
        solves.append(found)
    model = run.base.model
    return of_point(model.layout, model.program, solves[-1].x, worst_status(solves))
