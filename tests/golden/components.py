"""The components of the program, each alone in a tiny scenario, with its maths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from healthalloc import Clause, Plan, Scenario
from tests.region import (
    DEMAND,
    FACILITIES,
    FORM,
    FORM_STOCK,
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
    tiers,
    with_areas,
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


def _nested(**given: Any) -> Scenario:
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
        **given,
    )  # fmt: skip


def _two_forms() -> Scenario:
    """The clinic, which stays, as it is or as a hospital, and its village; no fever clinic."""
    clinic = _only(FACILITIES, "facility_id", "clinic").assign(site="existing", form_of="")
    stock = pd.concat([_only(STOCK, "facility_id", "clinic").iloc[:3], FORM_STOCK])
    return region(
        facilities=pd.concat([clinic, FORM], ignore_index=True),
        populations=_only(POPULATIONS, "population_id", "village"),
        stock=stock.reset_index(drop=True),
    )


def _seldom_used(**given: Any) -> Scenario:
    """The four facilities, with occupancy and stay of the base year."""
    used = {"occupancy_percent": [70.0, 80.0, 60.0, 70.0], "stay_days": [10.0, 10.0, 10.0, 8.0]}
    return quiet(facilities=quiet().facilities.assign(**used), **given)


def _sited_areas(**given: Any) -> Scenario:
    return with_areas(sited, **given)


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
    "balance_of_forms": Component(
        "balance",
        _two_forms,
        """
sum over the forms of x[j,r] = e[r] + n[r] - d[r],  written sum of x - n + d = e
  clinic and clinic_plus share a row: what one form holds carries over to the other
  the first stock row of the two adds and retires for both
""",
    ),
    "form": Component(
        "form",
        _two_forms,
        """
sum over the forms of y[j] = 1: the clinic stays, as one or the other
""",
    ),
    "referral": Component(
        "referral",
        tiers,
        """
sum_k c[s'] r[j,k,s'] <= share c[s] (arrivals of s at j: flows and referrals)   in cases a year
  c, cases in a unit of flow: visit 1, inpatient 365 / 7.3 = 50, intensive 100, rehab 25
  centre: 0.1 of visits; county: 0.2 x 50 = 10 and 0.5 x 50 = 25 of inpatients
objective of a flow: travel + (M of what it asks for next) - (M of what it meets), each a unit
  M a unit: visit 500, inpatient 50,000, intensive 300,000, rehab 12,500
  visit: 0.1 x 1,000 - 500 = -400
  inpatient: travel 4 x 50 = 200; next 50 x (0.2 x 3,000 + 0.5 x 500) = 42,500; - 50,000: -7,300
  intensive: travel 6 x 100 = 600; - 300,000
  rehab: travel 2 x 25 = 50; - 12,500
  the constant is the demand of residents alone: 500 x 1,000
""",
        objective=True,
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
    "left_out": Component(
        "reached",
        lambda: _two_sites().replace(
            plan=Plan(
                [
                    clause("coverage", resource="doctor", radius=20, radius_unit="km",
                           penalty_cny_per_resident=0.5)
                ]
            )
        ),
        """
a price on residents left out: penalty x residents (1 - reached), 0.5 x 1,000 of the hamlet
  -500 for each point reached, and 500 in the constant (the rest of it: 1,000 visits at 100)
  the clause has no target, so no row; a doctor in clinic or annex reaches the hamlet
""",
        objective=True,
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
    "area_share": Component(
        "clause",
        _clauses(
            with_areas,
            clause("area_share", id="towns", resource="fever_clinic", level="town", at_least=75),
            clause("area_share", id="villages", resource="doctor", level="village", area="east",
                   scope={"ownership": "public"}, at_least=50),
        ),
        """
sum of 100 / n reached[a] >= lo   over the n areas of the level
  two towns, and the two villages of the east: 50 each
""",
    ),
    "facility_per_population": Component(
        "clause",
        _clauses(
            _sited_areas,
            clause("facility_per_population", id="towns", each_area="town", at_least=3000,
                   at_most=4000),
            clause("facility_per_population", id="shore", area="shore", at_least=3000),
        ),
        """
