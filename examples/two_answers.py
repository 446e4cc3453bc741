"""Two plans with their institution tables fixed, and free: what each table costs."""

from pathlib import Path

import healthalloc as ha

TABLES = {
    "panzhihua_west": ("xq-24", "xq-25", "xq-26", "xq-27"),
    "leshan_shizhong": ("lss-17",),
}
"""Clauses that are the rows of the plan's table of beds."""

for folder, table in TABLES.items():
    scenario = ha.read_scenario(Path(__file__).parent / folder)
    fixed = ha.solve(scenario).require_optimal()
    free = ha.solve(scenario.audit_only(*table)).require_optimal()
    print(scenario.settings.name)
    rows = fixed.clause_rows[fixed.clause_rows["clause_id"].isin(table)]
    beds = rows[["part", "facility_id", "target", "achieved"]].rename(columns={"achieved": "fixed"})
    beds["free"] = free.clause_rows.loc[beds.index, "achieved"]
    print(beds.to_string(index=False))
    print(f"fixed {fixed.objective:,.0f}, free {free.objective:,.0f} CNY a year")
    least, most = fixed.bound - free.objective, fixed.objective - free.bound
    print(f"the table costs {fixed.objective - free.objective:,.0f} CNY a year", end=" ")
    print(f"(between {max(least, 0):,.0f} and {most:,.0f})\n")
