"""The certificate bundle: one file from which a sceptic can check an answer without us.

A zip of plain text: the program (MPS), its labels, the solution, the duals that prove its
bound and its prices, what each enforced clause says in coefficients, hashes of the inputs,
versions, and a manifest with a hash of every member. `verification.verify` reads it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.errors import DataError, NoSolutionError, Problem, SolverError
from healthalloc.formulation.assemble import Enforced, Model
from healthalloc.formulation.program import Block, Floats, LinearProgram
from healthalloc.io import run_facts
from healthalloc.io.include import input_files
from healthalloc.mps import write_mps
from healthalloc.scenario import Scenario
from healthalloc.solution import Solution
from healthalloc.solvers import Result, SolverOptions, Status, certify
from healthalloc.solvers.highs import solve_highs

VERSION = 1
MANIFEST, RUN = "MANIFEST.json", "run.json"
LABELS = [
    "facility_id", "to_facility_id", "resource_id", "population_id", "service_id", "clause_id",
    "area_id", "point",
]  # fmt: skip
HEADERS: Mapping[str, list[str]] = {
    "columns.csv": ["column", "block", *LABELS],
    "rows.csv": ["row", "block", *LABELS],
    "solution.csv": ["column", "value", "relaxation", "priced"],
    "duals.csv": ["row", "relaxation", "priced"],
    "clauses.csv": [
        "row", "clause_id", "area_id", "facility_id", "quote", "unit", "low", "high", "offset",
        "constant", "achieved", "price_cny_a_year",
    ],
    "measures.csv": ["row", "part", "column", "coefficient"],
    "inputs.csv": ["file", "bytes", "sha256"],
}  # fmt: skip
"""Columns of each table of a bundle."""
NOTHING = 1e-9
"""A denominator at or below this is none, and the value over it empty."""
MEMBERS = (MANIFEST, RUN, "program.mps", *HEADERS)


def bundle_path(output: str | os.PathLike[str] | None, scenario_folder: Path) -> Path:
    """Where to write the bundle of a scenario.

    Parameters
    ----------
    output
        The file asked for; ``None`` for ``<scenario>-bundle.zip`` in the current folder.
    scenario_folder
        Folder of the scenario, in which nothing is ever written.

    Raises
    ------
    DataError
        If the file lies in the scenario, or is something else than an earlier bundle.
    """
    scenario_folder = scenario_folder.resolve()
    name = scenario_folder.stem if scenario_folder.is_file() else scenario_folder.name
    path = Path(f"{name}-bundle.zip" if output is None else output).resolve()
    if scenario_folder in path.parents:
        mend = "choose a file outside the scenario"
        raise DataError([Problem(str(path), "lies inside the scenario", mend=mend)])
    if path.exists() and not _is_bundle(path):
        raise DataError(
            [Problem(str(path), "exists and is no earlier bundle", mend="choose another file")]
        )
    return path


def _is_bundle(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return MANIFEST in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def write_bundle(
    solution: Solution,
    file: str | os.PathLike[str],
    folder: str | os.PathLike[str] | None = None,
) -> Path:
    """Write the certificate bundle of a solution, whole or not at all.

    With whole units or site choices the linear programs behind the bound and the prices are
    solved again for their duals.

    Parameters
    ----------
    solution
        With an allocation.
    file
        File to write; an earlier one is replaced.
    folder
        Scenario folder, whose files are hashed; without it the bundle holds no hashes of
        inputs.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    NoSolutionError
        If there is no allocation to prove.
    SolverError
        If the linear programs cannot be solved to a proof.
    """
    members = _members(solution, None if folder is None else Path(folder))
    hashes = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in members.items()
    }
    manifest = {"format": "healthalloc certificate bundle", "version": VERSION, "members": hashes}
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with (
            os.fdopen(handle, "wb") as stream,
            zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name, data in {MANIFEST: json_text(manifest).encode(), **members}.items():
                archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    finally:
        if os.path.exists(scratch):
            os.remove(scratch)
    return path


def _members(solution: Solution, folder: Path | None) -> dict[str, bytes]:
    if solution.result.x is None or solution.certificate is None:
        raise NoSolutionError(f"nothing to prove: the solve ended {solution.status.value}")
    model, x = solution.model, solution.result.x
    program, scenario = model.program, model.scenario
    options = SolverOptions(time_limit_s=scenario.settings.solve.time_limit_s)
    relaxed = solution.result  # of a linear program, it brings its duals
    if program.is_mixed_integer or relaxed.row_dual is None:
        relaxed = _proved(program.relaxed(), options, "relaxation")
    choices = site_choices(program)
    priced = relaxed
    if len(choices):
        priced = _proved(program.relaxed().fixed(choices, x[choices]), options, "priced program")
    columns = np.array([f"c{k}" for k in range(program.n_columns)])
    rows = np.array([f"r{k}" for k in range(program.n_rows)])
    tables = {
        "columns.csv": block_labels("column", program.columns, program.n_columns),
        "rows.csv": block_labels("row", program.rows, program.n_rows),
        "solution.csv": pd.DataFrame(
            {"column": columns, "value": x, "relaxation": relaxed.x, "priced": priced.x}
        ),
        "duals.csv": pd.DataFrame(
            {"row": rows, "relaxation": relaxed.row_dual, "priced": priced.row_dual}
        ),
        "clauses.csv": _clauses(solution, priced),
        "measures.csv": measures(solution.model),
        "inputs.csv": input_hashes(folder) if folder is not None else _empty("inputs.csv"),
    }
    proof = {
        "whole_units": scenario.settings.solve.whole_units,
        "gap_allowed": scenario.settings.solve.gap,
        "relaxation_cny_a_year": objective(program, relaxed.x),
        "priced_cny_a_year": objective(program, priced.x),
        "not_enforced": not_enforced(scenario),
    }
    run = solution.run() | {"proof": proof} | ({} if folder is None else run_facts(folder))
    texts = {RUN: json_text(run).encode(), "program.mps": write_mps(program).encode()}
    return texts | {name: _csv(table) for name, table in tables.items()}


def _proved(program: LinearProgram, options: SolverOptions, name: str) -> Result:
    result = solve_highs(program, options)
    if result.status is not Status.OPTIMAL:
        raise SolverError(f"no bundle: the {name} ended {result.status.value}")
    if not certify(program, result).passes():
        raise SolverError(f"no bundle: the answer to the {name} does not pass its certificate")
    return result


def site_choices(program: LinearProgram) -> NDArray[np.intp]:
    """Columns of the sites that the program chooses, which are fixed for the prices."""
    sites = program.column_block("open")
    positions: NDArray[np.intp] = sites.start + np.flatnonzero(program.integer[sites.slice])
    return positions


def objective(program: LinearProgram, x: Floats | None) -> float:
    """Cost of a point, CNY a year."""
    assert x is not None
    return float(program.cost @ x) + program.offset


def not_enforced(scenario: Scenario) -> list[str]:
    """Names of the clauses that are measured only."""
    return [c.name for c in scenario.plan.clauses if c.treatment == "audit"]


def block_labels(name: str, blocks: tuple[Block, ...], size: int) -> pd.DataFrame:
    """What every column or row of a program stands for, one row each.

    Parameters
    ----------
    name
        ``"column"`` or ``"row"``.
    blocks
        The program's blocks.
    size
        Number of columns or rows.
    """
    parts = [block.labels().assign(block=block.name) for block in blocks if block.size]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    table = table.reindex(columns=["block", *LABELS]).astype(object)
    table = table.where(table.notna(), "")
    table["point"] = [p if p == "" else str(int(p)) for p in table["point"]]
    table.insert(0, name, [f"{name[0]}{k}" for k in range(size)])
    return table


def clause_rows(model: Model) -> list[tuple[int, int, Enforced]]:
    """Each clause row of the program with the row of the measure that it bounds."""
    return [
        (enforced.start + k, int(of), enforced)
        for enforced in model.enforced
        for k, of in enumerate(enforced.measure_row)
    ]


def statements(model: Model) -> pd.DataFrame:
    """What every clause row says, without what it achieves and costs.

    Parameters
    ----------
    model

    Returns
    -------
    DataFrame
        Columns ``row, clause_id, area_id, facility_id, quote, unit, low, high, offset,
        constant``: the row says that (numerator + offset) / (denominator + constant) lies
        between low and high.
    """
    records = []
    for row, of, enforced in clause_rows(model):
        clause, measure = enforced.clause, enforced.measure
        low, high = clause.bounds
        if measure.denominator is not None and low != high:
            # floor and ceiling have a row each, with the target among the coefficients
            at_floor = np.isfinite(model.program.row_lower[row])
            low, high = (low, np.inf) if at_floor else (-np.inf, high)
        words = (f"r{row}", clause.name, *measure.place(of), clause.quote, clause.unit_label)
        numbers = (low, high, measure.fixed[of], measure.constant[of])
        records.append((*words, *map(float, numbers)))
    return pd.DataFrame(records, columns=HEADERS["clauses.csv"][:10])


def measures(model: Model) -> pd.DataFrame:
    """Coefficients of numerator and denominator of every clause row.

    Parameters
    ----------
    model

    Returns
    -------
    DataFrame
        Columns ``row, part, column, coefficient``.
    """
    records: list[tuple[str, str, str, float]] = []
    for row, of, enforced in clause_rows(model):
        measure = enforced.measure
        parts = [("numerator", measure.numerator, 0), ("denominator", measure.denominator, 0)]
        if measure.cover is not None:
            parts.append(("numerator", measure.cover.weight, enforced.first_reached))
        for name, matrix, first in parts:
            if matrix is None:
                continue
            line = matrix[[of]].tocoo()
            records += [
                (f"r{row}", name, f"c{first + int(column)}", float(value))
                for column, value in zip(line.col, line.data)
            ]
    return pd.DataFrame(records, columns=HEADERS["measures.csv"])


def _clauses(solution: Solution, priced: Result) -> pd.DataFrame:
    """The statements with what the solution achieves and one unit tighter costs."""
    model, x = solution.model, solution.result.x
    n = model.layout.n_decisions
    assert x is not None
    assert priced.x is not None
    assert priced.row_dual is not None
    values: dict[str, Floats] = {}
    achieved, price = [], []
    for row, of, enforced in clause_rows(model):
        name, measure = enforced.clause.name, enforced.measure
        if name not in values:
            # points are reached as far as the program set them
            top = measure.numerator @ x[: measure.numerator.shape[1]] + measure.fixed
            if measure.cover is not None:
                top = top + measure.cover.weight @ x[enforced.points]
            base = measure.base(x[:n])
            values[name] = np.full(len(top), np.nan)
            np.divide(top, base, out=values[name], where=base > NOTHING)
        achieved.append(values[name][of])
        price.append(abs(float(priced.row_dual[row])) * float(measure.base(priced.x[:n])[of]))
    return statements(model).assign(
        achieved=np.array(achieved, dtype=float), price_cny_a_year=np.array(price, dtype=float)
    )


def input_hashes(folder: Path) -> pd.DataFrame:
    """Name, size and SHA-256 of every file of a scenario, in name order."""
    records = []
    for name, file in input_files(folder):
        data = file.read_bytes()
        records.append((name, len(data), hashlib.sha256(data).hexdigest()))
    return pd.DataFrame(records, columns=HEADERS["inputs.csv"])


def _empty(name: str) -> pd.DataFrame:
    return pd.DataFrame(columns=HEADERS[name])


def _csv(table: pd.DataFrame) -> bytes:
    """A table with every number in as many digits as it takes to find it again."""
    shown = {
        str(c): [repr(float(v)) for v in table[c]]
        for c in table.columns
        if table[c].dtype.kind == "f"
    }
    buffer = io.StringIO()
    table.assign(**shown).to_csv(buffer, index=False, lineterminator="\n")
    return buffer.getvalue().encode()


def json_text(value: Any) -> str:
    """Facts as they stand in a bundle."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n"
