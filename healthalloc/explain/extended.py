"""A program with more columns and rows, and no objective of its own, open in HiGHS."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, vstack

from healthalloc.errors import NoSolutionError, SolverError, UnsupportedError
from healthalloc.formulation.blocks import Rows, stack
from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.solvers import SolverOptions, Status, certify
from healthalloc.solvers.basis import Basis
from healthalloc.solvers.session import Session

Positions = NDArray[np.intp]
SLACK = 1e-9
"""Share by which a limit set at an earlier optimum is loosened, for the rounding of sums."""
LARGE = 5_000
"""Columns from which a search in whole units begins with the sites of the plan at hand."""
HELD = 1 / 3
"""Share of its time that it may take for them."""
HELD_GAP = 1e-3
"""Relative gap at which it goes on to other sites."""


@dataclass(frozen=True, eq=False)
class Form:
    """A sum of columns times factors.

    Parameters
    ----------
    columns : ndarray of int, shape (k,)
        Each at most once.
    factors : ndarray, shape (k,)
    """

    columns: Positions
    factors: Floats

    def of(self, x: Floats) -> float:
        """The sum at given values of the columns."""
        return float(self.factors @ x[self.columns])

    @property
    def as_objective(self) -> float:
        """Factor that lifts the smallest coefficient out of the solver's tolerances."""
        size = np.abs(self.factors[self.factors != 0])
        if not len(size):
            return 1.0
        wanted = min(1.0 / float(size.min()), 1e6 / float(size.max()))
        return max(1.0, _power_of_two(wanted))

    @property
    def as_row(self) -> float:
        """Factor that centres the coefficients of a row on 1."""
        size = np.abs(self.factors[self.factors != 0])
        return _power_of_two(float(1.0 / np.sqrt(size.min() * size.max()))) if len(size) else 1.0


def _power_of_two(value: float) -> float:
    return float(2.0 ** np.round(np.log2(value)))


def row_of(form: Form, lower: float = -np.inf, upper: float = np.inf, scale: float = 1.0) -> Rows:
    """A form as one row."""
    used = form.factors != 0
    zeros = np.zeros(int(used.sum()), dtype=np.intp)
    return Rows(
        zeros, form.columns[used], form.factors[used] * scale,
        np.array([lower * scale]), np.array([upper * scale]),
    )  # fmt: skip


