"""Proof of an answer, recomputed from the program's own arrays and nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from healthalloc.formulation.program import Floats, LinearProgram
from healthalloc.solvers.base import Result

TOLERANCE = 1e-6
"""Largest relative residual that passes."""


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Residuals of an answer; each is 0 for a perfect one.

    Parameters
    ----------
    primal
        Largest violation of a row or column bound, relative to the size of what is added up.
    integrality
        Largest distance of an integer column from a whole number (0 for an LP).
    dual
        Largest reduced cost that no bound can hold, relative to the costs that make it up
        (LP only, else NaN).
    complementarity
        Largest cost that a price puts on a bound which is not active, relative to the size of
        what the objective adds up (LP only, else NaN).
    gap
        Distance between objective and bound, relative to the objective. For an LP the bound
        is the dual objective, which proves optimality; for a MILP it is ``bound_source``'s.
    gap_of_terms
        The same distance, relative to the size of what the objective adds up. A cost that is a
        small difference of large terms cannot be told more precisely than this.
    objective, bound
        Recomputed cost and lower bound, CNY a year.
    bound_source
        ``"dual"`` (proved here), ``"solver"`` (reported by branch and bound), ``"relaxation"``
        (proved here for the LP relaxation of a MILP whose solver tells no bound: the gap may
        be larger than the one it stopped at) or ``"none"``.
    """

    primal: float
    integrality: float
    dual: float
    complementarity: float
    gap: float
    gap_of_terms: float
    objective: float
    bound: float
    bound_source: str

    def passes(self, gap: float = TOLERANCE) -> bool:
        """Whether every residual that applies is small enough.

        Parameters
        ----------
        gap
            Largest relative gap allowed.
        """
        residuals = [self.primal, self.integrality, self.dual, self.complementarity]
        applying = [r for r in residuals if not np.isnan(r)]
        close = self.gap <= max(gap, TOLERANCE) or self.gap_of_terms <= self._rounding
        return max(applying) <= TOLERANCE and close

    @property
    def _rounding(self) -> float:
        """Gap of terms that counts as rounding: a proved bound needs less trust than a told one."""
        return TOLERANCE if self.bound_source == "dual" else TOLERANCE * 1e-3

    def as_dict(self) -> dict[str, float | str]:
        """The fields, for ``run.json``."""
        return asdict(self)


def certify(
    program: LinearProgram, result: Result, relaxation_bound: float | None = None
) -> Certificate:
    """Check an answer against its program.

    The dual bound is that of the LP with row and column bounds: each positive dual earns its
    row's (column's) lower bound, each negative one the upper bound; a dual on a bound that is
    infinite is a dual infeasibility (Bertsimas and Tsitsiklis 1997, chapter 4).

    Parameters
    ----------
    program
    result
        With a feasible point; with row duals for an LP.
    relaxation_bound
        Proved bound of the LP relaxation, for a MILP whose solver tells none.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        If the result holds no point.
    """
    if result.x is None:
        raise ValueError("no point to certify")
    x = result.x
    activity = program.matrix @ x
    absolute = abs(program.matrix)
    primal = violation(program, x)
    integrality = _largest(np.abs(x - np.round(x))[program.integer])
    # sums, not dot products: BLAS would wake its threads for each, which costs far more
    objective = float((program.cost * x).sum()) + program.offset
    scale = max(1.0, abs(objective))
    terms = max(1.0, abs(program.offset) + float(np.abs(program.cost * x).sum()))
    if result.row_dual is None:
        told = (("solver", result.bound), ("relaxation", relaxation_bound), ("none", -np.inf))
        source, bound = next((name, value) for name, value in told if value is not None)
        return Certificate(
            primal=primal, integrality=integrality, dual=np.nan, complementarity=np.nan,
            gap=abs(objective - bound) / scale, gap_of_terms=abs(objective - bound) / terms,
            objective=objective, bound=bound, bound_source=source,
        )  # fmt: skip
    y = result.row_dual
    reduced = program.cost - program.matrix.T @ y
    cost_size = 1.0 + np.abs(program.cost) + absolute.T @ np.abs(y)
    earned_rows, loose_rows = _earned(y, program.row_lower, program.row_upper)
    earned_columns, loose_columns = _earned(reduced, program.column_lower, program.column_upper)
    dual = max(_largest(loose_rows / (1.0 + np.abs(y))), _largest(loose_columns / cost_size))
    slack_rows = _slack_cost(y, activity, program.row_lower, program.row_upper)
    slack_columns = _slack_cost(reduced, x, program.column_lower, program.column_upper)
    bound = float(earned_rows.sum() + earned_columns.sum()) + program.offset
    return Certificate(
        primal=primal, integrality=integrality, dual=dual,
        complementarity=max(_largest(slack_rows), _largest(slack_columns)) / terms,
        gap=abs(objective - bound) / scale, gap_of_terms=abs(objective - bound) / terms,
        objective=objective, bound=bound,
        bound_source="dual",
    )  # fmt: skip


def violation(program: LinearProgram, x: Floats) -> float:
    """Largest violation of a row or column bound, relative to the size of what is added up.

    Parameters
    ----------
    program
    x : ndarray, shape (n_columns,)
    """
    row_size = 1.0 + abs(program.matrix) @ np.abs(x)
    activity = program.matrix @ x
    return max(
        _largest(_outside(activity, program.row_lower, program.row_upper) / row_size),
        _largest(_outside(x, program.column_lower, program.column_upper) / (1.0 + np.abs(x))),
    )


def _largest(values: Floats) -> float:
    return float(values.max()) if len(values) else 0.0


def _outside(values: Floats, lower: Floats, upper: Floats) -> Floats:
    outside: Floats = np.maximum(np.maximum(lower - values, values - upper), 0.0)
    return outside


def _active_bound(dual: Floats, lower: Floats, upper: Floats) -> Floats:
    return np.where(dual > 0, lower, np.where(dual < 0, upper, 0.0))


def _earned(dual: Floats, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """Dual objective of each bound, and the dual that no finite bound holds."""
    bound = _active_bound(dual, lower, upper)
    finite = np.isfinite(bound)
    earned = np.where(finite, dual, 0.0) * np.where(finite, bound, 0.0)
    return earned, np.where(finite, 0.0, np.abs(dual))


def _slack_cost(dual: Floats, values: Floats, lower: Floats, upper: Floats) -> Floats:
    """Price times distance from the bound it prices; 0 where the bound is infinite."""
    bound = _active_bound(dual, lower, upper)
    finite = np.isfinite(bound)
    distance = np.where(finite & (dual != 0), values - np.where(finite, bound, 0.0), 0.0)
    cost: Floats = np.abs(dual * distance)
    return cost
