"""What every siting model gives back: the sites, who goes where, and the proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from healthalloc.errors import NoSolutionError
from healthalloc.siting.costs import Costs, Floats, Positions, coordinates
from healthalloc.solvers.base import Status

TOLERANCE = 1e-6
"""Largest relative residual that passes."""


@dataclass(frozen=True, kw_only=True)
class Checks:
    """Residuals of an answer, recomputed from the costs and the answer alone.

    Parameters
    ----------
    objective
        Relative difference of the objective from the one that the search or solver told.
    unassigned
        Demand points that the model must serve and that are not wholly served.
    misassigned
        Demand points sent to a closed site or along a pair that cannot be joined.
    capacity
        Largest load above a capacity, relative to the capacity.
    n_sites
        Difference from the number of sites asked for.
    """

    objective: float = 0.0
    unassigned: int = 0
    misassigned: int = 0
    capacity: float = 0.0
    n_sites: int = 0

    @property
    def passes(self) -> bool:
        """Whether all are small enough."""
        counts = self.unassigned + self.misassigned + abs(self.n_sites)
        return counts == 0 and max(self.objective, self.capacity) <= TOLERANCE


@dataclass(frozen=True, eq=False, kw_only=True)
class Siting:
    """Answer of a siting model.

    Parameters
    ----------
    model
        Its name, e.g. ``"p_median"``.
    costs
        What it answers to.
    status
        ``OPTIMAL``: the bound proves it. ``INFEASIBLE``: ``reason`` says why.
    reason
        Why there is no answer, or what was left out; ``""`` otherwise.
    sites : ndarray of int, shape (k,)
        Positions of the open candidates, in order, with the forced ones.
    assignment : ndarray of int, shape (n_demand,)
        Position of the candidate that serves each demand point (the most of it, where demand
        may be split); -1 if none does.
    shares : csr_array, shape (n_demand, n_candidates), or None
        Share of each demand point that each candidate serves, where demand may be split.
    objective
        Recomputed from the arrays above; NaN without an answer.
    bound
        No answer is better: a lower bound where the model minimises, an upper one where it
        maximises.
    gap
        Distance of the two, relative to the objective.
    seconds
        Wall time.
    checks : Checks or None
        None without an answer.
    """

    model: str
    costs: Costs
    status: Status
    reason: str
    sites: Positions
    assignment: Positions
    shares: csr_array | None
    objective: float
    bound: float
    gap: float
    seconds: float
    checks: Checks | None

    @property
    def site_ids(self) -> list[Any]:
        """Names of the open candidates."""
        return list(self.costs.candidate_ids[self.sites])

    def require_optimal(self) -> Siting:
        """The answer, if it is proved optimal.

        Raises
        ------
        NoSolutionError
            If it is not; the text says why.
        """
        if self.status is not Status.OPTIMAL:
            detail = self.reason or f"gap {self.gap:.3g}"
            raise NoSolutionError(f"{self.model}: {self.status.value}; {detail}")
        return self

    def table(self) -> pd.DataFrame:
        """Who goes where: ``demand_id``, ``site_id``, ``weight``, ``share``, ``cost``.

        One row for each demand point that is served, or for each of its parts.
        """
        if self.shares is None:
            row = np.flatnonzero(self.assignment >= 0)
            column, share = self.assignment[row], np.ones(len(row))
        else:
            row, column, share = coordinates(self.shares)
        return pd.DataFrame(
            {
                "demand_id": self.costs.demand_ids[row],
                "site_id": self.costs.candidate_ids[column],
                "weight": self.costs.weight[row] * share,
                "share": share,
                "cost": pair_values(self.costs.cost, row, column),
            }
        )


def pair_values(matrix: csr_array, row: Positions, column: Positions) -> Floats:
    """Stored values of pairs; NaN for a pair that is not stored."""
    n_columns = matrix.shape[1]
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    key = rows * n_columns + matrix.indices
    wanted = np.asarray(row, dtype=np.int64) * n_columns + column
    order = np.argsort(key, kind="stable")
    at = np.searchsorted(key, wanted, sorter=order)
    inside = at < len(key)
    found = np.full(len(wanted), np.nan)
    places = order[at[inside]]
    same = key[places] == wanted[inside]
    found[np.flatnonzero(inside)[same]] = matrix.data[places[same]]
    return found


def nearest_open(costs: Costs, sites: Positions) -> tuple[Positions, Floats]:
    """Cheapest open candidate of each demand point and its cost; -1 and inf where none."""
    is_open = np.zeros(costs.n_candidates, dtype=np.bool_)
    is_open[sites] = True
    at = np.flatnonzero(is_open[costs.cost.indices])
    row = np.repeat(np.arange(costs.n_demand), np.diff(costs.cost.indptr))[at]
    order = np.lexsort((costs.cost.indices[at], costs.cost.data[at], row))
    rows, begin = np.unique(row[order], return_index=True)
    site, cost = np.full(costs.n_demand, -1, dtype=np.intp), np.full(costs.n_demand, np.inf)
    site[rows] = costs.cost.indices[at[order[begin]]]
    cost[rows] = costs.cost.data[at[order[begin]]]
    return site, cost


def relative_gap(objective: float, bound: float) -> float:
    """Distance of objective and bound, relative to the objective."""
    if objective == bound:
        return 0.0
    return abs(objective - bound) / max(abs(objective), 1e-9)


def no_answer(model: str, costs: Costs, status: Status, reason: str, seconds: float) -> Siting:
    """A status without sites."""
    return Siting(
        model=model, costs=costs, status=status, reason=reason,
        sites=np.zeros(0, dtype=np.intp),
        assignment=np.full(costs.n_demand, -1, dtype=np.intp), shares=None,
        objective=np.nan, bound=np.nan, gap=np.nan, seconds=seconds, checks=None,
    )  # fmt: skip
