"""The plan workbook: the answer to a scenario as a finance office expects it."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from healthalloc.errors import DataError, Problem
from healthalloc.labels import Language, Words
from healthalloc.progress import phase
from healthalloc.solution import Solution
from healthalloc.workbook.costs import add_costs
from healthalloc.workbook.limits import SUFFIX, whole_file
from healthalloc.workbook.shown import (
    AMBER,
    GREEN,
    RED,
    Book,
    Formula,
    Placed,
    Shown,
    add_table,
    new_book,
)
from healthalloc.workbook.summary import CELLS, add_summary
from healthalloc.workbook.units import allocation_columns, colour_changes, unit_columns

CATEGORY = "healthalloc plan workbook"
"""Property that marks a file as one of ours."""


def plan_path(output: str | os.PathLike[str] | None, scenario_folder: Path) -> Path:
    """Where to write the plan workbook of a scenario.

    Parameters
    ----------
    output
        The file asked for; ``None`` for ``<scenario>-plan.xlsx`` in the current folder.
    scenario_folder
        Folder or workbook of the scenario, in which nothing is ever written.

    Raises
    ------
    DataError
        If the file lies in the scenario, has another ending, or is something else than an
        earlier plan workbook.
    """
    folder = scenario_folder.resolve()
    name = folder.stem if folder.is_file() else folder.name
    path = Path(f"{name}-plan{SUFFIX}" if output is None else output).resolve()
    if folder in path.parents:
        mend = "choose a file outside the scenario"
        raise DataError([Problem(str(path), "lies inside the scenario", mend=mend)])
    if path.suffix.lower() != SUFFIX:
        mend = f"give it a name that ends in {SUFFIX}"
        raise DataError([Problem(str(path), "is no name of an Excel workbook", mend=mend)])
    if path.exists() and not _is_ours(path):
        message = "exists and is no earlier plan workbook"
        raise DataError([Problem(str(path), message, mend="choose another file")])
    return path


def _is_ours(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return CATEGORY.encode() in archive.read("docProps/core.xml")
    except (OSError, KeyError, zipfile.BadZipFile):
        return False


@phase("workbook")
def write_plan(
    solution: Solution,
    file: str | os.PathLike[str],
    language: Language = "en",
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write the answer to a scenario as a workbook.

    Parameters
    ----------
    solution
        Also of an infeasible plan: then the sheets say what cannot hold together.
    file
        File to write; an earlier one is replaced.
    language
        Of headings and words; names and quotes stay as they are.
    facts
        Facts of the run, as `io.run_facts` gives them.

    Raises
    ------
    DataError
        If a sheet cannot hold so many rows, or the file cannot be written.
    UnsupportedError
        If XlsxWriter is not installed.
    """
    stream = io.BytesIO()
    book = new_book(stream, Words(language))
    book.workbook.set_properties(
        {"title": solution.scenario.settings.name[:255], "category": CATEGORY}
    )
    tables = _later_tables(book, solution)
    first = ["summary"]
    if solution.status.has_solution:
        first += ["costs", "units", "allocation", "clauses", "clause_rows", "demand", "access"]
    for name in [*first, *tables]:
        book.add(name)
    placed = {name: add_table(book, name, columns) for name, columns in tables.items()}
    if solution.status.has_solution:
        placed |= _add_answer(book, solution, placed)
    add_summary(book, solution, placed, facts or {})
    book.workbook.close()
    whole_file(Path(file), stream.getvalue())


def _later_tables(book: Book, solution: Solution) -> dict[str, list[Shown]]:
    """Tables at the end of the book, those that the scenario has."""
    found: dict[str, list[Shown]] = {}
    if solution.status.has_solution:
        sites = solution.sites.assign(
            facility=solution.sites["name"],
            site=[book.words.known("workbook", str(word)) for word in solution.sites["site"]],
            site_cost_cny=solution.scenario.facilities["site_cost_cny"].to_numpy(),
        )
        keys = ["facility_id", "facility", "site", "open", "site_cost_cny"]
        found["sites"] = _columns(sites[keys], {"site_cost_cny": "money", "facility": "long"})
        if len(solution.scenario.referrals):
            found["referrals"] = _columns(solution.referrals, {}, total=("cases_a_year",))
            sums = ("needed", "referred", "not_referred")
            found["referral_needs"] = _columns(solution.referral_needs, {}, total=sums)
        if any(clause.is_parameter for clause in solution.scenario.plan.clauses):
            found["beds_freed"] = _columns(solution.beds_freed, {}, total=("beds_freed",))
    if solution.conflict is not None:
        looks = {"member": "long", "quote": "long"}
        found["conflict"] = _columns(solution.conflict.table(), looks)
    assumptions = solution.assumptions
    assumptions["table"] = [book.words.known("table", str(t)) for t in assumptions["table"]]
    looks = {"row": "whole", "item": "long", "assumption": "long"}
    found["assumptions"] = _columns(assumptions, looks)
    return found


