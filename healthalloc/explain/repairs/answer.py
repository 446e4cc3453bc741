"""A repair, and repairs ranked: their changes, what each is best at, as tables and words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from healthalloc.scenario import Scenario
from healthalloc.solution import Solution

CRITERIA = ("least change", "fewest members", "cheapest")
CHANGES = [
    "member", "kind", "status", "quote", "field", "from", "to", "unit", "weighted_change",
]  # fmt: skip
_WORDS = {
    "at_least": "at least", "lower": "at least", "at_most": "at most", "upper": "at most",
    "equals": "equals", "tolerance": "give or take",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Repair:
    """Changes that make the plan hold, and the plan so repaired, solved.

    Parameters
    ----------
    changes : DataFrame
        One row for each number that changes: ``member`` (name of the clause, or resource and
        facility of a stock limit), ``kind`` (``clause``, ``budget`` or ``stock limit``),
        ``status`` and ``quote`` of the clause, ``field`` (what changes: ``at_least``, ``at_most``,
        ``equals``, ``tolerance``, ``lower`` or ``upper``), ``from``, ``to``, ``unit`` (of
        both), and ``weighted_change`` (size of the change against the size of the target, a
        fraction).
    scenario
        The repaired scenario.
    solution
        Its solution, which proves that it holds.
    """

    changes: pd.DataFrame
    scenario: Scenario
    solution: Solution

    @property
    def weighted_change(self) -> float:
        """Sum of the changes, each as a share of the size of its target."""
        return float(self.changes["weighted_change"].sum())

    @property
    def n_changes(self) -> int:
        """Number of clauses and stock limits that change."""
        return self.changes["member"].nunique()

    @property
    def n_binding(self) -> int:
        """Number of binding clauses (约束性) that change."""
        changed = self.changes.loc[self.changes["status"] == "binding", "member"]
        return changed.nunique()

    @property
    def cost_cny_a_year(self) -> float:
        """Yearly cost of the repaired plan, unmet demand priced."""
        return self.solution.objective

    @property
    def spent_cny_a_year(self) -> float | None:
        """What of it counts against the budget, without travel and penalties; None without one."""
        budget = self.solution.budget
        return None if budget is None else budget["spent_cny_a_year"]

    def __str__(self) -> str:
        return "\n".join(f"  - {line}" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        columns = ["member", "quote", "field", "from", "to", "unit"]
        for member, quote, field, old, new, unit in self.changes[columns].itertuples(
            index=False, name=None
        ):
            what = f"{member}: {quote}" if quote else f"stock limit of {member}"
            yield f"{what}: {_WORDS[field]} {old:.12g} → {new:.12g} {unit}"


@dataclass(frozen=True, eq=False)
class Repairs:
    """Repairs of a plan, ranked.

    Parameters
    ----------
    repairs
        The best by each criterion first, then by total weighted change.
    best
        Position in ``repairs`` of the best by each of `CRITERIA`; empty without repairs.
    holds
        Whether the plan holds as it is, so that there is nothing to repair.
    complete
        Whether every minimal set of members that can mend the plan was looked at.
    """

    repairs: tuple[Repair, ...]
    best: dict[str, int]
    holds: bool
    complete: bool

    def __len__(self) -> int:
        return len(self.repairs)

    def __getitem__(self, position: int) -> Repair:
        return self.repairs[position]

    def __str__(self) -> str:
        texts = []
        for number, (repair, words) in enumerate(zip(self.repairs, self._best_at()), start=1):
            head = f"repair {number}" + (f" ({words})" if words else "")
            texts.append(f"{head}:\n{repair}")
        return "\n".join(texts)

    def _best_at(self) -> list[str]:
        return [
            ", ".join(name for name, position in self.best.items() if position == k)
            for k in range(len(self.repairs))
        ]

    def summary(self) -> pd.DataFrame:
        """One row a repair: ``repair`` (number from 1), ``best_at`` (see `CRITERIA`),
        ``n_changes``, ``touches_binding`` (number of binding clauses that change),
        ``total_weighted_change`` (fraction), ``cost_cny_a_year``, ``spent_cny_a_year`` (see
        `Repair`; NaN without a budget) and ``gap`` of the repaired plan, ``solve_status``.
        """  # noqa: D205
        columns = [
            "repair", "best_at", "n_changes", "touches_binding", "total_weighted_change",
            "cost_cny_a_year", "spent_cny_a_year", "gap", "solve_status",
        ]  # fmt: skip
        rows = [
            (
                k, words, r.n_changes, r.n_binding, r.weighted_change, r.cost_cny_a_year,
                np.nan if r.spent_cny_a_year is None else r.spent_cny_a_year, r.solution.gap,
                r.solution.status.value,
            )
            for k, (r, words) in enumerate(zip(self.repairs, self._best_at()), start=1)
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    def changes(self) -> pd.DataFrame:
        """All changes: ``repair`` (number from 1) and the columns of `Repair.changes`."""
        tables = [r.changes.assign(repair=k) for k, r in enumerate(self.repairs, start=1)]
        columns = ["repair", *CHANGES]
        if not tables:
            return pd.DataFrame(columns=columns)
        return pd.concat(tables, ignore_index=True)[columns]
