"""The pages of the documentation, their code blocks, and a runner that does what they say."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w
from typer.testing import CliRunner

from healthalloc.cli import app

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
REFERENCE = ROOT / "docs" / "reference"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
WRITTEN = [page for page in PAGES if REFERENCE not in page.parents]
"""Pages written by hand."""

PROGRESS = re.compile(r"^\d+ s: .*\n", re.MULTILINE)
"""What a command says on a slow machine of how far it is."""


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Block:
    """A code block: its language, the rest of its opening line, its text, where it stands."""

    language: str
    info: str
    text: str
    first: int  # line of the page, counted from 0, on which the text begins
    last: int  # the line after the text


def blocks(page: Path) -> list[Block]:
    """The fenced code blocks of a page; in the README indented ones with commands as well."""
    lines = page.read_text(encoding="utf-8").splitlines()
    found: list[Block] = []
    opened: int | None = None
    for number, line in enumerate(lines):
        if line.startswith("```") and opened is None:
            opened = number
        elif line.startswith("```"):
            language, _, info = lines[opened].removeprefix("```").partition(" ")
            text = "\n".join(lines[opened + 1 : number]) + "\n"
            found.append(Block(language, info, text, opened + 1, number))
            opened = None
        elif opened is None and re.match(r"    (pip|healthalloc) ", line):
            found.append(Block("console", "", "$ " + line.strip() + "\n", number, number + 1))
    assert opened is None, f"{name_of(page)}: a code block is not closed"
    return found


def prose(page: Path) -> str:
    """A page without its code blocks."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for block in blocks(page):
        lines[block.first : block.last] = [""] * (block.last - block.first)
    return "\n".join(lines)


class Reader:
    """Somebody who does what a page says, block by block, in the current folder."""

    def __init__(self, page: Path) -> None:
        self.page = page
        self.names: dict[str, Any] = {"__name__": "__main__"}

    def follow(self, block: Block) -> str | None:
        """Do what a block says; what it prints, or None for a block that prints nothing."""
        do = {"python": self.python, "console": self.console, "toml": self.file, "csv": self.file}
        return do[block.language](block) if block.language in do else None

    def python(self, block: Block) -> str:
        # line numbers of a traceback are those of the page; the page has no __future__ imports
        source = "\n" * block.first + block.text
        code = compile(source, name_of(self.page), "exec", dont_inherit=True)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, self.names)
        return out.getvalue()

    def console(self, block: Block) -> str:
        printed = ""
        for words, expected in commands(block):
            if words[0] == "cp":
                shutil.copytree(words[2], words[3])
                continue
            result = CliRunner().invoke(app, words[1:])
            if result.exception is not None and not isinstance(result.exception, SystemExit):
                raise result.exception
            assert result.exit_code == expected, f"{shlex.join(words)}\n{result.output}"
            printed += PROGRESS.sub("", result.output)
        return printed

    def file(self, block: Block) -> None:
        """``append=FILE`` adds the block to a file, ``write=FILE`` makes it, ``set=FILE`` changes
        the TOML tables of the block in it."""
        if block.language == "toml":
            tomllib.loads(block.text)
        for word in block.info.split():
            action, _, name = word.partition("=")
            old = Path(name).read_text(encoding="utf-8") if action != "write" else ""
            new = old + block.text
            if action == "set":
                new = tomli_w.dumps(tomllib.loads(old) | tomllib.loads(block.text))
            Path(name).write_text(new, encoding="utf-8")


def commands(block: Block) -> Iterator[tuple[list[str], int]]:
    """The commands of a console block that are run, with the exit code the page states."""
    lines = block.text.splitlines()
    for number, line in enumerate(lines):
        if not line.startswith("$ "):
            continue
        code = lines[number + 2] if lines[number + 1 : number + 2] == ["$ echo $?"] else "0"
        for command in line.removeprefix("$ ").split("&&"):
            words = shlex.split(command, comments=True)
            if words[:1] == ["healthalloc"] or words[:2] == ["cp", "-r"]:
                yield words, int(code)


def output_after(page: Path, found: list[Block], position: int) -> Block | None:
    """The ``text`` block right below a block, which shows what it prints."""
    below = found[position + 1] if position + 1 < len(found) else None
    if below is None or below.language != "text":
        return None
    lines = page.read_text(encoding="utf-8").splitlines()
    between = lines[found[position].last + 1 : below.first - 1]
    return None if any(line.strip() for line in between) else below


def same(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed; ``...`` stands for anything, blanks do not count."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(shown, printed, flags)
