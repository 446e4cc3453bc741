"""What a scenario states as tables with ids, for peers that begin with names."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.reference.drivers.highspy import near
from benchmarks.reference.figures import figures
from healthalloc.scenario import Scenario


class Tables(NamedTuple):
    """The figures of the program; costs in CNY a year.

    Parameters
    ----------
    arcs
        ``population_id, facility_id, service_id, cost``: of a unit of flow, its penalty saved.
    demand
        ``population_id, service_id, demand``, where there is an arc.
    needs
        ``service_id, resource_id, amount`` for a unit of flow.
    stock
        ``facility_id, resource_id, existing, lower, upper, available, operating, capital,
        retirement``.
    clauses
        ``clause_id, facility_id, resource_id, coefficient``.
    floors
        By clause.
    offset
        Penalty of all demand.
    """

    arcs: pd.DataFrame
    demand: pd.DataFrame
    needs: pd.DataFrame
    stock: pd.DataFrame
    clauses: pd.DataFrame
    floors: dict[str, float]
    offset: float


def tables(scenario: Scenario) -> Tables:
    """The tables of a scenario of the reference problem's shape, text as plain strings."""
    given = figures(scenario)
    people = scenario.populations["population_id"].to_numpy()
    places = scenario.facilities["facility_id"].to_numpy()
    services = scenario.services["service_id"].to_numpy()
    resources = scenario.resources["resource_id"].to_numpy()
    arcs = pd.concat(
        [
            pd.DataFrame(
                {
                    "population_id": people[arcs.population],
                    "facility_id": places[arcs.facility],
                    "service_id": services[s],
                    "cost": arcs.travel_min * given.cost_per_min[s] - given.penalty[s],
                }
            )
            for s, arcs in enumerate(near(given))
        ],
        ignore_index=True,
    )
    demand = pd.DataFrame(given.demand, people, services).rename_axis("population_id")
    long = demand.rename_axis("service_id", axis=1).stack().rename("demand").reset_index()
    arcs = _plain(arcs)
    reached = arcs[["population_id", "service_id"]].drop_duplicates()
    s, r = np.nonzero(given.need)
    of = given.stock_resource
    stock = pd.DataFrame(
        {
            "facility_id": places[given.stock_facility],
            "resource_id": resources[of],
            "existing": given.existing,
            "lower": given.lower,
            "upper": given.upper,
            "available": given.available[of],
            "operating": given.operating[of],
            "capital": given.capital[of],
            "retirement": given.retirement[of],
        }
    )
    ids = stock[["facility_id", "resource_id"]]
    return Tables(
        arcs,
        _plain(long).merge(reached, on=["population_id", "service_id"]),
        _plain(
            pd.DataFrame(
                {"service_id": services[s], "resource_id": resources[r], "amount": given.need[s, r]}
            )
        ),
        _plain(stock),
        _plain(
            pd.concat(
                [
                    ids.assign(clause_id=name, coefficient=coefficient)[coefficient != 0]
                    for name, coefficient, _ in given.clauses
                ],
                ignore_index=True,
            )
        ),
        {name: floor for name, _, floor in given.clauses},
        float((given.demand @ given.penalty).sum()),
    )


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """The table with text as Python strings: walking through pandas' Arrow text is slow."""
    return table.astype({c: object for c in table if not pd.api.types.is_numeric_dtype(table[c])})
