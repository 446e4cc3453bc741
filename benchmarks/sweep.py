"""A sweep of demand scenarios on two cores beside as many cold solves by the same engine."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

import healthalloc as ha
from healthalloc.explain.what_if import WhatIf
from healthalloc.generate import generate
from healthalloc.sweeps.cases import apply, read_cases

SIZES = {"county": (200, 30), "town": (600, 90), "city": (2_000, 300)}
SAME = 1e-6


def sweep(
    size: Annotated[str, typer.Argument(help=f"One of {', '.join(SIZES)}.")] = "county",
    cases: Annotated[int, typer.Option(help="Demand scenarios.", min=1)] = 100,
    cold: Annotated[int, typer.Option(help="Cold solves to take the median of.", min=1)] = 10,
    spread: Annotated[float, typer.Option(help="Standard deviation of the demand.")] = 0.05,
    correlation: Annotated[float, typer.Option(help="Between services.")] = 0.5,
    processes: Annotated[bool, typer.Option(help="Processes rather than threads.")] = True,
) -> None:
    """Time a sweep by two workers, and cold solves of some of its cases one by one."""
    scenario = generate(*SIZES[size])
    drawn = ha.ensemble(scenario, cases, seed=1, spread=spread, correlation=correlation)
    single = [_solved(scenario, drawn, k) for k in range(0, cases, max(1, cases // cold))][:cold]
    cold_cpu = statistics.median(cpu for cpu, _, _ in single)
    cold_iterations = statistics.median(n for _, _, n in single)
    found, cpu, wall = _swept(scenario, drawn, processes)
    at = range(0, cases, max(1, cases // cold))[:cold]
    off = max(
        abs(found.results["objective_cny_a_year"].iloc[k] / objective - 1)
        for k, (_, objective, _) in zip(at, single)
    )
    if off > SAME:
        raise SystemExit(f"a sweep and a single solve differ by {off:.1e}")
    seconds = found.results["iterations"].median()
    table = Table("", "value")
    for name, value in {
        "size": f"{size}: {SIZES[size][0]:,} x {SIZES[size][1]:,}",
        "cases": f"{cases}, all {found.results['status'].iloc[0]}",
        "workers": "2 processes" if processes else "2 threads",
        "cold solve, CPU s": f"{cold_cpu:.3f} (median of {len(single)})",
        "cold solve, iterations": f"{cold_iterations:.0f}",
        "sweep, CPU s": f"{cpu:.2f}",
        "sweep, wall s": f"{wall:.2f}",
        "a case, CPU s": f"{cpu / cases:.4f}",
        "a case, iterations": f"{seconds:.0f} (median)",
        "times faster": f"{cold_cpu * cases / (cpu / 2):.1f} (cold CPU to half the sweep's)",
        "largest difference": f"{off:.1e}",
    }.items():
        table.add_row(name, value)
    Console(width=None if sys.stdout.isatty() else 100).print(table)


def _solved(scenario: ha.Scenario, cases: pd.DataFrame, row: int) -> tuple[float, float, int]:
    """CPU seconds, objective and iterations of one case solved on its own."""
    what_if = WhatIf(scenario)
    for edit, value in read_cases(scenario, cases.iloc[[row]]).edits[0].items():
        apply(what_if, edit, value)
    edited = what_if.scenario
    edited = edited.replace(
        settings=replace(
            edited.settings, solve=replace(edited.settings.solve, time_limit_s=3_600.0)
        )
    )
    began = time.process_time()
    answer = ha.solve(edited, solver="highs").require_optimal()
    return time.process_time() - began, answer.objective, int(answer.result.iterations or 0)


def _swept(
    scenario: ha.Scenario, cases: pd.DataFrame, processes: bool
) -> tuple[ha.Sweep, float, float]:
    """A sweep by two workers that are up, its CPU and wall seconds."""
    make: Callable[[], Executor] = (
        (lambda: ProcessPoolExecutor(2, get_context("spawn")))
        if processes
        else (lambda: ThreadPoolExecutor(2))
    )
    before_children = resource.getrusage(resource.RUSAGE_CHILDREN)
    with make() as executor:
        started: list[Any] = [executor.submit(_warm_up) for _ in range(2)]
        up = sum(future.result() for future in started) if processes else 0.0
        began, cpu = time.perf_counter(), time.process_time()
        found = ha.sweep(scenario, cases, executor=executor, workers=2, time_limit_s=3_600.0)
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    children = (after.ru_utime + after.ru_stime) - (
        before_children.ru_utime + before_children.ru_stime
    )
    return found, cpu + max(children - up, 0.0), wall


def _warm_up() -> float:
    """Import what a solve needs; CPU seconds of the process so far."""
    time.sleep(0.5)  # so that each worker gets one of the two
    ha.solve(generate(20, 4, seed=2))
    return time.process_time()
