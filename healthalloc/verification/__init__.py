"""Verify a certificate bundle from its numbers alone.

Nothing here solves anything, and nothing that wrote the bundle is asked: the program is read
from its MPS text and every claim is recomputed (weak duality: Bertsimas and Tsitsiklis 1997,
chapter 4).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from healthalloc.progress import phase
from healthalloc.verification.against import against_folder
from healthalloc.verification.clauses import check_clauses
from healthalloc.verification.linear import check_program
from healthalloc.verification.reader import printable, read_bundle
from healthalloc.verification.report import Check, Report

__all__ = ["Check", "Verification", "verify"]


@dataclass(frozen=True, eq=False)
class Verification:
    """What became of a bundle's claims.

    Parameters
    ----------
    checks
        In the order they were made.
    scenario, status
        Name and status that the bundle gives.
    objective
        Cost of the solution, recomputed, CNY a year.
    proved_bound
        Lower bound that the duals of the relaxation prove, CNY a year.
    not_enforced
        Names of the clauses that the bundle says were measured only: nothing in it is about them.
    """

    checks: tuple[Check, ...]
    scenario: str
    status: str
    objective: float
    proved_bound: float
    not_enforced: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def proved_gap(self) -> float:
        """Distance of cost and proved bound as a share of the cost."""
        return (self.objective - self.proved_bound) / max(1.0, abs(self.objective))

    def table(self) -> pd.DataFrame:
        """The checks: ``check, passed, detail``."""
        rows = [(c.name, c.passed, c.detail) for c in self.checks]
        return pd.DataFrame(rows, columns=["check", "passed", "detail"])

    def run(self) -> dict[str, Any]:
        """Facts of the verification."""
        return {
            "scenario": self.scenario, "status": self.status, "passed": self.passed,
            "objective_cny_a_year": self.objective, "proved_bound": self.proved_bound,
            "proved_gap": self.proved_gap, "not_enforced": list(self.not_enforced),
        }  # fmt: skip


@phase("checks")
def verify(
    file: str | os.PathLike[str], against: str | os.PathLike[str] | None = None
) -> Verification:
    """Recompute everything that a certificate bundle claims.

    Parameters
    ----------
    file
        The bundle.
    against
        Scenario folder that the bundle should belong to: its files are hashed, and its program
        is made anew and compared number by number.

    Returns
    -------
    Verification
        Look at ``passed``, and at ``checks`` for what failed.

    Raises
    ------
    DataError
        If the file cannot be read as a bundle, or the folder not as a scenario.
    """
    bundle = read_bundle(file)
    with np.errstate(all="ignore"):  # what overflows is no longer finite, and fails
        report = Report(bundle)
        bound = check_program(report)
        check_clauses(report)
    if against is not None:
        report.checks += against_folder(bundle, Path(against))
    return Verification(
        tuple(replace(check, detail=printable(check.detail)) for check in report.checks),
        printable(str(bundle.run.get("scenario", ""))),
        printable(str(bundle.run.get("status", ""))),
        report.objective,
        bound,
        tuple(printable(str(name)) for name in bundle.names("proof", "not_enforced")),
    )
