"""Where each decision stands: positions of stock, openings and flows in one vector."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from healthalloc.areas import below, children_of, of_level
from healthalloc.network import Arcs, Pairs, ReferralArcs, facility_pairs, travel_pairs
from healthalloc.travel import ROUNDING, positions_of

if TYPE_CHECKING:
    from healthalloc.scenario import Scenario

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]
Mask = NDArray[np.bool_]
Scope = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, eq=False)
class Layout:
    """The decisions ``z`` of a scenario: ``[stock | open | flow | referral]``.

    Clauses state their coefficients over this vector; the program holds it as its first
    columns; the audit fills it from a stock table without a solver.

    Parameters
    ----------
    scenario
        The scenario that the positions refer to.
    arcs
        Arcs of the flows; ``None`` when flows play no part (audit).
    referral_arcs
        Arcs of the referrals; ``None`` when there are none.
    area
        Area that is shown: of the facilities and residents only those in it count. Empty: all.
    """

    scenario: Scenario
    arcs: Arcs | None = None
    referral_arcs: ReferralArcs | None = None
    area: str = ""

    @cached_property
    def stock_facility_idx(self) -> Positions:
        """Facility of each stock decision, shape (n_stock,)."""
        scenario = self.scenario
        return positions_of(scenario.stock["facility_id"], scenario.facilities["facility_id"])

    @cached_property
    def resource_ids(self) -> pd.Index[Any]:
        """Identifiers of the resources, in table order."""
        ids: pd.Index[Any] = pd.Index(self.scenario.resources["resource_id"])
        return ids

    @cached_property
    def stock_resource_idx(self) -> Positions:
        """Leaf resource of each stock decision, shape (n_stock,)."""
        return positions_of(self.scenario.stock["resource_id"], self.resource_ids)

    @cached_property
    def under(self) -> Mask:
        """``under[r, k]``: resource k is r or a kind of r, shape (n_resources, n_resources)."""
        parent = positions_of(self.scenario.resources["parent_id"], self.resource_ids)
        under = np.eye(len(parent), dtype=bool)
        ancestor = parent.copy()
        while (ancestor >= 0).any():
            kind = np.flatnonzero(ancestor >= 0)
            under[ancestor[kind], kind] = True
            ancestor[kind] = parent[ancestor[kind]]
        return under

    @cached_property
    def root_idx(self) -> Positions:
        """Topmost resource that each resource is a kind of, shape (n_resources,)."""
        is_root = (self.scenario.resources["parent_id"] == "").to_numpy()
        root: Positions = np.argmax(self.under & is_root[:, None], axis=0)
        return root

    @property
    def n_stock(self) -> int:
        """Number of stock decisions."""
        return len(self.scenario.stock)

    @property
    def n_facilities(self) -> int:
        """Number of facilities, each with one open decision."""
        return len(self.scenario.facilities)

    @property
    def n_flows(self) -> int:
        """Number of flow decisions."""
        return 0 if self.arcs is None else len(self.arcs.population_idx)

    @property
    def n_referrals(self) -> int:
        """Number of referral decisions."""
        return 0 if self.referral_arcs is None else len(self.referral_arcs)

    @property
    def n_arrivals(self) -> int:
        """Number of pairs of a facility and a service."""
        return self.n_facilities * len(self.scenario.services)

    @property
    def n_decisions(self) -> int:
        """Length of the vector of decisions."""
        return self.n_stock + self.n_facilities + self.n_flows + self.n_referrals

    def with_arcs(self, arcs: Arcs, referral_arcs: ReferralArcs | None) -> Layout:
        """The same stock and openings, with flows and referrals."""
        layout = copy.copy(self)  # with what is known already: nothing of it depends on the arcs
        object.__setattr__(layout, "arcs", arcs)
        object.__setattr__(layout, "referral_arcs", referral_arcs)
        layout.__dict__.pop("_parts", None)
        return layout

    def part(self, area_id: str) -> Layout:
        """The same decisions, of which one area is shown."""
        # made before the copy, so that all parts share them
        parts, _, _ = self._parts, self._scopes, self._children
        if area_id not in parts:
            part = copy.copy(self)  # with what is known already, except what depends on the area
            object.__setattr__(part, "area", area_id)
            for name in ("residents", "population_shown", "facility_shown"):
                part.__dict__.pop(name, None)
            parts[area_id] = part
        return parts[area_id]

    @cached_property
    def _parts(self) -> dict[str, Layout]:
        """What `part` made."""
        return {}

    @cached_property
    def _scopes(self) -> dict[str, Mask]:
        """Facilities of the whole region in each scope that was asked for."""
        return {}

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        return children_of(self.scenario.areas)

    def areas_of(self, levels: str | Sequence[str], within: str = "") -> list[str]:
        """Areas of one or several levels, in an area if one is given."""
        words = [levels] if isinstance(levels, str) else list(levels)
        return of_level(self.scenario.areas, words, within)

    @cached_property
    def population_shown(self) -> Mask:
        """Populations of the area that is shown, shape (n_populations,)."""
        return self._in_area(self.scenario.populations)

    @cached_property
    def facility_shown(self) -> Mask:
        """Facilities of the area that is shown, shape (n_facilities,)."""
        return self._in_area(self.scenario.facilities)

    def _in_area(self, table: pd.DataFrame) -> Mask:
        if not self.area:
            return np.ones(len(table), dtype=bool)
        return table["area"].isin(below(self._children, self.area)).to_numpy()

    @cached_property
    def residents(self) -> float:
        """Residents of the region, or of the area that is shown."""
        return float(self.residents_idx[self.population_shown].sum())

    @cached_property
    def institution_idx(self) -> Positions:
        """Facility that each facility is a form of, itself if none, shape (n_facilities,)."""
        facilities = self.scenario.facilities
        base = positions_of(facilities["form_of"], facilities["facility_id"])
        return np.where(base < 0, np.arange(len(base)), base)

    @cached_property
    def has_forms(self) -> Mask:
        """Facilities that are one form of several, shape (n_facilities,)."""
        sizes = np.bincount(self.institution_idx, minlength=self.n_facilities)
        has_forms: Mask = sizes[self.institution_idx] > 1
        return has_forms

    @cached_property
    def is_choice(self) -> Mask:
        """Facilities of which the program chooses whether they are open, shape (n_facilities,)."""
        site = (self.scenario.facilities["site"] != "existing").to_numpy()
        choice: Mask = site | self.has_forms
        return choice

    @cached_property
    def balance_idx(self) -> Positions:
        """First stock row of the same institution and resource, shape (n_stock,)."""
        key = self.institution_idx[self.stock_facility_idx] * len(self.resource_ids)
        key = key + self.stock_resource_idx
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
        balance: Positions = first[inverse]
        return balance

    @cached_property
    def residents_idx(self) -> Floats:
        """Residents of each population, shape (n_populations,)."""
        return self.scenario.populations["residents"].to_numpy(dtype=float)

    def facilities_in(self, scope: Scope) -> Mask:
        """Facilities that match every column of a scope, shape (n_facilities,).

        Parameters
        ----------
        scope
            Facility columns and the value or values allowed; empty: every facility.
        """
        key = repr(scope)
        if key not in self._scopes:
            self._scopes[key] = in_scope(self.scenario.facilities, scope)
        return self._scopes[key] & self.facility_shown

    def stock_in(self, resource_id: str, facilities: Mask) -> Positions:
        """Positions of the stock of a resource, all kinds below it, in some facilities."""
        r = self.resource_ids.get_loc(resource_id)
        chosen = self.under[r, self.stock_resource_idx] & facilities[self.stock_facility_idx]
        return np.flatnonzero(chosen)

    def stock_sum(
        self, resource_id: str, facilities: Mask, *, each: bool = False, weight: float = 1.0
    ) -> csr_array:
        """Rows that add the stock of a resource up.

        Parameters
        ----------
        resource_id
            Resource; all kinds below it count.
        facilities
            Facilities that count.
        each
            One row a facility rather than one row for all together.
        weight
            Coefficient of every unit.

        Returns
        -------
        csr_array, shape (1 or n facilities that count, n_decisions)
        """
        columns = self.stock_in(resource_id, facilities)
        rows = self._row_of(facilities, each)[self.stock_facility_idx[columns]]
        return self._matrix(rows, columns, weight, facilities, each)

    def open_sum(self, facilities: Mask, *, each: bool = False, weight: float = 1.0) -> csr_array:
        """Rows that count open facilities; parameters and shape as for `stock_sum`."""
        chosen = np.flatnonzero(facilities)
        rows = self._row_of(facilities, each)[chosen]
        return self._matrix(rows, self.n_stock + chosen, weight, facilities, each)

    def _row_of(self, facilities: Mask, each: bool) -> Positions:
        return np.cumsum(facilities) - 1 if each else np.zeros(len(facilities), dtype=np.intp)

    def _matrix(
        self, rows: Positions, columns: Positions, weight: float, facilities: Mask, each: bool
    ) -> csr_array:
        n_rows = int(facilities.sum()) if each else 1
        values = np.full(len(columns), weight)
        if not each:
            edges = np.array([0, len(columns)])
            return csr_array((values, columns, edges), shape=(1, self.n_decisions))
        return csr_array((values, (rows, columns)), shape=(n_rows, self.n_decisions))

    def facility_names(self, facilities: Mask) -> tuple[str, ...]:
        """Identifiers of some facilities."""
        return tuple(self.scenario.facilities["facility_id"][facilities])

    def within(
        self, radius: float, unit: str, populations: Mask, facilities: Mask
    ) -> tuple[Positions, Positions]:
        """Pairs of the given populations and facilities within a radius.

        Parameters
        ----------
        radius
            Farthest travel, in ``unit``: ``"min"`` or ``"km"``.
        populations, facilities
            Masks of those that count.

        Returns
        -------
        population_idx, facility_idx : ndarray of int
            Positions in the scenario's tables.
        """
        limit = np.where(populations, radius, -np.inf)
        none = np.full(len(limit), -np.inf)
        scenario = self.scenario
        pairs: Pairs = travel_pairs(
            scenario.facilities,
            scenario.populations,
            scenario.settings.travel,
            limit_km=limit if unit == "km" else none,
            limit_min=limit if unit == "min" else none,
            travel_table=scenario.travel,
            roads=scenario.roads,
        )
        travel = pairs.distance_km if unit == "km" else pairs.travel_min
        keep = (
            (travel <= radius * ROUNDING)
            & populations[pairs.population_idx]
            & facilities[pairs.facility_idx]
        )
        return pairs.population_idx[keep], pairs.facility_idx[keep]

    def between(
        self, radius: float, unit: str, start: Mask, end: Mask
    ) -> tuple[Positions, Positions]:
        """Pairs of facilities within a radius, a facility and itself included.

        Parameters
        ----------
        radius
            Farthest travel, in ``unit``: ``"min"`` or ``"km"``.
        start, end
            Masks of the facilities that travel may begin and end at.

        Returns
        -------
        start_idx, end_idx : ndarray of int
            Positions in the table of facilities.
        """
        scenario = self.scenario
        limit, none = np.where(start, radius, -np.inf), np.full(len(start), -np.inf)
        pairs = facility_pairs(
            scenario.facilities,
            scenario.settings.travel,
            limit_km=limit if unit == "km" else none,
            limit_min=limit if unit == "min" else none,
            roads=scenario.roads,
        )
        keep = start[pairs.population_idx] & end[pairs.facility_idx]
        return pairs.population_idx[keep], pairs.facility_idx[keep]


def in_scope(facilities: pd.DataFrame, scope: Scope) -> Mask:
    """Rows of a table that match every column of a scope, shape (n_rows,)."""
    mask = np.ones(len(facilities), dtype=bool)
    for column, allowed in scope.items():
        words = [allowed] if isinstance(allowed, str) else list(allowed)
        mask &= facilities[column].isin(words).to_numpy()
    return mask
