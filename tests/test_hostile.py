"""Arguments that lie, change, alias or lie at the edge of memory: no crash, no silent answer."""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from cases import APART, PLAIN, SHARED, TABLED, assert_same, per_example
from fuzz import harness
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import numloss

CORPUS = Path(__file__).parent / "fuzz" / "corpus"
#: No call of these tests has work for a second; one that hangs fails.
PATIENCE = 60

# --------------------------------------------------------------------------------- calls at random


class Drawn:
    """Choices of Hypothesis, which shrinks the call that fails."""

    def __init__(self, data):
        self._data = data

    def integer(self, low, high):
        return self._data.draw(st.integers(low, high))


def hostile_calls(examples):
    return lambda test: settings(
        max_examples=examples,
        deadline=PATIENCE * 1000,
        suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow],
    )(given(st.data())(test))


@pytest.mark.parametrize("name", [v.name for v in PLAIN])
@hostile_calls(50)
def test_a_hostile_call_is_answered_as_a_plain_one_or_refused(name, data):
    harness.check(harness.attempt(harness.Chooser(Drawn(data)), name))


@pytest.mark.slow
@pytest.mark.parametrize("name", [v.name for v in PLAIN])
@hostile_calls(800)
def test_many_hostile_calls(name, data):
    harness.check(harness.attempt(harness.Chooser(Drawn(data)), name))


@pytest.mark.skipif(not CORPUS.is_dir(), reason="an sdist has no seeds of the fuzzer")
def test_corpus():
    """Replay what the fuzzer kept: tools/fuzz.sh."""
    answered = [harness.check_bytes(path.read_bytes()) for path in sorted(CORPUS.iterdir())]
    assert 0.2 < np.mean(answered) < 0.9
    assert len(answered) >= 100


@pytest.mark.slow
def test_random_bytes():
    rng = np.random.default_rng(0)
    for _ in range(4000):
        harness.check_bytes(rng.bytes(rng.integers(1, 200)))


# ------------------------------------------------------------------------------- the edge of memory

PAGE = mmap.PAGESIZE
LIBC = ctypes.CDLL(None, use_errno=True)


