"""Losses that compare rows of numbers, or scores: what they compute, and how they are walked."""

# ruff: noqa: E501 (a row of refusals is a call and its message)

from __future__ import annotations

import capi
import ml_dtypes
import mpmath
import numpy as np
import pytest
from cases import COMPARING, assert_same, precise

import numloss
from numloss import _core

VARIANTS = [(name, options) for name, case in COMPARING.items() for options in case.parameters]
every_variant = pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)
every_loss = pytest.mark.parametrize("name", COMPARING)
A, B = [[3.0, 4.0], [1.0, 0.0]], [[4.0, 3.0], [0.0, 2.0]]
INF, NAN = np.inf, np.nan


def draw(name, shape=(12, 5), dtype="f8", seed=0):
    arrays = COMPARING[name].draw(np.random.default_rng(seed), shape)
    return [x.astype(dtype) for x in arrays]


def flat(results):
    """Return the arrays and numbers of results, in order."""
    if not isinstance(results, tuple):
        return [results]
    return [x for part in results for x in flat(part)]


def everything(loss, inputs, **call):
    """Return the values, gradients and Hessians of the examples, and the mean."""
    call = {"reduction": "none", **call}
    found = [loss(*inputs, **call), *flat(loss.grad_and_hess(*inputs, **call))]
    return [*found, loss(*inputs, **{**call, "reduction": "mean"})]


def heads(loss):
    return len(loss.heads)


# --------------------------------------------------------------------------------------- definition


def defined(name, inputs, options, rowwise):
    """Return values, gradients and Hessians of the definition, in mpmath's numbers."""
    loss, definition = getattr(numloss, name), COMPARING[name].definition
    exact = [precise(x, exact=True) for x in inputs]
    numbers = {k: precise(x, True) if type(x) is float else x for k, x in options.items()}
    center, h = definition(*exact, **numbers), mpmath.mpf(10) ** -40
    first, second = [], []
    for head in range(heads(loss)):
        columns = []
        units = np.eye(inputs[0].shape[-1], dtype=int) if rowwise else [1]
        for unit in units:
            sides = []
            for step in (h, -h):
                moved = list(exact)
                moved[head] = moved[head] + step * unit
                sides.append(definition(*moved, **numbers))
            ahead, behind = sides
            columns.append(((ahead - behind) / (2 * h), (ahead - 2 * center + behind) / h**2))
        by, of = zip(*columns, strict=True)
        first.append(np.stack(by, axis=-1) if rowwise else by[0])
        second.append(np.stack(of, axis=-1) if rowwise else of[0])
    return [center, *first, *second]


def terms(name, inputs, options):
    """Return how large the terms are of which a value is a difference."""
    if name != "triplet_margin":
        return 0.0
    anchor, positive, negative = (x.astype(float) for x in inputs)
    sums = [abs(anchor - x).sum(axis=-1) for x in (positive, negative)]
    return options.get("margin", 1.0) + sums[0] + sums[1]


@pytest.mark.parametrize(("dtype", "ulps"), [("f4", 2), ("f8", 32)])
@every_variant
def test_values_and_derivatives_are_those_of_the_definition(name, options, dtype, ulps):
    loss = getattr(numloss, name)
    inputs = draw(name, (12, 5), dtype)
    if loss.rowwise:
        inputs[0][1] *= 1000
        inputs[1][2] *= 2.0**-14
        if dtype == "f8":  # of nearly parallel rows all digits hang on the last ones of the inputs
            inputs[1][::3] = inputs[1][1::3]
    with mpmath.workdps(120):
        references = defined(name, inputs, options, loss.rowwise)
        scale = terms(name, inputs, options)
        call = {"reduction": "none", **options}
        found = [loss(*inputs, **call), *flat(loss.grad_and_hess(*inputs, **call))]
        for x, reference in zip(found, references, strict=True):
            assert x.dtype == dtype
            wide = reference.astype(float)
            off = abs(precise(x, exact=True) - reference).astype(float)
            if x.ndim == 2:
                scale = abs(wide).max(axis=-1, keepdims=True)
            unit = np.finfo(dtype).eps * np.maximum(abs(wide), scale)
            assert (off <= ulps * unit + 1e-18).all(), (x, wide)


