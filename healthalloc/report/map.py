"""The map of the report, in Bokeh, drawn from the scenario's own points and roads: no tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from healthalloc.labels import Words, number
from healthalloc.plotting import series
from healthalloc.plotting.palette import STATES
from healthalloc.plotting.panels import short
from healthalloc.report.charts import new_figure
from healthalloc.solution import Solution

MOST_FLOWS = 1500
"""Flows drawn of each service, the largest; the result table has them all."""
MOST_ROADS = 20_000
"""Road segments drawn, the longest."""
MANY = 600
"""Populations above which their marks get smaller."""
TOWNS = 200
"""Areas that the map can name, those of most residents; the page names those it has room for."""
_MARKERS = {"opens": "star", "closes": "x"}


def region_map(solution: Solution, words: Words, changes: pd.DataFrame | None) -> Any | None:
    """Facilities, populations, flows, service circles, roads and outlines of areas.

    What the page switches on and off is named: ``change`` and ``plain`` (populations),
    ``facility``, ``label``, ``road``, and for the service at position k ``flow-k`` and
    ``circle-k``.

    Parameters
    ----------
    solution
    words
    changes
        As `people.who_changes`; None where there is nothing to compare.

    Returns
    -------
    figure or None
        None where no point of the region is stated.
    """
    from bokeh.models import WheelZoomTool, ZoomInTool, ZoomOutTool

    facilities, populations = series.places_km(solution.scenario)
    if not (facilities.notna().all(axis=1).any() or populations.notna().all(axis=1).any()):
        return None
    made = new_figure(
        sizing_mode="stretch_both", match_aspect=True, tools="pan,reset,save", active_drag="pan",
        background_fill_color="#f6f8fa", background_fill_alpha=1,
    )  # fmt: skip
    made.add_tools(WheelZoomTool(modifiers="ctrl"), ZoomInTool(), ZoomOutTool())
    made.toolbar.autohide = False
    made.axis.visible = False
    made.grid.grid_line_color = None
    rings = series.outlines_km(solution.scenario)
    made.multi_line(
        xs=[ring[:, 0] for ring in rings], ys=[ring[:, 1] for ring in rings], color="#8c959f",
        line_width=1, name="outline",
    )  # fmt: skip
    _roads(made, solution)
    if solution.status.has_solution:
        _flows(made, solution, facilities, populations)
    _circles(made, solution, facilities)
    _populations(made, solution, populations, words, changes)
    _facilities(made, solution, facilities, words)
    _towns(made, solution, populations)
    # circles may reach far beyond the region, and must not shrink it
    points = [r for r in made.renderers if r.name in ("plain", "facility")]
    made.x_range.renderers, made.y_range.renderers = points, points
    made.x_range.range_padding = made.y_range.range_padding = 0.15
    _scale(made)
    return made


def flow_note(solution: Solution, words: Words) -> str:
    """What the map leaves out of the flows, for the note below it."""
    if not solution.status.has_solution:
        return ""
    most = solution.flows["service_id"].value_counts().max()
    return words("report.flows_drawn", n=number(MOST_FLOWS)) if most > MOST_FLOWS else ""


def _roads(made: Any, solution: Solution) -> None:
    """The edges of the road graph, where its nodes say where they are."""
    scenario = solution.scenario
    if scenario.roads is None:
        return
    nodes = pd.DataFrame.from_dict(dict(scenario.roads.nodes(data=True)), orient="index")
    for names in (("longitude", "latitude"), ("lon", "lat"), ("x", "y")):
        if set(names) <= set(nodes.columns):
            break
    else:
        return
    table = nodes[list(names)].astype(float).set_axis(["longitude", "latitude"], axis=1)
    at = series.to_km(scenario, table)
    edges = [(u, v) for u, v in scenario.roads.edges() if u in at.index and v in at.index]
    ends = [at.loc[[edge[k] for edge in edges]].to_numpy(dtype=float) for k in (0, 1)]
    longest = np.argsort(-np.hypot(*(ends[1] - ends[0]).T))[:MOST_ROADS]
    (x0, y0), (x1, y1) = (end[longest].T for end in ends)
    made.segment(x0=x0, y0=y0, x1=x1, y1=y1, color="#c9d1d9", line_width=1, name="road")


def _flows(made: Any, solution: Solution, facilities: Any, populations: Any) -> None:
    scenario = solution.scenario
    home = {p: k for k, p in enumerate(scenario.populations["population_id"])}
    site = {f: k for k, f in enumerate(scenario.facilities["facility_id"])}
    for k, service_id in enumerate(scenario.services["service_id"]):
        flows = solution.flows[solution.flows["service_id"] == service_id]
        if flows.empty:
            continue
        flows = flows.nlargest(MOST_FLOWS, "cases_a_year")
        a = populations.iloc[flows["population_id"].map(home)].to_numpy(dtype=float)
        b = facilities.iloc[flows["facility_id"].map(site)].to_numpy(dtype=float)
        cases = flows["cases_a_year"].to_numpy(dtype=float)
        data = {
            "x0": a[:, 0], "y0": a[:, 1], "x1": b[:, 0], "y1": b[:, 1],
            "width": 0.6 + 5.0 * np.sqrt(cases / cases.max()),
        }  # fmt: skip
        made.segment(
            "x0", "y0", "x1", "y1", source=data, line_width="width", line_color="#7a4fb5",
            line_alpha=0.35, name=f"flow-{k}", visible=False,
        )  # fmt: skip


def _circles(made: Any, solution: Solution, facilities: Any) -> None:
    """A circle around each facility that offers a service, by the radius of its area class."""
    scenario = solution.scenario
    offering = series.offered_by(solution)
    for k, service_id in enumerate(scenario.services["service_id"]):
        classes = scenario.facilities["area_class"]
        by_class = {c: series.radius_km(scenario, service_id, c) for c in classes.unique()}
        radius = classes.map(by_class).to_numpy(dtype=float)
        rows = offering[:, k] & np.isfinite(radius)
        if not rows.any():
            continue
        at = facilities[rows].to_numpy(dtype=float)
        made.circle(
            x=at[:, 0], y=at[:, 1], radius=radius[rows], fill_color="#009e73", fill_alpha=0.05,
            line_color="#009e73", line_alpha=0.6, name=f"circle-{k}", visible=False,
        )  # fmt: skip


def _populations(
    made: Any, solution: Solution, at: Any, words: Words, changes: pd.DataFrame | None
) -> None:
    from bokeh.models import ColumnDataSource, HoverTool

    table = solution.scenario.populations
    residents = table["residents"].to_numpy(dtype=float)
    # marks of a province would cover each other
    scale = np.clip((MANY / max(len(table), 1)) ** 0.25, 0.4, 1.0)
    data: dict[str, Any] = {
        "x": at["x_km"], "y": at["y_km"], "name": [short(n, 60) for n in table["name"]],
        "residents": [number(n) for n in residents],
        "size": scale * (5 + 22 * np.sqrt(residents / max(residents.max(initial=0.0), 1.0))),
    }  # fmt: skip
    if changes is not None:
        known = changes.set_index("population_id").reindex(table["population_id"])
        state = known["state"].fillna("even")
        data["color"] = [STATES[s] for s in state]
        data["state"] = [words(f"state.{s}") for s in state]
        for name in ("served", "travel"):
            pair = known[[f"{name}_before", f"{name}_after"]].to_numpy(dtype=float)
            data[name] = [f"{number(a)} → {number(b)}" for a, b in pair]
    source = ColumnDataSource(data)
    tip = f"<b>@name</b><br>{words('report.residents')}: @residents"
    plain = made.scatter(
        "x", "y", size="size", source=source, color="#8aa0b5", alpha=0.55,
        line_color="#ffffff", name="plain", visible=changes is None,
    )  # fmt: skip
    made.add_tools(HoverTool(renderers=[plain], tooltips=tip))
    if changes is None:
        return
    tip += (
        f"<br>@state<br>{words('report.served_percent')}: @served"
        f"<br>{words('report.mean_travel')}: @travel"
    )
    shown = made.scatter(
        "x", "y", size="size", source=source, color="color", alpha=0.6, line_color="#ffffff",
        name="change",
    )  # fmt: skip
    made.add_tools(HoverTool(renderers=[shown], tooltips=tip))


def _facilities(made: Any, solution: Solution, at: Any, words: Words) -> None:
    from bokeh.models import ColumnDataSource, HoverTool

    table = series.facility_states(solution)
    category = list(solution.scenario.facilities["category"])
    for state, color in STATES.items():
        rows = np.flatnonzero(table["state"] == state)
        if not len(rows):
            continue
        part = table.iloc[rows]
        held = {
            kind: [
                f"{number(a)} → {number(b)}" if b == b else number(a)
                for a, b in zip(part[f"{kind}_before"], part[f"{kind}_after"])
            ]
            for kind in ("bed", "staff")
        }
        size = part[["bed_before", "bed_after"]].max(axis=1).fillna(0.0)
        data = {
            "x": at["x_km"].iloc[rows], "y": at["y_km"].iloc[rows], **held,
            "name": [short(n, 60) for n in part["name"]],
            "category": [short(category[k], 40) for k in rows],
            "size": np.clip(7 + 0.6 * np.sqrt(size), 7, 26),
        }  # fmt: skip
        drawn = made.scatter(
            "x", "y", size="size", source=ColumnDataSource(data),
            marker=_MARKERS.get(state, "square"), fill_color=color, line_color="#ffffff"
            if state != "closes" else color, line_width=1 if state != "closes" else 2,
            fill_alpha=0.9, name="facility",
        )  # fmt: skip
        tip = f"<b>@name</b><br>@category · {words(f'state.{state}')}"
        for kind in ("bed", "staff"):
            tip += f"<br>{words(f'kind.{kind}')}: @{kind}"
        made.add_tools(HoverTool(renderers=[drawn], tooltips=tip))


def _towns(made: Any, solution: Solution, at: Any) -> None:
    """Names of areas, those of most residents first, in the middle of their populations."""
    from bokeh.models import ColumnDataSource

    table = solution.scenario.populations
    area = table["area"].to_numpy(dtype=object)
    weight = table["residents"].to_numpy(dtype=float) + 1e-9
    known = at.notna().all(axis=1).to_numpy() & (area != "")
    frame = pd.DataFrame(
        {"x": weight * at["x_km"], "y": weight * at["y_km"], "weight": weight, "area": area}
    )[known]
    middle = frame.groupby("area").sum().nlargest(TOWNS, "weight")
    names = dict(zip(solution.scenario.areas["area_id"], solution.scenario.areas["name"]))
    shown = [short(str(names.get(a, a)), 18) for a in middle.index]
    data = {
        "x": (middle["x"] / middle["weight"]).to_numpy(),
        "y": (middle["y"] / middle["weight"]).to_numpy(), "name": shown, "text": shown,
    }  # fmt: skip
    made.text(
        "x", "y", text="text", source=ColumnDataSource(data), text_font_size="12px",
        text_color="#24303c", text_align="center", text_baseline="bottom", y_offset=-12,
        background_fill_color="#ffffff", background_fill_alpha=0.65, name="label",
    )  # fmt: skip


def _scale(made: Any) -> None:
    from bokeh.models.annotations import ScaleBar
    from bokeh.models.annotations.dimensional import Metric

    made.add_layout(
        ScaleBar(
            range=made.x_range, unit="km", dimensional=Metric(base_unit="m"),
            location="bottom_left",
            background_fill_color=None, border_line_color=None, bar_length=0.15, padding=2,
        ),
        "below",
    )  # fmt: skip
