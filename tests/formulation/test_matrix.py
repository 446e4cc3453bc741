"""How the matrix of the program is filled: by column, in 32 bits, never all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csc_array

from healthalloc.formulation import assemble, matrix
from healthalloc.formulation.blocks import Columns, capacity_rows
from healthalloc.formulation.program import Floats
from healthalloc.generate import generate
from healthalloc.scenario import Scenario
from tests.golden.components import COMPONENTS

SCENARIOS = {name: component.scenario for name, component in COMPONENTS.items()}
SCENARIOS["generated"] = lambda: generate(60, 12)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_positions_have_32_bits_and_stand_in_order(name: str) -> None:
    found = assemble.formulate(SCENARIOS[name]()).program.matrix
    assert isinstance(found, csc_array)
    assert found.indices.dtype == found.indptr.dtype == np.int32
    # once more from the arrays alone, without what the object believes of itself
    parts = (found.data, found.indices, found.indptr)
    assert csc_array(parts, shape=found.shape).has_canonical_format
    assert found.data.all()


def test_coefficients_of_flows_are_stated_once_for_each_arrival(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    coo_array, stated = matrix.coo_array, []

    def counted(triplets: tuple[Floats, object], shape: tuple[int, int]) -> object:
        stated.append(len(triplets[0]))
        return coo_array(triplets, shape=shape)

    monkeypatch.setattr(matrix, "coo_array", counted)
    scenario = generate(400, 12, whole_units=False)
    program = assemble.formulate(scenario).program
    pairs = len(scenario.facilities) * len(scenario.services)
    several = 2 + len(scenario.resources)
    assert len(stated) == 1
    assert stated[0] <= several * (pairs + len(scenario.stock))
    assert program.matrix.nnz > 5 * stated[0]


def test_what_is_made_follows_the_arcs_and_not_all_pairs() -> None:
    scenario = generate(300, 60)
    layout = assemble.network(scenario)
    program = assemble.assemble(layout).program
    pairs = len(scenario.populations) * len(scenario.facilities) * len(scenario.services)
    assert layout.n_flows < pairs / 4
    assert program.column_block("flow").size == layout.n_flows
    most = 2 + len(scenario.resources)
    assert np.diff(program.matrix.indptr).max() <= most + len(scenario.plan.clauses)


def test_a_matrix_of_rows_alone_is_the_program_without_demand() -> None:
    layout = assemble.network(generate(60, 12))
    program, columns = assemble.assemble(layout).program, Columns.of(layout, 0)
    rows, _ = capacity_rows(layout, columns)
    block = program.row_block("capacity").slice
    assert (matrix.matrix_of(rows, layout, columns) != program.matrix[block]).nnz == 0


def without_arcs() -> Scenario:
    scenario = generate(20, 5)
    far = scenario.facilities.assign(longitude=scenario.facilities["longitude"] + 10)
    return scenario.replace(facilities=far)


def test_a_program_without_any_flow() -> None:
    program = assemble.formulate(without_arcs()).program
    assert program.column_block("flow").size == program.row_block("demand").size == 0
    assert program.matrix.shape == (program.n_rows, program.n_columns)
    assert program.matrix.indices.dtype == np.int32
