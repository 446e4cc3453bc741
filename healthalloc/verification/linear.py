"""Checks of the program: its size, the solution, the linear programs, the claims of the run."""

from __future__ import annotations

import numpy as np

from healthalloc.formulation.program import LinearProgram
from healthalloc.verification.report import PRINTED, TOLERANCE, Floats, Report

TOLD = 1e-9
"""Distance of cost and a bound told, relative to what the cost adds up, that is rounding."""


def check_program(report: Report) -> float:
    """Check everything but the clauses; returns the bound that the duals prove, CNY a year."""
    altered = ", ".join(report.bundle.altered) or "every member is what the manifest says"
    report.add("hashes", not report.bundle.altered, altered)
    rewritten = ", ".join(report.bundle.rewritten) or "every member can be read in one way only"
    report.add("text", not report.bundle.rewritten, rewritten)
    _form(report)
    program, x = report.program, report.x
    _feasible(report, "solution", program, x)
    whole = program.integer
    apart = np.where(whole, np.abs(x - np.round(x)), 0.0)
    report.worst("solution: whole numbers", apart, TOLERANCE, report.column)
    report.said("solution: cost", report.objective, "objective_cny_a_year")
    relaxed = program.relaxed()
    bound = _linear(report, "relaxation", relaxed, "relaxation")
    sites = np.array([b == "open" for b in report.bundle.tables["columns.csv"]["block"]])
    choices = np.flatnonzero(sites & whole) if len(sites) == len(whole) else np.zeros(0, np.intp)
    _linear(report, "prices", relaxed.fixed(choices, x[choices]), "priced")
    _optimality(report, bound)
    return bound


def _form(report: Report) -> None:
    program, bundle = report.program, report.bundle
    counted = {
        "rows": program.n_rows, "columns": program.n_columns, "nonzeros": program.matrix.nnz,
        "integer_columns": int(program.integer.sum()),
    }  # fmt: skip
    wrong = [k for k, n in counted.items() if bundle.amount("program", k) != n]
    said = ", ".join(f"{n:,} {k.replace('_', ' ')}" for k, n in counted.items())
    report.add("program: size", not wrong, f"{said}; run.json differs" if wrong else said)
    for member, column, size in (
        ("rows.csv", "row", program.n_rows), ("columns.csv", "column", program.n_columns),
    ):  # fmt: skip
        at = bundle.positions(member, column, size)
        whole = np.array_equal(at, np.arange(size))
        report.add(f"labels: {column}s", whole, f"{len(at):,} labelled, {size:,} in the program")


def _feasible(report: Report, name: str, program: LinearProgram, x: Floats) -> None:
    """Every row and column within its bounds, relative to the size of what is added up."""
    activity = report.by_row @ x
    size = 1.0 + abs(report.by_row) @ np.abs(x)
    beyond = np.maximum(program.row_lower - activity, activity - program.row_upper)
    report.worst(f"{name}: rows", np.maximum(beyond, 0.0) / size, TOLERANCE, report.row)
    beyond = np.maximum(program.column_lower - x, x - program.column_upper)
    report.worst(
        f"{name}: bounds", np.maximum(beyond, 0.0) / (1.0 + np.abs(x)), TOLERANCE, report.column
    )


def _linear(report: Report, name: str, program: LinearProgram, column: str) -> float:
    """Check that a point and its duals are an optimum; the bound that the duals prove."""
    x = report.vector("solution.csv", "column", column)
    y = report.vector("duals.csv", "row", column)
    _feasible(report, name, program, x)
    reduced = program.cost - report.by_row.T @ y
    size = 1.0 + np.abs(program.cost) + abs(report.by_row).T @ np.abs(y)
    loose, earned, slack = _dual(y, report.by_row @ x, program.row_lower, program.row_upper)
    report.worst(f"{name}: duals of rows", loose / (1.0 + np.abs(y)), TOLERANCE, report.row)
    loose, earned_too, slack_too = _dual(reduced, x, program.column_lower, program.column_upper)
    report.worst(f"{name}: reduced costs", loose / size, TOLERANCE, report.column)
    cost = report.cost(x)
    scale = report.size_of(x)
    report.worst(f"{name}: complementarity", slack / scale, TOLERANCE, report.row)
    report.worst(f"{name}: complementarity, bounds", slack_too / scale, TOLERANCE, report.column)
    bound = float(earned.sum() + earned_too.sum()) + program.offset
    report.add(
        f"{name}: dual bound", abs(cost - bound) <= TOLERANCE * scale,
        f"cost {cost:,.2f}, the duals prove {bound:,.2f}",
    )  # fmt: skip
    report.said(f"{name}: cost", cost, "proof", f"{column}_cny_a_year")
    return bound


