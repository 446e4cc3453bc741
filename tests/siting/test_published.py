"""Answers that others have published: small cases always, others where HEALTHALLOC_DATA is set."""

from __future__ import annotations

import pytest

from benchmarks.siting import CASES, SMALL, find_file, solve_case

SLOW = "capa"


@pytest.mark.parametrize("case", [c for c in CASES if SLOW not in c.name], ids=lambda c: c.name)
def test_published_answer(case):
    if find_file(case.file) is None:
        pytest.skip("HEALTHALLOC_DATA does not hold it")
    answer = solve_case(case).require_optimal()
    assert answer.objective / case.scale(answer) == pytest.approx(case.answer, abs=case.digits)
    assert answer.checks is not None
    assert answer.checks.passes


def test_small_cases_are_always_there():
    here = {case.file.split("/")[0] for case in CASES if (SMALL / case.file).exists()}
    assert here == {"swain55", "orlib_pmed", "orlib_cap", "brighton"}
