"""What if: change a plan that stands open in the solver, and solve it from where it stood."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd

from healthalloc.errors import DataError, Problem, SolverError
from healthalloc.explain.what_if.edits import PLACE, Edits, Limits
from healthalloc.explain.what_if.nearby import nearby
from healthalloc.explain.what_if.open_program import OpenProgram
from healthalloc.formulation.assemble import Model
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution
from healthalloc.solvers import SolverOptions, Status
from healthalloc.solvers.highs import solve_highs
from healthalloc.solving import Answer, answered, with_settings


class WhatIf:
    """A scenario open in HiGHS: edit it, solve it again, edit it further.

    An edit changes some bounds, costs or coefficients of the open program; `solve` then starts
    from the last basis (an LP) or the last incumbent (whole units, site choices). Every answer
    is one that `healthalloc.solve` could give for `scenario`, certified in the same way.

    Parameters
    ----------
    scenario
        The scenario to begin with, or an answer to it, whose basis spares the first solve; it
        is not changed.
    whole_units, gap, time_limit_s
        Override the scenario's settings (see `SolveSettings`). The solver is HiGHS, whatever
        the scenario says.

    Examples
    --------
    >>> what_if = WhatIf(scenario)  # doctest: +SKIP
    >>> before = what_if.solve()  # doctest: +SKIP
    >>> what_if.set("xq-22", 80)  # doctest: +SKIP
    >>> Changes(before, what_if.solve()).cost  # doctest: +SKIP
    """

    def __init__(
        self,
        scenario: Scenario | Solution,
        *,
        whole_units: bool | None = None,
        gap: float | None = None,
        time_limit_s: float | None = None,
    ) -> None:
        given = {"whole_units": whole_units, "gap": gap, "time_limit_s": time_limit_s}
        start = scenario if isinstance(scenario, Solution) else None
        scenario = scenario.scenario if isinstance(scenario, Solution) else scenario
        scenario = with_settings(scenario, {k: v for k, v in given.items() if v is not None})
        settings = scenario.settings.solve
        self._options = SolverOptions(time_limit_s=settings.time_limit_s, gap=settings.gap)
        self._edits = Edits(scenario)
        self._open_program = OpenProgram(self._edits, self._options, start)
        self._last = start

    # --- edits

    def set(self, clause: str, value: float | Limits, unit: str = "") -> None:
        """Give a clause another target.

        Parameters
        ----------
        clause
            Id, or id and part (``"xq-27/taiping"``), of an enforced clause.
        value
            In the clause's unit: the new floor of an ``at_least`` clause, ceiling of an
            ``at_most``, value of an ``equals``, middle of an ``about``; a pair for a clause
            with floor and ceiling.
        unit
            Unit of the value; an error where it is not the clause's.

        Raises
        ------
        PlanError
            If there is no such clause, it is not enforced, or the value does not fit it.
        """
        self._open_program.apply_clause(self._edits.set(clause, value, unit))

    def drop(self, clause: str) -> None:
        """No longer enforce a clause; all its parts, if none is named. It is still measured.

        Raises
        ------
        PlanError
            If there is no such clause, or it is not enforced as it is.
        """
        for name in self._edits.drop(clause):
            self._open_program.apply_clause(name)

    def close(self, facility: str) -> None:
        """Shut a facility: it holds nothing and serves nobody; what it held is retired.

        Raises
        ------
        DataError
            If there is no such facility.
        """
        self._edits.site(facility, False)
        self._open_program.apply_facility(facility)

    def open(self, facility: str) -> None:
        """Have a facility open that could stay shut, or open one again that `close` shut.

        Raises
        ------
        DataError
            If there is no such facility.
        """
        self._edits.site(facility, True)
        self._open_program.apply_facility(facility)

    def bound(
        self,
        facility: str,
        resource: str,
        lower: float | None = None,
        upper: float | None = None,
    ) -> None:
        """Change the least and the most that a facility may hold of a resource.

        Parameters
        ----------
        facility, resource
            A row of the table ``stock``.
        lower, upper
            Units; ``None`` leaves the limit as it is, an infinite ``upper`` takes it away.

        Raises
        ------
        DataError
            If there is no such row, or the limits make no sense there.
        """
        self._edits.bound(facility, resource, lower, upper)
        self._open_program.apply_facility(facility)

    def demand(self, service: str, factor: float) -> None:
        """Multiply the demand for a service, everywhere.

        Parameters
        ----------
        service
        factor
            On the demand that the scenario gives: 1.05 for 5 % more; 0 or more.

        Raises
        ------
        DataError
            If there is no such service, or the factor is negative.
        """
        self._edits.demand(service, factor)
        self._open_program.apply_demand()

    def cost(self, resource: str, factor: float) -> None:
        """Multiply the costs of a resource: to build, to run or employ, to retire.

        Parameters
        ----------
        resource
            It alone; what stands below it in the tree of resources has costs of its own.
        factor
            On the costs that the scenario gives; 0 or more.

        Raises
        ------
        DataError
            If there is no such resource, or the factor is negative.
        """
        self._edits.cost(resource, factor)
        self._open_program.apply_costs()

    def penalty(self, service: str, factor: float) -> None:
        """Multiply the penalty of a service's unmet demand.

        Parameters
        ----------
        service
        factor
            On the penalty that the scenario gives; 0 or more.

        Raises
        ------
        DataError
            If there is no such service, the factor is negative, or turning everybody away would
            be cheaper than to treat them and not refer them on.
        """
        self._edits.penalty(service, factor)
        self._open_program.apply_costs()

    def figure(self, name: str, value: float) -> None:
        """Give a setting of the scenario another value.

        Parameters
        ----------
        name
            ``"discount_rate"`` (fraction a year) or ``"value_of_travel_cny_per_hour"``.
        value

        Raises
        ------
        DataError
            If it is another setting, or the value is out of its range.
        """
        self._edits.figure(name, value)
        self._open_program.apply_costs()

    def replace(self, **changes: Any) -> None:
        """Change the scenario below the edits: tables, settings, plan, whatever is asked.

        The program is formulated anew, and its next solve begins from the last basis as far as
        its columns and rows are the same. The edits made so far hold on; `restore` takes them
        back, not this.

        Parameters
        ----------
        **changes
            Fields of `Scenario`, e.g. ``demand=table`` or ``plan=plan``.

        Raises
        ------
        DataError, PlanError
            If the changed scenario makes no sense, or lacks what an edit speaks of.
        """
        self._edits = self._edits.moved_to(self._edits.original.replace(**changes))
        self._open_program.become(self._edits)

    def restore(self, *names: str) -> None:
        """Take edits back.

        Parameters
        ----------
        *names
            Clauses, facilities, resources, services, settings and ``"facility:resource"`` that
            were edited; without any, every edit is taken back.

        Raises
        ------
        DataError
            If nothing of that name was edited, or the penalties left would make turning
            everybody away cheaper than treating.
        """
        edits = self._edits
        had_factors = dict(edits.factors)
        n_costs = len(edits.cost_factors) + len(edits.penalty_factors) + len(edits.figures)
        clauses, facilities = self._edits.restore(names)
        for name in clauses:
            self._open_program.apply_clause(name)
        for facility in facilities:
            self._open_program.apply_facility(facility)
        if self._edits.factors != had_factors:
            self._open_program.apply_demand()
        if len(edits.cost_factors) + len(edits.penalty_factors) + len(edits.figures) < n_costs:
            self._open_program.apply_costs()

    def hold_sites(self) -> None:
        """Open and close sites as the last answer chose them, until they are restored.

        With fractions of units allowed every further answer is that of a linear program, which
        is much faster than one with site choices.

        Raises
        ------
        DataError
            If there is no answer yet to take them from.
        """
        if self._last is None or not self._last.status.has_solution:
            raise DataError([Problem(PLACE, "no answer yet whose sites could be held")])
        sites = self._last.sites
        for facility, is_open in zip(sites["facility_id"], sites["open"]):
            if self._edits.may_close(facility):
                self._edits.site(facility, bool(is_open))
                self._open_program.apply_facility(facility)

    @property
    def edits(self) -> pd.DataFrame:
        """The edits that hold now, in words: ``edit, item, before, after``."""
        return self._edits.table()

    @property
    def scenario(self) -> Scenario:
        """The edited scenario as one of its own, checked anew; it can be written to a folder.

        A facility that `open` or `close` decided on stands in it as a clause ``facility_count``
        of 1 or 0, since the tables cannot force a site.
        """
        return self._edits.scenario()

    # --- the answer

    def solve(self, near: Solution | None = None, *, conflict: bool = True) -> Solution:
        """Solve the scenario as it stands.

        Parameters
        ----------
        near
            An earlier answer: among the answers that cost the same, take the one that moves
            least from it (see `nearby`). One more program is solved for it.
        conflict
            Where the plan is infeasible, find the clauses that cannot hold together.

        Returns
        -------
        Solution
            As `healthalloc.solve` returns it; its ``scenario`` holds the edited tables and
            targets.

        Raises
        ------
        SolverError
            If the solver breaks down or an optimum does not pass its certificate.
        """
        began = time.perf_counter()
        model = self._open_program.model()
        made = time.perf_counter()
        try:
            answer = self._answer(model, conflict)
        except SolverError:
            self._open_program.forget()  # from nothing, before giving up
            answer = self._answer(model, conflict)
        seconds = {"formulate": made - began, "solve": time.perf_counter() - made}
        found = Solution(model, *answer, seconds=seconds)
        if near is not None and found.status is Status.OPTIMAL:
            found = nearby(found, near)
        self._last = found
        return found

    def _answer(self, model: Model, conflict: bool) -> Answer:
        try:
            engine = self._open_program.engine
            return answered(model, engine, self._options, solve_highs, conflict=conflict)
        finally:
            self._open_program.set_sites(model.program)
