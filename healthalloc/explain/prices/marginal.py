"""The price of one statement of a plan: its sides, slopes, and how far they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from healthalloc.explain.prices.moves import Move, Positions
from healthalloc.explain.prices.sensitivity import Sensitivity
from healthalloc.formulation.assemble import Enforced, Model
from healthalloc.formulation.program import Floats
from healthalloc.layout import Layout
from healthalloc.plan.clause import Clause

EXACT = "exact"
SEARCHED = "to within 5 % of the price, by re-solves"
NOT_COMPUTED = "not computed"


@dataclass(frozen=True)
class Side:
    """One way to tighten a clause.

    Parameters
    ----------
    word
        ``floor``, ``ceiling``, or for one exact value ``raised`` or ``lowered``.
    sign
        1.0 if tighter means up, -1.0 if it means down.
    lower, upper
        Which bounds move.
    target
        Where the bound stands.
    room, back
        Farthest moves, tighter and looser, that make sense; may be infinite.
    """

    word: str
    sign: float
    lower: bool
    upper: bool
    target: float
    room: float
    back: float

    def bounds(self, clause: Clause, step: float) -> tuple[float, float]:
        """The clause's bounds, tightened by ``step`` units."""
        low, high = clause.bounds
        shift = self.sign * step
        return low + shift * self.lower, high + shift * self.upper


def sides(clause: Clause, layout: Layout) -> list[Side]:
    """The ways to tighten a clause."""
    low, high = clause.bounds
    most, least = clause.most_in(layout), 0.0
    if low == high:
        return [
            Side("raised", 1.0, True, True, low, most - low, low - least),
            Side("lowered", -1.0, True, True, low, low - least, most - low),
        ]
    found = []
    if np.isfinite(low):
        found.append(Side("floor", 1.0, True, False, low, min(most, high) - low, low - least))
    if np.isfinite(high):
        room = high - max(least, low)
        found.append(Side("ceiling", -1.0, False, True, high, room, clause.most - high))
    return found


