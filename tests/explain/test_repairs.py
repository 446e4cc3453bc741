"""Repairs of plans that cannot hold: applied by hand, solved, and compared with known ones."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import healthalloc as ha
import healthalloc.cli.explain  # registers the command
from healthalloc.cli.app import app
from healthalloc.explain.conflicts.soft import Bounds
from healthalloc.explain.conflicts.soften import soften
from healthalloc.explain.repairs import CRITERIA, Repair, Repairs, correction, ranked, repairs
from healthalloc.explain.repairs.answer import CHANGES
from healthalloc.explain.repairs.least_change import Changer
from healthalloc.explain.repairs.ranked import _ranked
from healthalloc.explain.repairs.targets import Move, knobs_of
from healthalloc.solvers import SolverOptions, Status, solve_highs
from tests.examples import examples
from tests.explain.test_all_conflicts import at_least, at_most, can_hold, contradicted, every_member
from tests.properties import scenarios as random
from tests.region import STOCK, clause, edit, quiet, region, sited

Change = tuple[str, str, float, float]


def changes(repair: Repair) -> set[Change]:
    """Member, field, from and to of each change."""
    table = repair.changes[["member", "field", "from", "to"]]
    return set(table.itertuples(index=False, name=None))


def all_changes(found: Repairs) -> list[set[Change]]:
    return [changes(repair) for repair in found.repairs]


def printed(number: float) -> float:
    """The number as somebody reads it off the page and types it in again."""
    return float(f"{number:.12g}")


def applied(scenario: ha.Scenario, table: pd.DataFrame) -> ha.Scenario:
    """The scenario with the changes of a table made by hand, as they are printed."""
    stock = scenario.stock.copy()
    clauses = {c.name: c for c in scenario.plan.clauses}
    for row in table.to_dict("records"):
        to, field = printed(row["to"]), row["field"]
        if row["kind"] == "stock limit":
            resource, facility = row["member"].split(" in ")
            own = (stock["facility_id"] == facility) & (stock["resource_id"] == resource)
            assert own.sum() == 1
            assert (stock.loc[own, field] == row["from"]).all()
            stock.loc[own, field] = to
            continue
        old = clauses[row["member"]]
        assert (row["quote"], row["status"], row["unit"]) == (
            old.quote, old.status, old.unit_label
        )  # fmt: skip
        new: dict[str, Any] = {field: to}
        if field == "tolerance":
            middle = old.equals if old.about is None else old.about
            new = {"equals": None, "about": middle, "tolerance": to}
        assert row["from"] == (getattr(old, field) or 0.0)
        clauses[old.name] = replace(old, **new)
    return random.with_clauses(scenario.replace(stock=stock), list(clauses.values()))


def check(scenario: ha.Scenario, found: Repairs) -> None:
    """Every repair holds, takes all its changes, and is counted right."""
    assert not found.holds
    summary, table = found.summary(), found.changes()
    assert list(summary["repair"]) == list(range(1, len(found) + 1))
    for number in summary["repair"]:
        own = table[table["repair"] == number]
        row = summary.iloc[number - 1]
        solution = ha.solve(applied(scenario, own))
        assert solution.status is Status.OPTIMAL
        assert solution.objective == pytest.approx(row["cost_cny_a_year"], rel=1e-6, abs=1e-6)
        assert row["gap"] <= 1e-6
        assert row["n_changes"] == own["member"].nunique() > 0
        is_binding = own["status"] == "binding"
        assert row["touches_binding"] == own.loc[is_binding, "member"].nunique()
        assert row["total_weighted_change"] == pytest.approx(own["weighted_change"].sum())
        for member in own["member"].unique():
            without = applied(scenario, own[own["member"] != member])
            assert ha.solve(without).status is Status.INFEASIBLE, member
    times = Counter(frozenset(repair.changes["member"]) for repair in found.repairs)
    assert max(times.values(), default=1) == 1
    if len(found):
        assert set(found.best) == set(CRITERIA)
        least, fewest, cheapest = (found[found.best[name]] for name in CRITERIA)
        assert least.weighted_change == min(r.weighted_change for r in found.repairs)
        assert fewest.n_changes == min(r.n_changes for r in found.repairs)
        assert cheapest.cost_cny_a_year == min(r.cost_cny_a_year for r in found.repairs)


# --- plans of known repairs


def test_a_plan_that_holds_needs_none() -> None:
    found = repairs(region(clauses=[at_least("a", 50)]))
    assert found.holds
    assert found.complete
    assert len(found) == 0
    assert found.summary().empty
    assert found.changes().empty
    assert str(found) == ""


def test_a_target_or_the_limit_that_stops_it() -> None:
    target = clause(
        "facility_target", id="many", facility_id="private", resource="icu_bed", at_least=10
    )
    scenario = quiet(clauses=[target])
    found = repairs(scenario)
    assert all_changes(found) == [
        {("many", "at_least", 10.0, 4.0)},
        {("icu_bed in private", "upper", 4.0, 10.0)},
    ]
    assert found.complete
    assert found.best == dict.fromkeys(CRITERIA, 0)
    assert list(found.summary()["total_weighted_change"]) == pytest.approx([0.6, 1.5])
    # 4 or 10 intensive care beds more than today, at 300 + 200 each
    costs = list(found.summary()["cost_cny_a_year"])
    assert costs[1] - costs[0] == pytest.approx(6 * 500)
    assert str(found[0]) == "  - many: said so: at least 10 → 4 units"
    assert str(found[1]) == "  - stock limit of icu_bed in private: at most 4 → 10 units"
    check(scenario, found)


def test_what_must_stay() -> None:
    target = clause(
        "facility_target", id="many", facility_id="private", resource="icu_bed", at_least=10
    )
    scenario = quiet(clauses=[target])
    assert all_changes(repairs(scenario, keep_limits=True)) == [{("many", "at_least", 10.0, 4.0)}]
    kept = repairs(scenario, keep=["many"])
    assert all_changes(kept) == [{("icu_bed in private", "upper", 4.0, 10.0)}]
    none = repairs(scenario, keep=["many"], keep_limits=True)
    assert (len(none), none.holds, none.complete) == (0, False, True)
    with pytest.raises(ha.PlanError, match=r"'mny' no enforced clause has this id .*many"):
        repairs(scenario, keep=["mny"])


def test_three_different_repairs_where_there_are_three() -> None:
    stock = STOCK.assign(upper=STOCK["upper"].fillna(12.0))
    stock["existing"] = stock[["existing", "upper"]].min(axis=1)
    scenario = region(clauses=[at_least("doctors", 40, "doctor")], stock=stock)
    found = repairs(scenario)
    assert len(found) == 3
    assert changes(found[0]) == {("doctors", "at_least", 40.0, 39.0)}
    # of the limits the largest first: it changes least against its size
    assert changes(found[1]) == {("doctor in city", "upper", 12.0, 13.0)}
    assert changes(found[2]) == {("doctor in private", "upper", 12.0, 13.0)}
    check(scenario, found)


def test_one_repair_in_each_conflict() -> None:
    scenario = region(
        clauses=[
            at_least("beds", 60), at_most("few beds", 50),
            at_least("nurses", 40, "nurse"), at_most("few nurses", 30, "nurse"),
        ]
    )  # fmt: skip
    found = repairs(scenario)
    assert len(found) == 4
    assert found.complete
    assert changes(found[0]) == {
        ("beds", "at_least", 60.0, 50.0),
        ("nurses", "at_least", 40.0, 30.0),
    }
    assert {frozenset(r.changes["member"]) for r in found.repairs} == {
        frozenset(pair)
        for pair in itertools.product(["beds", "few beds"], ["nurses", "few nurses"])
    }
    check(scenario, found)


def three_ceilings() -> ha.Scenario:
    """One minimum against a large ceiling in each of three hospitals: staff of which all but 5
    nurses are fixed, where 10 doctors are asked for.
    """
    places = ("city", "private", "clinic")
    nurses = [
        clause("facility_target", id=f"nurses {j}", facility_id=j, resource="nurse",
               at_least=995, status="binding")
        for j in places
    ]  # fmt: skip
    staff = [
        clause("facility_target", id=f"staff {j}", facility_id=j, resource="staff", at_most=1000)
        for j in places
    ]
    doctors = clause(
        "per_facility_minimum", id="doctors", resource="doctor", at_least=10,
        scope={"facility_id": places},
    )  # fmt: skip
    stock = STOCK.assign(upper=np.where(STOCK["resource_id"] == "nurse", np.nan, STOCK["upper"]))
    stock.loc[STOCK["facility_id"] == "annex", "upper"] = 5.0
    stock.loc[stock["resource_id"] == "fever_clinic", "upper"] = 1.0
    facilities = region().facilities.assign(site=["existing"] * 3 + ["candidate"])
    return region(clauses=[doctors, *nurses, *staff], stock=stock, facilities=facilities)


def test_the_criteria_choose_different_repairs() -> None:
    scenario = three_ceilings()
    found = repairs(scenario)
    assert found.best == {"least change": 0, "fewest members": 1, "cheapest": 1}
    assert changes(found[0]) == {
        (f"staff {j}", "at_most", 1000.0, 1005.0) for j in ("city", "private", "clinic")
    }
    assert found[0].weighted_change == pytest.approx(0.015)
    assert changes(found[1]) == {("doctors", "at_least", 10.0, 5.0)}
    assert all(repair.n_binding == 0 for repair in found.repairs)
    check(scenario, found)


# --- binding clauses


def test_a_binding_clause_is_left_alone_if_it_can_be() -> None:
    clauses = [
        replace(at_least("beds", 51), status="binding"),
        at_most("few", 10, "general_bed"),
        at_most("icu", 10, "icu_bed"),
    ]
    scenario = region(clauses=clauses)
    found = repairs(scenario)
    # the change of the binding clause would have been the smallest by far: 20 from 51
    assert {frozenset(r.changes["member"]) for r in found.repairs} == {
        frozenset({"few"}), frozenset({"icu"})
    }  # fmt: skip
    assert found[0].weighted_change == pytest.approx(3.1)
    assert found.complete
    check(scenario, found)


def test_as_few_binding_clauses_as_possible() -> None:
    bound = {"status": "binding"}
    clauses = [
        at_least("beds", 60, **bound), at_most("few beds", 50, **bound),
        at_least("nurses", 40, "nurse", **bound), at_most("few nurses", 30, "nurse"),
    ]  # fmt: skip
    scenario = region(clauses=clauses)
    found = repairs(scenario)
    assert [r.n_binding for r in found.repairs] == [1, 1]
    assert changes(found[0]) == {
        ("beds", "at_least", 60.0, 50.0), ("few nurses", "at_most", 30.0, 40.0)
    }  # fmt: skip
    assert list(found.summary()["touches_binding"]) == [1, 1]
    check(scenario, found)


def test_a_binding_clause_moves_last_and_no_farther_than_the_others_leave_it_to() -> None:
    """15 people too many: 12 doctors can go, so 3 nurses have to, whatever weighs less."""
    clauses = [
        at_least("nurses", 30, "nurse", status="binding"),
        at_least("doctors", 12, "doctor"),
        at_most("people", 27, "staff"),
    ]
    stock = STOCK.assign(lower=0.0)
    model = ha.formulate(region(clauses=clauses, stock=stock))
    soft = soften(model, solve_highs, SolverOptions(gap=0.0), capped=True)
    bounds = Bounds.of(model)
    moved = {}
    for last in ({0}, set[int]()):
        found = Changer(soft, bounds, knobs_of(soft, bounds), last).least({0, 1})
        assert found is not None
        moved[len(last)] = {move.knob.member: move.to for move in found}
    assert moved[1] == pytest.approx({0: 27.0, 1: 0.0})
    assert moved[0] == pytest.approx({0: 15.0})  # half of 30 is less than all of 12


def test_a_repair_that_touches_a_binding_clause_is_ranked_last() -> None:
    def repair(status: str, change: float, cost: float) -> Repair:
        row = ("m", "clause", status, "q", "at_least", 2.0, 1.0, "units", change)
        solved = SimpleNamespace(objective=cost, budget=None)
        table = pd.DataFrame([row], columns=CHANGES)
        return Repair(table, None, solved)  # type: ignore[arg-type]

    small, large = repair("binding", 0.01, 10.0), repair("expected", 0.9, 99.0)
    found = _ranked([small, large], 5, complete=True)
    assert found.repairs == (large, small)
    assert set(found.best.values()) == {0}


def test_what_does_not_mend_the_plan_is_no_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    proposed = ranked.propose

    def with_half_a_repair(*given: Any) -> tuple[list[list[Move]], bool]:
        found, complete = proposed(*given)
        half = [replace(move, to=(move.to + move.knob.value) / 2) for move in found[0]]
        return [half, *found], complete

    scenario = region(clauses=[at_least("beds", 60), at_most("few", 50)])
    before = all_changes(repairs(scenario))
    monkeypatch.setattr(ranked, "propose", with_half_a_repair)
    assert all_changes(repairs(scenario)) == before


# --- forms of targets


def test_an_equality_moves_to_another_value() -> None:
    found = repairs(quiet(clauses=[clause("amount", id="half", resource="doctor", equals=12.5)]))
    assert len(found) == 1
    (only,) = changes(found[0])
    assert only[:3] == ("half", "equals", 12.5)
    assert only[3] in (12.0, 13.0)


def test_the_number_of_sites() -> None:
    centres = {"category": "primary_centre"}
    two = clause("facility_count", id="two", scope=centres, equals=2)
    one = clause("facility_count", id="one", scope=centres, equals=1, status="binding")
    scenario = sited(clauses=[two, one])
    found = repairs(scenario)
    assert all_changes(found) == [{("two", "equals", 2.0, 1.0)}]
    check(scenario, found)


def test_one_side_of_a_range_moves() -> None:
    beds = clause("amount", id="range", resource="icu_bed", at_least=3.2, at_most=3.8)
    scenario = quiet(clauses=[beds])
    found = repairs(scenario)
    (only,) = changes(found[0])
    assert only in (("range", "at_least", 3.2, 3.0), ("range", "at_most", 3.8, 4.0))
    assert len(found) == 1
    check(scenario, found)


def test_a_tolerance_widens() -> None:
    clauses = [
        clause("resource_share", id="icu", resource="icu_bed", of_resource="bed", about=10,
               tolerance=1, scope={"facility_id": "city"}),
        clause("facility_target", id="beds", facility_id="city", resource="bed", equals=100,
               status="binding"),
        clause("facility_target", id="icu beds", facility_id="city", resource="icu_bed",
               equals=20, status="binding"),
    ]  # fmt: skip
    scenario = region(clauses=clauses)
    found = repairs(scenario)
    assert all_changes(found) == [{("icu", "tolerance", 1.0, 10.0)}]
    assert found[0].weighted_change == pytest.approx(9 / 10)
    assert str(found[0]) == "  - icu: said so: give or take 1 → 10 %"
    check(scenario, found)


def test_an_equality_in_each_of_several_places_gets_a_tolerance() -> None:
    clauses = [
        clause("ratio_between_resources", id="ratio", resource="nurse", per_resource="doctor",
               each=True, equals=2, scope={"side": "west"}),
        *(
            clause("facility_target", id=f"{what} {j}", facility_id=j, resource=what, equals=n,
                   status="binding")
            for j, what, n in (
                ("city", "doctor", 10), ("city", "nurse", 15),
                ("private", "doctor", 10), ("private", "nurse", 24),
            )
        ),
    ]  # fmt: skip
    scenario = region(clauses=clauses)
    found = repairs(scenario)
    # city has 1.5 nurses a doctor, private 2.4
    assert all_changes(found) == [{("ratio", "tolerance", 0.0, 0.5)}]
    check(scenario, found)


@pytest.mark.parametrize("whole_units", [True, False])
def test_a_ratio_between_resources(whole_units: bool) -> None:
    clauses = [
        clause("ratio_between_resources", id="ratio", resource="nurse", per_resource="doctor",
               at_least=3),
        at_least("doctors", 21, "doctor"),
        at_most("nurses", 50, "nurse"),
    ]  # fmt: skip
    scenario = region(clauses=clauses, whole_units=whole_units)
    found = repairs(scenario)
    by_member = {next(iter(changes(r)))[0]: next(iter(changes(r))) for r in found.repairs}
    assert set(by_member) == {"ratio", "doctors", "nurses"}
    # 50 nurses for 21 doctors are 2.38095...: it is rounded down, and by next to nothing
    assert by_member["ratio"] == ("ratio", "at_least", 3.0, 2.38)
    assert by_member["nurses"] == ("nurses", "at_most", 50.0, 63.0)
    assert by_member["doctors"][3] == (16.0 if whole_units else 16.6)
    check(scenario, found)


def test_a_ratio_far_from_the_base_year() -> None:
    # today 16 nurses for 10 doctors; the plan has 200 doctors
    clauses = [
        clause("ratio_between_resources", id="ratio", resource="nurse", per_resource="doctor",
               at_least=2),
        at_least("doctors", 200, "doctor", status="binding"),
        at_most("nurses", 60, "nurse", status="binding"),
    ]  # fmt: skip
    scenario = region(clauses=clauses)
    found = repairs(scenario)
    assert all_changes(found) == [{("ratio", "at_least", 2.0, 0.3)}]
    check(scenario, found)


def test_a_target_of_nothing_counts_in_units() -> None:
    clauses = [
        clause("facility_target", id="none", facility_id="city", resource="doctor", equals=0),
        clause("facility_target", id="some", facility_id="city", resource="doctor", at_least=3),
    ]
    found = repairs(region(clauses=clauses))
    assert all_changes(found) == [
        {("some", "at_least", 3.0, 0.0)}, {("none", "equals", 0.0, 3.0)}
    ]  # fmt: skip
    assert list(found.summary()["total_weighted_change"]) == pytest.approx([1.0, 3.0])


def test_a_share_moves_in_percent() -> None:
    clauses = [
        clause("facility_share", id="all", resource="fever_clinic", at_least=100),
        at_most("two", 2, "fever_clinic"),
    ]
    scenario = quiet(clauses=clauses, stock=STOCK)
    found = repairs(scenario)
    assert all_changes(found) == [
        {("all", "at_least", 100.0, 50.0)}, {("two", "at_most", 2.0, 4.0)}
    ]  # fmt: skip
    assert list(found.changes()["unit"]) == ["% of facilities", "units"]
    check(scenario, found)


def test_nobody_has_two_of_what_one_has_or_has_not() -> None:
    stock = edit(STOCK, {"facility_id": "clinic", "resource_id": "fever_clinic"}, upper=0.0)
    clauses = [clause("facility_share", id="all", resource="fever_clinic", at_least=100)]
    scenario = quiet(clauses=clauses, stock=stock)
    found = repairs(scenario)
    assert all_changes(found) == [
        {("all", "at_least", 100.0, 75.0)}, {("fever_clinic in clinic", "upper", 0.0, 1.0)}
    ]  # fmt: skip
    assert found.complete
    check(scenario, found)


def test_the_lower_limit_of_a_site_that_may_open() -> None:
    clauses = [
        clause("facility_count", id="annex", scope={"facility_id": "annex"}, at_least=1,
               status="binding"),
        clause("facility_target", id="no doctor", facility_id="annex", resource="doctor",
               at_most=0),
    ]  # fmt: skip
    scenario = sited(clauses=clauses)
    found = repairs(scenario)
    assert {frozenset(c) for c in all_changes(found)} == {
        frozenset({("no doctor", "at_most", 0.0, 1.0)}),
        frozenset({("doctor in annex", "lower", 1.0, 0.0)}),
    }
    check(scenario, found)


# --- random plans


@st.composite
def plans(draw: st.DrawFn) -> ha.Scenario:
    """A random scenario that contradicts itself, with a random status of each clause."""
    scenario = draw(contradicted())
    statuses = st.sampled_from(["binding", "text", "expected"])
    return random.with_clauses(
        scenario, [replace(c, status=draw(statuses)) for c in scenario.plan.clauses]
    )


@settings(max_examples=examples(6))
@given(plans())
def test_random_plans(scenario: ha.Scenario) -> None:
    found = repairs(scenario, search=4)
    check(scenario, found)
    assert len(found)
    model = ha.formulate(scenario)
    clauses = {e.clause.name: e.clause for e in model.enforced}
    # the limits of what one has or has not are no way out, so they stay in force
    flags = {key for key in every_member(model) if key not in clauses and key[1] == random.FLAG}
    everything = every_member(model)
    binding = {name for name, c in clauses.items() if c.status == "binding"}
    if can_hold(model, binding | flags):
        assert all(r.n_binding == 0 for r in found.repairs)
    free = everything - flags - (binding if found[0].n_binding == 0 else set())
    alone = [m for m in free if can_hold(model, everything - {m})]
    if alone:
        assert found[found.best["fewest members"]].n_changes == 1
        assert len(found) >= min(3, len(alone))
    # a change that is smaller by a part would not do
    for repair in found.repairs:
        table = repair.changes
        if len(table) == 1 and table["field"].iloc[0] != "equals":
            nearly = table.assign(to=table["from"] + 0.96 * (table["to"] - table["from"]))
            assert ha.solve(applied(scenario, nearly)).status is Status.INFEASIBLE


# --- the command

runner = CliRunner()


def write(tmp_path: Any, scenario: ha.Scenario) -> str:
    ha.write_scenario(scenario, tmp_path / "plan")
    return str(tmp_path / "plan")


def test_command_on_a_plan_that_holds(tmp_path: Any) -> None:
    folder = write(tmp_path, region(clauses=[at_least("a", 50)]))
    result = runner.invoke(app, ["explain", folder, "-o", str(tmp_path / "out")])
    assert result.exit_code == 0
    assert "The plan holds" in result.stdout
    run = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert run["plan_holds"] is True
    assert pd.read_csv(tmp_path / "out" / "repairs.csv").empty


def test_command_on_a_plan_that_cannot_hold(tmp_path: Any) -> None:
    scenario = region(clauses=[at_least("many", 60), at_most("few", 50, quote="不多于50张")])
    folder = write(tmp_path, scenario)
    before = sorted(p.name for p in (tmp_path / "plan").iterdir())
    result = runner.invoke(app, ["explain", folder, "-o", str(tmp_path / "out")])
    assert result.exit_code == 0
    for words in (
        "The plan is infeasible: 1 conflict", "few: 不多于50张 (<= 50 units)",
        "Repair 1 (least change, fewest members, cheapest)",
        "many: said so: at least 60 → 50 units",
        "few: 不多于50张: at most 50 → 60 units", "1 member changed", "16.7 % of the targets",
    ):  # fmt: skip
        assert words in result.stdout
    assert before == sorted(p.name for p in (tmp_path / "plan").iterdir())
    out = tmp_path / "out"
    found = repairs(scenario)
    pd.testing.assert_frame_equal(
        pd.read_csv(out / "repair_changes.csv", keep_default_na=False), found.changes(),
        check_dtype=False,
    )  # fmt: skip
    summary = pd.read_csv(out / "repairs.csv", keep_default_na=False)
    assert list(summary.columns) == list(found.summary().columns)
    assert list(summary["best_at"]) == ["least change, fewest members, cheapest", ""]
    conflicts = pd.read_csv(out / "conflicts.csv")
    assert set(conflicts["member"]) == {"many", "few"}


def test_command_for_the_conflicts_only(tmp_path: Any) -> None:
    folder = write(tmp_path, region(clauses=[at_least("many", 60), at_most("few", 50)]))
    out = tmp_path / "out"
    result = runner.invoke(app, ["explain", folder, "--conflicts-only", "-o", str(out)])
    assert result.exit_code == 0
    assert "1 conflict" in result.stdout
    assert "Repair 1" not in result.stdout
    assert {file.name for file in out.iterdir()} == {"conflicts.csv", "run.json"}


def test_command_with_what_must_stay(tmp_path: Any) -> None:
    folder = write(tmp_path, region(clauses=[at_least("many", 60), at_most("few", 50)]))
    kept = runner.invoke(app, ["explain", folder, "--keep", "many", "--method", "iis"])
    assert kept.exit_code == 0
    assert "at least 60 →" not in kept.stdout
    assert "at most 50 → 60" in kept.stdout
    none = runner.invoke(app, ["explain", folder, "--keep", "many,few", "--keep-limits"])
    assert none.exit_code == 0
    assert "No repair" in none.stdout
    audited = runner.invoke(app, ["explain", folder, "--audit-only", "few"])
    assert "The plan holds" in audited.stdout
    assert runner.invoke(app, ["explain", folder, "-q"]).stdout == ""


def test_what_does_not_solve_is_no_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    target = clause(
        "facility_target", id="many", facility_id="private", resource="icu_bed", at_least=10
    )
    scenario = quiet(clauses=[target])
    infeasible = ha.solve(scenario)
    monkeypatch.setattr(ranked, "solve", lambda _: infeasible)
    assert len(repairs(scenario)) == 0


def test_a_search_that_ends_early_still_finds_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without time for minimal sets, each repair leaves something of the others as it is."""
    monkeypatch.setattr(correction, "SECONDS", 0.0)
    scenario = region(clauses=[at_least("many", 60), at_most("few", 50)])
    found = repairs(scenario)
    assert not found.complete
    changed = {frozenset(repair.changes["member"]) for repair in found.repairs}
    assert changed == {frozenset({"many"}), frozenset({"few"})}  # there is no third
    assert all(repair.solution.status is ha.Status.OPTIMAL for repair in found.repairs)
    three = region(clauses=[at_least("many", 60), at_most("few", 50), at_least("more", 55)])
    members = [set(repair.changes["member"]) for repair in repairs(three).repairs]
    assert {"few"} in members
    assert {"many", "more"} in members


