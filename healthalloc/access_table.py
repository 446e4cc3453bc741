"""How residents reach services in an answer, by service and area class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.layout import Layout

Floats = NDArray[np.float64]
COLUMNS = [
    "service_id", "area_class", "residents", "residents_within_radius",
    "share_within_radius_percent", "mean_travel_min", "worst_travel_min",
    "mean_distance_km", "worst_distance_km",
]  # fmt: skip


def access_table(layout: Layout, flow: Floats, within_reach: NDArray[np.bool_]) -> pd.DataFrame:
    """Access by service and area class (see `Solution.access`).

    Parameters
    ----------
    layout
    flow : ndarray, shape (n_flows,)
        Units of flow on each arc, none of them rounding.
    within_reach : ndarray of bool, shape (n_populations, n_services)
        Whether an open facility that offers the service is within its radius.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`.
    """
    scenario, arcs = layout.scenario, layout.arcs
    assert arcs is not None
    residents = layout.residents_idx
    classes = scenario.populations["area_class"].to_numpy()
    records: list[tuple[Any, ...]] = []
    wanted = set(scenario.demand["service_id"])
    for s, service_id in enumerate(scenario.services["service_id"]):
        if service_id not in wanted:
            continue  # residents reach it by referral only
        used = np.flatnonzero((arcs.service_idx == s) & (flow > 0))
        for area_class in [*dict.fromkeys(classes), "all"]:
            chosen = (classes == area_class) | (area_class == "all")
            total = float(residents[chosen].sum())
            near = float(residents[chosen & within_reach[:, s]].sum())
            on_the_way = used[chosen[arcs.population_idx[used]]]
            weight = flow[on_the_way]
            share = 100 * near / total if total else np.nan
            minutes = _mean_and_worst(arcs.travel_min[on_the_way], weight)
            km = _mean_and_worst(arcs.distance_km[on_the_way], weight)
            records.append((service_id, area_class, total, near, share, *minutes, *km))
    return pd.DataFrame(records, columns=COLUMNS)


def _mean_and_worst(travel: Floats, weight: Floats) -> tuple[float, float]:
    if not weight.sum():
        return np.nan, np.nan
    return float(travel @ weight / weight.sum()), float(travel.max())
