"""The kernels' elementary functions against mpmath, on every instruction set.

An error is |ours - exact| / ulp(exact): at most 1 on the domain that csrc/kernels/math.hpp states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray

from numloss import _core

Array = NDArray[Any]
DTYPES = (np.float32, np.float64)
ISAS = _core.config()["isas"]


@dataclass(frozen=True)
class Function:
    """A function, its definition, and the ends of its domain."""

    name: str
    exact: Callable[[Any], Any]
    native: np.ufunc
    low: float
    high: float
    #: where the formula changes or loses digits most easily
    hard: tuple[float, ...]
    #: arguments and results that are exact
    special: tuple[tuple[float, float], ...]

    def __str__(self) -> str:
        return self.name


_HUGE = float(np.finfo(np.float64).max)
_INF = float("inf")
_LN2 = float(np.log(2))

FUNCTIONS = (
    Function(
        "exp",
        mpmath.exp,
        np.exp,
        -_HUGE,
        _HUGE,
        (
            -745.14,
            -708.4,
            -103.97,
            -87.34,
            88.72,
            709.78,
            *(_LN2 * (k + 0.5) for k in range(-9, 9)),
        ),
        ((0.0, 1.0), (-0.0, 1.0), (-_INF, 0.0), (_INF, _INF), (1e30, _INF), (-1e30, 0.0)),
    ),
    Function(
        "exp_nonpositive",
        mpmath.exp,
        np.exp,
        -_HUGE,
        0.0,
        (-745.14, -708.4, -103.97, -87.34, *(_LN2 * (k + 0.5) for k in range(-18, 0))),
        ((0.0, 1.0), (-0.0, 1.0), (-_INF, 0.0), (-1e30, 0.0)),
    ),
    Function(
        "log",
        mpmath.log,
        np.log,
        0.0,
        _HUGE,
        (1.0, 2.0, 0.5, 2**0.5, 0.5**0.5, 2**1.5),
        ((1.0, 0.0), (0.0, -_INF), (-0.0, -_INF), (_INF, _INF)),
    ),
    Function(
        "log1p",
        mpmath.log1p,
        np.log1p,
        -1.0,
        _HUGE,
        (0.0, -0.5, 1.0, 2**0.5 - 1, 0.5**0.5 - 1, -1.0, 2.0**-24, 2.0**24, 2.0**-53, 2.0**53),
        ((0.0, 0.0), (-1.0, -_INF), (_INF, _INF)),
    ),
    Function(
        "log1p_unit",
        mpmath.log1p,
        np.log1p,
        0.0,
        1.0,
        (0.0, 2.0**-24, 2.0**-53, 0.5, 2**0.5 - 1, 1.0),
        ((0.0, 0.0),),
    ),
)


@pytest.fixture(params=ISAS)
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    before = _core.config()["isa"]
    _core.select_isa(request.param)
    yield request.param
    _core.select_isa(before)


def arguments(function: Function, dtype: type) -> Array:
    """Return random and hard arguments of the domain: every exponent, all its ends and turns."""
    rng = np.random.default_rng(7)
    info = np.finfo(dtype)
    low, high = (
        np.clip(x, -info.max, info.max).astype(dtype) for x in (function.low, function.high)
    )
    magnitude = 2.0 ** rng.uniform(np.log2(float(info.smallest_subnormal)), info.maxexp, 1500)
    near = np.array(function.hard)
    parts = [
        rng.uniform(
            -110, 90, 800
        ),  # where neither the result of exp nor its digits are out of range
        rng.uniform(-750, 710, 800),
        rng.uniform(-1, 2, 800),
        magnitude,
        -magnitude,
        2.0 ** rng.uniform(-60, 0, 800),
        -(2.0 ** rng.uniform(-60, 0, 800)),
        np.array([info.tiny, info.smallest_subnormal, info.max, info.eps, 0.0, 1.0]),
    ]
    x = np.concatenate(parts).clip(low, high).astype(dtype)
    for step in range(-40, 41):  # the neighbours, number by number
        x = np.append(x, neighbour(near.astype(dtype), step))
    x = np.append(x, [low, high])
    return np.unique(x[(x >= low) & (x <= high)])


def neighbour(x: Array, steps: int) -> Array:
    """Return the numbers so many places beside others."""
    signed = x.view({4: np.int32, 8: np.int64}[x.itemsize])
    smallest = np.iinfo(signed.dtype).min
    order = np.where(signed < 0, smallest - signed, signed) + steps
    return np.where(order < 0, smallest - order, order).view(x.dtype)


def ulp_errors(ours: Array, exact: Array) -> list[float]:
    """Return the errors in units of the last place of the exact values, which are mpmath's."""
    info = np.finfo(ours.dtype)
    # The last place of an infinity is that of the numbers below it.
    limit = mpmath.ldexp(1, info.maxexp)

    def error(y: float, x: Any) -> float:
        if np.isnan(y):
            return np.inf
        y, x = (max(-limit, min(limit, z)) for z in (mpmath.mpf(y), x))
        exponent = min(max(mpmath.frexp(x)[1] - 1, info.minexp), info.maxexp - 1)
        return float(abs(y - x) / mpmath.ldexp(1, int(exponent) - info.nmant))

    return [error(float(y), x) for y, x in zip(ours, exact, strict=True)]


