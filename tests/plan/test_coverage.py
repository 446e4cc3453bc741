"""Coverage: 100 x residents of reached populations / residents asked.

Reached is min(1, sum of x within the radius). Fever clinics, by km: the town (60 % of the
residents) has the city at 0 and private at 10; the village (30 %) has the clinic at 0, private
and the annex at 20; the hamlet (10 %) has the annex at 0, the clinic at 20.
"""

from __future__ import annotations

import pytest

from healthalloc import PlanError, Status, audit, solve
from tests.plan.checks import achieved, agreed_price, changes, measured, solved
from tests.region import KEPT_CNY, clause, quiet, region, sited, with_areas

KIND = "coverage"


def fever(**fields):
    given = {"resource": "fever_clinic", "radius": 20, "radius_unit": "km"} | fields
    return clause(KIND, **given)


@pytest.mark.parametrize(
    ("fields", "percent"),
    [
        ({}, 60),
        ({"resource": "general_bed"}, 100),
        ({"resource": "general_bed", "radius": 19.9}, 90),
        ({"resource": "bed", "radius": 19.9, "scope": {"side": "west"}}, 60),
        ({"resource": "bed", "radius": 20, "scope": {"level": ["secondary", "tertiary"]}}, 90),
        ({"resource": "bed", "area_class": ("rural",), "scope": {"side": "west"}}, 75),
        ({"resource": "bed", "area_class": ("rural", "urban"), "scope": {"side": "west"}}, 90),
        # 2 minutes a km from the town, 1 minute a km elsewhere
        ({"radius_unit": "min", "scope": {"facility_id": "private"}, "resource": "nurse"}, 90),
        ({"radius_unit": "min", "radius": 19, "scope": {"facility_id": "private"},
          "resource": "nurse"}, 0),
    ],
)  # fmt: skip
def test_measures_residents_within_the_radius_of_a_holder(fields, percent):
    assert measured(fever(treatment="audit", **fields)) == percent


def test_measures_a_given_stock():
    assert measured(fever(at_least=1), {("clinic", "fever_clinic"): 1}) == 100
    assert measured(fever(at_least=1), {("private", "fever_clinic"): 1}) == 90
    assert measured(fever(at_least=1), {("city", "fever_clinic"): 0}) == 0


def test_two_holders_reach_nobody_twice():
    given = {("clinic", "fever_clinic"): 1, ("annex", "fever_clinic"): 1}
    assert measured(fever(at_least=1), given) == 100


def test_enforces_with_whole_units():
    solution = solved(fever(at_least=75), whole_units=True)
    assert solution.objective == pytest.approx(KEPT_CNY + 60)
    assert achieved(solution, KIND) in (90, 100)
    everyone = solved(fever(at_least=100), whole_units=True)
    assert [f for f, _ in changes(everyone)] in (["clinic"], ["annex"])


def test_enforces_for_an_area_class_and_a_scope():
    solution = solved(fever(at_least=75, area_class=("rural",), scope={"side": "west"}))
    assert changes(solution) == {("private", "fever_clinic"): 1}


def test_a_closed_facility_reaches_nobody():
    wanted = fever(at_least=100, scope={"side": "east"}, area_class=("rural",))
    solution = solved(wanted, base=sited, whole_units=True)
    # the annex is the cheaper one to have: its site, its doctor, the fever clinic
    assert solution.objective == pytest.approx(5260 + 60 + 500 + 340 + 60)
    assert dict(zip(solution.sites["facility_id"], solution.sites["open"])) == {
        "city": True, "private": True, "clinic": False, "annex": True,
    }  # fmt: skip


def test_two_clauses_reach_their_points_apart():
    rural = fever(id="rural", area_class=("rural",), at_least=100)
    urban = fever(id="urban", area_class=("urban",), at_least=50, scope={"level": "secondary"})
    solution = solved(urban, rural)
    # half a fever clinic in private for the town; with it half the village, the rest in the east
    assert (achieved(solution, "urban"), achieved(solution, "rural")) == pytest.approx((50, 100))
    assert solution.objective == pytest.approx(KEPT_CNY + 0.5 * 60 + 1.0 * 60)
    assert changes(solution)[("private", "fever_clinic")] == pytest.approx(0.5)


def test_price_of_one_percent_of_residents():
    # one fever clinic in clinic or annex reaches 40 %
    assert agreed_price(lambda t: fever(at_least=t), 75) == pytest.approx(60 / 40)


def test_price_where_only_one_point_is_left():
    west = {"side": "west"}
    found = agreed_price(lambda t: fever(at_least=t, scope=west, area_class=("rural",)), 50)
    # private reaches the village, 75 % of the rural residents
    assert found == pytest.approx(60 / 75)


