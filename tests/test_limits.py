"""At the limits: NaN, infinities, huge and tiny numbers, nothing at all, and very much."""

import subprocess
import sys

import numpy as np
import pytest
from cases import (
    BOOLEANS,
    CASES,
    DISTRIBUTIONS,
    LABELS,
    LOG_CHANCES,
    MEMBERS,
    RISING,
    SETS,
    SHARES_OF_SETS,
    TABLED,
    THRESHOLDS,
    VARIANTS,
    assert_same,
    per_example,
    results,
)

import numloss
from numloss._loss import OF_LISTS

INF = np.inf
NAN = np.nan

every_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)
both_floats = pytest.mark.parametrize("dtype", ["float64", "float32"])
over_classes = pytest.mark.parametrize(
    "variant", [v for v in VARIANTS if v.rowwise and not v.domain.in_unit], ids=str
)
#: Side by side, folded, and folded in several tiles.
every_width = pytest.mark.parametrize("classes", [2, 5, 300, 2050])

SOFTMAX = ["cross_entropy", "softmax_focal"]


def over_elements(x, rowwise):
    """Whether any class of an example is meant."""
    return x.any(axis=-1) if rowwise else x


# --------------------------------------------------------------------------------------------- NaN


@both_floats
@every_variant
def test_nan_stays_where_it_is(variant, dtype):
    for shape in [(70, 5), (5, 300), (3, 1500)] if variant.rowwise else [(1100,)]:
        prediction, target = variant.inputs(shape, dtype)
        options = variant.options(shape[-1])
        clean = per_example(variant.loss, prediction, target, **options)
        places = np.random.default_rng(2).permutation(prediction.size)[:4]
        prediction.reshape(-1)[places] = NAN
        bad = over_elements(np.isnan(prediction), variant.rowwise)
        for found, expected in zip(
            per_example(variant.loss, prediction, target, **options), clean, strict=True
        ):
            assert np.isnan(found[bad]).all()
            assert np.array_equal(found[~bad], expected[~bad])
        value, gradient = variant.loss.value_and_grad(prediction, target, **options)
        assert np.isnan(value)
        assert np.array_equal(over_elements(np.isnan(gradient), variant.rowwise), bad)


@pytest.mark.parametrize(
    "variant",
    [
        v
        for v in VARIANTS
        if v.domain not in (LABELS, LOG_CHANCES, BOOLEANS, SETS, SHARES_OF_SETS, THRESHOLDS, RISING)
    ],
    ids=str,
)
def test_nan_in_the_target_reaches_the_result(variant):
    shape = (10, 5) if variant.rowwise else (10,)
    prediction, target = variant.inputs(shape)
    target[3] = NAN
    options = variant.options(5)
    for found in per_example(variant.loss, prediction, target, **options):
        rows = np.isnan(found).reshape(10, -1)
        assert not np.delete(rows, 3, axis=0).any()
    value, gradient = variant.loss.value_and_grad(prediction, target, **options)
    assert np.isnan(value)
    assert np.isnan(gradient[3]).all()


@every_variant
def test_nan_weight_reaches_the_result(variant):
    shape = (10, 5) if variant.rowwise else (10,)
    prediction, target = variant.inputs(shape)
    weight = np.where(np.arange(10) == 3, NAN, 1.0)
    value, gradient = variant.loss.value_and_grad(
        prediction, target, weight=weight, reduction="none", **variant.options(5)
    )
    assert np.isnan(value).tolist() == np.isnan(weight).tolist()
    assert np.isnan(gradient[3]).any()
    assert np.isnan(variant.loss(prediction, target, weight=weight, **variant.options(5)))


# ------------------------------------------------------------------------------- infinite elements

