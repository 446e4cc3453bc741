"""Serve the cheapest case first."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from healthalloc.formulation.assemble import network
from healthalloc.formulation.program import Floats
from healthalloc.layout import Layout, Positions
from healthalloc.norms import (
    arrivals,
    cases_per_flow,
    categories,
    demand_cases,
    needs,
    resource_costs,
    travel_costs,
    unmet_penalties,
)
from healthalloc.scenario import Scenario
from healthalloc.strategies.allocation import Allocation, limits, open_today
from healthalloc.strategies.capacity import Capacity, needed_rows
from healthalloc.travel import positions_of


def cheapest_first(scenario: Scenario) -> Allocation:
    """Serve case after case where the next one costs least, until it is not worth its price.

    The greedy rule of marginal analysis (Fox 1966, doi:10.1287/mnsc.13.3.210): each way from
    residents to a facility costs its travel and what a case there holds of each resource, by the
    cheapest kind, first from today's stock, then with the capital of new units up to the limits
    of ``stock.csv``. The cheapest way is filled, then the next; none that costs more than the
    penalty of leaving the case unserved. Sites stay as they are, stock becomes what these flows
    need, rounded up within its limits, and stock that no service needs stays. It never takes
    back a step, so it is no optimum.

    Parameters
    ----------
    scenario
    """
    layout = network(scenario)
    capacity, is_open = Capacity.of(layout), open_today(layout)
    lower, upper = limits(layout, is_open)
    existing = scenario.stock["existing"].to_numpy(dtype=float)
    most = np.where(needed_rows(layout), upper, existing)
    today = np.where(needed_rows(layout), np.clip(existing, lower, upper), existing)
    facility_idx, service_idx = arrivals(layout)
    cost, worth = _costs(layout)
    n = layout.n_flows
    greedy = _Greedy(capacity, [today, most])
    cases = cases_per_flow(scenario)
    good = [is_open[facility_idx] & (c < worth) for c in cost]
    names = scenario.facilities["facility_id"].to_numpy(dtype=str)
    rank = np.argsort(np.argsort(names, kind="stable"))[facility_idx]

    def order(first: int, last: int) -> list[tuple[int, int]]:
        """Arcs and tiers of stock, the cheapest case first; ties by name."""
        tiers, arcs = np.divmod(np.arange(2 * (last - first)), last - first)
        arcs += first
        kept = np.stack(good)[tiers, arcs]
        tiers, arcs = tiers[kept], arcs[kept]
        per_case = np.round(np.stack(cost)[tiers, arcs] / cases[service_idx[arcs]], 9)
        by = np.lexsort((_home(layout)[arcs], rank[arcs], per_case))
        return list(zip(arcs[by].tolist(), tiers[by].tolist()))

    arcs = layout.arcs
    assert arcs is not None
    origin = arcs.population_idx * len(cases) + arcs.service_idx
    greedy.fill(order(0, n), origin, (demand_cases(scenario) / cases).ravel())
    if layout.referral_arcs is not None:
        later = order(n, len(service_idx))
        origin = np.concatenate([np.zeros(n, dtype=np.intp), _sent_from(layout)])
        for _ in range(len(scenario.referrals)):
            greedy.fill(later, origin, _unreferred(layout, greedy.flow))
    return Allocation(capacity.sized(greedy.flow, lower, upper), is_open)


class _Greedy:
    """Flows filled one after the other, and what is left of each row of capacity."""

    def __init__(self, capacity: Capacity, stocks: list[Floats]) -> None:
        by_arc = capacity.use.tocsc()
        ends = by_arc.indptr.tolist()
        rows, amounts = by_arc.indices.tolist(), by_arc.data.tolist()
        self._use = [
            list(zip(rows[first:last], amounts[first:last])) for first, last in pairwise(ends)
        ]
        self._left = [_capacity(capacity, stock) for stock in stocks]
        self.flow = np.zeros(len(self._use))

    def fill(self, order: list[tuple[int, int]], origin: Positions, amount: Floats) -> None:
        """Send what is left at each origin along the arcs in order."""
        left, of = amount.tolist(), origin.tolist()
        for arc, tier in order:
            room = min((self._left[tier][r] / u for r, u in self._use[arc]), default=np.inf)
            sent = min(left[of[arc]], room)
            if sent <= 1e-12:
                continue
            left[of[arc]] -= sent
            self.flow[arc] += sent
            for r, u in self._use[arc]:
                for tiers in self._left:
                    tiers[r] = max(tiers[r] - u * sent, 0.0)


def _capacity(capacity: Capacity, stock: Floats) -> list[float]:
    """Rows of capacity at some stock, which may be infinite."""
    entries = capacity.give.tocoo()
    some = entries.data > 0
    given = entries.data[some] * stock[entries.col[some]]
    left: list[float] = np.bincount(
        entries.row[some], given, minlength=capacity.give.shape[0]
    ).tolist()
    return left


def _costs(layout: Layout) -> tuple[tuple[Floats, Floats], Floats]:
    """Cost of each arc from today's stock and from new units, and what serving is worth."""
    scenario = layout.scenario
    arcs, referred = layout.arcs, layout.referral_arcs
    assert arcs is not None
    facility_idx, service_idx = arrivals(layout)
    minutes = arcs.travel_min
    if referred is not None:
        minutes = np.concatenate([minutes, referred.travel_min])
    travel = travel_costs(scenario, minutes, service_idx)
    yearly = resource_costs(scenario)
    available = scenario.resources["availability"].to_numpy(dtype=float)
    is_kind = np.isin(np.arange(len(layout.resource_ids)), layout.stock_resource_idx)
    category_idx, _ = categories(scenario)
    need = needs(layout)[category_idx[facility_idx], service_idx]
    found = []
    for price in (yearly["operating"], yearly["operating"] + yearly["capital"]):
        each = np.where(is_kind, price / available, np.inf)
        cheapest = np.where(layout.under, each, np.inf).min(axis=1)
        found.append(travel + need @ np.where(np.isinf(cheapest), 0.0, cheapest))
    return (found[0], found[1]), unmet_penalties(scenario)[service_idx]


