"""Figures of matplotlib, which is imported only when a plot is asked for."""

from __future__ import annotations

import importlib
from typing import Any

from healthalloc.errors import UnsupportedError
from healthalloc.plotting.fonts import families


def figure_class() -> Any:
    """The figure of matplotlib.

    Raises
    ------
    UnsupportedError
        If matplotlib is not installed.
    """
    try:
        return importlib.import_module("matplotlib.figure").Figure
    except ImportError:
        raise UnsupportedError(
            "a plot needs matplotlib: install it with pip install 'healthalloc[plot]'"
        ) from None


def legible(figure: Any) -> Any:
    """The figure with every text in a font that has its glyphs, and no text read as maths.

    Raises
    ------
    UnsupportedError
        If a text is Chinese and no font for it is installed.
    """
    from matplotlib.text import Text

    texts = figure.findobj(Text)
    chosen = families([text.get_text() for text in texts])
    for text in texts:
        text.set_fontfamily(chosen)
        text.set_parse_math(False)
    return figure
