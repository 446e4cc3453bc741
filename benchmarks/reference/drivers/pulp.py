"""PuLP: a dictionary of variables, a sum for each row; solved by HiGHS by its own interface."""

from __future__ import annotations

from collections import defaultdict

import pulp

from benchmarks.reference.clock import Clock
from benchmarks.reference.handed import state_highs
from benchmarks.reference.tables import Tables, tables
from healthalloc.scenario import Scenario


def drive(scenario: Scenario, clock: Clock) -> None:
    given = tables(scenario)
    with clock.phase("build"):
        problem, flow, stock = built(given)
    if not clock.wants("pass", "solve", "extract"):
        return
    solver = pulp.HiGHS(msg=False)
    with clock.phase("pass"):
        solver.createAndConfigureSolver(problem)
        solver.buildSolverModel(problem)
    state_highs(clock, problem.solverModel)
    if not clock.wants("solve", "extract"):
        return
    with clock.phase("solve"):
        solver.callSolver(problem)
    with clock.phase("extract"):
        status, _ = solver.findSolutionValues(problem)
        {arc: v.varValue for arc, v in flow.items() if v.varValue > 1e-7}
        {place: v.varValue for place, v in stock.items()}
    objective = pulp.value(problem.objective)
    clock.facts(objective=objective, status=pulp.LpStatus[status].lower())


def built(given: Tables):
    arcs = list(given.arcs.itertuples(index=False))
    held = list(given.stock.itertuples(index=False))
    keys = [(row.facility_id, row.resource_id) for row in held]
    problem = pulp.LpProblem("reference", pulp.LpMinimize)
    flow = problem.add_variable_dicts("flow", [arc[:3] for arc in arcs], 0)
    add = problem.add_variable_dicts("add", keys, 0)
    stock, retire = {}, {}
    for k, row in zip(keys, held):
        stock[k] = problem.add_variable(f"stock_{k[0]}_{k[1]}", row.lower, row.upper)
        retire[k] = problem.add_variable(f"retire_{k[0]}_{k[1]}", 0, row.existing)
    problem += (
        pulp.lpSum(arc.cost * flow[arc[:3]] for arc in arcs)
        + pulp.lpSum(
            row.operating * stock[k] + row.capital * add[k] + row.retirement * retire[k]
            for k, row in zip(keys, held)
        )
        + given.offset
    )
    needs = defaultdict(list)
    for row in given.needs.itertuples(index=False):
        needs[row.service_id].append((row.resource_id, row.amount))
    served, used = defaultdict(list), defaultdict(list)
    for arc in arcs:
        served[arc.population_id, arc.service_id].append(flow[arc[:3]])
        for resource_id, amount in needs[arc.service_id]:
            used[arc.facility_id, resource_id].append(amount * flow[arc[:3]])
    for row in given.demand.itertuples(index=False):
        problem += pulp.lpSum(served[row.population_id, row.service_id]) <= row.demand
    available = {k: row.available for k, row in zip(keys, held)}
    for k, terms in used.items():
        problem += pulp.lpSum(terms) <= available[k] * stock[k]
    for k, row in zip(keys, held):
        problem += stock[k] == row.existing + add[k] - retire[k]
    counted = defaultdict(list)
    for row in given.clauses.itertuples(index=False):
        counted[row.clause_id].append(row.coefficient * stock[row.facility_id, row.resource_id])
    for clause_id, floor in given.floors.items():
        problem += pulp.lpSum(counted[clause_id]) >= floor
    return problem, flow, stock
