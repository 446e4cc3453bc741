"""The components of the program, each alone in a tiny scenario, with its maths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from healthalloc import Clause, Scenario
from tests.region import (
    DEMAND,
    FACILITIES,
    POPULATIONS,
    RADII,
    REQUIREMENTS,
    RESOURCES,
    SERVICES,
    STOCK,
    clause,
    edit,
    quiet,
    region,
    sited,
    table,
)


@dataclass(frozen=True)
class Component:
    """Rows of one block in one scenario, and what they should say."""

    rows: str
    scenario: Callable[[], Scenario]
    maths: str
    objective: bool = False


def _only(frame: pd.DataFrame, column: str, *words: str) -> pd.DataFrame:
    return frame[frame[column].isin(words)]


def _two_sites() -> Scenario:
    """The clinic, which may close, the annex, which may open, and the hamlet between them."""
    sites = ("clinic", "annex")
    stock = _only(_only(STOCK, "facility_id", *sites), "resource_id", "general_bed", "doctor")
    return region(
        facilities=_only(FACILITIES, "facility_id", *sites),
        populations=_only(POPULATIONS, "population_id", "hamlet"),
        stock=stock,
        services=_only(SERVICES, "service_id", "visit"),
        radii=_only(RADII, "service_id", "visit"),
        demand=_only(DEMAND, "service_id", "visit"),
        requirements=_only(
            _only(REQUIREMENTS, "service_id", "visit"), "category", "primary_centre"
        ),
    )


def _with_city() -> Scenario:
    """The two sites, and the city, which stays and keeps three doctors; beds may be fractions."""
    two = _two_sites()
    doctor = {"facility_id": "city", "resource_id": "doctor"}
    return two.replace(
        facilities=_only(FACILITIES, "facility_id", "city", "clinic", "annex"),
        stock=pd.concat(
            [_only(edit(STOCK, doctor, lower=3), "facility_id", "city").iloc[[2]], two.stock]
        ),
        resources=edit(RESOURCES, {"resource_id": "general_bed"}, whole="no"),
    )


def _nested() -> Scenario:
    """General care takes a bed of any kind, intensive care an ICU bed; only city and town."""
    services = SERVICES.iloc[[0, 0]].assign(service_id=["inpatient", "intensive"])
    return region(
        facilities=_only(FACILITIES, "facility_id", "city"),
        populations=_only(POPULATIONS, "population_id", "town"),
        stock=_only(STOCK, "facility_id", "city"),
        services=services,
        radii=pd.concat(_only(RADII, "service_id", "inpatient").assign(service_id=s)
                        for s in ("inpatient", "intensive")),
        demand=DEMAND.iloc[[0, 0]].assign(service_id=["inpatient", "intensive"]),
        requirements=table("""
            service_id  resource_id  category  amount  basis
            inpatient   bed          -              1  per_patient
            inpatient   nurse        -            365  cases_per_unit
            intensive   icu_bed      -              1  per_patient
            intensive   staff        -            0.5  per_patient
        """),
    )  # fmt: skip


def _clauses(base: Callable[..., Scenario], *clauses: Clause) -> Callable[[], Scenario]:
    return lambda: base(clauses=clauses)


RADIUS_20 = {"resource": "fever_clinic", "radius": 20, "radius_unit": "km"}
HOSPITALS = {"category": ["general_hospital"]}

COMPONENTS: dict[str, Component] = {
    "objective": Component(
        "demand",
        _with_city,
        """
minimise  sum k n + sum o x + sum w d + sum F y + sum (v t - M) f + sum M q
  k, o, w of general_bed: 100, 50, 2; of doctor: 40, 300, 10; F: clinic 400, annex 500
  a visit not served costs M = 100; v t: 2 journeys x 0.1 CNY a minute x minutes
  the hamlet is 20 km = 20 min from the clinic: 4 - 100; 0 from the annex: 0 - 100
  q = 1000 visits a year, so the constant is 100 x 1000
bounds    l <= x <= U and y = 1 in the city, which stays open: 3 doctors or more
          0 <= x <= U where the site is a choice: l comes with y, see site.lp
          0 <= n; 0 <= d <= e; y in {0, 1}
general   x of whole resources (doctors; beds may be fractions here), y of a choice
""",
        objective=True,
    ),
    "demand": Component(
        "demand",
        region,
        """
sum_j f[i,j,s] <= q[i,s]
  inpatient: 100 admissions per 1,000 a year x 7.3 / 365 days = 2 patients in bed per 1,000
  visit: 1,000 visits per 1,000 a year
  arcs: inpatient within 30 min (town) and 60 min at the hospitals; visits within 15 min (town:
  2 min a km) and 20 km
""",
    ),
    "capacity": Component(
        "capacity",
        region,
        """
sum_{i,s} u[r,s] f[i,j,s] <= a[r] x[j,r]
  a patient takes 1 general bed (a = 0.8) and half a nurse; a visit takes 1/2000 of a doctor in a
  hospital and 1/1000 in a primary centre
""",
    ),
    "capacity_nested": Component(
        "capacity",
        _nested,
        """
