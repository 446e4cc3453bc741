"""The command line, one file for each command: parse, call, print."""

from healthalloc.cli import (
    alternatives,
    audit,
    explain,
    new,
    prices,
    schema,
    solve,
    tradeoffs,
    verify,
    what_if,
)
from healthalloc.cli.app import Exit, app

__all__ = [
    "Exit",
    "alternatives",
    "app",
    "audit",
    "explain",
    "new",
    "prices",
    "schema",
    "solve",
    "tradeoffs",
    "verify",
    "what_if",
]
