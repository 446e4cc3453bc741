"""Write the layers of a scenario or a solution: one GeoPackage, or a folder of GeoJSON."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from healthalloc.errors import DataError, Problem
from healthalloc.extras import optional
from healthalloc.geo.layers import to_geodataframes
from healthalloc.geo.read import LAYERS, NEEDS
from healthalloc.geo.systems import EXTRA
from healthalloc.io.folders import refuse_filled, whole_folder
from healthalloc.progress import phase

if TYPE_CHECKING:
    from healthalloc.scenario import Scenario
    from healthalloc.solution import Solution

GEOPACKAGE, GEOJSON = ".gpkg", ".geojson"
# RFC 7946 cuts coordinates to a centimetre unless it is told otherwise
_DIGITS = {"RFC7946": "YES", "COORDINATE_PRECISION": "15"}


@phase("layers")
def write_layers(subject: Scenario | Solution, output: str | os.PathLike[str]) -> list[str]:
    """Write the layers of a scenario, or of a solution, for a GIS.

    Parameters
    ----------
    subject
        Its layers are those of `to_geodataframes`.
    output
        A name that ends in ``.gpkg`` makes a GeoPackage, an existing one is replaced; any other
        a folder with one GeoJSON file for each layer, which must not exist yet, be empty, or hold
        an earlier export.

    Returns
    -------
    list of str
        Names of the layers.

    Raises
    ------
    DataError
        If the folder holds something else, the file is a folder, or its name has another ending.
    NoSolutionError
        If the solution has no allocation to show.
    UnsupportedError
        If geopandas is not installed.
    """
    path = checked_output(Path(output))
    layers = to_geodataframes(subject)
    if path.suffix.lower() == GEOPACKAGE:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as scratch:
            for name, layer in layers.items():
                _write(layer, Path(scratch) / path.name, "GPKG", layer=name)
            (Path(scratch) / path.name).replace(path)
        return list(layers)
    with whole_folder(path) as target:
        for name, layer in layers.items():
            _write(layer, target / f"{name}{GEOJSON}", "GeoJSON", **_DIGITS)
    return list(layers)


def checked_output(path: Path) -> Path:
    """Where to write layers; see `write_layers`, which raises the same errors."""
    optional("geopandas", NEEDS, EXTRA)
    path = path.resolve()
    if path.suffix.lower() == GEOPACKAGE:
        if path.is_dir():
            raise DataError([Problem(str(path), "is a folder", mend="name a file")])
        return path
    if path.suffix:
        mend = "a file that ends in .gpkg, or a folder for one GeoJSON file a layer"
        raise DataError([Problem(str(path), "cannot hold the layers", mend=mend)])
    ours = {f"{name}{GEOJSON}" for name in LAYERS}
    if not (path.is_dir() and {file.name for file in path.iterdir()} <= ours):
        refuse_filled(path, "exists and is no earlier export", "choose another output")
    return path


def _write(frame: Any, file: Path, driver: str, **options: Any) -> None:
    frame.to_file(file, driver=driver, engine="pyogrio", **options)
