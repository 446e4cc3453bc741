"""Tasks on any executor: handed in, taken back as they finish, handed in again when lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from typing import Any

from healthalloc.errors import DataError, HealthAllocError, Problem

Task = Callable[[], Any]
Maker = Callable[[], Executor]


class Pool:
    """An executor, or what makes one anew when it dies.

    Parameters
    ----------
    source
        An executor, which stays open, or a function that makes one, which is shut down.

    Attributes
    ----------
    n_lost : int
        Tasks whose worker or executor died, counted each time.

    Raises
    ------
    DataError
        If it is neither.
    """

    def __init__(self, source: Executor | Maker) -> None:
        if not isinstance(source, Executor) and not callable(source):
            message = f"is a {type(source).__name__}: an Executor, or a function that makes one"
            raise DataError([Problem("executor", message)])
        self._make = None if isinstance(source, Executor) else source
        self.executor = source if isinstance(source, Executor) else source()
        self.n_lost = 0

    def renew(self) -> bool:
        """Another executor in the place of one that died; whether there is one."""
        if self._make is None:
            return False
        self.executor.shutdown(wait=False, cancel_futures=True)
        self.executor = self._make()
        return True

    def close(self, *, wait: bool) -> None:
        """Shut down an executor of our own."""
        if self._make is not None:
            self.executor.shutdown(wait=wait, cancel_futures=True)


def completed(
    pool: Pool, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], resubmit: int
) -> Iterator[tuple[int, Any, BaseException | None]]:
    """Results of a function, as they come.

    A task whose worker or executor died is handed in again; an error of the library's own is
    raised, since it would only come again. No task gives two results.

    Parameters
    ----------
    pool
    function
    tasks
        Arguments of each call.
    resubmit
        How many times a lost task is handed in again.

    Yields
    ------
    int, object, BaseException or None
        Number of the task and its result, or why there is none.

    Raises
    ------
    DataError
        If the executor takes no task at all.
    HealthAllocError
        The first that a task raises.
    """
    lost = dict.fromkeys(range(len(tasks)), 0)
    to_do = list(lost)
    running: dict[Future[Any], int] = {}
    accepted = False
    try:
        while to_do or running:
            dead: Exception | None = None
            while to_do and dead is None:
                try:
                    running[pool.executor.submit(function, *tasks[to_do[0]])] = to_do[0]
                    to_do.pop(0)
                    accepted = True
                except RuntimeError as error:  # BrokenExecutor, or shut down
                    dead = error
            if dead is not None and not running and not pool.renew():
                if not accepted:
                    message = f"takes no work: {dead}"
                    mend = "give one that is open, or a function that makes one"
                    raise DataError([Problem("executor", message, mend=mend)])
                for number in to_do:
                    yield number, None, dead
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED) if running else (set(), None)
            for future in done:
                number = running.pop(future)
                failure = _error(future)
                if failure is None:
                    yield number, future.result(), None
                    continue
                if isinstance(failure, HealthAllocError):
                    raise failure
                lost[number] += 1
                pool.n_lost += 1
                if lost[number] > resubmit:
                    yield number, None, failure
                else:
                    to_do.append(number)
    finally:
        for future in running:
            future.cancel()


def _error(future: Future[Any]) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError as error:  # by an executor that was shut down
        return error
