"""Sentences of the library in other languages: English texts with gaps, and their translations.

Code states every sentence once, in English, where it is raised or printed: usually an f-string.
A catalogue (``labels/zh/*.toml``) gives for each the same sentence in Chinese, the gaps numbered
from 1 in the order of the English text::

    "no radius of service {1} for area class {2}" = "服务 {1} 缺少区域类别 {2} 的服务半径"

Blanks around a sentence do not count. A gap may stand anywhere in the translation, or be left
out; ``{2:said}`` translates what stands in the gap as well. A finished sentence is told by
matching it against the English texts, those that begin with words first, and of these the
longest. ``tests/labels`` walks the source and fails for a sentence that the catalogue lacks.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

GAP = re.compile(r"\{(\d+)(:said)?\}")


@cache
def sentences(language: str) -> Mapping[str, str]:
    """English texts with numbered gaps, and their translations."""
    found: dict[str, str] = {}
    folder = files(__package__).joinpath(language)
    if not folder.is_dir():
        return found
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            texts = tomllib.loads(file.read_text(encoding="utf-8"))
            found |= {english.strip(): other.strip() for english, other in texts.items()}
    return found


@cache
def _patterns(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Those with gaps as patterns, the most specific first."""
    with_gaps = [text for text in sentences(language) if GAP.search(text)]
    with_gaps.sort(key=lambda text: (text.startswith("{"), -len(GAP.sub("", text)), text))
    return [(_pattern(text), sentences(language)[text]) for text in with_gaps]


def _pattern(text: str) -> re.Pattern[str]:
    parts = GAP.split(text)
    words = [re.escape(part) for part in parts[::3]]
    # what stands in a gap is in one line, unless the sentence itself has several
    return re.compile("(.*?)".join(words), re.DOTALL if "\n" in text else 0)


@cache
def said(text: str, language: str) -> str:
    """A sentence in a language; as it is where the catalogue does not know it.

    Parameters
    ----------
    text
        In English, as the library says it. Lines that are no sentence of the catalogue together
        are taken one by one.
    language
        ``"en"`` or another.
    """
    if language == "en" or not text:
        return text
    bare = text.strip()
    if bare != text:
        return text.replace(bare, said(bare, language), 1)
    found = _found(text, language)
    if found is None and "\n" in text:
        return "\n".join(said(line, language) for line in text.split("\n"))
    return text if found is None else found


def _found(text: str, language: str) -> str | None:
    whole = sentences(language).get(text)
    if whole is not None:
        return whole
    for pattern, translation in _patterns(language):
        match = pattern.fullmatch(text)
        if match is not None:

            def filled(gap: re.Match[str], match: re.Match[str] = match) -> str:
                value = match[int(gap[1])]
                return said(value, language) if gap[2] else value

            return GAP.sub(filled, translation)
    return None
