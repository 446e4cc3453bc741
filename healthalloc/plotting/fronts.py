"""A front of cost against a criterion, drawn on given matplotlib axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from healthalloc.labels import Words
from healthalloc.plotting.palette import AFTER

if TYPE_CHECKING:
    from healthalloc.explain.tradeoffs import TradeOffs


def draw_front(ax: Any, found: TradeOffs, words: Words) -> None:
    """The value of the criterion over the rise of cost.

    Plans in whole units lie on steps, since no plan lies between two of them; fractions on a
    line.
    """
    points = found.points
    whole = found.optimum.model.program.is_mixed_integer
    ax.plot(
        points["cost_rise_percent"], points["value"], marker="o", color=AFTER,
        drawstyle="steps-post" if whole else "default",
    )  # fmt: skip
    first = points.iloc[0]
    name = words.known("criterion", str(first["criterion"]))
    ax.set_xlabel(words("plot.rise"))
    ax.set_ylabel(f"{name} ({words.known('unit', str(first['unit']))})")
    ax.set_title(found.optimum.scenario.settings.name)
    ax.grid(alpha=0.3)
