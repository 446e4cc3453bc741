"""Checks of the clauses: the program says what they say, and the solution meets them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from healthalloc.bundle import NOTHING
from healthalloc.verification.report import PRINTED, TOLERANCE, Floats, Report


def check_clauses(report: Report) -> None:
    """The rows of the program say what the clauses say, and the solution meets them."""
    bundle, program = report.bundle, report.program
    at = bundle.positions("clauses.csv", "row", program.n_rows)
    low = bundle.numbers("clauses.csv", "low", finite=False)
    high = bundle.numbers("clauses.csv", "high", finite=False)
    constant = bundle.numbers("clauses.csv", "constant")
    offset = bundle.numbers("clauses.csv", "offset")
    top, bottom = _measures(report, "numerator"), _measures(report, "denominator")
    block = np.array(bundle.tables["rows.csv"]["block"] or [""], dtype=object)
    free = np.isinf(program.row_lower) & np.isinf(program.row_upper)
    unsaid = np.zeros(program.n_rows)
    if len(block) == program.n_rows:
        unsaid = ((block == "clause") & ~free).astype(float)
        unsaid[at] = 0.0
    unsaid[at] += np.maximum(np.bincount(at, minlength=program.n_rows)[at] - 1, 0)
    report.worst("clauses: every row said once", unsaid, 0.0, report.row)
    names = bundle.tables["clauses.csv"]["clause_id"]
    said_of, labels = bundle.tables["clauses.csv"], bundle.tables["rows.csv"]
    keys = ("clause_id", "area_id", "facility_id")
    misnamed = [
        names[k]
        for k, row in enumerate(at)
        if row >= len(labels["row"])
        or labels["block"][row] != "clause"
        or any(labels[key][row] != said_of[key][k] for key in keys)
    ]
    report.add("clauses: labels", not misnamed, ", ".join(misnamed[:3]) or "as in rows.csv")

    def clause(k: int) -> str:
        return f"clause {names[k]} ({bundle.tables['clauses.csv']['row'][k]})"

    has_bottom = np.diff(bottom.indptr)[at] > 0
    # the target that stands in the coefficients of a row with a changing denominator
    target = np.where(has_bottom, np.where(np.isfinite(low), low, high), 0.0)
    twisted = has_bottom & ((low != high) & np.isfinite(low) & np.isfinite(high))
    said = top[at] - bottom[at].multiply(target[:, None])
    apart = abs(csr_array(report.by_row[at]) - csr_array(said))
    size = 1.0 + abs(csr_array(said)).max(axis=1).toarray().ravel() if len(at) else 1.0
    apart_most = apart.max(axis=1).toarray().ravel() if len(at) else np.zeros(0)
    report.worst("clauses: coefficients", apart_most / size + twisted, PRINTED, clause)
    for side, bound, given in (
        ("low", low, program.row_lower),
        ("high", high, program.row_upper),
    ):
        at_side = np.where(np.isfinite(bound), bound, 0.0) * constant - offset
        same = np.isfinite(given[at]) == np.isfinite(bound)
        off = np.where(np.isfinite(bound) & same, np.abs(given[at] - at_side), 0.0)
        report.worst(
            f"clauses: target, {side}", np.where(same, off / (1.0 + np.abs(at_side)), np.inf),
            PRINTED, clause,
        )  # fmt: skip
    base = bottom[at] @ report.x + constant
    counted = base > NOTHING
    value = np.full(len(at), np.nan)
    np.divide(top[at] @ report.x + offset, base, out=value, where=counted)
    broken = np.maximum(np.maximum(low - value, value - high), 0.0)
    size = 1.0 + np.where(np.isfinite(low), np.abs(low), 0.0)
    size += np.where(np.isfinite(high), np.abs(high), 0.0)
    report.worst("clauses: met", np.where(counted, broken, 0.0) / size, TOLERANCE, clause)
    achieved = bundle.numbers("clauses.csv", "achieved", finite=False)
    agree = np.isnan(achieved) == np.isnan(value)
    off = np.where(agree, np.nan_to_num(np.abs(achieved - value)), np.inf)
    report.worst("clauses: achieved", off / (1.0 + np.abs(np.nan_to_num(value))), PRINTED, clause)
    _prices(report, at, bottom, constant, clause)


def _prices(
    report: Report,
    at: NDArray[np.intp],
    bottom: csr_array,
    constant: Floats,
    clause: Callable[[int], str],
) -> None:
    x = report.vector("solution.csv", "column", "priced")
    y = report.vector("duals.csv", "row", "priced")
    price = np.abs(y[at]) * (bottom[at] @ x + constant)
    off = np.abs(price - report.bundle.numbers("clauses.csv", "price_cny_a_year"))
    report.worst("clauses: prices", off / (1.0 + price), PRINTED, clause)


def _measures(report: Report, part: str) -> csr_array:
    """Coefficients of one part of the clauses, shape of the program."""
    bundle, program = report.bundle, report.program
    rows = bundle.positions("measures.csv", "row", program.n_rows)
    columns = bundle.positions("measures.csv", "column", program.n_columns)
    values = bundle.numbers("measures.csv", "coefficient")
    parts = bundle.tables["measures.csv"]["part"]
    chosen = np.array([word == part for word in parts], dtype=bool)
    if part == "numerator":
        unknown = sorted(set(parts) - {"numerator", "denominator"})
        report.add("clauses: measures", not unknown, ", ".join(unknown) or f"{len(parts):,}")
    return csr_array(
        (values[chosen], (rows[chosen], columns[chosen])),
        shape=(program.n_rows, program.n_columns),
    )
