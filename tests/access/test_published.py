"""Belo Horizonte: what the R package accessibility finds, and what PySAL access finds.

The first needs the folder that HEALTHALLOC_DATA names (data and answers: ipeaGIT/accessibility,
MIT), the second PySAL access (``pip install access``; never a dependency).
"""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.access import MEASURES, belo_horizonte, by_peer, by_us, synthetic
from healthalloc.access import (
    cumulative_opportunities,
    exponential,
    from_table,
    gravity,
    two_step_catchment,
)


@pytest.fixture(scope="module")
def city():
    found = belo_horizonte("jobs"), belo_horizonte("schools")
    if found[0] is None or found[1] is None:
        pytest.skip("HEALTHALLOC_DATA does not hold it")
    return found


def test_belo_horizonte(city):
    jobs, schools = (from_table(*instance) for instance in city)
    cell = city[0][0].index
    access = pd.Series(two_step_catchment(*jobs, limit=50), index=cell)
    assert access["89a88cdb57bffff"] == pytest.approx(0.4278111, abs=5e-8)
    assert access["89a88cdb597ffff"] == pytest.approx(0.3863614, abs=5e-8)
    assert access["89a88cdb5b3ffff"] == pytest.approx(0.4501725, abs=5e-8)
    within = pd.Series(cumulative_opportunities(*jobs, limit=30), index=cell)
    assert within["89a881a5a2bffff"] == 14561
    near = pd.Series(gravity(*schools, decay=exponential(0.2)), index=cell)
    assert near["89a88cdb597ffff"] == pytest.approx(1.15549493, abs=5e-9)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.filterwarnings("ignore")
def test_pysal_access_says_the_same(measure):
    pytest.importorskip("access")
    instance = synthetic(3_000, seed=5)
    ours, theirs = by_us(instance, measure), by_peer(instance, measure)
    assert ours.access.min() > 0
    assert ours.access == pytest.approx(theirs.access, rel=1e-9)
