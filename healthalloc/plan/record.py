"""A clause that is kept but not measured: an outcome, a process, an intention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.sparse import csr_array

from healthalloc.layout import Layout
from healthalloc.plan.clause import Clause, register
from healthalloc.plan.measure import Measure


@register
@dataclass(frozen=True, kw_only=True)
class Record(Clause):
    """A clause that an allocation cannot measure; it is listed with the reason.

    Parameters
    ----------
    reason
        Why it is not measured.
    unit
        Unit of its target, for the table.
    """

    kind: ClassVar[str] = "record"
    treatment: Literal["record"] = "record"
    reason: Annotated[str, Field(min_length=1)]
    unit: str = ""

    @property
    def unit_label(self) -> str:
        return self.unit

    def measure(self, layout: Layout) -> Measure:
        """No rows."""
        return Measure(csr_array((0, layout.n_decisions)), np.zeros(0))
