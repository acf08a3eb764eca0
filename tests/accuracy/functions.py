"""The kernels' elementary functions: definitions, domains, and arguments that are hard for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
from scipy.special import erf, gammaln

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]

INF = float("inf")


@dataclass(frozen=True)
class Function:
    """A function, its definition, and what is known of it.

    Parameters
    ----------
    name : str
        As the kernels call it.
    formula : str
        What it computes.
    exact : callable
        The same of mpmath's numbers.
    native : callable
        The same of float64 arrays, to a few units in their last place: some 1e-9 of float32's.
    inverse : callable
        An argument of a result, of mpmath's numbers.
    low, high : float
        The ends of the domain, which belong to it.
    breakpoints : ndarray
        Where the formula changes, or loses digits most easily.
    special : tuple of pairs
        Arguments and results that are exact.
    growth : callable, optional
        What the error of a float64 argument may grow with: errors are divided by it.
    """

    name: str
    formula: str
    exact: Callable[[Any], Any]
    native: Callable[[Array], Array]
    inverse: Callable[[Any], Any]
    low: float
    high: float
    breakpoints: Array
    special: tuple[tuple[float, float], ...]
    growth: Callable[[Array], Array] | None = None

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    def inside(self, x: Array) -> Array:
        """Return which arguments belong to the domain."""
        return (x >= self.low) & (x <= self.high)


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _exact_sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def _logit(p: Any) -> Any:
    return mpmath.log(p / (1 - p)) if 0 < p < 1 else mpmath.mpf(0)


def _exact_gap(x: Any) -> Any:
    """Return x - log(1 + x), near 0 by a series that leaves out less than x^7."""
    if x < mpmath.mpf(2) ** -30:
        return sum((-x) ** k / k for k in range(2, 7))
    return x - mpmath.log1p(x)


def _gap(x: Array) -> Array:
    series = x * x * np.polynomial.polynomial.polyval(-x, 1 / np.arange(2.0, 14.0))
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.where(x < 0.02, series, x - np.log1p(x))
    return np.where(np.isinf(x), x, found)


def _gap_inverse(y: Any) -> Any:
    """Return the root by Newton's method, which begins above it."""
    x = y + mpmath.sqrt(2 * y) if y > 0 else mpmath.mpf(0)
    for _ in range(8 if y > 0 else 0):
        x -= (_exact_gap(x) - y) * (1 + x) / x
    return x


def _variance_inverse(v: Any) -> Any:
    return 2 * mpmath.acosh(1 / (2 * mpmath.sqrt(v))) if 0 < v < 0.25 else mpmath.mpf(0)


def _exact_log_factorial(x: Any) -> Any:
    # 1 + x has not the digits of a tiny x.
    with mpmath.workprec(240):
        return mpmath.loggamma(1 + x) if x > 1e-25 else -mpmath.euler * x


def _log_factorial(x: Array) -> Array:
    # x + 1 has not the digits of a small x: there it is -x times Euler's constant, and so on.
    series = x * (x * (np.pi**2 / 12 - x * 0.4006856343865314) - np.euler_gamma)
    return np.where(x < 1e-4, series, gammaln(x + 1))


def _log_factorial_inverse(y: Any) -> Any:
    """Return an argument from 2 on whose logarithm of the factorial is y, by bisection."""
    low, high = mpmath.mpf(2), mpmath.mpf(2) ** 40
    for _ in range(120):
        middle = (low + high) / 2
        low, high = (middle, high) if mpmath.loggamma(1 + middle) < y else (low, middle)
    return low


_LN2 = float(np.log(2))
# Halfway between multiples of ln 2, where the range reduction of exp turns to the next one; where
# results of float32 and float64 become subnormal, 0 or infinite.
_EXP_TURNS = _LN2 * (np.arange(-1077, 1026) + 0.5)
_EXP_ENDS = np.array([-745.14, -708.4, -103.98, -87.34, 88.73, 709.79, 0.0])
_EXP = np.concatenate([_EXP_TURNS, _EXP_ENDS])
_NONPOSITIVE = _EXP[_EXP <= 0]
_SYMMETRIC = np.concatenate([_EXP, -_EXP])
# Where the range reduction of log takes the next exponent, and the exponents' ends.
_LOG = np.concatenate([2.0 ** (np.arange(-1074, 1024) + 0.5), 2.0 ** np.arange(-1074.0, 1024)])
_LOG1P = np.concatenate(
    [_LOG, 2.0 ** (np.arange(-60, 60) + 0.5) - 1, -(2.0 ** np.arange(-60.0, 0)), [-1.0, 0.0]]
)
_EXPONENT = 1.5  # of power_three_halves

