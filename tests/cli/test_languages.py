"""The command in Chinese: results, errors and help."""

from __future__ import annotations

import json
import re
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pytest
from rich.cells import cell_len
from rich.console import Console
from typer.main import get_command
from typer.testing import CliRunner

from healthalloc.cli import app
from healthalloc.display import print_table
from healthalloc.labels import speaking
from tests.folder import Folder

CHINESE = re.compile("[\u4e00-\u9fff]")
IDS = ("enforce", "audit ", "at least", "optimal", "per 1,000", "treatment", "infeasible", "units")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEALTHALLOC_LANG", raising=False)
    folder = Folder(tmp_path / "region").write()
    # the words of this plan are English; they are shown as they are
    for words in ("at least 3 beds of intensive care", "a fifth of the beds in social hands"):
        folder.replace("plan.toml", words, "原文")
    return folder


def said(*words: str) -> tuple[int, str]:
    ended = CliRunner().invoke(app, list(words))
    return ended.exit_code, ended.output


@pytest.mark.parametrize("words", [["--lang", "zh", "solve", "region"],
                                   ["solve", "region", "--lang=zh"]])  # fmt: skip
def test_a_solution(folder: Folder, words: list[str]) -> None:
    code, output = said(*words)
    assert code == 0
    for text in ("最优，证明通过", "各机构床位", "不低于 4.2", "每千人口", "执行", "运行"):
        assert text in output, output
    assert [word for word in IDS if word in output] == []


def test_the_environment_chooses_and_the_option_wins(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEALTHALLOC_LANG", "zh_CN.UTF-8")
    assert "核查" in said("audit", "region")[1]
    assert "audit" in said("audit", "region", "--lang", "en")[1]
    assert "audit" in said("--lang", "en", "audit", "region")[1]


def test_every_problem_of_the_input(folder: Folder) -> None:
    folder.set("facilities", 1, "site", "closeable")
    folder.set("populations", 2, "residents", "many")
    code, output = said("solve", "region", "--lang", "zh")
    assert code == 2
    assert output.splitlines() == [
        "healthalloc: 输入中有 2 处问题：",
        "  - facilities，第 1 行，site 列：'closeable' 不是已知的值：应为existing, closable, "
        "candidate 之一（是否应为 closable？）",
        "  - populations，第 2 行，residents 列：'many' 不是数字：应为有限数 >= 0",
    ]


def test_what_verify_finds(folder: Folder) -> None:
    assert said("bundle", "region")[0] == 0
    code, output = said("verify", "region-bundle.zip", "--lang", "zh")
    assert code == 0
    rows = [line for line in output.splitlines() if " 是 " in line]
    assert len(rows) > 30
    assert [row for row in rows if not CHINESE.search(row.split(" 是 ")[0])] == []


def test_a_conflict_and_its_repairs(folder: Folder) -> None:
    folder.append(
        "plan.toml",
        '[[clause]]\nid = "icu-cap"\nquote = "上限"\nsource = "第四章"\nkind = "amount"\n'
        'resource = "icu_bed"\nat_most = 2\n',
    )
    code, output = said("explain", "region", "--lang", "zh")
    assert code == 0
    for text in ("规划不可行", "冲突 1", "修正方案 1", "改动最小", "年费用"):
        assert text in output, output
    assert [word for word in IDS if word in output] == [], output


def test_a_language_that_is_not_known(folder: Folder) -> None:
    code, output = said("solve", "region", "--lang", "fr")
    assert code == 2
    assert "allowed: en, zh" in output


def test_help(folder: Folder) -> None:
    _, output = said("--lang", "zh", "--help")
    assert "以最低费用配置床位" in output
    assert "退出码" in output
    for command in ("solve", "prices", "sweep", "export"):
        _, output = said(command, "--help", "--lang", "zh")
        described = re.findall(r"^  (?:-\S+,? ?)+(?:[A-Z]\S+|<\S+)?\s{2,}(.+)$", output, re.M)
        assert described
        english = [text for text in described if not CHINESE.search(text)]
        assert english in ([], ["Show this message and exit."]), output
        assert "--lang" in said(command, "--help")[1]


COMMANDS = [command.name for command in get_command(app).commands.values()]  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_chinese_and_fits(command: str) -> None:
    code, output = said("--lang", "zh", *([command] if command else []), "--help")
    assert code == 0
    assert re.match(rf"用法：\w+ {command}.*\[选项\]", output), output
    assert [
        w for w in ("Usage", "Options", "Arguments", "required", "default:") if w in output
    ] == []
    lines = output.splitlines()
    assert max(map(cell_len, lines)) <= 80
    described = [line for line in lines if line.startswith("  -")]
    assert len(described) >= 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["solv"], "没有命令 'solv'。是否应为 'solve'？"),
        (["solve"], "缺少参数 'folder'。"),
        (["solve", "--gp", "1", "region"], "没有选项 --gp（是否应为"),
        (["solve", "--gap", "abc", "region"], "'--gap' 的值无效：应为数字"),
        (["solve", "--gap", "-1", "region"], "'--gap' 的值无效：应大于或等于 0"),
        (["solve", "region", "--gap"], "选项 '--gap' 需要一个值。"),
        (["solve", "region", "again"], "多余的参数（again）"),
        (["audit", "region", "--format", "xls"], "'--format' 的值无效：'xls' 不在"),
    ],
)
def test_a_command_line_that_is_wrong(words: list[str], message: str) -> None:
    code, output = said("--lang", "zh", *words)
    assert code == 2
    assert f"错误：{message}" in output


