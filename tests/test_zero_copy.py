"""What other libraries lend is read where it lies, given back once, and never believed blindly.

The lenders are written with ctypes: tests/lenders.py. test_zero_copy_peers.py has the real ones.
"""

from __future__ import annotations

import ctypes
import gc
import itertools
from unittest import mock

import ml_dtypes
import numpy as np
import pytest
from lenders import (
    LENDERS,
    READ_ONLY,
    Column,
    ExchangeTable,
    Export,
    Lender,
    Level,
    PyCapsule_GetName,
    PyCapsule_New,
    Stream,
    booleans,
    lists,
    numbers,
    table,
)

import numloss
from numloss import _convert, _core

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
TYPES = [
    np.dtype(x) for x in ("f2", "f4", "f8", "?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
]
X = np.array([[0.5, -0.25, 2.0], [1.5, 0.0, -1.0]])
BOTH = [None, (1, 0)]  # versions


def address(array):
    return array.__array_interface__["data"][0]


def read(value):
    return _convert.array("prediction", value)


def refusal_of(call, error=numloss.InputTypeError):
    """Return the argument, the index and the words of a refusal, of which nothing else is kept."""
    try:
        result = call()
    except error as refused:
        return refused.argument, refused.index, str(refused)
    pytest.fail(f"taken, with the result {result}")


def refusal(value, error=numloss.InputTypeError):
    """Return the words in which a prediction is refused."""
    argument, _, text = refusal_of(lambda: numloss.mse(value, 0.0), error)
    assert argument == "prediction"
    assert text.startswith("prediction ")
    return text.removeprefix("prediction ")


# ---------------------------------------------------------------------------------------- DLPack in


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize("dtype", [*TYPES, BFLOAT16], ids=str)
def test_a_tensor_is_read_where_it_lies(dtype, version):
    x = np.array([[1, 0, 1], [0, 1, 1]]).astype(dtype)
    lender = Lender(x, version)
    array = read(lender)
    assert (array.dtype, address(array), lender.deleted) == (dtype, address(x), 0)
    assert np.array_equal(array, x)
    assert array.flags.writeable == (version is not None)
    del array
    assert lender.deleted == 1


def test_a_call_reads_the_memory_itself():
    x = np.ones(1000)
    lender = Lender(x)
    assert numloss.mse(lender, 0.0) == 1
    x[:] = 3
    assert numloss.mse(lender, 0.0) == 9
    assert lender.deleted == 2


LAYOUTS = {
    "reversed": (X[::-1, ::-1], {}),
    "transposed": (X.T, {}),
    "every other": (np.repeat(X, 2, axis=1)[:, ::2], {}),
    "broadcast": (np.broadcast_to(X[0], (4, 3)), {}),
    "without axes": (X[0, 0, ...], {"shape": None, "strides": None}),
    "without strides": (X, {"strides": None}),
    "without an element": (X[:0], {"data": None}),
    "without an element or strides": (X[:0], {"data": None, "strides": None}),
    "many axes": (X.reshape((1,) * 30 + X.shape), {}),
}


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout, version):
    x, fields = LAYOUTS[layout]
    lender = Lender(x, version, **fields)
    array = read(lender)
    assert array.shape == x.shape
    assert np.array_equal(array, x)
    assert x.size == 0 or address(array) == address(x)
    del array
    assert lender.deleted == 1


@pytest.mark.parametrize("version", BOTH)
def test_offset_in_bytes(version):
    lender = Lender(X, version, shape=(2,), strides=(1,), byte_offset=16)
    assert address(read(lender)) == address(X) + 16
    assert np.array_equal(read(lender), [2.0, 1.5])
    lender = Lender(X[:0], version, data=None, byte_offset=2**64 - 1)
    assert read(lender).shape == (0, 3)


@pytest.mark.parametrize("version", BOTH)
def test_a_tensor_may_have_no_deleter(version):
    assert numloss.mse(Lender(X, version, has_deleter=False), X) == 0


@pytest.mark.parametrize("version", BOTH)
def test_pinned_memory_is_that_of_the_cpu(version):
    for device in (1, 3, 11):
        lender = Lender(X, version, device_type=device)
        assert address(read(lender)) == address(X)


DEVICES = {
    2: "CUDA:0", 4: "OpenCL:0", 7: "Vulkan:0", 8: "Metal:0", 9: "VPI:0", 10: "ROCm:0",
    12: "an extension:0", 13: "CUDA managed memory:0", 14: "oneAPI:0", 15: "WebGPU:0",
    16: "Hexagon:0", 17: "MAIA:0", 18: "Trainium:0",
    5: "an unknown device (5):0", 0: "an unknown device (0):0", 99: "an unknown device (99):0",
    -1: "an unknown device (-1):0",
}  # fmt: skip


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize("device", DEVICES)
def test_other_memory_is_refused_by_name(device, version):
    lender = Lender(X, version, device_type=device, data=1)
    text = refusal(lender)
    assert text == f"must lie in memory of the CPU, got a tensor on {DEVICES[device]}"
    assert lender.deleted == 1


