"""The command line, one file for each command: parse, call, print."""

from healthalloc.cli import audit, explain, new, schema, solve
from healthalloc.cli.app import Exit, app

__all__ = ["Exit", "app", "audit", "explain", "new", "schema", "solve"]
