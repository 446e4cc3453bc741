"""The figures of ``scenario.toml``: travel, money, years, how to solve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
AtLeastZero = Annotated[float, Field(ge=0, allow_inf_nan=False)]
STRICT = ConfigDict(extra="forbid", revalidate_instances="always")


@dataclass(frozen=True, kw_only=True)
class GreatCircle:
    """Travel along the great circle, lengthened by a detour factor.

    Parameters
    ----------
    detour_factor
        Road km for one straight km, 1 or more.
    speed_km_per_h
        Speed by area class of the population.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    method: Literal["great_circle"] = "great_circle"
    detour_factor: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.3
    speed_km_per_h: Mapping[str, Positive]


@dataclass(frozen=True, kw_only=True)
class RoadGraph:
    """Shortest paths on a road graph.

    Parameters
    ----------
    file
        GraphML file in the scenario folder.
    access_speed_km_per_h
        Speed on the straight leg from a point to its node.
    speed_km_per_h
        Speed by class of road (the tag ``highway`` of OpenStreetMap), for edges that have neither
        a travel time nor a speed. It counts before a posted limit (``maxspeed``, of which 0.8 is
        taken), and that before the speeds of OSRM's car profile.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    method: Literal["road_graph"] = "road_graph"
    file: str = "roads.graphml"
    access_speed_km_per_h: Positive = 20.0
    speed_km_per_h: Mapping[str, Positive] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TravelMatrix:
    """Travel between every population and facility given as a table.

    Parameters
    ----------
    file
        File in the scenario folder: CSV, Parquet (``.parquet``) or OMX (``.omx``).
    layout
        ``"long"``: columns ``population_id, facility_id, travel``; ``"wide"``: the first
        column ``population_id``, then one column per facility id; ``"omx"``: an OMX file, from
        zone to zone, where the zone of a point is its ``node_id``, or else its id.
    unit
        Unit of the travel values.
    missing_pairs
        Whether a pair that is not in the table, or whose cell is empty, is an error or cannot be
        travelled.
    speed_km_per_h
        With unit ``"km"``: speed by area class of the population, for minutes.
    matrix
        Name of the matrix in an OMX file; needed if it holds several.
    zones
        Name of the lookup of zone ids in an OMX file; needed if several would fit.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    method: Literal["matrix"] = "matrix"
    file: str = "travel.csv"
    layout: Literal["long", "wide", "omx"]
    unit: Literal["min", "km"]
    missing_pairs: Literal["error", "unreachable"] = "error"
    speed_km_per_h: Mapping[str, Positive] = field(default_factory=dict)
    matrix: str = ""
    zones: str = ""


Travel = GreatCircle | RoadGraph | TravelMatrix


@dataclass(frozen=True, kw_only=True)
class SolveSettings:
    """How to solve.

    Parameters
    ----------
    whole_units
        Allocate whole beds and whole people (MILP) rather than fractions (LP).
    gap
        Relative gap between cost and bound at which a MILP may stop.
    time_limit_s
        Seconds that the solver may take, for each program solved.
    solver
        ``"auto"`` (chosen by size and shape), ``"highs"``, ``"interior"`` (large linear programs
        of demand within radii), ``"pulp"`` (its best free solver) or ``"pulp:NAME"``.
    memory_limit_gb
        Refuse a program whose estimate is above this, before it is built. None: no limit.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    whole_units: bool = True
    gap: AtLeastZero = 1e-4
    time_limit_s: Positive = 300.0
    solver: Annotated[str, Field(pattern=r"^(auto|highs|interior|pulp(:\w+)?)$")] = "auto"
    memory_limit_gb: Positive | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything about a scenario that is not a table or a clause.

    Parameters
    ----------
    name
        Title of the scenario.
    base_year
        Year of the existing stock.
    target_year
        Year for which stock is allocated.
    discount_rate
        Yearly rate at which one-off costs are annualised over their life (fraction).
    value_of_travel_cny_per_hour
        Value of one person's hour on the way.
    budget_cny_a_year
        Most that may be spent a year on capital (spread over its life), retirement, operation,
        staff and sites; travel time and the penalties of what is not served do not count. None:
        no limit.
    extra_facility_columns
        Further columns of ``facilities``, free for use in scopes.
    travel
        How travel is found.
    solve
        How to solve.
    sources
        Source of each figure, by dotted name, e.g. ``{"travel.detour_factor": "assumed: ..."}``.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    name: Annotated[str, Field(min_length=1)]
    base_year: int
    target_year: int
    discount_rate: Annotated[float, Field(ge=0, lt=1)] = 0.0
    value_of_travel_cny_per_hour: AtLeastZero = 0.0
    budget_cny_a_year: Positive | None = None
    extra_facility_columns: tuple[str, ...] = ()
    travel: Annotated[GreatCircle | RoadGraph | TravelMatrix, Field(discriminator="method")]
    solve: SolveSettings = field(default_factory=SolveSettings)
    sources: Mapping[str, str] = field(default_factory=dict)
