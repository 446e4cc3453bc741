"""How much memory a program will take, told before it is built."""

from __future__ import annotations

import numpy as np

from healthalloc.errors import DataError, Problem
from healthalloc.layout import Layout
from healthalloc.norms import needs

BYTES_PER_COEFFICIENT = 320
"""Peak of building and solving, above what the tables take: 240 to 320 measured on regions of
2,000 to 6,000 populations, with HiGHS and with the interior point (230 to 265 of them to solve)."""

MOST_COEFFICIENTS = 2**31 - 1
"""Positions are kept in 32 bits, here as in HiGHS."""


def coefficients(layout: Layout) -> int:
    """About how many coefficients the program of a layout has.

    Parameters
    ----------
    layout
        With its arcs.
    """
    assert layout.arcs is not None
    # a flow stands in its demand row and in a row for each resource that its service needs
    direct = needs(layout).any(axis=0)
    counted = (direct @ layout.under.T)[:, direct.any(axis=0)]
    per_service = 1 + np.count_nonzero(counted, axis=1)
    flows = np.bincount(layout.arcs.service_idx, minlength=len(per_service))
    return int(flows @ per_service) + 5 * layout.n_stock


def require_memory(layout: Layout) -> None:
    """Refuse a program that the settings allow no memory for, or no solver could number.

    Parameters
    ----------
    layout
        With its arcs.

    Raises
    ------
    DataError
        With the estimate.
    """
    limit = layout.scenario.settings.solve.memory_limit_gb
    count = coefficients(layout)
    estimate = count * BYTES_PER_COEFFICIENT / 1e9
    if count > MOST_COEFFICIENTS:
        raise DataError(
            [
                Problem(
                    "settings",
                    f"the program has about {count:,} coefficients, more than solvers can number "
                    f"({MOST_COEFFICIENTS:,})",
                    mend="shorten the radii or join populations",
                )
            ]
        )
    if limit is not None and estimate > limit:
        raise DataError(
            [
                Problem(
                    "settings",
                    f"the program has about {count:,} coefficients, so building and solving it "
                    f"takes about {estimate:.2g} GB",
                    column="solve.memory_limit_gb",
                    value=f"{limit:g}",
                    mend="raise the limit, shorten the radii or join populations",
                )
            ]
        )
