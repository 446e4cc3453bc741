"""Random small scenarios: a hypothesis strategy that builds a `Scenario` from DataFrames."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import pandas as pd
from hypothesis import assume
from hypothesis import strategies as st

import healthalloc as ha
from tests.properties.drawn_clauses import MAKERS
from tests.properties.drawn_tables import FLAG, SOURCE, Draw, draw_tables, pick

__all__ = ["FLAG", "KINDS_COVERED", "SOURCE", "scenarios", "with_clauses"]

KINDS_COVERED: set[str] = set(MAKERS)
"""Clause kinds that the random scenarios draw."""


@st.composite
def scenarios(
    draw: Draw,
    *,
    kinds: Collection[str] = tuple(sorted(KINDS_COVERED)),
    n_clauses: tuple[int, int] = (0, 3),
    first_kind: str = "",
    sites: bool = True,
    generic: bool = False,
    audited: bool = True,
    areas: bool = True,
    forms: bool = True,
    referrals: bool = True,
) -> ha.Scenario:
    """A small scenario with a plan that may or may not be feasible.

    Parameters
    ----------
    kinds
        Clause kinds to draw from.
    n_clauses
        Fewest and most clauses.
    first_kind
        Kind of the first clause; it is enforced.
    sites, generic, areas, forms, referrals
        As for `draw_tables`.
    audited
        Whether some clauses may be audited rather than enforced.
    """
    tables = draw_tables(
        draw, sites=sites, generic=generic, areas=areas, forms=forms, referrals=referrals
    )
    clauses = []
    for number in range(draw(st.integers(*n_clauses))):
        forced = bool(first_kind) and number == 0
        kind = first_kind if forced else pick(draw, *kinds)
        treatments = ("enforce", "enforce", "enforce", "audit" if audited else "enforce")
        head = {
            "id": f"c{number}",
            "quote": f"clause {number}",
            "source": "a plan",
            "treatment": "enforce" if forced else pick(draw, *treatments),
        }
        clauses.append(MAKERS[kind](draw, tables, head))
        # what the kind speaks of may be absent: then another kind was made
        assume(not forced or clauses[0].kind == kind)
    settings = ha.Settings(
        name="A region drawn at random",
        base_year=2020,
        target_year=2025,
        discount_rate=pick(draw, 0.05, 0.0, 0.2),
        value_of_travel_cny_per_hour=pick(draw, 15.0, 0.0, 40.0),
        travel=ha.GreatCircle(
            detour_factor=pick(draw, 1.3, 1.0),
            speed_km_per_h={"urban": 20.0, "rural": pick(draw, 40.0, 30.0)},
        ),
        solve=ha.SolveSettings(whole_units=draw(st.booleans()), gap=0.0),
    )
    drawn = {name: rows for name, rows in vars(tables).items() if name != "generic" and rows}
    frames = {name: pd.DataFrame(rows) for name, rows in drawn.items()}
    scenario = ha.Scenario(settings=settings, **frames)
    return with_clauses(scenario, [accepted(scenario, clause) for clause in clauses])


def accepted(scenario: ha.Scenario, clause: ha.Clause) -> ha.Clause:
    """The clause, or without its floor where nobody is near enough to back a facility."""
    if clause.kind != "hierarchy":
        return clause
    try:
        with_clauses(scenario, [clause])
    except ha.PlanError:
        return replace(clause, at_least=0.0)
    return clause


def with_clauses(scenario: ha.Scenario, clauses: Sequence[ha.Clause]) -> ha.Scenario:
    """The scenario with another plan."""
    return scenario.replace(plan=replace(scenario.plan, clauses=tuple(clauses)))
