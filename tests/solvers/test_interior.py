"""The interior point that knows the shape: same optimum as simplex, at a vertex, with proof."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import healthalloc as ha
import healthalloc.solvers as solvers
from healthalloc.formulation.assemble import formulate
from healthalloc.formulation.program import LinearProgram
from healthalloc.generate import generate
from healthalloc.progress import listening
from healthalloc.solvers import SolverOptions, Status, certify, solve_highs, solve_interior
from healthalloc.solvers.interior import NAME, suited
from tests.examples import examples
from tests.report.scenarios import planned

OPTIONS = SolverOptions(time_limit_s=60)


def program_of(scenario: ha.Scenario) -> LinearProgram:
    return formulate(scenario).program.relaxed()


def held_against_simplex(program: LinearProgram) -> solvers.Result:
    """Solve with both; the interior point must not have handed the program over."""
    ours, simplex = solve_interior(program, OPTIONS), solve_highs(program, OPTIONS)
    assert ours.solver == NAME
    assert ours.status is simplex.status is Status.OPTIMAL
    certificate = certify(program, ours)
    assert certificate.passes(0.0)
    assert certificate.objective == pytest.approx(certify(program, simplex).objective, rel=1e-7)
    return ours


@pytest.mark.parametrize(("n_populations", "n_facilities"), [(40, 5), (200, 30), (400, 60)])
def test_same_optimum_as_simplex(n_populations: int, n_facilities: int) -> None:
    held_against_simplex(program_of(generate(n_populations, n_facilities, seed=3)))


@given(
    seed=st.integers(0, 10_000),
    n_facilities=st.integers(5, 20),
    target=st.floats(3.0, 5.0),
    share=st.floats(0.0, 25.0),
)
@settings(max_examples=examples(15))
def test_same_status_and_optimum_for_any_targets(
    seed: int, n_facilities: int, target: float, share: float
) -> None:
    scenario = generate(8 * n_facilities, n_facilities, seed=seed)
    clauses = {c.id: c for c in scenario.plan.clauses}
    changed = [
        replace(clauses["beds"], at_least=target, at_most=target * 1.02),
        replace(clauses["social"], at_least=share),
        *(c for i, c in clauses.items() if i not in ("beds", "social")),
    ]
    program = program_of(scenario.replace(plan=ha.Plan(changed)))
    ours, simplex = solve_interior(program, OPTIONS), solve_highs(program, OPTIONS)
    assert ours.status is simplex.status
    if ours.status is Status.OPTIMAL:
        found, known = certify(program, ours), certify(program, simplex)
        assert found.passes(0.0)
        assert found.objective == pytest.approx(known.objective, rel=1e-6)


def test_the_answer_is_a_vertex() -> None:
    program = program_of(generate(200, 30))
    ours = held_against_simplex(program)
    assert ours.x is not None
    off_bounds = (ours.x > program.column_lower + 1e-9) & (ours.x < program.column_upper - 1e-9)
    assert off_bounds.sum() <= program.n_rows


def test_iterations_hardly_grow_with_size() -> None:
    few, many = (solve_interior(program_of(generate(n, n // 7)), OPTIONS) for n in (100, 800))
    assert few.solver == many.solver == NAME
    assert few.iterations is not None
    assert many.iterations is not None
    assert many.iterations < 2 * few.iterations < 120


def test_a_population_without_demand_is_no_obstacle() -> None:
    scenario = generate(60, 8)
    populations = scenario.populations.assign(
        residents=scenario.populations["residents"].where(scenario.populations.index > 5, 0.0)
    )
    program = program_of(scenario.replace(populations=populations))
    assert (program.row_upper[program.row_block("demand").slice] == 0).any()
    held_against_simplex(program)


def test_columns_that_cannot_move_are_left_out() -> None:
    scenario = generate(60, 8)
    stock = scenario.stock.copy()
    stock.loc[:10, ["lower", "upper"]] = stock.loc[:10, ["existing", "existing"]].to_numpy()
    held_against_simplex(program_of(scenario.replace(stock=stock)))


def test_an_infeasible_program_is_handed_over_and_said_so() -> None:
    scenario = generate(40, 5)
    plan = [replace(c, at_least=1e6) if c.id == "beds" else c for c in scenario.plan.clauses]
    program = program_of(scenario.replace(plan=ha.Plan(plan)))
    assert suited(program) is not None
    result = solve_interior(program, OPTIONS)
    assert result.status is Status.INFEASIBLE
    assert result.solver.startswith("HiGHS")


def test_a_program_of_another_shape_is_handed_over() -> None:
    program = program_of(generate(40, 5))
    assert suited(replace(program, rows=())) is None
    assert suited(replace(program, integer=np.ones(program.n_columns, dtype=bool))) is None
    free = replace(program, column_lower=np.full(program.n_columns, -np.inf))
    assert suited(free) is None
    assert solve_interior(replace(program, rows=()), OPTIONS).solver.startswith("HiGHS")


def test_no_time_is_a_limit_without_a_plan() -> None:
    program = program_of(generate(40, 5))
    result = solve_interior(program, replace(OPTIONS, time_limit_s=1e-9))
    assert result.status is Status.LIMIT_WITHOUT_INCUMBENT
    assert result.x is None


def test_the_automatic_choice_goes_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    program = program_of(generate(40, 5))
    assert solvers.solve_best(program, OPTIONS).solver.startswith("HiGHS")
    monkeypatch.setattr(solvers, "LEAST_COLUMNS", 100)
    assert solvers.solve_best(program, OPTIONS).solver == NAME


def test_a_scenario_names_the_engine() -> None:
    scenario = generate(60, 8)
    ours = ha.solve(scenario, solver="interior").require_optimal()
    simplex = ha.solve(scenario, solver="highs").require_optimal()
    assert ours.result.solver == NAME
    assert ours.objective == pytest.approx(simplex.objective, rel=1e-7)
    for clause, prices in simplex.prices.by_clause.items():
        assert ours.prices.by_clause[clause] == pytest.approx(prices, rel=1e-4, abs=1.0)


def test_it_tells_how_far_it_is() -> None:
    told: list[str] = []
    with listening(lambda phases: told.extend(p.name for p in phases)):
        solve_interior(program_of(generate(40, 5)), OPTIONS)
    assert "linear" in told


def test_fixed_sites_are_priced_by_simplex_where_it_solved_the_relaxation() -> None:
    asked = []

    def engine(program: LinearProgram, options: SolverOptions) -> solvers.Result:
        asked.append(program)
        return solve_highs(program, options)

    found = ha.solve(planned(), solver=engine).require_optimal()
    assert [program.is_mixed_integer for program in asked] == [False, True]
    assert found.prices is not None
    assert found.prices.basis.endswith("sites fixed as chosen")
