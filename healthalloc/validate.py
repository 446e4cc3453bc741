"""Checks at the door: every table against the schema, every reference, every tree."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from healthalloc.errors import Problem
from healthalloc.schema import REQUIRED, SOURCE, TABLES, Column, Table

_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
FORMULA_STARTS = ("=", "@", "\t", "\r", "+", "-")
"""First characters that a spreadsheet takes for a formula."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint ``"did you mean ...?"``, or ``""`` when nothing is near.

    Parameters
    ----------
    word
        What was written.
    known
        What could have been meant.
    """
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else ""


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would take the text for a formula.

    A signed number such as ``-3.5`` is no formula.
    """
    if not text.startswith(FORMULA_STARTS):
        return False
    try:
        float(text)
    except ValueError:
        return text.strip() not in {"-", "+"}
    return False


def clean_table(
    name: str, frame: pd.DataFrame, extra_columns: Sequence[str] = ()
) -> tuple[pd.DataFrame, list[Problem]]:
    """Check one table against the schema and give it its types and defaults.

    Parameters
    ----------
    name
        Name of the table in the schema.
    frame
        The table as read (all text) or as given from Python.
    extra_columns
        Further columns to keep, as text.

    Returns
    -------
    DataFrame
        Columns in schema order, then ``extra_columns``; text as object strings without outer
        blanks, numbers as float64; a fresh RangeIndex. Meaningless where there are problems.
    list of Problem
        Everything wrong, empty if nothing is.
    """
    table = TABLES[name]
    problems: list[Problem] = []
    known = [column.name for column in table.columns]
    for given in map(str, frame.columns):
        if given not in known and given not in extra_columns:
            message = "unknown column"
            mend = nearest(given, known) or f"allowed: {', '.join(known)}"
            if name == "facilities":
                mend += "; columns of your own are named in extra_facility_columns"
            problems.append(Problem(name, message, column=given, mend=mend))
    doubled = [str(c) for c in frame.columns[frame.columns.duplicated()]]
    problems += [Problem(name, "column given twice", column=c) for c in doubled]
    frame = frame.loc[:, ~frame.columns.duplicated()]
    clean: dict[str, Any] = {}
    extras = [Column(c, "text", "", default="") for c in extra_columns]
    for column in [*table.columns, *extras]:
        if column.name in frame.columns:
            clean[column.name], found = _clean_column(name, column, frame[column.name])
            problems += found
        elif column.default is REQUIRED:
            mend = "from DataFrames as well as files, each row says where it comes from"
            problems.append(
                Problem(
                    name, "missing column", column=column.name,
                    mend=mend if column is SOURCE else f"add it: {column.meaning}",
                )
            )  # fmt: skip
        else:
            fill = np.nan if column.default is None else column.default
            clean[column.name] = np.full(
                len(frame), fill, dtype=object if isinstance(fill, str) else None
            )
    result = pd.DataFrame(clean, index=pd.RangeIndex(len(frame)))
    if not problems:
        problems += _duplicate_keys(table, result)
    return result, problems


def _clean_column(table: str, column: Column, values: pd.Series[Any]) -> tuple[Any, list[Problem]]:
    raw = values.to_numpy(dtype=object)
    # missing cells (None, NaN, a short row) become blanks; text loses its outer blanks
    if column.kind == "number" and pd.api.types.is_numeric_dtype(values):
        number = values.to_numpy(dtype=float)
        blank = np.isnan(number)
    else:
        text = np.array(["" if v is None or v != v else str(v).strip() for v in raw], dtype=object)
        blank = text == ""
        if column.kind == "number":
            number = np.asarray(pd.to_numeric(pd.Series(text), errors="coerce"), dtype=float)
    problems: list[Problem] = []

    def refuse(bad: np.ndarray[Any, Any], message: str, mend: str = "") -> None:
        for row in np.flatnonzero(bad):
            value = "" if raw[row] is None else str(raw[row])
            problems.append(Problem(table, message, int(row) + 1, column.name, value, mend))

    if column.default is REQUIRED:
        refuse(blank, f"is empty: expected {column.allowed}", column.meaning)
    if column.kind == "number":
        infinite = np.isinf(number)
        refuse(~blank & np.isnan(number), f"is not a number: expected {column.allowed}")
        refuse(infinite, f"is infinite: expected {column.allowed}")
        with np.errstate(invalid="ignore"):
            outside = np.zeros(len(number), dtype=bool)
            if column.minimum is not None:
                outside |= number < column.minimum
            if column.above is not None:
                outside |= number <= column.above
            if column.maximum is not None:
                outside |= number > column.maximum
        mend = "are longitude and latitude swapped?" if column.name == "latitude" else ""
        refuse(outside & ~infinite, f"is out of range: expected {column.allowed}", mend)
        if column.default is not REQUIRED:
            number = np.where(blank, float(column.default), number)  # type: ignore[arg-type]
        return number, problems
    if column.kind == "yes_no":
        flags = [column.default if b else _YES.get(t.lower()) for b, t in zip(blank, text)]
        refuse(np.array([f is None for f in flags], dtype=bool), f"expected {column.allowed}")
        return np.array([bool(f) for f in flags], dtype=bool), problems
    refuse(
        np.array([is_formula(t) for t in text], dtype=bool),
        "would run as a formula in a spreadsheet",
        "begin the cell with a letter or a digit",
    )
    if column.choices:
        for row in np.flatnonzero(~np.isin(text.astype(str), column.choices) & ~blank):
            problems.append(
                Problem(
                    table, f"is not known: expected {column.allowed}", int(row) + 1,
                    column.name, text[row], nearest(text[row], column.choices),
                )
            )  # fmt: skip
    if column.default is not REQUIRED:
        text[blank] = column.default
    return text, problems


