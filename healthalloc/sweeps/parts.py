"""A folder of Parquet parts: written as cases finish, read back to go on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from healthalloc.errors import DataError, Problem
from healthalloc.extras import optional
from healthalloc.io.folders import refuse_filled
from healthalloc.sweeps.results import typed

if TYPE_CHECKING:
    from types import ModuleType

FACTS = "_sweep.json"
"""File that marks a folder as a sweep's and says what it was made from."""
SORT = "healthalloc sweep"


def parquet() -> ModuleType:
    """The Parquet module of pyarrow.

    Raises
    ------
    UnsupportedError
        If pyarrow is not installed.
    """
    found: ModuleType = optional("pyarrow.parquet", "a Parquet file", "parquet")
    return found


class Parts:
    """The folder of a sweep's results.

    Each finished chunk is a file ``part-NNNNNN.parquet``, named by its first case and put in
    place whole; the long tables lie in folders ``_TABLE`` beside, in files of the same names.
    Readers of Parquet take the folder as one table and pass by what begins with ``_``.

    Parameters
    ----------
    path
    facts
        What the results depend on, by name: an earlier sweep with other facts is refused.
    resume
        Go on with what is there; else it is deleted.

    Raises
    ------
    DataError
        If the folder belongs to another sweep, or to something else.
    UnsupportedError
        If pyarrow is not installed.
    """

    def __init__(self, path: Path, facts: Mapping[str, Any], *, resume: bool) -> None:
        parquet()
        self.path = path
        self._facts = dict(facts)
        earlier = self._earlier()
        if earlier is None:
            path.mkdir(parents=True, exist_ok=True)
        elif resume:
            self._require_same(earlier)
        if not resume:
            for part in path.rglob("part-*.parquet"):
                part.unlink()
        for folder in path.glob("_*/"):  # of chunks whose results never came to be written
            for part in folder.glob("part-*.parquet"):
                if not (path / part.name).exists():
                    part.unlink()
        self.done: list[str] = [] if not self._parts() else self.read()["case"].tolist()

    def write(self, number: int, results: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> None:
        """Put the answers of a chunk in place.

        Parameters
        ----------
        number
            Position of its first case in the table of cases.
        results
        tables
            The long tables, which are there before the results say so.
        """
        name = f"part-{number:06d}.parquet"
        for table, frame in tables.items():
            self._put(self.path / f"_{table}" / name, typed(frame, {}))
        self._put(self.path / name, results)
        self.done += results["case"].tolist()

    def note(self, state: str) -> None:
        """Say how far the sweep is.

        Parameters
        ----------
        state
            ``"running"``, ``"interrupted"``, ``"incomplete"`` or ``"complete"``.
        """
        text = {"sort": SORT, "state": state, "done": len(self.done), **self._facts}
        scratch = self.path / f".{FACTS}"
        scratch.write_text(json.dumps(text, ensure_ascii=False, indent=2) + "\n", "utf-8")
        os.replace(scratch, self.path / FACTS)

    def read(self, table: str | None = None) -> pd.DataFrame:
        """The results, or a long table, of the cases that are done.

        Parameters
        ----------
        table
        """
        parts = self._parts(table)
        frames = [pd.read_parquet(part) for part in parts]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({"case": []})

    def _parts(self, table: str | None = None) -> list[Path]:
        folder = self.path if table is None else self.path / f"_{table}"
        return sorted(folder.glob("part-*.parquet"))

    def _put(self, path: Path, frame: pd.DataFrame) -> None:
        path.parent.mkdir(exist_ok=True)
        scratch = path.with_name(f".{path.name}")
        frame.to_parquet(scratch, index=False)
        os.replace(scratch, path)

    def _earlier(self) -> dict[str, Any] | None:
        """Facts of the sweep that the folder holds, if any."""
        try:
            earlier = json.loads((self.path / FACTS).read_text("utf-8"))
        except OSError:
            refuse_filled(self.path, "exists and is no earlier sweep", "choose another output")
            return None
        except ValueError:
            earlier = None
        if not isinstance(earlier, dict) or earlier.get("sort") != SORT:
            message = f"its {FACTS} is not that of a sweep"
            raise DataError([Problem(str(self.path), message, mend="choose another output")])
        return earlier

    def _require_same(self, earlier: Mapping[str, Any]) -> None:
        problems = []
        for name, now in self._facts.items():
            before = earlier.get(name)
            if before == now:
                continue
            what = name
            if isinstance(now, dict) and isinstance(before, dict):
                differ = sorted(k for k in {*now, *before} if now.get(k) != before.get(k))
                what = f"{name} ({', '.join(differ)})"
            message = f"holds another sweep: {what} changed since"
            mend = "choose another output, or start afresh (resume=False, --afresh)"
            problems.append(Problem(str(self.path), message, mend=mend))
        if problems:
            raise DataError(problems)
