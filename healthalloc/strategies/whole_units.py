"""The cheapest plan in whole units."""

from __future__ import annotations

from healthalloc.scenario import Scenario
from healthalloc.solving import solve
from healthalloc.strategies.allocation import Allocation
from healthalloc.strategies.least_cost import of_solution


def whole_units(scenario: Scenario) -> Allocation:
    """Meet every enforced clause at least cost, in whole beds and people.

    The mixed-integer program of the package (see `solve`), to the scenario's gap and time limit.

    Parameters
    ----------
    scenario

    Raises
    ------
    NoSolutionError
        As `least_cost`.
    """
    return of_solution(solve(scenario, whole_units=True))
