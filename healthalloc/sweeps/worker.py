"""What a worker does: it opens the program once and goes from case to case."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from healthalloc.errors import HealthAllocError
from healthalloc.explain.what_if import WhatIf
from healthalloc.scenario import Scenario
from healthalloc.sweeps.cases import Case, Edit, apply
from healthalloc.sweeps.results import record

Answers = tuple[list[dict[str, Any]], dict[str, pd.DataFrame]]
"""One record for each case of a chunk, and the long tables."""


@dataclass(frozen=True)
class Job:
    """What every chunk of a sweep needs; it travels with each of them.

    Parameters
    ----------
    key
        Tells this job from every other.
    scenario
        The scenario, pickled: unpickled only where the program is not open yet.
    options
        Arguments of `WhatIf`.
    tables
        Tables of each `Solution` to return.
    conflicts
        Whether to say which clauses cannot hold together in an infeasible case.
    """

    key: str
    scenario: bytes
    options: tuple[tuple[str, Any], ...]
    tables: tuple[str, ...]
    conflicts: bool


class _Opened:
    """A scenario open in the solver, with the edits that hold."""

    def __init__(self, job: Job) -> None:
        scenario: Scenario = pickle.loads(job.scenario)
        self.key = job.key
        self.what_if = WhatIf(scenario, **dict(job.options))
        self._now: dict[Edit, tuple[Any, ...]] = {}

    def bring_to(self, case: Case) -> None:
        """Make the edits of a case, and only where they are not made already."""
        past = {item for sort, item in self._now if (sort, item) not in case}
        if past:
            # what is taken back goes by its item: every edit of that item is made anew
            self.what_if.restore(*past)
            self._now = {edit: v for edit, v in self._now.items() if edit[1] not in past}
        for edit, value in case.items():
            if self._now.get(edit) != value:
                apply(self.what_if, edit, value)
                self._now[edit] = value


_opened: dict[int, _Opened] = {}
"""The program that each thread of this process has open."""


def solve_chunk(job: Job, chunk: Sequence[tuple[str, Case]]) -> Answers:
    """Solve some cases one after the other, each from where the last one stood.

    Parameters
    ----------
    job
    chunk
        Name and edits of each case.

    Returns
    -------
    list of dict
        One record for each case (see `results.record`).
    dict of str to DataFrame
        The long tables asked for, with the column ``case`` first.

    Raises
    ------
    HealthAllocError
        If the scenario cannot be opened; what goes wrong with one case stands in its record.
    """
    records = []
    long: dict[str, list[pd.DataFrame]] = {name: [] for name in job.tables}
    for name, case in chunk:
        opened = _open(job)
        try:
            opened.bring_to(case)
            solution = opened.what_if.solve(conflict=job.conflicts)
        except HealthAllocError as error:
            _opened.pop(threading.get_ident(), None)  # what stands open is not to be trusted
            records.append({"case": name, "status": "failed", "reason": str(error)})
            continue
        records.append({"case": name} | record(solution))
        for table in job.tables if solution.status.has_solution else ():
            frame = getattr(solution, table).copy()
            frame.insert(0, "case", name)
            long[table].append(frame)
    tables = {name: pd.concat(f, ignore_index=True) for name, f in long.items() if f}
    return records, tables


def _open(job: Job) -> _Opened:
    """The program of a job, open in this thread."""
    thread = threading.get_ident()
    opened = _opened.get(thread)
    if opened is None or opened.key != job.key:
        _opened.pop(thread, None)  # before the next one takes its memory
        opened = _opened[thread] = _Opened(job)
    return opened


def close_all(key: str) -> None:
    """Free the programs that the threads of this process opened for a job.

    Parameters
    ----------
    key
    """
    for thread in [thread for thread, opened in list(_opened.items()) if opened.key == key]:
        _opened.pop(thread, None)


def packed(scenario: Scenario) -> bytes:
    """A scenario as it travels to workers."""
    return pickle.dumps(scenario, protocol=pickle.HIGHEST_PROTOCOL)
