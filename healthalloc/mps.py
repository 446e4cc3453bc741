"""A linear program as free MPS text, every number in full, and a reader of its own.

Columns are called ``c0, c1, ...`` and rows ``r0, r1, ...`` after their positions, the objective
``cost``. The format is the one all solvers read; see "MPS file format" in the documentation
of HiGHS, or Maros 2003 (doi:10.1007/978-1-4615-0257-9), chapter 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TypeVar

import numpy as np
from scipy.sparse import coo_array, csc_array

from healthalloc.errors import DataError, Problem
from healthalloc.formulation.program import LinearProgram

OBJECTIVE = "cost"
FREE = -1e30
"""Lower side of a row without bounds: what every solver takes for minus infinity."""

LONGEST = 1300
"""Most digits of the width of a range: what any two numbers lie apart is said in fewer."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def write_mps(program: LinearProgram) -> str:
    """A program as MPS text that `read_mps` reads back without loss.

    Parameters
    ----------
    program
    """
    return "\n".join(_lines(program)) + "\n"


def _lines(program: LinearProgram) -> Iterator[str]:
    yield "NAME healthalloc"
    yield "ROWS"
    yield f" N {OBJECTIVE}"
    lows, highs = program.row_lower.tolist(), program.row_upper.tolist()
    kinds = [_row_kind(low, high) for low, high in zip(lows, highs)]
    yield from (f" {kind} r{k}" for k, kind in enumerate(kinds))
    yield "COLUMNS"
    matrix, whole = program.matrix.sorted_indices(), False
    matrix.eliminate_zeros()
    starts, rows, values = matrix.indptr.tolist(), matrix.indices.tolist(), matrix.data.tolist()
    for j, (cost, integer) in enumerate(zip(program.cost.tolist(), program.integer.tolist())):
        if integer != whole:
            yield _marker(j, integer)
            whole = integer
        entries = range(starts[j], starts[j + 1])
        if cost or not entries:
            yield f" c{j} {OBJECTIVE} {cost!r}"
        yield from (f" c{j} r{rows[k]} {values[k]!r}" for k in entries)
    if whole:
        yield _marker(program.n_columns, False)
    yield "RHS"
    if program.offset:
        yield f" rhs {OBJECTIVE} {-program.offset!r}"
    for k, (kind, low, high) in enumerate(zip(kinds, lows, highs)):
        side = high if kind == "L" else max(low, FREE)
        if side:
            yield f" rhs r{k} {side!r}"
    yield "RANGES"
    for k, (kind, low, high) in enumerate(zip(kinds, lows, highs)):
        if kind == "G" and np.isfinite(low) and np.isfinite(high):
            yield f" range r{k} {_width(low, high)}"
    yield "BOUNDS"
    bounds = zip(program.column_lower.tolist(), program.column_upper.tolist())
    for j, (low, high) in enumerate(bounds):
        if low == high:
            yield f" FX bound c{j} {low!r}"
            continue
        if low:
            yield f" LO bound c{j} {low!r}" if np.isfinite(low) else f" MI bound c{j}"
        # said even where it is the default: readers differ on what whole columns default to
        yield f" UP bound c{j} {high!r}" if np.isfinite(high) else f" PL bound c{j}"
    yield "ENDATA"


def _row_kind(low: float, high: float) -> str:
    if low == high:
        return "E"
    return "L" if np.isfinite(high) and not np.isfinite(low) else "G"


def _marker(number: int, begins: bool) -> str:
    return f" marker{number} 'MARKER' '{'INTORG' if begins else 'INTEND'}'"


def _width(low: float, high: float) -> str:
    """The width of a range, with as many digits as it takes to find its upper end again."""
    texts = [repr(high - low)]
    for digits in (25, 50, 100, 400, 1200):
        with localcontext(prec=digits):
            texts.append(str(Decimal(high) - Decimal(low)))
    return next(text for text in texts if _end(low, text) == high)


def _end(low: float, width: str) -> float:
    """Upper end of a range, added exactly: in floating point it may miss by a last digit."""
    return float(Fraction(low) + Fraction(width))


def read_mps(text: str, file: str = "program.mps") -> LinearProgram:
    """Read a program; the order of names is that of the file.

    Parameters
    ----------
    text
        As `write_mps` makes it; other free MPS files of the same sections do as well.
    file
        Name for messages.

    Raises
    ------
    DataError
        If the text is no such program.
    """
    reader = _Reader()
    ended = False
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or line.startswith("*"):
            continue
        try:
            if ended:
                raise ValueError("text after ENDATA")
            if line[0] != " ":
                reader.section = words[0]
                ended = words[0] == "ENDATA"
                if words[0] not in _SECTIONS:
                    raise ValueError(f"unknown section {words[0]!r}")
            else:
                reader.read(words)
        except (ValueError, KeyError, IndexError, OverflowError) as error:
            message = f"is no MPS program: line {number}: {error}"
            raise DataError([Problem(file, message, value=line.strip())]) from error
    if not ended:
        raise DataError([Problem(file, "is no MPS program: it has no ENDATA, so it is cut short")])
    try:
        return reader.program()
    except OverflowError as error:  # a range that ends beyond all numbers
        raise DataError([Problem(file, f"is no MPS program: {error}")]) from error


