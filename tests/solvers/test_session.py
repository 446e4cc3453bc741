"""A program that stays open: every change is the same as opening the changed program anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array, csr_array

from healthalloc import LinearProgram, SolverError, Status, certify
from healthalloc.formulation import formulate
from healthalloc.solvers import Session, SolverOptions, session, solve_highs
from tests.examples import examples
from tests.region import clause, region


def program(*, whole: bool = False, width: int = 6) -> LinearProgram:
    """Cover three needs from a few sources; every number is its own, so optima are unique."""
    rng = np.random.default_rng(7)
    matrix = csc_array(
        np.round(rng.uniform(0.0, 3.0, (3, width)), 2) * (rng.random((3, width)) < 0.8)
    )
    matrix.eliminate_zeros()
    integer = np.arange(width) % 2 == 0 if whole else np.zeros(width, dtype=bool)
    return LinearProgram(
        np.round(rng.uniform(1.0, 9.0, width), 2), 5.0, matrix,
        np.array([4.0, 7.0, 5.5]), np.array([np.inf, 40.0, np.inf]),
        np.zeros(width), np.full(width, 6.0), integer,
    )  # fmt: skip


def same_answer(opened: Session) -> None:
    """The open program's answer is that of its arrays solved from nothing, and is certified."""
    warm, cold = opened.solve(), solve_highs(opened.program, SolverOptions(gap=0.0))
    assert warm.status is cold.status
    if warm.status is Status.OPTIMAL:
        one, other = certify(opened.program, warm), certify(opened.program, cold)
        assert one.passes(0.0)
        # HiGHS keeps the bounds of a mixed-integer program to 1e-7, and a unit costs up to 9
        close = 1e-6 if opened.program.is_mixed_integer else 1e-9
        assert one.objective == pytest.approx(other.objective, rel=1e-9, abs=close)


changes = st.one_of(
    st.tuples(st.just("row bounds"), st.integers(0, 2), st.integers(0, 12), st.integers(0, 30)),
    st.tuples(st.just("column bounds"), st.integers(0, 5), st.integers(0, 3), st.integers(0, 9)),
    st.tuples(st.just("cost"), st.integers(0, 5), st.integers(-2, 9), st.just(0)),
    st.tuples(st.just("offset"), st.integers(-5, 5), st.just(0), st.just(0)),
    st.tuples(
        st.just("row"), st.integers(0, 2), st.integers(0, 2**6 - 1), st.integers(1, 4)
    ),
    st.tuples(st.just("new row"), st.integers(1, 2**6 - 1), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("forget"), st.just(0), st.just(0), st.just(0)),
)  # fmt: skip


def apply(opened: Session, change: tuple[str, int, int, int]) -> None:
    kind, a, b, c = change
    if kind == "row bounds":
        opened.set_row_bounds(np.array([a]), np.array([float(b)]), np.array([float(b + c)]))
    elif kind == "column bounds":
        opened.set_column_bounds(np.array([a]), np.array([float(b)]), np.array([float(b + c)]))
    elif kind == "cost":
        opened.set_costs(np.array([a]), np.array([b + 0.37]))
    elif kind == "offset":
        opened.set_offset(float(a))
    elif kind == "row":
        columns = np.flatnonzero([b >> k & 1 for k in range(6)])
        opened.set_row(a, columns, c + 0.5 * columns)
    elif kind == "new row":
        columns = np.flatnonzero([a >> k & 1 for k in range(6)])
        line = csr_array((np.ones(len(columns)), ([0] * len(columns), columns)), shape=(1, 6))
        assert opened.add_rows(line, np.array([-np.inf]), np.array([b + 6.0])).tolist() == [
            opened.program.n_rows - 1
        ]
    else:
        opened.forget()


@settings(max_examples=examples(60))
@given(st.booleans(), st.lists(changes, min_size=1, max_size=6))
def test_any_changes_leave_the_answer_of_the_changed_program(
    whole: bool, made: list[tuple[str, int, int, int]]
) -> None:
    opened = Session(program(whole=whole), SolverOptions(gap=0.0))
    same_answer(opened)
    for change in made:
        apply(opened, change)
        same_answer(opened)


def test_a_change_is_made_to_the_program_that_the_certificate_sees() -> None:
    given_program = program()
    opened = Session(given_program)
    opened.set_row_bounds(np.array([0, 2]), np.array([1.0, 2.0]), np.array([8.0, 9.0]))
    opened.set_column_bounds(np.array([3]), np.array([0.5]), np.array([1.5]))
    opened.set_costs(np.array([1]), np.array([99.0]))
    opened.set_offset(-3.0)
    now = opened.program
    assert now.row_lower.tolist() == [1.0, 7.0, 2.0]
    assert now.row_upper.tolist() == [8.0, 40.0, 9.0]
    assert (now.column_lower[3], now.column_upper[3]) == (0.5, 1.5)
    assert now.cost[1] == 99.0
    assert now.offset == -3.0
    assert given_program.row_lower.tolist() == [4.0, 7.0, 5.5]  # what was given stays as it was
    assert given_program.offset == 5.0


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        pytest.param([0, 1, 2, 3, 4, 5], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], id="all"),
        pytest.param([5, 0], [2.0, 1.0], id="two, out of order"),
        pytest.param([0, 1, 2], [1.0, 0.0, 3.0], id="a zero"),
        pytest.param([], [], id="none"),
    ],
)
def test_set_row_replaces_one_row_and_keeps_no_zeros(
    columns: list[int], values: list[float]
) -> None:
    opened = Session(program())
    expected = opened.program.matrix.toarray()
    expected[1] = 0.0
    expected[1, columns] = values
    opened.set_row(1, np.array(columns, dtype=np.intp), np.array(values))
    assert opened.program.matrix.toarray().tolist() == expected.tolist()
    assert opened.program.matrix.nnz == np.count_nonzero(expected)
    same_answer(opened)


