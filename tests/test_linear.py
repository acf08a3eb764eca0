"""Linear cross-entropy: every option on every path, beside float64 and the definition."""

import doctest
import itertools
import pickle
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import numloss
from numloss.linear import RowState, Shard
from numloss.linear.products import Head

lce = numloss.linear_cross_entropy
INF = np.inf
ROWS, WIDTH, CLASSES = 150, 5, 29
#: All at once; some rows against all classes; some rows against some classes.
MEMORY = {"at once": 128_000_000, "rows": 20_000, "rows and classes": 5_000}
TOLERANCE = {"float64": 1e-12, "float32": 2e-5}


def data(dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    found = {
        "hidden": rng.normal(size=(ROWS, WIDTH)),
        "weight": rng.normal(size=(CLASSES, WIDTH)),
        "bias": rng.normal(size=CLASSES),
    }
    found = {name: x.astype(dtype) for name, x in found.items()}
    labels = rng.integers(0, CLASSES, ROWS)
    labels[[3, 77]] = -100
    soft = rng.exponential(size=(ROWS, CLASSES))
    soft[:, ::3] = 0
    soft = (soft / soft.sum(axis=1, keepdims=True)).astype(dtype)
    row_weight = rng.exponential(size=ROWS)
    row_weight[[5, 149]] = 0
    return found, {"labels": labels, "probabilities": soft}, row_weight, rng.random(CLASSES)


def definition(
    hidden, weight, labels, bias=None, *, row_weight=1.0, class_weight=None, label_smoothing=0.0,
    ignore_index=-100, softcap=None, temperature=1.0, z_loss=0.0, reduction="mean",
    denominator="weight",
):  # fmt: skip
    """Value, gradients, log-sum-exp, maximum, predicted classes and accuracy, in float64."""
    hidden, weight = (np.asarray(x, np.float64) for x in (hidden, weight))
    raw = hidden @ weight.T + (0 if bias is None else np.asarray(bias, np.float64))
    n, classes = raw.shape
    slope = np.ones_like(raw)
    z = raw
    if softcap is not None:
        z = np.where(raw == -INF, -INF, softcap * np.tanh(raw / softcap))
        slope = 1 / np.cosh(raw / softcap) ** 2
    z = z / temperature
    lse = np.log(np.exp(z).sum(axis=1))
    p = np.exp(z - lse[:, None])
    q = np.zeros((n, classes))
    there = np.ones(n, bool)
    if np.ndim(labels) == 1:
        there = labels != ignore_index
        q[np.flatnonzero(there), labels[there]] = 1
    else:
        q = np.asarray(labels, np.float64)
    c = np.ones(classes) if class_weight is None else class_weight
    smooth = np.where(z == -INF, 0, label_smoothing / classes)
    a = (q * (1 - label_smoothing) + smooth) * c
    example = (q * c).sum(axis=1)
    w = np.where(there, np.broadcast_to(row_weight, n), 0)
    distance = (a * np.where(a == 0, 0, lse[:, None] - z)).sum(axis=1)
    loss = distance + z_loss * example * lse**2
    of_z = a.sum(axis=1)[:, None] * p - a + (2 * z_loss * example * lse)[:, None] * p
    divisor = 1.0
    if reduction == "mean":
        counts = (w * (1 if class_weight is None else example)).sum()
        divisor = {"weight": counts, "count": there.sum()}.get(denominator, denominator)
    g = of_z * slope / temperature * (w / divisor)[:, None]
    loss = np.where(w == 0, 0, w * loss)
    g = np.where(w[:, None] == 0, 0, g)
    value = loss if reduction == "none" else loss.sum() / divisor
    gradients = (g @ weight, g.T @ hidden, g.sum(axis=0))
    left_out = w == 0
    top = z.argmax(axis=1)
    hit = q[np.arange(n), top]
    return {
        "value": value,
        "gradients": gradients if bias is not None else gradients[:2],
        "logsumexp": np.where(left_out, np.nan, lse),
        "maximum": np.where(left_out, np.nan, z.max(axis=1)),
        "predicted": np.where(left_out, -1, top),
        "accuracy": (w * hit).sum() / w.sum(),
    }


#: Options, made from the row weights and the class weights.
OPTIONS = {
    "plain": lambda rows, classes: {},
    "sum": lambda rows, classes: {"reduction": "sum"},
    "none": lambda rows, classes: {"reduction": "none"},
    "row_weight": lambda rows, classes: {"row_weight": rows},
    "row_weight, none": lambda rows, classes: {"row_weight": rows, "reduction": "none"},
    "count": lambda rows, classes: {"row_weight": rows, "denominator": "count"},
    "divisor": lambda rows, classes: {"row_weight": rows, "denominator": 7.5},
    "class_weight": lambda rows, classes: {"class_weight": classes},
    "label_smoothing": lambda rows, classes: {"label_smoothing": 0.2},
    "smoothing alone": lambda rows, classes: {"label_smoothing": 1.0},
    "softcap": lambda rows, classes: {"softcap": 2.5},
    "temperature": lambda rows, classes: {"temperature": 0.7},
    "z_loss": lambda rows, classes: {"z_loss": 0.3},
    "everything": lambda rows, classes: {
        "row_weight": rows, "class_weight": classes, "label_smoothing": 0.1, "softcap": 3.0,
        "temperature": 1.6, "z_loss": 0.05,
    },
    "everything, none": lambda rows, classes: {
        "row_weight": rows, "class_weight": classes, "label_smoothing": 0.1, "softcap": 3.0,
        "temperature": 1.6, "z_loss": 0.05, "reduction": "none",
    },
}  # fmt: skip
EXTRAS = ("logsumexp", "maximum", "predicted", "accuracy")
ASK = {f"return_{name}": True for name in EXTRAS}


def assert_close(got, expected, tolerance):
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


# ------------------------------------------------------------------------------------ definition


@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize("target", ["labels", "probabilities"])
@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_on_every_path(option, target, memory):
    for dtype, tolerance in TOLERANCE.items():
        arrays, targets, *weights = data(dtype)
        options = OPTIONS[option](*weights)
        for bias in (arrays["bias"], None):
            given = (arrays["hidden"], arrays["weight"], targets[target], bias)
            expected = definition(*given, **options)
            memory_of = {"max_memory": MEMORY[memory]}
            value, gradients, *extras = lce.value_and_grad(*given, **options, **memory_of, **ASK)
            assert_close(value, expected["value"], tolerance)
            for got, one in zip(gradients, expected["gradients"], strict=True):
                assert got.dtype == dtype
                assert_close(got, one, tolerance)
            for name, got in zip(EXTRAS, extras, strict=True):
                assert_close(got, expected[name], tolerance)
            alone, *more = lce(*given, **options, **memory_of, **ASK)
            assert_close(alone, expected["value"], tolerance)
            assert np.array_equal(more[2], extras[2])
            only = lce.grad(*given, **options, **memory_of)
            assert all(np.array_equal(*pair) for pair in zip(only, gradients, strict=True))


def test_the_paths_are_those_they_are_named_after(monkeypatch):
    seen = []

    def logits(self, hidden, classes, out):
        seen.append((len(hidden), classes.stop - classes.start))
        original(self, hidden, classes, out)

    original = Head.logits
    monkeypatch.setattr(Head, "logits", logits)
    arrays, targets, *_ = data("float64")
    shapes = {}
    for name, memory in MEMORY.items():
        seen.clear()
        lce.grad(arrays["hidden"], arrays["weight"], targets["labels"], max_memory=memory)
        shapes[name] = list(seen)
    # Two of 150 rows are ignored: they are in no product.
    assert shapes["at once"] == [(148, CLASSES)]
    rows, classes = zip(*shapes["rows"], strict=True)
    assert len(rows) > 1
    assert sum(rows) == 148
    assert max(rows) - min(rows) <= len(rows)
    assert set(classes) == {CLASSES}
    assert max(shape[1] for shape in shapes["rows and classes"]) < CLASSES
    # Twice, as the gradient needs the sum over all classes first.
    assert sum(r * c for r, c in shapes["rows and classes"]) == 2 * 148 * CLASSES


@pytest.mark.parametrize("target", ["labels", "probabilities"])
def test_finite_differences(target):
    arrays, targets, rows, classes = data()
    some = slice(0, 6)
    options = OPTIONS["everything"](rows[some], classes) | {"max_memory": 500}
    arrays["hidden"], y = arrays["hidden"][some], targets[target][some]

    def value(**changed):
        x = arrays | changed
        return float(lce(x["hidden"], x["weight"], y, x["bias"], **options))

    gradients = lce.grad(arrays["hidden"], arrays["weight"], y, arrays["bias"], **options)
    for (name, x), gradient in zip(arrays.items(), gradients, strict=True):
        for index in itertools.islice(np.ndindex(x.shape), 0, None, 7):
            step = np.zeros_like(x)
            step[index] = 1e-6
            slope = (value(**{name: x + step}) - value(**{name: x - step})) / 2e-6
            assert abs(slope - gradient[index]) < 1e-8


def test_small_losses_and_gradients_keep_their_digits():
    """A confident row costs exp(-gap): log-sum-exp less logit would leave none of it in float32."""
    weight = np.array([[20.0], [0.0], [1.0]], np.float32)
    exact = np.log1p(np.exp(-20.0) + np.exp(-19.0))
    for options in ({}, {"max_memory": 24}):  # all classes, and one at a time
        value, gradients = lce.value_and_grad(np.float32([[1]]), weight, [0], **options)
        assert value == pytest.approx(exact, rel=1e-6)
        shares = np.exp([-20.0, -19.0]) / (1 + np.exp(-20.0) + np.exp(-19.0))
        assert_close(gradients[1].ravel()[1:], shares, 1e-6 * shares.min())
    assert lce.grad(np.float32([[1]]), weight, [0])[1][0, 0] == pytest.approx(-sum(shares), 1e-6)


def test_rows_along_several_axes():
    arrays, targets, rows, _ = data()
    flat = (arrays["hidden"], arrays["weight"], targets["labels"])
    deep = (flat[0].reshape(10, 15, WIDTH), flat[1], flat[2].reshape(10, 15))
    options = {"reduction": "none", "return_predicted": True}
    value, gradients, predicted = lce.value_and_grad(
        *deep, row_weight=rows.reshape(10, 15)[:, :1], **options
    )
    same = np.repeat(rows.reshape(10, 15)[:, 0], 15)
    expected = lce.value_and_grad(*flat, row_weight=same, **options)
    assert np.array_equal(value.ravel(), expected[0])
    assert gradients[0].shape == deep[0].shape
    assert np.array_equal(gradients[0].reshape(ROWS, WIDTH), expected[1][0])
    assert np.array_equal(predicted.ravel(), expected[2])
    lone = lce(flat[0][0], flat[1], flat[2][0])
    assert lone == lce(flat[0][:1], flat[1], flat[2][:1])


def test_gradients_of_rows_are_not_those_of_the_first_times_a_factor():
    """With ``"none"`` each row of the gradient of hidden is that of its own loss."""
    arrays, targets, *_ = data()
    h, w, y = arrays["hidden"][:6], arrays["weight"], targets["labels"][:6]
    weights = np.arange(1.0, 7.0)
    whole = lce.grad(h, w, y, row_weight=weights, reduction="none")
    each = [lce.grad(h[[i]], w, y[[i]], row_weight=i + 1.0, reduction="sum") for i in range(6)]
    assert_close(whole[0], np.concatenate([one[0] for one in each]), 1e-13)
    assert_close(whole[1], sum(one[1] for one in each), 1e-13)


# --------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize("memory", MEMORY.values())
def test_a_class_that_cannot_happen_has_no_share_under_a_softcap_either(memory):
    arrays, targets, *_ = data()
    bias = arrays["bias"].copy()
    bias[20:] = -INF  # whole cuts of classes
    labels = np.where(targets["labels"] >= 20, 7, targets["labels"])
    for options in ({}, {"softcap": 2.0, "label_smoothing": 0.1, "z_loss": 0.1}):
        given = (arrays["hidden"], arrays["weight"], labels, bias)
        value, gradients = lce.value_and_grad(*given, max_memory=memory, **options)
        expected = definition(*given, **options)
        assert_close(value, expected["value"], 1e-12)
        for got, one in zip(gradients, expected["gradients"], strict=True):
            assert_close(got, one, 1e-12)
        assert not gradients[1][20:].any()
        without = dict(options, label_smoothing=0.0)
        kept = (arrays["hidden"], arrays["weight"][:20], labels, bias[:20])
        assert_close(lce(*given, max_memory=memory, **without), lce(*kept, **without), 1e-12)


def test_a_label_that_cannot_happen_costs_infinity():
    arrays, *_ = data()
    bias = np.zeros(CLASSES)
    bias[4] = -INF
    h, w = arrays["hidden"][:2], arrays["weight"]
    for options in ({}, {"label_smoothing": 0.1}, {"softcap": 3.0}, {"max_memory": 40}):
        losses = lce(h, w, [4, 5], bias, reduction="none", **options)
        assert losses[0] == INF
        assert np.isfinite(losses[1])
    q = np.eye(CLASSES)[[4, 5]]
    assert lce(h, w, q, bias, reduction="none").tolist() == lce(
        h, w, [4, 5], bias, reduction="none"
    ).tolist()  # fmt: skip


def test_a_row_in_which_nothing_can_happen_is_nan():
    bias = np.full(3, -INF)
    for memory in (128_000_000, 24):
        value, gradients = lce.value_and_grad(
            np.ones((1, 2)), np.ones((3, 2)), [1], bias, max_memory=memory
        )
        assert np.isnan(value)
        assert all(np.isnan(x).all() for x in gradients)


@pytest.mark.parametrize("memory", MEMORY.values())
def test_what_is_left_out_is_never_read(memory):
    arrays, targets, rows, _ = data()
    hidden = arrays["hidden"].copy()
    out = targets["labels"] == -100
    hidden[out | (rows == 0)] = np.nan
    options = {"row_weight": rows, "max_memory": memory}
    clean = lce.value_and_grad(arrays["hidden"], arrays["weight"], targets["labels"], **options)
    value, gradients = lce.value_and_grad(hidden, arrays["weight"], targets["labels"], **options)
    assert value == clean[0]
    assert all(np.array_equal(*pair) for pair in zip(gradients, clean[1], strict=True))
    assert not gradients[0][out].any()


def test_a_nan_is_not_swallowed():
    arrays, targets, *_ = data()
    hidden = arrays["hidden"].copy()
    hidden[8, 2] = np.nan
    for memory in MEMORY.values():
        value, (of_hidden, of_weight), predicted = lce.value_and_grad(
            hidden, arrays["weight"], targets["labels"], max_memory=memory, return_predicted=True
        )
        assert np.isnan(value)
        assert predicted[8] == 0  # the first NaN, as NumPy has it
        assert np.isnan(of_hidden[8]).all()
        assert np.isnan(of_hidden).sum() == WIDTH
        assert np.isnan(of_weight).all()
    losses = lce(hidden, arrays["weight"], targets["labels"], reduction="none")
    assert np.flatnonzero(np.isnan(losses)).tolist() == [8]


def test_a_mean_over_nothing_is_nan_and_says_so():
    arrays, *_ = data("float32")
    nothing = np.full(ROWS, -100)
    with pytest.warns(RuntimeWarning, match="mean of a loss over no examples") as caught:
        value, gradients, accuracy = lce.value_and_grad(
            arrays["hidden"], arrays["weight"], nothing, arrays["bias"], return_accuracy=True
        )
    assert caught[0].filename == __file__
    assert np.isnan(value)
    assert np.isnan(accuracy)
    assert not any(x.any() for x in gradients)
    with pytest.warns(RuntimeWarning, match="mean of a loss over no examples"):
        assert np.isnan(lce(np.ones((0, 2)), np.ones((3, 2)), np.ones(0, int)))
    assert lce(arrays["hidden"], arrays["weight"], nothing, reduction="sum") == 0


# ---------------------------------------------------------------------------- types and layouts


def strided(x):
    wide = np.zeros((x.shape[0], 2 * x.shape[1]), x.dtype)
    wide[:, ::2] = x
    return wide[:, ::2]


LAYOUTS = {
    "F": np.asfortranarray,
    "strided": strided,
    "reversed": lambda x: x[:, ::-1].copy()[:, ::-1],
    "rows of more": lambda x: np.hstack([x, x])[:, : x.shape[1]],
    "swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "list": lambda x: x.tolist(),
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("memory", MEMORY.values())
def test_layouts(layout, memory):
    arrays, targets, *_ = data()
    make = LAYOUTS[layout]
    plain = lce.value_and_grad(
        arrays["hidden"], arrays["weight"], targets["probabilities"], max_memory=memory
    )
    value, gradients = lce.value_and_grad(
        make(arrays["hidden"]), make(arrays["weight"]), make(targets["probabilities"]),
        max_memory=memory,
    )  # fmt: skip
    assert_close(value, plain[0], 1e-13)
    for got, expected in zip(gradients, plain[1], strict=True):
        assert_close(got, expected, 1e-13)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_product_is_one_that_blas_takes(layout, monkeypatch):
    """Where neighbours lie apart, NumPy copies all, or multiplies without BLAS."""

    def checked(a, b, out=None):
        for x in (a, b):
            assert x.dtype.isnative
            assert x.itemsize in x.strides
            assert min(x.strides) > 0
        assert out is None or out.strides[1] == out.itemsize
        products.append((a.shape, b.shape))
        return original(a, b, out=out)

    original, products = np.matmul, []
    monkeypatch.setattr(np, "matmul", checked)
    arrays, targets, *_ = data()
    given = [LAYOUTS[layout](arrays[name]) for name in ("hidden", "weight")]
    lce.grad(*given, targets["labels"], max_memory=20_000)
    assert len(products) >= 6


@pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16])
def test_16_bits_are_computed_in_float32(dtype):
    arrays, targets, *_ = data("float32")
    narrow = {name: x.astype(dtype) for name, x in arrays.items()}
    wide = {name: x.astype("float32") for name, x in narrow.items()}
    y = targets["labels"]
    for memory in MEMORY.values():
        options = {"max_memory": memory}
        value, exact = lce.value_and_grad(
            wide["hidden"], wide["weight"], y, wide["bias"], **options
        )
        got, rounded = lce.value_and_grad(
            narrow["hidden"], narrow["weight"], y, narrow["bias"], **options
        )
        kept = lce.grad(
            narrow["hidden"], narrow["weight"], y, narrow["bias"], dtype="float32", **options
        )
        assert_close(got, value, 1e-6)
        eps = float(ml_dtypes.finfo(dtype).eps)
        for one, narrowed, full in zip(exact, rounded, kept, strict=True):
            assert narrowed.dtype == dtype
            assert full.dtype == "float32"
            assert_close(full, one, 1e-6)
            assert_close(narrowed.astype("float32"), one, eps)


