"""All plans within a percentage of the least cost, and those of them that were looked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from healthalloc.errors import NoSolutionError
from healthalloc.explain.alternatives.actions import ActionCount, action_count, require_bounded
from healthalloc.explain.alternatives.far import far_plan
from healthalloc.explain.alternatives.ranges import Ranges
from healthalloc.explain.alternatives.totals import Ranged, by_institution
from healthalloc.explain.asked import ceiling, rise_percent
from healthalloc.explain.extended import SLACK, Builder, Form, Found, Open, row_of, worst_status
from healthalloc.formulation.assemble import Model
from healthalloc.formulation.blocks import Rows
from healthalloc.formulation.program import ROUND, Floats, inward
from healthalloc.solution import Solution
from healthalloc.solvers import SolverOptions, Status

CHEAPEST, FEWEST, DIFFERENT = "cheapest", "fewest actions", "different"
NOT_SEARCHED = "time was over: the limits of the stock; the true range lies within"
"""Basis of a range of which an end was not searched."""
LEAST_S = 0.1
"""Seconds that a solve may take when time is over."""


class Near:
    """All plans within a percentage of the least cost, and those found so far.

    Parameters
    ----------
    base
        The least-cost plan.
    percent
    compared
        Resources whose totals by facility plans differ in.
    options
        How to solve.
    counted, ranges
        What ranges are found of, and those within the cost.

    Attributes
    ----------
    n_lost : int
        Searches for a plan whose time was over before any was found.
    actions_at_least : float
        Number of actions that no plan goes below; NaN where none is proved.
    """

    def __init__(
        self, base: Solution, percent: float, compared: Sequence[str], options: SolverOptions,
        counted: Ranged, ranges: Ranges,
    ) -> None:  # fmt: skip
        self.base, self.percent = base, percent
        self.model: Model = base.model
        self.options = options
        self.ceiling = ceiling(base, percent)
        self.labels, self.forms, whole = counted
        self.least, self.most = inward(ranges.least, ranges.most, whole)
        self.searched = ranges.searched
        keys = self.labels["resource_id"].isin(compared) & (self.labels["level"] != "site")
        self.compared: NDArray[np.intp] = np.flatnonzero(
            keys & by_institution(self.model, self.labels)
        )
        n = self.model.layout.n_stock
        require_bounded(self.model, self.most[:n], self.ceiling)
        assert base.result.x is not None
        found = Found(base.result.x, base.status, base.objective, base.gap)
        self.n_lost = 0
        self.actions_at_least = np.nan
        self.found: list[tuple[str, Floats, tuple[Found, ...]]] = [
            (CHEAPEST, base.result.x, (found,))
        ]

    def _add(self, kind: str, *solves: Found) -> None:
        """Keep a plan: the last of the solves that led to it."""
        self.found.append((kind, solves[-1].x[: self.model.program.n_columns], solves))

    def _open(self, builder: Builder, seconds: float) -> Open:
        """The program, with so much time for each solve."""
        options = replace(self.options, time_limit_s=max(seconds, LEAST_S))
        return Open(builder.program(), options)

    def _builder(self) -> Builder:
        builder = Builder(self.model.program)
        upper = self.ceiling + SLACK * max(1.0, abs(self.ceiling))
        builder.add_rows(row_of(builder.cost, upper=upper, scale=builder.cost.as_row))
        return builder

    def _counted(self, builder: Builder) -> ActionCount:
        n = self.model.layout.n_stock
        return action_count(builder, self.model, self.least[:n], self.most[:n])

    def fewest_actions(self, seconds: float, known: Sequence[Floats] = ()) -> None:
        """Add the plan with the fewest actions, and of these the cheapest.

        Parameters
        ----------
        seconds
            Time limit.
        known
            Plans within the cost that the search may begin from.
        """
        if not seconds:
            self.n_lost += 1
            return
        builder = self._builder()
        counted = self._counted(builder)
        count = counted.form
        row = int(builder.add_rows(row_of(count, scale=count.as_row))[0])
        # one part each for a plan to begin from, the fewest actions, and the least cost of these
        program = self._open(builder, seconds / 3)
        start = counted.extended(min([self.found[0][1], *known], key=counted.measured))
        if self.model.program.is_mixed_integer:
            start = counted.fewer(program, start)
        fewest = program.search(count, start)
        if isinstance(fewest, Status):
            self.n_lost += 1
            return
        self.actions_at_least = _proved(fewest)
        is_cheapest = fewest.value >= counted.measured(self.found[0][1])
        if is_cheapest and fewest.status is not Status.OPTIMAL:
            self.n_lost += 1
            return
        program.limit(row, count, fewest.value)
        self._add(FEWEST, fewest, _cheapest(program, builder, fewest))

    def totals(self, x: Floats) -> Floats:
        """What is compared: totals by facility and resource."""
        values: Floats = (self.forms @ x)[self.compared]
        return values

    def farthest(self, seconds: float, known: Sequence[Floats] = ()) -> bool:
        """Add the plan farthest from all plans found, the cheapest with its totals.

        Parameters
        ----------
        seconds
            Time limit.
        known
            Plans within the cost that the search may begin from.

        Returns
        -------
        bool
            Whether there was one: not if every plan is, in what is compared, one of those
            found, or if none was found in time.
        """
        if not seconds:
            self.n_lost += 1
            return False
        builder = self._builder()
        forms = self.forms[self.compared]
        low, high = self.least[self.compared], self.most[self.compared]
        nearest_distance = builder.add_columns(1)
        for _, plan, _ in self.found:
            self._distance(builder, forms, self.totals(plan), low, high, nearest_distance)
        rows = builder.add_rows(_held(forms))
        # two parts for a plan to begin from, one each for the farthest and its least cost
        program = self._open(builder, seconds / 4)
        plans = [self.totals(plan) for _, plan, _ in self.found]
        options = replace(program.options, time_limit_s=2 * program.options.time_limit_s)
        far = far_plan(self._builder, forms, plans, high, low, self.found[0][1], options)
        starts = [self.found[-1][1], *known] if far is None else [far, *known]
        start = self._start(max(starts, key=self._from_nearest))
        farthest = program.search(Form(nearest_distance, np.array([-1.0])), start)
        if isinstance(farthest, Status):
            self.n_lost += 1
            return False
        if -farthest.value <= ROUND * (1.0 + np.abs(high).max(initial=0.0)):
            self.n_lost += farthest.status is not Status.OPTIMAL
            return False
        totals = self.totals(farthest.x[: self.model.program.n_columns])
        program.session.set_row_bounds(rows, totals - ROUND / 10, totals + ROUND / 10)
        self._add(DIFFERENT, farthest, _cheapest(program, builder, farthest))
        return True

    def _start(self, x: Floats) -> Floats:
        """A plan with the columns of `farthest`, so that none is ever missing."""
        from_each = [self.totals(x) - self.totals(plan) for _, plan, _ in self.found]
        parts = [x, np.array([1.0, self._from_nearest(x)])]
        for away in from_each:
            parts += [np.maximum(away, 0.0), np.maximum(-away, 0.0), (away > 0).astype(float)]
        return np.concatenate(parts)

    def _from_nearest(self, x: Floats) -> float:
        """Distance of a plan from the most similar one found."""
        totals = self.totals(x)
        return min(float(np.abs(totals - self.totals(plan)).sum()) for _, plan, _ in self.found)

    def _distance(
        self, builder: Builder, forms: csr_array, at: Floats, low: Floats, high: Floats,
        nearest_distance: NDArray[np.intp],
    ) -> None:  # fmt: skip
        """Add the L1 distance from one plan, and that ``nearest_distance`` is no more.

        Each total rises or falls by a column of its own; where it can do both, a binary column
        lets it do one only.
        """
        n = len(at)
        each = np.arange(n)
        rise, fall = builder.add_columns(n), builder.add_columns(n)
        entries = forms.tocoo()
        builder.add_rows(
            Rows(
                np.concatenate([entries.row, each, each]),
                np.concatenate([entries.col, rise, fall]),
                np.concatenate([entries.data, -np.ones(n), np.ones(n)]),
                at, at,
            )
        )  # fmt: skip
        up, down = np.maximum(high - at, 0.0), np.maximum(at - low, 0.0)
        side = builder.add_columns(n, binary=True)
        builder.add_rows(
            Rows(
                np.concatenate([each, each]), np.concatenate([rise, side]),
                np.concatenate([np.ones(n), -up]), np.full(n, -np.inf), np.zeros(n),
            )
        )  # fmt: skip
        builder.add_rows(
            Rows(
                np.concatenate([each, each]), np.concatenate([fall, side]),
                np.concatenate([np.ones(n), down]), np.full(n, -np.inf), down,
            )
        )  # fmt: skip
        both = np.concatenate([rise, fall, nearest_distance])
        builder.add_rows(
            Rows(
                np.zeros(len(both), dtype=np.intp), both,
                np.append(np.ones(2 * n), -1.0), np.zeros(1), np.full(1, np.inf),
            )
        )  # fmt: skip

    def plan_table(self) -> pd.DataFrame:
        """Rows of `Alternatives.plans`."""
        cost = Builder(self.model.program).cost
        count = self._counted(Builder(self.model.program)).measured
        rows = []
        totals = [self.totals(x) for _, x, _ in self.found]
        for k, (kind, x, solves) in enumerate(self.found):
            spent = cost.of(np.append(x, 1.0))
            rise = rise_percent(spent, self.base.objective)
            away = [float(np.abs(totals[k] - before).sum()) for before in totals[:k]]
            rows.append(
                (
                    self.percent, k, kind, spent, rise, int(count(x)),
                    self.actions_at_least if kind == FEWEST else np.nan,
                    away[0] if k else 0.0, min(away) if k else 0.0,
                    worst_status(solves).value, max(found.gap for found in solves),
                )
            )  # fmt: skip
        names = [
            "within_percent", "plan", "kind", "cost_cny_a_year", "cost_rise_percent", "actions",
            "actions_at_least", "from_cheapest", "from_nearest", "status", "gap",
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=names)

    def total_table(self) -> pd.DataFrame:
        """Rows of `Alternatives.totals`."""
        labels = self.labels.iloc[self.compared].drop(columns="level")
        return self._by_plan(labels, self.totals)

    def stock_table(self) -> pd.DataFrame:
        """Rows of `Alternatives.stock`."""
        n = self.model.layout.n_stock
        return self._by_plan(self.labels.iloc[:n].drop(columns="level"), lambda x: x[:n])

    def _by_plan(self, labels: pd.DataFrame, values: Callable[[Floats], Floats]) -> pd.DataFrame:
        parts = []
        for k, (_, x, _) in enumerate(self.found):
            part = labels.copy()
            part["allocated"] = np.round(values(x), 6) + 0.0
            part["change"] = part["allocated"] - part["existing"]
            part.insert(0, "plan", k)
            part.insert(0, "within_percent", self.percent)
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def range_table(self) -> pd.DataFrame:
        """Rows of `Alternatives.ranges`."""
        whole = self.model.program.is_mixed_integer
        table = self.labels[["facility_id", "resource_id", "level", "existing"]].copy()
        table["least"] = np.round(self.least, 6) + 0.0
        table["most"] = np.round(self.most, 6) + 0.0
        exact = "linear relaxation: the true range lies within" if whole else "linear program"
        table["basis"] = np.where(self.searched, exact, NOT_SEARCHED)
        table.insert(0, "within_percent", self.percent)
        return table


def _proved(fewest: Found) -> float:
    """Number of actions that no plan goes below; NaN where none is proved."""
    bound = fewest.value - fewest.gap * max(1.0, abs(fewest.value))
    return float(max(np.ceil(bound - ROUND), 0.0)) if np.isfinite(bound) else np.nan


def _cheapest(program: Open, builder: Builder, found: Found) -> Found:
    """The cheapest plan under the limits as set, or the one at hand if a limit came first."""
    try:
        return program.least(builder.cost, found.x)
    except NoSolutionError:
        return Found(found.x, Status.LIMIT_WITH_INCUMBENT, found.value, np.nan)


def _held(forms: csr_array) -> Rows:
    """Rows that can hold totals fast; free at first."""
    entries, n = forms.tocoo(), forms.shape[0]
    return Rows(
        entries.row.astype(np.intp), entries.col.astype(np.intp), entries.data,
        np.full(n, -np.inf), np.full(n, np.inf),
    )  # fmt: skip
