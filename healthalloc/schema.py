"""The columns of every table as data: name, type, unit, range, default, meaning.

Reading, validation, the ``healthalloc schema`` command, the starter folder and
the reference page are all made from the tables in this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

REQUIRED = object()
"""Default of a column that must be given in every row."""

ASSUMED = "assumed:"
"""A source that begins so states an assumption and its reason."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name, meaning, unit
        For people and for error messages.
    kind
        ``"id"`` (non-empty text), ``"text"``, ``"number"`` or ``"yes_no"``.
    minimum, maximum
        Closed bounds of a number; ``above`` is an open lower bound.
    choices
        The words allowed, if they are a closed list.
    default
        Value of an empty cell; ``REQUIRED`` means that a cell may not be empty.
        A number whose default is NaN may be left out.
    references
        ``table.column`` whose values this column must hold.
    """

    name: str
    kind: Literal["id", "text", "number", "yes_no"]
    meaning: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()
    default: object = REQUIRED
    references: str = ""

    @property
    def allowed(self) -> str:
        """What the column accepts, in words."""
        if self.choices:
            return "one of " + ", ".join(c or "(empty)" for c in self.choices)
        if self.references:
            table, column = self.references.split(".")
            return f"a {column} of the table {table}"
        if self.kind == "yes_no":
            return "yes or no"
        if self.kind != "number":
            return "text"
        low = f"> {self.above:g}" if self.above is not None else ""
        if self.minimum is not None:
            low = f">= {self.minimum:g}"
        high = f"<= {self.maximum:g}" if self.maximum is not None else ""
        return "a finite number" + "".join(f" {part}" for part in (low, high) if part)

    @property
    def default_text(self) -> str:
        """The default as a reader of the schema sees it."""
        if self.default is REQUIRED:
            return "required"
        if self.default == "" or self.default != self.default:
            return "empty"
        if self.kind == "yes_no":
            return "yes" if self.default else "no"
        return f"{self.default:g}" if isinstance(self.default, float) else str(self.default)


@dataclass(frozen=True)
class Table:
    """One table of a scenario, stored as ``<name>.csv``.

    Parameters
    ----------
    key
        Columns that together name a row; no two rows may agree on all of them.
    optional
        Whether a scenario may leave the table out.
    """

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    optional: bool = False

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


SOURCE = Column(
    "source",
    "id",
    f"Where the row comes from: a document, a page, or '{ASSUMED} <reason>'.",
)
LONGITUDE = Column(
    "longitude", "number", "East of Greenwich, WGS 84 (not GCJ-02).", "degrees",
    minimum=-180, maximum=180, default=float("nan"),
)  # fmt: skip
LATITUDE = Column(
    "latitude", "number", "North of the equator, WGS 84 (not GCJ-02).", "degrees",
    minimum=-90, maximum=90, default=float("nan"),
)  # fmt: skip
NODE = Column(
    "node_id", "text",
    "Node of the road graph, the nearest one if empty; or zone of an OMX matrix, the zone of the "
    "same id if empty.",
    default="",
)  # fmt: skip


def _id(name: str, meaning: str, references: str = "") -> Column:
    return Column(name, "id", meaning, references=references)


def _text(name: str, meaning: str, default: object = "") -> Column:
    return Column(name, "text", meaning, default=default)


def _at_least_zero(name: str, unit: str, meaning: str, default: object = REQUIRED) -> Column:
    return Column(name, "number", meaning, unit, minimum=0, default=default)


_TABLES = (
    Table(
        "areas",
        "The tree of areas, e.g. city, county, township; a clause may speak of one of them or of "
        "each area of a level.",
        ("area_id",),
        (
            _id("area_id", "Identifier, used by the column area of facilities and populations."),
            _text("name", "Name for people.", REQUIRED),
            _id("level", "Level, e.g. county, street or village; any word of yours."),
            Column(
                "parent_id", "text", "Area that this one lies in; empty for the root.",
                references="areas.area_id", default="",
            ),
            _at_least_zero(
                "residents", "residents",
                "Residents that the populations of the area must add up to; empty: not checked.",
                float("nan"),
            ),
            SOURCE,
        ),
        optional=True,
    ),
    Table(
        "facilities",
        "Institutions, existing or candidate.",
        ("facility_id",),
        (
            _id("facility_id", "Identifier, used by every other table."),
            _text("name", "Name for people.", REQUIRED),
            _id("category", "Kind of institution, e.g. general_hospital; any word of yours."),
            _text("level", "Level, e.g. tertiary, secondary; any word of yours."),
            _text("ownership", "Who runs it, e.g. public, enterprise, social; any word of yours."),
            _text("area", "Area it stands in; one of the table areas, if there is one."),
            _text("area_class", "Class of that area, e.g. urban or rural."),
            LONGITUDE,
            LATITUDE,
            NODE,
            Column(
                "site", "text",
                "existing: stays open; closable: exists and may close; candidate: may open.",
                choices=("existing", "closable", "candidate"), default="existing",
            ),
            _at_least_zero(
                "site_cost_cny", "CNY a year",
                "Cost of the site while it is open; required of a candidate, else 0.",
                float("nan"),
            ),
            Column(
                "form_of", "text",
                "Institution that this row is another form of, e.g. after an upgrade or as a "
                "branch. One form is open at a time; staff and beds carry over.",
                references="facilities.facility_id", default="",
            ),
            _at_least_zero(
                "occupancy_percent", "%", "Bed occupancy in the base year.", float("nan")
            ),
            _at_least_zero(
                "stay_days", "days", "Average length of stay in the base year.", float("nan")
            ),
            SOURCE,
        ),
    ),
    Table(
        "populations",
        "Demand points: villages, townships, streets or grid cells.",
        ("population_id",),
        (
            _id("population_id", "Identifier."),
            _text("name", "Name for people.", REQUIRED),
            _text("area", "Area it belongs to; one of the table areas, if there is one."),
            _id("area_class", "Class of the area, e.g. urban or rural; chooses radius and speed."),
            _at_least_zero("residents", "residents", "Resident population."),
            LONGITUDE,
            LATITUDE,
            NODE,
            SOURCE,
        ),
    ),
    Table(
        "groups",
        "Residents by group (age, sex, ...); groups may overlap.",
        ("population_id", "group_id"),
        (
            _id("population_id", "Demand point.", "populations.population_id"),
            _id("group_id", "Group, e.g. age_65_plus."),
            _at_least_zero("residents", "residents", "Residents of the point in the group."),
            SOURCE,
        ),
        optional=True,
    ),
    Table(
        "resources",
        "What facilities hold, as a tree: a clause on a resource counts all kinds below it.",
        ("resource_id",),
        (
            _id("resource_id", "Identifier."),
            _text("name", "Name for people.", REQUIRED),
            Column(
                "parent_id", "text", "Resource this one is a kind of; empty for a root.",
                references="resources.resource_id", default="",
            ),
            Column(
                "kind", "text", "What sort of thing it is; staff cost is reported apart.",
                choices=("bed", "staff", "equipment", "place", "department"),
            ),
            Column(
                "availability", "number",
                "Share that can be used: target occupancy of beds, productive share of staff.",
                "fraction", above=0, maximum=1, default=1.0,
            ),
            _at_least_zero("capital_cost_cny", "CNY", "One-off cost of a new unit.", 0.0),
            Column(
                "life_years", "number", "Years over which one-off costs are annualised.",
                "years", above=0, default=30.0,
            ),
            _at_least_zero(
                "operating_cost_cny", "CNY a year", "Cost of a unit held (pay, for staff).", 0.0
            ),
            _at_least_zero(
                "retirement_cost_cny", "CNY", "One-off cost of giving up an existing unit.", 0.0
            ),
            Column("whole", "yes_no", "Only whole units make sense.", default=True),
            SOURCE,
        ),
    ),
    Table(
        "stock",
        "What each facility holds and may hold. No row: it can hold none. Leaf resources only.",
        ("facility_id", "resource_id"),
        (
            _id("facility_id", "Facility.", "facilities.facility_id"),
            _id("resource_id", "Leaf resource.", "resources.resource_id"),
            _at_least_zero("existing", "units", "Held in the base year."),
            _at_least_zero("lower", "units", "Least it may hold while open.", 0.0),
            _at_least_zero(
                "upper", "units", "Most it may hold; empty: no limit.", float("nan")
            ),
            SOURCE,
        ),
    ),
    Table(
        "services",
        "What residents need.",
        ("service_id",),
        (
            _id("service_id", "Identifier."),
            _text("name", "Name for people.", REQUIRED),
            Column(
                "setting", "text",
                "inpatient: demand is admissions, measured as patients in bed on an average day; "
                "ambulatory: demand is visits.",
                choices=("inpatient", "ambulatory"),
            ),
            Column(
                "stay_days", "number", "Average length of stay; inpatient services only.", "days",
                above=0, default=float("nan"),
            ),
            _at_least_zero(
                "journeys_per_case", "one-way journeys",
                "Journeys that one admission or visit causes (patient and companions).", 2.0,
            ),
            _at_least_zero(
                "unmet_penalty_cny", "CNY per case",
                "Price put on an admission or visit that is not served.",
            ),
            SOURCE,
        ),
    ),
    Table(
        "radii",
        "Service radius of each service, by area class of the population.",
        ("service_id", "area_class"),
        (
            _id("service_id", "Service.", "services.service_id"),
            _id("area_class", "Area class of the population."),
            Column("radius", "number", "Farthest that residents are sent.", "see unit", above=0),
            Column("unit", "text", "Unit of the radius.", choices=("min", "km")),
            SOURCE,
        ),
    ),
    Table(
        "demand",
        "Yearly use of each service; rows of one service add up.",
        ("service_id", "group_id"),
        (
            _id("service_id", "Service.", "services.service_id"),
            _text("group_id", "Group of residents; empty: all residents."),
            _at_least_zero(
                "rate_per_1000", "cases a year per 1,000", "Admissions or visits a year."
            ),
            SOURCE,
        ),
    ),
    Table(
        "requirements",
        "What a service needs. A facility offers a service if it holds all that is needed.",
        ("service_id", "resource_id", "category"),
        (
            _id("service_id", "Service.", "services.service_id"),
            _id(
                "resource_id",
                "Resource; any kind below it will do. Name the lowest node that fits, once: a need "
                "for a kind counts for the nodes above it too.",
                "resources.resource_id",
            ),
            _text(
                "category",
                "Facility category that offers the service with this norm; empty: every category.",
            ),
            Column("amount", "number", "How much, see basis.", "see basis", above=0),
            Column(
                "basis", "text",
                "per_patient: units for one patient in bed (inpatient services); "
                "cases_per_unit: admissions or visits one unit serves a year.",
                choices=("per_patient", "cases_per_unit"),
            ),
            SOURCE,
        ),
    ),
    Table(
        "referrals",
        "Services that cases of another service need next, on arcs between facilities.",
        ("from_service_id", "to_service_id"),
        (
            _id(
                "from_service_id", "Service that the cases are treated with first.",
                "services.service_id",
            ),
            _id(
                "to_service_id",
                "Service that some of them are referred to, up or down; what it lacks costs its "
                "unmet penalty.",
                "services.service_id",
            ),
            Column(
                "share", "number", "Cases referred on for each case treated.", "fraction",
                above=0, maximum=1,
            ),
            Column(
                "radius", "number", "Farthest that a case is referred.", "see unit", above=0
            ),
            Column("unit", "text", "Unit of the radius.", choices=("min", "km")),
            SOURCE,
        ),
        optional=True,
    ),
    Table(
        "proposals",
        "Allocations that somebody else chose, for the audit.",
        ("proposal_id", "facility_id", "resource_id"),
        (
            _id("proposal_id", "Name of the proposal, e.g. plan_2025."),
            _id("facility_id", "Facility.", "facilities.facility_id"),
            _id(
                "resource_id",
                "Resource; a total is split over its kinds as they stand today.",
                "resources.resource_id",
            ),
            _at_least_zero("amount", "units", "Proposed stock."),
            SOURCE,
        ),
        optional=True,
    ),
    Table(
        "facts",
        "Figures printed in the plan, for checking the plan against itself (see [[check]]).",
        ("fact_id",),
        (
            _id("fact_id", "Identifier, used by the checks in plan.toml."),
            Column("value", "number", "The figure as printed."),
            _text("unit", "Its unit as printed."),
            _text("quote", "The words of the plan.", REQUIRED),
            SOURCE,
        ),
        optional=True,
    ),
)  # fmt: skip

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
"""Every table of a scenario by name, in reading order."""


def schema_table(name: str | None = None) -> pd.DataFrame:
    """The schema itself as a table.

    Parameters
    ----------
    name
        Restrict to this table.

    Returns
    -------
    DataFrame
        Columns ``table, column, unit, allowed, default, meaning``; one row a column.

    Raises
    ------
    KeyError
        If there is no table of that name.
    """
    chosen = TABLES.values() if name is None else [TABLES[name]]
    return pd.DataFrame(
        [
            (t.name, c.name, c.unit, c.allowed, c.default_text, c.meaning)
            for t in chosen
            for c in t.columns
        ],
        columns=["table", "column", "unit", "allowed", "default", "meaning"],
    )