def _columns(
    table: pd.DataFrame, looks: Mapping[str, str], total: Sequence[str] = ()
) -> list[Shown]:
    """A table as it is: numbers with two places, where nothing else is said."""
    shown = []
    for name in map(str, table.columns):
        usual = "number" if table[name].dtype.kind in "if" else "text"
        values = table[name].to_numpy(dtype=object).tolist()
        shown.append(Shown(name, values, looks.get(name, usual), total=name in total))
    return shown


def _add_answer(book: Book, solution: Solution, placed: dict[str, Placed]) -> dict[str, Placed]:
    """The sheets of an allocation; the later ones stand already."""
    summary = f"'{book.title('summary')}'!"
    rate, hour, residents = (f"{summary}{CELLS[n]}" for n in ("discount_rate", "hour", "residents"))
    found = dict(placed)
    found["units"] = add_table(book, "units", unit_columns(book, solution, rate, residents))
    columns = allocation_columns(book, solution, found["units"])
    found["allocation"] = add_table(book, "allocation", columns)
    colour_changes(book, found["allocation"], len(solution.stock))
    for name, table in (("clauses", solution.clauses), ("clause_rows", solution.clause_rows)):
        found[name] = add_table(book, name, _clause_columns(book, table))
        _colour_clauses(book, found[name])
    found["demand"] = add_table(book, "demand", _demand_columns(solution))
    _colour_demand(book, found["demand"])
    access = solution.access
    access["area_class"] = [book.word("all") if c == "all" else c for c in access["area_class"]]
    looks = {"residents": "whole", "residents_within_radius": "whole",
             "share_within_radius_percent": "percent"}  # fmt: skip
    found["access"] = add_table(book, "access", _columns(access, looks))
    add_costs(book, solution, found, columns, hour, residents)
    return found


def _clause_columns(book: Book, table: pd.DataFrame) -> list[Shown]:
    known = {
        "status": "clause_status", "treatment": "treatment", "unit": "unit",
        "price_basis": "price_basis",
    }  # fmt: skip
    table = table.assign(
        **{c: [book.words.known(g, str(v)) for v in table[c]] for c, g in known.items()},
        target=[book.words.target(str(text)) for text in table["target"]],
        # a truth value that is not known is empty
        met=pd.Series(
            [v if isinstance(v, bool | np.bool_) else None for v in table["met"]],
            index=table.index,
            dtype=object,
        ),
    )
    looks = {"quote": "long", "source": "text", "price_cny_a_year": "money", "statements": "whole",
             "price_basis": "text"}  # fmt: skip
    return _columns(table, looks)


def _colour_clauses(book: Book, placed: Placed) -> None:
    sheet: Any = book.workbook.get_worksheet_by_name(placed.sheet)
    fills = {c: book.workbook.add_format({"bg_color": c}) for c in (GREEN, RED, AMBER)}

    def colour(key: str, rule: dict[str, Any], fill: str = "") -> None:
        cells = placed.range(key).partition("!")[2].replace("$", "")
        sheet.conditional_format(cells, rule | ({"format": fills[fill]} if fill else {}))

    for word, fill in (("yes", GREEN), ("no", RED)):
        rule = {"type": "cell", "criteria": "==", "value": f'"{book.word(word)}"'}
        colour("met", rule, fill)
    letter, first = placed.letters["slack"], placed.first
    tight = f"=AND(ISNUMBER({letter}{first}),ABS({letter}{first})<0.000001)"
    colour("slack", {"type": "formula", "criteria": tight}, AMBER)
    below = f"=AND(ISNUMBER({letter}{first}),{letter}{first}<0)"
    colour("slack", {"type": "formula", "criteria": below}, RED)
    colour("price_cny_a_year", {"type": "data_bar", "bar_color": "#9DB7D5"})


def _demand_columns(solution: Solution) -> list[Shown]:
    demand = solution.demand
    where = solution.scenario.populations.set_index("population_id").loc[demand["population_id"]]
    share = (100 * demand["served"] / demand["demand"].where(demand["demand"] > 0)).tolist()
    keys = ("demand", "served", "no_service_within_reach", "within_reach_but_no_capacity")
    return [
        Shown("population_id", demand["population_id"].tolist()),
        Shown("population", where["name"].tolist()),
        Shown("area", where["area"].tolist()),
        Shown("service_id", demand["service_id"].tolist()),
        *(Shown(key, demand[key].to_numpy(), "number", total=True) for key in keys),
        Shown("share_served", [
            Formula(f'=IF(E{row}>0,100*F{row}/E{row},"")', value)
            for row, value in enumerate(share, start=2)
        ], "percent"),
    ]  # fmt: skip


def _colour_demand(book: Book, placed: Placed) -> None:
    sheet: Any = book.workbook.get_worksheet_by_name(placed.sheet)
    red = book.workbook.add_format({"bg_color": RED})
    for key in ("no_service_within_reach", "within_reach_but_no_capacity"):
        cells = placed.range(key).partition("!")[2].replace("$", "")
        rule = {"type": "cell", "criteria": ">", "value": 0.005, "format": red}
        sheet.conditional_format(cells, rule)
