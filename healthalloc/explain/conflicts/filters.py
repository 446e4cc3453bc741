"""Reduce members that cannot all hold to a minimal set of which each one is needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from healthalloc.errors import TimeLimitError, UnsupportedError
from healthalloc.explain.conflicts.soft import Positions, SoftProgram, answer_of, evened
from healthalloc.solvers import solve_best
from healthalloc.solvers.base import Status
from healthalloc.solvers.highs import passed, solve_highs
from healthalloc.solvers.session import Session

Method = Literal["elastic", "iis"]
Ask = Callable[[Positions], tuple[bool | None, Positions]]
"""Whether some members can all hold (None: unanswered); if not, those of them that it takes."""
STRETCHED = 1e-6
"""Stretch of a side that counts as none."""
SECONDS_A_SET = 10.0
"""Time of the pass in whole units, after which the set is given as far as it was reduced."""


@dataclass(frozen=True, eq=False)
class MinimalSet:
    """Members that cannot all hold, while all but one of them can.

    Parameters
    ----------
    members
        Positions as in `SoftProgram`.
    whole_units
        Whether they could all hold in fractions of units and sites.
    minimal
        Whether each was seen to be needed; False where a limit came before an answer, or
        `SECONDS_A_SET` were over before all were asked.
    minimal_in_fractions
        Whether each was seen to be needed where fractions of units and sites are allowed.
    """

    members: Positions
    whole_units: bool
    minimal: bool
    minimal_in_fractions: bool


def minimal_sets(
    soft: SoftProgram, members: ArrayLike, method: Method = "elastic", *, thorough: bool = True
) -> Iterator[MinimalSet]:
    """Disjoint minimal sets, until what is left can hold.

    Parameters
    ----------
    soft
    members
        Members to search.
    method, thorough
        As for `minimal_set`.
    """
    left = np.intersect1d(soft.members, members)
    while (found := minimal_set(soft, left, method, thorough=thorough)) is not None:
        yield found
        if not len(found.members):
            return
        left = np.setdiff1d(left, found.members)


def minimal_set(
    soft: SoftProgram, members: ArrayLike, method: Method = "elastic", *, thorough: bool = True
) -> MinimalSet | None:
    """A minimal set of members that cannot all hold; ``None`` if all can.

    A quick filter finds a small set that cannot hold; a deletion filter then leaves out one
    after the other and keeps what is needed (Chinneck and Dravnieks 1991,
    doi:10.1287/ijoc.3.2.157). Clauses are left out first, so that a set explains by as few
    clauses as it can. The last pass asks for whole units and sites where the plan does, for
    as long as `SECONDS_A_SET`; where that is too short, the set stays as it was without it, if
    it was minimal then.

    Parameters
    ----------
    soft
    members
        Members to search.
    method
        The quick filter for linear programs: ``"elastic"``, the sides with a price where the
        stretch of all is least; or ``"iis"``, the irreducible infeasible subsystem of HiGHS.
        Where it takes whole units or sites, an elastic filter is used in either case.
    thorough
        Whether a set that cannot hold in fractions either is made minimal in whole units and
        sites; else it is minimal in fractions.

    Raises
    ------
    TimeLimitError
        If a limit came before anything was established.
    """
    everything = np.intersect1d(soft.members, members)
    soft = soft.about(everything)
    mixed = soft.hard.is_mixed_integer
    in_fractions = soft.feasible(everything, relaxed=True)
    if in_fractions is False:
        quick = _sensitive if method == "elastic" else _highs_iis
        start = _if_infeasible(soft, quick(soft, everything), everything, relaxed=True)
        kept, minimal = _needed(soft.about(start), start, relaxed=True)
    else:
        found = soft.feasible(everything) if mixed else in_fractions
        if found is None:
            raise TimeLimitError("no conflict found: a limit came before the answer")
        if found:
            return None
        kept, minimal = _if_infeasible(soft, _forced(soft, everything), everything), False
        thorough = True
    if not (mixed and thorough):
        return MinimalSet(kept, False, minimal and not mixed, minimal)
    soft, first = soft.about(kept), MinimalSet(kept, False, False, minimal)
    kept, certain = _needed(soft, kept, patient=not minimal)
    if minimal and not certain:
        return first
    whole_units = soft.feasible(kept, relaxed=True) is True
    return MinimalSet(kept, whole_units, certain, minimal and len(kept) == len(first.members))


def _if_infeasible(
    soft: SoftProgram, some: Positions, everything: Positions, *, relaxed: bool = False
) -> Positions:
    """Some members if they cannot all hold beyond doubt, else all of them."""
    return some if soft.feasible(some, relaxed=relaxed) is False else everything


def _needed(
    soft: SoftProgram, members: Positions, *, relaxed: bool = False, patient: bool = True
) -> tuple[Positions, bool]:
    """Deletion filter: members of which each is needed, and whether that is certain.

    Not ``patient``, it ends at the first question without an answer.
    """
    if relaxed and soft.solver in (solve_best, solve_highs):
        kept, certain = _filtered(members, _warm(soft, members))
        # an open solver carries its history along: the answer must stand without it
        if soft.feasible(kept, relaxed=True) is False:
            return kept, certain
    ends = np.inf if relaxed else time.monotonic() + SECONDS_A_SET

    return _filtered(members, lambda m: (soft.feasible(m, relaxed=relaxed), m), ends, patient)


def _filtered(
    members: Positions, ask: Ask, ends: float = np.inf, patient: bool = True
) -> tuple[Positions, bool]:
    kept, certain = members, True
    for member in members:
        if member not in kept:
            continue
        if time.monotonic() > ends or not (certain or patient):
            return kept, False
        found, some = ask(kept[kept != member])
        if found is False:
            kept = some
        elif found is None:
            certain = False
    return kept, certain


def _warm(soft: SoftProgram, members: Positions) -> Ask:
    """Ask in fractions, from the last basis; a proof names the members that it takes."""
    program, used = soft.program(members)
    even, _ = evened(program.relaxed())
    session, of = Session(even, soft.options), soft.member[used]
    rows = soft.hard.n_rows + np.arange(len(used))

    def feasible(some: Positions) -> bool | None:
        in_force = np.isin(of, some)
        lower = np.where(in_force, even.row_lower[rows], -np.inf)
        upper = np.where(in_force, even.row_upper[rows], np.inf)
        session.set_row_bounds(rows, lower, upper)
        return answer_of(session.solve().status)

    def ask(some: Positions) -> tuple[bool | None, Positions]:
        found = feasible(some)
        weight = session.farkas() if found is False else None
        if weight is None:
            return found, some
        fewer = np.intersect1d(some, of[weight[rows] != 0])
        # what rounding took from the weights may be needed
        return found, fewer if feasible(fewer) is False else some

    return ask


def _sensitive(soft: SoftProgram, members: Positions) -> Positions:
    """Members with a price where the total stretch is least: a proof by Farkas' lemma."""
    n = len(soft.limit)
    ones = np.ones(n)
    program, used = soft.stretched(members, np.arange(n), ones, ones, np.full(n, np.inf))
    result = soft.run(program.relaxed())
    if result.status is not Status.OPTIMAL or result.row_dual is None:
        return members
    priced = np.abs(result.row_dual[soft.hard.n_rows :]) > 1e-9
    return np.unique(soft.member[used[priced]])


