from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from healthalloc import NoSolutionError, Solution, UnsupportedError, solve
from healthalloc.plotting import fonts
from tests.region import clause, edit, region

pytest.importorskip("matplotlib", reason="pip install 'healthalloc[plot]'")

NAMES = ["map", "allocation", "cost", "access", "clauses"]


@cache
def solved() -> Solution:
    return solve(region())


def texts(figure: Any) -> list[str]:
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.mark.parametrize("name", NAMES)
def test_every_plot_is_drawn(name: str, tmp_path: Path) -> None:
    figure = getattr(solved().plot, name)(language="en")
    figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 5000


@pytest.mark.parametrize("name", NAMES)
def test_chinese_has_glyphs(name: str, tmp_path: Path) -> None:
    """A glyph that no font has is a warning of matplotlib."""
    if fonts.chinese_family() is None:
        pytest.skip("no Chinese font: apt install fonts-noto-cjk")
    figure = getattr(solved().plot, name)(language="zh")
    assert fonts.has_chinese(texts(figure))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(tmp_path / "plot.png")


def test_without_a_font_nothing_is_drawn_with_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "chinese_family", lambda: None)
    with pytest.raises(UnsupportedError, match="fonts-noto-cjk"):
        solved().plot.cost(language="zh")
    solved().plot.cost(language="en")


def test_bars_are_the_stock() -> None:
    figure = solved().plot.allocation(language="en")
    existing, allocated = figure.axes[0].containers
    assert sorted(bar.get_width() for bar in existing) == [0, 5, 10, 25][-len(existing) :]
    total = sum(bar.get_width() for bar in allocated)
    kinds = solved().scenario.resources.set_index("resource_id")["kind"]
    stock = solved().stock
    assert total == pytest.approx(
        stock.loc[stock["resource_id"].map(kinds) == "bed", "allocated"].sum()
    )


def test_names_are_no_formulas(tmp_path: Path) -> None:
    hostile = edit(region().facilities, {"facility_id": "city"}, name="$\\frac{1}$ <b>")
    figure = solve(region(facilities=hostile)).plot.allocation(language="en")
    figure.savefig(tmp_path / "plot.png")
    assert "$\\frac{1}$ <b>" in texts(figure)


def test_an_infeasible_plan_shows_the_map_of_today() -> None:
    stock = region().stock.assign(upper=region().stock["existing"] + 5)
    solution = solve(region(stock=stock, clauses=[clause("amount", resource="bed", at_least=1e6)]))
    assert not solution.status.has_solution
    assert "today's stock" in " ".join(texts(solution.plot.map(language="en")))
    for name in ("allocation", "cost", "access", "clauses"):
        with pytest.raises(NoSolutionError):
            getattr(solution.plot, name)(language="en")
