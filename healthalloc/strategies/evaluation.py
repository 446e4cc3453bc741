"""The one evaluation of every strategy: its decisions in the scenario's own program."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from healthalloc.access.stock import Unit
from healthalloc.errors import DataError, NoSolutionError, Problem
from healthalloc.formulation.assemble import Model, formulate
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.layout import Layout, Mask
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution
from healthalloc.solvers import Result, SolverOptions, Status, named_solver
from healthalloc.solving import proved
from healthalloc.strategies.allocation import as_allocation, limits

TRIFLE = 1e-6
FEASIBLE = 1e-6
"""Largest excess of flows over demand or capacity, relative to what is added up."""


def evaluate(
    scenario: Scenario, returned: object, name: str, *, model: Model | None = None
) -> Solution:
    """Cost, service, access and clauses of an allocation, as tables of a `Solution`.

    Stock and openings stand as the strategy decided. Flows that it does not state are those of
    least cost (travel at its value, unmet demand at its penalty) that the stock can take, found
    by one linear program; of equally cheap ones those with shorter ways. The plan's clauses and
    the limits of ``stock.csv`` are measured and not enforced, but enforced clauses on the length
    of stay hold, because they change norms.

    Parameters
    ----------
    scenario
    returned
        What a strategy returned (see `as_allocation`).
    name
        What messages call the strategy.
    model
        The scenario's program, if it is formulated already.

    Raises
    ------
    DataError
        If what the strategy returned is no allocation, or its flows exceed demand or capacity.
    NoSolutionError
        If the time limit comes before the flows are found.
    """
    model = model or formulate(scenario)
    layout = model.layout
    given = as_allocation(layout, returned, name)
    program = _freed(model.program.relaxed())
    n = layout.n_stock + layout.n_facilities
    assert given.is_open is not None
    decided = np.concatenate([given.stock, given.is_open.astype(float)])
    program = program.fixed(np.arange(n), decided)
    if given.flow is None:
        settings = scenario.settings.solve
        options = SolverOptions(time_limit_s=settings.time_limit_s, gap=settings.gap)
        nudged = _shorter_first(model, program)
        result = named_solver("auto")(nudged, options)
        if result.status is not Status.OPTIMAL:
            raise NoSolutionError(f"the flows of strategy {name} ended {result.status.value}")
        proved(nudged, result)
    else:
        x = _completed(model, np.concatenate([decided, given.flow]))
        _require_feasible(program, x, name)
        result = Result(status=given.status, solver="none: the strategy states its flows",
                        seconds=0.0, x=x)  # fmt: skip
    return Solution(replace(model, program=program), result, None, None, None, {})


def _shorter_first(model: Model, program: LinearProgram) -> LinearProgram:
    """The program with each way a trifle dearer, long ones more so, to choose among equals.

    Costs alone leave the ways open where travel has no value, and the longest of them where two
    assignments travel the same in all. At most a millionth of what a case of the service weighs.
    """
    arcs = model.layout.arcs
    assert arcs is not None
    way = arcs.distance_km if np.isnan(arcs.travel_min).any() else arcs.travel_min
    flow = program.column_block("flow").slice
    weight = np.zeros(len(model.scenario.services))
    np.maximum.at(weight, arcs.service_idx, np.abs(program.cost[flow]))
    far = way / max(float(way.max(initial=0.0)), 1.0)
    cost = program.cost.copy()
    cost[flow] += TRIFLE * weight[arcs.service_idx] * (far + far**2) / 2
    return replace(program, cost=cost)


def _freed(program: LinearProgram) -> LinearProgram:
    """The program without clauses and without limits of stock at sites."""
    lower, upper = program.row_lower.copy(), program.row_upper.copy()
    for name in ("site", "form", "clause"):
        rows = program.row_block(name).slice
        lower[rows], upper[rows] = -np.inf, np.inf
    return replace(program, row_lower=lower, row_upper=upper)


def _completed(model: Model, decisions: Floats) -> Floats:
    """The program's columns at given stock, openings and flows."""
    layout, program = model.layout, model.program
    n = layout.n_stock
    x = np.zeros(program.n_columns)
    x[: len(decisions)] = decisions
    existing = layout.scenario.stock["existing"].to_numpy(dtype=float)
    more = np.bincount(layout.balance_idx, decisions[:n] - existing, minlength=n)
    x[program.column_block("add").slice] = np.maximum(more, 0.0)
    x[program.column_block("retire").slice] = np.maximum(-more, 0.0)
    covers = [e.measure.cover for e in model.enforced if e.measure.cover is not None]
    reached = [cover.reached(decisions) for cover in covers]
    x[program.column_block("reached").slice] = np.concatenate([np.zeros(0), *reached])
    return x


def _require_feasible(program: LinearProgram, x: Floats, name: str) -> None:
    activity, size = program.matrix @ x, abs(program.matrix) @ np.abs(x)
    for block, what in (("demand", "demand"), ("capacity", "capacity"), ("referral", "referrals")):
        rows = program.row_block(block).slice
        upper = program.row_upper[rows]
        over = (activity[rows] - upper) / (1.0 + size[rows] + np.abs(upper))
        if len(over) and over.max() > FEASIBLE:
            label = program.row_block(block).labels().iloc[int(over.argmax())]
            message = f"exceeds the {what} at {' '.join(map(str, label))}"
            raise DataError([Problem(f"strategy {name}", message, column="flow")])


def mean_travel(solution: Solution) -> tuple[float, float]:
    """Mean and longest way of all cases served, minutes (km where only km are known)."""
    flows = solution.flows
    column = "travel_min" if travel_unit(solution) == "min" else "distance_km"
    way, cases = (flows[c].to_numpy(dtype=float) for c in (column, "cases_a_year"))
    if not cases.sum():
        return np.nan, np.nan
    return float(way @ cases / cases.sum()), float(way.max())


def travel_unit(solution: Solution) -> Unit:
    """The unit in which travel is known for every arc, minutes first."""
    arcs = solution.model.layout.arcs
    assert arcs is not None
    return "km" if np.isnan(arcs.travel_min).any() else "min"


def limits_broken(layout: Layout, solution: Solution) -> int:
    """Stock outside the limits of ``stock.csv``, and existing sites that are closed."""
    is_open = solution.sites["open"].to_numpy(dtype=bool)
    stock = solution.stock["allocated"].to_numpy(dtype=float)
    lower, upper = limits(layout, is_open, in_whole_units=False)
    outside = (stock < lower - 1e-6 * (1 + lower)) | (stock > upper * (1 + 1e-6) + 1e-6)
    stays = (layout.scenario.facilities["site"] == "existing").to_numpy() & ~layout.has_forms
    return int(outside.sum() + (stays & ~is_open).sum()) + _forms_broken(layout, is_open)


def _forms_broken(layout: Layout, is_open: Mask) -> int:
    """Institutions of which two forms are open, or none though the institution stays."""
    form = layout.has_forms
    institution = np.unique(layout.institution_idx[form])
    number = np.bincount(layout.institution_idx[form], is_open[form], minlength=layout.n_facilities)
    stays = (layout.scenario.facilities["site"] == "existing").to_numpy()
    return int(((number > 1) | ((number < 1) & stays))[institution].sum())
