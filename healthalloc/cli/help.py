"""Help and usage errors in the language asked for: the words of Typer and Click among them.

Neither has a catalogue of its own, and Typer has begun to say its words without gettext; so what
they say is translated on its way out, as every other sentence is.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from healthalloc.cli.answer import answering
from healthalloc.labels import Words, speaking

if TYPE_CHECKING:
    from typer._click import HelpFormatter
else:  # Typer's own, or Click's for an earlier Typer
    HelpFormatter = TyperGroup.context_class.formatter_class
UsageError: type[Exception] = typer.BadParameter.__bases__[0]
FACTS = re.compile(r"(?P<help>.*?)(?:^|  )\[(?P<facts>[^\[\]]*)\]$", re.DOTALL)
"""The help of an option, and what follows it in brackets: the default, the range, required."""


class ChineseHelp(HelpFormatter):
    """Help that knows how wide Chinese is, and speaks it."""

    words = Words("zh")

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """As Click has it, in words of the language."""
        super().write_usage(prog, args, prefix or self.words.said("Usage:"))

    def write_heading(self, heading: str) -> None:
        """As Click has it, in words of the language."""
        self.write(f"{'':>{self.current_indent}}{self.words.said(heading)}：\n")

    def write_text(self, text: str) -> None:
        """As Click has it, wrapped by the width that is seen."""
        self._draw(Text(self.words.said(text)))

    def write_dl(
        self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """As Click has it, wrapped by the width that is seen."""
        table = Table.grid(padding=(0, col_spacing, 0, 0))
        table.add_column(max_width=col_max, overflow="fold")
        table.add_column(overflow="fold")
        for name, about in rows:
            table.add_row(name, self._about(about))
        self._draw(table)

    def _about(self, text: str) -> str:
        said, facts = self.words.said, FACTS.fullmatch(text)
        if facts is None or said(text) != text:
            return said(text)
        known = "；".join(said(fact) for fact in facts["facts"].split("; "))
        return f"{said(facts['help'])}  [{known}]"

    def _draw(self, what: Text | Table) -> None:
        drawn = io.StringIO()
        console = Console(file=drawn, width=self.width, color_system=None, markup=False)
        console.print(Padding(what, (0, 0, 0, self.current_indent)))
        self.write("".join(f"{line.rstrip()}\n" for line in drawn.getvalue().splitlines()))


def speak(group: TyperGroup, words: Words) -> None:
    """Have the help of all commands in a language, and listed without being cut short.

    Parameters
    ----------
    group
        Its commands are changed in place.
    words
    """
    for command in (group, *group.commands.values()):
        command.help = words.said(command.help or "")
        command.short_help = command.help.split("\n\n")[0]
        if words.language == "en":
            continue
        command.epilog = words.said(command.epilog or "")
        command.options_metavar = words.said(command.options_metavar or "")
        context = command.context_class
        command.context_class = type("Context", (context,), {"formatter_class": ChineseHelp})
        for option in command.params:
            if getattr(option, "help", None):
                option.help = words.said(option.help)  # type: ignore[attr-defined]
    group.subcommand_metavar = words.said(group.subcommand_metavar)


def usage_error(error: Any, words: Words, as_json: bool) -> None:
    """Say what is wrong with a command line, on standard error or as a JSON document.

    Parameters
    ----------
    error
        A `UsageError`.
    words
    as_json
        Whether the command line asks for JSON.
    """
    context = error.ctx
    message = words.said(error.format_message())
    path = context.command_path if context is not None else "healthalloc"
    if as_json:
        with speaking(words.language), answering(path.rpartition(" ")[2], True) as answer:
            answer.exit_code = error.exit_code
            answer.error = {"kind": "UsageError", "message": message, "problems": []}
        return
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return
    if context is not None:
        typer.echo(context.get_usage(), err=True)
    typer.echo(words.said(f"Try '{path} --help' for help."), err=True)
    typer.echo(f"\n{words.said(f'Error: {message}')}", err=True)
