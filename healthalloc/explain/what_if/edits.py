"""Edits of a scenario: which ones make sense, what they are in words, the scenario they make."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from healthalloc.consistency.referring import check_referral_penalties
from healthalloc.errors import DataError, PlanError, Problem
from healthalloc.explain.what_if.retarget import TARGET_FORMS, fits, retargeted
from healthalloc.formulation.budget import BUDGET_ID, Budget, stated
from healthalloc.layout import Layout
from healthalloc.plan.clause import Clause, Plan
from healthalloc.plan.door import measured_problems, stated_problems
from healthalloc.plan.facility_count import FacilityCount
from healthalloc.scenario import Scenario
from healthalloc.validate import near_or_known, nearest

PLACE = "what if"
"""Name of the place in messages about an edit."""
Limits = tuple[float, float]
FIGURES = {
    "discount_rate": (0.0, 1.0, "0 or more and below 1"),
    "value_of_travel_cny_per_hour": (0.0, np.inf, "0 or more"),
}
"""Settings that an edit may change: least, most (itself left out), both in words."""
_COSTS = ["capital_cost_cny", "operating_cost_cny", "retirement_cost_cny"]


class Edits:
    """Edits that hold at the same time; each is checked when it is made.

    Parameters
    ----------
    original
        The scenario that is edited; it is not changed.

    Attributes
    ----------
    targets : dict of str to Clause
        Clauses with another target, by name.
    dropped : dict of str to None
        Names of the clauses that are no longer enforced.
    sites : dict of str to bool
        Facilities that are open (or shut) whatever it costs.
    limits : dict of (str, str) to (float, float)
        Least and most of a facility and resource.
    factors : dict of str to float
        Factor on the demand of a service.
    cost_factors, penalty_factors : dict of str to float
        Factor on the costs of a resource; on the penalty of a service's unmet demand.
    figures : dict of str to float
        Settings with another value (see `FIGURES`).
    """

    def __init__(self, original: Scenario) -> None:
        self.original = original
        self.targets: dict[str, Clause] = {}
        self.dropped: dict[str, None] = {}
        self.sites: dict[str, bool] = {}
        self.limits: dict[tuple[str, str], Limits] = {}
        self.factors: dict[str, float] = {}
        self.cost_factors: dict[str, float] = {}
        self.penalty_factors: dict[str, float] = {}
        self.figures: dict[str, float] = {}
        stock = original.stock
        self.stock_row = {
            key: k for k, key in enumerate(zip(stock["facility_id"], stock["resource_id"]))
        }
        self.facility_row = positions(original.facilities["facility_id"])
        self._given_clause = {c.name: c for c in stated(original)}
        self._layout: Layout | None = None
        self._is_choice = Layout(original).is_choice

    def moved_to(self, original: Scenario) -> Edits:
        """The same edits of another scenario.

        Raises
        ------
        DataError
            If it lacks what some edit speaks of.
        """
        moved = Edits(original)
        has: dict[str, Collection[Any]] = {
            "clause": moved._given_clause, "facility": moved.facility_row,
            "stock row": moved.stock_row,
            "service": original.services["service_id"].tolist(),
            "resource": original.resources["resource_id"].tolist(),
        }  # fmt: skip
        edited = {
            "clause": [*self.targets, *self.dropped], "facility": self.sites,
            "stock row": self.limits, "service": [*self.factors, *self.penalty_factors],
            "resource": self.cost_factors,
        }  # fmt: skip
        lost = [
            _problem(f"was edited, but the changed scenario has no such {sort}", str(item))
            for sort, items in edited.items()
            for item in items
            if item not in has[sort]
        ]
        if lost:
            raise DataError(lost)
        for name, clause in self.targets.items():
            target = {form: getattr(clause, form) for form in TARGET_FORMS}
            moved.targets[name] = replace(moved._given_clause[name], **target)
        moved.dropped, moved.sites, moved.limits = self.dropped, self.sites, self.limits
        moved.factors, moved.cost_factors = self.factors, self.cost_factors
        moved.penalty_factors, moved.figures = self.penalty_factors, self.figures
        return moved

    def set(self, clause: str, value: float | Limits, unit: str) -> str:
        """Give a clause another target (see `WhatIf.set`); returns its name."""
        found = self._named(clause)
        if len(found) > 1:
            parts = ", ".join(c.name for c in found)
            raise PlanError([_problem("has parts: set one of them", clause, mend=parts)])
        _require_enforced(found, "setting its target would change nothing")
        if found[0].name in self.dropped:
            raise PlanError([_problem("was dropped", clause, mend="restore it first")])
        current = self.targets.get(found[0].name, found[0])
        if unit and not fits(current, unit):
            mend = f"its unit is {current.unit_label!r}: leave the unit out, or give this one"
            raise PlanError([_problem(f"is not measured in {unit!r}", clause, mend=mend)])
        changed = retargeted(current, value)
        if isinstance(changed, str):
            raise PlanError([_problem(changed, clause)])
        if self._layout is None:  # a target moves no stock limit, so one layout serves many
            self._layout = Layout(self.edited())
        if isinstance(changed, Budget):
            if not 0 < changed.bounds[1] < np.inf:
                raise PlanError([_problem("is no budget: give CNY a year above 0", clause)])
        else:
            self._check(changed)
        self.targets[changed.name] = changed
        return changed.name

    def _check(self, changed: Clause) -> None:
        """Refuse a target that the door would refuse."""
        plan, layout = Plan([changed]), self._layout
        assert layout is not None
        problems = stated_problems(plan, self.original.tables)
        problems = problems or measured_problems(plan, layout)
        if problems:
            raise PlanError(replace(p, table=PLACE) for p in problems)

    def drop(self, clause: str) -> list[str]:
        """No longer enforce a clause (see `WhatIf.drop`); returns the names of its parts."""
        found = self._named(clause)
        _require_enforced(found, "there is nothing to drop")
        names = [c.name for c in found]
        self.dropped |= dict.fromkeys(names)
        return names

    def site(self, facility: str, is_open: bool) -> None:
        """Decide on a site (see `WhatIf.close`)."""
        _known(facility, self.facility_row, "facility")
        self._layout = None
        self.sites[facility] = is_open
        if is_open and not self.may_close(facility):
            del self.sites[facility]  # open in any case: no edit is left

    def bound(self, facility: str, resource: str, lower: float | None, upper: float | None) -> None:
        """Change the limits of a stock (see `WhatIf.bound`)."""
        _known(facility, self.facility_row, "facility")
        _known(resource, self.original.resources["resource_id"], "resource")
        item, key = f"{facility}:{resource}", (facility, resource)
        if key not in self.stock_row:
            held = sorted(r for f, r in self.stock_row if f == facility)
            mend = f"{facility} holds {', '.join(held) or 'no stock rows'}"
            raise DataError([_problem("has no row in the table stock", item, mend=mend)])
        was = self.limit(key)
        low = was[0] if lower is None else float(lower)
        high = was[1] if upper is None else float(upper)
        if not (0 <= low <= high and np.isfinite(low)):
            message = f"{low:g} to {high:g} is no range: lower is 0 or more and at most upper"
            raise DataError([_problem(message, item)])
        if self.may_close(facility) and np.isinf(high):
            message = "a facility that may open or close needs an upper limit"
            raise DataError([_problem(message, item)])
        earlier, self._layout = dict(self.limits), None
        self.limits[key] = (low, high)
        # some kinds of clause rest on the limits of the stock that they count
        layout = Layout(self.edited())
        problems = measured_problems(self.edited().plan, layout)
        if problems:
            self.limits = earlier
            raise DataError(replace(p, table=PLACE) for p in problems)

    def demand(self, service: str, factor: float) -> None:
        """Multiply the demand for a service (see `WhatIf.demand`)."""
        self.factors[service] = self._factor(service, "service", factor)

    def cost(self, resource: str, factor: float) -> None:
        """Multiply the costs of a resource (see `WhatIf.cost`)."""
        self.cost_factors[resource] = self._factor(resource, "resource", factor)

    def penalty(self, service: str, factor: float) -> None:
        """Multiply the penalty of a service's unmet demand (see `WhatIf.penalty`)."""
        factors = self.penalty_factors | {service: self._factor(service, "service", factor)}
        self._worth_treating(factors)
        self.penalty_factors = factors

    def _worth_treating(self, factors: Mapping[str, float]) -> None:
        """Raise unless a case turned away still costs what one not referred on does."""
        tables = self.original.tables | {"services": self._penalised(factors)}
        problems = check_referral_penalties(tables)
        if problems:
            raise DataError(replace(p, table=PLACE) for p in problems)

    def _penalised(self, factors: Mapping[str, float]) -> pd.DataFrame:
        services = self.original.services
        factor = services["service_id"].map(factors).fillna(1.0)
        return services.assign(unmet_penalty_cny=services["unmet_penalty_cny"] * factor)

    def figure(self, name: str, value: float) -> None:
        """Give a setting another value (see `WhatIf.figure`)."""
        _known(name, FIGURES, "setting that can be changed here")
        least, most, words = FIGURES[name]
        if not (least <= value < most):
            raise DataError([_problem(f"{value:g} is out of range: allowed is {words}", name)])
        self.figures[name] = float(value)

    def _factor(self, item: str, sort: str, factor: float) -> float:
        _known(item, self.original.tables[f"{sort}s"][f"{sort}_id"], sort)
        if not (0 <= factor < np.inf):
            raise DataError([_problem(f"{factor:g} is no factor of 0 or more", item)])
        return float(factor)

    def restore(self, names: Iterable[str]) -> tuple[list[str], list[str]]:
        """Take edits back (see `WhatIf.restore`).

        Returns
        -------
        list of str, list of str
            Clauses and facilities concerned.
        """
        asked, edited = set(names), self.table()["item"].tolist()
        id_of = {name: c.id for name, c in self._given_clause.items()}
        known = {*edited, *(id_of[item] for item in edited if item in id_of)}
        if asked - known:
            raise DataError(
                _problem("was not edited", name, mend=nearest(name, known))
                for name in sorted(asked - known)
            )

        def back(item: str) -> bool:
            return not asked or item in asked or id_of.get(item) in asked

        self._worth_treating({s: f for s, f in self.penalty_factors.items() if not back(s)})
        self._layout = None
        clauses = [name for name in {**self.targets, **self.dropped} if back(name)]
        facilities = [f for f in self.sites if back(f)]
        facilities += [f for f, r in self.limits if back(f"{f}:{r}")]
        self.targets = {n: c for n, c in self.targets.items() if not back(n)}
        self.dropped = {n: None for n in self.dropped if not back(n)}
        self.sites = {f: is_open for f, is_open in self.sites.items() if not back(f)}
        self.limits = {k: v for k, v in self.limits.items() if not back(":".join(k))}
        for factors in (self.factors, self.cost_factors, self.penalty_factors, self.figures):
            for item in [item for item in factors if back(item)]:
                del factors[item]
        return clauses, list(dict.fromkeys(facilities))

    def clear(self) -> None:
        """Take every edit back."""
        if self.limits or self.sites:
            self._layout = None
        edits: tuple[dict[Any, Any], ...] = (
            self.targets, self.dropped, self.sites, self.limits, self.factors,
            self.cost_factors, self.penalty_factors, self.figures,
        )  # fmt: skip
        for made in edits:
            made.clear()

    def clause(self, name: str) -> Clause:
        """The clause of a name, with the target it has now."""
        return self.targets.get(name) or self._given_clause[name]

    def may_close(self, facility: str) -> bool:
        """Whether the scenario leaves it to the program whether the facility is open."""
        return bool(self._is_choice[self.facility_row[facility]])

    def limit(self, key: tuple[str, str]) -> Limits:
        """Least and most of a facility and resource, units."""
        return self.limits.get(key) or self._given(key)

    def _given(self, key: tuple[str, str]) -> Limits:
        row = self.original.stock.iloc[self.stock_row[key]]
        return float(row["lower"]), np.inf if pd.isna(row["upper"]) else float(row["upper"])

    def table(self) -> pd.DataFrame:
        """The edits in words: ``edit, item, before, after``."""
        original = self._given_clause
        rows: list[tuple[str, str, str, str]] = []
        for name, clause in self.targets.items():
            if name not in self.dropped:
                rows.append(("set", name, _target(original[name]), _target(clause)))
        rows += [("drop", n, _target(original[n]), "not enforced") for n in self.dropped]
        for facility, is_open in self.sites.items():
            was = "may be shut" if self.may_close(facility) else "open"
            made = ("open", "open") if is_open else ("close", "shut")
            rows.append((made[0], facility, was, made[1]))
        for key, limits in self.limits.items():
            rows.append(("bound", ":".join(key), _range(self._given(key)), _range(limits)))
        for edit, factors in (
            ("demand", self.factors), ("cost", self.cost_factors),
            ("penalty", self.penalty_factors),
        ):  # fmt: skip
            rows += [(edit, item, "100 %", f"{100 * f:g} %") for item, f in factors.items()]
        for name, value in self.figures.items():
            rows.append(
                ("setting", name, f"{getattr(self.original.settings, name):g}", f"{value:g}")
            )
        return pd.DataFrame(rows, columns=["edit", "item", "before", "after"])

    def edited(self, *, decided: bool = True) -> Scenario:
        """The scenario with its edits; not checked again, since every edit was.

        Parameters
        ----------
        decided
            Whether clauses that have rows alone are dropped and sites shut.
        """
        given = self.original
        clauses = [self.targets.get(c.name, c) for c in given.plan.clauses]
        clauses = [
            replace(c, treatment="audit")
            if c.name in self.dropped and (decided or c.is_parameter or c.is_priced)
            else c
            for c in clauses
        ]
        changes: dict[str, Any] = {"plan": replace(given.plan, clauses=clauses)}
        if given.settings.budget_cny_a_year is not None:
            limit = (
                None if decided and BUDGET_ID in self.dropped else self.clause(BUDGET_ID).at_most
            )
            changes["settings"] = replace(given.settings, budget_cny_a_year=limit)
        if self.figures:
            changes["settings"] = replace(changes.get("settings", given.settings), **self.figures)
        if self.cost_factors:
            factor = given.resources["resource_id"].map(self.cost_factors).fillna(1.0)
            costs = given.resources[_COSTS].mul(factor, axis=0)
            changes["resources"] = given.resources.assign(**costs)
        if self.penalty_factors:
            changes["services"] = self._penalised(self.penalty_factors)
        shut = [f for f, is_open in self.sites.items() if decided and not is_open]
        if self.limits or shut:
            lower = given.stock["lower"].to_numpy(copy=True)
            upper = given.stock["upper"].to_numpy(copy=True)
            for key, (low, high) in self.limits.items():
                row = self.stock_row[key]
                lower[row], upper[row] = low, high if np.isfinite(high) else np.nan
            at_shut = given.stock["facility_id"].isin(shut).to_numpy()
            lower[at_shut] = upper[at_shut] = 0.0
            changes["stock"] = given.stock.assign(lower=lower, upper=upper)
        if self.factors:
            factor = given.demand["service_id"].map(self.factors).fillna(1.0)
            rate = given.demand["rate_per_1000"] * factor
            changes["demand"] = given.demand.assign(rate_per_1000=rate)
        edited = copy.copy(given)
        for name, value in changes.items():
            object.__setattr__(edited, name, value)
        return edited

    def scenario(self) -> Scenario:
        """The edited scenario as one of its own, checked anew (see `WhatIf.scenario`)."""
        now = self.edited()
        facilities = now.facilities.copy()
        decided = []
        for facility, is_open in self.sites.items():
            row = self.facility_row[facility]
            if not self._is_choice[row]:
                facilities.loc[row, "site"] = "closable"
            decided.append(
                FacilityCount(
                    id=f"what if: {facility}", quote="open" if is_open else "shut",
                    source="an edit, not the plan", scope={"facility_id": facility},
                    equals=float(is_open),
                )
            )  # fmt: skip
        return self.original.replace(
            settings=now.settings,
            plan=replace(now.plan, clauses=(*now.plan.clauses, *decided)),
            stock=now.stock,
            demand=now.demand,
            resources=now.resources,
            services=now.services,
            facilities=facilities,
        )

    def _named(self, word: str) -> list[Clause]:
        clauses = list(self._given_clause.values())
        found = [c for c in clauses if word in (c.id, c.name)]
        if not found:
            mend = near_or_known(word, [w for c in clauses for w in (c.id, c.name)])
            raise PlanError([_problem("no clause has this id", word, mend=mend)])
        return found


def positions(ids: pd.Series[Any]) -> Mapping[str, int]:
    """Position of each identifier of a column."""
    return {str(name): k for k, name in enumerate(ids)}


def _require_enforced(clauses: Iterable[Clause], consequence: str) -> None:
    treated = {"audit": "audited", "record": "recorded"}
    problems = [
        _problem(f"is {treated[c.treatment]}, not enforced: {consequence}", c.name)
        for c in clauses
        if c.treatment != "enforce"
    ]
    if problems:
        raise PlanError(problems)


def _known(word: str, known: Iterable[str], sort: str) -> None:
    names = list(known)
    if word not in names:
        mend = near_or_known(word, names)
        raise DataError([_problem(f"is no known {sort}", word, mend=mend)])


def _problem(message: str, item: str, mend: str = "") -> Problem:
    return Problem(PLACE, message, value=item, mend=mend)


def _target(clause: Clause) -> str:
    return f"{clause.target_label} {clause.unit_label}".strip()


def _range(limits: Limits) -> str:
    return f"{limits[0]:g} or more" if np.isinf(limits[1]) else f"{limits[0]:g} to {limits[1]:g}"
