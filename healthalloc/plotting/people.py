"""Who gains and who loses: what each population gets, in one allocation and in another."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.access import access_by_population, gaussian
from healthalloc.access.stock import Subject, scenario_of
from healthalloc.errors import DataError, NoSolutionError
from healthalloc.plotting.series import focus
from healthalloc.solution import Solution
from healthalloc.strategies.evaluation import evaluate
from healthalloc.strategies.keep import keep

WIDTH = 10.0
"""Minutes (or km) at which a unit counts 0.61 in `weighted_access`."""
SERVED = 0.5
"""Percentage points of demand served that make a difference."""
TRAVEL = 0.5
"""Minutes (or km) of mean travel that make a difference where as much is served."""


@lru_cache(maxsize=4)
def today(solution: Solution) -> Solution:
    """Today's stock under the demand of the target year, people sent where it costs least.

    The strategy ``keep``, evaluated as all strategies are.
    """
    scenario = solution.scenario
    return evaluate(scenario, keep(scenario), "keep", model=solution.model)


def since_today(solution: Solution) -> pd.DataFrame | None:
    """Who gains and who loses against today's stock (see `who_changes`).

    None where the time limit of the scenario comes before today's flows are found.
    """
    try:
        before = today(solution)
    except NoSolutionError:
        return None
    return who_changes(before, solution)


def by_population(solution: Solution) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What each population gets of each service.

    Returns
    -------
    served_percent, mean_travel : DataFrame
        Index ``population_id``, a column for each service: percent of the cases served (NaN
        without demand), and mean travel of those served, in minutes, or in km where no minutes
        are known (NaN where nobody is served).
    """
    demand = solution.demand
    served = 100.0 * demand["served"] / demand["demand"].where(demand["demand"] > 0)
    key = ["population_id", "service_id"]
    percent = demand[key].assign(value=served).set_index(key)["value"].unstack()
    flows = solution.flows
    way = flows[travel_column(solution)] * flows["cases_a_year"]
    sums = flows[key].assign(way=way, cases=flows["cases_a_year"]).groupby(key).sum()
    travel = (sums["way"] / sums["cases"]).unstack()
    return percent, travel.reindex(index=percent.index, columns=percent.columns)


def travel_column(solution: Solution) -> str:
    """Column of the flows that tells the travel: minutes where they are known."""
    arcs = solution.model.layout.arcs
    assert arcs is not None
    return "distance_km" if np.isnan(arcs.travel_min).any() else "travel_min"


def who_changes(before: Solution, after: Solution) -> pd.DataFrame:
    """Who gains and who loses from one allocation to another.

    More served is a gain; where as much is served, a shorter mean way is. Each service counts
    alike: the means are over services, so that rare stays weigh as much as daily visits.

    Returns
    -------
    DataFrame
        ``population_id, name, residents, served_before, served_after`` (percent of the cases),
        ``travel_before, travel_after`` (mean, over the services that serve it both times) and
        ``state`` (``gains``, ``loses``, ``even``, or ``none`` where nothing is served
        afterwards); populations that both scenarios have.
    """
    places = after.scenario.populations[["population_id", "name", "residents"]]
    (old, old_way), (new, new_way) = by_population(before), by_population(after)
    table = places[places["population_id"].isin(old.index)].reset_index(drop=True)
    ids, services = table["population_id"], old.columns.intersection(new.columns)
    ways = [way.reindex(index=ids, columns=services) for way in (old_way, new_way)]
    both = ways[0].notna() & ways[1].notna()
    for word, percent, way in (("before", old, ways[0]), ("after", new, ways[1])):
        shares = percent.reindex(index=ids, columns=services)
        table[f"served_{word}"] = shares.mean(axis=1).to_numpy()
        table[f"travel_{word}"] = way.where(both).mean(axis=1).to_numpy()
    served = (table["served_after"] - table["served_before"]).fillna(0.0)
    nearer = (table["travel_before"] - table["travel_after"]).fillna(0.0)
    table["state"] = np.select(
        [
            table["served_after"] <= 0,
            served > SERVED, served < -SERVED, nearer > TRAVEL, nearer < -TRAVEL,
        ],
        ["none", "gains", "loses", "gains", "loses"],
        "even",
    )  # fmt: skip
    return table


def residents_by_state(table: pd.DataFrame) -> dict[str, float]:
    """Residents who gain, lose, stay even, or have nothing served.

    Parameters
    ----------
    table
        As `who_changes` makes it.
    """
    sums = table.groupby("state")["residents"].sum()
    return {state: float(sums.get(state, 0.0)) for state in ("gains", "loses", "even", "none")}


def weighted_access(subject: Subject) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Units within reach per 1,000 residents, near ones counting more (enhanced 2SFCA).

    The resource and service are those of `series.focus`; the weight is Gaussian with `WIDTH`.

    Returns
    -------
    per_1000, residents : shape (n_populations,), or None
        ``None`` where nothing can be measured, or nobody has anything.
    """
    asked = focus(scenario_of(subject))
    if asked is None:
        return None
    for unit in ("min", "km"):
        try:
            table = access_by_population(subject, *asked, decay=gaussian(WIDTH), unit=unit)
        except DataError:
            continue
        value = table["enhanced_two_step_per_1000"].to_numpy(dtype=float)
        residents = table["residents"].to_numpy(dtype=float)
        value = np.where(residents > 0, value, 0.0)
        return (value, residents) if (value * residents).sum() > 0 else None
    return None