@pytest.fixture(scope="module")
def exact_values() -> Callable[[Function, type], tuple[Array, Array]]:
    """Return arguments and mpmath's values, which all instruction sets share."""

    @cache
    def values(function: Function, dtype: type) -> tuple[Array, Array]:
        x = arguments(function, dtype)
        return x, np.array([function.exact(mpmath.mpf(float(a))) for a in x])

    return values


@pytest.fixture(autouse=True)
def precision() -> Iterator[None]:
    with mpmath.workprec(120):
        yield


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_error_is_at_most_one_ulp(function, dtype, exact_values, isa):
    x, exact = exact_values(function, dtype)
    assert x.size > 2000
    errors = ulp_errors(_core.apply(function.name, x), exact)
    worst = int(np.argmax(errors))
    assert errors[worst] <= 1, f"{errors[worst]:.3f} ULP at {float(x[worst]).hex()}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_special_values(function, dtype, isa):
    x, exact = np.array([*function.special, (np.nan, np.nan)], dtype).T
    np.testing.assert_array_equal(_core.apply(function.name, np.ascontiguousarray(x)), exact)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["log", "log1p"])
def test_logarithms_of_negative_numbers_are_nan(name, dtype, isa):
    below = np.array([-np.inf, -2.0, -1.0000001, np.finfo(dtype).min], dtype)
    assert np.isnan(_core.apply(name, below)).all()


def patterns(start: int, stop: int, stride: int, low: float, high: float) -> Array:
    """Return the float32 numbers with these bits that lie in a domain."""
    x = np.arange(start, stop, stride, dtype=np.uint64).astype(np.uint32).view(np.float32)
    x = x[np.isfinite(x)].astype(np.float64)
    return x[(x >= low) & (x <= high)].astype(np.float32)


def float32_errors(function: Function, x: Array) -> Array:
    """Return the errors of float32 results in ULP, against NumPy in float64."""
    with np.errstate(all="ignore"):
        exact = function.native(x.astype(np.float64))
    ours = _core.apply(function.name, x).astype(np.float64)
    limit = 2.0**128
    exact, ours = exact.clip(-limit, limit), ours.clip(-limit, limit)
    exponent = np.frexp(exact)[1].clip(-125, 128) - 1
    return np.where(np.isnan(ours), np.inf, abs(ours - exact) * np.ldexp(1.0, 23 - exponent))


@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_float32_over_all_its_numbers_by_the_thousand(function, isa):
    x = patterns(0, 2**32, 1009, function.low, function.high)
    assert x.size > 1e6
    errors = float32_errors(function, x)
    worst = int(np.argmax(errors))
    assert errors[worst] <= 1, f"{errors[worst]:.3f} ULP at {float(x[worst]).hex()}"


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_float32_over_all_its_numbers(function):
    worst, where, count = 0.0, 0.0, 0
    chunk = 2**14  # that stays in the cache
    for bits in range(0, 2**32, chunk):
        x = patterns(bits, bits + chunk, 1, function.low, function.high)
        if x.size:
            errors = float32_errors(function, x)
            count += x.size
            worst, where = max((worst, where), (errors.max(), float(x[errors.argmax()])))
    assert count > 10**9
    assert worst <= 1, f"{worst:.3f} ULP at {where.hex()}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_every_instruction_set_gives_the_same_bits(function, dtype):
    x = arguments(function, dtype)
    if dtype is np.float32:
        x = np.append(x, patterns(0, 2**32, 10007, function.low, function.high))
    before = _core.config()["isa"]
    results = []
    for name in ISAS:
        _core.select_isa(name)
        results.append(_core.apply(function.name, x).tobytes())
    _core.select_isa(before)
    assert len(results) == len(ISAS)
    assert len(set(results)) == 1
