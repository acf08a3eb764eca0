"""Connectionist temporal classification: against all paths, and against the recursion of Graves."""

from __future__ import annotations

from itertools import groupby, product

import capi
import mpmath
import numpy as np
import pytest
from cases import assert_same
from recording import call

import numloss

rng = np.random.default_rng(0)
DTYPES = ("float32", "float64")
#: Of numbers of each type, as shares of the largest of a gradient, or of a value.
CLOSE = {"float32": 1e-6, "float64": 3e-15}


def softmax(scores):
    """Return exact probabilities; of -inf they are 0."""
    rows = [[mpmath.exp(mpmath.mpf(float(x))) for x in row] for row in scores]
    return [[x / mpmath.fsum(row) for x in row] for row in rows]


def all_paths(p, labels, blank):
    """Return how probable the labels are, and each class at each step beside them, path by path."""
    steps, classes = len(p), len(p[0])
    total, at = mpmath.mpf(0), [[mpmath.mpf(0)] * classes for _ in range(steps)]
    for path in product(range(classes), repeat=steps):
        if [k for k, _ in groupby(path) if k != blank] == list(labels):
            chance = mpmath.fprod(p[t][k] for t, k in enumerate(path))
            total += chance
            for t, k in enumerate(path):
                at[t][k] += chance
    return total, at


def forward_backward(p, labels, blank):
    """Return the same by the recursions of Graves et al. 2006, eq. 5 to 15."""
    steps, classes = len(p), len(p[0])
    states = [blank]
    for k in labels:
        states += [k, blank]

    def forward(p, states):
        alpha = [[mpmath.mpf(0)] * len(states) for _ in p]
        for t, row in enumerate(p):
            for s, k in enumerate(states):
                if t == 0:
                    came = mpmath.mpf(s < 2)
                else:
                    before = alpha[t - 1]
                    came = before[s] + (before[s - 1] if s > 0 else 0)
                    if s > 1 and k != blank and k != states[s - 2]:
                        came += before[s - 2]
                alpha[t][s] = row[k] * came
        return alpha

    if steps == 0:
        return mpmath.mpf(len(labels) == 0), []
    alpha = forward(p, states)
    beta = [row[::-1] for row in forward(p[::-1], states[::-1])[::-1]]
    total = mpmath.fsum(alpha[-1][-2:])
    at = [[mpmath.mpf(0)] * classes for _ in range(steps)]
    for t in range(steps):
        for s, k in enumerate(states):
            if p[t][k] != 0:
                at[t][k] += alpha[t][s] * beta[t][s] / p[t][k]
    return total, at


def defined(scores, labels, blank=0, ways=forward_backward):
    """Return value and gradient."""
    with mpmath.workdps(40):
        p = softmax(scores)
        total, at = ways(p, labels, blank)
        value = float("inf") if total == 0 else float(-mpmath.log(total))
        if total == 0:
            return value, np.full(np.shape(scores), np.nan)
        gradient = [
            [float(x - y / total) for x, y in zip(*rows, strict=True)]
            for rows in zip(p, at, strict=True)
        ]
        return value, np.array(gradient).reshape(np.shape(scores))


def assert_close(found, expected, close):
    for one, other in zip(found, expected, strict=True):
        size = np.max(np.abs(other), initial=0)
        np.testing.assert_allclose(one, other, rtol=0, atol=close * max(size, 1e-30))


TINY = [
    (4, [1, 2], 0), (4, [1, 1], 0), (3, [2], 0), (3, [], 0), (4, [0, 1, 0], 2), (1, [1], 0),
    (3, [1, 2, 1], 0), (4, [2, 2], 1), (2, [1, 2], 0),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "labels", "blank"), TINY)
def test_all_paths_that_spell_the_labels(steps, labels, blank):
    scores = rng.normal(size=(steps, 3)) * 2
    expected = defined(scores, labels, blank, all_paths)
    assert_close(defined(scores, labels, blank), expected, 1e-15)  # one definition by the other
    found = numloss.ctc.value_and_grad(scores, np.array(labels, int), blank=blank)
    assert_close(found, expected, CLOSE["float64"])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("steps", "labels", "classes"),
    [(20, 6, 5), (33, 16, 4), (15, 7, 30), (60, 1, 2), (12, 8, 300), (4, 2, 700)],
)
def test_longer_sequences(steps, labels, classes, dtype):
    scores = (rng.normal(size=(steps, classes)) * 3).astype(dtype)
    target = rng.integers(1, classes, labels)
    if classes > 2:  # equal neighbours need a blank between them
        target[1:3] = target[0]
    found = numloss.ctc.value_and_grad(scores, target)
    assert found[1].dtype == dtype
    assert_close(found, defined(scores, target), CLOSE[dtype])
    assert numloss.ctc(scores, target) == found[0]
    np.testing.assert_allclose(found[1].sum(axis=1), 0, atol=1e-6 if dtype == "float32" else 1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [40.0, 1e4])