def test_mixed_types_and_dtype():
    arrays, targets, *_ = data("float32")
    h, w, y = arrays["hidden"], arrays["weight"], targets["labels"]
    of_hidden, of_weight = lce.grad(h, w.astype("float64"), y)
    assert (of_hidden.dtype, of_weight.dtype) == ("float32", "float64")
    exact = definition(h, w, y)
    assert_close(of_weight, exact["gradients"][1], 1e-14)
    of_hidden, of_weight = lce.grad(h, w, y, dtype="float64")
    assert (of_hidden.dtype, of_weight.dtype) == ("float64", "float64")
    assert_close(of_hidden, exact["gradients"][0], 1e-14)
    assert lce(h, w, y, reduction="none").dtype == "float32"
    assert lce.grad((10 * h).astype(int), w, y)[0].dtype == "float64"
    for integers in ("int8", "uint8", "int32", "uint64", ">i2"):
        valid = np.where(y < 0, 3, y)
        assert lce(h, w, valid.astype(integers)) == lce(h, w, valid)
    assert lce(h, w, y.astype("int8")) == lce(h, w, y)


@pytest.mark.parametrize("memory", MEMORY.values())
def test_out(memory):
    arrays, targets, *_ = data()
    given = (arrays["hidden"].reshape(10, 15, WIDTH), arrays["weight"])
    y = targets["labels"].reshape(10, 15)
    expected = lce.grad(*given, y, arrays["bias"], max_memory=memory)
    places = (
        np.full((15, 10, WIDTH), np.nan).transpose(1, 0, 2),  # no view of it has rows in one axis
        np.full((WIDTH, CLASSES), np.nan).T,
        np.full(2 * CLASSES, np.nan)[::2],
    )
    got = lce.grad(*given, y, arrays["bias"], out=places, max_memory=memory)
    for place, result, one in zip(places, got, expected, strict=True):
        assert result is place
        assert_close(result, one, 1e-14)
    some = lce.grad(*given, y, arrays["bias"], out=(None, places[1], None))
    assert some[1] is places[1]
    tensors = tuple(map(Lent, places))  # memory of another library's
    for place in places:
        place[...] = np.nan
    got = lce.grad(*given, y, arrays["bias"], out=tensors, max_memory=memory)
    for tensor, result, one in zip(tensors, got, expected, strict=True):
        assert result is tensor
        assert_close(tensor.array, one, 1e-14)
    shards = lce.shard(*given, y, arrays["bias"], offset=0, num_classes=CLASSES, max_memory=memory)
    assert shards.grad(shards.state(), out=tensors)[0] is tensors[0]
    with pytest.raises(numloss.Error, match="out overlaps weight"):
        lce.grad(*given, y, out=(None, Lent(given[1])))


