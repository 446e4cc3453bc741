"""Write scenario folders."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from healthalloc.io.folders import refuse_filled, whole_folder, write_csv
from healthalloc.io.matrix import write_matrix
from healthalloc.io.read import PLAN_FILE, SETTINGS_FILE
from healthalloc.io.roads import write_roads
from healthalloc.plan.clause import Check, Clause
from healthalloc.scenario import Scenario
from healthalloc.schema import TABLES
from healthalloc.settings import RoadGraph, TravelMatrix


def write_scenario(scenario: Scenario, folder: str | os.PathLike[str]) -> None:
    """Write a scenario as a folder or workbook that `read_scenario` reads back without loss.

    Areas with outlines stand in ``areas.geojson``; a workbook does not hold outlines.

    Parameters
    ----------
    scenario
        What to write.
    folder
        Folder to make; it must not exist yet, or be empty. A name that ends in ``.xlsx`` makes
        an Excel workbook, which must not exist yet.

    Raises
    ------
    DataError
        If the folder holds something.
    UnsupportedError
        If a file needs a package that is not installed; the error names the extra.
    """
    import tomli_w

    from healthalloc.workbook import is_workbook, write_workbook

    if is_workbook(folder):
        write_workbook(scenario, folder)
        return
    path = Path(folder).resolve()
    refuse_filled(path)
    with whole_folder(path) as target:
        for name, table in scenario.tables.items():
            if name == "areas" and scenario.outlines:
                _write_areas(scenario, target / "areas.geojson")
            elif len(table) or not TABLES[name].optional:
                write_csv(with_words(table), target / f"{name}.csv")
        settings = tomli_w.dumps(_as_toml(asdict(scenario.settings)))
        (target / SETTINGS_FILE).write_text(settings, encoding="utf-8")
        entries = {
            "clause": [{"kind": c.kind} | _stated(c) for c in scenario.plan.clauses],
            "check": [_stated(c) for c in scenario.plan.checks],
        }
        (target / PLAN_FILE).write_text(tomli_w.dumps(entries), encoding="utf-8")
        travel = scenario.settings.travel
        if isinstance(travel, TravelMatrix) and scenario.travel is not None:
            write_matrix(scenario.travel, target / travel.file, travel)
        if isinstance(travel, RoadGraph) and scenario.roads is not None:
            write_roads(scenario.roads, target / travel.file)


def _write_areas(scenario: Scenario, file: Path) -> None:
    """The areas with their polygons, as GeoJSON."""
    areas = scenario.areas.astype(object)
    rows = areas.where(areas.notna(), None).to_dict("records")
    features = [
        {
            "type": "Feature",
            "properties": row,
            "geometry": scenario.outlines.get(row["area_id"]),
        }
        for row in rows
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")


def with_words(table: pd.DataFrame) -> pd.DataFrame:
    """The table with yes and no for flags.

    Parameters
    ----------
    table
    """
    flags = table.select_dtypes("bool").columns
    return table.assign(**{str(c): table[c].map({True: "yes", False: "no"}) for c in flags})


def travel_toml(travel: TravelMatrix) -> str:
    """The table ``[travel]`` of scenario.toml.

    Parameters
    ----------
    travel
    """
    import tomli_w

    stated = {name: value for name, value in _stated(travel).items() if value != {}}
    return tomli_w.dumps({"travel": {"method": travel.method, **stated}})


def _stated(item: Clause | Check | TravelMatrix) -> dict[str, Any]:
    """The fields that differ from their defaults."""
    values = {f.name: getattr(item, f.name) for f in fields(item)}
    defaults = {f.name: f.default for f in fields(item) if f.default is not MISSING}
    return {k: _as_toml(v) for k, v in values.items() if k not in defaults or v != defaults[k]}


def _as_toml(value: Any) -> Any:
    """Plain dicts and lists, which TOML can hold."""
    if isinstance(value, Mapping):
        return {k: _as_toml(v) for k, v in value.items() if v is not None}
    return [_as_toml(v) for v in value] if isinstance(value, list | tuple) else value


def new_scenario(folder: str | os.PathLike[str]) -> None:
    """Write the starter scenario: small, commented, solvable.

    Parameters
    ----------
    folder
        Folder to make; it must not exist yet, or be empty.

    Raises
    ------
    DataError
        If the folder holds something.
    """
    path = Path(folder).resolve()
    refuse_filled(path)
    with whole_folder(path) as target:
        for file in resources.files("healthalloc").joinpath("starter").iterdir():
            (target / file.name).write_bytes(file.read_bytes())