#: Loss and parameters, prediction, target; value and gradient.
AT_INFINITY = [
    ("mse", {}, INF, 1.0, INF, INF),
    ("mse", {}, -INF, 1.0, INF, -INF),
    ("mse", {}, INF, INF, NAN, NAN),
    ("mae", {}, INF, 1.0, INF, 1.0),
    ("mae", {}, -INF, 1.0, INF, -1.0),
    ("huber", {"delta": 0.5}, INF, 1.0, INF, 0.5),
    ("huber", {"delta": 0.5}, -INF, 1.0, INF, -0.5),
    ("half_mse", {}, -INF, 1.0, INF, -INF),
    ("smooth_l1", {"beta": 0.5}, -INF, 1.0, INF, -1.0),
    ("smooth_l1", {"beta": 0.0}, INF, 1.0, INF, 1.0),
    ("epsilon_insensitive", {}, -INF, 1.0, INF, -1.0),
    ("squared_epsilon_insensitive", {}, -INF, 1.0, INF, -INF),
    ("expectile", {"q": 0.0}, -INF, 1.0, 0.0, 0.0),
    ("expectile", {"q": 0.25}, INF, 1.0, INF, INF),
    ("pseudo_huber", {"delta": 0.5}, -INF, 1.0, INF, -0.5),
    ("log_cosh", {}, -INF, 1.0, INF, -1.0),
    ("fair", {"c": 0.5}, -INF, 1.0, INF, -0.5),
    ("cauchy", {}, INF, 1.0, INF, 0.0),
    ("tukey_biweight", {"c": 3.0}, -INF, 1.0, 1.5, 0.0),
    ("robust", {"alpha": 3.0}, -INF, 1.0, INF, -INF),
    ("robust", {"alpha": 1.5}, INF, 1.0, INF, INF),
    ("robust", {"c": 2.0}, -INF, 1.0, INF, -0.5),
    ("robust", {"alpha": 0.5}, INF, 1.0, INF, 0.0),
    ("robust", {"alpha": 0.0}, INF, 1.0, INF, 0.0),
    ("robust", {"alpha": -2.0}, INF, 1.0, 2.0, 0.0),
    ("robust", {"alpha": -INF}, INF, 1.0, 1.0, 0.0),
    ("robust", {"alpha": INF}, INF, 1.0, INF, INF),
    ("msle", {}, INF, 1.0, INF, 0.0),
    ("msle", {}, 1.0, INF, INF, -INF),
    ("mape", {"floor": 0.5}, -INF, 0.0, INF, -2.0),
    ("mape", {}, INF, INF, NAN, NAN),
    ("smape", {}, -INF, 1.0, 2.0, 0.0),
    ("smape", {}, INF, INF, NAN, NAN),
    ("binary_cross_entropy", {}, INF, 1.0, 0.0, 0.0),
    ("binary_cross_entropy", {}, INF, 0.0, INF, 1.0),
    ("binary_cross_entropy", {}, -INF, 1.0, INF, -1.0),
    ("binary_cross_entropy", {}, -INF, 0.0, 0.0, 0.0),
    ("binary_cross_entropy", {}, INF, 0.25, INF, 0.75),
    ("binary_cross_entropy", {"pos_weight": 3.0}, -INF, 1.0, INF, -3.0),
    ("binary_cross_entropy", {"pos_weight": 0.0}, -INF, 1.0, 0.0, 0.0),
    ("binary_cross_entropy", {"label_smoothing": 0.5}, INF, 1.0, INF, 0.25),
    ("binary_cross_entropy", {"from_logits": False}, 1.0, 1.0, 0.0, -1.0),
    ("binary_cross_entropy", {"from_logits": False}, 0.0, 0.0, 0.0, 1.0),
    ("binary_cross_entropy", {"from_logits": False}, 0.0, 1.0, INF, -INF),
    ("binary_cross_entropy", {"from_logits": False}, 1.0, 0.0, INF, INF),
    ("poly_binary_cross_entropy", {}, INF, 1.0, 0.0, 0.0),
    ("poly_binary_cross_entropy", {}, -INF, 1.0, INF, -1.0),
    ("poly_binary_cross_entropy", {}, INF, 0.25, INF, 0.75),
    ("brier", {}, INF, 1.0, 0.0, 0.0),
    ("brier", {}, -INF, 1.0, 1.0, 0.0),
    ("brier", {"from_logits": False}, 1.0, 0.0, 1.0, 2.0),
    ("asymmetric", {}, INF, 1.0, 0.0, 0.0),
    ("asymmetric", {}, -INF, 1.0, INF, -1.0),
    ("asymmetric", {}, -INF, 0.0, 0.0, 0.0),
    ("asymmetric", {"clip": 0.0}, INF, 0.0, INF, 1.0),
    ("asymmetric", {"clip": 0.0}, -INF, 0.0, 0.0, 0.0),
    ("asymmetric", {"clip": 0.0, "gamma_neg": 0.0}, -INF, 0.0, 0.0, 0.0),
    ("asymmetric", {"gamma_pos": 0.0}, -INF, 1.0, INF, -1.0),
    ("logistic", {}, INF, 1.0, 0.0, 0.0),
    ("logistic", {}, -INF, 1.0, INF, -1.0),
    ("exponential", {}, INF, 1.0, 0.0, 0.0),
    ("exponential", {}, -INF, 1.0, INF, -INF),
    ("smoothed_hinge", {}, INF, 1.0, 0.0, 0.0),
    ("smoothed_hinge", {}, -INF, 1.0, INF, -1.0),
    ("smoothed_hinge", {"smoothing": 1e-310}, -1.0, 1.0, 2.0, -1.0),
    ("modified_huber", {}, INF, -1.0, INF, 4.0),
    ("hinge_embedding", {}, INF, 1.0, INF, 1.0),
    ("hinge_embedding", {}, INF, -1.0, 0.0, 0.0),
    ("hinge_embedding", {}, -INF, -1.0, INF, -1.0),
    ("hinge", {}, INF, 1.0, 0.0, 0.0),
    ("hinge", {}, -INF, 1.0, INF, -1.0),
    ("squared_hinge", {}, INF, 1.0, 0.0, 0.0),
    ("squared_hinge", {}, -INF, 1.0, INF, -INF),
    ("focal", {}, INF, 1.0, 0.0, 0.0),
    ("focal", {}, -INF, 1.0, INF, -0.25),
    ("focal", {"gamma": 0.0, "alpha": None}, -INF, 1.0, INF, -1.0),
    ("focal", {"gamma": 0.5}, -INF, 0.0, 0.0, 0.0),
    ("focal", {"from_logits": False}, 1.0, 1.0, 0.0, 0.0),
    ("focal", {"from_logits": False, "gamma": 0.5}, 0.0, 0.0, 0.0, 0.0),
    ("focal", {"from_logits": False, "alpha": None}, 0.0, 1.0, INF, -INF),
]


