"""An independent, naive formulation in PuLP, written from the meaning of the tables.

Python loops over dicts, one variable object for each quantity, and no code of the package:
the scenario is read only for its tables, settings and clause fields. It differs on purpose
wherever the same optimum can be reached in another way:

- flows are cases a year, not patients in bed, and unmet demand is a variable of its own;
- distances are haversines, yearly costs follow the annuity formula;
- capacity is an explicit assignment of each kind of stock to the requirements it serves,
  where the package adds needs up the resource tree;
- cases that nobody takes on referral, and residents left out of a service circle, are variables
  of their own;
- every limit of a clause is a row of its own, shares are fractions.
"""

from __future__ import annotations

import math
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pulp

EARTH_RADIUS_KM = 6371.0088
Key = tuple[str, ...]
Values = Iterator[tuple[Any, Any, float]]


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
        self.area = {row["area_id"]: row for row in records(scenario.areas)}
        self.referral = {
            (row["from_service_id"], row["to_service_id"]): row
            for row in records(scenario.referrals)
        }
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

    def in_area(self, place: str, area: str) -> bool:
        """Whether a place lies in an area, itself or one above; everything is in the region."""
        if area in ("", place):
            return True
        return bool(place) and self.in_area(self.area[place]["parent_id"], area)

    def forms(self, facility_id: str) -> list[str]:
        """The facility as it is today, and every other form of the same institution."""
        base = self.facility[facility_id]["form_of"] or facility_id
        return [base, *(j for j, row in self.facility.items() if row["form_of"] == base)]

    def is_choice(self, facility_id: str) -> bool:
        return self.facility[facility_id]["site"] != "existing" or len(self.forms(facility_id)) > 1

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
            for s in self.service:
                asked: dict[str, float] = {}
                for row in records(self.scenario.requirements):
                    if row["service_id"] != s:
                        continue
                    if not blank(row["category"]) and row["category"] != facility["category"]:
                        continue
                    if row["basis"] == "per_patient":
                        asked[row["resource_id"]] = row["amount"] * self.stay_days(j, s) / 365
                    else:
                        asked[row["resource_id"]] = 1 / row["amount"]
                if asked and all(self.can_hold(j, r) for r in asked):
                    needs[j, s] = asked
        return needs

    def stay_days(self, facility_id: str, service_id: str) -> float:
        """Stay of a service at a facility, as short as the enforced clauses say."""
        days = [self.service[service_id]["stay_days"]]
        for clause in self.scenario.plan.clauses:
            if clause.kind != "length_of_stay" or clause.treatment != "enforce":
                continue
            here = self.matches(clause.scope, clause.area)
            if service_id in clause.services and facility_id in here:
                if clause.about is not None:
                    days.append(clause.about + clause.tolerance)
                days += [d for d in (clause.at_most, clause.equals) if d is not None]
        return float(min(days))

    def can_hold(self, facility_id: str, resource_id: str) -> bool:
        rows = [self.stock.get((facility_id, leaf)) for leaf in self.leaves(resource_id)]
        return any(row is not None and row["upper"] != 0 for row in rows)

    def kilometres(self, a: Mapping[str, Any], b: Mapping[str, Any]) -> float:
        north_a, north_b = math.radians(a["latitude"]), math.radians(b["latitude"])
        half_north = (north_b - north_a) / 2
        half_east = math.radians(b["longitude"] - a["longitude"]) / 2
        h = (
            math.sin(half_north) ** 2
            + math.cos(north_a) * math.cos(north_b) * math.sin(half_east) ** 2
        )
        straight = 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(h))
        return straight * float(self.scenario.settings.travel.detour_factor)

    def minutes(self, a: Mapping[str, Any], b: Mapping[str, Any]) -> float:
        """At the speed of the area class where travel begins."""
        speed = self.scenario.settings.travel.speed_km_per_h[a["area_class"]]
        return float(60 * self.kilometres(a, b) / speed)

    def near(self, a: Mapping[str, Any], b: Mapping[str, Any], radius: float, unit: str) -> bool:
        travel = {"km": self.kilometres, "min": self.minutes}[unit]
        return travel(a, b) <= radius

    def reachable(self) -> list[Key]:
        radius = {
            (row["service_id"], row["area_class"]): (row["radius"], row["unit"])
            for row in records(self.scenario.radii)
        }
        return [
            (i, j, s)
            for i, population in self.population.items()
            for j, s in self.needs
            if (s, population["area_class"]) in radius
            and self.near(population, self.facility[j], *radius[s, population["area_class"]])
        ]

    def referable(self) -> list[Key]:
        """Facility, the one it refers to, the two services."""
        return [
            (j, k, first, second)
            for (first, second), row in self.referral.items()
            for j in self.facility
            for k in self.facility
            if (j, first) in self.needs
            and (k, second) in self.needs
            and self.near(self.facility[j], self.facility[k], row["radius"], row["unit"])
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
            choice = self.is_choice(j)
            self.open[j] = self.variable(
                0 if choice else 1, 1, whole=choice and not self.relax_sites
            )
            self.cost["site"].append(facility["site_cost_cny"] * self.open[j])
        for j, facility in self.facility.items():
            if len(self.forms(j)) > 1 and blank(facility["form_of"]):
                n_forms = self.n_open(self.forms(j))
                self.row(n_forms == 1 if facility["site"] == "existing" else n_forms <= 1)
        self.build_stock()
        self.build_flows()
        self.build_capacity()
        self.reached: list[tuple[Any, list[Any]]] = []
        for clause in self.scenario.plan.clauses:
            if clause.treatment == "enforce":
                self.build_clause(clause)
        self.problem.setObjective(
            pulp.lpSum(term for terms in self.cost.values() for term in terms)
        )

    def build_stock(self) -> None:
        """Units held by each form; what an institution has carries over from form to form."""
        self.held: dict[Key, Any] = {}
        for (j, r), stock in self.stock.items():
            resource = self.resource[r]
            x = self.held[j, r] = self.variable(whole=self.whole_units and bool(resource["whole"]))
            if (j, r) not in self.without_limits:
                self.row(x >= stock["lower"] * self.open[j])
                if not blank(stock["upper"]):
                    self.row(x <= stock["upper"] * self.open[j])
            part = "staff" if resource["kind"] == "staff" else "operating"
            self.cost[part].append(resource["operating_cost_cny"] * x)
        self.existing: dict[Key, float] = defaultdict(float)
        for (j, r), stock in self.stock.items():
            self.existing[self.forms(j)[0], r] += stock["existing"]
        self.added: dict[Key, Any] = {}
        self.retired: dict[Key, Any] = {}
        for (j, r), existing in self.existing.items():
            n = self.added[j, r] = self.variable(whole=False)
            d = self.retired[j, r] = self.variable(0, existing, whole=False)
            of_forms = [self.held[k, r] for k in self.forms(j) if (k, r) in self.held]
            self.row(pulp.lpSum(of_forms) == existing + n - d)
            resource, yearly = self.resource[r], self.per_year(r)
            self.cost["capital"].append(resource["capital_cost_cny"] * yearly * n)
            self.cost["retirement"].append(resource["retirement_cost_cny"] * yearly * d)

    def build_flows(self) -> None:
        """Cases that residents bring, and cases referred on; both may be left undone at a price."""
        self.flow = {arc: self.variable(whole=False) for arc in self.arcs}
        self.unmet = {key: self.variable(whole=False) for key in self.demand}
        hour = self.scenario.settings.value_of_travel_cny_per_hour
        for (i, j, s), f in self.flow.items():
            hours = self.minutes(self.population[i], self.facility[j]) / 60
            self.cost["travel"].append(hour * hours * self.service[s]["journeys_per_case"] * f)
        for (i, s), g in self.unmet.items():
            served = [f for (p, _, t), f in self.flow.items() if (p, t) == (i, s)]
            self.row(pulp.lpSum(served) + g == self.demand[i, s])
            self.cost["unmet_penalty"].append(self.service[s]["unmet_penalty_cny"] * g)
        self.sent = {arc: self.variable(whole=False) for arc in self.referable()}
        for (j, k, _, s), f in self.sent.items():
            hours = self.minutes(self.facility[j], self.facility[k]) / 60
            self.cost["travel"].append(hour * hours * self.service[s]["journeys_per_case"] * f)
        self.kept = {
            (j, *pair): self.variable(whole=False) for j in self.facility for pair in self.referral
        }
        for (j, first, second), g in self.kept.items():
            on = [f for (a, _, *pair), f in self.sent.items() if (a, *pair) == (j, first, second)]
            needed = self.referral[first, second]["share"] * self.treated(j, first)
            self.row(pulp.lpSum(on) + g == needed)
            self.cost["unmet_penalty"].append(self.service[second]["unmet_penalty_cny"] * g)

    def treated(self, facility_id: str, service_id: str) -> Any:
        """Cases a year that arrive for a service, by themselves and by referral."""
        arrived = [f for (_, j, s), f in self.flow.items() if (j, s) == (facility_id, service_id)]
        arrived += [
            f for (_, k, _, s), f in self.sent.items() if (k, s) == (facility_id, service_id)
        ]
        return pulp.lpSum(arrived)

    def build_capacity(self) -> None:
        """Each kind of stock is divided among the requirements that it can serve."""
        self.used: dict[Key, Any] = {}
        for j in self.facility:
            load: dict[str, list[Any]] = defaultdict(list)
            for s in self.service:
                for r, need in self.needs.get((j, s), {}).items():
                    load[r].append(need * self.treated(j, s))
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

    def matches(self, scope: Mapping[str, Any], area: str = "") -> list[str]:
        found = []
        for j, facility in self.facility.items():
            words = {c: [w] if isinstance(w, str) else list(w) for c, w in scope.items()}
            fits = all(facility[column] in allowed for column, allowed in words.items())
            if fits and self.in_area(facility["area"], area):
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
        if clause.kind == "length_of_stay":  # see `stay_days`
            return
        for area in self.spoken_of(clause):
            for top, bottom, unit in self.quotients(clause, area):
                self.build_limits(clause, top, bottom, unit)

    def spoken_of(self, clause: Any) -> list[str]:
        """Areas for each of which the clause makes a statement."""
        if not clause.each_area:
            return [clause.area]
        levels = [clause.each_area] if isinstance(clause.each_area, str) else clause.each_area
        return [
            area
            for area, row in self.area.items()
            if row["level"] in levels and self.in_area(area, clause.area)
        ]

    def build_limits(self, clause: Any, top: Any, bottom: Any, unit: float) -> None:
        if clause.equals is not None:
            self.row(top - clause.equals / unit * bottom == 0)
        if clause.about is not None:
            self.row(top - (clause.about - clause.tolerance) / unit * bottom >= 0)
            self.row(top - (clause.about + clause.tolerance) / unit * bottom <= 0)
        if clause.at_least is not None:
            self.row(top - clause.at_least / unit * bottom >= 0)
        if clause.at_most is not None:
            self.row(top - clause.at_most / unit * bottom <= 0)

    def quotients(self, clause: Any, area: str) -> list[tuple[Any, Any, float]]:
        """Numerator, denominator and unit (100 for percent) of each value in an area."""
        return list(getattr(self, clause.kind)(clause, area))

    def residents(self, area: str) -> float:
        return sum(
            p["residents"] for p in self.population.values() if self.in_area(p["area"], area)
        )

    def amount(self, clause: Any, area: str) -> Values:
        yield self.total(clause.resource, self.matches(clause.scope, area)), self.one, 1.0

    def facility_target(self, clause: Any, area: str) -> Values:
        where = [j for j in self.forms(clause.facility_id) if j in self.matches({}, area)]
        yield self.total(clause.resource, where), self.one, 1.0

    def ratio_to_population(self, clause: Any, area: str) -> Values:
        unit = {"per_1000_residents": 1000.0, "per_10000_residents": 10000.0}[clause.unit]
        held = self.total(clause.resource, self.matches(clause.scope, area))
        yield held, self.residents(area) * self.one, unit

    def per_facility_minimum(self, clause: Any, area: str) -> Values:
        for j in self.matches(clause.scope, area):
            yield self.total(clause.resource, [j]), self.open[j], 1.0

    def ratio_between_resources(self, clause: Any, area: str) -> Values:
        where = self.matches(clause.scope, area)
        for some in [[j] for j in where] if clause.each else [where]:
            yield self.total(clause.resource, some), self.total(clause.per_resource, some), 1.0

    def resource_share(self, clause: Any, area: str) -> Values:
        where = self.matches(clause.scope, area)
        counted = [j for j in where if j in self.matches(clause.part_scope)]
        pairs = [([j], [j]) for j in counted] if clause.each else [(counted, where)]
        for part, whole in pairs:
            yield self.total(clause.resource, part), self.total(clause.of_resource, whole), 100.0

    def facility_share(self, clause: Any, area: str) -> Values:
        where = self.matches(clause.scope, area)
        yield self.total(clause.resource, where), self.n_open(where), 100.0

    def facility_count(self, clause: Any, area: str) -> Values:
        yield self.n_open(self.matches(clause.scope, area)), self.one, 1.0

    def surge_reserve(self, clause: Any, area: str) -> Values:
        where = self.matches(clause.scope, area)
        parts = [share * self.total(r, where) for r, share in clause.weights.items()]
        yield pulp.lpSum(parts), self.one, 1.0

    def coverage(self, clause: Any, area: str) -> Values:
        where = self.matches(clause.scope, area)
        terms, asked = [], 0.0
        for population in self.population.values():
            if clause.area_class and population["area_class"] not in clause.area_class:
                continue
            if not self.in_area(population["area"], area):
                continue
            near = [
                j
                for j in where
                if self.near(population, self.facility[j], clause.radius, clause.radius_unit)
            ]
            reached = self.reach(self.total(clause.resource, near))
            terms.append(population["residents"] / 1000 * reached)
            asked += population["residents"] / 1000
            if clause.penalty_cny_per_resident is not None:
                left_out = population["residents"] * (self.one - reached)
                self.cost["left_out_penalty"].append(clause.penalty_cny_per_resident * left_out)
        yield pulp.lpSum(terms), asked * self.one, 100.0

    def reach(self, held: Any) -> Any:
        """A point that is reached so far as units are held near it, and at most fully."""
        reached = self.variable(0, 1, whole=False)
        self.row(reached <= held)
        self.reached.append((reached, held))
        return reached

    def area_share(self, clause: Any, area: str) -> Values:
        asked = [
            a
            for a, row in self.area.items()
            if row["level"] == clause.level and self.in_area(a, area)
        ]
        where = self.matches(clause.scope, area)
        terms = []
        for a in asked:
            there = [j for j in where if self.in_area(self.facility[j]["area"], a)]
            terms.append(self.reach(self.total(clause.resource, there)))
        yield pulp.lpSum(terms), len(asked) * self.one, 100.0

    def facility_per_population(self, clause: Any, area: str) -> Values:
        if self.residents(area) > 0:
            counted = max(self.residents(area), clause.at_least or 0.0)
            yield counted * self.one, self.n_open(self.matches(clause.scope, area)), 1.0

    def first_contact_share(self, clause: Any, area: str) -> Values:
        asked = {
            (i, j, s): f
            for (i, j, s), f in self.flow.items()
            if s in clause.services and self.in_area(self.population[i]["area"], area)
        }
        there = [f for (_, j, _), f in asked.items() if j in self.matches(clause.scope)]
        yield pulp.lpSum(there), pulp.lpSum(asked.values()), 100.0

    def freeze_rule(self, clause: Any, area: str) -> Values:
        for j in self.matches(clause.scope, area):
            used = self.facility[j]["occupancy_percent"], self.facility[j]["stay_days"]
            if used[0] < clause.occupancy_below_percent and used[1] > clause.stay_above_days:
                leaves = self.leaves(clause.resource)
                whole = self.facility[j]["form_of"] or j
                forms = [k for k, row in self.facility.items() if whole in (k, row["form_of"])]
                base = sum(
                    self.stock[k, r]["existing"]
                    for k in forms for r in leaves if (k, r) in self.stock
                )  # fmt: skip
                yield self.total(clause.resource, forms), base * self.one, 100.0

    def hierarchy(self, clause: Any, area: str) -> Values:
        for low, high in zip(clause.tiers, clause.tiers[1:]):
            for j in self.matches(low, area):
                near = self.backed_by(j, self.matches(high, area), clause)
                yield self.total(clause.resource, near), self.open[j], 1.0

    def backed_by(self, facility_id: str, others: list[str], clause: Any) -> list[str]:
        here = self.facility[facility_id]
        return [
            k
            for k in others
            if self.near(here, self.facility[k], clause.radius, clause.radius_unit)
        ]

    def merger(self, clause: Any, area: str) -> Values:
        for j in self.matches(clause.scope, area):
            near = self.backed_by(j, self.matches(clause.hosts, area), clause)
            usual = [k for k in near if clause.habit.get(j, k) == k]
            yield self.n_open(usual), self.open[j], 1.0
            around = sum(
                p["residents"]
                for p in self.population.values()
                if self.in_area(p["area"], area)
                and self.near(p, self.facility[j], clause.radius, clause.radius_unit)
            )
            if clause.residents_at_least is not None and around >= clause.residents_at_least:
                yield self.open[j], self.one, 1.0

    def referral_share(self, clause: Any, area: str) -> Values:
        where = self.matches(clause.scope, area)
        pair = clause.from_service, clause.to_service
        on = [
            f
            for (j, k, *services), f in self.sent.items()
            if tuple(services) == pair and j in where and k in self.matches(clause.to_scope)
        ]
        yield pulp.lpSum(on), pulp.lpSum(self.treated(j, pair[0]) for j in where), 100.0

    # --- answers

    def solve(self) -> str:
        """Status of the model, ``"optimal"`` or ``"infeasible"``."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            found = pulp.listSolvers(onlyAvailable=True)
            exact: dict[str, Any] = {"gapRel": 0.0} if self.problem.isMIP() else {}
            tries: list[tuple[str, dict[str, Any]]] = []
            if "PULP_CBC_CMD" in found:
                # a solver other than the package's own, where there is one; it may lose its answer
                # on the way back from the preprocessed model, or leave its rows without it
                tries = [("PULP_CBC_CMD", {"options": ["preprocess off"]}), ("PULP_CBC_CMD", {})]
            tries += [(name, {}) for name in found if name != "PULP_CBC_CMD"]
            for name, how in tries:
                try:
                    self.problem.solve(pulp.getSolver(name, msg=False, **exact, **how))
                except pulp.PulpSolverError:
                    continue  # it broke down
                if self.problem.status != pulp.LpStatusOptimal or self.violation() <= 1e-5:
                    break
        words = {pulp.LpStatusOptimal: "optimal", pulp.LpStatusInfeasible: "infeasible"}
        status = words[self.problem.status]
        assert status != "optimal" or self.violation() <= 1e-5, "the oracle's solver is wrong"
        return status

    @property
    def objective(self) -> float:
        return float(pulp.value(self.problem.objective))

    def components(self) -> dict[str, float]:
        return {name: float(pulp.value(pulp.lpSum(terms))) for name, terms in self.cost.items()}

    def take(
        self,
        stock: Mapping[Key, float],
        is_open: Mapping[str, bool],
        flow: Mapping[Key, float],
        sent: Mapping[Key, float],
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
        sent
            Cases a year by facility, the one they are referred to, and the two services.
        """
        assert set(stock) == set(self.held)
        assert set(flow) <= set(self.flow)
        assert set(sent) <= set(self.sent)
        self.one.varValue = 1.0
        for j, y in self.open.items():
            y.varValue = float(is_open[j])
        for key, x in self.held.items():
            x.varValue = stock[key]
        for (j, r), existing in self.existing.items():
            now = sum(stock.get((k, r), 0.0) for k in self.forms(j))
            self.added[j, r].varValue = max(now - existing, 0.0)
            self.retired[j, r].varValue = max(existing - now, 0.0)
        for arc, f in self.flow.items():
            f.varValue = flow.get(arc, 0.0)
        for path, f in self.sent.items():
            f.varValue = sent.get(path, 0.0)
        for (i, s), g in self.unmet.items():
            served = sum(f for (p, _, t), f in flow.items() if (p, t) == (i, s))
            g.varValue = self.demand[i, s] - served
        for (j, first, second), g in self.kept.items():
            on = sum(f for (a, _, *pair), f in sent.items() if (a, *pair) == (j, first, second))
            treated = pulp.value(self.treated(j, first)) or 0.0
            g.varValue = self.referral[first, second]["share"] * treated - on
        self.assign()
        for reached, held in self.reached:
            reached.varValue = min(1.0, max(0.0, pulp.value(held) or 0.0))

    def assign(self) -> None:
        """Stock to requirements: the narrowest requirement (deepest in the tree) chooses first."""
        left = {
            (j, r): self.resource[r]["availability"] * x.varValue for (j, r), x in self.held.items()
        }
        load: dict[Key, float] = defaultdict(float)
        for (j, s), asked in self.needs.items():
            for r, need in asked.items():
                load[j, r] += need * (pulp.value(self.treated(j, s)) or 0.0)
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
