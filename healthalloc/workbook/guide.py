"""The two sheets of a scenario workbook that explain it; nothing reads them."""

from __future__ import annotations

from healthalloc.plan.clause import KINDS, Clause
from healthalloc.schema import TABLES
from healthalloc.workbook.fields import fields_of, summary_of

GUIDE, KINDS_SHEET = "read_me", "clause_kinds"

_HOW = (
    ("(how to)", "One sheet holds one table. Rows may be added, sorted and filtered; a filtered "
     "row still counts. Point at a header for its meaning, unit and limits. Dark headers are "
     "required. 每个工作表是一张表；深色表头必填；鼠标停在表头上可看说明。"),
    ("(text)", "Type ids as text: the columns are formatted so that 510403001003 or 007 keep every "
     "digit. 编号按文本填写。"),
    ("(numbers)", "Type numbers as numbers, shares as the unit in the header says: 70 for 70 %, "
     "or 0.7 where the unit is a fraction. 数字按数值填写。"),
    ("(lists)", "Several words in one cell stand apart by commas: county, township. A scope says "
     "which facilities count: category = general_hospital, health_centre; ownership = public. "
     "Between = and ; the words are alternatives. Tiers stand apart by |. A word that holds a "
     "mark goes in quotes: \"beds, open\". 多个词用逗号分开，条件之间用分号。"),
    ("(parts)", "A clause that says several things takes several rows with one id, each with its "
     "own part. 一条指标可分成几行，编号相同，part 不同。"),
    ("(notes)", "A sheet whose name begins with _ is yours: nothing reads it. "
     "名称以 _ 开头的工作表不会被读取。"),
    ("(to run)", "healthalloc solve FILE.xlsx"),
)  # fmt: skip


def guide_rows() -> list[list[str]]:
    """What each sheet holds, and how cells are filled in."""
    rows = [list(words) for words in _HOW]
    rows.append(["settings", "Years, money, how travel is found, how to solve. Required."])
    rows.append(["clauses", "The clauses of the plan, one row a statement. Required."])
    rows.append(["checks", "Arithmetic between figures that the plan prints (sheet facts)."])
    for table in TABLES.values():
        rows.append([table.name, table.meaning + ("" if table.optional else " Required.")])
    rows.append(["travel", "Travel matrix, where travel.method is matrix."])
    rows.append(["road_nodes, road_edges", "Road graph, where travel.method is road_graph."])
    rows.append([KINDS_SHEET, "What each kind of clause states and needs. Not read."])
    return rows


def kind_rows() -> list[list[str]]:
    """What each kind of clause states, needs and may have."""
    common = set(fields_of(Clause))
    rows = []
    for name, kind in KINDS.items():
        own = [field for field in fields_of(kind).values() if field.name not in common]
        needs = ", ".join(field.name for field in own if field.required)
        may = ", ".join(field.name for field in own if not field.required)
        rows.append([name, summary_of(kind), needs, may])
    return rows
