"""The report: what a planner hands to the meeting, as one HTML file that needs no network."""

from healthalloc.report.page import pair_report, require_libraries, solution_report

__all__ = ["pair_report", "require_libraries", "solution_report"]
