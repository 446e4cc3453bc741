"""What the command prints: the tables of a solution, an audit and the schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from healthalloc.auditing import EXISTING, Audit
from healthalloc.explain.conflicts import Conflict
from healthalloc.labels import Words, language_of
from healthalloc.scenario import Scenario
from healthalloc.schema import TABLES
from healthalloc.solution import Solution
from healthalloc.solvers import Status

FOLDED = 24
"""Width that a column of long text needs at least."""

QUOTE = 44
"""Longest quote shown in a clause table; the files have all of it."""


def unproved(conflict: Conflict) -> str:
    """What is said of a conflict that may hold more than it takes."""
    if conflict.minimal_in_fractions:
        return (
            "Every line is needed where fractions of units and sites are allowed; with whole ones, "
            "time was over before that was known."
        )
    return "Not proved minimal: time was over before every line was seen to be needed."


def solution(console: Console, found: Solution, folder: Path) -> None:
    """Print a solution: status, cost, allocation, clauses, access, assumptions.

    Parameters
    ----------
    console
    found
    folder
        Where the tables were written.
    """
    scenario = found.scenario
    console.print(f"[bold]{escape(scenario.settings.name)}[/]")
    if found.status is Status.INFEASIBLE:
        print_conflict(console, "[bold red]The plan is infeasible.[/]", found)
        if found.conflict is not None:
            resolved = "Leaving out or loosening any one of them resolves this conflict."
            console.print(resolved if found.conflict.minimal else unproved(found.conflict))
    elif not found.status.has_solution:
        console.print(f"[bold red]No allocation:[/] {found.status.words}")
    else:
        _headline(console, found)
        print_table(console, "Beds by facility", _beds(found))
        print_table(console, "Stock of the region", _totals(found))
        title = "Clauses (price in CNY a year per unit of the clause)"
        print_table(console, title, _clauses(found.clauses), wide=("quote", "unit"))
        print_table(console, "Cost (CNY a year)", _cost(found))
        if found.budget is not None:
            console.print(_budget(found.budget))
        print_table(console, "Access", _access(found))
        if len(found.scenario.referrals):
            print_table(console, "Referrals (cases a year)", _referrals(found))
        freed = found.beds_freed["beds_freed"].sum()
        if freed:
            console.print(f"Shorter stays free {freed:,.0f} beds: see beds_freed.csv")
    n = len(found.assumptions)
    console.print(f"{n} inputs are assumptions: see assumptions.csv")
    console.print(f"Tables written to {escape(str(folder))}")


def _budget(budget: Mapping[str, float | None]) -> str:
    """The budget in one line: what it is, what is spent of it, what more of it would save."""
    limit, spent, price = (
        budget[key] for key in ("budget_cny_a_year", "spent_cny_a_year", "price")
    )
    words = f"Budget: {money(limit or 0.0)} CNY a year, {money(spent or 0.0)} spent"
    if price is None:
        return words
    return f"{words}; one CNY more would save {price:,.4g} CNY a year"


def audit(console: Console, scenario: Scenario, found: Audit, folder: Path | None) -> None:
    """Print an audit: each allocation against each clause, then the plan against itself.

    Parameters
    ----------
    console
    scenario
    found
    folder
        Where the tables were written, if they were.
    """
    console.print(f"[bold]{escape(scenario.settings.name)}[/]: audit")
    first = found.clauses[found.clauses["allocation"] == EXISTING]
    rows = first[["clause_id", "quote", "treatment", "target", "unit"]].copy()
    rows["quote"] = rows["quote"].map(short)
    for name, part in found.clauses.groupby("allocation", sort=False):
        rows[str(name)] = part["achieved"].map(number).to_numpy()
        rows[f"met ({name})"] = part["met"].map(met).to_numpy()
    print_table(console, "Clauses", rows, wide=("quote", "unit"))
    for note in found.notes:
        console.print(f"Note: {escape(note)}")
    wrong = found.disagreements
    n = len(found.arithmetic)
    console.print(f"The plan against itself: {len(wrong)} of {n} printed figures do not follow")
    if len(wrong):
        shown = wrong[["check_id", "printed", "arithmetic", "explains"]].copy()
        shown["printed"] = shown["printed"].map(number)
        print_table(
            console, "Printed figures that disagree", shown, wide=("arithmetic", "explains")
        )
    if folder is not None:
        console.print(f"Tables written to {escape(str(folder))}")


def schema(console: Console, rows: pd.DataFrame) -> None:
    """Print the schema, one table after the other.

    Parameters
    ----------
    console
    rows
        As `schema_table` makes them.
    """
    for name, part in rows.groupby("table", sort=False):
        table = TABLES[str(name)]
        optional = " (optional)" if table.optional else ""
        console.print(f"[bold]{table.name}.csv[/]{optional}: {escape(table.meaning)}")
        console.print(f"One row for each {' + '.join(table.key)}.")
        print_table(console, "", part.drop(columns="table"), wide=("allowed", "meaning"))


def print_conflict(console: Console, head: str, found: Solution) -> None:
    """Print the clauses of an infeasible plan that cannot all hold.

    Parameters
    ----------
    console
    head
        What is infeasible.
    found
    """
    if found.conflict is None:
        console.print(f"{head} A limit came before it was known what cannot hold together.")
        return
    console.print(f"{head} These cannot all hold together:")
    console.print(escape(str(found.conflict)))


def _headline(console: Console, found: Solution) -> None:
    cost = found.cost.set_index("component")["cny_a_year"]
    each = found.cost.set_index("component")["cny_a_year_per_resident"]
    proof = f"gap {found.gap:.2g}"
    told = found.certificate is not None and found.certificate.bound_source != "relaxation"
    if found.status is Status.OPTIMAL and not told:
        console.print(
            "[bold green]Optimal[/] by the solver's word, feasibility certified; it tells no "
            f"bound, the linear relaxation proves a {proof}"
        )
    elif found.status is Status.OPTIMAL:
        console.print(f"[bold green]Optimal[/], certificate passed ({proof})")
    else:
        console.print(f"[bold yellow]Stopped at a limit[/] with a feasible allocation ({proof})")
    unmet = cost["unmet_penalty"]
    penalty = f", with the penalty of unmet demand {cost['objective']:,.0f}" if unmet > 0.5 else ""
    console.print(
        f"Yearly cost {cost['total']:,.0f} CNY, {each['total']:,.0f} CNY per resident{penalty}; "
        f"lower bound {found.bound:,.0f}"
    )
    demand = found.demand[found.demand.columns[2:]].groupby(found.demand["service_id"]).sum()
    for service_id, row in demand.iterrows():
        missed = row.iloc[2:].sum()
        if missed > 0:
            console.print(
                f"[yellow]{escape(str(service_id))}[/]: {missed:,.0f} of {row['demand']:,.0f} "
                f"cases unserved ({row.iloc[2]:,.0f} no service within reach, "
                f"{row.iloc[3]:,.0f} within reach but no capacity)"
            )
    rows = found.clauses
    kinds = rows["treatment"].value_counts()
    counts = ", ".join(f"{kinds.get(k, 0)} {w}" for k, w in _TREATMENTS.items())
    idle = int(((rows["treatment"] == "enforce") & rows["met"].isna()).sum())
    counts += f" ({idle} enforced have nothing to meet here)" if idle else ""
    broken = rows.loc[rows["met"].eq(False), "clause_id"]
    audited = f"; audited and not met: {', '.join(broken)}" if len(broken) else ""
    console.print(f"Clauses: {counts}{audited}")


_TREATMENTS = {"enforce": "enforced and met", "audit": "audited", "record": "recorded"}


def _beds(found: Solution) -> pd.DataFrame:
    """Existing and allocated beds of each facility that has or gets any."""
    stock, scenario = found.stock, found.scenario
    layout = found.model.layout
    kind = scenario.resources["kind"].to_numpy()[layout.stock_resource_idx]
    root = layout.resource_ids.to_numpy()[layout.root_idx[layout.stock_resource_idx]]
    beds = stock.assign(resource_id=root)[kind == "bed"]
    by = ["facility_id", "resource_id"]
    total = beds.groupby(by, sort=False)[["existing", "allocated", "change"]].sum()
    total = total[(total[["existing", "allocated"]] > 0).any(axis=1)].reset_index()
    names = scenario.facilities.set_index("facility_id")["name"]
    total.insert(1, "name", total["facility_id"].map(names))
    return _formatted(total)


def _totals(found: Solution) -> pd.DataFrame:
    total = found.stock.groupby("resource_id", sort=False)[
        ["existing", "allocated", "change"]
    ].sum()
    return _formatted(total.reset_index())


def _clauses(rows: pd.DataFrame) -> pd.DataFrame:
    shown = rows[["clause_id", "quote", "treatment", "target", "unit"]].copy()
    shown["quote"] = shown["quote"].map(short)
    shown["base year"] = rows["base_year"].map(number)
    shown["achieved"] = rows["achieved"].map(number)
    shown["slack"] = rows["slack"].map(number)
    shown["met"] = rows["met"].map(met)
    shown["price"] = rows["price_cny_a_year"].map(money)
    return shown


def _cost(found: Solution) -> pd.DataFrame:
    shown = found.cost.copy()
    for column in shown.columns[1:]:
        shown[column] = shown[column].map(money)
    return shown


def _referrals(found: Solution) -> pd.DataFrame:
    pathways = ["from_service_id", "to_service_id"]
    table = found.referral_needs.groupby(pathways, sort=False, as_index=False)
    sums = table[["needed", "referred", "not_referred"]].sum()
    for name in ("needed", "referred", "not_referred"):
        sums[name] = sums[name].map(number)
    return sums


def _access(found: Solution) -> pd.DataFrame:
    shown = found.access[found.access["area_class"] == "all"].drop(columns="area_class")
    return _formatted(shown)


def _formatted(frame: pd.DataFrame) -> pd.DataFrame:
    numbers = frame.select_dtypes("number").columns
    return frame.assign(**{str(c): frame[c].map(number) for c in numbers})


def number(value: float) -> str:
    """A value for people, four digits or whole thousands; empty for NaN."""
    if np.isnan(value):
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def money(value: float) -> str:
    """An amount of CNY in whole units; empty for NaN."""
    return "" if np.isnan(value) else f"{value:,.0f}"


def met(value: bool | None) -> str:
    """Whether a clause is met, "no" in red; empty where there is nothing to say."""
    if value is None or value != value:
        return ""
    return "yes" if value else "[red]no[/]"


def short(text: str) -> str:
    """A quote cut to what a table can show."""
    return text if len(text) <= QUOTE else text[: QUOTE - 1] + "…"


def print_table(
    console: Console, title: str, frame: pd.DataFrame, wide: Sequence[str] = ()
) -> None:
    """Print a table, or its rows one below the other where the console is too narrow for it.

    Parameters
    ----------
    console
    title
    frame
        Cells are shown as text; markup in them is not interpreted, but for a red "no".
    wide
        Columns of long text, which may be folded down to `FOLDED` characters.
    """
    spoken = Words(language_of())
    title = spoken.said(title)
    cells_of = {
        str(c): [spoken.cell(str(c), _cell(value)) for value in frame[c]] for c in frame.columns
    }
    label: dict[str, str] = {}
    for name in cells_of:  # two columns are never shown under one heading
        heading = spoken.column(name)
        label[name] = f"{heading} ({name})" if heading in label.values() else heading
    words = {label[name]: cells for name, cells in cells_of.items()}
    left = {
        label[name] for name in cells_of if name in _WORDS or name.startswith("met") or name in wide
    }
    wide = [label[name] for name in wide if name in label]
    needed = 0
    for name, cells in words.items():
        longest = max(map(cell_len, [name, *cells]))
        needed += 2 + (min(longest, FOLDED) if name in wide else longest)
    if needed - 2 > console.width:
        _print_records(console, title, words)
        return
    shown = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, cells in words.items():
        shown.add_column(
            escape(name), justify="left" if name in left else "right", overflow="fold",
            min_width=FOLDED if name in wide and max(map(cell_len, cells), default=0) > FOLDED
            else None,
        )  # fmt: skip
    for row in zip(*words.values()):
        shown.add_row(*row)
    console.print(shown)


def _print_records(console: Console, title: str, words: dict[str, list[str]]) -> None:
    """Each row as a heading and its cells, empty ones left out."""
    if title:
        console.print(f"\n[italic]{escape(title)}[/]")
    _, *names = words
    for head, *cells in zip(*words.values()):
        said = [f"{escape(name)} {cell}" for name, cell in zip(names, cells) if cell]
        console.print(f"[bold]{head}[/]: " + "; ".join(said))
    console.print()


_WORDS = {
    "facility_id", "name", "resource_id", "clause_id", "quote", "treatment", "target", "unit",
    "component", "service_id", "check_id", "arithmetic", "explains", "column", "allowed", "default",
    "meaning", "population_id",
}  # fmt: skip


def _cell(value: Any) -> str:
    text = str(value)
    return text if text == "[red]no[/]" else escape(text)