@both_floats
@pytest.mark.parametrize(
    ("name", "parameters", "prediction", "target", "value", "gradient"),
    AT_INFINITY,
    ids=[f"{row[0]}-{row[2]}-{row[3]}-{i}" for i, row in enumerate(AT_INFINITY)],
)
def test_infinite_element(name, parameters, prediction, target, value, gradient, dtype):
    loss = getattr(numloss, name)
    prediction = np.array([prediction], dtype)
    found = per_example(loss, prediction, target, **parameters)
    assert np.array_equal(found[0], [value], equal_nan=True)
    assert np.array_equal(found[1], [gradient], equal_nan=True)
    total = loss(prediction, target, reduction="sum", **parameters)
    assert np.array_equal(total, value, equal_nan=True)


#: Loss and parameters, what r is from 0, and value and gradient: float32 holds them, not r².
FAR = [
    ("pseudo_huber", {"delta": 0.5}, 1e30, 0.5e30, 0.5),
    ("log_cosh", {}, 1e30, 1e30, 1.0),
    ("fair", {"c": 0.5}, 1e30, 0.5e30, 0.5),
    ("cauchy", {}, 1e30, 69.07755278982137, 1e-30),
    ("tukey_biweight", {"c": 3.0}, 1e30, 1.5, 0.0),
    ("robust", {}, 1e30, 1e30, 1.0),
    ("robust", {"alpha": 0.0}, 1e30, 137.46195839908278, 0.0),
    ("robust", {"alpha": 1.5}, 1e20, 0.5**0.25 / 1.5 * 1e30, 0.5**0.25 * 1e10),
    ("mape", {}, 3e38, 3e38 * 2.0**52, 2.0**52),
    ("smape", {}, 3e38, 2.0, 0.0),
]


@pytest.mark.parametrize(("name", "parameters", "r", "value", "gradient"), FAR)
def test_residuals_whose_square_overflows(name, parameters, r, value, gradient):
    value = np.inf if value > 3.4e38 else value
    for sign in (1, -1):
        found = per_example(getattr(numloss, name), np.array([sign * r], "f4"), 0.0, **parameters)
        assert found[0] == pytest.approx([value], rel=2e-5)
        assert found[1] == pytest.approx([sign * gradient], rel=2e-5, abs=2e-30)


def test_relative_errors_of_numbers_as_large_as_there_are():
    most = float(np.finfo("f4").max)
    p, t = np.array([most, most, most / 2], "f4"), np.array([-most, most, most], "f4")
    call = {"reduction": "none"}
    assert numloss.mape(p, t, **call) == pytest.approx([2, 0, 0.5])
    assert numloss.smape(p, t, **call) == pytest.approx([2, 0, 2 / 3])
    least = np.float32(-1 + 2.0**-24)
    exact = (np.log(most) + 24 * np.log(2)) ** 2
    assert numloss.msle(np.array([most], "f4"), least, **call) == pytest.approx([exact])
    assert numloss.msle(np.array([least]), np.float32(most), **call) == pytest.approx([exact])


