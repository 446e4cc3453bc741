"""Solved scenarios for the report: a faultless one, an infeasible one, one with hostile names."""

from __future__ import annotations

from functools import cache

from healthalloc import Solution, solve
from healthalloc.generate import generate
from healthalloc.scenario import Scenario
from tests.region import FACILITIES, POPULATIONS, clause, edit, region, settings

HOSTILE = [
    "<script>window.broken=1</script>", "</script><script>window.broken=1</script>",
    "\"><img src=x onerror=window.broken=1>", "{{ 7*7 }}", "$$\\frac{1}{2}$$",
    "<!--", "x =cmd|' /C calc'!A0", "../../x", "x @name{safe}", "long" * 2500,
]  # fmt: skip
"""Names that try to be something else."""


def planned(**changes: object) -> Scenario:
    """The region with clauses that hold, one of them dear, and one measured that fails."""
    clauses = [
        clause("amount", id="icu", resource="icu_bed", at_least=4, quote="四张重症床位"),
        clause("amount", id="many", resource="bed", at_least=900, treatment="audit"),
    ]
    return region(**{"clauses": clauses} | changes)


@cache
def good() -> Solution:
    """A solved plan."""
    return solve(planned()).require_optimal()


@cache
def infeasible() -> Solution:
    """A plan that asks for more beds than may stand."""
    stock = region().stock.assign(upper=region().stock["existing"] + 5)
    asked = [clause("amount", id="impossible", resource="bed", at_least=1e6)]
    return solve(region(stock=stock, clauses=asked))


@cache
def province() -> Solution:
    """20,000 populations and an allocation for one service."""
    whole = generate(20_000, 3)
    about = ("services", "radii", "demand", "requirements")
    tables = {name: getattr(whole, name) for name in about}
    one = {name: t[t["service_id"] == "inpatient"] for name, t in tables.items()}
    return solve(whole.replace(**one)).require_optimal()


@cache
def hostile() -> Solution:
    """A plan with hostile names and quotes."""
    facilities, populations = FACILITIES, POPULATIONS
    ids = list(FACILITIES["facility_id"])
    for name, facility_id in zip(HOSTILE, ids):
        facilities = edit(facilities, {"facility_id": facility_id}, name=name, area=name)
    for name, population_id in zip(HOSTILE[4:], POPULATIONS["population_id"]):
        populations = edit(populations, {"population_id": population_id}, name=name, area=name)
    clauses = [
        clause("amount", id=f"c{k}", resource="bed", at_least=1, quote=text, source=text)
        for k, text in enumerate(HOSTILE)
    ]
    return solve(
        planned(
            facilities=facilities, populations=populations, clauses=clauses,
            settings=settings(name=HOSTILE[1], sources={"name": f"assumed: {HOSTILE[2]}"}),
        )
    ).require_optimal()  # fmt: skip
