"""``healthalloc sweep``."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console
from rich.markup import escape

from healthalloc.cli.answer import answer, as_data
from healthalloc.cli.app import (
    AuditOnly,
    Continuous,
    Exit,
    Folder,
    Gap,
    MemoryLimit,
    Quiet,
    TimeLimit,
    app,
    make_console,
    read,
    reported_errors,
)
from healthalloc.display import number, print_table
from healthalloc.errors import DataError, Problem, UnsupportedError
from healthalloc.labels import Words, language_of
from healthalloc.scenario import Scenario
from healthalloc.solvers import Status
from healthalloc.sweeps import Sweep, ensemble
from healthalloc.sweeps import sweep as run_sweep
from healthalloc.sweeps.pool import Maker
from healthalloc.sweeps.results import TABLES
from healthalloc.sweeps.run import NOT_RUN


@app.command()
def sweep(
    folder: Folder,
    cases: Annotated[
        Path | None,
        typer.Argument(
            help="CSV with one row for each case, columns headed by what they edit: CLAUSE, "
            "demand:SERVICE, bound:FACILITY:RESOURCE, ...",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of Parquet files, filled as cases end.")
    ] = Path("results.parquet"),
    workers: Annotated[
        int | None,
        typer.Option(help="Processes on this machine [default: cores].", min=1, show_default=False),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            show_default=False,
            help="Scheduler of a dask cluster, e.g. tcp://host:8786, instead of processes here.",
        ),
    ] = None,
    draw: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            show_default=False,
            help="Draw N demand scenarios instead of reading cases.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the scenarios drawn.")] = 0,
    spread: Annotated[
        float, typer.Option(help="Standard deviation of the demand drawn, as a share of it.")
    ] = 0.05,
    correlation: Annotated[
        float, typer.Option(help="Between the demand for two services, 0 to 1.")
    ] = 0.5,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            show_default=False,
            help=f"Table to keep of each case (repeatable): {', '.join(TABLES)}.",
        ),
    ] = None,
    chunk: Annotated[
        int | None,
        typer.Option(help="Cases handed to a worker at a time.", min=1, show_default=False),
    ] = None,
    conflicts: Annotated[
        bool, typer.Option("--conflicts", help="Name what conflicts in an infeasible case.")
    ] = False,
    afresh: Annotated[
        bool, typer.Option("--afresh", help="Delete what an earlier sweep kept in the output.")
    ] = False,
    audit_only: AuditOnly = None,
    continuous: Continuous = False,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    memory_limit: MemoryLimit = None,
    quiet: Quiet = False,
) -> None:
    """Solve a plan in many variants, warm and in parallel; go on where a run stopped."""
    console = make_console(quiet)
    with reported_errors(quiet), _executor(workers, dask) as executor:
        scenario = read(folder, audit_only)
        _refuse_inside(output, folder)
        table = _table(scenario, cases, draw, partial(
            ensemble, seed=seed, spread=spread, correlation=correlation
        ))  # fmt: skip
        try:
            found = run_sweep(
                scenario, table, executor=executor, workers=workers, output=output,
                resume=not afresh, tables=keep or (), chunk_size=chunk, conflicts=conflicts,
                whole_units=False if continuous else None, gap=gap, time_limit_s=time_limit,
                memory_limit_gb=memory_limit,
            )  # fmt: skip
        except KeyboardInterrupt:
            message = f"what is finished is kept in {output}; the same command goes on from there"
            words = Words(language_of())
            typer.echo(f"healthalloc: {words.said(message)}", err=True)
            raise
    if found.n_lost and not as_data():
        text = f"a worker died: {found.n_lost} chunks of cases were handed in again"
        typer.echo(f"healthalloc: {Words(language_of()).said(text)}", err=True)
    counts = {str(k): int(n) for k, n in found.results["status"].value_counts().items()}
    answer(
        {
            "scenario": scenario.settings.name,
            "cases": len(found.results),
            "ended": counts,
            "chunks_lost": found.n_lost,
        },
        {"results": found.results, **found.tables},
        output,
    )
    show(console, scenario, found)
    ended = _ended(found.results["status"])
    if ended:
        raise typer.Exit(ended)


def _ended(status: pd.Series[str]) -> Exit:
    """Exit code of cases that ended so; those that a limit left without a plan are told."""
    late = int((status == Status.LIMIT_WITHOUT_INCUMBENT.value).sum())
    if late and not as_data():
        words = Words(language_of())
        text = f"a limit came before any solution in {late} of {len(status)} cases"
        typer.echo(f"healthalloc: {words.said(text)}", err=True)
    answers = (Status.OPTIMAL, Status.LIMIT_WITH_INCUMBENT, Status.INFEASIBLE)
    answered = status.isin([one.value for one in answers])
    if NOT_RUN in set(status):
        return Exit.FAILED
    if answered.any() or not len(status):
        return Exit.OK
    return Exit.NO_SOLUTION_IN_TIME if late else Exit.FAILED


@contextmanager
def _executor(workers: int | None, dask: str | None) -> Iterator[Executor | Maker]:
    if dask is None:
        yield partial(
            ProcessPoolExecutor, workers, get_context("spawn"),
            signal.signal, (signal.SIGINT, signal.SIG_DFL),  # Ctrl-C ends them at once
        )  # fmt: skip
        return
    if workers is not None:
        mend = "give one of them: a cluster has workers of its own"
        raise DataError([Problem("--workers", "does not go with --dask", mend=mend)])
    try:
        import distributed
    except ImportError:
        raise UnsupportedError(
            "a dask cluster needs distributed: pip install 'healthalloc[cluster]'"
        ) from None
    try:
        client: Any = distributed.Client(dask, timeout=10)
    except (OSError, ValueError, TimeoutError) as error:
        raise DataError([Problem("--dask", f"no cluster answers: {error}", value=dask)]) from None
    with client, client.get_executor() as executor:
        yield executor


def _refuse_inside(output: Path, folder: Path) -> None:
    path, scenario = output.resolve(), folder.resolve()
    if path == scenario or scenario in path.parents:
        mend = "choose an output folder apart from the scenario"
        raise DataError([Problem(str(output), "lies inside the scenario", mend=mend)])


def _table(
    scenario: Scenario,
    cases: Path | None,
    draw: int | None,
    drawn: Callable[[Scenario, int], pd.DataFrame],
) -> pd.DataFrame:
    if (cases is None) == (draw is None):
        mend = "give a CSV of cases, or --draw N"
        raise DataError([Problem("cases", "one source of them is needed", mend=mend)])
    if draw is not None:
        return drawn(scenario, draw)
    assert cases is not None
    try:
        table = pd.read_csv(cases, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DataError([Problem(str(cases), f"cannot be read: {error}")]) from None
    for column in table.columns.drop("case", errors="ignore"):
        numbers = pd.to_numeric(table[column], errors="coerce")
        if numbers.notna().all():
            table[column] = numbers
    return table


def show(console: Console, scenario: Scenario, found: Sweep) -> None:
    """Print how the cases ended and how the figures spread.

    Parameters
    ----------
    console
    scenario
    found
    """
    table = found.results
    console.print(f"[bold]{escape(scenario.settings.name)}[/]: {len(table)} cases")
    ended = table["status"].value_counts().rename_axis("status").reset_index(name="cases")
    print_table(console, "How they ended", ended.assign(cases=ended["cases"].map(str)))
    figures = table[["objective_cny_a_year", "cost_cny_a_year", "unmet"]]
    prices = table.filter(regex="^price:").dropna(axis="columns", how="all")
    spread = pd.concat([figures, prices], axis=1).dropna(how="all")
    if len(spread):
        quantiles = spread.quantile([0.0, 0.1, 0.5, 0.9, 1.0]).T
        quantiles.columns = pd.Index(["least", "tenth", "median", "nine tenths", "most"])
        shown = quantiles.map(number).rename_axis("figure").reset_index()
        print_table(console, "How the figures spread", shown)
    bad = table[table["status"].isin([NOT_RUN, "failed"])]
    for reason, rows in bad.groupby("reason", sort=False):
        console.print(f"[red]{len(rows)} cases[/]: {escape(str(reason))}")
    if found.folder is not None:
        console.print(f"Results in {escape(str(found.folder))} (one row a case)")
    if not found.is_complete:
        console.print("The same command goes on with the cases that were not run.")
