"""What every kind of clause is put through: measured, enforced, priced, and the three agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from healthalloc import Clause, Scenario, Solution, audit, solve
from tests.region import quiet

STEP = 1e-3
"""Half the width of a finite difference, in the unit of the target."""


def measured(
    clause: Clause,
    given: Mapping[tuple[str, str], float] | None = None,
    *,
    base: Callable[..., Scenario] = quiet,
    **changes: Any,
) -> Any:
    """Values of a clause on the base-year stock, or with some of it given.

    One value, or a dict by facility or area if the clause speaks of several or names one.
    """
    scenario = base(clauses=[clause], **changes)
    if given is None:
        rows = audit(scenario).clause_rows
        rows = rows[rows["allocation"] == "existing"]
    else:
        stock = pd.DataFrame(
            [(facility, resource, amount) for (facility, resource), amount in given.items()],
            columns=["facility_id", "resource_id", "amount"],
        )
        rows = audit(scenario, stock).clause_rows
        rows = rows[rows["allocation"] == "given"]
    return _by_place(rows, "achieved")


def solved(
    *clauses: Clause,
    base: Callable[..., Scenario] = quiet,
    whole_units: bool = False,
    **changes: Any,
) -> Solution:
    """The cheapest allocation; fractions of units unless asked otherwise."""
    scenario = base(clauses=clauses, whole_units=whole_units, **changes)
    return solve(scenario).require_optimal()


def changes(solution: Solution) -> dict[tuple[str, str], float]:
    """Stock that changed, by facility and resource."""
    stock = solution.stock[solution.stock["change"] != 0]
    return dict(zip(zip(stock["facility_id"], stock["resource_id"]), stock["change"]))


def total(solution: Solution, resource_id: str) -> float:
    """Units of a leaf resource allocated."""
    stock = solution.stock
    return float(stock.loc[stock["resource_id"] == resource_id, "allocated"].sum())


def achieved(solution: Solution, clause_id: str) -> Any:
    """Value of a clause in a solution, or a dict by facility or area."""
    return _of(solution, clause_id, "achieved")


def price(solution: Solution, clause_id: str) -> Any:
    """Price of a clause in a solution, or a dict by facility or area."""
    return _of(solution, clause_id, "price_cny_a_year")


def met(solution: Solution, clause_id: str) -> Any:
    """Whether a clause is met, or a dict by facility or area."""
    return _of(solution, clause_id, "met")


def _of(solution: Solution, clause_id: str, column: str) -> Any:
    rows = solution.clause_rows
    return _by_place(rows[rows["clause_id"] == clause_id], column)


def _by_place(rows: pd.DataFrame, column: str) -> Any:
    assert len(rows)
    places = [facility or area for area, facility in zip(rows["area_id"], rows["facility_id"])]
    assert len(set(places)) == len(places)
    return rows[column].iat[0] if places == [""] else dict(zip(places, rows[column]))


def agreed_price(
    make: Callable[[float], Clause],
    target: float,
    *others: Clause,
    base: Callable[..., Scenario] = quiet,
    **changes: Any,
) -> float:
    """Price of a clause (all its rows together), after checking that all three views agree.

    Enforced, the target is met and the clause binds; the audit of the allocation measures what
    the solve reports; and the price is the change of the least cost around the target.
    """
    clause = make(target)
    solution = solved(clause, *others, base=base, **changes)
    rows = solution.clause_rows[solution.clause_rows["clause_id"] == clause.id]
    low, high = clause.bounds
    values = rows["achieved"].dropna().to_numpy(dtype=float)
    assert len(values)
    assert (values >= low - 1e-6).all()
    assert (values <= high + 1e-6).all()
    assert rows["met"].dropna().all()

    audited = audit(solution.scenario, solution.stock).clause_rows
    audited = audited[(audited["allocation"] == "given") & (audited["clause_id"] == clause.id)]
    np.testing.assert_allclose(audited["achieved"], rows["achieved"], rtol=1e-6)

    found = float(rows["price_cny_a_year"].sum())
    assert found > 0
    assert found == pytest.approx(slope(make, target, *others, base=base, **changes), rel=1e-6)
    return found


def slope(
    make: Callable[[float], Clause],
    target: float,
    *others: Clause,
    base: Callable[..., Scenario] = quiet,
    **changes: Any,
) -> float:
    """Rise of the least cost for one unit tighter, by a finite difference."""
    dearer, cheaper = (
        solved(make(at), *others, base=base, **changes).objective
        for at in (target + STEP, target - STEP)
    )
    clause = make(target)
    is_ceiling = clause.at_least is None and clause.equals is None and clause.about is None
    # a ceiling is tightened downward
    return (dearer - cheaper) / (2 * STEP) * (-1 if is_ceiling else 1)
