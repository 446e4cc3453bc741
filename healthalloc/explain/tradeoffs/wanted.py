"""What a run of trade-offs is asked for, and its program open with the criteria on it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from healthalloc.errors import DataError, Problem
from healthalloc.explain.asked import ceiling, explain_options, least_cost, limit_problems
from healthalloc.explain.extended import Builder, Open
from healthalloc.explain.tradeoffs.criteria import CRITERIA, Asked, served_as
from healthalloc.explain.tradeoffs.criterion import Criterion
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution
from healthalloc.solvers import SolverOptions
from healthalloc.solvers.session import seconds_from_nothing
from healthalloc.validate import nearest

FRONT_S = 120.0
"""Seconds that a front may take after its least-cost plan, unless told otherwise."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a run is asked for.

    Parameters
    ----------
    criteria
        Names of criteria beside cost, or with it where it has a rank.
    points
        Most points of a front.
    within
        Farthest that cost may rise above the least, in percent; ``None``: no limit.
    resource
        Resource that equity counts; ``None``: the first root of kind ``bed``.
    time_limit_s
        Seconds for all programs after the least-cost one.
    gap
        Relative gap of each of them.
    against_cost
        Whether the criteria are held against cost, which then is none of them.
    """

    criteria: Sequence[str]
    points: int = 2
    within: float | None = None
    resource: str | None = None
    time_limit_s: float
    gap: float | None
    against_cost: bool = False

    def check(self, scenario: Scenario) -> str:
        """The resource that equity counts, once everything asked for makes sense.

        Raises
        ------
        DataError
            With everything that does not.
        """
        found = limit_problems("trade-offs", self.time_limit_s, self.gap)

        def refuse(message: str, value: object, mend: str) -> None:
            found.append(Problem("trade-offs", message, value=str(value), mend=mend))

        allowed = [name for name in CRITERIA if name != "cost" or not self.against_cost]
        known = f"allowed: {', '.join(allowed)}"
        if not self.criteria:
            refuse("no criterion is given", "", known)
        for k, name in enumerate(self.criteria):
            if name not in CRITERIA:
                refuse("is no criterion", name, nearest(name, allowed) or known)
            elif name == "cost" and self.against_cost:
                refuse("is what is traded", name, "name another criterion")
            elif name in self.criteria[:k]:
                refuse("is given twice", name, "name each criterion once")
        if self.points < 2:
            refuse("is too few points: a front has two ends", self.points, "2 or more")
        if self.within is not None and not (self.within > 0 and np.isfinite(self.within)):
            refuse("leaves no range of cost to trade in", self.within, "a percentage above 0")
        table = scenario.resources
        ids = list(table["resource_id"])
        if self.resource is not None and self.resource not in ids:
            mend = nearest(self.resource, ids) or f"allowed: {', '.join(ids)}"
            refuse("is no resource", self.resource, mend)
        beds = list(table["resource_id"][(table["kind"] == "bed") & (table["parent_id"] == "")])
        chosen = beds if self.resource is None else [self.resource]
        if not chosen and any(name.startswith("equity") for name in self.criteria):
            refuse("the scenario has no resource of kind bed", "", "name another resource")
        if found:
            raise DataError(found)
        return chosen[0] if chosen else ""


@dataclass(frozen=True, eq=False)
class Run:
    """The least-cost plan, and its program open with the criteria on it.

    ``until`` is when the time of all that comes after that plan is over (`time.perf_counter`).
    """

    base: Solution
    program: Open
    cost: Criterion
    criteria: Sequence[Criterion]
    ceiling: float
    options: SolverOptions
    until: float


def opened(scenario: Scenario | Solution, wanted: Wanted) -> Run:
    """Check what is asked for, find the least-cost plan, and open its program.

    Parameters
    ----------
    scenario
        A scenario, or its least-cost solution.
    wanted
    """
    given = scenario.scenario if isinstance(scenario, Solution) else scenario
    resource_id = wanted.check(given)
    base = least_cost(scenario)
    until = time.perf_counter() + wanted.time_limit_s
    options = explain_options(base, wanted.time_limit_s, wanted.gap)
    most = ceiling(base, wanted.within)
    access = any(name.startswith("access") for name in wanted.criteria)
    builder = Builder(served_as(base) if access else base.model.program)
    asked = Asked(base, most, resource_id, options)
    cost = CRITERIA["cost"](builder, asked)
    made = [cost if n == "cost" else CRITERIA[n](builder, asked) for n in wanted.criteria]
    extended, before = builder.program(), base.result.basis
    basis = None if before is None else before.carried(base.model.program, extended)
    program = Open(extended, options, basis, cold_s=seconds_from_nothing(base.result))
    cost.limit(program, most)
    return Run(base, program, cost, made, most, options, until)