REFUSED_TYPES = {
    (2, 128, 1): "float128", (5, 64, 1): "complex64", (3, 64, 1): "handle64", (6, 1, 1): "bool1",
    (0, 4, 1): "int4", (4, 8, 1): "bfloat8", (2, 32, 4): "float32 in vectors of 4",
    (2, 32, 0): "float32 in vectors of 0",
    (12, 8, 1): "a type of 8 bits (DLPack's code 12)",
    (255, 0, 1): "a type of 0 bits (DLPack's code 255)",
}  # fmt: skip


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize("type", REFUSED_TYPES, ids=str)
def test_types_that_no_kernel_reads(type, version):
    code, bits, lanes = type
    lender = Lender(X, version, code=code, bits=bits, lanes=lanes)
    needed = "must hold real numbers of at most 64 bits"
    assert refusal(lender) == f"{needed}, got a tensor of {REFUSED_TYPES[type]}"
    assert lender.deleted == 1


WITHIN = "must have strides that stay within memory"
AXES = "must have from 0 to 64 axes"
LIES = {
    "fewer axes than none": ({"ndim": -1}, AXES),
    "too many axes": ({"ndim": 65}, AXES),
    "axes without end": ({"ndim": 2**31 - 1}, AXES),
    "no shape": ({"shape": None, "ndim": 2}, "must have a shape"),
    "no memory": ({"data": None}, "must have memory for its elements"),
    "a negative length": ({"shape": (-3, 2)}, "must have lengths of at least 0"),
    "a negative length, no strides": (
        {"shape": (-3, 2), "strides": None},
        "must have lengths of at least 0",
    ),
    "elements without number": (
        {"shape": (2**62, 2**62)},
        "must have elements that can be counted",
    ),
    "elements without number or strides": (
        {"shape": (2**62, 2**62), "strides": None},
        "must have elements that can be counted",
    ),
    "strides beyond 64 bits": ({"strides": (2**62, 1)}, WITHIN),
    "strides beyond memory": ({"strides": (2**59, 1)}, WITHIN),
    "strides before memory": ({"strides": (-(2**59), 1)}, WITHIN),
    "the least stride": ({"strides": (-(2**63), 1)}, WITHIN),
    "an offset beyond memory": ({"byte_offset": 2**64 - 1}, "must begin within memory"),
}


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize("lie", LIES)
def test_tensors_that_cannot_be(lie, version):
    fields, expected = LIES[lie]
    lender = Lender(X, version, **fields)
    assert refusal(lender) == expected
    assert lender.deleted == 1


@pytest.mark.parametrize("version", [(2, 0), (0, 9), (2**32 - 1, 0)])
def test_of_another_major_version_the_deleter_alone_is_called(version):
    lender = Lender(X, version)
    # What follows the deleter may be anything there.
    after = type(lender.managed).flags.offset
    ctypes.memset(
        ctypes.addressof(lender.managed) + after, 0xFF, ctypes.sizeof(lender.managed) - after
    )
    found = ".".join(map(str, version))
    assert refusal(lender) == f"must be a tensor of DLPack 1.x, got version {found}"
    assert lender.deleted == 1


def test_a_later_minor_version_is_read():
    assert numloss.mse(Lender(X, (1, 2**32 - 1)), X) == 0


@pytest.mark.parametrize("version", BOTH)
def test_a_capsule_is_used_once(version):
    lender = Lender(X, version)
    capsule = lender.__dlpack__()
    _core.from_dlpack(capsule)
    assert PyCapsule_GetName(capsule) == b"used_" + lender.name
    assert lender.deleted == 1
    with pytest.raises(
        _core.UnusableError, match="capsule that nobody has used, got 'used_dltensor"
    ):
        _core.from_dlpack(capsule)
    del capsule
    assert lender.deleted == 1
    lender.__dlpack__()  # is dropped
    assert lender.deleted == 2


@pytest.mark.parametrize("capsule", [None, 3, "dltensor", object()])
def test_a_capsule_that_is_none(capsule):
    class Tensor:
        def __dlpack__(self, **options):
            return capsule

    with pytest.raises(TypeError):
        _core.from_dlpack(capsule)
    assert refusal(Tensor()).startswith("must be array-like on the CPU, got Tensor: ")