class Fence:
    """Memory between two pages that must not be touched."""

    def __init__(self, nbytes):
        pages = -(-nbytes // PAGE) + 2
        self._map = mmap.mmap(-1, pages * PAGE)
        room = np.frombuffer(self._map, "u1")
        for page in (0, pages - 1):
            at = ctypes.c_void_p(room.ctypes.data + page * PAGE)
            assert LIBC.mprotect(at, ctypes.c_size_t(PAGE), 0) == 0
        self._inside = room[PAGE:-PAGE]

    def at_end(self, x):
        view = self._inside[self._inside.size - x.nbytes :].view(x.dtype).reshape(x.shape)
        view[...] = x
        return view

    def at_start(self, x):
        view = self._inside[: x.nbytes].view(x.dtype).reshape(x.shape)
        view[...] = x
        return view


def fenced(x, end):
    if x.size == 0:
        return x
    fence = Fence(x.nbytes)
    return fence.at_end(x) if end else fence.at_start(x)


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", ">f4"])
@pytest.mark.parametrize("variant", SHARED, ids=repr)
def test_nothing_outside_the_arrays_is_touched(variant, dtype):
    shapes = [(3, 3), (17, 10), (2, 261)] if variant.rowwise else [(1,), (15,), (1031,)]
    for shape in shapes:
        prediction, target = variant.inputs(shape, np.dtype(dtype))
        call = variant.options(shape[-1])
        weight = np.linspace(0.5, 2.0, shape[0])
        expected = per_example(variant.loss, prediction, target, weight=weight, **call)
        for end in (True, False):
            p, t, w = (fenced(x, end) for x in (prediction, target, weight))
            assert_same(per_example(variant.loss, p, t, weight=w, **call), expected)
            p, t, w = (fenced(x[::-1], end)[::-1] for x in (prediction, target, weight))
            out = fenced(np.zeros(shape, np.dtype(dtype).newbyteorder("=")), end)
            gradient = variant.loss.grad(p, t, weight=w, reduction="none", out=out, **call)
            assert gradient is out
            assert_same([out], expected[1:2])


# --------------------------------------------------------------------------------- labels at bounds

INTEGER_TYPES = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i8", ">u2"]
LABEL_LOSSES = [
    name
    for name in numloss.LOSSES
    if "ignore_index" in repr(getattr(numloss, name)) and name not in APART
]


@pytest.mark.parametrize("dtype", INTEGER_TYPES)
@pytest.mark.parametrize("name", LABEL_LOSSES)
def test_labels_at_every_bound(name, dtype):
    loss = getattr(numloss, name)
    bounds = np.iinfo(dtype)
    for columns in (1, 3, 127, 300):
        classes = columns + (loss.domain == "ordered labels")
        logits = np.zeros((5, columns), "f4")
        odd = {bounds.min, bounds.max, -1, 0, classes - 1, classes, classes + 2**8, classes + 2**32}
        odd |= {2**31 - 1, 2**31, 2**32, 2**32 - 1, -100, 2**63, 2**64 - 100, 2**64 - 1}
        for label in sorted(x for x in odd if bounds.min <= x <= bounds.max):
            labels = np.zeros(5, dtype)
            labels[3] = label
            out = np.full((5, columns), 7.0, "f4")
            for ignored in (-100, -1, -2, 0, -(2**63), 2**63 - 1, label if label < 2**63 else -100):
                call = {"ignore_index": ignored, "reduction": "sum", "out": out}
                if 0 <= label < classes or label == ignored:
                    assert loss.grad(logits, labels, **call) is out
                    out[...] = 7.0
                    continue
                with pytest.raises(ValueError, match=f"got {label} at index 3"):
                    loss.grad(logits, labels, **call)
                assert (out == 7.0).all()


# ------------------------------------------------------------------- what lies, changes and aliases


@pytest.mark.parametrize("name", ["cross_entropy", "multiclass_hinge", "softmax_focal"])
@pytest.mark.parametrize("classes", [3, 300])
def test_class_numbers_may_lie_where_the_gradient_goes(name, classes):
    parameter = "alpha" if name == "softmax_focal" else "class_weight"
    loss = getattr(numloss, name)
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(40, classes)), rng.integers(0, classes, 40)
    out = rng.exponential(size=logits.shape)
    expected = loss.grad(logits, labels, **{parameter: out[0].copy()})
    assert_same([loss.grad(logits, labels, **{parameter: out[0]}, out=out)], [expected])


def test_attributes_of_a_subclass_are_not_believed():
    class Apart(np.ndarray):
        """Calls itself another array than it is."""

        strides = property(lambda self: (8,))
        shape = property(lambda self: (5,))
        flags = np.zeros(5).flags

    repeats = np.lib.stride_tricks.as_strided(np.zeros(1), (5,), (0,)).view(Apart)
    with pytest.raises(ValueError, match="out must have memory for every element"):
        numloss.mse.grad(np.ones(5), np.zeros(5), out=repeats)
    closed = np.zeros(5)
    closed.flags.writeable = False
    with pytest.raises(ValueError, match="out must be writeable"):
        numloss.mse.grad(np.ones(5), np.zeros(5), out=closed.view(Apart))


may_set_shapes = pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")


class Reshaping:
    """A weight that gives another array a new shape while it is read."""

    def __init__(self, victim):
        self._victim = victim

    def __array__(self, dtype=None, copy=None):
        self._victim.shape = (2, 2)
        return np.ones(4)


@may_set_shapes
def test_shapes_are_those_after_all_conversions():
    """A conversion may run code that changes another array: nothing is read before the last."""
    prediction = np.arange(4.0)
    with pytest.raises(ValueError, match=r"same shape, got \(2, 2\) and \(4,\)"):
        numloss.mse(prediction, np.ones(4), weight=Reshaping(prediction))
    assert numloss.mse(np.arange(4.0), 1.0, weight=Reshaping(np.zeros(4))) == 1.5


class Resizing:
    """A weight that takes the memory of another array away while it is read."""

    def __init__(self, victim):
        self._victim = victim

    def __array__(self, dtype=None, copy=None):
        self._victim.resize((5,), refcheck=False)
        return np.ones(())


def test_memory_that_went_away_is_not_written():
    out = np.zeros(4)
    with pytest.raises(ValueError, match=r"out must have shape \(4,\), got \(5,\)"):
        numloss.mse.grad(np.ones(4), 0.0, weight=Resizing(out), out=out)


