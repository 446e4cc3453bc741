"""Two solutions side by side: what differs, for whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from healthalloc.labels import Words, number
from healthalloc.plotting import people
from healthalloc.plotting.palette import AFTER, LINES
from healthalloc.report import charts, headline, sheets
from healthalloc.report.map import flow_note, region_map
from healthalloc.report.mending import conflict_lists
from healthalloc.report.sheets import Sheet, amount, word
from healthalloc.solution import Solution


def pair_content(
    solutions: Sequence[Solution], names: Sequence[str], words: Words
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the templates show of two solutions, and the figures.

    Parameters
    ----------
    solutions, names
        Two of each.
    words
    """
    a, b = solutions
    content: dict[str, Any] = {
        "name": " | ".join(sheets.clip(n, 80) for n in names),
        "names": [sheets.clip(n, 80) for n in names],
        "years": "",
        "statuses": [words(f"status.{s.status.value}") for s in solutions],
        "solved": all(s.status.has_solution for s in solutions),
        "columns": [
            headline.tiles(s, words, people.since_today(s)) if s.status.has_solution else []
            for s in solutions
        ],
        "conflicts": [conflict_lists(s, None, words) for s in solutions],
        "services": [],
        "changes": [],
    }
    if not content["solved"]:
        return content, {}
    changes = people.who_changes(a, b)
    counted = people.residents_by_state(changes)
    content |= {
        "changes": [(words(f"state.{s}"), number(n)) for s, n in counted.items()],
        "n_common": len(changes),
        "cost": _cost(solutions, names, words),
        "clauses": _clauses(solutions, names, words),
        "allocation": _allocation(solutions, names, words),
        "people": _people(changes, names, words),
        "services": asked_services(b),
        "flow_note": flow_note(b, words),
    }
    named = dict(zip(names, solutions))
    ids = set(a.scenario.services["service_id"]) & set(a.scenario.demand["service_id"])
    wanted = [s for s in b.scenario.demand["service_id"].unique() if s in ids]
    figures = {
        "map": region_map(b, words, changes if len(changes) else None),
        "cost": charts.cost_chart({sheets.clip(n, 30): s for n, s in named.items()}, words),
        "travel": charts.travel_chart(
            [(sheets.clip(names[0], 20), a, "dotted"), (sheets.clip(names[1], 20), b, "solid")],
            wanted, words,
        ),
        "lorenz": charts.lorenz_chart(
            [(sheets.clip(names[0], 20), a, LINES[1]), (sheets.clip(names[1], 20), b, AFTER)], words
        ),
    }  # fmt: skip
    return content, figures


def asked_services(solution: Solution) -> list[tuple[int, str]]:
    """Position and name of the services that residents ask for."""
    services = solution.scenario.services
    asked = set(solution.scenario.demand["service_id"])
    named = zip(services["service_id"], services["name"])
    return [(k, sheets.clip(name, 60)) for k, (i, name) in enumerate(named) if i in asked]


def _heads(first: Sequence[str], names: Sequence[str], words: Words) -> list[tuple[str, bool]]:
    heads = [(words(f"report.{name}"), False) for name in first]
    heads += [(sheets.clip(name, 40), True) for name in names]
    return [*heads, (words("report.difference"), True)]


def _differing(old: float, new: float) -> sheets.Cell:
    change = float(np.nan_to_num(new) - np.nan_to_num(old))
    return amount(change, "up" if change > 1e-6 else "down" if change < -1e-6 else "", sign=True)


def _cost(solutions: Sequence[Solution], names: Sequence[str], words: Words) -> Sheet:
    a, b = (s.cost.set_index("component")["cny_a_year"] for s in solutions)
    rows = [
        (
            [word(words(f"cost.{c}")), amount(a[c]), amount(b[c]), _differing(a[c], b[c])],
            bool(abs(a[c] - b[c]) > 0.5),
        )
        for c in a.index
    ]
    return sheets.sheet(_heads(["component"], names, words), rows)


def _clauses(solutions: Sequence[Solution], names: Sequence[str], words: Words) -> Sheet:
    """Every clause of either plan, by its id."""
    a, b = (s.clauses.drop_duplicates("clause_id").set_index("clause_id") for s in solutions)
    rows = []
    for clause_id in dict.fromkeys([*b.index, *a.index]):
        sides = [t.loc[clause_id] if clause_id in t.index else None for t in (a, b)]
        shown = next(side for side in reversed(sides) if side is not None)
        achieved = [np.nan if side is None else float(side["achieved"]) for side in sides]
        targets = ["–" if side is None else words.target(side["target"]) for side in sides]
        said = targets[0] if targets[0] == targets[1] else " → ".join(targets)
        verdicts = []
        for side in sides:
            known = side is not None and side["met"] is not None and side["met"] == side["met"]
            met = ("yes" if side["met"] else "no") if known and side is not None else ""
            verdicts.append(sheets.Cell(words(f"report.{met}") if met else "–", met, met))
        cells = [
            word(clause_id), word(shown["quote"]), word(said), *verdicts,
            *(amount(value) for value in achieved), _differing(*achieved),
        ]  # fmt: skip
        differs = targets[0] != targets[1] or verdicts[0] != verdicts[1]
        changed = abs(np.nan_to_num(achieved[0]) - np.nan_to_num(achieved[1])) > 1e-6
        rows.append((cells, bool(differs or changed)))
    columns = _heads(["clause", "quote", "target"], names, words)
    verdict = [(f"{words('report.met')}: {sheets.clip(name, 30)}", False) for name in names]
    return sheets.sheet([*columns[:3], *verdict, *columns[3:]], rows)


def _allocation(solutions: Sequence[Solution], names: Sequence[str], words: Words) -> Sheet:
    """Allocated units that differ or not, by facility and resource of either scenario."""
    key = ["facility_id", "resource_id"]
    a, b = (s.stock.set_index(key)["allocated"] for s in solutions)
    both = pd.concat([a.rename("a"), b.rename("b")], axis=1)
    both = both[(both.fillna(0.0) > 0).any(axis=1)]
    facility: dict[str, str] = {}
    resource: dict[str, str] = {}
    for s in solutions:
        facility |= dict(zip(s.scenario.facilities["facility_id"], s.scenario.facilities["name"]))
        resource |= dict(zip(s.scenario.resources["resource_id"], s.scenario.resources["name"]))
    rows = [
        (
            [word(facility[f]), word(resource[r]), amount(old), amount(new), _differing(old, new)],
            bool(abs(np.nan_to_num(old) - np.nan_to_num(new)) > 1e-6),
        )
        for (f, r), old, new in both.itertuples(name=None)
    ]
    return sheets.sheet(_heads(["facility", "resource"], names, words), rows)


def _people(changes: pd.DataFrame, names: Sequence[str], words: Words) -> Sheet:
    """For whom: what is served and the mean way of each population."""
    heads = [(words("report.population"), False), (words("report.residents"), True)]
    for measure in ("served_percent", "mean_travel"):
        heads += [(f"{words(f'report.{measure}')}: {sheets.clip(n, 30)}", True) for n in names]
    heads.append((words("report.state"), False))
    rows = []
    for row in changes.to_dict("records"):
        values = ("served_before", "served_after", "travel_before", "travel_after")
        state = sheets.Cell(words(f"state.{row['state']}"), row["state"], row["state"])
        cells = [word(row["name"]), amount(row["residents"]), *(amount(row[v]) for v in values)]
        rows.append(([*cells, state], row["state"] != "even"))
    return sheets.sheet(heads, rows)
