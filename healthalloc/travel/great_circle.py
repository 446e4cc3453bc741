"""Travel along the great circle, lengthened by a detour factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from healthalloc.travel.common import (
    Floats,
    Pairs,
    chord_of_km,
    coordinate_problems,
    join,
    km_of_chord,
    refuse,
    speeds_as_minutes_per_km,
    unit_points,
)

if TYPE_CHECKING:
    from healthalloc.settings import GreatCircle


def by_great_circle(
    facilities: pd.DataFrame,
    populations: pd.DataFrame,
    travel: GreatCircle,
    limit_km: Floats,
    limit_min: Floats,
) -> Pairs:
    """Pairs by great circle: at least all those within the limits; see ``travel_pairs``."""
    from scipy.spatial import cKDTree

    minutes_per_km, problems = speeds_as_minutes_per_km(populations, travel.speed_km_per_h)
    for name, table in (("facilities", facilities), ("populations", populations)):
        everyone = np.ones(len(table), dtype=np.bool_)
        mend = "give WGS 84 degrees, or choose another method of travel"
        problems += coordinate_problems(name, table, everyone, mend)
    refuse(problems)
    straight_limit_km = np.maximum(limit_km, limit_min / minutes_per_km) / travel.detour_factor
    facility_tree = cKDTree(unit_points(facilities))
    points = unit_points(populations)
    parts: list[Pairs] = []
    # one search for each area class, because radius and speed are stated by area class
    for rows in populations.groupby("area_class").indices.values():
        farthest = straight_limit_km[rows].max()
        if farthest >= 0:
            near = cKDTree(points[rows]).sparse_distance_matrix(
                facility_tree, chord_of_km(farthest), output_type="ndarray"
            )
            population_idx = np.asarray(rows, dtype=np.intp)[near["i"]]
            distance_km = km_of_chord(near["v"]) * travel.detour_factor
            travel_min = distance_km * minutes_per_km[population_idx]
            parts.append(Pairs(population_idx, near["j"], travel_min, distance_km))
    return join(parts)
