"""Which clauses of a plan cannot hold together."""

from healthalloc.explain.conflicts.find import Conflict, Conflicts, find_conflict, find_conflicts

__all__ = ["Conflict", "Conflicts", "find_conflict", "find_conflicts"]
