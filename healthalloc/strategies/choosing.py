"""Flows that follow a rule of choice, whatever the capacity, and stock sized to fit them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from healthalloc.formulation.assemble import network
from healthalloc.formulation.program import Floats
from healthalloc.layout import Layout, Mask, Positions
from healthalloc.norms import cases_per_flow, demand_cases, referral_service_idx
from healthalloc.scenario import Scenario
from healthalloc.strategies.allocation import Allocation, limits, open_today
from healthalloc.strategies.capacity import Capacity
from healthalloc.travel import positions_of

Pull = Callable[[Capacity, Positions, Positions, Floats], Floats]
"""Pull of each arc from its facility, service and travel; the arcs of one origin share by it."""


def chosen(scenario: Scenario, pull: Pull) -> Allocation:
    """Send everybody by a rule of choice, and size stock to fit.

    Only facilities that are open today and may hold what a service requires are chosen. Stock
    that no service needs at its facility stays; the rest becomes what the flows need, rounded
    up, within the limits of ``stock.csv``. Where an upper limit is too low, those who choose
    the facility are turned away in proportion: their demand is within reach, but without
    capacity. Referrals are chosen by the same rule, from the facility that refers.

    Parameters
    ----------
    scenario
    pull
    """
    layout = network(scenario)
    capacity, is_open = Capacity.of(layout), open_today(layout)
    lower, upper = limits(layout, is_open)
    shares = _shares(layout, capacity, is_open, pull)
    flow = _flow(layout, shares, np.ones(len(shares)))
    stock = capacity.sized(flow, lower, upper)
    flow = _flow(layout, shares, capacity.fits(flow, stock))
    return Allocation(stock, is_open, flow)


def _shares(layout: Layout, capacity: Capacity, is_open: Mask, pull: Pull) -> Floats:
    """Share of each arc among those of its origin, shape (n_flows + n_referrals,)."""
    arcs, referred = layout.arcs, layout.referral_arcs
    assert arcs is not None
    n_services = len(layout.scenario.services)
    origin = arcs.population_idx * n_services + arcs.service_idx
    facility, service, minutes = arcs.facility_idx, arcs.service_idx, arcs.travel_min
    if np.isnan(minutes).any():
        minutes = arcs.distance_km
    if referred is not None:
        n_before = len(layout.scenario.populations) * n_services
        sent = referred.from_idx * len(layout.scenario.referrals) + referred.referral_idx
        more = referred.travel_min
        more = referred.distance_km if np.isnan(more).any() else more
        origin = np.concatenate([origin, n_before + sent])
        facility = np.concatenate([facility, referred.to_idx])
        service = np.concatenate([service, referral_service_idx(layout)])
        minutes = np.concatenate([minutes, more])
    pulled = np.where(is_open[facility], pull(capacity, facility, service, minutes), 0.0)
    return _within(origin, facility, np.where(is_open[facility], minutes, np.inf), pulled, layout)


def _within(
    origin: Positions, facility: Positions, minutes: Floats, pulled: Floats, layout: Layout
) -> Floats:
    """Pull over the sum of each origin; where nothing pulls, all to the nearest that is open."""
    if not len(origin):
        return np.zeros(0)
    total = np.bincount(origin, pulled)[origin]
    shares = np.divide(pulled, total, out=np.zeros(len(pulled)), where=total > 0)
    names = layout.scenario.facilities["facility_id"].to_numpy(dtype=str)
    rank = np.argsort(np.argsort(names, kind="stable"))
    order = np.lexsort((rank[facility], minutes, origin))
    first = order[np.unique(origin[order], return_index=True)[1]]
    alone = first[(total[first] == 0) & (minutes[first] < np.inf)]
    shares[alone] = 1.0
    return shares


def _flow(layout: Layout, shares: Floats, fits: Floats) -> Floats:
    """Flows of demand by shares, then of referrals, each cut to what fits."""
    scenario, arcs, referred = layout.scenario, layout.arcs, layout.referral_arcs
    assert arcs is not None
    cases = cases_per_flow(scenario)
    demand = demand_cases(scenario) / cases
    n = len(arcs)
    flow = np.zeros(len(shares))
    flow[:n] = demand[arcs.population_idx, arcs.service_idx] * shares[:n] * fits[:n]
    if referred is None:
        return flow
    services = list(scenario.services["service_id"])
    start = positions_of(scenario.referrals["from_service_id"], services)[referred.referral_idx]
    end = referral_service_idx(layout)
    asked = scenario.referrals["share"].to_numpy(dtype=float)[referred.referral_idx]
    per_flow = asked * cases[start] / cases[end]
    # no referral comes back to its service, so as many rounds as there are referrals settle it
    for _ in range(len(scenario.referrals)):
        treated = np.zeros((layout.n_facilities, len(services)))
        np.add.at(treated, (arcs.facility_idx, arcs.service_idx), flow[:n])
        np.add.at(treated, (referred.to_idx, end), flow[n:])
        flow[n:] = treated[referred.from_idx, start] * per_flow * shares[n:] * fits[n:]
    return flow