def move_of(model: Model, enforced: Enforced, side: Side, positions: Positions) -> Move:
    """The move of some values of a clause to a side.

    Parameters
    ----------
    model, enforced, side
    positions : ndarray of int
        Values of the clause's measure that are tightened.
    """
    measure = enforced.measure
    start, denominator = enforced.start, None
    if measure.denominator is not None:
        own = csr_array(measure.denominator)[positions]
        denominator = csr_array(
            (own.data, own.indices, own.indptr),
            shape=(len(positions), model.program.n_columns),
        )
        if side.word == "ceiling" and np.isfinite(enforced.clause.bounds[0]):
            start += measure.n_rows  # its floors come first, in rows of their own
    return Move(
        start + positions, side.sign, side.lower, side.upper,
        measure.constant[positions].astype(float), denominator,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class StatementPrice:
    """The price of some values of a clause, all tightened together.

    Parameters
    ----------
    clause
    side, move
        What is tightened.
    low, high
        Slopes of the least cost on the looser and on the tighter side, CNY a year for a unit
        tighter; infinite where the program has no solution; NaN where nothing could move.
    loose, tight
        How far the two hold, in the clause's unit.
    achieved, slack
        Of the value that is tightest.
    sites
        Whether sites are fixed as the plan chose them.
    range_basis
        How ``loose`` and ``tight`` were found; both are NaN if they were not looked for.
    empties
        Whether the rows say nothing as they stand, but in a tighter one the denominator alone
        is left: a resource against a group that holds nothing else.
    """

    clause: Clause
    side: Side
    move: Move
    low: float
    high: float
    loose: float
    tight: float
    achieved: float
    slack: float
    sites: bool
    range_basis: str
    empties: bool

    @property
    def possible(self) -> bool:
        """Whether a tighter target has a cost."""
        return bool(np.isfinite(self.high))

    @property
    def price(self) -> float:
        """Slope on the tighter side; where there is none, on the looser side."""
        return _price(self.low, self.high)

    @property
    def one_percent(self) -> float:
        """Cost of a target tighter by a hundredth of itself."""
        return self.price * abs(self.side.target) / 100.0 if self.possible else np.nan

    def cells(self) -> dict[str, Any]:
        """What a row of a table of prices says of it (see `ClausePrices`)."""
        below, above = self.loose, self.tight
        if self.side.sign < 0:
            below, above = above, below
        ends = np.array([np.maximum(self.low, 0.0), self.high])
        width = np.ptp(ends) if np.isfinite(ends).all() else self.high
        return {
            "achieved": self.achieved,
            "slack": self.slack,
            "side": "fixed" if self._fixed else self.side.word,
            "price_cny_a_year": self.price,
            "price_low_cny_a_year": ends.min(),
            "price_high_cny_a_year": ends.max(),
            "is_range": bool(width > 1e-6 * (1.0 + ends[0])),
            "target_from": self.side.target - below,
            "target_to": self.side.target + above,
            "range_basis": self.range_basis,
            "free": bool(self.high == 0),
            "tighter": self._impossible(),
        }

    @property
    def _fixed(self) -> bool:
        return bool(np.isnan(self.high) or (np.isinf(self.high) and np.isinf(self.low)))

    def _impossible(self) -> str:
        if self.possible:
            return ""
        if np.isnan(self.high):
            if self.empties:
                return (
                    "no price: it holds whatever is decided, and a tighter one allows none of what "
                    "it is measured against"
                )
            return "no price: it speaks of sites only, and they are fixed"
        if self.side.room <= 0:
            word = "most" if self.side.sign > 0 else "least"
            return (
                f"impossible: {self.side.target:g} {self.clause.unit_label} is the {word} there is"
            )
        target = "any other" if self._fixed else "a tighter"
        sites = " with the sites as chosen" if self.sites else ""
        return f"infeasible: no allocation meets {target} target{sites}"


def statement_price(
    study: Sensitivity,
    model: Model,
    enforced: Enforced,
    positions: Positions,
    *,
    sites: bool,
    ranges: bool = True,
) -> StatementPrice:
    """Price some values of a clause, on the side on which tightening them costs most.

    Parameters
    ----------
    study
        Of the linear program that is priced.
    model, enforced
    positions : ndarray of int
        Values of the clause's measure, tightened together.
    sites
        Whether sites are fixed as the plan chose them.
    ranges
        Whether to find how far the price holds.
    """
    clause = enforced.clause
    value = enforced.value(study.x)[positions]
    found: list[tuple[tuple[float, float], Side, Move, tuple[float, Floats], tuple[float, Floats]]]
    found = []
    for side in sides(clause, model.layout):
        move = move_of(model, enforced, side, positions)
        tighter = study.slope(move, 1) if side.room > 0 else (np.inf, study.dual)
        looser = study.slope(move, -1)
        distance = np.append(side.sign * (value - side.target), np.inf)
        rank = (_price(looser[0], tighter[0]), -float(np.nanmin(distance)))
        found.append((rank, side, move, looser, tighter))
    _, side, move, looser, tighter = max(found, key=lambda entry: entry[0])
    low, high, loose, tight = looser[0], tighter[0], 0.0, 0.0
    # a target in the coefficients of one row, where it is free, is the most of a ratio
    in_coefficients = study.settled(move).denominator is not None
    in_coefficients &= not low == high == 0 or len(positions) > 1
    basis = SEARCHED if in_coefficients else EXACT
    if not study.can_move(move):
        low = high = np.nan
        basis = EXACT
    elif not ranges:
        loose = tight = np.nan
        basis = NOT_COMPUTED
    else:
        tight = study.reach(move, 1, *tighter, side.room, side.target)
        loose = study.reach(move, -1, *looser, side.back, side.target) if low >= 0 else 0.0
    slack = clause.slack(value)
    tightest = int(np.argmin(np.where(np.isnan(slack), np.inf, slack)))
    return StatementPrice(
        clause, side, move, low, high, loose, tight, float(value[tightest]),
        float(slack[tightest]), sites, basis,
        study.settled(move).denominator is not None and not study.can_move(move),
    )  # fmt: skip


def _price(low: float, high: float) -> float:
    return float(np.maximum(0.0, high if np.isfinite(high) else low))
