"""Relative links lead to a file that exists, and to a heading in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, name_of, prose

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page: Path) -> list[str]:
    """Anchors of the headings, as GitHub makes them."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.append(f"{anchor}-{found.count(anchor)}" if anchor in found else anchor)
    return found


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_resolve(page: Path) -> None:
    dead = []
    for link in LINK.findall(prose(page)):
        file, _, anchor = link.partition("#")
        if "://" in file:
            continue
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


def test_every_page_is_reached_from_the_index() -> None:
    index = next(page for page in PAGES if name_of(page) == "docs/index.md")
    linked = {(index.parent / link).resolve() for link in LINK.findall(prose(index))}
    pages = {page for page in PAGES if page != index and page.name != "README.md"}
    assert pages <= linked
