"""Assemble the blocks of a scenario into one linear program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from healthalloc.formulation import blocks
from healthalloc.formulation.blocks import Columns, Positions, Rows
from healthalloc.formulation.budget import stated
from healthalloc.formulation.labels import Keys, column_blocks, row_blocks
from healthalloc.formulation.matrix import matrix_of
from healthalloc.formulation.memory import require_memory
from healthalloc.formulation.objective import objective
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.layout import Layout
from healthalloc.network import (
    ReferralArcs,
    facility_pairs,
    radius_limits,
    reach,
    referral_reach,
    travel_pairs,
)
from healthalloc.norms import cases_per_flow, demand_cases, offers
from healthalloc.plan.clause import Clause
from healthalloc.plan.measure import Measure
from healthalloc.progress import phase
from healthalloc.scenario import Scenario


@dataclass(frozen=True, eq=False)
class Enforced:
    """A clause, or the budget, that the program enforces.

    Parameters
    ----------
    clause
    measure
        What it measures.
    measure_row : ndarray of int, shape (n program rows,)
        Row of the measure that each of its program rows bounds.
    start
        First of its rows in the program.
    first_reached
        First of the columns of the points that it asks to be reached.
    """

    clause: Clause
    measure: Measure
    measure_row: Positions
    start: int
    first_reached: int

    @property
    def slice(self) -> slice:
        """Its rows in the program."""
        return slice(self.start, self.start + len(self.measure_row))

    @property
    def rows(self) -> Positions:
        """Its rows in the program, one by one."""
        return self.start + np.arange(len(self.measure_row))

    @property
    def points(self) -> Positions:
        """Columns of the points that it asks to be reached."""
        cover = self.measure.cover
        return self.first_reached + np.arange(0 if cover is None else cover.near.shape[0])

    def value(self, x: Floats) -> Floats:
        """What it measures at values of the program's columns, shape (n measure rows,)."""
        return self.measure.value(x[: self.measure.numerator.shape[1]])


@dataclass(frozen=True, eq=False)
class Model:
    """A scenario's program, and what is needed to read the answer.

    Parameters
    ----------
    scenario
    layout
        Positions of the decisions, which are the program's first columns.
    program
    demand : ndarray, shape (n_populations, n_services)
        In units of flow (see `cases_per_flow`).
    enforced : tuple of Enforced
    """

    scenario: Scenario
    layout: Layout
    program: LinearProgram
    demand: Floats
    enforced: tuple[Enforced, ...]


@phase("reach")
def network(scenario: Scenario) -> Layout:
    """Positions of a scenario's decisions, with an arc for each pair within a radius."""
    service_ids = list(scenario.services["service_id"])
    limit_km, limit_min = radius_limits(scenario.radii, scenario.populations, service_ids)
    pairs = travel_pairs(
        scenario.facilities,
        scenario.populations,
        scenario.settings.travel,
        limit_km=limit_km,
        limit_min=limit_min,
        travel_table=scenario.travel,
        roads=scenario.roads,
    )
    layout = Layout(scenario)
    offered = offers(layout)
    arcs = reach(
        pairs, scenario.populations, scenario.facilities, offered, scenario.radii, service_ids
    )
    return layout.with_arcs(arcs, _referral_arcs(scenario, offered))


def _referral_arcs(scenario: Scenario, offered: NDArray[np.bool_]) -> ReferralArcs | None:
    referrals, n = scenario.referrals, len(scenario.facilities)
    if referrals.empty:
        return None
    farthest = referrals.groupby("unit")["radius"].max()
    pairs = facility_pairs(
        scenario.facilities,
        scenario.settings.travel,
        limit_km=np.full(n, farthest.get("km", -np.inf)),
        limit_min=np.full(n, farthest.get("min", -np.inf)),
        roads=scenario.roads,
    )
    return referral_reach(pairs, offered, referrals, list(scenario.services["service_id"]))


@phase("build")
def formulate(scenario: Scenario) -> Model:
    """The linear program of a scenario.

    Minimise the yearly cost of stock added, held and retired, of travel, of sites and of unmet
    demand, subject to demand, capacity, referrals, stock balance, sites and their forms, and the
    enforced clauses and the budget (the model page of the documentation states it in symbols).

    Parameters
    ----------
    scenario

    Returns
    -------
    Model

    Raises
    ------
    DataError
        If the program would take more memory than the settings allow.
    """
    layout = network(scenario)
    require_memory(layout)
    return assemble(layout)


