"""From nothing by the interior point, from there by simplex: what that saves, counted."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import healthalloc as ha
from healthalloc import LinearProgram, Status, certify
from healthalloc.explain.what_if import WhatIf
from healthalloc.formulation import formulate
from healthalloc.generate import generate
from healthalloc.solvers import Result, Session, SolverOptions, interior, session, solve_highs
from healthalloc.solvers.basis import BASIC
from healthalloc.solvers.interior import NAME, by_interior


@cache
def solved() -> tuple[LinearProgram, Result, Result]:
    """The program of a county, its answer by the interior point and by simplex."""
    program = formulate(generate(200, 30)).program.relaxed()
    ours, simplex = by_interior(program, SolverOptions()), solve_highs(program, SolverOptions())
    assert ours is not None
    return program, ours, simplex


def test_the_vertex_comes_with_a_basis_that_is_nearly_optimal() -> None:
    program, ours, simplex = solved()
    assert ours.basis is not None
    assert simplex.iterations is not None
    basic = (ours.basis.columns == BASIC).sum() + (ours.basis.rows == BASIC).sum()
    assert basic == program.n_rows
    result = Session(program, primal=True, basis=ours.basis).solve()
    assert result.iterations is not None
    assert result.iterations <= 0.02 * simplex.iterations
    assert certify(program, result).objective == pytest.approx(
        certify(program, simplex).objective, rel=1e-9
    )


def test_columns_that_a_row_holds_at_nothing_are_in_the_basis_too() -> None:
    scenario = generate(200, 30)
    stock = scenario.stock.copy()
    stock.loc[:10, ["existing", "lower", "upper"]] = 0.0
    program = formulate(scenario.replace(stock=stock)).program.relaxed()
    ours = by_interior(program, SolverOptions())
    assert ours is not None
    assert ours.basis is not None
    basic = (ours.basis.columns == BASIC).sum() + (ours.basis.rows == BASIC).sum()
    assert basic == program.n_rows
    result = Session(program, primal=True, basis=ours.basis).solve()
    assert result.iterations is not None
    assert result.iterations <= 0.02 * (solve_highs(program, SolverOptions()).iterations or 0)


def test_a_large_program_is_solved_from_nothing_by_the_interior_point(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program, _, simplex = solved()
    assert simplex.iterations is not None
    small = Session(program)
    assert small.solve().iterations == simplex.iterations
    monkeypatch.setattr(interior, "LEAST_COLUMNS", 100)
    opened = Session(program)
    result = opened.solve()
    assert result.iterations is not None
    assert result.iterations <= 0.05 * simplex.iterations
    assert certify(program, result).passes(0.0)
    assert opened.solve().iterations == 0


def test_an_edit_after_an_answer_of_the_interior_point_is_warm() -> None:
    scenario = generate(200, 30)
    before = ha.solve(scenario, solver="interior", whole_units=False)
    assert before.result.solver == NAME
    what_if = WhatIf(before, whole_units=False)
    what_if.demand("icu", 1.05)
    warm = what_if.solve()
    cold = ha.solve(what_if.scenario, solver="highs", whole_units=False)
    assert warm.result.iterations is not None
    assert cold.result.iterations is not None
    assert warm.result.iterations <= 0.1 * cold.result.iterations
    assert warm.objective == pytest.approx(cold.objective, rel=1e-9)


@pytest.mark.parametrize("basis", [False, True])
def test_a_start_slower_than_from_nothing_gives_way_to_the_cold_engine(
    basis: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PATIENCE_S", 1e-9)
    program, ours, simplex = solved()
    dearer = replace(program, cost=program.cost * np.linspace(0.9, 1.1, program.n_columns))
    expected = solve_highs(dearer, SolverOptions())
    calls = []

    def engine(asked: LinearProgram, options: SolverOptions) -> Result:
        calls.append(options)
        found = by_interior(asked, options)
        assert found is not None
        return found if basis else replace(found, basis=None)

    opened = Session(program, basis=simplex.basis, cold=engine, cold_s=1e-9)
    opened.become(dearer)
    result = opened.solve()
    assert opened.restarts == len(calls) == 1
    assert result.status is Status.OPTIMAL
    assert result.solver == (expected.solver if basis else NAME)
    assert certify(dearer, result).objective == pytest.approx(
        certify(dearer, expected).objective, rel=1e-7
    )
    assert opened.cold_s > 1e-3
    assert ours.iterations is not None
