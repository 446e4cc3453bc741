"""Workers that die, for the tests: importable by spawned processes."""

from __future__ import annotations

import os
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from healthalloc.sweeps import worker


def die_once(mark: str, *arguments: Any) -> worker.Answers:
    """Solve a chunk; the first process to come past a mark dies half-way through its chunk."""
    job, chunk = arguments
    if len(chunk) > 1 and chunk[0][0] != "1":
        try:
            Path(mark).touch(exist_ok=False)
        except FileExistsError:
            pass
        else:
            worker.solve_chunk(job, chunk[:1])
            os._exit(1)
    return worker.solve_chunk(job, chunk)


def die_always(*_: Any) -> worker.Answers:
    os._exit(1)


class Faulty(Executor):
    """Another executor's workers, running another function in the place of theirs."""

    def __init__(self, executor: Executor, function: Any, *first: Any) -> None:
        self.executor, self.function, self.first = executor, function, first

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self.executor.submit(self.function, *self.first, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.executor.shutdown(wait=wait, cancel_futures=cancel_futures)
