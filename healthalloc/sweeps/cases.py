"""Cases of a sweep: a table whose columns name edits and whose rows say their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.errors import DataError, Problem
from healthalloc.explain.what_if.edits import Edits
from healthalloc.formulation.budget import BUDGET_ID
from healthalloc.scenario import Scenario
from healthalloc.validate import nearest

PLACE = "cases"
"""Name of the table in messages."""
CASE = "case"
"""Column that names the cases, if the table has it."""
MOST_UNTANGLED = 400
"""Cases up to which a path is worth the work of improving it."""
Floats = NDArray[np.float64]
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
Edit = tuple[str, str]
"""Sort and item of an edit, e.g. ``("demand", "inpatient")``."""
Case = Mapping[Edit, tuple[Any, ...]]
"""The edits of one case with their values."""


@dataclass(frozen=True, eq=False)
class Cases:
    """A table of cases as edits, each checked against the scenario.

    Parameters
    ----------
    table
        As given, with the column ``case`` first.
    edits
        The edits of each case, in the order of the table.
    """

    table: pd.DataFrame
    edits: tuple[Case, ...]

    @property
    def names(self) -> list[str]:
        """Name of each case."""
        return [str(name) for name in self.table[CASE]]


def read_cases(scenario: Scenario, table: pd.DataFrame) -> Cases:
    """A table of cases as edits of a scenario.

    Parameters
    ----------
    scenario
    table
        One row for each case. A column is headed by what it edits:

        - ``CLAUSE`` or ``set:CLAUSE``: another target; a number, ``"2..4"``, or either with
          the unit, as ``what-if --set`` takes it. ``budget`` is the yearly budget.
        - ``demand:SERVICE``, ``cost:RESOURCE``, ``penalty:SERVICE``: a factor, or ``"+5%"``.
        - ``rate:SERVICE``: cases a year per 1,000 residents.
        - ``setting:discount_rate``, ``setting:value_of_travel_cny_per_hour``: the value.
        - ``bound:FACILITY:RESOURCE``: ``"LO..HI"``; either may be left out.
        - ``drop:CLAUSE``, ``close:FACILITY``, ``open:FACILITY``: true or false.

        ``case`` names the cases; without it they are numbered from 1. An empty text leaves
        things as they are.

    Raises
    ------
    DataError
        With every problem: no rows, unknown columns and items, values that are no such value.
    """
    problems = _shape_problems(table)
    if problems:
        raise DataError(problems)
    named = table.reset_index(drop=True)
    if CASE not in named:
        named.insert(0, CASE, np.arange(1, len(named) + 1))
    named = named[[CASE, *named.columns.drop(CASE)]].astype({CASE: str})
    problems = [
        Problem(PLACE, "stands there twice: name each case once", row, CASE, name)
        for row, (name, again) in enumerate(zip(named[CASE], named[CASE].duplicated()), start=1)
        if again or not name
    ]
    edits: list[dict[Edit, tuple[Any, ...]]] = [{} for _ in range(len(named))]
    check = _Check(scenario)
    for column in named.columns.drop(CASE):
        found = check.column(str(column))
        if isinstance(found, Problem):
            problems.append(found)
            continue
        for row, cell in enumerate(named[column].tolist()):
            value = check.value(found, str(column), row, cell)
            if isinstance(value, Problem):
                problems.append(value)
            elif value is not None:
                edits[row][found] = value
    for row, case in enumerate(edits):
        problems += _clashes(case, row)
    if problems:
        raise DataError(problems)
    return Cases(named, tuple(edits))


def _shape_problems(table: pd.DataFrame) -> list[Problem]:
    if not isinstance(table, pd.DataFrame):
        return [Problem(PLACE, f"is a {type(table).__name__}, not a DataFrame")]
    problems = []
    if table.empty:
        problems.append(Problem(PLACE, "has no rows: give one for each case"))
    if not len(table.columns.drop(CASE, errors="ignore")):
        mend = "e.g. demand:SERVICE, or the id of a clause"
        problems.append(Problem(PLACE, "has no column that edits something", mend=mend))
    twice = table.columns[table.columns.duplicated()]
    problems += [Problem(PLACE, "stands there twice", column=str(c)) for c in twice]
    return problems


def _clashes(case: Case, row: int) -> list[Problem]:
    """Edits that contradict each other in one case."""
    both = [item for sort, item in case if sort == "close" and ("open", item) in case]
    both += [item for sort, item in case if sort == "drop" and ("set", item) in case]
    return [Problem(PLACE, "contradicts another column of it", row + 1, value=i) for i in both]


class _Check:
    """Reads columns and cells, and tries each value that is new on the scenario's edits."""

    def __init__(self, scenario: Scenario) -> None:
        self._edits = Edits(scenario)
        clauses = [word for c in scenario.plan.clauses for word in (c.id, c.name)]
        self._clauses = {*clauses, BUDGET_ID}
        rates = scenario.demand.groupby("service_id")["rate_per_1000"]
        self._rates: dict[str, list[float]] = {str(k): list(v) for k, v in rates}
        self._seen: dict[tuple[Edit, object], tuple[Any, ...] | Problem | None] = {}

    def column(self, name: str) -> Edit | Problem:
        """What a column edits."""
        sort, colon, item = (word.strip() for word in name.partition(":"))
        if colon and sort in _READERS:
            return sort, item
        if name in self._clauses:
            return "set", name
        words = [*self._clauses, *(f"{sort}:" for sort in _READERS), CASE]
        message = "edits nothing: it is no clause of the plan and no word with a colon"
        allowed = f"allowed: clause ids, {', '.join(f'{sort}:...' for sort in _READERS)}"
        return Problem(PLACE, message, column=name, mend=nearest(name, words) or allowed)

    def value(
        self, edit: Edit, column: str, row: int, cell: object
    ) -> tuple[Any, ...] | Problem | None:
        """The value of a cell, tried out; ``None`` where it leaves things as they are."""
        key = (edit, repr(cell))
        if key not in self._seen:
            self._seen[key] = self._tried(edit, cell)
        found = self._seen[key]
        if isinstance(found, Problem):
            value = found.value or str(cell)
            return replace(found, table=PLACE, row=row + 1, column=column, value=value)
        return found

    def _tried(self, edit: Edit, cell: object) -> tuple[Any, ...] | Problem | None:
        sort, item = edit
        if cell is None or cell is pd.NA or (isinstance(cell, str) and not cell.strip()):
            return None
        if isinstance(cell, float) and np.isnan(cell):
            mend = "write the scenario's own value, or an empty text, to leave it as it is"
            return Problem(PLACE, "is not a number", value="nan", mend=mend)
        value = _READERS[sort](cell)
        if isinstance(value, str):
            return Problem(PLACE, value, value=str(cell))
        if value is None:
            return None
        if sort == "rate":
            rates = self._rates.get(item, [])
            if len(rates) != 1 or not rates[0] > 0:
                message = f"the service has {len(rates)} rows in the table demand, not one above 0"
                mend = f"use demand:{item}, a factor on all of them"
                return Problem(PLACE, message, value=item, mend=mend)
            value = (value[0] / rates[0],)
        try:
            apply(self._edits, edit, value)
        except DataError as error:
            return error.problems[0]
        finally:
            self._edits.clear()
        return value


