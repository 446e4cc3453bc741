"""The clause: what every statement of a plan has in common, and the registry of kinds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from healthalloc.plan.measure import Measure, in_area, stacked
from healthalloc.settings import STRICT, AtLeastZero

if TYPE_CHECKING:
    from healthalloc.layout import Layout

RESOURCE, FACILITY, SERVICE = "resource", "facility", "service"
AREA, LEVEL = "area", "level"
ResourceId = Annotated[str, RESOURCE]
FacilityId = Annotated[str, FACILITY]
ServiceId = Annotated[str, SERVICE]
AreaId = Annotated[str, AREA]
Words = str | tuple[str, ...]
Scope = Annotated[Mapping[str, Words], "scope"]
Number = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True)
class Clause(ABC):
    """One statement of a plan.

    Subclasses add the fields that say what is measured and implement `measure`. A field of
    type `ResourceId`, `FacilityId`, `ServiceId`, `AreaId` or `Scope` is checked against the
    tables at the door.

    Parameters
    ----------
    id
        Identifier in the plan.
    part
        Name of the statement, when the clause makes several.
    quote
        The words of the plan.
    source
        Where in the plan they stand.
    status
        ``binding`` (约束性), ``expected`` (预期性), ``text`` or ``table``.
    treatment
        ``enforce``: a row of the program; ``audit``: measured only; ``record``: kept, because
        it cannot be measured here.
    baseline
        Base-year value as the plan prints it, in the clause's unit.
    at_least
        The target as a floor, in the clause's unit; with ``at_most`` a range.
    at_most
        The target as a ceiling.
    equals
        The target as one value.
    about
        The target as a value give or take ``tolerance``.
    tolerance
        How far from ``about`` is still met.
    area
        Area of which the clause speaks, with all that lie in it: only its facilities and its
        residents count. Empty: the whole region.
    each_area
        Level or levels of areas: the clause makes a statement for each of these areas.
    note
        Remarks; one that begins ``assumed:`` is listed among the assumptions.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    kind: ClassVar[str]
    most: ClassVar[float] = np.inf
    """Largest target that makes sense, in the clause's unit."""
    is_parameter: ClassVar[bool] = False
    """Whether enforcing the clause changes a norm of the program instead of adding rows."""
    measure_has_target: ClassVar[bool] = False
    """Whether what the clause measures hangs on its target, and must follow it."""
    is_about_distance: ClassVar[bool] = False
    """Whether who can meet the clause hangs on distances: nobody near enough is then a finding
    (the plan is infeasible, and that is explained), not a slip in the tables."""

    id: Annotated[str, Field(min_length=1)]
    part: str = ""
    quote: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    status: Literal["binding", "expected", "text", "table"] = "text"
    treatment: Literal["enforce", "audit", "record"] = "enforce"
    baseline: Number | None = None
    at_least: AtLeastZero | None = None
    at_most: AtLeastZero | None = None
    equals: AtLeastZero | None = None
    about: AtLeastZero | None = None
    tolerance: AtLeastZero | None = None
    area: Annotated[str, AREA] = ""
    each_area: Annotated[Words, LEVEL] = ()
    note: str = ""

    @property
    @abstractmethod
    def unit_label(self) -> str:
        """Unit of the value, the target and the slack."""

    @abstractmethod
    def measure(self, layout: Layout) -> Measure:
        """What the clause measures, as coefficients over stock, openings and flows.

        Kinds state it for the region that the layout shows; `measured` gives them the area.
        """

    def measured(self, layout: Layout) -> Measure:
        """What the clause measures where it speaks: in its area, or in each area of a level."""
        if self.each_area:
            areas = layout.areas_of(self.each_area, self.area)
            return stacked([in_area(self.measure(layout.part(a)), a) for a in areas])
        if self.area:
            return in_area(self.measure(layout.part(self.area)), self.area)
        return self.measure(layout)

    def stay_factor(self, layout: Layout) -> NDArray[np.float64]:
        """Of a parameter, the stay that it asks for as a share of the service's.

        Returns
        -------
        ndarray, shape (n_facilities, n_services)
        """
        raise NotImplementedError(f"{self.kind} is called a parameter, but changes no stay")

    def most_in(self, layout: Layout) -> float:
        """Largest floor that makes sense in this scenario, in the clause's unit."""
        return self.most

    def problems(self, layout: Layout) -> list[str]:
        """What else is wrong with the clause in this scenario; kinds may add to it."""
        return []

    @property
    def is_priced(self) -> bool:
        """Whether breaking the clause has a price of its own, so that it needs no target."""
        return False

    @property
    def nothing_to_say(self) -> str:
        """Why the clause measures nothing, where it does."""
        return "none: it speaks of nothing in this scenario"

    @property
    def name(self) -> str:
        """The id, with the part where there is one."""
        return f"{self.id}/{self.part}" if self.part else self.id

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and most allowed value, in the clause's unit; infinite where there is none."""
        if self.equals is not None:
            return self.equals, self.equals
        if self.about is not None:
            width = self.tolerance or 0.0
            return self.about - width, self.about + width
        low = -np.inf if self.at_least is None else self.at_least
        high = np.inf if self.at_most is None else self.at_most
        return low, high

    @property
    def target_label(self) -> str:
        """The target in words, e.g. ``">= 8.9"``, ``"2 to 3"`` or ``"exactly 40"``.

        Never ``"= 40"``, which a spreadsheet would run.
        """
        if self.equals is not None:
            return f"exactly {self.equals:.12g}"
        if self.about is not None:
            return f"{self.about:.12g} ± {self.tolerance or 0.0:.12g}"
        low, high = self.bounds
        if np.isfinite(low) and np.isfinite(high):
            return f"{low:.12g} to {high:.12g}"
        if np.isfinite(low):
            return f">= {low:.12g}"
        return f"<= {high:.12g}" if np.isfinite(high) else ""

    def ceiling_refused(self) -> list[str]:
        """Why the clause may have no ceiling, where a kind allows floors only."""
        if self.treatment != "enforce" or np.isinf(self.bounds[1]):
            return []
        return ["only a floor makes sense here: give at_least alone, or treatment audit"]

    def bound_problems(self) -> list[str]:
        """What is wrong with the target, in words."""
        given = [
            n for n in ("at_least", "at_most", "equals", "about") if getattr(self, n) is not None
        ]
        problems = []
        if len(given) > 1 and set(given) != {"at_least", "at_most"}:
            problems.append(f"gives {' and '.join(given)}: allowed is one, or at_least and at_most")
        if (self.about is None) != (self.tolerance is None):
            problems.append("about and tolerance go together")
        if not given and self.treatment == "enforce" and not self.is_priced:
            problems.append("an enforced clause needs at_least, at_most, equals or about")
        low, high = self.bounds
        if low > high:
            problems.append(f"at_least {low:g} is above at_most {high:g}")
        if max(getattr(self, n) for n in given) > self.most if given else False:
            problems.append(f"the target is above {self.most:g} {self.unit_label}")
        return problems

    def slack(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance of values from the nearer bound, negative where it is broken."""
        low, high = self.bounds
        with np.errstate(invalid="ignore"):  # an infinite value has no distance to no bound
            return np.fmin(value - low, high - value)


KINDS: dict[str, type[Clause]] = {}
"""Clause kinds that ``plan.toml`` may name."""

AnyClause = TypeVar("AnyClause", bound=type[Clause])


def register(kind: AnyClause) -> AnyClause:
    """Make a clause kind known to the TOML reader (a class decorator).

    Parameters
    ----------
    kind
        The class; its ``kind`` is the name that ``plan.toml`` gives.

    Raises
    ------
    ValueError
        If another kind has the same name.
    """
    if KINDS.setdefault(kind.kind, kind) is not kind:
        raise ValueError(f"two clause kinds are called {kind.kind!r}")
    return kind


def ones(n_rows: int) -> NDArray[np.float64]:
    """Denominator of an amount, shape (n_rows,)."""
    return np.ones(n_rows)


@dataclass(frozen=True, kw_only=True)
class Check:
    """Arithmetic between figures that the plan prints.

    ``computed = scale x sum(sum) x product(times) / sum(over)`` is held against the printed
    value; the entries are ids of the table ``facts``.

    Parameters
    ----------
    id
        Identifier of the check.
    printed
        Fact whose printed value is tested.
    sum, times, over
        Facts that the value should follow from.
    scale
        Constant factor, e.g. 1000 for a rate per 1,000.
    tolerance
        Difference allowed; by default half a unit of the last printed digit.
    explains
        What it means when the two disagree.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    id: Annotated[str, Field(min_length=1)]
    printed: str
    sum: tuple[str, ...]
    times: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    scale: Number = 1.0
    tolerance: AtLeastZero | None = None
    explains: str = ""

    @property
    def facts(self) -> tuple[str, ...]:
        """Every fact the check refers to."""
        return (self.printed, *self.sum, *self.times, *self.over)


@dataclass(frozen=True)
class Plan:
    """The clauses of a plan and the checks of its own arithmetic.

    Parameters
    ----------
    clauses
        The clauses, each statement (part) on its own.
    checks
        Arithmetic between printed figures.
    """

    clauses: Sequence[Clause] = ()
    checks: Sequence[Check] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "clauses", tuple(self.clauses))
        object.__setattr__(self, "checks", tuple(self.checks))