def test_a_refused_tensor_hangs_in_no_cycle():
    gc.disable()
    try:
        lender = Lender(X, lanes=2)
        refusal(lender)
        assert lender.deleted == 1
    finally:
        gc.enable()


# ---------------------------------------------------------------------------- the table of a type


class Exchanging(Lender):
    """A tensor whose type has a table: what it does is set from outside."""

    exported = 0
    code = 0

    def __dlpack__(self, **options):
        raise AssertionError("a type with a table is not asked for capsules")

    def __array__(self, dtype=None, copy=None):
        return self.array

    @Export
    def export(self, to):
        type(self).exported += 1
        to[0] = ctypes.addressof(self.managed) if type(self).code == 0 else None
        return type(self).code


TABLE = ExchangeTable(1, 3, None, None, Exchanging.export)
LATER_TABLE = ExchangeTable(2, 0, ctypes.pointer(TABLE), None, Export())


def offered(table, name=b"dlpack_exchange_api"):
    LENDERS.append(table)
    return PyCapsule_New(ctypes.addressof(table), name, None)


# The one that can be used stands behind a later one.
Exchanging.__dlpack_c_exchange_api__ = offered(LATER_TABLE)


@pytest.fixture
def exchanging():
    """Let the type be known, which Python sees at its first tensor."""
    Exchanging.exported = Exchanging.code = 0
    numloss.mse(Exchanging(X), 0.0)
    assert Exchanging.exported == 1
    return Exchanging


def test_a_table_is_used_instead_of_python(exchanging):
    lender = exchanging(X)
    with mock.patch.object(_convert, "array", None):
        for _ in range(3):
            assert numloss.mse(lender, X) == 0
    assert (exchanging.exported, lender.deleted) == (4, 3)


def test_a_tensor_of_a_table_is_read_where_it_lies(exchanging):
    lender = exchanging(X)
    array = _core.from_exchange(lender)
    assert (address(array), lender.deleted) == (address(X), 0)
    del array
    assert lender.deleted == 1
    assert _core.from_exchange(Lender(X)) is None


def test_results_are_written_to_a_tensor_of_a_table(exchanging):
    out = exchanging(np.zeros_like(X))
    with mock.patch.object(_convert, "output", None):
        assert numloss.mse.grad(X, 0.0, out=out) is out
    assert np.array_equal(out.array, numloss.mse.grad(X, 0.0))
    assert out.deleted == 1


UNUSABLE = [{"lanes": 2}, {"device_type": 2}, {"ndim": -1}, {"version": (2, 0)}]


@pytest.mark.parametrize("fields", UNUSABLE, ids=str)
def test_an_unusable_tensor_of_a_table_is_left_to_python(exchanging, fields):
    lender = exchanging(X, **fields)
    assert numloss.mse(lender, X) == 0  # by its __array__
    assert lender.deleted > 0
    assert lender.deleted == exchanging.exported - 1


def test_a_read_only_tensor_of_a_table_is_no_place(exchanging):
    place = exchanging(np.zeros_like(X), flags=READ_ONLY)
    with pytest.raises(TypeError, match=r"^out must be memory that can be written"):
        numloss.mse.grad(X, 0.0, out=place)
    assert not place.array.any()


def test_a_table_that_fails_leaves_the_tensor_to_python(exchanging):
    exchanging.code = -1
    lender = exchanging(X)
    assert numloss.mse(lender, X) == 0
    assert lender.deleted == 0


def endless_table():
    table = ExchangeTable(2, 0, None, None, Exchanging.export)
    table.earlier = ctypes.pointer(table)
    return table


NO_TABLES = {
    "another name": lambda: offered(TABLE, b"dlpack"),
    "no capsule": lambda: 3,
    "a later version": lambda: offered(ExchangeTable(2, 0, None, None, Exchanging.export)),
    "an earlier version": lambda: offered(ExchangeTable(0, 8, None, None, Exchanging.export)),
    "later versions alone": lambda: offered(endless_table()),
    "no function": lambda: offered(ExchangeTable(1, 0, None, None, Export())),
}


@pytest.mark.parametrize("kind", NO_TABLES)
def test_what_is_no_table_is_left_alone(kind):
    class Tensor(Lender):
        __dlpack_c_exchange_api__ = NO_TABLES[kind]()

    lender = Tensor(X)
    for _ in range(3):
        assert numloss.mse(lender, X) == 0
    assert lender.deleted == 3


# ------------------------------------------------------------------------------------------ results


class Interface:
    """An array by __array_interface__ alone."""

    def __init__(self, array, **fields):
        self.array = array
        self.__array_interface__ = array.__array_interface__ | fields


