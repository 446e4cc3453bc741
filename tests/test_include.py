"""A city that takes two counties in: their regions join, their clauses keep to their area."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import healthalloc as ha
from healthalloc.io import run_facts
from tests.folder import Folder
from tests.region import AREAS, POPULATIONS, clause, edit, located, region, with_areas

WEST, EAST = ("city", "private", "town"), ("clinic", "annex", "village", "hamlet")
PLAN = """\
[[include]]
folder = "../western"
area = "west"

[[include]]
folder = "../eastern"
area = "east"

[[clause]]
id = "all"
quote = "43 beds in the city"
source = "the city's plan"
kind = "amount"
resource = "bed"
at_least = 43
"""


def beds(**fields: Any) -> ha.Clause:
    return clause("amount", **{"resource": "bed"} | fields)


def county(members: tuple[str, ...], areas: pd.DataFrame, *clauses: ha.Clause) -> ha.Scenario:
    """The part of the region that some facilities and populations make up."""
    whole = with_areas(region)
    stock = whole.stock
    requirements = whole.requirements
    categories = whole.facilities.loc[whole.facilities["facility_id"].isin(members), "category"]
    services = set(requirements.loc[requirements["category"].isin(categories), "service_id"])
    classes = whole.populations.loc[whole.populations["population_id"].isin(members), "area_class"]
    radii = whole.radii[whole.radii["area_class"].isin(classes)]

    def of_services(table: pd.DataFrame) -> pd.DataFrame:
        return table[table["service_id"].isin(services)]

    return whole.replace(
        areas=areas,
        facilities=whole.facilities[whole.facilities["facility_id"].isin(members)],
        populations=whole.populations[whole.populations["population_id"].isin(members)],
        stock=stock[stock["facility_id"].isin(members)],
        requirements=requirements[requirements["category"].isin(categories)],
        services=of_services(whole.services),
        radii=of_services(radii),
        demand=of_services(whole.demand),
        plan=ha.Plan(clauses),
    )


def rows(frame: pd.DataFrame, *names: str) -> pd.DataFrame:
    return frame[frame["area_id"].isin(names)]


@pytest.fixture
def city(tmp_path: Path) -> Folder:
    """A city folder that holds the root of the tree and the norms, beside two counties."""
    west = edit(rows(AREAS, "west"), parent_id="")
    east = edit(rows(AREAS, "east", "mill", "shore"), {"area_id": "east"}, parent_id="")
    ha.write_scenario(
        county(WEST, west, beds(id="w1", at_least=36), beds(id="w2", at_least=1)),
        tmp_path / "western",
    )
    ha.write_scenario(
        county(EAST, east, beds(id="e1", at_least=6), beds(id="e2", area="shore", at_least=0)),
        tmp_path / "eastern",
    )
    ha.write_scenario(with_areas(region), tmp_path / "city")
    folder = Folder(tmp_path / "city")
    for name in ("facilities", "populations", "stock"):
        folder.write_cells(name, folder.cells(name)[:1])  # the header alone
    folder.write_cells("areas", folder.cells("areas")[:4])  # county, west, east
    folder.write_text("plan.toml", PLAN)
    return folder


def problems(folder: Folder) -> list[ha.Problem]:
    with pytest.raises(ha.DataError) as caught:
        ha.read_scenario(folder.path)
    return list(caught.value.problems)


# ------------------------------------------------------------------ what joins


def test_the_counties_make_up_the_region(city: Folder) -> None:
    joined, whole = ha.read_scenario(city.path), with_areas(region)
    for name in ("facilities", "populations", "areas"):
        assert set(joined.tables[name].iloc[:, 0]) == set(whole.tables[name].iloc[:, 0])
    assert len(joined.stock) == len(whole.stock)
    assert joined.settings == whole.settings
    plan = ha.Plan(joined.plan.clauses)
    assert ha.solve(joined).objective == pytest.approx(ha.solve(whole.replace(plan=plan)).objective)


def test_the_row_of_the_including_folder_counts(city: Folder) -> None:
    # in its own folder the west is a root; the city says that it lies in the county
    areas = ha.read_scenario(city.path).areas.set_index("area_id")
    assert areas["parent_id"].to_dict() == {
        "county": "", "west": "county", "east": "county", "mill": "east", "shore": "east",
    }  # fmt: skip
    city.add_row(
        "stock", facility_id="clinic", resource_id="general_bed", existing="7", lower="0",
        upper="10",
    )  # fmt: skip
    stock = ha.read_scenario(city.path).stock.set_index(["facility_id", "resource_id"])
    assert stock.at[("clinic", "general_bed"), "existing"] == 7
    assert len(stock) == 18


def test_norms_and_settings_are_those_of_the_including_folder(city: Folder) -> None:
    eastern = Folder(city.path.parent / "eastern")
    eastern.set("requirements", 1, "amount", "1")
    eastern.replace("scenario.toml", "value_of_travel_cny_per_hour = 6.0",
                    "value_of_travel_cny_per_hour = 99.0")  # fmt: skip
    joined = ha.read_scenario(city.path)
    pd.testing.assert_frame_equal(joined.requirements, with_areas(region).requirements)
    assert joined.settings.value_of_travel_cny_per_hour == 6


def test_clauses_keep_to_their_area(city: Folder) -> None:
    scenario = ha.read_scenario(city.path)
    assert [(c.id, c.area) for c in scenario.plan.clauses] == [
        ("all", ""), ("w1", "west"), ("w2", "west"), ("e1", "east"), ("e2", "shore"),
    ]  # fmt: skip
    found = ha.audit(scenario).clauses.set_index("clause_id")["achieved"]
    assert found.to_dict() == {"all": 40, "w1": 35, "w2": 35, "e1": 5, "e2": 0}
    solution = ha.solve(scenario).require_optimal()
    assert solution.clauses["met"].tolist() == [True] * 5


def test_clauses_may_be_left_out(city: Folder) -> None:
    city.replace("plan.toml", 'area = "west"\n', 'area = "west"\nleave_out = ["w1"]\n')
    assert [c.id for c in ha.read_scenario(city.path).plan.clauses] == ["all", "w2", "e1", "e2"]
    city.replace("plan.toml", '["w1"]', '["w3", "w2"]')
    (problem,) = problems(city)
    assert (problem.table, problem.column, problem.value) == ("plan", "include: leave_out", "w3")
    assert "is no clause of ../western" in str(problem)


def test_facts_and_checks_keep_to_their_folder(city: Folder) -> None:
    for name, value in (("western", 35), ("eastern", 5)):
        county = Folder(city.path.parent / name)
        county.write_text("facts.csv", f"fact_id,value,quote,source\nbeds,{value},so many,p. 1\n")
        check = '{ id = "same", printed = "beds", sum = ["beds"] }'
        county.replace("plan.toml", "check = []", f"check = [{check}]")
    scenario = ha.read_scenario(city.path)
    assert dict(zip(scenario.facts["fact_id"], scenario.facts["value"])) == {
        "western: beds": 35, "eastern: beds": 5,
    }  # fmt: skip
    found = ha.audit(scenario).arithmetic
    assert found["check_id"].tolist() == ["western: same", "eastern: same"]
    assert found["printed"].tolist() == found["computed"].tolist() == [35, 5]


def test_every_input_file_is_hashed(city: Folder) -> None:
    before = run_facts(city.path)["input_sha256"]
    Folder(city.path.parent / "eastern").set("stock", 1, "existing", "6")
    assert run_facts(city.path)["input_sha256"] != before


def test_a_joined_scenario_is_written_whole(city: Folder, tmp_path: Path) -> None:
    joined = ha.read_scenario(city.path)
    ha.write_scenario(joined, tmp_path / "written")
    back = ha.read_scenario(tmp_path / "written")
    for name, table in joined.tables.items():
        pd.testing.assert_frame_equal(back.tables[name], table)
    assert [dataclasses.asdict(c) for c in back.plan.clauses] == [
        dataclasses.asdict(c) for c in joined.plan.clauses
    ]


# ------------------------------------------------------------------ bad input


def test_a_fault_is_told_with_its_folder_and_row(city: Folder) -> None:
    eastern = Folder(city.path.parent / "eastern")
    eastern.set("stock", 2, "existing", "many")
    (problem,) = problems(city)
    assert (problem.table, problem.row, problem.column, problem.value) == (
        "../eastern/stock", 2, "existing", "many",
    )  # fmt: skip


def test_faults_between_the_folders_are_found(city: Folder) -> None:
    city.set("areas", 1, "residents", "9000")
    (problem,) = problems(city)
    assert (problem.table, problem.row, problem.column) == ("areas", 1, "residents")
    assert "add up to 10000" in str(problem)


def test_two_clauses_of_one_id_are_refused(city: Folder) -> None:
    city.replace("plan.toml", 'id = "all"', 'id = "w1"')
    (problem,) = problems(city)
    assert (problem.column, problem.value) == ("id", "w1")


def test_a_folder_that_is_not_there_is_told(city: Folder) -> None:
    city.replace("plan.toml", "../eastern", "../easten")
    found = [p for p in problems(city) if p.column == "include"]
    assert [(p.table, p.value) for p in found] == [("plan", "../easten")]
    assert "is no folder" in str(found[0])


def test_includes_are_one_level_deep(city: Folder) -> None:
    Folder(city.path.parent / "eastern").append(
        "plan.toml", '\n[[include]]\nfolder = "../western"\narea = "west"\n'
    )
    (problem,) = problems(city)
    assert problem.table == "../eastern/plan"
    assert "includes are one level deep" in str(problem)


@pytest.mark.parametrize(
    ("old", "new", "column", "says"),
    [
        ('area = "east"\n', "", "include 2: area", "missing field"),
        ('area = "east"\n', 'area = "east"\nareas = "x"\n', "include 2: areas", "did you mean"),
        ('folder = "../eastern"', "folder = 3", "include 2: folder", "string"),
    ],
)
def test_an_entry_that_is_wrong_is_told(
    city: Folder, old: str, new: str, column: str, says: str
) -> None:
    city.replace("plan.toml", old, new)
    found = [p for p in problems(city) if p.column == column]
    assert len(found) == 1
    assert says in str(found[0])


def test_an_area_that_is_not_in_the_tree_is_told(city: Folder) -> None:
    city.replace("plan.toml", 'area = "east"', 'area = "easst"')
    (problem,) = problems(city)
    assert (problem.column, problem.value) == ("e1: area", "easst")


def test_the_regions_populations_stay_what_they_were(city: Folder) -> None:
    populations = ha.read_scenario(city.path).populations
    assert populations["residents"].sum() == located(POPULATIONS)["residents"].sum()
