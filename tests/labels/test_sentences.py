"""Every sentence of the library has a Chinese one."""

from __future__ import annotations

import re

from healthalloc.cli import app
from healthalloc.labels import LANGUAGES, catalogue
from healthalloc.labels.messages import said, sentences
from healthalloc.schema import TABLES
from tests.labels.sentences import sentences as in_the_source

CHINESE = re.compile("[\u4e00-\u9fff]")
GAP = re.compile(r"\{(\d+)(?::said)?\}")


MARKUP = re.compile(r"\[/?[a-z ]*\]|\.csv")
SAME_IN_BOTH = {"healthalloc: {1}", "healthalloc {1}", "{1}.xlsx", "lower <= upper", "%"}


def known(text: str) -> bool:
    return (
        text in SAME_IN_BOTH
        or text in sentences("zh")
        or any(key.endswith(f".{text}") for key in catalogue())
    )


def test_the_walk_finds_what_is_said() -> None:
    found = in_the_source()
    assert len(found) > 500
    assert "no radius of service {1} for area class {2}" in found
    assert "Tables written to {1}" in found
    assert "is empty: expected {1}" in found
    assert "Allow fractions of beds and people." in found


def test_every_sentence_is_translated() -> None:
    missing = {text: place for text, place in in_the_source().items() if not known(text)}
    assert missing == {}


def test_every_command_says_in_chinese_what_it_does() -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        assert command.callback.__doc__ is not None
        assert known(command.callback.__doc__.split("\n\n")[0].strip())


def test_every_column_of_the_schema_is_translated() -> None:
    for table in TABLES.values():
        assert known(table.meaning)
        for column in table.columns:
            for text in (column.meaning, column.unit):
                assert not text or known(text), text


def test_a_translation_is_chinese_and_keeps_its_gaps() -> None:
    for text, translation in sentences("zh").items():
        gaps = set(GAP.findall(text))
        assert set(GAP.findall(translation)) <= gaps, text
        assert gaps == {str(k) for k in range(1, 1 + len(gaps))}, text
        words = re.search("[a-z]{3}", MARKUP.sub("", GAP.sub("", text)))
        assert CHINESE.search(translation) or not words, text
        assert not CHINESE.search(text), text


def test_sentences_with_gaps() -> None:
    assert said("no radius of service 'icu' for area class 'rural'", "zh") == (
        "服务 'icu' 缺少区域类别 'rural' 的服务半径"
    )
    assert said("is empty: expected a finite number >= 0", "zh") == "为空：应为有限数 >= 0"
    assert said("Before: optimal, 5 CNY a year with unmet demand priced (gap 0)", "zh") == (
        "改动前：最优，每年 5 元，含未满足需求罚价（间隙 0）"
    )
    assert said("nobody ever said this", "zh") == "nobody ever said this"
    assert [said("none", language) for language in LANGUAGES] == ["none", "无"]
