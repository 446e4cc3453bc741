"""The rows of the program, one function for each sort of constraint.

Every function returns a `Rows`: the coefficients in triplet form over the program's columns
and the bounds. `Columns` says where each sort of column begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from healthalloc.formulation.program import Floats
from healthalloc.layout import Layout
from healthalloc.norms import (
    arrivals,
    cases_per_flow,
    categories,
    needs,
    referral_service_idx,
    stay_factor,
)
from healthalloc.plan.measure import Measure
from healthalloc.travel import positions_of

Positions = NDArray[np.intp]


@dataclass(frozen=True)
class Columns:
    """First position of each sort of column.

    ``stock | open | flow | referral | add | retire | reached``
    """

    stock: int
    open: int
    flow: int
    referral: int
    add: int
    retire: int
    reached: int
    end: int

    @classmethod
    def of(cls, layout: Layout, n_reached: int) -> Columns:
        """Positions for a layout and a number of points that clauses ask to be reached."""
        sizes = [
            layout.n_stock, layout.n_facilities, layout.n_flows, layout.n_referrals,
            layout.n_stock, layout.n_stock, n_reached,
        ]  # fmt: skip
        return cls(0, *np.cumsum(sizes).tolist())


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of the program.

    Parameters
    ----------
    row, column : ndarray of int, shape (nnz,)
        Position of each coefficient; rows count from 0.
    value : ndarray, shape (nnz,)
    lower, upper : ndarray, shape (n_rows,)
    """

    row: Positions
    column: Positions
    value: Floats
    lower: Floats
    upper: Floats

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.lower)


def demand_rows(layout: Layout, columns: Columns, demand: Floats) -> tuple[Rows, Positions]:
    """Flows of a population and service do not exceed its demand.

    Unmet demand is what is left; its penalty stands in the objective as a constant and as a
    reward on each flow, which saves a column for each row (and most of the simplex time).

    Parameters
    ----------
    demand : ndarray, shape (n_populations, n_services)
        In units of flow.

    Returns
    -------
    Rows
        One row for each population and service with an arc.
    ndarray of int, shape (n_rows,)
        ``population_idx * n_services + service_idx`` of each row.
    """
    assert layout.arcs is not None
    n_services = demand.shape[1]
    key = layout.arcs.population_idx * n_services + layout.arcs.service_idx
    present = np.zeros(demand.size, dtype=bool)
    present[key] = True
    keys = np.flatnonzero(present)
    row_of = np.cumsum(present) - 1
    flow = columns.flow + np.arange(len(key))
    upper = demand.ravel()[keys]
    return Rows(row_of[key], flow, np.ones(len(key)), np.zeros(len(keys)), upper), keys


def capacity_rows(layout: Layout, columns: Columns) -> tuple[Rows, Positions]:
    """What the flows into a facility need does not exceed what it holds and can use.

    A row for a resource counts the needs for every kind below it as well, so that one unit is
    never used twice.

    Returns
    -------
    Rows
        One row for each facility and required resource with an arc.
    ndarray of int, shape (n_rows,)
        ``facility_idx * n_resources + resource_idx`` of each row.
    """
    facility_idx, service_idx = arrivals(layout)
    n_resources = len(layout.resource_ids)
    category_idx, _ = categories(layout.scenario)
    above = layout.under.T.astype(float)
    by_day, by_case = needs(layout, "per_patient") @ above, needs(layout, "cases_per_unit") @ above
    factor = stay_factor(layout)[facility_idx, service_idx]
    required = np.flatnonzero(needs(layout).any(axis=(0, 1)))
    row_key, column, value = [], [], []
    category = category_idx[facility_idx]
    for r in required:
        per_flow = by_day[category, service_idx, r] * factor + by_case[category, service_idx, r]
        used = np.flatnonzero(per_flow)
        row_key.append(facility_idx[used] * n_resources + r)
        column.append(columns.flow + used)
        value.append(per_flow[used])
    present = np.zeros(layout.n_facilities * n_resources, dtype=bool)
    for key in row_key:
        present[key] = True
    keys = np.flatnonzero(present)
    row_of = np.cumsum(present) - 1
    available = layout.scenario.resources["availability"].to_numpy(dtype=float)
    for r in required:
        stock = np.flatnonzero(layout.under[r, layout.stock_resource_idx])
        key = layout.stock_facility_idx[stock] * n_resources + r
        counted = present[key]
        row_key.append(key[counted])
        column.append(columns.stock + stock[counted])
        value.append(-available[layout.stock_resource_idx[stock[counted]]])
    upper = np.zeros(len(keys))
    rows = Rows(
        row_of[_joined(row_key)],
        _joined(column),
        _joined(value).astype(float),
        np.full(len(keys), -np.inf),
        upper,
    )
    return rows, keys


