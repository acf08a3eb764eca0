"""Sums of float64 without rounding: the same result for any order, chunk or number of machines."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

# Every finite float64 is a whole multiple of 2**-1074.
_SMALLEST_EXPONENT = 1074
# Above this, the splitting below would overflow; such values are added plainly.
_LARGEST = 2.0**900


class ExactSum:
    """A running sum held as an integer multiple of the smallest float64.

    Infinities and NaN are added apart, by the rules of IEEE arithmetic.
    """

    __slots__ = ("_multiple", "_special")

    def __init__(self) -> None:
        self._multiple = 0
        self._special = 0.0

    def add(self, value: float) -> None:
        """Add one number."""
        if not math.isfinite(value):
            self._special += value
            return
        numerator, denominator = value.as_integer_ratio()
        self._multiple += numerator << (_SMALLEST_EXPONENT + 1 - denominator.bit_length())

    def merge(self, other: ExactSum) -> None:
        """Add what another sum holds."""
        self._multiple += other._multiple
        self._special += other._special

    @property
    def finite(self) -> bool:
        """Whether no infinity or NaN was added."""
        return self._special == 0.0

    @property
    def fraction(self) -> Fraction:
        """The exact sum of the finite numbers."""
        return Fraction(self._multiple, 1 << _SMALLEST_EXPONENT)

    def __float__(self) -> float:
        """Round the sum to the nearest float64."""
        return rounded(self.fraction) if self.finite else self._special


def rounded(value: Fraction) -> float:
    """Round to the nearest float64; infinity where none is large enough."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def sums_of_groups(values: npt.NDArray[np.floating[Any]], starts: Indices) -> list[Floats]:
    """Sum consecutive groups of values, which begin at ``starts``, without rounding.

    Returns arrays with one number per group; the exact sum of a group is the sum of its numbers.
    Each round splits off the leading bits of all values, few enough that they add up exactly
    (Rump, Ogita and Oishi, "Accurate floating-point summation, part I", 2008).
    """
    rest = np.array(values, dtype=np.float64)
    parts: list[Floats] = []
    unusual = ~(np.abs(rest) <= _LARGEST)
    if unusual.any():
        with np.errstate(invalid="ignore", over="ignore"):
            parts.append(np.add.reduceat(np.where(unusual, rest, 0.0), starts))
        rest[unusual] = 0.0
    headroom = len(rest).bit_length() + 1
    while (largest := float(np.max(np.abs(rest)))) > 0.0:
        anchor = math.ldexp(1.0, math.frexp(largest)[1] + headroom)
        leading = (rest + anchor) - anchor
        parts.append(np.add.reduceat(leading, starts))
        rest -= leading
    return parts


def exact_product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return ``a * b`` rounded, and what rounding took away (Dekker 1971, split by Veltkamp)."""
    with np.errstate(all="ignore"):
        product = a * b
        a_high, a_low = _halves(a)
        b_high, b_low = _halves(b)
        error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
        return product, np.where(np.isfinite(error), error, 0.0)


def _halves(a: Floats) -> tuple[Floats, Floats]:
    """Split 53 bits into two numbers of at most 26 bits."""
    scaled = 134217729.0 * a
    high = scaled - (scaled - a)
    return high, a - high