class Lent:
    """A tensor of another library's, as DLPack shows it."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_threads_of_the_library_change_no_bit():
    arrays, targets, *_ = data("float32")
    given = (arrays["hidden"], arrays["weight"], targets["labels"])
    with numloss.threads(1):
        value, gradients = lce.value_and_grad(*given)
    with numloss.threads(3):
        again = lce.value_and_grad(*given)
    assert value == again[0]
    assert all(np.array_equal(*pair) for pair in zip(gradients, again[1], strict=True))


# --------------------------------------------------------------------------------------- memory


def peak(work):
    """Return the bytes that NumPy holds at most during a call, beyond those before it."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (np.asarray, {}),
        (np.asarray, {"label_smoothing": 0.1, "softcap": 5.0, "z_loss": 0.1, "temperature": 2.0}),
        (np.asfortranarray, {}),
        (strided, {}),
        (lambda x: x.astype("float16"), {"dtype": "float32"}),
    ],
    ids=["plain", "options", "F", "strided", "float16"],
)
def test_nothing_of_the_size_of_the_logits_is_held(make, options):
    rng = np.random.default_rng(0)
    rows, width, classes, memory = 320, 32, 12_000, 4_000_000
    hidden = make(rng.normal(size=(rows, width)).astype("float32"))
    weight = make(rng.normal(size=(classes, width)).astype("float32"))
    labels = rng.integers(0, classes, rows)
    out = (np.empty((rows, width), "float32"), np.empty((classes, width), "float32"))
    logits = 4 * rows * classes
    assert logits > 3.5 * memory
    call = {"max_memory": memory, **options}
    # What grows with rows, with classes, and with a chunk of hidden alone is beyond the limit.
    small = 250 * rows + 24 * classes + 16 * rows * width
    assert peak(lambda: lce(hidden, weight, labels, **call)) < memory + small
    with_gradients = peak(lambda: lce.grad(hidden, weight, labels, out=out, **call))
    assert with_gradients < memory + small
    soft = np.full((rows, classes), 1 / classes, "float32")
    assert peak(lambda: lce.grad(hidden, weight, soft, out=out, **call)) < memory + small


