"""Another target for a clause, in the form that its target has."""

from __future__ import annotations

import re
from dataclasses import replace

from healthalloc.plan.clause import Clause

TARGET_FORMS = ("at_least", "at_most", "equals", "about")
"""Fields of a clause that hold its target."""


def retargeted(clause: Clause, value: float | tuple[float, float]) -> Clause | str:
    """The clause with another target.

    Parameters
    ----------
    clause
    value
        The new floor, ceiling, value or middle, as the clause has one; a pair (least, most)
        for a clause that has both.

    Returns
    -------
    Clause or str
        Why not, where the value does not fit the form of the target.
    """
    is_range = clause.at_least is not None and clause.at_most is not None
    if isinstance(value, tuple):
        if not is_range:
            return f"its target is one value ({clause.target_label}): give one, not a range"
        low, high = value
        return replace(clause, at_least=float(low), at_most=float(high))
    if is_range:
        return f"has a floor and a ceiling ({clause.target_label}): give both, as LO..HI"
    for form in TARGET_FORMS:
        if getattr(clause, form) is not None:
            return replace(clause, **{form: float(value)})  # type: ignore[arg-type]
    return "has no target that could be changed"


def fits(clause: Clause, unit: str) -> bool:
    """Whether a word is the clause's unit: its label, its field ``unit``, or ``%`` of a share.

    Blanks, commas, underscores and capitals play no part.

    Parameters
    ----------
    clause
    unit
        As somebody typed it.
    """
    label = clause.unit_label
    words = {label, str(getattr(clause, "unit", label))}
    if label.startswith("%"):
        words.add("%")
    return _plain(unit) in {_plain(word) for word in words}


def _plain(word: str) -> str:
    return re.sub(r"[\s,_]", "", word).lower()