def test_an_array_interface_is_read_where_it_lies():
    for x in (X, X.T, X[::-1, ::2], np.broadcast_to(X[0], (4, 3)), X[0, 0, ...], X[:0]):
        lender = Interface(x)
        array = read(lender)
        assert np.array_equal(array, x)
        assert x.size == 0 or address(array) == address(x)
    memory = bytearray(X.tobytes())
    lent = Interface(X, data=memory, offset=8, shape=(5,), strides=None)
    assert np.array_equal(read(lent), X.ravel()[1:])
    memory[8:16] = np.float64(9).tobytes()
    assert read(lent)[0] == 9


def read_only(x):
    return np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape)


PLACES = {"tensor": Lender, "interface": Interface}


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("dtype", [np.dtype(x) for x in ("f2", "f4", "f8")] + [BFLOAT16], ids=str)
def test_results_are_written_where_a_place_lies(dtype, kind):
    if (dtype, kind) == (BFLOAT16, "interface"):
        return  # an array interface has no name for it
    x = X.astype(dtype)
    for memory in (np.zeros_like(x), np.zeros_like(x.T).T, np.zeros((4, 3), dtype)[::2]):
        place = PLACES[kind](memory)
        found = numloss.mse.grad(x, 0.0, out=place)
        assert found is place
        assert np.array_equal(memory, numloss.mse.grad(x, 0.0))
    if kind == "tensor":
        assert place.deleted == 1


@pytest.mark.parametrize("kind", PLACES)
def test_places_of_several_results(kind):
    memory = [np.zeros_like(X) for _ in range(4)]
    gradient, hessian, first, second = map(PLACES[kind], memory)
    found = numloss.huber.grad_and_hess(X, 0.0, out=(gradient, hessian))
    assert found[0] is gradient
    assert found[1] is hessian
    for x, y in zip(memory[:2], numloss.huber.grad_and_hess(X, 0.0), strict=True):
        assert np.array_equal(x, y)
    found = numloss.huber.grad_and_hess(X, 0.0, out=(None, hessian))
    assert type(found[0]) is np.ndarray
    assert found[1] is hessian
    variance = np.abs(X) + 1
    found = numloss.gaussian_nll.grad(X, 0.0, variance, out=(first, second))
    assert found == (first, second)
    for x, y in zip(memory[2:], numloss.gaussian_nll.grad(X, 0.0, variance), strict=True):
        assert np.array_equal(x, y)


def test_a_place_may_be_the_memory_of_the_prediction():
    x = X.copy()
    numloss.mse.grad(Lender(x), 0.0, out=Lender(x))
    assert np.array_equal(x, numloss.mse.grad(X, 0.0))
    with pytest.raises(numloss.Error, match="out overlaps prediction"):
        numloss.mse.grad(x[:1], 0.0, out=Lender(x.reshape(-1)[1:4].reshape(1, 3)))
    with pytest.raises(numloss.Error, match="out must have memory for every element"):
        numloss.mse.grad(X, 0.0, out=Lender(x, strides=(0, 1)))


READ_ONLY_TEXT = "it is read-only, or its library does not say that it is not"
NO_PLACES = {
    "read-only tensor": (lambda x: Lender(x, flags=READ_ONLY), f"Lender: {READ_ONLY_TEXT}"),
    "unversioned tensor": (lambda x: Lender(x, None), f"Lender: {READ_ONLY_TEXT}"),
    "read-only interface": (lambda x: Interface(read_only(x)), f"Interface: {READ_ONLY_TEXT}"),
    "elsewhere": (
        lambda x: Lender(x, device_type=2),
        "Lender: must lie in memory of the CPU, got a tensor on CUDA:0",
    ),
    "no capsule": (lambda x: NoCapsule(), "NoCapsule: no tensor"),
}


class NoCapsule:
    def __dlpack__(self, **options):
        raise BufferError("no tensor")


@pytest.mark.parametrize("kind", NO_PLACES)
def test_no_place_for_results(kind):
    make, text = NO_PLACES[kind]
    x = np.zeros_like(X)
    place = make(x)
    found = refusal_of(lambda: numloss.mse.grad(X, 0.0, out=place))
    assert found == ("out", (), f"out must be memory that can be written, got {text}")
    assert not x.any()
    assert getattr(place, "deleted", 1) == 1


def test_a_place_must_fit():
    with pytest.raises(numloss.Error, match=r"^out must have shape \(2, 3\), got \(3, 2\)$"):
        numloss.mse.grad(X, 0.0, out=Lender(np.zeros((3, 2))))
    with pytest.raises(TypeError, match=r"^out must have dtype float64, got float32: "):
        numloss.mse.grad(X, 0.0, out=Lender(np.zeros((2, 3), "f4")))
    for tuples in ((((X,),),), ((X.copy(), None),), (((),), None)):
        with pytest.raises(numloss.Error, match=r"^out must "):
            numloss.mse.grad(X, 0.0, out=tuples)
    with pytest.raises(TypeError, match=r"^out must have one array for each result, got a tuple"):
        numloss.mse.value_and_grad(X, 0.0, reduction="none", out=((X.copy(),), None))