def test_robust_loss_is_continuous_in_its_shape():
    """Where its formula has no value: beside it nothing jumps, and far from it is the limit."""
    r = np.array([1e-10, 0.1, 1.0, 3.0, 20.0])
    for alpha, step in ((0.0, 1e-12), (2.0, 1e-12), (1.0, 1e-12), (4.0, 1e-12)):
        middle = per_example(numloss.robust, r, 0.0, alpha=alpha, c=1.5)
        for side in (alpha - step, alpha + step):
            for one, other in zip(
                per_example(numloss.robust, r, 0.0, alpha=side, c=1.5), middle, strict=True
            ):
                assert one == pytest.approx(other, rel=1e-10)
    for alpha in (-1e30, -1e300):
        assert_same(
            per_example(numloss.robust, r, 0.0, alpha=alpha),
            per_example(numloss.robust, r, 0.0, alpha=-INF),
        )
    assert numloss.robust(r, 0.0, alpha=-1e17) == pytest.approx(numloss.robust(r, 0.0, alpha=-INF))


def test_sum_of_infinities():
    assert numloss.mse([INF, 1.0, -INF], 0.0) == INF
    assert numloss.mae([1.0, INF], 0.0, weight=[1.0, 0.0]) == 1.0


# --------------------------------------------------------------------- classes that cannot happen


@both_floats
@every_width
@pytest.mark.parametrize(
    "variant",
    [v for v in VARIANTS if v.name in ("cross_entropy", "kl_divergence", "softmax_focal")],
    ids=str,
)
def test_impossible_class_is_as_if_it_were_not_there(variant, classes, dtype):
    """A logit of -inf that is not the label's: no share of anything, and the rest as without it."""
    prediction, target = variant.inputs((70, classes + 3), dtype)
    options = variant.options(classes + 3)
    alive = np.ones(classes + 3, dtype=bool)
    alive[[0, 2, classes]] = False
    if variant.domain is DISTRIBUTIONS:
        target[:, ~alive] = 0
        target[:, alive] += dtype == "float64" or 1e-3
        target /= target.sum(axis=-1, keepdims=True)
        alone = np.ascontiguousarray(target[:, alive])
    else:
        target = np.flatnonzero(alive)[target % classes]
        alone = (np.cumsum(alive) - 1)[target]
    prediction[:, ~alive] = -INF
    value, gradient, hessian = per_example(variant.loss, prediction, target, **options)
    assert not gradient[:, ~alive].any()
    assert not hessian[:, ~alive].any()
    for key in ("class_weight", "alpha"):
        if isinstance(options.get(key), np.ndarray):
            options[key] = options[key][alive]
    if "label_smoothing" in options:
        # The impossible classes do not share in it, but they are classes.
        assert np.isfinite(value).all()
        assert np.isfinite(gradient).all()
        return
    expected = per_example(variant.loss, prediction[:, alive], alone, **options)
    eps = np.finfo(dtype).eps
    assert value == pytest.approx(expected[0], rel=float(64 * eps), abs=0)
    for found, e in zip((gradient[:, alive], hessian[:, alive]), expected[1:], strict=True):
        assert (abs(found - e) <= 64 * eps * abs(e).max(axis=-1, keepdims=True)).all()


@both_floats
@every_width
@pytest.mark.parametrize("name", SOFTMAX)
def test_impossible_label_costs_infinity(name, classes, dtype):
    rng = np.random.default_rng(1)
    prediction = rng.normal(size=(66, classes)).astype(dtype)
    label = np.arange(66) % classes
    hit = np.arange(66) % 2 == 0
    prediction[hit, label[hit]] = -INF
    value, gradient, hessian = per_example(getattr(numloss, name), prediction, label)
    assert (value[hit] == INF).all()
    assert np.isfinite(value[~hit]).all()
    # The derivatives are those of the limit: softmax, less 1 at the label.
    with np.errstate(divide="ignore"):
        p = np.exp(prediction.astype(float))
    p /= p.sum(axis=-1, keepdims=True)
    p[np.arange(66), label] -= 1
    assert gradient[hit] == pytest.approx(p[hit], abs=2e-6)
    assert np.isfinite(hessian).all()


