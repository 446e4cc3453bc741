"""Which clauses of an infeasible plan cannot hold together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array, hstack, vstack

from healthalloc.errors import SolverError
from healthalloc.formulation.assemble import Model
from healthalloc.formulation.program import LinearProgram
from healthalloc.plan.clause import Clause
from healthalloc.solvers.base import Solver, SolverOptions, Status

FEASIBLE = 1e-6
"""Total violation that counts as none."""


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
        Whether it takes whole units or site choices to make the conflict.
    minimal
        Whether leaving out any one clause or limit was seen to resolve the conflict.
    """

    clauses: tuple[Clause, ...]
    limits: pd.DataFrame
    whole_units: bool
    minimal: bool

    def __str__(self) -> str:
        lines = [f"{c.name}: {c.quote} ({c.target_label} {c.unit_label})" for c in self.clauses]
        for facility, resource, lower, upper in self.limits.itertuples(index=False):
            most = "no limit" if np.isinf(upper) else f"{upper:g}"
            lines.append(f"stock limits of {resource} in {facility}: {lower:g} to {most}")
        if self.whole_units:
            lines.append("whole units, open or closed sites, and the stock limits")
        return "\n".join(f"  - {line}" for line in lines)

    def table(self) -> pd.DataFrame:
        """The members: ``member, kind, quote, target, unit``, clauses first."""
        clauses = [(c.name, "clause", c.quote, c.target_label, c.unit_label) for c in self.clauses]
        limits = [
            (f"{resource} in {facility}", "stock limits", "", f"{lower:g} to {upper:g}", "units")
            for facility, resource, lower, upper in self.limits.itertuples(index=False)
        ]
        return pd.DataFrame(
            [*clauses, *limits], columns=["member", "kind", "quote", "target", "unit"]
        )


def find_conflict(model: Model, solver: Solver, options: SolverOptions) -> Conflict:
    """Find clauses that cannot hold together, and the stock limits that play a part.

    Every clause row and stock limit is made elastic; where the least total violation is above
    zero, the rows with a dual other than zero cannot hold together (Farkas), and a deletion
    filter makes that set minimal (Chinneck and Dravnieks 1991, doi:10.1287/ijoc.3.2.157).
    Demand plays no part: what is not served has a price and breaks nothing.

    Parameters
    ----------
    model
        Of an infeasible program.
    solver, options
        Solver of the small programs.

    Returns
    -------
    Conflict

    Raises
    ------
    SolverError
        If no conflict can be established within the limits.
    """
    elastic = _Elastic(model)
    names = np.arange(elastic.n_groups)
    violation, used = elastic.solve(names, solver, options, relaxed=True)
    relaxed = violation > FEASIBLE
    if relaxed:
        candidates = used
    else:
        violation, _ = elastic.solve(names, solver, options, relaxed=False)
        if violation <= FEASIBLE:
            raise SolverError("the program was reported infeasible, but no conflict was found")
        candidates = names
    # limits last, so that the filter keeps clauses out of the conflict before limits
    kept = list(candidates)
    frozen = set() if relaxed else set(names[len(model.enforced) :])
    for group in list(kept):
        if group in frozen:
            continue
        rest = np.array([g for g in kept if g != group], dtype=np.intp)
        violation, _ = elastic.solve(rest, solver, options, relaxed=relaxed)
        if violation > FEASIBLE:
            kept.remove(group)
    n_clauses = len(model.enforced)
    clauses = tuple(model.enforced[g].clause for g in kept if g < n_clauses)
    stock = [g - n_clauses for g in kept if g >= n_clauses] if relaxed else []
    table = model.scenario.stock[["facility_id", "resource_id", "lower", "upper"]]
    limits = table.iloc[stock].fillna({"upper": np.inf}).reset_index(drop=True)
    return Conflict(clauses, limits, whole_units=not relaxed, minimal=True)


