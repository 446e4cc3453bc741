"""Capacitated p-median: p sites of limited size, everyone at one of them."""

from __future__ import annotations

from typing import Any

from healthalloc.siting.answer import Siting
from healthalloc.siting.costs import Costs, check_p
from healthalloc.siting.facility_location import solve_capacitated


def capacitated_p_median(
    costs: Costs,
    p: int,
    capacity: Any,
    *,
    demand: Any = None,
    single_source: bool = True,
    exact: bool = True,
    time_limit_s: float = 300.0,
    gap: float = 1e-9,
) -> Siting:
    """Open p sites so that weight times cost is least in total and no capacity is exceeded.

    The capacitated p-median (Mulvey and Beck 1984, doi:10.1016/0377-2217(84)90155-3; Osman and
    Christofides 1994), solved as `capacitated_facility_location` is.

    Parameters
    ----------
    costs
        Forced sites are among the p.
    p
        Number of sites.
    capacity : number or shape (n_candidates,)
    demand : shape (n_demand,), optional
        What each demand point takes of a capacity; its weight by default.
    single_source
        Whether a demand point goes to one site as a whole.
    exact
        If false, greedy choice and exchanges alone, with a Lagrangian bound.
    time_limit_s, gap
        When to stop.

    Returns
    -------
    Siting

    Raises
    ------
    DataError
        With all problems of the arrays, or if p cannot be chosen.
    """
    check_p(costs, p)
    return solve_capacitated(
        "capacitated_p_median", costs, capacity, 0.0, demand, int(p), single_source,
        exact, time_limit_s, gap,
    )  # fmt: skip
