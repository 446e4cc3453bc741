"""The rules that share out what there is: one pot for each kind of resource."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from healthalloc.errors import DataError, Problem
from healthalloc.formulation.program import Floats
from healthalloc.layout import Layout, Mask
from healthalloc.norms import cases_per_flow, demand_cases, needs
from healthalloc.scenario import Scenario
from healthalloc.strategies.allocation import Allocation, limits, open_today
from healthalloc.strategies.capacity import needed_rows
from healthalloc.strategies.catchments import counted_at, near_pairs
from healthalloc.strategies.sharing import whole_shares
from healthalloc.validate import nearest

Totals = Mapping[str, float]
Share = Callable[[float, Floats, Floats, Floats], Floats]


def shared_out(
    scenario: Scenario, amounts: Callable[[Layout], Floats], share: Share, totals: Totals | None
) -> Allocation:
    """Share today's units of each resource among the facilities that are open today.

    Stock that no service needs at its facility stays as it is. Where a limit of ``stock.csv``
    binds, the others share the rest; units that no limit lets in are not placed. Resources in
    whole units are rounded by largest remainders, which keeps the total.

    Parameters
    ----------
    scenario
    amounts
        Gives what counts of each population for each resource, shape (n_populations,
        n_resources); it is counted as `catchments.counted_at` says.
    share
        Shares a total by amounts within limits, as `sharing.in_proportion`.
    totals
        Units of a resource, with all kinds below it, to share instead of today's.
    """
    layout = Layout(scenario)
    is_open = open_today(layout)
    lower, upper = limits(layout, is_open)
    moved = needed_rows(layout) & is_open[layout.stock_facility_idx] & (upper > 0)
    stock = scenario.stock["existing"].to_numpy(dtype=float, copy=True)
    pot = _pots(layout, moved, totals or {})
    amount, pairs = amounts(layout), near_pairs(layout)
    whole = scenario.resources["whole"].to_numpy(dtype=bool)
    facility_id = scenario.stock["facility_id"].to_numpy(dtype=str)
    for k in np.unique(layout.stock_resource_idx[moved]):
        rows = np.flatnonzero(moved & (layout.stock_resource_idx == k))
        counted = counted_at(layout, pairs, rows, amount[:, k])
        stock[rows] = share(float(pot[k]), counted, lower[rows], upper[rows])
        if whole[k]:
            stock[rows] = whole_shares(stock[rows], facility_id[rows].tolist())
    return Allocation(stock)


def population_needs(layout: Layout) -> Floats:
    """Units that the demand of each population needs, shape (n_populations, n_resources).

    From the scenario's own demand (rates by group, so by age where given) and requirements,
    the mean of the categories that state one. A need for a resource with several kinds falls on
    them as they are held today, evenly where none is.
    """
    scenario = layout.scenario
    flow = demand_cases(scenario) / cases_per_flow(scenario)
    required = needs(layout)  # category, service, resource
    stated = (required > 0).sum(axis=0)
    per_flow = required.sum(axis=0) / np.maximum(stated, 1)
    rows = needed_rows(layout)
    existing = scenario.stock["existing"].to_numpy(dtype=float)
    n = len(layout.resource_ids)
    held = np.bincount(layout.stock_resource_idx[rows], existing[rows], minlength=n)
    available = scenario.resources["availability"].to_numpy(dtype=float)
    units = np.zeros((len(scenario.populations), n))
    is_kind = np.isin(np.arange(n), layout.stock_resource_idx[rows])
    for r in np.flatnonzero(per_flow.any(axis=0)):
        kinds = np.flatnonzero(layout.under[r] & is_kind)
        mix = held[kinds] if held[kinds].sum() else np.ones(len(kinds))
        if len(kinds):
            units[:, kinds] += np.outer(flow @ per_flow[:, r], mix / (mix @ available[kinds]))
    return units


def _pots(layout: Layout, moved: Mask, totals: Totals) -> Floats:
    """Units to share of each resource, shape (n_resources,)."""
    scenario, n = layout.scenario, len(layout.resource_ids)
    existing = scenario.stock["existing"].to_numpy(dtype=float)
    of = layout.stock_resource_idx
    pot = np.bincount(of[moved], existing[moved], minlength=n).astype(float)
    fixed = np.bincount(of[~moved], existing[~moved], minlength=n)
    names = [str(i) for i in layout.resource_ids]
    problems: list[Problem] = []
    seen = np.zeros(n, dtype=bool)
    for resource_id, total in totals.items():
        if resource_id not in names:
            mend = nearest(resource_id, names)
            problems.append(Problem("totals", "is no resource", value=resource_id, mend=mend))
            continue
        under = layout.under[names.index(resource_id)]
        kinds = np.flatnonzero(under & np.isin(np.arange(n), of[moved]))
        rest = total - float(fixed[under].sum())
        if not np.isfinite(total) or rest < 0 or not len(kinds):
            message = f"cannot be {total:g} of {resource_id}: {fixed[under].sum():g} are needed by"
            message += " no service and stay, and " + (
                "the rest can be shared" if len(kinds) else "there are no others"
            )
            problems.append(Problem("totals", message, value=resource_id))
        elif (seen & under).any():
            mend = "name each kind once"
            problems.append(Problem("totals", "is given twice", value=resource_id, mend=mend))
        else:
            mix = pot[kinds] if pot[kinds].sum() else np.ones(len(kinds))
            shares = rest * mix / mix.sum()
            pot[kinds] = whole_shares(shares, [names[k] for k in kinds])
        seen |= under
    if problems:
        raise DataError(problems)
    return pot
