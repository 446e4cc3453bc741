"""Excel workbooks: a scenario as one workbook, in and out, and the answer for a finance office."""

from healthalloc.workbook.limits import is_workbook
from healthalloc.workbook.read import read_workbook
from healthalloc.workbook.write import write_workbook

__all__ = ["is_workbook", "read_workbook", "write_workbook"]
