"""The formulation: a scenario as one sparse linear program."""

from healthalloc.formulation.assemble import Model, formulate
from healthalloc.formulation.program import Block, LinearProgram

__all__ = ["Block", "LinearProgram", "Model", "formulate"]
