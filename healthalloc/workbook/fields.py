"""The fields of settings, clauses and checks as columns: form, choices, what they refer to."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from healthalloc.errors import UnsupportedError
from healthalloc.plan.clause import AREA, FACILITY, KINDS, LEVEL, RESOURCE, SERVICE, Check, Clause

Form = Literal["text", "number", "flag", "words", "word or words", "mapping", "mappings"]
REFERENCES = {
    RESOURCE: "resources.resource_id", FACILITY: "facilities.facility_id",
    SERVICE: "services.service_id", AREA: "areas.area_id", LEVEL: "areas.level",
}  # fmt: skip
"""Table and column that a marked field refers to."""
FIRST = (
    "id", "part", "kind", "status", "treatment", "quote", "source", "at_least", "at_most",
    "equals", "about", "tolerance", "baseline", "area", "each_area",
)  # fmt: skip
LAST = ("note",)


@dataclass(frozen=True)
class Field:
    """One field of a dataclass as a column of a sheet.

    Parameters
    ----------
    name
    form
        How a cell holds it.
    meaning
        For people.
    choices
        Words allowed, where they are a closed list.
    references
        ``table.column`` that it names a value of, or ``""``.
    required
        Whether it has no default.
    """

    name: str
    form: Form
    meaning: str
    choices: tuple[str, ...] = ()
    references: str = ""
    required: bool = False


@cache
def fields_of(cls: type) -> dict[str, Field]:
    """The fields of a dataclass by name.

    Raises
    ------
    UnsupportedError
        If a field of a kind of clause fits no form of a cell.
    """
    hints = get_type_hints(cls, include_extras=True)
    meanings = field_meanings(cls)
    found = {}
    for f in fields(cls):
        hint, marks = _bare(hints[f.name])
        form = _form(hint)
        if form is None:
            name = getattr(cls, "kind", cls.__name__)
            raise UnsupportedError(
                f"the field {f.name} of {name} is of a type that no cell of a workbook holds: "
                "keep this scenario as a folder"
            )
        found[f.name] = Field(
            f.name,
            form,
            meanings.get(f.name, ""),
            tuple(map(str, get_args(hint))) if get_origin(hint) is Literal else (),
            next((REFERENCES[m] for m in marks if m in REFERENCES and form == "text"), ""),
            f.default is MISSING and f.default_factory is MISSING,
        )
    return found


def _bare(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """The type without remarks and without None, and the remarks that are words."""
    marks: tuple[Any, ...] = ()
    while True:
        if get_origin(hint) is Annotated:
            marks += tuple(m for m in hint.__metadata__ if isinstance(m, str))
            hint = get_args(hint)[0]
            continue
        inner = [a for a in get_args(hint) if a is not types.NoneType]
        if get_origin(hint) in (Union, types.UnionType) and len(inner) == 1:
            hint = inner[0]
            continue
        return hint, marks


def _form(hint: Any) -> Form | None:
    hint, _ = _bare(hint)
    origin = get_origin(hint)
    if hint is bool:
        return "flag"
    if hint in (int, float):
        return "number"
    if hint is str or origin is Literal:
        return "text"
    if origin in (Union, types.UnionType):
        inner = {_form(a) for a in get_args(hint)}
        return "word or words" if inner == {"text", "words"} else None
    if isinstance(origin, type) and issubclass(origin, Mapping):
        inner = {_form(a) for a in get_args(hint)}
        return "mapping" if inner <= {"text", "number", "word or words"} else None
    if isinstance(origin, type) and issubclass(origin, Sequence):
        inner = {_form(a) for a in get_args(hint) if a is not Ellipsis}
        return (
            "words" if inner <= {"text", "number"} else "mappings" if inner == {"mapping"} else None
        )
    return None


@cache
def field_meanings(cls: type) -> dict[str, str]:
    """What the docstrings of a class and its bases say of their parameters, by name."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        text = inspect.cleandoc(base.__doc__ or "").partition("Parameters\n----------\n")[2]
        for match in re.finditer(r"^(\w[\w, ]*)\n((?:    .*\n?)+)", text, re.MULTILINE):
            words = " ".join(match[2].split()).replace("`", "")
            found |= dict.fromkeys(match[1].split(", "), words)
    return found


def summary_of(cls: type) -> str:
    """The first sentence of a docstring."""
    return " ".join(inspect.cleandoc(cls.__doc__ or "").partition("\n\n")[0].split())


def clause_columns() -> list[str]:
    """Columns of the sheet of clauses: the fields of all kinds, the common ones first."""
    names = {name: None for kind in KINDS.values() for name in fields_of(kind)}
    own = [name for name in names if name not in (*FIRST, *LAST)]
    return [*FIRST, *own, *LAST]


def clause_field(name: str) -> Field:
    """A column of the sheet of clauses, over all kinds that have it."""
    if name == "kind":
        meaning = "Kind of clause; the sheet clause_kinds says what each states and needs."
        return Field(name, "text", meaning, tuple(KINDS), required=True)
    having = [fields_of(kind)[name] for kind in KINDS.values() if name in fields_of(kind)]
    closed = all(field.choices for field in having)
    choices = tuple(dict.fromkeys(c for field in having for c in field.choices))
    first = having[0]
    meaning = first.meaning
    if name not in fields_of(Clause):
        kinds = ", ".join(kind for kind, cls in KINDS.items() if name in fields_of(cls))
        meaning = f"{meaning} For {kinds}."
    same = all(field.references == first.references for field in having)
    return Field(
        name, first.form, meaning, choices if closed else (), first.references if same else "",
        name in fields_of(Clause) and first.required,
    )  # fmt: skip


def check_field(name: str) -> Field:
    """A column of the sheet of checks."""
    field = fields_of(Check)[name]
    if name != "printed":
        return field
    return Field(name, field.form, field.meaning, references="facts.fact_id", required=True)