def test_nearly_parallel_rows_keep_their_digits():
    a = np.array([[1.0, 2.0, 3.0]])
    for share in (2.0**-20, 2.0**-40):
        b = 4 * a + share * np.array([[3.0, 0.0, -1.0]])
        with mpmath.workdps(60):
            (value,), gradient, _ = defined("cosine_similarity", [a, b], {}, True)
            assert numloss.cosine_similarity(a, b) == pytest.approx(float(value), rel=1e-15 / share)
            found = numloss.cosine_similarity.grad(a, b)
            np.testing.assert_allclose(
                found, gradient.astype(float), rtol=1e-15 / share, atol=1e-16
            )
    for k in (1, 2, 0.25):
        assert numloss.cosine_similarity(a, k * a) == 0
        assert numloss.cosine_similarity.grad(a, k * a).tolist() == [[0.0] * 3]
    assert numloss.cosine_similarity(a, -a) == pytest.approx(2)
    assert numloss.cosine_similarity(a * 1e200, a * 1e200) == pytest.approx(0, abs=1e-15)


# --------------------------------------------------------------------------- kinks and degenerate rows


def test_a_row_of_zeros_has_the_cosine_0():
    zero, row = np.zeros((1, 2)), np.array([[0.0, 3.0]])
    for a, b in ((zero, row), (row, zero), (zero, zero)):
        assert numloss.cosine_similarity(a, b) == 1
        assert numloss.cosine_embedding(a, b, 1) == 1
        assert numloss.cosine_embedding(a, b, -1) == 0
    gradient, hessian = numloss.cosine_similarity.grad_and_hess(zero, row, eps=0.5)
    assert gradient.tolist() == [[0.0, -2.0]]
    assert hessian.tolist() == [[0.0, 0.0]]
    # Below eps the product alone counts.
    assert numloss.cosine_similarity([[0.0, 0.25]], row, eps=0.5) == 0.5
    by_first, by_second = numloss.cosine_embedding.grad(zero, row, 1)
    np.testing.assert_allclose(by_first, [[0, -1e6]])
    assert by_second.tolist() == [[0.0, 0.0]]


def test_kinks():
    found = numloss.margin_ranking.grad([1.0, 2.0], [1.0, 1.0], [1, 1], margin=1.0)
    assert [x.tolist() for x in found] == [[-0.5, 0.0], [0.5, 0.0]]
    a = [[1.0, 0.0]]
    for x in flat(numloss.cosine_embedding.grad_and_hess(a, [[0.0, 1.0]], -1)):
        assert x.tolist() == [[0.0, 0.0]]
    # Of no distance: no direction to part in; at the margin no second derivative.
    assert numloss.contrastive(a, a, 0, margin=3.0) == 4.5
    for b in (a, [[4.0, 0.0]]):
        for x in flat(numloss.contrastive.grad_and_hess(a, b, 0, margin=3.0)):
            assert x.tolist() == [[0.0, 0.0]]
    for x in flat(numloss.triplet_margin.grad_and_hess(a, a, [[2.0, 0.0]], eps=0.0)):
        assert x.tolist() == [[0.0, 0.0]]
    by_anchor, by_positive, by_negative = numloss.triplet_margin.grad(a, a, [[1.5, 0.0]], eps=0.0)
    assert by_anchor.tolist() == [[1.0, 0.0]]
    assert by_positive.tolist() == [[0.0, 0.0]]
    assert by_negative.tolist() == [[-1.0, 0.0]]
    # A swap of equal distances is none.
    apart = numloss.triplet_margin.grad(a, a, [[1.5, 0.0]], eps=0.0, swap=True)
    assert_same(apart, (by_anchor, by_positive, by_negative))


def test_infinite_distances():
    a, far = [[0.0, 0.0]], [[INF, 0.0]]
    assert numloss.triplet_margin(a, a, far) == 0
    assert numloss.triplet_margin(a, far, a) == INF
    assert np.isnan(numloss.triplet_margin(a, far, far))
    assert np.isnan(flat(numloss.triplet_margin.grad(a, far, a))).all()
    assert numloss.contrastive(a, far, 1) == INF
    assert numloss.contrastive(a, far, 0) == 0
    assert [x.tolist() for x in numloss.contrastive.grad(a, far, 0)] == [[[0, 0]], [[0, 0]]]
    assert np.isnan(numloss.cosine_similarity(a, far))


