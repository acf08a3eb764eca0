"""Order statistics of a stream: exact while its values are kept, then from a histogram.

The histogram has 512 bins to a factor of two, so a quantile is off by at most 0.1 % of its value.
It is a plain count of values, so it depends neither on their order nor on how they were split into
chunks, and two of them add up to the histogram of both. (Rank-based sketches such as KLL toss
coins: they would print other digits at every run.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.floating[Any]]
Counts = npt.NDArray[np.int64]

#: Largest error of an approximate quantile, relative to its value.
RELATIVE_ERROR = 2.0**-10

# A bin holds the float64 that share their sign, their exponent and 9 bits of their mantissa.
_DROPPED_BITS = 52 - 9
_MAGNITUDE = np.int64(0x7FFF_FFFF_FFFF_FFFF)
# Values that wait to be counted, beside as many as there are bins: keeps the cost of counting low.
_WAITING = 4096
# Values that are counted at once: counting takes several times the memory of the values.
_PIECE = 1 << 16


class Distribution:
    """The values of a stream, or their histogram once ``condense`` was called."""

    __slots__ = ("_bins", "_buffer", "_counts", "_kept", "size")

    def __init__(self) -> None:
        self.size = 0
        self._buffer: Values = np.empty(0, np.float32)
        self._kept = 0
        self._bins: Counts | None = None
        self._counts: Counts = np.zeros(0, np.int64)

    @property
    def exact(self) -> bool:
        """Whether all values are still there."""
        return self._bins is None

    def add(self, values: Values) -> None:
        """Take in values, none of them NaN."""
        self.size += len(values)
        self._keep(values)
        if self._bins is not None and self._kept > _WAITING + len(self._bins):
            self.condense()

    def merge(self, other: Distribution) -> None:
        """Take in what another distribution holds."""
        self.size += other.size
        self._keep(other._buffer[: other._kept])
        if other._bins is not None:
            self._count(other._bins, other._counts)

    def condense(self) -> None:
        """Count the values that are kept and forget them."""
        for start in range(0, max(1, self._kept), _PIECE):
            piece = self._buffer[start : min(start + _PIECE, self._kept)]
            self._count(*np.unique(_bin_of(piece), return_counts=True))
        self._buffer, self._kept = np.empty(0, self._buffer.dtype), 0

    def quantiles(self, probabilities: Iterable[float], low: float, high: float) -> list[float]:
        """Quantiles with linear interpolation between neighbours, as ``numpy.quantile`` has them.

        ``low`` and ``high`` are the smallest and the largest value: no quantile lies beyond them.
        """
        positions = [probability * (self.size - 1) for probability in probabilities]
        ranks = sorted({rank for p in positions for rank in (math.floor(p), math.ceil(p))})
        value_at = dict(zip(ranks, self._values_at(ranks), strict=True))
        return [
            min(max(_between(value_at[math.floor(p)], value_at[math.ceil(p)], p % 1.0), low), high)
            for p in positions
        ]

    def _values_at(self, ranks: list[int]) -> list[float]:
        if self._bins is None:
            values = self._buffer[: self._kept]
            values.partition(ranks)
            return [float(value) for value in values[ranks]]
        self.condense()
        found = np.searchsorted(np.cumsum(self._counts), ranks, side="right")
        return [float(value) for value in _middle_of(self._bins[found])]

    def _keep(self, values: Values) -> None:
        size = self._kept + len(values)
        dtype = np.promote_types(self._buffer.dtype, values.dtype)
        if size > len(self._buffer) or dtype != self._buffer.dtype:
            larger: Values = np.empty(max(size, 2 * self._kept), dtype)
            larger[: self._kept] = self._buffer[: self._kept]
            self._buffer = larger
        self._buffer[self._kept : size] = values
        self._kept = size

    def _count(self, bins: Counts, counts: Counts) -> None:
        if self._bins is None:
            self._bins, self._counts = bins, counts
            return
        merged, place = np.unique(np.concatenate([self._bins, bins]), return_inverse=True)
        total = np.zeros(len(merged), np.int64)
        np.add.at(total, place, np.concatenate([self._counts, counts]))
        self._bins, self._counts = merged, total


def _bin_of(values: Values) -> Counts:
    """Give the bin of each value a number; the numbers are in the order of the values."""
    # Adding 0.0 turns -0.0 into 0.0.
    bits = (values.astype(np.float64) + 0.0).view(np.int64)
    magnitude = (bits & _MAGNITUDE) >> _DROPPED_BITS
    return np.where(bits < 0, -1 - magnitude, magnitude)


def _middle_of(bins: Counts) -> npt.NDArray[np.float64]:
    """Value that stands for a bin: its middle; for the first bin 0, for the last infinity."""
    magnitude = np.where(bins < 0, -1 - bins, bins)
    infinity = np.int64(0x7FF) << np.int64(52 - _DROPPED_BITS)
    inside = (magnitude > 0) & (magnitude < infinity)
    half = np.where(inside, np.int64(1) << np.int64(_DROPPED_BITS - 1), np.int64(0))
    middle = ((magnitude << _DROPPED_BITS) + half).view(np.float64)
    return np.where(bins < 0, -middle, middle)


def _between(low: float, high: float, share: float) -> float:
    """Interpolate from the nearer end, as NumPy does."""
    # Equal neighbours may be infinite; their difference would be NaN.
    if low == high or share == 0.0:
        return low
    step = high - low
    return low + step * share if share < 0.5 else high - step * (1.0 - share)
