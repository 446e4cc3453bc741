"""Every sentence that the library says, read from its source: what a translator has to cover."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import healthalloc

PACKAGE = Path(healthalloc.__file__).parent
# who reads them, and which of their arguments are sentences: positions, keywords
SPEAKERS: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "Problem": ((1,), ("message", "mend")),
    "refuse": ((0, 1, 2), ("message", "mend")),
    "_problem": ((0,), ("message", "mend")),
    "_of": ((2, 4), ("message", "mend")),
    "refuse_filled": ((1, 2), ()),
    "print": ((0,), ()),
    "print_table": ((1,), ()),
    "_table": ((1,), ()),
    "echo": ((0,), ()),
    "Option": ((), ("help",)),
    "Argument": ((), ("help",)),
    "App": ((), ("help", "epilog")),
    "command": ((), ("epilog",)),
    "HealthAllocError": ((0,), ()),
    "UnsupportedError": ((0,), ()),
    "SolverError": ((0,), ()),
    "NoSolutionError": ((0,), ()),
}  # fmt: skip
# rooms in which every text of several words is said to users
TALKATIVE = (
    "plan", "consistency", "contradictions.py", "auditing.py", "validate.py", "door.py",
    "retarget.py",
)  # fmt: skip
# rooms whose words stand in catalogues of their own, or that say nothing to a user
ELSEWHERE = ("labels", "plotting", "progress")


def sentences() -> dict[str, str]:
    """Each sentence, with gaps numbered from 1, and where it is said."""
    found: dict[str, str] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE)
        if place.parts[0] in ELSEWHERE:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        for node, where in _spoken(tree):
            for text in _texts(node, where):
                if re.search("[a-z]", OUTSIDE.sub("", text)):
                    found.setdefault(text.strip(), f"{place}:{node.lineno}")
        if place.parts[0] in TALKATIVE or place.name in TALKATIVE:
            for node in _literals(tree):
                for text in _texts(node, tree):
                    words = OUTSIDE.sub("", text).split()
                    if len(words) > 2 and not any("." in word[:-1] for word in words):
                        found.setdefault(text.strip(), f"{place}:{node.lineno}")
    return found


OUTSIDE = re.compile(r"\{\d+\}|\[/?[a-z ]*\]")
"""Gaps and markup."""


def _literals(node: ast.AST) -> Iterator[ast.expr]:
    """Texts that stand in code, docstrings left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.Constant | ast.JoinedStr):
            yield child
        else:
            yield from _literals(child)


def _spoken(tree: ast.Module) -> Iterator[tuple[ast.expr, ast.AST]]:
    """Expressions that are said, each with the function around it."""
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.FunctionDef | ast.Module):
            continue
        for call in _own_calls(scope):
            name = _name(call.func)
            positions, keywords = SPEAKERS.get(name, ((), ()))
            for position in positions:
                if position < len(call.args):
                    yield call.args[position], scope
            for keyword in call.keywords:
                if keyword.arg in keywords:
                    yield keyword.value, scope


def _own_calls(scope: ast.AST) -> Iterator[ast.Call]:
    """Calls of a scope that are in no function inside it."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.Call):
            yield child
        if not isinstance(child, ast.FunctionDef):
            yield from _own_calls(child)
            continue
        for part in (*child.decorator_list, child.args):
            yield from _own_calls(ast.Tuple([part]) if isinstance(part, ast.expr) else part)


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _texts(node: ast.expr, scope: ast.AST, deep: int = 3) -> list[str]:
    """The texts that an expression may be; none where only the run can tell."""
    made = _made(node, scope, deep)
    return [_numbered(parts) for parts in made]


def _made(node: ast.expr, scope: ast.AST, deep: int) -> list[list[str | None]]:
    """Each text as its parts, ``None`` for a gap."""
    if isinstance(node, ast.Constant):
        return [[node.value]] if isinstance(node.value, str) and node.value else []
    if isinstance(node, ast.JoinedStr):
        return [[v.value if isinstance(v, ast.Constant) else None for v in node.values]]
    if isinstance(node, ast.IfExp):
        return _made(node.body, scope, deep) + _made(node.orelse, scope, deep)
    if isinstance(node, ast.BoolOp):
        return [text for value in node.values for text in _made(value, scope, deep)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left = _made(node.left, scope, deep) or [[None]]
        right = _made(node.right, scope, deep) or [[None]]
        return [a + b for a in left for b in right]
    if isinstance(node, ast.Name) and deep:
        given = [
            each.value
            for each in ast.walk(scope)
            if isinstance(each, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == node.id for t in each.targets)
        ]
        return [text for value in given for text in _made(value, scope, deep - 1)]
    return []


def _numbered(parts: list[str | None]) -> str:
    text, gaps = "", 0
    for part in parts:
        if part is None:
            gaps += 1
            text += f"{{{gaps}}}"
        else:
            text += part
    return text
