"""Whose memory is read and written where it lies, by address: torch, JAX, pandas, polars, pyarrow.

And what of them is copied once, and what is refused: nulls, tensors that must not be written.
"""

from __future__ import annotations

import sys
from unittest import mock

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

import numloss
from numloss import _convert, _core

FLOATS = ("float64", "float32", "float16", "bfloat16")
INTEGERS = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
X = np.array([[0.5, -0.25, 2.0], [1.5, 0.0, -1.0]])
COLUMN = np.arange(1000.0)


def dtype_of(name):
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def read(value):
    return _convert.array("prediction", value)


def address(array):
    return array.__array_interface__["data"][0]


# -------------------------------------------------------------------------------------------- torch


@pytest.mark.parametrize("name", FLOATS + INTEGERS)
def test_torch_is_read_where_it_lies(name):
    base = torch.ones(4, 6).to(getattr(torch, name))
    for tensor in (base, base.T, base[::2, 1:], base[2, 3], base.expand(2, 4, 6)):
        array = read(tensor)
        assert (array.dtype, array.shape) == (dtype_of(name), tuple(tensor.shape))
        assert address(array) == tensor.data_ptr()
        strides = [stride * array.itemsize for stride in tensor.stride()]
        assert [s for s, n in zip(array.strides, array.shape, strict=True) if n > 1] == [
            s for s, n in zip(strides, array.shape, strict=True) if n > 1
        ]
    assert read(base[:0]).shape == (0, 6)


@pytest.mark.parametrize("name", FLOATS)
def test_a_tensor_of_torch_is_read_and_written_without_python(name):
    """By the table of its type, which the first one of the process makes known."""
    tensor, out = (torch.ones(3, 4, dtype=getattr(torch, name)) for _ in range(2))
    numloss.mse(tensor, 0.0)
    assert address(_core.from_exchange(tensor)) == tensor.data_ptr()
    with mock.patch.dict(sys.modules, {"numloss._convert": None}):
        assert numloss.mse(tensor, 0.0) == 1
        assert numloss.mse.grad(tensor, 0.0, reduction="sum", out=out) is out
    assert torch.equal(out, 2 * tensor)


@pytest.mark.parametrize("name", FLOATS)
def test_results_are_written_to_tensors_of_torch(name):
    p = torch.from_numpy(X).to(getattr(torch, name))
    expected = numloss.huber.grad_and_hess(X.astype(dtype_of(name)), 0.0)
    bits = torch.int16 if p.itemsize == 2 else torch.int32 if p.itemsize == 4 else torch.int64
    for make in (torch.empty_like, lambda x: torch.empty(9, 2, dtype=x.dtype).T[:, ::3]):
        places = make(p), make(p)
        at = [place.data_ptr() for place in places]
        found = numloss.huber.grad_and_hess(p, 0.0, out=places)
        assert found[0] is places[0]
        assert found[1] is places[1]
        assert [place.data_ptr() for place in places] == at
        for place, x in zip(places, expected, strict=True):
            own = torch.from_numpy(x.view(f"i{x.itemsize}").copy())
            assert torch.equal(
                place.view(bits) if place.is_contiguous() else place.contiguous().view(bits), own
            )
    at = p.data_ptr()
    assert numloss.huber.grad(p, 0.0, out=p) is p
    assert p.data_ptr() == at
    assert torch.equal(p.view(bits), torch.from_numpy(expected[0].view(f"i{p.itemsize}").copy()))


WRITTEN = "out must be memory that can be written, got "
NO_PLACES = {
    "gradients recorded": (
        lambda: torch.zeros(2, 3, dtype=torch.float64, requires_grad=True),
        f"{WRITTEN}Tensor: Can't export tensors that require gradient",
    ),
    "a parameter": (
        lambda: torch.nn.Parameter(torch.zeros(2, 3, dtype=torch.float64)),
        f"{WRITTEN}Parameter: Can't export tensors that require gradient",
    ),
    "negated": (
        lambda: torch.zeros(2, 3, dtype=torch.float64)._neg_view(),
        f"{WRITTEN}Tensor: its numbers are to be negated: use its resolve_neg()",
    ),
    "without memory": (
        lambda: torch.zeros(2, 3, dtype=torch.float64, device="meta"),
        f"{WRITTEN}Tensor: ",
    ),
    "expanded": (
        lambda: torch.zeros(1, 3, dtype=torch.float64).expand(2, 3),
        "out must have memory for every element, got a view that shares it",
    ),
    "another type": (
        lambda: torch.zeros(2, 3),
        "out must have dtype float64, got float32: ",
    ),
    "jax": (lambda: jnp.zeros((2, 3)), f"{WRITTEN}ArrayImpl: it is read-only, or its library"),
    "numpy's read-only": (
        lambda: np.broadcast_to(np.zeros(3), (2, 3)),
        "out must be writeable, got a read-only array",
    ),
    "pyarrow": (lambda: pa.array(COLUMN), f"{WRITTEN}DoubleArray: it is read-only, or its lib"),
    "pandas": (lambda: pd.Series(COLUMN), "out must be a numpy.ndarray, a tensor in memory of"),
    "polars": (lambda: pl.Series(COLUMN), "out must be a numpy.ndarray, a tensor in memory of"),
}  # fmt: skip