lo sum of y[j] <= P,  hi sum of y[j] >= P   in each area, written -lo sum of y >= -P
  west: P = 6,000; east: 4,000; the shore's 1,000 count as 3,000, so that one is allowed
""",
    ),
    "first_contact_share": Component(
        "clause",
        _clauses(
            region,
            clause("first_contact_share", id="floor", services=("visit",),
                   scope={"category": "primary_centre"}, at_least=30),
            clause("first_contact_share", id="both", services=("visit", "inpatient"),
                   scope={"facility_id": "city"}, at_most=80),
        ),
        """
100 sum of cases into the scope - lo sum of all cases >= 0   (hi: <= 0)
  floor: a visit to a primary centre has 100 - 30, any other -30
  both: a patient in bed is 50 admissions, so 50 x (100 - 80) and 50 x -80
""",
    ),
    "freeze_rule": Component(
        "clause",
        _clauses(
            _seldom_used,
            clause("freeze_rule", id="beds", resource="bed", occupancy_below_percent=75,
                   stay_above_days=9, at_most=100),
            clause("freeze_rule", id="doctors", resource="doctor", occupancy_below_percent=75,
                   stay_above_days=7, scope={"side": "east"}, at_least=50, at_most=110),
        ),
        """
100 sum of x[j,r] <= hi e[j]   for each j below the one threshold and above the other
  beds: city (25) and clinic (5); private is full enough, the annex quick enough
  doctors: clinic 50 x 4 to 110 x 4; annex 0 to 0, since it has none
""",
    ),
    "hierarchy": Component(
        "clause",
        _clauses(
            sited,
            clause("hierarchy", resource="bed", radius=40, radius_unit="km", at_least=3,
                   tiers=({"level": "primary"}, {"level": "secondary"}, {"level": "tertiary"})),
        ),
        """
sum of x[k,r] over k of the next tier within the radius - lo y[j] >= 0   for each j of a tier
  clinic (20 km) and annex (40 km) by the private hospital, that by the city (10 km)
""",
    ),
    "length_of_stay": Component(
        "capacity",
        lambda: _nested(
            clauses=[clause("length_of_stay", services=("inpatient",), at_most=3.65)]
        ),
        """
as capacity_nested, with half the stay of inpatients: needs by the patient in bed halve
  inpatient: half a bed of any kind; as many admissions as before, so as many nurses: 50/365
  intensive: as it was
""",
    ),
    "merger": Component(
        "clause",
        _clauses(
            sited,
            clause("merger", scope={"category": "primary_centre"}, hosts=HOSPITALS, radius=40,
                   radius_unit="km", habit={"clinic": "private"}, residents_at_least=5000,
                   at_least=1),
            clause("merger", id="must", scope={"facility_id": "clinic"}, hosts=HOSPITALS,
                   radius=20, radius_unit="km", residents_at_least=4000, at_least=1),
        ),
        """
sum of y[k] over hosts within the radius - lo y[j] >= 0   for each branch j; y[j] >= 1 if it must
  clinic: of city (30 km) and private (20 km) the one of habit; annex: private (40 km)
  within 40 km of the clinic live 10,000, of the annex 4,000, too few for the first clause to ask
  for it; within 20 km of the clinic 4,000, enough for the second
""",
    ),
    "referral_share": Component(
        "clause",
        _clauses(
            tiers,
            clause("referral_share", id="up", from_service="visit", to_service="inpatient",
                   to_scope={"level": "secondary"}, at_least=8),
            clause("referral_share", id="down", from_service="inpatient", to_service="rehab",
                   at_least=30, at_most=40),
        ),
        """
100 c[s'] sum of r - lo c[s] (arrivals of s) >= 0   (hi: <= 0), in cases a year
  up: 100 x 50 of each patient admitted, -8 of each visit
  down: 100 x 25 of each in rehabilitation, -30 x 50 and -40 x 50 of each patient
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
