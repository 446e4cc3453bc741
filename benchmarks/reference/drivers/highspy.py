"""The floor: the reference program by hand-written numpy, handed to HiGHS by pointers.

As fast as we know how to make it, and good for nothing else: columns are laid out so that the
matrix comes out by column without a sort, and nothing is checked, named or kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from benchmarks.reference.clock import Clock
from benchmarks.reference.figures import Figures, Floats, figures
from benchmarks.reference.handed import Handed, state
from healthalloc.scenario import Scenario

EARTH_KM = 6371.0088
Small = NDArray[np.int32]


class Near(NamedTuple):
    """Arcs of one service."""

    population: Small
    facility: Small
    travel_min: Floats


def read(folder: Path) -> None:
    """The tables with types as pandas guesses them, and ids as positions."""
    tables = {path.stem: pd.read_csv(path) for path in sorted(folder.glob("*.csv"))}
    for name, key in (("stock", "facility_id"), ("facilities", "facility_id")):
        pd.Index(tables["facilities"]["facility_id"]).get_indexer(tables[name][key])


def drive(scenario: Scenario, clock: Clock) -> None:
    given = figures(scenario)
    with clock.phase("reach"):
        arcs = near(given)
    with clock.phase("build"):
        program = assembled(given, arcs)
    state(clock, program)
    if not clock.wants("pass", "solve", "extract"):
        return
    with clock.phase("pass"):
        highs = handed_over(program)
    if not clock.wants("solve", "extract"):
        return
    with clock.phase("solve"):
        highs.run()
    clock.facts(
        objective=highs.getInfo().objective_function_value,
        status=highs.modelStatusToString(highs.getModelStatus()).lower(),
    )
    with clock.phase("extract"):
        flow = np.array(highs.getSolution().col_value)[len(given.existing) :]
        np.flatnonzero(flow > 1e-7)


def near(given: Figures) -> list[Near]:
    """Arcs of each service: one search of a tree for each area class."""
    tree = cKDTree(given.facility_point)
    by_service: list[list[Near]] = [[] for _ in given.penalty]
    for area_class, pace in enumerate(given.minutes_per_km):
        rows = np.flatnonzero(given.class_idx == area_class).astype(np.int32)
        limit = given.radius_km[:, area_class] / given.detour
        chord = 2 * np.sin(limit.max() / EARTH_KM / 2) * (1 + 1e-9)
        found = cKDTree(given.population_point[rows]).sparse_distance_matrix(
            tree, chord, output_type="ndarray"
        )
        km = 2 * EARTH_KM * np.arcsin(found["v"] / 2)
        population, facility = rows[found["i"]], found["j"].astype(np.int32)
        for service, arcs in enumerate(by_service):
            inside = km <= limit[service] * (1 + 1e-9)
            inside &= given.offers[facility, service]
            minutes = km[inside] * (given.detour * pace)
            arcs.append(Near(population[inside], facility[inside], minutes))
    return [Near(*map(np.concatenate, zip(*parts))) for parts in by_service]


def assembled(given: Figures, arcs: list[Near]) -> Handed:
    """The program; columns ``stock | flow by service | add | retire``."""
    n_services, n_resources = given.need.shape
    n_facilities, n_stock = len(given.facility_point), len(given.existing)
    present = np.zeros((n_services, len(given.demand)), dtype=bool)
    holds = np.zeros((n_facilities, n_resources), dtype=bool)
    for service, near_ones in enumerate(arcs):
        present[service, near_ones.population] = True
        visited = np.zeros(n_facilities, dtype=bool)
        visited[near_ones.facility] = True
        holds |= visited[:, None] & (given.need[service] > 0)
    demand_row = np.cumsum(present, dtype=np.int32).reshape(present.shape) - 1
    n_demand = int(present.sum())
    capacity_row = np.cumsum(holds, dtype=np.int32).reshape(holds.shape) - 1 + n_demand
    n_capacity = int(holds.sum())
    balance = n_demand + n_capacity
    first_clause = balance + n_stock
    n_rows = first_clause + len(given.clauses)

    index, value, length, cost = [], [], [], []
    # stock: its capacity row, its balance row, the clauses that count it
    counted = holds[given.stock_facility, given.stock_resource]
    clauses = np.array([c for _, c, _ in given.clauses]).reshape(len(given.clauses), n_stock)
    grid = np.empty((n_stock, 2 + len(clauses)), dtype=np.int32)
    grid[:, 0] = capacity_row[given.stock_facility, given.stock_resource]
    grid[:, 1] = np.arange(balance, first_clause)
    grid[:, 2:] = np.arange(first_clause, n_rows)
    weight = np.empty(grid.shape)
    weight[:, 0] = np.where(counted, -given.available[given.stock_resource], 0.0)
    weight[:, 1] = 1.0
    weight[:, 2:] = clauses.T
    kept = weight != 0
    index.append(grid[kept])
    value.append(weight[kept])
    length.append(kept.sum(axis=1, dtype=np.int32))
    cost.append(given.operating[given.stock_resource])
    # flow: its demand row, and a capacity row for each resource that it needs
    for service, near_ones in enumerate(arcs):
        needed = np.flatnonzero(given.need[service])
        n = len(near_ones.population)
        block = np.empty((n, 1 + len(needed)), dtype=np.int32)
        block[:, 0] = demand_row[service][near_ones.population]
        for place, resource in enumerate(needed, start=1):
            block[:, place] = capacity_row[:, resource][near_ones.facility]
        amounts = np.empty(block.shape)
        amounts[:] = np.append(1.0, given.need[service, needed])
        index.append(block.ravel())
        value.append(amounts.ravel())
        length.append(np.full(n, block.shape[1], dtype=np.int32))
        cost.append(near_ones.travel_min * given.cost_per_min[service] - given.penalty[service])
    # add and retire: their balance row
    for sign, price in ((-1.0, given.capital), (1.0, given.retirement)):
        index.append(np.arange(balance, first_clause, dtype=np.int32))
        value.append(np.full(n_stock, sign))
        length.append(np.ones(n_stock, dtype=np.int32))
        cost.append(price[given.stock_resource])

    all_cost = np.concatenate(cost)
    start = np.zeros(len(all_cost) + 1, dtype=np.int32)
    np.cumsum(np.concatenate(length), out=start[1:])
    lower, upper = np.zeros(len(all_cost)), np.full(len(all_cost), np.inf)
    lower[:n_stock], upper[:n_stock] = given.lower, given.upper
    upper[-n_stock:] = given.existing
    floors = np.array([floor for _, _, floor in given.clauses])
    row_lower = np.concatenate(
        [np.zeros(n_demand), np.full(n_capacity, -np.inf), given.existing, floors]
    )
    row_upper = np.concatenate(
        [
            given.demand.T[present],
            np.zeros(n_capacity),
            given.existing,
            np.full(len(floors), np.inf),
        ]
    )
    return Handed(
        all_cost, lower, upper, row_lower, row_upper, start, np.concatenate(index),
        np.concatenate(value), float((given.demand @ given.penalty).sum()),
    )  # fmt: skip


def handed_over(program: Handed) -> Any:
    """A silent HiGHS that holds the program."""
    import highspy

    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.passModel(
        len(program.cost), len(program.row_lower), len(program.value),
        int(highspy.MatrixFormat.kColwise), int(highspy.ObjSense.kMinimize), program.offset,
        program.cost, program.column_lower, program.column_upper, program.row_lower,
        program.row_upper, program.start, program.index, program.value,
        np.zeros(len(program.cost), dtype=np.int32),
    )  # fmt: skip
    return highs