@pytest.mark.parametrize("kind", NO_PLACES)
def test_what_is_no_place_for_results(kind):
    make, text = NO_PLACES[kind]
    place = make()
    before = None if kind == "without memory" else np.array(unwrapped(place))
    with pytest.raises(numloss.Error) as caught:
        numloss.mse.grad(X, 0.0, out=place)
    assert str(caught.value).startswith(text)
    if before is not None:
        assert np.array_equal(unwrapped(place), before)


def unwrapped(x):
    return x.detach().resolve_neg().numpy() if isinstance(x, torch.Tensor) else x


def test_a_tensor_that_is_more_than_its_numbers_is_refused():
    numbers = torch.arange(3.0)
    numloss.mse(numbers, 0.0)  # its type is known
    for tensor, words in (
        (torch.zeros(3, requires_grad=True), "requires grad"),
        (torch.zeros(3, dtype=torch.bfloat16, requires_grad=True), "."),
        (torch.nn.Parameter(torch.zeros(3)), "requires grad"),
        (numbers._neg_view(), "negative bit"),
        (torch.ones(3, dtype=torch.complex64).conj().imag, "negative bit"),
    ):
        for _ in range(2):
            with pytest.raises(
                numloss.Error, match=rf"(?s)^prediction must be array-like.*{words}"
            ):
                numloss.mse(tensor, 0.0)


def test_a_tensor_without_memory_is_refused():
    def traced(x):
        numloss.mse(x, 0.0)
        return x.sum()

    zeros = torch._efficientzerotensor(3)
    with pytest.raises(numloss.Error, match=r"^prediction must have memory for its elements"):
        numloss.mse(zeros, 0.0)
    with pytest.raises(numloss.Error, match=r"^prediction must be array-like on the CPU"):
        torch.vmap(traced)(torch.ones(2, 3))
    with pytest.raises(numloss.Error, match=r"^prediction must be array-like on the CPU"):
        torch.func.grad(traced)(torch.ones(3))
    with pytest.raises(numloss.Error, match=r"^prediction must be array-like on the CPU"):
        numloss.mse(torch.eye(3).to_sparse(), 0.0)


# ---------------------------------------------------------------------------------------------- JAX


@pytest.mark.parametrize("name", FLOATS[1:] + INTEGERS)
def test_jax_is_read_where_it_lies(name):
    if name in ("int64", "uint64"):
        return  # without jax_enable_x64 there are none
    x = jnp.ones((4, 6), dtype=name)
    array = read(x)
    assert array.dtype == dtype_of(name)
    assert address(array) == x.unsafe_buffer_pointer()
    assert not array.flags.writeable


def test_a_jax_array_is_never_written():
    x = jnp.ones((2, 3), jnp.float32)
    for out in (x, (x,), (x, x)):
        with pytest.raises(numloss.Error, match=r"^out must"):
            numloss.mse.grad(np.ones((2, 3), "f4"), 0.0, out=out)
    with pytest.raises(numloss.Error, match=r"^out must be writeable"):
        numloss.mse.grad(x, 0.0, out=np.asarray(x))
    assert np.array_equal(x, np.ones((2, 3)))


def test_a_traced_array_of_jax_is_no_place():
    def traced(x):
        return numloss.mse.grad(np.ones(3, "f4"), 0.0, out=x)

    with pytest.raises(numloss.Error, match=r"^out must be memory that can be written"):
        jax.jit(traced)(jnp.zeros(3))


# ------------------------------------------------------------------------------------------ columns


def first_of_arrow(column):
    return column.buffers()[1].address + column.offset * column.type.bit_width // 8


