"""The README in English and in Chinese: the same commands, the same code, the same figures."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENGLISH, CHINESE = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh.md"))


def code(text: str) -> list[str]:
    """Lines of code, comments left out: they are in the language of the page."""
    fenced = [line for block in re.findall(r"```\w*\n(.*?)```", text, re.S) for line in
              block.splitlines()]  # fmt: skip
    indented = re.findall(r"^    (\S.*)$", text, re.M)
    return [line.split("  #")[0].rstrip() for line in fenced + indented]


def figures(text: str) -> list[str]:
    """Cells of tables that are numbers."""
    return re.findall(r"(?<=\| )[\d,]{2,}(?= \|)", text)


def test_both_have_the_same_code() -> None:
    assert len(code(ENGLISH)) > 20
    assert code(CHINESE) == code(ENGLISH)


def test_both_have_the_same_figures_and_headings() -> None:
    assert len(figures(ENGLISH)) >= 8
    assert figures(CHINESE) == figures(ENGLISH)
    assert CHINESE.count("\n## ") == ENGLISH.count("\n## ")
    assert sorted(re.findall(r"`(\w+\.(?:csv|json))`", CHINESE)) == sorted(
        re.findall(r"`(\w+\.(?:csv|json))`", ENGLISH)
    )


def test_each_links_to_the_other() -> None:
    assert "](README.zh.md)" in ENGLISH
    assert "](README.md)" in CHINESE
