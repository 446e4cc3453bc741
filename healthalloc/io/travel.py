"""Write the travel of a scenario, however it is found, as a matrix that can be read back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from healthalloc.errors import DataError, Problem
from healthalloc.io.matrix import write_omx
from healthalloc.io.tables import write_parquet
from healthalloc.network import travel_pairs
from healthalloc.progress import phase
from healthalloc.settings import GreatCircle, TravelMatrix

if TYPE_CHECKING:
    from healthalloc.scenario import Scenario

SUFFIXES = (".omx", ".parquet")


@phase("reach")
def write_travel(scenario: Scenario, output: str | os.PathLike[str]) -> TravelMatrix:
    """Write travel from every population to every facility as a matrix.

    Parameters
    ----------
    scenario
        Travel by any method; that between facilities is no part of a matrix.
    output
        A file that ends in ``.omx``, with the matrices ``travel_min`` and ``distance_km`` where
        they are known, rows and columns named by id; or in ``.parquet``, a long table with the
        columns ``population_id, facility_id, travel``. An existing file is replaced.

    Returns
    -------
    TravelMatrix
        The settings with which a scenario travels by the file as this one does: a matrix keeps
        its unit, a great circle is in km with its speeds, and roads are in minutes unless every
        radius is in km.

    Raises
    ------
    DataError
        If the name has another ending, or the travel cannot be found.
    UnsupportedError
        If h5py or pyarrow is not installed.
    """
    path = Path(output)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        mend = f"a file that ends in {' or '.join(SUFFIXES)}"
        raise DataError([Problem(str(path), "cannot hold a travel matrix", mend=mend)])
    unit = _unit(scenario)
    populations = scenario.populations["population_id"].to_numpy()
    facilities = scenario.facilities["facility_id"].to_numpy()
    everywhere, nowhere = (np.full(len(populations), limit) for limit in (np.inf, -np.inf))
    found = travel_pairs(
        scenario.facilities, scenario.populations, scenario.settings.travel,
        limit_km=everywhere if unit == "km" else nowhere,
        limit_min=everywhere if unit == "min" else nowhere,
        travel_table=scenario.travel, roads=scenario.roads,
    )  # fmt: skip
    named = {"travel_min": found.travel_min, "distance_km": found.distance_km}
    matrix = "travel_min" if unit == "min" else "distance_km"
    if suffix == ".omx":
        shape = (len(populations), len(facilities))
        cells = {}
        for name, values in named.items():
            if name == matrix or not np.isnan(values).any():
                cells[name] = np.full(shape, np.nan)
                cells[name][found.population_idx, found.facility_idx] = values
        write_omx(cells, list(populations), list(facilities), path)
    else:
        columns = {
            "population_id": populations[found.population_idx],
            "facility_id": facilities[found.facility_idx],
            "travel": named[matrix],
        }
        write_parquet(pd.DataFrame(columns), path)
    speeds: Any = getattr(scenario.settings.travel, "speed_km_per_h", {}) if unit == "km" else {}
    return TravelMatrix(
        file=path.name,
        layout="omx" if suffix == ".omx" else "long",
        unit=unit,
        matrix=matrix if suffix == ".omx" else "",
        missing_pairs="error"
        if len(found) == len(populations) * len(facilities)
        else "unreachable",
        speed_km_per_h=speeds if scenario.settings.travel.method != "road_graph" else {},
    )


def _unit(scenario: Scenario) -> Literal["min", "km"]:
    travel = scenario.settings.travel
    if isinstance(travel, TravelMatrix):
        return travel.unit
    if isinstance(travel, GreatCircle) or scenario.radii["unit"].eq("km").all():
        return "km"
    return "min"
