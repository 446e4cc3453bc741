"""The oracle where the answer is known: its solver is not taken at its word."""

from __future__ import annotations

import pytest

import healthalloc as ha
from tests.properties.oracle import Oracle
from tests.region import named, settings, table


def an_institution_with_another_form() -> ha.Scenario:
    """A hospital treats whoever comes, and a fifth of them a second time; nothing costs anything.

    85 cases a year need 85 / 400 / 0.5 = 0.425 of its rooms; the 17 that go on need
    17 x 0.3 x 8 / 365 = 0.11 of its fever clinic. The far clinic has nowhere to refer to.
    """
    clinics = """
    facility_id  category  ownership  area_class  km  site       form_of
    house        clinic    public     rural        9  existing   -
    hospital     hospital  public     urban        5  existing   -
    clinic       clinic    social     urban       30  existing   -
    form         clinic    public     rural        9  candidate  house
    """
    return ha.Scenario(
        settings=settings(extra_facility_columns=()),
        facilities=named(table(clinics)).fillna({"form_of": ""}).assign(site_cost_cny=0.0),
        populations=named(
            table("""
            population_id  area_class  residents  km
            p0             rural             200   8
            p2             rural            1500  10
            """)
        ),
        resources=named(
            table("""
            resource_id   kind        availability  capital_cost_cny  life_years  operating_cost_cny  retirement_cost_cny
            room          equipment            0.5                 0           1                   0                    0
            fever_clinic  department             1                 0          10                   0                    0
            """)  # noqa: E501
        ),
        stock=table("""
            facility_id  resource_id   existing  lower  upper
            hospital     room                 0    0        4
            hospital     fever_clinic         0    0        1
            clinic       fever_clinic         0    0        1
            form         room                 0    3.5     10
        """),
        services=named(
            table("""
            service_id  setting    stay_days  journeys_per_case  unmet_penalty_cny
            first       inpatient          8                0.0              10.01
            second      inpatient          8                3.5              50.00
            """)
        ),
        radii=table("""
            service_id  area_class  radius  unit
            first       rural           40  min
        """),
        demand=table("""
            service_id  group_id  rate_per_1000
            first       -                    50
        """),
        requirements=table("""
            service_id  resource_id   category  amount  basis
            first       fever_clinic  clinic     100.0  cases_per_unit
            first       room          hospital   400.0  cases_per_unit
            second      fever_clinic  hospital     0.3  per_patient
        """),
        referrals=table("""
            from_service_id  to_service_id  share  radius  unit
            first            second           0.2      12  min
        """),
    )  # fmt: skip


def test_an_answer_that_its_solver_loses_is_not_taken() -> None:
    scenario = an_institution_with_another_form()
    oracle = Oracle(scenario, whole_units=False)
    assert oracle.solve() == "optimal"
    assert oracle.violation() <= 1e-6
    assert oracle.objective == pytest.approx(0.0, abs=1e-6)
    for solver in ("highs", "pulp"):
        solution = ha.solve(scenario, whole_units=False, solver=solver).require_optimal()
        assert solution.objective == pytest.approx(0.0, abs=1e-6)
        assert solution.demand["served"].sum() == pytest.approx(85.0)
        assert solution.referrals["cases_a_year"].sum() == pytest.approx(17.0)
