"""What differs between two answers: beds and staff, money, travel, clauses, unmet demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from healthalloc.errors import DataError, Problem
from healthalloc.solution import Solution

UNITS, CNY, MINUTES, CASES = 1e-4, 0.005, 0.01, 1e-3
"""Smaller changes of stock, money, mean travel and cases are rounding."""


@dataclass(frozen=True, eq=False)
class Changes:
    """Two answers side by side; only what differs is listed, except in `cost`.

    Where one of them has no allocation (the plan was infeasible), its columns are empty.
    Where a plan has several cheapest answers, patients may change places at no cost; the
    tables show that too.

    Parameters
    ----------
    before, after
        Answers to two scenarios with the same facilities, populations, resources and services.

    Raises
    ------
    DataError
        If these differ.
    """

    before: Solution
    after: Solution

    def __post_init__(self) -> None:
        keys = {
            "facilities": ["facility_id"], "populations": ["population_id"],
            "resources": ["resource_id"], "services": ["service_id"],
            "stock": ["facility_id", "resource_id"],
        }  # fmt: skip
        one, other = self.before.scenario.tables, self.after.scenario.tables
        problems = [
            Problem(name, "the two answers speak of different ones: they cannot be compared")
            for name, columns in keys.items()
            if not one[name][columns].equals(other[name][columns])
        ]
        if problems:
            raise DataError(problems)

    @cached_property
    def stock(self) -> pd.DataFrame:
        """Stock that changed: ``facility_id, resource_id, kind, before, after, change``."""
        table = self.after.scenario.stock[["facility_id", "resource_id"]].copy()
        kinds = self.after.scenario.resources.set_index("resource_id")["kind"]
        table["kind"] = table["resource_id"].map(kinds)
        for name, solution in self._sides():
            table[name] = solution.stock["allocated"] if solution else np.nan
        return _changed(table, UNITS)

    @cached_property
    def facilities(self) -> pd.DataFrame:
        """The same for whole resources, with all kinds below them, and with the names.

        Columns ``facility_id, name, resource_id, kind, before, after, change``; the row
        ``facility_id`` empty is the whole region.
        """
        scenario, layout = self.after.scenario, self.after.model.layout
        root = layout.resource_ids.to_numpy()[layout.root_idx]
        table = scenario.stock[["facility_id"]].copy()
        table["resource_id"] = root[layout.stock_resource_idx]
        for name, solution in self._sides():
            table[name] = solution.stock["allocated"] if solution else np.nan
        sums = table.groupby(["facility_id", "resource_id"], sort=False, as_index=False).sum(
            min_count=1
        )
        region = table.drop(columns="facility_id").groupby("resource_id", sort=False)
        total = region.sum(min_count=1).reset_index().assign(facility_id="")
        both = pd.concat([sums, total], ignore_index=True)
        names = scenario.facilities.set_index("facility_id")["name"]
        kinds = scenario.resources.set_index("resource_id")["kind"]
        both["name"] = both["facility_id"].map(names).fillna("the region")
        both["kind"] = both["resource_id"].map(kinds)
        columns = ["facility_id", "name", "resource_id", "kind", "before", "after"]
        return _changed(both[columns], UNITS)

    @cached_property
    def sites(self) -> pd.DataFrame:
        """Facilities that open or shut: ``facility_id, name, before, after`` (true: open)."""
        table = self.after.scenario.facilities[["facility_id", "name"]].copy()
        for name, solution in self._sides():
            table[name] = solution.sites["open"] if solution else None
        differ = table["before"].fillna("") != table["after"].fillna("")
        return table[differ].reset_index(drop=True)

    @cached_property
    def cost(self) -> pd.DataFrame:
        """Yearly cost by component, CNY: ``component, before, after, change``."""
        some = self.after if self.after.status.has_solution else self.before
        components = some.cost["component"].tolist() if some.status.has_solution else []
        table = pd.DataFrame({"component": components})
        for name, solution in self._sides():
            table[name] = solution.cost["cny_a_year"] if solution else np.nan
        table["change"] = table["after"] - table["before"]
        amounts = table[["before", "after", "change"]]
        table[amounts.columns] = amounts.mask(amounts.abs() < CNY, 0.0)
        return table

    @cached_property
    def travel(self) -> pd.DataFrame:
        """Populations whose mean travel for a service changed, the longest way more first.

        Columns ``population_id, service_id, residents, before, after, change`` (minutes, one
        way, mean over the cases served); populations with nobody served before or after are
        listed in `demand`, not here.
        """
        table = self._by_population().rename(columns={"minutes": "before", "minutes_2": "after"})
        columns = ["population_id", "service_id", "residents", "before", "after"]
        changed = _changed(table[columns].dropna(), MINUTES)
        return changed.sort_values("change", ascending=False, kind="stable", ignore_index=True)

    @cached_property
    def travel_by_service(self) -> pd.DataFrame:
        """Who travels farther, by service.

        Columns ``service_id, populations_farther, residents_farther, populations_nearer,
        residents_nearer`` and the largest increase of a population's mean travel,
        ``most_minutes_more``. Residents are those of the populations concerned.
        """
        rows = []
        for service_id, part in self.travel.groupby("service_id", sort=False):
            farther, nearer = part[part["change"] > 0], part[part["change"] < 0]
            rows.append(
                (
                    service_id, len(farther), farther["residents"].sum(), len(nearer),
                    nearer["residents"].sum(), max(0.0, part["change"].max()),
                )
            )  # fmt: skip
        columns = [
            "service_id", "populations_farther", "residents_farther", "populations_nearer",
            "residents_nearer", "most_minutes_more",
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def demand(self) -> pd.DataFrame:
        """Populations whose unmet demand changed, cases a year.

        Columns ``population_id, service_id, residents, demand_before, demand_after, before,
        after, change``; the last three are of unmet cases.
        """
        table = self._by_population().rename(
            columns={
                "demand": "demand_before", "demand_2": "demand_after", "unmet": "before",
                "unmet_2": "after",
            }
        )  # fmt: skip
        columns = ["population_id", "service_id", "residents", "demand_before", "demand_after"]
        changed = _changed(table[[*columns, "before", "after"]], CASES)
        return changed.sort_values("change", ascending=False, kind="stable", ignore_index=True)

    @cached_property
    def clauses(self) -> pd.DataFrame:
        """Statements whose target, treatment, value, slack, fulfilment or price changed.

        Columns ``clause_id, part, area_id, facility_id, unit`` and, each ``_before`` and
        ``_after``, ``treatment, target, achieved, slack, met, price_cny_a_year``.
        """
        key = ["clause_id", "part", "area_id", "facility_id"]
        text, numbers = ["treatment", "target"], ["achieved", "slack", "price_cny_a_year"]
        shown = [*text, "achieved", "slack", "met", "price_cny_a_year"]
        some = self.after if self.after.status.has_solution else self.before
        if not some.status.has_solution:
            return pd.DataFrame(
                columns=[*key, "unit", *(f"{c}{s}" for c in shown for s in ("_before", "_after"))]
            )
        table = some.clause_rows[[*key, "unit"]].copy()
        sides = {}
        for name, solution in self._sides():
            rows = solution.clause_rows if solution else some.clause_rows.copy()
            if solution is None:
                rows[numbers], rows["met"] = np.nan, None
            sides[name] = rows
        differs = np.zeros(len(table), dtype=bool)
        for column in shown:
            one, other = sides["before"][column], sides["after"][column]
            table[f"{column}_before"], table[f"{column}_after"] = one, other
            if column in numbers:
                least = CNY if column == "price_cny_a_year" else 1e-6
                differs |= _differ(one, other, least)
            else:
                differs |= (one.fillna("") != other.fillna("")).to_numpy()
        return table[differs].reset_index(drop=True)

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by file name."""
        return {
            "changed_stock": self.stock, "changed_facilities": self.facilities,
            "changed_sites": self.sites, "changed_cost": self.cost,
            "changed_travel": self.travel, "changed_travel_by_service": self.travel_by_service,
            "changed_clauses": self.clauses, "changed_demand": self.demand,
        }  # fmt: skip

    def _sides(self) -> Sequence[tuple[str, Solution | None]]:
        """Both answers by name, None for one without an allocation."""
        both = (("before", self.before), ("after", self.after))
        return [(name, s if s.status.has_solution else None) for name, s in both]

    def _by_population(self) -> pd.DataFrame:
        """Mean travel, demand and unmet demand of each population and service, both sides."""
        key = ["population_id", "service_id"]
        populations = self.after.scenario.populations
        services = pd.Index(self.after.scenario.services["service_id"], name="service_id")
        index = pd.MultiIndex.from_product([populations["population_id"], services], names=key)
        table = pd.DataFrame(index=index)
        table["residents"] = np.repeat(populations["residents"].to_numpy(), len(services))
        for suffix, (_, solution) in zip(("", "_2"), self._sides()):
            names = [f"{name}{suffix}" for name in ("minutes", "demand", "unmet")]
            table[names] = np.nan
            if solution is None:
                continue
            flows = solution.flows
            weighted = flows.assign(minutes=flows["travel_min"] * flows["cases_a_year"])
            sums = weighted.groupby(key)[["minutes", "cases_a_year"]].sum()
            table[names[0]] = sums["minutes"] / sums["cases_a_year"]
            demand = solution.demand.set_index(key)
            table[names[1]] = demand["demand"]
            table[names[2]] = demand["demand"] - demand["served"]
        return table.reset_index()


def _differ(one: pd.Series[float], other: pd.Series[float], least: float) -> np.ndarray:
    """Where two columns differ by more than rounding, shape (n_rows,)."""
    a, b = one.to_numpy(dtype=float), other.to_numpy(dtype=float)
    with np.errstate(invalid="ignore"):
        far = np.abs(a - b) > np.maximum(least, 1e-9 * np.abs(a))
    return np.asarray(far | (np.isnan(a) != np.isnan(b)), dtype=bool)


def _changed(table: pd.DataFrame, least: float) -> pd.DataFrame:
    """The rows whose ``before`` and ``after`` differ, with their ``change``."""
    changed = table.assign(change=table["after"] - table["before"])
    return changed[_differ(table["before"], table["after"], least)].reset_index(drop=True)