@both_floats
@every_width
def test_distributions_over_impossible_classes(classes, dtype):
    prediction = np.random.default_rng(1).normal(size=(4, classes)).astype(dtype)
    prediction[:, 0] = -INF
    q = np.zeros((4, classes), dtype)
    q[:2, 0] = 0.5
    q[:, -1] = 1 - q[:, 0]
    for loss in (numloss.cross_entropy, numloss.kl_divergence):
        value, gradient, hessian = per_example(loss, prediction, q)
        assert np.isfinite(value).tolist() == [False, False, True, True]
        assert (value[:2] == INF).all()
        assert gradient[:, 0].tolist() == [-0.5, -0.5, 0, 0]
        assert np.isfinite(gradient).all()
        assert not hessian[:, 0].any()
    # Soft labels give every class a share.
    value, gradient, _ = per_example(
        numloss.ordinal_cross_entropy, prediction, np.arange(4) % classes
    )
    near = np.exp(-(np.arange(4) % classes)) > (1e-30 if dtype == "float32" else 1e-200)
    assert (value[near] == INF).all()
    assert np.isfinite(gradient).all()


@both_floats
@every_width
def test_impossible_classes_of_losses_with_an_order_or_a_margin(classes, dtype):
    prediction = np.random.default_rng(1).normal(size=(3, classes)).astype(dtype)
    prediction[:, 0] = -INF
    last = np.full(3, classes - 1)
    for variant in ("weston_watkins", "crammer_singer"):
        value, gradient, _ = per_example(
            numloss.multiclass_hinge, prediction, last, variant=variant
        )
        alone = per_example(numloss.multiclass_hinge, prediction[:, 1:], last - 1, variant=variant)
        assert value == pytest.approx(alone[0], rel=1e-6)
        assert not gradient[:, 0].any()
        value, gradient, _ = per_example(
            numloss.multiclass_hinge, prediction, np.zeros(3, int), variant=variant
        )
        assert (value == INF).all()
        assert np.isfinite(gradient).all()
    value, gradient, hessian = per_example(numloss.ranked_probability, prediction, last)
    alone = per_example(numloss.ranked_probability, prediction[:, 1:], last - 1)
    assert value == pytest.approx(alone[0], rel=1e-5)
    assert gradient[:, 1:] == pytest.approx(alone[1], rel=1e-4, abs=1e-6)
    assert not gradient[:, 0].any()
    assert not hessian[:, 0].any()


#: One tile of classes and several, the last a part of a step.
LONG = (1, 2, 300, 5000)


# Pixels of which none can be in a region are no such row.
@both_floats
@pytest.mark.parametrize("classes", LONG)
@pytest.mark.parametrize(
    "variant",
    [
        v
        for v in VARIANTS
        if v.rowwise
        and v.loss.family not in ("segmentation", "ranking")
        and v.domain not in (THRESHOLDS, RISING, MEMBERS)
    ],
    ids=str,
)
def test_row_without_a_possible_class(variant, classes, dtype):
    """Where nothing can happen, nothing can be told: NaN in the whole row; the neighbours stay."""
    if variant.name in TABLED and classes > 300:
        pytest.skip("a table quadratic in the classes")
    prediction, target = variant.inputs((5, classes), dtype)
    options = variant.options(classes)
    expected = per_example(variant.loss, prediction, target, **options)
    prediction[2] = -INF
    found = per_example(variant.loss, prediction, target, **options)
    for x, e in zip(found, expected, strict=True):
        assert np.isnan(x[2]).all()
        assert np.array_equal(np.delete(x, 2, 0), np.delete(e, 2, 0))
    for x in (
        variant.loss.grad(prediction, target, reduction="none", **options),
        variant.loss.value_and_grad(prediction, target, reduction="none", **options)[1],
    ):
        assert np.array_equal(x, found[1], equal_nan=True)
    # A weight of 0 takes it out.
    weight = np.array([1, 1, 0, 1, 1])
    left = variant.loss.grad_and_hess(prediction, target, reduction="sum", weight=weight, **options)
    assert np.isfinite(variant.loss(prediction, target, reduction="sum", weight=weight, **options))
    for x in left:
        assert not x[2].any()


@both_floats
@pytest.mark.parametrize("largest", [-72.1, -60.0, -1e4])
@pytest.mark.parametrize("classes", [1024, 4160, 5000])
def test_possible_classes_after_tiles_without_one(classes, largest, dtype):
    """The exponentials of such a tile are 0, whatever the others' maximum."""
    prediction = np.full((2, classes), -INF, dtype)
    prediction[:, -3:] = largest
    label = np.full(2, classes - 1)
    soft = np.zeros((2, classes), dtype)
    soft[:, -1] = 1
    for loss, target in ((numloss.cross_entropy, label), (numloss.cross_entropy, soft)):
        value, gradient, hessian = per_example(loss, prediction, target)
        assert value == pytest.approx(np.log(3), rel=1e-6)
        assert gradient[:, -3:] == pytest.approx(np.tile([1 / 3, 1 / 3, -2 / 3], (2, 1)), rel=1e-6)
        assert hessian[:, -3:] == pytest.approx(2 / 9, rel=1e-6)
        assert not gradient[:, :-3].any()
        assert not hessian[:, :-3].any()


