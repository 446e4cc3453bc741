"""A clause on residents per facility: "a health centre for 30,000 to 100,000 residents"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array

from healthalloc.layout import Layout
from healthalloc.plan.clause import Clause, Scope, register
from healthalloc.plan.measure import Measure


@register
@dataclass(frozen=True, kw_only=True)
class FacilityPerPopulation(Clause):
    """Residents for each open facility of a scope.

    Every area that the clause speaks of is entitled to one facility: where fewer residents live
    than ``at_least``, so many are counted. With ``each_area = "street"``, ``at_least = 30000``
    and ``at_most = 100000`` it says "one in every street, and one for every 30,000 to 100,000
    residents".

    Parameters
    ----------
    scope
        Facilities that are counted; empty: all.
    """

    kind: ClassVar[str] = "facility_per_population"
    measure_has_target: ClassVar[bool] = True
    scope: Scope = field(default_factory=dict)

    @property
    def unit_label(self) -> str:
        return "residents per facility"

    def problems(self, layout: Layout) -> list[str]:
        """Areas with too few candidates for their residents."""
        high = self.bounds[1]
        if self.treatment != "enforce" or not np.isfinite(high):
            return []
        if not high:
            return ["a ceiling of 0 residents for each facility cannot be met: give more than 0"]
        measure = self.measured(layout)
        assert measure.denominator is not None
        opening = slice(layout.n_stock, layout.n_stock + layout.n_facilities)
        counted = measure.denominator.toarray()[:, opening] > 0
        return [
            f"needs {residents / high:.3g} facilities for {residents:,.0f} residents, but only {n} "
            f"in its scope exist or are candidates{f' in {place}' if place else ''}: add "
            "candidates to facilities.csv, or widen the scope"
            for k, (residents, row) in enumerate(zip(measure.fixed, counted))
            if (n := len(np.unique(layout.institution_idx[row]))) * high < residents
            for place in measure.place(k)[:1]
        ]

    def measure(self, layout: Layout) -> Measure:
        inhabited = int(layout.residents > 0)
        counted = layout.open_sum(layout.facilities_in(self.scope))[:inhabited]
        residents = max(layout.residents, self.at_least or 0.0)
        return Measure(
            csr_array((inhabited, layout.n_decisions)),
            np.zeros(inhabited),
            csr_array(counted),
            offset=np.full(inhabited, residents),
        )
