"""What Python's callers may give, made into one kind of each."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from numloss.evaluation.paths import text_of

#: A column; or several, as a sequence or with commas between, or as a pattern.
Names: TypeAlias = str | Sequence[str]
#: Paths, patterns, folders or URIs.
Files: TypeAlias = str | Path | Sequence[str | Path]


def joined(names: Names | Files | None) -> str | None:
    """Return several columns, or files, as the command line names them."""
    if names is None or isinstance(names, (str, Path)):
        return None if names is None else file_or_column(names)
    return ",".join(map(file_or_column, names))


def several(names: Names) -> tuple[str, ...]:
    """Return names that are given as a sequence, or with commas between."""
    if isinstance(names, str):
        return tuple(name.strip() for name in names.split(","))
    return tuple(map(str, names))


def file_or_column(name: str | Path) -> str:
    """Return the name of a column, or of a file that stands for one."""
    return text_of(name) if isinstance(name, Path) else name


def at_least_one(**numbers: int | None) -> None:
    """Refuse counts below 1."""
    for name, number in numbers.items():
        if number is not None and (operator.index(number) < 1 or isinstance(number, bool)):
            raise ValueError(f"{name} must be at least 1, got {number}")


def skips(on_error: str) -> bool:
    """Whether rows that something is wrong with are left out."""
    if on_error not in ("fail", "skip"):
        raise ValueError(f"on_error must be 'fail' or 'skip', got {on_error!r}")
    return on_error == "skip"
