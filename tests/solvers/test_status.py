"""How a solve can end, and what each solver says of it."""

from __future__ import annotations

import importlib
import warnings
from dataclasses import replace

import numpy as np
import pytest

import healthalloc as ha
from healthalloc import DataError, LinearProgram, SolverError, Status, UnsupportedError, certify
from healthalloc.solvers import (
    Result,
    Session,
    SolverOptions,
    named_solver,
    solve_highs,
    solve_pulp,
)
from healthalloc.solvers import pulp as pulp_solver
from tests.region import clause, region
from tests.solvers.programs import (
    INF,
    bounded_by_a_fraction,
    hard,
    knapsack,
    lost_on_the_way_back,
    program,
    two_columns,
)

SOLVERS = pytest.mark.parametrize("solver", ["highs", "pulp"])
EXACT = SolverOptions(gap=0.0)
SOLVE = importlib.import_module("healthalloc.solving")


def ended(solver: str, lp: LinearProgram, options: SolverOptions = EXACT) -> Result:
    result = named_solver(solver)(lp, options)
    assert (result.x is not None) == result.status.has_solution
    assert result.solver
    if result.x is not None:
        assert result.x.shape == (lp.n_columns,)
    return result


# --- optimal


@SOLVERS
def test_linear_program_by_hand(solver):
    result = ended(solver, two_columns())
    assert result.status is Status.OPTIMAL
    np.testing.assert_allclose(result.x, [3.0, 1.0], atol=1e-9)
    assert certify(two_columns(), result).passes()
    reduced = two_columns().cost - two_columns().matrix.T @ result.row_dual
    np.testing.assert_allclose(result.column_dual, reduced, atol=1e-9)


@SOLVERS
def test_signs_of_duals(solver):
    # min a - b: a >= 2 by a row, b <= 5 by a row; b's row costs 1 less for each unit more
    lp = program([1.0, -1.0], [(2.0, [1.0, 0.0], INF), (-INF, [0.0, 1.0], 5.0)])
    result = ended(solver, lp)
    np.testing.assert_allclose(result.row_dual, [1.0, -1.0], atol=1e-9)
    # one range row, active below, then above; an equation
    for cost, dual in ((1.0, 1.0), (-1.0, -1.0)):
        ranged = program([cost], [(2.0, [1.0], 5.0)])
        np.testing.assert_allclose(ended(solver, ranged).row_dual, [dual], atol=1e-9)
        equation = program([cost], [(3.0, [1.0], 3.0)])
        np.testing.assert_allclose(ended(solver, equation).row_dual, [dual], atol=1e-9)


@SOLVERS
def test_an_optimum_is_proved_though_the_cost_is_a_small_difference(solver):
    # all of a demand of 100/3 is served, which saves a penalty of 300 a case and costs 1 a case;
    # a solver that answers through a file rounds 33.333... to some 9 digits
    lp = program([1.0 - 300.0], [(-INF, [3.0], 100.0)], offset=10_000.0)
    result = ended(solver, lp)
    certificate = certify(lp, result)
    assert certificate.objective == pytest.approx(100 / 3, rel=1e-5)
    assert certificate.passes()


@SOLVERS
def test_whole_columns(solver):
    result = ended(solver, knapsack())
    assert result.status is Status.OPTIMAL
    np.testing.assert_allclose(result.x, [1.0, 1.0, 0.0], atol=1e-6)
    assert result.row_dual is None
    assert result.column_dual is None


@SOLVERS
def test_a_whole_column_bounded_by_a_fraction(solver):
    result = named_solver(solver)(bounded_by_a_fraction(), EXACT)
    assert result.status is Status.OPTIMAL
    assert result.x == pytest.approx([1.0, 4.0])


def test_an_open_program_takes_a_fraction_as_a_bound_of_a_whole_column():
    session = Session(knapsack(), EXACT)
    session.become(bounded_by_a_fraction())
    assert session.solve().x == pytest.approx([1.0, 4.0])
    session.set_column_bounds(np.array([1]), np.array([3.2]), np.array([3.8]))
    assert session.solve().status is Status.INFEASIBLE


@SOLVERS
def test_an_answer_that_cbc_loses_is_asked_for_again(solver):
    lp = lost_on_the_way_back()
    result = ended(solver, lp)
    assert result.status is Status.OPTIMAL
    certificate = certify(lp, result)
    assert certificate.primal <= 1e-9
    assert certificate.objective == pytest.approx(0.0, abs=1e-6)


