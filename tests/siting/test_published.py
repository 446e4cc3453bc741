"""Answers that others have published; run where HEALTHALLOC_DATA names the folder of data."""

from __future__ import annotations

import pytest

from benchmarks.siting import CASES, data_folder, solve_case

SLOW = "capa"


@pytest.mark.parametrize("case", [c for c in CASES if SLOW not in c.name], ids=lambda c: c.name)
def test_published_answer(case):
    folder = data_folder()
    if folder is None or not (folder / case.file).exists():
        pytest.skip("HEALTHALLOC_DATA does not hold it")
    answer = solve_case(case, folder).require_optimal()
    assert answer.objective / case.scale(answer) == pytest.approx(case.answer, abs=case.digits)
    assert answer.checks is not None
    assert answer.checks.passes