@every_variant
def test_nan_makes_its_example_nan(name, options):
    loss = getattr(numloss, name)
    for k in range(len(draw(name))):
        inputs = draw(name)
        inputs[k][4, ...] = np.where(np.arange(inputs[k][4].size) == 0, NAN, inputs[k][4])
        *found, mean = everything(loss, inputs, **options)
        assert np.isnan(mean)
        for x in found:
            rows = np.isnan(x.reshape(12, -1))
            assert rows[4].all() if loss.rowwise else rows[4].any()
            assert not np.delete(rows, 4, axis=0).any()


# ------------------------------------------------------------------------------------ ways of calling


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@every_variant
def test_bits_of_layouts_threads_and_instruction_sets(name, options, dtype):
    loss = getattr(numloss, name)
    inputs = draw(name, (300, 70), dtype)
    expected = everything(loss, inputs, **options)
    before = _core.config()["isa"]
    for isa in _core.config()["isas"]:
        _core.select_isa(isa)
        assert_same(everything(loss, inputs, **options), expected, isa)
    _core.select_isa(before)
    ways = (
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
        lambda x: x[::-1].copy()[::-1],
        lambda x: x.astype(x.dtype.newbyteorder(">")),
    )
    for shift in range(len(ways)):
        given = [ways[(k + shift) % len(ways)](x) for k, x in enumerate(inputs)]
        with numloss.threads(1 + shift):
            assert_same(everything(loss, given, **options), expected, shift)
    if loss.rowwise:
        turned = [np.moveaxis(x, -1, 0).copy() if x.ndim == 2 else x for x in inputs]
        values, *rows, mean = everything(loss, turned, axis=0, **options)
        found = [values, *(np.moveaxis(x, 0, -1) for x in rows), mean]
        assert_same(found, expected)


@pytest.mark.parametrize("dtype", ["f2", ml_dtypes.bfloat16])
@every_variant
def test_numbers_of_16_bits_are_computed_in_float32(name, options, dtype):
    loss = getattr(numloss, name)
    inputs = draw(name, (40, 7), dtype)
    *found, mean = everything(loss, inputs, **options)
    *wide, expected = everything(loss, [x.astype("f4") for x in inputs], **options)
    assert mean == expected
    assert_same(found, [x.astype(dtype) for x in wide])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@every_loss
def test_weights_and_reductions(name, reduction):
    loss = getattr(numloss, name)
    inputs = draw(name)
    *plain, _ = everything(loss, inputs)
    w = np.random.default_rng(1).uniform(0.5, 2, size=plain[0].shape)
    w[3] = 0
    call = {"weight": w, "reduction": reduction}
    factor = w / {"mean": w.sum(), "sum": 1, "none": 1}[reduction]
    value, gradients = loss.value_and_grad(*inputs, **call)
    expected = plain[0] * w if reduction == "none" else (plain[0] * factor).sum()
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-16)
    wide = factor[:, None] if loss.rowwise else factor
    found = flat(loss.grad_and_hess(*inputs, **call))
    for x, known in zip(found, plain[1:], strict=True):
        np.testing.assert_allclose(x, known * wide, rtol=1e-13, atol=1e-16)
    assert_same(flat(gradients), found[: heads(loss)])
    assert_same(flat(loss.grad(*inputs, **call)), found[: heads(loss)])
    # An example of weight 0 may hold anything.
    again = [x.copy() for x in inputs]
    for x in again:
        x[3] = NAN
    assert_same(flat(loss.grad_and_hess(*again, **call)), found)
    assert_same([loss(*again, **call)], [loss(*inputs, **call)])


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
@every_loss
def test_places_for_results(name, dtype):
    loss = getattr(numloss, name)
    inputs = draw(name, dtype=dtype)
    expected = flat(loss.grad_and_hess(*inputs))
    shape, count = inputs[0].shape, heads(loss)
    places = tuple(np.empty(shape, dtype) for _ in range(2 * count))
    out = (places[:count], places[count:]) if count > 1 else places
    assert_same(flat(loss.grad_and_hess(*inputs, out=out)), expected)
    assert_same(places, expected)
    # Any derivative may take the place of the first input.
    for k in range(2 * count):
        given = [x.copy() for x in inputs]
        taken = [given[0] if i == k else None for i in range(2 * count)]
        out = (tuple(taken[:count]), tuple(taken[count:])) if count > 1 else tuple(taken)
        found = flat(loss.grad_and_hess(*given, out=out))
        assert found[k] is given[0]
        assert_same(found, expected, k)


