"""Tensors of torch and JAX on the CPU, columns of pandas and polars: the results of arrays.

bfloat16 is among them. What is read where it lies is in test_zero_copy_peers.py, and what is
missing.
"""

from __future__ import annotations

import gc
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

import numloss
from numloss import _convert

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
TYPES = {
    "float64": np.dtype("f8"),
    "float32": np.dtype("f4"),
    "float16": np.dtype("f2"),
    "bfloat16": BFLOAT16,
}
P = np.array([[0.5, -0.25, 2.0], [1.5, 0.0, -1.0]])
T = np.array([[0.25, 0.5, 0.25], [0.0, 1.0, 0.0]])
LABELS = np.array([2, 0])


def of_torch(x, name=None):
    return torch.from_numpy(x.copy()).to(getattr(torch, name or str(x.dtype)))


def of_jax(x, name=None):
    return jnp.asarray(x, dtype=name or ("int32" if x.dtype == np.int64 else str(x.dtype)))


CASES = [pytest.param(of_torch, name, id=f"torch-{name}") for name in TYPES]
CASES += [pytest.param(of_jax, name, id=f"jax-{name}") for name in list(TYPES)[1:]]


def address(x):
    return x.unsafe_buffer_pointer() if isinstance(x, jax.Array) else x.data_ptr()


def address_of_array(x):
    return x.__array_interface__["data"][0]


@pytest.mark.parametrize(("tensor", "name"), CASES)
def test_results_are_those_of_the_array(tensor, name):
    dtype = TYPES[name]
    p, t = P.astype(dtype), T.astype(dtype)
    for loss in (numloss.mse, numloss.binary_cross_entropy, numloss.kl_divergence):
        expected = loss.value_and_grad(p, t)
        value, gradient = loss.value_and_grad(tensor(P, name), tensor(T, name))
        assert value == expected[0]
        assert gradient.dtype == dtype
        assert np.array_equal(gradient, expected[1])
    expected = numloss.cross_entropy.grad(p, LABELS, weight=[1, 2])
    for labels in (tensor(LABELS), tensor(LABELS.astype(np.uint8))):
        found = numloss.cross_entropy.grad(
            tensor(P, name), labels, weight=tensor(np.float32([1, 2]))
        )
        assert found.dtype == dtype
        assert np.array_equal(found, expected)


@pytest.mark.parametrize(("tensor", "name"), CASES)
def test_they_are_read_where_they_lie(tensor, name):
    large = tensor(np.zeros((300, 500)), name)
    array = _convert.array("prediction", large)
    assert array.dtype == TYPES[name]
    assert address_of_array(array) == address(large)


@pytest.mark.parametrize("name", TYPES)
def test_strides_of_tensors_are_kept(name):
    base = torch.arange(24.0).reshape(4, 6).to(getattr(torch, name))
    for view in (base.T, base[::2, 1:], base[:, 3], base[2, 3], base[:0], base[None]):
        array = _convert.array("prediction", view)
        assert array.shape == tuple(view.shape)
        assert np.array_equal(array.astype(float), view.double().numpy())
        assert view.numel() == 0 or address_of_array(array) == view.data_ptr()


def test_an_array_keeps_the_memory_of_a_tensor_alive():
    array = _convert.array("prediction", torch.full((1000,), 3.0, dtype=torch.bfloat16))
    gc.collect()
    spare = [torch.zeros(1000, dtype=torch.bfloat16) for _ in range(10)]
    assert len(spare) == 10
    assert (array.astype(float) == 3).all()


def test_calls_keep_no_tensor_alive():
    for tensor in (torch.zeros(10), torch.zeros(10, dtype=torch.bfloat16), jnp.zeros(10)):
        before = sys.getrefcount(tensor)
        for _ in range(100):
            numloss.mse(tensor, tensor)
        gc.collect()
        assert sys.getrefcount(tensor) == before


def test_a_gradient_can_be_written_to_a_tensor():
    for name in ("float64", "float32", "float16"):
        logits, target = of_torch(P, name), of_torch(LABELS)
        expected = numloss.cross_entropy.grad(P.astype(TYPES[name]), LABELS)
        gradient = torch.empty_like(logits)
        numloss.cross_entropy.grad(logits, target, out=gradient.numpy())
        assert np.array_equal(gradient.numpy(), expected)
        numloss.cross_entropy.grad(logits, target, out=logits.numpy())
        assert np.array_equal(logits.numpy(), expected)


def test_a_target_promotes_across_libraries():
    assert numloss.mse.grad(of_torch(P, "bfloat16"), T.astype("f4")).dtype == np.float32
    assert numloss.mse.grad(P.astype("f4"), of_torch(T, "float64")).dtype == np.float64
    assert numloss.mse.grad(of_jax(P, "float16"), of_torch(T, "float16")).dtype == np.float16
    assert numloss.mse.grad(of_torch(P, "bfloat16"), of_torch(LABELS)[0]).dtype == BFLOAT16


def test_a_tensor_without_axes_is_a_number():
    for x in (torch.tensor(0.5), torch.tensor(0.5, dtype=torch.bfloat16), jnp.float32(0.5)):
        assert numloss.huber(P, T, delta=x) == numloss.huber(P, T, delta=0.5)