def test_a_wrong_command_line_is_told_to_machines_as_well(folder: Folder) -> None:
    ended = CliRunner().invoke(app, ["solve", "region", "--gap", "much", "--json"])
    assert ended.exit_code == 2
    document = json.loads(ended.stdout)
    assert (document["command"], document["exit_code"]) == ("solve", 2)
    assert document["error"]["message"].startswith("Invalid value for '--gap'")


def test_a_comparison(folder: Folder) -> None:
    code, output = said("compare", "region", "-s", "keep,by-residents,plan-table", "--lang", "zh")
    assert code == 0
    for text in ("百万元", "基尼", "最差", "条执行条款"):
        assert text in output, output
    assert [w for w in ("MCNY", "Gini", "strategy", "breaks", "sec") if w in output] == []


def test_what_verify_refuses(folder: Folder, tmp_path: Path) -> None:
    assert said("bundle", "region", "-q")[0] == 0
    with ZipFile("region-bundle.zip") as whole, ZipFile("altered.zip", "w") as altered:
        for name in whole.namelist():
            text = whole.read(name).decode()
            if name == "solution.csv":
                header, first, rest = text.split("\n", 2)
                text = "\n".join([header, first.replace(",", ",123456", 1), rest])
            altered.writestr(name, text)
    code, output = said("verify", "altered.zip", "--lang", "zh", "--against", "region")
    assert code == 1
    listed = [line for line in output.splitlines() if line.startswith("  - ")]
    assert any("残差" in line for line in listed)
    assert [w for w in ("hashes", "rows:", "residual", "folder", "anew") if w in output] == []


def test_what_changes(folder: Folder) -> None:
    code, output = said("what-if", "region", "--set", "icu=4", "--lang", "zh")
    assert code == 0
    edit = next(line for line in output.splitlines() if line.startswith(" 目标 "))
    assert edit.split() == [
        "目标",
        "icu",
        "不低于",
        "3",
        "个（张、人）",
        "不低于",
        "4",
        "个（张、人）",
    ]


def test_two_columns_never_share_a_heading(capsys: pytest.CaptureFixture[str]) -> None:
    table = pd.DataFrame({"area": ["west"], "area_id": ["w1"]})
    with speaking("zh"):
        print_table(Console(width=80), "", table)
    shown = capsys.readouterr().out
    assert "区域 (area_id)" in shown
    assert "west" in shown
    assert "w1" in shown
