"""A tiny region for the tests, with figures that allow sums by hand.

Everything lies on the equator, at a whole number of km east of the town::

    km          0        10        30       50
    facility    city     private   clinic   annex (candidate)
    population  town               village  hamlet

Travel has no detour: 2 minutes a km from the (urban) town, 1 minute a km elsewhere. One-off
costs are spread over 10 years without interest, so a unit costs, CNY a year:

    resource      added (k)   held (o)   retired (w)
    general_bed       100         50          2
    icu_bed           300        200          5
    doctor             40        300         10
    nurse              20        100          5
    fever_clinic       50         10          0

The base-year stock is 40 beds (25 city, 10 private, 5 clinic) for 10,000 residents, of which
2 ICU beds; 10 doctors; 16 nurses; 1 fever clinic.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from healthalloc import Check, Clause, GreatCircle, Plan, Scenario, Settings, SolveSettings
from healthalloc.plan import KINDS

KM_PER_DEGREE = math.pi / 180 * 6371.0088


def table(text: str) -> pd.DataFrame:
    """A table from aligned text; ``-`` is an empty cell, ``km`` becomes coordinates.

    ``name`` and ``source`` are filled in where the text does not give them.
    """
    frame = pd.read_csv(io.StringIO(text.strip()), sep=r"\s+", na_values=["-"])
    if "km" in frame:
        frame["longitude"] = frame.pop("km") / KM_PER_DEGREE
        frame["latitude"] = 0.0
    for column in frame.columns[frame.isna().all()]:
        frame[column] = frame[column].astype(float)
    if "source" not in frame:
        frame["source"] = "made up"
    return frame


def edit(frame: pd.DataFrame, where: dict[str, str] | None = None, **values: Any) -> pd.DataFrame:
    """A copy of a table with some cells changed, in all rows or those that match ``where``."""
    changed = frame.copy()
    rows = pd.Series(True, index=frame.index)
    for column, word in (where or {}).items():
        rows &= frame[column] == word
    if not rows.any():
        raise KeyError(where)
    for column, value in values.items():
        if isinstance(value, str):
            changed[column] = changed.get(column, pd.Series(index=frame.index)).astype(object)
        elif column not in changed:
            changed[column] = math.nan
        changed.loc[rows, column] = value
    return changed


def named(frame: pd.DataFrame) -> pd.DataFrame:
    """A table whose first column also serves as name."""
    return frame.assign(name=frame.iloc[:, 0])


FACILITIES = named(
    table("""
facility_id  category          level      ownership  area_class  km  site       site_cost_cny  side
city         general_hospital  tertiary   public     urban        0  existing               0  west
private      general_hospital  secondary  social     urban       10  existing               0  west
clinic       primary_centre    primary    public     rural       30  closable             400  east
annex        primary_centre    primary    public     rural       50  candidate            500  east
""")
)
POPULATIONS = named(
    table("""
population_id  area_class  residents  km
town           urban            6000   0
village        rural            3000  30
hamlet         rural            1000  50
""")
)
RESOURCES = named(
    table("""
resource_id   parent_id  kind        availability  capital_cost_cny  life_years  operating_cost_cny  retirement_cost_cny
bed           -          bed                    1                 0          10                   0                    0
general_bed   bed        bed                  0.8              1000          10                  50                   20
icu_bed       bed        bed                  0.8              3000          10                 200                   50
staff         -          staff                  1                 0          10                   0                    0
doctor        staff      staff                  1               400          10                 300                  100
nurse         staff      staff                  1               200          10                 100                   50
fever_clinic  -          department             1               500          10                  10                    0
""")  # noqa: E501
)
STOCK = table("""
facility_id  resource_id   existing  lower  upper
city         general_bed         23      0      -
city         icu_bed              2      0      -
city         doctor               4      0      -
city         nurse               10      0      -
city         fever_clinic         1      0      1
private      general_bed         10      0      -
private      icu_bed              0      0      4
private      doctor               2      0      -
private      nurse                4      0      -
private      fever_clinic         0      0      1
clinic       general_bed          5      0     10
clinic       doctor               4      0     10
clinic       nurse                2      0     10
clinic       fever_clinic         0      0      1
annex        general_bed          0      0     10
annex        doctor               0      1      5
annex        nurse                0      0      5
annex        fever_clinic         0      0      1
""")
SERVICES = named(
    table("""
