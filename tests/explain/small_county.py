"""A county small enough to enumerate: three places, one kind of bed, one service.

Every allocation in whole beds is tried, each with the flows that suit it best, found by scipy
on the program's own arrays; what cost and travel that gives is compared with the explanations.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from healthalloc import GreatCircle, Scenario, SolveSettings, formulate
from healthalloc.formulation import LinearProgram
from tests.region import named, region, settings, table

FACILITIES = named(
    table("""
facility_id  category  level  ownership  area  area_class  km  site       site_cost_cny
north        hospital  x      public     a     rural        0  existing               0
middle       hospital  x      public     b     rural       11  existing               0
south        hospital  x      social     c     rural       24  closable             150
""")
)
POPULATIONS = named(
    table("""
population_id  area  area_class  residents  km
upper          a     rural            1000   0
inner          b     rural             600  11
lower          c     rural             400  24
""")
)
RESOURCES = named(
    table("""
resource_id  parent_id  kind  availability  capital_cost_cny  life_years  operating_cost_cny  retirement_cost_cny
bed          -          bed              1               400          10                  50                   20
""")  # noqa: E501
)
STOCK = table("""
facility_id  resource_id  existing  lower  upper
north        bed                 2      1      7
middle       bed                 6      0      6
south        bed                 1      0      4
""")
SERVICES = named(
    table("""
