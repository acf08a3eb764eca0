"""Packages that only some commands need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from numloss.evaluation.errors import UsageError


def imported(name: str, what: str, extra: str) -> Any:
    """Import a package on demand, or say what needs it and how to get it."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise UsageError(
            f"{what} needs {name}, which is missing: pip install 'numloss[{extra}]'"
        ) from None
