"""The network: which facilities are within the service radius of which populations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from healthalloc.errors import DataError, Problem
from healthalloc.travel import ROUNDING, Pairs, by_great_circle, by_matrix, by_road, positions_of

if TYPE_CHECKING:
    import networkx as nx

    from healthalloc.settings import Travel

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]

__all__ = [
    "Arcs", "Pairs", "ReferralArcs", "facility_pairs", "radius_limits", "reach", "referral_reach",
    "travel_pairs",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Arcs:
    """Population, facility and service that lie within the service radius.

    Sorted by population, then service, then facility; no triple occurs twice.

    Parameters
    ----------
    population_idx, facility_idx, service_idx : shape (n_arcs,)
        Rows of the tables of populations, facilities and services.
    travel_min, distance_km : shape (n_arcs,)
        Travel one way, finite; NaN where the method of travel does not know the quantity.
    """

    population_idx: Positions
    facility_idx: Positions
    service_idx: Positions
    travel_min: Floats
    distance_km: Floats

    def __len__(self) -> int:
        return len(self.population_idx)


@dataclass(frozen=True, eq=False)
class ReferralArcs:
    """Ways that cases are referred on: from a facility, of a referral, to a facility.

    Sorted by facility referring, then referral, then facility referred to.

    Parameters
    ----------
    from_idx, to_idx : shape (n_arcs,)
        Rows of the table of facilities; the two may be the same.
    referral_idx : shape (n_arcs,)
        Rows of the table of referrals.
    travel_min, distance_km : shape (n_arcs,)
        Travel one way; NaN where the method of travel does not know the quantity.
    """

    from_idx: Positions
    to_idx: Positions
    referral_idx: Positions
    travel_min: Floats
    distance_km: Floats

    def __len__(self) -> int:
        return len(self.from_idx)


def travel_pairs(
    facilities: pd.DataFrame,
    populations: pd.DataFrame,
    travel: Travel,
    limit_km: Floats,
    limit_min: Floats,
    travel_table: pd.DataFrame | None = None,
    roads: nx.Graph[Any] | None = None,
) -> Pairs:
    """Find every pair within the limits of its population, and only those.

    Parameters
    ----------
    facilities, populations
        Tables of the schema, checked.
    travel
        How travel is found.
    limit_km, limit_min : shape (n_populations,)
        A pair is kept if it is within either limit, up to rounding (1e-9 of the limit). NaN or
        ``-inf``: no limit of that unit is asked for; ``inf``: all that can be reached.
    travel_table
        The travel matrix, if travel is a matrix.
    roads
        The road graph, if travel is by road graph; see Notes.

    Returns
    -------
    Pairs

    Raises
    ------
    DataError
        With all problems found: coordinates, speeds, nodes or edge weights missing, a faulty
        matrix, or a limit in a unit that the method does not know.

    Notes
    -----
    *Great circle.* Distance on a sphere of radius 6371.0088 km times the detour factor; minutes
    at the speed of the population's area class.

    *Road graph.* Any networkx graph. Edges carry ``length_km`` (or ``length`` in metres, as
    OSMnx writes it) or ``travel_min`` (or ``travel_time`` in seconds, as OSMnx writes it) or
    both, or a length and ``speed_km_per_h`` (or ``speed_kph``), or a length and the tags
    ``highway`` and ``maxspeed`` of OpenStreetMap, whose speeds are those of OSRM's car profile.
    Nodes carry ``longitude`` and ``latitude`` (or ``lon`` and ``lat``, or ``x`` and ``y``) in
    degrees; ``x`` and ``y`` may be in the system that the graph states as ``crs``. A point
    stands at its ``node_id``, or else is joined to the nearest node by a straight leg at the
    access speed. Residents travel along the direction of the edges. Minutes are those of the
    fastest path and km those of the shortest, **which may be two different paths**; of parallel
    edges each takes its best.

    *Matrix.* Values as given, in minutes or km; the word ``unreachable`` says that there is no
    way. Km become minutes at the speed of the population's area class, if speeds are given.
    """
    limit_km = np.where(np.isnan(limit_km), -np.inf, limit_km)
    limit_min = np.where(np.isnan(limit_min), -np.inf, limit_min)
    if travel.method == "great_circle":
        found = by_great_circle(facilities, populations, travel, limit_km, limit_min)
    elif travel.method == "road_graph":
        found = by_road(facilities, populations, travel, limit_km, limit_min, roads)
    else:
        found = by_matrix(facilities, populations, travel, limit_km, limit_min, travel_table)
    within = _within(found, limit_km, limit_min)
    key = found.population_idx[within] * len(facilities) + found.facility_idx[within]
    rows = within[np.argsort(key, kind="stable")]
    return Pairs(
        found.population_idx[rows],
        found.facility_idx[rows],
        found.travel_min[rows],
        found.distance_km[rows],
    )


def _within(found: Pairs, limit_km: Floats, limit_min: Floats) -> Positions:
    """Rows of the pairs that can be reached, and within a limit of their population."""
    near = found.distance_km <= (limit_km * ROUNDING)[found.population_idx]
    near |= found.travel_min <= (limit_min * ROUNDING)[found.population_idx]
    near &= ~(np.isinf(found.distance_km) | np.isinf(found.travel_min))
    return np.flatnonzero(near)


@dataclass(frozen=True, eq=False)
class _Radii:
    """Radii by service and area class, shape (n_services, n_classes); one unit holds each.

    ``km`` and ``min`` are ``-inf`` where the radius is in the other unit; ``row`` is the row of
    the table; ``class_idx`` is the class of each population, shape (n_populations,).
    """

    km: Floats
    min: Floats
    row: Positions
    class_idx: Positions


def _radii_by_class(
    radii: pd.DataFrame, populations: pd.DataFrame, service_ids: Sequence[str]
) -> _Radii:
    class_idx, classes = pd.factorize(populations["area_class"])
    service = positions_of(radii["service_id"], service_ids)
    area_class = positions_of(radii["area_class"], classes)
    used = np.flatnonzero((service >= 0) & (area_class >= 0))
    place = (service[used], area_class[used])
    row = np.full((len(service_ids), len(classes)), -1, dtype=np.intp)
    row[place] = used
    # a service without any radius is one that residents only reach by referral
    by_referral = ~np.isin(np.arange(len(service_ids)), service)
    absent = np.argwhere((row < 0) & ~by_referral[:, None])
    if len(absent):
        raise DataError(
            Problem(
                "radii",
                f"no radius of service {service_ids[s]!r} for area class {classes[c]!r}",
                mend="add a row",
            )
            for s, c in absent
        )
    radius = radii["radius"].to_numpy(dtype=np.float64)
    in_km = radii["unit"].eq("km").to_numpy()
    km, minutes = (np.append(np.where(in_km == k, radius, -np.inf), -np.inf) for k in (True, False))
    return _Radii(
        km=km[row],
        min=minutes[row],
        row=row,
        class_idx=class_idx,
    )


def radius_limits(
    radii: pd.DataFrame, populations: pd.DataFrame, service_ids: Sequence[str]
) -> tuple[Floats, Floats]:
    """Farthest that anyone of each population is sent, over all services.

    Parameters
    ----------
    radii, populations
        Tables of the schema, checked.
    service_ids : length n_services
        Services that count.

    Returns
    -------
    limit_km, limit_min : shape (n_populations,)
        Limits for :func:`travel_pairs`; ``-inf`` where no radius has the unit.

    Raises
    ------
    DataError
        If a service has no radius for the area class of some population.
    """
    table = _radii_by_class(radii, populations, service_ids)
    farthest_km = table.km.max(axis=0, initial=-np.inf)
    farthest_min = table.min.max(axis=0, initial=-np.inf)
    return farthest_km[table.class_idx], farthest_min[table.class_idx]


def reach(
    pairs: Pairs,
    populations: pd.DataFrame,
    facilities: pd.DataFrame,
    offers: NDArray[np.bool_],
    radii: pd.DataFrame,
    service_ids: Sequence[str],
) -> Arcs:
    """Arcs: the pairs within the radius of each service that the facility offers.

    Parameters
    ----------
    pairs
        Pairs within :func:`radius_limits` or farther.
    populations, facilities, radii
        Tables of the schema, checked.
    offers : shape (n_facilities, n_services)
        Whether the facility offers the service.
    service_ids : length n_services
        Services in the order of the columns of ``offers``.

    Returns
    -------
    Arcs

    Raises
    ------
    DataError
        If a service has no radius for the area class of some population, or a radius is in a
        unit that the method of travel does not know.
    """
    if offers.shape != (len(facilities), len(service_ids)):
        raise ValueError(f"offers has shape {offers.shape}, not (facilities, services)")
    table = _radii_by_class(radii, populations, service_ids)
    class_idx = table.class_idx[pairs.population_idx]
    problems = _unknown_travel("km", table.km, pairs.distance_km, class_idx, table.row, radii)
    problems += _unknown_travel("min", table.min, pairs.travel_min, class_idx, table.row, radii)
    if problems:
        raise DataError(problems)
    parts = []
    for service in range(len(service_ids)):
        near = np.zeros(len(pairs), dtype=np.bool_)
        for limit, travel in (
            (table.km[service], pairs.distance_km), (table.min[service], pairs.travel_min),
        ):  # fmt: skip
            if (limit > -np.inf).any():
                near |= travel <= (limit * ROUNDING)[class_idx]
        parts.append(np.flatnonzero(near & offers[pairs.facility_idx, service]))
    pair = np.concatenate([np.zeros(0, dtype=np.intp), *parts])
    service_idx = np.arange(len(service_ids)).repeat([len(part) for part in parts])
    # each part is sorted by population and facility, so a stable sort leaves facilities in order
    key = pairs.population_idx[pair] * len(service_ids) + service_idx
    order = np.argsort(key, kind="stable")
    pair = pair[order]
    return Arcs(
        population_idx=pairs.population_idx[pair],
        facility_idx=pairs.facility_idx[pair],
        service_idx=service_idx[order],
        travel_min=pairs.travel_min[pair],
        distance_km=pairs.distance_km[pair],
    )


def _unknown_travel(
    unit: str,
    radius: Floats,
    travel: Floats,
    class_idx: Positions,
    row: Positions,
    radii: pd.DataFrame,
) -> list[Problem]:
    """Radii that cannot be measured because travel is not known in their unit."""
    unknown = np.zeros(radius.shape[1], dtype=np.bool_)
    unknown[class_idx[np.isnan(travel)]] = True
    other = {"km": "min", "min": "km"}[unit]
    source = {"km": "lengths (km)", "min": "speeds or travel times"}[unit]
    return [
        Problem(
            "radii", f"but travel is known in {other} only", int(position) + 1, "unit", unit,
            f"state the radius in {other}, or give {source} in the travel settings",
        )
        for position in np.sort(row[(radius > -np.inf) & unknown])
    ]  # fmt: skip


def facility_pairs(
    facilities: pd.DataFrame,
    travel: Travel,
    limit_km: Floats,
    limit_min: Floats,
    roads: nx.Graph[Any] | None = None,
) -> Pairs:
    """Pairs of facilities within the limits of the first of the two, itself included.

    Parameters
    ----------
    facilities
        Table of the schema, checked.
    travel
        How travel is found; a matrix does not know travel between facilities.
    limit_km, limit_min : shape (n_facilities,)
        As for :func:`travel_pairs`.
    roads
        The road graph, if travel is by road graph.

    Returns
    -------
    Pairs
        ``population_idx`` is the facility that travel begins at.

    Raises
    ------
    DataError
        As for :func:`travel_pairs`; or if travel is a matrix, or a facility has no area class.
    """
    if travel.method == "matrix":
        mend = "choose great_circle or road_graph, or leave out what is stated between facilities"
        message = "a travel matrix does not know travel between facilities"
        raise DataError([Problem("travel", message, column="method", value="matrix", mend=mend)])
    start = facilities.rename(columns={"facility_id": "population_id"})
    unclassed = np.flatnonzero((start["area_class"] == "").to_numpy())
    if len(unclassed):
        raise DataError(
            Problem(
                "facilities", "is empty, but travel between facilities goes at its speed",
                int(row) + 1, "area_class", mend="give the class, e.g. urban or rural",
            )
            for row in unclassed
        )  # fmt: skip
    return travel_pairs(facilities, start, travel, limit_km, limit_min, roads=roads)


def referral_reach(
    pairs: Pairs, offers: NDArray[np.bool_], referrals: pd.DataFrame, service_ids: Sequence[str]
) -> ReferralArcs:
    """Referral arcs: pairs within the radius of a referral that offer its two services.

    Parameters
    ----------
    pairs
        Of facilities, within the largest radius or farther.
    offers : shape (n_facilities, n_services)
        Whether the facility offers the service.
    referrals
        Table of the schema, checked.
    service_ids : length n_services
        Services in the order of the columns of ``offers``.

    Raises
    ------
    DataError
        If a radius is in a unit that the method of travel does not know.
    """
    start, end = pairs.population_idx, pairs.facility_idx
    from_service = positions_of(referrals["from_service_id"], service_ids)
    to_service = positions_of(referrals["to_service_id"], service_ids)
    found: list[Positions] = []
    for row, (radius, unit) in enumerate(zip(referrals["radius"], referrals["unit"])):
        travel = pairs.distance_km if unit == "km" else pairs.travel_min
        if np.isnan(travel).any():
            mend = "state the radius in the other unit, or give what travel lacks"
            message = "travel is not known in this unit"
            raise DataError([Problem("referrals", message, row + 1, "unit", unit, mend)])
        near = (travel <= radius * ROUNDING) & offers[start, from_service[row]]
        found.append(np.flatnonzero(near & offers[end, to_service[row]]))
    pair = np.concatenate([np.zeros(0, dtype=np.intp), *found])
    referral_idx = np.arange(len(found)).repeat([len(part) for part in found])
    order = np.lexsort((end[pair], referral_idx, start[pair]))
    pair = pair[order]
    return ReferralArcs(
        start[pair], end[pair], referral_idx[order], pairs.travel_min[pair],
        pairs.distance_km[pair],
    )  # fmt: skip
