"""Progress on standard error: one line that moves on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from healthalloc.labels import Words, language_of
from healthalloc.progress import Phase, listening

AFTER_S = 1.0
"""Work that ends sooner shows nothing."""
FRAMES_A_SECOND = 8
SPREAD = 0.25
"""Plain lines come this share of the time gone apart, and never nearer than `AFTER_S`."""
SAME_S = 10.0
"""A plain line that says nothing new is said again after this many seconds."""


@contextmanager
def showing(*, quiet: bool = False, language: str | None = None) -> Iterator[None]:
    """As `healthalloc.progress.shown`, which imports this on first use."""
    words = Words(language_of(language))
    if quiet:
        yield
        return
    watch = _Watch(words, Console(stderr=True, highlight=False))
    drawing = threading.Thread(target=watch.draw, name="progress", daemon=True)
    drawing.start()
    try:
        with listening(watch.hear):
            yield
    finally:
        watch.ended.set()
        drawing.join()


class _Watch:
    """What was last heard, and a thread that shows it from time to time."""

    def __init__(self, words: Words, console: Console) -> None:
        self.words = words
        self.console = console
        self.phases: tuple[Phase, ...] = ()
        self.began = time.monotonic()
        self.ended = threading.Event()

    def hear(self, phases: tuple[Phase, ...]) -> None:
        self.phases = phases

    def line(self) -> str:
        return line(self.phases, time.monotonic() - self.began, self.words)

    def draw(self) -> None:
        if self.ended.wait(AFTER_S):
            return
        if self.console.is_terminal:
            self._live()
        else:
            self._plain()

    def _live(self) -> None:
        spinner = Spinner("dots", style="cyan")

        def frame() -> Text:
            turning = cast(Text, spinner.render(time.monotonic()))
            text = Text.assemble(turning, " ", self.line(), no_wrap=True, overflow="ellipsis")
            text.truncate(self.console.width - 1, overflow="ellipsis")
            return text

        with Live(
            get_renderable=frame, console=self.console, transient=True, redirect_stdout=False,
            redirect_stderr=False, refresh_per_second=FRAMES_A_SECOND,
        ):  # fmt: skip
            self.ended.wait()

    def _plain(self) -> None:
        told, told_at = "", self.began
        while True:
            now, work = time.monotonic(), working(self.phases, self.words)
            if work and (work != told or now - told_at >= SAME_S):
                told, told_at = work, now
                sys.stderr.write(f"{self.line()}\n")
                sys.stderr.flush()
            if self.ended.wait(max(AFTER_S, SPREAD * (now - self.began))):
                return


def line(phases: tuple[Phase, ...], seconds: float, words: Words) -> str:
    """What is being done, in one line.

    Parameters
    ----------
    phases
        The open phases, the outermost first.
    seconds
        Time gone since the work began.
    words
    """
    return words("progress.line", work=working(phases, words), seconds=f"{seconds:.0f}")


def working(phases: tuple[Phase, ...], words: Words) -> str:
    """The open phases and what is known of each, without the time."""
    return " › ".join(_part(phase, words) for phase in phases)


def _part(phase: Phase, words: Words) -> str:
    text = words.known("progress", phase.name)
    if phase.total:
        text += f" {min(phase.done + 1, phase.total)}/{phase.total}"
    facts = []
    for name, value in sorted(phase.facts.items()):
        if not isinstance(value, str):
            shown = f"{100 * value:.2g} %" if name == "gap" else f"{value:,.0f}"
            facts.append(words(f"progress_fact.{name}", value=shown))
        elif value:
            text += f" ({value})"
    if not facts:
        return text
    return words("progress.with_facts", work=text, facts=words("progress.and").join(facts))
