from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthalloc.strategies.sharing import equal_gaps, in_proportion, whole_shares
from tests.examples import examples

NONE = np.zeros(3)
ENDLESS = np.full(3, np.inf)


def shares(total: float, weight: list[float], lower: object = NONE, upper: object = ENDLESS):
    return in_proportion(
        total, np.array(weight, dtype=float), np.asarray(lower, float), np.asarray(upper, float)
    )


def test_proportion_without_limits() -> None:
    np.testing.assert_allclose(shares(9, [1000, 600, 400]), [4.5, 2.7, 1.8])


def test_where_a_limit_binds_the_others_share_the_rest() -> None:
    np.testing.assert_allclose(shares(15, [5, 3, 2], upper=[7, 6, 4]), [7, 4.8, 3.2])
    np.testing.assert_allclose(shares(15, [5, 3, 2], lower=[0, 0, 8]), [4.375, 2.625, 8])


def test_what_no_limit_lets_in_is_not_placed() -> None:
    np.testing.assert_allclose(shares(20, [5, 3, 2], upper=[7, 6, 4]), [7, 6, 4])
    np.testing.assert_allclose(shares(2, [5, 3, 2], lower=[1, 1, 1]), [1, 1, 1])


def test_places_without_weight_get_what_the_others_cannot_take() -> None:
    np.testing.assert_allclose(shares(6, [1, 0, 0], lower=[0, 1, 0]), [5, 1, 0])
    np.testing.assert_allclose(shares(6, [1, 0, 0], upper=[2, 9, 9]), [2, 2, 2])
    np.testing.assert_allclose(shares(6, [0, 0, 0]), [2, 2, 2])
    assert len(in_proportion(3.0, np.zeros(0), np.zeros(0), np.zeros(0))) == 0
    assert len(equal_gaps(3.0, np.zeros(0), np.zeros(0), np.zeros(0))) == 0


def test_gaps_are_made_equal() -> None:
    need = np.array([4.5, 2.7, 1.8])
    np.testing.assert_allclose(equal_gaps(6, need, NONE, ENDLESS), [3.5, 1.7, 0.8])
    np.testing.assert_allclose(equal_gaps(3, need, NONE, ENDLESS), [2.4, 0.6, 0.0], atol=1e-12)
    np.testing.assert_allclose(equal_gaps(12, need, NONE, ENDLESS), [5.5, 3.7, 2.8])


def test_equal_gaps_end_where_unit_after_unit_to_the_largest_gap_ends() -> None:
    need, lower, upper = np.array([9.0, 4.0, 6.0]), np.array([0.0, 1.0, 0.0]), np.array([9, 9, 2.0])
    for total in range(1, 15):
        held = lower.copy()
        for _ in range(total - 1):
            room = held < upper
            held[np.argmax(np.where(room, need - held, -np.inf))] += 1
        found = whole_shares(equal_gaps(total, need, lower, upper), ["a", "b", "c"])
        assert found.sum() == total
        # ties may fall to either of two places, so the gaps are compared and not the places
        assert sorted(need - found) == sorted(need - held)


def test_largest_remainders() -> None:
    assert whole_shares(np.array([4.5, 2.7, 1.8]), ["n", "m", "s"]).tolist() == [4, 3, 2]
    assert whole_shares(np.array([2.0, 3.0]), ["n", "m"]).tolist() == [2, 3]


def test_of_equal_remainders_the_first_name_goes_first() -> None:
    assert whole_shares(np.array([1.5, 1.5]), ["b", "a"]).tolist() == [1, 2]
    assert whole_shares(np.array([1.5, 1.5]), ["a", "b"]).tolist() == [2, 1]


places = st.lists(
    st.tuples(st.floats(0, 1000), st.integers(0, 20), st.integers(0, 40)), min_size=1, max_size=8
)


@settings(max_examples=examples(100))
@given(places, st.integers(0, 300), st.booleans())
def test_total_and_limits_hold(places: list[tuple[float, int, int]], total: int, gaps: bool):
    weight = np.array([w for w, _, _ in places])
    lower = np.array([float(low) for _, low, _ in places])
    upper = lower + [float(more) for _, _, more in places]
    total = int(np.clip(total, lower.sum(), upper.sum()))
    share = equal_gaps if gaps else in_proportion
    names = [f"{k:02d}" for k in range(len(places))]
    exact = share(float(total), weight, lower, upper)
    whole = whole_shares(exact, names)
    for found in (exact, whole):
        assert found.sum() == pytest.approx(total, abs=1e-6)
        assert (found >= lower - 1e-6).all()
        assert (found <= upper + 1e-6).all()
    assert (np.abs(whole - exact) < 1 + 1e-6).all()
