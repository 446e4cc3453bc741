"""A plan solved again with one clause changed, held against the plan as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from healthalloc.errors import SolverError
from healthalloc.explain.prices.marginal import StatementPrice
from healthalloc.explain.prices.moves import freed, moved
from healthalloc.formulation.assemble import Enforced
from healthalloc.formulation.program import LinearProgram
from healthalloc.plan import RatioBetweenResources, RatioToPopulation
from healthalloc.plan.clause import Clause
from healthalloc.solution import Solution
from healthalloc.solvers import Session, SolverOptions, Status, certify

RESOLVE_GAP = 1e-7
"""Gap of the re-solves: the difference of two costs is far smaller than either."""
RESOLVE_SECONDS = 10.0
"""Seconds for each re-solve, unless told otherwise; the proved limits say what was reached."""


class Resolver:
    """Solves a plan again with one clause changed, whole units and site choices and all.

    Parameters
    ----------
    solution
        The plan as it is; solved again itself if its gap is wider than that of the options.
    options
    """

    def __init__(self, solution: Solution, options: SolverOptions) -> None:
        self._program, self._options = solution.model.program, options
        assert solution.result.x is not None
        self._x = solution.result.x
        integer, sites = self._program.integer, self._program.column_block("open").slice
        whole = ["whole units"] if integer.sum() > integer[sites].sum() else []
        whole += ["site choices"] if integer[sites].any() else []
        self._basis = "re-solved" + (f" with {' and '.join(whole)}" if whole else "")
        self._cost, self._bound = solution.objective, solution.bound
        self._exact = solution.gap <= options.gap

    def tighter(self, price: StatementPrice) -> dict[str, Any]:
        """One unit tighter, or as much as there is room for (a row of ``resolved``).

        A ratio is tightened by a hundredth: with one doctor more for each 1,000 residents it
        would be another plan.
        """
        clause, side = price.clause, price.side
        is_ratio = isinstance(clause, RatioToPopulation | RatioBetweenResources)
        wanted = abs(side.target) / 100 if is_ratio and side.target else 1.0
        step = min(wanted, side.room)
        low, high = side.bounds(clause, step)
        shown = replace(
            clause, equals=low if low == high else None, about=None, tolerance=None,
            at_least=low if np.isfinite(low) and low < high else None,
            at_most=high if np.isfinite(high) and low < high else None,
        )  # fmt: skip
        change = "1 % tighter" if is_ratio and side.target else "one unit tighter"
        if step < wanted:
            change = f"{step:g} of a unit tighter"
        program = moved(self._program, price.move, step)
        return self._compared(clause, program, 1.0, change, shown.target_label)

    def left_out(self, enforced: Enforced) -> dict[str, Any]:
        """Without the clause (a row of ``resolved``)."""
        program = freed(self._program, enforced.rows, enforced.points)
        return self._compared(enforced.clause, program, -1.0, "left out", "none")

    def _compared(
        self, clause: Clause, program: LinearProgram, sign: float, change: str, target: str
    ) -> dict[str, Any]:
        if not self._exact:
            cost, bound, _, _ = self._solved(self._program)
            self._cost = np.fmin(self._cost, cost)
            self._bound = np.fmax(self._bound, bound)
            self._exact = True
        cost, bound, status, gap = self._solved(program)
        ends = np.maximum(0.0, np.sort(sign * np.array([bound - self._cost, cost - self._bound])))
        return {
            "clause_id": clause.id, "part": clause.part, "change": change, "target": target,
            "cost_cny_a_year": np.clip(sign * (cost - self._cost), *ends),
            "cost_low_cny_a_year": ends[0], "cost_high_cny_a_year": ends[1],
            "status": status.value, "gap": gap, "basis": f"{self._basis}, {change}",
        }  # fmt: skip

    def _solved(self, program: LinearProgram) -> tuple[float, float, Status, float]:
        """Cost, proved bound, status and gap; an infeasible program costs ``inf``."""
        session = Session(program, self._options)
        session.start_from(self._x)  # without the clause, or as it is, the plan still holds
        result = session.solve()
        if result.status is Status.INFEASIBLE:
            return np.inf, np.inf, result.status, np.nan
        if not result.status.has_solution:
            return np.nan, np.nan, result.status, np.nan
        certificate = certify(program, result)
        if not certificate.passes(np.inf):
            raise SolverError(f"an answer does not pass the certificate: {certificate}")
        return certificate.objective, certificate.bound, result.status, certificate.gap
