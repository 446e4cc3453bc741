"""The tree of areas: who lies in what, and what a tree must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import healthalloc as ha
from healthalloc.areas import area_of_level, inside, of_level
from tests.region import (
    AREAS,
    POPULATIONS,
    edit,
    located,
    named,
    quiet,
    region,
    table,
    with_areas,
)

TREE = with_areas().areas
"""county > west, east; east > mill, shore."""


# ------------------------------------------------------------------ the functions


def test_inside_is_the_area_and_all_below_it() -> None:
    assert inside(TREE, "county") == {"county", "west", "east", "mill", "shore"}
    assert inside(TREE, "east") == {"east", "mill", "shore"}
    assert inside(TREE, "mill") == {"mill"}


def test_areas_of_a_level_stand_in_table_order() -> None:
    assert of_level(TREE, ["town"]) == ["west", "east"]
    assert of_level(TREE, ["village", "county"]) == ["county", "mill", "shore"]
    assert of_level(TREE, ["village"], within="east") == ["mill", "shore"]
    assert of_level(TREE, ["village"], within="west") == []
    assert of_level(TREE, ["town"], within="west") == ["west"]
    assert of_level(TREE, ["ward"]) == []


def test_a_place_lies_in_the_areas_above_it() -> None:
    places = ["shore", "west", "county", "mill", "", "nowhere"]
    assert area_of_level(TREE, "town", places).tolist() == [1, 0, -1, 1, -1, -1]
    assert area_of_level(TREE, "village", places).tolist() == [1, -1, -1, 0, -1, -1]
    assert area_of_level(TREE, "county", places).tolist() == [0, 0, 0, 0, -1, -1]
    assert area_of_level(TREE, "town", []).tolist() == []


def test_a_level_may_stand_at_several_depths() -> None:
    # two streets, one below the other: the lower one is where a place of it lies
    areas = TREE.assign(level=["city", "street", "street", "street", "village"])
    found = area_of_level(areas, "street", ["mill", "shore", "east"])
    assert [of_level(areas, ["street"])[k] for k in found] == ["mill", "east", "east"]


def test_the_layout_shows_an_area_and_nothing_else_changes() -> None:
    layout = ha.formulate(with_areas(region)).layout
    part = layout.part("east")
    assert part.residents == 4000
    assert layout.residents == 10000
    everywhere = {"category": ["general_hospital", "primary_centre"]}
    assert layout.facility_names(part.facilities_in(everywhere)) == ("clinic", "annex")
    assert layout.facility_names(layout.facilities_in({})) == ("city", "private", "clinic", "annex")
    assert part.n_decisions == layout.n_decisions
    assert part.part("west").residents == 6000


# ------------------------------------------------------------------ what a tree must be


def problems(make: Callable[[], Any]) -> list[tuple[str, int | None, str, str]]:
    """Where the problems stand and which value they show."""
    with pytest.raises(ha.DataError) as caught:
        make()
    return [(p.table, p.row, p.column, p.value) for p in caught.value.problems]


def text(make: Callable[[], Any]) -> str:
    with pytest.raises(ha.DataError) as caught:
        make()
    return str(caught.value)


def tree(areas: pd.DataFrame, **changes: Any) -> Callable[[], ha.Scenario]:
    return lambda: with_areas(areas=areas, **changes)


def test_a_cycle_is_told_with_its_path() -> None:
    cycle = edit(AREAS, {"area_id": "county"}, parent_id="shore")
    assert problems(tree(cycle)) == [("areas", 1, "parent_id", "shore")]
    assert "the tree of areas has a cycle: county -> shore -> east -> county" in text(tree(cycle))
    own = edit(AREAS, {"area_id": "mill"}, parent_id="mill")
    assert "mill -> mill" in text(tree(own))


def test_two_roots_are_refused() -> None:
    split = edit(AREAS, {"area_id": "west"}, parent_id="")
    assert problems(tree(split)) == [("areas", None, "parent_id", "")]
    assert "2 areas lie in no other: county, west" in text(tree(split))


def test_an_unknown_parent_is_refused() -> None:
    lost = edit(AREAS, {"area_id": "mill"}, parent_id="eats")
    assert problems(tree(lost)) == [("areas", 4, "parent_id", "eats")]
    assert "did you mean east" in text(tree(lost))


def test_an_area_stands_once() -> None:
    twice = pd.concat([AREAS, AREAS.iloc[[3]]], ignore_index=True)
    assert [(p[0], p[2]) for p in problems(tree(twice))] == [("areas", "area_id")]


def test_everyone_stands_in_an_area_of_the_tree() -> None:
    facilities = edit(located(quiet().facilities), {"facility_id": "city"}, area="wets")
    populations = edit(located(POPULATIONS), {"population_id": "hamlet"}, area="")
    wrong = tree(AREAS, facilities=facilities, populations=populations)
    assert problems(wrong) == [
        ("facilities", 1, "area", "wets"), ("populations", 3, "area", ""),
    ]  # fmt: skip
    assert "is no area of the tree (did you mean west?)" in text(wrong)
    assert "is empty: expected an area_id" in text(wrong)
    far = tree(AREAS, facilities=edit(facilities, {"facility_id": "city"}, area="elsewhere"))
    assert "add it to areas.csv, with its level and parent" in text(far)


def test_without_a_table_areas_are_words() -> None:
    assert quiet(facilities=located(quiet().facilities)).facilities["area"][0] == "west"


@pytest.mark.parametrize(
    ("area", "row", "residents", "found"),
    [("county", 1, 9999, 10000), ("east", 3, 4100, 4000), ("mill", 4, 2999.4, 3000)],
)
def test_residents_add_up(area: str, row: int, residents: float, found: float) -> None:
    wrong = tree(edit(AREAS, {"area_id": area}, residents=residents))
    assert problems(wrong) == [("areas", row, "residents", f"{residents:g}")]
    assert f"the populations of {area} add up to {found:g}" in text(wrong)


def test_residents_may_differ_by_half_a_person_or_be_unknown() -> None:
    with_areas(areas=edit(AREAS, {"area_id": "mill"}, residents=3000.5))
    with_areas(areas=AREAS.assign(residents=np.nan))


def test_an_area_may_be_empty() -> None:
    wood = named(table("""
        area_id  level    parent_id  residents
        wood     village  east               0
    """))  # fmt: skip
    scenario = with_areas(areas=pd.concat([AREAS, wood], ignore_index=True))
    assert of_level(scenario.areas, ["village"]) == ["mill", "shore", "wood"]


def test_every_problem_of_the_tree_is_told_at_once() -> None:
    areas = edit(AREAS, {"area_id": "mill"}, level="", residents=-3.0)
    areas = edit(areas, {"area_id": "shore"}, source="")
    assert [p[1:3] for p in problems(tree(areas))] == [
        (4, "level"), (4, "residents"), (5, "source"),
    ]  # fmt: skip