@every_variant
def test_the_c_library_gives_the_same(name, options):
    loss = getattr(numloss, name)
    inputs = draw(name, dtype="f4")
    for method in ("__call__", "value_and_grad", "grad_and_hess"):
        expected = flat(getattr(loss, method)(*inputs, **options))
        assert_same(capi.call(loss, method, *inputs, **options), expected, method)


def test_booleans_and_scalars_are_targets():
    a, b = draw("cosine_embedding")[:2]
    same = np.arange(12) % 3 == 0
    for loss, known in (
        (numloss.cosine_embedding, 2.0 * same - 1),
        (numloss.contrastive, same.astype(float)),
    ):
        expected = flat(loss.value_and_grad(a, b, known))
        assert_same(flat(loss.value_and_grad(a, b, same)), expected)
        assert_same(flat(loss.value_and_grad(a, b, known.astype("i1"))), expected)
        ones = flat(loss.value_and_grad(a, b, np.ones(12)))
        assert_same(flat(loss.value_and_grad(a, b, 1)), ones)
        # A plain number has no type of its own.
        assert loss(a.astype("f4"), b.astype("f4"), 1.0, reduction="none").dtype == np.float32
    score = numloss.margin_ranking([1.0, 2.0], [2.0, 1.0], [True, False])
    assert score == numloss.margin_ranking([1.0, 2.0], [2.0, 1.0], [1, -1]) == 1.0


def test_rows_of_more_axes():
    inputs = draw("triplet_margin", (24, 5))
    expected = numloss.triplet_margin(*inputs, reduction="none").reshape(4, 6)
    deep = [x.reshape(4, 6, 5) for x in inputs]
    assert_same([numloss.triplet_margin(*deep, reduction="none")], [expected])
    turned = [np.moveaxis(x, -1, 1).copy() for x in deep]
    assert_same([numloss.triplet_margin(*turned, axis=1, reduction="none")], [expected])
    assert numloss.triplet_margin([1.0, 2.0], [1.0, 2.0], [1.0, 2.0]) == 1.0
    with pytest.warns(RuntimeWarning, match="mean of a loss over no examples"):
        assert np.isnan(numloss.cosine_similarity(np.empty((0, 3)), np.empty((0, 3))))


