"""Facilities, their forms and points, and the stock they hold."""

from __future__ import annotations

import numpy as np
import pandas as pd

from healthalloc.consistency.common import Tables, flag
from healthalloc.errors import Problem
from healthalloc.validate import rows_where

RESERVED = ("existing", "given")
"""Allocations that the audit names itself: the base year, and one given beside the scenario."""

FAR_DEGREES, NEAR_DEGREES = 20.0, 5.0
"""A point so far from the middle of all, and so near it when swapped, is taken for swapped."""


def check_forms(tables: Tables) -> list[Problem]:
    """A form belongs to an institution that is no form itself, and may be chosen."""
    facilities = tables["facilities"]
    form = (facilities["form_of"] != "").to_numpy()
    if not form.any():
        return []
    of_form = facilities["form_of"].isin(facilities["facility_id"][form].unique()).to_numpy()
    problems = flag(
        tables, "facilities", form & of_form, "form_of",
        "is a form itself; forms are stated of the institution as it is today",
        "name the facility whose own form_of is empty",
    )  # fmt: skip
    problems += flag(
        tables, "facilities", form & (facilities["site"] != "candidate").to_numpy(), "site",
        "another form of an institution is a candidate", "site candidate",
    )  # fmt: skip
    return problems


def check_site_costs(tables: Tables) -> list[Problem]:
    """A candidate says what its site costs."""
    facilities = tables["facilities"]
    return flag(
        tables, "facilities",
        (facilities["site"] == "candidate") & facilities["site_cost_cny"].isna(), "site_cost_cny",
        "a candidate needs the yearly cost of its site: without one it would be free",
        "give it in CNY a year; 0 must be said",
    )  # fmt: skip


def check_stock_limits(tables: Tables) -> list[Problem]:
    """Least is at most most."""
    stock = tables["stock"]
    crossed = (stock["lower"] > stock["upper"]).to_numpy()
    return [
        Problem(
            "stock", f"is above upper {stock['upper'].iat[row]:g}", row + 1, "lower",
            f"{stock['lower'].iat[row]:g}", "lower <= upper",
        )
        for row in rows_where(crossed)
    ]  # fmt: skip


def check_stock_leaves(tables: Tables) -> list[Problem]:
    """Stock is given for leaves of the tree of resources."""
    parents = set(tables["resources"]["parent_id"]) - {""}
    return flag(
        tables, "stock", tables["stock"]["resource_id"].isin(parents), "resource_id",
        "has kinds below it in the tree; stock is given for the kinds",
        "give the stock of each kind",
    )  # fmt: skip


def check_stock_of_sites(tables: Tables) -> list[Problem]:
    """Where a facility may open or close, its stock has limits, and a candidate holds nothing."""
    stock, facilities = tables["stock"], tables["facilities"]
    ids, site = facilities["facility_id"], facilities["site"]
    chosen = [*ids[site != "existing"].unique(), *facilities["form_of"].unique()]
    may_change = stock["facility_id"].isin(chosen)
    problems = flag(
        tables, "stock", may_change & stock["upper"].isna(), "upper",
        "a facility that may open or close needs an upper limit", "give upper",
    )  # fmt: skip
    of_candidate = stock["facility_id"].isin(ids[site == "candidate"].unique())
    problems += flag(
        tables, "stock", of_candidate & (stock["existing"] > 0), "existing",
        "a candidate holds nothing yet", "existing 0, or site closable",
    )  # fmt: skip
    return problems


def check_proposals(tables: Tables) -> list[Problem]:
    """Proposals do not take the names of the audit."""
    taken = tables["proposals"]["proposal_id"].isin(RESERVED)
    return flag(
        tables, "proposals", taken, "proposal_id", "is a name that the audit uses itself",
        "choose another name",
    )  # fmt: skip


def check_points(tables: Tables, needed: bool) -> list[Problem]:
    """Coordinates present where needed, no point far away unless swapped back, none at 0, 0."""
    names, columns = ("facilities", "populations"), ["longitude", "latitude"]
    middle = pd.concat([tables[name][columns] for name in names]).median().to_numpy()
    problems: list[Problem] = []
    for name in names:
        points = tables[name][columns].to_numpy(dtype=float)
        missing = np.isnan(points)
        incomplete = missing.any(axis=1) if needed else missing.any(axis=1) & ~missing.all(axis=1)
        problems += flag(
            tables, name, incomplete, "longitude",
            "the point needs both longitude and latitude", "give both in degrees, WGS 84",
        )  # fmt: skip
        off = np.linalg.norm(points - middle, axis=1)
        off_swapped = np.linalg.norm(points[:, ::-1] - middle, axis=1)
        problems += [
            Problem(
                name, "lies far from all other points, and near them when swapped", row + 1,
                "longitude, latitude", f"{points[row, 0]:g}, {points[row, 1]:g}",
                "swap longitude and latitude",
            )
            for row in rows_where((off > FAR_DEGREES) & (off_swapped < NEAR_DEGREES))
        ]  # fmt: skip
        problems += flag(
            tables, name, (points == 0).all(axis=1) & (off > FAR_DEGREES), "longitude",
            "and latitude are 0, far from all other points: a place that is not known?",
            "give both in degrees, WGS 84, or leave both empty",
        )  # fmt: skip
    return problems
