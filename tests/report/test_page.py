from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from healthalloc import RoadGraph, TravelMatrix, find_conflicts, repairs, solve
from healthalloc.comparing import compare
from healthalloc.errors import NoSolutionError
from healthalloc.labels import Words
from healthalloc.plotting import people
from healthalloc.report.charts import thinned
from healthalloc.report.map import region_map
from healthalloc.report.sheets import allocation_sheet, clause_sheet
from tests.region import edit, settings
from tests.report.scenarios import HOSTILE, good, hostile, infeasible, planned

pytest.importorskip("bokeh", reason="pip install 'healthalloc[report]'")
pytest.importorskip("jinja2", reason="pip install 'healthalloc[report]'")

from healthalloc.report import pair_report, solution_report


class Elements(HTMLParser):
    """What a parser of HTML makes of a page: elements, addresses, text outside of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self._inside = tag
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href"):
                self.addresses.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.text += data


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_section_is_there(language: Any) -> None:
    page = Elements(solution_report(good(), language=language))
    assert {"first", "map", "allocation", "clauses", "charts", "assumptions", "proof"} <= set(
        page.ids
    )
    plots = {i for i in page.ids if i.startswith("figure-")}
    assert plots == {f"figure-{n}" for n in ("map", "beds", "staff", "cost", "travel", "lorenz")}
    words = Words(language)
    assert words.money(good().cost.set_index("component")["cny_a_year"]["total"]) in page.text
    assert "四张重症床位" in page.text
    assert len(set(page.ids)) == len(page.ids)


def test_no_address_leaves_the_page() -> None:
    page = Elements(solution_report(good()))
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    assert "link" not in page.names or page.names.count("link") == 1


def test_hostile_names_are_text() -> None:
    text = solution_report(hostile())
    page, plain = Elements(text), Elements(solution_report(good()))
    assert page.handlers == []
    assert page.names.count("script") == plain.names.count("script") == 3
    assert "img" not in page.names
    for name in HOSTILE[:-1]:
        assert name in page.text
    assert HOSTILE[-1] not in text
    assert HOSTILE[-1][:300] in page.text
    assert "49" not in re.findall(r"\b49\b", page.text.split("7*7")[0][-20:])
    data = text.split('id="figures">')[1].split("</script>")[0]
    assert set(json.loads(data)) == {"map", "beds", "staff", "cost", "travel", "lorenz"}
    assert not set("<>&") & set(data)


def test_tables_say_what_the_solution_says() -> None:
    words = Words("en")
    sheet = allocation_sheet(good(), words)
    stock = good().stock
    held = stock[(stock["existing"] > 0) | (stock["allocated"] > 0)]
    assert len(sheet.rows) == len(held)
    changes = [abs(cells[4].key) for cells, _ in sheet.rows]
    assert changes == sorted(held["change"].abs(), reverse=True)
    names = good().scenario.facilities.set_index("facility_id")["name"]
    kinds = good().scenario.resources.set_index("resource_id")["name"]
    told = {(c[0].text, c[1].text): (c[2].key, c[3].key, c[4].key) for c, _ in sheet.rows}
    for row in held.to_dict("records"):
        units = told[names[row["facility_id"]], kinds[row["resource_id"]]]
        assert units == (row["existing"], row["allocated"], row["change"])
    clauses = {cells[0].text: cells for cells, _ in clause_sheet(good().clauses, words).rows}
    assert (clauses["icu"][8].text, clauses["many"][8].text) == ("yes", "no")
    price = good().clauses.set_index("clause_id")["price_cny_a_year"]["icu"]
    assert clauses["icu"][9].key == pytest.approx(price)
    assert clauses["icu"][10].key == pytest.approx(price * 0.01 * 4)


def test_an_infeasible_plan_names_conflict_and_repair() -> None:
    solution = infeasible()
    assert not solution.status.has_solution
    page = Elements(
        solution_report(
            solution,
            conflicts=find_conflicts(solution.scenario),
            mended=repairs(solution.scenario, most=1),
        )
    )
    assert {"conflicts", "repairs", "map", "clauses"} <= set(page.ids)
    assert "impossible" in page.text
    assert "charts" not in page.ids


def test_the_page_says_so_where_a_limit_comes_before_todays_flows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def late(solution: object) -> None:
        raise NoSolutionError("the flows of strategy keep ended limit_without_incumbent")

    monkeypatch.setattr(people, "today", late)
    page = Elements(solution_report(good()))
    assert "figure-map" in page.ids
    assert page.text.count("not compared: the time limit") == 2


def test_curves_are_thinned() -> None:
    whole = np.arange(20_000)
    rows = thinned(len(whole))
    assert len(rows) == 500
    assert (rows[0], rows[-1]) == (0, 19_999)
    assert list(thinned(3)) == [0, 1, 2]


def test_an_empty_region_has_a_report() -> None:
    nobody = planned().populations.assign(residents=0.0)
    page = Elements(solution_report(solve(planned(populations=nobody, clauses=[]))))
    assert {"first", "map", "allocation"} <= set(page.ids)


def test_a_region_without_points_has_no_map() -> None:
    scenario = planned()
    tables = {
        name: getattr(scenario, name).assign(longitude=np.nan, latitude=np.nan)
        for name in ("facilities", "populations")
    }
    pairs = [(p, f) for p in scenario.populations["population_id"]
             for f in scenario.facilities["facility_id"]]  # fmt: skip
    travel = pd.DataFrame(pairs, columns=["population_id", "facility_id"]).assign(travel=5.0)
    given = settings(travel=TravelMatrix(layout="long", unit="min"))
    asked = region_clauses()
    radii = scenario.radii.assign(unit="min")
    made = planned(settings=given, travel=travel, radii=radii, clauses=asked, **tables)
    page = Elements(solution_report(solve(made)))
    assert "figure-map" not in page.ids
    assert "no coordinates" in page.text


def test_roads_are_drawn_where_they_lie() -> None:
    roads = nx.Graph()
    scenario = planned()
    for row in scenario.facilities.to_dict("records"):
        roads.add_node(row["facility_id"], longitude=row["longitude"], latitude=row["latitude"])
    roads.add_edge("city", "private", length_km=10.0, speed_km_per_h=60.0)
    roads.add_edge("private", "clinic", length_km=20.0, speed_km_per_h=60.0)
    roads.add_edge("clinic", "annex", length_km=20.0, speed_km_per_h=60.0)
    made = planned(settings=settings(travel=RoadGraph()), roads=roads, clauses=region_clauses())
    figure = region_map(solve(made), Words("en"), None)
    drawn = next(r for r in figure.renderers if r.name == "road").data_source.data
    lengths = sorted(abs(np.asarray(drawn["x1"]) - np.asarray(drawn["x0"])))
    np.testing.assert_allclose(lengths, [10, 20, 20], rtol=1e-3)


def region_clauses() -> list[Any]:
    return [c for c in planned().plan.clauses if c.id == "icu"]


def test_strategies_stand_side_by_side() -> None:
    found = compare(planned(), ["keep", "least-cost"])
    page = Elements(solution_report(good(), strategies=found))
    assert {"strategies", "strategy-table", "figure-strategies"} <= set(page.ids)
    assert "keep today's stock" in page.text


def test_two_scenarios_side_by_side() -> None:
    more = [*region_clauses(), planned().plan.clauses[1]]
    stock = edit(planned().stock, {"facility_id": "city"}, upper=0.0)
    other = solve(planned(clauses=more, stock=stock))
    page = Elements(pair_report([good(), other], ["first", "second"]))
    assert {"people", "cost", "clauses", "allocation", "figure-map"} <= set(page.ids)
    counted = people.residents_by_state(people.who_changes(good(), other))
    assert counted["loses"] + counted["none"] > 0
    alone = Elements(pair_report([good(), infeasible()], ["good", "bad"]))
    assert "people" not in alone.ids
    assert "impossible" in alone.text
