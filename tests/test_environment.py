"""Rounding modes and flushed subnormals that others switched on: they change nothing of ours, and
we change nothing of theirs."""

import shutil
import subprocess

import numpy as np
import pytest
from cases import SHARED, assert_same, results
from float_environments import ENVIRONMENTS, FLAGS, environment, get, put
from processes import PLAIN, digest, run

import numloss

every_environment = pytest.mark.parametrize("name", ENVIRONMENTS)

#: For predictions: as they are, subnormal results in float32 and float64, subnormal inputs.
SCALES = {"float16": (1, 1e-4), "float32": (1, 30, 1e-39), "float64": (1, 200, 1e-309)}


def small_inputs(variant):
    """Draw inputs whose results or which themselves are ordinary and subnormal numbers."""
    for dtype, scales in SCALES.items():
        prediction, target = variant.inputs((70, 9) if variant.rowwise else 130, "float64")
        for scale in scales if "from_logits" not in variant.parameters else (1, 1e-309):
            with np.errstate(under="ignore"):
                yield (
                    (prediction * scale).astype(dtype),
                    target.astype(target.dtype if target.dtype.kind in "iub" else dtype),
                )


@pytest.mark.parametrize("variant", SHARED, ids=str)
def test_no_bit_of_a_loss_changes(variant):
    for prediction, target in small_inputs(variant):
        options = variant.options(prediction.shape[-1])
        weight = np.linspace(0, 1, len(prediction)) ** 200  # down to subnormal ones
        calls = [options, {**options, "weight": weight}]
        expected = [results(variant.loss, prediction, target, **call) for call in calls]
        for name in ENVIRONMENTS:
            with environment(name):
                found = [results(variant.loss, prediction, target, **call) for call in calls]
            for some, others in zip(found, expected, strict=True):
                assert_same(some, others, name)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("variant", PLAIN, ids=str)
def test_no_bit_changes_with_several_threads(variant, threads):
    shape = (30_011, 41) if variant.rowwise else 1_200_011
    prediction, target = variant.inputs(shape, "float32")
    prediction[::2] *= np.float32(1e-39)
    with numloss.threads(threads):
        expected = variant.loss.value_and_grad(prediction, target)
        for name in ("up", "flush"):
            with environment(name):
                found = variant.loss.value_and_grad(prediction, target)
            assert_same(found, expected, name)


TINY = 1e-310
UNEVEN = np.abs(np.subtract.outer(np.arange(5), np.arange(5)) * 0.1)
LOGITS = np.random.default_rng(0).normal(size=(40, 5))
LABELS = np.arange(40) % 5
SINGLE = LOGITS.astype("float32")
#: What is computed outside the kernels, before a call or in place of one.
AROUND = {
    "class weights": lambda: numloss.class_weights([0] * 7 + [1] * 3 + [2]),
    "effective class weights": lambda: numloss.class_weights(LABELS[:17], scheme="effective"),
    "elastic net": lambda: numloss.elastic_net(LOGITS, strength=0.1, l1_ratio=0.7),
    "large integers as class weights": lambda: numloss.cross_entropy(
        LOGITS, LABELS, class_weight=np.arange(5) + 2**60 + 1
    ),
    "table of distances": lambda: numloss.ordinal_cross_entropy(
        LOGITS, LABELS, distance=UNEVEN, temperature=0.3
    ),
    "target rounded to the prediction's type": lambda: [
        # The nearest float32 is above, and below.
        numloss.mse(SINGLE, 0.1),
        numloss.mse(SINGLE, 0.7),
    ],
    "subnormal target": lambda: numloss.mae(np.zeros(3, "f4"), 1e-42, reduction="none"),
    "subnormal parameter": lambda: numloss.huber.grad(LOGITS, 0.0, delta=TINY),
    "subnormal denominator": lambda: numloss.mse([1e-200], 0.0, denominator=TINY),
    "subnormal smoothing": lambda: numloss.cross_entropy.grad(
        LOGITS, LABELS, label_smoothing=TINY, reduction="none"
    ),
    "subnormal class weights": lambda: numloss.cross_entropy(
        LOGITS, LABELS, class_weight=[TINY] * 5, reduction="sum"
    ),
}


