"""The least and the most of stock over all plans that cost no more than so much."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from healthalloc.errors import NoSolutionError, SolverError
from healthalloc.explain.extended import SLACK, Builder, row_of
from healthalloc.formulation.assemble import Model
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.solvers import Session, SolverOptions, Status, certify

ROUND = 1e-6
"""Distance from a whole number that counts as rounding."""
NEARLY = 1e-4
"""Largest gap of an end of a range; beyond that of other answers its proved bound is taken."""


def stock_ranges(
    program: LinearProgram, forms: csr_array, ceiling: float, options: SolverOptions
) -> tuple[Floats, Floats]:
    """Range of some sums over all plans within a cost, whole units relaxed.

    Two linear programs a sum, each from the last basis, except where a plan already found
    stands at the limit of every column of the sum (as in optimality-based bound tightening,
    Gleixner et al. 2017, doi:10.1007/s10898-016-0450-4).

    Parameters
    ----------
    program
    forms : csr_array, shape (n_forms, n_columns)
        With non-negative coefficients.
    ceiling
        Most that a plan may cost, CNY a year.
    options
        Time limit of each program.

    Returns
    -------
    least, most : ndarray, shape (n_forms,)
        Infinite where there is no limit. For a program with integer columns the true range
        lies within.
    """
    builder = Builder(program.relaxed())
    cost = builder.cost
    upper = ceiling + SLACK * max(1.0, abs(ceiling))
    builder.add_rows(row_of(cost, upper=upper, scale=cost.as_row))
    open_program = builder.program()
    # the last point stays feasible when only the costs change
    session = Session(open_program, options, primal=True)
    wide = csr_array(
        (forms.data, forms.indices, forms.indptr),
        shape=(forms.shape[0], open_program.n_columns),
    )
    low, high = wide @ open_program.column_lower, _most(wide, open_program.column_upper)
    limits = low + SLACK * (1 + np.abs(low)), high * (1 - SLACK) - SLACK
    ends = (np.full(forms.shape[0], np.inf), np.full(forms.shape[0], -np.inf))
    done = [np.zeros(forms.shape[0], dtype=bool), np.zeros(forms.shape[0], dtype=bool)]

    def seen(x: Floats) -> None:
        values = wide @ x
        np.minimum(ends[0], values, out=ends[0])
        np.maximum(ends[1], values, out=ends[1])
        done[0] |= ends[0] <= limits[0]
        done[1] |= ends[1] >= limits[1]

    for side, sign in ((0, 1.0), (1, -1.0)):
        for k in range(forms.shape[0]):
            if done[side][k]:
                continue
            part = slice(wide.indptr[k], wide.indptr[k + 1])
            columns = wide.indices[part].astype(np.intp)
            session.set_costs(columns, sign * wide.data[part])
            result = session.solve()
            solved = session.program
            session.set_costs(columns, np.zeros(len(columns)))
            if result.status is Status.UNBOUNDED:
                ends[side][k] = -sign * np.inf
                continue
            if result.status is not Status.OPTIMAL or result.x is None:
                raise NoSolutionError(f"no range to show: the solve ended {result.status.value}")
            certificate = certify(solved, result)
            if not certificate.passes(NEARLY):
                raise SolverError(f"a range does not pass its certificate: {certificate}")
            seen(result.x)
            if not certificate.passes():
                # of a few units a gap is soon large: the proved end leaves no plan out
                ends[side][k] = sign * certificate.bound
    return ends


def _most(forms: csr_array, upper: Floats) -> Floats:
    """Sums at the columns' upper bounds; forms without an unlimited column stay finite."""
    finite = np.where(np.isfinite(upper), upper, 0.0)
    endless = forms @ np.isinf(upper).astype(float) > 0
    most: Floats = np.where(endless, np.inf, forms @ finite)
    return most