def test_a_floor_out_of_reach_is_infeasible():
    far = fever(at_least=50, radius=1, scope={"facility_id": "private"})
    assert solve(quiet(clauses=[far])).status is Status.INFEASIBLE


@pytest.mark.parametrize(
    "target", [{"at_most": 50}, {"equals": 50}, {"at_least": 10, "at_most": 50}]
)
def test_a_ceiling_is_either_kept_or_refused(target):
    # the city's fever clinic stays and reaches 60 %: nothing can bring that down to 50 %
    try:
        scenario = quiet(clauses=[fever(**target)])
    except PlanError:
        return
    solution = solve(scenario)
    if solution.status is Status.OPTIMAL:
        value = audit(scenario, solution.stock).clause_rows["achieved"].iat[-1]
        assert value <= 50


def test_an_unknown_area_class_is_refused():
    with pytest.raises(PlanError, match="area_class 'suburb' matches no population"):
        quiet(clauses=[fever(at_least=50, area_class=("suburb",))])


def test_a_closed_candidate_reaches_nobody_in_the_base_year():
    wanted = fever(treatment="audit", resource="doctor", scope={"side": "east"})
    assert measured(wanted, base=region) == 40


# --- a price on those left out


def cost(solution):
    return solution.cost.set_index("component")["cny_a_year"]


@pytest.mark.parametrize(
    ("penalty", "built", "left_out_cny"),
    # the east's 4,000 are reached by one fever clinic, of 60 a year
    [(0.014, False, 56), (0.016, True, 0)],
)
def test_those_left_out_are_reached_as_far_as_it_is_worth_it(penalty, built, left_out_cny):
    solution = solved(fever(penalty_cny_per_resident=penalty), whole_units=True)
    assert achieved(solution, KIND) == (100 if built else 60)
    assert cost(solution)["left_out_penalty"] == pytest.approx(left_out_cny)
    assert cost(solution)["total"] == pytest.approx(KEPT_CNY + (60 if built else 0))
    assert cost(solution)["objective"] == pytest.approx(KEPT_CNY + (60 if built else left_out_cny))
    assert solution.objective == pytest.approx(cost(solution)["objective"])
    assert solution.clauses["met"].tolist() == [None]  # no target, nothing to meet


def test_a_target_and_a_price_together():
    # half a fever clinic for 80 %; the other half of the east is paid for
    priced = fever(at_least=80, penalty_cny_per_resident=0.01)
    solution = solved(priced)
    assert achieved(solution, KIND) == pytest.approx(80)
    assert solution.objective == pytest.approx(KEPT_CNY + 0.5 * 60 + 2000 * 0.01)
    # one percent more is 1/40 of a fever clinic, and 100 residents fewer to pay for
    found = agreed_price(lambda t: fever(at_least=t, penalty_cny_per_resident=0.01), 80)
    assert found == pytest.approx(60 / 40 - 100 * 0.01)


def test_two_priced_clauses_add_up():
    rural = fever(id="rural", area_class=("rural",), penalty_cny_per_resident=0.01)
    everyone = fever(id="all", penalty_cny_per_resident=0.002)
    solution = solved(rural, everyone)
    assert cost(solution)["left_out_penalty"] == pytest.approx(4000 * 0.012)
    assert solution.objective == pytest.approx(KEPT_CNY + 48)


def test_a_price_for_each_area():
    priced = fever(each_area="town", penalty_cny_per_resident=0.014)
    solution = solved(priced, base=with_areas)
    assert achieved(solution, KIND) == {"west": 100, "east": 0}
    assert cost(solution)["left_out_penalty"] == pytest.approx(56)
    dear = solved(fever(each_area="town", penalty_cny_per_resident=0.016), base=with_areas)
    # the facilities of the area, for the residents of the area
    assert achieved(dear, KIND) == {"west": 100, "east": 100}


def test_a_priced_clause_that_is_audited_costs_nothing():
    solution = solved(fever(penalty_cny_per_resident=1.0, treatment="audit"))
    assert solution.objective == pytest.approx(KEPT_CNY)
    assert achieved(solution, KIND) == 60
    assert cost(solution)["left_out_penalty"] == 0


def test_a_price_below_zero_is_refused():
    with pytest.raises(PlanError, match="penalty_cny_per_resident"):
        quiet(clauses=[fever(penalty_cny_per_resident=-1)])
    with pytest.raises(PlanError, match="an enforced clause needs at_least"):
        quiet(clauses=[fever()])
