"""The door: all checks of an input in one pass, so that one error lists every problem."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import PurePath

import pandas as pd
from pydantic import ValidationError

from healthalloc.consistency import can_read, check_consistency
from healthalloc.errors import Problem
from healthalloc.plan.clause import Plan
from healthalloc.plan.door import adapter, stated_problems, typed_problems
from healthalloc.schema import TABLES
from healthalloc.settings import (
    GreatCircle,
    RoadGraph,
    Settings,
    SolveSettings,
    Travel,
    TravelMatrix,
)
from healthalloc.validate import clean_table, is_formula

SETTINGS_FIELDS = {
    "": [f.name for f in fields(Settings)],
    "travel": [f.name for kind in (GreatCircle, RoadGraph, TravelMatrix) for f in fields(kind)],
    "solve": [f.name for f in fields(SolveSettings)],
}
"""Field names of the settings, for the nearest name of an unknown one."""


def check_input(
    frames: Mapping[str, pd.DataFrame],
    settings: Settings | None,
    plan: Plan | None,
    fresh: Collection[str] = TABLES.keys(),
) -> tuple[dict[str, pd.DataFrame], list[Problem], list[Problem]]:
    """Check everything of an input that can be checked without measuring clauses.

    Parameters
    ----------
    frames
        Tables by name; one that could not be read is left out.
    settings, plan
        ``None`` where they could not be read.
    fresh
        What is new: the other frames are tables that have passed, all of them together, under
        the same settings.

    Returns
    -------
    tables : dict of str to DataFrame
        The tables with their types and defaults.
    problems : list of Problem
        Of settings and tables.
    plan_problems : list of Problem
        Of the plan.
    """
    problems = [] if settings is None else settings_problems(settings)
    tables: dict[str, pd.DataFrame] = {}
    for name in TABLES:
        if name not in frames:
            continue
        if name not in fresh:
            tables[name] = frames[name]
            continue
        extra: tuple[str, ...] = ()
        if name == "facilities":
            given = tuple(map(str, frames[name].columns))
            # without the settings nobody knows which columns are the user's own
            own = tuple(c for c in given if c not in {k.name for k in TABLES[name].columns})
            extra = own if settings is None else settings.extra_facility_columns
        tables[name], found = clean_table(name, frames[name], extra)
        problems += found
    in_tables = list(problems)
    by_points = settings is not None and not isinstance(settings.travel, TravelMatrix)
    if not TABLES.keys().isdisjoint(fresh):
        problems += check_consistency(tables, in_tables, by_points)
    if isinstance(settings.travel if settings else None, TravelMatrix) and len(
        tables.get("referrals", ())
    ):
        message = "a travel matrix does not know travel between facilities"
        mend = "choose great_circle or road_graph, or remove the rows"
        problems.append(Problem("referrals", message, mend=mend))
    if plan is None:
        return tables, problems, []
    needed = {
        "facilities": " ".join(f"facilities.{c}" for c in tables.get("facilities", ())),
        "resources": "resources.resource_id",
        "services": "services.service_id",
        "areas": "areas.area_id areas.level areas.parent_id",
        "facts": "facts.fact_id",
    }
    reliable = {
        name: tables[name]
        for name, columns in needed.items()
        if name in tables and can_read(tables, in_tables, columns)
    }
    return tables, problems, stated_problems(plan, reliable)


def settings_problems(settings: Settings) -> list[Problem]:
    """What is wrong with the settings."""
    try:
        adapter(Settings).validate_python(settings)
    except ValidationError as error:
        return typed_problems(error, "settings", SETTINGS_FIELDS)
    problems = []
    if settings.target_year < settings.base_year:
        message = f"the target year is before the base year {settings.base_year}"
        value = str(settings.target_year)
        problems.append(Problem("settings", message, column="target_year", value=value))
    problems += _matrix_problems(settings.travel)
    for name, text in {"name": settings.name, **settings.sources}.items():
        for words in (name, text):
            if is_formula(words):
                message = "would run as a formula in a spreadsheet"
                mend = "begin it with a letter or a digit"
                problems.append(Problem("settings", message, column=name, value=words, mend=mend))
    return problems


def _matrix_problems(travel: Travel) -> list[Problem]:
    """Settings of an OMX file belong to an OMX file, and to nothing else."""
    if not isinstance(travel, TravelMatrix):
        return []
    if (travel.layout == "omx") != (PurePath(travel.file).suffix.lower() == ".omx"):
        message = "a matrix of layout omx stands in a file that ends in .omx, and no other does"
        return [Problem("settings", message, column="travel.file", value=travel.file)]
    return [
        Problem("settings", "is for the layout omx alone", column=f"travel.{name}", value=value)
        for name, value in (("matrix", travel.matrix), ("zones", travel.zones))
        if value and travel.layout != "omx"
    ]
