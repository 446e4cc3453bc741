"""What report and plots call things, in English and Chinese: one catalogue, by key."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from typing import Literal

from healthalloc.errors import DataError, HealthAllocError, Problem
from healthalloc.labels.messages import said

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
VARIABLE = "HEALTHALLOC_LANG"
"""Environment variable that names the language where no option does."""


@cache
def catalogue() -> Mapping[str, Mapping[Language, str]]:
    """Every label by its key ``group.name``, in every language.

    Read from the TOML files beside this one: a table for each group, a pair of texts (English,
    Chinese) for each name. `Words` fills in the names in braces.
    """
    found: dict[str, Mapping[Language, str]] = {}
    for file in sorted(files(__name__).iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".toml"):
            continue
        for group, labels in tomllib.loads(file.read_text(encoding="utf-8")).items():
            for name, texts in labels.items():
                found[f"{group}.{name}"] = dict(zip(LANGUAGES, texts))
    return found


_spoken: ContextVar[Language | None] = ContextVar("spoken", default=None)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Have a language asked for everywhere inside the ``with`` where none is named."""
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def language_of(chosen: str | None = None) -> Language:
    """The language asked for.

    Parameters
    ----------
    chosen
        ``"en"`` or ``"zh"``; without it, that of `speaking`, else what the environment variable
        ``HEALTHALLOC_LANG`` begins with, else English.

    Raises
    ------
    DataError
        If there is no such language.
    """
    spoken = _spoken.get()
    if chosen is None and spoken is not None:
        return spoken
    given = chosen if chosen is not None else os.environ.get(VARIABLE, "")
    asked = given if chosen is not None else given[:2].lower() or "en"
    for language in LANGUAGES:
        if asked == language:
            return language
    where = "--lang" if chosen is not None else VARIABLE
    mend = f"allowed: {', '.join(LANGUAGES)}"
    raise DataError([Problem(where, "is no language", value=given, mend=mend)])


OF_THE_USER = (
    "facility_id", "resource_id", "service_id", "population_id", "area_id", "clause_id", "name",
    "quote", "part", "area_class", "from_service_id", "to_service_id",
)  # fmt: skip
"""Columns whose cells are words of the user."""


TARGETS = ("target", "before", "after")
"""Columns whose cells may be targets of clauses."""


class Words:
    """The labels of one language.

    Parameters
    ----------
    language
    """

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        """The label of a key, with values put in for the names in braces."""
        text = catalogue()[key][self.language]
        return text.format(**values) if values else text

    def known(self, group: str, text: str) -> str:
        """The label of a word that the library uses, or the word itself if it is the user's."""
        found = catalogue().get(f"{group}.{text}")
        return text if found is None else found[self.language]

    def said(self, text: str) -> str:
        """A sentence that the library says in English, in this language."""
        return said(text, self.language)

    def column(self, name: str) -> str:
        """The heading of a column of a printed table; English headings stay as they are."""
        if self.language == "en":
            return name
        for group in ("column", "workbook_column"):
            label = catalogue().get(f"{group}.{name}")
            if label is not None:
                return label[self.language]
        head, _, rest = name.partition(" ")
        if rest.startswith("(") and rest.endswith(")"):
            return f"{self.column(head)}（{self.column(rest[1:-1])}）"
        return f"{self.column(head)} {rest}" if rest else name

    def cell(self, column: str, text: str) -> str:
        """A cell of a printed table: words of the library, not those of the user."""
        if self.language == "en" or column in OF_THE_USER:
            return text
        if column in TARGETS:
            return " → ".join(self.said(self.target(part)) for part in text.split(" → "))
        group = {"component": "cost", "status": "clause_status"}.get(column, column)
        label = self.known(group, text)
        label = self.known("clause_kind", text) if column == "kind" and label == text else label
        return label if label != text else self.said(text)

    def error(self, error: HealthAllocError) -> str:
        """The text of an error, every problem of the input in a line of its own."""
        if self.language == "en" or not isinstance(error, DataError):
            return self.said(str(error))
        lines = [self.said(str(error).split("\n", 1)[0])]
        lines += [f"  - {self.problem(problem)}" for problem in error.problems]
        return "\n".join(lines)

    def problem(self, problem: Problem) -> str:
        """A problem of the input: where, which value, what is wrong, how to mend it."""
        if self.language == "en":
            return str(problem)
        place = [problem.table]
        if problem.row is not None:
            place.append(self("problem.row", row=problem.row))
        if problem.column:
            place.append(self("problem.column", column=problem.column))
        text = self.said(problem.message)
        if problem.value:
            text = self("problem.value", value=problem.shown_value, message=text)
        if problem.mend:
            text = self("problem.mend", message=text, mend=self.said(problem.mend))
        return self("problem.place", place=self("problem.and").join(place), message=text)

    def target(self, text: str) -> str:
        """The target of a clause (``">= 4.2"``, ``"2 to 3"``) in words of the language."""
        if self.language == "en":
            return text.replace(">=", "≥").replace("<=", "≤")
        for unit in sorted(catalogue(), key=len, reverse=True):
            if unit.startswith("unit.") and text.endswith(f" {unit[5:]}"):
                text = f"{text.removesuffix(unit[5:])}{catalogue()[unit]['zh']}"
                break
        text = text.replace(">= ", "不低于 ").replace("<= ", "不高于 ")
        return text.replace("exactly ", "等于 ").replace(" to ", " 至 ")

    def money(self, cny: float) -> str:
        """An amount of CNY for a headline, in millions (English) or 万 and 亿 (Chinese)."""
        if cny != cny:
            return "–"
        size = abs(cny)
        if self.language == "zh":
            if size >= 1e8:
                return f"{cny / 1e8:,.2f} 亿元"
            return f"{cny / 1e4:,.1f} 万元" if size >= 1e5 else f"{cny:,.0f} 元"
        if size >= 1e9:
            return f"CNY {cny / 1e9:,.2f} billion"
        return f"CNY {cny / 1e6:,.2f} million" if size >= 1e6 else f"CNY {cny:,.0f}"


def number(value: float) -> str:
    """A value for people: four digits, or whole thousands; a dash for what is not known."""
    if value != value:
        return "–"
    if abs(value) == float("inf"):
        return "∞" if value > 0 else "−∞"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return text.replace("-", "−") if "e" not in text else text


def signed(value: float) -> str:
    """A change for people, with its sign."""
    text = number(value)
    return f"+{text}" if value > 0 and text != "0" else text
