"""A yearly budget as a row of the program: the spending that it bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array

from healthalloc.errors import PlanError, Problem
from healthalloc.formulation.blocks import Columns
from healthalloc.formulation.program import Floats
from healthalloc.layout import Layout
from healthalloc.norms import resource_costs
from healthalloc.plan.clause import Clause
from healthalloc.plan.measure import Measure
from healthalloc.scenario import Scenario

BUDGET_ID = "budget"
"""How prices, conflicts and repairs call the budget."""


@dataclass(frozen=True, kw_only=True)
class Budget(Clause):
    """The yearly budget of a scenario, as a statement like those of its plan.

    It is stated in ``scenario.toml``, not in ``plan.toml``, and its columns are all those of the
    program that cost money, additions and retirements included.
    """

    kind: ClassVar[str] = "budget"

    @property
    def unit_label(self) -> str:
        """Unit of the value, the target and the slack."""
        return "CNY a year"

    @property
    def target_label(self) -> str:
        """The budget in words, to the last yuan."""
        return f"<= {self.bounds[1]:,.12g}"

    def measure(self, layout: Layout) -> Measure:
        """Yearly spending (see `spending`)."""
        spent = spending(layout)
        return Measure(csr_array(spent[None, :]), np.ones(1))


def spending(layout: Layout) -> Floats:
    """What one unit of each column takes from a budget, CNY a year.

    Capital spread over its life, retirement, operation, staff and sites. The time that people
    spend on the way is valued in the objective, but nobody pays it out of a budget; nor does
    anybody pay the penalties on what is not served.

    Parameters
    ----------
    layout

    Returns
    -------
    ndarray, shape (first of the columns ``reached``,)
    """
    columns = Columns.of(layout, 0)
    yearly, of_stock = resource_costs(layout.scenario), layout.stock_resource_idx
    spent = np.zeros(columns.reached)
    spent[: columns.open] = yearly["operating"][of_stock]
    spent[columns.open : columns.flow] = layout.scenario.facilities["site_cost_cny"]
    spent[columns.add : columns.retire] = yearly["capital"][of_stock]
    spent[columns.retire :] = yearly["retirement"][of_stock]
    return spent


def budget_of(scenario: Scenario) -> Budget | None:
    """The budget of a scenario, if it states one.

    Raises
    ------
    PlanError
        If a clause of the plan has the name of the budget.
    """
    limit = scenario.settings.budget_cny_a_year
    if limit is None:
        return None
    if any(BUDGET_ID in (clause.id, clause.name) for clause in scenario.plan.clauses):
        message = "is the name of the scenario's own budget_cny_a_year"
        problem = Problem("plan", message, None, "id", BUDGET_ID, "give the clause another id")
        raise PlanError([problem])
    return Budget(
        id=BUDGET_ID, quote="the yearly budget", source="scenario.toml: budget_cny_a_year",
        at_most=limit,
    )  # fmt: skip


def stated(scenario: Scenario) -> tuple[Clause, ...]:
    """The clauses of the plan, then the budget if there is one."""
    budget = budget_of(scenario)
    return (*scenario.plan.clauses, *(() if budget is None else (budget,)))
