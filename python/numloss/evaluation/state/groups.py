"""The groups that examples belong to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Key: TypeAlias = str | int | float | bool | None


class TooManyGroupsError(Exception):
    """There are more groups than were allowed."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most} groups")
        self.most = most


@dataclass(frozen=True)
class Groups:
    """The group of each row: an index into the keys. The key of a missing value is None."""

    codes: npt.NDArray[np.intp]
    keys: list[Key]


def natural(name: str) -> list[str | int]:
    """Key that sorts ``logit_2`` before ``logit_10``."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"(\d+)", name))]


def sortable(key: Key) -> tuple[bool, list[str | int] | float]:
    """Sort numbers by value, and text as people do: ``fold2`` before ``fold10``."""
    return (True, natural(key)) if isinstance(key, str) else (False, key or 0)
