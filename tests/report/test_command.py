from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from healthalloc.cli import app
from tests.folder import Folder

pytest.importorskip("bokeh", reason="pip install 'healthalloc[report]'")
pytest.importorskip("jinja2", reason="pip install 'healthalloc[report]'")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEALTHALLOC_LANG", raising=False)
    return Folder(tmp_path / "town").write()


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["report", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_one_file_in_the_current_folder(folder: Folder, tmp_path: Path) -> None:
    code, said = run("town")
    # lines of progress come before it where the machine is slow
    assert (code, said.splitlines()[-1]) == (0, "Report written to town-report.html")
    page = (tmp_path / "town-report.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in page
    assert "每千人口床位数不低于4.2张" in page
    assert sorted(p.name for p in tmp_path.iterdir()) == ["town", "town-report.html"]


def test_in_chinese(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("town", "--lang", "zh", "-o", "a.html", "-q") == (0, "")
    assert '<html lang="zh-CN">' in Path("a.html").read_text(encoding="utf-8")
    monkeypatch.setenv("HEALTHALLOC_LANG", "zh")
    assert run("town", "-o", "b.html", "-q")[0] == 0
    assert '<html lang="zh-CN">' in Path("b.html").read_text(encoding="utf-8")


def test_an_infeasible_plan_has_a_report(folder: Folder) -> None:
    folder.replace("plan.toml", "at_least = 3\n", "at_least = 100000\n")
    folder.write_cells(
        "stock", [[*row[:4], "30" if k and not row[4] else row[4], *row[5:]]
                  for k, row in enumerate(folder.cells("stock"))],
    )  # fmt: skip
    code, said = run("town", "-o", "a.html")
    assert code == 0, said
    page = Path("a.html").read_text(encoding="utf-8")
    assert "Conflict 1" in page
    assert "Repair 1" in page


def test_two_scenarios(folder: Folder, tmp_path: Path) -> None:
    Folder(tmp_path / "other").write()
    assert run("town", "other", "-q") == (0, "")
    assert "town | other" in Path("town-other-report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["town", "-o", "report.pdf"], "report.pdf"),
        (["town", "-o", "nowhere/report.html"], "nowhere"),
        (["town", "-o", "town/report.html"], "outside the scenario"),
        (["town", "--lang", "fr"], "allowed: en, zh"),
        (["town", "town", "town"], "takes one or two folders"),
        (["town", "town", "--strategies"], "for one scenario"),
        (["town", "-s", "no-such"], "no-such"),
    ],
)
def test_bad_words_write_nothing(
    folder: Folder, tmp_path: Path, words: list[str], told: str
) -> None:
    code, said = run(*words)
    assert code == 2
    assert told in said
    assert [p.name for p in tmp_path.iterdir()] == ["town"]


def test_without_the_libraries_it_says_how_to_get_them(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bokeh", None)
    code, said = run("town")
    assert code == 2
    assert "pip install 'healthalloc[report]'" in said
