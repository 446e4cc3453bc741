"""The estimate of the memory that a program takes, and its refusal before anything is built."""

from __future__ import annotations

import pytest

import healthalloc as ha
from healthalloc.formulation import assemble, memory
from healthalloc.formulation.memory import BYTES_PER_COEFFICIENT, coefficients
from healthalloc.generate import generate


@pytest.mark.parametrize("n_facilities", [5, 40])
def test_the_estimate_is_close(n_facilities: int) -> None:
    model = assemble.formulate(generate(8 * n_facilities, n_facilities))
    assert coefficients(model.layout) == pytest.approx(model.program.matrix.nnz, rel=0.1)


def test_a_limit_too_small_is_refused_before_building(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = generate(80, 10)

    def never(*_: object) -> None:
        raise AssertionError("built")

    monkeypatch.setattr(assemble, "assemble", never)
    with pytest.raises(ha.DataError) as refused:
        ha.solve(scenario, memory_limit_gb=1e-6)
    (problem,) = refused.value.problems
    assert problem.column == "solve.memory_limit_gb"
    assert problem.value == "1e-06"
    assert " GB" in problem.message
    assert "raise the limit" in problem.mend


def test_more_coefficients_than_can_be_numbered_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "MOST_COEFFICIENTS", 100)
    with pytest.raises(ha.DataError, match="more than solvers can number"):
        ha.solve(generate(80, 10))


def test_a_limit_that_suffices_changes_nothing() -> None:
    scenario = generate(40, 5, whole_units=False)
    needed = coefficients(assemble.network(scenario)) * BYTES_PER_COEFFICIENT / 1e9
    assert ha.solve(scenario, memory_limit_gb=1.01 * needed).status is ha.Status.OPTIMAL
