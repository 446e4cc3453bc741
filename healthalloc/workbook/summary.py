"""The first sheet of a plan workbook: what is achieved, what it costs, whether it adds up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from healthalloc import __version__
from healthalloc.solution import Solution
from healthalloc.workbook.costs import ROW
from healthalloc.workbook.shown import Book, Formula, Placed

CELLS = {"residents": "$B$4", "discount_rate": "$B$5", "hour": "$B$6"}
"""Cells of the inputs that other sheets refer to."""


def add_summary(
    book: Book, solution: Solution, placed: Mapping[str, Placed], facts: Mapping[str, Any]
) -> None:
    """Write the summary.

    Parameters
    ----------
    book
    solution
    placed
        Where the other tables stand.
    facts
        Facts of the run: hash of the input, time.
    """
    sheet = book.sheet("summary")
    sheet.set_column(0, 0, 46)
    sheet.set_column(1, 1, 44)
    sheet.set_portrait()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    settings = solution.scenario.settings
    people = float(solution.scenario.populations["residents"].sum())
    book.put(sheet, 0, 0, settings.name, "text", "title")
    lines: list[tuple[str, Any, str, bool]] = [
        ("years", f"{settings.base_year} → {settings.target_year}", "text", False),
        ("ended", book.words.known("status", solution.status.value), "text", False),
        ("residents", people, "whole", True),
        ("discount_rate", settings.discount_rate, "number", True),
        ("hour", settings.value_of_travel_cny_per_hour, "number", True),
    ]
    if solution.status.has_solution:
        lines += _answer(book, solution, placed)
    lines.append(("n_assumptions", float(len(solution.assumptions)), "whole", False))
    run = solution.run()
    lines += [
        ("solver", str(run["solver"]), "text", False),
        ("hash", str(facts.get("input_sha256", "")), "text", False),
        ("written", str(facts.get("written_at", "")), "text", False),
        ("version", __version__, "text", False),
    ]
    for row, (key, value, look, is_input) in enumerate(lines, start=1):
        label = book.words("workbook_column.residents") if key == "residents" else book.word(key)
        book.put(sheet, row, 0, label, "text")
        book.put(sheet, row, 1, value, look, *(("input",) if is_input else ()))
    row = len(lines) + 2
    book.put(sheet, row, 0, book.word("legend"), "text")
    if solution.conflict is not None:
        book.put(sheet, row + 1, 0, book.word("infeasible"), "text")
    for number, other in enumerate(book.workbook.worksheets()[1:], start=row + 3):
        # a link within the book; the name is ours, not the user's
        sheet.write_url(number, 0, f"internal:'{other.get_name()}'!A1", string=other.get_name())


def _answer(
    book: Book, solution: Solution, placed: Mapping[str, Placed]
) -> list[tuple[str, Any, str, bool]]:
    costs, clauses, demand = book.title("costs"), placed["clauses"], placed["demand"]
    solved = dict(zip(solution.cost["component"], solution.cost["cny_a_year"]))
    per_head = dict(zip(solution.cost["component"], solution.cost["cny_a_year_per_resident"]))
    table = solution.clauses
    kind = table["treatment"].to_numpy()
    # what is not known is neither met nor broken
    truth = [bool(v) if isinstance(v, bool | np.bool_) else None for v in table["met"]]
    treatment, met_cells = clauses.range("treatment"), clauses.range("met")
    word = {t: book.words.known("treatment", t) for t in ("enforce", "audit")}

    def counted(of: str, answer: bool) -> Formula:
        answered = book.word("yes" if answer else "no")
        text = f'=COUNTIFS({treatment},"{word[of]}",{met_cells},"{answered}")'
        return Formula(text, sum(k == of and t is answer for k, t in zip(kind, truth)))

    def cost(name: str, column: str, value: float) -> Formula:
        return Formula(f"='{costs}'!{column}{ROW[name]}", value)

    served = solution.demand[["demand", "served"]].sum()
    share = 100 * served["served"] / served["demand"] if served["demand"] else np.nan
    asked, given = demand.range("demand"), demand.range("served")
    apart = f"'{costs}'!$D$2:$D${ROW['objective']}"
    size = f"'{costs}'!$C${ROW['objective']}"
    agree = f"=IF(SUMPRODUCT(ABS({apart}))<=1+0.000001*ABS({size}),1,0)"
    certificate = solution.certificate
    proved = certificate is not None and certificate.passes(
        max(solution.scenario.settings.solve.gap, 1e-6)
    )
    basis = "" if solution.prices is None else solution.prices.basis
    basis = book.words.known("price_basis", basis)
    enforced = f'=COUNTIFS({treatment},"{word["enforce"]}")'
    n_rows = Formula(f"=COUNTA({clauses.range('clause_id')})", len(table))
    return [
        ("cost_a_year", cost("total", "B", solved["total"]), "money", False),
        ("cost_per_resident", cost("total", "E", per_head["total"]), "price", False),
        ("cost_and_penalties", cost("objective", "B", solved["objective"]), "money", False),
        ("bound", solution.bound, "money", False),
        ("gap_percent", 100 * solution.gap, "gap", False),
        ("proved", proved, "text", False),
        ("check", Formula(agree, 1.0), "agree", False),
        ("n_clauses", n_rows, "whole", False),
        ("n_enforced", Formula(enforced, int((kind == "enforce").sum())), "whole", False),
        ("n_met", counted("enforce", True), "whole", False),
        ("n_broken", counted("enforce", False), "whole", False),
        ("n_audit_broken", counted("audit", False), "whole", False),
        ("share_served", Formula(f'=IF(SUM({asked})>0,100*SUM({given})/SUM({asked}),"")', share),
         "percent", False),
        ("price_basis", basis, "text", False),
    ]  # fmt: skip
