"""How many random examples the properties are tried on: few, the same each time, or many."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.internal.conjecture import engine

USUAL, MANY = 12, 120
SHRINKING_S = 30


def load_profile() -> None:
    """Hypothesis as the tests use it: the profile ``same``, or that which the environment names.

    ``same`` draws the same examples on every machine, so that a change is what made a test fail;
    ``explore`` draws others each time, ten times as many. Both make a failing example smaller
    for a while only: each step solves programs, and minutes of it say little more.
    """
    common = settings(
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        suppress_health_check=[
            HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much,
        ],
    )  # fmt: skip
    settings.register_profile("same", common, derandomize=True, max_examples=USUAL)
    settings.register_profile("explore", common, max_examples=MANY, print_blob=True)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
    engine.MAX_SHRINKING_SECONDS = SHRINKING_S


def examples(usual: int) -> int:
    """Number of examples of a property: the usual one, or more in a profile of more."""
    return usual * settings().max_examples // USUAL