# --------------------------------------------------------------------------------------- shards

CUTS = [0, 7, 8, 20, CLASSES]


def shards(target="labels", cuts=CUTS, dtype="float64", **options):
    arrays, targets, *_ = data(dtype)
    y = targets[target]
    return [
        lce.shard(
            arrays["hidden"], arrays["weight"][first:end],
            y if y.ndim == 1 else y[:, first:end], arrays["bias"][first:end],
            offset=first, num_classes=CLASSES, **options,
        )
        for first, end in itertools.pairwise(cuts)
    ]  # fmt: skip


def results(state):
    return [getattr(state, name)() for name in ("value", *EXTRAS)]


@pytest.mark.parametrize("target", ["labels", "probabilities"])
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("memory", MEMORY.values())
def test_shards_make_the_whole(option, target, memory):
    arrays, targets, *weights = data()
    options = OPTIONS[option](*weights)
    given = (arrays["hidden"], arrays["weight"], targets[target], arrays["bias"])
    value, gradients, *extras = lce.value_and_grad(*given, **options, **ASK)
    parts = shards(target, max_memory=memory, **options)
    states = [part.state() for part in parts]
    whole = states[0].merge(states[1]).merge(states[2]).merge(states[3])
    for got, expected in zip(results(whole), [value, *extras], strict=True):
        assert_close(got, expected, 1e-12)
    found = [part.grad(whole) for part in parts]
    assert_close(sum(one[0] for one in found), gradients[0], 1e-12)
    for place in (1, 2):
        assert_close(np.concatenate([one[place] for one in found]), gradients[place], 1e-12)