_SECTIONS = ("NAME", "ROWS", "COLUMNS", "RHS", "RANGES", "BOUNDS", "ENDATA")


class _Reader:
    """What has been read so far."""

    def __init__(self) -> None:
        self.section = ""
        self.kinds: list[str] = []
        self.rows: dict[str, int] = {}
        self.columns: dict[str, int] = {}
        self.integer: list[bool] = []
        self.entries: dict[tuple[int, int], float] = {}
        self.cost: dict[int, float] = {}
        self.constant: dict[int, float] = {}
        self.side: dict[int, float] = {}
        self.width: dict[int, str] = {}
        self.lower: dict[int, float] = {}
        self.upper: dict[int, float] = {}
        self.whole = False
        self.objective = ""

    def read(self, words: list[str]) -> None:
        """Take in one line of a section."""
        if self.section == "ROWS":
            kind, name = words
            if kind not in ("N", "L", "G", "E") or name in self.rows or name == self.objective:
                raise ValueError(f"row {name!r} of kind {kind!r}")
            if (kind == "N") != (not self.objective):
                raise ValueError("the first row, and no other, is the objective")
            if kind == "N":
                self.objective = name
            else:
                self.rows[name] = len(self.kinds)
                self.kinds.append(kind)
        elif self.section == "COLUMNS" and words[1] == "'MARKER'":
            self.whole = {"'INTORG'": True, "'INTEND'": False}[words[2]]
        elif self.section == "COLUMNS":
            column = self.columns.setdefault(words[0], len(self.columns))
            if column == len(self.integer):
                self.integer.append(self.whole)
            elif column != len(self.integer) - 1:
                raise ValueError(f"column {words[0]!r} stands in two places")
            for name, value in zip(words[1::2], words[2::2], strict=True):
                self._entry(column, name, _number(value))
        elif self.section in ("RHS", "RANGES"):
            for name, value in zip(words[1::2], words[2::2], strict=True):
                self._side(name, value)
        elif self.section == "BOUNDS":
            self._bound(words[0], self.columns[words[2]], words[3:])
        else:
            raise ValueError(f"a line in section {self.section or '(none)'}")

    def _entry(self, column: int, name: str, value: float) -> None:
        if name == self.objective:
            _once(self.cost, column, value)
        else:
            _once(self.entries, (self.rows[name], column), value)

    def _side(self, name: str, value: str) -> None:
        if self.section == "RANGES":
            if _number(value) <= 0 or len(value) > LONGEST:
                raise ValueError("a range that is no width")
            if self.kinds[self.rows[name]] != "G":
                raise ValueError("a range of a row that is not of kind G")
            _once(self.width, self.rows[name], value)
        elif name == self.objective:
            _once(self.constant, 0, -_number(value))
        else:
            _once(self.side, self.rows[name], _number(value))

    def _bound(self, kind: str, column: int, value: list[str]) -> None:
        if kind in ("LO", "FX"):
            _once(self.lower, column, _number(value[0]))
        if kind in ("UP", "FX"):
            _once(self.upper, column, _number(value[0]))
        if kind == "MI":
            _once(self.lower, column, -np.inf)
        if kind == "PL":
            _once(self.upper, column, np.inf)
        if kind not in ("LO", "UP", "FX", "MI", "PL"):
            raise ValueError(f"a bound of kind {kind!r}")

    def program(self) -> LinearProgram:
        """The program read."""
        n_rows, n_columns = len(self.kinds), len(self.integer)
        kept = {place: value for place, value in self.entries.items() if value}
        places = np.array(list(kept), dtype=np.int32).reshape(-1, 2).T
        values = np.array(list(kept.values()), dtype=float)
        matrix = csc_array(coo_array((values, tuple(places)), shape=(n_rows, n_columns)))
        low, high = np.full(n_rows, -np.inf), np.full(n_rows, np.inf)
        for k, kind in enumerate(self.kinds):
            side = self.side.get(k, 0.0)
            if kind in ("G", "E"):
                low[k] = side if side > FREE else -np.inf
            if kind in ("L", "E"):
                high[k] = side
        for k, text in self.width.items():
            high[k] = _end(float(low[k]), text)
        columns = range(n_columns)
        return LinearProgram(
            np.array([self.cost.get(j, 0.0) for j in columns]),
            self.constant.get(0, 0.0),
            matrix,
            low,
            high,
            np.array([self.lower.get(j, 0.0) for j in columns]),
            np.array([self.upper.get(j, np.inf) for j in columns]),
            np.array(self.integer, dtype=bool),
        )


def _number(text: str) -> float:
    value = float(text)
    if not np.isfinite(value):
        raise ValueError(f"{text!r} is not finite")
    return value


def _once(table: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    if key in table:
        raise ValueError("given twice")
    table[key] = value
