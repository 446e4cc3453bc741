"""Every kind of clause is tested, documented, and within reach of ``plan.toml``."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import healthalloc.plan
from healthalloc.plan import KINDS, Clause
from tests.golden.components import COMPONENTS

TESTS = Path(__file__).parent
PLAN = Path(healthalloc.plan.__file__).parent
CLAUSE_PAGE = TESTS.parent / "docs" / "reference" / "clauses.md"


def clause_classes() -> list[tuple[str, str]]:
    """File and name of every class in ``plan/`` that derives from a clause."""
    found = []
    known = {"Clause"}
    parsed = [(path.stem, ast.parse(path.read_text("utf-8"))) for path in PLAN.glob("*.py")]
    while True:
        new = [
            (stem, node.name)
            for stem, tree in parsed
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
            and node.name not in known
            and known & {base.id for base in node.bases if isinstance(base, ast.Name)}
        ]
        if not new:
            return sorted(found)
        found += new
        known |= {name for _, name in new}


def test_the_walk_finds_the_kinds():
    # a walk that finds nothing would let everything pass
    assert ("amount", "Amount") in clause_classes()
    assert len(clause_classes()) >= len(KINDS) > 0


@pytest.mark.parametrize(("module", "name"), clause_classes())
def test_a_clause_class_is_imported_and_registered(module, name):
    assert name in healthalloc.plan.__all__
    kind = getattr(healthalloc.plan, name)
    assert issubclass(kind, Clause)
    assert KINDS[kind.kind] is kind
    assert kind.__module__ == f"healthalloc.plan.{module}"
    assert module == kind.kind, "a kind lives in the file of its name"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_has_a_golden_file(kind):
    assert (TESTS / "golden" / f"{kind}.lp").is_file()
    scenario = COMPONENTS[kind].scenario()
    assert {clause.kind for clause in scenario.plan.clauses} == {kind}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_has_a_test_file(kind):
    path = TESTS / "plan" / f"test_{kind}.py"
    assert path.is_file()
    assert "def test_" in path.read_text("utf-8")


# a record has no rows, so there is nothing whose properties could be tested
@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"record"}))
def test_a_kind_has_property_tests(kind):
    scenarios = importlib.import_module("tests.properties.scenarios")
    assert kind in scenarios.KINDS_COVERED


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_is_in_the_docs(kind):
    headings = CLAUSE_PAGE.read_text("utf-8").splitlines()
    assert f"## {kind}" in headings