def test_no_order_and_no_grouping_of_merges_changes_a_bit():
    states = [part.state() for part in shards("probabilities", label_smoothing=0.1, softcap=3.0)]
    first = results(states[0].merge(states[1]).merge(states[2].merge(states[3])))
    for order in itertools.permutations(range(4)):
        a, b, c, d = (states[i] for i in order)
        for merged in (
            a.merge(b).merge(c).merge(d),
            a.merge(b.merge(c.merge(d))),
            a.merge(b).merge(c.merge(d)),
        ):
            assert all(
                np.array_equal(x, y, equal_nan=True)
                for x, y in zip(results(merged), first, strict=True)
            )


def test_a_state_travels():
    parts = shards()
    states = [pickle.loads(pickle.dumps(part.state())) for part in parts]
    merged = states[3].merge(states[0]).merge(states[1]).merge(states[2])
    assert merged.classes == tuple(itertools.pairwise(CUTS))
    assert states[0].classes == ((0, 7),)  # merging changes neither
    arrays, targets, *_ = data()
    whole = lce(arrays["hidden"], arrays["weight"], targets["labels"], arrays["bias"])
    assert_close(merged.value(), whole, 1e-13)


def test_equal_maxima_in_two_shards_are_the_first_class():
    states = [
        lce.shard([[1.0]], [[2.0], [2.0]], [2], offset=offset, num_classes=4).state()
        for offset in (0, 2)
    ]
    assert states[1].merge(states[0]).predicted() == [0]
    assert states[1].merge(states[0]).accuracy() == 0