service_id  setting    stay_days  journeys_per_case  unmet_penalty_cny
inpatient   inpatient       3.65                  2               1000
""")
)
RADII = table("""
service_id  area_class  radius  unit
inpatient   rural           30  min
""")
DEMAND = table("""
service_id  group_id  rate_per_1000
inpatient   -                   450
""")
REQUIREMENTS = table("""
service_id  resource_id  category  amount  basis
inpatient   bed          hospital       1  per_patient
""")


def county(*, whole_units: bool = True, worth: float = 2.0, **changes: Any) -> Scenario:
    """The county; ``worth`` is the value of an hour of travel, CNY."""
    given = {
        "settings": settings(
            value_of_travel_cny_per_hour=worth,
            extra_facility_columns=(),
            travel=GreatCircle(detour_factor=1.0, speed_km_per_h={"rural": 60.0}),
            solve=SolveSettings(whole_units=whole_units, gap=0.0),
        ),
        "facilities": FACILITIES, "populations": POPULATIONS, "resources": RESOURCES,
        "stock": STOCK, "services": SERVICES, "radii": RADII, "demand": DEMAND,
        "requirements": REQUIREMENTS,
    }  # fmt: skip
    return region(**given | changes)


def linear(*, worth: float = 0.5, **changes: Any) -> Scenario:
    """The county as a linear program: fractions of beds, no choice of sites, cheap travel."""
    facilities = FACILITIES.assign(site="existing", site_cost_cny=0.0)
    return county(whole_units=False, worth=worth, **{"facilities": facilities} | changes)


@dataclass(frozen=True)
class Choice:
    """An allocation and the best that flows can make of it.

    ``minutes`` is the mean over the cases served, when everybody is served as in the least-cost
    plan (NaN where that is not possible), ``cheapest_within`` the least cost by longest way.
    """

    beds: tuple[float, ...]
    open: bool
    cost: float
    minutes: float
    cheapest_within: dict[float, float]

    @property
    def actions(self) -> int:
        existing = STOCK["existing"].tolist()
        return sum(b != e for b, e in zip(self.beds, existing)) + (not self.open)


def solved(program: LinearProgram) -> Any:
    """The linear program solved by scipy."""
    equal = program.row_lower == program.row_upper
    above = np.isfinite(program.row_lower) & ~equal
    below = np.isfinite(program.row_upper) & ~equal
    matrix = program.matrix.toarray()
    return linprog(
        program.cost,
        A_ub=np.vstack([matrix[below], -matrix[above]]),
        b_ub=np.concatenate([program.row_upper[below], -program.row_lower[above]]),
        A_eq=matrix[equal],
        b_eq=program.row_upper[equal],
        bounds=np.column_stack([program.column_lower, program.column_upper]),
    )


@cache
def choices(worth: float = 2.0) -> tuple[Choice, ...]:
    """Every allocation of whole beds."""
    scenario = county(worth=worth)
    model = formulate(scenario)
    program, arcs = model.program.relaxed(), model.layout.arcs
    assert arcs is not None
    stock, sites, flow = (program.column_block(n).slice for n in ("stock", "open", "flow"))
    ranges = [range(int(low), int(high) + 1) for low, high in zip(STOCK["lower"], STOCK["upper"])]
    fixed: list[tuple[tuple[int, ...], bool, Any, LinearProgram]] = []
    for beds in itertools.product(*ranges):
        for is_open in (False, True):
            if beds[2] and not is_open:
                continue
            columns = np.r_[np.arange(stock.start, stock.stop), sites.stop - 1]
            at = program.fixed(columns, np.array([*beds, is_open], dtype=float))
            fixed.append((beds, is_open, solved(at), at))
    best = min(fixed, key=lambda one: one[2].fun)[2]
    demand = program.row_block("demand").slice
    served = (program.matrix @ best.x)[demand]
    found = []
    for beds, is_open, answer, at in fixed:
        lower, upper = at.row_lower.copy(), at.row_upper.copy()
        lower[demand] = upper[demand] = served
        held = replace(at, row_lower=lower, row_upper=upper)
        within = {}
        for limit in sorted({0.0, *arcs.travel_min}):
            ends = held.column_upper.copy()
            ends[flow] = np.where(arcs.travel_min <= limit, np.inf, 0.0)
            tried = solved(replace(held, column_upper=ends))
            within[limit] = tried.fun + program.offset if tried.status == 0 else np.inf
        same = solved(held)
        minutes = np.nan
        if same.status == 0:
            # with one service, least cost of given beds is least travel
            minutes = float(arcs.travel_min @ same.x[flow] / same.x[flow].sum())
        found.append(Choice(beds, is_open, answer.fun + program.offset, minutes, within))
    return tuple(found)


def gini(beds: Sequence[float], residents: Sequence[float]) -> float:
    """From the area under the Lorenz curve."""
    order = sorted(range(len(beds)), key=lambda k: beds[k] / residents[k])
    total, people = sum(beds), sum(residents)
    area, held = 0.0, 0.0
    for k in order:
        area += residents[k] / people * (held + beds[k] / 2) / total
        held += beds[k]
    return 1 - 2 * area


def worst_share(beds: Sequence[float], residents: Sequence[float], share: float) -> float:
    """Beds per 1,000 of the worst-off share of the residents, by filling up one by one."""
    wanted = left = share * sum(residents)
    got = 0.0
    for k in sorted(range(len(beds)), key=lambda k: beds[k] / residents[k]):
        some = min(left, residents[k])
        got += some * beds[k] / residents[k]
        left -= some
    return 1000 * got / wanted


def pareto(pairs: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Pairs that no other pair beats; less is better in both."""
    kept: list[tuple[float, float]] = []
    for cost, value in sorted({(round(c, 6), round(v, 9)) for c, v in pairs if np.isfinite(c)}):
        if not kept or value < kept[-1][1] - 1e-9:
            kept.append((cost, value))
    return kept


def beds_of(stock: pd.DataFrame) -> tuple[float, ...]:
    """Beds by facility, in the order of the table."""
    return tuple(stock["allocated"].tolist())


RESIDENTS = POPULATIONS["residents"].tolist()

VALUES: dict[str, Callable[[Choice], float]] = {
    "equity-gini": lambda c: gini(c.beds, RESIDENTS) if sum(c.beds) else 0.0,
    "equity-worst-tenth": lambda c: -worst_share(c.beds, RESIDENTS, 0.1),
    "equity-worst-area": lambda c: -min(1000 * b / r for b, r in zip(c.beds, RESIDENTS)),
    "actions": lambda c: c.actions,
}
"""What each criterion measures of an allocation; less is better."""
