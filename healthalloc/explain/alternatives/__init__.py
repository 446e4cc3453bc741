"""Plans near the least cost, and what all of them have in common."""

from healthalloc.explain.alternatives.plans import Alternatives, alternatives, check_request

__all__ = ["Alternatives", "alternatives", "check_request"]
