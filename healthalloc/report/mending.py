"""What cannot hold together, and what would mend it, as the templates list it."""

from __future__ import annotations

from typing import Any

from healthalloc.explain.conflicts import Conflicts
from healthalloc.explain.repairs import Repairs
from healthalloc.labels import Words, number
from healthalloc.report.sheets import clip
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution


def conflict_lists(solution: Solution, found: Conflicts | None, words: Words) -> list[Any]:
    """Each conflict as its members: what, quote, target, unit.

    Parameters
    ----------
    solution
        Whose own conflict is shown where none was looked for.
    found
    words
    """
    known = list(found.conflicts) if found is not None else []
    if not known and solution.conflict is not None:
        known = [solution.conflict]
    return [
        [
            {
                "member": _member(row, solution.scenario, words),
                "kind": words.known("member", row["kind"]),
                "quote": clip(row["quote"], 200),
                "target": words.target(row["target"]),
                "unit": words.known("unit", row["unit"]),
            }
            for row in conflict.table().to_dict("records")
        ]
        for conflict in known
    ]


def repair_lists(solution: Solution, found: Repairs | None, words: Words) -> list[Any]:
    """Each repair: what it is best at, its changes, its cost."""
    shown = []
    for k, repair in enumerate(found.repairs if found is not None else ()):
        best = [words.known("criterion", name) for name, at in found.best.items() if at == k]  # type: ignore[union-attr]
        changes = [
            {
                "member": _member(row, solution.scenario, words),
                "quote": clip(row["quote"], 200),
                "field": words.known("field", row["field"]),
                "old": number(row["from"]),
                "new": number(row["to"]),
                "unit": words.known("unit", row["unit"]),
            }
            for row in repair.changes.to_dict("records")
        ]
        cost = words.money(repair.cost_cny_a_year)
        shown.append({"best": ", ".join(best), "changes": changes, "cost": cost})
    return shown


def _member(row: dict[Any, Any], scenario: Scenario, words: Words) -> str:
    """The id of a clause, or whose stock of what is limited, by their names."""
    member = str(row["member"])
    if row["kind"] == "clause":
        return clip(member, 80)
    resource_id, _, facility_id = member.partition(" in ")
    resource = dict(zip(scenario.resources["resource_id"], scenario.resources["name"]))
    facility = dict(zip(scenario.facilities["facility_id"], scenario.facilities["name"]))
    return words(
        "report.stock_of",
        resource=clip(resource.get(resource_id, resource_id), 60),
        facility=clip(facility.get(facility_id, facility_id), 60),
    )
