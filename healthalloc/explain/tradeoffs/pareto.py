"""Epsilon-constraint fronts of cost against one criterion, each of the two on a warm solver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from healthalloc.errors import DataError, NoSolutionError, Problem
from healthalloc.explain.asked import ceiling, explain_options, least_cost, limit_problems
from healthalloc.explain.extended import Builder, Found, Open
from healthalloc.explain.tradeoffs.criteria import CRITERIA, Asked, served_as
from healthalloc.explain.tradeoffs.criterion import Criterion
from healthalloc.formulation.program import Floats
from healthalloc.progress import phase
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution
from healthalloc.solvers import SolverOptions, Status
from healthalloc.solvers.interior import LEAST_COLUMNS
from healthalloc.solvers.session import seconds_from_nothing
from healthalloc.validate import nearest

SAME = 1e-7
"""Relative difference below which two values count as one."""


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
    time_limit_s, gap
        Limits of each program after the least-cost one.
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

        if not self.criteria:
            refuse("no criterion is given", "", f"allowed: {', '.join(CRITERIA)}")
        for k, name in enumerate(self.criteria):
            if name not in CRITERIA:
                known = f"allowed: {', '.join(CRITERIA)}"
                refuse("is no criterion", name, nearest(name, CRITERIA) or known)
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
            refuse("is no resource", self.resource, nearest(self.resource, ids))
        beds = list(table["resource_id"][(table["kind"] == "bed") & (table["parent_id"] == "")])
        chosen = beds if self.resource is None else [self.resource]
        if not chosen and any(name.startswith("equity") for name in self.criteria):
            refuse("the scenario has no resource of kind bed", "", "name another resource")
        if found:
            raise DataError(found)
        return chosen[0] if chosen else ""


@dataclass(frozen=True, eq=False)
class Run:
    """The least-cost plan, and its program open with the criteria on it."""

    base: Solution
    program: Open
    cost: Criterion
    criteria: Sequence[Criterion]
    ceiling: float
    options: SolverOptions


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
    return Run(base, program, cost, made, most, options)


@dataclass(frozen=True, eq=False)
class Plan:
    """A plan of a front: its columns, cost and value, and the answers behind it."""

    x: Floats
    cost: float
    value: float
    solves: tuple[Found, ...]


def front(run: Run, other: Criterion, points: int) -> tuple[list[Plan], int]:
    """Non-dominated plans, the cheapest first; one plan if it cannot be improved.

    Where a limit comes before any plan of a level, the other levels go on; before the far end,
    which says where the levels lie, only the cheapest plan is left; before the cheapest, the
    least-cost plan that the run began with.

    Parameters
    ----------
    run
    other
        What cost is held against.
    points
        Most plans, both ends included.

    Returns
    -------
    list of Plan
    int
        Levels, ends among them, that a limit left without a plan.
    """
    cost, program = run.cost, run.program
    whole = program.session.program.is_mixed_integer

    def cheapest(start: Floats | None = None, found: Found | None = None) -> Plan:
        """Least cost under the limit on the criterion, then the best of it at that cost."""
        found = found or cost.least(program, start)
        cost.limit(second, found.value)
        return made(found, best_or_same(other, second, found.x))

    def made(found: Found, last: Found) -> Plan:
        return Plan(last.x, cost.value(last.x), other.value(last.x), (found, last))

    def dearest() -> Plan:
        """The best of the criterion, then the least cost for it."""
        other.limit(program, found.value)
        return made(found, best_or_same(cost, program, found.x))

    with phase("points", points) as step:
        try:
            least_cost = cost.least(program)
        except NoSolutionError:
            return [_base_plan(run, other)], points - 1
        second = program.reopened()
        plans, lost = [cheapest(found=least_cost)], 0
        basis = second.session.basis
        cost.limit(second, run.ceiling)
        step(1)
        if program.session.program.n_columns >= LEAST_COLUMNS:
            second.session.forget()  # the interior point is there before simplex has walked it
        try:
            found = other.least(second, plans[0].x)
        except NoSolutionError:
            return plans, points - 1
        # held to a least cost the program has no inside for an interior point to walk through
        second.session.cold_s = np.inf
        # of whole units the far end is where the others start; of fractions they lead to it
        best = dearest() if whole else None
        if not _less(found.value, plans[0].value):
            return plans, lost
        if not whole:
            second.session.return_to(basis)
        for k, level in enumerate(other.levels(found.value, plans[0].value, points - 2), start=2):
            if not _less(level, plans[-1].value):
                continue
            step(k)
            other.limit(program, level)
            try:
                plans.append(cheapest(best.x if best else None))
            except NoSolutionError:
                lost += 1
        plans.append(best or dearest())
    return non_dominated(plans), lost


def _base_plan(run: Run, other: Criterion) -> Plan:
    """The least-cost plan that the run began with, its criterion not made best."""
    cost, value = run.base.objective, other.value(_of(run.base))
    stopped = Found(_of(run.base), Status.LIMIT_WITH_INCUMBENT, cost, run.base.gap)
    return Plan(stopped.x, cost, value, (stopped,))


def _of(base: Solution) -> Floats:
    assert base.result.x is not None
    return base.result.x


def best_or_same(criterion: Criterion, program: Open, x: Floats) -> Found:
    """The best of a criterion, or the plan at hand if rounding or a limit forbid any."""
    try:
        return criterion.least(program, x)
    except NoSolutionError:
        return Found(x, Status.LIMIT_WITH_INCUMBENT, criterion.value(x), np.nan)


def _less(a: float, b: float) -> bool:
    return a < b - SAME * max(abs(a), abs(b), 0.01)


def non_dominated(plans: Sequence[Plan]) -> list[Plan]:
    """The plans that no other one beats, the cheapest first (values up to rounding)."""
    kept: list[Plan] = []
    for plan in sorted(plans, key=lambda p: (p.cost, p.value)):
        if not kept or _less(plan.value, kept[-1].value):
            if kept and not _less(kept[-1].cost, plan.cost):
                kept.pop()  # as dear, up to rounding, and worse
            kept.append(plan)
    return kept
