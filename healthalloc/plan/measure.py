"""What a clause measures: ratios of linear forms over the decisions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cover:
    """Points that count as reached once something near them is held.

    Point k is reached to the degree ``min(1, (near @ decisions)[k])``: fully once one whole
    unit stands within its reach.

    Parameters
    ----------
    near : csr_array, shape (n_points, n_decisions)
        Decisions that reach each point, with non-negative coefficients.
    weight : csr_array, shape (n_rows, n_points)
        What reaching a point adds to the numerator of each row.
    """

    near: csr_array
    weight: csr_array

    def reached(self, decisions: Floats) -> Floats:
        """Degree to which each point is reached, shape (n_points,)."""
        reached: Floats = np.clip(self.near @ decisions, 0.0, 1.0)
        return reached


@dataclass(frozen=True, eq=False)
class Measure:
    """One or more values, each a numerator over a denominator.

    Row k has the value
    ``(numerator @ z + cover.weight @ reached)[k] / ((denominator @ z)[k] + constant[k])``
    where ``z`` is the vector of decisions (see `Layout`). Enforcement (row bounds), audit
    (``value``) and price (row dual times ``base``) all follow from this one statement.

    Parameters
    ----------
    numerator : csr_array, shape (n_rows, n_decisions)
    constant : ndarray, shape (n_rows,)
        Fixed part of the denominator; 1 for an amount.
    denominator : csr_array or None
        Part of the denominator that depends on decisions, same shape as the numerator.
    facilities : tuple of str
        Facility that each row speaks of; empty when the one row speaks of all together.
    cover : Cover or None
        Part of the numerator that counts reached points.
    """

    numerator: csr_array
    constant: Floats
    denominator: csr_array | None = None
    facilities: tuple[str, ...] = ()
    cover: Cover | None = None

    @property
    def n_rows(self) -> int:
        """Number of values."""
        return int(self.numerator.shape[0])

    def base(self, decisions: Floats) -> Floats:
        """The denominators at given decisions, shape (n_rows,)."""
        if self.denominator is None:
            return self.constant
        base: Floats = self.denominator @ decisions + self.constant
        return base

    def value(self, decisions: Floats) -> Floats:
        """The values at given decisions, shape (n_rows,); NaN where the denominator is 0."""
        top = self.numerator @ decisions
        if self.cover is not None:
            top = top + self.cover.weight @ self.cover.reached(decisions)
        base = self.base(decisions)
        value = np.full(self.n_rows, np.nan)
        np.divide(top, base, out=value, where=base > 1e-9)
        return value
