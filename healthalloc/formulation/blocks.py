"""The rows of the program, one function for each sort of constraint.

Every function returns a `Rows`: the coefficients in triplet form over the program's columns
and the bounds. `Columns` says where each sort of column begins. What all flows into a facility
for one service have in common is stated once, of their arrival (see `matrix_of`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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

    ``stock | open | flow | referral | add | retire | reached``; behind them, from ``end`` to
    ``stop``, the arrivals: no columns of the program, each stands for all flows and referrals
    into one facility for one service.
    """

    stock: int
    open: int
    flow: int
    referral: int
    add: int
    retire: int
    reached: int
    end: int
    stop: int

    @classmethod
    def of(cls, layout: Layout, n_reached: int) -> Columns:
        """Positions for a layout and a number of points that clauses ask to be reached."""
        sizes = [
            layout.n_stock, layout.n_facilities, layout.n_flows, layout.n_referrals,
            layout.n_stock, layout.n_stock, n_reached, layout.n_arrivals,
        ]  # fmt: skip
        return cls(0, *np.cumsum(sizes).tolist())


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of the program.

    Parameters
    ----------
    row, column : ndarray of int, shape (nnz,)
        Position of each coefficient; rows count from 0, columns may be arrivals.
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


def demand_rows(layout: Layout, demand: Floats) -> tuple[Rows, NDArray[np.int32], Positions]:
    """Flows of a population and service do not exceed its demand; each counts once.

    Unmet demand is what is left; its penalty stands in the objective as a constant and as a
    reward on each flow, which saves a column for each row (and most of the simplex time).

    Parameters
    ----------
    demand : ndarray, shape (n_populations, n_services)
        In units of flow.

    Returns
    -------
    Rows
        One row for each population and service with an arc, its coefficients left out.
    ndarray of int, shape (n_flows,)
        Row of each flow, where it has the coefficient 1.
    ndarray of int, shape (n_rows,)
        ``population_idx * n_services + service_idx`` of each row.
    """
    assert layout.arcs is not None
    key = layout.arcs.population_idx * demand.shape[1] + layout.arcs.service_idx
    present = np.zeros(demand.size, dtype=bool)
    present[key] = True
    keys = np.flatnonzero(present)
    row_of = np.cumsum(present, dtype=np.int32) - 1
    none = np.zeros(0, dtype=np.intp)
    rows = Rows(none, none, np.zeros(0), np.zeros(len(keys)), demand.ravel()[keys])
    return rows, row_of[key], keys


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
    n_services, n_resources = len(layout.scenario.services), len(layout.resource_ids)
    occurs = np.zeros((layout.n_facilities, n_services), dtype=bool)
    occurs[arrivals(layout)] = True
    facility_idx, service_idx = np.nonzero(occurs)
    category_idx, _ = categories(layout.scenario)
    above = layout.under.T.astype(float)
    need_by_day, need_by_case = needs(layout, "per_patient"), needs(layout, "cases_per_unit")
    by_day, by_case = need_by_day @ above, need_by_case @ above
    category, factor = category_idx[facility_idx], stay_factor(layout)[facility_idx, service_idx]
    per_flow = by_day[category, service_idx] * factor[:, None] + by_case[category, service_idx]
    required = (need_by_day + need_by_case).any(axis=(0, 1))
    k, resource_idx = np.nonzero(per_flow * required)
    used = facility_idx[k] * n_resources + resource_idx
    present = np.zeros(layout.n_facilities * n_resources, dtype=bool)
    present[used] = True
    keys = np.flatnonzero(present)
    row_of = np.cumsum(present) - 1
    counted_in, stock = np.nonzero(layout.under[:, layout.stock_resource_idx])
    holding = layout.stock_facility_idx[stock] * n_resources + counted_in
    counts = present[holding]
    available = layout.scenario.resources["availability"].to_numpy(dtype=float)
    rows = Rows(
        row_of[np.concatenate([used, holding[counts]])],
        np.concatenate([columns.end + np.flatnonzero(occurs)[k], columns.stock + stock[counts]]),
        np.concatenate(
            [per_flow[k, resource_idx], -available[layout.stock_resource_idx[stock[counts]]]]
        ),
        np.full(len(keys), -np.inf),
        np.zeros(len(keys)),
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
        return stack([]), np.zeros(0, dtype=np.intp)
    services = list(layout.scenario.services["service_id"])
    cases = cases_per_flow(layout.scenario)
    key = arcs.from_idx * len(table) + arcs.referral_idx
    keys, row = np.unique(key, return_inverse=True)
    # what arrives at the facility for the first service of the referral asks for the second
    facility_idx, referral_idx = np.divmod(keys, len(table))
    start = positions_of(table["from_service_id"], services)[referral_idx]
    share = table["share"].to_numpy(dtype=float)[referral_idx]
    rows = Rows(
        np.concatenate([row, np.arange(len(keys))]),
        np.concatenate(
            [
                np.arange(columns.referral, columns.add),
                columns.end + facility_idx * len(services) + start,
            ]
        ),
        np.concatenate([cases[referral_service_idx(layout)], -share * cases[start]]),
        np.full(len(keys), -np.inf),
        np.zeros(len(keys)),
    )
    return rows, keys


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
    base = (_joined(row), _joined(column), _joined(value, float))
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
        _joined([part.row + start for part, start in zip(parts, starts.tolist())], np.int32),
        _joined([part.column for part in parts], np.int32),
        _joined([part.value for part in parts], float),
        _joined([part.lower for part in parts], float),
        _joined([part.upper for part in parts], float),
    )


def _joined(parts: Sequence[NDArray[Any]], kind: type = np.intp) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, dtype=kind), *parts], dtype=kind)
