"""A scenario, or a solution, as layers for a GIS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.extras import optional
from healthalloc.geo.read import NEEDS
from healthalloc.geo.systems import EXTRA, WGS84
from healthalloc.solution import Solution

if TYPE_CHECKING:
    from healthalloc.scenario import Scenario

COORDINATES = ["longitude", "latitude"]


def to_geodataframes(subject: Scenario | Solution) -> dict[str, Any]:
    """Layers of a scenario, or of a solution with what it allocates, in WGS 84.

    Parameters
    ----------
    subject
        A scenario: ``facilities``, ``populations`` (points), ``areas`` (polygons, where outlines
        are given), ``roads`` (lines, where there is a road graph whose nodes say where they are).
        The columns are those of the schema, with the geometry for longitude and latitude, so that
        the layers can be read back.

        A solution: the same, and

        - on ``facilities``: ``open``, and ``KIND_existing, KIND_allocated, KIND_change`` for each
          kind of resource (bed, staff, ...);
        - on ``populations``: ``served_percent_SERVICE`` for each service, percent of the cases;
        - ``allocation``: a point for each facility and resource, as ``Solution.stock``;
        - ``demand``: a point for each population and service, as ``Solution.demand``: served,
          nothing within reach, or within reach but no capacity;
        - ``flows``, ``referrals``: a straight line for each, as ``Solution.flows`` and
          ``Solution.referrals``.

    Returns
    -------
    dict of str to geopandas.GeoDataFrame
        Points that are not stated have no geometry.

    Raises
    ------
    NoSolutionError
        If the solution has no allocation to show.
    UnsupportedError
        If geopandas is not installed.
    """
    solution = subject if isinstance(subject, Solution) else None
    scenario = subject.scenario if isinstance(subject, Solution) else subject
    optional("geopandas", NEEDS, EXTRA)
    places = {
        "facility_id": scenario.facilities.set_index("facility_id")[COORDINATES],
        "population_id": scenario.populations.set_index("population_id")[COORDINATES],
    }
    facilities, populations = scenario.facilities, scenario.populations
    if solution is not None:
        facilities = facilities.merge(_held(solution), on="facility_id", how="left")
        populations = populations.merge(_served(solution), on="population_id", how="left")
    layers = {
        "facilities": _points(facilities.drop(columns=COORDINATES), places["facility_id"]),
        "populations": _points(populations.drop(columns=COORDINATES), places["population_id"]),
    }
    if scenario.outlines:
        layers["areas"] = _areas(scenario)
    roads = _roads(scenario)
    if roads is not None:
        layers["roads"] = roads
    if solution is None:
        return layers
    layers["allocation"] = _points(_named(solution), places["facility_id"])
    layers["demand"] = _points(solution.demand, places["population_id"])
    layers["flows"] = _lines(solution.flows, "population_id", "facility_id", places)
    if len(scenario.referrals):
        ends = ("from_facility_id", "to_facility_id")
        places |= dict.fromkeys(ends, places["facility_id"])
        layers["referrals"] = _lines(solution.referrals, *ends, places)
    return layers


def _held(solution: Solution) -> pd.DataFrame:
    """Whether each facility is open, and what it holds of each kind, before and after."""
    kinds = solution.scenario.resources.set_index("resource_id")["kind"]
    stock = solution.stock.assign(kind=solution.stock["resource_id"].map(kinds))
    sums = stock.groupby(["facility_id", "kind"])[["existing", "allocated", "change"]].sum()
    held = solution.sites[["facility_id", "open"]].set_index("facility_id")
    for kind in [k for k in dict.fromkeys(kinds) if k in set(stock["kind"])]:
        of_kind = sums.xs(kind, level="kind").reindex(held.index, fill_value=0.0)
        held = held.join(of_kind.add_prefix(f"{kind}_"))
    return held.reset_index()


def _served(solution: Solution) -> pd.DataFrame:
    """Percent of the cases of each service that are served; NaN without demand."""
    demand = solution.demand
    percent = 100.0 * demand["served"] / demand["demand"].where(demand["demand"] > 0)
    wide = demand.assign(percent=percent).pivot(
        index="population_id", columns="service_id", values="percent"
    )
    wide = wide[[s for s in solution.scenario.services["service_id"] if s in wide]]
    return wide.add_prefix("served_percent_").reset_index().rename_axis(columns=None)


def _named(solution: Solution) -> pd.DataFrame:
    """The stock with names for people."""
    scenario, stock = solution.scenario, solution.stock
    resources = scenario.resources.set_index("resource_id")
    stock = stock.assign(
        facility=stock["facility_id"].map(scenario.facilities.set_index("facility_id")["name"]),
        resource=stock["resource_id"].map(resources["name"]),
        kind=stock["resource_id"].map(resources["kind"]),
    )
    first = ["facility_id", "facility", "resource_id", "resource", "kind"]
    return stock[[*first, "existing", "allocated", "change"]]


def _points(table: pd.DataFrame, places: pd.DataFrame) -> Any:
    """A table with the point of its first column as geometry."""
    import shapely

    at = places.loc[table[places.index.name]].to_numpy(dtype=float)
    return _layer(table, _where_known(shapely.points, at))


def _lines(table: pd.DataFrame, start: str, end: str, places: dict[str, pd.DataFrame]) -> Any:
    """A table with the straight line from one of its places to another as geometry."""
    import shapely

    ends = [places[name].loc[table[name]].to_numpy(dtype=float) for name in (start, end)]
    return _layer(table, _where_known(shapely.linestrings, np.stack(ends, axis=1)))


def _where_known(make: Any, coordinates: NDArray[np.float64]) -> NDArray[Any]:
    """Shapes of coordinates, None where one is not known."""
    shapes = np.full(len(coordinates), None, dtype=object)
    known = ~np.isnan(coordinates).any(axis=tuple(range(1, coordinates.ndim)))
    if known.any():
        shapes[known] = make(coordinates[known])
    return shapes


def _areas(scenario: Scenario) -> Any:
    from shapely.geometry import shape

    outlines = [scenario.outlines.get(area_id) for area_id in scenario.areas["area_id"]]
    shapes = np.full(len(outlines), None, dtype=object)
    for row, outline in enumerate(outlines):
        if outline is not None:
            shapes[row] = shape(outline)
    return _layer(scenario.areas, shapes)


def _roads(scenario: Scenario) -> Any | None:
    """The edges of the road graph, along their own geometry where they carry one."""
    import shapely

    from healthalloc.travel.road_graph import node_degrees

    if scenario.roads is None:
        return None
    at = node_degrees(scenario.roads)
    if at is None:
        return None
    position = {node: row for row, node in enumerate(scenario.roads)}
    records, lines = [], []
    for start, end, data in scenario.roads.edges(data=True):
        own = data.get("geometry")
        if isinstance(own, str):
            own = shapely.from_wkt(own, on_invalid="ignore")
        if own is None:
            own = shapely.linestrings(at[[position[start], position[end]]])
        lines.append(own)
        record: dict[str, Any] = {"from_node_id": str(start), "to_node_id": str(end)}
        records.append(record | {k: _cell(v) for k, v in data.items() if k != "geometry"})
    return _layer(pd.DataFrame(records), np.array(lines, dtype=object))


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float) else str(value)


def _layer(table: pd.DataFrame, shapes: NDArray[Any]) -> Any:
    geopandas = optional("geopandas", NEEDS, EXTRA)
    return geopandas.GeoDataFrame(table.reset_index(drop=True), geometry=shapes, crs=WGS84)
