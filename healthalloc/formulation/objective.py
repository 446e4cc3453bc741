"""The objective of the program: what a unit of each column costs a year."""

from __future__ import annotations

import numpy as np

from healthalloc.formulation.blocks import Columns
from healthalloc.formulation.program import Floats
from healthalloc.layout import Layout
from healthalloc.norms import (
    referral_load,
    referral_service_idx,
    resource_costs,
    travel_costs,
    unmet_penalties,
)
from healthalloc.plan.measure import Measure


def objective(
    layout: Layout, columns: Columns, demand: Floats, measures: list[Measure]
) -> tuple[Floats, float]:
    """Cost of a unit of each column, CNY a year, and the constant part of the objective.

    Parameters
    ----------
    layout
    columns
    demand : ndarray, shape (n_populations, n_services)
        In units of flow.
    measures
        Of the clauses enforced.
    """
    scenario, arcs, referred = layout.scenario, layout.arcs, layout.referral_arcs
    assert arcs is not None
    yearly = resource_costs(scenario)
    penalty = unmet_penalties(scenario)
    worth = referral_load(scenario) - penalty
    of_stock = layout.stock_resource_idx
    cost = np.zeros(columns.end)
    cost[: columns.open] = yearly["operating"][of_stock]
    cost[columns.open : columns.flow] = scenario.facilities["site_cost_cny"]
    travel = travel_costs(scenario, arcs.travel_min, arcs.service_idx)
    cost[columns.flow : columns.referral] = travel + worth[arcs.service_idx]
    if referred is not None:
        service_idx = referral_service_idx(layout)
        travel = travel_costs(scenario, referred.travel_min, service_idx)
        cost[columns.referral : columns.add] = travel + worth[service_idx]
    cost[columns.add : columns.retire] = yearly["capital"][of_stock]
    cost[columns.retire : columns.reached] = yearly["retirement"][of_stock]
    left_out = point_penalties(measures)
    cost[columns.reached :] = -left_out
    return cost, float((demand @ penalty).sum() + left_out.sum())


def point_penalties(measures: list[Measure]) -> Floats:
    """Yearly cost of each point that clauses ask to be reached if it is not, CNY."""
    parts = [np.zeros(0)]
    for cover in (m.cover for m in measures if m.cover is not None):
        parts.append(np.zeros(cover.near.shape[0]) if cover.penalty is None else cover.penalty)
    return np.concatenate(parts)
