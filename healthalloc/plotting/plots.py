"""Plots of a solution on matplotlib: ``solution.plot.map()`` and its like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from healthalloc.labels import Words, language_of
from healthalloc.plotting import panels
from healthalloc.plotting.figure import figure_class, legible

if TYPE_CHECKING:
    from healthalloc.solution import Solution


class Plots:
    """The plots of a solution; each method makes a matplotlib figure to be saved or shown.

    Names are drawn with a font that has their glyphs. Every method takes ``language`` (``"en"``
    or ``"zh"``, by default that of ``HEALTHALLOC_LANG``) and raises

    - UnsupportedError if matplotlib is not installed, or a text is Chinese and no font for it is;
    - NoSolutionError if there is no allocation to show (``map`` then shows today's stock).

    Parameters
    ----------
    solution
    """

    def __init__(self, solution: Solution) -> None:
        self._solution = solution

    def map(self, *, language: str | None = None) -> Any:
        """Facilities by what becomes of them, populations by who gains and who loses."""
        return self._drawn(panels.draw_map, (8.0, 7.0), 1, language)

    def allocation(self, kind: str = "bed", *, most: int = 25, language: str | None = None) -> Any:
        """Units in each facility before and after, the largest first.

        Parameters
        ----------
        kind
            Kind of resource: ``bed``, ``staff``, ``equipment``, ``place`` or ``department``.
        most
            Facilities shown one by one.
        language
        """
        held = panels.largest(self._solution, kind, most)
        size = (9.0, 1.5 + 0.34 * max(len(held), 1))
        return self._drawn(panels.draw_allocation, size, 1, language, kind=kind, held=held)

    def cost(self, *, language: str | None = None) -> Any:
        """Yearly cost by component."""
        return self._drawn(panels.draw_cost, (8.0, 4.0), 1, language)

    def access(self, *, language: str | None = None) -> Any:
        """Residents reached by travel time, and the Lorenz curve of access."""
        return self._drawn(panels.draw_access, (11.0, 4.8), 2, language)

    def clauses(self, *, most: int = 15, language: str | None = None) -> Any:
        """The dearest clauses, and how far those that fail are from their target.

        Parameters
        ----------
        most
            Clauses shown on each side.
        language
        """
        return self._drawn(panels.draw_clauses, (11.0, 5.5), 2, language, most=most)

    def _drawn(
        self, draw: Any, size: tuple[float, float], n: int, language: str | None, **more: Any
    ) -> Any:
        words = Words(language_of(language))
        figure = figure_class()(figsize=size, layout="constrained")
        axes = figure.subplots(1, n, squeeze=False)[0]
        draw(axes, self._solution, words, **more)
        return legible(figure)