def _forced(soft: SoftProgram, members: Positions) -> Positions:
    """Elastic filter: whatever must stretch is made firm, until the firm ones cannot hold."""
    n = len(soft.limit)
    firm = np.zeros(0, dtype=np.intp)
    while len(firm) < len(members):
        column = np.where(np.isin(soft.member, firm), -1, np.arange(n))
        ones = np.ones(n)
        program, used = soft.stretched(members, column, ones, ones, np.full(n, np.inf))
        result = soft.run(program)
        if result.x is None:
            # infeasible: the firm ones are enough; a limit: no smaller set is known
            return firm if result.status is Status.INFEASIBLE else members
        stretch = result.x[soft.hard.n_columns :]
        forced = np.unique(soft.member[used[stretch[used] > STRETCHED]])
        if not len(forced):
            return members
        firm = np.union1d(firm, forced)
    return members


def _highs_iis(soft: SoftProgram, members: Positions) -> Positions:
    """Members of the irreducible infeasible subsystem that HiGHS finds in the same rows."""
    import highspy

    strategy: Any = highspy.IisStrategy
    names = ("kIisStrategyFromLp", "kIisStrategyIrreducible")
    if not all(hasattr(strategy, name) for name in names):
        raise UnsupportedError("this version of highspy has no irreducible infeasible subsystem")
    program, used = soft.program(members)
    even, _ = evened(program.relaxed())
    highs = passed(even, soft.options)
    highs.setOptionValue("iis_strategy", sum(int(getattr(strategy, name)) for name in names))
    _, found = highs.getIis()
    rows = np.array(found.row_index_, dtype=np.intp)
    rows = rows[rows >= soft.hard.n_rows] - soft.hard.n_rows
    return np.unique(soft.member[used[rows]])