def test_shards_in_which_nothing_can_happen():
    """Also two of them side by side, and a label that lies in one."""
    arrays, targets, *_ = data()
    bias = np.zeros(CLASSES)
    bias[:20] = -INF
    labels = np.where(targets["labels"] < 0, 25, targets["labels"])
    given = (arrays["hidden"], arrays["weight"])
    states = [
        lce.shard(
            given[0], given[1][first:end], labels, bias[first:end], offset=first,
            num_classes=CLASSES, reduction="none",
        ).state()
        for first, end in itertools.pairwise(CUTS)
    ]  # fmt: skip
    merged = states[0].merge(states[1]).merge(states[2]).merge(states[3])
    expected = lce(*given, labels, bias, reduction="none")
    assert_close(merged.value(), expected, 1e-12)
    assert (merged.value() == INF).sum() == (labels < 20).sum()


def test_what_does_not_belong_together_is_refused():
    parts = shards()
    one, two, *_ = (part.state() for part in parts)
    with pytest.raises(numloss.Error, match=r"got class 0 in both"):
        one.merge(one)
    with pytest.raises(numloss.Error, match=r"lacks classes 8 to 28: merge"):
        one.merge(two).value()
    with pytest.raises(numloss.Error, match=r"lacks classes 0 to 6"):
        two.logsumexp()
    with pytest.raises(numloss.Error, match=r"lacks classes 7 to 28"):
        parts[0].grad(one)
    with pytest.raises(numloss.InputTypeError, match=r"other must be a RowState, got int"):
        one.merge(1)
    with pytest.raises(numloss.InputTypeError, match=r"state must be a RowState, got tuple"):
        parts[0].grad(())
    others = shards(softcap=3.0)
    with pytest.raises(numloss.Error, match=r"same rows and options, its softcap differs"):
        one.merge(others[1].state())
    whole = shards(cuts=[0, CLASSES])[0].state()
    with pytest.raises(numloss.Error, match=r"state must .* its softcap differs"):
        others[0].grad(whole)
    weighted = shards(row_weight=2.0)
    with pytest.raises(numloss.Error, match=r"its row_weight differs"):
        one.merge(weighted[1].state())