@every_environment
@pytest.mark.parametrize("what", AROUND)
def test_no_bit_changes_around_the_kernels(what, name):
    expected = AROUND[what]()
    with environment(name):
        found = AROUND[what]()
    assert_same([found], [expected])


#: Faults that only those see who keep subnormal numbers.
FAULTS = {
    "probability": lambda: numloss.kl_divergence([[0.0, 0.0]] * 2, [[0.5, 0.5], [-TINY, 1.0]]),
    "weight": lambda: numloss.mse([1.0, 2.0], 0.0, weight=[1.0, -TINY]),
    "class weight": lambda: numloss.cross_entropy([[0.0, 0.0]], [0], class_weight=[1.0, -TINY]),
}


@every_environment
@pytest.mark.parametrize("what", FAULTS)
def test_what_is_refused_and_why_does_not_change(what, name):
    with pytest.raises(ValueError, match="got") as expected:
        FAULTS[what]()
    with pytest.raises(ValueError, match="got") as found, environment(name):
        FAULTS[what]()
    assert str(found.value) == str(expected.value)


def fails():
    with pytest.raises(ValueError, match="labels"):
        numloss.cross_entropy(LOGITS, LABELS + 1)


@every_environment
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: numloss.mse.grad(LOGITS * 1e-300, 1e-310), id="small"),
        pytest.param(lambda: numloss.focal(np.full(10**6, 1e-42, "f4"), 0.0), id="threads"),
        pytest.param(fails, id="error"),
        pytest.param(lambda: numloss.class_weights([0, 0, 1]), id="python"),
        pytest.param(lambda: numloss.mse(LOGITS.tolist(), 0.1), id="converted"),
    ],
)
def test_the_environment_of_the_caller_stands(call, name):
    before = get()
    try:
        for flags in (0, FLAGS):
            register = ((before & ~FLAGS) | flags) | ENVIRONMENTS[name]
            put(register)
            with numloss.threads(3):
                call()
            assert get() & ~FLAGS == register & ~FLAGS
    finally:
        put(before)


@every_environment
def test_flags_that_a_kernel_raises_are_not_seen(name):
    """Nothing but the kernel comes between the two looks at the register."""
    prediction, target = np.array([1e-310, 1e300, 0.1]), np.array([1e-311, -1e300, 0.3])
    before = get()
    try:
        put((before & ~FLAGS) | ENVIRONMENTS[name])
        register = get()
        numloss.mse.value_and_grad(prediction, target)
        assert get() == register
    finally:
        put(before)


def test_import_leaves_the_environment_alone():
    code = """
import numpy, ml_dtypes, threading, ctypes
from float_environments import *
before = get()
import numloss
assert get() == before
numloss.set_num_threads(3)
numloss.mse(numpy.zeros(2_000_000, numpy.float32), 1.0)
assert get() == before
seen = []
thread = threading.Thread(target=lambda: seen.append(get()))
thread.start()
thread.join()
assert seen[0] & ~FLAGS == before & ~FLAGS
put(before | FLUSH)
import importlib
importlib.reload(numloss)
assert get() == before | FLUSH
"""
    run(code)


def test_library_built_for_fast_arithmetic(tmp_path):
    """Such a library flushes subnormals in the thread that loads it, and in threads made later."""
    compiler = shutil.which("cc") or shutil.which("g++") or shutil.which("clang")
    assert compiler, "the package was built without a compiler?"
    start = subprocess.run(
        [compiler, "-print-file-name=crtfastmath.o"], capture_output=True, text=True, check=True
    )
    library = tmp_path / "libfast.so"
    subprocess.run(
        [compiler, "-shared", "-o", str(library), start.stdout.strip()], check=True, timeout=60
    )
    code = f"""
import ctypes, threading
from processes import *
import numloss
small_inputs()  # NumPy would flush those that are subnormal
ctypes.CDLL({str(library)!r})
half = np.float64(5e-324) * 1.0
assert half == 0, "subnormals are flushed from here on"
numloss.set_num_threads(3)
digests = [digest()]
thread = threading.Thread(target=lambda: digests.append(digest()))
thread.start()
thread.join()
assert np.float64(5e-324) * 1.0 == 0
print(*digests)
"""
    assert run(code).split() == [digest()] * 2
