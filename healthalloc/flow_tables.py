"""Tables of a solution about flows between facilities and about stays."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.layout import Layout
from healthalloc.norms import (
    arrivals,
    cases_per_flow,
    categories,
    needs,
    referral_service_idx,
    stay_factor,
)

Floats = NDArray[np.float64]


def referral_table(layout: Layout, referred: Floats) -> pd.DataFrame:
    """Cases referred on, a row for each arc that is used.

    Parameters
    ----------
    layout
    referred : ndarray, shape (n_referrals,)
        Units of flow.

    Returns
    -------
    DataFrame
        Columns ``from_facility_id, to_facility_id, from_service_id, to_service_id,
        cases_a_year, travel_min, distance_km``.
    """
    columns = [
        "from_facility_id", "to_facility_id", "from_service_id", "to_service_id", "cases_a_year",
        "travel_min", "distance_km",
    ]  # fmt: skip
    arcs, scenario = layout.referral_arcs, layout.scenario
    if arcs is None:
        return pd.DataFrame(columns=columns)
    used = np.flatnonzero(referred > 0)
    facility_id = scenario.facilities["facility_id"].to_numpy()
    of = scenario.referrals.iloc[arcs.referral_idx[used]]
    cases = referred * cases_per_flow(scenario)[referral_service_idx(layout)]
    values = (
        facility_id[arcs.from_idx[used]], facility_id[arcs.to_idx[used]],
        of["from_service_id"].to_numpy(), of["to_service_id"].to_numpy(), cases[used],
        arcs.travel_min[used], arcs.distance_km[used],
    )  # fmt: skip
    return pd.DataFrame(dict(zip(columns, values)))


def referral_needs(layout: Layout, arrived: Floats, referred: Floats) -> pd.DataFrame:
    """What each facility should refer on, and what it can.

    Parameters
    ----------
    layout
    arrived : ndarray, shape (n_flows + n_referrals,)
        Units of flow, from residents and by referral.
    referred : ndarray, shape (n_referrals,)
        Units of flow.

    Returns
    -------
    DataFrame
        Columns ``facility_id, from_service_id, to_service_id, needed, referred, not_referred``,
        cases a year.
    """
    scenario, arcs, records = layout.scenario, layout.referral_arcs, []
    columns = [
        "facility_id", "from_service_id", "to_service_id", "needed", "referred", "not_referred",
    ]  # fmt: skip
    if scenario.referrals.empty:
        return pd.DataFrame(columns=columns)
    cases = cases_per_flow(scenario)
    facility_idx, service_idx = arrivals(layout)
    treated = np.zeros((layout.n_facilities, len(cases)))
    np.add.at(treated, (facility_idx, service_idx), arrived * cases[service_idx])
    table = scenario.referrals
    sent = np.zeros((layout.n_facilities, len(table)))
    if arcs is not None:
        on = referred * cases[referral_service_idx(layout)]
        np.add.at(sent, (arcs.from_idx, arcs.referral_idx), on)
    position = pd.Index(scenario.services["service_id"])
    for row, (start, end, share) in enumerate(
        zip(table["from_service_id"], table["to_service_id"], table["share"])
    ):
        needed = share * treated[:, position.get_loc(start)]
        for j in np.flatnonzero(needed > 0).tolist():
            taken = min(sent[j, row], needed[j])
            left = needed[j] - taken if needed[j] - taken > 1e-7 * (1 + needed[j]) else 0.0
            name = scenario.facilities["facility_id"].iat[j]
            records.append((name, start, end, needed[j], needed[j] - left, left))
    return pd.DataFrame(records, columns=columns)


def beds_freed(layout: Layout, arrived: Floats, stock: Floats) -> pd.DataFrame:
    """Beds that shorter stays free, where enforced clauses shorten them.

    Parameters
    ----------
    layout
    arrived : ndarray, shape (n_flows + n_referrals,)
        Units of flow, from residents and by referral.
    stock : ndarray, shape (n_stock,)
        Allocated, in units.

    Returns
    -------
    DataFrame
        Columns ``facility_id, service_id, resource_id, stay_days_before, stay_days_after,
        admissions_a_year, beds_needed_before, beds_needed_after, beds_freed``. Beds are those
        that the admissions fill at the availability of the facility's beds.
    """
    scenario = layout.scenario
    factor = stay_factor(layout)
    facility_idx, service_idx = arrivals(layout)
    in_bed = np.zeros(factor.shape)
    np.add.at(in_bed, (facility_idx, service_idx), arrived)
    need = needs(layout, "per_patient")
    category_idx, _ = categories(scenario)
    is_bed = (scenario.resources["kind"] == "bed").to_numpy()
    available = scenario.resources["availability"].to_numpy(dtype=float)
    stay = scenario.services["stay_days"].to_numpy(dtype=float)
    cases = cases_per_flow(scenario)
    records = []
    for j, s in np.argwhere((factor < 1) & (in_bed > 0)).tolist():
        for r in np.flatnonzero((need[category_idx[j], s] > 0) & is_bed).tolist():
            held = layout.under[r, layout.stock_resource_idx] & (layout.stock_facility_idx == j)
            weight = np.where(held, stock, 0.0)
            share = available[layout.stock_resource_idx] @ weight
            usable = share / weight.sum() if weight.sum() else available[r]
            before = need[category_idx[j], s, r] * in_bed[j, s] / usable
            records.append(
                (
                    scenario.facilities["facility_id"].iat[j],
                    scenario.services["service_id"].iat[s], layout.resource_ids[r], stay[s],
                    stay[s] * factor[j, s], in_bed[j, s] * cases[s], before,
                    before * factor[j, s], before * (1 - factor[j, s]),
                )
            )  # fmt: skip
    columns = [
        "facility_id", "service_id", "resource_id", "stay_days_before", "stay_days_after",
        "admissions_a_year", "beds_needed_before", "beds_needed_after", "beds_freed",
    ]  # fmt: skip
    return pd.DataFrame(records, columns=columns)
