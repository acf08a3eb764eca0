"""Whatever holds numbers is taken: for a result that equals that of the plain array, to the bit."""

from __future__ import annotations

import array
import tracemalloc
from itertools import product

import ml_dtypes
import numpy as np
import pytest

import numloss

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
P = np.array([[0.5, -0.25, 2.0], [1.5, 0.0, -1.0]])
T = np.array([[0.25, 0.5, 0.25], [0.0, 1.0, 0.0]])
W = np.array([1.0, 0.5])
LABELS = np.array([2, 0])
SIGNS = np.array([[1, -1, 1], [1, 1, -1]])


class OnlyArray:
    """An object that gives itself as an array, and nothing else."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return self.values


class OldArray(OnlyArray):
    """Its method is of the time before NumPy 2: it takes no copy."""

    def __array__(self, dtype=None):
        return self.values


class OnlyTensor:
    """An object that gives itself as a DLPack capsule, and nothing else."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class Subclass(np.ndarray):
    """A subclass that changes what arithmetic means, which must not matter."""

    def __array_ufunc__(self, *args, **kwargs):
        raise AssertionError("a kernel reads memory, it does not call ufuncs")

    def __array_function__(self, *args, **kwargs):
        raise AssertionError("a kernel reads memory, it does not call functions")


def memmap(values, directory):
    path = directory / f"{values.dtype}-{values.ndim}-{id(values)}.bin"
    mapped = np.memmap(path, values.dtype, "w+", shape=values.shape)
    mapped[...] = values
    return mapped


def unaligned(x):
    memory = np.zeros(x.nbytes + 1, np.uint8)
    view = np.ndarray(x.shape, x.dtype, memory, offset=1)
    view[...] = x
    return view


FORMS = {
    "list": lambda x: x.tolist(),
    "tuple": lambda x: tuple(map(tuple, x.tolist())) if x.ndim > 1 else tuple(x.tolist()),
    "list of arrays": list,
    "memoryview": lambda x: memoryview(np.ascontiguousarray(x)),
    "__array__": OnlyArray,
    "old __array__": OldArray,
    "__dlpack__": OnlyTensor,
    "subclass": lambda x: x.view(Subclass),
    "recarray": lambda x: x.view(np.recarray),
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
    "swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "fortran": np.asfortranarray,
    "reversed": lambda x: x[::-1].copy()[::-1],
    "strided": lambda x: np.repeat(x, 3, axis=-1)[..., ::3],
    "broadcast": lambda x: np.broadcast_to(x[None], (1, *x.shape))[0],
    "unaligned": unaligned,
}


CALLS = {
    "mse": lambda form: (numloss.mse, form(P), form(T), {"weight": form(W[:, None])}),
    "hinge": lambda form: (numloss.hinge, form(P), form(SIGNS), {}),
    "binary_cross_entropy": lambda form: (numloss.binary_cross_entropy, form(P), form(T), {}),
    "cross_entropy": lambda form: (
        numloss.cross_entropy,
        form(P),
        form(LABELS),
        {"weight": form(W), "class_weight": form(T[0])},
    ),
    "kl_divergence": lambda form: (numloss.kl_divergence, form(P), form(T), {"weight": form(W)}),
    "softmax_focal": lambda form: (
        numloss.softmax_focal,
        form(P),
        form(LABELS),
        {"alpha": form(W[[0, 1, 0]])},
    ),
    "ordinal_cross_entropy": lambda form: (
        numloss.ordinal_cross_entropy,
        form(P),
        form(LABELS),
        {"distance": form(np.abs(np.subtract.outer(range(3), range(3))))},
    ),
}


def results(loss, prediction, target, options):
    value, gradient = loss.value_and_grad(prediction, target, **options)
    examples = loss(prediction, target, reduction="none", **options)
    hessian = loss.grad_and_hess(prediction, target, reduction="sum", **options)[1]
    return value, gradient, examples, hessian


