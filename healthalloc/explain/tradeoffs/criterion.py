"""Kinds of criteria: a sum of columns, a ratio of sums, the longest way.

Every criterion is exact over the program's columns. Inside, all of them are made small: one of
which more is better stands with its sign turned (``sign`` is -1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from healthalloc.errors import NoSolutionError
from healthalloc.explain.extended import SLACK, Form, Found, Open, Positions
from healthalloc.formulation.program import Floats
from healthalloc.solution import NEGLIGIBLE
from healthalloc.solvers import Status
from healthalloc.travel import ROUNDING


class Criterion(Protocol):
    """One thing to make small."""

    @property
    def name(self) -> str:
        """What the command calls it."""

    @property
    def unit(self) -> str:
        """Unit of the value."""

    @property
    def sign(self) -> float:
        """1 where less is better, -1 where more is."""

    def least(self, program: Open, start: Floats | None = None) -> Found:
        """The least value under the limits as they stand, and a plan that has it."""

    def limit(self, program: Open, value: float) -> None:
        """Allow no more than a value; infinite: no limit."""

    def value(self, x: Floats) -> float:
        """The value of a plan, from its stock and flows."""

    def levels(self, best: float, worst: float, n: int) -> list[float]:
        """About ``n`` values strictly between two, from the worst down."""


@dataclass(frozen=True, eq=False)
class Linear:
    """A criterion that is a sum of columns.

    Parameters
    ----------
    name, unit, sign
    form
        What is minimised.
    row
        Row of the program that holds the form.
    measured
        The value from stock and flows alone, where the form has columns of its own.
    whole
        Whether the value is always a whole number.
    improved
        A better plan than a given one, for the search for the least to begin from.
    """

    name: str
    unit: str
    sign: float
    form: Form
    row: int
    measured: Callable[[Floats], float] | None = None
    whole: bool = False
    improved: Callable[[Open, Floats], Floats] | None = None

    def least(self, program: Open, start: Floats | None = None) -> Found:
        """The least value under the limits as they stand, and a plan that has it."""
        if start is not None and self.improved is not None:
            until = program.until
            program.until -= program.left_s / 2
            start = self.improved(program, start)
            program.until = until
        return program.least(self.form, start)

    def limit(self, program: Open, value: float) -> None:
        """Allow no more than a value; infinite: no limit."""
        program.limit(self.row, self.form, value)

    def value(self, x: Floats) -> float:
        """The value of a plan, from its stock and flows."""
        return self.form.of(x) if self.measured is None else self.measured(x)

    def levels(self, best: float, worst: float, n: int) -> list[float]:
        """Evenly spaced; whole numbers where the value is one."""
        between = np.linspace(worst, best, n + 2)[1:-1]
        if self.whole:
            whole = np.unique(np.round(between))[::-1]
            between = whole[(whole > best + 0.5) & (whole < worst - 0.5)]
        return list(map(float, between))


@dataclass(frozen=True, eq=False)
class Gini:
    """The Gini coefficient of stock per resident over areas.

    With shares ``p`` of the residents and stock ``b`` by area it is
    ``sum_{i<j} |p_j b_i - p_i b_j| / sum_i b_i``: a ratio of linear forms once each absolute
    value has a column (Drezner, Drezner and Guyse 2009, doi:10.1016/j.cor.2009.02.019). A
    limit is one linear row; the least value is found by Dinkelbach's method (1967,
    doi:10.1287/mnsc.13.7.492), of whole units from the least value of the relaxation.

    Parameters
    ----------
    top, bottom
        The two forms, with no column in both.
    row
        Row of the program for limits.
    one
        Column that is fixed at 1.
    measured
        The coefficient from stock alone.
    """

    top: Form
    bottom: Form
    row: int
    one: int
    measured: Callable[[Floats], float]
    name: str = "equity-gini"
    unit: str = "0 to 1"
    sign: float = 1.0

    def _less(self, value: float) -> Form:
        return Form(
            np.concatenate([self.top.columns, self.bottom.columns]),
            np.concatenate([self.top.factors, -value * self.bottom.factors]),
        )

    def least(self, program: Open, start: Floats | None = None) -> Found:
        """The least value under the limits as they stand, and a plan that has it."""
        whole = program.session.program
        x, bound = start, 0.0
        if whole.is_mixed_integer:
            relaxed = Open(whole.relaxed(), program.options)
            relaxed.until = program.until
            bound = self.least(relaxed).bound
        if x is None:
            x = program.least(self.top).x
        ratio = bound if whole.is_mixed_integer else self.measured(x)
        while True:
            value, size = self.measured(x), self.bottom.of(x)
            if size <= NEGLIGIBLE or value <= SLACK:
                return Found(x, Status.OPTIMAL, value, 0.0)
            gap = max(0.0, 1.0 - bound / value)
            if gap <= program.options.gap:
                return Found(x, Status.OPTIMAL, value, gap)
            # the constant makes the solver's relative gap one of the coefficient itself
            less = self._less(ratio)
            form = Form(np.append(less.columns, self.one), np.append(less.factors, size))
            try:
                trial = program.least(form, x)
            except NoSolutionError:
                return Found(x, Status.LIMIT_WITH_INCUMBENT, value, gap)
            better = self.measured(trial.x)
            x = trial.x if better < value else x
            if trial.status is not Status.OPTIMAL:
                value = min(better, value)
                gap = max(0.0, 1.0 - bound / value)
                return Found(x, trial.status, value, gap)
            if ratio >= value and better >= value * (1 - 1e-7):
                gap = min(gap, trial.gap * abs(trial.value) / size / value)
                return Found(x, trial.status, value, gap)
            ratio = min(better, value)

    def limit(self, program: Open, value: float) -> None:
        """Allow no more than a value; infinite: no limit."""
        free = np.isinf(value)
        form = self._less(1.0 if free else value + SLACK)
        program.session.set_row(self.row, form.columns, form.factors)
        upper = np.array([np.inf if free else 0.0])
        program.session.set_row_bounds(np.array([self.row]), np.array([-np.inf]), upper)

    def value(self, x: Floats) -> float:
        """The value of a plan, from its stock."""
        return self.measured(x)

    def levels(self, best: float, worst: float, n: int) -> list[float]:
        """Evenly spaced."""
        return list(map(float, np.linspace(worst, best, n + 2)[1:-1]))


@dataclass(frozen=True, eq=False)
class Farthest:
    """The longest way that anybody who is served has to go.

    A limit closes the arcs that are longer; the least value is found by bisection over the
    lengths that occur, which is exact.

    Parameters
    ----------
    unit
    flow
        Columns of the flows.
    length : ndarray, shape (n_flows,)
        Travel on each arc, one way.
    """

    unit: str
    flow: Positions
    length: Floats
    name: str = "access-worst"
    sign: float = 1.0

    def value(self, x: Floats) -> float:
        """The value of a plan, from its flows."""
        return float(self.length[x[self.flow] > NEGLIGIBLE].max(initial=0.0))

    def limit(self, program: Open, value: float) -> None:
        """Allow no more than a value; infinite: no limit."""
        upper = np.where(self.length <= value * ROUNDING, np.inf, 0.0)
        program.session.set_column_bounds(self.flow, np.zeros(len(upper)), upper)

    def least(self, program: Open, start: Floats | None = None) -> Found:
        """The least value under the limits as they stand, and a plan that has it."""
        nothing = Form(np.zeros(0, dtype=np.intp), np.zeros(0))
        upper = program.session.program.column_upper[self.flow]
        best = program.least(nothing, start)
        values = np.unique(np.append(0.0, self.length))
        low, high = -1, int(np.searchsorted(values, self.value(best.x)))
        middle = high - 1  # after a solve for cost, most often nothing shorter will do
        while high - low > 1:
            self.limit(program, float(values[middle]))
            found = program.search(nothing, best.x)
            if isinstance(found, Found):
                best, high = found, int(np.searchsorted(values, self.value(found.x)))
            elif found is Status.INFEASIBLE:
                low = middle
            else:
                program.session.set_column_bounds(self.flow, np.zeros(len(upper)), upper)
                gap = 1.0 - (values[low + 1] / values[high] if high else 1.0)
                return Found(best.x, Status.LIMIT_WITH_INCUMBENT, float(values[high]), float(gap))
            middle = (low + high) // 2
        program.session.set_column_bounds(self.flow, np.zeros(len(upper)), upper)
        return Found(best.x, Status.OPTIMAL, float(values[high]), 0.0)

    def levels(self, best: float, worst: float, n: int) -> list[float]:
        """Lengths that occur; all of them where there are no more than ``n``."""
        values = np.unique(self.length)
        values = values[(values > best * ROUNDING) & (values * ROUNDING < worst)]
        if len(values) > n:
            chosen = np.searchsorted(values, np.linspace(worst, best, n + 2)[1:-1], "right") - 1
            values = values[np.unique(np.clip(chosen, 0, None))]
        return list(map(float, values[::-1]))