def test_nothing_is_touched_for_a_change_hardly_smaller() -> None:
    """A hair less in all, from 59.7 to 60, is not worth the three floors that it would touch."""
    floors = [at_least(name, 60) for name in ("many", "as many", "so many")]
    scenario = region(
        clauses=[*floors, at_most("few", 23), at_most("nearly", 59.69)], whole_units=False
    )
    scenario = scenario.replace(stock=edit(scenario.stock, lower=0))
    found = repairs(scenario, keep_limits=True)
    assert changes(found[0]) == {("few", "at_most", 23, 60), ("nearly", "at_most", 59.69, 60)}
    assert [repair.n_changes for repair in found.repairs] == [2, 3]


def test_command_with_bad_input(tmp_path: Any) -> None:
    folder = write(tmp_path, region(clauses=[at_least("many", 60), at_most("few", 50)]))
    wrong = runner.invoke(app, ["explain", folder, "--keep", "mani", "-o", str(tmp_path / "out")])
    assert wrong.exit_code == 2
    assert "did you mean many?" in wrong.stderr
    assert not (tmp_path / "out").exists()
    inside = runner.invoke(app, ["explain", folder, "-o", f"{folder}/out"])
    assert inside.exit_code == 2
    assert runner.invoke(app, ["explain", str(tmp_path / "nowhere")]).exit_code == 2
