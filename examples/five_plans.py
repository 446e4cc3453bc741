"""Five plans side by side: what they ask, what it costs, what is dearest, what is left out."""

from pathlib import Path

import pandas as pd

import healthalloc as ha

PLANS = ("panzhihua", "panzhihua_west", "miyi", "leshan_shizhong", "pingba")
TARGETS = {"bed": "beds", "doctor": "doctors", "nurse": "nurses"}


def per_1000(scenario: ha.Scenario, resource: str) -> str:
    """What a plan asks for per 1,000 residents of the whole region."""
    for clause in scenario.plan.clauses:
        whole = not clause.area and not getattr(clause, "scope", {})
        if clause.kind == "ratio_to_population" and clause.resource == resource and whole:
            return clause.target_label
    return "not asked"


columns = {}
for folder in PLANS:
    scenario = ha.read_scenario(Path(__file__).parent / folder)
    solution = ha.solve(scenario)
    residents = scenario.populations["residents"].sum()
    audit = ha.audit(scenario)
    clauses = solution.scenario.plan.clauses
    treatment = pd.Series({c.id: c.treatment for c in clauses})
    column = {"status": solution.status.value, "residents": f"{residents:,.0f}"}
    for resource, name in TARGETS.items():
        column[f"{name} per 1,000"] = per_1000(scenario, resource)
    if solution.status.has_solution:
        cost = solution.cost.set_index("component")["cny_a_year"]
        prices = ha.price_solution(solution, resolve=0).clauses
        whole = prices.sort_values("whole_cny_a_year", ascending=False).iloc[0]
        column["cost per resident, CNY a year"] = f"{cost['total'] / residents:,.0f}"
        column["gap"] = f"{solution.gap:.1e}"
        column["dearest clause"] = f"{whole['clause_id']} ({whole['quote'][:24]})"
        column["its cost per resident"] = f"{whole['whole_cny_a_year'] / residents:,.0f}"
    column["clauses enforced"] = str((treatment == "enforce").sum())
    column["only audited"] = str((treatment == "audit").sum())
    column["only recorded"] = str((treatment == "record").sum())
    column["figures that do not follow"] = f"{len(audit.disagreements)} of {len(audit.arithmetic)}"
    column["inputs assumed"] = str(len(scenario.assumptions()))
    columns[folder] = column
print(pd.DataFrame(columns).fillna("").to_string())
