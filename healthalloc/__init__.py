"""Allocate beds, staff and capacity across a region so that a health plan's clauses hold.

>>> import healthalloc as ha
>>> solution = ha.solve(ha.read_scenario("examples/panzhihua_west"))  # doctest: +SKIP
>>> solution.clauses  # doctest: +SKIP
"""

from healthalloc.audit import Audit, audit
from healthalloc.bundle import write_bundle
from healthalloc.errors import (
    DataError,
    HealthAllocError,
    NoSolutionError,
    PlanError,
    Problem,
    SolverError,
    UnsupportedError,
)
from healthalloc.explain.changes import Changes
from healthalloc.explain.conflicts import Conflict, Conflicts, find_conflicts
from healthalloc.explain.prices import ClausePrices, price_clauses, price_solution
from healthalloc.explain.repairs import Repair, Repairs, repairs
from healthalloc.explain.what_if import WhatIf
from healthalloc.formulation import LinearProgram, formulate
from healthalloc.io import new_scenario, read_scenario, write_scenario
from healthalloc.network_graph import from_networkx
from healthalloc.plan import Check, Clause, Measure, Plan, register
from healthalloc.scenario import Scenario
from healthalloc.schema import schema_table
from healthalloc.settings import GreatCircle, RoadGraph, Settings, SolveSettings, TravelMatrix
from healthalloc.solution import Solution
from healthalloc.solve import solve
from healthalloc.solvers import Certificate, Status, certify
from healthalloc.verification import Verification, verify

__version__ = "0.1.0"

__all__ = [
    "Audit",
    "Certificate",
    "Changes",
    "Check",
    "Clause",
    "ClausePrices",
    "Conflict",
    "Conflicts",
    "DataError",
    "GreatCircle",
    "HealthAllocError",
    "LinearProgram",
    "Measure",
    "NoSolutionError",
    "Plan",
    "PlanError",
    "Problem",
    "Repair",
    "Repairs",
    "RoadGraph",
    "Scenario",
    "Settings",
    "Solution",
    "SolveSettings",
    "SolverError",
    "Status",
    "TravelMatrix",
    "UnsupportedError",
    "Verification",
    "WhatIf",
    "audit",
    "certify",
    "find_conflicts",
    "formulate",
    "from_networkx",
    "new_scenario",
    "price_clauses",
    "price_solution",
    "read_scenario",
    "register",
    "repairs",
    "schema_table",
    "solve",
    "verify",
    "write_bundle",
    "write_scenario",
]
