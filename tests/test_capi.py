"""The C library: what it gives is what Python gives, and nothing that a program does breaks it."""

# ruff: noqa: E501 (a row of a table is a line)

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from ctypes import byref
from itertools import product
from pathlib import Path

import capi
import golden
import ml_dtypes
import numpy as np
import pytest
from cases import SHARED, assert_same
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_DT_FLAGS_1
from recording import WANTS, call

import numloss
from numloss import _core

TESTS = Path(__file__).parent
STATUS = {
    name: int(code) for name, code in re.findall(r"NUMLOSS_(\w+) = (\d+),", capi.HEADER.read_text())
}
FLAGS = ("-Wall", "-Wextra", "-Werror", "-pedantic")
LANGUAGES = {"c": ("gcc", "-std=c99"), "cpp": ("g++", "-std=c++20")}

P = np.array([1.0, 2.0, 4.0], "float32")
T = np.array([1.0, 1.5, 0.0], "float32")
LOGITS = np.array([[2.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
LABELS = np.array([0, 1])


LIBRARY = Path(numloss.get_library())


@pytest.fixture
def library():
    return capi.library()


# ---------------------------------------------------------------------------------------- results


@pytest.mark.parametrize("variant", SHARED, ids=str)
def test_every_loss_has_the_golden_bits(variant):
    expected = golden.read()[str(variant)]
    found = {str(x): golden.hash_of(variant, x, capi.call) for x in golden.DTYPES if x.itemsize > 2}
    assert found == {dtype: expected[dtype] for dtype in found}


@pytest.mark.parametrize("name", golden.names_of_heads())
def test_losses_of_two_heads_have_the_golden_bits(name):
    loss, options = golden.names_of_heads()[name]
    expected = golden.read()[name]
    found = {str(x): golden.hash_of_heads(loss, options, x, capi.call) for x in golden.DTYPES}
    assert found == expected


@pytest.mark.parametrize("variant", SHARED, ids=str)
def test_every_way_of_calling_gives_the_results_of_python(variant):
    shape = (4, 3, 5) if variant.rowwise else (12, 5)
    for dtype in ("float16", ml_dtypes.bfloat16, ">f4", "float64"):
        inputs = variant.inputs(shape, dtype)
        options = variant.options(5)
        for method in WANTS:
            for reduction in ("mean", "sum", "none"):
                given = options | {
                    "reduction": reduction,
                    "weight": np.linspace(0, 1, 12).reshape(-1, 1),
                }
                if variant.rowwise:
                    given["weight"] = np.linspace(0, 1, 12).reshape(4, 3)
                some = capi.call(variant.loss, method, *inputs, **given)
                assert_same(some, call(variant.loss, method, *inputs, **given), (method, reduction))


@pytest.mark.parametrize("name", ["l1_penalty", "l2_penalty", "elastic_net"])
def test_penalties_are_those_of_python(name):
    loss, w = getattr(numloss, name), np.linspace(-1, 1, 21)
    for method in WANTS:
        some = capi.call(loss, method, w, strength=0.5)
        assert_same(some, call(loss, method, w, strength=0.5))


@pytest.mark.parametrize(
    ("loss", "inputs", "options"),
    [
        (numloss.huber, (P, 1.5), {}),
        (numloss.huber, (P[::-1], T[::-1]), {"weight": P[:1]}),
        (numloss.mse, (np.arange(5), np.arange(5)[::-1]), {}),
        (numloss.mse, (P, T), {"dtype": "float64", "threads": 3}),
        (numloss.mse, (P[:0], T[:0]), {}),
        (numloss.hinge, (P, np.array([True, False, True])), {}),
        (numloss.binary_cross_entropy, (T / 2, T / 2), {"from_logits": False, "pos_weight": None}),
        (numloss.focal, (P, T / 2), {"alpha": None, "gamma": 1.0}),
        (numloss.cross_entropy, (LOGITS.T, LABELS), {"axis": 0, "class_weight": P}),
        (numloss.cross_entropy, (LOGITS, np.array([0, 7])), {"ignore_index": 7}),
        (numloss.multiclass_hinge, (LOGITS, LABELS), {"variant": "crammer_singer"}),
        (numloss.ordinal_cross_entropy, (LOGITS, LABELS), {"distance": "squared"}),
        (numloss.ordinal_cross_entropy, (LOGITS, LABELS), {"distance": 1 - np.eye(3)}),
        (numloss.softmax_focal, (LOGITS, LABELS), {"alpha": np.float32([0.5, 1, 2])}),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:mean of a loss over no examples")
def test_options_and_arrays_of_every_kind(loss, inputs, options):
    python = {name: value for name, value in options.items() if name != "threads"}
    for method in WANTS:
        assert_same(
            capi.call(loss, method, *inputs, **options), call(loss, method, *inputs, **python)
        )


@pytest.mark.parametrize("key", golden.EXTRAS)
def test_extra_outputs_have_the_golden_bits(key):
    expected = golden.read()[key]
    found = {str(x): golden.hash_of_extras(golden.EXTRAS[key], x, capi.call) for x in golden.DTYPES}
    assert found == expected


def test_a_mean_over_nothing_is_said():
    prepared = capi.Prepared("mse", capi.VALUE | capi.GRADIENT, P, T, weight=np.zeros(3))
    prepared.make_outputs()
    result = prepared.compute()
    assert (result.empty, result.weight, result.count) == (1, 0, 3)
    assert np.isnan(result.value)
    assert (prepared.gradients[0] == 0).all()


def test_weights_and_counts_are_told():
    result = capi.Prepared("cross_entropy", capi.VALUE, LOGITS, [0, -100]).compute()
    assert (result.empty, result.weight, result.count) == (0, 1, 1)


def test_arrays_without_strides_are_in_c_order():
    logits = np.arange(24.0).reshape(2, 3, 4) ** 0.5
    prepared = capi.Prepared("cross_entropy", capi.GRADIENT, logits, [[0, 1, 2], [3, 2, 1]])
    prepared.make_outputs()
    prepared.call.inputs[0].strides = prepared.call.gradients[0].strides = None
    prepared.call.inputs[1].strides = None
    prepared.compute()
    expected = numloss.cross_entropy.grad(logits, [[0, 1, 2], [3, 2, 1]])
    assert_same(prepared.gradients, [expected])


def test_threads_of_a_call_are_for_that_call(library):
    before = library.numloss_num_threads()
    assert library.numloss_set_num_threads(2, None) == 0
    capi.Prepared("mse", capi.VALUE, P, T, threads=7).compute()
    assert library.numloss_num_threads() == 2
    refused(capi.Prepared("mse", capi.VALUE, P, T, threads=7, weight=-P))
    assert library.numloss_num_threads() == 2
    library.numloss_set_num_threads(before, None)


def test_threads_of_a_call_help_it():
    """In a process of its own, where no call has made helpers yet."""
    program = """if True:
        from pathlib import Path
        import capi, numpy as np
        def helpers():
            names = [x.read_text().strip() for x in Path("/proc/self/task").glob("*/comm")]
            return names.count("numloss")
        x = np.ones(4_000_000, "float32")
        capi.library().numloss_set_num_threads(1, None)
        capi.Prepared("mse", capi.VALUE, x, x).compute()
        print(helpers())
        capi.Prepared("mse", capi.VALUE, x, x, threads=3).compute()
        print(helpers())
    """
    assert output_of(program) == "0\n2\n"


def output_of(program: str, *arguments: str) -> str:
    """Run a program of Python; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, check=False, cwd=TESTS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_gradient_may_take_the_place_of_the_prediction():
    prediction = P.copy()
    prepared = capi.Prepared("mse", capi.GRADIENT, prediction, T)
    prepared.gradients = [prediction]
    prepared.set_outputs()
    prepared.compute()
    assert_same([prediction], [numloss.mse.grad(P, T)])


@pytest.mark.parametrize("variant", [v for v in SHARED if not v.rowwise], ids=str)
def test_few_plain_numbers_have_the_bits_of_any_call(variant):
    """A call that says how many threads it may use is not told apart at a glance."""
    for size, dtype in product((1, 31, 64, 256, 257), ("float32", "float64")):
        inputs = variant.inputs((size,), dtype)
        options = variant.options(size)
        for method, reduction in product(WANTS, ("mean", "sum")):
            found, expected = (
                outcome(variant.loss, method, inputs, options | {"reduction": reduction}, threads)
                for threads in (0, 1)
            )
            assert_same(found, expected, (size, dtype, method, reduction))


LABELLED = [v for v in SHARED if v.rowwise and v.inputs((2, 3))[1].dtype == np.int64]


@pytest.mark.parametrize("variant", LABELLED, ids=str)
def test_few_labelled_rows_have_the_bits_of_any_call(variant):
    """A strip of rows and what is left over; 256 numbers and more, 64 classes and more."""
    shapes = [(1, 1), (1, 64), (1, 65), (3, 2), (8, 8), (17, 15), (64, 4), (65, 3)]
    for shape, dtype in product(shapes, ("float32", "float64")):
        inputs = variant.inputs(shape, dtype)
        options = variant.options(shape[-1])
        for method, reduction in product(WANTS, ("mean", "sum")):
            found, expected = (
                outcome(variant.loss, method, inputs, options | {"reduction": reduction}, threads)
                for threads in (0, 1)
            )
            assert_same(found, expected, (shape, dtype, method, reduction))


def test_few_labelled_rows_have_the_bits_of_any_call_at_extremes():
    """NaN, infinities, ties, numbers whose sum is beyond float32; ignored labels."""
    ends = [np.nan, np.inf, -np.inf, -0.0, 3e38, -3e38, 1e-45]
    for x, y, label in product(ends, ends, (0, 1, -100)):
        inputs = np.array([[x, y, 1], [0, 1, 2]], "float32"), np.array([label, 2])
        for method in WANTS:
            found, expected = (
                outcome(numloss.cross_entropy, method, inputs, {}, threads) for threads in (0, 1)
            )
            assert_same(found, expected, (method, x, y, label))


def test_few_labelled_rows_are_refused_as_any_call_is():
    """What is bad is found before anything is written, in the place of the prediction, too."""
    labels = np.array([0, 3])
    for want in (capi.VALUE, capi.VALUE | capi.GRADIENT, capi.GRADIENT | capi.HESSIAN):
        logits = np.arange(6, dtype="float32").reshape(2, 3)
        prepared = capi.Prepared("cross_entropy", want, logits, labels)
        prepared.make_outputs()
        if prepared.gradients:
            prepared.gradients = [logits]
            prepared.set_outputs()
        assert refused(prepared, outputs=False).index == (1,)
        assert logits.ravel().tolist() == [0, 1, 2, 3, 4, 5]


def test_labels_lie_apart_from_the_outputs_of_few_rows():
    memory = np.zeros(8, "float32")
    logits = np.ones((2, 3), "float32")
    prepared = capi.Prepared("cross_entropy", capi.GRADIENT, logits, memory[4:].view("int64"))
    prepared.gradients = [memory[:6].reshape(2, 3)]
    prepared.set_outputs()
    assert str(refused(prepared, outputs=False)).startswith("gradients overlaps target")
    assert not memory.any()


def outcome(loss, method, inputs, options, threads) -> list:
    """Return all that a call gives, its weight and count, too."""
    prepared = capi.Prepared(loss.__name__, WANTS[method], *inputs, **options, threads=threads)
    prepared.make_outputs()
    result = prepared.compute()
    numbers = [result.value, result.weight, result.count, result.empty]
    return [np.array(numbers), *prepared.gradients, *prepared.hessians]


def test_few_plain_numbers_have_the_bits_of_any_call_at_extremes():
    """NaN, infinities, a zero of the other sign, sums beyond float32, subnormal numbers."""
    for x, y in product([np.nan, np.inf, -np.inf, -0.0, 3e38, 1e-45], repeat=2):
        inputs = np.array([x, 1], "float32"), np.array([y, 1], "float32")
        for loss, method in product((numloss.mse, numloss.mae, numloss.huber), WANTS):
            found, expected = (outcome(loss, method, inputs, {}, threads) for threads in (0, 1))
            assert_same(found, expected, (loss, method, x, y))


def test_few_plain_numbers_are_refused_as_any_call_is():
    """What is bad is found before anything is written, in the place of the prediction, too."""
    target = np.array([0.5, 2.0, 0.5], "float32")
    for want in (capi.VALUE, capi.VALUE | capi.GRADIENT, capi.GRADIENT | capi.HESSIAN):
        prediction = P.copy()
        prepared = capi.Prepared("binary_cross_entropy", want, prediction, target)
        prepared.make_outputs()
        if prepared.gradients:
            prepared.gradients = [prediction]
            prepared.set_outputs()
        assert refused(prepared, outputs=False).index == (1,)
        assert (prediction == P).all()


def test_outputs_of_few_plain_numbers_lie_apart():
    memory = np.zeros(8, "float32")
    for gradient, hessian in ((memory[:3], memory[2:5]), (memory[:3], memory[:3])):
        prepared = capi.Prepared("mse", capi.GRADIENT | capi.HESSIAN, P, T)
        prepared.gradients, prepared.hessians = [gradient], [hessian]
        prepared.set_outputs()
        assert refused(prepared, outputs=False).status == STATUS["OVERLAP"]
    prepared = capi.Prepared("mse", capi.GRADIENT, P, T)
    prepared.gradients = [T]
    prepared.set_outputs()
    assert str(refused(prepared, outputs=False)).startswith("gradients overlaps target")
    assert not memory.any()


# ---------------------------------------------------------------------------------------- refusals


def refused(prepared: capi.Prepared, outputs: bool = True) -> capi.Refusal:
    with pytest.raises(capi.Refusal) as raised:
        prepared.results() if outputs else prepared.compute()
    return raised.value


@pytest.mark.parametrize(
    ("status", "text", "loss", "inputs", "options"),
    [
        ("UNKNOWN_NAME", "margin is no option of huber, which takes delta", "huber", (P, T), {"margin": 1.0}),
        ("UNKNOWN_NAME", "variant must be one of weston_watkins, crammer_singer, got x", "multiclass_hinge", (LOGITS, LABELS), {"variant": "x"}),
        ("PARAMETER", "delta must be a positive finite number, got -1.0", "huber", (P, T), {"delta": -1.0}),
        ("PARAMETER", "denominator must be a positive finite number, got 0.0", "mse", (P, T), {"denominator": 0.0}),
        ("PARAMETER", "threads must be a number from 1 to 4096, or 0, got 5000", "mse", (P, T), {"threads": 5000}),
        ("SHAPE", "prediction and target must have the same shape, got (3,) and (2,)", "mse", (P, T[:2]), {}),
        ("LABEL_SHAPE", "target must hold a label per example, of shape (2,)", "cross_entropy", (LOGITS, LABELS[:1]), {}),
        ("NOT_LABELS", "target must hold integer labels, got dtype float64", "multiclass_hinge", (LOGITS, LOGITS), {}),
        ("NOT_PROBABILITIES", "target must hold probabilities of the prediction's shape (2, 3)", "kl_divergence", (LOGITS, LABELS), {}),
        ("TARGET_TYPE", "prediction and target must have dtypes that NumPy promotes", "mse", (P.astype("f2"), T.astype(ml_dtypes.bfloat16)), {}),
        ("AXIS", "axis must be in [-2, 2) for a prediction of shape (2, 3), got 2", "cross_entropy", (LOGITS, LABELS), {"axis": 2}),
        ("ELEMENT", "target must hold labels in [0, 3) or ignore_index=-100, got 3 at index 1", "cross_entropy", (LOGITS, [0, 3]), {}),
        ("SIGNS", "target must be -1 or +1 (or bool), got 1.5 at index 1", "hinge", (P, T), {}),
        ("LOGITS", "prediction must be in [0, 1], got 2.0 at index 1", "binary_cross_entropy", (P, T / 2), {"from_logits": False}),
        ("INEXACT", "prediction must hold integers that float64 holds exactly, got 9007199254740993 at index 0", "mse", ([2**53 + 1], [0]), {}),
        ("ORDER", "prediction comes first, then the target, got classes (int64) and then scores (float32)", "binary_cross_entropy", ([0, 1, 0], T), {}),
        ("WEIGHT_SHAPE", "weight must be a number or have the shape of the examples, (3,)", "mse", (P, T), {"weight": [1.0, 2.0]}),
        ("WEIGHT_SUM", "weight must have a sum above 0, which the mean is divided by, got -1.0", "mse", (P, T), {"weight": [1.0, -3.0, 1.0], "allow_negative_weight": True}),
        ("REDUCTION", "denominator divides a mean: it must be left out with reduction='sum'", "mse", (P, T), {"reduction": "sum", "denominator": "count"}),
        ("REDUCTION", "weight is for losses with a target: l1_penalty is always a sum", "l1_penalty", (P,), {"weight": P}),
        ("REDUCTION", "reduction is for losses with a target: l2_penalty is always a sum", "l2_penalty", (P,), {"reduction": "none"}),
        ("COUNT_OF_ARRAYS", "inputs must be the 2 arrays that mse takes, got 1", "mse", (P,), {}),
    ],
)  # fmt: skip
def test_faults(status, text, loss, inputs, options):
    for want in (capi.VALUE, capi.VALUE | capi.GRADIENT):
        fault = refused(capi.Prepared(loss, want, *inputs, **options))
        assert str(fault).startswith(text)
        assert fault.status == STATUS[status]
        index = re.search(r"at index (\d+)$", str(fault))
        assert fault.index == (() if index is None else (int(index[1]),))


@pytest.mark.parametrize(
    ("status", "text", "make"),
    [
        ("OUTPUT", "gradients must have shape (3,), got (2,)", lambda _: np.zeros(2, "f4")),
        ("OUTPUT", "gradients must be writeable", lambda _: np.broadcast_to(np.float32(0), 3)),
        ("OUTPUT", "gradients must have memory for every element", lambda _: np.lib.stride_tricks.as_strided(np.zeros(3, "f4"), (3,), (0,))),
        ("OUTPUT_TYPE", "gradients must have dtype float32, got float64", lambda _: np.zeros(3)),
        ("OUTPUT_TYPE", "gradients must have dtype float32, got float32 of the other byte", lambda _: np.zeros(3, ">f4")),
        ("OVERLAP", "gradients overlaps prediction: it must be the same array", lambda p: p[::-1]),
    ],
)  # fmt: skip
def test_outputs_that_are_refused(status, text, make):
    prediction = P.copy()
    prepared = capi.Prepared("mse", capi.GRADIENT, prediction, T)
    prepared.gradients = [make(prediction)]
    prepared.set_outputs()
    fault = refused(prepared, outputs=False)
    assert (fault.status, str(fault)[: len(text)]) == (STATUS[status], text)
    assert (prediction == P).all()


def test_nothing_is_written_by_a_call_that_is_refused():
    prepared = capi.Prepared("cross_entropy", capi.GRADIENT, LOGITS, [0, 3])
    prepared.make_outputs()
    prepared.gradients[0][...] = 7
    assert refused(prepared, outputs=False).index == (1,)
    assert (prepared.gradients[0] == 7).all()


def test_outputs_may_be_spoilt_where_the_caller_says_so():
    """The bits are the same, and what is bad is found all the same, also in place."""
    bad = np.array([0.5, 2.0, 0.5], "float32")
    for target in (T / 2, bad):
        for in_place in (False, True):
            prediction = P.copy()
            prepared = capi.Prepared(
                "binary_cross_entropy", capi.GRADIENT, prediction, target, flags=1
            )
            prepared.make_outputs()
            if in_place:
                prepared.gradients = [prediction]
                prepared.set_outputs()
            if target is bad:
                assert refused(prepared, outputs=False).index == (1,)
                assert not in_place or (prediction == P).all()
            else:
                prepared.compute()
                assert_same(prepared.gradients, [numloss.binary_cross_entropy.grad(P, target)])


BIG = 1 << 62
ARRAYS = {
    "negative length": ({"ndim": 1}, [-1], None, "lengths of at least 0"),
    "too many axes": ({"ndim": 65}, [1] * 65, None, "from 0 to 64 axes"),
    "negative axes": ({"ndim": -1}, [1], None, "from 0 to 64 axes"),
    "too many elements": ({"ndim": 2}, [BIG, BIG], None, "elements that can be counted"),
    "more bytes than there are": ({"ndim": 1}, [BIG - 1], None, "elements that can be counted"),
    "repeated elements": ({"ndim": 2}, [BIG, BIG], [0, 0], "elements that can be counted"),
    "beyond memory": ({"ndim": 1}, [3], [BIG], "strides that stay within memory"),
    "before memory": ({"ndim": 1}, [3], [-BIG // 4], "strides that stay within memory"),
    "least stride": ({"ndim": 1}, [1], [-(1 << 63)], "strides that stay within memory"),
    "no memory": ({"data": None}, [3], None, "memory for its elements"),
    "no shape": ({"shape": None}, [3], None, "a shape"),
    "no type": ({"dtype": 0}, [3], None, "a dtype that the header names, got 0"),
    "unknown type": ({"dtype": 14}, [3], None, "a dtype that the header names, got 14"),
    "unknown flag": ({"flags": 8}, [3], None, "flags that the header names, got 8"),
    "reserved": ({"reserved": 1}, [3], None, "flags that the header names"),
}  # fmt: skip


@pytest.mark.parametrize("place", ["input", "weight", "option", "output"])
@pytest.mark.parametrize("flaw", ARRAYS)
def test_what_no_array_can_be(flaw, place):
    members, shape, strides, text = ARRAYS[flaw]
    bad = capi.view(P.copy())
    bad.lengths = (ctypes.c_int64 * len(shape))(*shape)
    bad.shape = bad.lengths
    if strides is not None:
        bad.steps = (ctypes.c_int64 * len(strides))(*strides)
        bad.strides = bad.steps
    else:
        bad.strides = None
    for name, value in members.items():
        setattr(bad, name, value)
    is_option = place == "option"
    inputs = (LOGITS, LABELS) if is_option else (P, T)
    options = {"class_weight": P} if is_option else {}
    prepared = capi.Prepared(
        "cross_entropy" if is_option else "mse", capi.GRADIENT, *inputs, **options
    )
    prepared.make_outputs()
    if place == "input":
        prepared.call.inputs[1] = bad
    elif place == "weight":
        prepared.call.weight = ctypes.pointer(bad)
    elif place == "option":
        prepared.call.options[0].array = ctypes.pointer(bad)
    else:
        prepared.call.gradients[0] = bad
    fault = refused(prepared, outputs=False)
    assert fault.status == STATUS["ARRAY"]
    assert text in str(fault)


@pytest.mark.parametrize(
    ("status", "members"),
    [
        ("PARAMETER", {"want": 0}),
        ("PARAMETER", {"want": 4}),
        ("PARAMETER", {"want": 7}),
        ("PARAMETER", {"want": 1 << 31}),
        ("PARAMETER", {"reduction": 3}),
        ("PARAMETER", {"reduction": -1}),
        ("PARAMETER", {"denominator": 3}),
        ("PARAMETER", {"dtype": 5}),
        ("PARAMETER", {"threads": -1}),
        ("PARAMETER", {"flags": 4}),
        ("COUNT_OF_ARRAYS", {"inputs": None}),
        ("COUNT_OF_ARRAYS", {"input_count": 3}),
        ("COUNT_OF_ARRAYS", {"input_count": -1}),
        ("COUNT_OF_ARRAYS", {"gradients": None}),
        ("COUNT_OF_ARRAYS", {"gradient_count": 2}),
        ("COUNT_OF_ARRAYS", {"hessian_count": 1}),
        ("COUNT_OF_ARRAYS", {"extra_count": 1}),
        ("STRUCT", {"reserved": 1}),
        ("COUNT_OF_ARRAYS", {"want": 1}),
        ("STRUCT", {"options": None}),
        ("STRUCT", {"option_count": -1}),
        ("STRUCT", {"size": 0}),
        ("STRUCT", {"size": 16}),
        ("STRUCT", {"size": 1 << 60}),
    ],
)  # fmt: skip
def test_members_that_are_refused(status, members):
    prepared = capi.Prepared("huber", capi.GRADIENT, P, T, delta=1.0)
    prepared.make_outputs()
    for name, value in members.items():
        setattr(prepared.call, name, value)
    assert refused(prepared, outputs=False).status == STATUS[status]


@pytest.mark.parametrize(
    ("status", "members"),
    [
        ("UNKNOWN_NAME", {"name": None}),
        ("UNKNOWN_NAME", {"name": b""}),
        ("UNKNOWN_NAME", {"name": b"x" * 10_000}),
        ("PARAMETER", {"kind": 0}),
        ("PARAMETER", {"kind": 4}),
        ("PARAMETER", {"kind": 16}),
        ("PARAMETER", {"kind": 32}),
        ("PARAMETER", {"kind": 3}),
        ("PARAMETER", {"number": float("nan")}),
        ("PARAMETER", {"number": float("inf")}),
        ("STRUCT", {"reserved": 1}),
    ],
)
def test_options_that_are_refused(status, members):
    prepared = capi.Prepared("huber", capi.VALUE, P, T, delta=1.0)
    for name, value in members.items():
        setattr(prepared.call.options[0], name, value)
    assert refused(prepared).status == STATUS[status]


@pytest.mark.parametrize("members", [{"extras": None}, {"extra_count": 1}, {"extra_count": 3}])
def test_extra_outputs_are_as_many_as_options_ask_for(members):
    prepared = capi.Prepared(
        "cross_entropy", capi.GRADIENT, LOGITS, LABELS, return_logsumexp=True, return_predicted=True
    )
    prepared.make_outputs()
    for name, value in members.items():
        setattr(prepared.call, name, value)
    fault = refused(prepared, outputs=False)
    assert (fault.status, fault.argument) == (STATUS["COUNT_OF_ARRAYS"], "extras")


def test_an_option_is_given_once():
    prepared = capi.Prepared("focal", capi.VALUE, P, T / 2, gamma=1.0, alpha=0.5)
    prepared.call.options[1] = prepared.call.options[0]
    assert str(refused(prepared)) == "gamma must be given once"


def test_null_pointers():
    library, prepared = capi.library(), capi.Prepared("mse", capi.VALUE, P, T)
    result = capi.Result()
    name = b"mse"
    assert library.numloss_compute(None, byref(prepared.call), byref(result), None) == 1
    assert library.numloss_compute(b"x", byref(prepared.call), byref(result), None) == 1
    assert library.numloss_compute(name, None, byref(result), None) == STATUS["STRUCT"]
    assert library.numloss_compute(name, byref(prepared.call), None, None) == STATUS["STRUCT"]
    assert library.numloss_compute(name, byref(prepared.call), byref(result), None) == 0
    assert library.numloss_check(0, byref(prepared.call), None, None) == STATUS["STRUCT"]
    assert library.numloss_find(None) == -1
    assert library.numloss_loss(0, None) == STATUS["STRUCT"]
    for index in (-1, 10_000):
        assert library.numloss_loss_name(index) is None
        assert library.numloss_loss(index, byref(capi.LossInfo())) == STATUS["UNKNOWN_NAME"]
        status = library.numloss_compute_index(index, byref(prepared.call), byref(result), None)
        assert status == STATUS["UNKNOWN_NAME"]
    assert library.numloss_set_num_threads(0, None) == STATUS["PARAMETER"]


def test_a_batch_computes_all_its_calls(library):
    """One that fails has its status, and stops none that follow."""
    asked = [("mse", (P, T)), ("mse", (P, T[:2])), ("huber", (P, T)), ("hinge", (P, T))]
    calls = [capi.Prepared(name, capi.VALUE, *inputs) for name, inputs in asked]
    results = [capi.Result() for _ in calls]
    items = (capi.Item * len(calls))(*[
        capi.Item(ctypes.addressof(made.call), ctypes.addressof(result), library.numloss_find(name.encode()))
        for (name, _), made, result in zip(asked, calls, results, strict=True)
    ])  # fmt: skip
    fault = capi.Fault()
    assert library.numloss_compute_batch(items, len(items), byref(fault)) == STATUS["SHAPE"]
    expected = [0, STATUS["SHAPE"], 0, STATUS["SIGNS"]]
    assert [item.status for item in items] == expected
    assert fault.text.decode().startswith("prediction and target must have the same shape")
    assert [results[i].value for i in (0, 2)] == [numloss.mse(P, T), numloss.huber(P, T)]
    assert library.numloss_compute_batch(None, 0, None) == 0
    assert library.numloss_compute_batch(None, 1, byref(fault)) == STATUS["STRUCT"]
    assert library.numloss_compute_batch(items, -1, None) == STATUS["STRUCT"]


# ------------------------------------------------------------------------------ versions of structs


def test_structs_of_an_older_caller():
    """They are smaller: what they do not have is the default, and nothing behind them is written."""
    prepared = capi.Prepared("mse", capi.VALUE, P, T, weight=P)
    older = capi.Call.options.offset
    prepared.call.size = older
    result, fault = capi.Result(size=capi.Result.weight.offset, weight=-7.0), capi.Fault()
    status = capi.library().numloss_compute(
        b"mse", byref(prepared.call), byref(result), byref(fault)
    )
    assert (status, result.value, result.weight) == (0, numloss.mse(P, T), -7.0)
    fault.size = capi.Fault.needed.offset
    fault.needed = b"left alone"
    prepared.call.size = older - 1
    status = capi.library().numloss_compute(
        b"mse", byref(prepared.call), byref(result), byref(fault)
    )
    assert status == fault.status == STATUS["STRUCT"]
    assert (fault.argument, fault.needed) == (b"call", b"left alone")


def test_structs_of_a_newer_caller():
    """They are larger: what this library does not know must be 0."""

    class Newer(ctypes.Structure):
        _fields_ = [("call", capi.Call), ("member", ctypes.c_int64)]

    prepared = capi.Prepared("mse", capi.VALUE, P, T)
    newer = Newer(prepared.call, 0)
    newer.call.size = ctypes.sizeof(newer)
    prepared.call = newer.call
    assert prepared.compute().value == numloss.mse(P, T)
    newer.member = 1 << 40
    fault = refused(prepared)
    assert str(fault).startswith("call has members that this version of the library, ")
    assert fault.status == STATUS["STRUCT"]


# ------------------------------------------------------------------------------------------- lists


def test_the_lists_are_those_of_python():
    library = capi.library()
    names = [library.numloss_loss_name(i).decode() for i in range(library.numloss_loss_count())]
    assert names == list(_core.losses())
    for index, name in enumerate(names):
        assert library.numloss_find(name.encode()) == index
        info = capi.LossInfo()
        assert library.numloss_loss(index, byref(info)) == 0
        inputs, parameters = _core.losses()[name]
        seen = []
        for i in range(info.input_count):
            one = capi.InputInfo()
            assert library.numloss_input(index, i, byref(one)) == 0
            seen.append(one.name.decode())
        assert seen == inputs
        assert library.numloss_input(index, info.input_count, byref(one)) == STATUS["UNKNOWN_NAME"]
        assert {x.name.decode(): default_of(x) for x in parameters_of(index, info)} == parameters


def parameters_of(index: int, info: capi.LossInfo) -> list[capi.ParameterInfo]:
    infos = [capi.ParameterInfo() for _ in range(info.parameter_count)]
    for i, one in enumerate(infos):
        assert capi.library().numloss_parameter(index, i, byref(one)) == 0
        assert one.kinds & one.default_kind
    return infos


def default_of(info: capi.ParameterInfo) -> object:
    match info.default_kind:
        case capi.NUMBER:
            return info.number
        case capi.SWITCH:
            return bool(info.integer)
        case capi.INTEGER:
            return info.integer
        case capi.CHOICE:
            return info.choices[info.default_place].decode()
    assert info.default_kind == capi.NOTHING
    return None


def test_version_and_instruction_set():
    library = capi.library()
    assert library.numloss_version().decode() == _core.version
    assert library.numloss_isa().decode() in _core.config()["isas"]


def test_structs_are_those_of_the_header():
    text = capi.HEADER.read_text()
    for name, struct in {
        "array": capi.Array, "option": capi.Option, "call": capi.Call, "result": capi.Result,
        "fault": capi.Fault, "outline": capi.Outline, "loss_info": capi.LossInfo,
        "input_info": capi.InputInfo, "parameter_info": capi.ParameterInfo, "item": capi.Item,
    }.items():  # fmt: skip
        body = re.search(rf"typedef struct numloss_{name} {{(.*?)}} ", text, re.DOTALL)[1]
        members = re.findall(r"(\w+)(?:\[\d+\])?;", re.sub("//.*", "", body))
        assert members == [member for member, _ in struct._fields_], name


# ------------------------------------------------------------------------------------ C programs


@pytest.fixture(scope="module", params=LANGUAGES)
def compile_program(request, tmp_path_factory):
    """Compile a C program in both languages, with every warning an error."""
    compiler, standard = LANGUAGES[request.param]
    folder = tmp_path_factory.mktemp(request.param)

    def compile_text(name: str, text: str) -> Path:
        source, program = folder / f"{name}.{request.param}", folder / name
        source.write_text(text)
        subprocess.run(
            [compiler, standard, *FLAGS, "-I", capi.HEADER.parent, source, "-o", program,
             LIBRARY, f"-Wl,-rpath,{LIBRARY.parent}", "-pthread", "-ldl"],
            check=True,
        )  # fmt: skip
        return program

    return compile_text


@pytest.mark.plain_build
def test_the_example_of_the_header(compile_program):
    text = capi.HEADER.read_text()
    start = text.index("//   #include <numloss.h>")
    end = text.index("//   }\n//\n", start)
    lines = text[start:end].splitlines()
    program = compile_program("example", "\n".join(x[5:] for x in lines) + "\n}\n")
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    assert done.stdout == "2.04167: 0 0.166667 0.666667\n"
    assert done.stdout.strip() in text


@pytest.fixture(scope="module")
def compile_cpp(tmp_path_factory):
    """Compile a program that includes numloss.hpp, with every warning an error."""

    def compile_text(text: str) -> str:
        """Return what the program prints."""
        folder = tmp_path_factory.mktemp("wrapper")
        (folder / "program.cpp").write_text(text)
        subprocess.run(
            ["g++", "-std=c++20", *FLAGS, "-I", numloss.get_include(), folder / "program.cpp",
             "-o", folder / "program", LIBRARY, f"-Wl,-rpath,{LIBRARY.parent}"],
            check=True,
        )  # fmt: skip
        return subprocess.run(
            [folder / "program"], capture_output=True, text=True, check=True
        ).stdout

    return compile_text


@pytest.mark.plain_build
def test_the_example_of_the_wrapper(compile_cpp):
    text = (capi.HEADER.parent / "numloss.hpp").read_text()
    lines = re.search(r"//   #include.*?//   \}\n", text, re.DOTALL)[0].splitlines()
    printed = compile_cpp("\n".join(x[5:] for x in lines))
    assert printed == "2.04167: 0 0.166667 0.666667\n"
    assert printed.strip() in text


@pytest.mark.plain_build
def test_the_wrapper_gives_what_python_gives(compile_cpp):
    lines = compile_cpp((TESTS / "native/wrapper.cpp").read_text()).splitlines()
    p, t, weight = np.array([1.0, 2, 4]), np.array([1, 1.5, 0]), np.array([1.0, 0, 2])
    logits, huber = np.float32([[2, 0.5, -1], [0, 1, 3]]), numloss.huber
    nll, mean, variance = flat(
        numloss.gaussian_nll.value_and_grad(p, t, np.array([1.0, 2, 3]), full=True)
    )
    classes = numloss.cross_entropy.value_and_grad(
        logits, LABELS, class_weight=[1, 2, 0.5], return_logsumexp=True, return_predicted=True
    )
    gradient, hessian = huber.grad_and_hess(p, t, delta=2.0)
    expected = {
        "value": huber(p, t, delta=2.0),
        "sum": huber(p, t, delta=2.0, reduction="sum"),
        "weight": huber(p, t, delta=2.0, weight=weight),
        "count": huber(p, t, delta=2.0, weight=weight, denominator="count"),
        "number": huber(p, t, delta=2.0, weight=weight, denominator=8.0),
        "weighted": huber(p, t, delta=2.0, weight=weight),
        "parts": [huber(p, t, delta=2.0, weight=weight), weight.sum(), 3, 0],
        "nothing": np.nan, "empty": [0, 1],
        "wide": numloss.cross_entropy.grad(logits, LABELS, dtype="float64"),
        "values": huber(p, t, delta=2.0, reduction="none"),
        "gradient": gradient, "hessian": hessian,
        "nll": nll, "mean": mean, "variance": variance,
        "l1": numloss.l1_penalty(p),
        "classes": classes[0], "gradient ": classes[1],
        "logsumexp": classes[2], "predicted": classes[3],
        "choice": numloss.multiclass_hinge(logits, LABELS, variant="crammer_singer"),
        "nothing ": numloss.focal(mean, [0, 1, 1], alpha=None),
    }  # fmt: skip
    numbers = [line.split() for line in lines[: len(expected)]]
    assert [line[0] for line in numbers] == [name.strip() for name in expected]
    for (name, *found), value in zip(numbers, expected.values(), strict=True):
        assert np.array_equal([float(x) for x in found], np.ravel(value), equal_nan=True), name
    assert [line.split(":")[0] for line in lines[len(expected) :]] == [
        "invalid_argument", f"Error {STATUS['SHAPE']} prediction 0",
        f"Error {STATUS['ELEMENT']} target 1", f"Error {STATUS['OUTPUT']} gradients 0",
        f"Error {STATUS['PARAMETER']} delta 0", f"Error {STATUS['PARAMETER']} denominator 0",
        "invalid_argument",
    ]  # fmt: skip


def flat(results):
    """Return a value and its gradients, be they one or a pair."""
    value, gradients = results
    return value, *gradients


@pytest.fixture(scope="module")
def client(compile_program):
    return compile_program("client", (TESTS / "native/client.c").read_text())


@pytest.mark.plain_build
@pytest.mark.parametrize("what", ["threads", "fork"])
def test_many_threads_and_forks(client, what):
    subprocess.run([client, what], check=True, timeout=120)


@pytest.mark.plain_build
def test_no_memory_is_a_status(client, tmp_path):
    shim = tmp_path / "failing_malloc.so"
    source = TESTS / "failing_malloc.c"
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", source, "-o", shim], check=True)
    environment = {**os.environ, "LD_PRELOAD": str(shim)}
    subprocess.run([client, "memory"], check=True, env=environment, timeout=120)


@pytest.mark.plain_build
@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("NUMLOSS_ISA", "x", "environment: NUMLOSS_ISA must be one of baseline"),
        ("NUMLOSS_NUM_THREADS", "0", "environment: NUMLOSS_NUM_THREADS must be a whole number"),
    ],
)
def test_a_wrong_environment_is_a_status(client, variable, value, text):
    """Until it is right: the next call then looks again."""
    done = subprocess.run(
        [client, "environment", variable, value], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(text)


# -------------------------------------------------------------------------------------- the library


@pytest.fixture(scope="module")
def elf():
    with LIBRARY.open("rb") as file:
        yield ELFFile(file)


@pytest.fixture(scope="module")
def tags(elf):
    dynamic = next(x for x in elf.iter_segments() if isinstance(x, DynamicSegment))
    return list(dynamic.iter_tags())


def test_the_functions_of_the_header_leave_the_library_and_nothing_else(elf):
    declared = set(re.findall(r"^[\w* ]+?\b(numloss_\w+)\(", capi.HEADER.read_text(), re.MULTILINE))
    symbols = elf.get_section_by_name(".dynsym").iter_symbols()
    names = {x.name for x in symbols if x.name and x["st_shndx"] != "SHN_UNDEF"}
    record = (capi.ROOT / "csrc/capi/exports.map.in").read_text()
    assert {x for x in names if x.startswith("numloss_")} == declared
    assert declared == set(re.findall(r"^    (numloss_\w+);", record, re.MULTILINE))
    others = {x for x in names - declared if not x.startswith("NUMLOSS_")}
    assert [x for x in others if not x.startswith("_ZN") or "7numloss" not in x] == []


@pytest.mark.plain_build
def test_it_stays_loaded_and_needs_no_python(tags):
    flags = next(x.entry.d_val for x in tags if x.entry.d_tag == "DT_FLAGS_1")
    assert flags & ENUM_DT_FLAGS_1["DF_1_NODELETE"]
    needed = [x.needed for x in tags if x.entry.d_tag == "DT_NEEDED"]
    assert not [x for x in needed if "python" in x]
    assert (
        [x.soname for x in tags if x.entry.d_tag == "DT_SONAME"]
        == [LIBRARY.name]
        == [f"libnumloss.so.{capi.library().numloss_abi() // 1000}"]
    )