def test_booleans_that_become_signs_are_read_once():
    class Target:
        times = 0

        def __array__(self, dtype=None, copy=None):
            self.times += 1
            return np.array([True, False]) if self.times == 1 else np.array([1.0, -1.0])

    target = Target()
    assert_same(
        [numloss.hinge.grad([0.5, 0.5], target, reduction="sum")],
        [numloss.hinge.grad([0.5, 0.5], [True, False], reduction="sum")],
    )
    assert target.times == 1


def test_strings_are_what_they_say():
    class Agreeable(str):
        __hash__ = str.__hash__

        def __eq__(self, other):
            return True

    for name in ("reduction", "denominator"):
        with pytest.raises(ValueError, match=f"{name} must be"):
            numloss.mse([1.0], [0.0], **{name: Agreeable("x")})
    assert numloss.mse([1.0, 3.0], 0.0, reduction=Agreeable("sum")) == 10


class Unhelpful(float):
    def __float__(self):
        raise KeyError("no float")


def test_whatever_an_object_raises_is_a_refusal():
    class Nameless:
        @property
        def __class__(self):
            raise KeyError("no class")

    class Propertied:
        @property
        def __dlpack__(self):
            raise KeyError("no tensor")

    for x in (Nameless(), Propertied(), np.array([Nameless()]), np.full((1,) * 40, None)):
        with pytest.raises((TypeError, ValueError), match="prediction"):
            numloss.mse(x, [0.0])
    with pytest.raises(numloss.Error, match="target must be array-like"):
        numloss.mse([1.0], Unhelpful(1))
    with pytest.raises(TypeError, match="out must"):
        numloss.mse.grad([1.0], [0.0], out=harness.Tupled((3,)))


def test_memory_that_cannot_be_had_is_said_to_be_missing():
    class Greedy:
        def __array__(self, dtype=None, copy=None):
            raise MemoryError

    with pytest.raises(MemoryError):
        numloss.mse(Greedy(), [0.0])
    with pytest.raises(MemoryError):
        numloss.mse.grad(np.broadcast_to(np.float32(1), (2**60,)), np.float32(1))


@pytest.mark.parametrize("name", [v.name for v in PLAIN if v.rowwise])
def test_rows_of_more_classes_than_there_is_memory(name):
    """Their working memory may be more than can be counted."""
    loss = getattr(numloss, name)
    takes_numbers = name in LABEL_LOSSES or loss.domain == "real"
    for classes, dtype in ((2**56, "f4"), (2**57, "f2"), (2**53 + 1, "f8"), (2**61 - 1, "f2")):
        kind = bool if loss.domain == "booleans" else dtype
        row = np.broadcast_to(np.zeros((), dtype), (1, classes))
        target = np.broadcast_to(np.zeros((), kind), (1, classes))
        target = np.zeros(1, int) if takes_numbers else target
        with pytest.raises((MemoryError, ValueError)):
            loss(row, target)
        nothing = np.empty((0, classes), dtype)
        target = np.zeros(0, int) if takes_numbers else np.empty((0, classes), kind)
        if name not in TABLED:  # its table of soft labels cannot be had
            assert loss(nothing, target, reduction="sum") == 0


def test_overflow_in_a_refused_target_is_no_warning():
    with pytest.raises(ValueError, match="sum to 1"):
        numloss.cross_entropy(np.zeros((1, 2)), np.array([[1e308, 1e308]]))


def test_structures_named_as_a_float_are_none():
    for itemsize, name in ((2, "bfloat"), (0, "bfloat16")):
        dtype = np.dtype((type(name, (np.void,), {}), itemsize))
        assert dtype.name == "bfloat16"
        with pytest.raises(TypeError, match="prediction must hold real numbers"):
            numloss.mse(np.zeros(3, dtype), 0.0)


def test_huge_strides_of_nothing():
    for strides in ((2**62, 2**62), (-(2**62), 8), (8, -(2**63))):
        x = np.ndarray((0, 3), float, np.empty(0), strides=strides)
        assert numloss.mse(x, x, reduction="sum") == 0
        assert numloss.cross_entropy(x, np.zeros(0, int), reduction="sum") == 0
    one = np.ndarray((1, 3), float, np.ones(3), strides=(2**63 - 8, 8))
    assert numloss.mse(one, 0.0, reduction="sum") == 3
    assert_same([numloss.mse.grad(one, 0.0, reduction="sum")], [np.full((1, 3), 2.0)])