def apply(edits: Any, edit: Edit, value: tuple[Any, ...]) -> None:
    """Make an edit.

    Parameters
    ----------
    edits
        An `Edits` or a `WhatIf`.
    edit
    value
        As `read_cases` makes it.

    Raises
    ------
    DataError
        If the edit is refused.
    """
    sort, item = edit
    if sort == "set":
        edits.set(item, *value)
    elif sort == "bound":
        facility, _, resource = item.partition(":")
        edits.bound(facility, resource, *value)
    elif sort in ("close", "open"):
        if isinstance(edits, Edits):
            edits.site(item, sort == "open")
        else:
            getattr(edits, sort)(item)
    else:
        method = {"rate": "demand", "setting": "figure"}.get(sort, sort)
        getattr(edits, method)(item, *value)


Read = tuple[Any, ...] | str | None


def _target(cell: object) -> Read:
    if isinstance(cell, (int, float, np.number)) and not isinstance(cell, bool):
        return (float(cell), "")
    found = re.fullmatch(rf"\s*({_NUMBER})(?:\.\.({_NUMBER}))?\s*(.*?)\s*", str(cell))
    if found is None:
        return "is no target: write a number, LO..HI, or either with the unit after it"
    low, high, unit = found.groups()
    return (float(low) if high is None else (float(low), float(high)), unit)


