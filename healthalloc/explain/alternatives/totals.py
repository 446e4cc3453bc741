"""What ranges are found of: stocks, totals by facility and by institution, sites."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from healthalloc.formulation.assemble import Model

Ranged = tuple[pd.DataFrame, csr_array, NDArray[np.bool_]]
"""Labels of what ranges are found of, coefficients, and whether only whole numbers count."""


def ranged(model: Model, compared: Sequence[str] = ()) -> Ranged:
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
