"""Numbers in the text of a page are those that its blocks show or that the program computes."""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path

import pytest

import healthalloc as ha
from tests.docs.pages import README, ROOT, WRITTEN, blocks, name_of, prose

WITH_RESULTS = [
    page for page in WRITTEN if page.parent.name == "tutorial" or page.name.startswith("add-")
]
NUMBER = re.compile(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?![\w])")
NOT_RESULTS = re.compile(
    r"`[^`]*`"  # code
    r"|\]\([^)]*\)"  # addresses of links
    r"|^#.*$"  # headings
    r"|Python \d\.\d+"
    r"|per 1,000"
    r"|\b20[0-3]\d\b",  # years
    flags=re.MULTILINE,
)


def numbers(text: str) -> list[str]:
    return [found.rstrip(",") for found in NUMBER.findall(text)]


def value(number: str) -> float:
    return float(number.replace(",", ""))


def rounds_to(exact: float, quoted: str) -> bool:
    """Whether a number is quoted as rounded to the digits given, zeros at the end left out."""
    digits = quoted.replace(",", "")
    decimals = len(digits.partition(".")[2])
    if "." not in digits:
        decimals = -(len(digits) - len(digits.rstrip("0")))
    return math.isclose(round(exact, decimals), value(quoted), rel_tol=1e-12)


@pytest.mark.parametrize("page", WITH_RESULTS, ids=name_of)
def test_numbers_in_the_text_stand_in_a_block(page: Path) -> None:
    shown = [value(n) for block in blocks(page) for n in re.findall(r"\d[\d,]*\.?\d*", block.text)]
    quoted = [n for n in numbers(NOT_RESULTS.sub(" ", prose(page))) if value(n) >= 10 or "." in n]
    unknown = [n for n in quoted if not any(rounds_to(exact, n) for exact in shown)]
    assert unknown == []


def test_rounding_is_told_from_error() -> None:
    assert rounds_to(152_678.2, "153,000")
    assert not rounds_to(152_678.2, "152,000")
    assert rounds_to(0.0501, "0.05")
    assert not rounds_to(0.056, "0.05")
    assert not rounds_to(1155, "1,156")


@cache
def two_answers() -> tuple[ha.Solution, ha.Solution]:
    scenario = ha.read_scenario(ROOT / "examples" / "panzhihua_west")
    free = scenario.audit_only("xq-24", "xq-25", "xq-26", "xq-27")
    return ha.solve(scenario), ha.solve(free)


def total(solution: ha.Solution) -> float:
    return float(solution.cost.set_index("component")["cny_a_year"]["total"])


def price(solution: ha.Solution, clause_id: str) -> float:
    return float(solution.clauses.set_index("clause_id")["price_cny_a_year"][clause_id])


def test_readme_costs_prices_and_beds() -> None:
    fixed, free = two_answers()
    text = re.sub(r"\s+", " ", README.read_text(encoding="utf-8"))
    expected = [
        f"| yearly cost, CNY | {total(fixed):,.0f} | {total(free):,.0f} |",
        f"{(total(fixed) - total(free)) / total(fixed):.2%}".replace("%", " %"),
        f"one more doctor per 1,000 residents costs {price(fixed, 'xq-05') / 1e6:.1f} million CNY",
        f"one more nurse {price(fixed, 'xq-06') / 1e6:.1f} million",
        f"one more intensive care bed {price(fixed, 'xq-22') / 1e6:.1f} million",
    ]
    assert [line for line in expected if line not in text] == []
    achieved = fixed.clauses.set_index("clause_id")["achieved"]
    for clause_id, name in [("xq-24", "Second"), ("xq-25", "Panmei"), ("xq-26", "Xingyuan")]:
        assert re.search(rf"\| {name}[^|]*\| {achieved[clause_id]:.0f} \|", text)
    assert f"| total | {achieved['xq-20']:,.0f} | {achieved['xq-20']:,.0f} |" in text


def test_readme_audit() -> None:
    found = ha.audit(two_answers()[0].scenario).disagreements.set_index("check_id")["computed"]
    text = re.sub(r"\s+", " ", README.read_text(encoding="utf-8"))
    assert f"({found['beds-per-1000-in-place']:.1f})" in text
    assert f"fill {found['occupancy-authorised']:.0f} % of those beds" in text
    assert f"are {found['nurses-per-doctor-from-counts']:.2f} to one" in text
