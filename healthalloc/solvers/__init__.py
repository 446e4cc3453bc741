"""Solvers: the same program in, the same result out, proof recomputed."""

from __future__ import annotations

from healthalloc.formulation.program import LinearProgram
from healthalloc.solvers.base import Result, Solver, SolverOptions, Status
from healthalloc.solvers.certificate import Certificate, certify
from healthalloc.solvers.highs import solve_highs
from healthalloc.solvers.interior import LEAST_COLUMNS, solve_interior
from healthalloc.solvers.pulp import solve_pulp
from healthalloc.solvers.session import Session

__all__ = [
    "Certificate",
    "Result",
    "Session",
    "Solver",
    "SolverOptions",
    "Status",
    "certify",
    "named_solver",
    "solve_best",
    "solve_highs",
    "solve_interior",
    "solve_pulp",
]


def solve_best(program: LinearProgram, options: SolverOptions) -> Result:
    """Solve with the engine that measurements favour for the size and shape of a program.

    Large linear programs of the shape that `solve_interior` knows go to it, all others to
    `solve_highs`.

    Parameters
    ----------
    program
    options

    Raises
    ------
    SolverError
        If the engine breaks down.
    """
    large = program.n_columns >= LEAST_COLUMNS
    return solve_interior(program, options) if large else solve_highs(program, options)


ENGINES: dict[str, Solver] = {
    "auto": solve_best,
    "highs": solve_highs,
    "interior": solve_interior,
}


def named_solver(name: str) -> Solver:
    """The solver of a name as settings give it.

    Parameters
    ----------
    name
        ``"auto"``, ``"highs"``, ``"interior"``, ``"pulp"`` or ``"pulp:NAME"``.

    Raises
    ------
    ValueError
        If the name is none of these.
    """
    engine, _, inner = name.partition(":")
    if name in ENGINES:
        return ENGINES[name]
    if engine == "pulp":
        return lambda program, options: solve_pulp(program, options, inner)
    raise ValueError(f"unknown solver {name!r}: allowed are {', '.join(ENGINES)}, pulp, pulp:NAME")