def test_label_that_changes_while_a_warning_is_shown(monkeypatch):
    logits, labels = np.zeros((2, 3)), np.array([-100, -100])
    out = np.full((2, 3), 7.0)
    monkeypatch.setattr(warnings, "showwarning", lambda *_, **__: labels.fill(2**40))
    warnings.simplefilter("always")
    with pytest.raises(ValueError, match="got 1099511627776"):
        numloss.cross_entropy.grad(logits, labels, out=out)
    assert (out == 7.0).all()


def test_call_within_the_reading_of_a_call():
    class Calling:
        def __array__(self, dtype=None, copy=None):
            return numloss.mse.grad(prediction, 0.0, reduction="sum", out=prediction)

    prediction = np.arange(4.0)
    assert numloss.mse(prediction, Calling(), reduction="sum") == 0
    assert_same([prediction], [np.arange(4.0) * 2])


# -------------------------------------------------------------------------------- while a call runs


@pytest.fixture
def interruptible():
    """Let SIGINT raise: a program that was started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.usefixtures("interruptible")
def test_interrupt_comes_after_the_work(threads):
    """The call that it meets is completed, and the next one is none the worse."""
    n = 2**27
    prediction, target = np.broadcast_to(np.float32(3), (n,)), np.float32(1)
    small = np.linspace(-2, 2, 2000).reshape(20, 100)
    out = np.zeros_like(small)
    expected = numloss.kl_divergence.grad(small, np.full_like(small, 0.01))
    with numloss.threads(threads):
        timer = threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012
            timer.start()
            stop = time.monotonic() + 60
            while time.monotonic() < stop:
                numloss.binary_cross_entropy(prediction, target)
        timer.join()
        numloss.kl_divergence.grad(small, np.full_like(small, 0.01), out=out)
    assert_same([out], [expected])


def test_labels_that_change_during_the_call_are_never_followed():
    """A label is checked where it has been copied to, or it might lead outside in between."""
    classes, n = 40, 20_000
    logits = np.random.default_rng(0).normal(size=(n, classes)).astype("f4")
    labels = np.zeros(n, "i8")
    out = np.empty_like(logits)
    stop = time.monotonic() + 0.5
    done = threading.Event()

    def flip():
        while not done.is_set():
            labels[n // 2 :: 997] = 2**40
            labels[n // 2 :: 997] = -(2**62)
            labels[n // 2 :: 997] = classes - 1

    flipper = threading.Thread(target=flip)
    flipper.start()
    refused = answered = 0
    try:
        while time.monotonic() < stop:
            for name in LABEL_LOSSES:
                try:
                    getattr(numloss, name).grad(logits, labels, out=out)
                    answered += 1
                except ValueError:
                    refused += 1
    finally:
        done.set()
        flipper.join()
    assert answered + refused > 0
    labels[...] = 1
    value = numloss.cross_entropy(logits, labels)
    assert np.isfinite(value)


@may_set_shapes
def test_shapes_that_change_during_the_calls():
    """Whatever another thread makes of the arrays' shapes, a call sees one shape or refuses."""
    prediction, target, out = np.ones(4096, "f4"), np.zeros(4096, "f4"), np.zeros(4096, "f4")
    done = threading.Event()

    def reshape():
        while not done.is_set():
            for x in (prediction, target, out):
                x.shape = (64, 64)
            for x in (out, target, prediction):
                x.shape = (4096,)

    worker = threading.Thread(target=reshape)
    worker.start()
    stop = time.monotonic() + 0.3
    try:
        while time.monotonic() < stop:
            for method in (numloss.mse.grad, numloss.binary_cross_entropy.grad):
                try:
                    assert method(prediction, target, out=out, weight=[1.0]) is out
                except ValueError:
                    continue
    finally:
        done.set()
        worker.join()


def test_a_buffer_that_lies_of_its_type_is_refused():
    out = np.zeros(3, "f4").view(harness.Lying)
    with pytest.raises(TypeError, match="out must have dtype float64, got float32"):
        numloss.mse.grad(np.ones(3), 0.0, out=out)