class OnlyArray:
    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


@pytest.mark.parametrize(
    "place",
    [[0.0] * 3, OnlyArray(np.zeros(3)), np.float64(0), bytearray(24), "here"],
    ids=lambda place: type(place).__name__,
)
def test_what_may_give_a_copy_is_no_place(place):
    with pytest.raises(TypeError, match=r"^out must be a numpy\.ndarray, a tensor in memory of"):
        numloss.mse.grad(np.ones(3), 0.0, out=place)


# -------------------------------------------------------------------------------------------- Arrow

ARROW_TYPES = [x for x in TYPES if x.kind != "b"]


@pytest.mark.parametrize("offset", [0, 1, 13])
@pytest.mark.parametrize("dtype", ARROW_TYPES, ids=str)
def test_a_column_is_read_where_it_lies(dtype, offset):
    x = np.arange(5).astype(dtype)
    for valid, nulls in ((None, 0), (None, -1), ([True] * 5, 0), ([True] * 5, -1)):
        column = Column(numbers(x, valid, offset, null_count=nulls))
        array = read(column)
        assert (array.dtype, address(array)) == (dtype, address(column.level.memory))
        assert np.array_equal(array, x)
        assert not array.flags.writeable
        assert column.released["array"] == 0
        del array
        assert column.is_given_back()


def test_a_call_reads_the_memory_of_a_column_itself():
    level = numbers(np.ones(1000))
    assert numloss.mse(Column(level), 0.0) == 1
    level.memory[:] = 3
    assert numloss.mse(Column(level), 0.0) == 9


@pytest.mark.parametrize("nulls", [-1, 1])
def test_a_null_is_refused_by_its_row(nulls):
    rng = np.random.default_rng(0)
    lengths = [1, 2, 7, 8, 9, 63, 64, 65, 127, 128, 129, 200]
    for n, offset in itertools.product(lengths, [0, 1, 7, 8, 63, 64, 65]):
        row = int(rng.integers(n))
        valid = np.arange(n) != row
        column = Column(numbers(np.ones(n), valid, offset, null_count=nulls))
        found = refusal_of(lambda column=column: numloss.mse(column, 0.0))
        text = f"prediction must hold real numbers, got a null in row {row}: "
        fix = "numloss.nulls_to_weight gives such rows weight 0"
        assert found == ("prediction", (row,), text + fix)
        assert column.is_given_back()
        *_, weight = numloss.nulls_to_weight(
            Column(numbers(np.ones(n), valid, offset, null_count=nulls))
        )
        assert np.array_equal(weight, valid)


def test_what_a_null_hides_is_never_read():
    """Whatever is there: as a label it would lead outside, as a probability be refused."""
    rng = np.random.default_rng(0)
    valid = rng.random(50) < 0.7
    labels = np.where(valid, rng.integers(0, 3, 50), -(2**40))
    logits, chances = rng.normal(size=(50, 3)), np.where(valid, rng.random(50), np.nan)
    _, y, weight = numloss.nulls_to_weight(logits, Column(numbers(labels, valid)))
    expected = numloss.cross_entropy(logits[valid], labels[valid])
    assert numloss.cross_entropy(logits, y, weight=weight) == pytest.approx(expected, rel=1e-14)
    _, q, weight = numloss.nulls_to_weight(logits[:, 0], Column(numbers(chances, valid)))
    expected = numloss.binary_cross_entropy(logits[valid, 0], chances[valid])
    found = numloss.binary_cross_entropy(logits[:, 0], q, weight=weight)
    assert found == pytest.approx(expected, rel=1e-14)
    signs = np.where(valid, np.where(rng.random(50) < 0.5, -1, 1), 77)
    _, s, weight = numloss.nulls_to_weight(logits[:, 0], Column(numbers(signs, valid)))
    expected = numloss.hinge(logits[valid, 0], signs[valid])
    assert numloss.hinge(logits[:, 0], s, weight=weight) == pytest.approx(expected, rel=1e-14)


def test_booleans_are_bits():
    rng = np.random.default_rng(0)
    for n, offset in itertools.product([0, 1, 8, 65], [0, 3, 8]):
        bits = rng.random(n) < 0.5
        column = Column(booleans(bits, [True] * n, offset))
        array = read(column)
        assert array.dtype == bool
        assert np.array_equal(array, bits)
        assert column.is_given_back()


