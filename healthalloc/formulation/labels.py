"""What each column and row of the program stands for, as tables that are made when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from healthalloc.formulation.blocks import Columns, Positions, Rows
from healthalloc.formulation.program import Block
from healthalloc.layout import Layout
from healthalloc.norms import referral_service_idx

if TYPE_CHECKING:
    from healthalloc.formulation.assemble import Enforced
    from healthalloc.scenario import Scenario


def _ids(scenario: Scenario) -> list[ExtensionArray]:
    """Identifiers of populations, facilities and services."""
    return [
        scenario.populations["population_id"].array,
        scenario.facilities["facility_id"].array,
        scenario.services["service_id"].array,
    ]


def column_blocks(
    layout: Layout, columns: Columns, enforced: Sequence[Enforced]
) -> tuple[Block, ...]:
    """Sorts of columns, in order."""
    scenario = layout.scenario
    populations, facilities, services = _ids(scenario)

    def stock() -> pd.DataFrame:
        return scenario.stock[["facility_id", "resource_id"]]

    def opening() -> pd.DataFrame:
        return scenario.facilities[["facility_id"]]

    def flow() -> pd.DataFrame:
        arcs = layout.arcs
        assert arcs is not None
        return pd.DataFrame(
            {
                "population_id": populations.take(arcs.population_idx),
                "facility_id": facilities.take(arcs.facility_idx),
                "service_id": services.take(arcs.service_idx),
            }
        )

    def referral() -> pd.DataFrame:
        arcs = layout.referral_arcs
        if arcs is None:
            return pd.DataFrame(columns=["facility_id", "to_facility_id", "service_id"])
        return pd.DataFrame(
            {
                "facility_id": facilities.take(arcs.from_idx),
                "to_facility_id": facilities.take(arcs.to_idx),
                "service_id": services.take(referral_service_idx(layout)),
            }
        )

    def reached() -> pd.DataFrame:
        names = [
            (e.clause.name, point)
            for e in enforced
            if e.measure.cover is not None
            for point in range(e.measure.cover.near.shape[0])
        ]
        return pd.DataFrame(names, columns=["clause_id", "point"])

    return (
        Block("stock", columns.stock, columns.open, stock),
        Block("open", columns.open, columns.flow, opening),
        Block("flow", columns.flow, columns.referral, flow),
        Block("referral", columns.referral, columns.add, referral),
        Block("add", columns.add, columns.retire, stock),
        Block("retire", columns.retire, columns.reached, stock),
        Block("reached", columns.reached, columns.end, reached),
    )


@dataclass(frozen=True, eq=False)
class Keys:
    """What each row of a block speaks of, as positions (see `blocks`)."""

    demand: Positions
    capacity: Positions
    referral: Positions
    balance: Positions
    site: Positions
    form: Positions


def row_blocks(
    layout: Layout, parts: Mapping[str, Rows], enforced: Sequence[Enforced], keys: Keys
) -> tuple[Block, ...]:
    """Sorts of rows, in the order of `parts`."""
    scenario = layout.scenario
    populations, facilities, services = _ids(scenario)

    def demand() -> pd.DataFrame:
        population_idx, service_idx = np.divmod(keys.demand, len(scenario.services))
        return pd.DataFrame(
            {
                "population_id": populations.take(population_idx),
                "service_id": services.take(service_idx),
            }
        )

    def capacity() -> pd.DataFrame:
        facility_idx, resource_idx = np.divmod(keys.capacity, len(layout.resource_ids))
        return pd.DataFrame(
            {
                "facility_id": facilities.take(facility_idx),
                "resource_id": scenario.resources["resource_id"].array.take(resource_idx),
            }
        )

    def referral() -> pd.DataFrame:
        facility_idx, referral_idx = np.divmod(keys.referral, max(len(scenario.referrals), 1))
        service = scenario.referrals["to_service_id"].array.take(referral_idx)
        return pd.DataFrame({"facility_id": facilities.take(facility_idx), "service_id": service})

    def stock_of(rows: Positions) -> pd.DataFrame:
        return scenario.stock[["facility_id", "resource_id"]].iloc[rows].reset_index(drop=True)

    def form() -> pd.DataFrame:
        return pd.DataFrame({"facility_id": facilities.take(keys.form)})

    def clause() -> pd.DataFrame:
        names = [(e.clause.name, *e.measure.place(k)) for e in enforced for k in e.measure_row]
        return pd.DataFrame(names, columns=["clause_id", "area_id", "facility_id"])

    def reached() -> pd.DataFrame:
        size = parts["reached"].n_rows
        return pd.DataFrame({"point": np.arange(size)})

    labels = {
        "demand": demand, "capacity": capacity, "referral": referral,
        "balance": lambda: stock_of(keys.balance), "site": lambda: stock_of(keys.site),
        "form": form, "clause": clause, "reached": reached,
    }  # fmt: skip
    ends = np.cumsum([part.n_rows for part in parts.values()]).tolist()
    starts = [0, *ends[:-1]]
    return tuple(
        Block(name, first, last, labels[name]) for name, first, last in zip(parts, starts, ends)
    )
