"""Allocate beds, staff and capacity across a region so that a health plan's clauses hold.

>>> import healthalloc as ha
>>> solution = ha.solve(ha.read_scenario("examples/panzhihua_west"))  # doctest: +SKIP
>>> solution.clauses  # doctest: +SKIP
"""

import lazy_loader

__version__ = "0.1.0"

# The names stand in __init__.pyi. Each is imported on first use, so that importing the package
# takes no time and a command only pays for what it uses.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
