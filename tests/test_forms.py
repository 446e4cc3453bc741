"""Forms of an institution: one of them is open, and what it has carries over.

The clinic (5 beds, 4 doctors, 2 nurses, km 30) may become a hospital, `clinic_plus`, at 700 CNY
a year.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import healthalloc as ha
from tests.plan.checks import achieved, changes, measured, solved, total
from tests.plan.test_facility_count import CLINIC_CLOSED, CLINIC_OPEN, KEPT
from tests.region import (
    FACILITIES,
    FORM,
    FORM_STOCK,
    KEPT_CNY,
    POPULATIONS,
    STOCK,
    clause,
    edit,
    quiet,
    region,
    sited,
    with_form,
)


def is_open(solution: ha.Solution) -> dict[str, bool]:
    return dict(zip(solution.sites["facility_id"], solution.sites["open"].map(bool)))


def upgraded(**fields: Any) -> ha.Clause:
    """The clinic must become a hospital."""
    scope = {"facility_id": "clinic_plus"}
    return clause("facility_count", **{"scope": scope, "equals": 1} | fields)


def with_stock(form_stock: pd.DataFrame, **given: Any) -> ha.Scenario:
    stock = pd.concat([quiet().stock, form_stock], ignore_index=True)
    return with_form(**{"stock": stock} | given)


# ------------------------------------------------------------------ which form is open


def test_it_stays_what_it_is_where_nothing_is_gained() -> None:
    solution = solved(base=with_form)
    assert is_open(solution) == {
        "city": True, "private": True, "clinic": True, "annex": True, "clinic_plus": False,
    }  # fmt: skip
    assert solution.objective == pytest.approx(KEPT_CNY)
    assert changes(solution) == {}


def test_exactly_one_form_is_open() -> None:
    plain = with_form()
    branch = FORM.assign(
        facility_id="clinic_branch", name="branch", category="primary_centre", site_cost_cny=10.0
    )
    branch_stock = FORM_STOCK.assign(facility_id="clinic_branch")
    two = with_form(
        facilities=pd.concat([plain.facilities, branch], ignore_index=True),
        stock=pd.concat([plain.stock, branch_stock], ignore_index=True),
    )
    east = clause("facility_count", id="east", scope={"side": "east"}, treatment="audit")
    for form, cost in (("clinic", 0), ("clinic_plus", 700), ("clinic_branch", 10)):
        chosen = upgraded(scope={"facility_id": form})
        solution = ha.solve(two.replace(plan=ha.Plan([chosen, east]))).require_optimal()
        assert [f for f, on in is_open(solution).items() if on and f.startswith("clinic")] == [form]
        assert solution.objective == pytest.approx(KEPT_CNY + cost)
        # with the annex
        assert solution.clause_rows["achieved"].tolist() == [1, 2]
        assert changes(solution) == {}


def test_one_that_may_close_may_have_no_form_open() -> None:
    solution = solved(base=lambda **k: with_form(sited, **k))
    assert not is_open(solution)["clinic"]
    assert not is_open(solution)["clinic_plus"]
    assert solution.objective == pytest.approx(KEPT + CLINIC_CLOSED)
    either = clause("facility_count", scope={"side": "east"}, at_least=1)
    no_annex = upgraded(id="annex", scope={"facility_id": "annex"}, equals=0)
    kept = solved(either, no_annex, base=lambda **k: with_form(sited, **k))
    assert is_open(kept)["clinic"]
    assert not is_open(kept)["clinic_plus"]
    assert kept.objective == pytest.approx(KEPT + CLINIC_OPEN)


# ------------------------------------------------------------------ what carries over


def test_stock_carries_over_at_no_cost() -> None:
    solution = solved(upgraded(), base=with_form)
    assert is_open(solution)["clinic_plus"]
    assert not is_open(solution)["clinic"]
    assert solution.objective == pytest.approx(KEPT_CNY + 700)
    cost = solution.cost.set_index("component")["cny_a_year"]
    assert (cost["capital"], cost["retirement"], cost["site"]) == (0, 0, 700)


def test_the_allocation_tells_what_exists_with_the_open_form() -> None:
    stock = solved(upgraded(), base=with_form).stock.set_index(["facility_id", "resource_id"])
    assert stock.loc["clinic_plus", "existing"].tolist() == [5, 4, 2]
    assert stock.loc["clinic_plus", "allocated"].tolist() == [5, 4, 2]
    assert stock.loc["clinic", "existing"].tolist() == [0, 0, 0, 0]
    assert stock.loc["clinic", "allocated"].tolist() == [0, 0, 0, 0]
    assert stock["existing"].sum() == STOCK["existing"].sum()
    closed = solved(base=with_form).stock.set_index(["facility_id", "resource_id"])
    assert closed.loc["clinic", "existing"].tolist() == [5, 4, 2, 0]
    assert closed.loc["clinic_plus", "existing"].tolist() == [0, 0, 0]


def test_what_the_new_form_cannot_hold_is_given_up() -> None:
    without_nurses = FORM_STOCK[FORM_STOCK["resource_id"] != "nurse"]
    solution = solved(upgraded(), base=lambda **k: with_stock(without_nurses, **k))
    assert changes(solution) == {("clinic", "nurse"): -2}
    # their pay is saved, their leaving costs
    assert solution.objective == pytest.approx(KEPT_CNY + 700 - 2 * 100 + 2 * 5)


def test_what_it_lacks_is_added_once() -> None:
    wanted = clause("facility_target", facility_id="clinic", resource="general_bed", equals=12)
    solution = solved(wanted, base=with_form, whole_units=True)
    # the clinic may hold 10 beds, the hospital 20
    assert is_open(solution)["clinic_plus"]
    assert changes(solution) == {("clinic_plus", "general_bed"): 7}
    assert solution.objective == pytest.approx(KEPT_CNY + 700 + 7 * 150)


def test_a_form_holds_within_its_own_limits() -> None:
    roomy = edit(FORM_STOCK, {"resource_id": "doctor"}, lower=6)
    solution = solved(upgraded(), base=lambda **k: with_stock(roomy, **k))
    assert changes(solution) == {("clinic_plus", "doctor"): 2}
    assert total(solution, "doctor") == 12


# ------------------------------------------------------------------ clauses


def test_a_facility_target_counts_every_form() -> None:
    def target(facility_id: str) -> ha.Clause:
        return clause("facility_target", facility_id=facility_id, resource="bed", at_least=6)

    assert measured(target("clinic"), base=with_form) == {"clinic": 5}
    assert measured(target("clinic_plus"), base=with_form) == {"clinic_plus": 5}
    as_clinic = solved(target("clinic"), base=with_form)
    assert changes(as_clinic) == {("clinic", "general_bed"): 1}
    as_hospital = solved(upgraded(), target("clinic"), base=with_form)
    assert changes(as_hospital) == {("clinic_plus", "general_bed"): 1}
    assert achieved(as_hospital, "facility_target") == {"clinic": 6}


def test_a_scope_speaks_of_the_form_it_names() -> None:
    secondary = clause("amount", resource="bed", scope={"level": "secondary"}, at_least=15)
    assert measured(secondary, base=with_form) == 10
    solution = solved(secondary, upgraded(), base=with_form)
    assert achieved(solution, "amount") == 15
    assert changes(solution) == {}


def test_the_audit_of_the_allocation_agrees() -> None:
    wanted = clause("facility_target", facility_id="clinic", resource="general_bed", equals=12)
    solution = solved(wanted, upgraded(), base=with_form)
    rows = ha.audit(solution.scenario, solution.stock).clause_rows
    given = rows[rows["allocation"] == "given"]
    assert given["achieved"].tolist() == solution.clause_rows["achieved"].tolist() == [12, 1]


def test_a_proposal_that_names_a_form_is_about_the_institution() -> None:
    # six beds in the hospital are not six more than the clinic's five
    target = clause("facility_target", facility_id="clinic", resource="general_bed", at_least=6)
    east = clause("facility_count", scope={"side": "east"}, treatment="audit")
    found = ha.audit(
        with_form(clauses=[target, east]),
        pd.DataFrame(
            {"facility_id": ["clinic_plus"], "resource_id": ["general_bed"], "amount": [6]}
        ),
    ).clause_rows
    assert found.loc[found["allocation"] == "given", "achieved"].tolist() == [6, 2]


# ------------------------------------------------------------------ services and norms


def one_village(**given: Any) -> ha.Scenario:
    """The clinic, which stays in one form or the other, for the 3,000 of its village.

    300 admissions are 6 patients in bed: 7.5 beds and 3 nurses. 3,000 visits take 3 doctors of a
    primary centre, 1.5 of a hospital.
    """
    facilities = pd.concat([FACILITIES[FACILITIES["facility_id"] == "clinic"], FORM])
    tables = {
        "facilities": facilities.assign(
            site=["existing", "candidate"], site_cost_cny=[0.0, 700.0], form_of=["", "clinic"]
        ),
        "populations": POPULATIONS[POPULATIONS["population_id"] == "village"],
        "stock": pd.concat(
            [STOCK[STOCK["facility_id"] == "clinic"], FORM_STOCK.assign(lower=0)],
            ignore_index=True,
        ),
    }
    return region(**tables | given)


def test_a_form_serves_what_its_category_serves() -> None:
    solution = ha.solve(one_village()).require_optimal()
    assert is_open(solution) == {"clinic": False, "clinic_plus": True}
    assert set(solution.flows["facility_id"]) == {"clinic_plus"}
    served = solution.demand.set_index("service_id")["served"]
    assert served.to_dict() == pytest.approx({"inpatient": 300, "visit": 3000})
    assert changes(solution) == {
        ("clinic_plus", "general_bed"): 3, ("clinic_plus", "doctor"): -2,
        ("clinic_plus", "nurse"): 1,
    }  # fmt: skip
    cost = solution.cost.set_index("component")["cny_a_year"].to_dict()
    assert cost == pytest.approx(
        {
            "capital": 3 * 100 + 20, "retirement": 2 * 10, "operating": 8 * 50,
            "staff": 2 * 300 + 3 * 100, "travel": 0, "site": 700, "total": 2340,
            "unmet_penalty": 0, "left_out_penalty": 0, "objective": 2340,
        }
    )  # fmt: skip


def test_the_closed_form_serves_nobody() -> None:
    stays = upgraded(equals=0)
    solution = ha.solve(one_village(clauses=[stays])).require_optimal()
    assert is_open(solution) == {"clinic": True, "clinic_plus": False}
    assert set(solution.flows["facility_id"]) == {"clinic"}
    assert changes(solution) == {
        ("clinic", "general_bed"): -5, ("clinic", "doctor"): -1, ("clinic", "nurse"): -2,
    }  # fmt: skip
    # no bed within reach: 300 admissions at 1,000
    missed = solution.demand.set_index("service_id")
    assert missed.loc["inpatient", "no_service_within_reach"] == pytest.approx(300)
    assert solution.objective == pytest.approx(3 * 300 + 5 * 2 + 10 + 2 * 5 + 300_000)


# ------------------------------------------------------------------ bad input


def problems(form: pd.DataFrame = FORM, **given: Any) -> str:
    plain = quiet()
    facilities = pd.concat([plain.facilities, form], ignore_index=True).fillna({"form_of": ""})
    with pytest.raises(ha.DataError) as caught:
        with_form(**{"facilities": facilities} | given)
    return str(caught.value)


def test_a_form_of_nothing_known_is_refused() -> None:
    found = problems(FORM.assign(form_of="clinik"))
    assert "row 5, column form_of: 'clinik' is no facility_id" in found
    assert "did you mean clinic" in found


def test_a_form_of_a_form_is_refused() -> None:
    more = pd.concat([FORM, FORM.assign(facility_id="third", form_of="clinic_plus")])
    assert "row 6, column form_of: 'clinic_plus' is a form itself" in problems(more)
    assert "is a form itself" in problems(FORM.assign(form_of="clinic_plus"))


@pytest.mark.parametrize("site", ["existing", "closable"])
def test_a_form_is_a_candidate(site: str) -> None:
    found = problems(FORM.assign(site=site))
    assert f"row 5, column site: '{site}' another form of an institution is a candidate" in found


def test_a_form_states_its_cost_even_if_it_is_nothing() -> None:
    found = problems(FORM.assign(site_cost_cny=np.nan))
    assert "row 5, column site_cost_cny" in found
    assert "a candidate needs the yearly cost of its site" in found
    free = with_form().facilities.assign(site_cost_cny=[0.0] * 5)
    assert solved(upgraded(), base=with_form, facilities=free).objective == pytest.approx(KEPT_CNY)


def test_every_form_needs_upper_limits() -> None:
    unlimited = edit(quiet().stock, {"facility_id": "clinic"}, upper=np.nan)
    found = problems(stock=pd.concat([unlimited, FORM_STOCK], ignore_index=True))
    assert found.count("a facility that may open or close needs an upper limit") == 4
    found = problems(stock=pd.concat([quiet().stock, FORM_STOCK.assign(upper=np.nan)]))
    assert found.count("a facility that may open or close needs an upper limit") == 3


def test_a_form_holds_nothing_yet() -> None:
    found = problems(stock=pd.concat([quiet().stock, FORM_STOCK.assign(existing=1)]))
    assert found.count("a candidate holds nothing yet") == 3


def test_a_candidate_of_any_kind_states_its_cost() -> None:
    facilities = edit(FACILITIES, {"facility_id": "annex"}, site_cost_cny=np.nan)
    with pytest.raises(ha.DataError, match="row 4, column site_cost_cny: a candidate needs"):
        region(facilities=facilities)
