"""``python -m benchmarks.reference.worker JSON``: one driver on one case, in this process alone."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.reference.cases import case_of
from benchmarks.reference.clock import Clock
from benchmarks.reference.drivers import driver
from healthalloc.errors import UnsupportedError
from healthalloc.io import write_scenario

WARM_UP = "40x12"


def main(case: str, by: str, phases: list[str], limit_s: float) -> None:
    """Warm up on a small case, so that imports are no part of a phase; then run.

    ``by`` is a driver, or ``engine:NAME`` for one engine.
    """
    name, *which = by.split(":", 1)
    module = driver(name)
    scenario = case_of(case).make()
    tiny = case_of(WARM_UP).make()
    if phases == ["read"]:
        with tempfile.TemporaryDirectory() as folder:
            for name, given in (("tiny", tiny), ("whole", scenario)):
                write_scenario(given, Path(folder) / name)
            del scenario, given
            module.read(Path(folder) / "tiny")
            clock = Clock(phases, limit_s)
            with clock.phase("read"):
                module.read(Path(folder) / "whole")
        return
    module.drive(tiny, Clock(phases, silent=True), *which)
    try:
        module.drive(scenario, Clock(phases, limit_s), *which)
    except UnsupportedError as error:
        print(json.dumps({"facts": {"cannot": str(error)}}), flush=True)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
