"""The kernels' elementary functions, on every instruction set.

How accurate they are is held by tests/test_accuracy.py on a sample, and by `make accuracy` whole.
"""

from __future__ import annotations

from collections.abc import Iterator

import ml_dtypes
import numpy as np
import pytest
from accuracy import sweep
from accuracy.functions import BY_NAME, FUNCTIONS, arguments

import numloss
from numloss import _core

DTYPES = (np.float32, np.float64)
ISAS = _core.config()["isas"]

every_function = pytest.mark.parametrize("function", FUNCTIONS, ids=str)
both_dtypes = pytest.mark.parametrize("dtype", DTYPES)


@pytest.fixture(params=ISAS)
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    before = _core.config()["isa"]
    _core.select_isa(request.param)
    yield request.param
    _core.select_isa(before)


@both_dtypes
@every_function
def test_special_values(function, dtype, isa):
    x, exact = np.array([*function.special, (np.nan, np.nan)], dtype).T
    np.testing.assert_array_equal(_core.apply(function.name, np.ascontiguousarray(x)), exact)


@both_dtypes
@pytest.mark.parametrize("name", ["log", "log1p"])
def test_logarithms_of_negative_numbers_are_nan(name, dtype, isa):
    below = np.array([-np.inf, -2.0, -1.0000001, np.finfo(dtype).min], dtype)
    assert np.isnan(_core.apply(name, below)).all()


@both_dtypes
@every_function
def test_every_instruction_set_gives_the_same_bits(function, dtype):
    x = arguments(function, dtype, 5000)
    if dtype is np.float32:
        # Outside the domain as well.
        x = np.concatenate([x, *(sweep.patterns(k) for k in range(5, sweep.CHUNKS, 50021))])
    first, *others = sweep.each_isa(function.name, x)
    assert len(others) == len(ISAS) - 1
    assert [sweep.count_differing(first, other) for other in others] == [0] * len(others)


def test_bits_that_differ_are_counted():
    a = np.array([0.0, 1.0, np.nan, np.nan, np.inf], np.float32)
    b = np.array([-0.0, 1.0, -np.nan, 1.0, np.inf], np.float32)
    assert sweep.count_differing(a, b) == 2
    assert sweep.count_differing(a, a.copy()) == 0


@both_dtypes
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_binary_cross_entropy_is_made_of_them(target, dtype):
    x = arguments(BY_NAME["sigmoid"], dtype, 5000)
    call = {"target": target, "reduction": "none"}
    value = numloss.binary_cross_entropy(x, **call)
    gradient, hessian = numloss.binary_cross_entropy.grad_and_hess(x, **call)
    sign = 1 if target == 0 else -1
    np.testing.assert_array_equal(value, _core.apply("softplus", sign * x))
    np.testing.assert_array_equal(gradient, sign * _core.apply("sigmoid", sign * x))
    np.testing.assert_array_equal(hessian, _core.apply("sigmoid_variance", x))


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16], ids=lambda x: np.dtype(x).name)
def test_numbers_of_16_bits(dtype, isa):
    """All of them are read, and results are rounded to them, as NumPy does it."""
    x, zero = np.arange(1 << 16, dtype=np.uint16).view(dtype), np.zeros(1 << 16, dtype)
    tenth = np.full_like(zero, 0.1)
    wide = x.astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        square, slope = (y.astype(dtype) for y in (wide * wide, 2 * (wide - np.float32(tenth[0]))))
    # Whole vectors, and what is left over.
    for n in (len(x), 1, 7, 8, 15, 16, 17):
        for part in (slice(k, k + n) for k in range(0, len(x), 4099 if n < len(x) else len(x))):
            call = {"prediction": x[part], "reduction": "none"}
            here = square[part], slope[part], np.abs(x[part])
            found = (
                numloss.mse(target=zero[part], **call),
                numloss.mse.grad(target=tenth[part], **call),
                numloss.mae(target=zero[part], **call),
            )
            for one, other in zip(found, here, strict=True):
                assert one.dtype == dtype
                np.testing.assert_array_equal(one.astype(np.float32), other.astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16], ids=lambda x: np.dtype(x).name)
def test_every_instruction_set_reads_and_rounds_nan_alike(dtype):
    x = np.arange(1 << 16, dtype=np.uint16).view(dtype)
    call = {"prediction": x, "target": np.zeros_like(x), "reduction": "none"}
    before = _core.config()["isa"]
    bits = set()
    for isa in ISAS:
        _core.select_isa(isa)
        bits.add(numloss.mae(**call).tobytes() + numloss.mse.grad(**call).tobytes())
    _core.select_isa(before)
    assert len(bits) == 1


def test_apply_refuses_what_it_would_misread():
    for x in (np.zeros(4, np.float16), np.zeros(4, int), np.zeros(8, np.float32)[::2]):
        with pytest.raises(ValueError, match="contiguous array of float32 or float64"):
            _core.apply("exp", x)
    with pytest.raises(ValueError, match="no function named expp"):
        _core.apply("expp", np.zeros(4))
