"""The tables of the report as cells of text: what the templates show, sort and filter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from healthalloc.labels import Words, number, signed
from healthalloc.plotting.series import one_percent_cny, stock_of
from healthalloc.solution import Solution

LONGEST = 400
"""Characters of a text that are shown; the scenario's own files have all of it."""
MOST_ROWS = 6000
"""Rows of a table that are shown; the result tables have them all."""


@dataclass(frozen=True)
class Cell:
    """One cell: its text, what it is sorted by, its CSS class."""

    text: str
    key: str | float = ""
    css: str = ""


@dataclass(frozen=True)
class Sheet:
    """A table to be shown.

    Parameters
    ----------
    columns
        Headings, and whether the column holds numbers.
    rows
        Cells, and whether the row is one that changes (for the filter).
    n_left_out
        Rows beyond `MOST_ROWS`.
    """

    columns: Sequence[tuple[str, bool]]
    rows: Sequence[tuple[Sequence[Cell], bool]]
    n_left_out: int = field(default=0)


_UNBROKEN = re.compile(r"[^\s\u2e80-\u9fff]{25}")
"""A word so long that it may be broken anywhere, such as an address of a page."""


def clip(text: object, most: int = LONGEST) -> str:
    """A text cut to what a page can show."""
    words = str(text)
    return words if len(words) <= most else words[: most - 1] + "…"


def word(text: object, css: str = "") -> Cell:
    """A cell of text."""
    shown = clip(text)
    if len(shown) <= 12:
        css = f"{css} short".strip()
    elif _UNBROKEN.search(shown):
        css = f"{css} long".strip()
    return Cell(shown, shown.casefold(), css)


def amount(value: float, css: str = "", sign: bool = False) -> Cell:
    """A cell of a number; unknown ones sort last."""
    known = float(value) if np.isfinite(value) else ""
    return Cell(signed(value) if sign else number(value), known, css)


def sheet(columns: Sequence[tuple[str, bool]], rows: list[tuple[list[Cell], bool]]) -> Sheet:
    """A sheet of at most `MOST_ROWS` rows, those that change first where some must go."""
    n_left_out = max(len(rows) - MOST_ROWS, 0)
    if n_left_out:
        rows = sorted(rows, key=lambda row: not row[1])[:MOST_ROWS]
    return Sheet(columns, rows, n_left_out)


def allocation_sheet(solution: Solution, words: Words) -> Sheet:
    """Existing and allocated units of each resource in each facility that has or gets any.

    Those that change most come first: what a meeting looks for, and what is printed.
    """
    scenario, stock = solution.scenario, stock_of(solution)
    largest = stock["change"].abs().sort_values(ascending=False, kind="stable")
    stock = stock.loc[largest.index]
    facility = scenario.facilities.set_index("facility_id")["name"]
    resource = scenario.resources.set_index("resource_id")["name"]
    stock = stock[(stock["existing"] > 0) | (stock["allocated"] > 0)]
    rows = [
        (
            [
                word(facility[f]), word(resource[r]), amount(old), amount(new),
                amount(change, "up" if change > 0 else "down" if change < 0 else "", sign=True),
            ],
            bool(abs(change) > 1e-6),
        )
        for f, r, old, new, change in stock[
            ["facility_id", "resource_id", "existing", "allocated", "change"]
        ].itertuples(index=False, name=None)
    ]  # fmt: skip
    columns = [
        (words("report.facility"), False), (words("report.resource"), False),
        (words("report.existing"), True), (words("report.allocated"), True),
        (words("report.change"), True),
    ]  # fmt: skip
    return sheet(columns, rows)


