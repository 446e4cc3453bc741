"""The command in Chinese: results, errors and help."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from healthalloc.cli import app
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
