"""The registry of cases: by name, how the scenario is made and what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reference import hospitals
from healthalloc.generate import generate
from healthalloc.io import read_scenario
from healthalloc.scenario import Scenario

EXAMPLES = Path(__file__).parents[2] / "examples"
SIZES = {"S": (200, 30), "M": (2_000, 300), "L": (20_000, 2_000), "XL": (100_000, 8_000)}
"""Populations and facilities of the reference problem."""
WORDS = {"S": "county", "M": "city", "L": "province", "XL": "nation"}


@dataclass(frozen=True)
class Case:
    """A scenario to measure.

    Parameters
    ----------
    name
    about
        What it is.
    make
        Makes the scenario.
    absent
        Says what is missing if it cannot be made here, else nothing.
    """

    name: str
    about: str
    make: Callable[[], Scenario]
    absent: Callable[[], str] = lambda: ""


def of_size(n_populations: int, n_facilities: int) -> Case:
    """The reference problem at any size."""
    name = f"{n_populations}x{n_facilities}"
    about = f"reference problem, {n_populations:,} x {n_facilities:,}"
    return Case(name, about, lambda: generate(n_populations, n_facilities))


def _reference(name: str) -> Case:
    sized = of_size(*SIZES[name])
    return Case(name, f"{sized.about}: a {WORDS[name]}", sized.make)


def _plan(folder: Path) -> Case:
    return Case(folder.name, f"the plan examples/{folder.name}", lambda: read_scenario(folder))


CASES = {
    case.name: case
    for case in (
        *map(_reference, SIZES),
        *(_plan(file.parent) for file in sorted(EXAMPLES.glob("*/scenario.toml"))),
        Case(
            "us_hospitals",
            "real geography: counties and hospitals of the United States",
            hospitals.us_hospitals,
            hospitals.absent,
        ),
    )
}


def case_of(name: str) -> Case:
    """A case by name, or the reference problem of a size such as ``400x60``.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    if name in CASES:
        return CASES[name]
    populations, times, facilities = name.partition("x")
    if times and populations.isdigit() and facilities.isdigit():
        return of_size(int(populations), int(facilities))
    raise ValueError(f"no case {name!r}: there are {', '.join(CASES)}, and sizes such as 400x60")
