"""The basis of a linear program: where each column and row stands at an optimum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.formulation.program import Block, LinearProgram

Stands = NDArray[np.int8]
LOWER, BASIC, UPPER = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Basis:
    """Which columns and rows are basic, and at which bound the others stand.

    The numbers are HiGHS's: 0 at the lower bound, 1 basic, 2 at the upper bound, 3 at zero
    (no bound), 4 at some bound.

    Parameters
    ----------
    columns : ndarray of int8, shape (n_columns,)
    rows : ndarray of int8, shape (n_rows,)
    """

    columns: Stands
    rows: Stands

    def carried(self, before: LinearProgram, after: LinearProgram) -> Basis:
        """What a basis says about another program, to begin its solve with.

        Columns and rows are matched by block, one to one where a block has kept its size and by
        its labels elsewhere. A new column stands at its lower bound, a new row is basic. A
        mismatch costs iterations, never the answer.

        Parameters
        ----------
        before
            The program that the basis is one of.
        after
            The program to be solved.
        """
        columns = _carried(self.columns, before.columns, after.columns, after.n_columns, LOWER)
        rows = _carried(self.rows, before.rows, after.rows, after.n_rows, BASIC)
        return Basis(columns, rows)


def _carried(
    stands: Stands, before: tuple[Block, ...], after: tuple[Block, ...], n: int, fresh: int
) -> Stands:
    made = np.full(n, fresh, dtype=np.int8)
    if not after:  # no blocks: what is new stands at the end
        kept = min(n, len(stands))
        made[:kept] = stands[:kept]
        return made
    known = {block.name: block for block in before}
    for block in after:
        old = known.get(block.name)
        if old is None:
            continue
        if old.size == block.size and block.name != "clause":
            made[block.slice] = stands[old.slice]
        elif old.size and block.size:
            at = _places(old).get_indexer(_places(block))
            made[block.slice][at >= 0] = stands[old.slice][at[at >= 0]]
    return made


def _places(block: Block) -> pd.MultiIndex:
    """The labels of a block; equal ones are told apart by their order."""
    labels = block.labels()
    order = labels.groupby(list(labels.columns), dropna=False, sort=False).cumcount()
    return pd.MultiIndex.from_frame(labels.assign(order=order))


def basis_of(highs: Any) -> Basis | None:
    """The basis that a HiGHS instance stands at, if it has one."""
    basis = highs.getBasis()
    if not basis.valid:
        return None
    sides = (basis.col_status, basis.row_status)
    return Basis(*(np.fromiter(map(int, side), np.int8, len(side)) for side in sides))


def offer(highs: Any, basis: Basis) -> None:
    """Let HiGHS begin from a basis; it makes one that is singular or has gaps whole."""
    import highspy

    status = [highspy.HighsBasisStatus(k) for k in range(5)]
    offered = highspy.HighsBasis()
    offered.valid = offered.alien = True
    offered.col_status = [status[k] for k in basis.columns.tolist()]
    offered.row_status = [status[k] for k in basis.rows.tolist()]
    highs.setBasis(offered)