PYARROW = pa.array(COLUMN)
LISTS = pa.FixedSizeListArray.from_arrays(PYARROW, 10)
TENSORS = pa.FixedShapeTensorArray.from_numpy_ndarray(COLUMN.reshape(10, 20, 5))
POLARS = pl.Series(COLUMN)
POLARS_LISTS = pl.Series(COLUMN.reshape(100, 10))
NUMPY_OF_POLARS = {id(x): x.to_numpy(allow_copy=False) for x in (POLARS, POLARS_LISTS)}
AT_ARROW, AT_POLARS = first_of_arrow(PYARROW), address(NUMPY_OF_POLARS[id(POLARS)])
AT_POLARS_LISTS = address(NUMPY_OF_POLARS[id(POLARS_LISTS)])
FLOAT64 = pd.Series(COLUMN).astype("Float64")
NO_COPIES = {
    "pyarrow": (PYARROW, AT_ARROW, (1000,)),
    "pyarrow, a slice": (PYARROW[7:20], AT_ARROW + 56, (13,)),
    "pyarrow, one chunk": (pa.chunked_array([PYARROW]), AT_ARROW, (1000,)),
    "pyarrow, empty chunks": (pa.chunked_array([PYARROW[:0], PYARROW[1:]]), AT_ARROW + 8, (999,)),
    "pyarrow, no nulls in a slice": (
        (gaps := pa.array([None, *COLUMN]))[1:],
        first_of_arrow(gaps) + 8,
        (1000,),
    ),
    "pyarrow, lists": (LISTS, AT_ARROW, (100, 10)),
    "pyarrow, a slice of lists": (LISTS[5:], AT_ARROW + 400, (95, 10)),
    "pyarrow, chunked lists": (pa.chunked_array([LISTS]), AT_ARROW, (100, 10)),
    "pyarrow, tensors": (TENSORS, first_of_arrow(TENSORS.storage.values), (10, 20, 5)),
    "polars": (POLARS, AT_POLARS, (1000,)),
    "polars, a slice": (POLARS[7:20], AT_POLARS + 56, (13,)),
    "polars, arrays": (POLARS_LISTS, AT_POLARS_LISTS, (100, 10)),
    "polars, a slice of arrays": (POLARS_LISTS[3:], AT_POLARS_LISTS + 240, (97, 10)),
    "polars, of a frame": (pl.DataFrame({"a": POLARS})["a"], AT_POLARS, (1000,)),
    "pandas": (pd.Series(COLUMN, copy=False), address(COLUMN), (1000,)),
    "pandas, a slice": (pd.Series(COLUMN, copy=False)[::2], address(COLUMN), (500,)),
    "pandas, an index": (pd.Index(COLUMN, copy=False), address(COLUMN), (1000,)),
    "pandas, a frame": (
        pd.DataFrame(COLUMN.reshape(100, 10), copy=False),
        address(COLUMN),
        (100, 10),
    ),
    "pandas, nullable": (FLOAT64, address(FLOAT64.to_numpy()), (1000,)),
    "pandas, of Arrow": (
        pd.Series(pd.arrays.ArrowExtensionArray(PYARROW)),
        AT_ARROW,
        (1000,),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", NO_COPIES)
def test_columns_are_read_where_they_lie(kind):
    column, at, shape = NO_COPIES[kind]
    array = read(column)
    assert (address(array), array.shape, array.dtype) == (at, shape, np.float64)
    assert not array.flags.writeable or kind.startswith("pandas")
    assert numloss.mse(column, 0.0) == numloss.mse(np.asarray(array).copy(), 0.0)


@pytest.mark.parametrize("name", [name for name in FLOATS + INTEGERS if name != "bfloat16"])
def test_columns_of_every_type(name):
    x = np.array([1, 0, 1, 1, 0]).astype(name)
    columns = [
        pa.array(x),
        pl.Series(x),
        pd.Series(x),
        pd.Series(pd.arrays.ArrowExtensionArray(pa.array(x))),
    ]
    if name != "float16":
        columns.append(pd.Series(pd.array(x, dtype=nullable(name))))
    for column in columns:
        array = read(column)
        assert array.dtype == x.dtype
        assert np.array_equal(array, x)


def nullable(name):
    kinds = {"bool": "boolean", "float": "Float", "int": "Int", "uint": "UInt"}
    kind = name.rstrip("0123456789")
    return kinds[kind] + name[len(kind) :]


COPIES = {
    "pyarrow, several chunks": (pa.chunked_array([PYARROW[:9], PYARROW[9:]]), COLUMN),
    "polars, several chunks": (pl.concat([POLARS[:9], POLARS[9:]], rechunk=False), COLUMN),
    "pyarrow, lists in chunks": (
        pa.chunked_array([LISTS[:9], LISTS[9:]]),
        COLUMN.reshape(100, 10),
    ),
    "pyarrow, booleans": (pa.array(COLUMN > 500)[3:], COLUMN[3:] > 500),
    "polars, booleans": (pl.Series(COLUMN > 500)[3:], COLUMN[3:] > 500),
    "pyarrow, a table": (pa.table({"a": COLUMN, "b": -COLUMN}), np.stack([COLUMN, -COLUMN], 1)),
    "polars, a frame": (pl.DataFrame({"a": COLUMN, "b": -COLUMN}), np.stack([COLUMN, -COLUMN], 1)),
    "pandas, a frame of Arrow's": (
        pd.DataFrame({"a": COLUMN, "b": -COLUMN}).astype("float64[pyarrow]"),
        np.stack([COLUMN, -COLUMN], 1),
    ),
    "pandas, a nullable frame": (
        pd.DataFrame({"a": [1, 2], "b": [0.5, np.nan]}).astype({"a": "Int64"}),
        np.array([[1, 0.5], [2, np.nan]]),
    ),
    "no chunk": (pa.chunked_array([], pa.float64()), COLUMN[:0]),
    "polars, empty": (pl.Series([], dtype=pl.Float64), COLUMN[:0]),
}


@pytest.mark.parametrize("kind", COPIES)
def test_columns_that_are_copied_once(kind):
    column, expected = COPIES[kind]
    array = read(column)
    assert array.dtype == expected.dtype
    assert np.array_equal(array, expected, equal_nan=True)


@pytest.mark.parametrize(
    "lists",
    [
        pa.array([[0.5, 1.0], [2.0, 0.0]]),
        pa.array([[0.5, 1.0], [2.0, 0.0]], pa.large_list(pa.float32())),
        pl.Series([[0.5, 1.0], [2.0, 0.0]]),
    ],
    ids=["pyarrow", "pyarrow, large", "polars"],
)
def test_lists_of_a_type_without_a_length_say_how_to_give_one(lists):
    with pytest.raises(numloss.InputTypeError, match=r"cast lists .*pyarrow.list_\(type, n\)"):
        numloss.cross_entropy(lists, [0, 1])
    is_polars = isinstance(lists, pl.Series)
    fixed = lists.list.to_array(2) if is_polars else lists.cast(pa.list_(pa.float64(), 2))
    rows = np.array([[0.5, 1.0], [2.0, 0.0]])
    assert numloss.cross_entropy(fixed, [0, 1]) == numloss.cross_entropy(rows, [0, 1])


# -------------------------------------------------------------------------------------------- nulls

GAPS = [0.5, None, 2.0]
PAIRS = pl.Array(pl.Float64, 2)
WITH_NULLS = {
    "pyarrow": pa.array(GAPS),
    "pyarrow, chunked": pa.chunked_array([[0.5], [None, 2.0]]),
    "pyarrow, integers": pa.array([1, None, 0]),
    "pyarrow, booleans": pa.array([True, None, False]),
    "pyarrow, lists": pa.array([[1.0, 2.0], [3.0, None], [0.0, 1.0]], pa.list_(pa.float64(), 2)),
    "pyarrow, no list": pa.array([[1.0, 2.0], None, [0.0, 1.0]], pa.list_(pa.float64(), 2)),
    "pyarrow, a table": pa.table({"a": GAPS, "b": [1.0, 2.0, 3.0]}),
    "pyarrow, a batch": pa.record_batch({"a": [1.0, 2.0, 3.0], "b": GAPS}),
    "polars": pl.Series(GAPS),
    "polars, integers": pl.Series([1, None, 0]),
    "polars, booleans": pl.Series([True, None, False]),
    "polars, chunked": pl.concat([pl.Series([0.5]), pl.Series([None, 2.0])], rechunk=False),
    "polars, arrays": pl.Series([[1.0, 2.0], [3.0, None], [0.0, 1.0]], dtype=PAIRS),
    "polars, no array": pl.Series([[1.0, 2.0], None, [0.0, 1.0]], dtype=PAIRS),
    "polars, a frame": pl.DataFrame({"a": GAPS, "b": [1.0, 2.0, 3.0]}),
    "pandas, nullable": pd.Series(GAPS, dtype="Float64"),
    "pandas, nullable integers": pd.Series([1, None, 0], dtype="Int64"),
    "pandas, nullable booleans": pd.Series([True, None, False], dtype="boolean"),
    "pandas, an array": pd.array(GAPS, dtype="Float64"),
    "pandas, an index": pd.Index(pd.array(GAPS, dtype="Float64")),
    "pandas, of Arrow": pd.Series(GAPS, dtype="float64[pyarrow]"),
    "pandas, integers of Arrow": pd.Series([1, None, 0], dtype="int64[pyarrow]"),
    "pandas, booleans of Arrow": pd.Series([True, None, False], dtype="bool[pyarrow]"),
    "pandas, categories": pd.Series([1.0, None, 0.5], dtype="category"),
    "pandas, a frame": pd.DataFrame({"a": pd.array(GAPS, dtype="Float64"), "b": [1.0, 2.0, 3.0]}),
}  # fmt: skip


@pytest.mark.parametrize("kind", WITH_NULLS)
def test_nulls_are_refused_by_their_row(kind):
    column = WITH_NULLS[kind]
    for call in (
        lambda: numloss.mse(column, 0.0),
        lambda: numloss.mse(np.zeros(3), 0.0, weight=column),
    ):
        with pytest.raises(numloss.InputTypeError, match="got a null in row 1:") as caught:
            call()
        assert caught.value.index == (1,)


@pytest.mark.parametrize("kind", WITH_NULLS)
def test_nulls_become_weight_0(kind):
    values, weight = numloss.nulls_to_weight(WITH_NULLS[kind])
    assert weight.tolist() == [True, False, True]
    # As the column would be without its row 1.
    whole = [read(part) for part in parts(WITH_NULLS[kind])]
    assert {values.dtype} == {part.dtype for part in whole}
    for row, part in zip((0, 2), whole, strict=True):
        assert np.array_equal(values[[row]], part)
    weight = weight if values.ndim == 1 else weight[:, None]
    found = numloss.mse(values, 0.25, weight=weight)
    assert found == numloss.mse(np.concatenate(whole), 0.25)


def parts(column):
    """Return the column's first row and its last."""
    if isinstance(column, (pd.Series, pd.DataFrame)):
        return column.iloc[:1], column.iloc[2:]
    return column[:1], column[2:]


def test_nulls_of_several_columns_and_of_weights():
    prediction, target = pl.Series([0.5, 1.5, None, 3.0]), pa.array([None, 1.0, 2.0, 3.5])
    p, t, weight = numloss.nulls_to_weight(prediction, target)
    assert weight.tolist() == [False, True, False, True]
    assert numloss.mse(p, t, weight=weight) == numloss.mse([1.5, 3.0], [1.0, 3.5])
    p, t, weight = numloss.nulls_to_weight(prediction, target, weight=pl.Series([1, 2, 3, None]))
    assert weight.tolist() == [0, 2, 0, 0]
    p, t, weight = numloss.nulls_to_weight(prediction, target, weight=2.5)
    assert weight.tolist() == [0, 2.5, 0, 2.5]


def test_columns_without_nulls_are_left_where_they_lie():
    for kind, (column, at, shape) in NO_COPIES.items():
        values, weight = numloss.nulls_to_weight(column)
        assert (address(values), values.shape, weight) == (at, shape, None), kind
    *_, weight = numloss.nulls_to_weight(POLARS, weight=POLARS)
    assert address(weight) == AT_POLARS


def test_pandas_needs_no_pyarrow_for_its_own_types():
    with mock.patch.dict(sys.modules, {"pyarrow": None}):
        assert address(read(FLOAT64)) == address(FLOAT64.to_numpy())
        with pytest.raises(numloss.InputTypeError, match="got a null in row 1"):
            read(WITH_NULLS["pandas, nullable"])


NO_NUMBERS = [
    pa.array(["a"]),
    pa.array([b""]),
    pa.array([[1.0], []]),
    pa.array([1.0]).dictionary_encode(),
    pa.array([1], pa.timestamp("s")),
    pa.array([1], pa.decimal128(5)),
    pa.table({"a": ["b"]}),
    pl.Series(["a"], dtype=pl.Categorical),
    pl.Series(["1.5"]).cast(pl.Decimal(10, 2)),
    pl.DataFrame({"a": ["b"]}),
    pd.Series(["a"], dtype="string"),
    pd.DataFrame({"a": pd.Series(["a"], dtype="string")}),
]


@pytest.mark.parametrize("column", NO_NUMBERS, ids=lambda x: f"{type(x).__name__}")
def test_columns_that_hold_no_numbers_are_refused(column):
    with pytest.raises(numloss.InputTypeError, match=r"^prediction must hold real numbers"):
        numloss.mse(column, 0.0)


def test_what_dlpack_refuses_is_not_asked_for_again():
    structures = pa.array([{"a": 1.0}, {"a": 2.0}])
    with pytest.raises(numloss.InputTypeError, match="got StructArray: DataType is not compatible"):
        numloss.mse(structures, 0.0)
