"""What an answer costs a year, by component."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.formulation.assemble import Model
from healthalloc.norms import referral_service_idx, resource_costs, travel_costs, unmet_penalties
from healthalloc.scenario import Scenario

Floats = NDArray[np.float64]
ROUNDING = 1e-12
"""What is left of a difference, relative to what is subtracted, that is rounding alone."""


def cost_table(
    model: Model, x: Floats, referral_needs: pd.DataFrame, spent: float | None
) -> pd.DataFrame:
    """Yearly cost by component (see `Solution.cost`).

    Parameters
    ----------
    model
    x : ndarray, shape (n_columns,)
        The answer.
    referral_needs
        As `Solution.referral_needs`.
    spent
        What counts against the budget, CNY a year; ``None`` if none is stated.

    Returns
    -------
    DataFrame
        ``component, cny_a_year, cny_a_year_per_resident``.
    """
    scenario, residents = model.scenario, model.layout.residents

    def of(block: str) -> Floats:
        return x[model.program.column_block(block).slice]

    reached = model.program.cost[model.program.column_block("reached").slice]
    parts = _of_stock(model, of("stock"), of("add"), of("retire"))
    parts["travel"] = _travel(model, of("flow"), of("referral"))
    parts["site"] = float(scenario.facilities["site_cost_cny"] @ of("open"))
    parts["total"] = sum(parts.values())
    parts["unmet_penalty"] = _unmet(model, of("flow")) + _not_referred(scenario, referral_needs)
    parts["left_out_penalty"] = 0.0 - float(reached @ (1.0 - of("reached")))
    parts["objective"] = parts["total"] + parts["unmet_penalty"] + parts["left_out_penalty"]
    if spent is not None:
        parts["spent_of_budget"] = spent
    table = pd.DataFrame({"component": list(parts), "cny_a_year": list(parts.values())})
    table["cny_a_year_per_resident"] = table["cny_a_year"] / residents if residents else np.nan
    return table


def _of_stock(model: Model, stock: Floats, added: Floats, retired: Floats) -> dict[str, float]:
    scenario, of = model.scenario, model.layout.stock_resource_idx
    yearly = resource_costs(scenario)
    is_staff = (scenario.resources["kind"] == "staff").to_numpy()[of]
    held = yearly["operating"][of] * stock
    return {
        "capital": float(yearly["capital"][of] @ added),
        "retirement": float(yearly["retirement"][of] @ retired),
        "operating": float(held[~is_staff].sum()),
        "staff": float(held[is_staff].sum()),
    }


def _travel(model: Model, flow: Floats, referred: Floats) -> float:
    """Time on the way at its value, CNY a year."""
    scenario, layout = model.scenario, model.layout
    arcs = layout.arcs
    assert arcs is not None
    travel = float(travel_costs(scenario, arcs.travel_min, arcs.service_idx) @ flow)
    if layout.referral_arcs is not None:
        minutes, service_idx = layout.referral_arcs.travel_min, referral_service_idx(layout)
        travel += float(travel_costs(scenario, minutes, service_idx) @ referred)
    return travel


def _unmet(model: Model, flow: Floats) -> float:
    """Price of the demand that nobody serves, CNY a year."""
    arcs, penalty = model.layout.arcs, unmet_penalties(model.scenario)
    assert arcs is not None
    asked = float((model.demand @ penalty).sum())
    left = asked - float(penalty[arcs.service_idx] @ flow)
    return left if left > ROUNDING * asked else 0.0


def _not_referred(scenario: Scenario, needs: pd.DataFrame) -> float:
    """Price of the referrals that nobody takes, CNY a year."""
    per_case = scenario.services.set_index("service_id")["unmet_penalty_cny"]
    return float((needs["not_referred"] * needs["to_service_id"].map(per_case)).sum())