def clause_sheet(clauses: pd.DataFrame, words: Words) -> Sheet:
    """Every clause: quote, target, achieved, slack, met, price.

    Parameters
    ----------
    clauses
        As `Solution.clauses`; prices may be missing (an audit of today's stock).
    words
    """
    known = "price_cny_a_year" in clauses
    dear = one_percent_cny(clauses) if known else np.full(len(clauses), np.nan)
    rows = []
    for clause, one_percent in zip(clauses.to_dict("records"), dear):
        fails = clause["met"] is not None and clause["met"] == False  # noqa: E712 - numpy's bool
        passes = clause["met"] is not None and clause["met"] == True  # noqa: E712
        met = "yes" if passes else "no" if fails else ""
        price = clause["price_cny_a_year"] if known else np.nan
        rows.append(
            (
                [
                    word(clause["clause_id"]), word(clause["quote"]),
                    word(words.known("clause_status", clause["status"])),
                    word(words.known("treatment", clause["treatment"])),
                    word(words.target(clause["target"])),
                    word(words.known("unit", clause["unit"])),
                    amount(clause["achieved"]), amount(clause["slack"], sign=True),
                    Cell(words(f"report.{met}") if met else "–", met, met),
                    amount(price), amount(one_percent),
                ],
                fails,
            )
        )  # fmt: skip
    columns = [
        (words(f"report.{name}"), name in _NUMBERS)
        for name in (
            "clause", "quote", "clause_status", "treatment", "target", "unit", "achieved", "slack",
            "met", "price", "one_percent",
        )
    ]  # fmt: skip
    return sheet(columns, rows)


_NUMBERS = {"achieved", "slack", "price", "one_percent"}


def cost_sheet(solution: Solution, words: Words) -> Sheet:
    """Yearly cost by component, whole and per resident."""
    columns = [
        (words("report.component"), False), (words("report.cny_a_year"), True),
        (words("report.per_resident"), True),
    ]  # fmt: skip
    rows = []
    for name, cny, each in solution.cost.itertuples(index=False, name=None):
        css = "sum" if name in ("total", "objective") else ""
        cells = [word(words(f"cost.{name}"), css), amount(cny, css), amount(each, css)]
        rows.append((cells, False))
    return sheet(columns, rows)


def demand_sheet(solution: Solution, words: Words) -> Sheet:
    """What becomes of the demand, and access, by service."""
    scenario = solution.scenario
    names = scenario.services.set_index("service_id")["name"]
    columns = solution.demand.columns[2:]
    demand = solution.demand.groupby("service_id", sort=False)[list(columns)].sum()
    access = solution.access[solution.access["area_class"] == "all"].set_index("service_id")
    rows = []
    for service_id in access.index:
        cases, near = demand.loc[service_id], access.loc[service_id]
        cells = [word(names[service_id]), *(amount(cases[c]) for c in columns)]
        shown = ("share_within_radius_percent", "mean_travel_min", "worst_travel_min")
        rows.append(([*cells, *(amount(near[c]) for c in shown)], False))
    heads = [(words("report.service"), False)]
    for name in (*columns, "share_within", "mean_travel", "worst_travel"):
        heads.append((words(f"report.{name}"), True))
    return sheet(heads, rows)


def assumption_sheet(solution: Solution, words: Words) -> Sheet:
    """The assumptions, rows of one table that rest on the same one together, widest first."""
    columns = [
        (words("report.table"), False), (words("report.n_inputs"), True),
        (words("report.items"), False), (words("report.assumption"), False),
    ]  # fmt: skip
    rows = []
    grouped = solution.assumptions.groupby(["table", "assumption"], sort=False)["item"]
    for (table, text), items in sorted(grouped, key=lambda part: -len(part[1])):
        first = ", ".join(clip(item, 40) for item in items.head(4))
        more = f" … (+{len(items) - 4})" if len(items) > 4 else ""
        cells = [
            word(words.known("table", str(table))), amount(len(items)), word(first + more),
            word(str(text).removeprefix("assumed:").strip()),
        ]  # fmt: skip
        rows.append((cells, False))
    return sheet(columns, rows)


def strategy_sheet(table: pd.DataFrame, words: Words) -> Sheet:
    """The strategies side by side.

    Parameters
    ----------
    table
        As `Comparison.table`.
    words
    """
    columns = (
        "cost_cny_a_year", "penalty_cny_a_year", "above_least_cost_percent", "clauses_met",
        "clauses_measured", "no_service_within_reach", "within_reach_but_no_capacity",
        "mean_travel", "gini", "two_step_per_1000", "actions",
    )  # fmt: skip
    heads = [(words("report.strategy"), False), (words("report.state"), False)]
    heads += [(words(f"report.{name}"), True) for name in columns]
    heads.append((words("report.broken"), False))
    rows = []
    for row in table.to_dict("records"):
        name = word(words.known("strategy", row["strategy"]))
        ended = word(words.known("strategy_status", row["status"]))
        why = word(row["broken"] or words.said(row["reason"]))
        rows.append(([name, ended, *(amount(row[c]) for c in columns), why], False))
    return sheet(heads, rows)
