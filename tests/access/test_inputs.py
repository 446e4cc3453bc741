"""What the measures refuse, by name and place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from healthalloc import DataError
from healthalloc.access import from_table, two_step_catchment

GOOD = {
    "demand": [1.0, 2.0],
    "supply": [3.0],
    "demand_idx": [0, 1],
    "supply_idx": [0, 0],
    "travel": [4.0, 5.0],
}


def measured(limit: float = 10.0, **changes: object) -> np.ndarray:
    return two_step_catchment(**GOOD | changes, limit=limit)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"demand": [1.0, np.nan]}, "demand, row 2: 'nan' is not a number"),
        ({"demand": [-1.0, 2.0]}, "demand, row 1: '-1' is negative"),
        ({"demand": [np.inf, 2.0]}, "demand, row 1: 'inf' is infinite"),
        ({"demand": [[1.0, 2.0]]}, r"demand: has shape \(1, 2\)"),
        ({"demand": 3.0}, r"demand: has shape \(\)"),
        ({"demand": ["many", "few"]}, "demand: .* is no array of numbers"),
        ({"supply": [-3.0]}, "supply, row 1: '-3' is negative"),
        ({"supply": [np.nan]}, "supply, row 1"),
        ({"travel": [4.0, np.nan]}, "travel, row 2: 'nan' is not a number"),
        ({"travel": [-4.0, 5.0]}, "travel, row 1: '-4' is negative"),
        ({"travel": [4.0]}, "have 2, 2 and 1 entries"),
        ({"demand_idx": [0, 2]}, "demand_idx, row 2: '2' is no position; 2 points"),
        ({"supply_idx": [-1, 0]}, "supply_idx, row 1: '-1' is no position"),
        ({"supply_idx": [0.0, 0.0]}, "supply_idx: holds float64, not whole numbers"),
        ({"supply_idx": [True, False]}, "holds bool"),
        ({"supply_idx": [[0, 0]]}, "supply_idx: has shape"),
        ({"demand_idx": [1, 1]}, "arcs, row 2: '1, 0' repeats a pair"),
        ({"limit": -1.0}, "limit: '-1' is not 0 or more"),
        ({"limit": np.nan}, "limit: 'nan'"),
    ],
)
def test_bad_input_is_named(changes, message):
    with pytest.raises(DataError, match=message):
        measured(**changes)


def test_all_faults_are_told_at_once_and_many_are_counted():
    with pytest.raises(DataError) as error:
        measured(demand=[-1.0, np.nan], supply=[np.inf], travel=[np.nan, 1.0], limit=-2.0)
    assert {p.table for p in error.value.problems} == {"demand", "supply", "travel", "limit"}
    with pytest.raises(DataError) as error:
        measured(demand=3.0, travel=[4.0])
    assert [p.table for p in error.value.problems] == ["demand"]
    with pytest.raises(DataError) as error:
        two_step_catchment(np.full(50, -1.0), [1.0], [], [], [], limit=1)
    assert len(error.value.problems) == 6
    assert "45 more entries" in str(error.value)


def test_a_repeated_pair_is_found_in_any_order():
    with pytest.raises(DataError, match="arcs, row 4: '0, 1' repeats"):
        two_step_catchment(
            [1.0, 1.0], [1.0, 1.0], [0, 1, 0, 0], [1, 0, 0, 1], [1, 2, 3, 4], limit=9
        )


def test_a_pair_that_occurs_many_times_is_found():
    many = np.zeros(512, dtype=int)  # adds up to 0 in 8 bits
    with pytest.raises(DataError, match="arcs, row 2: '0, 0' repeats"):
        two_step_catchment([1.0], [1.0], many, many, np.ones(512), limit=9)


def test_whole_numbers_of_any_kind_are_positions():
    small = measured(demand_idx=np.array([0, 1], dtype=np.uint8), supply_idx=np.int32([0, 0]))
    assert small == pytest.approx([1.0, 1.0])


def test_a_long_table_gives_positions():
    table = pd.DataFrame(
        {"home": ["b", "a", "b"], "bed": ["x", "y", "y"], "min": [9.0, 8.0, np.inf]}
    )
    arcs = from_table(
        {"a": 10.0, "b": 20.0}, pd.Series({"y": 1.0, "x": 4.0}), table,
        demand_id="home", supply_id="bed", travel="min",
    )  # fmt: skip
    assert arcs.demand.tolist() == [10.0, 20.0]
    assert arcs.supply.tolist() == [1.0, 4.0]
    assert arcs.demand_idx.tolist() == [1, 0, 1]
    assert arcs.supply_idx.tolist() == [1, 0, 0]
    assert two_step_catchment(*arcs, limit=10) == pytest.approx([0.1, 0.2])


@pytest.mark.parametrize(
    ("demand", "table", "message"),
    [
        ({"a": 1.0}, {"demand_id": ["a"], "supply_id": ["x"]}, "column travel: has no such column"),
        ({"a": 1.0}, {"demand_id": ["c"], "supply_id": ["x"], "travel": [1]}, "does not have: 'c'"),
        ({"a": 1.0}, {"demand_id": ["a"], "supply_id": ["z"], "travel": [1]}, "does not have: 'z'"),
        (
            pd.Series([1.0, 2.0], index=["a", "a"]),
            {"demand_id": ["a"], "supply_id": ["x"], "travel": [1]},
            "demand: names points twice: 'a'",
        ),
        (
            {"a": 1.0},
            {"demand_id": ["a"], "supply_id": ["x"], "travel": ["near"]},
            "travel: .* is no array of numbers",
        ),
    ],
)
def test_a_bad_table_is_named(demand, table, message):
    with pytest.raises(DataError, match=message):
        from_table(demand, {"x": 1.0}, pd.DataFrame(table))
