"""An edited scenario's program, open in HiGHS: every edit changes it where it stands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from healthalloc.explain.what_if.edits import Edits
from healthalloc.formulation import blocks
from healthalloc.formulation.assemble import Enforced, Model, formulate
from healthalloc.formulation.blocks import Positions
from healthalloc.formulation.budget import BUDGET_ID
from healthalloc.formulation.objective import objective, point_penalties
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.layout import Layout
from healthalloc.norms import cases_per_flow, demand_cases, unmet_penalties
from healthalloc.plan.clause import Clause
from healthalloc.solution import Solution
from healthalloc.solvers import Result, Session, SolverOptions
from healthalloc.solvers.session import seconds_from_nothing


class OpenProgram:
    """The program of a scenario and its edits, open as an LP and, once asked for, as a MILP.

    Parameters
    ----------
    edits
        The edits; after each, the matching ``apply`` brings the program in line.
    options
        How to solve.
    start
        An earlier answer, of this scenario or one much like it, to begin from.
    """

    _opened: Model
    _number: dict[str, int]
    _demand: Floats
    _demanded: tuple[Positions, Positions]

    def __init__(self, edits: Edits, options: SolverOptions, start: Solution | None = None) -> None:
        self._edits = edits
        self._options = options
        self._milp: Session | None = None
        self._now: Model | None = None
        model = formulate(edits.edited(decided=False))
        basis = start.result.basis if start else None
        if start and basis:
            basis = basis.carried(start.model.program, model.program)
        cold_s = seconds_from_nothing(start.result) if start else np.inf
        self._lp = Session(model.program.relaxed(), options, basis=basis, cold_s=cold_s)
        if basis:
            self._lp.settle()
        self._read(model)

    def forget(self) -> None:
        """Let the next solve begin from nothing."""
        for session in self._sessions:
            session.forget()

    def model(self) -> Model:
        """The program as it stands, and what it stands for."""
        if self._now is None:
            scenario, edits = self._edits.edited(), self._edits
            arcs = self._opened.layout
            layout = Layout(scenario, arcs.arcs, arcs.referral_arcs)
            self._bring_up_to_date(layout)
            opened = self._opened
            enforced = tuple(
                replace(e, clause=edits.clause(e.clause.name))
                for e in opened.enforced
                if e.clause.name not in edits.dropped
            )
            program = self._lp.program
            settled = (program.column_lower == program.column_upper) & (
                program.column_lower == np.round(program.column_lower)
            )
            # a column that is settled needs no branching: with all of them, an LP is left
            program = replace(program, integer=opened.program.integer & ~settled)
            self._now = Model(scenario, layout, program, self._demand, enforced)
        return self._now

    def engine(self, program: LinearProgram, options: SolverOptions) -> Result:
        """Solver of the open program, and of its relaxation with sites fixed."""
        if not program.is_mixed_integer:
            self.set_sites(program)
            result = self._lp.solve()
            whole = self._opened.program.is_mixed_integer
            return replace(result, basis=self._lp.standing) if whole else result
        if self._milp is None:
            self._milp = Session(replace(program, integer=self._opened.program.integer), options)
        return self._milp.solve()

    def set_sites(self, program: LinearProgram) -> None:
        """Bring the bounds of the sites in the open LP to those of a program."""
        sites, now = program.column_block("open").slice, self._lp.program
        lower, upper = program.column_lower[sites], program.column_upper[sites]
        if (now.column_lower[sites] != lower).any() or (now.column_upper[sites] != upper).any():
            self._lp.set_column_bounds(np.arange(sites.start, sites.stop), lower, upper)

    def apply_clause(self, name: str) -> None:
        """Bring the rows of a clause to its target, or free them where it is dropped."""
        self._now = None
        clause, was_open = self._edits.clause(name), name in self._number
        if clause.is_parameter or (clause.is_priced and was_open == (name in self._edits.dropped)):
            self._open()  # it changes norms or costs, not rows alone
            return
        number = self._number[name]
        enforced = self._opened.enforced[number]
        rows = np.arange(enforced.slice.start, enforced.slice.stop)
        if name in self._edits.dropped:
            free = np.full(len(rows), np.inf)
            for session in self._sessions:
                session.set_row_bounds(rows, -free, free)
            return
        if clause.measure_has_target:
            enforced = self._measured_anew(number, clause, self._opened.layout)
        made, _ = blocks.clause_rows(enforced.measure, clause.bounds, enforced.first_reached)
        if made.n_rows != len(rows):
            self._open()  # a value became a range, or the other way round
            return
        shape = (len(rows), self._lp.program.n_columns)
        matrix = csr_array((made.value, (made.row, made.column)), shape=shape)
        matrix.sum_duplicates()
        for session in self._sessions:
            session.set_row_bounds(rows, made.lower, made.upper)
            if enforced.measure.denominator is None:
                continue
            for k, row in enumerate(rows.tolist()):
                span = slice(matrix.indptr[k], matrix.indptr[k + 1])
                columns = matrix.indices[span].astype(np.intp)
                session.set_row(row, columns, matrix.data[span])

    def apply_facility(self, facility: str) -> None:
        """Bring the columns and site rows of a facility to its limits and its site."""
        self._now = None
        keys = [key for key in self._edits.stock_row if key[0] == facility]
        at = np.array([self._edits.stock_row[key] for key in keys], dtype=np.intp)
        limits = [self._edits.limit(key) for key in keys]
        low, high = np.array(limits).reshape(-1, 2).T.copy()
        may_close = self._edits.may_close(facility)
        unfounded = may_close and any(
            least > 0 and len(self._site_rows[key]) < 2 for key, (least, _) in zip(keys, limits)
        )
        if unfounded or (~self._holdable[at] & (high > 0)).any():
            self._open()  # a row, or arcs, that the open program does not have
            return
        decided = self._edits.sites.get(facility, None if may_close else True)
        if may_close or decided is False:
            low[:] = 0.0  # while open, the site rows hold it to its limits
        if decided is False:
            high[:] = 0.0
        start = self._lp.program.column_block("open").start
        site = np.array([start + self._edits.facility_row[facility]])
        is_open = np.array([0.0 if decided is None else float(decided)])
        can_open = np.array([1.0 if decided is None else float(decided)])
        for session in self._sessions:
            session.set_column_bounds(at, low, high)
            session.set_column_bounds(site, is_open, can_open)
            for key, limit, stock in zip(keys, limits, at):
                # the first row holds the stock below its upper limit, a second above its lower
                for row, value in zip(self._site_rows.get(key, []), reversed(limit)):
                    session.set_row(row, np.append(stock, site), np.array([1.0, -value]))

    def apply_demand(self) -> None:
        """Bring the demand rows and the constant of the objective to the demand, when asked."""
        self._now, self._stale_demand = None, True

    def apply_costs(self) -> None:
        """Bring the objective, and what a budget counts, to the costs, when asked."""
        self._now, self._stale_costs = None, True

    def _bring_up_to_date(self, layout: Layout) -> None:
        """Many edits of demand and costs in a row are one change of the program."""
        if not (self._stale_demand or self._stale_costs):
            return
        scenario, program = layout.scenario, self._lp.program
        if self._stale_demand:
            self._demand = demand_cases(scenario) / cases_per_flow(scenario)
            rows = program.row_block("demand")
            upper = self._demand[self._demanded]
            at = np.arange(rows.start, rows.stop)
            for session in self._sessions:
                session.set_row_bounds(at, np.zeros(rows.size), upper)
        if self._stale_costs:
            self._bring_budget(layout)
        measures = [e.measure for e in self._opened.enforced]
        if self._stale_costs:
            columns = blocks.Columns.of(layout, program.column_block("reached").size)
            cost, offset = objective(layout, columns, self._demand, measures)
            changed = np.flatnonzero(cost != program.cost)
            for session in self._sessions:
                session.set_costs(changed, cost[changed])
        else:
            unserved = (self._demand @ unmet_penalties(scenario)).sum()
            offset = float(unserved + point_penalties(measures).sum())
        for session in self._sessions:
            session.set_offset(offset)
        self._stale_demand = self._stale_costs = False

    def _bring_budget(self, layout: Layout) -> None:
        """Let the row of the budget count the costs as they are now."""
        if BUDGET_ID not in self._number:
            return
        number = self._number[BUDGET_ID]
        now = self._measured_anew(number, self._opened.enforced[number].clause, layout)
        made, _ = blocks.clause_rows(now.measure, now.clause.bounds, now.first_reached)
        for session in self._sessions:
            session.set_row(now.start, made.column, made.value)

    def _measured_anew(self, number: int, clause: Clause, layout: Layout) -> Enforced:
        """The rows of a clause with what it measures now, noted in what is open."""
        enforced = list(self._opened.enforced)
        enforced[number] = replace(enforced[number], measure=clause.measured(layout))
        self._opened = replace(self._opened, enforced=tuple(enforced))
        return enforced[number]

    @property
    def _sessions(self) -> list[Session]:
        return [self._lp] if self._milp is None else [self._lp, self._milp]

    def become(self, edits: Edits) -> None:
        """Bring the program to other edits, of another scenario."""
        self._edits = edits
        self._open()

    def _open(self) -> None:
        """Formulate anew, where an edit needs rows or columns that are not there."""
        model = formulate(self._edits.edited(decided=False))
        self._lp.become(model.program.relaxed())
        if self._milp is not None:
            self._milp.become(model.program)
        self._read(model)

    def _read(self, model: Model) -> None:
        """Note where things stand in a program just formulated, and apply what it leaves out."""
        structure, self._opened = model.scenario, model
        self._demand, self._now = model.demand, None
        self._stale_demand = self._stale_costs = False
        self._holdable = (structure.stock["upper"] != 0).to_numpy()
        self._number = {e.clause.name: k for k, e in enumerate(model.enforced)}
        labels = model.program.row_block("demand").labels()
        population = pd.Index(structure.populations["population_id"])
        service = pd.Index(structure.services["service_id"])
        self._demanded = (
            population.get_indexer(labels["population_id"]),
            service.get_indexer(labels["service_id"]),
        )
        site = model.program.row_block("site")
        self._site_rows: dict[tuple[str, str], list[int]] = {}
        for row, key in enumerate(site.labels().itertuples(index=False), start=site.start):
            self._site_rows.setdefault((key[0], key[1]), []).append(row)
        for name in self._edits.dropped:
            if name in self._number:
                self.apply_clause(name)
        for facility in self._edits.sites:
            self.apply_facility(facility)