@both_floats
@every_width
@pytest.mark.parametrize("name", [*SOFTMAX, "ranked_probability"])
def test_infinite_logit_has_no_softmax(name, classes, dtype):
    prediction = np.zeros((3, classes), dtype)
    prediction[1, -1] = INF
    found = per_example(getattr(numloss, name), prediction, np.zeros(3, int))
    for x in found:
        assert np.isnan(x[1]).all()
        assert np.isfinite(x[[0, 2]]).all()


# ---------------------------------------------------------------------------- very large and small


@pytest.mark.parametrize("largest", [1e30, 3e38])
@every_width
@over_classes
def test_huge_logits_do_not_become_nan(variant, classes, largest):
    prediction, target = variant.inputs((66, classes), "float32")
    prediction = np.sign(prediction) * np.float32(largest)
    found = per_example(variant.loss, prediction, target, **variant.options(classes))
    for x in found:
        assert not np.isnan(x).any()
    # Beyond the type, as the value does.
    grows = variant.parameters.get("power") == 2 or variant.domain is RISING
    assert grows or np.isfinite(found[1]).all()


@both_floats
@pytest.mark.parametrize(
    "variant", [v for v in VARIANTS if not v.rowwise and not v.domain.in_unit], ids=str
)
def test_huge_elements_do_not_become_nan(variant, dtype):
    prediction, target = variant.inputs(40, dtype)
    prediction = np.copysign(np.finfo(dtype).max, prediction)
    for x in per_example(variant.loss, prediction, target, **variant.options(1)):
        assert not np.isnan(x).any()


@every_variant
def test_floating_point_errors_are_no_ones_business(variant):
    """Whatever NumPy is told to do about them: exp(-1000) is 0 by design."""
    shape = (5, 2050) if variant.rowwise else (5,)
    prediction, target = variant.inputs(shape, "float32")
    prediction = prediction if variant.domain.in_unit else prediction * np.float32(1e4)
    options = variant.options(shape[-1])
    expected = results(variant.loss, prediction, target, **options)
    with np.errstate(all="raise"):
        assert_same(results(variant.loss, prediction, target, **options), expected)


def test_sum_of_values_beyond_float32():
    x = np.full(1000, 3e38, "float32")
    assert numloss.mae(x, np.float32(0), reduction="sum") == 1000 * float(x[0])
    assert numloss.mae(x, np.float32(0)) == float(x[0])


@pytest.mark.parametrize("x", [-87.0, -95.0, -103.0])
def test_subnormal_results_are_kept(x):
    prediction = np.array([x], "float32")
    value, gradient, _ = per_example(numloss.binary_cross_entropy, prediction, 0.0)
    expected = np.exp(x)
    assert 0 < expected < 3 * np.finfo("float32").tiny
    assert value == pytest.approx([expected], abs=1.5e-45)
    assert gradient == pytest.approx([expected], abs=1.5e-45)
    # Half a unit of the smallest number.
    assert numloss.binary_cross_entropy(np.array([-105.0], "float32"), 0.0) < 1e-45


@pytest.mark.parametrize("gamma", [0.5, 1.0, 1.5, 2.0, 3.5])
@pytest.mark.parametrize("p", [2.0**-70, 2.0**-100, 2.0**-140])
@pytest.mark.parametrize("from_logits", [True, False])
def test_focal_derivatives_of_certain_predictions(from_logits, p, gamma):
    """They vanish with the probability p of a miss: l ~ p^(gamma + 1)."""
    prediction = np.array([np.log(p) if from_logits else p], "float32")
    value, gradient, hessian = per_example(
        numloss.focal, prediction, 0.0, gamma=gamma, alpha=None, from_logits=from_logits
    )
    assert value == pytest.approx([p ** (gamma + 1)], rel=1e-4, abs=2e-45)
    # d/dx = p d/dp where p is tiny.
    scale = p if from_logits else 1.0
    slope, curvature = (gamma + 1) * p**gamma, (gamma + 1) * gamma * p ** (gamma - 1)
    assert gradient == pytest.approx([scale * slope], rel=1e-4, abs=1e-38)
    if from_logits:
        curvature += slope / p
    if gamma >= 1:
        assert hessian == pytest.approx([scale**2 * curvature], rel=1e-4, abs=1e-19)
    assert np.isfinite(hessian).all()