sum_{i,s} u[r',s] f[i,j,s] over r' = r and kinds below r <= sum of a[k] x[j,k] over kinds k of r
  inpatient: 1 bed of any kind; 365 admissions a nurse, 50 admissions a patient: 50/365 of a nurse
  intensive: 1 ICU bed, half a staff member
  a row for bed counts ICU patients too, a row for staff counts the nurses of inpatients too
""",
    ),
    "balance": Component(
        "balance",
        _two_sites,
        """
x[j,r] = e[j,r] + n[j,r] - d[j,r],  written x - n + d = e
""",
    ),
    "site": Component(
        "site",
        _two_sites,
        """
x[j,r] <= U[j,r] y[j]   for every stock of a site that is a choice
x[j,r] >= l[j,r] y[j]   where l > 0: the annex must hold a doctor while open
""",
    ),
    "reached": Component(
        "reached",
        _clauses(
            quiet,
            clause("coverage", id="all", **RADIUS_20, at_least=90),
            clause(
                "coverage", id="rural", **RADIUS_20, area_class=("rural",), at_least=50,
                scope={"side": "west"},
            ),
        ),
        """
reached[i] <= sum of x[j,r] over j within the radius of i   (and reached <= 1, a column bound)
  fever clinics within 20 km, first of all populations (town, village, hamlet), then of the rural
  ones (village, hamlet) in western facilities: the hamlet has none
""",
    ),
    "amount": Component(
        "clause",
        _clauses(
            quiet,
            clause("amount", id="floor", resource="icu_bed", at_least=50),
            clause("amount", id="range", resource="bed", scope={"side": "east"},
                   at_least=5, at_most=8),
        ),
        """
lo <= sum of x[j,r] over j in scope, r of the kind <= hi
""",
    ),
    "ratio_to_population": Component(
        "clause",
        _clauses(
            quiet,
            clause("ratio_to_population", id="per_1000", resource="bed",
                   unit="per_1000_residents", scope=HOSPITALS, at_least=8.9),
            clause("ratio_to_population", id="per_10000", resource="icu_bed",
                   unit="per_10000_residents", at_most=4),
        ),
        """
lo P / 1000 <= sum of x <= hi P / 1000   with P = 10,000 residents (or P / 10,000)
  8.9 x 10 = 89;  4 x 1 = 4
""",
    ),
    "ratio_between_resources": Component(
        "clause",
        _clauses(
            quiet,
            clause("ratio_between_resources", id="together", resource="nurse",
                   per_resource="doctor", scope=HOSPITALS, at_least=1.95, at_most=3),
            clause("ratio_between_resources", id="each", resource="nurse",
                   per_resource="doctor", scope={"side": "east"}, each=True, equals=2),
        ),
        """
sum of x[r] - lo sum of x[per r] >= 0,  sum of x[r] - hi sum of x[per r] <= 0
  together: one row a bound; each: one row a facility (clinic, annex), an equation
""",
    ),
    "resource_share": Component(
        "clause",
        _clauses(
            quiet,
            clause("resource_share", id="social", resource="bed", of_resource="bed",
                   part_scope={"ownership": "social"}, at_least=30),
            clause("resource_share", id="each", resource="icu_bed", of_resource="bed",
                   scope=HOSPITALS, each=True, at_least=5, at_most=8),
        ),
        """
100 sum of x[r] over the part - lo sum of x[of r] >= 0   (hi: <= 0)
  social: private beds have 100 - 30, the others -30
  each: 100 - 5 = 95 and -5 for the floor, 92 and -8 for the ceiling
""",
    ),
    "per_facility_minimum": Component(
        "clause",
        _clauses(
            sited,
            clause("per_facility_minimum", id="floor", resource="staff", at_least=2),
            clause("per_facility_minimum", id="range", resource="nurse",
                   scope={"side": "east"}, at_least=1, at_most=6),
        ),
        """
sum of x[j,r] - lo y[j] >= 0,  sum of x[j,r] - hi y[j] <= 0   for each j in scope
  floors first, then ceilings; a closed facility (y = 0) is exempt
""",
    ),
    "facility_target": Component(
        "clause",
        _clauses(
            quiet,
            clause("facility_target", id="city", facility_id="city", resource="bed", at_least=30),
            clause("facility_target", id="clinic", facility_id="clinic", resource="doctor",
                   about=6, tolerance=1),
        ),
        """
lo <= sum of x[j,r] over the kinds of r <= hi   for one j
""",
    ),
    "facility_share": Component(
        "clause",
        _clauses(
            sited,
            clause("facility_share", id="all", resource="fever_clinic", at_least=100),
            clause("facility_share", id="range", resource="fever_clinic", scope=HOSPITALS,
                   at_least=50, at_most=75),
        ),
        """
100 sum of x[j,r] - lo sum of y[j] >= 0   (hi: <= 0)
""",
    ),
    "facility_count": Component(
        "clause",
        _clauses(
            sited,
            clause("facility_count", id="floor", at_least=3),
            clause("facility_count", id="range", scope={"category": "primary_centre"},
                   at_least=1, at_most=2),
        ),
        """
lo <= sum of y[j] over the scope <= hi
""",
    ),
    "coverage": Component(
        "clause",
        _clauses(
            quiet,
            clause("coverage", id="all", **RADIUS_20, at_least=90),
            clause("coverage", id="rural", **RADIUS_20, area_class=("rural",), at_least=50),
        ),
        """
100 sum of residents[i] reached[i] >= lo sum of residents[i]   over the populations asked
  all: town 6000, village 3000, hamlet 1000; 90 x 10,000
  rural: village and hamlet (its first and second point); 50 x 4,000
""",
    ),
    "surge_reserve": Component(
        "clause",
        _clauses(
            quiet,
            clause("surge_reserve", id="floor", weights={"bed": 0.2, "nurse": 0.5},
                   scope={"level": "tertiary"}, at_least=12),
            clause("surge_reserve", id="range", weights={"icu_bed": 1.0}, at_least=2, at_most=9),
        ),
        """
lo <= sum of share[r] x[j,r] <= hi
""",
    ),
    "record": Component(
        "clause",
        _clauses(quiet, clause("record", reason="an outcome", at_least=78.5)),
        """
no rows: it is kept, not measured
""",
    ),
}  # fmt: skip
