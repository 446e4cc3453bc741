"""The report in a real browser: quiet, alone, quick, and its controls work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.browser import chromium, complaints, open_page, requests, wait_for
from tests.report.scenarios import good, hostile, infeasible, province

pytest.importorskip("bokeh", reason="pip install 'healthalloc[report]'")
pytest.importorskip("jinja2", reason="pip install 'healthalloc[report]'")

from healthalloc.report import pair_report, solution_report

SECONDS = 10.0
"""Longest that a page may take here; on an idle laptop it is below 2."""


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    pages = {
        "en": solution_report(good()),
        "zh": solution_report(good(), language="zh"),
        "hostile": solution_report(hostile()),
        "infeasible": solution_report(infeasible()),
        "pair": pair_report([good(), hostile()], ["a", "b"]),
    }
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in pages}


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["en", "zh", "hostile", "infeasible", "pair"])
def test_quiet_alone_and_quick(page: Any, files: dict[str, Path], name: str, width: int) -> None:
    assert files[name].stat().st_size < 5e6
    assert open_page(page, files[name], width) < SECONDS
    wait_for(page, "return document.body.dataset.drawn === 'yes'")
    assert requests(page) == []
    assert complaints(page) == []
    assert page.execute_script("return window.broken") is None
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    blank = "return [...document.querySelectorAll('.plot')].filter(p => p.clientHeight < 50).length"
    assert page.execute_script(blank) == 0


def test_a_province_opens(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "province.html"
    file.write_text(solution_report(province()), encoding="utf-8")
    assert file.stat().st_size < 5e6
    open_page(page, file)
    wait_for(page, "return document.body.dataset.drawn === 'yes'", 60.0)
    assert requests(page) == []
    assert complaints(page) == []
    marks = "views.map.roots[0].model.renderers.find(r => r.name === 'change').data_source"
    assert page.execute_script(f"return {marks}.data.x.length") == 20_000
    assert "1,500 largest flows" in page.find_element("id", "map").text


def visible(page: Any, sheet: str, column: int) -> list[str]:
    script = (
        "return [...document.querySelectorAll(`#${arguments[0]} tbody tr:not([hidden])`)]"
        ".map(row => row.cells[arguments[1]].textContent)"
    )
    found: list[str] = page.execute_script(script, sheet, column)
    return found


def test_sort_and_filter(page: Any, files: dict[str, Path]) -> None:
    open_page(page, files["en"])
    sheet = page.find_element("id", "allocation-table")
    changed = sheet.find_element("css selector", "input.changed")
    only = visible(page, "allocation-table", 4)
    assert only
    assert "0" not in only
    changed.click()
    everything = visible(page, "allocation-table", 3)
    assert len(everything) > len(only)
    head = sheet.find_elements("css selector", "th")[3]
    head.click()
    up = [float(text.replace(",", "")) for text in visible(page, "allocation-table", 3)]
    assert up == sorted(up)
    assert head.get_attribute("aria-sort") == "ascending"
    head.click()
    assert [float(t.replace(",", "")) for t in visible(page, "allocation-table", 3)] == up[::-1]
    sheet.find_element("css selector", ".filter").send_keys("city nurse")
    assert visible(page, "allocation-table", 0) == ["city"]
    assert visible(page, "allocation-table", 1) == ["nurse"]


def test_the_map_switches_its_layers(page: Any, files: dict[str, Path]) -> None:
    open_page(page, files["en"])

    def shown() -> set[str]:
        text = page.execute_script("return document.getElementById('figure-map').dataset.shown")
        return set(text.split())

    assert {"change", "facility", "label"} <= shown()
    assert not {name for name in shown() if "-" in name}
    for layer in ("flow", "circle"):
        page.find_element("css selector", f"[data-layer={layer}]").click()
    first = {name for name in shown() if "-" in name}
    assert {name.split("-")[0] for name in first} == {"flow", "circle"}
    page.execute_script(
        "const s = document.getElementById('map-service'); s.selectedIndex = 1;"
        "s.dispatchEvent(new Event('change'))"
    )
    second = {name for name in shown() if "-" in name}
    assert second
    assert not first & second
    page.find_element("css selector", "[data-layer=change]").click()
    assert "plain" in shown()
    assert "change" not in shown()


def test_names_of_places_leave_each_other_room(page: Any, files: dict[str, Path]) -> None:
    open_page(page, files["hostile"])
    labels = "views.map.roots[0].model.renderers.find(r => r.name === 'label').data_source"
    shown = f"return [...{labels}.data.text].filter(text => text).length"
    assert page.execute_script(shown) == 3
    wait_for(page, "return document.body.dataset.drawn === 'yes'")
    together = page.execute_script(
        "const far = { start: -1e5, end: 1e5 };"  # km: everything is one spot in the middle
        "const view = { model: { x_range: far, y_range: far }, frame: views.map.roots[0].frame };"
        f"namePlaces(view, {labels}); {shown}"
    )
    assert together == 1


def test_prints_on_a4(page: Any, files: dict[str, Path]) -> None:
    open_page(page, files["en"])
    wait_for(page, "return document.body.dataset.drawn === 'yes'")
    printed = page.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    assert len(printed["data"]) > 20_000
    pictures = "return document.querySelectorAll('img.printed').length"
    assert page.execute_script(pictures) == 6


def test_prints_the_rows_that_a_meeting_reads(page: Any, files: dict[str, Path]) -> None:
    open_page(page, files["en"])
    wait_for(page, "return document.body.dataset.drawn === 'yes'")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    rows = "[...document.querySelectorAll('#allocation-table tbody tr')]"
    seen = f"return {rows}.filter(row => row.offsetHeight).length"
    rest = "return document.querySelector('#allocation-table .rest').innerText"
    try:
        changed = page.execute_script(seen)
        table = "document.getElementById('allocation-table')"
        page.execute_script(f"{table}.dataset.print = 2; shorten()")
        assert page.execute_script(seen) == 2 < changed
        assert page.execute_script(rest).startswith(f"{changed - 2} further rows")
        page.execute_script("document.getElementById('whole').checked = true; shorten()")
        assert page.execute_script(seen) == changed
        assert page.execute_script("return document.querySelector('.rest').offsetHeight") == 0
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