def assemble(layout: Layout) -> Model:
    """The linear program of a scenario whose arcs are known (see `formulate`).

    Parameters
    ----------
    layout
        As `network` makes it.
    """
    scenario = layout.scenario
    demand = demand_cases(scenario) / cases_per_flow(scenario)
    enforced_clauses = [
        c for c in stated(scenario) if c.treatment == "enforce" and not c.is_parameter
    ]
    measures = [clause.measured(layout) for clause in enforced_clauses]
    n_reached = [0 if m.cover is None else m.cover.near.shape[0] for m in measures]
    columns = Columns.of(layout, sum(n_reached))

    demanded, demand_row, demand_key = blocks.demand_rows(layout, demand)
    capacity, capacity_key = blocks.capacity_rows(layout, columns)
    referral, referral_key = blocks.referral_rows(layout, columns)
    balance, balance_stock = blocks.balance_rows(layout, columns)
    site, site_stock = blocks.site_rows(layout, columns)
    form, form_institution = blocks.form_rows(layout, columns)
    parts = {
        "demand": demanded, "capacity": capacity, "referral": referral, "balance": balance,
        "site": site, "form": form,
    }  # fmt: skip
    start = sum(part.n_rows for part in parts.values())
    clause_parts: list[Rows] = []
    enforced: list[Enforced] = []
    first_reached = columns.reached
    for clause, measure, size in zip(enforced_clauses, measures, n_reached):
        rows, measure_row = blocks.clause_rows(measure, clause.bounds, first_reached)
        enforced.append(Enforced(clause, measure, measure_row, start, first_reached))
        clause_parts.append(rows)
        start += rows.n_rows
        first_reached += size
    parts["clause"] = blocks.stack(clause_parts)
    parts["reached"] = blocks.reached_rows(measures, columns.reached)

    rows = blocks.stack(list(parts.values()))
    matrix = matrix_of(rows, layout, columns, demand_row)
    lower, upper, integer = _column_bounds(layout, columns)
    cost, offset = objective(layout, columns, demand, measures)
    program = LinearProgram(
        cost, offset, matrix, rows.lower, rows.upper, lower, upper, integer,
        column_blocks(layout, columns, enforced),
        row_blocks(
            layout, parts, enforced,
            Keys(
                demand_key, capacity_key, referral_key, balance_stock, site_stock,
                form_institution,
            ),
        ),
    )  # fmt: skip
    return Model(scenario, layout, program, demand, tuple(enforced))


def _column_bounds(layout: Layout, columns: Columns) -> tuple[Floats, Floats, Any]:
    scenario = layout.scenario
    stock = scenario.stock
    choice = layout.is_choice
    stock_upper = stock["upper"].fillna(np.inf).to_numpy(dtype=float)
    stock_lower = stock["lower"].to_numpy(dtype=float)
    lower, upper = np.zeros(columns.end), np.full(columns.end, np.inf)
    lower[: columns.open] = np.where(choice[layout.stock_facility_idx], 0.0, stock_lower)
    upper[: columns.open] = stock_upper
    lower[columns.open : columns.flow] = np.where(choice, 0.0, 1.0)
    upper[columns.open : columns.flow] = 1.0
    # of the forms of an institution, the first stock row adds and retires for all
    stands = layout.balance_idx == np.arange(layout.n_stock)
    upper[columns.add : columns.retire] = np.where(stands, np.inf, 0.0)
    existing = np.bincount(layout.balance_idx, stock["existing"], minlength=layout.n_stock)
    upper[columns.retire : columns.reached] = existing
    upper[columns.reached :] = 1.0
    integer = np.zeros(columns.end, dtype=bool)
    integer[columns.open : columns.flow] = choice
    if scenario.settings.solve.whole_units:
        whole = scenario.resources["whole"].to_numpy(dtype=bool)
        integer[: columns.open] = whole[layout.stock_resource_idx]
    return lower, upper, integer
