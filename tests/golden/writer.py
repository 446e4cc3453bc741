"""Some rows of a program as LP text, every row and column named by its labels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from healthalloc import LinearProgram
from healthalloc.formulation import Block


def lp_text(program: LinearProgram, rows: str, maths: str, *, objective: bool = False) -> str:
    """The rows of one block and the columns they use, in the LP format.

    Parameters
    ----------
    program
    rows
        Name of the block of rows.
    maths
        What the rows should say, for the comment at the top.
    objective
        Write costs, bounds and integrality as well, of every column of the program.
    """
    column_names = names(program.columns)
    block = program.row_block(rows)
    row_names = names([block])
    lines = [f"\\ {line}".rstrip() for line in maths.strip().splitlines()]
    if objective:
        costs = np.flatnonzero(program.cost)
        lines += ["Minimize", " cost:"]
        lines += _terms(program.cost[costs], [column_names[k] for k in costs])
        lines += [f"  {_signed(program.offset)}"]
    lines.append("Subject To")
    matrix = csr_array(program.matrix)
    for k, name in zip(range(block.start, block.stop), row_names, strict=True):
        span = slice(matrix.indptr[k], matrix.indptr[k + 1])
        order = np.argsort(matrix.indices[span])
        columns = [column_names[j] for j in matrix.indices[span][order]]
        low, high = program.row_lower[k], program.row_upper[k]
        ranged = low < high and not math.isinf(low) and not math.isinf(high)
        lines.append(f" {name}:" + (f" {_number(low)} <=" if ranged else ""))
        lines += _terms(matrix.data[span][order], columns)
        lines.append(f"  {_bounds(low, high)}")
    if objective:
        lines.append("Bounds")
        limits = zip(program.column_lower, column_names, program.column_upper, strict=True)
        lines += [f" {_number(low)} <= {name} <= {_number(high)}" for low, name, high in limits]
        lines.append("General")
        lines += [f" {column_names[k]}" for k in np.flatnonzero(program.integer)]
    lines.append("End")
    return "\n".join(lines) + "\n"


def names(blocks: Sequence[Block]) -> list[str]:
    """A name for each row or column: its block and its labels; a repeated one is numbered."""
    found: list[str] = []
    for block in blocks:
        labels: pd.DataFrame = block.labels()
        if len(labels) != block.size:
            raise ValueError(f"{block.name} has {block.size} members and {len(labels)} labels")
        words = (",".join(str(v) for v in row if v != "") for row in labels.to_numpy())
        found += [f"{block.name}({word})" for word in words]
    counts: dict[str, int] = {}
    for k, name in enumerate(found):
        counts[name] = counts.get(name, 0) + 1
        if counts[name] > 1:
            found[k] = f"{name}#{counts[name]}"
    return found


def _terms(values: Sequence[float], columns: Sequence[str]) -> list[str]:
    return [f"  {_signed(value)} {name}" for value, name in zip(values, columns, strict=True)]


def _bounds(low: float, high: float) -> str:
    if low == high:
        return f"= {_number(low)}"
    return f">= {_number(low)}" if math.isinf(high) else f"<= {_number(high)}"


def _signed(value: float) -> str:
    return f"{'-' if value < 0 else '+'} {_number(abs(value))}"


def _number(value: float) -> str:
    # 10 digits: what a person checks, without the last bits of a sum
    return f"{value + 0.0:.10g}"
