"""What a plan of many clauses asks of the tables is looked up once, not once a clause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from healthalloc import layout, validate
from healthalloc.layout import Layout
from tests.region import with_areas


def counting(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[tuple[Any, ...]]:
    """Every call of a function of a module from now on."""
    calls: list[tuple[Any, ...]] = []
    wrapped: Callable[..., Any] = getattr(module, name)

    def counted(*given: Any) -> Any:
        calls.append(given)
        return wrapped(*given)

    monkeypatch.setattr(module, name, counted)
    return calls


def test_parts_of_a_layout_share_areas_and_scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Layout(with_areas())
    trees = counting(monkeypatch, layout, "children_of")
    scopes = counting(monkeypatch, layout, "in_scope")
    areas = whole.scenario.areas["area_id"].tolist()
    assert len(areas) > 2
    alone = {
        area: Layout(whole.scenario, area=area).facilities_in({"site": "existing"})
        for area in areas
    }
    assert (len(trees), len(scopes)) == (len(areas), len(areas))
    del trees[:], scopes[:]
    for _ in range(2):
        for area in areas:
            found = whole.part(area).facilities_in({"site": "existing"})
            assert np.array_equal(found, alone[area])
    assert (len(trees), len(scopes)) == (1, 1)


def test_a_layout_with_arcs_has_parts_of_its_own() -> None:
    bare = Layout(with_areas())
    area = bare.scenario.areas["area_id"].iat[-1]
    assert bare.part(area).arcs is None
    from healthalloc.formulation.assemble import network

    full = network(bare.scenario)
    again = bare.with_arcs(full.arcs, None)
    assert again.part(area).arcs is full.arcs
    assert bare.part(area).arcs is None
    assert np.array_equal(again.part(area).facility_shown, bare.part(area).facility_shown)


def test_clean_text_stays_as_it_is_and_only_suspects_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = with_areas().populations
    formulas = counting(monkeypatch, validate, "is_formula")
    clean, problems = validate.clean_table("populations", table)
    assert not problems
    assert not formulas  # no cell begins as a formula does
    pd.testing.assert_frame_equal(clean, table)
    dirty = table.assign(source=["=1", *table["source"][1:]])
    _, problems = validate.clean_table("populations", dirty)
    assert [(p.row, p.column, p.value) for p in problems] == [(1, "source", "=1")]
    assert formulas


def test_what_a_file_says_of_its_rows_is_not_copied_with_each_column() -> None:
    class Rows:
        def __deepcopy__(self, memo: object) -> object:
            raise AssertionError("copied")

    table = with_areas().populations
    table.attrs["rows"] = Rows()
    clean, problems = validate.clean_table("populations", table)
    assert not problems
    assert len(clean) == len(table)
