"""A front of cost against a criterion, drawn on given matplotlib axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from healthalloc.labels import Words
from healthalloc.plotting.palette import AFTER

if TYPE_CHECKING:
    from healthalloc.explain.tradeoffs import TradeOffs


def draw_front(ax: Any, found: TradeOffs, words: Words) -> None:
    """The value of the criterion over the rise of cost.

    Plans in whole units lie on steps, since no plan between two of them is known; fractions on a
    line. A hollow point is not proved.
    """
    points = found.points
    whole = found.optimum.model.program.is_mixed_integer
    ax.plot(
        points["cost_rise_percent"], points["value"], marker="o", color=AFTER,
        drawstyle="steps-post" if whole else "default",
    )  # fmt: skip
    stopped = points[points["status"] != "optimal"]
    if len(stopped):
        ax.plot(
            stopped["cost_rise_percent"], stopped["value"], "o", color=AFTER,
            markerfacecolor="white", label=words("plot.unproved"),
        )  # fmt: skip
        ax.legend()
    first = points.iloc[0]
    name = words.known("criterion", str(first["criterion"]))
    ax.set_xlabel(words("plot.rise"))
    ax.set_ylabel(f"{name}\n({words.said(str(first['unit']))})")
    ax.set_title(found.optimum.scenario.settings.name)
    ax.grid(alpha=0.3)