# ------------------------------------------------------------------------------- nothing, and much


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4)], ids=str)
@pytest.mark.parametrize("name", CASES)
def test_empty(name, shape):
    loss = getattr(numloss, name)
    prediction = np.zeros(shape + (5,) * loss.rowwise, "float32")
    of_each = name == "kl_divergence" or loss.domain in OF_LISTS or not loss.rowwise
    target = prediction if of_each else np.zeros(shape, int)
    target = prediction > 0 if loss.domain in ("booleans", "unit interval") else target
    assert loss(prediction, target, reduction="sum") == 0
    value, gradient = loss.value_and_grad(prediction, target, reduction="none")
    assert value.shape == shape
    assert gradient.shape == prediction.shape
    assert value.dtype == gradient.dtype == "float32"
    with pytest.warns(RuntimeWarning, match="no examples"):
        assert np.isnan(loss(prediction, target))
    place = prediction.copy()
    assert loss.grad(place, target, out=place, reduction="sum").shape == prediction.shape


def test_more_elements_than_32_bits_count():
    n = 2**31 + 5
    x = np.broadcast_to(np.float32(2), (n,))
    assert numloss.mse(x, np.float32(0), reduction="sum") == 4 * n
    assert numloss.mse(x, np.float32(0), denominator="count") == 4


@pytest.mark.slow
def test_more_rows_than_32_bits_count():
    n = 2**31 + 5
    rows = np.broadcast_to(np.zeros(2, "float32"), (n, 2))
    labels = np.broadcast_to(np.int8(1), (n,))
    assert numloss.multiclass_hinge(rows, labels, reduction="sum") == n


def test_more_classes_than_a_row_has_tiles():
    classes = 5_000_011
    row = np.zeros((1, classes), "float32")
    row[0, 4_500_000] = 2.0
    value, gradient = numloss.cross_entropy.value_and_grad(row, [4_500_000])
    total = classes - 1 + np.exp(2.0)
    assert value == pytest.approx(np.log(total) - 2, rel=1e-6)
    assert gradient[0, 4_500_000] == pytest.approx(np.exp(2.0) / total - 1, rel=1e-6)
    assert gradient[0, -1] == pytest.approx(1 / total, rel=1e-5)
    assert gradient.sum(dtype=float) == pytest.approx(0, abs=1e-4)


# ------------------------------------------------------------------------------------------ memory

PEAK = """
import sys
import numpy as np
import numloss

def peak():
    with open("/proc/self/status") as status:
        (line,) = (line for line in status if line.startswith("VmHWM"))
    return 1024 * int(line.split()[1])

rng = np.random.default_rng(0)
x = rng.normal(size=(100_000, 100)).astype(np.float32)
y = np.arange(100_000) % 100
strided = np.asfortranarray(x[:50_000])
long = np.asfortranarray(x.reshape(2000, 5000))
gradient = np.ones_like(x)
calls = {
    "cross_entropy": lambda n: numloss.cross_entropy(x[:n], y[:n]),
    "smoothed": lambda n: numloss.cross_entropy.grad(
        x[:n], y[:n], label_smoothing=0.1, out=gradient[:n]
    ),
    "softmax_focal": lambda n: numloss.softmax_focal.value_and_grad(x[:n], y[:n], out=gradient[:n]),
    "ranked_probability": lambda n: numloss.ranked_probability(x[:n], y[:n]),
    "long_rows": lambda n: numloss.cross_entropy(x[:n].reshape(n // 20, 2000), y[: n // 20]),
    "transposed": lambda n: numloss.cross_entropy(strided[: n // 2], y[: n // 2]),
    "long_rows_transposed": lambda n: numloss.cross_entropy.value_and_grad(
        long[: n // 50], y[: n // 50], out=long[: n // 50]
    ),
    "elements_transposed": lambda n: numloss.focal.value_and_grad(
        long[: n // 50], np.float32(1), out=long[: n // 50]
    ),
    "mse": lambda n: numloss.mse(x[:n], x[::-1][:n]),
    "focal": lambda n: numloss.focal.value_and_grad(x[:n], np.float32(1), out=gradient[:n]),
    "float16_target": lambda n: numloss.mse(x[:n], np.float16(1)),
    "in_place": lambda n: numloss.huber.grad(x[:n], 0.0, out=x[:n]),
}
call = calls[sys.argv[1]]
for n in (100, 1000, 100):
    call(n)
before = peak()
call(100_000)
print(peak() - before)
"""
#: Of these many rows are copied at a time.
COPIED = ("long_rows_transposed", "elements_transposed")


