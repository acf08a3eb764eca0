"""Numbers grouped by bins: ``age:10``, or ``age:18,30,65``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from numloss.evaluation.errors import UsageError
from numloss.evaluation.wording import argument

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_BINNED = re.compile(rf"(.+):({_NUMBER}(?:,{_NUMBER})*)", re.DOTALL)
_EDGE = re.compile(_NUMBER)
# Whole numbers that float64 has no gap between.
_EXACT = 2.0**53


@dataclass(frozen=True)
class Bins:
    """Bins of one width, from multiples of it, or between edges. Each has its lower edge.

    Decimals are taken as they are written: 0.3 lies in the bin from 0.3 on where the width is 0.1,
    though 0.3 / 0.1 is 2.9999999999999996 in float64.
    """

    width: Decimal | None
    edges: npt.NDArray[np.float64]

    def lower_edges(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Return the lower edge of each value's bin; below the first edge it is -inf. NaN stays."""
        numbers = values.astype(np.float64)
        if self.width is None:
            edges = np.concatenate([[-np.inf], self.edges])
            found: npt.NDArray[np.float64] = edges[np.searchsorted(self.edges, numbers, "right")]
        else:
            found = self._multiples(numbers)
        return np.where(np.isnan(numbers), np.nan, found)

    def _multiples(self, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        assert self.width is not None
        with np.errstate(over="ignore", invalid="ignore"):
            places = np.floor(numbers / float(self.width))
        finite = np.isfinite(places)
        distinct, inverse = np.unique(places[finite], return_inverse=True)
        # The quotient may be one off where a value lies next to an edge.
        around = [self._edges_of(distinct + step) for step in (-1, 0, 1)]
        inside = numbers[finite]
        found = numbers.copy()  # infinities are bins of their own
        at = np.where(inside >= around[2][inverse], around[2][inverse], around[1][inverse])
        found[finite] = np.where(inside < around[1][inverse], around[0][inverse], at)
        return found

    def _edges_of(self, places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        assert self.width is not None
        width = self.width
        if width == int(width) and np.abs(places).max(initial=0) * float(width) < _EXACT:
            return places * float(width)
        return np.array([float(int(place) * width) for place in places])


def several(text: str) -> list[str]:
    """Cut a list with commas, where the edges of bins have commas between them, too."""
    found: list[str] = []
    for part in (piece.strip() for piece in text.split(",")):
        if found and _EDGE.fullmatch(part) and _BINNED.fullmatch(found[-1]):
            found[-1] += f",{part}"
        else:
            found.append(part)
    return found


def parse(text: str) -> tuple[str, Bins] | None:
    """Read ``NAME:WIDTH`` or ``NAME:EDGE,EDGE``; None if it is neither."""
    match = _BINNED.fullmatch(text)
    if match is None:
        return None
    name, numbers = match[1], match[2].split(",")
    edges = np.array([float(number) for number in numbers])
    if len(edges) == 1:
        if not 0 < edges[0] < np.inf:
            raise UsageError(f"{argument('by', text)}: the width of bins must be above 0")
        return name, Bins(Decimal(numbers[0]), edges)
    if not (np.diff(edges) > 0).all() or not np.isfinite(edges).all():
        raise UsageError(f"{argument('by', text)}: the edges of bins must grow")
    return name, Bins(None, edges)
