from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from healthalloc import solve
from healthalloc.access import AccessArcs
from healthalloc.plotting import people, series
from tests.region import KM_PER_DEGREE, edit, region


def test_nearest_curve_by_hand() -> None:
    """10, 30 and 60 people; the first has supply at 5 and 2, the second at 8, the third none."""
    arcs = AccessArcs(
        np.array([10.0, 30.0, 60.0]), np.array([1.0, 1.0]),
        np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([5.0, 2.0, 8.0]),
    )  # fmt: skip
    travel, percent = series.nearest_curve(arcs)
    np.testing.assert_allclose(travel, [0, 2, 8])
    np.testing.assert_allclose(percent, [0, 10, 40])


def test_points_lie_where_the_tables_say() -> None:
    facilities, populations = series.places_km(region())
    apart = facilities["x_km"].diff().iloc[1:]
    np.testing.assert_allclose(apart, [10, 20, 20], rtol=1e-3)
    assert (facilities["y_km"] == 0).all()
    assert pytest.approx(series.KM_PER_DEGREE, rel=1e-4) == KM_PER_DEGREE
    assert len(populations) == 3


def test_held_before_and_after_add_up() -> None:
    solution = solve(region())
    held = series.held_by_facility(solution, "bed")
    assert list(held["existing"]) == [25, 10, 5, 0]
    kinds = solution.scenario.resources.set_index("resource_id")["kind"]
    beds = solution.stock[solution.stock["resource_id"].map(kinds) == "bed"]
    assert held["allocated"].sum() == pytest.approx(beds["allocated"].sum())
    states = series.facility_states(solution).set_index("facility_id")["state"]
    assert set(states) <= {"opens", "closes", "grows", "shrinks", "same", ""}


def test_shortfall_is_a_share_of_the_target() -> None:
    clauses = pd.DataFrame(
        {
            "target": [">= 4", "<= 10", "2 to 5", "80 ± 5", ">= 0", ">= 4", ""],
            "achieved": [3.0, 12.0, 6.0, 70.0, -1.0, 5.0, np.nan],
            "slack": [-1.0, -2.0, -1.0, -8.0, -1.0, 1.0, np.nan],
        }
    )
    np.testing.assert_allclose(series.shortfall_percent(clauses), [25, 20, 20, 10, np.inf, 0, 0])


def test_nobody_gains_or_loses_against_the_same() -> None:
    solution = solve(region())
    changes = people.who_changes(solution, solution)
    assert set(changes["state"]) <= {"even", "none"}
    np.testing.assert_array_equal(changes["travel_before"], changes["travel_after"])
    counted = people.residents_by_state(changes)
    assert sum(counted.values()) == solution.scenario.populations["residents"].sum()


def test_a_closed_hospital_makes_losers() -> None:
    """The city has nothing left: the town has to travel, or is not served."""
    open_all = solve(region())
    stock = edit(region().stock, {"facility_id": "city"}, upper=0.0, lower=0.0)
    closed = solve(region(stock=stock)).require_optimal()
    changes = people.who_changes(open_all, closed).set_index("population_id")
    assert changes.loc["town", "state"] in ("loses", "none")


def test_focus_is_beds_and_the_first_service_that_needs_them() -> None:
    scenario = region()
    found = series.focus(scenario)
    assert found is not None
    resource_id, service_id = found
    assert resource_id == "bed"
    assert service_id == scenario.services["service_id"].iat[0]
