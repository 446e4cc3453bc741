"""Ensembles: demand scenarios drawn at random, the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from healthalloc.errors import DataError, Problem
from healthalloc.scenario import Scenario
from healthalloc.validate import nearest


def ensemble(
    scenario: Scenario,
    n_cases: int,
    *,
    seed: int,
    spread: float = 0.05,
    correlation: float = 0.5,
    services: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Demand scenarios: a factor for each service, drawn from a lognormal distribution.

    The factor of service *s* is ``exp(sigma * z_s - sigma**2 / 2)`` with
    ``sigma**2 = ln(1 + spread**2)``, so that its mean is 1 and its standard deviation
    ``spread``; the ``z_s`` are standard normal with the same correlation between any two
    services.

    Parameters
    ----------
    scenario
    n_cases
        Number of scenarios, 1 or more.
    seed
        Of the random numbers (numpy's PCG64); the same seed draws the same table.
    spread
        Standard deviation of a factor, as a share of the demand: 0.05 for 5 %.
    correlation
        Between the logarithms of the factors of two services: 0 where services vary on their
        own, 1 where all rise and fall together.
    services
        Services whose demand varies; by default all.

    Returns
    -------
    DataFrame, n_cases rows
        Columns ``case, demand:SERVICE, ...``, as `sweep` takes them.

    Raises
    ------
    DataError
        If a figure is out of its range or a service is not known.
    """
    known = [str(s) for s in scenario.services["service_id"]]
    chosen = known if services is None else list(services)
    problems = [
        Problem("ensemble", "is no known service", value=str(s), mend=nearest(str(s), known))
        for s in chosen
        if s not in known
    ]
    if n_cases < 1:
        problems.append(Problem("ensemble", "no cases: 1 or more", value=str(n_cases)))
    if not (0 <= spread < np.inf):
        problems.append(Problem("ensemble", "is no spread of 0 or more", value=str(spread)))
    if not (0 <= correlation <= 1):
        message = "is no correlation from 0 to 1"
        problems.append(Problem("ensemble", message, value=str(correlation)))
    if problems:
        raise DataError(problems)
    draw = np.random.default_rng(seed)
    common = draw.standard_normal((n_cases, 1))
    own = draw.standard_normal((n_cases, len(chosen)))
    normal = np.sqrt(correlation) * common + np.sqrt(1.0 - correlation) * own
    sigma = np.sqrt(np.log1p(spread**2))
    factors = np.exp(sigma * normal - sigma**2 / 2)
    table = pd.DataFrame(factors, columns=[f"demand:{service}" for service in chosen])
    width = len(str(n_cases))
    table.insert(0, "case", [f"{k:0{width}d}" for k in range(1, n_cases + 1)])
    return table
