"""The smallest changes that make an infeasible plan hold, each proved by solving the plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from healthalloc.errors import DataError, PlanError, Problem, TimeLimitError
from healthalloc.explain.conflicts.soft import Bounds
from healthalloc.explain.conflicts.soften import soften
from healthalloc.explain.repairs.answer import CHANGES, CRITERIA, Repair, Repairs
from healthalloc.explain.repairs.least_change import Changer
from healthalloc.explain.repairs.propose import propose
from healthalloc.explain.repairs.targets import Move, is_budget, knobs_of, moved_scenario
from healthalloc.formulation.assemble import Model, formulate
from healthalloc.formulation.budget import Budget, stated
from healthalloc.progress import each
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution
from healthalloc.solvers import named_solver
from healthalloc.solvers.base import SolverOptions
from healthalloc.solvers.certificate import TOLERANCE
from healthalloc.solving import solve
from healthalloc.validate import near_or_known


def repairs(
    scenario: Scenario,
    *,
    keep: Iterable[str] = (),
    keep_limits: bool = False,
    most: int = 5,
    search: int = 8,
) -> Repairs:
    """Find the smallest changes to targets and stock limits that make a plan hold.

    Three criteria rank them:

    - *least change*: the least sum of changes, each as a share of the size of its target,
      over all targets and stock limits together;
    - *fewest members*: the fewest clauses and stock limits changed, each as little as will do;
    - *cheapest*: of the minimal sets of clauses and stock limits whose change can mend the
      plan (none of a set can be left out), each changed by its least sum, and of the repair
      of least change, the one whose repaired plan has the least yearly cost. Dropping a
      target to nothing is always cheap, which is why the size of the change is settled first.

    A binding clause (约束性) is never touched if the plan can be mended without it; else as few
    of them as possible are. Targets are rounded to few digits, away from where they stand,
    and every repair is proved by solving the repaired plan as the scenario says.

    Parameters
    ----------
    scenario
    keep
        Clauses that must stay as they are: ids, or ids with a part.
    keep_limits
        Whether all stock limits must stay as they are.
    most
        Repairs to return, the best by each criterion in any case.
    search
        Minimal sets to look at, fewest members first, clauses before stock limits.

    Returns
    -------
    Repairs
        Without repairs if the plan holds, or if nothing that may be changed can mend it.

    Raises
    ------
    PlanError
        If ``keep`` names no enforced clause.
    TimeLimitError
        If a limit came before it was known whether the plan holds.
    """
    model = formulate(scenario)
    names = check_kept(scenario, keep)
    kept = {k for k, enforced in enumerate(model.enforced) if enforced.clause.name in names}
    settings = scenario.settings.solve
    options = SolverOptions(time_limit_s=settings.time_limit_s, gap=settings.gap)
    plain = soften(model, named_solver(settings.solver), options)
    holds = plain.feasible(plain.members)
    if holds is None:
        raise TimeLimitError("no repairs found: a limit came before it was known if the plan holds")
    if holds:
        return Repairs((), {}, holds=True, complete=True)

    soft = soften(model, plain.solver, options, capped=True)
    bounds = Bounds.of(model)
    movable = {int(m) for m in soft.members if m not in kept}
    if keep_limits:
        movable = {m for m in movable if m < soft.n_clauses}
    last = {k for k in movable if k < soft.n_clauses and _is_binding(model, k)}
    changer = Changer(soft, bounds, knobs_of(soft, bounds), last)
    proposed, complete = propose(soft, changer, movable, last, search)
    proved = [
        repair
        for moves in each(proposed, "repairs")
        if (repair := _proved(model, moves)) is not None
    ]
    return _ranked(proved, most, complete)


def check_kept(scenario: Scenario, keep: Iterable[str]) -> set[str]:
    """Names of the clauses that must stay as they are.

    Parameters
    ----------
    scenario, keep
        As for `repairs`.

    Raises
    ------
    PlanError
        If a word is the id of no enforced clause.
    """
    clauses = [clause for clause in stated(scenario) if clause.treatment == "enforce"]
    known = list(dict.fromkeys(word for c in clauses for word in (c.id, c.name)))
    keep = list(keep)
    unknown = [word for word in keep if word not in known]
    if unknown:
        raise PlanError(
            Problem(
                "plan", "no enforced clause has this id", column="id", value=word,
                mend=near_or_known(word, known),
            )
            for word in unknown
        )  # fmt: skip
    return {c.name for c in clauses if c.id in keep or c.name in keep}


def _is_binding(model: Model, number: int) -> bool:
    return model.enforced[number].clause.status == "binding"


def _proved(model: Model, moves: Sequence[Move]) -> Repair | None:
    """A repair whose plan was solved; ``None`` if it was refused or no solution was found."""
    try:
        scenario = moved_scenario(model, moves)
    except DataError:
        return None
    solution = solve(scenario)
    certificate = solution.certificate
    if certificate is None or max(certificate.primal, certificate.integrality) > TOLERANCE:
        return None
    spare = _spare_budget(model, moves, solution)
    if spare:
        return _proved(model, spare)
    return Repair(_changes(model, moves), scenario, solution)


def _spare_budget(model: Model, moves: Sequence[Move], solution: Solution) -> list[Move]:
    """The moves with the budget cut to what the repaired plan spends; none if it spends it all.

    With whole units the search for the least budget often ends at a limit, far above what the
    cheapest plan takes.
    """
    spent = None if solution.budget is None else solution.budget["spent_cny_a_year"]
    if spent is None:
        return []
    enough = float(np.ceil(spent * (1 + 1e-9)))

    def is_spare(move: Move) -> bool:
        return is_budget(model, move.knob.member) and enough < move.to * (1 - 1e-6)

    if not any(map(is_spare, moves)):
        return []
    return [replace(move, to=enough) if is_spare(move) else move for move in moves]


def _changes(model: Model, moves: Sequence[Move]) -> pd.DataFrame:
    n, stock = len(model.enforced), model.scenario.stock
    rows = []
    for move in sorted(moves, key=lambda move: move.knob.member):
        knob = move.knob
        if knob.member < n:
            clause = model.enforced[knob.member].clause
            kind = "budget" if isinstance(clause, Budget) else "clause"
            head = clause.name, kind, str(clause.status), clause.quote
            unit = clause.unit_label
        else:
            row = stock.iloc[knob.member - n]
            head = (f"{row['resource_id']} in {row['facility_id']}", "stock limit", "", "")
            unit = "units"
        rows.append((*head, knob.field, knob.value, move.to, unit, move.weight))
    return pd.DataFrame(rows, columns=CHANGES)


def _ranked(found: Sequence[Repair], most: int, complete: bool) -> Repairs:
    if not found:
        return Repairs((), {}, holds=False, complete=complete)

    def by_change(repair: Repair) -> tuple[float, ...]:
        # equal up to the digits that rounding costs: the simpler, then the cheaper
        change = float(np.round(repair.weighted_change, 9))
        return repair.n_binding, change, repair.n_changes, repair.cost_cny_a_year

    def by_members(repair: Repair) -> tuple[float, ...]:
        n_binding, change, n_changes, cost = by_change(repair)
        return n_binding, n_changes, change, cost

    def by_cost(repair: Repair) -> tuple[float, ...]:
        n_binding, change, n_changes, cost = by_change(repair)
        return n_binding, cost, change, n_changes

    winners = [min(found, key=key) for key in (by_change, by_members, by_cost)]
    others = [repair for repair in sorted(found, key=by_change) if repair not in winners]
    leaders = list({id(repair): repair for repair in winners}.values())
    chosen = [*leaders, *others[: max(0, most - len(leaders))]]
    best = {name: chosen.index(repair) for name, repair in zip(CRITERIA, winners)}
    return Repairs(tuple(chosen), best, holds=False, complete=complete)