service_id  setting     stay_days  journeys_per_case  unmet_penalty_cny
inpatient   inpatient         7.3                  2               1000
visit       ambulatory          -                  2                100
""")
)
RADII = table("""
service_id  area_class  radius  unit
inpatient   urban           30  min
inpatient   rural           60  min
visit       urban           15  min
visit       rural           20  km
""")
DEMAND = table("""
service_id  group_id  rate_per_1000
inpatient   -                   100
visit       -                  1000
""")
REQUIREMENTS = table("""
service_id  resource_id  category          amount  basis
inpatient   general_bed  general_hospital       1  per_patient
inpatient   nurse        general_hospital     0.5  per_patient
visit       doctor       general_hospital    2000  cases_per_unit
visit       doctor       primary_centre      1000  cases_per_unit
""")


def settings(*, solve: SolveSettings | None = None, **changes: Any) -> Settings:
    """The settings of the region, with some changed."""
    given: dict[str, Any] = {
        "name": "test region",
        "base_year": 2020,
        "target_year": 2025,
        "value_of_travel_cny_per_hour": 6.0,
        "extra_facility_columns": ("side",),
        "travel": GreatCircle(detour_factor=1.0, speed_km_per_h={"urban": 30.0, "rural": 60.0}),
        "solve": solve or SolveSettings(gap=0.0),
    }
    return Settings(**given | changes)


def region(
    *,
    clauses: Sequence[Clause] = (),
    checks: Sequence[Check] = (),
    whole_units: bool = True,
    **changes: Any,
) -> Scenario:
    """The tiny region; keyword arguments replace its tables, plan or settings."""
    given: dict[str, Any] = {
        "settings": settings(solve=SolveSettings(whole_units=whole_units, gap=0.0)),
        "facilities": FACILITIES,
        "populations": POPULATIONS,
        "resources": RESOURCES,
        "stock": STOCK,
        "services": SERVICES,
        "radii": RADII,
        "demand": DEMAND,
        "requirements": REQUIREMENTS,
        "plan": Plan(clauses, checks),
    }
    return Scenario(**given | changes)


def quiet(**changes: Any) -> Scenario:
    """The region without demand, with its stock kept and its four facilities open for good.

    What is allocated beyond the base-year stock is there for the clauses alone, and costs
    ``k + o`` a unit; the base-year stock itself costs `KEPT_CNY` a year.
    """
    given = {
        "demand": edit(DEMAND, rate_per_1000=0.0),
        "facilities": edit(FACILITIES, site="existing", site_cost_cny=0.0),
        "stock": STOCK.assign(lower=STOCK["existing"]),
    }
    return region(**given | changes)


def sited(**changes: Any) -> Scenario:
    """As `quiet`, but the clinic may close and the annex may open, at the cost of its site."""
    given = {
        "facilities": FACILITIES,
        "stock": STOCK.assign(lower=STOCK[["existing", "lower"]].max(axis=1)),
    }
    return quiet(**given | changes)


KEPT_CNY = 38 * 50 + 2 * 200 + 10 * 300 + 16 * 100 + 1 * 10
"""Yearly cost of the base-year stock."""

# --- areas

AREAS = named(
    table("""
area_id  level    parent_id  residents
county   county   -              10000
west     town     county          6000
east     town     county          4000
mill     village  east            3000
shore    village  east               -
""")
)
AREA_OF = {
    "city": "west", "private": "west", "clinic": "mill", "annex": "shore",
    "town": "west", "village": "mill", "hamlet": "shore",
}  # fmt: skip
"""Area of each facility and population: city, private and town lie in a town, not a village."""


def located(frame: pd.DataFrame) -> pd.DataFrame:
    """Facilities or populations, each in its area."""
    return frame.assign(area=frame.iloc[:, 0].map(AREA_OF))


def with_areas(base: Callable[..., Scenario] = quiet, **changes: Any) -> Scenario:
    """A region with its tree of areas, everyone in their place."""
    tables = {
        "areas": AREAS,
        "facilities": located(base().facilities),
        "populations": located(POPULATIONS),
    }
    return base(**tables | changes)


# --- forms

FORM = named(
    table("""
