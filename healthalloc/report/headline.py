"""The first screen: what the plan achieves, what it costs, what fails and what is dear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from healthalloc.labels import Words, number, signed
from healthalloc.plotting import people, series
from healthalloc.report.sheets import clip
from healthalloc.solution import Solution

SHOWN = 6
"""Clauses listed on each side of the first screen."""


@dataclass(frozen=True)
class Tile:
    """One figure of the first screen: what it is, the figure, a remark, ``good`` or ``bad``."""

    label: str
    value: str
    remark: str = ""
    tone: str = ""


def tiles(solution: Solution, words: Words, changes: pd.DataFrame | None) -> list[Tile]:
    """The figures of the first screen.

    Parameters
    ----------
    solution
        With an allocation.
    words
    changes
        As `people.since_today`.
    """
    cost = solution.cost.set_index("component")
    total, each = (float(cost.loc["total", c]) for c in cost.columns)  # type: ignore[arg-type]
    penalty = cost.loc[["unmet_penalty", "left_out_penalty"], "cny_a_year"].sum()
    remark = words("report.plus_penalty", money=words.money(penalty)) if penalty > 0.5 else ""
    found = [
        Tile(words("report.tile_cost"), words.money(total), remark),
        Tile(words("report.tile_each"), words("report.cny", amount=number(np.round(each)))),
        *_clause_tiles(solution.clauses, words),
    ]
    demand = solution.demand
    missed = demand[["no_service_within_reach", "within_reach_but_no_capacity"]].sum()
    asked, unserved = demand["demand"].sum(), missed.sum()
    served = words("report.of_cases", cases=number(asked))
    tone = "bad" if unserved > 0.5 else "good"
    found.append(Tile(words("report.tile_unserved"), number(unserved), served, tone))
    for kind in ("bed", "staff"):
        held = series.held_by_facility(solution, kind)
        old, new = held["existing"].sum(), held["allocated"].sum()
        if old or new:
            change = words("report.from_to", old=number(old), change=signed(new - old))
            found.append(Tile(words.known("kind", kind), number(new), change))
    value, remark = "–", words("report.not_compared")
    if changes is not None:
        counted = people.residents_by_state(changes)
        value = f"{number(counted['gains'])} / {number(counted['loses'])}"
        remark = words("report.gain_lose_rule")
    found.append(Tile(words("report.tile_gain_lose"), value, remark))
    return found


def _clause_tiles(clauses: pd.DataFrame, words: Words) -> list[Tile]:
    says = clauses["met"].map(lambda met: met is not None and met == met)  # some speak of nobody
    enforced = clauses[(clauses["treatment"] == "enforce") & says]
    met = int(enforced["met"].eq(True).sum())
    tone = "good" if met == len(enforced) else "bad"
    audited = clauses[clauses["treatment"] == "audit"]
    fails = int(audited["met"].eq(False).sum())
    remark = words("report.audited_fail", n=fails, of=len(audited)) if len(audited) else ""
    value = f"{met} / {len(enforced)}"
    return [Tile(words("report.tile_clauses"), value, remark, tone)]


def failing(clauses: pd.DataFrame, words: Words) -> list[tuple[str, str, str]]:
    """Clauses that are not met, those farthest off first: id, quote, how far off."""
    broken = clauses[clauses["met"].eq(False)].copy()
    broken["off"] = series.shortfall_percent(broken)
    broken = broken.sort_values("off", ascending=False, kind="stable")
    found = []
    for row in broken.to_dict("records"):
        said = words(
            "report.achieved_of",
            achieved=number(row["achieved"]),
            target=words.target(row["target"]),
            unit=words.known("unit", row["unit"]),
        )
        found.append((clip(row["clause_id"], 60), clip(row["quote"], 90), clip(said, 90)))
    return found


def dearest(clauses: pd.DataFrame, words: Words) -> list[tuple[str, str, str]]:
    """Clauses by what one per cent more would cost: id, quote, cost."""
    dear = clauses.assign(one_percent=series.one_percent_cny(clauses))
    dear = dear[dear["one_percent"] > 0.5].nlargest(SHOWN, "one_percent")
    return [
        (clip(i, 60), clip(quote, 90), words("report.for_one_percent", money=words.money(cny)))
        for i, quote, cny in zip(dear["clause_id"], dear["quote"], dear["one_percent"])
    ]