def referral_rows(layout: Layout, columns: Columns) -> tuple[Rows, Positions]:
    """Cases referred on do not exceed the share of the cases treated that needs it.

    Returns
    -------
    Rows
        One row for each facility and referral with an arc.
    ndarray of int, shape (n_rows,)
        ``facility_idx * n_referrals + referral_idx`` of each row.
    """
    arcs, table = layout.referral_arcs, layout.scenario.referrals
    if arcs is None:
        nothing = np.zeros(0, dtype=np.intp)
        return Rows(nothing, nothing, np.zeros(0), np.zeros(0), np.zeros(0)), nothing
    cases = cases_per_flow(layout.scenario)
    key = arcs.from_idx * len(table) + arcs.referral_idx
    keys, row = np.unique(key, return_inverse=True)
    reached = cases[referral_service_idx(layout)]
    # what arrives at the facility for the first service of the referral asks for the second
    facility_idx, service_idx = arrivals(layout)
    start = positions_of(table["from_service_id"], list(layout.scenario.services["service_id"]))
    share = table["share"].to_numpy(dtype=float)
    rows, column, value = [row], [columns.referral + np.arange(len(arcs))], [reached]
    for referral in range(len(table)):
        of = np.flatnonzero(service_idx == start[referral])
        wanted = facility_idx[of] * len(table) + referral
        at, has_row = np.searchsorted(keys, wanted), np.isin(wanted, keys)
        rows.append(at[has_row])
        column.append(columns.flow + of[has_row])
        value.append(np.full(int(has_row.sum()), -share[referral] * cases[start[referral]]))
    return Rows(
        _joined(rows), _joined(column), _joined(value).astype(float),
        np.full(len(keys), -np.inf), np.zeros(len(keys)),
    ), keys  # fmt: skip


def balance_rows(layout: Layout, columns: Columns) -> tuple[Rows, Positions]:
    """Stock is what exists plus what is added less what is retired.

    The forms of an institution share a row for each resource: what one form holds carries over
    to the others.

    Returns
    -------
    Rows
        One row for each institution and resource.
    ndarray of int, shape (n_rows,)
        First stock of each row, which stands for all in `added` and `retired`.
    """
    first, row = np.unique(layout.balance_idx, return_inverse=True)
    n = len(first)
    given = layout.scenario.stock["existing"].to_numpy(dtype=float)
    existing = np.bincount(row, given, n).astype(float)
    k = np.arange(n)
    rows = Rows(
        np.concatenate([row, k, k]),
        np.concatenate(
            [columns.stock + np.arange(layout.n_stock), columns.add + first, columns.retire + first]
        ),
        np.repeat([1.0, -1.0, 1.0], [layout.n_stock, n, n]),
        existing,
        existing,
    )
    return rows, first


def form_rows(layout: Layout, columns: Columns) -> tuple[Rows, Positions]:
    """One form of an institution is open; none, if the institution may be closed.

    Returns
    -------
    Rows
        One row for each institution with forms.
    ndarray of int, shape (n_rows,)
        Its facility as it is today.
    """
    form = np.flatnonzero(layout.has_forms)
    institution, row = np.unique(layout.institution_idx[form], return_inverse=True)
    stays = (layout.scenario.facilities["site"] == "existing").to_numpy()[institution]
    n = len(institution)
    rows = Rows(row, columns.open + form, np.ones(len(form)), stays.astype(float), np.ones(n))
    return rows, institution


