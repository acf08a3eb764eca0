"""What losses over classes give beside their results: log-sum-exp and the predicted class."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from cases import TABLED, VARIANTS, assert_same
from golden import EXTRAS, asked
from recording import WANTS, call

import numloss
from numloss import _core

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
DTYPES = [np.dtype(name) for name in ("float32", "float64", "float16")] + [BFLOAT16]
#: Around panels and steps, rows of one tile and of several.
CLASSES = [1, 2, 3, 10, 63, 64, 65, 255, 256, 257, 511, 513, 1000, 4097, 9000]
BOTH = {"return_logsumexp": True, "return_predicted": True}
cross_entropy = numloss.cross_entropy

every_variant = pytest.mark.parametrize(
    "variant", [v for v in VARIANTS if v.rowwise and asked(v)], ids=str
)
one_of_each_kernel = pytest.mark.parametrize("variant", EXTRAS.values(), ids=str)


def wide(x):
    """Return the numbers of an array in a type that NumPy computes with."""
    return x.astype(np.longdouble)


def logsumexp(x):
    """Return log sum exp along the last axis, from the definition."""
    highest = x.max(axis=-1, keepdims=True)
    origin = np.where(np.isfinite(highest), highest, 0)
    with np.errstate(divide="ignore", over="ignore"):
        return np.log(np.exp(x - origin).sum(axis=-1)) + origin[..., 0]


def hard(classes, dtype):
    """Return rows of all that scores may be: ties, NaN, infinities, the ends of the type."""
    rng = np.random.default_rng(classes)
    x = (rng.normal(size=(70, classes)) * 5).astype(dtype)
    last, middle = classes - 1, classes // 2
    x[1] = 0
    x[2, [0, middle, last]] = 30
    x[3, last] = np.nan
    x[4, [middle, last]] = np.nan
    x[5] = -np.inf
    x[6, middle] = np.inf
    x[7, middle], x[7, last] = np.inf, np.nan
    x[8], x[8, last] = -np.inf, np.nan
    x[9], x[9, last] = -np.inf, 3
    x[10] = ml_dtypes.finfo(dtype).max
    x[11] = -x[10]
    x[12] = -0.0
    x[12, middle:] = 0.0
    return x


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("classes", CLASSES)
def test_they_are_what_their_definitions_give(classes, dtype):
    x = hard(classes, dtype)
    y = np.arange(len(x)) % classes
    *_, found, predicted = cross_entropy(x, y, **BOTH)
    expected = logsumexp(wide(x))
    assert found.dtype == dtype
    assert found.shape == y.shape
    finite = np.isfinite(expected)
    eps, largest = (float(getattr(ml_dtypes.finfo(dtype), name)) for name in ("eps", "max"))
    assert finite.sum() >= len(x) - 7
    assert np.array_equal(wide(found)[~finite], expected[~finite], equal_nan=True)
    # A sum of a maximum and a logarithm: each of them is rounded, and their sum.
    scale = np.maximum(abs(expected), abs(wide(x).max(axis=-1)))[finite]
    within = abs(wide(found)[finite] - expected[finite]) <= 2 * eps * scale
    beyond = (abs(expected[finite]) > largest) & np.isinf(found[finite])
    assert (within | beyond).all()
    assert predicted.dtype == np.int64
    assert np.array_equal(predicted, wide(x).argmax(axis=-1))


@pytest.mark.parametrize("classes", [3, 256, 257, 4097, 60_000])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_loss_gives_the_same(classes, dtype):
    x = (np.random.default_rng(0).normal(size=(19, classes)) * 1e-2).astype(dtype)
    y = np.arange(19) % min(classes, 3)
    q = np.full_like(x, 1 / classes)
    expected = logsumexp(wide(x))
    losses = [v for v in EXTRAS.values() if "return_logsumexp" in asked(v)]
    losses = [v for v in losses if v.name not in TABLED or classes < 300]
    for variant in losses:
        target = q if "distributions" in str(variant) or variant.name == "kl_divergence" else y
        _, found, predicted = variant.loss(x, target, **BOTH)
        assert (abs(wide(found) - expected) <= 2 * np.finfo(dtype).eps * abs(expected)).all()
        assert np.array_equal(predicted, x.argmax(axis=-1))


@every_variant
@pytest.mark.parametrize("classes", [5, 300])
def test_other_results_keep_their_bits(variant, classes):
    inputs = variant.inputs((9, classes), "float32")
    options, extras = variant.options(classes), asked(variant)
    for method in WANTS:
        for reduction in ("mean", "sum", "none"):
            given = options | {"reduction": reduction}
            usual = call(variant.loss, method, *inputs, **given)
            found = call(variant.loss, method, *inputs, **given, **extras)
            assert_same(found[: len(usual)], usual)
            assert len(found) == len(usual) + len(extras)
            assert np.array_equal(found[-1], inputs[0].argmax(axis=-1))


@one_of_each_kernel
def test_each_is_given_alone(variant):
    inputs, options = variant.inputs((9, 300), "float64"), variant.options(300)
    names = list(asked(variant))
    *_, first, last = variant.loss(*inputs, **options, **asked(variant))
    for name, expected in zip(names, [first, last][-len(names) :], strict=True):
        value, found = variant.loss(*inputs, **options, **{name: True})
        assert value == variant.loss(*inputs, **options)
        assert_same([found], [expected])


@one_of_each_kernel
@pytest.mark.parametrize("classes", [6, 300])
def test_ways_to_lay_arrays_out(variant, classes):
    rng = np.random.default_rng(1)
    prediction, target = variant.domain.draw(rng, (4, 33, classes))
    options = variant.options(classes) | asked(variant)
    expected = variant.loss(prediction, target, **options)[1:]
    for axis in (0, 1):
        moved = np.moveaxis(prediction, -1, axis)
        aimed = target if target.ndim == 2 else np.moveaxis(target, -1, axis)
        for p in (moved, np.ascontiguousarray(moved), moved.astype(">f8")):
            assert_same(variant.loss(p, aimed, axis=axis, **options)[1:], expected)
    turned = prediction[::-1, ::-1]
    found = variant.loss(turned, target[::-1, ::-1], **options)[1:]
    assert_same([x[::-1, ::-1] for x in found], expected)
    # To arrays of any strides, and with a gradient in the place of the scores.
    places = [np.empty((33, 4, 3), x.dtype)[..., 1].T for x in expected]
    copy = prediction.copy()
    _, gradient, *found = variant.loss.value_and_grad(copy, target, out=(copy, *places), **options)
    assert gradient is copy
    assert all(x is place for x, place in zip(found, places, strict=True))
    assert_same(found, expected)
    assert_same([copy], [variant.loss.grad(prediction, target, **variant.options(classes))])


@pytest.mark.parametrize("classes", [5, 300])
@pytest.mark.parametrize("isa", _core.config()["isas"])
def test_threads_and_instruction_sets(classes, isa):
    before = _core.config()["isa"]
    x = np.resize(hard(classes, "float32"), (40_000 // classes * 70, classes))
    y = np.arange(len(x)) % classes
    expected = cross_entropy(x, y, **BOTH)[1:]
    _core.select_isa(isa)
    try:
        for threads in (1, 2, 5):
            with numloss.threads(threads):
                assert_same(cross_entropy(x, y, **BOTH)[1:], expected)
    finally:
        _core.select_isa(before)


@pytest.mark.parametrize("classes", [5, 300])
@pytest.mark.parametrize("method", WANTS)
def test_rows_that_do_not_count_have_them(classes, method):
    x = hard(classes, "float64")
    y = np.arange(len(x)) % classes
    expected = call(cross_entropy, method, x, y, **BOTH)[-2:]
    ignored = np.where(np.arange(len(x)) % 2, y, -100)
    assert_same(call(cross_entropy, method, x, ignored, **BOTH)[-2:], expected)
    weight = np.arange(len(x)) % 3
    assert_same(call(cross_entropy, method, x, y, weight=weight, **BOTH)[-2:], expected)
    q = np.full(x.shape, 1 / classes)
    assert_same(call(cross_entropy, method, x, q, weight=weight, **BOTH)[-2:], expected)
    hinge = call(numloss.multiclass_hinge, method, x, ignored, return_predicted=True)
    assert_same(hinge[-1:], expected[-1:])
    with pytest.warns(RuntimeWarning, match="no examples"):
        nothing = call(cross_entropy, method, x, np.full(len(x), -100), **BOTH)
    assert_same(nothing[-2:], expected)


def test_no_rows_have_none():
    with pytest.warns(RuntimeWarning, match="no examples"):
        _, found, predicted = cross_entropy(np.empty((0, 3), "f4"), np.empty(0, int), **BOTH)
    assert found.shape == predicted.shape == (0,)
    assert (found.dtype, predicted.dtype) == (np.float32, np.int64)
    _, found, predicted = cross_entropy(np.array([0.0, 1.0]), 1, **BOTH)
    assert (found.shape, int(predicted)) == ((), 1)
    assert found == np.log1p(np.exp(-1)) + 1


def test_results_of_another_type():
    x, y = hard(300, "float16"), np.zeros(70, int)
    _, found, predicted = cross_entropy(x, y, dtype="float64", **BOTH)
    _, expected, same = cross_entropy(x.astype("float64"), y, **BOTH)
    assert_same([found, predicted], [expected, same])


X, Y = np.array([[0.0, 1.0], [2.0, 0.0]]), np.array([0, 1])


def test_places_for_them():
    places = np.empty(2), np.empty(2, np.int64)
    found = cross_entropy(X, Y, out=places, **BOTH)
    assert all(x is place for x, place in zip(found[1:], places, strict=True))
    lone = np.empty(2)
    assert cross_entropy(X, Y, out=lone, **BOTH)[1] is lone
    values = np.empty(2)
    assert cross_entropy(X, Y, reduction="none", out=values, **BOTH)[0] is values
    gradient = np.empty((2, 2))
    for method, place in (("grad", 0), ("value_and_grad", 1), ("grad_and_hess", 0)):
        assert getattr(cross_entropy, method)(X, Y, out=gradient, **BOTH)[place] is gradient
    found = cross_entropy.grad(X, Y, out=(gradient, None, places[1]), **BOTH)
    assert found[0] is gradient
    assert found[2] is places[1]


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (
            (None, np.zeros(2)),
            TypeError,
            "out for the predicted classes must have dtype int64, got float64",
        ),
        (
            (np.zeros(2, "f4"), None),
            TypeError,
            "out for the log-sum-exp must have dtype float64, got float32",
        ),
        (
            (np.zeros((2, 2)), None),
            ValueError,
            r"out for the log-sum-exp must have shape \(2,\), got \(2, 2\)",
        ),
        ((None,), ValueError, "as many places as there are arrays among the results, 2, got 1"),
        ((X[:, 0], None), ValueError, "out overlaps prediction"),
        ((None, Y), ValueError, "out overlaps target"),
    ],
)
def test_places_that_do_not_fit(out, error, message):
    before = X.copy(), Y.copy()
    with pytest.raises(error, match=message):
        cross_entropy(X, Y, out=out, **BOTH)
    assert_same([X, Y], before)


@pytest.mark.parametrize("classes", [2, 300])
def test_nothing_is_written_where_a_label_is_wrong(classes):
    x = np.zeros((3, classes))
    places = np.full(3, 7.0), np.full(3, 7)
    with pytest.raises(numloss.Error, match=f"labels in .0, {classes}"):
        cross_entropy(x, np.array([0, 1, classes]), out=places, **BOTH)
    assert (places[0] == 7).all()
    assert (places[1] == 7).all()


def test_switches_are_switches():
    assert cross_entropy(X, Y, return_logsumexp=False, return_predicted=np.False_) == (
        cross_entropy(X, Y)
    )
    with pytest.raises(numloss.InputTypeError, match="return_logsumexp must be True or False"):
        cross_entropy(X, Y, return_logsumexp="yes")
    with pytest.raises(TypeError, match="return_logsumexp"):
        numloss.multiclass_hinge(X, Y, return_logsumexp=True)
