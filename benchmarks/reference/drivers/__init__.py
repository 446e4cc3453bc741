"""One module for each driver: how it reads, builds, solves and extracts the same program.

A driver has ``drive(scenario, clock)``, which runs the phases that the clock wants and states
its facts (`engine` takes the name of an engine as well), and may have ``read(folder)``. It is
imported when it runs, so that no driver needs the packages of another.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Protocol, cast

from benchmarks.reference.clock import Clock
from healthalloc.scenario import Scenario

NEEDS = {name: name for name in ("highspy", "linopy", "pulp", "pyomo")}
NEEDS = {"ours": "healthalloc"} | NEEDS
"""Drivers, and the package that each needs."""


class Driver(Protocol):
    """What a module of this folder holds."""

    def drive(self, scenario: Scenario, clock: Clock, *which: str) -> None:
        """Run the phases that the clock wants."""

    def read(self, folder: Path) -> None:
        """Read the folder of a scenario; absent where the peer has nothing to read."""


def present(name: str) -> bool:
    """Whether the package of a driver is installed."""
    return importlib.util.find_spec(NEEDS[name]) is not None


def driver(name: str) -> Driver:
    """The module of a driver."""
    return cast(Driver, importlib.import_module(f"benchmarks.reference.drivers.{name}"))
