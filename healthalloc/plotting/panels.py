"""What each plot shows, drawn on given matplotlib axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from healthalloc.access import gini, lorenz_curve
from healthalloc.labels import Words
from healthalloc.plotting import people, series
from healthalloc.plotting.palette import AFTER, BEFORE, LINES, STATES

if TYPE_CHECKING:
    from healthalloc.solution import Solution

NAME = 28
"""Longest name drawn on an axis."""
FEWEST = 6
"""Bars for which a chart of clauses has room, however few there are."""


def short(text: str, most: int = NAME) -> str:
    """A text cut to what a figure can show, on one line."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def draw_map(axes: Sequence[Any], solution: Solution, words: Words) -> None:
    """Populations as discs by gain and loss, facilities as squares by what becomes of them."""
    ax, scenario = axes[0], solution.scenario
    at_facility, at_population = series.places_km(scenario)
    for ring in series.outlines_km(scenario):
        ax.plot(*ring.T, color="#8c959f", linewidth=0.8, zorder=0)
    change = None
    state = pd.Series("even", index=range(len(scenario.populations)))
    if solution.status.has_solution:
        change = people.since_today(solution)
        state = state if change is None else change["state"]
    residents = scenario.populations["residents"].to_numpy(dtype=float)
    size = 8 + 150 * residents / max(residents.max(initial=0.0), 1.0)
    for name in ("gains", "loses", "even", "none"):
        rows = (state == name).to_numpy()
        if rows.any():
            ax.scatter(
                at_population["x_km"][rows], at_population["y_km"][rows], s=size[rows], alpha=0.55,
                color=STATES[name], linewidths=0,
                label=words("plot.residents") if change is None else words(f"state.{name}"),
            )  # fmt: skip
    facilities = series.facility_states(solution)
    for name in ("opens", "closes", "grows", "shrinks", "same", "today"):
        rows = (facilities["state"] == name).to_numpy()
        if rows.any():
            marker = {"opens": "*", "closes": "x"}.get(name, "s")
            ax.scatter(
                at_facility["x_km"][rows], at_facility["y_km"][rows], s=26, marker=marker,
                color=STATES[name], linewidths=1.0,
                label=words("plot.facility", state=words(f"state.{name}")),
            )  # fmt: skip
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_xlabel(words("plot.km_east"))
    ax.set_ylabel(words("plot.km_north"))
    ax.set_title(short(scenario.settings.name, 80))
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize=8, loc="best")


def largest(solution: Solution, kind: str, most: int) -> pd.DataFrame:
    """The facilities that hold most of a kind before or after, largest first."""
    held = series.held_by_facility(solution, kind)
    size = held[["existing", "allocated"]].max(axis=1)
    return held[size > 0].loc[size[size > 0].sort_values(ascending=False).index].head(most)


def draw_allocation(
    axes: Sequence[Any], solution: Solution, words: Words, *, kind: str, held: pd.DataFrame
) -> None:
    """Two bars a facility: before and after."""
    ax = axes[0]
    solution.stock  # noqa: B018 - raises where there is no allocation
    y = np.arange(len(held))
    ax.barh(y - 0.2, held["existing"], 0.4, color=BEFORE, label=words("plot.before"))
    ax.barh(y + 0.2, held["allocated"], 0.4, color=AFTER, label=words("plot.after"))
    ax.set_yticks(y, [short(name) for name in held["name"]], fontsize=8)
    ax.invert_yaxis()
    ax.set_title(words("plot.allocation", kind=words.known("kind", kind)))
    ax.legend(fontsize=8)


