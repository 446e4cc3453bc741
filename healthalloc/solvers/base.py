"""What goes into a solver and what comes out, whichever solver it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from healthalloc.formulation.program import LinearProgram
from healthalloc.solvers.basis import Basis

Floats = NDArray[np.float64]


class Status(Enum):
    """How a solve ended.

    Attributes
    ----------
    OPTIMAL
        Solved, within the gap asked for.
    INFEASIBLE
        No point keeps all bounds.
    UNBOUNDED
        The cost can fall without end.
    LIMIT_WITH_INCUMBENT
        A limit was reached; a feasible point was found, its gap is stated.
    LIMIT_WITHOUT_INCUMBENT
        A limit was reached before any feasible point was found.
    """

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    LIMIT_WITH_INCUMBENT = "limit_with_incumbent"
    LIMIT_WITHOUT_INCUMBENT = "limit_without_incumbent"

    @property
    def has_solution(self) -> bool:
        """Whether there is a feasible point to show."""
        return self in (Status.OPTIMAL, Status.LIMIT_WITH_INCUMBENT)

    @property
    def words(self) -> str:
        """The status as it is said to people."""
        if self is Status.LIMIT_WITH_INCUMBENT:
            return "stopped at a limit"
        if self is Status.LIMIT_WITHOUT_INCUMBENT:
            return "a limit came before any solution"
        return str(self.value)


@dataclass(frozen=True, kw_only=True)
class SolverOptions:
    """How to solve.

    Parameters
    ----------
    time_limit_s
        Seconds that the solver may take.
    gap
        Relative gap at which a MILP may stop.
    """

    time_limit_s: float = 300.0
    gap: float = 1e-4


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """The raw answer of a solver to a `LinearProgram`.

    Parameters
    ----------
    status
    solver
        Name and version of the solver.
    seconds
        Wall time of the solve.
    x : ndarray, shape (n_columns,), or None
        Values of the columns, if there is a feasible point.
    row_dual, column_dual : ndarray, shapes (n_rows,) and (n_columns,), or None
        For a solved LP: change of the minimum by one unit of the row's active bound, and the
        reduced costs ``cost - matrix.T @ row_dual``. Non-negative at a lower bound,
        non-positive at an upper one.
    bound
        For a MILP: lower bound on the minimum, if the solver tells.
    iterations
        Simplex iterations or branch-and-bound nodes, if the solver tells.
    basis
        Basis of a solved LP, or of a solved MILP's relaxation, if the solver tells: a program
        that is much the same may begin from it (see `Session`).
    """

    status: Status
    solver: str
    seconds: float
    x: Floats | None = None
    row_dual: Floats | None = None
    column_dual: Floats | None = None
    bound: float | None = None
    iterations: int | None = None
    basis: Basis | None = None


class Solver(Protocol):
    """A function that solves a program."""

    def __call__(self, program: LinearProgram, options: SolverOptions) -> Result:
        """Solve the program.

        Raises
        ------
        SolverError
            If the solver breaks down.
        """
        ...
