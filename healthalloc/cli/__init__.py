"""The command line, one file for each command: parse, call, print."""

from healthalloc.cli import audit, explain, new, prices, schema, solve, verify, what_if
from healthalloc.cli.app import Exit, app

__all__ = [
    "Exit",
    "app",
    "audit",
    "explain",
    "new",
    "prices",
    "schema",
    "solve",
    "verify",
    "what_if",
]
