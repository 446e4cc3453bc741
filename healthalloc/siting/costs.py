"""What every siting model starts from: demand points, candidate sites, the cost of each pair."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from healthalloc.errors import DataError, Problem

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]
Flags = NDArray[np.bool_]

_MANY = 20  # offenders that an error names before it only counts them


@dataclass(frozen=True, eq=False)
class Costs:
    """Demand points, candidate sites and the pairs that can be joined.

    Make one with `from_matrix`, `from_table`, `from_scenario` or `from_graph`.

    Parameters
    ----------
    cost : csr_array, shape (n_demand, n_candidates)
        Cost of one unit of demand, e.g. minutes. A pair that is not stored cannot be joined; a
        stored 0 costs nothing.
    weight : ndarray, shape (n_demand,)
        Units of demand, e.g. residents.
    forced : ndarray of int, shape (k,)
        Positions of the candidates that stay open whatever happens, e.g. existing sites.
    demand_ids, candidate_ids : Index
        What rows and columns stand for.

    Raises
    ------
    DataError
        With all problems found.
    """

    cost: csr_array
    weight: Floats
    forced: Positions
    demand_ids: pd.Index[Any]
    candidate_ids: pd.Index[Any]

    def __post_init__(self) -> None:
        problems = [
            *_size_problems(self), *_value_problems(self), *_forced_problems(self),
            *_id_problems("demand points", self.demand_ids, self.cost.shape[0]),
            *_id_problems("candidates", self.candidate_ids, self.cost.shape[1]),
        ]  # fmt: skip
        if problems:
            raise DataError(problems)

    @property
    def n_demand(self) -> int:
        """Number of demand points."""
        return int(self.cost.shape[0])

    @property
    def n_candidates(self) -> int:
        """Number of candidates, with the forced ones."""
        return int(self.cost.shape[1])

    @property
    def unreached(self) -> Positions:
        """Demand points that no candidate can serve."""
        return np.flatnonzero(np.diff(self.cost.indptr) == 0)

    def within(self, radius: float) -> csr_array:
        """Which candidate covers which demand point: 1 where the cost is at most ``radius``.

        Rounding up to 1e-9 of the radius is let pass, as everywhere in the network.
        """
        near = self.cost.data <= radius * (1 + 1e-9)
        counts = np.concatenate([[0], np.cumsum(near)])
        parts = (np.ones(int(near.sum())), self.cost.indices[near], counts[self.cost.indptr])
        return csr_array(parts, shape=self.cost.shape)

    def some_demand(self, rows: Positions) -> str:
        """Names of demand points for a message."""
        return _some([repr(name) for name in self.demand_ids[rows[:_MANY]]], len(rows))


def totals(position: Positions, value: Floats, size: int) -> Floats:
    """Sum of the values at each position, shape (size,)."""
    return np.bincount(position, value, minlength=size).astype(np.float64)


def coordinates(matrix: csr_array) -> tuple[Positions, Positions, Floats]:
    """Row, column and value of each stored pair, by row."""
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return row, matrix.indices.astype(np.intp), matrix.data


def from_matrix(
    cost: Any,
    weight: Any = None,
    forced: Sequence[int] | Positions = (),
    demand_ids: Sequence[Hashable] | None = None,
    candidate_ids: Sequence[Hashable] | None = None,
) -> Costs:
    """Costs from a matrix.

    Parameters
    ----------
    cost : array or scipy sparse array, shape (n_demand, n_candidates)
        Dense: ``inf`` where a pair cannot be joined. Sparse: what is not stored cannot be
        joined, so a cost of 0 must be stored.
    weight : shape (n_demand,), optional
        1 for each demand point by default.
    forced
        Positions of candidates that stay open.
    demand_ids, candidate_ids
        Names; positions by default.

    Returns
    -------
    Costs

    Raises
    ------
    DataError
        With all problems found: NaN, negative numbers, shapes, positions, names.

    Examples
    --------
    >>> from_matrix([[0.0, 4.0], [3.0, float("inf")]], weight=[10, 20]).cost.nnz
    3
    """
    stored = _stored(cost)
    n, m = stored.shape
    return Costs(
        stored,
        np.ones(n) if weight is None else np.atleast_1d(as_numbers("weight", weight)),
        np.unique(_whole_positions(forced)),
        pd.RangeIndex(n) if demand_ids is None else pd.Index(demand_ids),
        pd.RangeIndex(m) if candidate_ids is None else pd.Index(candidate_ids),
    )


def as_numbers(table: str, given: Any) -> Floats:
    """An array of numbers.

    Raises
    ------
    DataError
        If rows differ in length or something is no number.
    """
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        wrong = "rows differ in length, or something is no number"
        raise DataError([Problem(table, wrong, mend="give numbers, rows of one length")]) from None


def _whole_positions(forced: Any) -> Positions:
    """Positions as they are; a mask or fractions would silently mean something else."""
    given = np.asarray(forced)
    if given.size and given.dtype.kind not in "iu":
        mend = "give whole positions; np.flatnonzero makes them from a mask"
        raise DataError([Problem("forced", f"holds {given.dtype}, not positions", mend=mend)])
    return given.astype(np.intp).ravel()


def _stored(cost: Any) -> csr_array:
    """The pairs that can be joined, rows in order, explicit zeros kept."""
    if hasattr(cost, "tocsr"):
        given = csr_array(cost.tocsr(), dtype=np.float64, copy=True)
        if not given.has_canonical_format:
            given.sum_duplicates()
        keep = ~np.isposinf(given.data)
        if keep.all():
            return given
        counts = np.concatenate([[0], np.cumsum(keep)])
        parts = (given.data[keep], given.indices[keep], counts[given.indptr])
        return csr_array(parts, shape=given.shape)
    dense = as_numbers("cost", cost)
    if dense.ndim != 2:
        shape = f"has {dense.ndim} dimension(s)"
        mend = "give one row for each demand point and one column for each candidate"
        raise DataError([Problem("cost", f"{shape}, not 2", mend=mend)])
    kept = ~np.isposinf(dense)
    indptr = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    return csr_array((dense[kept], np.nonzero(kept)[1], indptr), shape=dense.shape)


def _some(names: Sequence[str], total: int) -> str:
    more = f" and {total - len(names)} more" if total > len(names) else ""
    return ", ".join(names) + more


def _size_problems(costs: Costs) -> list[Problem]:
    n, m = costs.cost.shape
    problems = []
    if n == 0:
        problems.append(Problem("cost", "there is no demand point"))
    if m == 0:
        problems.append(Problem("cost", "there is no candidate"))
    if costs.weight.shape != (n,):
        wrong = f"has shape {costs.weight.shape}, but the cost matrix has {n} rows"
        problems.append(Problem("weight", wrong, mend="give one weight for each demand point"))
    return problems


def _value_problems(costs: Costs) -> list[Problem]:
    row, column, data = coordinates(costs.cost)
    problems = _bad("weight", costs.weight.ravel(), np.arange(costs.weight.size), None)
    return problems + _bad("cost", data, row, column)


def _bad(table: str, values: Floats, row: Positions, column: Positions | None) -> list[Problem]:
    tests = [
        (np.isnan(values), "is not a number", "give a number, or inf for a pair without a way"),
        (values < 0, "is negative; 0 or more is allowed", ""),
        (np.isposinf(values), "is infinite", "give a finite number"),
    ]
    problems = []
    for wrong, message, mend in tests:
        at = np.flatnonzero(wrong)
        for k in at[:_MANY].tolist():
            where = "" if column is None else str(int(column[k]) + 1)
            shown = f"{values[k]:g}"
            problems.append(Problem(table, message, int(row[k]) + 1, where, shown, mend))
        if len(at) > _MANY:
            problems.append(Problem(table, f"{message}: {len(at) - _MANY} more values"))
    return problems


def _forced_problems(costs: Costs) -> list[Problem]:
    m = costs.cost.shape[1]
    out = costs.forced[(costs.forced < 0) | (costs.forced >= m)]
    return [
        Problem("forced", f"is no position of the {m} candidates", value=str(k))
        for k in out.tolist()
    ]


def _id_problems(table: str, ids: pd.Index[Any], size: int) -> list[Problem]:
    if len(ids) != size:
        return [Problem(table, f"{len(ids)} names for {size}")]
    return [
        Problem(table, "occurs more than once", value=str(name), mend="give each its own name")
        for name in ids[ids.duplicated()].unique()[:_MANY]
    ]


def check_p(costs: Costs, p: int) -> None:
    """Refuse a number of sites that cannot be chosen.

    Raises
    ------
    DataError
        If ``p`` is below 1, above the number of candidates, or below the number of forced sites.
    """
    problems = []
    if isinstance(p, bool) or not isinstance(p, int | np.integer):
        problems.append(Problem("p", "is no whole number", value=repr(p)))
    elif p < 1:
        problems.append(Problem("p", "is below 1", value=str(p)))
    elif p > costs.n_candidates:
        wrong = f"is more than the {costs.n_candidates} candidates"
        problems.append(Problem("p", wrong, value=str(p), mend="lower p or add candidates"))
    elif p < len(costs.forced):
        wrong = f"is less than the {len(costs.forced)} forced sites"
        problems.append(Problem("p", wrong, value=str(p), mend="raise p or force fewer sites"))
    if problems:
        raise DataError(problems)


def check_radius(radius: float) -> None:
    """Refuse a radius that is negative or not a number.

    Raises
    ------
    DataError
    """
    if not radius >= 0:
        raise DataError([Problem("radius", "is not 0 or more", value=f"{radius:g}")])