# --------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: numloss.cosine_similarity(A, B[:1]), r"prediction and target must have the same shape, got \(2, 2\) and \(1, 2\)"),
        (lambda: numloss.cosine_similarity(A, B, eps=0), "eps must be a positive finite number, got 0"),
        (lambda: numloss.cosine_similarity(1.0, 2.0), "prediction must have an axis of columns, got a scalar"),
        (lambda: numloss.cosine_similarity(np.empty((2, 0)), np.empty((2, 0))), "prediction must have at least one column"),
        (lambda: numloss.contrastive(A, B[:1], [1, 0]), r"second must have the shape of the first, \(2, 2\), got \(1, 2\)"),
        (lambda: numloss.contrastive(A, B, [1, 2]), r"target must be in \[0, 1\], got 2.* at index 1"),
        (lambda: numloss.contrastive(A, B, [[1, 0]]), r"target must hold a number per example, of shape \(2,\)"),
        (lambda: numloss.contrastive(A, B, [1, 0], margin=-1), "margin must be a finite number of at least 0, got -1"),
        (lambda: numloss.cosine_embedding(A, B, [1, 0]), r"target must be -1 or \+1 \(or bool\), got 0"),
        (lambda: numloss.cosine_embedding.grad(A, B, [1, 0.5]), r"target must be -1 or \+1 \(or bool\), got 0.5 at index 1"),
        (lambda: numloss.cosine_embedding(A, B), "missing 1 required positional argument: 'target'"),
        (lambda: numloss.triplet_margin(A, B), "missing 1 required positional argument: 'negative'"),
        (lambda: numloss.triplet_margin(A, B, A, p=3), "p must be 1 or 2, got 3"),
        (lambda: numloss.triplet_margin(A, B, A, axis=2), r"axis must be in \[-2, 2\)"),
        (lambda: numloss.triplet_margin(A, B, A, weight=[1, -1]), "weight must hold finite numbers of at least 0, got -1"),
        (lambda: numloss.triplet_margin.grad(A, B, A, out=np.empty((2, 2))), "out must have a tuple of 3 places, one for each input with a gradient"),
        (lambda: numloss.margin_ranking([1.0], [1.0], [0.5]), r"target must be -1 or \+1 \(or bool\), got 0.5"),
        (lambda: numloss.margin_ranking([1.0], [1.0, 2.0], [1.0]), r"second must have the shape of the first, \(1,\), got \(2,\)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


@every_loss
def test_what_takes_predictions_takes_no_comparison(name):
    message = f"{name} compares rows or scores, .*: call numloss.{name} itself"
    for call in (
        lambda: numloss.Evaluation(name),
        lambda: numloss.Evaluation(getattr(numloss, name)),
        lambda: numloss.best_constant(name, [1.0, 2.0]),
        lambda: numloss.Objective(name, np.ones((2, 1)), np.ones(2)),
        lambda: numloss.hessian_vector(name, A, B, A),
    ):
        with pytest.raises(numloss.Error, match=message):
            call()


# ---------------------------------------------------------------------------------------------- peers


def keras_cosine(p, t):
    """Return Keras's CosineSimilarity, whose norms are at least 1e-7, as Keras 3 writes it."""

    def unit(x):
        with np.errstate(divide="ignore"):
            inverse = 1 / np.sqrt((x**2).sum(axis=-1, keepdims=True))
        return x * np.minimum(inverse, 1 / 1e-7)

    return -(unit(t) * unit(p)).sum(axis=-1)


def test_the_cosine_of_keras():
    p, t = draw("cosine_similarity", (30, 8))
    p[0] = 0
    found = numloss.cosine_similarity(p, t, eps=1e-7, reduction="none") - 1
    np.testing.assert_allclose(found, keras_cosine(p, t), rtol=1e-12, atol=1e-14)


def test_losses_of_torch():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    theirs = {
        "margin_ranking": functional.margin_ranking_loss,
        "cosine_embedding": functional.cosine_embedding_loss,
        "triplet_margin": functional.triplet_margin_loss,
        "cosine_similarity": lambda p, t, **options: (
            1 - functional.cosine_similarity(p, t, dim=-1)
        ).sum(),
    }
    for name, loss in theirs.items():
        count = heads(getattr(numloss, name))
        for options in COMPARING[name].parameters:
            if "eps" in options and name == "cosine_similarity":
                continue  # which torch's gradient takes no notice of
            inputs = draw(name, (40, 16))
            tensors = [torch.tensor(x, requires_grad=k < count) for k, x in enumerate(inputs)]
            call = {**options, "reduction": "sum"}
            expected = loss(*tensors, **call)
            expected.backward()
            value, gradients = getattr(numloss, name).value_and_grad(*inputs, **call)
            assert value == pytest.approx(expected.item(), rel=1e-12)
            for x, tensor in zip(flat(gradients), tensors, strict=False):
                np.testing.assert_allclose(x, tensor.grad, rtol=1e-9, atol=1e-12)


def test_losses_of_optax():
    optax = pytest.importorskip("optax")
    jax = pytest.importorskip("jax")
    p, t = draw("cosine_similarity", (30, 8), "f4")
    found = numloss.cosine_similarity(p, t, reduction="none")
    np.testing.assert_allclose(found, optax.cosine_distance(p, t), rtol=1e-5, atol=1e-6)
    a, b, c = draw("triplet_margin", (30, 8), "f4")
    value, gradients = numloss.triplet_margin.value_and_grad(a, b, c, eps=0.0, reduction="none")
    expected = optax.losses.triplet_margin_loss(a, b, c)
    np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)
    theirs = jax.grad(lambda *x: optax.losses.triplet_margin_loss(*x).sum(), (0, 1, 2))(a, b, c)
    for x, y in zip(gradients, theirs, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)
