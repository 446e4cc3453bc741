"""The figures by which strategies are held against each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from healthalloc.access.inequality import gini, worst_off_share
from healthalloc.access.stock import units_held
from healthalloc.access.tables import access_by_population
from healthalloc.areas import at_one_depth
from healthalloc.formulation.program import ROUND, Floats
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution
from healthalloc.strategies.evaluation import limits_broken, mean_travel, travel_unit


def indicators(found: Solution, resource_id: str, service_id: str) -> dict[str, Any]:
    """The figures of one strategy.

    Parameters
    ----------
    found
        Its evaluation.
    resource_id, service_id
        Resource whose spread is measured, and service by which its access is.

    Returns
    -------
    dict
        Columns of `comparing.Comparison` and their values.
    """
    cost = dict(zip(found.cost["component"], found.cost["cny_a_year"].to_numpy(dtype=float)))
    clauses, demand = found.clauses, found.demand
    broken = clauses["met"].eq(False)
    enforced = clauses["treatment"] == "enforce"
    mean, worst = mean_travel(found)
    unit = travel_unit(found)
    held = units_held(found, resource_id)
    spread = by_area(found.scenario, held)
    people = access_by_population(found, resource_id, service_id, unit=unit)
    inhabited = bool((people["residents"] > 0).any())
    reached = (people["two_step_per_1000"], people["residents"])
    opened = found.sites["open"] & (found.sites["site"] == "candidate")
    closed = ~found.sites["open"] & (found.sites["site"] != "candidate")
    missed = ["no_service_within_reach", "within_reach_but_no_capacity"]
    penalty = cost["unmet_penalty"] + cost["left_out_penalty"]
    return {
        "cost_cny_a_year": cost["total"],
        "penalty_cny_a_year": penalty if abs(penalty) > 1e-6 * abs(cost["objective"]) else 0.0,
        "objective_cny_a_year": cost["objective"],
        "clauses_met": clauses["met"].eq(True).sum(),
        "clauses_measured": clauses["met"].notna().sum(),
        "broken": ", ".join(clauses.loc[broken & enforced, "clause_id"]),
        "broken_not_enforced": ", ".join(clauses.loc[broken & ~enforced, "clause_id"]),
        "limits_broken": limits_broken(found.model.layout, found),
        "demand": demand["demand"].sum(),
        **{column: demand[column].sum() for column in missed},
        "mean_travel": mean,
        "worst_travel": worst,
        "travel_unit": unit,
        "units": float(held.sum()),
        "gini": gini(*spread) if spread else np.nan,
        "worst_tenth_per_1000": worst_off_share(*spread) if spread else np.nan,
        "two_step_per_1000": _mean(*reached),
        "two_step_worst_tenth_per_1000": worst_off_share(*reached) if inhabited else np.nan,
        "actions": (found.stock["change"].abs() > ROUND).sum() + opened.sum() + closed.sum(),
    }


def by_area(scenario: Scenario, held: Floats) -> tuple[Floats, Floats] | None:
    """Units per 1,000 residents of each area with residents, and those residents.

    Areas are those of the column ``area``. Where facilities and populations state areas of
    different sizes and there is a tree of areas, they are the smallest of one depth of the
    tree that all of them lie in.

    Parameters
    ----------
    scenario
    held : ndarray, shape (n_facilities,)
        Units.

    Returns
    -------
    tuple of two ndarrays, shape (n_areas,), or None
        ``None`` where some units are held in no area that has residents.
    """
    residents = scenario.populations["residents"].to_numpy(dtype=float)
    some, lived = held > 0, residents > 0
    sites = list(scenario.facilities["area"][some])
    homes = list(scenario.populations["area"][lived])
    homes, sites = at_one_depth(scenario.areas, homes, sites)
    place, names = pd.factorize(np.array([*homes, *sites], dtype=object))
    n = len(homes)
    people: Floats = np.bincount(place[:n], residents[lived], len(names)).astype(float)
    units = np.bincount(place[n:], held[some], minlength=len(names))
    if not n or (units[people == 0] > 0).any():
        return None
    return 1000.0 * units / people, people


def _mean(values: pd.Series[float], people: pd.Series[float]) -> float:
    value, weight = values.to_numpy(dtype=float), people.to_numpy(dtype=float)
    lived = weight > 0
    return float(value[lived] @ weight[lived] / weight.sum()) if lived.any() else np.nan