def extension(name):
    key = b"ARROW:extension:name"
    lengths = [len(x).to_bytes(4, "little") for x in (key, name)]
    other = b"\x01\x00\x00\x00k\x00\x00\x00\x00"
    return (2).to_bytes(4, "little") + other + lengths[0] + key + lengths[1] + name


def test_booleans_of_a_byte_are_read_where_they_lie():
    level = numbers(np.array([2, 0, -1], "i1"), metadata=extension(b"arrow.bool8"))
    array = read(Column(level))
    assert (array.dtype, address(array)) == (np.dtype(bool), address(level.memory))
    assert numloss.hinge(np.zeros(3), Column(level)) == 1


def test_lists_of_equal_length_are_rows():
    x = np.arange(24.0)
    for outer, inner in itertools.product([0, 1, 2], [0, 1, 5]):
        child = numbers(x, offset=inner)
        column = Column(lists(4, child, 6 - outer, offset=outer))
        array = read(column)
        assert address(array) == address(child.memory[4 * outer :])
        assert np.array_equal(array, x.reshape(6, 4)[outer:])
        del array
        assert column.is_given_back()
    child = numbers(x)
    nested = Column(lists(2, lists(3, child, 8), 4))
    assert np.array_equal(read(nested), x.reshape(4, 2, 3))
    assert address(read(Column(lists(2, lists(3, child, 8), 4)))) == address(child.memory)
    assert read(Column(lists(0, numbers(x[:0]), 5))).shape == (5, 0)
    assert read(Column(lists(3, numbers(x[:0]), 0))).shape == (0, 3)
    bits = Column(lists(3, booleans(x[:6] > 2, offset=5), 2))
    assert np.array_equal(read(bits), (x[:6] > 2).reshape(2, 3))


def test_nulls_of_lists_are_those_of_rows():
    x = np.arange(12.0)
    valid = np.ones(12, bool)
    valid[[7, 8]] = False
    for column, rows in (
        (lists(3, numbers(x), 4, [True, True, False, True]), [0, 1, 3]),
        (lists(3, numbers(x, valid), 4), [0, 1, 3]),
        (lists(3, numbers(x, valid), 4, [True, True, False, True]), [0, 1, 3]),
        (lists(3, numbers(x, valid), 3, offset=1), [0, 2]),
        (lists(3, numbers(x, valid), 1, offset=3), [0]),
        (lists(2, lists(3, numbers(x, valid), 4, [False, True, True, True]), 2), []),
    ):
        p, weight = numloss.nulls_to_weight(Column(column))
        if weight is None:
            weight = np.ones(len(p), bool)
        assert np.flatnonzero(weight).tolist() == rows
        if rows and len(rows) < len(p):
            with pytest.raises(numloss.InputTypeError, match="got a null in row"):
                read(Column(column))


def test_a_column_of_nothing_but_nulls():
    p, weight = numloss.nulls_to_weight(Column(Level(b"n", 3)))
    assert not weight.any()
    with pytest.raises(numloss.InputTypeError, match="got a null in row 0"):
        read(Column(Level(b"n", 3)))
    with pytest.warns(RuntimeWarning, match="no examples"):
        assert np.isnan(numloss.mse(p, 0.0, weight=weight))


class Frame(Column):
    """A table: it knows its array itself."""

    def __array__(self, dtype=None, copy=None):
        return X


def test_tables_are_searched_for_nulls():
    columns = [numbers(X[:, i].copy()) for i in range(3)]
    frame = Frame(table(*columns, length=2))
    assert address(read(frame)) == address(X)
    assert frame.is_given_back()
    columns[1] = numbers(X[:, 1].copy(), [True, False])
    with pytest.raises(numloss.InputTypeError, match="got a null in row 1"):
        read(Frame(table(*columns, length=2)))
    p, weight = numloss.nulls_to_weight(Frame(table(*columns, length=2)))
    assert weight.tolist() == [True, False]
    assert np.array_equal(p, X[[0, 0]])


def test_an_extension_type_knows_its_array():
    frame = Frame(lists(3, numbers(X.ravel()), 2, metadata=extension(b"some.tensor")))
    assert read(frame) is not None
    assert address(
        read(Frame(lists(3, numbers(X.ravel()), 2, metadata=extension(b"x"))))
    ) == address(X)
    tensor = Frame(lists(3, numbers(X.ravel()), 2, [True, False], metadata=extension(b"x")))
    with pytest.raises(numloss.InputTypeError, match="got a null in row 1"):
        read(tensor)


BAD_ARROW = "must be an Arrow column with "
BUFFERS = f"{BAD_ARROW}the buffers of its type"
CHILDREN = f"{BAD_ARROW}the children of its type"
ELEMENTS = f"{BAD_ARROW}as many elements as its length says"
OFFSET = f"{BAD_ARROW}an offset of at least 0"
FORMAT = "must hold real numbers of at most 64 bits, got a column of Arrow's format "
Y = np.arange(6.0)


