"""The solution: labelled tables made from the solver's raw vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.access_table import access_table
from healthalloc.clause_table import clause_rows, clause_summary
from healthalloc.cost_table import cost_table
from healthalloc.errors import NoSolutionError
from healthalloc.explain.conflicts import Conflict
from healthalloc.flow_tables import beds_freed, referral_needs, referral_table
from healthalloc.formulation.assemble import Model
from healthalloc.formulation.budget import BUDGET_ID, spending
from healthalloc.layout import Layout
from healthalloc.norms import (
    cases_per_flow,
    demand_cases,
    offers,
)
from healthalloc.solvers.base import Result, Status
from healthalloc.solvers.certificate import Certificate

if TYPE_CHECKING:
    import networkx as nx

    from healthalloc.plotting import Plots
    from healthalloc.scenario import Scenario

Floats = NDArray[np.float64]
NEGLIGIBLE = 1e-7
"""Flows at or below this share of a unit are rounding, not allocation."""


@dataclass(frozen=True, eq=False)
class Prices:
    """What one unit tighter costs.

    Parameters
    ----------
    by_clause
        For each enforced clause, CNY a year for one unit more in each of its rows; never
        negative.
    basis
        How they were found.
    objective
        Least cost of the program that they belong to, CNY a year.
    """

    by_clause: Mapping[str, Floats]
    basis: str
    objective: float | None


@dataclass(frozen=True, eq=False)
class Solution:
    """The answer to a scenario, with its proof.

    Parameters
    ----------
    model
        The program solved and what it stands for.
    result
        The solver's raw answer.
    certificate
        Proof of the answer, if there is a point.
    prices
        Prices of the clauses, if the answer is optimal.
    conflict
        Clauses that cannot hold together, if the plan is infeasible.
    seconds
        Wall time of the phases.
    """

    model: Model
    result: Result
    certificate: Certificate | None
    prices: Prices | None
    conflict: Conflict | None
    seconds: Mapping[str, float]

    @property
    def scenario(self) -> Scenario:
        """The scenario solved."""
        return self.model.scenario

    @property
    def status(self) -> Status:
        """How the solve ended."""
        return self.result.status

    @property
    def objective(self) -> float:
        """Yearly cost, unmet demand priced, CNY a year; NaN without a solution."""
        return np.nan if self.certificate is None else self.certificate.objective

    @property
    def bound(self) -> float:
        """Lower bound on the objective, CNY a year; NaN without a solution.

        Proved here for an LP or a relaxation, reported by the solver for a MILP; the
        certificate's ``bound_source`` says which.
        """
        return np.nan if self.certificate is None else self.certificate.bound

    @property
    def gap(self) -> float:
        """Distance of objective and bound as a share of the objective."""
        return np.nan if self.certificate is None else self.certificate.gap

    def require_optimal(self) -> Solution:
        """The solution itself, if it is optimal.

        Raises
        ------
        NoSolutionError
            Otherwise, with the clauses that conflict where the plan is infeasible.
        """
        if self.status is Status.OPTIMAL:
            return self
        text = f"the solve ended {self.status.value}"
        if self.conflict is not None:
            text = f"the plan is infeasible: these cannot hold together\n{self.conflict}"
        raise NoSolutionError(text)

    @property
    def _layout(self) -> Layout:
        return self.model.layout

    @cached_property
    def _x(self) -> Floats:
        if self.result.x is None:
            raise NoSolutionError(f"no allocation to show: the solve ended {self.status.value}")
        return self.result.x

    def _columns(self, block: str) -> Floats:
        return self._x[self.model.program.column_block(block).slice]

    @cached_property
    def _flow(self) -> Floats:
        flow = self._columns("flow")
        return np.where(flow > NEGLIGIBLE, flow, 0.0)

    @cached_property
    def _referred(self) -> Floats:
        referred = self._columns("referral")
        return np.where(referred > NEGLIGIBLE, referred, 0.0)

    @cached_property
    def stock(self) -> pd.DataFrame:
        """The allocation: ``facility_id, resource_id, existing, allocated, change`` (units).

        What an institution has stands as ``existing`` with the form of it that is open.
        """
        table = self.scenario.stock[["facility_id", "resource_id", "existing"]].copy()
        table["existing"] = self._existing_by_form()
        # solvers leave rounding of some 1e-9 behind
        table["allocated"] = np.round(self._columns("stock"), 6) + 0.0
        table["change"] = table["allocated"] - table["existing"]
        return table

    def _existing_by_form(self) -> Floats:
        layout = self._layout
        existing = self.scenario.stock["existing"].to_numpy(dtype=float, copy=True)
        is_open = (self._columns("open") > 0.5)[layout.stock_facility_idx]
        for k in np.flatnonzero(layout.has_forms[layout.stock_facility_idx] & ~is_open):
            same = (layout.balance_idx == layout.balance_idx[k]) & is_open
            if same.any():
                existing[np.argmax(same)] += existing[k]
                existing[k] = 0.0
        return existing

    @cached_property
    def referrals(self) -> pd.DataFrame:
        """Cases referred from facility to facility.

        Columns ``from_facility_id, to_facility_id, from_service_id, to_service_id,
        cases_a_year, travel_min, distance_km``; arcs without flow are left out.
        """
        return referral_table(self._layout, self._referred)

    @cached_property
    def referral_needs(self) -> pd.DataFrame:
        """Cases that should be referred on, and those that are, by facility, cases a year.

        Columns ``facility_id, from_service_id, to_service_id, needed, referred, not_referred``.
        """
        arrived = np.concatenate([self._flow, self._referred])
        return referral_needs(self._layout, arrived, self._referred)

    @cached_property
    def beds_freed(self) -> pd.DataFrame:
        """Beds that shorter stays free, where enforced clauses shorten them.

        Columns ``facility_id, service_id, resource_id, stay_days_before, stay_days_after,
        admissions_a_year, beds_needed_before, beds_needed_after, beds_freed``.
        """
        arrived = np.concatenate([self._flow, self._referred])
        return beds_freed(self._layout, arrived, self._columns("stock"))

    @cached_property
    def sites(self) -> pd.DataFrame:
        """The sites: ``facility_id, name, site, open``."""
        table = self.scenario.facilities[["facility_id", "name", "site"]].copy()
        table["open"] = self._columns("open") > 0.5
        return table

    @cached_property
    def flows(self) -> pd.DataFrame:
        """Who goes where.

        Columns ``population_id, facility_id, service_id, cases_a_year, travel_min,
        distance_km``; arcs without flow are left out.
        """
        arcs = self._layout.arcs
        assert arcs is not None
        table = self.model.program.column_block("flow").labels()
        cases = cases_per_flow(self.scenario)[arcs.service_idx]
        table["cases_a_year"] = self._flow * cases
        table["travel_min"] = arcs.travel_min
        table["distance_km"] = arcs.distance_km
        return table[self._flow > 0].reset_index(drop=True)

    @cached_property
    def _within_reach(self) -> NDArray[np.bool_]:
        """Populations with an open facility that offers the service, by service."""
        arcs = self._layout.arcs
        assert arcs is not None
        held = self._columns("stock") > NEGLIGIBLE
        offered = offers(self._layout, held) & (self._columns("open") > 0.5)[:, None]
        reach = np.zeros(self.model.demand.shape, dtype=bool)
        good = offered[arcs.facility_idx, arcs.service_idx]
        reach[arcs.population_idx[good], arcs.service_idx[good]] = True
        return reach

    @cached_property
    def _served(self) -> Floats:
        arcs = self._layout.arcs
        assert arcs is not None
        served = np.zeros(self.model.demand.shape)
        np.add.at(served, (arcs.population_idx, arcs.service_idx), self._flow)
        return served * cases_per_flow(self.scenario)

    @cached_property
    def demand(self) -> pd.DataFrame:
        """Demand and what becomes of it, admissions or visits a year.

        Columns ``population_id, service_id, demand, served, no_service_within_reach,
        within_reach_but_no_capacity``; the last three add up to the demand.
        """
        scenario = self.scenario
        demand = demand_cases(scenario)
        unmet = np.maximum(demand - self._served, 0.0)
        unmet[unmet <= NEGLIGIBLE * (1.0 + demand)] = 0.0
        near = self._within_reach
        n_services = len(scenario.services)
        return pd.DataFrame(
            {
                "population_id": scenario.populations["population_id"].repeat(n_services),
                "service_id": np.tile(scenario.services["service_id"], len(demand)),
                "demand": demand.ravel(),
                "served": (demand - unmet).ravel(),
                "no_service_within_reach": np.where(near, 0.0, unmet).ravel(),
                "within_reach_but_no_capacity": np.where(near, unmet, 0.0).ravel(),
            }
        ).reset_index(drop=True)

    @cached_property
    def clause_rows(self) -> pd.DataFrame:
        """Every value that a clause speaks of.

        Columns ``clause_id, part, area_id, facility_id, kind, quote, source, status, treatment,
        unit, baseline, base_year, target, achieved, slack, met, price_cny_a_year, price_basis``.
        """
        prices = {} if self.prices is None else self.prices.by_clause
        basis = "none: not optimal" if self.prices is None else self.prices.basis
        decisions = self._x[: self._layout.n_decisions]
        return clause_rows(self._layout, decisions, prices, basis)

    @cached_property
    def clauses(self) -> pd.DataFrame:
        """One row for each clause of the plan, showing its tightest statement.

        The columns of `clause_rows` without ``part, area_id, facility_id, kind``, and ``tightest,
        statements``. ``slack`` is negative where the clause is broken; the price is never
        negative, CNY a year for one unit more in each statement.
        """
        return clause_summary(self.clause_rows)

    @cached_property
    def cost(self) -> pd.DataFrame:
        """Yearly cost by component: ``component, cny_a_year, cny_a_year_per_resident``.

        ``total`` is what is spent (with travel at the value of time); ``unmet_penalty`` is the
        price put on demand and referrals that are not served, ``left_out_penalty`` that on
        residents outside a service circle, and ``objective`` the sum of all. Where the scenario
        states a budget, ``spent_of_budget`` is what counts against it.
        """
        spent = None if self.budget is None else self.budget["spent_cny_a_year"] or 0.0
        return cost_table(self.model, self._x, self.referral_needs, spent)

    @cached_property
    def access(self) -> pd.DataFrame:
        """Access by service and area class, and for all classes together (``all``).

        Columns ``service_id, area_class, residents, residents_within_radius,
        share_within_radius_percent`` (of an open facility that offers the service) and, over
        the cases served, ``mean_travel_min, worst_travel_min, mean_distance_km,
        worst_distance_km``.
        """
        return access_table(self._layout, self._flow, self._within_reach)

    @property
    def budget(self) -> dict[str, float | None] | None:
        """The yearly budget and what is spent of it; ``None`` if the scenario states none.

        ``budget_cny_a_year, spent_cny_a_year`` (see `healthalloc.formulation.budget.spending`)
        and ``price``: CNY a year saved by one CNY a year more; ``None`` where unknown.
        """
        limit = self.scenario.settings.budget_cny_a_year
        if limit is None:
            return None
        prices = {} if self.prices is None else self.prices.by_clause
        price = float(prices[BUDGET_ID][0]) if BUDGET_ID in prices else None
        spent = None
        if self.result.x is not None:
            of = spending(self._layout)
            spent = float(of @ self.result.x[: len(of)])
        return {"budget_cny_a_year": limit, "spent_cny_a_year": spent, "price": price}

    @property
    def assumptions(self) -> pd.DataFrame:
        """Every input that the answer rests on and that is assumed (see `Scenario`)."""
        return self.scenario.assumptions()

    def to_networkx(self) -> nx.MultiDiGraph[Any]:
        """The network with the allocation on it.

        Nodes and edges as ``network_graph.to_networkx`` makes them; facility nodes carry
        ``open`` and ``allocated`` (a dict by resource), edges ``cases_a_year``.
        """
        from healthalloc.network_graph import to_networkx

        scenario, arcs = self.scenario, self._layout.arcs
        assert arcs is not None
        services = list(scenario.services["service_id"])
        graph = to_networkx(scenario.facilities, scenario.populations, arcs, services)
        by_facility = self.stock.groupby("facility_id")
        for facility_id, is_open in zip(self.sites["facility_id"], self.sites["open"]):
            graph.nodes["facility", facility_id]["open"] = bool(is_open)
            graph.nodes["facility", facility_id]["allocated"] = {}
        for facility_id, rows in by_facility:
            allocated = dict(zip(rows["resource_id"], rows["allocated"]))
            graph.nodes["facility", facility_id]["allocated"] = allocated
        labels = self.model.program.column_block("flow").labels()
        cases = self._flow * cases_per_flow(scenario)[arcs.service_idx]
        for population, facility, service, flow in zip(
            labels["population_id"], labels["facility_id"], labels["service_id"], cases
        ):
            edge = graph.edges[("population", population), ("facility", facility), service]
            edge["cases_a_year"] = float(flow)
        return graph

    @cached_property
    def plot(self) -> Plots:
        """Plots on matplotlib: ``map``, ``allocation``, ``cost``, ``access``, ``clauses``."""
        from healthalloc.plotting import Plots

        return Plots(self)

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of a result folder, by file name."""
        tables = {"assumptions": self.assumptions}
        if self.status.has_solution:
            tables |= {
                "allocation": self.stock, "sites": self.sites, "clauses": self.clauses,
                "clause_rows": self.clause_rows, "flows": self.flows, "demand": self.demand,
                "cost": self.cost, "access": self.access,
            }  # fmt: skip
            if len(self.scenario.referrals):
                tables |= {"referrals": self.referrals, "referral_needs": self.referral_needs}
            if any(clause.is_parameter for clause in self.scenario.plan.clauses):
                tables["beds_freed"] = self.beds_freed
        if self.conflict is not None:
            tables["conflict"] = self.conflict.table()
        return tables

    def run(self) -> dict[str, Any]:
        """Facts of the run, for ``run.json``."""
        program = self.model.program
        certificate = None if self.certificate is None else self.certificate.as_dict()
        return {
            "scenario": self.scenario.settings.name,
            "status": self.status.value,
            "objective_cny_a_year": _or_none(self.objective),
            "bound_cny_a_year": _or_none(self.bound),
            "gap": _or_none(self.gap),
            "certificate": certificate
            and {k: _or_none(v) if isinstance(v, float) else v for k, v in certificate.items()},
            "budget": self.budget,
            "price_basis": None if self.prices is None else self.prices.basis,
            "solver": self.result.solver,
            "program": {
                "rows": program.n_rows,
                "columns": program.n_columns,
                "nonzeros": int(program.matrix.nnz),
                "integer_columns": int(program.integer.sum()),
                "flow_arcs": self._layout.n_flows,
            },
            "seconds": dict(self.seconds),
        }


def _or_none(value: float) -> float | None:
    """JSON knows neither NaN nor infinity."""
    return value if np.isfinite(value) else None
