"""Measure stock that somebody chose against the plan, and the plan against itself; no solver."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.clause_table import clause_rows, clause_summary, existing_decisions
from healthalloc.consistency import check_references
from healthalloc.contradictions import contradictions
from healthalloc.errors import DataError, Problem
from healthalloc.layout import Layout
from healthalloc.plan.clause import Check
from healthalloc.progress import phase
from healthalloc.scenario import Scenario
from healthalloc.travel import positions_of
from healthalloc.validate import clean_table

Floats = NDArray[np.float64]
EXISTING = "existing"
"""Name of the base-year stock among the allocations audited."""


@dataclass(frozen=True, eq=False)
class Audit:
    """What some allocations achieve, and where the plan's own figures disagree.

    Parameters
    ----------
    clauses
        One row for each allocation and clause; columns ``allocation`` and those of
        `clause_summary`.
    clause_rows
        The same, one row for each value measured.
    arithmetic
        One row for each figure of the plan that another one contradicts or confirms: columns
        ``check_id, against, printed, computed, difference, agrees, arithmetic, quote,
        explains``. ``against`` says what the figure is held against: other ``figures`` that the
        plan prints, the ``base year``, the ``limits`` of the stock, or another ``clause``; of
        the last two only contradictions are listed.
    notes
        How allocations were completed, in words.
    """

    clauses: pd.DataFrame
    clause_rows: pd.DataFrame
    arithmetic: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def disagreements(self) -> pd.DataFrame:
        """The rows of ``arithmetic`` that do not agree."""
        return self.arithmetic[~self.arithmetic["agrees"].astype(bool)].reset_index(drop=True)

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of a result folder, by file name."""
        return {
            "audit_clauses": self.clauses,
            "audit_clause_rows": self.clause_rows,
            "audit_arithmetic": self.arithmetic,
        }


@phase("audit")
def audit(scenario: Scenario, stock: pd.DataFrame | None = None) -> Audit:
    """Measure allocations against every clause, and the plan's figures against each other.

    Parameters
    ----------
    scenario
        Its base-year stock and its ``proposals`` are measured.
    stock
        A further allocation: columns ``facility_id, resource_id`` and ``allocated`` (as in
        ``Solution.stock``) or ``amount``. Stock that it does not name stays as it is.

    Returns
    -------
    Audit

    Raises
    ------
    DataError
        If ``stock`` has other columns, unknown ids or impossible amounts.
    """
    layout = Layout(scenario)
    proposals = {str(k): rows for k, rows in scenario.proposals.groupby("proposal_id", sort=False)}
    if stock is not None:
        proposals["given"] = _given(scenario, stock)
    allocations = {EXISTING: existing_decisions(layout)}
    notes: list[str] = []
    for name, rows in proposals.items():
        allocations[name], found = proposed_decisions(layout, rows)
        notes += [f"{name}: {note}" for note in found]
    tables, summaries = [], []
    for name, decisions in allocations.items():
        table = clause_rows(layout, decisions, None, "")
        table.insert(0, "allocation", name)
        summary = clause_summary(table)
        summary.insert(0, "allocation", name)
        tables.append(table)
        summaries.append(summary)
    unpriced = ["price_cny_a_year", "price_basis"]
    return Audit(
        pd.concat(summaries, ignore_index=True).drop(columns=unpriced),
        pd.concat(tables, ignore_index=True).drop(columns=unpriced),
        _arithmetic(layout, tables[0]),
        tuple(notes),
    )


def _given(scenario: Scenario, stock: pd.DataFrame) -> pd.DataFrame:
    frame = stock.rename(columns={"allocated": "amount"})
    frame = frame[[c for c in ("facility_id", "resource_id", "amount") if c in frame.columns]]
    rows, problems = clean_table("proposals", frame.assign(proposal_id="given", source="given"))
    if not problems:
        problems = check_references(scenario.tables | {"proposals": rows})
    if problems:
        raise DataError(
            Problem("stock given", p.message, p.row, p.column, p.value, p.mend) for p in problems
        )
    return rows


def proposed_decisions(layout: Layout, proposal: pd.DataFrame) -> tuple[Floats, list[str]]:
    """Decisions of a proposal: its amounts, everything else as in the base year.

    An amount of a resource with kinds below it is split over the facility's kinds that the
    proposal does not name, in proportion to what exists (evenly where nothing does). A facility
    that may open or close and is named is open if it then holds anything.

    Parameters
    ----------
    layout
    proposal
        Columns ``facility_id, resource_id, amount``, checked.

    Returns
    -------
    decisions : ndarray, shape (n_decisions,)
    notes : list of str
        What was split, and what could not be placed.
    """
    decisions = existing_decisions(layout)
    facilities = layout.scenario.facilities["facility_id"]
    _choose_forms(layout, decisions, facilities.isin(proposal["facility_id"]).to_numpy())
    existing = layout.scenario.stock["existing"].to_numpy(dtype=float)
    placed = np.zeros(layout.n_stock, dtype=bool)
    notes: list[str] = []
    split = 0
    kinds = layout.under.sum(axis=1)[positions_of(proposal["resource_id"], layout.resource_ids)]
    # kinds before the totals that contain them: a total leaves the rest to the other kinds
    for row in np.argsort(kinds, kind="stable"):
        facility_id, resource_id, amount = proposal.iloc[row][
            ["facility_id", "resource_id", "amount"]
        ]
        where = (facilities == facility_id).to_numpy()
        columns = layout.stock_in(resource_id, where)
        if not len(columns):
            notes.append(f"{facility_id} has no stock row for {resource_id}: left out")
            continue
        rest = amount - decisions[columns[placed[columns]]].sum()
        columns = columns[~placed[columns]]
        if rest < 0 or (rest > 0 and not len(columns)):
            notes.append(f"{facility_id}: {resource_id} {amount:g} is not the sum of its kinds")
        if len(columns):
            share = existing[columns] if existing[columns].sum() else np.ones(len(columns))
            decisions[columns] = max(rest, 0.0) * share / share.sum()
            placed[columns] = True
        split += len(columns) > 1
    named = facilities.isin(proposal["facility_id"]).to_numpy()
    choice = layout.is_choice
    held = np.bincount(
        layout.stock_facility_idx, decisions[: layout.n_stock], minlength=layout.n_facilities
    )
    open_ = decisions[layout.n_stock : layout.n_stock + layout.n_facilities]
    open_[named & choice] = held[named & choice] > 0
    if split:
        notes.append(
            f"{split} totals were split over the kinds of the resource as they stand in the base "
            "year, because the proposal does not divide them"
        )
    return decisions, notes


