"""The sheet of costs: every component as a formula, beside what the solver says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from healthalloc.solution import Solution
from healthalloc.workbook.shown import Book, Formula, Placed, Shown, add_table, sum_where

COMPONENTS = (
    "capital", "retirement", "operating", "staff", "travel", "site", "total", "unmet_penalty",
    "left_out_penalty", "objective",
)  # fmt: skip
ROW = {name: k + 2 for k, name in enumerate(COMPONENTS)}
"""Row of each component on the sheet."""
_HOW = {
    "capital": "how_capital", "retirement": "how_capital", "operating": "how_operating",
    "staff": "how_staff", "travel": "how_travel", "site": "how_site", "total": "how_total",
    "unmet_penalty": "how_unmet", "left_out_penalty": "how_left_out", "objective": "how_objective",
}  # fmt: skip
SERVICES_TOP = len(COMPONENTS) + 3
"""Row of the header of the services, counted from 0."""


def add_costs(
    book: Book,
    solution: Solution,
    sheets: dict[str, Placed],
    allocation: list[Shown],
    hour: str,
    residents: str,
) -> None:
    """Write the sheet of costs.

    Parameters
    ----------
    book
    solution
    sheets
        Where allocation, demand, sites and the tables of referrals stand.
    allocation
        Columns of the sheet of the allocation.
    hour, residents
        Cells with the value of an hour and the residents.
    """
    sheet = book.sheet("costs")
    services = _service_columns(solution, sheets["demand"], hour)
    blocks = [(services, _add_block(book, "by_service", services, SERVICES_TOP))]
    if len(solution.scenario.referrals):
        top = SERVICES_TOP + len(solution.scenario.services) + 4
        columns = _referral_columns(solution, sheets, hour)
        blocks.append((columns, _add_block(book, "by_referral", columns, top)))
    solved = dict(zip(solution.cost["component"], solution.cost["cny_a_year"]))
    texts = _formulas(book, sheets, [placed for _, placed in blocks])
    found = _values(book, solution, allocation, [columns for columns, _ in blocks])
    people = float(solution.scenario.populations["residents"].sum())
    rows = [(name, ROW[name]) for name in COMPONENTS]
    total = found["total"]
    shares = [100 * found[n] / total if total else np.nan for n, _ in rows]
    per_head = [found[n] / people if people else np.nan for n, _ in rows]
    add_table(book, "costs", [
        Shown("component", [book.words(f"cost.{name}") for name, _ in rows], "long"),
        Shown("by_formula", [
            Formula(texts[n], found[n]) if n in texts else found[n] for n, _ in rows
        ], "money"),
        Shown("as_solved", [solved[n] for n, _ in rows], "money"),
        Shown("difference", [
            Formula(f"=B{r}-C{r}", found[n] - solved[n]) for n, r in rows
        ], "price"),
        Shown("per_resident", [
            Formula(f'=IF({residents}>0,B{r}/{residents},"")', per_head[k])
            for k, (_, r) in enumerate(rows)
        ], "price"),
        Shown("share_of_total", [
            Formula(f'=IF(B${ROW["total"]}<>0,100*B{r}/B${ROW["total"]},"")', shares[k])
            for k, (_, r) in enumerate(rows)
        ], "percent"),
        Shown("how", [book.word(_HOW[n]) for n, _ in rows], "long"),
    ])  # fmt: skip
    sheet.autofilter(0, 0, len(COMPONENTS), 6)
    _mark_rows(book, sheet)


def _mark_rows(book: Book, sheet: Any) -> None:
    bold = book.workbook.add_format({"bold": True, "bg_color": "#F2F2F2"})
    for name in ("total", "objective"):
        cells = f"A{ROW[name]}:G{ROW[name]}"
        sheet.conditional_format(cells, {"type": "no_errors", "format": bold})
    apart = book.workbook.add_format({"bg_color": "#FFC7CE"})
    rule = {"type": "formula", "criteria": "=ABS($D2)>1+0.000001*ABS($C2)", "format": apart}
    sheet.conditional_format(f"D2:D{ROW['objective']}", rule)
    sheet.set_column(0, 0, 36)
    sheet.set_column(1, 6, 17)


def _add_block(book: Book, title: str, columns: list[Shown], top: int) -> Placed:
    sheet = book.sheet("costs")
    book.put(sheet, top - 1, 0, book.word(title), "text", "title")
    return add_table(book, "costs", columns, top)


def _formulas(book: Book, sheets: dict[str, Placed], blocks: list[Placed]) -> dict[str, str]:
    """The formula of each component that has one."""
    allocation = sheets["allocation"]
    staff = book.words.known("workbook", "staff")
    kinds = allocation.range("kind")
    running = allocation.range("running")
    texts = {
        "capital": f"=SUM({allocation.range('capital')})",
        "retirement": f"=SUM({allocation.range('retirement')})",
        "operating": f'=SUMIFS({running},{kinds},"<>{staff}")',
        "staff": f'=SUMIFS({running},{kinds},"{staff}")',
        "travel": "=" + "+".join(f"SUM({b.range('travel_cost')})" for b in blocks),
        "total": f"=SUM(B2:B{ROW['total'] - 1})",
        "unmet_penalty": "=" + "+".join(f"SUM({b.range('penalty')})" for b in blocks),
        "objective": f"=SUM(B{ROW['total']}:B{ROW['left_out_penalty']})",
    }
    sites, yes = sheets["sites"], book.word("yes")
    texts["site"] = f'=SUMIFS({sites.range("site_cost_cny")},{sites.range("open")},"{yes}")'
    return texts


def _values(
    book: Book, solution: Solution, allocation: list[Shown], blocks: list[list[Shown]]
) -> dict[str, float]:
    """What the formula of each component comes to."""
    shown = {column.key: column.values for column in allocation}
    staff = np.array(
        [kind == book.words.known("workbook", "staff") for kind in shown["kind"]], bool
    )
    running, capital, retired = (
        np.array([cell.value for cell in shown[key]], float)
        for key in ("running", "capital", "retirement")
    )

    def sums(key: str) -> float:
        columns = [c for block in blocks for c in block if c.key == key]
        return float(sum(cell.value for column in columns for cell in column.values))

    costs = solution.scenario.facilities["site_cost_cny"].to_numpy(dtype=float)
    found = {
        "capital": float(capital.sum()), "retirement": float(retired.sum()),
        "operating": float(running[~staff].sum()), "staff": float(running[staff].sum()),
        "travel": sums("travel_cost"),
        "site": float(costs[solution.sites["open"].to_numpy(dtype=bool)].sum()),
    }  # fmt: skip
    found["total"] = sum(found.values())
    solved = dict(zip(solution.cost["component"], solution.cost["cny_a_year"]))
    found["unmet_penalty"] = sums("penalty")
    found["left_out_penalty"] = solved["left_out_penalty"]
    found["objective"] = found["total"] + found["unmet_penalty"] + found["left_out_penalty"]
    return found


def _mean(minutes: pd.Series[Any], weight: pd.Series[Any]) -> float:
    total = float(weight.sum())
    return float((minutes * weight).sum() / total) if total else np.nan


def _block_columns(
    first: list[Shown], served: list[Formula], missed: list[Formula], minutes: list[float],
    services: pd.DataFrame, hour: tuple[str, float], top: int,
) -> list[Shown]:  # fmt: skip
    """The columns that services and referrals share, from the cases on."""
    k = len(first)
    column = [chr(65 + k + step) for step in range(7)]
    cases, minute, journey, _, lost, penalty, _ = column
    journeys = services["journeys_per_case"].tolist()
    penalties = services["unmet_penalty_cny"].tolist()
    travels, losses = [], []
    for row, (done, mean, per, gone, price) in enumerate(
        zip(served, minutes, journeys, missed, penalties), start=top + 2
    ):
        text = f"={cases}{row}*{minute}{row}*{journey}{row}*{hour[0]}/60"
        cost = done.value * mean * per * hour[1] / 60 if mean == mean else 0.0
        travels.append(Formula(text, cost))
        losses.append(Formula(f"={lost}{row}*{penalty}{row}", gone.value * price))
    return [
        *first,
        Shown("served", served, "number"),
        Shown("mean_travel_min", minutes, "number"),
        Shown("journeys", journeys, "number", is_input=True),
        Shown("travel_cost", travels, "money", total=True),
        Shown("not_served", missed, "number"),
        Shown("penalty_per_case", penalties, "money", is_input=True),
        Shown("penalty", losses, "money", total=True),
    ]


def _service_columns(solution: Solution, demand: Placed, hour: str) -> list[Shown]:
    scenario, table, flows = solution.scenario, solution.demand, solution.flows
    services = scenario.services
    ids = services["service_id"].tolist()
    sums = table.groupby("service_id")[
        ["served", "no_service_within_reach", "within_reach_but_no_capacity"]
    ].sum()
    sums = sums.reindex(ids).fillna(0.0)

    def total(row: int, *keys: str) -> Formula:
        cell = f"$A{SERVICES_TOP + 2 + row}"
        texts = [
            sum_where(demand.range(key), (demand.range("service_id"), cell, ids)) for key in keys
        ]
        return Formula("=" + "+".join(texts), float(sums.loc[ids[row], list(keys)].sum()))

    minutes = [
        _mean(f["travel_min"], f["cases_a_year"])
        for f in (flows[flows["service_id"] == i] for i in ids)
    ]
    lost = ("no_service_within_reach", "within_reach_but_no_capacity")
    rows = range(len(ids))
    return _block_columns(
        [Shown("service_id", ids), Shown("service", services["name"].tolist())],
        [total(k, "served") for k in rows], [total(k, *lost) for k in rows], minutes, services,
        (hour, scenario.settings.value_of_travel_cny_per_hour), SERVICES_TOP,
    )  # fmt: skip


def _referral_columns(solution: Solution, sheets: dict[str, Placed], hour: str) -> list[Shown]:
    scenario, needs, sent = solution.scenario, solution.referral_needs, solution.referrals
    table, top = scenario.referrals, SERVICES_TOP + len(scenario.services) + 4
    start, end = table["from_service_id"].tolist(), table["to_service_id"].tolist()
    placed = sheets["referral_needs"]

    def total(row: int, key: str) -> Formula:
        at = f"{top + 2 + row}"
        text = sum_where(
            placed.range(key),
            (placed.range("from_service_id"), f"$A{at}", start),
            (placed.range("to_service_id"), f"$B{at}", end),
        )
        chosen = needs[
            (needs["from_service_id"] == start[row]) & (needs["to_service_id"] == end[row])
        ]
        return Formula(f"={text}", float(chosen[key].sum()))

    pairs = [
        sent[(sent["from_service_id"] == a) & (sent["to_service_id"] == b)]
        for a, b in zip(start, end)
    ]
    rows = range(len(table))
    return _block_columns(
        [Shown("from_service_id", start), Shown("to_service_id", end)],
        [total(k, "referred") for k in rows], [total(k, "not_referred") for k in rows],
        [_mean(p["travel_min"], p["cases_a_year"]) for p in pairs],
        scenario.services.set_index("service_id").loc[end],
        (hour, scenario.settings.value_of_travel_cny_per_hour), top,
    )  # fmt: skip
