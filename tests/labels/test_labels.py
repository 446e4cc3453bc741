from __future__ import annotations

import re
from pathlib import Path

import pytest

import healthalloc
from healthalloc.errors import DataError
from healthalloc.labels import LANGUAGES, Words, catalogue, language_of, number, signed
from healthalloc.plan import KINDS
from healthalloc.solvers import Status
from healthalloc.strategies import STRATEGIES

PACKAGE = Path(healthalloc.__file__).parent
USED = re.compile(r"""\b(?:words|t)\(\s*f?["']([a-z_]+\.[^"'{}]+)["']""")
CHINESE = re.compile("[\u4e00-\u9fff]")
SAME_IN_BOTH = {"unit.%"}


def keys_used() -> dict[str, str]:
    files = [f for part in ("report", "plotting") for f in (PACKAGE / part).rglob("*.*")]
    return {
        key: file.name
        for file in files
        if file.suffix in (".py", ".html")
        for key in USED.findall(file.read_text(encoding="utf-8"))
    }


def test_every_label_used_is_in_the_catalogue() -> None:
    used = keys_used()
    assert len(used) > 80
    assert {key: file for key, file in used.items() if key not in catalogue()} == {}


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_every_label_is_translated(key: str) -> None:
    texts = catalogue()[key]
    assert set(texts) == set(LANGUAGES)
    assert all(texts.values())
    assert not CHINESE.search(texts["en"])
    has_words = re.search("[a-zA-Z]", re.sub(r"{\w+}", "", texts["en"]))
    assert key in SAME_IN_BOTH or CHINESE.search(texts["zh"]) or not has_words
    names = [set(re.findall(r"{(\w+)}", text)) for text in texts.values()]
    assert names[0] == names[1]


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("status", [status.value for status in Status]),
        ("strategy", list(STRATEGIES)),
        ("clause_kind", list(KINDS)),
        ("treatment", ["enforce", "audit", "record"]),
        ("state", ["grows", "shrinks", "same", "opens", "closes", "gains", "loses", "even"]),
    ],
)
def test_every_word_of_the_library_has_a_label(group: str, names: list[str]) -> None:
    assert [name for name in names if f"{group}.{name}" not in catalogue()] == []


def test_language_by_option_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEALTHALLOC_LANG", raising=False)
    assert language_of() == "en"
    monkeypatch.setenv("HEALTHALLOC_LANG", "zh_CN.UTF-8")
    assert language_of() == "zh"
    assert language_of("en") == "en"
    with pytest.raises(DataError, match="is no language"):
        language_of("fr")
    monkeypatch.setenv("HEALTHALLOC_LANG", "tlh")
    with pytest.raises(DataError, match="HEALTHALLOC_LANG"):
        language_of()


def test_figures_for_people() -> None:
    assert (number(1234.5), number(float("nan")), number(-0.25)) == ("1,234", "–", "−0.25")
    assert (signed(3), signed(-3), signed(0)) == ("+3", "−3", "0")
    english, chinese = Words("en"), Words("zh")
    assert english.money(304_724_662) == "CNY 304.72 million"
    assert (chinese.money(304_724_662), chinese.money(250_000)) == ("3.05 亿元", "25.0 万元")
    assert (english.target(">= 4.2"), chinese.target("2 to 3")) == ("≥ 4.2", "2 至 3")
    assert chinese.known("unit", "a unit of the user") == "a unit of the user"
