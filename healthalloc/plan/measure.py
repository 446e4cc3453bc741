"""What a clause measures: ratios of linear forms over the decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_diag, csr_array, vstack

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
    penalty : ndarray, shape (n_points,), or None
        Yearly cost of a point that is not reached, CNY; none if there is none.
    """

    near: csr_array
    weight: csr_array
    penalty: Floats | None = None

    def reached(self, decisions: Floats) -> Floats:
        """Degree to which each point is reached, shape (n_points,)."""
        reached: Floats = np.clip(self.near @ decisions, 0.0, 1.0)
        return reached


@dataclass(frozen=True, eq=False)
class Measure:
    """One or more values, each a numerator over a denominator.

    Row k has the value
    ``(numerator @ z + offset + cover.weight @ reached)[k] / ((denominator @ z)[k] + constant[k])``
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
    offset : ndarray, shape (n_rows,), or None
        Fixed part of the numerator.
    areas : tuple of str
        Area that each row speaks of; empty when the clause names none.
    """

    numerator: csr_array
    constant: Floats
    denominator: csr_array | None = None
    facilities: tuple[str, ...] = ()
    cover: Cover | None = None
    offset: Floats | None = None
    areas: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """Number of values."""
        return int(self.numerator.shape[0])

    @property
    def fixed(self) -> Floats:
        """The fixed part of the numerators, shape (n_rows,)."""
        return np.zeros(self.n_rows) if self.offset is None else self.offset

    def place(self, row: int) -> tuple[str, str]:
        """Area and facility that a row speaks of; empty where it speaks of all together."""
        area = self.areas[row] if self.areas else ""
        return area, self.facilities[row] if self.facilities else ""

    def base(self, decisions: Floats) -> Floats:
        """The denominators at given decisions, shape (n_rows,)."""
        if self.denominator is None:
            return self.constant
        base: Floats = self.denominator @ decisions + self.constant
        return base

    def value(self, decisions: Floats) -> Floats:
        """The values at given decisions, shape (n_rows,).

        NaN where the denominator is 0; infinite where besides the numerator has a fixed part.
        """
        top = self.numerator @ decisions + self.fixed
        if self.cover is not None:
            top = top + self.cover.weight @ self.cover.reached(decisions)
        base = self.base(decisions)
        value = np.full(self.n_rows, np.nan)
        np.divide(top, base, out=value, where=base > 1e-9)
        # something for nobody at all, e.g. residents without a facility
        some = top if self.denominator is None else self.fixed
        value[(base <= 1e-9) & (some > 1e-9)] = np.inf
        return value


def in_area(measure: Measure, area_id: str) -> Measure:
    """The measure with an area named in every row."""
    return replace(measure, areas=(area_id,) * measure.n_rows)


def stacked(parts: Sequence[Measure]) -> Measure:
    """Measures one below the other, each of the same kind.

    Parameters
    ----------
    parts
        At least one.
    """
    first = parts[0]
    cover = None
    if first.cover is not None:
        covers = [part.cover for part in parts if part.cover is not None]
        penalty = None
        if first.cover.penalty is not None:
            penalty = np.concatenate([c.penalty for c in covers if c.penalty is not None])
        near = csr_array(vstack([c.near for c in covers]))
        cover = Cover(near, csr_array(block_diag([c.weight for c in covers])), penalty)
    denominator = None
    if first.denominator is not None:
        bottoms = [part.denominator for part in parts if part.denominator is not None]
        denominator = csr_array(vstack(bottoms))
    offset = None
    if first.offset is not None:
        offset = np.concatenate([part.fixed for part in parts])
    return Measure(
        csr_array(vstack([part.numerator for part in parts])),
        np.concatenate([part.constant for part in parts]),
        denominator,
        tuple(name for part in parts for name in part.facilities),
        cover,
        offset,
        tuple(name for part in parts for name in part.areas),
    )