def _duplicate_keys(table: Table, frame: pd.DataFrame) -> list[Problem]:
    key = list(table.key)
    problems = []
    for row in np.flatnonzero(frame.duplicated(key).to_numpy()):
        value = ", ".join(str(frame[k].iat[row]) for k in key)
        same = (frame[key] == frame[key].iloc[row]).all(axis=1).to_numpy()
        first = int(np.flatnonzero(same)[0]) + 1
        problems.append(
            Problem(
                table.name, f"stands already in row {first}; rows must differ in {', '.join(key)}",
                int(row) + 1, " + ".join(key), value, "remove one of the two rows",
            )
        )  # fmt: skip
    return problems


def check_references(tables: Mapping[str, pd.DataFrame]) -> list[Problem]:
    """Every value of a referring column must exist where it points.

    Parameters
    ----------
    tables
        Cleaned tables by name.
    """
    problems: list[Problem] = []
    for name, frame in tables.items():
        for column in TABLES[name].columns:
            if not column.references:
                continue
            target, key = column.references.split(".")
            known = tables[target][key]
            values = frame[column.name]
            dangling = ~values.isin(known) & (values != "")
            for row in np.flatnonzero(dangling.to_numpy()):
                value = str(values.iat[row])
                problems.append(
                    Problem(
                        name, f"is no {key} of the table {target}", int(row) + 1, column.name,
                        value, nearest(value, known),
                    )
                )  # fmt: skip
    return problems


def check_resource_tree(resources: pd.DataFrame) -> list[Problem]:
    """The parents of the resources must form a forest.

    Parameters
    ----------
    resources
        Cleaned table of resources.
    """
    parent = dict(zip(resources["resource_id"], resources["parent_id"]))
    problems: list[Problem] = []
    reported: set[str] = set()
    for row, start in enumerate(resources["resource_id"]):
        path = [start]
        while parent.get(path[-1]) and parent[path[-1]] not in path:
            path.append(parent[path[-1]])
        closing = parent.get(path[-1], "")
        if closing == start and start not in reported:
            reported |= set(path)
            problems.append(
                Problem(
                    "resources", "the tree of resources has a cycle: "
                    + " -> ".join([*path, start]), row + 1, "parent_id", parent[start],
                    "empty the parent_id of the topmost resource",
                )
            )  # fmt: skip
    return problems


def check_values(tables: Mapping[str, pd.DataFrame], needs_coordinates: bool) -> list[Problem]:
    """Checks that join columns or tables.

    Parameters
    ----------
    tables
        Cleaned tables by name, references in order.
    needs_coordinates
        Whether every facility and population must have longitude and latitude.
    """
    return [
        *_check_stock(tables),
        *_check_services(tables),
        *_check_requirements(tables["requirements"]),
        *_check_groups(tables),
        *_check_points(tables, needs_coordinates),
    ]


def _check_stock(tables: Mapping[str, pd.DataFrame]) -> list[Problem]:
    stock, resources, facilities = tables["stock"], tables["resources"], tables["facilities"]
    problems: list[Problem] = []
    parents = set(resources["parent_id"]) - {""}
    site = stock["facility_id"].map(facilities.set_index("facility_id")["site"])
    upper = stock["upper"]
    checks = [
        (stock["lower"] > upper, "lower", "lower is above upper", "lower <= upper"),
        (
            stock["resource_id"].isin(parents), "resource_id",
            "has kinds below it in the tree; stock is given for the kinds",
            "give the stock of each kind",
        ),
        (
            (site != "existing") & upper.isna(), "upper",
            "a facility that may open or close needs an upper limit", "give upper",
        ),
        (
            (site == "candidate") & (stock["existing"] > 0), "existing",
            "a candidate holds nothing yet", "existing 0, or site closable",
        ),
    ]  # fmt: skip
    for bad, column, message, mend in checks:
        for row in np.flatnonzero(bad.to_numpy()):
            value = str(stock[column].iat[row])
            if column == "lower":
                value = f"{stock['lower'].iat[row]:g} > {upper.iat[row]:g}"
            problems.append(Problem("stock", message, int(row) + 1, column, value, mend))
    return problems


