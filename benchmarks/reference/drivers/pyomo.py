"""Pyomo: a `ConcreteModel` with indexed sets and rules; solved by HiGHS through APPSI."""

from __future__ import annotations

from collections import defaultdict

import pyomo.environ as pyo
from pyomo.contrib.appsi.solvers import Highs

from benchmarks.reference.clock import Clock
from benchmarks.reference.handed import state_highs
from benchmarks.reference.tables import Tables, tables
from healthalloc.scenario import Scenario


def drive(scenario: Scenario, clock: Clock) -> None:
    given = tables(scenario)
    with clock.phase("build"):
        model = built(given)
    if not clock.wants("pass", "solve", "extract"):
        return
    solver = Highs()
    solver.config.load_solution = False
    solver.update_config.treat_fixed_vars_as_params = False
    with clock.phase("pass"):
        solver.set_instance(model)
    state_highs(clock, solver._solver_model)
    if not clock.wants("solve", "extract"):
        return
    for name in solver.update_config:
        if name.startswith(("check_", "update_")):
            setattr(solver.update_config, name, False)
    with clock.phase("solve"):
        result = solver.solve(model)
    with clock.phase("extract"):
        result.solution_loader.load_vars()
        {arc: v.value for arc, v in model.flow.items() if v.value > 1e-7}
        {place: v.value for place, v in model.stock.items()}
    clock.facts(objective=pyo.value(model.cost), status=result.termination_condition.name)


def built(given: Tables) -> pyo.ConcreteModel:
    key = ["facility_id", "resource_id"]
    stock = given.stock.set_index(key).to_dict()
    cost = given.arcs.set_index(["population_id", "facility_id", "service_id"])["cost"].to_dict()
    demand = given.demand.set_index(["population_id", "service_id"])["demand"].to_dict()
    needs = given.needs.set_index(["service_id", "resource_id"])["amount"].to_dict()
    counted = {
        clause_id: list(zip(rows["facility_id"], rows["resource_id"], rows["coefficient"]))
        for clause_id, rows in given.clauses.groupby("clause_id")
    }
    resources_of, near, inside = defaultdict(list), defaultdict(list), defaultdict(list)
    for s, r in needs:
        resources_of[s].append(r)
    for i, j, s in cost:
        near[i, s].append(j)
        for r in resources_of[s]:
            inside[j, r].append((i, s))

    model = pyo.ConcreteModel()
    model.arcs = pyo.Set(initialize=list(cost), dimen=3)
    model.demanded = pyo.Set(initialize=list(demand), dimen=2)
    model.held = pyo.Set(initialize=list(stock["existing"]), dimen=2)
    model.used = pyo.Set(initialize=list(inside), dimen=2)
    model.clauses = pyo.Set(initialize=list(given.floors))
    model.flow = pyo.Var(model.arcs, domain=pyo.NonNegativeReals)
    model.stock = pyo.Var(
        model.held, bounds=lambda m, j, r: (stock["lower"][j, r], stock["upper"][j, r])
    )
    model.add = pyo.Var(model.held, domain=pyo.NonNegativeReals)
    model.retire = pyo.Var(model.held, bounds=lambda m, j, r: (0, stock["existing"][j, r]))
    model.cost = pyo.Objective(
        expr=pyo.quicksum(cost[a] * model.flow[a] for a in model.arcs)
        + pyo.quicksum(
            stock["operating"][k] * model.stock[k]
            + stock["capital"][k] * model.add[k]
            + stock["retirement"][k] * model.retire[k]
            for k in model.held
        )
        + given.offset
    )
    model.demand = pyo.Constraint(
        model.demanded,
        rule=lambda m, i, s: pyo.quicksum(m.flow[i, j, s] for j in near[i, s]) <= demand[i, s],
    )
    model.capacity = pyo.Constraint(
        model.used,
        rule=lambda m, j, r: (
            pyo.quicksum(needs[s, r] * m.flow[i, j, s] for i, s in inside[j, r])
            <= stock["available"][j, r] * m.stock[j, r]
        ),
    )
    model.balance = pyo.Constraint(
        model.held,
        rule=lambda m, j, r: (
            m.stock[j, r] == stock["existing"][j, r] + m.add[j, r] - m.retire[j, r]
        ),
    )
    model.clause = pyo.Constraint(
        model.clauses,
        rule=lambda m, c: (
            pyo.quicksum(a * m.stock[j, r] for j, r, a in counted[c]) >= given.floors[c]
        ),
    )
    return model
