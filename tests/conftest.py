from __future__ import annotations

import pytest

from healthalloc.progress import showing
from tests.examples import load_profile

load_profile()

# a busy machine must not add lines to what the tests read; test_progress sets its own
showing.AFTER_S = 3600.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--regenerate-golden",
        action="store_true",
        help="write the golden files anew instead of comparing; review the difference by eye",
    )


@pytest.fixture
def regenerate_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--regenerate-golden"))
