"""One record for each case: status, cost, unmet demand, prices of the clauses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from healthalloc.formulation.budget import stated
from healthalloc.norms import cases_per_flow
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution

_FIRST: dict[str, str] = {
    "status": "word", "objective_cny_a_year": "number", "bound_cny_a_year": "number",
    "gap": "number", "certified": "yes", "cost_cny_a_year": "number",
    "penalty_cny_a_year": "number", "demand": "number", "unmet": "number",
}  # fmt: skip
_LAST: dict[str, str] = {"iterations": "number", "seconds": "number", "reason": "word"}
TABLES = ("stock", "sites", "clauses", "cost", "demand", "flows", "access")
"""Tables of a `Solution` that a sweep can keep."""


def columns(scenario: Scenario, cases: pd.DataFrame) -> dict[str, str]:
    """The columns of the results and what each holds: ``word``, ``number`` or ``yes``.

    Parameters
    ----------
    scenario
    cases
        The table of cases, ``case`` first.
    """
    given = {str(c): kind(cases[c]) for c in cases.columns}
    unmet = {f"unmet:{s}": "number" for s in scenario.services["service_id"]}
    ids = [c.id for c in stated(scenario) if c.treatment == "enforce" and not c.is_parameter]
    prices = {f"price:{i}": "number" for i in dict.fromkeys(ids)}
    return given | _FIRST | unmet | prices | _LAST


def kind(values: pd.Series[Any]) -> str:
    """What a column holds: ``yes`` (true or false), ``number`` or ``word``."""
    if values.dtype.kind == "b" or values.name in ("met", "open"):
        return "yes"
    return "number" if values.dtype.kind in "fiu" else "word"


def record(solution: Solution) -> dict[str, Any]:
    """What the results say of an answer.

    Parameters
    ----------
    solution

    Returns
    -------
    dict
        ``objective_cny_a_year`` is ``cost_cny_a_year`` (spent, with travel at the value of
        time) and ``penalty_cny_a_year`` (of demand, referrals and residents not served)
        together; ``demand`` and ``unmet`` are cases a year; ``price:CLAUSE`` is that of
        `Solution.clauses`, CNY a year for one unit tighter in each statement, never negative.
    """
    result, certificate = solution.result, solution.certificate
    found: dict[str, Any] = {
        "status": solution.status.value,
        "iterations": float("nan" if result.iterations is None else result.iterations),
        "seconds": float(solution.seconds["solve"]),
        "reason": "" if solution.conflict is None else str(solution.conflict),
    }
    if certificate is None:
        return found
    cost = dict(zip(solution.cost["component"], solution.cost["cny_a_year"]))
    demand, unmet = _unmet(solution)
    gap = solution.scenario.settings.solve.gap if solution.model.program.is_mixed_integer else 0.0
    found |= {
        "objective_cny_a_year": certificate.objective, "bound_cny_a_year": certificate.bound,
        "gap": certificate.gap, "certified": certificate.passes(gap),
        "cost_cny_a_year": cost["total"],
        "penalty_cny_a_year": cost["unmet_penalty"] + cost["left_out_penalty"] + 0.0,
        "demand": float(demand.sum()), "unmet": float(unmet.sum()),
    }  # fmt: skip
    services = solution.scenario.services["service_id"]
    found |= {f"unmet:{s}": float(u) for s, u in zip(services, unmet)}
    prices = {} if solution.prices is None else solution.prices.by_clause
    for clause in stated(solution.scenario):
        price = prices.get(clause.name)
        if price is not None and not np.isnan(price).all():
            name = f"price:{clause.id}"
            found[name] = found.get(name, 0.0) + float(np.nansum(price))
    return found


def _unmet(solution: Solution) -> tuple[Any, Any]:
    """Demand, and what of it is not served, by service, cases a year."""
    arcs = solution.model.layout.arcs
    assert arcs is not None
    assert solution.result.x is not None
    flow = solution.result.x[solution.model.program.column_block("flow").slice]
    n_populations, n_services = solution.model.demand.shape
    pair = arcs.population_idx * n_services + arcs.service_idx
    served = np.bincount(pair, flow, minlength=n_populations * n_services)
    left = solution.model.demand - served.reshape(n_populations, n_services)
    left[left <= 1e-7 * (1.0 + solution.model.demand)] = 0.0
    cases = cases_per_flow(solution.scenario)
    return solution.model.demand.sum(axis=0) * cases, left.sum(axis=0) * cases


def frame(
    records: Sequence[Mapping[str, Any]], given: pd.DataFrame, kinds: Mapping[str, str]
) -> pd.DataFrame:
    """Records beside the cases that they answer, each column of its kind.

    Parameters
    ----------
    records
        One for each case.
    given
        The rows of the table of cases, in the same order.
    kinds
        As `columns` makes them.
    """
    found = pd.DataFrame(list(records), columns=[c for c in kinds if c not in given.columns])
    return typed(pd.concat([given.reset_index(drop=True), found], axis=1), kinds)


def typed(table: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """A table whose columns have the same types whatever they hold.

    Parameters
    ----------
    table
    kinds
        What each column holds; columns of no known kind go by their values.
    """
    types = {"number": "float64", "yes": "boolean", "word": "string"}
    made = {}
    for column in table.columns:
        values = table[column]
        what = kinds.get(str(column)) or kind(values)
        if what == "word":
            values = values.fillna("").astype(str)
        made[str(column)] = values.astype(types[what])  # type: ignore[call-overload]
    return pd.DataFrame(made)