def test_scores_of_any_size(dtype, size):
    """Paths of which each alone is too improbable for a float, and so are their sums.

    What a path is less probable than another has the digits of a logarithm.
    """
    close = max(CLOSE[dtype], 2e-16 * size)
    scores = (rng.choice([-1.0, 0.0, 1.0], size=(15, 4)) * size).astype(dtype)
    for target in ([1, 2, 3, 1], [3, 3], []):
        expected = defined(scores, target)
        assert_close(numloss.ctc.value_and_grad(scores, target), expected, close)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sure_prediction_keeps_its_digits(dtype):
    scores = np.zeros((5, 3), dtype)
    scores[range(5), [0, 1, 0, 2, 2]] = 30
    value, _ = defined(scores, [1, 2])
    assert value < 1e-11
    assert numloss.ctc(scores, [1, 2]) == pytest.approx(value, rel=2e-6)
    scores[range(5), [0, 1, 0, 2, 2]] = 2000
    value, gradient = numloss.ctc.value_and_grad(scores, [1, 2])
    assert value == 0
    assert not np.signbit(value)
    assert not gradient.any()
    assert not np.signbit(gradient).any()


def test_classes_that_cannot_happen():
    scores = rng.normal(size=(6, 4))
    scores[1, 2] = scores[2, 0] = scores[4, 3] = -np.inf
    for target in ([1, 2], [3, 3, 1]):
        assert_close(numloss.ctc.value_and_grad(scores, target), defined(scores, target), 3e-15)
    assert numloss.ctc.grad(scores, [1, 2])[1, 2] == 0
    scores[:, 2] = -np.inf
    value, gradient = numloss.ctc.value_and_grad(scores, [1, 2])
    assert value == np.inf
    assert np.isnan(gradient).all()
    value, gradient = numloss.ctc.value_and_grad(scores, [1, 2], zero_infinity=True)
    assert value == 0
    assert not gradient.any()


# -------------------------------------------------------------------------------------- the batch

SCORES = rng.normal(size=(5, 9, 4)) * 2
TARGET = np.array([[1, 2, 3], [1, 1, -100], [3, -100, 2], [-100, 7, 7], [2, 3, 2]])
INPUT_LENGTHS, TARGET_LENGTHS = np.array([9, 4, 3, 2, 5]), np.array([3, 2, 1, 0, 3])
EACH = [
    numloss.ctc.value_and_grad(SCORES[i, :n], TARGET[i, :m])
    for i, (n, m) in enumerate(zip(INPUT_LENGTHS, TARGET_LENGTHS, strict=True))
]


@pytest.mark.parametrize("target_lengths", [None, TARGET_LENGTHS])
def test_a_batch_is_its_sequences(target_lengths):
    given = {"input_lengths": INPUT_LENGTHS, "target_lengths": target_lengths}
    values, gradient = numloss.ctc.value_and_grad(SCORES, TARGET, reduction="none", **given)
    assert values.tolist() == [value for value, _ in EACH]
    for i, n in enumerate(INPUT_LENGTHS):
        assert_same([gradient[i, :n]], [EACH[i][1]])
        assert not gradient[i, n:].any()
    mean, of_mean = numloss.ctc.value_and_grad(SCORES, TARGET, **given)
    assert mean == pytest.approx(values.mean(), rel=1e-15)
    np.testing.assert_allclose(of_mean, gradient / 5, rtol=1e-15)


def test_what_is_behind_the_lengths_is_not_read():
    scores = SCORES.copy()
    for i, n in enumerate(INPUT_LENGTHS):
        scores[i, n:] = np.nan
    found = numloss.ctc.grad(scores, TARGET, input_lengths=INPUT_LENGTHS)
    assert np.isfinite(found).all()


def test_a_length_for_all_and_blanks_that_pad():
    two = numloss.ctc(SCORES, [[1, 2, 7]] * 5, target_lengths=2, input_lengths=8)
    assert two == numloss.ctc(SCORES[:, :8], [[1, 2]] * 5)
    assert two == numloss.ctc(SCORES[:, :8], [[1.0, 2.0, 0.0]] * 5, ignore_index=0)


