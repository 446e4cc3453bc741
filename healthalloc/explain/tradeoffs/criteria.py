"""What a plan is judged by beside its clauses: cost, access, equity, number of actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from healthalloc.areas import at_one_depth
from healthalloc.errors import DataError, Problem, UnsupportedError
from healthalloc.explain.alternatives.actions import action_count, change_limits
from healthalloc.explain.extended import SLACK, Builder, Form, Open, Positions, row_of
from healthalloc.explain.tradeoffs.criterion import Criterion, Farthest, Gini, Linear
from healthalloc.formulation.blocks import Rows
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.layout import Layout
from healthalloc.norms import cases_per_flow
from healthalloc.solution import NEGLIGIBLE, Solution
from healthalloc.solvers import SolverOptions
from healthalloc.travel import positions_of
from healthalloc.validate import nearest

TENTH = 0.1


@dataclass(frozen=True)
class Asked:
    """What the criteria of one run share.

    Parameters
    ----------
    base
        The least-cost plan.
    ceiling
        Most that any plan of the run may cost, CNY a year; infinite: no limit.
    resource_id
        Resource that the equity criteria count, with all kinds below it.
    options
        How to solve.
    """

    base: Solution
    ceiling: float
    resource_id: str
    options: SolverOptions


def _linear(
    builder: Builder,
    name: str,
    unit: str,
    form: Form,
    *,
    sign: float = 1.0,
    measured: Callable[[Floats], float] | None = None,
    whole: bool = False,
    improved: Callable[[Open, Floats], Floats] | None = None,
) -> Linear:
    """A linear criterion with its row."""
    row = builder.add_rows(row_of(form, scale=form.as_row))
    return Linear(name, unit, sign, form, int(row[0]), measured, whole, improved)


def _travel(base: Solution) -> tuple[Positions, Floats, str]:
    """Columns of the flows, the length of each, and its unit."""
    arcs = base.model.layout.arcs
    assert arcs is not None
    flow = base.model.program.column_block("flow")
    columns = np.arange(flow.start, flow.stop)
    for length, unit in ((arcs.travel_min, "minutes one way"), (arcs.distance_km, "km one way")):
        if not np.isnan(length).any():
            return columns, length, unit
    raise UnsupportedError("travel is known neither in minutes nor in km for every arc")


def _of_base(base: Solution) -> Floats:
    assert base.result.x is not None
    return base.result.x


def served_as(base: Solution) -> LinearProgram:
    """The program of a plan's scenario in which everybody is served as much as in the plan.

    Each row of demand (population and service) is held at the plan's own amount.
    """
    program = base.model.program
    rows = program.row_block("demand").slice
    served = (program.matrix @ _of_base(base))[rows]
    most = program.row_upper[rows]
    served = np.where(served > most * (1 - NEGLIGIBLE), most, np.maximum(served, 0.0))
    lower, upper = program.row_lower.copy(), program.row_upper.copy()
    lower[rows], upper[rows] = served * (1 - SLACK), served
    return replace(program, row_lower=lower, row_upper=upper)


def areas(layout: Layout, resource_id: str) -> tuple[csr_array, Floats]:
    """Stock of a resource by area, and residents by area.

    Returns
    -------
    csr_array, shape (n_areas, n_stock)
        Adds the stock of each area up.
    ndarray, shape (n_areas,)
        Residents.

    Raises
    ------
    DataError
        If a facility that may hold the resource stands in no population's area, nor in one that
        lies beside it in the tree of areas (see `areas.at_one_depth`).
    UnsupportedError
        If fewer than two areas have residents.
    """
    scenario = layout.scenario
    held = layout.stock_in(resource_id, np.ones(layout.n_facilities, dtype=bool))
    held = held[scenario.stock["upper"].to_numpy()[held] != 0]
    facility = layout.stock_facility_idx[held]
    homes, sites = at_one_depth(
        scenario.areas,
        list(scenario.populations["area"]),
        list(scenario.facilities["area"].iloc[facility]),
    )
    by_area = scenario.populations["residents"].groupby(homes, sort=False).sum()
    known = list(map(str, by_area.index))
    area = positions_of(pd.Series(sites, dtype=object), known)
    strangers = np.unique(facility[area < 0])
    if len(strangers):
        raise DataError(
            Problem(
                "facilities", "is the area of no population, but its stock is to count",
                int(row) + 1, "area", scenario.facilities["area"].iloc[row],
                nearest(scenario.facilities["area"].iloc[row], known),
            )
            for row in strangers
        )  # fmt: skip
    residents = by_area.to_numpy(dtype=float)
    if (residents > 0).sum() < 2:
        raise UnsupportedError("equity between areas needs two areas with residents or more")
    stock = csr_array((np.ones(len(held)), (area, held)), shape=(len(known), layout.n_stock))
    return stock, residents


def cost(builder: Builder, asked: Asked) -> Criterion:
    """Yearly cost with the penalty of unmet demand: the objective of the program."""
    return _linear(builder, "cost", "CNY a year", builder.cost)


def access_mean(builder: Builder, asked: Asked) -> Criterion:
    """Travel one way, mean over all cases served, each population served as at least cost.

    Admissions and visits count alike. Every population and service is served exactly as much
    as in the least-cost plan (`served_as`), so that the mean is linear in the flows and
    nobody's access improves by not being served.
    """
    columns, length, unit = _travel(asked.base)
    layout = asked.base.model.layout
    assert layout.arcs is not None
    cases = cases_per_flow(layout.scenario)[layout.arcs.service_idx]
    served = float(cases @ _of_base(asked.base)[columns])
    if served <= NEGLIGIBLE:
        raise UnsupportedError("the least-cost plan serves nobody: there is no travel to trade")
    form = Form(columns, length * cases / served)
    return _linear(builder, "access-mean", unit, form)


def access_worst(builder: Builder, asked: Asked) -> Criterion:
    """The longest way one way, each population served as at least cost (see `access_mean`)."""
    columns, length, unit = _travel(asked.base)
    if not len(columns):
        raise UnsupportedError("the least-cost plan serves nobody: there is no travel to trade")
    return Farthest(unit, columns, length)


def equity_gini(builder: Builder, asked: Asked) -> Criterion:
    """Gini coefficient of stock per resident over areas, weighted by residents."""
    stock, residents = areas(asked.base.model.layout, asked.resource_id)
    share = residents / residents.sum()
    first, second = (side.astype(np.intp) for side in np.triu_indices(len(share), k=1))
    u = builder.add_columns(len(first))
    each = np.arange(len(first))
    apart = (
        csr_array((share[second], (each, first)), shape=(len(first), len(share)))
        - csr_array((share[first], (each, second)), shape=(len(first), len(share)))
    ) @ stock
    for side in (apart, -apart):
        entries = side.tocoo()
        builder.add_rows(
            Rows(
                np.concatenate([entries.row, each]), np.concatenate([entries.col, u]),
                np.concatenate([-entries.data, np.ones(len(u))]),
                np.zeros(len(u)), np.full(len(u), np.inf),
            )
        )  # fmt: skip
    held = np.unique(stock.indices).astype(np.intp)
    bottom = Form(held, np.ones(len(held)))
    # the row is written anew at every limit; here it only takes its place
    row = builder.add_rows(row_of(bottom))

    def measured(x: Floats) -> float:
        total = bottom.of(x)
        held = stock @ x[: stock.shape[1]]
        parts = np.abs(share[second] * held[first] - share[first] * held[second])
        return float(parts.sum() / total) if total > NEGLIGIBLE else 0.0

    return Gini(Form(u, np.ones(len(u))), bottom, int(row[0]), builder.one, measured)


def equity_worst_tenth(builder: Builder, asked: Asked) -> Criterion:
    """Stock per 1,000 residents of the tenth of the residents that has least.

    Areas are filled up from the worst, the last one in part: the conditional value at risk of
    Rockafellar and Uryasev (2000, doi:10.21314/JOR.2000.038), which is linear.
    """
    stock, residents = areas(asked.base.model.layout, asked.resource_id)
    thousands = residents / 1000.0
    level = int(builder.add_columns(1)[0])
    below = builder.add_columns(len(thousands))
    entries, each = stock.tocoo(), np.arange(len(thousands))
    builder.add_rows(
        Rows(
            np.concatenate([entries.row, each, each]),
            np.concatenate([entries.col, below, np.full(len(each), level)]),
            np.concatenate([entries.data, np.ones(len(each)), -thousands]),
            np.zeros(len(each)), np.full(len(each), np.inf),
        )
    )  # fmt: skip
    tenth = TENTH * thousands.sum()
    form = Form(np.append(below, level), np.append(np.full(len(below), 1.0 / tenth), -1.0))

    def measured(x: Floats) -> float:
        held = stock @ x[: stock.shape[1]]
        some = np.flatnonzero(thousands)
        order = some[np.argsort(held[some] / thousands[some], kind="stable")]
        before = np.concatenate([[0.0], np.cumsum(thousands[order])[:-1]])
        counted = np.clip(tenth - before, 0.0, thousands[order])
        return -float((held[order] / thousands[order]) @ counted / tenth)

    unit = f"{asked.resource_id} per 1,000 residents"
    return _linear(builder, "equity-worst-tenth", unit, form, sign=-1.0, measured=measured)


def equity_worst_area(builder: Builder, asked: Asked) -> Criterion:
    """Stock per 1,000 residents of the area that has least."""
    stock, residents = areas(asked.base.model.layout, asked.resource_id)
    inhabited = np.flatnonzero(residents)
    thousands = residents[inhabited] / 1000.0
    level = int(builder.add_columns(1)[0])
    entries, each = stock[inhabited].tocoo(), np.arange(len(inhabited))
    builder.add_rows(
        Rows(
            np.concatenate([entries.row, each]),
            np.concatenate([entries.col, np.full(len(each), level)]),
            np.concatenate([entries.data, -thousands]),
            np.zeros(len(each)), np.full(len(each), np.inf),
        )
    )  # fmt: skip
    form = Form(np.array([level]), np.array([-1.0]))

    def measured(x: Floats) -> float:
        return -float(((stock @ x[: stock.shape[1]])[inhabited] / thousands).min())

    unit = f"{asked.resource_id} per 1,000 residents"
    return _linear(builder, "equity-worst-area", unit, form, sign=-1.0, measured=measured)


def actions(builder: Builder, asked: Asked) -> Criterion:
    """Number of stocks that change and of sites that open or close (see `action_count`)."""
    model = asked.base.model
    limits = change_limits(model, asked.ceiling, asked.options)
    counted = action_count(builder, model, *limits)
    return _linear(
        builder, "actions", "actions", counted.form, measured=counted.measured, whole=True,
        improved=counted.fewer,
    )  # fmt: skip


CRITERIA: dict[str, Callable[[Builder, Asked], Criterion]] = {
    "cost": cost,
    "access-mean": access_mean,
    "access-worst": access_worst,
    "equity-gini": equity_gini,
    "equity-worst-tenth": equity_worst_tenth,
    "equity-worst-area": equity_worst_area,
    "actions": actions,
}
"""What plans can be judged by."""
