"""What flows need at each facility, and stock sized to fit it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from healthalloc.formulation.blocks import Columns, capacity_rows
from healthalloc.formulation.matrix import matrix_of
from healthalloc.formulation.program import Floats
from healthalloc.layout import Layout, Mask, Positions
from healthalloc.norms import categories, needs


@dataclass(frozen=True, eq=False)
class Capacity:
    """The capacity rows of the program: ``use @ flow <= give @ stock``.

    Parameters
    ----------
    layout
    use : csr_array, shape (n_rows, n_flows + n_referrals)
    give : csr_array, shape (n_rows, n_stock)
    resource_idx : ndarray of int, shape (n_rows,)
        Resource of each row.
    """

    layout: Layout
    use: csr_array
    give: csr_array
    resource_idx: Positions

    @classmethod
    def of(cls, layout: Layout) -> Capacity:
        """The rows of a layout with arcs."""
        columns = Columns.of(layout, 0)
        rows, key = capacity_rows(layout, columns)
        matrix = matrix_of(rows, layout, columns)
        use = csr_array(matrix[:, columns.flow : columns.add])
        give = csr_array(-matrix[:, columns.stock : columns.open])
        return cls(layout, use, give, key % len(layout.resource_ids))

    def fits(self, flow: Floats, stock: Floats) -> Floats:
        """Share of each flow that the stock can take, shape (n_flows + n_referrals,).

        Where a row of capacity is overrun, all flows that use it are cut in proportion.
        """
        used, held = self.use @ flow, self.give @ stock
        over = used > held + 1e-9 * (1.0 + held)
        fit = np.ones(len(used))
        np.divide(held, used, out=fit, where=over)
        cut = np.ones(len(flow))
        entries = self.use.tocoo()
        np.minimum.at(cut, entries.col, fit[entries.row])
        return cut

    def sized(self, flow: Floats, lower: Floats, upper: Floats) -> Floats:
        """Stock that just fits some flows, within limits, shape (n_stock,).

        Stock that no service needs at its facility stays as it is. A need for a resource with
        several kinds is met by the kinds held today, in proportion, as far as kinds needed for
        themselves leave any of it unmet. Whole units are rounded by largest remainders until they
        suffice.

        Parameters
        ----------
        flow : ndarray, shape (n_flows + n_referrals,)
        lower, upper : ndarray, shape (n_stock,)
        """
        layout = self.layout
        existing = layout.scenario.stock["existing"].to_numpy(dtype=float)
        moved = needed_rows(layout)
        whole = layout.scenario.resources["whole"].to_numpy(dtype=bool)[layout.stock_resource_idx]
        rank = np.argsort(np.argsort(layout.resource_ids.to_numpy(dtype=str), kind="stable"))
        stock = np.where(moved, lower, existing)
        need = self.use @ flow

        def short(row: int) -> float:
            entries = slice(self.give.indptr[row], self.give.indptr[row + 1])
            held = float(self.give.data[entries] @ stock[self.give.indices[entries]])
            return need[row] - held if need[row] - held > 1e-9 * (1.0 + need[row]) else 0.0

        # kinds before the resources that contain them
        for row in np.argsort(layout.under.sum(axis=1)[self.resource_idx], kind="stable").tolist():
            entries = slice(self.give.indptr[row], self.give.indptr[row + 1])
            columns, per_unit = self.give.indices[entries], self.give.data[entries]
            open_ = moved[columns] & (per_unit > 0) & (stock[columns] < upper[columns])
            while open_.any() and short(row):
                columns, per_unit = columns[open_], per_unit[open_]
                held = existing[columns]
                weight = held if held.sum() else np.ones(len(columns))
                wanted = stock[columns] + short(row) * weight / float(weight @ per_unit)
                wanted = np.minimum(np.round(wanted, 9), upper[columns])
                down = np.where(whole[columns], np.floor(wanted), wanted)
                stock[columns] = np.maximum(stock[columns], down)
                # one unit more where the remainder is largest, until it is enough
                for k in np.lexsort((rank[layout.stock_resource_idx[columns]], down - wanted)):
                    if short(row) and down[k] < wanted[k]:
                        stock[columns[k]] = down[k] + 1.0
                open_ = stock[columns] < upper[columns]
        return stock


def needed_rows(layout: Layout) -> Mask:
    """Stock that some service needs at its facility, shape (n_stock,)."""
    category_idx, _ = categories(layout.scenario)
    required = needs(layout).sum(axis=1) > 0  # category, resource
    kinds = (required.astype(float) @ layout.under.astype(float)) > 0
    needed: Mask = kinds[category_idx[layout.stock_facility_idx], layout.stock_resource_idx]
    return needed
