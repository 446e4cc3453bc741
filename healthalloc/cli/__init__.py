"""The command line, one file for each command: parse, call, print."""

from healthalloc.cli import (
    alternatives,
    audit,
    compare,
    explain,
    export,
    new,
    prices,
    report,
    schema,
    solve,
    sweep,
    tradeoffs,
    verify,
    what_if,
    workbook,
)
from healthalloc.cli.app import Exit, app

__all__ = [
    "Exit",
    "alternatives",
    "app",
    "audit",
    "compare",
    "explain",
    "export",
    "new",
    "prices",
    "report",
    "schema",
    "solve",
    "sweep",
    "tradeoffs",
    "verify",
    "what_if",
    "workbook",
]