def test_probabilities_of_shards_sum_to_1():
    arrays, targets, *_ = data()
    hidden, weight, soft = arrays["hidden"], arrays["weight"], targets["probabilities"]
    parts = [(0, soft[:, :15]), (15, soft[:, : CLASSES - 15])]  # the first classes twice
    states = [
        lce.shard(
            hidden, weight[first : first + q.shape[1]], q, offset=first, num_classes=CLASSES
        ).state()
        for first, q in parts
    ]
    with pytest.raises(
        numloss.Error, match=r"probabilities sum to 1 over all classes, got a sum of 0.91"
    ):
        states[0].merge(states[1]).value()


def test_shards_have_the_same_labels():
    h, w = np.ones((3, 2)), np.ones((4, 2))
    one = lce.shard(h, w[:2], [0, 2, 1], offset=0, num_classes=4).state()
    two = lce.shard(h, w[2:], [0, 2, 3], offset=2, num_classes=4).state()
    with pytest.raises(numloss.Error, match=r"same for all shards.*a sum of 2 in row 2"):
        one.merge(two).value()


def test_a_mean_over_nothing_of_shards_says_so_where_it_was_asked_for():
    state = lce.shard(np.ones((3, 2)), np.ones((4, 2)), [-100] * 3, offset=0, num_classes=4).state()
    with pytest.warns(RuntimeWarning, match="mean of a loss over no examples") as caught:
        assert np.isnan(state.value())
    assert caught[0].filename == __file__


def test_a_weight_that_is_nan_is_itself():
    weights = [1.0, np.nan, 1.0]
    states = [
        lce.shard(
            np.ones((3, 2)), np.ones((2, 2)), [0, 2, 3], row_weight=weights, offset=offset,
            num_classes=4,
        ).state()
        for offset in (0, 2)
    ]  # fmt: skip
    assert np.isnan(states[0].merge(states[1]).value())


def test_columns_that_only_fill_up_are_refused():
    arrays, targets, *_ = data()
    with pytest.raises(numloss.Error, match=r"offset must let 9 classes end at num_classes=29"):
        lce.shard(
            arrays["hidden"], arrays["weight"][:9], targets["labels"], offset=21, num_classes=29
        )
    with pytest.raises(TypeError, match="num_classes"):
        lce.shard(arrays["hidden"], arrays["weight"][:9], targets["labels"], offset=21)


# --------------------------------------------------------------------------------------- errors

