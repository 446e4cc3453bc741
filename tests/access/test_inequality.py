"""Gini, Theil, concentration index, Palma ratio, the worst off."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthalloc import DataError
from healthalloc.access import (
    concentration_index,
    gini,
    inequality,
    lorenz_curve,
    palma_ratio,
    theil,
    worst_off_share,
)
from tests.access.dense import often

amounts = st.lists(st.one_of(st.just(0.0), st.floats(0.01, 1e4)), min_size=1, max_size=12)
people = st.lists(st.one_of(st.just(0.0), st.floats(0.01, 1e4)), min_size=12, max_size=12)


def gini_of_pairs(values, weight):
    """The mean difference of all pairs, over twice the mean."""
    values, weight = np.asarray(values), np.asarray(weight)
    gaps = np.abs(values[:, None] - values[None, :])
    mean = values @ weight / weight.sum()
    return float(weight @ gaps @ weight / weight.sum() ** 2 / (2 * mean))


def test_gini_by_hand():
    assert gini([5, 5, 5]) == 0.0
    assert gini([1, 2, 3, 4]) == pytest.approx(0.25)
    # one in four has all: 1 - 1/4
    assert gini([0, 8], weight=[3, 1]) == pytest.approx(0.75)


def test_lorenz_curve_by_hand():
    people_share, share = lorenz_curve([4, 1, 1], weight=[1, 1, 2])
    assert people_share == pytest.approx([0, 0.75, 1.0])
    assert share == pytest.approx([0, 3 / 7, 1.0])


def test_concentration_index_by_hand():
    income = [1, 2, 3, 4]
    assert concentration_index([1, 2, 3, 4], income) == pytest.approx(0.25)
    assert concentration_index([4, 3, 2, 1], income) == pytest.approx(-0.25)
    assert concentration_index([4, 4, 4, 4], income) == pytest.approx(0.0)
    # the two in the middle share a place, so how they stand does not matter
    tied = [concentration_index(v, [1, 2, 2, 3]) for v in ([1, 0, 6, 2], [1, 6, 0, 2])]
    assert tied[0] == pytest.approx(tied[1])


def test_palma_ratio_by_hand():
    assert palma_ratio(np.full(10, 3.0)) == pytest.approx(0.25)
    assert palma_ratio(np.arange(1, 11)) == pytest.approx(10 / (1 + 2 + 3 + 4))
    # edges that cut a point: 40 % of four people is 1.6 of them, 10 % is 0.4
    assert palma_ratio([1, 2, 3, 4]) == pytest.approx(0.4 * 4 / (1 + 0.6 * 2))
    poor_have_more = palma_ratio(np.arange(10, 0, -1), rank=np.arange(10))
    assert poor_have_more == pytest.approx(1 / (10 + 9 + 8 + 7))
    assert palma_ratio([0, 0, 0, 0, 1]) == math.inf
    assert math.isnan(palma_ratio([0, 0, 1, 0, 0], rank=[1, 2, 3, 4, 5]))


def test_the_worst_off_by_hand():
    assert worst_off_share(np.arange(10, 0, -1)) == pytest.approx(1.0)
    # a tenth of 400 is 40: 30 who have 1, and 10 of those who have 3
    assert worst_off_share([3, 1], weight=[370, 30]) == pytest.approx((30 * 1 + 10 * 3) / 40)
    assert worst_off_share([3, 1], weight=[370, 30], share=1) == pytest.approx(1140 / 400)
    assert worst_off_share([0, 0]) == 0.0


def test_theil_by_hand():
    assert theil([2, 2, 2]).total == 0.0
    assert theil([0, 0, 0, 7]).total == pytest.approx(math.log(4))
    assert theil([1, 3]).total == pytest.approx((0.5 * math.log(0.5) + 1.5 * math.log(1.5)) / 2)
    split = theil([1, 1, 3, 3], group=["a", "a", "b", "b"])
    assert split.within == 0.0
    assert split.between == pytest.approx(theil([1, 3]).total)
    mixed = theil([1, 3, 1, 3], group=["a", "a", "b", "b"])
    assert mixed.between == pytest.approx(0.0, abs=1e-15)
    assert mixed.within == pytest.approx(theil([1, 3]).total)
    assert theil([0, 0, 4], group=["a", "a", "b"]).total == pytest.approx(math.log(3))


def test_nothing_to_share_is_not_a_number():
    for index in (gini([0, 0]), theil([0, 0]).total, palma_ratio([0, 0]),
                  concentration_index([0, 0], [1, 2])):  # fmt: skip
        assert math.isnan(index)


def test_points_without_people_do_not_count():
    values, weight = [1.0, np.nan, 3.0, 9.0], [1.0, 0.0, 1.0, 0.0]
    assert gini(values, weight) == gini([1, 3])
    assert theil(values, weight, group=["a", "b", "c", "c"]) == theil([1, 3], group=["a", "c"])
    assert worst_off_share(values, weight) == 1.0


def test_all_at_once():
    values, weight, income = [1, 2, 3, 4], [1, 1, 1, 1], [4, 3, 2, 1]
    found = inequality(values, weight, income)
    assert found.to_dict() == {
        "mean": 2.5,
        "gini": gini(values),
        "theil": theil(values).total,
        "palma_ratio": palma_ratio(values),
        "worst_off_tenth": 1.0,
        "concentration_index": concentration_index(values, income),
    }
    assert "concentration_index" not in inequality(values)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gini([1, -2]), "values, row 2: '-2' is negative"),
        (lambda: gini([1, np.nan]), "values, row 2: 'nan' is not a number"),
        (lambda: gini([1, np.inf]), "values, row 2: 'inf' is infinite"),
        (lambda: gini([]), "nobody is counted"),
        (lambda: gini([1, 2], [0, 0]), "nobody is counted"),
        (lambda: gini([1, 2], [1, -1]), "weight, row 2: '-1' is negative"),
        (lambda: gini([1, 2], [1]), "2 values, 1 weights and 2 ranks"),
        (lambda: gini([[1, 2]]), "values: has shape"),
        (lambda: concentration_index([1, 2], [1, np.nan]), "rank, row 2"),
        (lambda: concentration_index([1, 2], [1]), "1 ranks"),
        (lambda: theil([1, 2], group=["a"]), "group: has 1 entries for 2 values"),
        (lambda: theil([1, 2], group=["a", None]), "group, row 2: has no name"),
        (lambda: worst_off_share([1, 2], share=0.0), "share: '0' is not above 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(DataError, match=message):
        call()


@often
@given(values=amounts, weight=people, factor=st.floats(0.001, 1000), data=st.data())
def test_indices_keep_to_their_rules(values, weight, factor, data):
    values, weight = np.array(values), np.array(weight[: len(values)])
    if not (values * weight).sum() > 0:
        return
    order = np.array(data.draw(st.permutations(range(len(values)))))
    index = gini(values, weight)
    assert 0.0 <= index < 1.0
    assert index == pytest.approx(gini_of_pairs(values, weight), abs=1e-9)
    counted = weight[weight > 0]
    entropy = theil(values, weight).total
    assert 0.0 <= entropy <= -math.log(counted.min() / counted.sum()) + 1e-9
    income = np.array(data.draw(st.lists(st.integers(0, 3), min_size=12, max_size=12)))
    by_income = concentration_index(values, income[: len(values)], weight)
    assert abs(by_income) <= index + 1e-9
    for one in (gini, palma_ratio, lambda v, w: theil(v, w).total):
        found = one(values, weight)
        # invariant to scale, to the order of points, to counting everybody twice
        assert one(values * factor, weight) == pytest.approx(found, rel=1e-6, abs=1e-9)
        assert one(values, weight * factor) == pytest.approx(found, rel=1e-6, abs=1e-9)
        assert one(values[order], weight[order]) == pytest.approx(found, rel=1e-6, abs=1e-9)
        twice = one(np.tile(values, 2), np.tile(weight, 2))
        assert twice == pytest.approx(found, rel=1e-6, abs=1e-9)


@often
@given(values=amounts, weight=people, data=st.data())
def test_a_transfer_to_the_poorer_lifts_the_lorenz_curve(values, weight, data):
    values = np.array(values)
    weight = np.array(weight[: len(values)])
    rich, poor = int(values.argmax()), int(values.argmin())
    if not (weight[rich] and weight[poor] and values[rich] - values[poor] > 0.1):
        return
    gap = values[rich] - values[poor]
    share = data.draw(st.floats(0.05, 0.95))
    # so much from each of the rich that the two groups stop short of changing places
    moved = share * gap * weight[rich] * weight[poor] / (weight[rich] + weight[poor])
    after = values.copy()
    after[rich] -= moved / weight[rich]
    after[poor] += moved / weight[poor]
    grid = np.linspace(0, 1, 101)
    below = np.interp(grid, *lorenz_curve(values, weight))
    above = np.interp(grid, *lorenz_curve(after, weight))
    assert (above >= below - 1e-9).all()
    assert gini(after, weight) < gini(values, weight)
    assert theil(after, weight).total < theil(values, weight).total
    assert palma_ratio(after, weight) <= palma_ratio(values, weight) + 1e-9
    assert worst_off_share(after, weight) >= worst_off_share(values, weight) - 1e-9


@often
@given(values=amounts, weight=people, data=st.data())
def test_theil_splits_exactly(values, weight, data):
    weight = weight[: len(values)]
    if not np.dot(values, weight) > 0:
        return
    group = data.draw(st.lists(st.sampled_from("abc"), min_size=len(values), max_size=len(values)))
    split = theil(values, weight, group)
    assert split.total == pytest.approx(theil(values, weight).total, abs=1e-9)
    assert split.between + split.within == pytest.approx(split.total, abs=1e-12)
