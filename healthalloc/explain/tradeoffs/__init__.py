"""Cost against access, equity and the number of actions."""

from healthalloc.explain.tradeoffs.fronts import (
    TradeOffs,
    lexicographic,
    max_min,
    trade_offs,
)

__all__ = ["TradeOffs", "lexicographic", "max_min", "trade_offs"]