def test_weights_and_denominators():
    weight = np.array([0.5, 0.0, 2.0, 1.0, 3.0])
    target = TARGET.copy()
    target[1] = 99  # which is not there
    given = {"input_lengths": INPUT_LENGTHS, "weight": weight}
    values, gradient = numloss.ctc.value_and_grad(SCORES, target, reduction="none", **given)
    assert values.tolist() == [w * v for w, (v, _) in zip(weight, EACH, strict=True)]
    assert not gradient[1].any()
    mean, of_mean = numloss.ctc.value_and_grad(SCORES, target, **given)
    assert mean == pytest.approx(values.sum() / weight.sum(), rel=1e-15)
    np.testing.assert_allclose(of_mean, gradient / weight.sum(), rtol=1e-15)
    count = numloss.ctc(SCORES, target, denominator="count", **given)
    assert count == pytest.approx(values.sum() / 5, rel=1e-15)


@pytest.mark.parametrize("blank", [3, -1])
def test_blank_is_any_class(blank):
    moved = numloss.ctc(SCORES[..., [1, 2, 3, 0]], TARGET[:1].repeat(5, 0) - 1, blank=blank)
    assert moved == numloss.ctc(SCORES, TARGET[:1].repeat(5, 0))


# ------------------------------------------------------------------------- layouts, types, threads


def layouts(x):
    yield "steps first", np.ascontiguousarray(x.transpose(1, 0, 2)).transpose(1, 0, 2)
    yield "classes first", np.ascontiguousarray(x.transpose(2, 0, 1)).transpose(1, 2, 0)
    yield "backwards", np.ascontiguousarray(x[::-1, ::-1, ::-1])[::-1, ::-1, ::-1]
    yield "every other", np.repeat(x, 2, axis=2)[:, :, ::2]
    yield "bytes swapped", x.astype(x.dtype.newbyteorder())


