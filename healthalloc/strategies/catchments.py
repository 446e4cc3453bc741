"""Whose residents or patients count where: areas, and the nearest holder beside them."""

from __future__ import annotations

from collections.abc import Container, Mapping

import numpy as np
import pandas as pd

from healthalloc.formulation.program import Floats
from healthalloc.layout import Layout, Positions
from healthalloc.network import Pairs, radius_limits, travel_pairs


def near_pairs(layout: Layout) -> Pairs:
    """Pairs of a population and a facility within the widest radius of any service."""
    scenario = layout.scenario
    services = list(scenario.services["service_id"])
    limit_km, limit_min = radius_limits(scenario.radii, scenario.populations, services)
    return travel_pairs(
        scenario.facilities, scenario.populations, scenario.settings.travel, limit_km, limit_min,
        travel_table=scenario.travel, roads=scenario.roads,
    )  # fmt: skip


def counted_at(layout: Layout, pairs: Pairs, rows: Positions, amount: Floats) -> Floats:
    """Amounts of the populations, counted at the stock rows of one resource.

    A population counts in its own area (column ``area``) if a facility there may hold the
    resource, else in the next larger area of the tree with one, else in the area of the nearest
    facility that may, within the widest radius of any service, else nowhere. Within an area the
    rows share in proportion to what they hold today, evenly where they hold nothing. A facility
    without an area is one by itself.

    Parameters
    ----------
    layout
    pairs
        As from `near_pairs`.
    rows : ndarray of int, shape (n_rows,)
        Rows of the stock table that may hold the resource.
    amount : ndarray, shape (n_populations,)
        E.g. residents.

    Returns
    -------
    ndarray, shape (n_rows,)
    """
    scenario = layout.scenario
    facility = layout.stock_facility_idx[rows]
    parent = dict(zip(scenario.areas["area_id"], scenario.areas["parent_id"]))
    lived = set(scenario.populations["area"])
    area = [
        _larger(parent, name, lived) or name or f"\0{k}"
        for k, name in enumerate(scenario.facilities["area"])
    ]
    place, names = pd.factorize(np.array(area, dtype=object)[facility])
    known = {name: k for k, name in enumerate(names)}
    homes = [known.get(_larger(parent, a, known), -1) for a in scenario.populations["area"]]
    home = np.array(homes, dtype=np.intp)
    position = np.full(layout.n_facilities, -1, dtype=np.intp)
    position[facility] = place
    home = np.where(home < 0, _nearest(scenario.facilities, pairs, position, len(home)), home)
    inside = home >= 0
    counted: Floats = np.bincount(home[inside], amount[inside], minlength=len(names)).astype(float)
    existing = scenario.stock["existing"].to_numpy(dtype=float)[rows]
    held = np.bincount(place, existing, minlength=len(names))
    number = np.bincount(place, minlength=len(names))
    even = 1.0 / number[place]
    share = np.where(held[place] > 0, existing / np.where(held > 0, held, 1.0)[place], even)
    at_rows: Floats = counted[place] * share
    return at_rows


def _larger(parent: Mapping[str, str], area_id: str, among: Container[str]) -> str:
    """The area itself or the smallest one around it that is among some; empty if none is."""
    while area_id and area_id not in among:
        area_id = parent.get(area_id, "")
    return area_id


def _nearest(
    facilities: pd.DataFrame, pairs: Pairs, position: Positions, n_populations: int
) -> Positions:
    """Place of the nearest facility that has one, for each population; -1 where there is none."""
    known = position[pairs.facility_idx] >= 0
    population, facility = pairs.population_idx[known], pairs.facility_idx[known]
    travel = pairs.travel_min if not np.isnan(pairs.travel_min).any() else pairs.distance_km
    # of equal ways the first name, whatever the order of the rows
    rank = np.argsort(np.argsort(facilities["facility_id"].to_numpy(dtype=str), kind="stable"))
    order = np.lexsort((rank[facility], travel[known], population))
    first = np.unique(population[order], return_index=True)[1]
    chosen = order[first]
    found = np.full(n_populations, -1, dtype=np.intp)
    found[population[chosen]] = position[facility[chosen]]
    return found