def _factor(cell: object) -> Read:
    if isinstance(cell, (int, float, np.number)) and not isinstance(cell, bool):
        return (float(cell),)
    found = re.fullmatch(rf"\s*({_NUMBER})\s*(%?)\s*", str(cell))
    if found is None or (found[2] and found[1][0] not in "+-"):
        return "is no factor: write 1.05, or +5%"
    return (1.0 + float(found[1]) / 100.0,) if found[2] else (float(found[1]),)


def _number(cell: object) -> Read:
    try:
        return (float(cell),)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return "is not a number"


def _range(cell: object) -> Read:
    found = re.fullmatch(rf"\s*({_NUMBER})?\s*\.\.\s*({_NUMBER}|inf)?\s*", str(cell))
    if found is None or not (found[1] or found[2]):
        return "is no range: write LO..HI, LO.. or ..HI (inf: no limit)"
    return tuple(None if end is None else float(end) for end in found.groups())


def _yes(cell: object) -> Read:
    word = str(cell).strip().lower()
    if word in ("true", "yes", "1", "1.0"):
        return ()
    return None if word in ("false", "no", "0", "0.0") else "is neither true nor false"


_READERS: dict[str, Callable[[object], Read]] = {
    "set": _target, "demand": _factor, "rate": _number, "cost": _factor, "penalty": _factor,
    "setting": _number, "bound": _range, "drop": _yes, "close": _yes, "open": _yes,
}  # fmt: skip


def path(edits: Sequence[Case]) -> NDArray[np.intp]:
    """An order of cases in which each lies near the one before.

    From each case on to the nearest that is left (nearest neighbour; Rosenkrantz, Stearns and
    Lewis 1977, doi:10.1137/0206041), then some stretches turned round (2-opt), with every
    column scaled to a standard deviation of 1: a small change takes the simplex method fewer
    steps than a large one.

    Parameters
    ----------
    edits
        The edits of each case.

    Returns
    -------
    ndarray of int, shape (n cases,)
        Positions of the cases.
    """
    columns = list(dict.fromkeys(edit for case in edits for edit in case))
    points = np.array([[_size(case.get(edit), edit[0]) for edit in columns] for case in edits])
    points = points.reshape(len(edits), len(columns))
    known = np.where(np.isnan(points), 0.0, 1.0)
    mean = np.nansum(points, axis=0) / np.maximum(known.sum(axis=0), 1.0)
    points = np.where(known > 0, points, mean) - mean
    spread = points.std(axis=0)
    points = points[:, spread > 0] / spread[spread > 0]
    order = np.zeros(len(points), dtype=np.intp)
    left = np.arange(len(points))
    here = points.mean(axis=0)
    for k in range(len(points)):
        nearest_left = int(np.argmin(((points[left] - here) ** 2).sum(axis=1)))
        order[k] = left[nearest_left]
        here = points[order[k]]
        left = np.delete(left, nearest_left)
    return _untangled(order, points)


def _untangled(order: NDArray[np.intp], points: Floats) -> NDArray[np.intp]:
    """A path made shorter by turning round stretches of it (2-opt; Croes 1958)."""
    if not 4 <= len(order) <= MOST_UNTANGLED:
        return order
    between = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    for _ in range(10 * len(order)):
        step = between[order[:-1], order[1:]]
        here, after = order[:-1], order[1:]
        turned = between[np.ix_(here, here)] + between[np.ix_(after, after)]
        gain = np.triu(step[:, None] + step[None] - turned, 1)
        first, last = np.unravel_index(int(np.argmax(gain)), gain.shape)
        if gain[first, last] <= 1e-9:
            break
        order[first + 1 : last + 1] = order[first + 1 : last + 1][::-1].copy()
    return order


def _size(value: tuple[Any, ...] | None, sort: str) -> float:
    """A number for a value: its own, the middle of a range, 1 for an edit without value."""
    if value is None:
        return 1.0 if sort in ("demand", "cost", "penalty") else _NOTHING.get(sort, np.nan)
    if not value:
        return 1.0
    ends = [x for x in np.ravel([value[0]] if sort != "bound" else list(value)) if x is not None]
    finite = [float(x) for x in ends if np.isfinite(x)]
    return float(np.mean(finite)) if finite else 0.0


_NOTHING = {"drop": 0.0, "close": 0.0, "open": 0.0}
