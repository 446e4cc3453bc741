"""Every error the package raises, and the record of one problem in the input."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the input.

    Parameters
    ----------
    table
        Name of the table or file it stands in, e.g. ``"facilities"``.
    message
        What is wrong and what is allowed.
    row
        Position of the row in the table, counted from 1 without the header;
        ``None`` when the problem is not in one row.
    column
        Name of the column or field, or ``""``.
    value
        The offending value as it was given, or ``""``.
    mend
        How to mend it, or ``""``.
    """

    table: str
    message: str
    row: int | None = None
    column: str = ""
    value: str = ""
    mend: str = ""

    def __str__(self) -> str:
        place = [self.table]
        if self.row is not None:
            place.append(f"row {self.row}")
        if self.column:
            place.append(f"column {self.column}")
        text = ", ".join(place) + ": "
        if self.value:
            text += f"{self.shown_value} "
        text += self.message
        return f"{text} ({self.mend})" if self.mend else text

    @property
    def shown_value(self) -> str:
        """The value in quotes, a long one cut."""
        return repr(self.value if len(self.value) <= 60 else self.value[:57] + "...")


class HealthAllocError(Exception):
    """Base of every error the package raises on purpose."""


class DataError(HealthAllocError):
    """The input is wrong; carries **all** problems found, not the first.

    Attributes
    ----------
    problems : tuple of Problem
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        n = len(self.problems)
        head = f"{n} problem{'' if n == 1 else 's'} in the input:"
        super().__init__("\n".join([head, *(f"  - {p}" for p in self.problems)]))

    def __reduce__(self) -> tuple[type[DataError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)  # an exception is else made anew from its text


class PlanError(DataError):
    """A clause of the plan is wrong: unknown kind, unit or field, or an empty scope."""


class UnsupportedError(HealthAllocError):
    """The request is well formed but this version or this solver cannot do it."""


class SolverError(HealthAllocError):
    """The solver failed, or its answer did not pass the certificate."""


class TimeLimitError(SolverError):
    """A time limit came before the answer."""


class NoSolutionError(HealthAllocError):
    """No allocation to show: infeasible, unbounded, or a limit came first.

    Raised by ``Solution.require_optimal``; the text carries the diagnosis.
    """