@SOLVERS
def test_free_rows_free_columns_and_columns_without_rows(solver):
    # a is free but for a row; b stands in no row and no cost; c in no row, held by its bound
    lp = program(
        [1.0, 0.0, -1.0],
        [(-INF, [1.0, 0.0, 0.0], INF), (-7.0, [1.0, 0.0, 0.0], INF)],
        lower=[-INF, 2.0, 0.0],
        upper=[INF, 4.0, 6.0],
    )
    result = ended(solver, lp)
    assert result.status is Status.OPTIMAL
    assert result.x[0] == pytest.approx(-7.0, abs=1e-9)
    assert 2.0 <= result.x[1] <= 4.0
    assert result.x[2] == pytest.approx(6.0, abs=1e-9)
    assert certify(lp, result).passes()


@SOLVERS
@pytest.mark.parametrize("rows", [[], [(-1.0, [], 1.0)]])
def test_program_without_columns(solver, rows):
    lp = program([], rows, offset=5.0)
    result = ended(solver, lp)
    assert result.status is Status.OPTIMAL
    certificate = certify(lp, result)
    assert certificate.objective == 5.0
    assert certificate.passes()


@SOLVERS
def test_program_without_rows(solver):
    lp = program([1.0, -1.0], lower=[2.0, 0.0], upper=[3.0, 4.0])
    result = ended(solver, lp)
    assert result.status is Status.OPTIMAL
    np.testing.assert_allclose(result.x, [2.0, 4.0], atol=1e-9)


# --- infeasible and unbounded


INFEASIBLE = {
    "rows": program([1.0], [(3.0, [1.0], INF), (-INF, [1.0], 2.0)]),
    "bounds": program([1.0], [(3.0, [1.0], INF)], upper=[2.0]),
    "whole": program([1.0], [(1.2, [2.0], 1.8)], integer=[True], upper=[5.0]),
    "empty row": program([1.0], [(1.0, [0.0], INF)]),
    "empty row above": program([1.0], [(-INF, [0.0], -1.0)]),
    "empty row, whole": program([1.0], [(1.0, [0.0], INF)], integer=[True]),
    "no columns": program([], [(1.0, [], INF)]),
    "cheaper for ever, but infeasible": program([-1.0, 0.0], [(3.0, [0.0, 1.0], 2.0)]),
}


@SOLVERS
@pytest.mark.parametrize("name", list(INFEASIBLE))
def test_infeasible(solver, name):
    result = ended(solver, INFEASIBLE[name])
    assert result.status is Status.INFEASIBLE
    assert result.row_dual is None


@SOLVERS
@pytest.mark.parametrize("whole", [False, True])
def test_unbounded(solver, whole):
    lp = program([-1.0, 1.0], [(-INF, [1.0, -1.0], 2.0)], integer=[whole, False])
    cheaper_for_ever = replace(lp, cost=np.array([-2.0, 1.0]))
    assert ended(solver, lp).status is Status.OPTIMAL  # a <= b + 2: costs -2 wherever it is
    assert ended(solver, cheaper_for_ever).status is Status.UNBOUNDED


@SOLVERS
def test_unbounded_without_rows(solver):
    assert ended(solver, program([-1.0])).status is Status.UNBOUNDED


# --- limits


@SOLVERS
def test_limit_with_incumbent(solver):
    lp = hard()
    result = ended(solver, lp, SolverOptions(time_limit_s=1.0, gap=0.0))
    assert result.status is Status.LIMIT_WITH_INCUMBENT
    certificate = certify(lp, replace(result, x=rounded(lp, result.x)))
    assert certificate.primal <= 1e-6
    assert not certificate.passes(1e-4)
    if result.bound is not None:
        assert result.bound < certificate.objective


def rounded(lp: LinearProgram, x: np.ndarray) -> np.ndarray:
    return np.where(lp.integer, np.round(x), x)


def never() -> LinearProgram:
    """The market split problem as equations, which no search finds a point of in no time."""
    lp = hard()
    split = lp.matrix[:, :60]
    half = np.floor(lp.row_lower)
    return LinearProgram(
        np.zeros(60), 0.0, split, half, half, np.zeros(60), np.ones(60), np.ones(60, dtype=bool)
    )


@SOLVERS
def test_limit_without_incumbent(solver):
    result = ended(solver, never(), SolverOptions(time_limit_s=1.0, gap=0.0))
    assert result.status is Status.LIMIT_WITHOUT_INCUMBENT
    assert result.row_dual is None


@pytest.mark.parametrize("whole", [False, True])
def test_no_time_at_all(whole):
    lp = program(
        [1.0] * 40,
        [(1.0, row, INF) for row in np.random.default_rng(0).random((40, 40))],
        integer=[whole] * 40,
    )
    result = ended("highs", lp, SolverOptions(time_limit_s=1e-12))
    assert result.status is Status.LIMIT_WITHOUT_INCUMBENT


def stub(relaxed: Result, whole: Result | None = None):
    """A solver that gives one answer to a linear program and another to a mixed-integer one."""

    def engine(lp: LinearProgram, options: SolverOptions) -> Result:
        if lp.is_mixed_integer:
            assert whole is not None
            return whole
        return relaxed

    return lambda name: engine