def assert_same(found, expected):
    for x, y in zip(found, expected, strict=True):
        assert type(x) is type(y)
        assert x.dtype == y.dtype
        assert np.array_equal(x, y)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_array_gives_the_same_bits(form, name):
    expected = results(*CALLS[name](lambda x: x))
    assert_same(results(*CALLS[name](FORMS[form])), expected)


def test_memmap(tmp_path):
    for name in CALLS:
        expected = results(*CALLS[name](lambda x: x))
        assert_same(results(*CALLS[name](lambda x: memmap(x, tmp_path))), expected)


def test_gradient_written_to_a_memmap(tmp_path):
    out = memmap(np.zeros_like(P), tmp_path)
    gradient = numloss.mse.grad(P, T, out=out)
    assert np.shares_memory(gradient, out)
    out.flush()
    assert np.array_equal(np.fromfile(out.filename).reshape(P.shape), numloss.mse.grad(P, T))


def test_matrix():
    matrix = P.view(np.matrix)
    gradient = numloss.mse.grad(matrix, T.view(np.matrix))
    assert type(gradient) is np.ndarray
    assert np.array_equal(gradient, numloss.mse.grad(P, T))


def test_flat_buffers_of_the_standard_library():
    p, t = array.array("f", [0.5, 1.5]), array.array("f", [1.0, 1.0])
    assert numloss.mse.grad(p, t, reduction="sum").tolist() == [-1.0, 1.0]
    assert numloss.mse.grad(p, t).dtype == np.float32
    assert numloss.cross_entropy(np.zeros((3, 4)), bytearray([0, 3, 1])) == pytest.approx(np.log(4))
    assert numloss.cross_entropy(np.zeros((3, 4)), range(3)) == pytest.approx(np.log(4))


# ---------------------------------------------------------------------------------------- scalars


def test_scalars_are_examples_of_their_own():
    assert numloss.mse(3, 1) == 4.0
    assert numloss.mse(np.float32(3), 1.0) == 4.0
    assert numloss.huber.grad(3.0, 1.0).shape == ()
    value, gradient = numloss.mse.value_and_grad(np.array(3.0), np.array(1.0), reduction="none")
    assert (value.shape, gradient.shape) == ((), ())
    assert (value, gradient) == (4.0, 4.0)
    assert numloss.cross_entropy([0.0, 0.0], 1) == pytest.approx(np.log(2))
    assert numloss.cross_entropy([0.0, 0.0], [0.5, 0.5]) == pytest.approx(np.log(2))


SCALARS = [1, 1.0, True, np.int8(1), np.uint64(1), np.bool_(1), np.float16(1), np.array(1.0)]
SCALARS += [np.array(1, ">i2"), BFLOAT16.type(1)]


@pytest.mark.parametrize("target", SCALARS, ids=repr)
@pytest.mark.parametrize("name", ["mse", "binary_cross_entropy", "hinge", "focal"])
def test_scalar_target_stands_for_all_examples(name, target):
    loss = getattr(numloss, name)
    assert_same(results(loss, P, target, {}), results(loss, P, np.ones_like(P), {}))


def test_scalar_label_stands_for_all_examples():
    for label in (2, np.uint8(2), np.array(2)):
        found = results(numloss.cross_entropy, P, label, {})
        assert_same(found, results(numloss.cross_entropy, P, np.array([2, 2]), {}))


# ------------------------------------------------------------------------------------------ dtypes

FLOATS = [np.dtype("f2"), np.dtype("f4"), np.dtype("f8"), BFLOAT16]
INTEGERS = [np.dtype(x) for x in "?bBhHiIqQ"]


def promoted(p, t):
    """Return the type of the results: float64 for integers, else NumPy's, of the float types."""
    p = p if p in FLOATS else np.dtype("f8")
    return np.promote_types(p, t) if t in FLOATS else p


