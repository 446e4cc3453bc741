"""Residents choose by size and distance, and facilities are sized to fit."""

from __future__ import annotations

from functools import partial

import numpy as np

from healthalloc.errors import DataError, Problem
from healthalloc.formulation.program import Floats
from healthalloc.layout import Positions
from healthalloc.norms import arrivals
from healthalloc.scenario import Scenario
from healthalloc.strategies.allocation import Allocation
from healthalloc.strategies.capacity import Capacity
from healthalloc.strategies.choosing import chosen


def huff(scenario: Scenario, *, exponent: float = 2.0, least_travel: float = 1.0) -> Allocation:
    """Let residents choose by size and travel, and size facilities to fit.

    The share of a facility is its size over a power of the way to it, over the sum of the same
    for all within reach (Huff 1964, doi:10.2307/1249154). Size is what it can treat today of the
    service, in units of flow; a facility that can treat nobody draws nobody, and where none in
    reach can, everybody goes to the nearest. Where an upper limit of ``stock.csv`` binds, those
    turned away stay unserved. See `choosing.chosen`.

    Parameters
    ----------
    scenario
    exponent
        Power of travel, above 0. Huff estimates it; about 2 is common for want of data.
    least_travel
        Minutes (or km) that shorter ways count as, above 0.
    """
    problems = [
        Problem("huff", "is not above 0", column=name, value=f"{value:g}")
        for name, value in (("exponent", exponent), ("least_travel", least_travel))
        if not 0 < value < np.inf
    ]
    if problems:
        raise DataError(problems)
    return chosen(scenario, partial(_pull, exponent=exponent, least_travel=least_travel))


def _pull(
    capacity: Capacity, facility: Positions, service: Positions, way: Floats,
    *, exponent: float, least_travel: float,
) -> Floats:  # fmt: skip
    size = treatable(capacity)
    pull: Floats = size[facility, service] / np.maximum(way, least_travel) ** exponent
    return pull


def treatable(capacity: Capacity) -> Floats:
    """Flow that today's stock can treat of each service alone, shape (n_facilities, n_services)."""
    layout = capacity.layout
    facility_idx, service_idx = arrivals(layout)
    existing = layout.scenario.stock["existing"].to_numpy(dtype=float)
    held = capacity.give @ existing
    most = np.full((layout.n_facilities, len(layout.scenario.services)), np.inf)
    entries = capacity.use.tocoo()
    limit = held[entries.row] / entries.data
    np.minimum.at(most, (facility_idx[entries.col], service_idx[entries.col]), limit)
    return np.where(np.isinf(most), 0.0, most)