FUNCTIONS = (
    Function(
        "exp",
        "exp(x)",
        mpmath.exp,
        np.exp,
        mpmath.log,
        -INF,
        INF,
        _EXP,
        ((0.0, 1.0), (-0.0, 1.0), (-INF, 0.0), (INF, INF), (1e30, INF), (-1e30, 0.0)),
    ),
    Function(
        "expm1",
        "exp(x) - 1",
        mpmath.expm1,
        np.expm1,
        lambda y: mpmath.log1p(y) if y > -1 else mpmath.mpf(0),
        -INF,
        INF,
        np.append(_EXP, 2.0 ** np.arange(-60, 0)),
        ((0.0, 0.0), (-0.0, 0.0), (-INF, -1.0), (INF, INF), (1e30, INF), (-1e30, -1.0)),
    ),
    Function(
        "exp_nonpositive",
        "exp(x), x ≤ 0",
        mpmath.exp,
        np.exp,
        mpmath.log,
        -INF,
        0.0,
        _NONPOSITIVE,
        ((0.0, 1.0), (-0.0, 1.0), (-INF, 0.0), (-1e30, 0.0)),
    ),
    Function(
        "log",
        "log(x)",
        mpmath.log,
        np.log,
        mpmath.exp,
        0.0,
        INF,
        _LOG,
        ((1.0, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF)),
    ),
    Function(
        "log1p",
        "log(1 + x)",
        mpmath.log1p,
        np.log1p,
        mpmath.expm1,
        -1.0,
        INF,
        _LOG1P,
        ((0.0, 0.0), (-1.0, -INF), (INF, INF)),
    ),
    Function(
        "log1p_unit",
        "log(1 + x), 0 ≤ x ≤ 1",
        mpmath.log1p,
        np.log1p,
        mpmath.expm1,
        0.0,
        1.0,
        np.append(_LOG1P, 0.5),
        ((0.0, 0.0),),
    ),
    Function(
        "log1p_gap",
        "x - log(1 + x), x ≥ 0",
        _exact_gap,
        _gap,
        _gap_inverse,
        0.0,
        INF,
        np.append(_LOG1P[_LOG1P >= 0], [0.5, 2.0**40, 2.0**80]),
        ((0.0, 0.0), (INF, INF), (1e30, 1e30)),
    ),
    Function(
        "sigmoid",
        "1 / (1 + exp(-x))",
        _exact_sigmoid,
        _sigmoid,
        _logit,
        -INF,
        INF,
        _SYMMETRIC,
        ((0.0, 0.5), (-0.0, 0.5), (-INF, 0.0), (INF, 1.0), (1e30, 1.0), (-1e30, 0.0)),
    ),
    Function(
        "sigmoid_complement",
        "1 / (1 + exp(x))",
        lambda x: _exact_sigmoid(-x),
        lambda x: _sigmoid(-x),
        lambda p: -_logit(p),
        -INF,
        INF,
        _SYMMETRIC,
        ((0.0, 0.5), (-INF, 1.0), (INF, 0.0), (1e30, 0.0), (-1e30, 1.0)),
    ),
    Function(
        "sigmoid_variance",
        "sigmoid(x) · sigmoid(-x)",
        lambda x: _exact_sigmoid(x) * _exact_sigmoid(-x),
        lambda x: _sigmoid(x) * _sigmoid(-x),
        _variance_inverse,
        -INF,
        INF,
        _SYMMETRIC,
        ((0.0, 0.25), (-INF, 0.0), (INF, 0.0)),
    ),
    Function(
        "softplus",
        "log(1 + exp(x))",
        lambda x: mpmath.log1p(mpmath.exp(x)) if x < 0 else x + mpmath.log1p(mpmath.exp(-x)),
        lambda x: np.maximum(x, 0) + np.log1p(np.exp(-abs(x))),
        lambda y: mpmath.log(mpmath.expm1(y)) if y > 0 else mpmath.mpf(0),
        -INF,
        INF,
        _SYMMETRIC,
        ((-INF, 0.0), (INF, INF), (1e30, 1e30), (-1e30, 0.0)),
    ),
    Function(
        "power_three_halves",
        "exp(1.5 · log(x)), 0 ≤ x ≤ 1: the power of the focal losses, here of 3/2",
        lambda x: x**_EXPONENT,
        lambda x: x * np.sqrt(x),
        lambda y: y ** (1 / mpmath.mpf(_EXPONENT)) if y > 0 else mpmath.mpf(0),
        0.0,
        1.0,
        np.concatenate([_LOG, np.exp(_NONPOSITIVE / _EXPONENT)]),
        ((0.0, 0.0), (1.0, 1.0)),
        growth=lambda x: np.maximum(1.0, _EXPONENT * abs(np.log(np.maximum(x, 2.0**-1074)))),
    ),
    Function(
        "log_factorial",
        "log(x!), x ≥ 0",
        _exact_log_factorial,
        _log_factorial,
        _log_factorial_inverse,
        0.0,
        INF,
        np.concatenate([_LOG[_LOG < 1e300], np.arange(172.0), [2.5, 1.5, 0.4616321449683623]]),
        ((0.0, 0.0), (1.0, 0.0), (INF, INF)),
    ),
    Function(
        "normal_density",
        "exp(-x²/2) / √(2π)",
        lambda x: mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi),
        lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
        lambda y: mpmath.sqrt(-2 * mpmath.log(y * mpmath.sqrt(2 * mpmath.pi))) if 0 < y < 0.39
        else mpmath.mpf(0),
        -INF,
        INF,
        np.concatenate([np.sqrt(-2 * _NONPOSITIVE), -np.sqrt(-2 * _NONPOSITIVE)]),
        ((-INF, 0.0), (INF, 0.0), (1e30, 0.0)),
    ),
    Function(
        "normal_within",
        "erf(x / √2)",
        lambda x: mpmath.erf(x / mpmath.sqrt(2)),
        lambda x: erf(x / np.sqrt(2)),
        lambda y: mpmath.sqrt(2) * mpmath.erfinv(y) if abs(y) < 1 else mpmath.mpf(0),
        -INF,
        INF,
        np.concatenate([_LOG[_LOG < 16], -_LOG[_LOG < 16], np.array([1.25, 5.6, 8.5])]),
        ((0.0, 0.0), (-INF, -1.0), (INF, 1.0), (1e30, 1.0), (-1e30, -1.0)),
    ),
)  # fmt: skip
BY_NAME = {function.name: function for function in FUNCTIONS}