def _optimality(report: Report, bound: float) -> None:
    """What the bundle says of its bound and gap, against what the duals prove."""
    bundle, objective, terms = report.bundle, report.objective, report.terms
    scale = max(1.0, abs(objective))
    report.add(
        "bound: solution", bound - objective <= TOLERANCE * terms,
        f"cost {objective:,.2f}, proved {bound:,.2f}: gap {(objective - bound) / scale:.2g}",
    )  # fmt: skip
    status = bundle.fact("status")
    claimed, gap = bundle.amount("bound_cny_a_year"), bundle.amount("gap")
    report.said("claim: certificate objective", objective, "certificate", "objective")
    report.add("claim: status", status in ("optimal", "limit_with_incumbent"), str(status))
    source = bundle.fact("certificate", "bound_source")
    for word in ("primal", "integrality", "dual", "complementarity"):
        said = bundle.amount("certificate", word)
        # a residual of duals is said where there are duals, and nowhere else
        good = 0 <= said <= TOLERANCE
        if word in ("dual", "complementarity") and source != "dual":
            good = np.isnan(said)
        text = "none" if np.isnan(said) else f"says {said:.2g}"
        report.add(f"claim: certificate {word}", good, text)
    mixed = report.program.is_mixed_integer
    known = ("solver", "relaxation", "none") if mixed else ("dual", "none")
    report.add("claim: certificate bound source", source in known, str(source))
    if np.isnan(claimed):
        report.add("claim: bound", status != "optimal", "none")
        return
    report.said("claim: certificate bound", claimed, "certificate", "bound")
    # branch and bound leaves no proof behind: its bound must only not be refuted
    told = max(TOLERANCE * scale, TOLD * terms)
    shown_here = claimed <= bound + TOLERANCE * terms
    words = "proved here" if shown_here else "the solver's word"
    good = claimed <= objective + told and (shown_here or source == "solver")
    report.add("claim: bound", good, f"{claimed:,.2f}, {words}")
    apart = abs(objective - claimed)
    stated = {
        ("gap",): apart / scale,
        ("certificate", "gap"): apart / scale,
        ("certificate", "gap_of_terms"): apart / terms,
    }
    for path, value in stated.items():
        said = bundle.amount(*path)
        report.add(
            f"claim: {' '.join(path)}", abs(said - value) <= PRINTED,
            f"says {said:.3g}, cost and bound give {value:.3g}",
        )  # fmt: skip
    if status != "optimal":
        return
    if not report.program.is_mixed_integer:
        proved = abs(objective - bound)
        report.add("claim: optimal", proved <= TOLERANCE * terms, f"proved within {proved:,.2f}")
    elif source == "solver":
        allowed = max(bundle.amount("proof", "gap_allowed"), TOLERANCE)
        within = 0 <= gap <= allowed < np.inf or apart <= TOLD * terms
        report.add("claim: optimal", within, f"gap {gap:.3g}, allowed {allowed:.3g}")


def _dual(dual: Floats, values: Floats, lower: Floats, upper: Floats) -> tuple[Floats, ...]:
    """Dual that no finite bound holds, what the bounds earn, and price times distance."""
    bound = np.where(dual > 0, lower, np.where(dual < 0, upper, 0.0))
    held = np.isfinite(bound)
    at = np.where(held, bound, 0.0)
    loose = np.where(held, 0.0, np.abs(dual))
    earned = np.where(held, dual * at, 0.0)
    slack = np.where(held & (dual != 0), np.abs(dual * (values - at)), 0.0)
    return loose, earned, slack
