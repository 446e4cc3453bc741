"""Which clauses of an infeasible plan cannot hold together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd

from healthalloc.errors import SolverError, TimeLimitError
from healthalloc.explain.conflicts.filters import Method, MinimalSet, minimal_set, minimal_sets
from healthalloc.explain.conflicts.soften import soften
from healthalloc.formulation.assemble import Model, formulate
from healthalloc.formulation.budget import Budget
from healthalloc.plan.clause import Clause
from healthalloc.progress import phase
from healthalloc.scenario import Scenario
from healthalloc.solvers import named_solver
from healthalloc.solvers.base import Solver, SolverOptions

SHOWN = 4
"""Facilities named in a line of text; the table has them all."""
COLUMNS = ["member", "kind", "quote", "target", "unit"]
PROVED = ["whole_units", "minimal", "minimal_in_fractions"]


@dataclass(frozen=True, eq=False)
class Conflict:
    """Clauses and stock limits that cannot all hold.

    Parameters
    ----------
    clauses
        Clauses of the conflict.
    limits
        Stock limits of the conflict: columns ``facility_id, resource_id, lower, upper``.
    whole_units
        Whether it takes whole units or site choices to make the conflict: in fractions, all
        could hold.
    minimal
        Whether leaving out any one clause or limit was seen to resolve the conflict; not so
        where time was over first, so that some members may be more than it takes.
    minimal_in_fractions
        The same where fractions of units and sites are allowed; not so of a conflict that only
        whole units make.
    """

    clauses: tuple[Clause, ...]
    limits: pd.DataFrame
    whole_units: bool
    minimal: bool
    minimal_in_fractions: bool

    def __str__(self) -> str:
        lines = [f"{c.name}: {c.quote} ({c.target_label} {c.unit_label})" for c in self.clauses]
        for resource, limits in self.limits.groupby("resource_id", sort=False):
            lines.append(_limit_line(str(resource), limits))
        if self.whole_units:
            lines.append("whole units, and sites that are open or closed")
        return "\n".join(f"  - {line}" for line in lines)

    def table(self) -> pd.DataFrame:
        """The members: ``member, kind, quote, target, unit``, clauses first."""
        clauses = [(c.name, _kind(c), c.quote, c.target_label, c.unit_label) for c in self.clauses]
        limits = [
            (f"{resource} in {facility}", "stock limits", "", _between(lower, upper), "units")
            for facility, resource, lower, upper in self.limits.itertuples(index=False)
        ]
        return pd.DataFrame([*clauses, *limits], columns=COLUMNS)


@dataclass(frozen=True, eq=False)
class Conflicts:
    """Every disjoint conflict of a plan that was found; empty for one that can hold.

    No member is in two of them. Without their members, the rest of the plan can hold.

    Parameters
    ----------
    conflicts
    complete
        False where a limit came before it was known if the rest can hold.
    """

    conflicts: tuple[Conflict, ...]
    complete: bool = True

    def __len__(self) -> int:
        return len(self.conflicts)

    def __getitem__(self, position: int) -> Conflict:
        return self.conflicts[position]

    def __str__(self) -> str:
        texts = [f"conflict {k}:\n{c}" for k, c in enumerate(self.conflicts, start=1)]
        return "\n".join(texts)

    def table(self) -> pd.DataFrame:
        """All members: ``conflict`` (number from 1), ``member, kind, quote, target, unit``,
        ``whole_units``, ``minimal``, ``minimal_in_fractions`` (see `Conflict`).
        """  # noqa: D205
        tables = [
            c.table().assign(conflict=k, **{name: getattr(c, name) for name in PROVED})
            for k, c in enumerate(self.conflicts, start=1)
        ]
        columns = ["conflict", *COLUMNS, *PROVED]
        if not tables:
            return pd.DataFrame(columns=columns)
        return pd.concat(tables, ignore_index=True)[columns]


@phase("conflict")
def find_conflicts(scenario: Scenario, *, method: Method = "elastic") -> Conflicts:
    """Find conflicts of a plan, disjoint and each minimal, until the rest can hold.

    A conflict is found, its members are left out, and the rest is searched again; another
    order could find others. Demand plays no part: what is not served has a price and breaks
    nothing. A plan that asks for whole units is searched with whole units.

    Parameters
    ----------
    scenario
    method
        How a first set is found: ``"elastic"``, by stretching the plan as little as possible,
        or ``"iis"``, by the irreducible infeasible subsystem of HiGHS. Both are then made
        minimal in clauses and stock limits (see `filters.minimal_set`).

    Returns
    -------
    Conflicts
        Empty if the plan can hold; not ``complete`` where a limit came after the first.

    Raises
    ------
    TimeLimitError
        If a limit came before the first.
    ValueError
        If there is no such method.
    """
    if method not in get_args(Method):
        raise ValueError(f"unknown method {method!r}: allowed are {', '.join(get_args(Method))}")
    settings = scenario.settings.solve
    options = SolverOptions(time_limit_s=settings.time_limit_s, gap=settings.gap)
    model = formulate(scenario)
    soft = soften(model, named_solver(settings.solver), options)
    found: list[Conflict] = []
    try:
        for members in minimal_sets(soft, soft.members, method):
            found.append(_conflict(model, members))
    except TimeLimitError:
        if not found:
            raise
        return Conflicts(tuple(found), complete=False)
    return Conflicts(tuple(found))


@phase("conflict")
def find_conflict(
    model: Model, solver: Solver, options: SolverOptions, *, method: Method = "elastic"
) -> Conflict:
    """Find one minimal conflict of an infeasible program.

    Parameters
    ----------
    model
        Of an infeasible program.
    solver, options
        Solver of the small programs.
    method
        As for `find_conflicts`.

    Returns
    -------
    Conflict

    Raises
    ------
    SolverError
        If no conflict can be established within the limits.
    """
    soft = soften(model, solver, options)
    found = minimal_set(soft, soft.members, method)
    if found is None:
        raise SolverError(
            "the program was reported infeasible, but no conflict was found: a target may lie "
            "within the tolerance of the solver"
        )
    return _conflict(model, found)


def _conflict(model: Model, found: MinimalSet) -> Conflict:
    n_clauses = len(model.enforced)
    clauses = tuple(model.enforced[k].clause for k in found.members if k < n_clauses)
    stock = found.members[found.members >= n_clauses] - n_clauses
    table = model.scenario.stock[["facility_id", "resource_id", "lower", "upper"]]
    limits = table.iloc[stock].fillna({"upper": np.inf}).reset_index(drop=True)
    return Conflict(clauses, limits, found.whole_units, found.minimal, found.minimal_in_fractions)


def _kind(clause: Clause) -> str:
    return "budget" if isinstance(clause, Budget) else "clause"


def _between(lower: float, upper: float) -> str:
    return f"{lower:g} to " + ("no limit" if np.isinf(upper) else f"{upper:g}")


def _limit_line(resource: str, limits: pd.DataFrame) -> str:
    """The limits of one resource in one line."""
    bounds: Sequence[tuple[str, float, float]] = list(
        limits[["facility_id", "lower", "upper"]].itertuples(index=False, name=None)
    )
    if len(bounds) == 1:
        facility, lower, upper = bounds[0]
        return f"stock limits of {resource} in {facility}: {_between(lower, upper)}"
    each = [f"{facility} {_between(lower, upper)}" for facility, lower, upper in bounds[:SHOWN]]
    more = f" and {len(bounds) - SHOWN} more" if len(bounds) > SHOWN else ""
    together = _between(limits["lower"].sum(), limits["upper"].sum())
    return (
        f"stock limits of {resource} in {len(bounds)} facilities: {together} together "
        f"({', '.join(each)}{more})"
    )
