"""Arithmetic of the definitions: in long double, or on arrays of mpmath's numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def _any_precision(native: np.ufunc, exact: Callable[[Any], Any]) -> Callable[[Array], Array]:
    """Return a function of long doubles and of mpmath's numbers."""
    exact_ufunc = np.frompyfunc(exact, 1, 1)
    return lambda x: exact_ufunc(x) if x.dtype == object else native(x)


exp = _any_precision(np.exp, mpmath.exp)
log = _any_precision(np.log, mpmath.log)
sqrt = _any_precision(np.sqrt, mpmath.sqrt)
tanh = _any_precision(np.tanh, mpmath.tanh)
cosh = _any_precision(np.cosh, mpmath.cosh)


def _of_mpmath(exact: Callable[[Any], Any]) -> Callable[[Array], Array]:
    """Return a function that NumPy does not have, of long doubles and of mpmath's numbers."""
    of_exact = np.frompyfunc(exact, 1, 1)

    def wide(x: Any) -> Any:
        with mpmath.workdps(30):
            return np.longdouble(mpmath.nstr(exact(mpmath.mpf(str(x))), 25))

    of_wide = np.frompyfunc(wide, 1, 1)
    return lambda x: of_exact(x) if x.dtype == object else of_wide(x).astype(np.longdouble)


erf = _of_mpmath(mpmath.erf)
# Slow for many digits, and asked for the same numbers as one after the other is moved.
_erfc = cache(lambda x, precision: mpmath.erfc(x))
erfc = _of_mpmath(lambda x: _erfc(x, mpmath.mp.prec))
#: log(t!), for any t >= 0.
log_factorial = _of_mpmath(lambda t: mpmath.loggamma(1 + t))


def x_log_y(x: Array, y: Array) -> Array:
    """Return x log(y), which is 0 for x = 0."""
    return x * log(np.where(x == 0, 1, y))


def sigmoid(x: Array) -> Array:
    return 1 / (1 + exp(-x))


def softmax(x: Array) -> Array:
    exponentials = exp(x)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def is_label(label: Array, classes: int) -> Array:
    return label[..., None] == np.arange(classes)


def at_label(x: Array, label: Array) -> Array:
    return np.take_along_axis(x, label[..., None], axis=-1)[..., 0]


def derivatives(
    f: Callable[[Array], Array], x: Array, step: Any, rowwise: bool
) -> tuple[Array, Array]:
    """Return the first and second derivatives of examples' values, by central differences.

    The stencils are of eighth order. For a rowwise loss the second ones are the diagonal.
    """
    if not rowwise:
        return _differences(lambda h: f(x + h), step)
    units = np.eye(x.shape[-1], dtype=int)
    columns = [_differences(lambda h, unit=unit: f(x + h * unit), step) for unit in units]
    first, second = zip(*columns, strict=True)
    return np.stack(first, axis=-1), np.stack(second, axis=-1)


def _differences(f: Callable[[Any], Array], step: Any) -> tuple[Array, Array]:
    center = f(0 * step)
    sides = [(f(k * step), f(-k * step)) for k in (1, 2, 3, 4)]
    odd = [ahead - behind for ahead, behind in sides]
    even = [(ahead - center) + (behind - center) for ahead, behind in sides]
    first = 672 * odd[0] - 168 * odd[1] + 32 * odd[2] - 3 * odd[3]
    second = 8064 * even[0] - 1008 * even[1] + 128 * even[2] - 9 * even[3]
    return first / (840 * step), second / (5040 * step**2)
