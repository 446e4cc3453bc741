"""What the clauses of a plan cost: one unit tighter, over which range, and each as a whole."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from healthalloc.clause_table import ONLY_A_PENALTY
from healthalloc.errors import DataError, PlanError, Problem, TimeLimitError
from healthalloc.explain.asked import limit_problems
from healthalloc.explain.prices.marginal import StatementPrice, statement_price
from healthalloc.explain.prices.resolves import RESOLVE_GAP, RESOLVE_SECONDS, Resolver
from healthalloc.explain.prices.sensitivity import Sensitivity
from healthalloc.formulation.assemble import Enforced
from healthalloc.formulation.budget import stated
from healthalloc.formulation.program import LinearProgram
from healthalloc.plan.clause import Clause
from healthalloc.progress import each
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution
from healthalloc.solvers import SolverOptions
from healthalloc.solving import solve
from healthalloc.validate import near_or_known

ALL_PARTS = "all parts"
NOT_IN_TIME = "none: a limit came before any solution"
NORM = "none: it changes a norm of the program, not a row; what-if --drop gives its whole cost"
MOST_EFFORT = 2e6
"""Rows priced times columns of the program up to which the range of every row is found."""

_STATEMENT = ["clause_id", "part", "area_id", "facility_id", "year", "quote", "unit", "target"]
_PRICE = [
    "achieved", "slack", "side", "price_cny_a_year", "price_low_cny_a_year",
    "price_high_cny_a_year", "is_range", "target_from", "target_to", "range_basis", "free",
    "tighter", "price_basis",
]  # fmt: skip
ROWS = [*_STATEMENT, *_PRICE]
CLAUSES = [
    *(c for c in _STATEMENT if c not in {"area_id", "facility_id"}), "statements", *_PRICE,
    "one_percent_tighter_cny_a_year", "whole_cny_a_year", "whole_basis",
]  # fmt: skip
RESOLVED = [
    "clause_id", "part", "change", "target", "cost_cny_a_year", "cost_low_cny_a_year",
    "cost_high_cny_a_year", "status", "gap", "basis",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class ClausePrices:
    """What the enforced clauses cost, CNY a year; never negative.

    Parameters
    ----------
    solution
        The plan that is priced.
    rows
        One row for each value that an enforced clause speaks of: ``clause_id, part, area_id,
        facility_id, year, quote, unit, target``, then

        - ``achieved, slack``: in the linear program that is priced, in the clause's unit
        - ``side``: what is tightened: the ``floor``, the ``ceiling``, or of one exact value
          whether it is ``raised`` or ``lowered`` (the way that costs), or ``fixed``
        - ``price_cny_a_year``: what one unit tighter costs; where no tighter target is
          possible, what one unit looser saves; empty for what speaks of fixed sites only
        - ``price_low_cny_a_year, price_high_cny_a_year``: every price between them is right.
          The ends are the slope of the least cost on the looser and on the tighter side, in
          order of size; ``inf`` where no tighter target is possible
        - ``is_range``: whether the two differ
        - ``target_from, target_to``: the targets over which the price holds: of a range, each
          end on its own side of the target
        - ``range_basis``: how that was found; ``not computed`` for the rows of a clause of several
          in a large plan, unless ``ranges`` asks for it
        - ``free``: whether a tighter target costs nothing
        - ``tighter``: empty, or why a tighter target is impossible
        - ``price_basis``: how the price was found.
    clauses
        One row for each clause (and part): the same columns without the place, for all its
        ``statements`` one unit tighter together, and ``one_percent_tighter_cny_a_year`` (price
        times a hundredth of the target, so that clauses of different units compare),
        ``whole_cny_a_year`` (least cost with the clause less least cost without it, and without
        the penalty that it sets on those left out) and ``whole_basis``. A clause with several
        parts has one more row, for the whole of all.
    resolved
        What was solved again: ``clause_id, part, change, target, cost_cny_a_year`` (cost more
        than now, or less without the clause), ``cost_low_cny_a_year, cost_high_cny_a_year``
        (proved limits of the cost, from the gaps of both solves), ``status, gap, basis``.
    seconds
        Wall time without the solve of the plan itself.
    """

    solution: Solution
    rows: pd.DataFrame
    clauses: pd.DataFrame
    resolved: pd.DataFrame
    seconds: float

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of a result folder, by file name."""
        return {
            "prices": self.clauses, "price_rows": self.rows, "price_resolves": self.resolved,
            "assumptions": self.solution.assumptions,
        }  # fmt: skip

    def run(self) -> dict[str, Any]:
        """Facts of the run, for ``run.json``."""
        return self.solution.run() | {"price_seconds": self.seconds}