def test_a_relaxation_stopped_by_a_limit_is_no_allocation_of_whole_units(monkeypatch):
    scenario = region(whole_units=True)
    lp = ha.formulate(scenario).program
    stopped = Result(
        status=Status.LIMIT_WITH_INCUMBENT, solver="stub", seconds=0.0,
        x=solve_highs(lp.relaxed(), EXACT).x,
    )  # fmt: skip
    monkeypatch.setattr(SOLVE, "named_solver", stub(stopped))
    solution = ha.solve(scenario)
    assert solution.status is Status.LIMIT_WITHOUT_INCUMBENT
    with pytest.raises(ha.NoSolutionError):
        solution.require_optimal()
    with pytest.raises(ha.NoSolutionError):
        _ = solution.stock


def test_a_limit_is_told_with_its_gap(monkeypatch):
    scenario = region(whole_units=True)
    lp = ha.formulate(scenario).program
    best = solve_highs(lp, EXACT)
    stopped = replace(best, status=Status.LIMIT_WITH_INCUMBENT, bound=0.0)
    relaxed = solve_highs(lp.relaxed(), EXACT)
    monkeypatch.setattr(SOLVE, "named_solver", stub(relaxed, stopped))
    solution = ha.solve(scenario)
    assert solution.status is Status.LIMIT_WITH_INCUMBENT
    assert solution.gap == pytest.approx(1.0, rel=1e-12)
    assert solution.bound == 0.0
    assert solution.stock["allocated"].notna().all()
    assert solution.prices is None
    with pytest.raises(ha.NoSolutionError, match="limit_with_incumbent"):
        solution.require_optimal()


def test_a_false_optimum_is_no_answer(monkeypatch):
    scenario = region(whole_units=False)
    lp = ha.formulate(scenario).program.relaxed()
    best = solve_highs(lp, EXACT)
    false = replace(best, x=best.x + 0.5)
    monkeypatch.setattr(SOLVE, "named_solver", stub(false, false))
    with pytest.raises(SolverError, match="certificate"):
        ha.solve(scenario)


# --- names of solvers


@pytest.mark.parametrize("name", ["", "cbc", "highs:ipm", "HIGHS", "pulp-cbc"])
def test_unknown_name(name):
    with pytest.raises(ValueError, match="unknown solver"):
        named_solver(name)


def test_unknown_name_in_the_settings():
    with pytest.raises(DataError, match="solver"):
        ha.solve(region(), solver="cbc")


def test_absent_solver():
    with pytest.raises(UnsupportedError, match=r"no solver called 'NOSUCH'.*available"):
        solve_pulp(two_columns(), EXACT, "NOSUCH")
    with pytest.raises(UnsupportedError, match="NOSUCH"):
        ha.solve(region(), solver="pulp:NOSUCH")


def test_pulp_without_any_solver(monkeypatch):
    import pulp

    monkeypatch.setattr(pulp, "listSolvers", lambda onlyAvailable=False: [])
    with pytest.raises(UnsupportedError, match="finds no solver"):
        solve_pulp(two_columns(), EXACT)


@pytest.mark.parametrize(
    ("available", "chosen"),
    [
        (["HiGHS", "PULP_CBC_CMD"], "PULP_CBC_CMD"),
        (["PULP_CBC_CMD", "GUROBI"], "GUROBI"),
        (["COIN_CMD", "PULP_CBC_CMD"], "COIN_CMD"),
        (["MIPCL_CMD"], "MIPCL_CMD"),
        (["CyLP", "MIPCL_CMD"], "MIPCL_CMD"),
    ],
)
def test_pulp_prefers(available, chosen):
    assert pulp_solver._choose(available, "") == chosen


def test_a_solver_that_tells_no_status_is_not_used():
    with pytest.raises(UnsupportedError, match=r"no solver called 'CyLP': available are HiGHS$"):
        pulp_solver._choose(["CyLP", "HiGHS"], "CyLP")


def test_every_solver_that_pulp_finds_here():
    import pulp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        names = set(pulp.listSolvers(onlyAvailable=True)) - {*pulp_solver.SILENT}
    assert names
    for name in names:
        for lp in (two_columns(), knapsack()):
            result = ended(f"pulp:{name}", lp)
            assert result.status is Status.OPTIMAL
            assert name in result.solver


@SOLVERS
def test_a_scenario_ends_the_same(solver):
    fine = ha.solve(region(), solver=solver)
    assert fine.require_optimal() is fine
    impossible = clause("amount", resource="fever_clinic", at_least=5)
    infeasible = ha.solve(region(clauses=[impossible]), solver=solver)
    assert infeasible.status is Status.INFEASIBLE
    with pytest.raises(ha.NoSolutionError, match="amount"):
        infeasible.require_optimal()
