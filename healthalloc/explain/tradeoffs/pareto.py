"""Epsilon-constraint fronts of cost against one criterion, each of the two on a warm solver."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from healthalloc.errors import NoSolutionError
from healthalloc.explain.extended import SLACK, Found, Open
from healthalloc.explain.tradeoffs.criterion import Criterion
from healthalloc.explain.tradeoffs.wanted import Run
from healthalloc.formulation.program import Floats
from healthalloc.progress import phase
from healthalloc.solution import Solution
from healthalloc.solvers import SolverOptions, Status
from healthalloc.solvers.certificate import TOLERANCE
from healthalloc.solvers.interior import LEAST_COLUMNS

FIRST, FAR = 0.85, 0.6
"""Share of a point's time for the first of its two programs, which says most about it; of the
best end's time, which is twice as long, because from its plan the levels begin."""
SAME = 1e-7
"""Relative difference below which two values count as one."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A plan of a front, and what is proved of it.

    Parameters
    ----------
    x : ndarray, shape (n_columns,)
    cost, value
    level
        The value that it was to reach; infinite: any.
    cost_bound
        No plan that reaches the level costs less.
    value_bound
        No plan as cheap has a better value.
    """

    x: Floats
    cost: float
    value: float
    level: float
    cost_bound: float
    value_bound: float

    @property
    def cost_gap(self) -> float:
        """Share by which the least cost for the value may lie below the plan's."""
        return relative_gap(self.cost, self.cost_bound)

    @property
    def value_gap(self) -> float:
        """Share by which the best value for the cost may be better than the plan's."""
        return relative_gap(self.value, self.value_bound)

    def status(self, options: SolverOptions) -> Status:
        """Optimal where both gaps are as small as asked for; one that is NaN does not count."""
        is_proved = np.nanmax([self.cost_gap, self.value_gap]) <= max(options.gap, TOLERANCE)
        return Status.OPTIMAL if is_proved else Status.LIMIT_WITH_INCUMBENT


def relative_gap(value: float, bound: float) -> float:
    """Distance of a value and its lower bound as a share of the value, 0 up to rounding."""
    apart = value - bound
    rounding = 10 * SLACK * max(1.0, abs(value))  # limits are loosened by SLACK
    return 0.0 if apart <= rounding else apart / max(abs(value), SLACK)


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
        Levels that a limit left without a plan of their own, and ends not proved.
    """
    cost, program = run.cost, run.program
    whole = program.session.program.is_mixed_integer

    def share(left: float, first: Open, then: Open, part: float = FIRST) -> None:
        """Give the two programs of a point their time, with ``left`` points to go."""
        now = time.perf_counter()
        own = (run.until - now) / (left if whole else 1)
        first.until, then.until = now + (part if whole else 1.0) * own, now + own

    def cheapest(level: float, found: Found) -> Plan:
        """From the least cost under a limit on the criterion: the best of it at that cost."""
        cost.limit(second, found.value)
        last = best_or_same(other, second, found.x)
        return Plan(last.x, cost.value(last.x), other.value(last.x), level, found.bound, last.bound)

    def dearest(found: Found) -> Plan:
        """From the best of the criterion: the least cost for it."""
        other.limit(program, found.value)
        last = best_or_same(cost, program, found.x)
        value = other.value(last.x)
        return Plan(last.x, cost.value(last.x), value, found.value, last.bound, found.bound)

    with phase("points", points) as step:
        share(points, program, program)
        try:
            least_cost = least_cost_of(run)
        except NoSolutionError:
            return [_base_plan(run, other)], points - 1
        second = program.reopened()
        share(points, program, second)
        plans, lost = [cheapest(np.inf, least_cost)], 0
        basis = second.session.basis
        cost.limit(second, run.ceiling)
        step(1)
        share(points / 2, second, program, FAR)
        if program.session.program.n_columns >= LEAST_COLUMNS:
            second.session.forget()  # the interior point is there before simplex has walked it
        try:
            found = other.least(second, plans[0].x)
            if found.status is not Status.OPTIMAL and not _less(found.value, plans[0].value):
                share(1, second, program)  # without a far end there is nothing else to do
                found = other.least(second, found.x)
        except NoSolutionError:
            return plans, points - 1
        # held to a least cost the program has no inside for an interior point to walk through
        second.session.cold_s = np.inf
        # of whole units the far end is where the others start; of fractions they lead to it
        best = dearest(found) if whole else None
        if not _less(found.value, plans[0].value):
            return plans, 0 if found.status is Status.OPTIMAL else points - 1
        if not whole:
            second.session.return_to(basis)
        # fractions go from level to level; whole units begin from the plan of a tighter level,
        # so that their levels are halved again and again
        open_ = [(other.levels(found.value, plans[0].value, points - 2), plans[0], best)]
        while open_:
            levels, looser, tighter = open_.pop()
            levels = [level for level in levels if _less(level, looser.value)]
            if not levels:
                continue
            middle = len(levels) // 2 if whole else 0
            step(len(plans) + lost + 1)
            share(sum(len(rest) for rest, *_ in open_) + len(levels), program, second)
            other.limit(program, levels[middle])
            try:
                least = cost.least(program, tighter.x if tighter else None)
            except NoSolutionError:
                lost += 1
                plan = None
            else:
                plan = cheapest(levels[middle], least)
                plans.append(plan)
                begun_with = tighter is not None and not _less(plan.cost, tighter.cost)
                lost += begun_with and plan.cost_gap > run.options.gap
            open_.append((levels[:middle], looser, plan or tighter))
            open_.append((levels[middle + 1 :], plan or looser, tighter))
        share(1, program, program)
        plans.append(best or dearest(found))
    # a better end may lie beyond the last plan where time ended the search for it
    lost += found.status is not Status.OPTIMAL
    return non_dominated(proved(plans)), lost


def least_cost_of(run: Run) -> Found:
    """The least cost, of whole units that of the plan at hand where its proof will do."""
    program, base = run.program.session.program, run.base
    if not program.is_mixed_integer:
        return run.cost.least(run.program)
    x = _of(base)
    more = slice(len(x), None)
    # indicators of 1 forbid nothing; the solver completes the fractions
    added = np.where(program.integer, program.column_upper, program.column_lower)[more]
    x = np.concatenate([x, added])
    if base.gap <= max(run.options.gap, TOLERANCE):
        return Found(x, base.status, base.objective, base.gap)
    return run.cost.least(run.program, x)


def _base_plan(run: Run, other: Criterion) -> Plan:
    """The least-cost plan that the run began with, its criterion not made best."""
    x, cost = _of(run.base), run.base.objective
    bound = cost - run.base.gap * abs(cost)
    return Plan(x, cost, other.value(x), np.inf, bound, -np.inf)


def _of(base: Solution) -> Floats:
    assert base.result.x is not None
    return base.result.x


def proved(plans: Sequence[Plan]) -> list[Plan]:
    """The plans with what the programs of one prove of another.

    What is too cheap for a level is too cheap for a better one, and what is too good for a cost
    too good for a smaller one.
    """
    return [
        replace(
            plan,
            cost_bound=max(p.cost_bound for p in plans if p is plan or p.level >= plan.value),
            value_bound=max(
                [p.value_bound for p in plans if p is plan or p.cost >= plan.cost]
                + [p.level for p in plans if _less(plan.cost, p.cost_bound)]
            ),
        )
        for plan in plans
    ]


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
