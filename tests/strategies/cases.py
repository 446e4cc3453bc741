"""What the tests of strategies share: the small county, a county with referrals, shuffles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from healthalloc import Scenario
from healthalloc.formulation.assemble import network
from healthalloc.strategies import Strategy
from healthalloc.strategies.allocation import as_allocation
from tests.explain import small_county as small
from tests.explain.small_county import county
from tests.region import table

PLAN_TABLE = table("""
proposal_id  facility_id  resource_id  amount
printed      north        bed               3
printed      middle       bed               4
""")

AGES = table("""
population_id  group_id  residents
lower          old             400
""")


def beds(scenario: Scenario, strategy: Strategy) -> list[float]:
    """Stock that a strategy gives, by row of the stock table."""
    given = as_allocation(network(scenario), strategy(scenario), "tested")
    return given.stock.tolist()


def referring(**changes: Any) -> Scenario:
    """The county with visits of which one in ten is referred to a bed, and no other way to one.

    2,000 visits, one for each resident; a doctor sees 500. Of the cases referred a bed holds 100
    a year, so 200 cases fill two beds.
    """
    doctors = table("""
facility_id  resource_id  existing  lower  upper
north        doctor              1      0     10
middle       doctor              2      0     10
south        doctor              1      0     10
""")
    given: dict[str, Any] = {
        "resources": pd.concat(
            [
                small.RESOURCES,
                table("""
resource_id  name    parent_id  kind   availability  capital_cost_cny  life_years  operating_cost_cny  retirement_cost_cny
doctor       doctor  -          staff             1               400          10                 300                  100
"""),  # noqa: E501
            ],
            ignore_index=True,
        ),
        "stock": pd.concat([small.STOCK, doctors], ignore_index=True),
        "services": table("""
service_id  name       setting     stay_days  journeys_per_case  unmet_penalty_cny
inpatient   inpatient  inpatient        3.65                  2               1000
visit       visit      ambulatory          -                  2                100
"""),
        "radii": table("""
service_id  area_class  radius  unit
visit       rural           30  min
"""),
        "demand": table("""
service_id  group_id  rate_per_1000
visit       -                  1000
"""),
        "requirements": table("""
service_id  resource_id  category  amount  basis
inpatient   bed          hospital       1  per_patient
visit       doctor       hospital     500  cases_per_unit
"""),
        "referrals": table("""
from_service_id  to_service_id  share  radius  unit
visit            inpatient        0.1      12  min
"""),
    }
    return county(**given | changes)


def shuffled(scenario: Scenario, seed: int) -> Scenario:
    """The same scenario, the rows of its tables in another order."""
    rng = np.random.default_rng(seed)
    names = ("facilities", "populations", "stock", "demand", "requirements", "radii", "services")
    return scenario.replace(
        **{
            name: (rows := getattr(scenario, name)).iloc[rng.permutation(len(rows))]
            for name in names
        }
    )
