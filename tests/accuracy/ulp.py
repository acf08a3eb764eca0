"""Units in the last place, the measure of every error here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ml_dtypes
import mpmath
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


def unit(x: Array, dtype: np.dtype[Any]) -> Array:
    """Return the distance of a dtype's numbers around x, in long double.

    Around 0 and subnormal numbers it is the smallest subnormal number.
    """
    info = ml_dtypes.finfo(dtype)
    exponent = np.frexp(np.where(x == 0, np.longdouble(info.smallest_normal), x))[1] - 1
    exponent = exponent.clip(info.minexp, info.maxexp - 1)
    return np.ldexp(np.longdouble(1), exponent - info.nmant)


def errors(actual: Array, exact: Array, scale: Array | None = None) -> Array:
    """Return how many units results are off: those at `scale`, by default at the exact number.

    `exact` is in long double. A number beyond the dtype's range and an infinity both count as the
    power of two that follows the largest finite number, so an overflow that is due is no error. A
    NaN is infinitely wrong.
    """
    limit = np.ldexp(np.longdouble(1), ml_dtypes.finfo(actual.dtype).maxexp)
    off = abs(
        actual.astype(np.float64).astype(np.longdouble).clip(-limit, limit)
        - exact.clip(-limit, limit)
    )
    off /= unit(exact if scale is None else scale, actual.dtype)
    with np.errstate(over="ignore"):  # what is that wrong may as well be infinitely wrong
        return np.where(np.isnan(off), np.inf, off).astype(np.float64)


def float32_errors(actual: Array, exact: Array) -> Array:
    """Return the same for float32 results and a float64 reference, at the speed a sweep needs."""
    limit = 2.0**128
    exact = exact.clip(-limit, limit)
    power = (exact.view(np.uint64) & np.uint64(0x7FF0_0000_0000_0000)).view(np.float64)
    np.clip(power, 2.0**-126, 2.0**127, out=power)
    off = actual.astype(np.float64)
    np.clip(off, -limit, limit, out=off)
    off -= exact
    np.abs(off, out=off)
    off /= power
    off *= 2.0**23
    return off


def long_double(x: Array) -> Array:
    """Round mpmath's numbers to long double."""
    return np.array([_long_double(number) for number in x.flat], np.longdouble).reshape(x.shape)


def _long_double(x: Any) -> Any:
    if not mpmath.isfinite(x):
        return np.longdouble(float(x))
    mantissa, exponent = mpmath.frexp(x)
    exponent = max(-20_000, min(16_000, exponent))  # beyond any dtype that is measured
    high = float(mantissa)
    low = float(mantissa - high)
    return np.ldexp(np.longdouble(high) + np.longdouble(low), exponent)
