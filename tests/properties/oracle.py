"""An independent, naive formulation in PuLP, written from the meaning of the tables.

Python loops over dicts, one variable object for each quantity, and no code of the package:
the scenario is read only for its tables, settings and clause fields. It differs on purpose
wherever the same optimum can be reached in another way:

- flows are cases a year, not patients in bed, and unmet demand is a variable of its own;
- distances are haversines, yearly costs follow the annuity formula;
- capacity is an explicit assignment of each kind of stock to the requirements it serves,
  where the package adds needs up the resource tree;
- every limit of a clause is a row of its own, shares are fractions.
"""

from __future__ import annotations

import math
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pulp

EARTH_RADIUS_KM = 6371.0088
Key = tuple[str, ...]


def blank(value: Any) -> bool:
    return value is None or value == "" or value != value


def records(frame: Any) -> list[dict[str, Any]]:
    return [dict(zip(frame.columns, row)) for row in frame.itertuples(index=False, name=None)]


class Oracle:
    """The naive model of a scenario.

    Parameters
    ----------
    scenario
    whole_units
        Whether units that are marked whole, and openings, must be whole.
    relax_sites
        Whether openings may be fractions.
    without_limits
        Stock whose limits (and the rule that a closed facility holds nothing) are left out.
    """

    def __init__(
        self,
        scenario: Any,
        *,
        whole_units: bool,
        relax_sites: bool = False,
        without_limits: Iterable[Key] = (),
    ) -> None:
        self.scenario = scenario
        self.whole_units = whole_units
        self.relax_sites = relax_sites
        self.without_limits = set(without_limits)
        self.facility = {row["facility_id"]: row for row in records(scenario.facilities)}
        self.population = {row["population_id"]: row for row in records(scenario.populations)}
        self.resource = {row["resource_id"]: row for row in records(scenario.resources)}
        self.service = {row["service_id"]: row for row in records(scenario.services)}
        self.stock = {(r["facility_id"], r["resource_id"]): r for r in records(scenario.stock)}
        self.demand = self.yearly_cases()
        self.needs = self.needs_per_case()
        self.arcs = self.reachable()
        self.problem = pulp.LpProblem("oracle", pulp.LpMinimize)
        self.cost: dict[str, list[Any]] = defaultdict(list)
        self.n_rows = 0
        self.n_variables = 0
        self.build()

    # --- what the tables say

    def leaves(self, resource_id: str) -> list[str]:
        below = [r for r, row in self.resource.items() if row["parent_id"] == resource_id]
        return [leaf for r in below for leaf in self.leaves(r)] if below else [resource_id]

    def depth(self, resource_id: str) -> int:
        parent = self.resource[resource_id]["parent_id"]
        return 0 if blank(parent) else 1 + self.depth(parent)

    def yearly_cases(self) -> dict[Key, float]:
        in_group = {
            (row["population_id"], row["group_id"]): row["residents"]
            for row in records(self.scenario.groups)
        }
        cases = {(i, s): 0.0 for i in self.population for s in self.service}
        for row in records(self.scenario.demand):
            for i, population in self.population.items():
                if blank(row["group_id"]):
                    people = population["residents"]
                else:
                    people = in_group.get((i, row["group_id"]), 0.0)
                cases[i, row["service_id"]] += people / 1000 * row["rate_per_1000"]
        return cases

    def needs_per_case(self) -> dict[Key, dict[str, float]]:
        """Units of each resource that one case a year takes, by facility and service offered."""
        needs: dict[Key, dict[str, float]] = {}
        for j, facility in self.facility.items():
            for s, service in self.service.items():
                asked: dict[str, float] = {}
                for row in records(self.scenario.requirements):
                    if row["service_id"] != s:
                        continue
                    if not blank(row["category"]) and row["category"] != facility["category"]:
                        continue
                    if row["basis"] == "per_patient":
                        asked[row["resource_id"]] = row["amount"] * service["stay_days"] / 365
                    else:
                        asked[row["resource_id"]] = 1 / row["amount"]
                if asked and all(self.can_hold(j, r) for r in asked):
                    needs[j, s] = asked
        return needs

    def can_hold(self, facility_id: str, resource_id: str) -> bool:
        rows = [self.stock.get((facility_id, leaf)) for leaf in self.leaves(resource_id)]
        return any(row is not None and row["upper"] != 0 for row in rows)

    def kilometres(self, population_id: str, facility_id: str) -> float:
        a, b = self.population[population_id], self.facility[facility_id]
        north_a, north_b = math.radians(a["latitude"]), math.radians(b["latitude"])
        half_north = (north_b - north_a) / 2
        half_east = math.radians(b["longitude"] - a["longitude"]) / 2
        h = (
            math.sin(half_north) ** 2
            + math.cos(north_a) * math.cos(north_b) * math.sin(half_east) ** 2
        )
        straight = 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(h))
        return straight * float(self.scenario.settings.travel.detour_factor)

    def minutes(self, population_id: str, facility_id: str) -> float:
        speed = self.scenario.settings.travel.speed_km_per_h
        hours = self.kilometres(population_id, facility_id) / speed[
            self.population[population_id]["area_class"]
        ]  # fmt: skip
        return float(60 * hours)

    def near(self, population_id: str, facility_id: str, radius: float, unit: str) -> bool:
        travel = {"km": self.kilometres, "min": self.minutes}[unit]
        return travel(population_id, facility_id) <= radius

    def reachable(self) -> list[Key]:
        radius = {
            (row["service_id"], row["area_class"]): (row["radius"], row["unit"])
            for row in records(self.scenario.radii)
        }
        return [
            (i, j, s)
            for i, population in self.population.items()
            for j, s in self.needs
            if self.near(i, j, *radius[s, population["area_class"]])
        ]

    def per_year(self, resource_id: str) -> float:
        """Yearly payment for one CNY spent once on the resource."""
        rate, years = self.scenario.settings.discount_rate, self.resource[resource_id]["life_years"]
        if rate == 0:
            return float(1 / years)
        growth = (1 + rate) ** years
        return float(rate * growth / (growth - 1))

    # --- the model

    def variable(self, low: float | None = 0.0, high: float | None = None, *, whole: bool) -> Any:
        self.n_variables += 1
        category = pulp.LpInteger if whole else pulp.LpContinuous
        return self.problem.add_variable(f"v{self.n_variables}", low, high, category)

    def row(self, constraint: Any) -> None:
        if isinstance(constraint, bool):  # a comparison of two numbers
            constraint = self.one == (1 if constraint else 0)
        self.n_rows += 1
        self.problem.addConstraint(constraint, f"c{self.n_rows}")

    def build(self) -> None:
        self.one = self.variable(1, 1, whole=False)
        self.open: dict[str, Any] = {}
        for j, facility in self.facility.items():
            choice = facility["site"] != "existing"
            self.open[j] = self.variable(
                0 if choice else 1, 1, whole=choice and not self.relax_sites
            )
            self.cost["site"].append(facility["site_cost_cny"] * self.open[j])
        self.held: dict[Key, Any] = {}
        self.added: dict[Key, Any] = {}
        self.retired: dict[Key, Any] = {}
        for (j, r), stock in self.stock.items():
            resource = self.resource[r]
            x = self.held[j, r] = self.variable(whole=self.whole_units and bool(resource["whole"]))
            n = self.added[j, r] = self.variable(whole=False)
            d = self.retired[j, r] = self.variable(0, stock["existing"], whole=False)
            self.row(x == stock["existing"] + n - d)
            if (j, r) not in self.without_limits:
                self.row(x >= stock["lower"] * self.open[j])
                if not blank(stock["upper"]):
                    self.row(x <= stock["upper"] * self.open[j])
            yearly = self.per_year(r)
            self.cost["capital"].append(resource["capital_cost_cny"] * yearly * n)
            self.cost["retirement"].append(resource["retirement_cost_cny"] * yearly * d)
            part = "staff" if resource["kind"] == "staff" else "operating"
            self.cost[part].append(resource["operating_cost_cny"] * x)
        self.flow = {arc: self.variable(whole=False) for arc in self.arcs}
        self.unmet = {key: self.variable(whole=False) for key in self.demand}
        hour = self.scenario.settings.value_of_travel_cny_per_hour
        for (i, j, s), f in self.flow.items():
            hours = self.minutes(i, j) / 60
            self.cost["travel"].append(hour * hours * self.service[s]["journeys_per_case"] * f)
        for (i, s), g in self.unmet.items():
            served = [f for (p, _, t), f in self.flow.items() if (p, t) == (i, s)]
            self.row(pulp.lpSum(served) + g == self.demand[i, s])
            self.cost["unmet_penalty"].append(self.service[s]["unmet_penalty_cny"] * g)
        self.build_capacity()
        self.reached: list[tuple[Any, list[Any]]] = []
        for clause in self.scenario.plan.clauses:
            if clause.treatment == "enforce":
                self.build_clause(clause)
        self.problem.setObjective(
            pulp.lpSum(term for terms in self.cost.values() for term in terms)
        )

    def build_capacity(self) -> None:
        """Each kind of stock is divided among the requirements that it can serve."""
        self.used: dict[Key, Any] = {}
        for j in self.facility:
            load: dict[str, list[Any]] = defaultdict(list)
            for (_, k, s), f in self.flow.items():
                if k == j:
                    for r, need in self.needs[j, s].items():
                        load[r].append(need * f)
            for r, terms in load.items():
                mine = [leaf for leaf in self.leaves(r) if (j, leaf) in self.held]
                for leaf in mine:
                    self.used[j, r, leaf] = self.variable(whole=False)
                self.row(pulp.lpSum(self.used[j, r, leaf] for leaf in mine) == pulp.lpSum(terms))
            for k, leaf in self.held:
                taken = [u for (f, _, kind), u in self.used.items() if (f, kind) == (j, leaf)]
                if k == j and taken:
                    available = self.resource[leaf]["availability"] * self.held[j, leaf]
                    self.row(pulp.lpSum(taken) <= available)

    # --- clauses

    def matches(self, scope: Mapping[str, Any]) -> list[str]:
        found = []
        for j, facility in self.facility.items():
            words = {c: [w] if isinstance(w, str) else list(w) for c, w in scope.items()}
            if all(facility[column] in allowed for column, allowed in words.items()):
                found.append(j)
        return found

    def total(self, resource_id: str, facility_ids: Iterable[str]) -> Any:
        leaves = self.leaves(resource_id)
        return pulp.lpSum(
            self.held[j, leaf] for j in facility_ids for leaf in leaves if (j, leaf) in self.held
        )

    def n_open(self, facility_ids: Iterable[str]) -> Any:
        return pulp.lpSum(self.open[j] for j in facility_ids)

    def build_clause(self, clause: Any) -> None:
        for top, bottom, unit in self.quotients(clause):
            if clause.equals is not None:
                self.row(top - clause.equals / unit * bottom == 0)
            if clause.about is not None:
                self.row(top - (clause.about - clause.tolerance) / unit * bottom >= 0)
                self.row(top - (clause.about + clause.tolerance) / unit * bottom <= 0)
            if clause.at_least is not None:
                self.row(top - clause.at_least / unit * bottom >= 0)
            if clause.at_most is not None:
                self.row(top - clause.at_most / unit * bottom <= 0)

    def quotients(self, clause: Any) -> list[tuple[Any, Any, float]]:
        """Numerator, denominator and unit (100 for percent) of each value of a clause."""
        kind = clause.kind
        if kind == "facility_target":
            return [(self.total(clause.resource, [clause.facility_id]), self.one, 1.0)]
        where = self.matches(clause.scope)
        if kind == "amount":
            return [(self.total(clause.resource, where), self.one, 1.0)]
        if kind == "ratio_to_population":
            residents = sum(p["residents"] for p in self.population.values())
            unit = {"per_1000_residents": 1000.0, "per_10000_residents": 10000.0}[clause.unit]
            return [(self.total(clause.resource, where), residents * self.one, unit)]
        if kind == "per_facility_minimum":
            return [(self.total(clause.resource, [j]), self.open[j], 1.0) for j in where]
        if kind == "ratio_between_resources":
            return [
                (self.total(clause.resource, some), self.total(clause.per_resource, some), 1.0)
                for some in ([[j] for j in where] if clause.each else [where])
            ]
        if kind == "resource_share":
            counted = [j for j in where if j in self.matches(clause.part_scope)]
            pairs = [([j], [j]) for j in counted] if clause.each else [(counted, where)]
            return [
                (self.total(clause.resource, part), self.total(clause.of_resource, whole), 100.0)
                for part, whole in pairs
            ]
        if kind == "facility_share":
            return [(self.total(clause.resource, where), self.n_open(where), 100.0)]
        if kind == "facility_count":
            return [(self.n_open(where), self.one, 1.0)]
        if kind == "coverage":
            return [self.covered(clause, where)]
        if kind == "surge_reserve":
            parts = [share * self.total(r, where) for r, share in clause.weights.items()]
            return [(pulp.lpSum(parts), self.one, 1.0)]
        raise NotImplementedError(kind)

    def covered(self, clause: Any, where: list[str]) -> tuple[Any, Any, float]:
        terms, asked = [], 0.0
        for i, population in self.population.items():
            if clause.area_class and population["area_class"] not in clause.area_class:
                continue
            near = [j for j in where if self.near(i, j, clause.radius, clause.radius_unit)]
            reached = self.variable(0, 1, whole=False)
            held = self.total(clause.resource, near)
            self.row(reached <= held)
            self.reached.append((reached, held))
            terms.append(population["residents"] / 1000 * reached)
            asked += population["residents"] / 1000
        return pulp.lpSum(terms), asked * self.one, 100.0

    # --- answers

    def solve(self) -> str:
        """Status of the model, ``"optimal"`` or ``"infeasible"``."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            found = pulp.listSolvers(onlyAvailable=True)
            # a solver other than the package's own, where there is one
            name = "PULP_CBC_CMD" if "PULP_CBC_CMD" in found else found[0]
            gap = {"gapRel": 0.0} if self.problem.isMIP() else {}
            self.problem.solve(pulp.getSolver(name, msg=False, **gap))
        words = {pulp.LpStatusOptimal: "optimal", pulp.LpStatusInfeasible: "infeasible"}
        return words[self.problem.status]

    @property
    def objective(self) -> float:
        return float(pulp.value(self.problem.objective))

    def components(self) -> dict[str, float]:
        return {name: float(pulp.value(pulp.lpSum(terms))) for name, terms in self.cost.items()}

    def take(
        self, stock: Mapping[Key, float], is_open: Mapping[str, bool], flow: Mapping[Key, float]
    ) -> None:
        """Give every variable the value it has in somebody else's solution.

        Parameters
        ----------
        stock
            Units held by facility and resource.
        is_open
            Whether each facility is open.
        flow
            Cases a year by population, facility and service.
        """
        assert set(stock) == set(self.held)
        assert set(flow) <= set(self.flow)
        self.one.varValue = 1.0
        for j, y in self.open.items():
            y.varValue = float(is_open[j])
        for key, x in self.held.items():
            existing = self.stock[key]["existing"]
            x.varValue = stock[key]
            self.added[key].varValue = max(stock[key] - existing, 0.0)
            self.retired[key].varValue = max(existing - stock[key], 0.0)
        for arc, f in self.flow.items():
            f.varValue = flow.get(arc, 0.0)
        for (i, s), g in self.unmet.items():
            served = sum(f for (p, _, t), f in flow.items() if (p, t) == (i, s))
            g.varValue = self.demand[i, s] - served
        self.assign()
        for reached, held in self.reached:
            reached.varValue = min(1.0, max(0.0, pulp.value(held) or 0.0))

    def assign(self) -> None:
        """Stock to requirements: the narrowest requirement (deepest in the tree) chooses first."""
        left = {
            (j, r): self.resource[r]["availability"] * x.varValue for (j, r), x in self.held.items()
        }
        load: dict[Key, float] = defaultdict(float)
        for (_, j, s), f in self.flow.items():
            for r, need in self.needs[j, s].items():
                load[j, r] += need * f.varValue
        for j, r in sorted(load, key=lambda key: -self.depth(key[1])):
            rest = load[j, r]
            mine = [leaf for leaf in self.leaves(r) if (j, leaf) in self.held]
            for leaf in mine:
                taken = min(rest, left[j, leaf])
                self.used[j, r, leaf].varValue = taken
                left[j, leaf] -= taken
                rest -= taken
            self.used[j, r, mine[-1]].varValue += rest  # too much: its row will say so

    def has_service(self, population_id: str, service_id: str) -> bool:
        """Whether an open facility within the radius holds all that the service needs."""
        return any(
            (i, s) == (population_id, service_id)
            and self.open[j].varValue > 0.5
            and all(pulp.value(self.total(r, [j])) > 0 for r in self.needs[j, s])
            for i, j, s in self.flow
        )

    def violation(self) -> float:
        """Largest violation of a row, a bound or integrality at the values taken."""
        worst = 0.0
        for variable in self.problem.variables():
            value = variable.varValue
            worst = max(worst, (variable.lowBound or 0.0) - value)
            if variable.upBound is not None:
                worst = max(worst, value - variable.upBound)
            if variable.cat == pulp.LpInteger:
                worst = max(worst, abs(value - round(value)))
        for constraint in self.problem.constraints():
            value = constraint.value()
            if constraint.sense in (pulp.LpConstraintGE, pulp.LpConstraintEQ):
                worst = max(worst, -value)
            if constraint.sense in (pulp.LpConstraintLE, pulp.LpConstraintEQ):
                worst = max(worst, value)
        return worst
