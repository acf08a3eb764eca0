"""What a call may ask for beside the usual, of every loss: weights, sums, axes."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from capi import call as call_of_c
from cases import DISTRIBUTIONS, PLAIN, TWO_HEADED_VARIANTS, VARIANTS, assert_same
from recording import call

import numloss

#: Powers of two: a product with one of them is exact.
SIGNED = np.array([1, -2, 0.5, -0.25, 0, 4, 2])


def drawn(variant, examples=SIGNED.shape, dtype="f8", classes=5):
    """Return the inputs and options of a variant for a few examples."""
    shape = (*examples, classes) if variant.rowwise else examples
    inputs = variant.inputs(shape, dtype)
    return inputs, variant.options(classes, variant.examples(inputs[0]), dtype)


# --------------------------------------------------------------------------- weights of any sign


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_negative_weights_multiply(dtype):
    signed = {"weight": SIGNED, "allow_negative_weight": True}
    for variant in (*VARIANTS, *TWO_HEADED_VARIANTS):
        inputs, options = drawn(variant, dtype=dtype)
        for method in ("__call__", "grad", "value_and_grad", "grad_and_hess"):
            plain = call(variant.loss, method, *inputs, **options, reduction="none")
            found = call(variant.loss, method, *inputs, **options, reduction="none", **signed)
            for one, other in zip(found, plain, strict=True):
                weight = SIGNED.reshape(-1, *(1,) * (other.ndim - 1))
                assert np.array_equal(one, other * weight.astype(dtype)), (variant, method)


def test_means_divide_by_the_sum_of_negative_weights():
    signed = {"weight": SIGNED, "allow_negative_weight": True}
    for variant in (*PLAIN, *TWO_HEADED_VARIANTS):
        inputs, options = drawn(variant)
        options.pop("class_weight", None)
        total, *slopes = call(
            variant.loss, "value_and_grad", *inputs, **options, reduction="sum", **signed
        )
        for how, divisor in (("weight", SIGNED.sum()), ("count", SIGNED.size), (3.0, 3.0)):
            way = {**options, **signed, "denominator": how}
            value, *gradients = call(variant.loss, "value_and_grad", *inputs, **way)
            assert value == pytest.approx(total / divisor, rel=1e-14), (variant, how)
            for one, other in zip(gradients, slopes, strict=True):
                np.testing.assert_allclose(one, other / divisor, rtol=1e-13, atol=1e-18)
            assert_same(
                call_of_c(variant.loss, "value_and_grad", *inputs, **way), [value, *gradients]
            )


@pytest.mark.parametrize("classes", [300, 5000])
def test_rows_of_many_classes_may_have_negative_weights(classes):
    prediction = np.random.default_rng(0).normal(size=(3, classes))
    signed = {"weight": [2.0, -1.0, 0.5], "allow_negative_weight": True, "reduction": "none"}
    target = np.full(prediction.shape, 1 / classes)
    for loss, given in ((numloss.cross_entropy, [5, 0, 7]), (numloss.kl_divergence, target)):
        plain = loss.value_and_grad(prediction, given, reduction="none")
        value, gradient = loss.value_and_grad(prediction, given, **signed)
        assert np.array_equal(value, plain[0] * [2, -1, 0.5])
        assert np.array_equal(gradient, plain[1] * [[2], [-1], [0.5]])


def test_nothing_changes_for_weights_that_are_not_negative():
    weight = abs(SIGNED)
    for variant in PLAIN:
        inputs, options = drawn(variant, dtype="f4")
        for way in ({"weight": weight}, {"weight": 2}, {}):
            assert_same(
                call(variant.loss, "value_and_grad", *inputs, **options, **way),
                call(
                    variant.loss,
                    "value_and_grad",
                    *inputs,
                    **options,
                    **way,
                    allow_negative_weight=True,
                ),
                variant,
            )


@pytest.mark.parametrize("method", ["__call__", "grad", "value_and_grad", "grad_and_hess"])
@pytest.mark.parametrize("weight", [[1.0, -3.0, 1.0], [1.0, -1.0, 0.0], [0.0, 0.0, 0.0], -1.0])
def test_a_mean_by_no_positive_sum_is_refused(method, weight):
    for loss, inputs in (
        (numloss.mse, (np.arange(3.0), np.zeros(3))),
        (numloss.cross_entropy, (np.eye(3), [0, 1, 2])),
        (numloss.kl_divergence, (np.eye(3), np.full((3, 3), 1 / 3))),
        (numloss.list_mle, (np.eye(3), np.eye(3))),
    ):
        out = np.full(inputs[0].shape, 7.0)
        places = {"__call__": None, "grad_and_hess": (out, None)}.get(method, out)
        with pytest.raises(numloss.Error) as caught:
            getattr(loss, method)(*inputs, weight=weight, allow_negative_weight=True, out=places)
        error = caught.value
        assert error.argument == "weight"
        assert error.kind == "weight_sum"
        assert str(error).startswith(
            "weight must have a sum above 0, which the mean is divided by, got "
        )
        assert error.fix == ": use reduction='sum' or denominator='count'"
        assert (out == 7).all()


def test_what_is_no_negative_weight():
    p, t = np.arange(3.0), np.zeros(3)
    with pytest.raises(
        numloss.Error, match="weight must hold finite numbers of at least 0, got -1"
    ):
        numloss.mse(p, t, weight=[1, -1, 1], allow_negative_weight=False)
    for wrong in (np.inf, -np.inf):
        with pytest.raises(numloss.Error, match=r"finite numbers, got -?inf at index 1"):
            numloss.mse(p, t, weight=[1, wrong, 1], allow_negative_weight=True)
    assert np.isnan(numloss.mse(p, t, weight=[1, np.nan, -1], allow_negative_weight=True))
    with pytest.raises(numloss.InputTypeError, match="allow_negative_weight must be"):
        numloss.mse(p, t, allow_negative_weight="yes")
    with pytest.raises(numloss.InputTypeError, match="takes no argument named"):
        numloss.l1_penalty(p, allow_negative_weight=True)
    with pytest.warns(RuntimeWarning, match="no examples"):
        none = numloss.cross_entropy(np.eye(3), [-100] * 3, weight=-1, allow_negative_weight=True)
    assert np.isnan(none)


def test_negative_weights_as_peers_have_them():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    p, t = rng.normal(size=(2, len(SIGNED)))
    signed = {"weight": SIGNED, "allow_negative_weight": True}
    for ours, theirs in (
        (numloss.mse, metrics.mean_squared_error),
        (numloss.mae, metrics.mean_absolute_error),
    ):
        assert ours(p, t, **signed) == pytest.approx(theirs(t, p, sample_weight=SIGNED))


def test_negative_weights_as_torch_has_them():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=len(SIGNED)), rng.integers(0, 2, len(SIGNED)) * 1.0
    leaf = torch.tensor(x, requires_grad=True)
    theirs = torch.nn.functional.binary_cross_entropy_with_logits(
        leaf, torch.tensor(y), weight=torch.tensor(SIGNED)
    )
    theirs.backward()
    value, gradient = numloss.binary_cross_entropy.value_and_grad(
        x, y, weight=SIGNED, denominator="count", allow_negative_weight=True
    )
    assert value == pytest.approx(theirs.item())
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-12)


# --------------------------------------------------------------------------- targets of any sum

ANY_SUM = [
    variant
    for variant in VARIANTS
    if "any_sum" in inspect.signature(variant.loss).parameters and variant.domain.soft
]


def shares_of_any_sum(variant, dtype="f8", classes=5):
    """Return predictions, and targets of which a quarter is 0 and a row may be."""
    prediction, target = variant.inputs((9, classes), dtype)
    counts = np.random.default_rng(3).exponential(size=target.shape) * (target > 0)
    counts[4] = 0
    return prediction, counts.astype(dtype)


def test_targets_of_any_sum_are_what_the_formula_says():
    assert {variant.name for variant in ANY_SUM} == {
        "cross_entropy", "logit_adjusted", "kl_divergence", "js_divergence", "total_variation",
        "bi_tempered", "multiclass_brier", "nll",
    }  # fmt: skip
    for variant in ANY_SUM:
        prediction, target = shares_of_any_sum(variant)
        options = variant.options(5)
        call = {**options, "any_sum": True, "reduction": "none"}
        value, gradient = variant.loss.value_and_grad(prediction, target, **call)
        hessian = variant.loss.grad_and_hess(prediction, target, **call)[1]
        first, second = variant.derivatives(prediction, target)
        for found, known, error in (
            (value, variant.value(prediction, target), 1e-13),
            (gradient, first, 1e-9),
            (hessian, second, 1e-6),
        ):
            scale = 1 + abs(known.astype(float)).max()
            assert abs(found - known).max() <= error * scale, variant


def test_targets_that_sum_to_1_mean_the_same_by_any_sum():
    for variant in ANY_SUM:
        for dtype in ("f4", "f8"):
            inputs, options = drawn(variant, dtype=dtype)
            for method in ("value_and_grad", "grad_and_hess"):
                assert_same(
                    call(variant.loss, method, *inputs, **options, any_sum=True),
                    call(variant.loss, method, *inputs, **options),
                    variant,
                )


@pytest.mark.parametrize("classes", [5, 300, 5000])
def test_targets_of_any_sum_through_the_c_library_and_in_long_rows(classes):
    for variant in ANY_SUM:
        if variant.domain is not DISTRIBUTIONS or (classes > 300 and variant.parameters):
            continue
        inputs = shares_of_any_sum(variant, "f4", classes)
        options = {**variant.options(classes), "any_sum": True}
        found = call(variant.loss, "value_and_grad", *inputs, **options)
        assert_same(call_of_c(variant.loss, "value_and_grad", *inputs, **options), found)
        wide = [x.astype(float) for x in inputs]
        value, gradient = variant.loss.value_and_grad(*wide, **options)
        assert found[0] == pytest.approx(value, rel=1e-5)
        np.testing.assert_allclose(found[1], gradient, atol=1e-5 * abs(gradient).max())


def test_a_cross_entropy_counts_each_share_as_a_label():
    logits = np.random.default_rng(0).normal(size=(4, 3))
    votes = np.array([[2, 0, 1], [0, 3, 0], [1, 1, 1], [0, 0, 0]])
    rows = [i for i in range(4) for c in range(3) for _ in range(votes[i, c])]
    labels = [c for i in range(4) for c in range(3) for _ in range(votes[i, c])]
    each, slopes = numloss.cross_entropy.value_and_grad(logits[rows], labels, reduction="sum")
    value, gradient = numloss.cross_entropy.value_and_grad(
        logits, votes.astype(float), any_sum=True, reduction="sum"
    )
    assert value == pytest.approx(each)
    expected = np.zeros_like(logits)
    np.add.at(expected, rows, slopes)
    np.testing.assert_allclose(gradient, expected, atol=1e-15)
    mean = numloss.cross_entropy(logits, votes.astype(float), any_sum=True)
    assert mean == pytest.approx(value / 4)


def test_what_is_no_target_of_any_sum():
    x, q = np.zeros((2, 3), "f4"), np.full((2, 3), 2.0, "f4")
    with pytest.raises(numloss.Error, match="that sum to 1 over axis 1, got 6"):
        numloss.cross_entropy(x, q)
    for wrong, text in (
        (-1.0, r"target must hold numbers of at least 0, got -1.0 at index \(1, 2\)"),
        (np.inf, "target must hold numbers with a finite sum over axis 1, got inf at index 1"),
    ):
        target = q.copy()
        target[1, 2] = wrong
        out = np.full(x.shape, 7, "f4")
        with pytest.raises(numloss.Error, match=text):
            numloss.cross_entropy.grad(x, target, any_sum=True, out=out)
        assert (out == 7).all()
    with pytest.raises(numloss.Error, match="finite sum over axis 1, got 5"):
        numloss.kl_divergence(x, np.full((2, 3), 2e38, "f4"), any_sum=True)
    assert np.isnan(numloss.cross_entropy(x, np.full((2, 3), np.nan), any_sum=True))
    for loss in (numloss.sparsemax, numloss.entmax15):
        with pytest.raises(numloss.InputTypeError, match="takes no argument named 'any_sum'"):
            loss(x, q, any_sum=True)


def test_targets_of_any_sum_as_torch_has_them():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    rng = np.random.default_rng(0)
    x, q, c = rng.normal(size=(6, 4)), rng.exponential(size=(6, 4)), rng.uniform(size=4)
    weighted = {"class_weight": c, "denominator": "count", "label_smoothing": 0.1}
    for theirs, loss, options in (
        (lambda z, t: functional.cross_entropy(z, t), numloss.cross_entropy, {}),
        (
            lambda z, t: functional.cross_entropy(
                z, t, weight=torch.tensor(c), label_smoothing=0.1
            ),
            numloss.cross_entropy,
            weighted,
        ),
        (
            lambda z, t: functional.kl_div(z.log_softmax(1), t, reduction="batchmean"),
            numloss.kl_divergence,
            {},
        ),
    ):
        leaf = torch.tensor(x, requires_grad=True)
        known = theirs(leaf, torch.tensor(q))
        known.backward()
        value, gradient = loss.value_and_grad(x, q, any_sum=True, **options)
        assert value == pytest.approx(known.item(), rel=1e-12)
        np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-9, atol=1e-14)


# --------------------------------------------------------------------------- means along some axes

METHODS = ("__call__", "grad", "value_and_grad", "grad_and_hess")
EXAMPLES = (2, 3, 4)


def slices_of(reduce_axis, examples=EXAMPLES):
    """Yield the place of each slice among the others, and what takes it out of an array."""
    ndim = len(examples)
    axes = range(ndim) if reduce_axis is None else np.atleast_1d(reduce_axis).astype(int) % ndim
    kept = [d for d in range(ndim) if d not in axes]
    for place in np.ndindex(*(examples[d] for d in kept)):
        index = [slice(None)] * ndim
        for d, i in zip(kept, place, strict=True):
            index[d] = i
        yield place, tuple(index)


def kept_shape(reduce_axis, keepdims):
    return np.ones(EXAMPLES).sum(axis=reduce_axis, keepdims=keepdims).shape


@pytest.mark.parametrize("reduce_axis", [0, -1, (1, 2), (2, 0), (), None])
def test_a_slice_is_what_it_is_on_its_own(reduce_axis):
    keepdims = reduce_axis in (None, (2, 0))
    for variant in (*PLAIN, *TWO_HEADED_VARIANTS):
        inputs, options = drawn(variant, EXAMPLES, "f4")
        of_examples = {k: x for k, x in options.items() if np.shape(x)[:3] == EXAMPLES}
        weight = np.random.default_rng(1).uniform(size=EXAMPLES)
        for n, way in enumerate(({}, {"weight": weight}, {"reduction": "sum", "weight": weight})):
            method = METHODS[(n + len(variant.name)) % 4]
            found = call(
                variant.loss, method, *inputs, **options, **way,
                reduce_axis=reduce_axis, keepdims=keepdims,
            )  # fmt: skip
            has_value = method in ("__call__", "value_and_grad")
            if has_value:
                assert found[0].shape == kept_shape(reduce_axis, keepdims)
                assert found[0].dtype == np.float64
            for place, index in slices_of(reduce_axis):
                of_slice = dict(options) | {k: x[index] for k, x in of_examples.items()}
                own = {**of_slice, **way}
                if "weight" in way:
                    own["weight"] = weight[index]
                known = call(variant.loss, method, *(x[index] for x in inputs), **own)
                given = [x[index] for x in found[has_value:]]
                if has_value:
                    kept = found[0].reshape(kept_shape(reduce_axis, False))
                    given = [kept[place], *given]
                assert_same(given, known, (variant, method, way))


def test_slices_where_they_lie_and_into_places():
    rng = np.random.default_rng(0)
    p, t = rng.normal(size=(2, 5, 300, 7)).transpose(0, 3, 1, 2)
    value, gradient = numloss.huber.value_and_grad(p, t, reduce_axis=(0, 2))
    with pytest.raises(numloss.Error, match=r"must have shape \(5,\)"):
        numloss.huber.value_and_grad(p, t, reduce_axis=(0, 2), out=(np.empty(300), None))
    places = np.full(2 * value.size, np.nan)[::2], p.copy()
    found = numloss.huber.value_and_grad(places[1], t, reduce_axis=(0, 2), out=places)
    assert found[0] is places[0]
    assert_same(found, [value, gradient])
    assert_same([numloss.huber(p, t, reduce_axis=(0, 2), out=places[0])], [value])
    logits, labels = rng.normal(size=(4, 5, 6)), rng.integers(0, 5, (4, 6))
    mean, predicted = numloss.cross_entropy(
        logits, labels, axis=1, reduce_axis=-1, return_predicted=True
    )
    assert mean.shape == (4,)
    assert np.array_equal(predicted, logits.argmax(1))


def test_a_number_is_left_of_all_axes():
    p, t = np.arange(6.0).reshape(2, 3), np.zeros((2, 3))
    assert type(numloss.mse(p, t, reduce_axis=(0, 1))) is np.float64
    assert numloss.mse(p, t, reduce_axis=(0, 1)) == numloss.mse(p, t)
    assert numloss.mse(p, t, keepdims=True).shape == (1, 1)
    assert numloss.mse(1.0, 0.0, reduce_axis=()) == 1
    assert type(numloss.mse(1.0, 0.0, keepdims=True)) is np.float64


def test_a_slice_of_nothing():
    p, t = np.ones((2, 3)), np.zeros((2, 3))
    out = np.full((2, 3), 7.0)
    call = {"weight": [[1, 0, 1], [0, 0, 0]], "reduce_axis": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="no examples"):
            numloss.mse.grad(p, t, out=out, **call)
    assert (out == 7).all()
    with pytest.warns(RuntimeWarning, match="no examples"):
        value, gradient = numloss.mse.value_and_grad(p, t, out=out, **call)
    np.testing.assert_array_equal(value, [1, np.nan])
    np.testing.assert_array_equal(gradient, [[1, 0, 1], [0, 0, 0]])
    assert numloss.mse(np.ones((0, 3)), np.ones((0, 3)), reduce_axis=1).shape == (0,)
    with pytest.warns(RuntimeWarning, match="no examples"):
        assert np.isnan(numloss.mse(np.ones((0, 3)), np.ones((0, 3)), reduce_axis=0)).all()


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (r"must be in \[-2, 2\) for examples of shape \(2, 3\), got 2", {"reduce_axis": 2}),
        ("reduce_axis must name an axis of the examples once, got -1", {"reduce_axis": (1, -1)}),
        ("reduce_axis must be an integer or a tuple of integers, got 1.5", {"reduce_axis": 1.5}),
        ("reduce_axis must be an integer or a tuple of integers, got True", {"reduce_axis": True}),
        ("keepdims must be True or False, got 1", {"keepdims": 1}),
        ("reduce_axis is for a mean or a sum", {"reduce_axis": 0, "reduction": "none"}),
        ("keepdims is for a mean or a sum", {"keepdims": True, "reduction": "none"}),
        (r"must have a sum above 0.*, got -1.5", {"reduce_axis": 1, "weight": [[2.0], [-0.5]]}),
    ],
)  # fmt: skip
def test_what_is_no_axis_to_reduce(text, options):
    out = np.full((2, 3), 7.0)
    with pytest.raises(numloss.Error, match=text):
        numloss.mse.grad(
            np.ones((2, 3)), np.zeros((2, 3)), out=out, allow_negative_weight=True, **options
        )
    assert (out == 7).all()


def test_what_is_wrong_in_a_later_slice_is_found_before_anything_is_written():
    p, t = np.full((4, 3), 0.5), np.ones((4, 3))
    t[3, 1] = 2
    out = np.full((4, 3), 7.0)
    with pytest.raises(
        numloss.Error, match=r"target must be in \[0, 1\], got 2.0 at index \(3, 1\)"
    ):
        numloss.brier.grad(p, t, reduce_axis=1, out=out)
    assert (out == 7).all()
    with pytest.raises(numloss.Error, match="reduce_axis must be left out with groups"):
        numloss.list_mle(np.ones(3), np.ones(3), groups=[1, 2], reduce_axis=0)


def test_slices_on_any_number_of_threads():
    p, t = np.random.default_rng(0).normal(size=(2, 3, 200_000))
    found = []
    for n in (1, 2):
        with numloss.threads(n):
            found.append(numloss.log_cosh.value_and_grad(p, t, reduce_axis=1))
    assert_same(*found)


# ------------------------------------------------------------------------ rows along several axes


@pytest.mark.parametrize("axes", [(1, 2), (0, 2), (-1, 0), (2,), (0, 1, 2)])
def test_several_axes_are_taken_as_one(axes):
    shape = (2, 3, 4)
    size = int(np.prod([shape[a] for a in axes]))
    for variant in PLAIN:
        if not variant.rowwise:
            continue
        rest = tuple(n for d, n in enumerate(shape) if d not in np.array(axes) % 3)
        prediction, target = variant.inputs((*rest, size), "f4")
        of_rows = target.shape == prediction.shape

        def apart(x, rest=rest):
            whole = x.reshape(*rest, *(shape[a] for a in axes))
            return np.moveaxis(whole, range(len(rest), 3), axes)

        whole = apart(prediction), apart(target) if of_rows else target
        options = variant.options(size, rest)
        for method in METHODS:
            found = call(variant.loss, method, *whole, **options, axis=axes)
            known = call(variant.loss, method, prediction, target, **options)
            of_heads = {"__call__": 0, "grad": 1, "value_and_grad": 1, "grad_and_hess": 2}[method]
            for one, other in zip(found[:-of_heads] if of_heads else found, known, strict=False):
                assert_same([one], [other])
            for one, other in zip(found[-of_heads:], known[-of_heads:], strict=True):
                if of_heads:
                    assert one.shape == shape
                    assert_same([np.ascontiguousarray(one)], [np.ascontiguousarray(apart(other))])


def test_several_axes_with_what_belongs_to_rows():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(4, 2, 5, 3)), rng.integers(0, 6, (4, 5))
    where = rng.uniform(size=(4, 2, 1, 3)) < 0.8
    where[:, 0, :, 0] = True
    weight = rng.uniform(size=(4, 5))
    flat = np.moveaxis(logits, 2, 1).reshape(4, 5, 6)
    mask = np.moveaxis(where, 2, 1).reshape(4, 1, 6)
    can_happen = np.take_along_axis(np.broadcast_to(mask, flat.shape), labels[..., None], 2)
    labels[~can_happen[..., 0]] = 0
    options = {"weight": weight, "reduce_axis": 1, "return_predicted": True}
    found = numloss.cross_entropy.value_and_grad(
        logits, labels, axis=(1, 3), where=where, **options
    )
    known = numloss.cross_entropy.value_and_grad(flat, labels, where=mask, **options)
    assert_same([found[0], found[2]], [known[0], known[2]])
    assert_same([np.moveaxis(found[1], 2, 1).reshape(4, 5, 6)], [known[1]])
    image = rng.uniform(size=(2, 8, 8)) < 0.3
    scores = rng.normal(size=image.shape)
    assert numloss.dice(scores, image, axis=(1, 2)) == numloss.dice(
        scores.reshape(2, -1), image.reshape(2, -1)
    )


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (r"axis must be in \[-2, 2\) for a prediction of shape \(2, 3\), got 2", {"axis": (0, 2)}),
        (r"axis must name an axis once, got \(1, -1\)", {"axis": (1, -1)}),
        ("axis must name an axis, got", {"axis": ()}),
        ("axis must be an integer or a tuple of integers, got 1.5", {"axis": (0, 1.5)}),
        ("out must be left out where axis names several", {"axis": (0, 1), "out": np.ones((2, 3))}),
    ],
)
def test_what_are_no_axes_of_rows(text, options):
    with pytest.raises(numloss.Error, match=text):
        numloss.dice.grad(np.ones((2, 3)), np.ones((2, 3)), **options)