@pytest.mark.parametrize(("p", "t"), [*product(FLOATS + INTEGERS, repeat=2)])
def test_results_have_the_promoted_type(p, t):
    prediction, target = np.ones(5, p), np.zeros(5, t)
    if {p, t} == {np.dtype("f2"), BFLOAT16}:
        with pytest.raises(TypeError, match=r"got (float16 and bfloat16|bfloat16 and float16)"):
            numloss.mse(prediction, target)
        return
    value, gradient, examples, hessian = results(numloss.mse, prediction, target, {})
    assert value.dtype == np.float64
    assert {x.dtype for x in (gradient, examples, hessian)} == {promoted(p, t)}
    assert (float(value), *gradient.astype(float)) == pytest.approx((1, *[0.4] * 5), rel=4e-3)


@pytest.mark.parametrize("t", INTEGERS[1:])
@pytest.mark.parametrize("p", FLOATS + INTEGERS)
def test_labels_of_any_integer_type_leave_the_type_alone(p, t):
    prediction = np.array([[1, 0, 1], [0, 0, 1]]).astype(p)
    value, gradient, examples, hessian = results(
        numloss.cross_entropy, prediction, LABELS.astype(t), {}
    )
    assert value.dtype == np.float64
    assert {x.dtype for x in (gradient, examples, hessian)} == {promoted(p, t)}
    expected = numloss.cross_entropy(prediction.astype(float), LABELS)
    assert value == pytest.approx(expected, rel=1e-6)


def test_python_numbers_do_not_promote_but_numpy_scalars_do():
    p = P.astype(np.float16)
    assert numloss.mse.grad(p, 0.5).dtype == np.float16
    assert numloss.mse.grad(p, 1).dtype == np.float16
    assert numloss.mse.grad(p, True).dtype == np.float16
    assert numloss.mse.grad(p, np.float32(0.5)).dtype == np.float32
    assert numloss.mse.grad(p, np.float64(0.5)).dtype == np.float64
    assert numloss.mse.grad(p, np.array(1)).dtype == np.float16


def test_weights_do_not_promote():
    p, t = P.astype(np.float16), T.astype(np.float16)
    for dtype in FLOATS + INTEGERS:
        assert numloss.mse.grad(p, t, weight=np.ones(P.shape, dtype)).dtype == np.float16


def test_lists_and_integers_become_float64():
    assert numloss.mse.grad([1, 2], [1, 2]).dtype == np.float64
    assert numloss.mse.grad(np.array([1, 2], np.int8), np.float32([0, 0])).dtype == np.float64
    assert numloss.cross_entropy.grad([[1, 2]], [0]).dtype == np.float64


def test_a_swapped_prediction_gives_results_of_native_order():
    gradient = numloss.mse.grad(P.astype(">f4"), T.astype(">f4"))
    assert gradient.dtype == np.float32
    assert gradient.dtype.isnative


def test_every_byte_of_a_boolean_but_zero_is_true():
    odd = np.array([2, 0, 255], np.uint8).view(bool)
    even = np.array([True, False, True])
    p = np.array([0.5, -0.5, 1.0])
    for loss in (numloss.mse, numloss.binary_cross_entropy, numloss.hinge):
        assert_same(results(loss, p, odd, {}), results(loss, p, even, {}))
    assert numloss.mse(p, 0, weight=odd) == numloss.mse(p, 0, weight=even)
    assert numloss.mse(odd, 0) == numloss.mse(even, 0)


# ------------------------------------------------------------------------------------------ memory


def peak_memory(call):
    """Return the most bytes that NumPy and Python held for a call."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", ["__array__", "__dlpack__", "subclass", "read-only", "swapped"])
def test_large_arrays_are_read_where_they_lie(form):
    numbers, labels = np.ones((1000, 300)), np.zeros(1000, int)
    scores, labels = FORMS[form](numbers), FORMS[form](labels)
    assert peak_memory(numbers.copy) > 2_000_000
    for call in (
        lambda: numloss.mse(scores, 0),
        lambda: numloss.mse(scores, scores, weight=scores),
        lambda: numloss.cross_entropy(scores, labels),
        lambda: numloss.cross_entropy(scores, labels, class_weight=np.ones(300)),
    ):
        assert peak_memory(call) < 50_000
