"""The charts of the report, in Bokeh: hover, zoom and legend without any network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.access import gini, lorenz_curve
from healthalloc.labels import Words, number
from healthalloc.plotting import people, series
from healthalloc.plotting.palette import AFTER, BEFORE, LINES
from healthalloc.plotting.panels import cost_parts, largest, short
from healthalloc.solution import Solution

MOST = 25
"""Facilities shown one by one in a chart."""
MOST_POINTS = 500
"""Points drawn of a curve: more than a page is wide shows nothing more."""
TOOLS = "pan,box_zoom,reset,save"


def new_figure(**options: Any) -> Any:
    """A figure as wide as its place, in the style of the report."""
    from bokeh.models import SaveTool
    from bokeh.plotting import figure

    defaults: dict[str, Any] = {
        "sizing_mode": "stretch_width", "height": 340, "tools": TOOLS, "background_fill_alpha": 0,
        "border_fill_alpha": 0, "outline_line_color": None, "min_width": 200,
    }  # fmt: skip
    made = figure(**{**defaults, **options})
    made.toolbar.logo = None
    # else the browser asks for a name
    made.select(SaveTool).filename = "healthalloc"  # type: ignore[attr-defined]
    made.toolbar.autohide = True
    made.grid.grid_line_color = "#e3e8ee"
    made.axis.axis_line_color = "#9aa5b1"
    made.axis.minor_tick_line_color = None
    return made


def bars(
    labels: Sequence[str],
    series_of: Mapping[str, tuple[Sequence[float], str]],
    axis: str,
    most: int = 30,
) -> Any:
    """Horizontal bars, one group a label.

    The labels are drawn as texts on a numeric axis: a categorical axis would merge equal names
    and read formulas in them.

    Parameters
    ----------
    labels
    series_of
        By its name in the legend (``""`` for none): lengths of the bars and their colour.
    axis
        What the lengths are.
    most
        Characters of a label that are shown.
    """
    from bokeh.models import ColumnDataSource, FixedTicker, HoverTool

    n, n_series = len(labels), len(series_of)
    made = new_figure(height=max(130, 70 + 24 * n), y_range=(n - 0.4, -0.6), x_axis_label=axis)
    made.x_range.start = 0
    thick = 0.8 / max(n_series, 1)
    place = np.arange(n, dtype=float)
    names = [short(label, most) for label in labels]
    for k, (name, (values, color)) in enumerate(series_of.items()):
        y = place - 0.4 + thick * (k + 0.5)
        lengths = np.asarray(values, dtype=float)
        source = ColumnDataSource(
            {
                "y": y, "x": lengths, "label": [short(label, 80) for label in labels],
                "text": [number(v) for v in lengths], "series": [name] * n,
            }
        )  # fmt: skip
        more = {"legend_label": name} if name else {}
        made.hbar(y="y", right="x", height=0.92 * thick, color=color, source=source, **more)
    made.add_tools(HoverTool(tooltips="@label<br>@series <b>@text</b>"))
    made.yaxis.ticker = FixedTicker(ticks=list(range(n)), minor_ticks=[])
    made.yaxis.major_label_overrides = {k: plain(name) for k, name in enumerate(names)}
    made.ygrid.grid_line_color = None
    made.xaxis.formatter = thousands()
    made.xaxis.ticker.desired_num_ticks = 4  # more would run together on a phone
    if any(series_of):
        made.legend.orientation = "horizontal"
        made.legend.border_line_color = None
        made.add_layout(made.legend[0], "above")
    return made


def plain(text: str) -> Any:
    """A text that is never read as a formula."""
    from bokeh.models import PlainText

    return PlainText(text=text)


def thinned(n_points: int) -> NDArray[np.intp]:
    """Positions of at most `MOST_POINTS` points of a curve, evenly spread, with both ends."""
    return np.unique(np.linspace(0, n_points - 1, min(n_points, MOST_POINTS)).round().astype(int))


def thousands() -> Any:
    """Axis numbers with thousands apart."""
    from bokeh.models import NumeralTickFormatter

    return NumeralTickFormatter(format="0,0[.]00")


def held_chart(solution: Solution, kind: str, words: Words) -> Any | None:
    """Units of a kind by facility, before and after; None where nobody has any."""
    held = largest(solution, kind, MOST)
    if held.empty:
        return None
    both = {
        words("plot.before"): (list(held["existing"]), BEFORE),
        words("plot.after"): (list(held["allocated"]), AFTER),
    }
    return bars(list(held["name"]), both, words("report.units"), most=20)


def cost_chart(solutions: Mapping[str, Solution], words: Words) -> Any:
    """Cost by component, of one solution (named ``""``) or of two."""
    tables = {name: cost_parts(s).set_index("component")["cny_a_year"] for name, s in
              solutions.items()}  # fmt: skip
    order = [c for c in next(iter(solutions.values())).cost["component"]
             if any(c in table.index for table in tables.values())]  # fmt: skip
    values = {
        name: (list(table.reindex(order).fillna(0.0) / 1e6), color)
        for (name, table), color in zip(tables.items(), (AFTER, LINES[1]))
    }
    return bars([words(f"cost.{c}") for c in order], values, words("plot.million_cny"))


def travel_chart(
    subjects: Sequence[tuple[str, Any, str]], service_ids: Sequence[str], words: Words
) -> Any | None:
    """Residents reached by travel, a line for each service and subject.

    Parameters
    ----------
    subjects
        Name, scenario or solution, and dash of the line.
    service_ids
    words
    """
    from bokeh.models import HoverTool

    made, units = new_figure(height=300, y_range=(0, 102)), set()
    first = subjects[-1][1]
    scenario = getattr(first, "scenario", first)
    names = scenario.services.set_index("service_id")["name"]
    for service_id, color in zip(service_ids, LINES):
        for told, subject, dash in subjects:
            curve = series.travel_curve(subject, service_id)
            if curve is None:
                continue
            travel, percent, unit = curve
            units.add(words.known("unit", unit))
            rows = thinned(len(travel))
            data = {"x": travel[rows], "y": percent[rows], "told": [told] * len(rows),
                    "name": [short(str(names[service_id]), 60)] * len(rows)}  # fmt: skip
            made.step(
                "x", "y", source=data, mode="after", color=color, line_dash=dash, line_width=2,
                legend_label=short(str(names[service_id]), 30),
            )  # fmt: skip
    if not units:
        return None
    made.add_tools(HoverTool(tooltips="@name (@told)<br>@x{0.0}: <b>@y{0.0} %</b>"))
    made.xaxis.axis_label = words("plot.travel", unit=" / ".join(sorted(units)))
    made.yaxis.axis_label = words("plot.percent_residents")
    made.legend.click_policy = "hide"
    made.legend.label_text_font_size = "11px"
    made.legend.spacing = made.legend.margin = made.legend.padding = 0
    made.legend.border_line_color = None
    made.height += 20 * len(made.legend[0].items)
    made.x_range.start = 0
    made.add_layout(made.legend[0], "below")
    return made


def lorenz_chart(subjects: Sequence[tuple[str, Any, str]], words: Words) -> Any | None:
    """Lorenz curve of access.

    Parameters
    ----------
    subjects
        Name, scenario or solution, and colour.
    words
    """
    from bokeh.models import HoverTool

    made = new_figure(height=380, x_range=(0, 1), y_range=(0, 1))
    made.line([0, 1], [0, 1], color="#9aa5b1", line_dash="dashed")
    drawn = []
    for name, subject, color in subjects:
        found = people.weighted_access(subject)
        if found is None:
            continue
        x, y = lorenz_curve(*found)
        label = f"{name}: {words('plot.gini')} {gini(*found):.3f}"
        rows = thinned(len(x))
        drawn.append(made.line(x[rows], y[rows], color=color, line_width=2.5, legend_label=label))
    if not drawn:
        return None
    tip = "@x{0 %} / <b>@y{0 %}</b>"
    made.add_tools(HoverTool(renderers=drawn, tooltips=tip.replace(" %", "%")))
    made.xaxis.axis_label = words("plot.share_residents")
    made.yaxis.axis_label = words("plot.share_units")
    made.legend.location = "top_left"
    return made


def strategy_chart(table: pd.DataFrame, words: Words) -> Any | None:
    """Cost and penalty of each strategy that gave an allocation."""
    done = table[table["cost_cny_a_year"].notna()]
    if done.empty:
        return None
    both = {
        words("report.cost_cny_a_year"): (list(done["cost_cny_a_year"] / 1e6), AFTER),
        words("report.penalty_cny_a_year"): (list(done["penalty_cny_a_year"] / 1e6), LINES[1]),
    }
    names = [words.known("strategy", name) for name in done["strategy"]]
    return bars(names, both, words("plot.million_cny"))
