"""The benchmark of the reference problem runs, at a size where nothing is measured."""

import json
import re

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.reference import worker
from benchmarks.reference.cases import CASES, case_of
from benchmarks.reference.clock import PHASES
from benchmarks.reference.drivers import NEEDS, present
from benchmarks.reference.engines import GENERIC, absent, engine
from benchmarks.reference.runs import Measured
from benchmarks.reference.shown import differing
from healthalloc.formulation import formulate
from healthalloc.solvers import SolverOptions, certify

TINY = "60x14"


def ran(driver, capsys, case=TINY):
    """Facts, phases and what else a worker says of a driver."""
    worker.main(case, driver, list(PHASES), 0.0)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    facts = {}
    for line in lines:
        facts |= line.get("facts", {})
    return facts, {line["phase"] for line in lines if "phase" in line}


@pytest.mark.parametrize("driver", [name for name in NEEDS if name != "ours"])
def test_every_driver_states_the_program_of_the_library(driver, capsys):
    if not present(driver):
        pytest.skip(f"{NEEDS[driver]} is not installed")
    (ours, _), (theirs, phases) = ran("ours", capsys), ran(driver, capsys)
    found = {"ours": Measured(facts=ours), driver: Measured(facts=theirs)}
    assert ours["status"] == theirs["status"] == "optimal"
    assert {"nnz", "objective", "cost_sum"} <= ours.keys() & theirs.keys()
    assert not differing(found)
    assert {"build", "solve", "extract"} <= phases
    found[driver].facts["objective"] *= 1 + 1e-5
    assert len(differing(found)) == 1
    assert differing(found)[0].startswith("objective")


def test_a_scenario_of_another_shape_is_refused_by_name(capsys):
    facts, phases = ran("highspy", capsys, "panzhihua_west")
    assert "other clauses" in facts["cannot"]
    assert not phases


def test_the_command_prints_phases_and_ratios():
    command = ["reference", "--sizes", TINY, "--drivers", "ours,highspy", "--runs", "1"]
    phases = ",".join(PHASES[1:])
    done = CliRunner().invoke(app, [*command, "--phases", phases])
    assert done.exit_code == 0, done.output
    assert re.search(r"\| build +\| [\d.e-]+ \([\d.e+]+x\)", done.output)
    assert "its bytes per nonzero" in done.output


@pytest.mark.parametrize("driver", ["ours", "highspy"])
def test_reading_is_a_phase_of_its_own(driver, capsys):
    worker.main(TINY, driver, ["read"], 0.0)
    assert '{"phase": "read"' in capsys.readouterr().out


def test_a_phase_over_its_limit_is_reported_as_such():
    command = ["reference", "--sizes", "M", "--drivers", "highspy", "--phases", "build,solve"]
    done = CliRunner().invoke(app, [*command, "--runs", "1", "--limit-s", "1"])
    assert "highspy: solve: not in 1 s" in done.output
    assert re.search(r"\| build +\| [\d.]+ ", done.output)


def test_engines_are_compared_by_name():
    engines = "interior,highs,nobody"
    done = CliRunner().invoke(
        app, ["engines", "--sizes", TINY, "--engines", engines, "--runs", "1"]
    )
    assert done.exit_code == 0, done.output
    assert "nobody: not measured, unknown solver 'nobody'" in done.output
    assert re.search(r"interior: [\d.]+ times as fast as highs", done.output)


@pytest.mark.parametrize("name", GENERIC)
def test_an_engine_finds_the_optimum_with_proof(name):
    if absent(name):
        pytest.skip(absent(name))
    program = formulate(case_of(TINY).make()).program
    result, best = (engine(n)(program, SolverOptions()) for n in (name, "highs"))
    certificate = certify(program, result)
    assert certificate.passes()
    assert certificate.objective == pytest.approx(certify(program, best).objective, rel=1e-6)


def test_hospitals_are_a_case_where_the_data_is(monkeypatch):
    monkeypatch.delenv("HEALTHALLOC_DATA", raising=False)
    assert "HEALTHALLOC_DATA" in CASES["us_hospitals"].absent()
    done = CliRunner().invoke(app, ["reference", "--sizes", "us_hospitals", "--runs", "1"])
    assert "us_hospitals: not measured" in done.output


def test_hospitals_state_their_sources():
    if CASES["us_hospitals"].absent():
        pytest.skip(CASES["us_hospitals"].absent())
    scenario = CASES["us_hospitals"].make()
    assert (len(scenario.populations), len(scenario.facilities)) == (2499, 7154)
    of_stock = scenario.stock.groupby("resource_id")["source"].first().str.startswith("assumed:")
    assert of_stock.to_dict() == {
        "general_bed": False, "icu_bed": False, "rehab_bed": True, "doctor": True, "nurse": True,
    }  # fmt: skip


def test_the_registry_lists_its_cases_and_takes_any_size():
    assert {"S", "M", "L", "XL", "pingba"} <= CASES.keys()
    assert len(case_of("30x12").make().facilities) == 12
    with pytest.raises(ValueError, match="no case 'huge'"):
        case_of("huge")
