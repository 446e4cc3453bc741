"""The plan's own table."""

from __future__ import annotations

import numpy as np

from healthalloc.auditing import proposed_decisions
from healthalloc.errors import DataError, Problem
from healthalloc.layout import Layout
from healthalloc.scenario import Scenario
from healthalloc.strategies.allocation import Allocation
from healthalloc.strategies.sharing import whole_shares
from healthalloc.validate import nearest


def plan_table(scenario: Scenario, *, proposal_id: str = "") -> Allocation:
    """Take the plan's own table (``proposals.csv``) as it is printed, and all else as today.

    What the table does not divide into kinds is split as today, as in `audit`; whole units by
    largest remainders within a facility. Limits of ``stock.csv`` do not bind a printed table.

    Parameters
    ----------
    scenario
    proposal_id
        Which table, if there are several.

    Raises
    ------
    DataError
        If there is no table, or no such one, or several and none is named.
    """
    found = check_proposal(scenario, proposal_id)
    if found:
        raise DataError(found)
    table = scenario.proposals
    layout = Layout(scenario)
    if proposal_id:
        table = table[table["proposal_id"] == proposal_id]
    decisions, _ = proposed_decisions(layout, table)
    stock = decisions[: layout.n_stock]
    whole = scenario.resources["whole"].to_numpy(dtype=bool)[layout.stock_resource_idx]
    root = layout.root_idx[layout.stock_resource_idx]
    group = layout.stock_facility_idx * len(layout.resource_ids) + root
    names = scenario.stock["resource_id"].to_numpy(dtype=str)
    for key in np.unique(group[whole]):
        rows = np.flatnonzero(whole & (group == key))
        stock[rows] = whole_shares(stock[rows], names[rows].tolist())
    is_open = decisions[layout.n_stock : layout.n_stock + layout.n_facilities] > 0.5
    return Allocation(stock, is_open)


def check_proposal(scenario: Scenario, proposal_id: str = "") -> list[Problem]:
    """What is wrong with asking for a table of the plan."""
    known = list(scenario.proposals["proposal_id"].unique())
    if not known:
        mend = "add proposals.csv, or leave the strategy plan-table out"
        return [Problem("proposals", "the plan has no table of its own", mend=mend)]
    if proposal_id and proposal_id not in known:
        mend = nearest(proposal_id, known) or f"allowed: {', '.join(known)}"
        return [Problem("proposals", "no table has this id", value=proposal_id, mend=mend)]
    if not proposal_id and len(known) > 1:
        mend = " or ".join(f"plan-table:{name}" for name in known)
        return [Problem("proposals", "the plan has several tables", mend=f"name {mend}")]
    return []
