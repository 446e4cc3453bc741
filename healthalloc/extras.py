"""Packages that only some users need, imported when they are asked for."""

from __future__ import annotations

import importlib
from typing import Any

from healthalloc.errors import UnsupportedError


def optional(module: str, what: str, extra: str) -> Any:
    """A module of a package that an extra installs.

    Parameters
    ----------
    module
        Its full name, e.g. ``"shapely.geometry"``.
    what
        What needs it, for the error, e.g. ``"a GeoPackage"``.
    extra
        Extra of healthalloc that installs it.

    Raises
    ------
    UnsupportedError
        If it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise UnsupportedError(
            f"{what} needs {package}: install it with pip install 'healthalloc[{extra}]'"
        ) from None