def neighbour(x: Array, steps: Array | int) -> Array:
    """Return the numbers so many places beside others."""
    signed = x.view({4: np.int32, 8: np.int64}[x.itemsize])
    smallest = np.iinfo(signed.dtype).min
    order = np.where(signed < 0, smallest - signed, signed) + np.asarray(steps, signed.dtype)
    return np.where(order < 0, smallest - order, order).view(x.dtype)


def arguments(function: Function, dtype: Any, count: int, seed: int = 0) -> Array:
    """Return about so many finite arguments: of every magnitude, and hard ones."""
    rng = np.random.default_rng(seed)
    info = np.finfo(dtype)
    n = count // 5
    smallest = np.log2(float(info.smallest_subnormal))
    magnitude = 2.0 ** rng.uniform(smallest, info.maxexp, n) * rng.choice([-1, 1], n)
    parts = [
        magnitude.clip(info.min, info.max),
        rng.uniform(-750, 750, n // 2),
        rng.uniform(-1, 1, n // 2) * 2.0 ** rng.uniform(-60, 8, n // 2),
        beside(function.breakpoints, dtype, n, rng),
        beside(halfway(function, dtype, n // 4, rng), dtype, n, rng),
        np.array([info.tiny, info.smallest_subnormal, info.max, info.eps, 0.0, 1.0]),
    ]
    # Where the domain has one side only, the other's magnitudes serve it.
    x = np.concatenate([part.astype(dtype) for part in parts])
    x = np.where(function.inside(x), x, -x)
    ends = np.array([function.low, function.high]).clip(info.min, info.max).astype(dtype)
    x = np.concatenate([x, ends])
    return np.unique(x[function.inside(x) & np.isfinite(x)])


def beside(points: Array, dtype: Any, count: int, rng: np.random.Generator) -> Array:
    """Return numbers within forty places of points."""
    with np.errstate(over="ignore"):
        points = points.astype(dtype)
    chosen = rng.choice(points[np.isfinite(points)], count)
    return neighbour(chosen, rng.integers(-40, 41, count))


def halfway(function: Function, dtype: Any, count: int, rng: np.random.Generator) -> Array:
    """Return arguments whose results lie halfway between two numbers, as nearly as they can.

    One result in four is subnormal or almost.
    """
    info = np.finfo(dtype)
    sample = rng.uniform(-20, 20, 3 * count // 4)
    sample = np.where(function.inside(sample), sample, abs(sample) / 20)
    with np.errstate(over="ignore"):
        results = function.native(sample).astype(dtype)
    tiny = 2.0 ** rng.uniform(info.minexp - info.nmant, info.minexp + 4, count // 4)
    results = np.concatenate([results, tiny.astype(dtype)])
    results = results[np.isfinite(results)]
    above = neighbour(results, 1)
    pairs = zip(results.tolist(), above.tolist(), strict=True)
    with mpmath.workprec(120):
        middles = [(mpmath.mpf(low) + mpmath.mpf(high)) / 2 for low, high in pairs]
        found = [function.inverse(middle) for middle in middles]
    return np.array([float(x) for x in found if isinstance(x, mpmath.mpf)])
