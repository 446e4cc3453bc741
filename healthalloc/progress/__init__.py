"""How far long work has come: phases that whoever listens is told of.

Work reports in phases, which nest as its calls do. Nothing happens unless somebody listens: the
command does (`shown` draws on standard error), and so can a script::

    from healthalloc.progress import shown

    with shown():
        ha.compare(scenario)

To report from a phase of your own, open it, and say how far it is where that is known::

    from healthalloc.progress import each, phase

    with phase("sweep", total=len(scenarios)) as step:
        for k, scenario in enumerate(scenarios):
            step(done=k, item=scenario.settings.name)
            ...

    for scenario in each(scenarios, "sweep"):  # the same, counted for you
        ...

The name of a phase is a word of ``labels/progress.toml``, which says it in every language.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

Fact = float | str
T = TypeVar("T")


@dataclass(eq=False)
class Phase:
    """One phase of the work that is going on.

    Parameters
    ----------
    name
        A word of the group ``progress`` of the labels.
    total
        Number of steps, if it is known.
    done
        Steps that are finished.
    facts
        What is known so far: ``item`` (what is worked on), ``bound`` and ``best`` (in the
        program's own unit), ``gap`` (share of the best), ``nodes`` and ``iterations`` of a solve.
    """

    name: str
    total: int | None = None
    done: int = 0
    facts: dict[str, Fact] = field(default_factory=dict)


Listener = Callable[[tuple[Phase, ...]], None]
"""Called with the open phases, the outermost first, whenever one begins, moves on or ends."""
Step = Callable[..., None]
"""``step(done=3, item="...")``: how far a phase is; any of the facts of a `Phase` by name."""


class _Heard:
    """A listener, and the phases that are open."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.phases: tuple[Phase, ...] = ()

    def tell(self, phases: tuple[Phase, ...]) -> None:
        self.phases = phases
        self.listener(phases)


_heard: ContextVar[_Heard | None] = ContextVar("heard", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have a function told of every phase of the work inside the ``with``.

    Parameters
    ----------
    listener
        It is called often, in the midst of the work: it should only take note.
    """
    token = _heard.set(_Heard(listener))
    try:
        yield
    finally:
        _heard.reset(token)


def is_heard() -> bool:
    """Whether anybody listens: for reports that cost something to make."""
    return _heard.get() is not None


def _nothing(done: int | None = None, **facts: Fact) -> None:
    """Nobody listens."""


@contextmanager
def phase(name: str, total: int | None = None, **facts: Fact) -> Iterator[Step]:
    """Report a phase of the work for as long as the ``with`` lasts.

    Parameters
    ----------
    name
        A word of the group ``progress`` of the labels.
    total
        Number of steps, if it is known.
    **facts
        What is known at once (see `Phase`).

    Yields
    ------
    Step
        ``step(done=..., **facts)`` says how far it is. It may be called from other threads.
    """
    heard = _heard.get()
    if heard is None:
        yield _nothing
        return
    before = heard.phases
    opened = Phase(name, total, 0, dict(facts))
    phases = (*before, opened)

    def step(done: int | None = None, **facts: Fact) -> None:
        if done is not None:
            opened.done = done
        if facts:
            opened.facts = opened.facts | facts
        heard.listener(heard.phases)

    heard.tell(phases)
    try:
        yield step
    finally:
        heard.tell(before)


def each(
    items: Iterable[T], name: str, total: int | None = None, item: Callable[[T], str] | None = None
) -> Iterator[T]:
    """Go through items as the steps of a phase.

    Parameters
    ----------
    items
    name
        A word of the group ``progress`` of the labels.
    total
        Their number, if it is known and they have no length.
    item
        What an item is called.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    with phase(name, total) as step:
        for k, one in enumerate(items):
            step(k) if item is None else step(k, item=item(one))
            yield one


def shown(*, quiet: bool = False, language: str | None = None) -> AbstractContextManager[None]:
    """Show progress on standard error while the work inside the ``with`` goes on.

    Work that takes less than a second shows nothing. On a terminal one line tells what is being
    done, and goes away with it; elsewhere (a file, a pipe) it is plain lines, a second apart at
    least and the farther apart the longer the work takes.

    Parameters
    ----------
    quiet
        Show nothing.
    language
        ``"en"`` or ``"zh"``; by default as `healthalloc.labels.language_of` has it.

    Raises
    ------
    DataError
        If there is no such language.
    """
    from healthalloc.progress.showing import showing

    return showing(quiet=quiet, language=language)
