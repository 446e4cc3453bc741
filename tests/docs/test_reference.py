"""The generated pages are up to date and name everything there is."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from functools import cache
from types import ModuleType
from typing import Any

import pytest

import healthalloc
from healthalloc import access, siting
from healthalloc.plan import KINDS
from healthalloc.plan.door import read_clause
from healthalloc.schema import TABLES
from tests.docs.pages import REFERENCE, ROOT

FILES = ["tables.md", "clauses.md", "command.md", "results.md"]


@cache
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "make_reference", ROOT / "docs" / "make_reference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def generated() -> dict[str, str]:
    pages: dict[str, str] = generator().pages()
    return pages


def written(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FILES)
def test_page_is_up_to_date(name: str) -> None:
    assert generated()[name] == written(name), "run python docs/make_reference.py"


def test_there_is_no_other_page() -> None:
    pages = {path.name for path in REFERENCE.glob("*.md")}
    assert pages - {"python.md"} == set(FILES) == generated().keys()


@pytest.mark.parametrize("name", TABLES)
def test_every_table_and_column_appears(name: str) -> None:
    section = written("tables.md").split(f"\n## {name}.csv\n")[1].split("\n## ")[0]
    for column in TABLES[name].columns:
        assert f"\n| `{column.name}` |" in section


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_clause_appears(kind: str) -> None:
    assert f"\n## {kind}\n" in written("clauses.md")


def test_every_public_name_has_its_page_once() -> None:
    listed = re.findall(r"^   (healthalloc\.\S+)$", written("python.md"), flags=re.MULTILINE)
    again = set(healthalloc.__all__)  # names of the rooms that stand at the top as well
    rooms = {"access": access.__all__, "siting": siting.__all__}
    names = [f"healthalloc.{name}" for name in healthalloc.__all__] + [
        f"healthalloc.{room}.{name}"
        for room, exported in rooms.items()
        for name in exported
        if name not in again
    ]
    assert sorted(listed) == sorted([*names, "healthalloc.generate.generate"])


def examples() -> list[dict[str, Any]]:
    text = (ROOT / "docs" / "clause_examples.toml").read_text(encoding="utf-8")
    clauses: list[dict[str, Any]] = tomllib.loads(text)["clause"]
    return clauses


@pytest.mark.parametrize("entry", examples(), ids=lambda entry: str(entry["kind"]))
def test_example_is_a_clause_with_a_target_that_makes_sense(entry: dict[str, Any]) -> None:
    clause, problems = read_clause(entry, "example")
    assert problems == []
    assert clause is not None
    assert clause.bound_problems() == []


def test_every_kind_has_one_example() -> None:
    assert sorted(entry["kind"] for entry in examples()) == sorted(KINDS)