def _choose_forms(layout: Layout, decisions: Floats, named: NDArray[np.bool_]) -> None:
    """Where a proposal names one form of an institution, that form is open and holds its stock."""
    stock, open_ = decisions[: layout.n_stock], decisions[layout.n_stock :]
    for j in np.flatnonzero(named & layout.has_forms).tolist():
        forms = layout.institution_idx == layout.institution_idx[j]
        if (named & forms).sum() > 1:
            continue
        others = forms & (np.arange(layout.n_facilities) != j)
        for k in np.flatnonzero(others[layout.stock_facility_idx]).tolist():
            same = (layout.balance_idx == layout.balance_idx[k]) & (layout.stock_facility_idx == j)
            stock[same] += stock[k]
            stock[k] = 0.0
        open_[: layout.n_facilities][others] = 0.0


Compared = tuple[str, str, float, float, float, bool, str, str, str]


def _arithmetic(layout: Layout, base: pd.DataFrame) -> pd.DataFrame:
    scenario = layout.scenario
    records = [_checked(scenario, check) for check in scenario.plan.checks]
    # a clause's printed baseline is a check too: against the base-year stock
    for clause in scenario.plan.clauses:
        if clause.baseline is None or clause.treatment == "record":
            continue
        rows = base[(base["clause_id"] == clause.id) & (base["part"] == clause.part)]
        for area, facility_id, measured in zip(
            rows["area_id"], rows["facility_id"], rows["achieved"]
        ):
            if np.isnan(measured):
                continue  # it speaks of flows, which an audit of stock does not know
            words = [word for word in (area, facility_id) if word]
            place = f" in {' / '.join(words)}" if words else ""
            text = f"measured on the table stock{place} = {measured:.6g} {clause.unit_label}"
            name = (f"baseline of {clause.name}{place}", "base year")
            records.append(
                _compared(name, clause.baseline, float(measured), None, text, clause.quote, "")
            )
    for found in contradictions(layout):
        against = "limits" if found.name.endswith("limits of the stock") else "clause"
        difference = found.possible - found.printed
        reasons = (found.arithmetic, found.quote, "the two cannot both hold")
        records.append(
            (found.name, against, found.printed, found.possible, difference, False, *reasons)
        )
    columns = ["check_id", "against", "printed", "computed", "difference", "agrees"]
    return pd.DataFrame(records, columns=[*columns, "arithmetic", "quote", "explains"])


def _compared(
    name: tuple[str, str], printed: float, computed: float, tolerance: float | None,
    text: str, quote: str, explains: str,
) -> Compared:  # fmt: skip
    allowed = half_last_digit(printed) if tolerance is None else tolerance
    agrees = bool(abs(computed - printed) <= allowed * (1 + 1e-9))
    explanation = "" if agrees else explains
    return *name, printed, computed, computed - printed, agrees, text, quote, explanation


def _checked(scenario: Scenario, check: Check) -> Compared:
    facts = scenario.facts.set_index("fact_id")
    value = facts["value"].astype(float)
    top = float(value[list(check.sum)].sum() * np.prod(value[list(check.times)]))
    bottom = float(value[list(check.over)].sum()) if check.over else 1.0
    computed = check.scale * top / bottom if bottom else np.nan
    printed = float(value[check.printed])

    def joined(names: tuple[str, ...], sign: str) -> str:
        return sign.join(f"{name} {value[name]:g}" for name in names)

    text = joined(check.sum, " + ")
    text = f"({text})" if len(check.sum) > 1 and (check.times or check.over) else text
    text += f" x {joined(check.times, ' x ')}" if check.times else ""
    text += f" x {check.scale:g}" if check.scale != 1 else ""
    text += f" / {joined(check.over, ' + ')}" if len(check.over) == 1 else ""
    text += f" / ({joined(check.over, ' + ')})" if len(check.over) > 1 else ""
    text += f" = {computed:.6g}"
    quote = str(facts["quote"][check.printed])
    name = (check.id, "figures")
    return _compared(name, printed, computed, check.tolerance, text, quote, check.explains)


def half_last_digit(printed: float) -> float:
    """Half a unit of the last digit of a printed figure, e.g. 0.05 for 9.8."""
    exponent = Decimal(repr(printed)).normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return 0.5 * 10.0 ** min(exponent, 0)
