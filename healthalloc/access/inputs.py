"""What every measure of access starts from: demand, supply, and who can reach what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array

from healthalloc.errors import Problem
from healthalloc.travel import ROUNDING
from healthalloc.travel.common import refuse

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]
Flags = NDArray[np.bool_]

MANY = 5  # offenders that an error names before it only counts them


class AccessArcs(NamedTuple):
    """Demand, supply and the pairs that can be reached: the five arguments of every measure.

    Parameters
    ----------
    demand : ndarray, shape (n_demand,)
        Units of demand at each point, e.g. residents.
    supply : ndarray, shape (n_supply,)
        Units of supply at each point, e.g. beds.
    demand_idx, supply_idx : ndarray of int, shape (n_arcs,)
        Positions of the two ends of each arc. No pair occurs twice.
    travel : ndarray, shape (n_arcs,)
        Travel one way, in minutes or km.
    """

    demand: Floats
    supply: Floats
    demand_idx: Positions
    supply_idx: Positions
    travel: Floats


def checked_arcs(
    demand: ArrayLike,
    supply: ArrayLike,
    demand_idx: ArrayLike,
    supply_idx: ArrayLike,
    travel: ArrayLike,
    limit: float = np.inf,
) -> AccessArcs:
    """The arcs within a limit, once everything has been checked.

    Parameters
    ----------
    demand, supply, demand_idx, supply_idx, travel
        As in `AccessArcs`; infinite travel says that there is no way.
    limit
        Farthest travel, up to rounding (1e-9 of the limit): an arc exactly at it counts.

    Returns
    -------
    AccessArcs

    Raises
    ------
    DataError
        With all problems found: shapes; then values that are NaN, negative or infinite,
        positions out of range, a limit below 0; then pairs that occur twice.
    """
    demands, problems = vector("demand", demand)
    supplies, wrong = vector("supply", supply)
    problems += wrong
    near, wrong = _positions("demand_idx", demand_idx)
    problems += wrong
    far, wrong = _positions("supply_idx", supply_idx)
    problems += wrong
    length, wrong = vector("travel", travel)
    problems += wrong
    sizes = (near.size, far.size, length.size)
    if not problems and len(set(sizes)) > 1:
        mend = "give one entry of each for every arc"
        wrong_size = "demand_idx, supply_idx and travel have {}, {} and {} entries".format(*sizes)
        problems = [Problem("arcs", wrong_size, mend=mend)]
    # no number can be placed before the shapes are right
    refuse(problems)
    problems = value_problems("demand", demands) + value_problems("supply", supplies)
    problems += value_problems("travel", length, infinite=True)
    problems += _outside("demand_idx", near, demands.size)
    problems += _outside("supply_idx", far, supplies.size)
    if not limit >= 0:
        problems.append(Problem("limit", "is not 0 or more", value=f"{limit:g}"))
    refuse(problems or _repeated(near, far, (demands.size, supplies.size)))
    kept = length <= limit * ROUNDING
    kept &= length < np.inf
    if kept.all():
        return AccessArcs(demands, supplies, near, far, length)
    return AccessArcs(demands, supplies, near[kept], far[kept], length[kept])


def vector(name: str, values: ArrayLike) -> tuple[Floats, list[Problem]]:
    """Numbers of shape (n,), and what is wrong with their type and shape."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        return np.zeros(0), [Problem(name, "is no array of numbers", value=str(error))]
    if array.ndim != 1:
        return np.zeros(0), [Problem(name, f"has shape {array.shape}, not one dimension")]
    return array, []


def value_problems(
    name: str, values: Floats, *, infinite: bool = False, signed: bool = False
) -> list[Problem]:
    """Entries that are not numbers, negative or infinite.

    Parameters
    ----------
    name
        What messages call the vector.
    values : shape (n,)
    infinite, signed
        Whether infinite and negative numbers are allowed.
    """
    # good data, by far the most often, costs two passes; NaN fails any comparison
    lowest, highest = values.min(initial=0.0), values.max(initial=0.0)
    if (signed or lowest >= 0) and lowest > -np.inf and (infinite or highest < np.inf):
        return []
    tests = [(np.isnan(values), "is not a number")]
    if not signed:
        tests.append((values < 0, "is negative; 0 or more is allowed"))
    if not infinite:
        tests.append((np.isinf(values), "is infinite; a finite number is allowed"))
    return [p for wrong, message in tests for p in entry_problems(name, wrong, message, values)]


def entry_problems(
    name: str, wrong: Flags, message: str, values: NDArray[Any] | None = None
) -> list[Problem]:
    """A problem for each of the first wrong entries, and one that counts the others."""
    rows = np.flatnonzero(wrong)
    problems = [
        Problem(name, message, row + 1, value="" if values is None else f"{values[row]:g}")
        for row in rows[:MANY].tolist()
    ]
    if len(rows) > MANY:
        problems.append(Problem(name, f"{message}: {len(rows) - MANY} more entries"))
    return problems


def _positions(name: str, values: ArrayLike) -> tuple[Positions, list[Problem]]:
    given = np.asarray(values)
    if given.ndim != 1:
        problem = Problem(name, f"has shape {given.shape}, not one dimension")
    elif given.size and not np.issubdtype(given.dtype, np.integer):
        mend = "give positions, counted from 0"
        problem = Problem(name, f"holds {given.dtype}, not whole numbers", mend=mend)
    else:
        return given.astype(np.intp, copy=False), []
    return np.zeros(0, dtype=np.intp), [problem]


def _outside(name: str, positions: Positions, size: int) -> list[Problem]:
    """Positions that no point has."""
    if positions.min(initial=0) >= 0 and positions.max(initial=-1) < size:
        return []
    wrong: Flags = (positions < 0) | (positions >= size)
    message = f"is no position; {size} points are counted from 0"
    return entry_problems(name, wrong, message, positions)


def totals(position: Positions, amount: Floats, size: int) -> Floats:
    """Sum of the amounts at each position, shape (size,)."""
    return np.bincount(position, amount, minlength=size).astype(np.float64, copy=False)


def _repeated(near: Positions, far: Positions, shape: tuple[int, int]) -> list[Problem]:
    """Pairs that occur more than once would count twice."""
    pair = near * shape[1] + far
    if (pair[1:] > pair[:-1]).all():
        return []
    # a conversion that adds repeated entries up is faster than to sort them
    marks = np.ones(pair.size, dtype=np.int8)
    if csr_array(coo_array((marks, (near, far)), shape=shape)).nnz == pair.size:
        return []
    order = np.argsort(pair, kind="stable")
    again = order[1:][pair[order[1:]] == pair[order[:-1]]]
    return [
        Problem("arcs", "repeats a pair", row + 1, value=f"{near[row]}, {far[row]}",
                mend="keep one of the two")
        for row in np.sort(again)[:MANY].tolist()
    ]  # fmt: skip


def some_names(names: Sequence[object]) -> str:
    """The first few names, for a message."""
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    return ", ".join(repr(name) for name in names[:MANY]) + more