def site_rows(layout: Layout, columns: Columns) -> tuple[Rows, Positions]:
    """A facility that may open or close holds stock within its limits only while open.

    Returns
    -------
    Rows
        ``stock <= upper * open``, then ``stock >= lower * open`` where lower is above 0.
    ndarray of int, shape (n_rows,)
        Stock of each row.
    """
    stock = layout.scenario.stock
    choice = layout.is_choice
    lower, upper = stock["lower"].to_numpy(dtype=float), stock["upper"].to_numpy(dtype=float)
    most = np.flatnonzero(choice[layout.stock_facility_idx])
    least = most[lower[most] > 0]
    of_stock = np.concatenate([most, least])
    k = np.arange(len(of_stock))
    limit = np.concatenate([upper[most], lower[least]])
    is_least = k >= len(most)
    rows = Rows(
        np.concatenate([k, k]),
        np.concatenate(
            [columns.stock + of_stock, columns.open + layout.stock_facility_idx[of_stock]]
        ),
        np.concatenate([np.ones(len(k)), -limit]),
        np.where(is_least, 0.0, -np.inf),
        np.where(is_least, np.inf, 0.0),
    )
    return rows, of_stock


def clause_rows(
    measure: Measure, bounds: tuple[float, float], first_reached: int
) -> tuple[Rows, Positions]:
    """The bounds of one clause on what it measures.

    ``numerator / denominator >= low`` becomes ``numerator - low * denominator >= 0``; with a
    constant denominator floor and ceiling share a row, otherwise each has its own.

    Parameters
    ----------
    measure
        What the clause measures.
    bounds
        Least and most allowed value.
    first_reached
        Column of the clause's first reached point.

    Returns
    -------
    Rows
    ndarray of int, shape (n_rows,)
        Row of the measure that each row bounds.
    """
    low, high = bounds
    top = measure.numerator.tocoo()
    row, column, value = [top.row], [top.col], [top.data]
    if measure.cover is not None:
        weight = measure.cover.weight.tocoo()
        row.append(weight.row)
        column.append(first_reached + weight.col)
        value.append(weight.data)
    base = (_joined(row), _joined(column), _joined(value).astype(float))
    n = measure.n_rows
    if measure.denominator is None:
        sides = [
            b * measure.constant - measure.fixed if np.isfinite(b) else np.full(n, b)
            for b in bounds
        ]
        if not np.isfinite(bounds).any():  # a price, not a target
            return stack([]), np.zeros(0, dtype=np.intp)
        return Rows(*base, *sides), np.arange(n)
    bottom = measure.denominator.tocoo()
    targets = [low] if low == high else [b for b in (low, high) if np.isfinite(b)]
    parts: list[Rows] = []
    for target in targets:
        at = target * measure.constant - measure.fixed
        parts.append(
            Rows(
                np.concatenate([base[0], bottom.row]),
                np.concatenate([base[1], bottom.col]),
                np.concatenate([base[2], -target * bottom.data]),
                at if target == low else np.full(n, -np.inf),
                at if target == high else np.full(n, np.inf),
            )
        )
    return stack(parts), np.tile(np.arange(n), len(parts))


def reached_rows(measures: Sequence[Measure], first: int) -> Rows:
    """A point is reached only so far as something near it is held, one row a point."""
    parts = []
    for measure in measures:
        if measure.cover is None:
            continue
        near = measure.cover.near.tocoo()
        n = near.shape[0]
        k = np.arange(n)
        parts.append(
            Rows(
                np.concatenate([k, near.row]),
                np.concatenate([first + k, near.col]),
                np.concatenate([np.ones(n), -near.data]),
                np.full(n, -np.inf),
                np.zeros(n),
            )
        )
        first += n
    return stack(parts)


def stack(parts: Sequence[Rows]) -> Rows:
    """Rows one below the other."""
    starts = np.cumsum([0, *(part.n_rows for part in parts)])
    return Rows(
        _joined([part.row + start for part, start in zip(parts, starts)]),
        _joined([part.column for part in parts]),
        _joined([part.value for part in parts]).astype(float),
        _joined([part.lower for part in parts]).astype(float),
        _joined([part.upper for part in parts]).astype(float),
    )


def _joined(parts: Sequence[NDArray[np.generic]]) -> NDArray[np.intp]:
    return np.concatenate(parts) if len(parts) else np.zeros(0, dtype=np.intp)
