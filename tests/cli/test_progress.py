"""Progress of long work: what is told to whom, and how it is shown."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

import healthalloc as ha
from healthalloc.labels import Words, catalogue
from healthalloc.progress import Phase, each, is_heard, listening, phase, showing, shown
from healthalloc.solvers import SolverOptions, solve_highs
from tests.region import region
from tests.solvers.programs import hard, knapsack

Told = list[list[tuple[str, int, int | None]]]


@contextmanager
def heard() -> Iterator[Told]:
    told: Told = []

    def hear(phases: tuple[Phase, ...]) -> None:
        told.append([(p.name, p.done, p.total) for p in phases])

    with listening(hear):
        yield told


def test_phases_nest_and_end() -> None:
    with heard() as told:
        with phase("build") as step:
            for _ in each(["a", "b"], "repairs", item=str):
                pass
            step(1)
        assert is_heard()
    assert not is_heard()
    build, at = ("build", 0, None), [("repairs", 0, 2), ("repairs", 1, 2)]
    first, second = [build, at[0]], [build, at[1]]
    assert told == [[build], first, first, second, [build], [("build", 1, None)], []]


def test_a_phase_ends_with_an_error_and_with_a_loop_left_early() -> None:
    with heard() as told:
        with pytest.raises(ValueError, match="over"), phase("build"):
            raise ValueError("over")
        for _ in each([1, 2, 3], "repairs"):
            break
        with phase("read"):
            pass
    assert told[-2:] == [[("read", 0, None)], []]


def test_nothing_is_reported_where_nobody_listens(capfd: pytest.CaptureFixture[str]) -> None:
    ha.solve(region())
    with phase("build") as step:
        step(3, item="x")
    assert capfd.readouterr() == ("", "")


def test_a_solve_tells_its_phases() -> None:
    with heard() as told:
        ha.solve(region())
    names = {phases[-1][0] for phases in told if phases}
    assert names == {"build", "reach", "linear", "integer"}
    assert told[-1] == []


def test_what_a_solver_knows_is_told_in_the_words_of_the_labels() -> None:
    facts: dict[str, float | str] = {}

    def hear(phases: tuple[Phase, ...]) -> None:
        for one in phases:
            facts.update(one.facts)

    with listening(hear):
        result = solve_highs(hard(), SolverOptions(time_limit_s=0.5))
    assert result.status.has_solution
    assert {"bound", "best"} <= facts.keys()
    assert facts.keys() <= {k.removeprefix("progress_fact.") for k in catalogue()}


def test_an_error_of_a_listener_ends_the_solve() -> None:
    calls = []

    def hear(phases: tuple[Phase, ...]) -> None:
        calls.append(phases)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), listening(hear):
        solve_highs(hard(), SolverOptions(time_limit_s=0.5))
    assert solve_highs(knapsack(), SolverOptions()).status.has_solution


def test_a_line_in_both_languages() -> None:
    phases = (
        Phase("strategies", 12, 3, {"item": "max-min"}),
        Phase("integer", facts={"gap": 0.0084, "bound": 2.14e9}),
    )
    assert showing.line(phases, 7.2, Words("en")) == (
        "7 s: strategies 4/12 (max-min) › whole units and sites: bound 2,140,000,000, gap 0.84 %"
    )
    assert showing.line(phases, 7.2, Words("zh")) == (
        "7 秒：比较策略 4/12 (max-min) › 求解整数规划：下界 2,140,000,000，间隙 0.84 %"
    )


def slow_work() -> None:
    for _ in each(["first", "second"], "repairs", item=str):
        time.sleep(0.1)


def test_plain_lines_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(showing, "AFTER_S", 0.01)
    monkeypatch.setattr(showing, "SPREAD", 0.0)
    with shown(language="en"):
        slow_work()
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert lines == ["0 s: proving repairs 1/2 (first)", "0 s: proving repairs 2/2 (second)"]


def test_quick_work_and_quiet_show_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(showing, "AFTER_S", 30.0)
    with shown(language="en"):
        slow_work()
    monkeypatch.setattr(showing, "AFTER_S", 0.0)
    with shown(quiet=True):
        slow_work()
    assert capsys.readouterr() == ("", "")
    assert "progress" not in {thread.name for thread in threading.enumerate()}


def test_one_line_on_a_terminal_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=40, legacy_windows=False)
    monkeypatch.setattr(showing, "Console", lambda **_: console)
    monkeypatch.setattr(showing, "AFTER_S", 0.01)
    with shown(language="en"), phase("repairs", 2, item="long " * 20):
        end = time.monotonic() + 30.0
        while "proving repairs 1/2" not in screen.getvalue() and time.monotonic() < end:
            time.sleep(0.05)
    text = screen.getvalue()
    assert "proving repairs 1/2" in text
    assert "…" in text  # cut to the width, never over two lines
    assert text.endswith("\x1b[1A\x1b[2K")
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_ends_work_that_does_not_listen(tmp_path: Path) -> None:
    """Python hears nothing inside a call; the command ends all the same, with 130."""
    script = tmp_path / "work.py"
    script.write_text(
        "import hashlib, signal, sys, typer\n"
        "from healthalloc.cli.app import reported_errors\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try:\n"
        "    with reported_errors(quiet=True):\n"
        "        print('ready', flush=True)\n"
        "        hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)\n"
        "except typer.Exit as ended:\n"
        "    sys.exit(ended.exit_code)\n",
        "utf-8",
    )
    environment = os.environ | {"HEALTHALLOC_LANG": "en"}
    with subprocess.Popen(
        [sys.executable, script], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=50)
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
