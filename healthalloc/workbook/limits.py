"""What a sheet can hold: size of texts, rows and columns, and characters that XML forbids."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from healthalloc.errors import DataError, Problem

MOST_CHARACTERS = 32_767
MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
SUFFIX = ".xlsx"
OTHER_SPREADSHEETS = (".xls", ".xlsm", ".xlsb", ".ods", ".et")

# characters that XML cannot hold (a lone carriage return it would change), and what looks like
# their escape
_TO_ESCAPE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def is_workbook(path: str | os.PathLike[str]) -> bool:
    """Whether a path names an Excel workbook rather than a folder.

    Parameters
    ----------
    path
        A folder or file, which need not exist.

    Raises
    ------
    DataError
        If it is a spreadsheet of another format.
    """
    suffix = Path(path).suffix.lower()
    if suffix in OTHER_SPREADSHEETS and not Path(path).is_dir():
        mend = f"save it as 'Excel Workbook (*{SUFFIX})'"
        raise DataError([Problem(str(path), f"is no {SUFFIX} workbook", mend=mend)])
    return suffix == SUFFIX and not Path(path).is_dir()


def length(text: str) -> int:
    """Characters as Excel counts them (an emoji is two)."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def escaped(text: str) -> str:
    """The text with ``_xHHHH_`` for every character that XML cannot hold (ECMA-376, ST_Xstring)."""
    return _TO_ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def unescaped(text: str) -> str:
    """The text that ``escaped`` was given."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def shortened(text: str) -> str:
    """A text that fits a cell; one that is too long ends in a remark that says so."""
    text = text.encode("utf-16-le", "replace").decode("utf-16-le")
    n = length(text)
    if n <= MOST_CHARACTERS:
        return text
    remark = f" … [{n:,} characters; cut, because a cell of Excel holds {MOST_CHARACTERS:,}]"
    kept = text.encode("utf-16-le")[: 2 * (MOST_CHARACTERS - len(remark))]
    return kept.decode("utf-16-le", "ignore") + remark


def whole_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; an earlier one stays until the new one is complete.

    Parameters
    ----------
    path
    content

    Raises
    ------
    DataError
        If the file cannot be written, e.g. because it is open in Excel.
    """
    scratch = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(prefix=f".{path.stem[:40]}-", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    except OSError as error:
        mend = "close it in Excel, or name another file"
        message = f"cannot be written: {error.strerror}"
        raise DataError([Problem(str(path), message, mend=mend)]) from None
    finally:
        if scratch and os.path.exists(scratch):
            os.remove(scratch)
