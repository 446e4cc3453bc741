"""What an answer of a sweep depends on, in digests: of a scenario, of a table of cases."""

from __future__ import annotations

import hashlib
from typing import Any

import pandas as pd

from healthalloc.scenario import Scenario


def scenario_digests(scenario: Scenario) -> dict[str, str]:
    """A digest of each table of a scenario, of its settings, plan, travel and roads.

    Parameters
    ----------
    scenario
    """
    parts = {name: table_digest(table) for name, table in scenario.tables.items()}
    parts["settings"] = _digest(repr(scenario.settings))
    parts["plan"] = _digest(repr(scenario.plan))
    if scenario.travel is not None:
        parts["travel"] = table_digest(scenario.travel)
    if scenario.roads is not None:
        roads: Any = scenario.roads
        nodes, edges = (
            sorted(map(repr, roads.nodes(data=True))),
            sorted(map(repr, roads.edges(data=True))),
        )
        parts["roads"] = _digest(repr((nodes, edges)))
    return parts


def table_digest(table: pd.DataFrame) -> str:
    """A digest of a table's columns and values, whatever its index.

    Parameters
    ----------
    table
    """
    words = table.astype({c: str for c in table.columns if table[c].dtype.kind not in "fiub"})
    rows = pd.util.hash_pandas_object(words, index=False).to_numpy()
    return _digest(repr(list(map(str, table.columns))), rows.tobytes())


def joined_digest(parts: dict[str, Any]) -> str:
    """One digest of several.

    Parameters
    ----------
    parts
    """
    return _digest(repr(sorted(parts.items())))


def _digest(text: str, data: bytes = b"") -> str:
    return hashlib.sha256(text.encode() + b"\0" + data).hexdigest()[:16]
