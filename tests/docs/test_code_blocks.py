"""Every page is followed block by block; what it shows as output is what is printed."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from healthalloc.plan import KINDS
from tests.docs.pages import PAGES, ROOT, WRITTEN, Reader, blocks, name_of, output_after, same


@pytest.fixture
def kinds_restored() -> Iterator[None]:
    """A page may register a kind of clause; other tests must not see it."""
    before = dict(KINDS)
    yield
    KINDS.clear()
    KINDS.update(before)


@pytest.mark.usefixtures("kinds_restored")
@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_page_does_what_it_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, regenerate_golden: bool
) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    found = blocks(page)
    reader = Reader(page)
    fresh: list[tuple[int, int, str]] = []
    for position, block in enumerate(found):
        printed = reader.follow(block)
        shown = output_after(page, found, position)
        if printed is None or shown is None:
            continue
        if regenerate_golden and "..." not in shown.text:
            fresh.append((shown.first, shown.last, printed))
        else:
            where = f"{name_of(page)}, line {shown.first}"
            assert same(shown.text, printed), f"{where} shows\n{shown.text}\nbut it is\n{printed}"
    if fresh:
        lines = page.read_text(encoding="utf-8").splitlines()
        for first, last, printed in reversed(fresh):
            lines[first:last] = [line.rstrip() for line in printed.rstrip("\n").splitlines()]
        page.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_toml_parses(page: Path) -> None:
    for block in blocks(page):
        if block.language == "toml":
            tomllib.loads(block.text)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_says_its_language(page: Path) -> None:
    known = {"python", "console", "toml", "csv", "text", "{eval-rst}"}
    assert {block.language for block in blocks(page)} <= known
