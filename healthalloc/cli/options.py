"""The options of every command: ``--lang`` and ``--json``, stated once."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperGroup

from healthalloc import labels
from healthalloc.cli.answer import answering
from healthalloc.cli.ending import Exit, fail
from healthalloc.cli.help import UsageError, speak, usage_error
from healthalloc.errors import DataError
from healthalloc.labels import LANGUAGES, language_of, speaking

Language = Annotated[
    str | None,
    typer.Option(
        show_default=False,
        autocompletion=lambda: list(LANGUAGES),
        help="Language of all that is shown: en or zh [default: HEALTHALLOC_LANG, else en].",
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document on standard output, and nothing else."),
]


class Group(TyperGroup):
    """The commands together; their help and usage errors are in the language asked for."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **how: Any,
    ) -> Any:
        """As Typer has it, in the language asked for."""
        given = sys.argv[1:] if args is None else list(args)
        words = labels.Words(_foreseen(given))
        speak(self, words)
        try:
            ended = super().main(args, prog_name, complete_var, False, windows_expand_args, **how)
        except UsageError as error:
            if not standalone_mode:
                raise
            usage_error(error, words, "--json" in given)
            ended = Exit.BAD_INPUT
        return sys.exit(ended) if standalone_mode else ended


def _foreseen(args: Sequence[str]) -> labels.Language:
    """The language that a command line asks for, before it is read."""
    given = [b for a, b in pairwise(args) if a == "--lang"]
    given += [a.partition("=")[2] for a in args if a.startswith("--lang=")]
    try:
        return language_of(given[-1] if given else None)
    except DataError:
        return "en"


class App(typer.Typer):
    """A Typer application whose commands all take the common options."""

    def command(self, name: str | None = None, **how: Any) -> Callable[..., Any]:
        """Register a command; the function itself stays as it is."""
        register = super().command(name, **how)

        def registered(function: Callable[..., None]) -> Callable[..., None]:
            register(with_common_options(function, name or function.__name__))
            return function

        return registered


def with_common_options(function: Callable[..., None], name: str) -> Callable[..., None]:
    """A command with the options that all have.

    Parameters
    ----------
    function
        The command; if it takes ``lang`` it is given the language.
    name
        What the command is called in its answer.
    """
    hints = get_type_hints(function, include_extras=True)
    own = inspect.signature(function)
    wants_language = "lang" in own.parameters

    @functools.wraps(function)
    def run(context: typer.Context, lang: str | None, as_json: bool, **given: Any) -> None:
        with answering(name, as_json) as answer:
            try:
                with speaking(_language(lang or context.obj)):
                    function(**given, **({"lang": language_of()} if wants_language else {}))
            except typer.Exit as ended:
                answer.exit_code = ended.exit_code
        if answer.exit_code:
            raise typer.Exit(answer.exit_code)

    keyword = inspect.Parameter.KEYWORD_ONLY
    common = {"lang": (Language, None), "as_json": (AsJson, False)}
    parameters = [inspect.Parameter("context", keyword, annotation=typer.Context)]
    parameters += [
        one.replace(kind=keyword, annotation=hints[key])
        for key, one in own.parameters.items()
        if key not in common
    ]
    parameters += [
        inspect.Parameter(key, keyword, default=default, annotation=hint)
        for key, (hint, default) in common.items()
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def _language(asked: str | None) -> labels.Language:
    try:
        return language_of(asked)
    except DataError as error:
        with speaking("en"):
            fail(error, Exit.BAD_INPUT)
