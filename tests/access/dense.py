"""The catchment areas written out as loops over a dense matrix, and networks to try them on."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from healthalloc.access import AccessArcs
from tests.examples import examples

often = settings(max_examples=examples(60))


@st.composite
def networks(draw: st.DrawFn) -> AccessArcs:
    """Up to 6 demand points, 5 supplies, any of the pairs, in any order; zeros are common."""
    n, m = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    units = st.one_of(st.just(0.0), st.floats(0.1, 1e4))
    reached = draw(hnp.arrays(bool, (n, m)))
    pairs = draw(st.permutations(np.argwhere(reached).tolist()))
    ends = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    minutes = st.one_of(st.sampled_from([0.0, 10.0, 20.0, 30.0]), st.floats(0, 60))
    return AccessArcs(
        draw(hnp.arrays(float, n, elements=units)),
        draw(hnp.arrays(float, m, elements=units)),
        ends[:, 0],
        ends[:, 1],
        draw(hnp.arrays(float, len(ends), elements=minutes)),
    )


def dense_access(arcs: AccessArcs, weight_of: Callable[[float], float], *, choose: bool) -> list:
    """Access by the formula of the papers, with 3SFCA's choice or without; NaN for ``x / 0``."""
    n, m = len(arcs.demand), len(arcs.supply)
    weight = [[0.0] * m for _ in range(n)]
    for i, j, minutes in zip(arcs.demand_idx, arcs.supply_idx, arcs.travel):
        weight[i][j] = weight_of(minutes)
    if choose:
        for row in weight:
            total = sum(row)
            row[:] = [w * w / total if total else 0.0 for w in row]
    access = []
    for i in range(n):
        share = 0.0
        for j in range(m):
            near = sum(weight[k][j] * arcs.demand[k] for k in range(n))
            if weight[i][j] and near:
                share += weight[i][j] * arcs.supply[j] / near
            elif weight[i][j] and arcs.supply[j]:
                share = math.nan
        access.append(share)
    return access
