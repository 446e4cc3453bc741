"""West District with its institution table fixed, and free: what the table costs."""

from pathlib import Path

import healthalloc as ha

TABLE = ("xq-24", "xq-25", "xq-26", "xq-27")

scenario = ha.read_scenario(Path(__file__).parent / "panzhihua_west")
fixed = ha.solve(scenario).require_optimal()
free = ha.solve(scenario.audit_only(*TABLE)).require_optimal()

BEDS = ["general_bed", "rehab_bed", "icu_bed", "infectious_bed"]
for name, solution in {"fixed": fixed, "free": free}.items():
    beds = solution.stock[solution.stock["resource_id"].isin(BEDS)]
    print(f"{name}: {solution.objective:,.0f} CNY a year")
    print(beds.groupby("facility_id", sort=False)["allocated"].sum().to_string())
print(f"the table costs {fixed.objective - free.objective:,.0f} CNY a year")
