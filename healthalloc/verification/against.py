"""Hold a certificate bundle against the scenario folder that it should belong to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from healthalloc.bundle import (
    LABELS,
    block_labels,
    input_hashes,
    measures,
    not_enforced,
    statements,
)
from healthalloc.errors import PlanError
from healthalloc.formulation.assemble import Model, formulate
from healthalloc.io import read_scenario
from healthalloc.io.results import input_hash
from healthalloc.verification.reader import Bundle, Table
from healthalloc.verification.report import Check

SAME = 1e-9
"""Largest relative difference of a number: machines differ in the last digits of a distance."""


def against_folder(bundle: Bundle, folder: Path) -> list[Check]:
    """Compare a bundle with a scenario folder: files, then the program made anew.

    Parameters
    ----------
    bundle
    folder

    Raises
    ------
    DataError
        If the folder cannot be read as a scenario.
    """
    scenario = read_scenario(folder)
    checks = [_files(bundle, folder)]
    whole = bundle.fact("proof", "whole_units")
    dropped = bundle.names("proof", "not_enforced")
    if not isinstance(whole, bool):
        return [
            *checks,
            Check("folder: settings", False, "run.json does not say how it was solved"),
        ]
    as_stated = scenario.settings.solve.whole_units
    settings = replace(scenario.settings.solve, whole_units=whole)
    extra = [name for name in dropped if name not in not_enforced(scenario)]
    try:
        scenario = scenario.audit_only(*extra).replace(
            settings=replace(scenario.settings, solve=settings)
        )
    except PlanError as error:
        return [*checks, Check("folder: enforced", False, str(error))]
    same = set(dropped) == set(not_enforced(scenario))
    said = f"the run only measured {', '.join(extra)}" if extra else "enforced as in the folder"
    checks += [
        Check("folder: enforced", same, said),
        Check("folder: whole units", True, _units(whole, as_stated)),
    ]
    model = formulate(scenario)
    one, other = bundle.program, model.program
    if (one.n_rows, one.n_columns) != (other.n_rows, other.n_columns):
        text = f"made anew {other.n_rows:,} x {other.n_columns:,}"
        text += f", in the bundle {one.n_rows:,} x {one.n_columns:,}"
        return [*checks, Check("folder: program", False, text)]
    labels = {
        "column": block_labels("column", other.columns, other.n_columns),
        "row": block_labels("row", other.rows, other.n_rows),
    }
    for name, made in labels.items():
        told = pd.DataFrame(bundle.tables[f"{name}s.csv"])
        differ = np.ones(1, dtype=bool)
        if len(made) == len(told):
            differ = (made.to_numpy() != told[made.columns].to_numpy()).any(axis=1)
        checks.append(_compared(f"labels of {name}s", differ, name, made))
    apart = abs(one.matrix - other.matrix).tocoo()
    most = abs(other.matrix).max() if other.matrix.nnz else 0.0
    rows_apart = np.zeros(other.n_rows, dtype=bool)
    rows_apart[apart.row[apart.data > SAME * (1.0 + most)]] = True
    checks += [
        _table("clauses", statements(model), bundle.tables["clauses.csv"]),
        _table("measures", measures(model), bundle.tables["measures.csv"]),
    ]
    checks.append(_facts(bundle, folder, model))
    constant = _apart(np.array([one.offset]), np.array([other.offset]))
    return [
        *checks,
        _compared("coefficients", rows_apart, "row", labels["row"]),
        *(
            _compared(words, _apart(getattr(one, name), getattr(other, name)), kind, labels[kind])
            for words, name, kind in (
                ("lower sides", "row_lower", "row"), ("upper sides", "row_upper", "row"),
                ("costs", "cost", "column"), ("lower bounds", "column_lower", "column"),
                ("upper bounds", "column_upper", "column"),
            )
        ),
        _compared("whole numbers", one.integer != other.integer, "column", labels["column"]),
        Check("folder: constant", not constant[0], f"{one.offset:,.2f}, anew {other.offset:,.2f}"),
    ]  # fmt: skip


def _compared(what: str, differ: np.ndarray, kind: str, labels: pd.DataFrame) -> Check:
    """A check that nothing differs, naming the first row or column that does."""
    if not differ.any():
        return Check(f"folder: {what}", True, "the same")
    first = int(np.flatnonzero(differ)[0])
    words = [str(word) for word in labels.loc[first, ["block", *LABELS]] if word]
    text = f"{int(differ.sum())} differ, first {' '.join(words)} ({kind[0]}{first})"
    return Check(f"folder: {what}", False, text)


def _table(name: str, made: pd.DataFrame, told: Table) -> Check:
    """A check that a table of the bundle is the one made anew."""
    if len(made) != len(told["row"]):
        text = f"{len(made):,} rows made anew, {len(told['row']):,} in the bundle"
        return Check(f"folder: {name}", False, text)
    differ = np.zeros(len(made), dtype=bool)
    for column in made.columns:
        cells = pd.Series(told[column], dtype=object)
        if made[column].dtype.kind == "f":
            differ |= _apart(pd.to_numeric(cells).to_numpy(dtype=float), made[column].to_numpy())
        else:
            differ |= (made[column].to_numpy() != cells.to_numpy()).astype(bool)
    if not differ.any():
        return Check(f"folder: {name}", True, "the same")
    first = int(np.flatnonzero(differ)[0])
    words = " ".join(str(value) for value in made.iloc[first])
    return Check(f"folder: {name}", False, f"{int(differ.sum())} differ, first: {words}")


def _units(whole: bool, as_stated: bool) -> str:
    if whole == as_stated:
        return "as in the folder"
    return "the run made units whole" if whole else "the run allowed fractions of units"


def _files(bundle: Bundle, folder: Path) -> Check:
    told = list(zip(*bundle.tables["inputs.csv"].values()))
    there = list(input_hashes(folder).astype(str).itertuples(index=False, name=None))
    differ = [row[0] for row in (*told, *there) if told.count(row) != 1 or row not in there]
    differ = list(dict.fromkeys(differ))
    if not told:
        return Check("folder: files", False, "the bundle holds no hashes of inputs")
    return Check("folder: files", not differ, ", ".join(differ) or f"all {len(there)} the same")


def _facts(bundle: Bundle, folder: Path, model: Model) -> Check:
    """What ``run.json`` says of its scenario."""
    made = {
        "scenario": model.scenario.settings.name, "input_sha256": input_hash(folder),
        "flow_arcs": model.layout.n_flows,
    }  # fmt: skip
    told = {**bundle.run, "flow_arcs": bundle.fact("program", "flow_arcs")}
    differ = [name for name, value in made.items() if told.get(name) != value]
    return Check("folder: run.json", not differ, ", ".join(differ) or "the same")


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        far = np.abs(one - other) > SAME * (1.0 + np.abs(other))
    return np.asarray(np.where(np.isfinite(one) & np.isfinite(other), far, one != other))
