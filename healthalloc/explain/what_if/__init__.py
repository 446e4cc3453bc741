"""Change a plan that stands open in the solver, and solve it from where it stood."""

from healthalloc.explain.what_if.session import WhatIf

__all__ = ["WhatIf"]