def list_format(format):
    return lambda: lists(3, numbers(Y), 2).set(format=format)


ARROW_LIES = {
    "a negative length": (lambda: numbers(Y).set(length=-1), f"{BAD_ARROW}a length of at least 0"),
    "a negative offset": (lambda: numbers(Y).set(offset=-1), OFFSET),
    "an offset beyond 64 bits": (lambda: numbers(Y).set(offset=2**63 - 1), OFFSET),
    "an offset beyond memory": (
        lambda: numbers(Y).set(offset=2**61),
        f"{BAD_ARROW}an offset within memory",
    ),
    "a length beyond memory": (
        lambda: numbers(Y).set(length=2**62),
        "must have elements that can be counted",
    ),
    "no memory": (lambda: Level(b"g", 6, (None, None)), "must have memory for its elements"),
    "no memory of bits": (
        lambda: Level(b"b", 6, (None, None)),
        f"{BAD_ARROW}memory for its elements",
    ),
    "a buffer too few": (lambda: Level(b"g", 6, (None,)), BUFFERS),
    "a buffer too many": (lambda: Level(b"g", 6, (None, Y, None)), BUFFERS),
    "no buffers": (lambda: numbers(Y).set(buffers=None), BUFFERS),
    "buffers of a list": (lambda: Level(b"+w:3", 2, (), (numbers(Y),)), BUFFERS),
    "fewer nulls than none": (
        lambda: numbers(Y).set(null_count=-2),
        f"{BAD_ARROW}a number of nulls of at least 0, or -1",
    ),
    "nulls without a bitmap": (
        lambda: numbers(Y).set(null_count=1),
        f"{BAD_ARROW}a bitmap of its nulls",
    ),
    "no format": (lambda: numbers(Y).set(format=None), f"{FORMAT}''"),
    "an empty format": (lambda: numbers(Y).set(format=b""), f"{FORMAT}''"),
    "text": (lambda: numbers(Y).set(format=b"u"), f"{FORMAT}'u'"),
    "no format of Arrow's": (lambda: numbers(Y).set(format=b"-"), f"{FORMAT}'-'"),
    "two formats": (lambda: numbers(Y).set(format=b"fg"), f"{FORMAT}'fg'"),
    "a format of bytes": (lambda: numbers(Y).set(format=b"\xff"), None),
    "a dictionary": (
        lambda: with_dictionary(),
        f"{FORMAT}'g' with a dictionary",
    ),
    "lists of a negative length": (list_format(b"+w:-3"), f"{FORMAT}'+w:-3'"),
    "lists of no length": (list_format(b"+w:"), f"{FORMAT}'+w:'"),
    "lists of half a length": (list_format(b"+w:3x"), f"{FORMAT}'+w:3x'"),
    "lists without end": (list_format(b"+w:9223372036854775808"), f"{FORMAT}'+w:922"),
    "lists too long": (list_format(b"+w:4"), ELEMENTS),
    "lists beyond 64 bits": (list_format(b"+w:9223372036854775807"), ELEMENTS),
    "lists without a child": (
        lambda: Level(b"+w:3", 2, (None,)),
        f"{BAD_ARROW}lists of one kind of element",
    ),
    "a child that is missing": (lambda: lists(3, numbers(Y), 2).set(children=None), CHILDREN),
    "a child too few": (lambda: lists(3, numbers(Y), 2).set(n_children=0), CHILDREN),
    "a child of a negative length": (lambda: lists(3, numbers(Y).set(length=-6), 2), ELEMENTS),
    "a child of a negative offset": (lambda: lists(3, numbers(Y).set(offset=-1), 2), OFFSET),
    "lists that hold themselves": (lambda: endless(), f"{BAD_ARROW}at most 64 axes"),
    "a table in a list": (lambda: lists(2, table(numbers(Y), length=6), 3), f"{FORMAT}'+s'"),
    "a table in a table": (lambda: table(table(numbers(Y), length=6), length=6), f"{FORMAT}'+s'"),
    "a short column of a table": (lambda: table(numbers(Y), length=7), ELEMENTS),
    "metadata of a negative length": (
        lambda: numbers(Y).set(format=b"c", metadata=b"\x01\x00\x00\x00\xff\xff\xff\xff"),
        f"{BAD_ARROW}metadata of lengths of at least 0",
    ),
}  # fmt: skip


def with_dictionary():
    level = numbers(Y)
    level.schema.dictionary = ctypes.pointer(level.schema)
    return level


