"""A scenario from DataFrames: two villages, one hospital, one clause; then a what-if."""

import dataclasses

import pandas as pd

import healthalloc as ha
from healthalloc.plan import RatioToPopulation

SOURCE = "assumed: example"


def table(columns: str, *rows: tuple[object, ...]) -> pd.DataFrame:
    """A table with a source in every row."""
    return pd.DataFrame(rows, columns=columns.split()).assign(source=SOURCE)


clause = RatioToPopulation(
    id="beds",
    quote="5 beds per 1,000 residents",
    source="example plan",
    resource="bed",
    unit="per_1000_residents",
    at_least=5,
)
scenario = ha.Scenario(
    settings=ha.Settings(
        name="Two villages",
        base_year=2025,
        target_year=2030,
        travel=ha.GreatCircle(speed_km_per_h={"rural": 40}),
    ),
    facilities=table(
        "facility_id name category longitude latitude",
        ("hospital", "Hospital", "hospital", 102.0, 27.0),
    ),
    populations=table(
        "population_id name area_class residents longitude latitude",
        ("east", "East village", "rural", 6000, 102.05, 27.0),
        ("west", "West village", "rural", 4000, 101.95, 27.0),
    ),
    resources=table(
        "resource_id name kind availability capital_cost_cny operating_cost_cny",
        ("bed", "Bed", "bed", 0.85, 500_000, 60_000),
    ),
    stock=table("facility_id resource_id existing", ("hospital", "bed", 30)),
    services=table(
        "service_id name setting stay_days unmet_penalty_cny",
        ("inpatient", "Inpatient care", "inpatient", 9, 20_000),
    ),
    radii=table("service_id area_class radius unit", ("inpatient", "rural", 60, "min")),
    demand=table("service_id rate_per_1000", ("inpatient", 150)),
    requirements=table(
        "service_id resource_id amount basis", ("inpatient", "bed", 1, "per_patient")
    ),
    plan=ha.Plan([clause]),
)
solution = ha.solve(scenario).require_optimal()
print(solution.stock.to_string(index=False))
print(solution.clauses[["clause_id", "target", "achieved", "price_cny_a_year"]].to_string())

tighter = scenario.replace(plan=ha.Plan([dataclasses.replace(clause, at_least=6)]))
rise = ha.solve(tighter).objective - solution.objective
print(f"one bed more per 1,000 residents costs {rise:,.0f} CNY a year")