def price_clauses(
    scenario: Scenario,
    *,
    resolve: int = 5,
    clauses: Sequence[str] | None = None,
    ranges: bool | None = None,
    time_limit_s: float = RESOLVE_SECONDS,
) -> ClausePrices:
    """What each enforced clause costs, one unit tighter and as a whole.

    The plan is solved first, then priced (see `price_solution`).

    Parameters
    ----------
    scenario
    resolve, clauses, ranges, time_limit_s
        As for `price_solution`.

    Returns
    -------
    ClausePrices

    Raises
    ------
    NoSolutionError
        If the plan is infeasible or a limit came before any allocation.
    PlanError, DataError
        If ``clauses`` or ``resolve`` make no sense.
    SolverError
        If the solver breaks down or an answer does not pass its certificate.
    """
    check_request(scenario, clauses, resolve, time_limit_s)
    return price_solution(
        solve(scenario), resolve=resolve, clauses=clauses, ranges=ranges, time_limit_s=time_limit_s
    )


def price_solution(
    solution: Solution,
    *,
    resolve: int = 5,
    clauses: Sequence[str] | None = None,
    ranges: bool | None = None,
    time_limit_s: float = RESOLVE_SECONDS,
) -> ClausePrices:
    """What each enforced clause of a solved plan costs, one unit tighter and as a whole.

    Prices are those of the linear program with whole units relaxed and sites fixed as the plan
    chose them: the slopes of its least cost in the target (`Sensitivity`). Because whole units
    and sites answer in steps, the dearest clauses are also solved again with them.

    Parameters
    ----------
    solution
        An optimal one, or the best that was found before a limit.
    resolve
        Number of clauses that are solved again one unit tighter (a ratio 1 %): those of which a
        target 1 % tighter costs most, so that units do not matter; then those that the sites as
        chosen do not allow to be tightened. As many, dearest as a whole, are solved again without
        the clause, where the plan has whole units or site choices.
    clauses
        Ids, or ids with a part, of the clauses to price; ``None`` for all that are enforced.
    ranges
        Whether to find how far the price of each row of a clause of several rows holds (that of
        each clause is found in any case). ``None``: unless there are so many rows in so large a
        program that it takes minutes (`MOST_EFFORT`).
    time_limit_s
        Seconds for each program that is solved again; ``resolved`` states what was reached.

    Returns
    -------
    ClausePrices

    Raises
    ------
    NoSolutionError
        If there is no allocation.
    TimeLimitError
        If the limit on the solve of the plan comes before the program that is priced is solved;
        a clause whose price it comes before is left without one, which its basis says.
    PlanError, DataError
        If ``clauses`` or ``resolve`` make no sense.
    SolverError
        If the solver breaks down or an answer does not pass its certificate.
    """
    names = check_request(solution.scenario, clauses, resolve, time_limit_s)
    if not solution.status.has_solution:
        solution.require_optimal()
    began = time.perf_counter()
    model = solution.model
    settings = solution.scenario.settings.solve
    program, manner = _priced_program(solution)
    sites = "sites" in manner
    study = Sensitivity(program, SolverOptions(time_limit_s=settings.time_limit_s))
    rows: list[dict[str, Any]] = []
    table: list[dict[str, Any]] = []
    prices: dict[str, StatementPrice] = {}
    asked = [e for e in model.enforced if e.clause.name in names]
    priced = [e for e in asked if len(e.measure_row)]
    effort = sum(e.measure.n_rows for e in priced) * program.n_columns
    each_range = effort <= MOST_EFFORT if ranges is None else ranges
    for enforced in asked:
        if not len(enforced.measure_row):
            clause = enforced.clause
            basis = ONLY_A_PENALTY if clause.is_priced else clause.nothing_to_say
            whole = _whole(study, [enforced], manner) if clause.is_priced else {}
            table.append(_words(clause, basis) | whole | {"statements": 0})
    for clause in solution.scenario.plan.clauses:
        if clause.is_parameter and clause.treatment == "enforce" and clause.name in names:
            table.append(_words(clause, NORM) | {"statements": 0})
    for enforced in each(priced, "prices", item=lambda e: e.clause.name):
        clause, n = enforced.clause, enforced.measure.n_rows
        try:
            by_row = [
                statement_price(
                    study, model, enforced, np.array([k]), sites=sites, ranges=each_range or n == 1
                )
                for k in range(n)
            ]
            price = by_row[0]
            if n > 1:
                price = statement_price(study, model, enforced, np.arange(n), sites=sites)
        except TimeLimitError:
            table.append(_words(clause, NOT_IN_TIME) | {"statements": 0})
            continue
        prices[clause.name] = price
        words = _words(clause, f"dual of the linear program{manner}")
        for k, price_of_row in enumerate(by_row):
            area, facility = enforced.measure.place(k)
            place = {"area_id": area, "facility_id": facility}
            rows.append(words | place | price_of_row.cells())
        cells = price.cells() | {"one_percent_tighter_cny_a_year": price.one_percent}
        table.append(words | cells | _whole(study, [enforced], manner))
    costing = [e for e in asked if len(e.measure_row) or e.clause.is_priced]
    for clause_id in dict.fromkeys(e.clause.id for e in costing):
        parts = [e for e in costing if e.clause.id == clause_id]
        if len(parts) > 1:
            quote = parts[0].clause.quote
            words = {"clause_id": clause_id, "part": ALL_PARTS, "quote": quote}
            table.append(words | _whole(study, parts, manner))
    by_clause, by_row_table = pd.DataFrame(table, columns=CLAUSES), pd.DataFrame(rows, columns=ROWS)
    for each_table in (by_clause, by_row_table):
        each_table["year"] = solution.scenario.settings.target_year
    options = SolverOptions(time_limit_s=time_limit_s, gap=min(settings.gap, RESOLVE_GAP))
    resolver = Resolver(solution, options)
    again = [resolver.tighter(prices[name]) for name in each(_dearest(prices, resolve), "resolve")]
    if model.program.is_mixed_integer:
        single = by_clause[by_clause["part"] != ALL_PARTS]
        dearest = single[single["whole_cny_a_year"] > 0].nlargest(resolve, "whole_cny_a_year")
        by_key = {(e.clause.id, e.clause.part): e for e in costing}
        keys = list(zip(dearest["clause_id"], dearest["part"]))
        again += [resolver.left_out(by_key[key]) for key in each(keys, "resolve")]
    return ClausePrices(
        solution, by_row_table, by_clause,
        pd.DataFrame(again, columns=RESOLVED), time.perf_counter() - began,
    )  # fmt: skip