@pytest.mark.plain_build
@pytest.mark.parametrize(
    "call",
    [
        "cross_entropy",
        "smoothed",
        "softmax_focal",
        "ranked_probability",
        "long_rows",
        "transposed",
        "mse",
        "focal",
        "float16_target",
        "in_place",
        *COPIED,
    ],
)
def test_memory(call):
    """Forty megabytes of input, and nothing of its size is allocated."""
    output = subprocess.run(
        [sys.executable, "-c", PEAK, call], check=True, capture_output=True, text=True
    ).stdout
    assert int(output) < (5 if call in COPIED else 2) * 2**20


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weight", [1e-310, 1e-300, 1e-40, 1e40, 1e300])
def test_weights_of_any_size_cancel(weight, dtype):
    prediction, target = np.array([1, 2], dtype), np.zeros(2, dtype)
    value, gradient = numloss.mse.value_and_grad(prediction, target, weight=[weight] * 2)
    assert value == pytest.approx(2.5)
    assert gradient == pytest.approx([1, 2])


def test_denominator_beyond_the_type_of_the_gradient():
    prediction = np.array([1e-10, 2e-10], "float32")
    gradient = numloss.mse.grad(prediction, np.float32(0), denominator=1e-42)
    assert gradient == pytest.approx([2e32, 4e32], rel=1e-6)


@pytest.mark.parametrize("classes", [2, 300, 5000])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_factors_beyond_the_type_of_the_gradient_over_classes(classes, dtype):
    """1e39 does not fit float32; what it multiplies is small."""
    logits = np.full((2, classes), -np.inf, dtype)
    logits[:, :2] = [[90, 0], [0, 0]]
    probability = 1 / (1 + np.exp(90.0))
    call = {"weight": np.array([1.0, 0.0]), "denominator": 1e-39}
    gradient, hessian = numloss.cross_entropy.grad_and_hess(logits, np.array([0, 1]), **call)
    tiny = pytest.approx(1e39 * probability, rel=2e-3)
    assert [-gradient[0, 0], gradient[0, 1], *hessian[0, :2]] == [tiny] * 4
    assert not gradient[:, 2:].any()
    assert not gradient[1].any()
    assert not hessian[1].any()
    soft = np.eye(2, classes, dtype=dtype)
    assert numloss.cross_entropy.grad(logits, soft, **call)[0, 1] == tiny
    scores = np.zeros((1, classes), dtype)
    scores[0, 0] = 5
    outside = numloss.multiclass_hinge.grad(scores, np.array([0]), denominator=1e-39)
    assert not outside.any()


@pytest.mark.plain_build  # sanitizers make frames larger
def test_small_stack_of_a_thread_suffices():
    code = """
import threading
import numpy as np
import numloss

def work():
    x, w = np.ones(3000), np.ones(3000)
    numloss.mse(x, x)
    numloss.huber.grad_and_hess(x, x + 1, weight=w)
    numloss.cross_entropy.value_and_grad(np.zeros((3, 5000)), [0, 1, 2])
    numloss.kl_divergence.value_and_grad(np.zeros((3, 300)), np.full((3, 300), 1 / 300))
    asked = {"weight": w[:70], "return_logsumexp": True, "return_predicted": True}
    for classes in (10, 300):
        z, y = np.zeros((70, classes)), np.zeros(70, int)
        numloss.cross_entropy.grad_and_hess(z, y, **asked)
        numloss.kl_divergence.grad_and_hess(z, np.full_like(z, 1 / classes), **asked)
        numloss.ranked_probability.grad_and_hess(z, y, **asked)

threading.stack_size(64 * 1024)
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("classes", [10, 300, 5000])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("smoothing", [5e-324, 1e-45])
def test_smoothing_that_no_class_gets_a_share_of(classes, dtype, smoothing):
    logits = np.random.default_rng(classes).normal(size=(70, classes)).astype(dtype)
    labels = np.arange(70) % classes
    value, gradient = numloss.cross_entropy.value_and_grad(
        logits, labels, label_smoothing=smoothing, out=np.full_like(logits, 7)
    )
    plain = numloss.cross_entropy.value_and_grad(logits, labels)
    tolerance = 8 * float(np.finfo(dtype).eps)
    assert value == pytest.approx(plain[0], rel=tolerance)
    assert np.allclose(gradient, plain[1], rtol=tolerance, atol=tolerance / 70)
