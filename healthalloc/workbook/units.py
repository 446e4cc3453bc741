"""Sheets of units and allocation: what each facility gets and what it costs, as formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.norms import annuity
from healthalloc.solution import Solution
from healthalloc.workbook.shown import Book, Formula, Placed, Shown, place, sum_where

Floats = NDArray[np.float64]


def placed_allocation(book: Book, n_rows: int) -> Placed:
    """Where the sheet of the allocation will stand, for the formulas of others."""
    keys = (
        "facility_id", "facility", "category", "ownership", "area", "resource_id", "resource",
        "kind", "existing", "allocated", "change", "unit_operating", "unit_capital",
        "unit_retirement", "running", "capital", "retirement", "cost",
    )  # fmt: skip
    return place(book, "allocation", [Shown(key, [None] * n_rows) for key in keys])


def unit_columns(book: Book, solution: Solution, rate: str, residents: str) -> list[Shown]:
    """Columns of the sheet of units, one row a resource: totals and costs of one unit.

    Parameters
    ----------
    book
    solution
    rate, residents
        Cells with the discount rate and the residents of the region.
    """
    scenario, stock = solution.scenario, solution.stock
    table = scenario.resources
    ids = table["resource_id"].tolist()
    allocation = placed_allocation(book, len(stock))
    tree = {i: [k for k, above in enumerate(table["parent_id"]) if above == i] for i in ids}
    keys = stock["resource_id"].tolist()
    sums = {key: _rolled_up(stock, key, ids, tree) for key in ("existing", "allocated")}
    letters = {"existing": "E", "allocated": "F"}

    def added(key: str, row: int) -> Formula:
        below = tree[ids[row]]
        if below:
            cells = ",".join(f"{letters[key]}{k + 2}" for k in below)
            return Formula(f"=SUM({cells})", sums[key][row])
        part = sum_where(
            allocation.range(key), (allocation.range("resource_id"), f"$A{row + 2}", keys)
        )
        return Formula(f"={part}", sums[key][row])

    people = float(scenario.populations["residents"].sum())
    years = table["life_years"].to_numpy(dtype=float)
    factor = annuity(scenario.settings.discount_rate, years)
    n = range(len(ids))
    rows = [k + 2 for k in n]

    def yearly(letter: str, cost: Floats) -> list[Formula]:
        return [
            Formula(f"=PMT({rate},J{r},-{letter}{r})", cost[k] * factor[k]) for k, r in zip(n, rows)
        ]

    capital = table["capital_cost_cny"].to_numpy(dtype=float)
    retirement = table["retirement_cost_cny"].to_numpy(dtype=float)
    share = np.divide(
        1000 * sums["allocated"], people, out=np.full(len(ids), np.nan), where=people > 0
    )
    return [
        Shown("resource_id", ids),
        Shown("resource", table["name"].tolist()),
        Shown("kind", [book.words.known("workbook", str(k)) for k in table["kind"]]),
        Shown("parent_id", table["parent_id"].tolist()),
        Shown("existing", [added("existing", k) for k in n], "units"),
        Shown("allocated", [added("allocated", k) for k in n], "units"),
        Shown("change", [
            Formula(f"=F{r}-E{r}", sums["allocated"][k] - sums["existing"][k])
            for k, r in zip(n, rows)
        ], "change"),
        Shown("per_1000", [
            Formula(f'=IF({residents}>0,1000*F{r}/{residents},"")', share[k])
            for k, r in zip(n, rows)
        ], "price"),
        Shown("capital_cost_cny", capital, "money", is_input=True),
        Shown("life_years", years, "whole", is_input=True),
        Shown("retirement_cost_cny", retirement, "money", is_input=True),
        Shown("unit_operating", table["operating_cost_cny"].to_numpy(), "price", is_input=True),
        Shown("unit_capital", yearly("I", capital), "price"),
        Shown("unit_retirement", yearly("K", retirement), "price"),
    ]  # fmt: skip


def _rolled_up(stock: pd.DataFrame, key: str, ids: list[str], tree: dict[str, list[int]]) -> Floats:
    own = stock.groupby("resource_id")[key].sum()

    def total(row: int) -> float:
        below = tree[ids[row]]
        return sum(map(total, below)) if below else float(own.get(ids[row], 0.0))

    return np.array([total(row) for row in range(len(ids))])


def allocation_columns(book: Book, solution: Solution, units: Placed) -> list[Shown]:
    """Columns of the sheet of the allocation, one row for each facility and resource.

    Parameters
    ----------
    book
    solution
    units
        The sheet of units, which holds the cost of a unit.
    """
    scenario, stock = solution.scenario, solution.stock
    facilities = scenario.facilities.set_index("facility_id").loc[stock["facility_id"]]
    resources = scenario.resources.set_index("resource_id")
    of_stock = resources.loc[stock["resource_id"]]
    position = resources.index.get_indexer(pd.Index(stock["resource_id"]))
    factor = annuity(scenario.settings.discount_rate, of_stock["life_years"].to_numpy(dtype=float))
    unit = {
        "unit_operating": of_stock["operating_cost_cny"].to_numpy(dtype=float),
        "unit_capital": of_stock["capital_cost_cny"].to_numpy(dtype=float) * factor,
        "unit_retirement": of_stock["retirement_cost_cny"].to_numpy(dtype=float) * factor,
    }
    change = stock["change"].to_numpy(dtype=float)
    running = stock["allocated"].to_numpy(dtype=float) * unit["unit_operating"]
    capital = np.maximum(change, 0.0) * unit["unit_capital"]
    retired = np.maximum(-change, 0.0) * unit["unit_retirement"]
    kinds = [book.words.known("workbook", str(kind)) for kind in of_stock["kind"]]

    def formulas(text: str, values: Floats) -> list[Formula]:
        return [Formula(text.format(r=k + 2), value) for k, value in enumerate(values.tolist())]

    def linked(key: str) -> list[Formula]:
        cells = [units.cell(key, row) for row in position.tolist()]
        return [Formula(f"={cell}", value) for cell, value in zip(cells, unit[key].tolist())]

    return [
        Shown("facility_id", stock["facility_id"].tolist()),
        Shown("facility", facilities["name"].tolist(), "long"),
        *(Shown(c, facilities[c].tolist()) for c in ("category", "ownership", "area")),
        Shown("resource_id", stock["resource_id"].tolist()),
        Shown("resource", of_stock["name"].tolist()),
        Shown("kind", kinds),
        Shown("existing", stock["existing"].to_numpy(), "units"),
        Shown("allocated", stock["allocated"].to_numpy(), "units"),
        Shown("change", formulas("=J{r}-I{r}", change), "change"),
        *(Shown(key, linked(key), "price") for key in unit),
        Shown("running", formulas("=J{r}*L{r}", running), "money", total=True),
        Shown("capital", formulas("=MAX(K{r},0)*M{r}", capital), "money", total=True),
        Shown("retirement", formulas("=MAX(-K{r},0)*N{r}", retired), "money", total=True),
        Shown(
            "cost", formulas("=SUM(O{r}:Q{r})", running + capital + retired), "money", total=True
        ),
    ]


def colour_changes(book: Book, placed: Placed, n_rows: int) -> None:
    """Green where units are added, red where they are given up."""
    sheet: Any = book.workbook.get_worksheet_by_name(placed.sheet)
    letter = placed.letters["change"]
    cells = f"{letter}{placed.first}:{letter}{max(placed.first, placed.first + n_rows - 1)}"
    for criteria, colour in ((">", "#C6EFCE"), ("<", "#FFC7CE")):
        style = book.workbook.add_format({"bg_color": colour})
        rule = {"type": "cell", "criteria": criteria, "value": 0, "format": style}
        sheet.conditional_format(cells, rule)
