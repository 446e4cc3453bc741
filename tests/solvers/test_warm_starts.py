"""What a start saves, counted: iterations after a change, restarts, incumbents that are used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from healthalloc import LinearProgram, Plan, Scenario, Status, certify
from healthalloc.explain.what_if import WhatIf
from healthalloc.formulation import formulate
from healthalloc.generate import generate
from healthalloc.plan import Amount
from healthalloc.solvers import Result, Session, SolverOptions, solve_highs
from tests.solvers.test_session import program


@cache
def county() -> Scenario:
    return generate(200, 30)


@cache
def solved() -> tuple[LinearProgram, Result]:
    opened = formulate(county()).program
    return opened, solve_highs(opened, SolverOptions())


def scattered(scenario: Scenario) -> Scenario:
    residents = scenario.populations["residents"].to_numpy(copy=True)
    residents[::50] *= 1.2
    return scenario.replace(populations=scenario.populations.assign(residents=residents))


def norm(scenario: Scenario) -> Scenario:
    table = scenario.requirements
    raised = (table["service_id"] == "icu") & (table["resource_id"] == "nurse")
    return scenario.replace(requirements=table.assign(amount=table["amount"] * (1 + 0.1 * raised)))


def clause_more(scenario: Scenario) -> Scenario:
    more = Amount(id="birth", quote="q", source="s", resource="birth_bed", at_least=38)
    return scenario.replace(plan=Plan([*scenario.plan.clauses, more]))


def demand(scenario: Scenario) -> Scenario:
    rate = scenario.demand["rate_per_1000"] * 1.01
    return scenario.replace(demand=scenario.demand.assign(rate_per_1000=rate))


def shut(scenario: Scenario) -> Scenario:
    """Its arcs leave the program."""
    shut = scenario.stock["facility_id"] == "f07"
    limits = {name: scenario.stock[name].where(~shut, 0.0) for name in ("lower", "upper")}
    return scenario.replace(stock=scenario.stock.assign(**limits))


@pytest.mark.parametrize(
    ("change", "share"),
    [(scattered, 0.1), (norm, 0.2), (clause_more, 0.2), (demand, 0.1), (shut, 0.5)],
)
def test_a_changed_program_takes_few_iterations_from_the_old_basis(
    change: Callable[[Scenario], Scenario], share: float
) -> None:
    opened, before = solved()
    assert before.basis is not None
    session = Session(opened, basis=before.basis)
    assert session.solve().iterations == 0
    changed = formulate(change(county())).program
    session.become(changed)
    warm, cold = session.solve(), solve_highs(changed, SolverOptions())
    assert certify(changed, warm).passes(0.0)
    assert certify(changed, warm).objective == pytest.approx(
        certify(changed, cold).objective, rel=1e-9
    )
    assert warm.iterations is not None
    assert cold.iterations is not None
    assert warm.iterations <= share * cold.iterations
    assert session.restarts == 0


def test_a_row_that_is_freed_is_turned_around_first() -> None:
    opened, before = solved()
    session = Session(opened, basis=before.basis)
    assert session.solve().iterations == 0
    # the floor under the doctors, which has a price
    row = np.array([opened.row_block("clause").start + 1])
    session.set_row_bounds(row, np.array([-np.inf]), np.array([np.inf]))
    warm, cold = session.solve(), solve_highs(session.program, SolverOptions())
    assert certify(session.program, warm).passes(0.0)
    assert certify(session.program, warm).objective == pytest.approx(
        certify(session.program, cold).objective, rel=1e-9
    )
    assert warm.iterations is not None
    assert cold.iterations is not None
    assert 0 < warm.iterations <= 0.25 * cold.iterations
    session.set_row_bounds(row, opened.row_lower[row], opened.row_upper[row])
    assert certify(opened, session.solve()).objective == pytest.approx(
        certify(opened, before).objective, rel=1e-9
    )


def test_a_change_of_the_tables_below_the_edits_is_warm_too() -> None:
    what_if = WhatIf(county(), whole_units=False)
    cold = what_if.solve().result.iterations
    what_if.drop("social")
    what_if.replace(populations=scattered(county()).populations)
    warm = what_if.solve()
    assert cold is not None
    assert warm.result.iterations is not None
    assert warm.result.iterations <= 0.25 * cold
    edited = what_if.scenario
    assert edited.plan.clauses[3].treatment == "audit"
    fresh = formulate(edited).program
    expected = certify(fresh, solve_highs(fresh, SolverOptions())).objective
    assert warm.objective == pytest.approx(expected, rel=1e-9)


class Impatient(Session):
    """Breaks a start off after three iterations."""

    most = 3


@pytest.mark.parametrize("named", [False, True])
def test_a_start_that_does_not_help_is_broken_off(named: bool) -> None:
    opened, before = solved()
    calls: list[SolverOptions] = []

    def engine(program: LinearProgram, options: SolverOptions) -> Result:
        calls.append(options)
        return solve_highs(program, options)

    session = Impatient(opened, basis=before.basis, **({"cold": engine} if named else {}))
    changed = formulate(demand(county())).program
    session.become(changed)
    result = session.solve()
    assert session.restarts == 1
    assert len(calls) == named
    assert result.status is Status.OPTIMAL
    assert certify(changed, result).passes(0.0)
    assert result.iterations is not None
    assert result.iterations > 1000  # those of the second run, which began from nothing
    # and the session goes on from there
    again = session.solve()
    assert again.iterations == 0
    assert session.restarts == 1


def test_a_time_limit_is_no_reason_to_begin_anew() -> None:
    opened, before = solved()
    session = Session(opened, SolverOptions(time_limit_s=1e-9), basis=before.basis)
    session.become(formulate(demand(county())).program)
    result = session.solve()
    assert result.status is Status.LIMIT_WITHOUT_INCUMBENT
    assert session.restarts == 0


def test_branch_and_bound_begins_from_the_whole_numbers_of_a_start() -> None:
    whole = program(whole=True)
    best = solve_highs(whole, SolverOptions(gap=0.0))
    assert best.x is not None
    # any point is good enough, so that what is returned is the first one known
    first = Session(whole, SolverOptions(gap=1e3)).solve()
    session = Session(whole, SolverOptions(gap=1e3))
    session.start_from(np.where(whole.integer, best.x, 0.0))
    started = session.solve()
    assert certify(whole, first).objective > certify(whole, best).objective + 1e-3
    assert certify(whole, started).objective == pytest.approx(certify(whole, best).objective)


def test_the_last_incumbent_is_the_next_start() -> None:
    whole = program(whole=True)
    session = Session(whole, SolverOptions(gap=0.0))
    best = session.solve()
    session._highs.setOptionValue("mip_rel_gap", 1e3)
    dearer = replace(whole, cost=whole.cost * 1.5)
    session.become(dearer)
    again = session.solve()
    assert best.x is not None
    assert again.x is not None
    assert again.x == pytest.approx(best.x, abs=1e-6)


def test_a_closed_facility_takes_few_iterations() -> None:
    what_if = WhatIf(county(), whole_units=False)
    cold = what_if.solve().result.iterations
    what_if.close("f07")
    warm = what_if.solve()
    assert cold is not None
    assert warm.result.iterations is not None
    assert warm.result.iterations <= 0.3 * cold
