# The public names, once: type checkers read them here, and so does the lazy loader.
from .access import access_by_area, access_by_population
from .auditing import Audit, audit
from .bundle import write_bundle
from .comparing import Comparison, compare
from .errors import (
    DataError,
    HealthAllocError,
    NoSolutionError,
    PlanError,
    Problem,
    SolverError,
    TimeLimitError,
    UnsupportedError,
)
from .explain.alternatives import Alternatives, alternatives
from .explain.conflicts import Conflict, Conflicts, find_conflicts
from .explain.prices import ClausePrices, price_clauses, price_solution
from .explain.repairs import Repair, Repairs, repairs
from .explain.tradeoffs import TradeOffs, lexicographic, max_min, trade_offs
from .explain.what_if import WhatIf
from .explain.what_if.changes import Changes
from .formulation import LinearProgram, formulate
from .geo.layers import to_geodataframes
from .geo.read import Layer, read_layer
from .geo.write import write_layers
from .io import new_scenario, read_scenario, write_scenario, write_travel
from .network_graph import from_networkx
from .plan import Check, Clause, Measure, Plan, register
from .scenario import Scenario
from .schema import schema_table
from .settings import GreatCircle, RoadGraph, Settings, SolveSettings, TravelMatrix
from .solution import Solution
from .solvers import Certificate, Status, certify
from .solving import solve
from .strategies import Allocation
from .sweeps import Sweep, ensemble, sweep
from .verification import Verification, verify

__version__: str

__all__ = [
    "Allocation",
    "Alternatives",
    "Audit",
    "Certificate",
    "Changes",
    "Check",
    "Clause",
    "ClausePrices",
    "Comparison",
    "Conflict",
    "Conflicts",
    "DataError",
    "GreatCircle",
    "HealthAllocError",
    "Layer",
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
    "Sweep",
    "TimeLimitError",
    "TradeOffs",
    "TravelMatrix",
    "UnsupportedError",
    "Verification",
    "WhatIf",
    "access_by_area",
    "access_by_population",
    "alternatives",
    "audit",
    "certify",
    "compare",
    "ensemble",
    "find_conflicts",
    "formulate",
    "from_networkx",
    "lexicographic",
    "max_min",
    "new_scenario",
    "price_clauses",
    "price_solution",
    "read_layer",
    "read_scenario",
    "register",
    "repairs",
    "schema_table",
    "solve",
    "sweep",
    "to_geodataframes",
    "trade_offs",
    "verify",
    "write_bundle",
    "write_layers",
    "write_scenario",
    "write_travel",
]