def _check_services(tables: Mapping[str, pd.DataFrame]) -> list[Problem]:
    services = tables["services"]
    inpatient = (services["setting"] == "inpatient").to_numpy()
    stay = services["stay_days"].notna().to_numpy()
    problems = [
        Problem(
            "services", "an inpatient service needs a stay", int(row) + 1, "stay_days",
            mend="give the average length of stay in days",
        )
        for row in np.flatnonzero(inpatient & ~stay)
    ]  # fmt: skip
    problems += [
        Problem(
            "services", "an ambulatory service has no stay", int(row) + 1, "stay_days",
            str(services["stay_days"].iat[row]), "empty the cell",
        )
        for row in np.flatnonzero(~inpatient & stay)
    ]  # fmt: skip
    for name in ("demand", "requirements"):
        without = ~services["service_id"].isin(tables[name]["service_id"]).to_numpy()
        problems += [
            Problem(
                name, "the service has no row", column="service_id",
                value=str(services["service_id"].iat[row]),
                mend=f"add a row to {name}, or remove the service",
            )
            for row in np.flatnonzero(without)
        ]  # fmt: skip
    inpatient_ids = services.loc[inpatient, "service_id"]
    requirements = tables["requirements"]
    wrong = (requirements["basis"] == "per_patient") & ~requirements["service_id"].isin(
        inpatient_ids
    )
    problems += [
        Problem(
            "requirements", "an ambulatory service has no patients in bed", int(row) + 1,
            "basis", "per_patient", "use cases_per_unit",
        )
        for row in np.flatnonzero(wrong.to_numpy())
    ]  # fmt: skip
    return problems


def _check_requirements(requirements: pd.DataFrame) -> list[Problem]:
    """Rows for every category and rows for some categories do not mix in one service."""
    blank = requirements["category"] == ""
    mixed = blank.groupby(requirements["service_id"]).agg(["any", "all"])
    return [
        Problem(
            "requirements", "the service has rows with a category and rows without",
            column="category", value=str(service),
            mend="give the category in every row of the service, or in none",
        )
        for service in mixed.index[mixed["any"] & ~mixed["all"]]
    ]  # fmt: skip


def _check_groups(tables: Mapping[str, pd.DataFrame]) -> list[Problem]:
    groups, demand, populations = tables["groups"], tables["demand"], tables["populations"]
    problems: list[Problem] = []
    unknown = (demand["group_id"] != "") & ~demand["group_id"].isin(groups["group_id"])
    for row in np.flatnonzero(unknown.to_numpy()):
        value = str(demand["group_id"].iat[row])
        problems.append(
            Problem(
                "demand", "no population has this group", int(row) + 1, "group_id", value,
                nearest(value, groups["group_id"].unique()) or "add it to groups.csv",
            )
        )  # fmt: skip
    residents = groups["population_id"].map(populations.set_index("population_id")["residents"])
    for row in np.flatnonzero((groups["residents"] > residents).to_numpy()):
        problems.append(
            Problem(
                "groups", f"the group is larger than the population ({residents.iat[row]:g})",
                int(row) + 1, "residents", f"{groups['residents'].iat[row]:g}",
            )
        )  # fmt: skip
    return problems


def _check_points(tables: Mapping[str, pd.DataFrame], needed: bool) -> list[Problem]:
    """Coordinates present where needed, and no point far away unless swapped back."""
    problems: list[Problem] = []
    names = ("facilities", "populations")
    both = pd.concat([tables[name][["longitude", "latitude"]] for name in names])
    middle = both.median()
    for name in names:
        frame = tables[name]
        longitude, latitude = (frame[c].to_numpy(dtype=float) for c in both.columns)
        missing = np.isnan(longitude) | np.isnan(latitude)
        half = np.isnan(longitude) != np.isnan(latitude)
        for row in np.flatnonzero(missing if needed else half):
            problems.append(
                Problem(
                    name, "the point needs both longitude and latitude", int(row) + 1,
                    "longitude, latitude", mend="give both in degrees, WGS 84",
                )
            )  # fmt: skip
        with np.errstate(invalid="ignore"):
            off = np.hypot(longitude - middle.iloc[0], latitude - middle.iloc[1])
            swapped = np.hypot(latitude - middle.iloc[0], longitude - middle.iloc[1])
            suspect = (off > 20) & (swapped < 5)
        for row in np.flatnonzero(suspect):
            problems.append(
                Problem(
                    name, "lies far from all other points, and near them when swapped",
                    int(row) + 1, "longitude, latitude",
                    f"{longitude[row]:g}, {latitude[row]:g}", "swap longitude and latitude",
                )
            )  # fmt: skip
    return problems
