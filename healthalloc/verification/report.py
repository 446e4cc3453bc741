"""The checks of a bundle as they are made, and what its rows and columns are called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from healthalloc.bundle import LABELS
from healthalloc.verification.reader import Bundle

Floats = NDArray[np.float64]
TOLERANCE = 1e-6
"""Largest relative residual that passes."""
PRINTED = 1e-9
"""Largest relative difference of a figure that is said twice."""
ROUNDING = 1e-12
"""The same, relative to the size of what was added up."""


@dataclass(frozen=True)
class Check:
    """One claim of a bundle, recomputed.

    Parameters
    ----------
    name
        What was checked.
    passed
    detail
        What was found, and where it is worst: the clause, row or column.
    """

    name: str
    passed: bool
    detail: str


class Report:
    """The checks made of one bundle so far.

    Parameters
    ----------
    bundle
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle, self.program = bundle, bundle.program
        self.checks: list[Check] = []
        self.by_row = csr_array(self.program.matrix)
        self.x = self.vector("solution.csv", "column", "value")
        self.objective = self.cost(self.x)
        self.terms = self.size_of(self.x)

    def vector(self, member: str, key: str, column: str) -> Floats:
        """A column of numbers in the order of the program; what is not given counts as 0."""
        size = self.program.n_rows if key == "row" else self.program.n_columns
        at = self.bundle.positions(member, key, size)
        values = np.zeros(size)
        values[at] = self.bundle.numbers(member, column)
        if len(at) != size or len(np.unique(at)) != size:
            self.add(f"{member}: complete", False, f"{len(at):,} values for {size:,} {key}s")
        return values

    def cost(self, x: Floats) -> float:
        """Cost of a point, CNY a year."""
        return float(self.program.cost @ x) + self.program.offset

    def size_of(self, x: Floats) -> float:
        """Size of what the cost of a point adds up: it cannot be told more precisely than this."""
        program = self.program
        return max(1.0, abs(program.offset) + float(np.abs(program.cost) @ np.abs(x)))

    def add(self, name: str, passed: bool, detail: str) -> None:
        """Record a check."""
        self.checks.append(Check(name, bool(passed), detail))

    def worst(
        self, name: str, residual: Floats, limit: float, called: Callable[[int], str]
    ) -> None:
        """Check that no residual is above a limit; NaN is."""
        residual = np.where(np.isnan(residual), np.inf, residual)
        if not len(residual) or residual.max() <= limit:
            most = residual.max() if len(residual) else 0.0
            self.add(name, True, f"largest residual {most:.2g}")
            return
        bad = np.flatnonzero(residual > limit)
        worst = int(np.argmax(residual))
        others = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
        self.add(name, False, f"{called(worst)}: residual {residual[worst]:.2g}{others}")

    def said(self, name: str, value: float, *path: str) -> None:
        """Check that ``run.json`` says a value that was recomputed."""
        said = self.bundle.amount(*path)
        text = f"{value:,.12g} recomputed, {said:,.12g} said"
        apart = PRINTED * max(1.0, abs(value)) + ROUNDING * self.terms
        self.add(name, bool(np.isfinite(value) and abs(value - said) <= apart), text)

    def row(self, k: int) -> str:
        """What a row is, in words."""
        return self._label("rows.csv", "row", k)

    def column(self, k: int) -> str:
        """What a column is, in words."""
        return self._label("columns.csv", "column", k)

    def _label(self, member: str, key: str, k: int) -> str:
        table = self.bundle.tables[member]
        name = f"{key[0]}{k}"
        if k >= len(table[key]):
            return name
        words = [table[column][k] for column in LABELS if table[column][k]]
        return " ".join([table["block"][k], *words, f"({name})"])
