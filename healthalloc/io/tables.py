"""The tables of a scenario folder, each in the file that holds it."""

from __future__ import annotations

import numbers
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from healthalloc.errors import Problem
from healthalloc.extras import optional
from healthalloc.geo.read import (
    GEOGRAPHIC,
    LAYERS,
    SUFFIXES,
    Outlines,
    layer_names,
    layer_of_file,
)
from healthalloc.io.files import read_csv
from healthalloc.schema import TABLES
from healthalloc.validate import nearest

REGION_FILE = "region.gpkg"
"""GeoPackage that may hold several tables, each as the layer of its name."""


def read_tables(
    folder: Path, names: tuple[str, ...], problems: list[Problem]
) -> tuple[dict[str, pd.DataFrame], Outlines]:
    """Tables of a folder: CSV files, or layers of geographic files.

    Parameters
    ----------
    folder
    names
        Tables to read; an optional one may be absent.
    problems
        What is wrong is added.

    Returns
    -------
    tables : dict of str to DataFrame
        Those that could be read; ``attrs["rows"]`` as `read_csv` gives it.
    outlines : dict of str to dict
        Polygons of the areas, where they are given.
    """
    region = folder / REGION_FILE
    layers = layer_names(region, problems) if region.exists() else []
    tables: dict[str, pd.DataFrame] = {}
    outlines: Outlines = {}
    for name in names:
        files = [folder / f"{name}{suffix}" for suffix in (".csv", *_suffixes(name))]
        found = [file for file in files if file.exists()]
        if name in layers and name in GEOGRAPHIC:
            found.append(region)
        if len(found) > 1:
            where = " and ".join(file.name for file in found)
            problems.append(Problem(name, f"stands in {where}", mend="keep one of them"))
        elif not found and TABLES[name].optional:
            continue
        elif not found and layers and name in GEOGRAPHIC:
            message = f"has no layer {name}, and there is no {name}.csv"
            mend = nearest(name, layers) or f"its layers are {', '.join(layers)}"
            problems.append(Problem(REGION_FILE, message, mend=mend))
        elif not found or found[0].suffix == ".csv":
            table = read_csv(files[0], problems)
            if table is not None:
                tables[name] = table
        else:
            wanted = name if found[0] == region else None
            layer = layer_of_file(found[0], name, problems, wanted)
            if layer is not None:
                tables[name] = layer.table
                outlines |= layer.outlines
    problems += [
        Problem(REGION_FILE, "unknown layer", value=layer, mend=nearest(layer, GEOGRAPHIC))
        for layer in layers
        if layer not in LAYERS and nearest(layer, GEOGRAPHIC)
    ]
    return tables, outlines


def _suffixes(name: str) -> tuple[str, ...]:
    return SUFFIXES if name in GEOGRAPHIC else ()


def geographic_files() -> set[str]:
    """Names of the geographic files that a folder may hold."""
    return {REGION_FILE} | {f"{name}{suffix}" for name in GEOGRAPHIC for suffix in SUFFIXES}


def read_parquet(file: Path, problems: list[Problem]) -> pd.DataFrame | None:
    """A Parquet file as a table, or ``None`` with what is wrong added to the problems."""
    arrow = optional("pyarrow", "a Parquet file", "parquet")
    if not file.exists():
        problems.append(Problem(file.name, "missing file"))
        return None
    try:
        table: pd.DataFrame = pd.read_parquet(file, engine="pyarrow")
    except (arrow.ArrowException, OSError, ValueError) as error:
        text = " ".join(str(error).split())
        problems.append(Problem(file.name, f"is not valid Parquet: {text}"))
        return None
    return table if isinstance(table.index, pd.RangeIndex) else table.reset_index()


def write_parquet(table: pd.DataFrame, file: Path) -> None:
    """Write a table; a Parquet column has one type, so numbers with gaps get absent values."""
    optional("pyarrow", "a Parquet file", "parquet")
    columns = {str(c): _of_one_type(table[c]) for c in table if table[c].dtype == object}
    table.assign(**columns).to_parquet(file, engine="pyarrow", index=False)


def _of_one_type(values: pd.Series[Any]) -> pd.Series[Any]:
    """A column of objects as flags, numbers or text."""
    cells = [None if pd.isna(value) else value for value in values]
    stated = [value for value in cells if value is not None and value != ""]
    if stated and all(isinstance(value, bool | np.bool_) for value in stated):
        made = [None if value == "" else value for value in cells]
        return pd.Series(made, index=values.index, dtype="boolean")
    if stated and all(isinstance(value, numbers.Real) for value in stated):
        made = [np.nan if value is None or value == "" else float(value) for value in cells]
        return pd.Series(made, index=values.index, dtype=float)
    texts = [None if value is None else str(value) for value in cells]
    return pd.Series(texts, index=values.index, dtype="str")
