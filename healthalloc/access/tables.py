"""Access in a scenario or a solution, by population and by area."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from healthalloc.access.agglomeration import agglomeration
from healthalloc.access.catchment import (
    enhanced_two_step_catchment,
    three_step_catchment,
    two_step_catchment,
)
from healthalloc.access.decay import Decay
from healthalloc.access.inputs import Floats, Positions, totals
from healthalloc.access.opportunities import cumulative_opportunities, gravity
from healthalloc.access.stock import Subject, Unit, from_scenario, scenario_of, units_held
from healthalloc.areas import area_of_level, of_level
from healthalloc.errors import DataError, Problem
from healthalloc.scenario import Scenario
from healthalloc.travel.common import refuse

Demand = Literal["residents", "cases"]

_MEASURED = (
    "cumulative_units", "two_step_per_1000", "gravity_units", "enhanced_two_step_per_1000",
    "three_step_per_1000",
)  # fmt: skip


def access_by_population(
    subject: Subject,
    resource_id: str,
    service_id: str,
    *,
    limit: float | None = None,
    decay: Decay | None = None,
    unit: Unit = "min",
    demand: Demand = "residents",
) -> pd.DataFrame:
    """Access of every population to the stock of a resource.

    Parameters
    ----------
    subject
        A scenario (existing stock) or a solution (allocated stock, open sites).
    resource_id
        Resource that is shared; all kinds below it count.
    service_id
        Only facilities that offer this service with what they hold count.
    limit
        Farthest travel in ``unit``; by default the service's own radius, by area class.
    decay
        Weight by travel in ``unit``; without it, the measures that need one are left out.
    unit
        Minutes or km.
    demand
        What the resource is shared among: residents, or cases of the service a year.

    Returns
    -------
    DataFrame
        ``population_id, name, area, area_class, residents``, with ``demand="cases"`` also
        ``cases_a_year``, then

        - ``cumulative_units``: units within reach (`cumulative_opportunities`);
        - ``two_step_per_1000``: units per 1,000 residents or cases (`two_step_catchment`);
        - with a decay: ``gravity_units`` (`gravity`), ``enhanced_two_step_per_1000``,
          ``three_step_per_1000``.

    Raises
    ------
    DataError
        As `from_scenario`.
    """
    arcs = from_scenario(subject, resource_id, service_id, limit=limit, unit=unit, demand=demand)
    columns = ["population_id", "name", "area", "area_class", "residents"]
    table = scenario_of(subject).populations[columns].reset_index(drop=True)
    if demand == "cases":
        table["cases_a_year"] = arcs.demand
    table["cumulative_units"] = cumulative_opportunities(*arcs, limit=np.inf)
    table["two_step_per_1000"] = 1000.0 * two_step_catchment(*arcs, limit=np.inf)
    if decay is not None:
        table["gravity_units"] = gravity(*arcs, decay=decay)
        enhanced = enhanced_two_step_catchment(*arcs, decay=decay)
        table["enhanced_two_step_per_1000"] = 1000.0 * enhanced
        table["three_step_per_1000"] = 1000.0 * three_step_catchment(*arcs, decay=decay)
    return table


def access_by_area(
    subject: Subject,
    resource_id: str,
    service_id: str,
    *,
    limit: float | None = None,
    decay: Decay | None = None,
    unit: Unit = "min",
    demand: Demand = "residents",
    level: str = "",
    area_km2: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Access and stock by area.

    Parameters
    ----------
    subject, resource_id, service_id, limit, decay, unit, demand
        As in `access_by_population`.
    level
        Level of the areas in the scenario's tree of areas; by default the areas named in the
        column ``area`` of populations and facilities.
    area_km2
        Land of every area by its id, for the agglomeration degrees.

    Returns
    -------
    DataFrame
        ``area, residents``, with ``demand="cases"`` also ``cases_a_year``; ``units`` (held by
        the area's own facilities, whatever they offer) and ``units_per_1000`` residents; the
        measures of `access_by_population` as means over the area's residents (or cases), NaN
        where there are none; and, with ``area_km2``, ``area_km2, hrad, pad, hrad_to_pad`` (see
        `agglomeration`).

    Raises
    ------
    DataError
        As `access_by_population`; or if no area has the level, a population or facility lies in
        none of them, or an area has no entry in ``area_km2``, or a bad one.
    """
    people = access_by_population(
        subject, resource_id, service_id, limit=limit, decay=decay, unit=unit, demand=demand
    )
    home, site, names = _places(scenario_of(subject), level)
    n_areas = len(names)
    table = pd.DataFrame({"area": names})
    weighed_by = "cases_a_year" if demand == "cases" else "residents"
    for column in dict.fromkeys(["residents", weighed_by]):
        table[column] = totals(home, people[column].to_numpy(dtype=float), n_areas)
    table["units"] = totals(site, units_held(subject, resource_id), n_areas)
    table["units_per_1000"] = _ratio(1000.0 * table["units"], table["residents"])
    weight = people[weighed_by].to_numpy(dtype=float)
    whole = totals(home, weight, n_areas)
    for column in [name for name in _MEASURED if name in people]:
        # where nobody lives, access may be undefined, and does not count
        value = np.where(weight > 0, people[column].to_numpy(dtype=float), 0.0)
        table[column] = _ratio(totals(home, weight * value, n_areas), whole)
    if area_km2 is None:
        return table
    absent = [name for name in names if name not in area_km2]
    if absent:
        raise DataError(
            Problem("area_km2", "has no entry for this area", value=str(name)) for name in absent
        )
    table["area_km2"] = [float(area_km2[name]) for name in names]
    degrees = agglomeration(table["units"], table["area_km2"], table["residents"])
    return table.assign(**degrees._asdict())


def _places(scenario: Scenario, level: str) -> tuple[Positions, Positions, list[str]]:
    """Area of each population and of each facility as a position, and the names of the areas."""
    tables = {"populations": scenario.populations, "facilities": scenario.facilities}
    if not level:
        both = pd.concat([table["area"] for table in tables.values()])
        place, found = pd.factorize(both)
        n = len(scenario.populations)
        return place[:n], place[n:], [str(name) for name in found]
    names = of_level(scenario.areas, [level])
    if not names:
        raise DataError([Problem("areas", "no area has this level", column="level", value=level)])
    places = {key: area_of_level(scenario.areas, level, t["area"]) for key, t in tables.items()}
    refuse(
        [
            Problem(key, f"lies in no area of level {level!r}", row + 1, "area", str(area))
            for key, table in tables.items()
            for row, area in enumerate(table["area"])
            if places[key][row] < 0
        ]
    )
    return places["populations"], places["facilities"], names


def _ratio(above: pd.Series[float] | Floats, below: pd.Series[float] | Floats) -> Floats:
    """Quotient; NaN where nothing is below."""
    top, bottom = np.asarray(above, dtype=float), np.asarray(below, dtype=float)
    ratio: Floats = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)
    return ratio
