"""Travel matrices in files: CSV, Parquet, and OMX, the Open Matrix of transport models.

An OMX file is an HDF5 file of a fixed layout, so h5py reads it. The package openmatrix would bring
PyTables, Blosc and NumExpr, and cannot write ids that are no whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.errors import Problem
from healthalloc.extras import optional
from healthalloc.io.files import read_csv
from healthalloc.io.folders import write_csv
from healthalloc.io.tables import read_parquet, write_parquet
from healthalloc.travel.common import some
from healthalloc.validate import nearest

if TYPE_CHECKING:
    from healthalloc.settings import TravelMatrix

NEEDS, EXTRA = "an OMX matrix", "omx"
VERSION = b"0.2"
_ENDS = {"populations": "population_id", "facilities": "facility_id"}
_BLOCK_CELLS = 4_000_000  # cells of the file held at a time, 32 MB


def read_matrix(
    path: Path,
    travel: TravelMatrix,
    tables: Mapping[str, pd.DataFrame],
    problems: list[Problem],
) -> pd.DataFrame | None:
    """A travel matrix, or ``None`` with what is wrong added to the problems.

    Parameters
    ----------
    path
        Its ending tells the format.
    travel
    tables
        With ``populations`` and ``facilities``, whose zones are looked up in an OMX file.
    problems

    Returns
    -------
    DataFrame or None
        Of the layout of the settings; wide for OMX.
    """
    if path.suffix.lower() == ".parquet":
        return read_parquet(path, problems)
    if travel.layout != "omx":
        return read_csv(path, problems)
    h5py = optional("h5py", NEEDS, EXTRA)
    if not path.exists():
        problems.append(Problem(path.name, "missing file"))
        return None
    try:
        with h5py.File(path) as file:
            return _Omx(file, path.name, travel, problems).wide(tables)
    except OSError as error:
        text = " ".join(str(error).split())
        problems.append(Problem(path.name, f"is not valid OMX: {text}"))
        return None


class _Omx:
    """An open OMX file, read step by step; what is wrong is added to the problems."""

    def __init__(self, file: Any, name: str, travel: TravelMatrix, problems: list[Problem]) -> None:
        self.file, self.name, self.travel, self.problems = file, name, travel, problems

    def wide(self, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
        n_before = len(self.problems)
        matrix = self._matrix()
        if matrix is None or any(_ENDS[t] not in tables.get(t, ()) for t in _ENDS):
            return None
        at = [self._positions(d, matrix.shape[d], t, tables[t]) for d, t in enumerate(_ENDS)]
        if len(self.problems) > n_before:
            return None
        values = _rows(matrix, at[0])[:, at[1]]
        absent = matrix.attrs.get("NA")
        if absent is not None:
            values[values == np.ravel(absent)[0]] = np.nan
        ids = {t: [str(i).strip() for i in tables[t][_ENDS[t]]] for t in _ENDS}
        self._missing_cells(values, ids["populations"], ids["facilities"])
        wide = pd.DataFrame(values, columns=ids["facilities"])
        wide.insert(0, "population_id", pd.Series(ids["populations"], dtype=object))
        return wide

    def _problem(self, message: str, column: str = "", value: str = "", mend: str = "") -> None:
        self.problems.append(Problem(self.name, message, None, column, value, mend))

    def _matrix(self) -> Any | None:
        data = self.file.get("data")
        names = [] if data is None else [n for n in data if getattr(data[n], "ndim", 0) == 2]
        wanted = self.travel.matrix
        if not names:
            self._problem("has no matrix: an OMX file holds them in the group data")
        elif wanted and wanted not in names:
            mend = nearest(wanted, names) or f"it has {', '.join(names)}"
            self._problem("is no matrix of the file", "travel.matrix", wanted, mend)
        elif not wanted and len(names) > 1:
            mend = "name one as matrix under [travel]"
            self._problem(f"holds {len(names)} matrices: {', '.join(names)}", mend=mend)
        else:
            return data[wanted or names[0]]
        return None

    def _positions(
        self, dimension: int, size: int, table: str, points: pd.DataFrame
    ) -> NDArray[np.intp]:
        """Row or column of the matrix at which each point of a table stands."""
        nothing = np.zeros(0, dtype=np.intp)
        lookup = self._lookup(dimension, size, _ENDS[table])
        if not lookup:
            return nothing
        texts = [_zone_text(zone) for zone in self.file["lookup"][lookup][:]]
        zones = pd.Index(texts, dtype=object)
        if zones.has_duplicates:
            doubled = some(list(zones[zones.duplicated()].unique()))
            self._problem("stands twice in the lookup of zones", "zones", doubled)
            return nothing
        own = points[_ENDS[table]].astype(str).str.strip()
        stated = own
        if lookup != _ENDS[table] and "node_id" in points:
            stated = points["node_id"].fillna("").astype(str).str.strip()
        zone = stated.where(stated != "", own)
        at: NDArray[np.intp] = zones.get_indexer(pd.Index(zone, dtype=object))
        for row in np.flatnonzero(at < 0)[:20].tolist():
            column = _ENDS[table] if stated.iloc[row] in ("", own.iloc[row]) else "node_id"
            message = f"is no zone of {self.name}, whose zones are {some(list(zones))}"
            mend = "give the zone of the point as its node_id"
            value = str(zone.iloc[row])
            self.problems.append(Problem(table, message, row + 1, column, value, mend))
        return at

    def _lookup(self, dimension: int, size: int, standard: str) -> str:
        """Name of the lookup of the ids of rows or columns; empty if there is none."""
        lookups = self.file.get("lookup")
        fitting = [
            name
            for name in ([] if lookups is None else lookups)
            if lookups[name].shape == (size,)
            and int(np.ravel(lookups[name].attrs.get("DIM", dimension))[0]) == dimension
        ]
        side = ("rows", "columns")[dimension]
        wanted = self.travel.zones or (standard if standard in fitting else "")
        if not fitting:
            self._problem(f"has no lookup of the zones of its {size} {side}")
        elif wanted and wanted not in fitting:
            mend = f"these do: {', '.join(fitting)}"
            self._problem(f"is no lookup that fits the {side}", "travel.zones", wanted, mend)
        elif not wanted and len(fitting) > 1:
            mend = "name one as zones under [travel]"
            self._problem(f"has several lookups of its {side}: {', '.join(fitting)}", mend=mend)
        else:
            return wanted or str(fitting[0])
        return ""

    def _missing_cells(
        self, values: NDArray[np.float64], population_ids: list[str], facility_ids: list[str]
    ) -> None:
        missing = np.argwhere(np.isnan(values))
        if not len(missing) or self.travel.missing_pairs == "unreachable":
            return
        where = some([f"{population_ids[i]} to {facility_ids[j]}" for i, j in missing[:6].tolist()])
        mend = 'fill them, or set missing_pairs = "unreachable"'
        self._problem(f"{len(missing)} of {values.size} cells are empty: {where}", mend=mend)


def _zone_text(zone: Any) -> str:
    if isinstance(zone, bytes | np.bytes_):
        return bytes(zone).decode("utf-8", "replace").strip()
    whole = isinstance(zone, float | np.floating) and float(zone).is_integer()
    return str(int(zone)) if whole else str(zone)


def _rows(matrix: Any, wanted: NDArray[np.intp]) -> NDArray[np.float64]:
    """Rows of a matrix on disk, shape (n_wanted, n_columns), read block by block."""
    n_rows, n_columns = matrix.shape
    result = np.empty((len(wanted), n_columns))
    step = max(1, _BLOCK_CELLS // max(n_columns, 1))
    for first in range(0, n_rows, step):
        here = np.flatnonzero((wanted >= first) & (wanted < first + step))
        if len(here):
            result[here] = matrix[first : first + step][wanted[here] - first]
    return result


def write_matrix(table: pd.DataFrame, path: Path, travel: TravelMatrix) -> None:
    """Write a travel matrix as `read_matrix` reads it.

    Parameters
    ----------
    table
        Of the layout of the settings; wide for OMX.
    path
        Its ending tells the format.
    travel
    """
    if path.suffix.lower() == ".parquet":
        write_parquet(table, path)
    elif travel.layout == "omx":
        _write_omx(table, path, travel)
    else:
        write_csv(table, path)


def _write_omx(table: pd.DataFrame, path: Path, travel: TravelMatrix) -> None:
    columns = [str(c) for c in table if c not in ("population_id", "source")]
    values = table[columns].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    name = travel.matrix or f"travel_{travel.unit}"
    write_omx({name: values}, list(table["population_id"]), columns, path)


def write_omx(
    matrices: Mapping[str, NDArray[np.float64]],
    population_ids: Sequence[str],
    facility_ids: Sequence[str],
    path: Path,
) -> None:
    """Write an OMX file whose rows are populations and whose columns are facilities.

    Parameters
    ----------
    matrices
        By name, each of shape (n_populations, n_facilities); NaN where there is no way.
    population_ids, facility_ids
        Each becomes a lookup of the file.
    path

    Raises
    ------
    UnsupportedError
        If h5py is not installed.
    """
    h5py = optional("h5py", NEEDS, EXTRA)
    with h5py.File(path, "w") as file:
        file.attrs["OMX_VERSION"] = np.bytes_(VERSION)
        shape = (len(population_ids), len(facility_ids))
        file.attrs["SHAPE"] = np.array(shape, dtype=np.int32)
        data, lookups = file.create_group("data"), file.create_group("lookup")
        for name, values in matrices.items():
            data.create_dataset(name, data=values, compression="gzip")
        for dimension, (end, ids) in enumerate(zip(_ENDS.values(), (population_ids, facility_ids))):
            texts = np.array([str(i).encode() for i in ids], dtype=np.bytes_)
            lookups.create_dataset(end, data=texts).attrs["DIM"] = dimension
