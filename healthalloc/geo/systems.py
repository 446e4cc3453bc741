"""Coordinate reference systems: everything becomes WGS 84, or is refused by name."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from healthalloc.errors import Problem
from healthalloc.extras import optional

EXTRA = "geo"
WGS84 = 4326
"""EPSG code of the system that every table is in."""
NEAR_WGS84 = ("China 2000",)
"""Datums within a metre of WGS 84 for which PROJ knows no transformation: CGCS2000."""
_SHIFTED = re.compile(r"gcj[-_ ]?0?2|bd[-_ ]?0?9|mars", re.IGNORECASE)
_UNSTATED = re.compile(r"undefined|unknown", re.IGNORECASE)


def system_name(crs: Any) -> str:
    """Name and code of a system, e.g. ``WGS 84 (EPSG:4326)``.

    Parameters
    ----------
    crs : pyproj.CRS
    """
    code = crs.to_authority()
    return f"{crs.name} ({':'.join(code)})" if code else str(crs.name)


def to_wgs84(shapes: NDArray[Any], crs: Any, place: str) -> tuple[NDArray[Any], list[Problem]]:
    """Shapes in longitude and latitude of WGS 84.

    Parameters
    ----------
    shapes : array of shapely.Geometry or None
    crs : pyproj.CRS or None
        System that they are in.
    place
        File or layer, for messages.

    Returns
    -------
    array of shapely.Geometry or None
        As given where there are problems.
    list of Problem
        No system, one that cannot be brought to WGS 84, or coordinates that are none of it.
    """
    shapely = optional("shapely", "a geographic file", EXTRA)
    if crs is None or (_UNSTATED.search(crs.name) and crs.to_authority() is None):
        message = "states no coordinate reference system"
        mend = "state it, e.g. in QGIS: Set Layer CRS; a Shapefile needs its .prj file"
        return shapes, [Problem(place, message, mend=mend)]
    name = system_name(crs)
    if _SHIFTED.search(crs.name):
        mend = "convert the points to WGS 84, and say so in their source"
        message = "is shifted by some hundred metres; nothing is converted in silence"
        return shapes, [Problem(place, message, column="crs", value=name, mend=mend)]
    if not (crs.is_geographic or crs.is_projected):
        message = "is no system of places on the earth"
        return shapes, [Problem(place, message, column="crs", value=name)]
    problem = _range_problem(shapely.bounds(shapes), crs, place)
    if problem is not None:
        return shapes, [problem]
    if crs.to_epsg() == WGS84 or crs.to_authority() == ("OGC", "CRS84"):
        return shapes, []
    return _transformed(shapely, shapes, crs, place)


def points_to_wgs84(
    x: NDArray[np.float64], y: NDArray[np.float64], system: str, place: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[Problem]]:
    """Points in longitude and latitude of WGS 84.

    Parameters
    ----------
    x, y : shape (n_points,)
    system
        Their system as text, e.g. ``EPSG:4547``.
    place
        File or table, for messages.

    Returns
    -------
    longitude, latitude : shape (n_points,)
    problems : list of Problem
        As for `to_wgs84`, or the system is not known.
    """
    shapely = optional("shapely", f"a system of coordinates other than WGS 84 ({place})", EXTRA)
    pyproj = optional("pyproj", f"a system of coordinates other than WGS 84 ({place})", EXTRA)
    try:
        crs = pyproj.CRS(system)
    except pyproj.exceptions.CRSError:
        message = "is no coordinate reference system that is known here"
        mend = "state an EPSG code, e.g. EPSG:4326"
        return x, y, [Problem(place, message, column="crs", value=system, mend=mend)]
    points, problems = to_wgs84(shapely.points(x, y), crs, place)
    return shapely.get_x(points), shapely.get_y(points), problems


def _range_problem(bounds: NDArray[np.float64], crs: Any, place: str) -> Problem | None:
    """Coordinates that cannot be of their system; ``bounds``: west, south, east, north of each."""
    known = np.flatnonzero(~np.isnan(bounds).any(axis=1))
    if not len(known):
        return None
    across = np.abs(bounds[known][:, [0, 2]]).max(axis=1)
    up = np.abs(bounds[known][:, [1, 3]]).max(axis=1)
    name = system_name(crs)
    if crs.is_projected:
        if not ((across <= 180) & (up <= 90)).all():
            return None
        message = f"states {name}, whose unit is {crs.axis_info[0].unit_name}, but holds degrees"
        value = f"{bounds[known[0], 0]:.6g}, {bounds[known[0], 1]:.6g}"
        return Problem(place, message, int(known[0]) + 1, "geometry", value, "state WGS 84")
    outside = np.flatnonzero((across > 180) | (up > 90))
    if not len(outside):
        return None
    row = known[outside[0]]
    message = f"is no longitude and latitude, though the system is {name}"
    swapped = across[outside].max() <= 90 and up[outside].max() <= 180
    mend = (
        "are longitude and latitude swapped? longitude stands first" if swapped
        else "are these metres? state the projected system, e.g. in QGIS: Set Layer CRS"
    )  # fmt: skip
    value = f"{bounds[row, 0]:.6g}, {bounds[row, 1]:.6g}"
    return Problem(place, message, int(row) + 1, "geometry", value, mend)


def _transformed(
    shapely: Any, shapes: NDArray[Any], crs: Any, place: str
) -> tuple[NDArray[Any], list[Problem]]:
    pyproj = optional("pyproj", "a geographic file", EXTRA)
    base = crs.geodetic_crs
    near = base is not None and base.datum is not None and base.datum.name in NEAR_WGS84
    name = system_name(crs)
    try:
        transformer = pyproj.Transformer.from_crs(crs, WGS84, always_xy=True, allow_ballpark=near)
    except pyproj.exceptions.ProjError:
        transformer = None
    moved = shapes
    if transformer is not None:
        moved = shapely.transform(
            shapes, lambda points: np.column_stack(transformer.transform(*points.T))
        )
        if np.isfinite(shapely.get_coordinates(moved)).all():
            return moved, []
    message = f"has no known transformation from {name} to WGS 84 that holds at these points"
    mend = "bring it to WGS 84 or CGCS2000 in a GIS, with the parameters of the survey office"
    return shapes, [Problem(place, message, column="crs", mend=mend)]