def inward(least: Floats, most: Floats, whole: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Ranges rounded to the whole numbers within them, where only whole numbers count.

    Parameters
    ----------
    least, most : ndarray, shape (n,)
    whole : ndarray of bool, shape (n,)
    """
    least = np.where(whole, np.ceil(least - ROUND), least)
    most = np.where(whole, np.floor(most + ROUND), most)
    return least, most


def ranged(
    model: Model, compared: Sequence[str] = ()
) -> tuple[pd.DataFrame, csr_array, NDArray[np.bool_]]:
    """What ranges are found of: each stock, each facility's total of each root, each site.

    Of an institution that may take another form, also what its forms hold together (level
    ``institution``), under the id of the form that stands in the base year.

    Parameters
    ----------
    model
    compared
        Resources whose totals by facility count too, where they are neither leaf nor root
        (level ``group``).

    Returns
    -------
    DataFrame
        ``facility_id, resource_id, level, existing``; the stock rows first, as in stock.csv.
    csr_array, shape (n_rows, n_columns)
        Coefficients over the program's columns.
    ndarray of bool, shape (n_rows,)
        Whether only whole numbers count.
    """
    layout, scenario = model.layout, model.scenario
    stock = scenario.stock[["facility_id", "resource_id", "existing"]].reset_index(drop=True)
    of_stock = layout.stock_resource_idx
    is_root = layout.root_idx[of_stock] == of_stock
    labels = [stock.assign(level=np.where(is_root, "root", "leaf"))]
    columns = [np.array([k]) for k in range(len(stock))]
    totals = dict.fromkeys(layout.resource_ids[np.unique(layout.root_idx)], "root")
    totals |= {resource: "group" for resource in compared if resource not in totals}
    for resource, level in totals.items():
        held = layout.stock_in(resource, np.ones(layout.n_facilities, dtype=bool))
        held = held[layout.resource_ids.to_numpy()[of_stock[held]] != resource]
        for facility, part in stock.iloc[held].groupby("facility_id", sort=False):
            total = float(part["existing"].sum())
            labels.append(_label(str(facility), resource, total, level))
            columns.append(part.index.to_numpy())
    for name, resource, part in _by_institution(model, totals):
        existing = float(stock["existing"].to_numpy()[part].sum())
        labels.append(_label(name, resource, existing, "institution"))
        columns.append(part)
    site = scenario.facilities["site"].to_numpy()
    first = model.program.column_block("open").start
    names = scenario.facilities["facility_id"].to_list()
    for k in np.flatnonzero(layout.is_choice).tolist():
        facility = str(names[k])
        labels.append(_label(facility, "", float(site[k] != "candidate"), "site"))
        columns.append(np.array([first + k]))
    row = np.repeat(np.arange(len(columns)), [len(part) for part in columns])
    column = np.concatenate([np.zeros(0, dtype=np.intp), *columns])
    shape = (len(columns), model.program.n_columns)
    forms = csr_array((np.ones(len(row)), (row, column)), shape=shape)
    broken = np.zeros(len(columns))
    np.add.at(broken, row, ~model.program.integer[column])
    table = pd.concat(labels, ignore_index=True)
    return table[["facility_id", "resource_id", "level", "existing"]], forms, broken == 0


def _by_institution(
    model: Model, totals: Iterable[str]
) -> Iterator[tuple[str, str, NDArray[np.intp]]]:
    """Stocks of each resource in all forms of each institution that has several."""
    layout, facilities = model.layout, model.scenario.facilities
    names, of_stock = layout.resource_ids.to_numpy(), layout.stock_resource_idx
    for institution in np.unique(layout.institution_idx[layout.has_forms]):
        forms = layout.institution_idx == institution
        standing = np.flatnonzero(forms & (facilities["site"] != "candidate").to_numpy())
        facility = str(facilities["facility_id"].iat[int([*standing, *np.flatnonzero(forms)][0])])
        held = np.flatnonzero(forms[layout.stock_facility_idx])
        leaves = np.unique(of_stock[held])
        for leaf in leaves:
            yield facility, str(names[leaf]), held[of_stock[held] == leaf]
        for resource in totals:
            part = layout.stock_in(resource, forms)
            if resource not in names[leaves] and len(part):
                yield facility, resource, part


def by_institution(model: Model, table: pd.DataFrame) -> NDArray[np.bool_]:
    """Rows of a table of ranges that count each institution once, whatever its form.

    Parameters
    ----------
    model
    table
        With ``facility_id`` and ``level``, as `ranged` labels them.
    """
    ids = model.scenario.facilities["facility_id"].to_numpy()
    is_form = table["facility_id"].isin(ids[model.layout.has_forms])
    once: NDArray[np.bool_] = (~is_form | table["level"].isin(["institution", "site"])).to_numpy()
    return once


def _label(facility: str, resource: str, existing: float, level: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "facility_id": [facility], "resource_id": [resource], "existing": [existing],
            "level": [level],
        }
    )  # fmt: skip
