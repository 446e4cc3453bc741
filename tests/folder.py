"""A small scenario folder on disk, and edits of its files as a person would make them.

The tables are those of `tests.region`, moved to 80 degrees east and 30 degrees north (where a
swapped point can be told), with groups, proposals and facts beside them. What stands in the
files is text: an edit puts in exactly the characters given.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

from tests import region

SCENARIO_TOML = """\
name = "test region 测试区"
base_year = 2020
target_year = 2025
value_of_travel_cny_per_hour = 6.0
extra_facility_columns = ["side"]

[travel]
method = "great_circle"
detour_factor = 1.0
[travel.speed_km_per_h]
urban = 30.0
rural = 60.0

[solve]
gap = 0.0

[sources]
"travel.detour_factor" = "assumed: straight roads"
"""

PLAN_TOML = """\
[[clause]]
id = "beds"
quote = "每千人口床位数不低于4.2张"
source = "chapter 1"
status = "binding"
kind = "ratio_to_population"
resource = "bed"
unit = "per_1000_residents"
baseline = 4.0
at_least = 4.2

[[clause]]
id = "icu"
quote = "at least 3 beds of intensive care"
source = "chapter 1"
kind = "amount"
resource = "icu_bed"
at_least = 3

[[clause]]
id = "social"
quote = "a fifth of the beds in social hands"
source = "chapter 2"
kind = "resource_share"
resource = "bed"
of_resource = "bed"
part_scope = { ownership = "social" }
at_least = 20

[[clause]]
id = "city"
quote = "25 beds in the city hospital"
source = "chapter 2"
treatment = "audit"
kind = "facility_target"
facility_id = "city"
resource = "bed"
equals = 25

[[clause]]
id = "fever"
quote = "fever clinics: one in each public centre, one within 40 km"
source = "chapter 3"
[[clause.part]]
part = "share"
kind = "facility_share"
resource = "fever_clinic"
scope = { category = "primary_centre", ownership = ["public"] }
at_least = 100
[[clause.part]]
part = "reach"
kind = "coverage"
resource = "fever_clinic"
radius = 40.0
radius_unit = "km"
area_class = ["urban"]
at_least = 100

[[clause]]
id = "life"
quote = "people live longer"
source = "chapter 9"
treatment = "record"
kind = "record"
reason = "an outcome"
unit = "years"

[[check]]
id = "rate"
printed = "beds_per_1000"
sum = ["beds"]
over = ["residents"]
scale = 1000.0
explains = "the rate counts other beds"
"""

GROUPS = region.table("""
population_id  group_id  residents
town           old            1200
village        old             900
hamlet         old             400
""")
PROPOSALS = region.table("""
proposal_id  facility_id  resource_id  amount
draft        city         bed              30
draft        private      icu_bed           2
""")
FACTS = region.table("""
fact_id        value  unit       quote
beds              40  beds       forty_beds
residents      10000  people     ten_thousand
beds_per_1000    4.0  per_1,000  four_per_1,000
""")


def _placed(frame: region.pd.DataFrame) -> region.pd.DataFrame:
    return frame.assign(longitude=(frame["longitude"] + 80).round(5), latitude=30.0)


TABLES = {
    "facilities": _placed(region.FACILITIES),
    "populations": _placed(region.POPULATIONS),
    "groups": GROUPS,
    "resources": region.RESOURCES,
    "stock": region.STOCK,
    "services": region.SERVICES,
    "radii": region.RADII,
    "demand": region.DEMAND,
    "requirements": region.REQUIREMENTS,
    "proposals": PROPOSALS,
    "facts": FACTS,
}


class Folder:
    """A scenario folder that is edited file by file; rows count from 1, without the header."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def write(self) -> Folder:
        """Make the folder, faultless."""
        self.path.mkdir()
        for name, table in TABLES.items():
            table.to_csv(self / f"{name}.csv", index=False)
        self.write_text("scenario.toml", SCENARIO_TOML)
        self.write_text("plan.toml", PLAN_TOML)
        return self

    def text(self, file: str) -> str:
        return (self / file).read_bytes().decode("utf-8")

    def write_text(self, file: str, text: str, encoding: str = "utf-8") -> None:
        (self / file).write_bytes(text.encode(encoding))

    def recode(self, file: str, encoding: str) -> None:
        """Save a file in another encoding."""
        self.write_text(file, self.text(file), encoding)

    def replace(self, file: str, old: str, new: str) -> None:
        """Change words that stand once in a file."""
        text = self.text(file)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        self.write_text(file, text.replace(old, new))

    def append(self, file: str, text: str) -> None:
        """Add text to the end of a file."""
        self.write_text(file, self.text(file) + text)

    def cells(self, table: str) -> list[list[str]]:
        """All cells of a table, the header first."""
        return list(csv.reader(io.StringIO(self.text(f"{table}.csv"))))

    def write_cells(self, table: str, cells: list[list[str]]) -> None:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(cells)
        self.write_text(f"{table}.csv", out.getvalue())

    def set(self, table: str, row: int, column: str, value: str) -> None:
        """Change one cell."""
        cells = self.cells(table)
        cells[row][cells[0].index(column)] = value
        self.write_cells(table, cells)

    def add_row(self, table: str, **values: str) -> None:
        """Add a row; cells not given are empty, the source is made up."""
        cells = self.cells(table)
        given = {"source": "made up"} | values
        cells.append([given.pop(column, "") for column in cells[0]])
        assert not given, f"no such columns: {given}"
        self.write_cells(table, cells)

    def drop_column(self, table: str, column: str) -> None:
        cells = self.cells(table)
        position = cells[0].index(column)
        self.write_cells(table, [row[:position] + row[position + 1 :] for row in cells])

    def add_column(self, table: str, column: str, value: str = "") -> None:
        cells = self.cells(table)
        self.write_cells(table, [cells[0] + [column], *([*row, value] for row in cells[1:])])

    def swap(self, table: str, *rows: int) -> None:
        """Swap longitude and latitude in some rows."""
        cells = self.cells(table)
        a, b = cells[0].index("longitude"), cells[0].index("latitude")
        for row in rows:
            cells[row][a], cells[row][b] = cells[row][b], cells[row][a]
        self.write_cells(table, cells)

    def bytes(self) -> dict[str, bytes]:
        """Every file with its contents."""
        return snapshot(self.path)


Edit = Callable[[Folder], None]


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its contents, hidden ones as well."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