NOT_READ = {
    "requires grad": lambda: torch.zeros(3, requires_grad=True),
    "requires grad, bfloat16": lambda: torch.zeros(3, dtype=torch.bfloat16, requires_grad=True),
    "without memory": lambda: torch.zeros(3, device="meta"),
    "sparse": lambda: torch.eye(3).to_sparse(),
    "complex": lambda: torch.zeros(3, dtype=torch.complex64),
    "8 bits": lambda: torch.zeros(3, dtype=torch.float8_e5m2),
    "conjugated": lambda: torch.zeros(3, dtype=torch.complex64).conj(),
}


@pytest.mark.parametrize("kind", NOT_READ)
@pytest.mark.parametrize("name", ["prediction", "target", "weight"])
def test_what_cannot_be_read_is_refused(name, kind):
    arrays = {"prediction": np.zeros(3), "target": np.zeros(3), name: NOT_READ[kind]()}
    with pytest.raises(TypeError, match=f"^{name} must"):
        numloss.mse(**arrays)


def test_a_traced_array_is_refused():
    with pytest.raises(TypeError, match=r"^prediction must be array-like"):
        jax.jit(lambda x: numloss.mse(x, 0.0))(jnp.zeros(3))


def test_bfloat16_without_ml_dtypes_says_what_to_install():
    code = """
import sys
sys.modules["ml_dtypes"] = None
import numloss, torch
for _ in range(2):
    assert numloss.mse(torch.ones(3), 0.0) == 1
    try:
        numloss.mse(torch.zeros(3, dtype=torch.bfloat16), 0.0)
    except TypeError as error:
        print(error)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = found.stdout.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert re.match(r"prediction is a Tensor .* pip install ml_dtypes$", line)


# ------------------------------------------------------------------------------- pandas and polars

COLUMN = np.array([0.5, -0.25, 2.0])
BINARY = np.array([1.0, 0.0, 1.0])
SERIES = {"pandas": pd.Series, "polars": pl.Series}
FRAMES = {"pandas": pd.DataFrame, "polars": lambda x: pl.DataFrame(x, schema=["a", "b", "c"])}


@pytest.mark.parametrize("library", SERIES)
@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "u1"])
def test_columns(library, dtype):
    p, t = (SERIES[library](x.astype(dtype)) for x in (COLUMN, BINARY))
    expected = numloss.mse.value_and_grad(
        COLUMN.astype(dtype), BINARY.astype(dtype), weight=[1, 2, 3]
    )
    value, gradient = numloss.mse.value_and_grad(p, t, weight=SERIES[library]([1.0, 2.0, 3.0]))
    assert value == expected[0]
    assert type(gradient) is np.ndarray
    assert gradient.dtype == expected[1].dtype
    assert np.array_equal(gradient, expected[1])


@pytest.mark.parametrize("library", FRAMES)
def test_frames(library):
    expected = numloss.cross_entropy.grad(P, LABELS)
    found = numloss.cross_entropy.grad(FRAMES[library](P), SERIES[library](LABELS))
    assert np.array_equal(found, expected)


def test_booleans():
    expected = numloss.hinge(COLUMN, BINARY == 1)
    for t in (
        pd.Series(BINARY == 1),
        pd.Series(BINARY == 1, dtype="boolean"),
        pl.Series(BINARY == 1),
    ):
        assert numloss.hinge(COLUMN, t) == expected


def test_an_index_does_not_reorder_examples():
    p = pd.Series(COLUMN, index=[2, 1, 0])
    assert numloss.mse(p, pd.Series(BINARY)) == numloss.mse(COLUMN, BINARY)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_columns_are_read_where_they_lie(dtype):
    x = np.zeros(1000, dtype)
    array = _convert.array("prediction", pd.Series(x, copy=False))
    assert np.shares_memory(array, x)
    column = pl.Series(x)
    array = _convert.array("prediction", column)
    assert np.shares_memory(array, column.to_numpy(allow_copy=False))


def test_nan_is_a_number_and_reaches_the_result():
    for column in (pd.Series([0.5, np.nan, 2.0]), pl.Series([0.5, np.nan, 2.0])):
        value, gradient = numloss.mse.value_and_grad(column, BINARY, reduction="none")
        assert np.isnan(value).tolist() == [False, True, False]
        assert np.isnan(gradient).tolist() == [False, True, False]
        expected = numloss.mse(COLUMN, BINARY, weight=[1, 0, 1])
        assert numloss.mse(column, BINARY, weight=[1, 0, 1]) == expected


NO_NUMBERS = {
    "pandas categories": pd.Series(["a", "b", "a"], dtype="category"),
    "pandas strings": pd.Series(["a", "b", "c"]),
    "pandas booleans, one missing": pd.Series([True, None, False], dtype="boolean"),
    "pandas dates": pd.Series(pd.to_datetime(["2020-01-01"] * 3)),
    "pandas objects": pd.Series([1.0, None, "a"], dtype=object),
    "polars strings": pl.Series(["a", "b", "c"]),
    "polars lists": pl.Series([[1.0], [2.0, 3.0], []]),
    "polars dates": pl.Series(["2020-01-01"] * 3).str.to_date(),
}


@pytest.mark.parametrize("column", NO_NUMBERS)
def test_columns_that_hold_no_numbers_are_refused(column):
    with pytest.raises(TypeError, match=r"^prediction must hold real numbers"):
        numloss.mse(NO_NUMBERS[column], BINARY)
    with pytest.raises(TypeError, match=r"^target must hold real numbers"):
        numloss.mse(COLUMN, NO_NUMBERS[column])