def check_request(
    scenario: Scenario,
    clauses: Sequence[str] | None = None,
    resolve: int = 0,
    time_limit_s: float = RESOLVE_SECONDS,
) -> set[str]:
    """Names of the clauses to price.

    Parameters
    ----------
    scenario, clauses, resolve, time_limit_s
        As for `price_solution`.

    Raises
    ------
    PlanError, DataError
        If they make no sense.
    """
    if resolve < 0:
        mend = "give the number of clauses to solve again, 0 for none"
        raise DataError([Problem("resolve", "is below 0", value=str(resolve), mend=mend)])
    limits = limit_problems("prices", time_limit_s, None)
    if limits:
        raise DataError(limits)
    clauses_stated = stated(scenario)
    enforced = [c for c in clauses_stated if c.treatment == "enforce"]
    if clauses is None:
        return {c.name for c in enforced}
    problems = []
    known = {word: c.treatment for c in clauses_stated for word in (c.id, c.name)}
    priced = {word for c in enforced for word in (c.id, c.name)}
    for word in clauses:
        if word not in known:
            mend = near_or_known(word, known)
            problems.append(Problem("plan", "no clause has this id", None, "id", word, mend))
        elif word not in priced:
            message = f"is not enforced (treatment {known[word]}), so it costs nothing"
            problems.append(Problem("plan", message, None, "id", word))
    if problems:
        raise PlanError(problems)
    return {c.name for c in enforced if {c.id, c.name} & set(clauses)}


def _priced_program(solution: Solution) -> tuple[LinearProgram, str]:
    """The linear program that gives the prices, and what was done to have one."""
    program, manner = solution.model.program, ""
    if program.is_mixed_integer:
        manner += ", whole units relaxed"
    sites = program.column_block("open")
    choices = sites.start + np.flatnonzero(program.integer[sites.slice])
    priced = program.relaxed()
    if len(choices):
        assert solution.result.x is not None
        priced = priced.fixed(choices, solution.result.x[choices])
        manner += ", sites fixed as chosen"
    return priced, manner


def _words(clause: Clause, basis: str) -> dict[str, Any]:
    """What a row of a table says of its clause, and where its price is from."""
    return {
        "clause_id": clause.id, "part": clause.part, "quote": clause.quote,
        "unit": clause.unit_label, "target": clause.target_label, "price_basis": basis,
    }  # fmt: skip


def _whole(study: Sensitivity, parts: Sequence[Enforced], manner: str) -> dict[str, Any]:
    rows = np.concatenate([e.rows for e in parts])
    points = np.concatenate([e.points for e in parts])
    statements = sum(e.measure.n_rows for e in parts)
    try:
        saved = max(0.0, study.cost - study.without(rows, points))
    except TimeLimitError:
        return {"statements": statements, "whole_basis": NOT_IN_TIME}
    basis = f"linear program{manner}: cost with the clause less cost without it"
    # the cost of the whole plan is known to some digits only
    noise = 1e-12 * abs(study.cost)
    return {
        "statements": statements,
        "whole_cny_a_year": saved if saved > noise else 0.0,
        "whole_basis": basis,
    }


def _dearest(prices: Mapping[str, StatementPrice], n: int) -> list[str]:
    """Clauses to solve again one unit tighter, dearest first."""
    finite = {name: p.one_percent for name, p in prices.items() if p.possible and p.price > 0}
    blocked = [name for name, p in prices.items() if not p.possible and p.side.room > 0]
    order = sorted(finite, key=lambda name: -finite[name])
    return [*order, *blocked][:n]
