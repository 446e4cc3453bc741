"""Solvers: the same program in, the same result out, proof recomputed."""

from __future__ import annotations

from healthalloc.solvers.base import Result, Solver, SolverOptions, Status
from healthalloc.solvers.certificate import Certificate, certify
from healthalloc.solvers.highs import solve_highs
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
    "solve_highs",
    "solve_pulp",
]


def named_solver(name: str) -> Solver:
    """The solver of a name as settings give it.

    Parameters
    ----------
    name
        ``"highs"``, ``"pulp"`` or ``"pulp:NAME"``.

    Raises
    ------
    ValueError
        If the name is none of these.
    """
    engine, _, inner = name.partition(":")
    if engine == "highs" and not inner:
        return solve_highs
    if engine == "pulp":
        return lambda program, options: solve_pulp(program, options, inner)
    raise ValueError(f"unknown solver {name!r}: allowed are highs, pulp and pulp:NAME")
