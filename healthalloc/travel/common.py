"""What the methods of travel share: pairs, limits, points on the sphere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.errors import DataError, Problem

if TYPE_CHECKING:
    pass

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the earth (IUGG)."""

ROUNDING = 1 + 1e-9
"""A limit is passed only by more than the rounding of a sum: 0.1 km + 0.2 km is within 0.3 km."""

UNREACHABLE = "unreachable"
"""The word for "there is no way" in a travel matrix."""

ONCE = "keep one of the two"
MANY = 5  # how many offenders an error names before it only counts them


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of a population and a facility that may matter, by population, then facility.

    Parameters
    ----------
    population_idx, facility_idx : shape (n_pairs,)
        Rows of the two tables.
    travel_min, distance_km : shape (n_pairs,)
        Travel one way, finite; NaN where the method does not know the quantity.
    """

    population_idx: Positions
    facility_idx: Positions
    travel_min: Floats
    distance_km: Floats

    def __len__(self) -> int:
        return len(self.population_idx)


def join(parts: Sequence[Pairs]) -> Pairs:
    """Pairs one after the other."""
    nobody, nothing = np.zeros(0, dtype=np.intp), np.zeros(0)
    return Pairs(
        np.concatenate([nobody, *(part.population_idx for part in parts)]),
        np.concatenate([nobody, *(part.facility_idx for part in parts)]),
        np.concatenate([nothing, *(part.travel_min for part in parts)]),
        np.concatenate([nothing, *(part.distance_km for part in parts)]),
    )


def positions_of(
    ids: pd.Series[Any], known: Sequence[str] | pd.Series[Any] | pd.Index[Any]
) -> Positions:
    """Position of each id among the known ones, -1 where there is none."""
    position = {one: k for k, one in enumerate(np.asarray(known, dtype=object).tolist())}
    return np.fromiter((position.get(one, -1) for one in ids.tolist()), np.intp, len(ids))


def refuse(problems: Sequence[Problem]) -> None:
    """Raise a `DataError` if there is any problem."""
    if problems:
        raise DataError(problems)


def some(names: Sequence[object]) -> str:
    """The first few names, for an error that may have thousands."""
    return ", ".join(map(str, names[:MANY])) + (", ..." if len(names) > MANY else "")


def limit_problems(
    limit_km: Floats, limit_min: Floats, knows: Mapping[str, bool], mend: Mapping[str, str]
) -> list[Problem]:
    """A radius in a unit that the method does not know would silently reach nobody."""
    return [
        Problem(
            "travel",
            f"a radius in {unit} is asked for, but travel is not known in {unit}",
            mend=f"{mend[unit]}, or state every radius in {'min' if unit == 'km' else 'km'}",
        )
        for unit, limit in (("km", limit_km), ("min", limit_min))
        if not knows[unit] and (limit > -np.inf).any()
    ]


def speeds_as_minutes_per_km(
    populations: pd.DataFrame, speed_km_per_h: Mapping[str, float]
) -> tuple[Floats, list[Problem]]:
    """Pace of each population's area class, shape (n_populations,); minutes per km."""
    speed = populations["area_class"].map(dict(speed_km_per_h)).to_numpy(dtype=np.float64)
    problems = [
        Problem(
            "travel",
            f"no speed for the area class {area_class!r}",
            column="speed_km_per_h",
            mend="add it under [travel.speed_km_per_h]",
        )
        for area_class in populations["area_class"][np.isnan(speed)].unique()
    ]
    return 60 / speed, problems


# --- points on the sphere


def unit_vectors(longitude: Floats, latitude: Floats) -> Floats:
    """Points on the unit sphere, shape (n, 3), from degrees."""
    east, north = np.radians(longitude), np.radians(latitude)
    return np.column_stack(
        [np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)]
    )


def km_of_chord(chord: Floats) -> Floats:
    """Great-circle km of a straight line between two points of the unit sphere."""
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(chord / 2, 1.0))


def chord_of_km(km: float) -> float:
    """Chord of an arc, a little longer so that no pair on the edge is lost to rounding."""
    return float(2 * np.sin(min(km / EARTH_RADIUS_KM, np.pi) / 2)) * ROUNDING + 1e-12


def unit_points(table: pd.DataFrame) -> Floats:
    """Points of a table on the unit sphere, shape (n_rows, 3)."""
    return unit_vectors(table["longitude"].to_numpy(float), table["latitude"].to_numpy(float))


def coordinate_problems(
    name: str, table: pd.DataFrame, needed: NDArray[np.bool_], mend: str
) -> list[Problem]:
    """Rows that need coordinates and have none."""
    problems = []
    for column in ("longitude", "latitude"):
        rows = np.flatnonzero(table[column].isna().to_numpy() & needed)
        problems += [
            Problem(
                name, "is empty, but travel needs it", row=int(row) + 1, column=column, mend=mend
            )
            for row in rows
        ]
    return problems
