"""What a strategy returns: stock, and where it says so openings and flows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.errors import DataError, Problem
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.layout import Layout, Mask
from healthalloc.scenario import Scenario
from healthalloc.solvers import Status
from healthalloc.travel.common import MANY, refuse
from healthalloc.validate import nearest

COLUMNS = ["facility_id", "resource_id", "allocated"]


@dataclass(frozen=True, eq=False)
class Allocation:
    """What a strategy decides.

    Parameters
    ----------
    stock : ndarray, shape (n_stock,)
        Units in each row of the scenario's stock table.
    is_open : ndarray of bool, shape (n_facilities,), or None
        Facilities that are open; ``None``: those that are open today.
    flow : ndarray, shape (n_flows + n_referrals,), or None
        Units of flow on each arc, then on each referral arc (see `Layout`); ``None``: the
        evaluation finds the cheapest ones.
    status
        Whether a limit stopped the strategy.
    """

    stock: Floats
    is_open: Mask | None = None
    flow: Floats | None = None
    status: Status = Status.OPTIMAL


Strategy = Callable[[Scenario], "Allocation | pd.DataFrame | NDArray[np.float64]"]
"""A rule that decides about a scenario; a table or an array of stock alone will do."""


def open_today(layout: Layout) -> Mask:
    """Facilities that are open in the base year, shape (n_facilities,)."""
    is_open: Mask = (layout.scenario.facilities["site"] != "candidate").to_numpy()
    return is_open


def limits(layout: Layout, is_open: Mask, *, in_whole_units: bool = True) -> tuple[Floats, Floats]:
    """Least and most units of each stock, each shape (n_stock,); 0 where the site is closed.

    In whole units, where the resource has such, the least and most whole numbers.
    """
    stock = layout.scenario.stock
    lower = stock["lower"].to_numpy(dtype=float)
    upper = stock["upper"].fillna(np.inf).to_numpy(dtype=float)
    whole = layout.scenario.resources["whole"].to_numpy(dtype=bool)[layout.stock_resource_idx]
    whole &= in_whole_units
    lower = np.where(whole, np.ceil(lower - 1e-9), lower)
    upper = np.where(whole, np.floor(upper + 1e-9), upper)
    held = is_open[layout.stock_facility_idx]
    return np.where(held, lower, 0.0), np.where(held, upper, 0.0)


def of_point(layout: Layout, program: LinearProgram, x: Floats, status: Status) -> Allocation:
    """The decisions of a program's point.

    Parameters
    ----------
    layout, program
    x : ndarray, shape (n_columns or more,)
    status
        How it was found.
    """
    n, m = layout.n_stock, layout.n_stock + layout.n_facilities
    stock = np.where(program.integer[:n], np.round(x[:n]), x[:n])
    flow = np.maximum(x[m : m + layout.n_flows + layout.n_referrals], 0.0)
    return Allocation(np.maximum(stock, 0.0), x[n:m] > 0.5, flow, status)


def as_allocation(layout: Layout, returned: object, name: str) -> Allocation:
    """What a strategy returned, checked.

    Parameters
    ----------
    layout
        With arcs.
    returned
        An `Allocation`, an array of stock, or a table with the columns ``facility_id,
        resource_id, allocated``; stock that the table does not name stays as it is.
    name
        What messages call the strategy.

    Raises
    ------
    DataError
        With everything that is wrong with it.
    """
    if isinstance(returned, pd.DataFrame):
        returned = Allocation(_from_table(layout, returned, name))
    elif isinstance(returned, np.ndarray):
        returned = Allocation(returned)
    if not isinstance(returned, Allocation):
        mend = "return a table, an array of stock or an Allocation"
        kind = type(returned).__name__
        raise DataError([Problem(f"strategy {name}", "returns no stock", value=kind, mend=mend)])
    given = returned
    is_open = open_today(layout) if given.is_open is None else np.asarray(given.is_open, dtype=bool)
    n_arcs = layout.n_flows + layout.n_referrals
    problems = _amounts(name, "stock", given.stock, layout.n_stock)
    if given.flow is not None:
        problems += _amounts(name, "flow", given.flow, n_arcs)
    if is_open.shape != (layout.n_facilities,):
        message = f"has shape {is_open.shape}, not ({layout.n_facilities},)"
        problems.append(Problem(f"strategy {name}", message, column="is_open"))
    refuse(problems)
    stock = np.asarray(given.stock, dtype=float)
    shut = np.flatnonzero((stock > 1e-9) & ~is_open[layout.stock_facility_idx])
    refuse(
        [
            Problem(
                f"strategy {name}", "stock at a facility that is not open", int(row) + 1, "stock",
                str(layout.scenario.stock["facility_id"].iat[row]),
                "open it with Allocation(stock, is_open), or put nothing there",
            )
            for row in shut[:MANY]
        ]
    )  # fmt: skip
    flow = None if given.flow is None else np.asarray(given.flow, dtype=float)
    return Allocation(stock, is_open, flow, given.status)


def _amounts(name: str, what: str, values: Any, size: int) -> list[Problem]:
    array = np.asarray(values, dtype=float)
    if array.shape != (size,):
        return [Problem(f"strategy {name}", f"has shape {array.shape}, not ({size},)", column=what)]
    wrong = np.flatnonzero(~((array >= 0) & (array < np.inf)))
    return [
        Problem(
            f"strategy {name}", "is not a finite number of 0 or more", row + 1, what,
            f"{array[row]:g}",
        )
        for row in wrong[:MANY].tolist()
    ]  # fmt: skip


def _from_table(layout: Layout, table: pd.DataFrame, name: str) -> Floats:
    where = f"strategy {name}"
    refuse([Problem(where, "missing column", column=c) for c in COLUMNS if c not in table])
    known = layout.scenario.stock
    index = pd.MultiIndex.from_frame(known[COLUMNS[:2]])
    asked = pd.MultiIndex.from_frame(table[COLUMNS[:2]])
    position = index.get_indexer(asked)
    facilities = list(known["facility_id"].unique())
    problems = [
        Problem(
            where, "is no row of the stock table", row + 1, value=" ".join(map(str, asked[row])),
            mend=nearest(str(asked[row][0]), facilities),
        )
        for row in np.flatnonzero(position < 0)[:MANY].tolist()
    ]  # fmt: skip
    twice = np.flatnonzero(asked.duplicated())[:MANY].tolist()
    problems += [
        Problem(where, "is named twice", row + 1, value=" ".join(asked[row])) for row in twice
    ]
    refuse(problems)
    amounts = known["existing"].to_numpy(dtype=float, copy=True)
    amounts[position] = pd.to_numeric(table["allocated"], errors="coerce").to_numpy(dtype=float)
    return amounts
