"""Run a sweep: cases in chunks, chunks to workers, answers to Parquet."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from healthalloc.errors import DataError, Problem
from healthalloc.formulation.assemble import network
from healthalloc.formulation.memory import require_memory
from healthalloc.progress import phase
from healthalloc.scenario import Scenario
from healthalloc.solving import with_settings
from healthalloc.sweeps import results
from healthalloc.sweeps.cases import Cases, path, read_cases
from healthalloc.sweeps.fingerprint import joined_digest, scenario_digests, table_digest
from healthalloc.sweeps.parts import Parts
from healthalloc.sweeps.pool import Maker, Pool, completed
from healthalloc.sweeps.worker import Job, close_all, packed, solve_chunk
from healthalloc.validate import nearest

LARGEST_CHUNK = 50
NOT_RUN = "not_run"
"""Status of a case that no worker brought to an end."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """The answers of a sweep.

    Parameters
    ----------
    results
        One row for each case, in the order of the table of cases: its columns, then
        ``status`` (as `Status`; ``failed`` where the solver broke down or an edit was refused,
        ``not_run`` where no worker brought the case to an end), objective and bound (CNY a
        year), gap, ``certified``, cost and penalty (CNY a year), demand and unmet demand (cases
        a year), unmet by service, the price of each enforced clause (CNY a year for one unit
        tighter in each of its statements, never negative), simplex iterations or nodes,
        seconds, and the reason where there is no answer.
    tables
        The long tables asked for, with the column ``case`` first.
    folder
        Where they are kept, if anywhere.
    n_lost
        How often a chunk of cases was lost with its worker and handed in again.
    """

    results: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    folder: Path | None
    n_lost: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every case was brought to an end."""
        return not (self.results["status"] == NOT_RUN).any()


def sweep(
    scenario: Scenario,
    cases: pd.DataFrame,
    *,
    executor: Executor | Maker | None = None,
    workers: int | None = None,
    output: str | os.PathLike[str] | None = None,
    resume: bool = True,
    tables: Sequence[str] = (),
    chunk_size: int | None = None,
    resubmit: int = 3,
    conflicts: bool = False,
    whole_units: bool | None = None,
    gap: float | None = None,
    time_limit_s: float | None = None,
    memory_limit_gb: float | None = None,
) -> Sweep:
    """Solve a scenario in many variants.

    Each worker opens the program once and goes from case to case with the dual simplex method,
    from the last basis; cases that lie near each other follow one another. Every answer is
    certified as that of `solve`, of which it is an equal in cost; where several allocations cost
    the same, which of them is found depends on the way.

    Parameters
    ----------
    scenario
    cases
        One row for each case, columns headed by what they edit (see
        `healthalloc.sweeps.cases.read_cases`), e.g. as `ensemble` draws it.
    executor
        Any `concurrent.futures.Executor`: threads, processes, ``Client.get_executor()`` of
        dask. One that was given stays open. A function that makes one lets the sweep
        replace an executor that dies. ``None``: threads of this process.
    workers
        How many there are; by default the number of cores.
    output
        Folder for the results in Parquet; each chunk is kept as it finishes. ``None``: only
        in memory.
    resume
        Go on where an earlier sweep into the same folder stopped; it is refused if scenario,
        cases or options are others. False: start afresh.
    tables
        Tables of `Solution` to keep of each case: ``stock``, ``sites``, ``clauses``, ``cost``,
        ``demand``, ``flows``, ``access``.
    chunk_size
        Cases that are handed to a worker at a time, and kept at a time.
    resubmit
        How many times a chunk is handed in again after its worker died.
    conflicts
        Say of an infeasible case which clauses cannot hold together; takes further solves.
    whole_units, gap, time_limit_s, memory_limit_gb
        Override the scenario's settings (see `SolveSettings`). The solver is HiGHS. The memory
        is that of each worker.

    Returns
    -------
    Sweep
        Also when an executor died for good: what is finished is kept, the rest is ``not_run``.

    Raises
    ------
    DataError
        With every problem of the cases; if the output belongs to something else; if the
        executor takes no work.
    UnsupportedError
        If an output is asked for and pyarrow is not installed.
    """
    _check(tables, chunk_size, workers, resubmit)
    given = {
        "whole_units": whole_units, "gap": gap, "time_limit_s": time_limit_s,
        "memory_limit_gb": memory_limit_gb,
    }  # fmt: skip
    scenario = with_settings(scenario, {k: v for k, v in given.items() if v is not None})
    read = read_cases(scenario, cases)
    facts = _facts(scenario, read, tables, conflicts)
    if scenario.settings.solve.memory_limit_gb is not None:
        require_memory(network(scenario))  # before anything is written
    parts = None if output is None else Parts(Path(output), facts, resume=resume)
    done = set() if parts is None else set(parts.done)
    left = [k for k, name in enumerate(read.names) if name not in done]
    n_workers = workers or os.cpu_count() or 1
    chunks = _chunks(read, left, n_workers, chunk_size)
    job = Job(joined_digest(facts), packed(scenario), (), tuple(tables), conflicts)
    tasks = [(job, [(read.names[k], read.edits[k]) for k in chunk]) for chunk in chunks]
    kinds = results.columns(scenario, read.table)
    kept: list[pd.DataFrame] = []
    long: dict[str, list[pd.DataFrame]] = {name: [] for name in tables}
    reasons: dict[int, str] = {}
    n_done = len(done)
    state = "interrupted"
    pool = Pool(executor or partial(ThreadPoolExecutor, min(n_workers, max(1, len(chunks)))))
    try:
        if parts is not None:
            parts.note("running")
        with phase("sweep", len(read.names)) as step:
            step(n_done)
            for number, answers, error in completed(pool, solve_chunk, tasks, resubmit):
                chunk = chunks[number]
                if error is not None:
                    reasons |= dict.fromkeys(chunk, f"no worker brought it to an end: {error!r}")
                    continue
                frame = results.frame(answers[0], read.table.iloc[chunk], kinds)
                if parts is not None:
                    parts.write(min(chunk), frame, answers[1])
                else:
                    kept.append(frame)
                    for name, table in answers[1].items():
                        long[name].append(results.typed(table, {}))
                n_done += len(chunk)
                step(n_done)
        state = "incomplete" if reasons else "complete"
    finally:
        pool.close(wait=state != "interrupted")
        close_all(job.key)
        if parts is not None:
            parts.note(state)
    if reasons:
        missing = sorted(reasons)
        records = [{"status": NOT_RUN, "reason": reasons[k]} for k in missing]
        kept.append(results.frame(records, read.table.iloc[missing], kinds))
    if parts is not None:
        kept.insert(0, parts.read())
        long = {name: [parts.read(name)] for name in tables}
    return Sweep(
        _in_order(kept, read.names),
        {name: _in_order(frames, read.names) for name, frames in long.items()},
        None if output is None else Path(output),
        pool.n_lost,
    )


