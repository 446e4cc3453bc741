"""The least change of some members that makes a plan hold, with targets fit to be printed."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csc_array, csr_array, vstack

from healthalloc.explain.conflicts.soft import Bounds, SoftProgram
from healthalloc.explain.conflicts.soften import soften
from healthalloc.explain.repairs.targets import (
    WASTE,
    Knob,
    Move,
    equal_values,
    moved_bounds,
    tidy,
)
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.solvers.base import Status

UNCHANGED = 1e-8
"""Change against the size of its target that counts as none."""
MOST_STEPS = 5
TINY = 0.01
"""Share of the total change below which a change is not worth touching one more member."""
GAP = 1e-3
"""Gap of the least change of a plan in whole units: far less than rounding its targets costs."""
SECONDS = 5.0
"""Time to look for changes of a repair that it can do without."""
CLOSE = 0.005
"""Share of a change to which that of a ratio is narrowed down."""


@dataclass(frozen=True, eq=False)
class Changer:
    """Finds the least change of a plan.

    Parameters
    ----------
    soft
        The plan, capped.
    bounds
        Its numbers as they stand.
    knobs
        The numbers that can be moved.
    last
        Members that are changed as little as possible before all else.
    """

    soft: SoftProgram
    bounds: Bounds
    knobs: Sequence[Knob]
    last: Collection[int]

    def least(self, members: Collection[int]) -> list[Move] | None:
        """The least total change of some members, in targets with few digits.

        Total change is the sum of the changes, each as a share of the size of its target. It
        is the least of a linear program, or of one with whole units (to within `GAP`), where
        denominators are fixed; a little more where that leaves a member alone (`TINY`). The
        target of a ratio between resources stands in the coefficients: its row is stretched by
        the change times the denominator, which is taken from the answer before until it
        settles; the change is then narrowed down by bisection with all else in place.

        Returns
        -------
        list of Move or None
            ``None`` if no change of these members was found to be enough.
        """
        allowed = [knob for knob in self.knobs if knob.member in members and knob.most > 0]
        least = self._changes(allowed)
        if least is None:
            return None
        knobs, changes = self._without_tiny(allowed, least)
        used = [(k, c) for k, c in zip(knobs, changes) if c > UNCHANGED * k.scale]
        for position, (knob, change) in enumerate(used):
            if self._is_ratio(knob):
                used[position] = (knob, self._narrowed(used, position, change))
        return self._printed([(k, c) for k, c in used if c > 0])

    # --- the size of the changes

    def _changes(self, knobs: Sequence[Knob]) -> Floats | None:
        """How far each knob must move."""
        base = self.soft.base()
        base = np.where(base > 0, base, 1.0)
        best: Floats | None = None
        weight = 1 / np.array([knob.scale for knob in knobs])
        for _ in range(MOST_STEPS if any(map(self._is_ratio, knobs)) else 1):
            x = self._point(knobs, base, weight)
            if x is None:
                break
            own = self.soft.base(x)
            off = np.where(own > 1e-9, self.soft.shortfall(x) / np.where(own > 1e-9, own, 1.0), 0.0)
            found = np.array([min(knob.most, max(0.0, *off[knob.sides])) for knob in knobs])
            if best is None or weight @ found < weight @ best * (1 - 1e-6):
                best = found
            else:
                break
            base = np.where(own > 1e-9, own, base)
        return best

    def _without_tiny(
        self, knobs: Sequence[Knob], changes: Floats
    ) -> tuple[Sequence[Knob], Floats]:
        """The same without what hardly changes, if the others can do without at little cost."""
        weight = changes / np.array([knob.scale for knob in knobs])
        tiny = (weight > UNCHANGED) & (weight < TINY * weight.sum())
        if not tiny.any():
            return knobs, changes
        rest = [knob for knob, is_tiny in zip(knobs, tiny) if not is_tiny]
        found = self._changes(rest)
        if found is None:
            return knobs, changes
        total = sum(change / knob.scale for knob, change in zip(rest, found))
        return (rest, found) if total <= weight.sum() * (1 + WASTE) else (knobs, changes)

    def _point(self, knobs: Sequence[Knob], base: Floats, weight: Floats) -> Floats | None:
        """A point of least total change: of the last members first, then of all."""
        soft, n = self.soft, len(knobs)
        column = np.full(len(soft.limit), -1)
        for position, knob in enumerate(knobs):
            column[knob.sides] = position
        # with the denominator of another point, the cap of a ratio would mean nothing
        most = np.array([np.inf if self._is_ratio(knob) else knob.most for knob in knobs])
        is_last = np.array([knob.member in self.last for knob in knobs], dtype=bool)
        program, _ = soft.stretched(soft.members, column, base, weight, most)
        if is_last.any():
            first = np.concatenate([np.zeros(program.n_columns - n), np.where(is_last, weight, 0)])
            result = soft.run(replace(program, cost=first), GAP)
            if result.x is None:
                return None
            program = _at_most(program, first, float(first @ result.x))
        result = soft.run(program, GAP)
        if result.x is None or result.status is Status.INFEASIBLE:
            return None
        x = np.where(program.integer, np.round(result.x), result.x)
        return x[: program.n_columns - n]

    def _is_ratio(self, knob: Knob) -> bool:
        if knob.member >= self.soft.n_clauses:
            return False
        return self.soft.model.enforced[knob.member].measure.denominator is not None

    def _narrowed(self, used: Sequence[tuple[Knob, float]], position: int, change: float) -> float:
        """The least change of one knob with the others where they are."""
        others = [Move(k, k.at(c)) for p, (k, c) in enumerate(used) if p != position]
        knob = used[position][0]

        def enough(much: float) -> bool:
            return self._holds([*others, Move(knob, knob.at(much))])

        if not enough(change):
            return change
        if enough(0.0):
            return 0.0  # the others do without it
        low, high = 0.0, change
        while high - low > CLOSE * high and high > UNCHANGED * knob.scale:
            middle = (low + high) / 2
            low, high = (low, middle) if enough(middle) else (middle, high)
        return high

    def _holds(self, moves: Sequence[Move], firm: Sequence[Move] = ()) -> bool:
        """Whether the plan holds after some moves, one value being a range unless firm."""
        soft = self.soft
        bounds = moved_bounds(moved_bounds(self.bounds, moves, loosely=True), firm)
        moved = soften(soft.model, soft.solver, soft.options, bounds, capped=True)
        return moved.feasible(moved.members) is True

    # --- targets fit to be printed

    def _printed(self, used: Sequence[tuple[Knob, float]]) -> list[Move] | None:
        """Moves with few digits that make the plan hold exactly as they are printed."""
        for factor, exact in ((1.0, False), (1.0, True), (1.001, True), (1.02, True)):
            moves = [Move(k, tidy(k, c * factor, exact=exact)) for k, c in used]
            if self._holds(moves):
                break
        else:
            return None
        moves = self._without_needless(moves)
        change_of = {id(knob): change for knob, change in used}
        firm: list[Move] = []
        for position, move in enumerate(moves):
            if move.knob.field == "equals":
                change = change_of[id(move.knob)]
                moves[position] = self._equality(move.knob, change, moves, firm)
                firm.append(moves[position])
        return moves

    def _without_needless(self, moves: list[Move]) -> list[Move]:
        """The moves without those that the others, as printed, can do without.

        Rounding, and programs that end within their gap, leave some; the last members first,
        then the smallest. Of many moves, those that time allows.
        """
        until = time.monotonic() + SECONDS
        for move in sorted(moves, key=lambda m: (m.knob.member not in self.last, m.weight)):
            if len(moves) == 1 or time.monotonic() > until:
                break
            rest = [other for other in moves if other is not move]
            if self._holds(rest):
                moves = rest
        return moves

    def _equality(
        self, knob: Knob, change: float, moves: Sequence[Move], firm: Sequence[Move]
    ) -> Move:
        """One value if one with few digits will do, else the old one with a tolerance."""
        for value in equal_values(knob, change):
            move = Move(knob, value)
            if self._holds(moves, [*firm, move]):
                return move
        wider = replace(knob, field="tolerance", value=0.0, middle=knob.value, up=True, most=np.inf)
        return Move(wider, tidy(wider, change))


def _at_most(program: LinearProgram, row: Floats, value: float) -> LinearProgram:
    """The program with one row more: ``row @ x <= value``, give or take rounding."""
    return replace(
        program,
        matrix=csc_array(vstack([program.matrix, csr_array(row[None, :])])),
        row_lower=np.append(program.row_lower, -np.inf),
        row_upper=np.append(program.row_upper, value * (1 + 1e-6) + 1e-9),
    )
