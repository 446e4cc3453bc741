"""Plots of a solution on matplotlib, and the series that they and the report show."""

from healthalloc.plotting.plots import Plots

__all__ = ["Plots"]