def test_set_row_with_the_same_columns_shares_the_pattern() -> None:
    opened = Session(program())
    before = opened.program.matrix
    row = csr_array(before)[[1]].tocoo()
    opened.set_row(1, row.col.astype(np.intp), row.data * 2.0)
    assert np.shares_memory(opened.program.matrix.indices, before.indices)
    assert (opened.program.matrix.toarray()[1] == 2.0 * before.toarray()[1]).all()
    assert (opened.program.matrix.toarray()[[0, 2]] == before.toarray()[[0, 2]]).all()


def test_after_a_small_change_an_lp_takes_fewer_iterations_than_from_nothing() -> None:
    floor = clause("amount", resource="general_bed", at_least=45)
    model = formulate(region(clauses=[floor], whole_units=False))
    opened = Session(model.program.relaxed())
    first = opened.solve()
    assert first.iterations is not None
    assert first.iterations > 3
    rows = np.arange(model.enforced[0].slice.start, model.enforced[0].slice.stop)
    for target in (47.0, 52.0, 46.0):
        opened.set_row_bounds(rows, np.array([target]), np.array([np.inf]))
        warm, cold = opened.solve(), solve_highs(opened.program, SolverOptions())
        assert warm.iterations is not None
        assert cold.iterations is not None
        assert warm.iterations < cold.iterations
        assert warm.x is not None
        held = model.enforced[0].measure.value(warm.x[: model.layout.n_decisions])
        assert held.tolist() == pytest.approx([target])


def test_solved_again_without_a_change_an_lp_takes_no_iteration() -> None:
    opened = Session(program())
    opened.solve()
    assert opened.solve().iterations == 0


def test_forgetting_begins_from_nothing() -> None:
    opened = Session(program())
    first = opened.solve()
    opened.forget()
    again = opened.solve()
    assert again.iterations == first.iterations
    assert again.x is not None
    assert first.x is not None
    assert again.x.tolist() == first.x.tolist()


def test_infeasible_and_back() -> None:
    opened = Session(program())
    best = certify(opened.program, opened.solve()).objective
    opened.set_row_bounds(np.array([0]), np.array([1e4]), np.array([np.inf]))
    assert opened.solve().status is Status.INFEASIBLE
    opened.set_row_bounds(np.array([0]), np.array([4.0]), np.array([np.inf]))
    assert certify(opened.program, opened.solve()).objective == pytest.approx(best, rel=1e-12)


def test_a_breakdown_from_where_it_stood_is_tried_from_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = Session(program())
    expected = opened.solve()
    calls: list[int] = []
    real = session.read_result

    def breaks_once(highs: object, *rest: object) -> object:
        calls.append(len(calls))
        if len(calls) == 1:
            raise SolverError("lost")
        return real(highs, *rest)

    monkeypatch.setattr(session, "read_result", breaks_once)
    assert opened.solve().x == pytest.approx(expected.x)
    assert calls == [0, 1]

    def breaks(*_: object) -> object:
        raise SolverError("lost for good")

    monkeypatch.setattr(session, "read_result", breaks)
    with pytest.raises(SolverError, match="for good"):
        opened.solve()


def test_a_milp_starts_from_the_last_incumbent(tmp_path: Path) -> None:
    opened = Session(program(whole=True), SolverOptions(gap=0.0))
    assert opened.solve().status is Status.OPTIMAL
    for name, value in (
        ("output_flag", True), ("log_to_console", False), ("log_file", str(tmp_path / "log")),
    ):  # fmt: skip
        opened._highs.setOptionValue(name, value)
    opened.set_row_bounds(np.array([0]), np.array([3.9]), np.array([np.inf]))
    same_answer(opened)
    assert "MIP start solution is feasible" in (tmp_path / "log").read_text()


def test_the_proof_of_infeasibility_weighs_the_rows_that_it_takes() -> None:
    """x + y >= 5 and x + y <= 4 cannot both hold; y <= 9 has nothing to do with it."""
    matrix = csc_array(np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 1.0]]))
    both = LinearProgram(
        np.zeros(2), 0.0, matrix, np.array([5.0, -np.inf, -np.inf]), np.array([np.inf, 9.0, 4.0]),
        np.zeros(2), np.full(2, np.inf), np.zeros(2, dtype=bool),
    )  # fmt: skip
    opened = Session(both, SolverOptions())
    opened.set_row_bounds(np.array([2]), np.array([-np.inf]), np.array([np.inf]))
    assert opened.solve().status is Status.OPTIMAL
    assert opened.farkas() is None
    opened.set_row_bounds(np.array([2]), np.array([-np.inf]), np.array([4.0]))
    assert opened.solve().status is Status.INFEASIBLE
    weights = opened.farkas()
    assert weights is not None
    assert list(weights != 0) == [True, False, True]