H, W, Y = np.ones((4, 3), "float32"), np.ones((6, 3), "float32"), np.array([0, 5, 2, 1])
SOFT = np.full((4, 6), 1 / 6, "float32")
BAD = {
    "hidden is no array": ((object(), W, Y), {}, "hidden must be array-like"),
    "hidden of no axis": ((1.0, W, Y), {}, r"hidden must have an axis"),
    "weight transposed": ((H, W.T, Y), {}, r"here \(C, 3\) .* got \(3, 6\): use weight.T"),
    "weight for rows": ((H, np.ones(4), Y), {}, r"weights of rows are row_weight"),
    "weight of no class": ((H, W[:0], Y), {}, r"C of at least 1, got \(0, 3\)"),
    "complex weight": ((H, W.astype(complex), Y), {}, "weight must hold real numbers"),
    "label too large": ((H, W, [0, 6, 1, 7]), {}, r"labels must lie in \[0, 6\).*got 6 at index 1"),
    "negative label": ((H, W, [0, -1, 1, 2]), {}, r"ignore_index=-100, got -1 at index 1"),
    "too few labels": ((H, W, Y[:3]), {}, r"integers of shape \(4,\).* shape \(3,\)"),
    "a column of labels": ((H, W, Y[:, None]), {}, r"use labels\[..., 0\]"),
    "float labels": ((H, W, Y.astype(float)), {}, r"use labels.astype\(int\)"),
    "integers for soft": ((H, W, np.eye(6, dtype=int)[Y]), {}, r"use labels.astype\(float\)"),
    "not sum 1": ((H, W, 2 * SOFT), {}, r"probabilities that sum to 1, got 2 in row 0"),
    "negative soft": ((H, W, 2 * np.eye(6)[Y] - SOFT), {}, "at least 0, got -0.166667 in row 0"),
    "bias": ((H, W, Y, np.ones(5)), {}, r"bias must have one number for each of the 6 classes"),
    "row_weight shape": ((H, W, Y), {"row_weight": np.ones(3)}, r"row_weight must be .*\(4,\)"),
    "row_weight sign": ((H, W, Y), {"row_weight": [1, 2, -3, 4]}, "0, got -3.0 at index 2"),
    "row_weight inf": ((H, W, Y), {"row_weight": INF}, "row_weight must hold finite numbers"),
    "class_weight": ((H, W, Y), {"class_weight": np.ones(4)}, "class_weight must have one number"),
    "class_weight sign": ((H, W, Y), {"class_weight": -np.ones(6)}, "class_weight must hold"),
    "label_smoothing": ((H, W, Y), {"label_smoothing": 1.5}, r"number in \[0, 1\], got 1.5"),
    "softcap": ((H, W, Y), {"softcap": 0}, "softcap must be a positive finite number, got 0"),
    "temperature": ((H, W, Y), {"temperature": INF}, "temperature must be a positive finite"),
    "z_loss": ((H, W, Y), {"z_loss": -1}, "z_loss must be a number of at least 0 and finite"),
    "ignore_index": ((H, W, Y), {"ignore_index": 1.5}, "ignore_index must be an integer"),
    "reduction": ((H, W, Y), {"reduction": "avg"}, "reduction must be 'mean', 'sum' or 'none'"),
    "denominator": ((H, W, Y), {"denominator": 0}, "denominator must be a positive finite"),
    "max_memory": ((H, W, Y), {"max_memory": 0}, "max_memory must be at least 1, got 0"),
    "dtype": ((H, W, Y), {"dtype": "float16"}, "dtype must hold the results, .* got float16"),
    "dtype int": ((H, W, Y), {"dtype": int}, "dtype must be a float type"),
    "return": ((H, W, Y), {"return_accuracy": 1}, "return_accuracy must be True or False, got 1"),
    "unknown": ((H, W, Y), {"smoothing": 1}, "takes no argument named 'smoothing'"),
    "weights": ((H, W, Y), {"row_weights": 1}, "did you mean 'row_weight'"),
    "offset": ((H, W, Y), {"offset": 1}, "takes no argument named 'offset'"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_errors_name_the_argument_and_write_nothing(case):
    arguments, options, text = BAD[case]
    out = tuple(np.full(shape, 7.0, "float32") for shape in ((4, 3), (6, 3)))
    if len(arguments) == 4:
        out = (*out, np.full(6, 7.0, "float32"))
    with pytest.raises(numloss.Error, match=text):
        lce.value_and_grad(*arguments, out=out, **options)
    assert all((place == 7).all() for place in out)
    with pytest.raises(numloss.Error, match=text):
        lce(*arguments, **options)


def test_errors_of_out():
    read_only = np.empty((6, 3), "float32")
    read_only.flags.writeable = False
    fine = np.empty((4, 3), "float32")
    both = np.empty((10, 3), "float32")
    bad = {
        r"tuple of 2 places .* hidden, weight, got ndarray": np.empty((6, 3)),
        r"got a tuple of 3": (None, None, None),
        r"out of weight must have shape \(6, 3\), got \(3, 6\)": (None, np.empty((3, 6))),
        r"out of hidden must have dtype float32, got float64: use numpy.empty\(\(4, 3\)": (
            np.empty((4, 3)), None,
        ),
        r"out of weight must be writeable": (fine, read_only),
        r"out must be a numpy.ndarray": ([], None),
        r"out overlaps hidden": (H, None),
        r"out overlaps weight": (None, W),
        r"gradients overlap each other": (both[:4], both[3:9]),
    }  # fmt: skip
    for text, out in bad.items():
        with pytest.raises(numloss.Error, match=text):
            lce.grad(H, W, Y, out=out)
    with pytest.raises(numloss.Error, match="out is for gradients"):
        lce(H, W, Y, out=(fine, None))


def test_what_a_shard_does_not_take():
    for name in ("return_accuracy", "out"):
        with pytest.raises(numloss.InputTypeError, match=f"shard\\(\\) takes no {name}"):
            lce.shard(H, W, Y, offset=0, num_classes=6, **{name: None})
    with pytest.raises(numloss.InputTypeError, match="did you mean 'softcap'"):
        lce.shard(H, W, Y, offset=0, num_classes=6, soft_cap=1.0)


def test_there_is_no_hessian():
    with pytest.raises(numloss.Error, match="linear_cross_entropy has no Hessian"):
        lce.grad_and_hess(H, W, Y)


# ------------------------------------------------------------------------------- what is around it


def test_it_is_one_object():
    assert pickle.loads(pickle.dumps([lce]))[0] is lce
    assert repr(lce).startswith("<loss linear_cross_entropy(hidden, weight, labels, bias=None, *,")
    assert isinstance(lce.shard(H, W, Y, offset=0, num_classes=6), Shard)


def test_it_is_imported_when_it_is_asked_for():
    code = """
import sys, numloss
before = "numloss.linear" in sys.modules
numloss.linear_cross_entropy
print(before, "numloss.linear" in sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "True"]


EXAMPLES = {
    "docs/linear.md": (Path(__file__).parents[1] / "docs" / "linear.md").read_text(),
    **{x.__name__: x.__doc__ for x in (RowState, Shard, lce.grad, lce.value_and_grad)},
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name):
    text = EXAMPLES[name]
    example = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    assert example.examples
    printed = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        doctest.DocTestRunner().run(example, out=printed.append)
    assert printed == []
