"""The option ``--plot`` of the commands that draw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from healthalloc.errors import DataError, Problem
from healthalloc.plotting.figure import figure_class

PLOT_TYPES = (".svg", ".png", ".pdf")
PlotFile = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        show_default=False,
        help="Draw it in this file, .svg, .png or .pdf (needs matplotlib).",
    ),
]


def check_plot(plot: Path | None, folder: Path) -> None:
    """Refuse a plot that cannot be drawn, before the work, so that nothing is written without it.

    Parameters
    ----------
    plot
        As asked for; ``None``: none is.
    folder
        Scenario folder, in which nothing is ever written.

    Raises
    ------
    DataError
        If there is no such folder or type of file, or it lies in the scenario.
    UnsupportedError
        If matplotlib is not installed.
    """
    if plot is None:
        return
    inside = folder.resolve() in plot.resolve().parents
    if plot.suffix.lower() not in PLOT_TYPES or not plot.parent.is_dir() or inside:
        ends = ", ".join(PLOT_TYPES)
        mend = f"a file in a folder that exists, outside the scenario, ending in {ends}"
        raise DataError([Problem("--plot", "cannot be drawn", value=str(plot), mend=mend)])
    figure_class()
