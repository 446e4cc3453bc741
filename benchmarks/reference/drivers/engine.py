"""One engine on this library's program without whole units; its answer is certified."""

from __future__ import annotations

import numpy as np

from benchmarks.reference.clock import Clock
from benchmarks.reference.drivers.ours import NO_LIMIT_S
from benchmarks.reference.engines import engine
from healthalloc.formulation import formulate
from healthalloc.scenario import Scenario
from healthalloc.solvers import SolverOptions, certify


def drive(scenario: Scenario, clock: Clock, which: str) -> None:
    program = formulate(scenario).program.relaxed()
    clock.facts(nnz=program.matrix.nnz, rows=program.n_rows, columns=program.n_columns)
    solve = engine(which)
    with clock.phase("solve"):
        result = solve(program, SolverOptions(time_limit_s=NO_LIMIT_S))
    clock.facts(status=result.status.value, solver=result.solver)
    if result.iterations is not None:
        clock.facts(iterations=result.iterations)
    if result.x is not None and result.row_dual is not None:
        certificate = certify(program, result)
        residuals = certificate.primal, certificate.dual, certificate.complementarity
        clock.facts(
            objective=certificate.objective, gap=certificate.gap, residual=float(np.max(residuals))
        )
