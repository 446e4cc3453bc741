"""A clause on the number of facilities of a kind: "four community health centres"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from healthalloc.layout import Layout
from healthalloc.plan.clause import Clause, Scope, ones, register
from healthalloc.plan.measure import Measure


@register
@dataclass(frozen=True, kw_only=True)
class FacilityCount(Clause):
    """Number of open facilities in a scope.

    Parameters
    ----------
    scope
        Facilities that are counted; empty: all.
    """

    kind: ClassVar[str] = "facility_count"
    scope: Scope = field(default_factory=dict)

    @property
    def unit_label(self) -> str:
        return "facilities"

    def problems(self, layout: Layout) -> list[str]:
        """Counts that no choice of sites can reach."""
        if self.treatment != "enforce":
            return []
        low, high = self.bounds
        found = []
        measure = self.measured(layout)
        opening = np.arange(layout.n_stock, layout.n_stock + layout.n_facilities)
        counted = measure.numerator[:, opening].toarray() > 0
        for k, row in enumerate(counted):
            most = len(np.unique(layout.institution_idx[row]))
            least = int((row & ~layout.is_choice).sum())
            place = f" in {measure.place(k)[0]}" if measure.areas else ""
            if most < low:
                found.append(
                    f"asks for {low:g} open facilities, but only {most} in its scope exist or are "
                    f"candidates{place}: add candidates to facilities.csv, or widen the scope"
                )
            if least > high:
                found.append(
                    f"allows {high:g} open facilities, but {least} in its scope cannot close"
                    f"{place}: give those that may close site closable"
                )
        return found

    def measure(self, layout: Layout) -> Measure:
        return Measure(layout.open_sum(layout.facilities_in(self.scope)), ones(1))
