"""Lists and mappings as text in one cell: read back as they were, and as a planner types them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthalloc.workbook.forms import (
    plain,
    read_mapping,
    read_mappings,
    read_word_or_words,
    read_words,
)

WORD = st.text(alphabet=st.sampled_from('ab ,;=|"\n()，；＝县级'), max_size=6)
WORDS = st.lists(WORD, max_size=3).map(tuple)
MAPPING = st.dictionaries(WORD, WORD | WORDS, max_size=3)


@given(WORDS | WORD)
def test_words_are_read_back(words: tuple[str, ...] | str) -> None:
    assert read_word_or_words(plain(words)) == words


@given(MAPPING)
def test_a_mapping_is_read_back(mapping: dict[str, tuple[str, ...] | str]) -> None:
    assert read_mapping(plain(mapping)) == mapping


@given(st.lists(MAPPING, min_size=1, max_size=3).map(tuple))
def test_mappings_are_read_back(mappings: tuple[dict[str, tuple[str, ...] | str], ...]) -> None:
    assert read_mappings(plain(mappings)) == mappings


def test_what_a_planner_types() -> None:
    assert read_words(" county ,township,") == ("county", "township")
    assert read_words("县，乡、村") == ("县", "乡", "村")
    assert read_word_or_words("county") == "county"
    scope = "category = general_hospital, health_centre; ownership = public"
    wanted = {"category": ("general_hospital", "health_centre"), "ownership": "public"}
    assert read_mapping(scope) == wanted
    assert read_mapping("category＝general_hospital，health_centre\nownership=public;") == wanted
    assert read_mappings("level = a | level = b") == ({"level": "a"}, {"level": "b"})
    assert plain(wanted) == scope


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("category", "expected 'name = word, word'"),
        ("a = b = c", "expected 'name = word, word'"),
        ("a =", "expected 'name = word, word'"),
        ("a = b; a = c", "gives a twice"),
        ('a = "b', "never closed"),
        ("a = b,,c", "found nothing"),
    ],
)
def test_what_is_no_mapping_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_mapping(text)
