"""The clause table: what each clause of the plan achieves, by how much, at what price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.layout import Layout
from healthalloc.plan.clause import Clause

Floats = NDArray[np.float64]
MET = 1e-6
"""A clause is met if it is broken by no more than this share of its target."""

ONLY_A_PENALTY = "none: it has no target but a price on those left out"
_SITES_ALONE = "none: nothing in it can move, the sites are fixed as chosen"

HEADER = [
    "clause_id", "part", "area_id", "facility_id", "kind", "quote", "source", "status",
    "treatment", "unit", "baseline", "base_year", "target", "achieved", "slack", "met",
    "price_cny_a_year", "price_basis",
]  # fmt: skip


def existing_decisions(layout: Layout) -> Floats:
    """Decisions that keep the base year: its stock, its sites, no flows."""
    scenario = layout.scenario
    open_ = (scenario.facilities["site"] != "candidate").to_numpy(dtype=float)
    existing = scenario.stock["existing"].to_numpy(dtype=float)
    return np.concatenate([existing, open_, np.zeros(layout.n_flows + layout.n_referrals)])


def clause_rows(
    layout: Layout, decisions: Floats, prices: Mapping[str, Floats] | None, price_basis: str
) -> pd.DataFrame:
    """Every statement of the plan, one row for each value it speaks of.

    Parameters
    ----------
    layout
    decisions : ndarray, shape (n_decisions,)
    prices : mapping of clause name to ndarray, shape (n measure rows,), or None
        CNY a year by which the least cost rises when the target is tightened by one unit;
        never negative. ``None`` when nothing was optimised.
    price_basis
        How the prices were found.

    Returns
    -------
    DataFrame
        Columns as in `HEADER`. ``baseline`` is what the plan prints, ``base_year`` what the
        existing stock measures, both in the clause's unit; ``slack`` is negative where the
        clause is broken; ``met`` is empty where there is no target or nothing to measure.
    """
    base = existing_decisions(layout)
    records: list[tuple[Any, ...]] = []
    for clause in layout.scenario.plan.clauses:
        head = (
            clause.kind, clause.quote, clause.source, clause.status, clause.treatment,
            clause.unit_label,
        )  # fmt: skip
        target = clause.target_label
        printed = np.nan if clause.baseline is None else clause.baseline
        if clause.treatment == "record":
            reason = getattr(clause, "reason", "recorded")
            unknown = (np.nan, target, np.nan, np.nan, None, np.nan, reason)
            records.append((clause.id, clause.part, clause.area, "", *head, printed, *unknown))
            continue
        measure = clause.measured(layout)
        value, before = measure.value(decisions), measure.value(base)
        slack = clause.slack(value)
        if np.isinf(clause.bounds).all():
            slack = np.full(measure.n_rows, np.nan)
        slack[np.abs(slack) < _allowance(*clause.bounds) * 1e-3] = 0.0
        price, basis = _price(clause, measure.n_rows, prices, price_basis)
        bases = np.where(np.isnan(price) & (basis == price_basis), _SITES_ALONE, basis)
        for k in range(measure.n_rows):
            met = _met(clause, value[k], slack[k])
            achieved = (before[k], target, value[k], slack[k], met, price[k], bases[k])
            place = measure.place(k)
            records.append((clause.id, clause.part, *place, *head, printed, *achieved))
        if not measure.n_rows:
            nothing = (np.nan, target, np.nan, np.nan, None, np.nan, clause.nothing_to_say)
            records.append((clause.id, clause.part, clause.area, "", *head, printed, *nothing))
    return pd.DataFrame(records, columns=HEADER)


def _price(
    clause: Clause, n_rows: int, prices: Mapping[str, Floats] | None, basis: str
) -> tuple[Floats, str]:
    if prices is None:
        return np.full(n_rows, np.nan), "nothing was optimised"
    if clause.treatment != "enforce":
        return np.full(n_rows, np.nan), "not enforced"
    if clause.is_parameter:
        return np.full(n_rows, np.nan), "none: it changes a norm of the program, not a row"
    if np.isinf(clause.bounds).all():
        return np.full(n_rows, np.nan), ONLY_A_PENALTY
    if clause.name not in prices:
        return np.full(n_rows, np.nan), basis
    return prices[clause.name], basis


def _met(clause: Clause, value: float, slack: float) -> bool | None:
    low, high = clause.bounds
    if np.isnan(value) or not (np.isfinite(low) or np.isfinite(high)):
        return None
    return bool(slack >= -_allowance(low, high))


def _allowance(low: float, high: float) -> float:
    return MET * max([1.0, *(abs(bound) for bound in (low, high) if np.isfinite(bound))])


def clause_summary(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each clause: its tightest statement, its whole price.

    Parameters
    ----------
    rows
        As `clause_rows` makes them.

    Returns
    -------
    DataFrame
        Columns ``clause_id, quote, source, status, treatment, unit, baseline, base_year, target,
        achieved, slack, met, price_cny_a_year, price_basis, tightest, statements``. ``tightest``
        says which part, area and facility the row shows where the clause has several; ``met``
        speaks of all of them (of those enforced, where some are); the price is that of one unit
        more in each of them.
    """
    if rows.empty:
        return pd.DataFrame(columns=[*_SUMMARY, "tightest", "statements"])
    # what is enforced stands for a clause of which other parts are only measured
    aside = rows["treatment"] != "enforce"
    enforces = (~aside).groupby(rows["clause_id"]).transform("any")
    rows = rows.assign(met=rows["met"].where(~aside | ~enforces, None))
    measured = rows.assign(
        order=rows["slack"].fillna(np.inf), place=_place(rows), number=np.arange(len(rows)),
        aside=aside,
    )  # fmt: skip
    first = measured.groupby("clause_id", sort=False)["number"].min()
    tight = measured.sort_values(["aside", "order", "number"], kind="stable")
    tight = tight.drop_duplicates("clause_id")
    tight = tight.set_index("clause_id").loc[first.index]
    by_clause = measured.groupby("clause_id", sort=False)
    tight["price_cny_a_year"] = by_clause["price_cny_a_year"].sum(min_count=1)
    tight["met"] = by_clause["met"].agg(_all_met)
    tight["statements"] = by_clause.size()
    tight["tightest"] = tight["place"].where(tight["statements"] > 1, "")
    return tight.reset_index()[[*_SUMMARY, "tightest", "statements"]]


_SUMMARY = [c for c in HEADER if c not in {"part", "area_id", "facility_id", "kind"}]


def _place(rows: pd.DataFrame) -> pd.Series[str]:
    words = zip(rows["part"], rows["area_id"], rows["facility_id"])
    place = [" / ".join(word for word in row if word) for row in words]
    return pd.Series(place, index=rows.index, dtype=object)


def _all_met(values: pd.Series[Any]) -> bool | None:
    said = [value for value in values if value is not None]
    return all(said) if said else None
