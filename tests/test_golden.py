"""Each component of the program, alone, against LP text that was reviewed by eye.

The maths that a file should say stands in its comment (and in ``golden/components.py``). After
a wanted change: ``pytest tests/test_golden.py --regenerate-golden``, then read the difference.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from healthalloc import formulate
from tests.golden.components import COMPONENTS
from tests.golden.writer import lp_text, names

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", COMPONENTS)
def test_component(name, regenerate_golden):
    component = COMPONENTS[name]
    program = formulate(component.scenario()).program
    text = lp_text(program, component.rows, component.maths, objective=component.objective)
    path = GOLDEN / f"{name}.lp"
    if regenerate_golden:
        path.write_text(text, encoding="utf-8")
        pytest.skip(f"wrote {path.name}")
    assert text == path.read_text(encoding="utf-8")


def test_every_file_belongs_to_a_component():
    assert {path.stem for path in GOLDEN.glob("*.lp")} == set(COMPONENTS)


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_row_and_column_has_its_own_name(name):
    program = formulate(COMPONENTS[name].scenario()).program
    columns, rows = names(program.columns), names(program.rows)
    assert len(set(columns)) == len(columns) == program.n_columns
    assert len(set(rows)) == len(rows) == program.n_rows
    # blocks follow one another without gaps
    for blocks in (program.columns, program.rows):
        assert [b.start for b in blocks] == [0, *(b.stop for b in blocks[:-1])]


def test_every_sort_of_row_has_a_golden_file():
    program = formulate(COMPONENTS["coverage"].scenario()).program
    assert {block.name for block in program.rows} == {c.rows for c in COMPONENTS.values()}
