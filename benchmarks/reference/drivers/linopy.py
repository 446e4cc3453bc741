"""linopy: variables over the rows of tables, sums by group; solved by HiGHS, passed directly."""

from __future__ import annotations

import linopy
import numpy as np
import pandas as pd
from linopy.io import to_highspy

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
    with clock.phase("pass"):
        highs = to_highspy(model)
    highs.setOptionValue("output_flag", False)
    state_highs(clock, highs)
    if not clock.wants("solve", "extract"):
        return
    with clock.phase("solve"):
        highs.run()
    clock.facts(
        objective=highs.getInfo().objective_function_value + given.offset,
        status=highs.modelStatusToString(highs.getModelStatus()).lower(),
    )
    with clock.phase("extract"):
        values = np.array(highs.getSolution().col_value)
        flow = given.arcs.assign(flow=values[model.variables["flow"].labels.values])
        flow[flow["flow"] > 1e-7]
        given.stock.assign(stock=values[model.variables["stock"].labels.values])


def built(given: Tables) -> linopy.Model:
    arcs = given.arcs.rename_axis("arc")
    held = given.stock.rename_axis("holding")
    model = linopy.Model()
    flow = model.add_variables(lower=0, coords=[arcs.index], name="flow")
    stock = model.add_variables(lower=held["lower"], upper=held["upper"], name="stock")
    add = model.add_variables(lower=0, coords=[held.index], name="add")
    retire = model.add_variables(lower=0, upper=held["existing"], name="retire")

    # populations and services in a table of their own, so that a row is a position in it
    demanded = given.demand.rename_axis("demanded").reset_index()
    row = arcs.merge(demanded, on=["population_id", "service_id"], how="left")["demanded"]
    row = pd.Series(row.to_numpy(), arcs.index, name="demanded")
    demand = given.demand["demand"].rename_axis("demanded")
    model.add_constraints((1 * flow).groupby(row).sum() <= demand, name="demand")

    for resource_id, needs in given.needs.groupby("resource_id"):
        amount = arcs["service_id"].map(needs.set_index("service_id")["amount"]).dropna()
        facility = arcs.loc[amount.index, "facility_id"]
        used = (amount * flow.loc[amount.index]).groupby(facility).sum()
        of = held[held["resource_id"] == resource_id]
        of = of[of["facility_id"].isin(facility.unique())]
        holds = (of["available"] * stock.loc[of.index]).groupby(of["facility_id"]).sum()
        model.add_constraints(used - holds <= 0, name=f"capacity {resource_id}")

    model.add_constraints(stock - add + retire == held["existing"], name="balance")
    for clause_id, rows in given.clauses.groupby("clause_id"):
        counted = held.reset_index().merge(rows, on=["facility_id", "resource_id"])
        weight = counted.set_index("holding")["coefficient"]
        total = (weight * stock.loc[weight.index]).sum()
        model.add_constraints(total >= given.floors[str(clause_id)], name=f"clause {clause_id}")
    model.add_objective(
        (arcs["cost"] * flow).sum()
        + (held["operating"] * stock).sum()
        + (held["capital"] * add).sum()
        + (held["retirement"] * retire).sum()
    )
    return model
