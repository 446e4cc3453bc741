"""The cheapest plan, units relaxed."""

from __future__ import annotations

from healthalloc.errors import NoSolutionError
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution
from healthalloc.solving import solve
from healthalloc.strategies.allocation import Allocation, of_point


def least_cost(scenario: Scenario) -> Allocation:
    """Meet every enforced clause at least cost, in fractions of beds and people.

    The linear program of the package (see `solve`); where sites are a choice, they stay whole.
    Its cost, unmet demand priced, is a lower bound for every strategy that breaks no enforced
    clause and no limit of ``stock.csv``.

    Parameters
    ----------
    scenario

    Raises
    ------
    NoSolutionError
        If the plan is infeasible, with the clauses that conflict, or a limit came first.
    """
    return of_solution(solve(scenario, whole_units=False))


def of_solution(solution: Solution) -> Allocation:
    """Stock, openings and flows of a solution."""
    if not solution.status.has_solution:
        solution.require_optimal()
    if solution.result.x is None:
        raise NoSolutionError(f"the solve ended {solution.status.value}")
    model = solution.model
    return of_point(model.layout, model.program, solution.result.x, solution.status)
