"""Read a layer of a geographic file as a table of the schema."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.errors import DataError, Problem
from healthalloc.extras import optional
from healthalloc.geo.systems import EXTRA, to_wgs84
from healthalloc.schema import TABLES

GEOGRAPHIC = ("areas", "facilities", "populations")
"""Tables that a layer may hold."""
LAYERS = (*GEOGRAPHIC, "roads", "allocation", "demand", "flows", "referrals")
"""Layers that an export may hold."""
SUFFIXES = (".geojson", ".gpkg", ".shp")
NEEDS = "a geographic file"
BOOKKEEPING = {"fid", "ogc_fid", "objectid", "shape_leng", "shape_length", "shape_area"}
"""Columns that GIS programs add by themselves; they are passed over."""
SHAPEFILE_NAME = 10  # characters that a Shapefile keeps of a column's name
SAME_DEGREES = 1e-5  # about a metre

Outlines = dict[str, Mapping[str, Any]]


class Layer(NamedTuple):
    """What a layer holds.

    Parameters
    ----------
    table : DataFrame
        The columns as given, the geometry as ``longitude, latitude`` (not in ``areas``).
    outlines : dict of str to dict
        Of ``areas``: GeoJSON polygons in WGS 84 by ``area_id``.
    """

    table: pd.DataFrame
    outlines: Outlines


def read_layer(source: Any, table: str, *, layer: str | None = None) -> Layer:
    """Read facilities, populations or areas from a geographic file or a GeoDataFrame.

    Coordinates are brought to WGS 84. A point is taken as it is, of a polygon a point inside;
    the polygons of areas are kept.

    Parameters
    ----------
    source
        GeoJSON, GeoPackage, Shapefile (or what else GDAL reads), or a ``GeoDataFrame``.
    table
        ``"facilities"``, ``"populations"`` or ``"areas"``.
    layer
        Layer of the file; by default the one named as the table, or else the only one.

    Returns
    -------
    Layer
        ``table``, for `Scenario`, which checks its columns; and ``outlines``.

    Raises
    ------
    DataError
        If the file or layer cannot be read or is empty, states no coordinate reference system or
        one that cannot be brought to WGS 84, or holds geometry that is no place of the table.
    UnsupportedError
        If geopandas is not installed.
    """
    if table not in GEOGRAPHIC:
        mend = f"one of {', '.join(GEOGRAPHIC)}"
        raise DataError([Problem(table, "is no table that a layer may hold", mend=mend)])
    problems: list[Problem] = []
    if isinstance(source, str | os.PathLike):
        found = layer_of_file(Path(source), table, problems, layer)
    else:
        found = _as_table(source, table, table, problems)
    if found is None or problems:
        raise DataError(problems)
    return found


def layer_names(file: Path, problems: list[Problem]) -> list[str]:
    """Names of the layers of a file; what is wrong is added to the problems."""
    pyogrio = optional("pyogrio", NEEDS, EXTRA)
    try:
        return [str(name) for name, _ in pyogrio.list_layers(file)]
    except Exception as error:  # GDAL's errors have no common base
        problems.append(_unreadable(file, error))
        return []


def layer_of_file(
    file: Path, table: str, problems: list[Problem], layer: str | None = None
) -> Layer | None:
    """A layer of a file, or ``None`` with what is wrong added to the problems."""
    geopandas = optional("geopandas", NEEDS, EXTRA)
    if not file.exists():
        problems.append(Problem(file.name, "missing file"))
        return None
    names = layer_names(file, problems)
    if not names:
        if not problems:
            problems.append(Problem(file.name, "has no layer"))
        return None
    wanted = layer or (table if table in names else names[0])
    if wanted not in names or (layer is None and wanted != table and len(names) > 1):
        message = f"has no layer {layer or table}: its layers are {', '.join(names)}"
        problems.append(Problem(file.name, message, mend="rename the layer of the table"))
        return None
    try:
        frame = geopandas.read_file(file, layer=wanted, engine="pyogrio")
    except Exception as error:  # as above
        problems.append(_unreadable(file, error))
        return None
    place = file.name if wanted == file.stem else f"{file.name}, layer {wanted}"
    if file.suffix.lower() == ".shp":
        frame = frame.rename(columns=_full_names(table, frame.columns))
        if not _encoding_stated(file) and _beyond_ascii(frame):
            message = "does not say its encoding, and holds more than ASCII"
            mend = "write UTF-8 or GB18030 into a .cpg file beside it, or save it as GeoPackage"
            problems.append(Problem(place, message, mend=mend))
            return None
    return _as_table(frame, table, place, problems)


def _unreadable(file: Path, error: Exception) -> Problem:
    text = " ".join(str(error).split())
    return Problem(file.name, f"cannot be read as a geographic file: {text}")


def _full_names(table: str, columns: Any) -> dict[str, str]:
    """Names that a Shapefile cut, in full."""
    known = [column.name for column in TABLES[table].columns]
    cut = {name[:SHAPEFILE_NAME]: name for name in known if len(name) > SHAPEFILE_NAME}
    return {c: cut[c] for c in columns if c in cut and cut[c] not in columns}


def _encoding_stated(file: Path) -> bool:
    if any(file.with_suffix(suffix).exists() for suffix in (".cpg", ".CPG")):
        return True
    header = file.with_suffix(".dbf")
    return not header.exists() or header.read_bytes()[29:30] not in (b"", b"\0")


def _beyond_ascii(frame: pd.DataFrame) -> bool:
    texts = frame.drop(columns="geometry", errors="ignore").select_dtypes(exclude="number")
    return any(not str(value).isascii() for name in texts for value in texts[name])


def _as_table(frame: Any, table: str, place: str, problems: list[Problem]) -> Layer | None:
    """The columns of a GeoDataFrame as a table, its geometry as coordinates or outlines."""
    geopandas = optional("geopandas", NEEDS, EXTRA)
    if not isinstance(frame, geopandas.GeoDataFrame):
        mend = "give the table as CSV, or a layer of points or polygons"
        problems.append(Problem(place, "has no geometry", mend=mend))
        return None
    if frame.empty:
        problems.append(Problem(place, "the layer is empty"))
        return None
    n_before = len(problems)
    shapes = np.asarray(frame.geometry.array, dtype=object)
    problems += _shape_problems(shapes, table, place)
    shapes, found = to_wgs84(shapes, frame.crs, place)
    problems += found
    if len(problems) > n_before:
        return None
    columns = frame.drop(columns=frame.geometry.name)
    columns = columns[[c for c in columns if str(c).lower() not in BOOKKEEPING]]
    numbers = {c.name for c in TABLES[table].columns if c.kind == "number"}
    plain = pd.DataFrame(
        {str(c): columns[c] if c in numbers else _texts(columns[c]) for c in columns}
    ).reset_index(drop=True)
    plain.attrs["rows"] = list(range(1, len(plain) + 1))
    if table != "areas":
        _place(plain, shapes, table, problems)
        return Layer(plain, {})
    ids = plain.get("area_id", pd.Series("", index=plain.index))
    from shapely.geometry import mapping

    return Layer(plain, {str(a): mapping(s) for a, s in zip(ids, shapes) if s is not None})


def _texts(values: pd.Series[Any]) -> pd.Series[Any]:
    """Cells as text; a whole number has no decimals, though GIS programs hold ids as floats."""

    def text(value: Any) -> str:
        if value is None or value is pd.NA or value != value:
            return ""
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)

    cells = values.astype(object).tolist()
    return pd.Series([text(v) for v in cells], index=values.index, dtype=object)


def _shape_problems(shapes: NDArray[Any], table: str, place: str) -> list[Problem]:
    """Geometry that is no place: lines, several points, polygons that cross themselves."""
    import shapely

    polygons = ("Polygon", "MultiPolygon")
    allowed = polygons if table == "areas" else ("Point", *polygons)
    found: dict[str, list[int]] = {}
    for row, shape in enumerate(shapes):
        if shape is None or shape.is_empty:
            shapes[row] = None
            continue
        if shape.geom_type == "MultiPoint" and len(shape.geoms) == 1 and table != "areas":
            shapes[row] = shape = shape.geoms[0]
        if shape.geom_type not in allowed:
            found.setdefault(f"is a {shape.geom_type}", []).append(row)
        elif not shape.is_valid:
            reason = shapely.is_valid_reason(shape).partition("[")[0]
            found.setdefault(f"is no valid polygon ({reason})", []).append(row)
    needed = "a polygon" if table == "areas" else "a point or a polygon"
    return [
        Problem(
            place, f"{what}, in {len(rows)} of {len(shapes)} rows: {needed} is needed",
            rows[0] + 1, "geometry",
        )
        for what, rows in found.items()
    ]  # fmt: skip


def _place(plain: pd.DataFrame, shapes: NDArray[Any], table: str, problems: list[Problem]) -> None:
    """Add longitude and latitude to a table, from its geometry."""
    import shapely

    points = np.array([s if s is None else s.representative_point() for s in shapes], dtype=object)
    for name, coordinate in (("longitude", shapely.get_x), ("latitude", shapely.get_y)):
        degrees = coordinate(points)
        if name in plain:
            stated = pd.to_numeric(plain[name], errors="coerce").to_numpy(dtype=float)
            apart = np.flatnonzero(np.abs(stated - degrees) > SAME_DEGREES)
            problems += [
                Problem(
                    table, f"but the geometry says {degrees[row]:.6f}", int(row) + 1, name,
                    f"{stated[row]:.6f}", "remove the columns longitude and latitude",
                )
                for row in apart
            ]  # fmt: skip
            degrees = np.where(np.isnan(stated), degrees, stated)
        plain[name] = degrees