def _check(
    tables: Sequence[str], chunk_size: int | None, workers: int | None, resubmit: int
) -> None:
    problems = [
        Problem("tables", "is no table that a sweep can keep", value=str(name),
                mend=nearest(str(name), results.TABLES) or f"one of {', '.join(results.TABLES)}")
        for name in tables
        if name not in results.TABLES
    ]  # fmt: skip
    least = (("chunk_size", chunk_size, 1), ("workers", workers, 1), ("resubmit", resubmit, 0))
    problems += [
        Problem(name, f"is not {low} or more", value=str(value))
        for name, value, low in least
        if value is not None and value < low
    ]
    if problems:
        raise DataError(problems)


def _facts(
    scenario: Scenario, cases: Cases, tables: Sequence[str], conflicts: bool
) -> dict[str, Any]:
    """What the answers depend on."""
    from healthalloc import __version__

    return {
        "scenario": scenario_digests(scenario),
        "cases": {"digest": table_digest(cases.table), "number": len(cases.names)},
        "options": {"tables": list(tables), "conflicts": conflicts},
        "versions": {"healthalloc": __version__},
    }


def _chunks(
    cases: Cases, left: Sequence[int], n_workers: int, chunk_size: int | None
) -> list[list[int]]:
    """Positions of the cases in each chunk, in the order in which they are handed in.

    The path through the cases is cut into one stretch for each worker. Handed in by turns, the
    chunks let each worker go on about where it stood.
    """
    if not left:
        return []
    order = [left[k] for k in path([cases.edits[k] for k in left])]
    size = chunk_size or min(LARGEST_CHUNK, math.ceil(len(order) / (5 * n_workers)))
    runs = [order[k : k + size] for k in range(0, len(order), size)]
    stretch = math.ceil(len(runs) / n_workers)
    return [runs[k] for first in range(stretch) for k in range(first, len(runs), stretch)]


def _in_order(frames: Sequence[pd.DataFrame], names: Sequence[str]) -> pd.DataFrame:
    """All rows, in the order of the cases."""
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return pd.DataFrame({"case": []})
    table = pd.concat(filled, ignore_index=True)
    order = table["case"].map({name: k for k, name in enumerate(names)})
    return table.iloc[order.argsort(kind="stable")].reset_index(drop=True)
