"""Assemble the blocks of a scenario into one linear program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array

from healthalloc.formulation import blocks
from healthalloc.formulation.blocks import Columns, Positions, Rows
from healthalloc.formulation.budget import stated
from healthalloc.formulation.memory import require_memory
from healthalloc.formulation.program import Block, Floats, LinearProgram
from healthalloc.layout import Layout
from healthalloc.network import (
    ReferralArcs,
    facility_pairs,
    radius_limits,
    reach,
    referral_reach,
    travel_pairs,
)
from healthalloc.norms import (
    cases_per_flow,
    demand_cases,
    offers,
    referral_load,
    referral_service_idx,
    resource_costs,
    travel_costs,
    unmet_penalties,
)
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
    offered = offers(Layout(scenario))
    arcs = reach(
        pairs, scenario.populations, scenario.facilities, offered, scenario.radii, service_ids
    )
    return Layout(scenario, arcs, _referral_arcs(scenario, offered))


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

    demanded, demand_key = blocks.demand_rows(layout, columns, demand)
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
    matrix = csc_array(
        coo_array((rows.value, (rows.row, rows.column)), shape=(rows.n_rows, columns.end))
    )
    matrix.eliminate_zeros()
    lower, upper, integer = _column_bounds(layout, columns)
    cost, offset = objective(layout, columns, demand, measures)
    program = LinearProgram(
        cost, offset, matrix, rows.lower, rows.upper, lower, upper, integer,
        _column_blocks(layout, columns, enforced),
        _row_blocks(
            layout, parts, enforced,
            _Keys(
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


def objective(
    layout: Layout, columns: Columns, demand: Floats, measures: list[Measure]
) -> tuple[Floats, float]:
    """Cost of a unit of each column, CNY a year, and the constant part of the objective.

    Parameters
    ----------
    layout
    columns
    demand : ndarray, shape (n_populations, n_services)
        In units of flow.
    measures
        Of the clauses enforced.
    """
    scenario, arcs, referred = layout.scenario, layout.arcs, layout.referral_arcs
    assert arcs is not None
    yearly = resource_costs(scenario)
    penalty = unmet_penalties(scenario)
    worth = referral_load(scenario) - penalty
    of_stock = layout.stock_resource_idx
    cost = np.zeros(columns.end)
    cost[: columns.open] = yearly["operating"][of_stock]
    cost[columns.open : columns.flow] = scenario.facilities["site_cost_cny"]
    travel = travel_costs(scenario, arcs.travel_min, arcs.service_idx)
    cost[columns.flow : columns.referral] = travel + worth[arcs.service_idx]
    if referred is not None:
        service_idx = referral_service_idx(layout)
        travel = travel_costs(scenario, referred.travel_min, service_idx)
        cost[columns.referral : columns.add] = travel + worth[service_idx]
    cost[columns.add : columns.retire] = yearly["capital"][of_stock]
    cost[columns.retire : columns.reached] = yearly["retirement"][of_stock]
    left_out = point_penalties(measures)
    cost[columns.reached :] = -left_out
    return cost, float((demand @ penalty).sum() + left_out.sum())


def point_penalties(measures: list[Measure]) -> Floats:
    """Yearly cost of each point that clauses ask to be reached if it is not, CNY."""
    parts = [np.zeros(0)]
    for cover in (m.cover for m in measures if m.cover is not None):
        parts.append(np.zeros(cover.near.shape[0]) if cover.penalty is None else cover.penalty)
    return np.concatenate(parts)


def _column_blocks(layout: Layout, columns: Columns, enforced: list[Enforced]) -> tuple[Block, ...]:
    scenario = layout.scenario

    def stock() -> pd.DataFrame:
        return scenario.stock[["facility_id", "resource_id"]]

    def opening() -> pd.DataFrame:
        return scenario.facilities[["facility_id"]]

    def flow() -> pd.DataFrame:
        arcs = layout.arcs
        assert arcs is not None
        return pd.DataFrame(
            {
                "population_id": scenario.populations["population_id"].to_numpy()[
                    arcs.population_idx
                ],
                "facility_id": scenario.facilities["facility_id"].to_numpy()[arcs.facility_idx],
                "service_id": scenario.services["service_id"].to_numpy()[arcs.service_idx],
            }
        )

    def referral() -> pd.DataFrame:
        arcs = layout.referral_arcs
        if arcs is None:
            return pd.DataFrame(columns=["facility_id", "to_facility_id", "service_id"])
        ids = scenario.facilities["facility_id"].to_numpy()
        services = scenario.services["service_id"].to_numpy()
        return pd.DataFrame(
            {
                "facility_id": ids[arcs.from_idx],
                "to_facility_id": ids[arcs.to_idx],
                "service_id": services[referral_service_idx(layout)],
            }
        )

    def reached() -> pd.DataFrame:
        names = [
            (e.clause.name, point)
            for e in enforced
            if e.measure.cover is not None
            for point in range(e.measure.cover.near.shape[0])
        ]
        return pd.DataFrame(names, columns=["clause_id", "point"])

    return (
        Block("stock", columns.stock, columns.open, stock),
        Block("open", columns.open, columns.flow, opening),
        Block("flow", columns.flow, columns.referral, flow),
        Block("referral", columns.referral, columns.add, referral),
        Block("add", columns.add, columns.retire, stock),
        Block("retire", columns.retire, columns.reached, stock),
        Block("reached", columns.reached, columns.end, reached),
    )


@dataclass(frozen=True, eq=False)
class _Keys:
    """What each row of a block speaks of, as positions (see `blocks`)."""

    demand: Positions
    capacity: Positions
    referral: Positions
    balance: Positions
    site: Positions
    form: Positions


def _row_blocks(
    layout: Layout, parts: dict[str, Rows], enforced: list[Enforced], keys: _Keys
) -> tuple[Block, ...]:
    scenario = layout.scenario
    facility_id = scenario.facilities["facility_id"].to_numpy()

    def demand() -> pd.DataFrame:
        population_idx, service_idx = np.divmod(keys.demand, len(scenario.services))
        return pd.DataFrame(
            {
                "population_id": scenario.populations["population_id"].to_numpy()[population_idx],
                "service_id": scenario.services["service_id"].to_numpy()[service_idx],
            }
        )

    def capacity() -> pd.DataFrame:
        facility_idx, resource_idx = np.divmod(keys.capacity, len(layout.resource_ids))
        return pd.DataFrame(
            {
                "facility_id": facility_id[facility_idx],
                "resource_id": layout.resource_ids.to_numpy()[resource_idx],
            }
        )

    def referral() -> pd.DataFrame:
        facility_idx, referral_idx = np.divmod(keys.referral, max(len(scenario.referrals), 1))
        service = scenario.referrals["to_service_id"].to_numpy()[referral_idx]
        return pd.DataFrame({"facility_id": facility_id[facility_idx], "service_id": service})

    def stock_of(rows: Positions) -> pd.DataFrame:
        return scenario.stock[["facility_id", "resource_id"]].iloc[rows].reset_index(drop=True)

    def form() -> pd.DataFrame:
        return pd.DataFrame({"facility_id": facility_id[keys.form]})

    def clause() -> pd.DataFrame:
        names = [(e.clause.name, *e.measure.place(k)) for e in enforced for k in e.measure_row]
        return pd.DataFrame(names, columns=["clause_id", "area_id", "facility_id"])

    def reached() -> pd.DataFrame:
        size = parts["reached"].n_rows
        return pd.DataFrame({"point": np.arange(size)})

    labels = {
        "demand": demand, "capacity": capacity, "referral": referral,
        "balance": lambda: stock_of(keys.balance), "site": lambda: stock_of(keys.site),
        "form": form, "clause": clause, "reached": reached,
    }  # fmt: skip
    ends = np.cumsum([part.n_rows for part in parts.values()]).tolist()
    starts = [0, *ends[:-1]]
    return tuple(
        Block(name, first, last, labels[name]) for name, first, last in zip(parts, starts, ends)
    )
