"""How much less a supply counts the farther away it is.

A decay is any function from an array of travel to an array of weights, 0 or more. Those here
weigh 1 at no travel (the power decay: at its least travel) and never rise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np

from healthalloc.access.inputs import MANY, Floats
from healthalloc.errors import DataError, Problem
from healthalloc.travel import ROUNDING
from healthalloc.travel.common import refuse

Decay = Callable[[Floats], Floats]

FAINT = 1e-150
"""Weights below count as none, so that products of two of them never vanish by rounding."""


def exponential(rate: float) -> Decay:
    """Weight ``exp(-rate * travel)``.

    Wilson (1971, doi:10.1068/a030001).

    Parameters
    ----------
    rate
        Per minute or per km, above 0.

    Raises
    ------
    DataError
    """
    _positive("rate", rate)
    return lambda travel: np.exp(-rate * travel)


def power(exponent: float, least: float) -> Decay:
    """Weight ``(max(travel, least) / least) ** -exponent``.

    The decay of Hansen (1959, doi:10.1080/01944365908978307), scaled to 1 at the least travel.

    Parameters
    ----------
    exponent
        Above 0.
    least
        Travel below counts as this much, above 0; without it a supply next door would count
        without limit.

    Raises
    ------
    DataError
    """
    _positive("exponent", exponent)
    _positive("least", least)
    return lambda travel: (np.maximum(travel, least) / least) ** -exponent


def gaussian(width: float) -> Decay:
    """Weight ``exp(-travel ** 2 / (2 * width ** 2))``, 0.61 at the width.

    As in Wan, Zou and Sternberg (2012, doi:10.1080/13658816.2011.624987).

    Parameters
    ----------
    width
        Minutes or km, above 0.

    Raises
    ------
    DataError
    """
    _positive("width", width)
    return lambda travel: np.exp(-0.5 * (travel / width) ** 2)


def gaussian_to_zero(limit: float) -> Decay:
    """Gaussian that falls to 0 at the limit, and is 0 beyond.

    ``(exp(-(travel / limit) ** 2 / 2) - exp(-1 / 2)) / (1 - exp(-1 / 2))``, of Dai (2010,
    doi:10.1016/j.healthplace.2010.06.012).

    Parameters
    ----------
    limit
        Minutes or km, above 0. Whoever is exactly that far weighs 0.

    Raises
    ------
    DataError
    """
    _positive("limit", limit)
    edge = np.exp(-0.5)

    def decay(travel: Floats) -> Floats:
        bell = np.exp(-0.5 * (travel / limit) ** 2)
        weight: Floats = np.maximum((bell - edge) / (1.0 - edge), 0.0)
        return weight

    return decay


def step(weights: Mapping[float, float]) -> Decay:
    """One weight for each zone of travel, 0 beyond the last.

    Luo and Qi (2009, doi:10.1016/j.healthplace.2009.06.002) use ``{10: 1, 20: 0.68, 30: 0.22}``
    minutes for slow and ``{10: 1, 20: 0.42, 30: 0.09}`` for fast decay.

    Parameters
    ----------
    weights
        Weight by the farthest travel of its zone; travel exactly there is in the zone, up to
        rounding (1e-9).

    Raises
    ------
    DataError
        With all problems found: no zone, limits or weights that are negative or not finite,
        weights that rise with travel.
    """
    limits = sorted(weights)
    problems = [] if limits else [Problem("step", "has no zone", mend="give one weight at least")]
    for limit in limits:
        for what, number in (("limit", limit), ("weight", weights[limit])):
            if not 0 <= number < np.inf:
                problems.append(Problem("step", f"{what} is not 0 or more", value=f"{number:g}"))
    problems += [
        Problem("step", f"weight rises between {a:g} and {b:g}", mend="let it fall with travel")
        for a, b in pairwise(limits)
        if weights[b] > weights[a]
    ]
    refuse(problems)
    edges = np.array(limits, dtype=np.float64) * ROUNDING
    values = np.array([*(weights[limit] for limit in limits), 0.0])
    return lambda travel: values[np.searchsorted(edges, travel, side="left")]


def weights_of(decay: Decay, travel: Floats) -> Floats:
    """Weights of some arcs, checked; faint ones (below 1e-150) are 0.

    Raises
    ------
    DataError
        If the decay gives a wrong shape or a weight that is NaN, negative or infinite.
    """
    weight = np.asarray(decay(travel), dtype=np.float64)
    if weight.shape != travel.shape:
        message = f"gives shape {weight.shape} for travel of shape {travel.shape}"
        raise DataError([Problem("decay", message, mend="give one weight for each arc")])
    fine = (weight >= 0) & (weight < np.inf)
    if not fine.all():
        raise DataError(
            Problem(
                "decay", f"at travel {travel[k]:g} is not a finite number of 0 or more",
                value=f"{weight[k]:g}",
            )
            for k in np.flatnonzero(~fine)[:MANY].tolist()
        )  # fmt: skip
    return np.where(weight < FAINT, 0.0, weight)


def _positive(name: str, value: float) -> None:
    if not 0 < value < np.inf:
        raise DataError([Problem(name, "is not a finite number above 0", value=f"{value:g}")])
