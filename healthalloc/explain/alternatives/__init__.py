"""Plans near the least cost, and what all of them have in common."""

from healthalloc.explain.alternatives.plans import (
    TOTAL_LIMIT_S,
    Alternatives,
    alternatives,
    check_request,
)

__all__ = ["TOTAL_LIMIT_S", "Alternatives", "alternatives", "check_request"]
