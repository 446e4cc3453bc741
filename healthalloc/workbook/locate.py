"""Say where in the workbook a problem stands: sheet and cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from healthalloc.errors import Problem
from healthalloc.workbook.grid import Grid, as_text

SETTINGS, CLAUSES, CHECKS = "settings", "clauses", "checks"


def entry_name(grid: Grid, row: int) -> str:
    """Name of a clause or check: its id, with the part where there is one."""
    words = [
        as_text(grid.cell(row, c), "", [], grid.uncomputed)
        for c in ("id", "part")
        if c in grid.header
    ]
    return "/".join(word for word in words if word) or f"row {row}"


@dataclass(frozen=True, eq=False)
class Locator:
    """Finds cells of a workbook.

    Parameters
    ----------
    grids
        Sheets by name.
    """

    grids: Mapping[str, Grid]

    def found(self, problem: Problem) -> Problem:
        """The problem with its sheet and, where it is in one, its cell."""
        if problem.table in ("settings", "scenario.toml"):
            return self._in_settings(problem)
        if problem.table == "plan":
            return self._in_plan(problem)
        grid = self.grids.get(problem.table)
        if grid is None:
            return problem
        if problem.row is None or problem.row > len(grid.rows):
            return replace(problem, table=grid.place(None, problem.column), row=None)
        first = problem.column.partition(" + ")[0]
        return replace(problem, table=grid.place(grid.rows[problem.row - 1], first), row=None)

    def _in_settings(self, problem: Problem) -> Problem:
        grid = self.grids.get(SETTINGS)
        if grid is None or "setting" not in grid.header:
            return problem
        # a type check names the kind of travel between the group and the field
        parts = problem.column.split(".")
        names = {problem.column, ".".join([*parts[:1], *parts[2:]])}
        for row in grid.rows:
            if as_text(grid.cell(row, "setting"), "", []) in names:
                return replace(problem, table=grid.place(row, "value"))
        return replace(problem, table=grid.place())

    def _in_plan(self, problem: Problem) -> Problem:
        sheet = CHECKS if problem.column.startswith("check ") else CLAUSES
        grid = self.grids.get(sheet)
        if grid is None:
            return problem
        place = problem.column.removeprefix("check ") if sheet == CHECKS else problem.column
        if place == "id":
            place = problem.value
        rows = {entry_name(grid, row): row for row in reversed(grid.rows)}
        names = [name for name in rows if place == name or place.startswith(f"{name}: ")]
        if not names:
            return replace(problem, table=grid.place())
        name = max(names, key=len)
        field = place.removeprefix(name).removeprefix(": ").partition(".")[0]
        if field not in grid.header:
            # e.g. the target as a whole, or a field that has no column
            return replace(problem, table=grid.place(rows[name], "id"))
        return replace(problem, table=grid.place(rows[name], field))
