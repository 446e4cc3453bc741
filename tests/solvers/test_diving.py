"""A plan in whole units from the relaxation, where a limit stops branch and bound."""

from __future__ import annotations

import numpy as np
import pytest

from healthalloc import LinearProgram, Status, certify, solve
from healthalloc.formulation import formulate
from healthalloc.generate import generate
from healthalloc.solvers import Result, SolverOptions, solve_highs
from healthalloc.solvers.diving import whole_point
from tests.solvers.test_session import program


def stopped(program: LinearProgram, options: SolverOptions) -> Result:
    """An engine whose branch and bound never finds anything."""
    if program.is_mixed_integer:
        return Result(status=Status.LIMIT_WITHOUT_INCUMBENT, solver="slow", seconds=0.0)
    return solve_highs(program, options)


def test_a_limit_leaves_a_plan_in_whole_units_with_its_gap() -> None:
    region = generate(60, 8, whole_units=True)
    found = solve(region, solver=stopped)
    assert found.status is Status.LIMIT_WITH_INCUMBENT
    assert found.certificate is not None
    assert found.certificate.passes(0.05)
    assert found.certificate.integrality == 0.0
    assert found.certificate.bound_source == "relaxation"
    relaxed = solve(region, whole_units=False)
    assert found.bound == pytest.approx(relaxed.objective, rel=1e-9)
    assert relaxed.objective <= found.objective
    assert found.gap == pytest.approx(1 - relaxed.objective / found.objective, rel=1e-6)
    allocated = found.stock["allocated"]
    assert (allocated == allocated.round()).all()


def test_steps_of_a_unit_save_what_rounding_wastes(monkeypatch: pytest.MonkeyPatch) -> None:
    from healthalloc.solvers import diving

    whole = formulate(generate(60, 8, whole_units=True)).program
    relaxed = solve_highs(whole.relaxed(), SolverOptions())
    improved = whole_point(whole, relaxed, SolverOptions())
    monkeypatch.setattr(diving, "_improved", lambda *given: given[3].x)
    dived = whole_point(whole, relaxed, SolverOptions())
    assert improved is not None
    assert dived is not None
    assert whole.cost @ improved < whole.cost @ dived


def test_a_point_keeps_every_bound_and_is_no_better_than_the_optimum() -> None:
    whole = program(whole=True)
    relaxed = solve_highs(whole.relaxed(), SolverOptions())
    best = solve_highs(whole, SolverOptions(gap=0.0))
    point = whole_point(whole, relaxed, SolverOptions())
    assert point is not None
    proof = certify(whole, Result(status=Status.OPTIMAL, solver="", seconds=0.0, x=point))
    assert proof.primal <= 1e-7
    assert proof.integrality <= 1e-6
    assert proof.objective >= certify(whole, best).objective - 1e-6
    assert np.isfinite(point).all()


def test_a_better_incumbent_is_kept() -> None:
    region = generate(60, 8, whole_units=True)
    whole = formulate(region).program
    best = solve_highs(whole, SolverOptions(gap=0.02, time_limit_s=20.0))
    dived = whole_point(whole, solve_highs(whole.relaxed(), SolverOptions()), SolverOptions())
    assert best.x is not None
    assert dived is not None
    better = min(best.x, dived, key=lambda x: float(whole.cost @ x))

    def with_incumbent(program: LinearProgram, options: SolverOptions) -> Result:
        if program.is_mixed_integer:
            return Result(status=Status.LIMIT_WITH_INCUMBENT, solver="slow", seconds=0.0, x=best.x)
        return solve_highs(program, options)

    found = solve(region, solver=with_incumbent)
    assert found.objective == pytest.approx(float(whole.cost @ better) + whole.offset, rel=1e-9)