class Builder:
    """Adds columns and rows to a program and takes its objective away.

    The objective becomes a form like any other (`cost`); its constant part is the factor of a
    column that is fixed at 1, so that relative gaps refer to what is really spent.

    Parameters
    ----------
    program
        The program to extend.
    """

    def __init__(self, program: LinearProgram) -> None:
        self.base = program
        self._lower, self._upper = [program.column_lower], [program.column_upper]
        self._integer = [program.integer]
        self._rows: list[Rows] = []
        self._n_columns, self._n_rows = program.n_columns, program.n_rows
        self.one = int(self.add_columns(1, 1.0, 1.0)[0])
        charged = np.flatnonzero(program.cost)
        self.cost = Form(
            np.append(charged, self.one), np.append(program.cost[charged], program.offset)
        )

    def add_columns(
        self, n: int, lower: float = 0.0, upper: float = np.inf, *, binary: bool = False
    ) -> Positions:
        """Add columns with the same bounds.

        Returns
        -------
        ndarray of int, shape (n,)
            Their positions.
        """
        self._lower.append(np.full(n, lower))
        self._upper.append(np.full(n, 1.0 if binary else upper))
        self._integer.append(np.full(n, binary))
        self._n_columns += n
        return np.arange(self._n_columns - n, self._n_columns)

    def add_rows(self, rows: Rows) -> Positions:
        """Add rows, their coefficients at positions in the whole program.

        Returns
        -------
        ndarray of int, shape (n rows,)
            Their positions.
        """
        self._rows.append(rows)
        self._n_rows += rows.n_rows
        return np.arange(self._n_rows - rows.n_rows, self._n_rows)

    def program(self) -> LinearProgram:
        """The extended program, with an objective of 0."""
        rows, base = stack(self._rows), self.base
        more = coo_array(
            (rows.value, (rows.row, rows.column)), shape=(rows.n_rows, self._n_columns)
        )
        wide = csc_array(
            (
                base.matrix.data,
                base.matrix.indices,
                np.pad(base.matrix.indptr, (0, self._n_columns - base.n_columns), mode="edge"),
            ),
            shape=(base.n_rows, self._n_columns),
        )
        matrix = csc_array(vstack([wide, more]))
        matrix.eliminate_zeros()
        return LinearProgram(
            np.zeros(self._n_columns), 0.0, matrix,
            np.concatenate([base.row_lower, rows.lower]),
            np.concatenate([base.row_upper, rows.upper]),
            np.concatenate(self._lower), np.concatenate(self._upper),
            np.concatenate(self._integer), base.columns, base.rows,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Found:
    """A certified answer.

    Parameters
    ----------
    x : ndarray, shape (n_columns,)
    status
        Optimal, or a limit with a feasible point.
    value
        The form that was minimised.
    gap
        Distance of value and bound as a share of the value.
    """

    x: Floats
    status: Status
    value: float
    gap: float

    @property
    def bound(self) -> float:
        """No value is below it; minus infinity where nothing is proved."""
        proved = np.isfinite(self.gap)
        return self.value - self.gap * abs(self.value) if proved else -np.inf


class Open:
    """An extended program open in HiGHS, to be minimised for one form after the other.

    Parameters
    ----------
    program
    options
    basis
        Basis to begin from, of the program or one much like it.
    primal
        As `Session` has it: for limits that are loosened from solve to solve.
    cold_s
        As `Session` has it.

    Attributes
    ----------
    until : float
        When the time is over for all solves together (`time.perf_counter`); by default never.
    """

    def __init__(
        self,
        program: LinearProgram,
        options: SolverOptions,
        basis: Basis | None = None,
        *,
        primal: bool = False,
        cold_s: float = np.inf,
    ) -> None:
        self.session = Session(program, options, primal=primal, basis=basis, cold_s=cold_s)
        self.options = options
        self.until = np.inf
        self._charged: Positions = np.zeros(0, dtype=np.intp)

    @property
    def left_s(self) -> float:
        """Seconds that the next solve may take."""
        return min(self.options.time_limit_s, self.until - time.perf_counter())

    def reopened(self) -> Open:
        """The program once more, from where it stands, for another objective.

        Its point stays feasible when the objective changes and limits are loosened.
        """
        again = Open(self.session.program, self.options, self.session.standing, primal=True)
        again._charged = self._charged
        return again

    def least(self, form: Form, start: Floats | None = None) -> Found:
        """Minimise a form under the bounds as they stand.

        Parameters
        ----------
        form
        start : ndarray, shape (n_columns,), or None
            A plan that branch and bound may start from.

        Raises
        ------
        NoSolutionError
            If there is no feasible point, or a limit came before any.
        SolverError
            If the answer does not pass its certificate.
        UnsupportedError
            If there is no least value.
        """
        found = self.search(form, start)
        if found is Status.UNBOUNDED:
            raise UnsupportedError(
                "there is no best plan: it improves without end as the cost rises; "
                "limit the cost (--within) or the stock (upper in the stock table)"
            )
        if isinstance(found, Status):
            raise NoSolutionError(f"no plan to show: the solve ended {found.value}")
        return found

    def search(self, form: Form, start: Floats | None = None) -> Found | Status:
        """As `least`, but a program without an answer ends with its status."""
        if self.left_s <= 0:
            return Status.LIMIT_WITHOUT_INCUMBENT
        if start is not None and self.session.program.n_columns >= LARGE:
            start = self._with_its_sites(form, start)
        self.session.allow(max(self.left_s, 0.0))
        scale = form.as_objective
        self.session.set_costs(self._charged, np.zeros(len(self._charged)))
        self.session.set_costs(form.columns, form.factors * scale)
        self._charged = form.columns
        if start is not None and self.session.program.is_mixed_integer:
            self.session.start_from(start)
        result = self.session.solve()
        if result.x is None:
            return result.status
        program = self.session.program
        if program.is_mixed_integer:
            x = result.x.copy()
            x[program.integer] = np.round(x[program.integer])
            result = replace(result, x=x)
        assert result.x is not None
        certificate = certify(program, result)
        stopped = result.status is Status.LIMIT_WITH_INCUMBENT
        if not certificate.passes(np.inf if stopped else self.options.gap):
            raise SolverError(
                "the solver called its answer optimal, but the answer does not pass the "
                f"certificate: {certificate}"
            )
        return Found(result.x, result.status, form.of(result.x), certificate.gap)

    def _with_its_sites(self, form: Form, start: Floats) -> Floats:
        """The best plan with the sites of a known one, for the search to begin from.

        What is left to choose is stock: of a large program branch and bound finds in seconds
        what, with the sites free, it does not find in minutes.
        """
        program = self.session.program
        sites = program.column_block("open").slice
        lower, upper = program.column_lower.copy(), program.column_upper.copy()
        if not program.is_mixed_integer or (lower[sites] == upper[sites]).all():
            return start
        lower[sites] = upper[sites] = np.round(start[sites])
        options = replace(
            self.options, time_limit_s=HELD * self.left_s, gap=max(self.options.gap, HELD_GAP)
        )
        held = Open(replace(program, column_lower=lower, column_upper=upper), options)
        found = held.search(form, start)
        return start if isinstance(found, Status) else found.x

    def limit(self, row: int, form: Form, upper: float) -> None:
        """Bound a row that holds a form, as `row_of` with ``form.as_row`` made it.

        Parameters
        ----------
        row
            Position of the row.
        form
        upper
            Largest value, up to rounding; infinite: none.
        """
        most = (upper + SLACK * max(1.0, abs(upper))) * form.as_row
        self.session.set_row_bounds(np.array([row]), np.array([-np.inf]), np.array([most]))


def worst_status(found: Sequence[Found]) -> Status:
    """Optimal if all of them are."""
    stopped = any(f.status is not Status.OPTIMAL for f in found)
    return Status.LIMIT_WITH_INCUMBENT if stopped else Status.OPTIMAL