def draw_cost(axes: Sequence[Any], solution: Solution, words: Words) -> None:
    """A bar for each component that is not nothing."""
    ax = axes[0]
    parts = cost_parts(solution)
    y = np.arange(len(parts))
    ax.barh(y, parts["cny_a_year"] / 1e6, color=AFTER)
    ax.set_yticks(y, [words(f"cost.{name}") for name in parts["component"]], fontsize=9)
    ax.invert_yaxis()
    ax.set_xlabel(words("plot.million_cny"))
    total = solution.cost.set_index("component")["cny_a_year"]["total"]
    ax.set_title(words("plot.cost", total=words.money(float(total))))


def cost_parts(solution: Solution) -> pd.DataFrame:
    """Components of the cost that are not nothing, without the sums."""
    cost = solution.cost
    return cost[~cost["component"].isin(["total", "objective"]) & (cost["cny_a_year"].abs() > 0.5)]


def draw_access(axes: Sequence[Any], solution: Solution, words: Words) -> None:
    """Residents reached by travel on the left, the Lorenz curve on the right."""
    scenario = solution.scenario
    solution.access  # noqa: B018 - raises where there is no allocation
    names = scenario.services.set_index("service_id")["name"]
    units = set()
    wanted = [s for s in scenario.services["service_id"] if s in set(scenario.demand["service_id"])]
    for service_id, color in zip(wanted, LINES):
        for subject, style in ((scenario, ":"), (solution, "-")):
            curve = series.travel_curve(subject, service_id)
            if curve is not None:
                travel, percent, unit = curve
                units.add(unit)
                label = short(str(names[service_id])) if style == "-" else None
                axes[0].step(travel, percent, style, where="post", color=color, label=label)
    axes[0].set_ylim(0, 102)
    axes[0].set_xlabel(words("plot.travel", unit="/".join(words.known("unit", u) for u in units)))
    axes[0].set_ylabel(words("plot.percent_residents"))
    axes[0].set_title(words("plot.reached"))
    if units:
        axes[0].legend(fontsize=7, loc="lower right")
    axes[1].plot([0, 1], [0, 1], color="#999999", linewidth=0.8)
    for word, subject, color in (("before", scenario, BEFORE), ("after", solution, AFTER)):
        found = people.weighted_access(subject)
        if found is not None:
            label = f"{words(f'plot.{word}')}: {words('plot.gini')} {gini(*found):.3f}"
            axes[1].plot(*lorenz_curve(*found), color=color, label=label)
    if axes[1].get_legend_handles_labels()[0]:
        axes[1].legend(fontsize=8)
    axes[1].set_xlabel(words("plot.share_residents"))
    axes[1].set_ylabel(words("plot.share_units"))
    axes[1].set_title(words("plot.lorenz"))


def draw_clauses(axes: Sequence[Any], solution: Solution, words: Words, *, most: int) -> None:
    """Dearest clauses on the left, shortfall of those that fail on the right."""
    clauses = solution.clauses
    clauses = clauses.assign(one_percent=series.one_percent_cny(clauses))
    dear = clauses[clauses["one_percent"] > 0.5].nlargest(most, "one_percent")
    broken = clauses[clauses["met"].eq(False)].copy()
    broken["short"] = series.shortfall_percent(broken)
    broken = broken.nlargest(most, "short")
    for ax, rows, column, scale, color in (
        (axes[0], dear, "one_percent", 1e-6, AFTER),
        (axes[1], broken, "short", 1.0, STATES["loses"]),
    ):
        y = np.arange(len(rows))
        ax.barh(y, rows[column] * scale, color=color)
        labels = [short(f"{i} {q}") for i, q in zip(rows["clause_id"], rows["quote"])]
        ax.set_yticks(y, labels, fontsize=8)
        ax.set_ylim(max(len(rows), FEWEST) - 0.5, -0.5)
        if rows.empty:
            ax.text(0.5, 0.5, words("plot.nothing"), ha="center", transform=ax.transAxes)
    axes[0].set_xlabel(words("plot.million_cny"))
    axes[0].set_title(words("plot.dearest"))
    axes[1].set_xlabel(words("plot.percent_target"))
    axes[1].set_title(words("plot.broken"))
