"""What all kinds share: targets, treatments, parts, the registry, kinds of one's own."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest

from healthalloc import Clause, Measure, Plan, PlanError, Status, audit, register, solve
from healthalloc.layout import Layout
from healthalloc.plan import KINDS
from healthalloc.plan.clause import ResourceId, Scope
from tests.plan.checks import achieved, agreed_price, measured, met, price, solved, total
from tests.region import KEPT_CNY, STOCK, clause, quiet, region, sited, with_areas


def beds(**fields):
    return clause("amount", **{"resource": "bed"} | fields)


# --- targets


@pytest.mark.parametrize(
    ("target", "bounds", "label"),
    [
        ({"at_least": 8.9}, (8.9, math.inf), ">= 8.9"),
        ({"at_most": 50}, (-math.inf, 50), "<= 50"),
        ({"at_least": 2, "at_most": 3}, (2, 3), "2 to 3"),
        ({"equals": 4}, (4, 4), "exactly 4"),
        ({"at_least": 12_345_678}, (12_345_678, np.inf), ">= 12345678"),
        ({"about": 4.5, "tolerance": 0.5}, (4, 5), "4.5 ± 0.5"),
        ({"about": 4.5, "tolerance": 0}, (4.5, 4.5), "4.5 ± 0"),
        ({"at_least": 0}, (0, math.inf), ">= 0"),
        ({}, (-math.inf, math.inf), ""),
    ],
)
def test_bounds_and_label(target, bounds, label):
    made = beds(**target)
    assert made.bounds == bounds
    assert made.target_label == label


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({}, "an enforced clause needs at_least, at_most, equals or about"),
        ({"at_least": 5, "at_most": 4}, "at_least 5 is above at_most 4"),
        ({"at_least": 5, "equals": 5}, "gives at_least and equals: allowed is one"),
        ({"at_most": 5, "about": 5, "tolerance": 1}, "gives at_most and about: allowed is one"),
        ({"about": 5}, "about and tolerance go together"),
        ({"at_least": 5, "tolerance": 1}, "about and tolerance go together"),
        ({"at_least": -1}, "at_least"),
        ({"at_most": math.inf}, "at_most"),
        ({"equals": math.nan}, "equals"),
        ({"about": 5, "tolerance": -1}, "tolerance"),
    ],
)
def test_targets_that_make_no_sense_are_refused(target, message):
    with pytest.raises(PlanError, match=message):
        quiet(clauses=[beds(**target)])


def test_slack_is_the_distance_from_the_nearer_bound():
    values = np.array([1.0, 2.0, 4.0, 7.0])
    assert beds(at_least=2, at_most=6).slack(values).tolist() == [-1, 0, 2, -1]
    assert beds(at_least=2).slack(values).tolist() == [-1, 0, 2, 5]
    assert beds(equals=4).slack(values).tolist() == [-3, -2, 0, -3]


def test_about_lets_the_value_lie_within_its_tolerance():
    below = solved(beds(about=45, tolerance=2))
    assert achieved(below, "amount") == 43
    assert price(below, "amount") == pytest.approx(150)
    inside = solved(beds(about=41, tolerance=2))
    assert achieved(inside, "amount") == 40
    assert price(inside, "amount") == 0
    assert agreed_price(lambda t: beds(about=t, tolerance=2), 45) == pytest.approx(150)


def test_equals_binds_from_either_side():
    above = solved(beds(equals=42))
    assert achieved(above, "amount") == 42
    assert price(above, "amount") == pytest.approx(150)
    # general beds at 40 of 44: two have to be dear ICU beds
    floor = beds(id="floor", at_least=44)
    below = solved(floor, beds(resource="general_bed", equals=40))
    assert achieved(below, "amount") == 40
    assert price(below, "amount") == pytest.approx(350)


def test_a_plan_that_cannot_hold_is_infeasible():
    # private may hold at most 4 ICU beds
    found = solve(quiet(clauses=[beds(resource="icu_bed", scope={"level": "secondary"}, equals=5)]))
    assert found.status is Status.INFEASIBLE


# --- treatments, parts


def test_an_audited_clause_is_measured_and_not_enforced():
    solution = solved(beds(at_least=50, treatment="audit"))
    assert solution.objective == pytest.approx(KEPT_CNY)
    row = solution.clauses.iloc[0]
    assert (row["achieved"], row["slack"], row["met"]) == (40, -10, False)
    assert math.isnan(row["price_cny_a_year"])
    assert row["price_basis"] == "not enforced"


def test_an_audited_clause_needs_no_target():
    solution = solved(beds(treatment="audit"))
    assert achieved(solution, "amount") == 40
    assert met(solution, "amount") is None


def test_audit_only_drops_the_enforcement():
    scenario = quiet(clauses=[beds(at_least=50), beds(id="icu", resource="icu_bed", at_least=3)])
    solution = solve(scenario.audit_only("amount"))
    assert solution.objective == pytest.approx(KEPT_CNY + 500)
    with pytest.raises(PlanError, match="no clause has this id"):
        scenario.audit_only("beds")


def test_parts_of_a_clause_are_statements_of_their_own():
    parts = [
        beds(part="icu", resource="icu_bed", at_least=4),
        beds(part="all", at_least=43),
    ]
    solution = solved(*parts)
    assert [part.name for part in parts] == ["amount/icu", "amount/all"]
    # 2 ICU beds for the one, 1 general bed more for the other
    assert solution.objective == pytest.approx(KEPT_CNY + 2 * 500 + 150)
    by_part = solution.clause_rows.set_index("part")["price_cny_a_year"]
    assert by_part.to_dict() == pytest.approx({"icu": 350, "all": 150})
    summary = solution.clauses
    assert summary["clause_id"].tolist() == ["amount"]
    assert summary["statements"].tolist() == [2]
    assert summary["price_cny_a_year"].tolist() == [pytest.approx(500)]


def test_what_is_enforced_stands_for_a_clause_of_which_parts_are_only_measured():
    parts = [
        beds(part="measured", at_least=50, treatment="audit"),
        beds(part="enforced", at_least=43),
    ]
    summary = solved(*parts).clauses.iloc[0]
    assert (summary["achieved"], summary["target"], summary["tightest"]) == (
        43,
        ">= 43",
        "enforced",
    )
    assert (summary["met"], summary["statements"]) == (True, 2)


def test_two_statements_of_one_name_are_refused():
    with pytest.raises(PlanError, match="stands 2 times"):
        quiet(clauses=[beds(at_least=1), beds(at_least=2)])
    quiet(clauses=[beds(at_least=1), beds(part="icu", at_least=2)])


def test_the_clause_table_tells_the_base_year_the_target_and_the_words():
    made = beds(at_least=43, quote="43 beds", source="page 7", status="binding", baseline=40)
    row = solved(made).clause_rows.iloc[0]
    assert (row["quote"], row["source"], row["status"]) == ("43 beds", "page 7", "binding")
    assert (row["kind"], row["unit"], row["treatment"]) == ("amount", "units", "enforce")
    assert (row["baseline"], row["target"], row["achieved"]) == (40, ">= 43", 43)


# --- areas: west (city, private; 6,000 residents), east (clinic, annex; 4,000)


def test_an_area_narrows_the_facilities():
    assert measured(beds(area="east", at_least=1), base=with_areas) == {"east": 5}
    assert measured(beds(area="mill", at_least=1), base=with_areas) == {"mill": 5}
    assert measured(beds(area="county", at_least=1), base=with_areas) == {"county": 40}
    scoped = beds(area="west", scope={"ownership": "social"}, at_least=1)
    assert measured(scoped, base=with_areas) == {"west": 10}


def test_an_area_narrows_the_residents():
    rate = {"resource": "bed", "unit": "per_1000_residents", "treatment": "audit"}
    found = measured(clause("ratio_to_population", each_area="town", **rate), base=with_areas)
    assert found == {"west": 35 / 6, "east": 5 / 4}
    near = {"resource": "fever_clinic", "radius": 40, "radius_unit": "km", "treatment": "audit"}
    assert measured(clause("coverage", **near)) == 90
    # the city's fever clinic is 30 km from the village, in another area
    assert measured(clause("coverage", each_area="town", **near), base=with_areas) == {
        "west": 100, "east": 0,
    }  # fmt: skip


def test_each_area_is_a_statement_with_its_own_price():
    solution = solved(beds(each_area="town", at_least=7), base=with_areas)
    assert achieved(solution, "amount") == {"west": 35, "east": 7}
    assert price(solution, "amount") == pytest.approx({"west": 0, "east": 150})
    assert solution.objective == pytest.approx(KEPT_CNY + 2 * 150)
    assert solution.clause_rows["area_id"].tolist() == ["west", "east"]
    row = solution.clauses.iloc[0]
    assert (row["statements"], row["tightest"], row["achieved"]) == (2, "east", 7)
    found = agreed_price(lambda t: beds(each_area="town", at_least=t), 7, base=with_areas)
    assert found == pytest.approx(150)


def test_areas_of_several_levels_and_within_an_area():
    levels = beds(each_area=("town", "village"), at_least=0)
    assert measured(levels, base=with_areas) == {"west": 35, "east": 5, "mill": 5, "shore": 0}
    within = beds(area="east", each_area=("town", "village"), at_least=0)
    assert list(measured(within, base=with_areas)) == ["east", "mill", "shore"]


def test_a_statement_of_each_facility_of_each_area():
    each = clause("per_facility_minimum", resource="doctor", each_area="village", at_least=1)
    solution = solved(each, base=with_areas)
    rows = solution.clause_rows
    assert list(zip(rows["area_id"], rows["facility_id"])) == [
        ("mill", "clinic"), ("shore", "annex"),
    ]  # fmt: skip
    assert rows["achieved"].tolist() == [4, 1]
    assert solution.clauses["tightest"].tolist() == ["shore / annex"]


def test_a_recorded_clause_tells_its_area():
    kept = clause("record", reason="an outcome", area="east")
    assert solve(with_areas(clauses=[kept])).clause_rows["area_id"].tolist() == ["east"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"area": "eats"}, "area: 'eats' is no known area .did you mean east"),
        ({"area": "town"}, "area: 'town' is no known area"),
        ({"each_area": "twon"}, "each_area: 'twon' is no known level of areas .did you mean town"),
        ({"each_area": ("town", "ward")}, "'ward' is no known level of areas"),
        ({"area": "west", "each_area": "village"}, "each_area: .*village"),
        ({"area": "east", "resource": "icu_bed"}, "has no row for it .east"),
    ],
)
def test_an_area_that_does_not_fit_is_refused(fields, message):
    with pytest.raises(PlanError, match=message):
        with_areas(clauses=[beds(**{"at_least": 1} | fields)])


@pytest.mark.parametrize("fields", [{"area": "east"}, {"each_area": "town"}])
def test_an_area_without_a_table_of_areas_is_refused(fields):
    with pytest.raises(PlanError, match=r"add areas\.csv"):
        quiet(clauses=[beds(at_least=1, **fields)])


# --- the door


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"resource": "bedd"}, "resource.*bedd.*is no known resource .did you mean bed"),
        ({"scope": {"owner": "social"}}, "owner.*is no column of facilities"),
        ({"scope": {"ownership": "socal"}}, "no facility has this ownership .did you mean social"),
        ({"scope": {"ownership": ["social", "army"]}}, "army.*no facility has this ownership"),
        ({"scope": {"ownership": "social", "side": "east"}}, "no facility matches the scope"),
        ({"id": ""}, "id"),
        ({"quote": ""}, "quote"),
        ({"source": ""}, "source"),
        ({"status": "urgent"}, "status"),
        ({"treatment": "ignore"}, "treatment"),
        ({"quote": "=1+1"}, "would run as a formula"),
        ({"scope": {"side": "east"}, "resource": "icu_bed"}, "the table stock has no row for it"),
    ],
)
def test_a_clause_that_does_not_fit_the_tables_is_refused(fields, message):
    with pytest.raises(PlanError, match=message):
        quiet(clauses=[beds(**{"at_least": 1} | fields)])


def test_every_problem_of_a_plan_is_told_at_once():
    wrong = [beds(id="a", resource="bedd", at_least=1), beds(id="b", scope={"x": "y"}, at_least=1)]
    with pytest.raises(PlanError) as raised:
        quiet(clauses=wrong)
    assert "bedd" in str(raised.value)
    assert "no column of facilities" in str(raised.value)


# --- the registry


def test_the_kinds_that_a_plan_may_name():
    assert set(KINDS) == {
        "amount", "area_share", "coverage", "facility_count", "facility_per_population",
        "facility_share", "facility_target", "first_contact_share", "freeze_rule", "hierarchy",
        "length_of_stay", "merger", "per_facility_minimum", "ratio_between_resources",
        "ratio_to_population", "record", "referral_share", "resource_share", "surge_reserve",
    }  # fmt: skip
    assert all(kind.kind == word for word, kind in KINDS.items())


def test_two_kinds_of_one_name_are_refused():
    before = dict(KINDS)
    amount = KINDS["amount"]

    @dataclass(frozen=True, kw_only=True)
    class Other(amount):
        pass

    with pytest.raises(ValueError, match="two clause kinds are called 'amount'"):
        register(Other)
    assert before == KINDS


def test_a_kind_may_be_registered_again():
    assert register(KINDS["amount"]) is KINDS["amount"]


def test_clauses_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        beds(at_least=1).at_least = 2


def test_a_plan_keeps_its_own_clauses():
    given = [beds(at_least=1)]
    plan = Plan(given)
    given.clear()
    assert len(plan.clauses) == 1


# --- a kind of one's own, given from a script


@dataclass(frozen=True, kw_only=True)
class Surplus(Clause):
    """Units of a resource less units of another, in a scope."""

    kind: ClassVar[str] = "surplus"
    resource: ResourceId
    less: ResourceId
    scope: Scope = field(default_factory=dict)

    @property
    def unit_label(self) -> str:
        return "units"

    def measure(self, layout: Layout) -> Measure:
        where = layout.facilities_in(self.scope)
        surplus = layout.stock_sum(self.resource, where) + layout.stock_sum(
            self.less, where, weight=-1.0
        )
        return Measure(surplus, np.ones(1))


def surplus(**fields):
    return clause(Surplus, **{"resource": "nurse", "less": "doctor"} | fields)


def test_a_kind_of_ones_own_is_measured_enforced_and_priced():
    assert measured(surplus(at_least=1)) == 16 - 10
    assert measured(surplus(at_least=1, scope={"side": "west"})) == 14 - 6
    solution = solved(surplus(at_least=9))
    assert total(solution, "nurse") == 19
    assert solution.objective == pytest.approx(KEPT_CNY + 3 * 120)
    assert agreed_price(lambda t: surplus(at_least=t), 9) == pytest.approx(120)
    # a ceiling is met with more doctors
    assert agreed_price(lambda t: surplus(at_most=t), 4) == pytest.approx(340)


def test_a_kind_of_ones_own_is_checked_at_the_door():
    with pytest.raises(PlanError, match="did you mean doctor"):
        quiet(clauses=[surplus(less="doctr", at_least=1)])
    with pytest.raises(PlanError, match="no column of facilities"):
        quiet(clauses=[surplus(scope={"owner": "social"}, at_least=1)])


def test_a_kind_of_ones_own_need_not_be_registered():
    assert "surplus" not in KINDS
    rows = audit(quiet(clauses=[surplus(at_least=1)])).clauses
    assert rows["achieved"].tolist() == [6]


# --- prices where sites are chosen


def test_a_price_is_that_of_the_sites_as_chosen():
    def east(target):
        return beds(scope={"side": "east"}, at_least=target)

    solution = solved(east(6), base=sited)
    # the annex opens, with its doctor, for six beds; that is cheaper than to keep the clinic
    assert solution.sites.set_index("facility_id")["open"].to_dict() == {
        "city": True, "private": True, "clinic": False, "annex": True,
    }  # fmt: skip
    assert solution.objective == pytest.approx(5260 + 60 + 500 + 340 + 6 * 150)
    # one bed more does not open another site
    assert agreed_price(east, 6, base=sited) == pytest.approx(150)
    row = solution.clause_rows.iloc[0]
    assert row["price_basis"] == (
        "dual of the linear program, whole units relaxed, sites fixed as chosen"
    )


# --- many clauses together, with demand


def test_all_clauses_hold_at_once_and_demand_is_served():
    plan = [
        clause("ratio_to_population", resource="bed", unit="per_1000_residents", at_least=3),
        clause("resource_share", resource="icu_bed", of_resource="bed", at_least=5),
        clause("ratio_between_resources", resource="nurse", per_resource="doctor", at_least=2),
        clause("per_facility_minimum", resource="staff", at_least=2),
        clause("facility_share", resource="fever_clinic", at_least=50),
        clause("facility_target", facility_id="city", resource="icu_bed", at_least=1),
        clause("facility_count", at_least=3),
        clause("surge_reserve", weights={"bed": 0.5}, at_least=10),
        clause("amount", resource="doctor", at_most=9),
        clause(
            "coverage", resource="fever_clinic", radius=25, radius_unit="km", at_least=90
        ),
        clause("record", reason="an outcome"),
    ]  # fmt: skip
    free = solve(region()).require_optimal()
    solution = solve(region(clauses=plan)).require_optimal()
    assert solution.clauses["met"].tolist() == [True] * 10 + [None]
    assert solution.objective > free.objective
    assert (solution.stock["allocated"] % 1 == 0).all()
    held = solution.stock["allocated"]
    assert (held <= STOCK["upper"].fillna(math.inf)).all()