def _home(layout: Layout) -> Positions:
    """Rank by name of where each arc begins, after which ties are broken."""
    scenario, arcs, referred = layout.scenario, layout.arcs, layout.referral_arcs
    assert arcs is not None
    names = scenario.populations["population_id"].to_numpy(dtype=str)
    start: Positions = np.argsort(np.argsort(names, kind="stable"))[arcs.population_idx]
    if referred is None:
        return start
    names = scenario.facilities["facility_id"].to_numpy(dtype=str)
    sender = np.argsort(np.argsort(names, kind="stable"))[referred.from_idx]
    return np.concatenate([start, sender])


def _sent_from(layout: Layout) -> Positions:
    """Facility and referral that each referral arc begins at, as one position."""
    referred = layout.referral_arcs
    assert referred is not None
    sent: Positions = referred.from_idx * len(layout.scenario.referrals) + referred.referral_idx
    return sent


def _unreferred(layout: Layout, flow: Floats) -> Floats:
    """Flow that each facility should still refer on, shape (n_facilities * n_referrals,)."""
    scenario, referred = layout.scenario, layout.referral_arcs
    assert referred is not None
    cases = cases_per_flow(scenario)
    facility_idx, service_idx = arrivals(layout)
    treated = np.zeros((layout.n_facilities, len(cases)))
    np.add.at(treated, (facility_idx, service_idx), flow * cases[service_idx])
    table, services = scenario.referrals, list(scenario.services["service_id"])
    start = positions_of(table["from_service_id"], services)
    end = positions_of(table["to_service_id"], services)
    asked = treated[:, start] * table["share"].to_numpy(dtype=float) / cases[end]
    n = layout.n_flows
    sent = np.bincount(_sent_from(layout), flow[n:], minlength=asked.size)
    missing: Floats = np.maximum(asked.ravel() - sent, 0.0)
    return missing