class _Elastic:
    """The program without flows, in which groups of rows can be broken at a price of 1.

    Group k is the k-th enforced clause; after the clauses, the limits of each stock.
    """

    def __init__(self, model: Model) -> None:
        program, layout = model.program, model.layout
        uses_flow = any(_touches_flow(model, k) for k in range(len(model.enforced)))
        flow = program.column_block("flow")
        keep = np.ones(program.n_columns, dtype=bool)
        keep[flow.slice] = uses_flow
        names = ["balance", "site", "clause", "reached"]
        if uses_flow:
            names += ["demand", "capacity"]
        rows = np.concatenate(
            [np.arange(b.start, b.stop) for name in names for b in [program.row_block(name)]]
        )
        body = program.matrix[rows][:, keep]
        n_stock, n_columns = layout.n_stock, int(keep.sum())
        limit = csc_array(
            (np.ones(n_stock), (np.arange(n_stock), np.arange(n_stock))),
            shape=(n_stock, n_columns),
        )
        group = np.full(len(rows) + n_stock, -1)
        position = {int(row): k for k, row in enumerate(rows)}
        for number, enforced in enumerate(model.enforced):
            for row in range(enforced.slice.start, enforced.slice.stop):
                group[position[row]] = number
        site = program.row_block("site").labels().index.size
        if site:
            # the labels of a site row name its stock: rows of one stock share a group
            first = position[program.row_block("site").start]
            keys = pd.MultiIndex.from_frame(model.scenario.stock[["facility_id", "resource_id"]])
            of = pd.MultiIndex.from_frame(program.row_block("site").labels())
            group[first : first + site] = len(model.enforced) + keys.get_indexer(of)
        group[len(rows) :] = len(model.enforced) + np.arange(n_stock)
        lower, upper = program.column_lower[keep].copy(), program.column_upper[keep].copy()
        self.group = group
        self.n_groups = len(model.enforced) + n_stock
        self.matrix = csc_array(vstack([body, limit]))
        self.row_lower = np.concatenate([program.row_lower[rows], lower[:n_stock]])
        self.row_upper = np.concatenate([program.row_upper[rows], upper[:n_stock]])
        lower[:n_stock], upper[:n_stock] = 0.0, np.inf
        self.lower, self.upper, self.integer = lower, upper, program.integer[keep]

    def solve(
        self, groups: NDArray[np.intp], solver: Solver, options: SolverOptions, *, relaxed: bool
    ) -> tuple[float, NDArray[np.intp]]:
        """Least total violation with only some groups in force, and the groups that cause it."""
        active = np.isin(self.group, groups)
        rows = np.flatnonzero(active | (self.group < 0))
        soft = np.flatnonzero(active[rows])
        n, k = len(self.lower), len(soft)
        give = csc_array((np.ones(k), (soft, np.arange(k))), shape=(len(rows), k))
        integer = np.zeros(n + 2 * k, dtype=bool)
        if not relaxed:
            integer[:n] = self.integer
        program = LinearProgram(
            np.concatenate([np.zeros(n), np.ones(2 * k)]), 0.0,
            csc_array(hstack([self.matrix[rows], give, -give])),
            self.row_lower[rows], self.row_upper[rows],
            np.concatenate([self.lower, np.zeros(2 * k)]),
            np.concatenate([self.upper, np.full(2 * k, np.inf)]),
            integer,
        )  # fmt: skip
        result = solver(program, options)
        if result.status is not Status.OPTIMAL or result.x is None:
            raise SolverError(f"no conflict found: the search ended {result.status.value}")
        violation = float(result.x[n:].sum())
        if result.row_dual is None:
            return violation, groups
        priced = self.group[rows[np.abs(result.row_dual) > 1e-9]]
        return violation, np.unique(priced[priced >= 0])


def _touches_flow(model: Model, number: int) -> bool:
    measure = model.enforced[number].measure
    start = model.layout.n_stock + model.layout.n_facilities
    near = None if measure.cover is None else measure.cover.near
    parts = [measure.numerator, measure.denominator, near]
    return any(part is not None and (part.indices >= start).any() for part in parts)
