"""Explanations in the words of the plan."""

from healthalloc.explain.conflicts.find import Conflict, find_conflict

__all__ = ["Conflict", "find_conflict"]
