"""The libraries that read and write workbooks, imported only when a workbook is asked for.

openpyxl reads and writes, and carries drop-downs and comments: it makes the workbooks that
people fill in. XlsxWriter only writes, but stores the value of a formula beside it, so that a
preview without a calculator shows the totals: it makes the workbooks that people read.
"""

from __future__ import annotations

from typing import Any

from healthalloc.extras import optional

WHAT = "an Excel workbook"


def openpyxl(module: str = "") -> Any:
    """The package openpyxl, or one of its modules.

    Parameters
    ----------
    module
        Name below the package, e.g. ``"styles"``.

    Raises
    ------
    UnsupportedError
        If it is not installed.
    """
    return optional(f"openpyxl.{module}" if module else "openpyxl", WHAT, "excel")


def xlsxwriter() -> Any:
    """The package XlsxWriter.

    Raises
    ------
    UnsupportedError
        If it is not installed.
    """
    return optional("xlsxwriter", WHAT, "excel")
