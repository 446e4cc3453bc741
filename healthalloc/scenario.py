"""The scenario: region, norms, stock, plan and settings, validated on construction."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from healthalloc.door import check_input
from healthalloc.errors import DataError, PlanError, Problem
from healthalloc.layout import Layout
from healthalloc.plan.clause import Plan
from healthalloc.plan.door import measured_problems
from healthalloc.schema import ASSUMED, TABLES
from healthalloc.settings import RoadGraph, Settings, TravelMatrix
from healthalloc.travel.highway_speeds import standard, uses_highway_speeds
from healthalloc.validate import near_or_known, rows_where

if TYPE_CHECKING:
    import networkx as nx


def _empty(name: str) -> pd.DataFrame:
    return pd.DataFrame(columns=[column.name for column in TABLES[name].columns])


@dataclass(frozen=True, eq=False, kw_only=True)
class Scenario:
    """A region, its norms, the stock it has, the plan it makes, and the settings.

    Every table has the columns of the schema (``healthalloc schema``); it is checked and
    given its types and defaults on construction, so that all later steps can trust it.
    A scenario does not change: `replace` makes another.

    Parameters
    ----------
    settings
        Years, money, travel, how to solve.
    facilities, populations, resources, stock, services, radii, demand, requirements
        Tables that every scenario has.
    areas, groups, referrals, proposals, facts
        Tables that it may have.
    plan
        Clauses and checks.
    travel
        With travel method ``matrix``: the matrix, wide or long.
    roads
        With travel method ``road_graph``: the graph.
    outlines
        Outlines of areas to draw and to export: GeoJSON polygons in WGS 84 by ``area_id``.

    Raises
    ------
    DataError
        With every problem of the tables and settings.
    PlanError
        With every problem of the plan, when nothing else is wrong.
    """

    settings: Settings
    facilities: pd.DataFrame
    populations: pd.DataFrame
    resources: pd.DataFrame
    stock: pd.DataFrame
    services: pd.DataFrame
    radii: pd.DataFrame
    demand: pd.DataFrame
    requirements: pd.DataFrame
    areas: pd.DataFrame = field(default_factory=lambda: _empty("areas"))
    groups: pd.DataFrame = field(default_factory=lambda: _empty("groups"))
    referrals: pd.DataFrame = field(default_factory=lambda: _empty("referrals"))
    proposals: pd.DataFrame = field(default_factory=lambda: _empty("proposals"))
    facts: pd.DataFrame = field(default_factory=lambda: _empty("facts"))
    plan: Plan = field(default_factory=Plan)
    travel: pd.DataFrame | None = None
    roads: nx.Graph[Any] | None = None
    outlines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check(TABLES)

    def _check(self, fresh: Collection[str]) -> None:
        """Check and type the fresh tables; the others have passed already."""
        frames = {name: getattr(self, name) for name in TABLES}
        tables, problems, plan_problems = check_input(frames, self.settings, self.plan, fresh)
        problems += self._travel_problems() + self._outline_problems(tables)
        if problems:
            raise DataError([*problems, *plan_problems])
        if plan_problems:
            raise PlanError(plan_problems)
        for name, table in tables.items():
            object.__setattr__(self, name, table)
        if "facilities" in fresh:
            costs = self.facilities["site_cost_cny"].fillna(0.0)
            object.__setattr__(self, "facilities", self.facilities.assign(site_cost_cny=costs))
        plan_problems = measured_problems(self.plan, Layout(self))
        if plan_problems:
            raise PlanError(plan_problems)

    def _travel_problems(self) -> list[Problem]:
        travel = self.settings.travel
        if isinstance(travel, TravelMatrix) and self.travel is None:
            return [Problem("travel", "missing: travel method matrix needs the table travel")]
        if isinstance(travel, RoadGraph) and self.roads is None:
            return [Problem("roads", "missing: travel method road_graph needs a graph")]
        return []

    def _outline_problems(self, tables: Mapping[str, pd.DataFrame]) -> list[Problem]:
        known = set(tables["areas"]["area_id"])
        polygons = ("Polygon", "MultiPolygon")
        problems = [
            Problem("outlines", "is no area_id of the table areas", value=str(area_id))
            for area_id in self.outlines
            if area_id not in known
        ]
        return problems + [
            Problem("outlines", f"must be one of {', '.join(polygons)}", column=str(area_id))
            for area_id, shape in self.outlines.items()
            if shape.get("type") not in polygons
        ]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by name, in schema order."""
        return {name: getattr(self, name) for name in TABLES}

    def replace(self, **changes: Any) -> Scenario:
        """Another scenario with some fields changed, checked with all that depends on them.

        Tables that are not given anew have been checked in this scenario, which does not change.

        Parameters
        ----------
        **changes
            Fields of the constructor.
        """
        unknown = changes.keys() - {field.name for field in dataclasses.fields(self)}
        if unknown:
            return dataclasses.replace(self, **changes)  # says which
        made = copy.copy(self)
        for name, value in changes.items():
            object.__setattr__(made, name, value)
        made._check(TABLES if "settings" in changes else changes)
        return made

    def audit_only(self, *clause_ids: str) -> Scenario:
        """Another scenario in which some clauses are measured but not enforced.

        Parameters
        ----------
        *clause_ids
            Ids, or ids with a part (``"xq-27/taiping"``).

        Raises
        ------
        PlanError
            If the plan has no clause of that id.
        """
        known = list(dict.fromkeys(w for c in self.plan.clauses for w in (c.id, c.name)))
        unknown = [i for i in clause_ids if i not in known]
        if unknown:
            raise PlanError(
                Problem("plan", "no clause has this id", None, "id", i, near_or_known(i, known))
                for i in unknown
            )
        clauses = [
            dataclasses.replace(c, treatment="audit")
            if (c.id in clause_ids or c.name in clause_ids) and c.treatment == "enforce"
            else c
            for c in self.plan.clauses
        ]
        return self.replace(plan=dataclasses.replace(self.plan, clauses=clauses))

    def to_networkx(self) -> nx.MultiDiGraph[Any]:
        """The network: facilities and populations as nodes, an edge for each arc.

        See `network_graph.to_networkx`; `from_networkx` restores tables and arcs from it.
        """
        from healthalloc.formulation.assemble import network
        from healthalloc.network_graph import to_networkx

        arcs = network(self).arcs
        assert arcs is not None
        services = list(self.services["service_id"])
        return to_networkx(self.facilities, self.populations, arcs, services)

    def assumptions(self) -> pd.DataFrame:
        """Every input that rests on an assumption.

        Returns
        -------
        DataFrame
            Columns ``table, row, item, assumption``; one row for every row of a table, setting
            or clause whose source or note begins with ``assumed:``.
        """
        found: list[tuple[str, int, str, str]] = []
        for name, table in self.tables.items():
            key = list(TABLES[name].key)
            source = [str(text) for text in table["source"]]
            for row in rows_where(np.array([text.startswith(ASSUMED) for text in source])):
                item = " ".join(str(table[k].iat[row]) for k in key)
                found.append((name, row + 1, item.strip(), source[row]))
        for row, (item, text) in enumerate(self.settings.sources.items(), start=1):
            if text.startswith(ASSUMED):
                found.append(("settings", row, item, text))
        if isinstance(self.settings.travel, RoadGraph) and uses_highway_speeds(self.roads):
            text = f"{ASSUMED} by class of road, {standard()['source']}"
            found.append(("roads", 1, "travel.speed_km_per_h", text))
        for row, clause in enumerate(self.plan.clauses, start=1):
            for text in (clause.source, clause.note):
                if text.startswith(ASSUMED):
                    found.append(("plan", row, clause.name, text))
        return pd.DataFrame(found, columns=["table", "row", "item", "assumption"])
