"""This library, by its public steps."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from benchmarks.reference.clock import Clock
from benchmarks.reference.handed import state_program
from healthalloc.formulation.assemble import assemble, network
from healthalloc.io import read_scenario
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution
from healthalloc.solvers import SolverOptions, named_solver
from healthalloc.solvers.highs import passed
from healthalloc.solving import answered

NO_LIMIT_S = 1e7  # the clock limits the phases


def read(folder: Path) -> None:
    read_scenario(folder)


def drive(scenario: Scenario, clock: Clock, engine: str = "") -> None:
    with clock.phase("validate"):
        scenario = dataclasses.replace(scenario)
    with clock.phase("reach"):
        layout = network(scenario)
    with clock.phase("build"):
        model = assemble(layout)
    program = model.program
    with clock.phase("labels"):
        labels = [block.labels() for block in (*program.columns, *program.rows)]
    del labels
    state_program(clock, program)
    flow = program.column_block("flow")
    of_flows = program.matrix.indptr[flow.stop] - program.matrix.indptr[flow.start]
    clock.facts(flow_nnz=int(of_flows))
    options = SolverOptions(time_limit_s=NO_LIMIT_S, gap=scenario.settings.solve.gap)
    if clock.wants("pass"):
        with clock.phase("pass"):
            highs = passed(program, options)
        del highs
    if not clock.wants("solve", "extract"):
        return
    solver = named_solver(engine or scenario.settings.solve.solver)
    with clock.phase("solve"):
        answer = answered(model, solver, options)
    solution = Solution(model, *answer, seconds={})
    clock.facts(objective=solution.objective, status=solution.status.value)
    with clock.phase("extract"):
        solution.stock, solution.flows, solution.demand, solution.clauses  # noqa: B018