facility_id  category          level      ownership  area_class  km  site       site_cost_cny  side  form_of
clinic_plus  general_hospital  secondary  public     rural       30  candidate            700  east  clinic
""")  # noqa: E501
)
FORM_STOCK = table("""
facility_id  resource_id  existing  lower  upper
clinic_plus  general_bed         0      5     20
clinic_plus  doctor              0      4     10
clinic_plus  nurse               0      2     10
""")
"""The clinic as a hospital: it holds at least what the clinic holds today."""


def with_form(base: Callable[..., Scenario] = quiet, **changes: Any) -> Scenario:
    """A region in which the clinic may become a hospital."""
    plain = base()
    facilities = pd.concat([plain.facilities, FORM], ignore_index=True)
    tables = {
        "facilities": facilities.assign(form_of=facilities["form_of"].fillna("")),
        "stock": pd.concat([plain.stock, FORM_STOCK], ignore_index=True),
    }
    return base(**tables | changes)


# --- referrals

TIERS = {
    "facilities": named(
        table("""
facility_id  category           level      ownership  area_class  km
centre       primary_centre     primary    public     urban        0
county       general_hospital   secondary  public     rural       10
province     tertiary_hospital  tertiary   public     urban       40
""")
    ),
    "populations": named(
        table("""
population_id  area_class  residents  km
town           urban            1000   0
""")
    ),
    "stock": table("""
facility_id  resource_id  existing  lower  upper
centre       doctor              0      0      -
centre       general_bed         0      0      -
county       general_bed         0      0      -
province     icu_bed             0      0      -
"""),
    "services": named(
        table("""
service_id  setting     stay_days  journeys_per_case  unmet_penalty_cny
visit       ambulatory          -                  2              500.0
inpatient   inpatient         7.3                  2             1000.0
intensive   inpatient        3.65                  2             3000.0
rehab       inpatient        14.6                  2              500.0
""")
    ),
    "radii": table("""
service_id  area_class  radius  unit
visit       urban           15  min
"""),
    "demand": table("""
service_id  group_id  rate_per_1000
visit       -                  1000
"""),
    "requirements": table("""
service_id  resource_id  category           amount  basis
visit       doctor       primary_centre       1000  cases_per_unit
inpatient   general_bed  general_hospital        1  per_patient
intensive   icu_bed      tertiary_hospital       1  per_patient
rehab       general_bed  primary_centre          1  per_patient
"""),
    "referrals": table("""
from_service_id  to_service_id  share  radius  unit
visit            inpatient        0.1    20.0  min
inpatient        intensive        0.2    30.0  km
inpatient        rehab            0.5    10.0  min
"""),
}


def tiers(**changes: Any) -> Scenario:
    """Three tiers on a line, and a way back down; nothing stands yet, fractions are allowed.

    The 1,000 visits a year at the centre (km 0) ask for 100 admissions at the county hospital
    (km 10), these for 20 in intensive care at the province's (km 40) and for 50 to rehabilitation
    back at the centre. Of travel, 2 minutes a km from centre and province, 1 from the county::

        cases            a patient in bed is  units needed         way          cost of travel
        1,000 visits     -                    1 doctor             0            0
        100 inpatient    50 cases a year      2 / 0.8 beds         10 km 20 min  400
        20 intensive     100 cases a year     0.2 / 0.8 ICU beds   30 km 30 min  120
        50 rehab         25 cases a year      2 / 0.8 beds         10 km 10 min  100
    """
    return region(**{"whole_units": False} | TIERS | changes)


def clause(kind: str | type[Clause], **fields: Any) -> Clause:
    """A clause of a kind, named by its word or its class; id, quote and source are filled in."""
    made = KINDS[kind] if isinstance(kind, str) else kind
    return made(**{"id": made.kind, "quote": "said so", "source": "the plan"} | fields)
