"""What the clauses of a plan cost."""

from healthalloc.explain.prices.table import (
    ALL_PARTS,
    CLAUSES,
    ROWS,
    ClausePrices,
    check_request,
    price_clauses,
    price_solution,
)

__all__ = [
    "ALL_PARTS",
    "CLAUSES",
    "ROWS",
    "ClausePrices",
    "check_request",
    "price_clauses",
    "price_solution",
]
