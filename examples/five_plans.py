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
        asked = clause.kind == "ratio_to_population" and clause.target_label and whole
        if asked and clause.resource == resource:
            return clause.target_label
    return "not asked"


def dearest(solution: ha.Solution) -> tuple[ha.Clause, float]:
    """The clause of which a target tighter by a hundredth of itself costs most, and that cost."""
    prices = solution.clause_rows.groupby(["clause_id", "part"])["price_cny_a_year"].sum()
    costs = []
    for clause in solution.scenario.plan.clauses:
        target = max((abs(b) for b in clause.bounds if abs(b) < float("inf")), default=0.0)
        costs.append(prices.get((clause.id, clause.part), 0.0) * target / 100)
    k = max(range(len(costs)), key=costs.__getitem__)
    return solution.scenario.plan.clauses[k], costs[k]


columns = {}
for folder in PLANS:
    scenario = ha.read_scenario(Path(__file__).parent / folder)
    solution = ha.solve(scenario)
    residents = scenario.populations["residents"].sum()
    audit = ha.audit(scenario)
    treatment = audit.clauses.drop_duplicates("clause_id")["treatment"]
    column = {"status": solution.status.value, "residents": f"{residents:,.0f}"}
    for resource, name in TARGETS.items():
        column[f"{name} per 1,000"] = per_1000(scenario, resource)
    if solution.status.has_solution:
        cost = solution.cost.set_index("component")["cny_a_year"]
        clause, price = dearest(solution)
        column["cost per resident, CNY a year"] = f"{cost['total'] / residents:,.0f}"
        column["gap"] = f"{solution.gap:.1e}"
        column["dearest clause"] = f"{clause.name} {clause.target_label} {clause.unit_label}"
        column["its target 1 % tighter, CNY a year"] = f"{price:,.0f}"
    column["clauses enforced"] = str((treatment == "enforce").sum())
    column["only audited"] = str((treatment == "audit").sum())
    column["only recorded"] = str((treatment == "record").sum())
    column["figures that do not follow"] = f"{len(audit.disagreements)} of {len(audit.arithmetic)}"
    column["inputs assumed"] = str(len(scenario.assumptions()))
    columns[folder] = column
print(pd.DataFrame(columns).fillna("").to_string())
