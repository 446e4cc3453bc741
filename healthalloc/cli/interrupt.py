"""Ctrl-C ends a command at once, also in the midst of a solver that does not listen."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

GRACE_S = 1.0
"""Python's own ``KeyboardInterrupt`` has this long to end the work in order."""
SHOW_CURSOR = "\x1b[?25h"


@contextmanager
def interruptible() -> Iterator[None]:
    """Have Ctrl-C end the process within moments.

    Python hears of an interrupt once a call into a solver returns, which may take minutes. The
    signal is seen here by a thread of its own, which gives Python a moment and then ends the
    process with exit code 130. Does nothing outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    ended = threading.Event()

    def watch() -> None:
        with suppress(OSError):
            while signals := ours.recv(64):
                if signal.SIGINT in signals and not ended.wait(GRACE_S):
                    cursor = SHOW_CURSOR if sys.stderr.isatty() else ""
                    os.write(2, f"{cursor}\nhealthalloc: interrupted\n".encode())
                    os._exit(128 + signal.SIGINT)

    watching = threading.Thread(target=watch, name="interrupt", daemon=True)
    watching.start()
    before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        ended.set()
        signal.set_wakeup_fd(before)
        theirs.close()
        watching.join()
        ours.close()