def endless():
    level = lists(1, numbers(Y), 6)
    level._schemas[0] = ctypes.pointer(level.schema)
    return level


@pytest.mark.parametrize("lie", ARROW_LIES)
def test_columns_that_cannot_be(lie):
    make, expected = ARROW_LIES[lie]
    column = Column(make())
    text = refusal(column, numloss.Error)
    assert expected is None or text.startswith(expected)
    assert column.is_given_back()
    assert column.released == {"schema": 1, "array": 1}


def test_capsules_that_are_none():
    with pytest.raises(numloss.Error, match="must give an Arrow capsule 'arrow_array'"):
        read(column := Column(numbers(Y), (b"arrow_schema", b"arrow_schema")))
    assert column.is_given_back()
    with pytest.raises(numloss.Error, match="must give an Arrow capsule 'arrow_schema'"):
        read(column := Column(numbers(Y), (b"dltensor", b"arrow_array")))
    assert not column.released
    used = Column(numbers(Y))
    read(used)
    with pytest.raises(numloss.Error, match="must give Arrow memory that has not been released"):
        read(used)
    assert used.is_given_back()
    for found in (None, 3, (), (1, 2), (1, 2, 3)):
        made = type("Odd", (), {"__arrow_c_array__": lambda self, found=found: found})
        assert refusal(made(), numloss.Error).startswith("must be array-like, got Odd: ")
        made = type("Odd", (), {"__arrow_c_stream__": lambda self, found=found: found})
        assert refusal(made(), numloss.Error).startswith("must be array-like, got Odd: ")


# ------------------------------------------------------------------------------------------ streams


def test_one_piece_is_read_where_it_lies():
    columns = [Column(numbers(Y[:0])), Column(numbers(Y)), Column(numbers(Y[:0]))]
    stream = Stream(columns)
    array = read(stream)
    assert address(array) == address(columns[1].level.memory)
    assert (stream.released, columns[1].released["array"]) == (1, 0)
    del array
    assert columns[0].released == {"schema": 1, "array": 1}
    assert [column.released["array"] for column in columns] == [1, 1, 1]


def test_several_pieces_are_copied_once():
    pieces = [Y, Y[:1], Y[2:]]
    stream = Stream([Column(numbers(x, offset=i)) for i, x in enumerate(pieces)])
    assert np.array_equal(read(stream), np.concatenate(pieces))
    assert [column.released["array"] for column in stream.columns] == [1, 1, 1]
    rows = Stream([Column(lists(3, numbers(Y), 2)), Column(lists(3, numbers(Y), 1, offset=1))])
    assert np.array_equal(read(rows), Y.reshape(2, 3)[[0, 1, 1]])
    valid = [[True] * 6, None, [True, False]]
    holes = [Column(numbers(x[:6], v)) for x, v in zip([Y, Y, Y[:2]], valid, strict=True)]
    with pytest.raises(numloss.InputTypeError, match="got a null in row 13:"):
        read(Stream(holes))


def test_a_stream_of_no_piece_has_a_type():
    for level, dtype, shape in (
        (numbers(Y.astype("f4")), "f4", (0,)),
        (booleans([True]), "?", (0,)),
        (lists(3, numbers(Y), 2), "f8", (0, 3)),
        (Level(b"n", 1), "f8", (0,)),
    ):
        stream = Stream([], schema=(schema := Column(level)))
        array = read(stream)
        assert (array.dtype, array.shape) == (np.dtype(dtype), shape)
        assert (stream.released, schema.released) == (1, {"schema": 1})


def test_streams_that_fail():
    for code, text, expected in (
        (5, b"the disk is gone", "got error 5: the disk is gone"),
        (22, None, "got error 22"),
    ):
        stream = Stream([Column(numbers(Y))], code=code, text=text)
        assert refusal(stream, numloss.Error) == (
            f"must be an Arrow stream that can be read, {expected}"
        )
        assert stream.released == 1
        assert stream.columns[0].released == {"schema": 1, "array": 1}
    for missing in ("get_schema", "get_next"):
        function = dict(type(stream.stream)._fields_)[missing]
        stream = Stream([Column(numbers(Y))], **{missing: function()})
        assert refusal(stream, numloss.Error) == f"{BAD_ARROW}the functions of a stream"
        assert stream.released == 1
    stream = Stream(
        [Column(numbers(Y))], code=5, get_last_error=type(stream.stream.get_last_error)()
    )
    assert refusal(stream, numloss.Error).endswith("got error 5")
    pieces = [Column(numbers(Y)), Column(numbers(Y).set(length=-1))]
    assert refusal(Stream(pieces), numloss.Error) == f"{BAD_ARROW}a length of at least 0"
    assert [piece.released["array"] for piece in pieces] == [1, 1]
