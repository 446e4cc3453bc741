"""The numbers of a plan that a repair may move, and the plan with some of them moved."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from healthalloc.explain.conflicts.soft import Bounds, Positions, SoftProgram
from healthalloc.formulation.assemble import Model
from healthalloc.formulation.budget import Budget
from healthalloc.plan.clause import Clause
from healthalloc.scenario import Scenario

WASTE, BLUR = 0.02, 0.005
"""Rounding may cost so much of the change, and so much of the number it leads to."""
MOST_DIGITS = 9


@dataclass(frozen=True, eq=False)
class Knob:
    """One number of the plan that can be moved so that sides are easier to meet.

    Parameters
    ----------
    member
        Clause or stock limit that it belongs to, as in `SoftProgram`.
    field
        ``at_least``, ``at_most``, ``equals`` or ``tolerance`` of a clause, ``lower`` or
        ``upper`` of a stock limit.
    value
        The number as it stands, in the unit of the member; of a tolerance that is not given, 0.
    middle
        For a tolerance, the value that it surrounds.
    up
        Whether it moves up.
    most
        Farthest that it can move.
    scale
        What a change is held against: the size of the target; where that is 0, 100 for a
        share in percent and one unit for all else.
    sides : ndarray of int
        Sides that it eases.
    """

    member: int
    field: str
    value: float
    middle: float
    up: bool
    most: float
    scale: float
    sides: Positions

    def at(self, change: float) -> float:
        """The number after a change."""
        return self.value + change if self.up else self.value - change


def knobs_of(soft: SoftProgram, bounds: Bounds) -> list[Knob]:
    """Every number of the plan that can be moved.

    A floor can go down, a ceiling up, and one value either way. A value in each of several
    places (equals with several rows), or a value with a tolerance, gets a wider tolerance.

    Parameters
    ----------
    soft
    bounds
        The numbers as they stand.
    """
    knobs: list[Knob] = []
    n_clauses = soft.n_clauses
    for number, (low, high) in enumerate(bounds.clauses):
        clause = soft.model.enforced[number].clause
        own = soft.member == number
        floor, ceiling = (np.flatnonzero(own & (soft.is_floor == up)) for up in (True, False))
        cap = max(clause.most - high, 0.0)

        def knob(
            field: str, value: float, up: bool, most: float, sides: Positions,
            middle: float = np.nan, *, clause: Clause = clause, number: int = number,
        ) -> None:  # fmt: skip
            scale = _scale(value if np.isnan(middle) else middle, clause.most)
            knobs.append(Knob(number, field, value, middle, up, most, scale, sides))

        if clause.about is not None:
            both = np.concatenate([floor, ceiling])
            knob("tolerance", clause.tolerance or 0.0, True, np.inf, both, clause.about)
        elif clause.equals is not None and len(floor) > 1:
            both = np.concatenate([floor, ceiling])
            knob("tolerance", 0.0, True, np.inf, both, clause.equals)
        elif clause.equals is not None:
            knob("equals", low, False, low, floor)
            raised = max(clause.most_in(soft.model.layout) - high, 0.0)
            knob("equals", high, True, raised, ceiling)
        else:
            if np.isfinite(low):
                knob("at_least", low, False, low, floor)
            if np.isfinite(high):
                knob("at_most", high, True, cap, ceiling)
    for side in np.flatnonzero(soft.member >= n_clauses):
        member = int(soft.member[side])
        k = member - n_clauses
        if soft.is_floor[side]:
            low = float(bounds.lower[k])
            knobs.append(
                Knob(member, "lower", low, np.nan, False, low, _scale(low), np.array([side]))
            )
        else:
            high = float(bounds.upper[k])
            most = float(soft.hard.column_upper[k]) - high
            knobs.append(
                Knob(member, "upper", high, np.nan, True, most, _scale(high), np.array([side]))
            )
    return knobs


def _scale(value: float, most: float = np.inf) -> float:
    if value:
        return abs(value)
    return 100.0 if np.isfinite(most) else 1.0


@dataclass(frozen=True, eq=False)
class Move:
    """A number of the plan as it stands and as a repair moves it.

    Parameters
    ----------
    knob
    to
        The number moved.
    """

    knob: Knob
    to: float

    @property
    def weight(self) -> float:
        """Size of the change against the size of the target."""
        return abs(self.to - self.knob.value) / self.knob.scale

    @property
    def is_all_the_way(self) -> bool:
        """Whether the number cannot be moved any farther."""
        return abs(self.to - self.knob.value) >= self.knob.most * (1 - 1e-9)


def is_budget(model: Model, member: int) -> bool:
    """Whether a member is the budget of the scenario."""
    return member < len(model.enforced) and isinstance(model.enforced[member].clause, Budget)


def moved_bounds(bounds: Bounds, moves: Sequence[Move], *, loosely: bool = False) -> Bounds:
    """The numbers with some moved.

    Parameters
    ----------
    bounds
        As they stand.
    moves
    loosely
        Whether one value becomes a range from where it stands to where it is moved.
    """
    clauses, lower, upper = list(bounds.clauses), bounds.lower.copy(), bounds.upper.copy()
    n = len(clauses)
    for move in moves:
        number, to, field = move.knob.member, move.to, move.knob.field
        if field == "lower":
            lower[number - n] = to
        elif field == "upper":
            upper[number - n] = to
        elif field == "tolerance":
            clauses[number] = (move.knob.middle - to, move.knob.middle + to)
        elif field == "equals" and not loosely:
            clauses[number] = (to, to)
        elif move.knob.up:
            clauses[number] = (clauses[number][0], to)
        else:
            clauses[number] = (to, clauses[number][1])
    return Bounds(tuple(clauses), lower, upper)


def moved_scenario(model: Model, moves: Sequence[Move]) -> Scenario:
    """The scenario with some numbers moved; every check at the door is made anew."""
    scenario, n = model.scenario, len(model.enforced)
    by_name: dict[str, Clause] = {}
    stock = scenario.stock.copy()
    for move in moves:
        number, to, field = move.knob.member, move.to, move.knob.field
        if number >= n:
            stock.loc[stock.index[number - n], field] = to
            continue
        clause = model.enforced[number].clause
        if isinstance(clause, Budget):
            settings = dataclasses.replace(scenario.settings, budget_cny_a_year=to)
            scenario = scenario.replace(settings=settings)
            continue
        clause = by_name.get(clause.name, clause)
        changes: Mapping[str, Any] = {field: to}
        if field == "tolerance":
            changes = {"equals": None, "about": move.knob.middle, "tolerance": to}
        by_name[clause.name] = dataclasses.replace(clause, **changes)
    clauses = [by_name.get(clause.name, clause) for clause in scenario.plan.clauses]
    return scenario.replace(
        stock=stock, plan=dataclasses.replace(scenario.plan, clauses=tuple(clauses))
    )


def tidy(knob: Knob, change: float, *, exact: bool = False) -> float:
    """The number after a change, with as few digits as waste next to nothing.

    It is rounded away from where it stands, so that what it makes possible stays possible.

    Parameters
    ----------
    knob
    change
        How far it must move.
    exact
        Whether to allow nothing for the rounding that solvers leave behind.
    """
    value = knob.at(change)
    allowance = 0.0 if exact else 1e-6 * max(1.0, abs(value))
    rounded = value
    for digits in range(MOST_DIGITS + 1):
        unit = 10.0**digits
        if knob.up:
            rounded = float(np.ceil((value - allowance) * unit) / unit)
        else:
            rounded = float(np.floor((value + allowance) * unit) / unit)
        rounded = round(rounded, digits)
        if abs(rounded - value) <= _waste(knob, change) + allowance:
            break
    nearest, farthest = sorted((knob.value, knob.at(knob.most)))
    return float(min(max(rounded, nearest), farthest))


def _waste(knob: Knob, change: float) -> float:
    """The most that rounding may add to a change."""
    return min(WASTE * change, BLUR * max(abs(knob.at(change)), 0.2 * knob.scale))


def equal_values(knob: Knob, change: float) -> list[float]:
    """Values with few digits near that of a changed equality, best first."""
    value = knob.at(change)
    values: list[float] = []
    for digits in range(MOST_DIGITS + 1):
        unit = 10.0**digits
        steps = {np.floor(value * unit), np.ceil(value * unit)}
        # the one farther from where it stands first: it is sure to be on the good side
        for step in sorted(steps, reverse=knob.up):
            candidate = round(float(step / unit), digits)
            waste = _waste(knob, change) + 1e-6 * max(1.0, abs(value))
            close = abs(candidate - value) <= waste
            if close and candidate >= 0 and candidate not in values:
                values.append(candidate)
    return values
