"""Lists and mappings as plain text in one cell.

====================================  =========================================================
``a, b``                              a list of words
``category = a, b; ownership = c``    a mapping (a scope): several words are alternatives
``category = a | category = b``       a list of mappings
``"a, b"``                            one word that holds a mark; ``""`` in it is a quote
``a,``                                a list of one word, where one word alone means another thing
``()``                                nothing, where an empty cell would mean 'not given'
====================================  =========================================================

A line break does for ``;`` and the full-width marks of Chinese keyboards do for the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

COMMA, SEMICOLON, EQUALS, BAR = ",，、", ";；\n", "=＝", "|｜"
NOTHING = "()"
_MARKS = COMMA + SEMICOLON + EQUALS + BAR
_TOKEN = re.compile(rf'"((?:[^"]|"")*)"|([{_MARKS}])|([^"{_MARKS}]+)')


def plain(value: Any) -> str:
    """The text of a word, list, mapping or list of mappings.

    Parameters
    ----------
    value
        Words, numbers and flags in sequences and mappings.
    """
    if isinstance(value, Mapping):
        return "; ".join(f"{_word(k)} = {plain(v)}" for k, v in value.items()) or NOTHING
    if isinstance(value, Sequence) and not isinstance(value, str):
        if any(isinstance(item, Mapping) for item in value):
            return " | ".join(plain(item) for item in value)
        words = [_word(item) for item in value]
        return f"{words[0]}," if len(words) == 1 else ", ".join(words) or NOTHING
    return _word(value)


def _word(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    if text == text.strip() != "" and not set(text) & {*_MARKS, '"'} and text != NOTHING:
        return text
    return '"' + text.replace('"', '""') + '"'


Token = tuple[str, bool]  # a mark or a word, and whether it is a mark


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError("a quote is opened and never closed")
        quoted, mark, bare = match.groups()
        position = match.end()
        if quoted is not None:
            found.append((quoted.replace('""', '"'), False))
        elif mark is not None:
            found.append((mark, True))
        elif bare.strip():
            found.append((bare.strip(), bare.strip() == NOTHING))
    return found


def _split(tokens: Sequence[Token], marks: str) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token[1] and token[0] in marks:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _words(tokens: Sequence[Token], marks: str) -> tuple[str, ...] | str:
    """A list of words; one word alone is a word."""
    if list(tokens) == [(NOTHING, True)]:
        return ()
    parts = _split(tokens, marks)
    listed = len(parts) > 1
    if listed and not parts[-1]:
        parts = parts[:-1]
    for part in parts:
        if [mark for _, mark in part] != [False]:
            shown = " ".join(text for text, _ in part) or "nothing"
            raise ValueError(f"expected one word between commas, found {shown}")
    words = tuple(part[0][0] for part in parts)
    return words if listed else words[0]


def read_words(text: str) -> tuple[str, ...]:
    """A list of words.

    Raises
    ------
    ValueError
        If the text is none.
    """
    words = read_word_or_words(text)
    return (words,) if isinstance(words, str) else words


def read_word_or_words(text: str) -> tuple[str, ...] | str:
    """A word, or a list of words.

    Raises
    ------
    ValueError
        If the text is neither.
    """
    return _words(_tokens(text), COMMA + SEMICOLON)


def read_mapping(text: str) -> dict[str, tuple[str, ...] | str]:
    """A mapping from a name to a word or words.

    Raises
    ------
    ValueError
        If the text is none, or gives a name twice.
    """
    return _mapping(_tokens(text))


def read_mappings(text: str) -> tuple[dict[str, tuple[str, ...] | str], ...]:
    """Mappings apart by bars.

    Raises
    ------
    ValueError
        If one of them is none.
    """
    return tuple(_mapping(part) for part in _split(_tokens(text), BAR))


def _mapping(tokens: Sequence[Token]) -> dict[str, tuple[str, ...] | str]:
    found: dict[str, tuple[str, ...] | str] = {}
    if list(tokens) == [(NOTHING, True)]:
        return found
    for part in _split(tokens, SEMICOLON):
        if not part:
            continue
        sides = _split(part, EQUALS)
        if len(sides) != 2 or [mark for _, mark in sides[0]] != [False] or not sides[1]:
            shown = " ".join(text for text, _ in part)
            raise ValueError(f"expected 'name = word, word', found {shown!r}")
        name = sides[0][0][0]
        if name in found:
            raise ValueError(f"gives {name} twice: name it once, with words apart by commas")
        found[name] = _words(sides[1], COMMA)
    return found