@pytest.mark.parametrize("classes", [4, 700])
def test_no_layout_changes_a_bit(classes):
    scores = np.random.default_rng(1).normal(size=(5, 9, classes)).astype("float32")
    given = {"input_lengths": INPUT_LENGTHS, "reduction": "none"}
    expected = numloss.ctc.value_and_grad(scores, TARGET, **given)
    for name, laid in layouts(scores):
        target = np.asfortranarray(TARGET.astype("i2"))
        assert_same(numloss.ctc.value_and_grad(laid, target, **given), expected, name)
    place = scores.copy()
    found = numloss.ctc.value_and_grad(place, TARGET, out=(None, place), **given)
    assert found[1] is place
    assert_same(found, expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_short_floats_are_computed_in_float32_and_rounded(dtype):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    scores = SCORES.astype(kind)
    given = {"input_lengths": INPUT_LENGTHS, "reduction": "none"}
    expected = numloss.ctc.value_and_grad(scores.astype("float32"), TARGET, **given)
    found = numloss.ctc.value_and_grad(scores, TARGET, **given)
    assert_same(found, [x.astype(kind) for x in expected])
    place = scores.copy()
    assert_same([numloss.ctc.grad(place, TARGET, out=place, **given)], [found[1]])
    wide = numloss.ctc.value_and_grad(scores, TARGET, dtype="float64", **given)
    assert_same(wide, numloss.ctc.value_and_grad(scores.astype("float64"), TARGET, **given))


def test_no_thread_and_no_instruction_set_changes_a_bit():
    scores = np.random.default_rng(2).normal(size=(40, 50, 30)).astype("float32")
    target = np.random.default_rng(3).integers(1, 30, (40, 12))
    expected = None
    for threads in (1, 3):
        with numloss.threads(threads):
            found = numloss.ctc.value_and_grad(scores, target)
        expected = expected or found
        assert_same(found, expected)
    before = numloss._core.config()["isa"]
    try:
        for isa in numloss._core.config()["isas"]:
            numloss._core.select_isa(isa)
            assert_same(numloss.ctc.value_and_grad(scores, target), expected, isa)
    finally:
        numloss._core.select_isa(before)


# -------------------------------------------------------------------------------------- degenerate


def test_no_labels_and_no_steps():
    none = np.zeros((0,), int)
    blanks = numloss.cross_entropy(SCORES[0], np.zeros(9, int), reduction="sum")
    assert numloss.ctc(SCORES[0], none) == pytest.approx(blanks, rel=1e-15)
    assert numloss.ctc(SCORES[0, :0], none) == 0
    assert numloss.ctc(SCORES[0, :0], [1]) == np.inf
    assert numloss.ctc(SCORES[0, :0], [1], zero_infinity=True) == 0
    assert numloss.ctc.grad(SCORES[0, :0], [1]).shape == (0, 4)
    values = numloss.ctc(SCORES, TARGET, input_lengths=0, reduction="none")
    assert values.tolist() == [np.inf, np.inf, np.inf, 0, np.inf]
    assert numloss.ctc(np.zeros((3, 1)), none) == 0
    assert numloss.ctc(np.empty((0, 3, 4)), np.empty((0, 2), int), reduction="sum") == 0
    with pytest.warns(RuntimeWarning, match="mean of a loss over no examples"):
        assert np.isnan(numloss.ctc(np.empty((0, 3, 4)), np.empty((0, 2), int)))


def test_too_few_steps():
    """Two equal labels take three steps."""
    assert numloss.ctc(SCORES[0, :2], [1, 2]) < np.inf
    given = {"input_lengths": [3, 2, 1, 9, 9], "reduction": "none"}
    values, gradient = numloss.ctc.value_and_grad(SCORES, [[1, 1]] * 5, **given)
    assert np.isinf(values).tolist() == [False, True, True, False, False]
    assert np.isnan(gradient[1, :2]).all()
    assert not gradient[1, 2:].any()
    given["zero_infinity"] = True
    zeroed = numloss.ctc.value_and_grad(SCORES, [[1, 1]] * 5, **given)
    assert zeroed[0].tolist() == np.where(np.isinf(values), 0, values).tolist()
    assert not zeroed[1][1].any()
    assert_same([zeroed[1][3:]], [gradient[3:]])


def test_nan_stays_in_its_sequence():
    for bad in (np.nan, np.inf):
        scores = SCORES.copy()
        scores[1, 2, 3] = bad
        values, gradient = numloss.ctc.value_and_grad(scores, TARGET, reduction="none")
        assert np.isnan(values).tolist() == [False, True, False, False, False]
        assert np.isnan(gradient[1]).all()
        assert np.isfinite(gradient[[0, 2, 3, 4]]).all()
        assert np.isfinite(numloss.ctc(scores, TARGET, weight=[1, 0, 1, 1, 1]))
    scores[1, 2] = -np.inf  # no class at all
    assert np.isnan(numloss.ctc(scores, TARGET, zero_infinity=True))


LABELS = r"must hold labels in \[0, 4\) other than blank=0"
WHOLE = "must hold whole numbers in"
WRONG = [
    ({"target": [[1, 2], [1, 4]]}, rf"target {LABELS}.*got 4 at index \(1, 1\)"),
    ({"target": [[1, 2], [0, 2]]}, r", up to the first ignore_index, got 0 at index \(1, 0\)"),
    ({"target": [[1, -1], [1, 2]]}, r"got -1 at index \(0, 1\)"),
    ({"target": [[1, 2], [1, 1.5]]}, r"got 1\.5 at index \(1, 1\)"),
    ({"target_lengths": [2, 2]}, r"within target_lengths, got -100 at index \(1, 1\)"),
    ({"target": [1, 2]}, r"\(2, labels\) for .* shape \(2, 3, 4\), got shape \(2,\)"),
    ({"target": [[1, 2]]}, r"got shape \(1, 2\)"),
    ({"target": np.ones((2, 2), bool)}, "target must hold integer labels, got dtype bool"),
    ({"input_lengths": [1, 4]}, rf"input_lengths {WHOLE} \[0, 3\], .* got 4 at index 1"),
    ({"target_lengths": [3, 1]}, rf"target_lengths {WHOLE} \[0, 2\].* got 3 at index 0"),
    ({"target_lengths": [-1, 1]}, "got -1 at index 0"),
    ({"input_lengths": [1.5, 1]}, r"got 1\.5 at index 0"),
    ({"input_lengths": [1, 1, 1]}, r"of shape \(2,\), got shape \(3,\)"),
    ({"blank": 4}, r"blank must be a class, in \[-4, 4\), got 4"),
    ({"prediction": np.zeros(4)}, r"axes \(sequences, steps, classes\).*, got shape \(4,\)"),
    ({"prediction": np.zeros((2, 3, 0))}, "prediction must have at least one class"),
    ({"weight": [1, 2, 3]}, r"weight must be .* examples, \(2,\)"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_what_does_not_fit_is_refused(options, message):
    given = {"prediction": np.zeros((2, 3, 4)), "target": [[1, 2], [3, -100]]} | options
    for method in (numloss.ctc, numloss.ctc.grad):
        with pytest.raises(numloss.Error, match=message):
            method(**given)


def test_nothing_is_written_before_a_refusal():
    out = np.full((2, 3, 4), 7.0)
    with pytest.raises(numloss.Error, match=r"at index \(1, 0\)"):
        numloss.ctc.grad(np.zeros((2, 3, 4)), [[1, 2], [9, 2]], out=out)
    assert (out == 7).all()


def test_what_has_no_place_for_sequences_says_so():
    with pytest.raises(numloss.Error, match="ctc has a value and a gradient alone"):
        numloss.ctc.grad_and_hess(SCORES, TARGET)
    with pytest.raises(numloss.Error, match=r"sequences of rows: call numloss\.ctc"):
        numloss.best_constant("ctc", [1, 2])
    with pytest.raises(numloss.Error, match=r"sequences of rows: call numloss\.ctc"):
        numloss.Evaluation(numloss.ctc)


def test_jax_has_none():
    pytest.importorskip("jax")
    with pytest.raises(numloss.Error, match=r"no form for JAX: call numloss\.ctc"):
        numloss.jax.ctc(SCORES, TARGET)


# ------------------------------------------------------------------------------------ other doors


@pytest.mark.parametrize("dtype", DTYPES)
def test_c_gives_the_results_of_python(dtype):
    scores, given = SCORES.astype(dtype), {"input_lengths": INPUT_LENGTHS, "blank": 0}
    for options in ({}, {"zero_infinity": True, "target_lengths": np.minimum(1, TARGET_LENGTHS)}):
        for method in ("__call__", "grad", "value_and_grad"):
            some = capi.call(numloss.ctc, method, scores, TARGET, **given, **options)
            assert_same(some, call(numloss.ctc, method, scores, TARGET, **given, **options))
    with pytest.raises(capi.Refusal, match="has a value and a gradient alone"):
        capi.call(numloss.ctc, "grad_and_hess", scores, TARGET)


def batch(steps=30, sequences=8, classes=12, labels=7):
    scores = rng.normal(size=(sequences, steps, classes)).astype("float32")
    target = rng.integers(1, classes, (sequences, labels))
    target[:, 2] = target[:, 1]
    return (
        scores,
        target,
        rng.integers(2 * labels, steps + 1, sequences),
        rng.integers(0, labels + 1, sequences),
    )


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_torch_agrees(reduction):
    torch = pytest.importorskip("torch")
    scores, target, steps, labels = batch()
    steps[3] = 1  # too few
    labels[3] = 4
    leaf = torch.tensor(scores.transpose(1, 0, 2), requires_grad=True)
    theirs = torch.nn.functional.ctc_loss(
        leaf.log_softmax(-1), torch.tensor(target), torch.tensor(steps), torch.tensor(labels),
        reduction=reduction, zero_infinity=True,
    )  # fmt: skip
    theirs.backward()
    given = {"input_lengths": steps, "target_lengths": labels, "zero_infinity": True}
    options = {"reduction": "sum"}
    if reduction == "mean":
        options = {"weight": 1 / np.maximum(labels, 1), "denominator": "count"}
    value, gradient = numloss.ctc.value_and_grad(scores, target, **options, **given)
    assert value == pytest.approx(theirs.item(), rel=1e-5)
    np.testing.assert_allclose(gradient.transpose(1, 0, 2), leaf.grad.numpy(), atol=3e-5)


def test_torch_has_the_loss_with_its_gradient():
    torch = pytest.importorskip("torch")
    scores, target, steps, labels = batch()
    given = {"input_lengths": torch.tensor(steps), "target_lengths": torch.tensor(labels)}
    leaf = torch.tensor(scores.transpose(1, 0, 2), requires_grad=True)
    for reduction in ("mean", "none"):
        found = numloss.torch.ctc(
            leaf.transpose(0, 1), torch.tensor(target), reduction=reduction, **given
        )
        back = torch.arange(1.0, 9.0) if reduction == "none" else torch.tensor(2.0).double()
        (by_leaf,) = torch.autograd.grad(found, leaf, back)
        value, gradient = numloss.ctc.value_and_grad(
            scores, target, input_lengths=steps, target_lengths=labels, reduction=reduction
        )
        np.testing.assert_array_equal(found.detach().numpy(), value)
        expected = gradient * back.numpy().astype("f4").reshape(-1, 1, 1)
        np.testing.assert_allclose(by_leaf.transpose(0, 1), expected, rtol=1e-6)
    single = numloss.torch.ctc(torch.tensor(scores[0]), torch.tensor(target[0]))
    assert single.item() == numloss.ctc(scores[0], target[0])


def test_optax_agrees():
    optax = pytest.importorskip("optax")
    scores, target, steps, labels = batch()
    theirs = optax.ctc_loss(
        scores,
        (np.arange(30) >= steps[:, None]).astype("f4"),
        target,
        (np.arange(7) >= labels[:, None]).astype("f4"),
    )
    ours = numloss.ctc(scores, target, input_lengths=steps, target_lengths=labels, reduction="none")
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
