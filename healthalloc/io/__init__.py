"""File access: scenario folders in and out, result folders out.

Bundles alone are read and written elsewhere (`bundle`, `verification`).
"""

from healthalloc.io.read import read_scenario, read_stock
from healthalloc.io.results import (
    TableFormat,
    input_hash,
    output_folder,
    run_facts,
    write_results,
)
from healthalloc.io.travel import write_travel
from healthalloc.io.write import new_scenario, write_scenario

__all__ = [
    "TableFormat",
    "input_hash",
    "new_scenario",
    "output_folder",
    "read_scenario",
    "read_stock",
    "run_facts",
    "write_results",
    "write_scenario",
    "write_travel",
]
