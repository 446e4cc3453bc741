"""Health resource agglomeration degree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthalloc import DataError
from healthalloc.access import agglomeration
from tests.access.dense import often


def test_by_hand():
    # shares: beds 0.6, 0.4; land 0.2, 0.8; people 0.5, 0.5
    found = agglomeration([60, 40], [10, 40], [1000, 1000])
    assert found.hrad == pytest.approx([3.0, 0.5])
    assert found.pad == pytest.approx([2.5, 0.625])
    assert found.hrad_to_pad == pytest.approx([1.2, 0.8])


def test_empty_shares():
    found = agglomeration([1, 0], [1, 1], [0, 5])
    assert found.hrad_to_pad.tolist() == [np.inf, 0.0]
    assert np.isnan(agglomeration([0, 0], [1, 1], [1, 1]).hrad).all()
    assert np.isnan(agglomeration([0, 4], [1, 1], [0, 5]).hrad_to_pad[0])


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        (([1, 2], [1, 0], [1, 1]), "area_km2, row 2: '0' is 0; every area has land"),
        (([1, 2], [1, np.nan], [1, 1]), "area_km2, row 2: 'nan'"),
        (([1, -2], [1, 1], [1, 1]), "resource, row 2: '-2' is negative"),
        (([1, 2], [1, 1], [1, np.inf]), "residents, row 2: 'inf'"),
        (([1, 2], [1], [1, 1]), "have 2, 1 and 2 entries"),
        (([], [], []), "areas: there is none"),
        (([[1]], [1], [1]), "resource: has shape"),
    ],
)
def test_bad_input_is_named(given_, message):
    with pytest.raises(DataError, match=message):
        agglomeration(*given_)


sizes = st.floats(0.01, 1e5)


@often
@given(areas=st.lists(st.tuples(sizes, sizes, sizes), min_size=1, max_size=8))
def test_means_are_one_and_the_ratio_is_that_of_shares(areas):
    resource, land, residents = np.array(areas).T
    found = agglomeration(resource, land, residents)
    assert found.hrad @ land / land.sum() == pytest.approx(1.0)
    assert found.pad @ land / land.sum() == pytest.approx(1.0)
    assert found.hrad_to_pad @ residents / residents.sum() == pytest.approx(1.0)
    assert found.hrad_to_pad == pytest.approx(found.hrad / found.pad)
