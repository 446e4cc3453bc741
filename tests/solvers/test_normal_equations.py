"""The matrix that the interior point factorises, held against dense arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from healthalloc.formulation.assemble import formulate
from healthalloc.generate import generate
from healthalloc.solvers.interior import columns as columns_module
from healthalloc.solvers.interior import factor as factor_module
from healthalloc.solvers.interior.columns import Columns
from healthalloc.solvers.interior.factor import Factor, conjugate_gradients
from healthalloc.solvers.interior.normal import Normal
from healthalloc.solvers.interior.standard import Standard, standard_form


def form_of(n_populations: int, n_facilities: int) -> Standard:
    form = standard_form(formulate(generate(n_populations, n_facilities)).program.relaxed())
    assert form is not None
    return form


def dense(form: Standard, d: np.ndarray) -> np.ndarray:
    """Schur complement of the local rows in ``matrix @ diag(d) @ matrix.T``."""
    local, linking = form.local.toarray(), form.linking.toarray()
    beside = linking * d @ local.T
    schur: np.ndarray = linking * d @ linking.T
    schur -= beside @ np.linalg.inv(local * d @ local.T) @ beside.T
    return schur


@pytest.mark.parametrize("size", [(30, 4), (60, 9)])
def test_entries_are_those_of_the_schur_complement(size: tuple[int, int]) -> None:
    form = form_of(*size)
    normal = Normal(Columns(form))
    d = np.random.default_rng(1).uniform(0.1, 10, len(form.cost))
    entries = normal(d)[1]
    expected = dense(form, d)[np.ix_(normal.order, normal.order)]
    found = np.zeros_like(expected)
    found[normal.row, normal.column] = entries
    assert found == pytest.approx(np.tril(expected), rel=1e-9, abs=1e-9 * np.abs(expected).max())
    in_core = normal.row < normal.n_core
    assert (normal.row - normal.column)[in_core].max() == normal.width


def test_columns_of_a_row_stand_together() -> None:
    form = form_of(60, 9)
    columns = Columns(form)
    with_row = columns.value != 0
    assert (np.diff(columns.row[with_row]) >= 0).all()
    assert not with_row[np.flatnonzero(~with_row)[0] :].any()


def test_parts_add_up_to_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    form = form_of(60, 9)
    monkeypatch.setattr(columns_module, "AT_ONCE", 100)
    columns = Columns(form)
    assert len(columns.parts) > 10
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=len(form.cost)), rng.normal(size=len(form.right))
    both = np.concatenate([columns.local(x), columns.linking(x)])
    assert both == pytest.approx(form.matrix @ x)
    n = form.n_local
    assert columns.transposed(y[:n], y[n:]) == pytest.approx(form.matrix.T @ y)


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_solves_to_the_tolerance_in_either_precision(precision: type) -> None:
    form = form_of(60, 9)
    normal = Normal(Columns(form))
    factor = Factor(normal)
    factor.precision = precision
    rng = np.random.default_rng(3)
    d = 10 ** rng.uniform(-3, 3, len(form.cost))
    right = rng.normal(size=form.linking.shape[0])
    found = factor(normal(d)[1])(right, 1e-10)
    assert dense(form, d) @ found == pytest.approx(right, abs=1e-6 * np.abs(right).max())


@pytest.mark.parametrize(("many", "precision"), [(0, np.float64), (10, np.float32)])
def test_double_precision_follows_where_single_takes_many_iterations(
    many: int, precision: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(factor_module, "MANY", many)
    form = form_of(60, 9)
    normal = Normal(Columns(form))
    factor = Factor(normal)
    factor(normal(np.ones(len(form.cost)))[1])(np.ones(form.linking.shape[0]), 1e-8)
    assert factor.precision is precision


def test_a_matrix_that_is_not_definite_is_refused() -> None:
    normal = Normal(Columns(form_of(30, 4)))
    factor = Factor(normal)
    with pytest.raises(np.linalg.LinAlgError):
        factor(-np.ones(len(normal.row)))


def test_conjugate_gradients_count_their_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = np.diag([1.0, 2.0, 3.0])
    right = np.array([1.0, 1.0, 1.0])
    found, iterations = conjugate_gradients(matrix.dot, lambda r: r, right, 1e-12)
    assert found == pytest.approx([1, 1 / 2, 1 / 3])
    assert iterations == 3
    assert conjugate_gradients(matrix.dot, np.linalg.inv(matrix).dot, right, 1e-12)[1] == 1
    monkeypatch.setattr(factor_module, "MOST", 2)
    assert conjugate_gradients(matrix.dot, lambda r: r, right, 0.0)[1] == 2
