"""The cheapest plan whose mean way is no longer than a floor of access allows."""

from __future__ import annotations

import numpy as np

from healthalloc.errors import DataError, NoSolutionError, Problem
from healthalloc.explain.asked import TIME_LIMIT_S
from healthalloc.explain.extended import Found
from healthalloc.explain.tradeoffs.criterion import Linear
from healthalloc.explain.tradeoffs.wanted import Wanted, opened
from healthalloc.scenario import Scenario
from healthalloc.solvers import Status
from healthalloc.strategies.allocation import Allocation, of_point
from healthalloc.strategies.evaluation import evaluate, mean_travel
from healthalloc.strategies.keep import keep


def access_floor(
    scenario: Scenario,
    *,
    mean_travel_at_most: float | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    gap: float | None = None,
) -> Allocation:
    """Meet every enforced clause at least cost, with a mean way no longer than a limit.

    Least cost under an epsilon-constraint on access (Haimes, Lasdon and Wismer 1971,
    doi:10.1109/TSMC.1971.4308298). The mean is over all cases, admissions and visits alike, and
    every population is served as much as in the least-cost plan, so that nobody's access
    improves by not being served (criterion ``access-mean`` of `trade_offs`).

    Parameters
    ----------
    scenario
    mean_travel_at_most
        Minutes one way (km where travel is known in km only); by default what it is today, with
        the stock and sites of the base year.
    time_limit_s, gap
        Limits of each program after the least-cost one.

    Raises
    ------
    DataError
        If the limit is no number of 0 or more.
    NoSolutionError
        If the plan is infeasible, or no plan reaches the floor: the message says what is the
        best that can be reached.
    """
    limit = mean_travel_at_most
    if limit is not None and not 0 <= limit < np.inf:
        message = "is not a finite number of 0 or more"
        raise DataError([Problem("access-floor", message, value=str(limit))])
    wanted = Wanted(criteria=("access-mean",), time_limit_s=time_limit_s, gap=gap)
    run = opened(scenario, wanted)
    floor = run.criteria[0]
    if limit is None:
        limit, _ = mean_travel(evaluate(scenario, keep(scenario), "keep"))
        if np.isnan(limit):
            raise NoSolutionError("nobody is served today, so there is no floor: state one")
    floor.limit(run.program, limit)
    assert isinstance(run.cost, Linear)
    found = run.program.search(run.cost.form)
    if isinstance(found, Found):
        model = run.base.model
        return of_point(model.layout, model.program, found.x, found.status)
    if found is not Status.INFEASIBLE:
        raise NoSolutionError(f"no plan to show: the solve ended {found.value}")
    floor.limit(run.program, np.inf)
    best = floor.least(run.program).value
    raise NoSolutionError(
        f"infeasible with the access floor: the mean way is to be {limit:.4g} at most "
        f"({floor.unit}), but no plan that meets every clause has one below {best:.4g}"
    )
