"""Every loss against its definition: values, derivatives, reductions, weights, forms of targets."""

import math
from functools import cache, partial

import ml_dtypes
import mpmath
import numpy as np
import pytest
from cases import (
    CASES,
    GROUPED,
    LABELS,
    MEMBERS,
    RELEVANCES,
    RISING,
    TABLED,
    THRESHOLDS,
    VARIANTS,
    assert_same,
    in_type,
    per_example,
    results,
)

import numloss
from numloss import _core

CLASSES = 7
FLOATS = ("float64", "float32")
HALVES = (np.dtype("float16"), np.dtype(ml_dtypes.bfloat16))
KINKS = [(name, kink) for name, case in CASES.items() for kink in case.kinks]

every_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)
both_floats = pytest.mark.parametrize("dtype", FLOATS)


def sample(variant, dtype="float64", n=200, seed=0):
    """Draw n elements, or rows of `CLASSES`; return them with the parameters."""
    shape = (n, CLASSES) if variant.rowwise else (n,)
    prediction, target = variant.inputs(shape, dtype, seed)
    # bfloat16 holds few probabilities or logarithms of them, and few numbers of some size or apart.
    few = variant.name in ("nll", "cumulative_link")
    distinct = 0.3 if variant.domain is RELEVANCES else 0.35 if few else 0.5
    distinct = 0.2 if variant.domain.in_unit else distinct
    assert len(np.unique(prediction)) > distinct * prediction.size
    if target.dtype.kind in "iub":
        labels = CLASSES if variant.rowwise and target.dtype.kind == "i" else 2
        labels += variant.domain in (THRESHOLDS, RISING)
        assert len(np.unique(target)) == labels
    return prediction, target, variant.options(CLASSES)


def spacing(x, dtype):
    """Distance of the floats of a type at x, which has more digits than they."""
    info = np.finfo(dtype)
    exponent = np.frexp(np.where(x == 0, np.longdouble(info.tiny), x))[1] - 1
    return np.ldexp(np.longdouble(1), np.maximum(exponent, info.minexp) - info.nmant)


def assert_within(actual, expected, error):
    """Compare with an error for each element; beyond the type's range inf is expected."""
    largest = np.finfo(actual.dtype).max
    beyond = abs(expected) > largest
    assert np.array_equal(actual[beyond], np.sign(expected[beyond]) * np.inf)
    off = np.where(beyond, 0, abs(actual - expected) / error)
    at = np.unravel_index(np.argmax(off), off.shape)
    assert off[at] <= 1, f"{actual[at]} at {at}, expected {expected[at]}: {off[at]} times the error"


def assert_relative(actual, expected, error):
    """Compare with a relative error."""
    off = abs(np.longdouble(actual) - np.longdouble(expected))
    assert (off <= error * abs(np.longdouble(expected))).all(), f"{actual} is not {expected}"


# ------------------------------------------------------------------------- against the definitions


@both_floats
@every_variant
def test_value(variant, dtype):
    prediction, target, options = sample(variant, dtype)
    expected = variant.value(prediction, target)
    assert expected.std() > 0
    value = variant.loss(prediction, target, reduction="none", **options)
    assert value.dtype == dtype
    assert value.shape == variant.examples(prediction)
    assert_within(value, expected, variant.ulps * spacing(expected, dtype))


@cache
def differences(variant, dtype):
    """Inputs that a type holds, and the derivatives of the definition there."""
    prediction, target, _ = sample(variant, dtype)
    return prediction, target, variant.derivatives(prediction, target)


@both_floats
@every_variant
def test_gradient_and_hessian(variant, dtype):
    # The same for both types, but for shares, which rounding keeps from adding up to 1.
    held = dtype if variant.domain.soft else "float32"
    prediction, target, derivatives = differences(variant, held)
    prediction, target = prediction.astype(dtype), in_type(target, dtype)
    options = variant.options(CLASSES)
    smooth = variant.smooth(prediction, target)
    assert smooth.mean() > 0.9
    results = variant.loss.grad_and_hess(prediction, target, reduction="none", **options)
    # The second differences themselves are right to some 1e-13.
    # Squares are larger, and differences of them less exact.
    squares = variant.parameters.get("power") == 2 or variant.case.cancels
    noise = 1e-11 if squares or variant.name == "lambdarank" else 1e-12
    noises = (1e-13 if variant.case.steep else 0, noise)
    for actual, expected, off in zip(results, derivatives, noises, strict=True):
        assert actual.dtype == dtype
        assert actual.shape == prediction.shape
        error = (8 * np.finfo(dtype).eps + off) * max(1, abs(expected).max())
        assert_within(actual[smooth], expected[smooth], error)


@cache
def exact_points(variant):
    """Values and derivatives at the points of the domain, to more digits than a long double has."""
    prediction, target = variant.domain.points
    # Of 1 - exp(-700), and of its differences, hundreds of digits must be there.
    with mpmath.workdps(450):
        results = (
            variant.value(prediction, target, exact=True),
            *variant.derivatives(prediction, target, exact=True),
        )
        digits = np.frompyfunc(lambda x: np.longdouble(mpmath.nstr(x, 25)), 1, 1)
        return tuple(digits(result).astype(np.longdouble) for result in results)


@both_floats
@every_variant
def test_no_digits_are_lost(variant, dtype):
    prediction, target = variant.domain.points
    p, t = prediction.astype(dtype), in_type(target, dtype)
    assert np.array_equal(p, prediction)
    options = variant.options(p.shape[-1])
    value, gradient, hessian = exact_points(variant)
    smooth = variant.smooth(prediction, target, reach=0)
    actual = variant.loss(p, t, reduction="none", **options)
    assert_within(actual, value, variant.ulps * spacing(value, dtype))
    results = variant.loss.grad_and_hess(p, t, reduction="none", **options)
    for actual, expected in zip(results, (gradient, hessian), strict=True):
        scale = abs(expected)
        if variant.rowwise and not variant.keeps_digits:
            scale = scale.max(axis=-1, keepdims=True)
        error = np.broadcast_to(variant.ulps * spacing(scale, dtype), expected.shape)
        if not variant.rowwise:  # differences of an eighth order find no exact 0
            error = np.maximum(error, 1e-290 * abs(value))
        assert_within(actual[smooth], expected[smooth], error[smooth])


@both_floats
@pytest.mark.parametrize(
    ("name", "kink"), KINKS, ids=[f"{name}-{i}" for i, (name, _) in enumerate(KINKS)]
)
def test_kinks(name, kink, dtype):
    loss = getattr(numloss, name)
    prediction = np.array([kink.prediction], dtype)
    target = np.array([kink.target])
    value = loss(prediction, target, reduction="none", **kink.parameters)
    gradient, hessian = loss.grad_and_hess(prediction, target, reduction="none", **kink.parameters)
    assert value.tolist() == [kink.value]
    assert gradient.tolist() == [kink.gradient]
    assert hessian.tolist() == [kink.hessian]


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@every_variant
def test_short_floats_are_computed_in_float32_and_rounded(variant, dtype):
    prediction, target, options = sample(variant, dtype)
    wide = prediction.astype("float32")
    for reduction in ("none", "sum", "mean"):
        value, gradient = variant.loss.value_and_grad(
            prediction, target, reduction=reduction, **options
        )
        wide_value, wide_gradient = variant.loss.value_and_grad(
            wide, target, reduction=reduction, **options
        )
        assert gradient.dtype == dtype
        assert np.array_equal(gradient, wide_gradient.astype(dtype))
        if reduction == "none":
            assert value.dtype == dtype
            wide_value = wide_value.astype(dtype)
        assert np.array_equal(value, wide_value)


# --------------------------------------------------------------- reductions, weights, denominators


@both_floats
@every_variant
def test_methods_agree_to_the_bit(variant, dtype):
    prediction, target, options = sample(variant, dtype)
    kept = prediction.copy(), target.copy()
    for reduction in ("none", "sum", "mean"):
        call = {"reduction": reduction, **options}
        value = variant.loss(prediction, target, **call)
        gradient = variant.loss.grad(prediction, target, **call)
        pair = variant.loss.value_and_grad(prediction, target, **call)
        assert np.array_equal(pair[0], value)
        assert np.array_equal(pair[1], gradient)
        assert np.array_equal(variant.loss.grad_and_hess(prediction, target, **call)[0], gradient)
        if reduction != "none":
            assert type(value) is type(pair[0]) is np.float64
    assert_same((prediction, target), kept)


@both_floats
@every_variant
def test_sum_adds_every_digit_of_the_values(variant, dtype):
    prediction, target, options = sample(variant, dtype, 5000)
    values = variant.loss(prediction, target, reduction="none", **options)
    total = variant.loss(prediction, target, reduction="sum", **options)
    # A class's factor is applied to the values in float64, and rounds them only as results.
    rounds = variant.rowwise and not options.keys().isdisjoint({"class_weight", "alpha"})
    rounds = rounds or variant.name in GROUPED
    error = np.finfo(dtype if rounds else float).eps
    assert_relative(total, math.fsum(values.tolist()), 2 * error)


@both_floats
@every_variant
def test_mean_divides_by_the_weights(variant, dtype):
    prediction, target, options = sample(variant, dtype, 300)
    weight = np.random.default_rng(1).exponential(size=300).round(3)
    total = variant.weight(target, CLASSES) * weight
    for call, divisor in (
        ({}, variant.weight(target, CLASSES).sum()),
        ({"denominator": "count"}, 300),
        ({"weight": weight}, total.sum()),
        ({"weight": weight, "denominator": "count"}, 300),
        ({"weight": weight, "denominator": 512}, 512),
    ):
        call = {**options, **call}
        mean, mean_gradient = variant.loss.value_and_grad(prediction, target, **call)
        assert variant.loss(prediction, target, **call) == mean
        call.pop("denominator", None)
        value, gradient = variant.loss.value_and_grad(prediction, target, reduction="sum", **call)
        assert_relative(mean, value / divisor, 1e-15)
        # Three products for the sum's gradient (weight, slope, share), three for the mean's, whose
        # first is a quotient: six roundings of half an eps, and an eps is up to two spacings.
        expected = gradient / np.longdouble(divisor)
        scale = abs(expected).max(axis=-1, keepdims=True) if variant.rowwise else expected
        assert_within(mean_gradient, expected, 6 * spacing(scale, dtype))


@both_floats
@every_variant
def test_weights_multiply(variant, dtype):
    prediction, target, options = sample(variant, dtype)
    # Nothing is rounded where the weights are powers of two, and no result is subnormal.
    prediction = prediction / np.array(8, dtype) if variant.name == "ldam" else prediction
    weight = 2.0 ** np.random.default_rng(1).integers(-3, 4, size=200)
    weight[::5] = 0
    call = {"reduction": "none", **options}
    plain = [
        variant.loss(prediction, target, **call),
        *variant.loss.grad_and_hess(prediction, target, **call),
    ]
    expected = [(np.where(weight == 0, 0, x.T) * weight.astype(dtype)).T for x in plain]
    call["weight"] = weight
    assert_same([variant.loss(prediction, target, **call)], expected[:1])
    assert_same(variant.loss.grad_and_hess(prediction, target, **call), expected[1:])
    weight = np.random.default_rng(1).exponential(size=200)
    total = variant.loss(prediction, target, weight=weight, reduction="sum", **options)
    # Here the values count before they are rounded to the type of the results.
    assert_relative(total, math.fsum(weight * plain[0]), np.finfo(dtype).eps)


@pytest.mark.parametrize("shape", [(), (1, 1), (1, 7), (5, 1), (5, 7)], ids=str)
@pytest.mark.parametrize("name", ["mse", "cross_entropy"])
def test_an_axis_of_a_weight_may_have_length_1(name, shape):
    variant = next(v for v in VARIANTS if v.name == name)
    examples = (5, 7)
    prediction, target = variant.inputs((*examples, 3) if variant.rowwise else examples)
    weight = np.random.default_rng(1).exponential(size=shape)
    for reduction in ("mean", "none"):
        call = {"reduction": reduction}
        value, gradient = variant.loss.value_and_grad(prediction, target, weight=weight, **call)
        full = np.broadcast_to(weight, examples).copy()
        expected, expected_gradient = variant.loss.value_and_grad(
            prediction, target, weight=full, **call
        )
        assert np.array_equal(value, expected)
        assert np.array_equal(gradient, expected_gradient)
    integers = np.arange(35).reshape(examples)
    assert variant.loss(prediction, target, weight=integers) == variant.loss(
        prediction, target, weight=integers.astype(float)
    )


@pytest.mark.parametrize("classes", [CLASSES, 300])
@both_floats
@every_variant
def test_weight_0_hides_anything(variant, dtype, classes):
    if not variant.rowwise and classes > CLASSES:
        classes = 1  # the number of elements of a loss without classes
    shape = (130, classes) if variant.rowwise else (130 * classes,)
    prediction, target = variant.inputs(shape, dtype)
    options = variant.options(classes)
    weight = np.random.default_rng(1).exponential(size=shape[0])
    hidden = np.arange(shape[0]) % 3 == 1
    weight[hidden] = 0
    expected = list(results(variant.loss, prediction, target, weight=weight, **options))
    assert all(np.isfinite(result).all() for result in expected)
    assert not expected[0][hidden].any()
    prediction[hidden] = np.nan
    if target.dtype != bool:
        target[hidden] = -5 if target.dtype.kind == "i" else 7.0
    assert_same(results(variant.loss, prediction, target, weight=weight, **options), expected)


takes_labels = pytest.mark.parametrize(
    "variant", [v for v in VARIANTS if v.domain in (LABELS, THRESHOLDS)], ids=str
)


@pytest.mark.parametrize("ignore_index", [-100, -1, 3, 200])
@pytest.mark.parametrize("classes", [CLASSES, 300])
@takes_labels
def test_ignored_rows_are_not_there(variant, classes, ignore_index):
    prediction, target = variant.inputs((130, classes), "float32")
    options = variant.options(classes)
    ignored = np.arange(130) % 3 == 1
    target[target == ignore_index] = 0
    alone = [x[~ignored] for x in (prediction, target)]
    target[ignored] = ignore_index
    prediction[ignored] = np.nan
    options["ignore_index"] = ignore_index
    for reduction in ("none", "sum", "mean"):
        call = {"reduction": reduction, **options}
        value, gradient = variant.loss.value_and_grad(prediction, target, **call)
        expected, expected_gradient = variant.loss.value_and_grad(*alone, **call)
        assert not gradient[ignored].any()
        assert np.array_equal(gradient[~ignored], expected_gradient)
        if reduction == "none":
            assert not value[ignored].any()
            value = value[~ignored]
        # The rows add up in another order.
        assert_relative(value, expected, 1e-15)
    counted = variant.loss(prediction, target, denominator="count", **options)
    assert_relative(counted, variant.loss(*alone, denominator="count", **options), 1e-15)


@pytest.mark.parametrize("classes", [CLASSES, 300])
@pytest.mark.parametrize(
    "variant",
    [v for v in VARIANTS if "class_weight" in v.parameters and v.domain in (LABELS, THRESHOLDS)],
    ids=str,
)
def test_class_weight_is_part_of_the_weight(variant, classes):
    prediction, target = variant.inputs((130, classes), "float32")
    options = variant.options(classes)
    value, gradient = variant.loss.value_and_grad(prediction, target, **options)
    if "label_smoothing" in options:
        # The smoothed share of a class has that class's weight: not the weight of the example.
        even = np.full_like(prediction, 1 / classes)
        smoothing = options.pop("label_smoothing")
        weights = options["class_weight"]
        hard = variant.loss(prediction, target, reduction="sum", **options)
        spread = variant.loss(prediction, even, reduction="sum", **options)
        expected = (hard * (1 - smoothing) + spread * smoothing) / weights[target].sum()
        assert value == pytest.approx(expected, rel=1e-6)
        return
    weight = options.pop("class_weight")[target]
    expected = variant.loss.value_and_grad(prediction, target, weight=weight, **options)
    assert_same((value, gradient), expected)


def assert_nothing_averaged(loss, prediction, target, call):
    for ask in (loss, loss.grad, loss.value_and_grad):
        with pytest.warns(RuntimeWarning, match="no examples"):
            result = ask(prediction, target, **call)
    value, gradient = result
    assert np.isnan(value)
    assert gradient.shape == prediction.shape
    assert not gradient.any()
    # A sum over nothing is 0, and no cause for a warning.
    assert loss(prediction, target, reduction="sum", **call) == 0
    assert loss(prediction, target, denominator=2.0, **call) == 0
    assert not loss(prediction, target, reduction="none", **call).any()


@every_variant
def test_mean_over_weights_of_0(variant):
    prediction, target, options = sample(variant, n=20)
    assert_nothing_averaged(variant.loss, prediction, target, {"weight": 0.0, **options})


@takes_labels
def test_mean_over_ignored_rows(variant):
    prediction, target, options = sample(variant, n=20)
    assert_nothing_averaged(variant.loss, prediction, np.full_like(target, -100), options)


@both_floats
@every_variant
def test_mean_of_equals(variant, dtype):
    """Ten blocks of the same example cost what it costs."""
    for prediction, target in zip(*variant.domain.points, strict=True):
        p = np.array(prediction, dtype)
        t = in_type(np.array(target), dtype)
        options = variant.options(p.shape[-1] if p.ndim else 1)
        n = 70_000 if p.ndim == 0 else 20_000
        value = variant.loss(p, t, **options)
        repeated = np.broadcast_to(p, (n, *p.shape)), np.broadcast_to(t, (n, *t.shape))
        error = np.finfo(dtype if variant.name in GROUPED else float).eps
        # A lane of the sum adds up 32 of them, which float64 rounds alike.
        lane = np.add.accumulate(np.full(32, value))[-1]
        off = abs(lane - 32 * value) / abs(lane) if np.isfinite(lane) and lane else 0
        assert_relative(variant.loss(*repeated, **options), value, 4 * error + off)


def test_robust_losses_are_shapes_of_the_general_one():
    """As the docstrings say it."""
    r, call = np.linspace(-9, 9, 181), {"target": 0.0, "reduction": "none"}
    c = 1.75
    general = partial(numloss.robust, r, **call)
    for alpha, scale, expected in (
        (2.0, 1.0, numloss.half_mse(r, **call)),
        (1.0, c, numloss.pseudo_huber(r, delta=c, **call) / c**2),
        (0.0, c / np.sqrt(2), numloss.cauchy(r, c=c, **call) * 2 / c**2),
        (-2.0, 1.0, 2 * r**2 / (r**2 + 4)),
        (-np.inf, 1.0, -np.expm1(-(r**2) / 2)),
    ):
        assert general(alpha=alpha, c=scale) == pytest.approx(expected, rel=1e-13, abs=1e-15)


# ----------------------------------------------------------------------------- forms of the target


@pytest.mark.parametrize("classes", [1, 2, CLASSES, 300, 2000])
@both_floats
@pytest.mark.parametrize(
    "variant",
    [v for v in VARIANTS if str(v).startswith("cross_entropy") and v.domain is LABELS],
    ids=str,
)
def test_one_hot_probabilities_are_labels(variant, dtype, classes):
    prediction, target = variant.inputs((65, classes), dtype)
    options = variant.options(classes)
    one_hot = (target[:, None] == np.arange(classes)).astype(dtype)
    for reduction in ("none", "mean"):
        call = {"reduction": reduction, **options}
        value, gradient = variant.loss.value_and_grad(prediction, target, **call)
        hot_value, hot_gradient = variant.loss.value_and_grad(prediction, one_hot, **call)
        eps = np.finfo(dtype).eps
        assert_relative(hot_value, value, 4 * eps)
        largest = abs(gradient).max(axis=-1, keepdims=True)
        assert (abs(hot_gradient - gradient) <= 4 * eps * largest).all()


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i4", ">u2"])
@takes_labels
def test_labels_of_any_integer_type(variant, dtype):
    prediction, target, options = sample(variant, "float32")
    target[0] = 100  # a number that every type has
    options["ignore_index"] = 100
    assert_same(
        results(variant.loss, prediction, target.astype(dtype), **options),
        results(variant.loss, prediction, target, **options),
    )


@pytest.mark.parametrize("target", [1, 1.0, True, np.float32(1), np.array(1)], ids=repr)
@pytest.mark.parametrize("name", [name for name in CASES if not getattr(numloss, name).rowwise])
def test_scalar_target_stands_for_all(name, target):
    loss = getattr(numloss, name)
    domain = next(iter(CASES[name].parameters))
    prediction, _ = domain.draw(np.random.default_rng(1), (40, 3))
    prediction = prediction.astype("float32")
    full = np.ones((40, 3), "float32")
    assert_same(results(loss, prediction, target), results(loss, prediction, full))


@pytest.mark.parametrize("classes", [3, 70, 300])
@both_floats
def test_losses_of_probabilities(classes, dtype):
    """Values and derivatives by the probabilities, from their formulas, whatever rows add up to."""
    rng = np.random.default_rng(classes)
    p, y = rng.uniform(size=(70, classes)).astype(dtype), np.arange(70) % classes
    p[0], p[1, 0], y[3] = 0.5, 1 + 1e-7, -100
    y[1], weights = 0, np.linspace(1, 2, classes)
    p[4] = np.where(np.arange(classes) == y[4], 0, p[4])  # and the label has a probability of 0
    p[5], there = np.nan, rng.uniform(1, 2, 70)
    there[5] = 0
    wide, hot = np.minimum(p.astype(np.longdouble), 1), y[:, None] == np.arange(classes)
    q = hot * (1 - 0.25) + np.where(wide > 0, 0.25 / classes, 0)
    soft = np.where(wide > 0, 1, 0) * rng.exponential(size=p.shape)
    soft[[4, 5]] = np.eye(classes)[y[4]]
    soft = (soft / soft.sum(axis=1, keepdims=True)).astype(dtype)
    with np.errstate(divide="ignore", invalid="ignore"):
        log, miss = np.log(wide), 1 - wide

        def of_portions(v):
            return -np.where(v == 0, 0, v * log), np.where(v == 0, 0, -v / wide), v / wide**2

        focal = [
            np.where(hot, weights * x, 0)
            for x in (
                -(miss**2) * log,
                2 * miss * log - miss**2 / wide,
                -2 * log + 4 * miss / wide + (miss / wide) ** 2,
            )
        ]
        cases = [
            (numloss.cross_entropy, y, {"label_smoothing": 0.25}, of_portions(q)),
            (numloss.cross_entropy, y, {"class_weight": weights}, of_portions(hot * weights)),
            (numloss.cross_entropy, soft, {}, of_portions(soft.astype(np.longdouble))),
            (numloss.softmax_focal, y, {"alpha": weights}, focal),
        ]
    eps = float(np.finfo(dtype).eps)
    for loss, target, options, (values, slopes, bends) in cases:
        gone = np.isin(np.arange(70), [3, 5] if target is y else [5])
        call = {"weight": there, "from_logits": False, "reduction": "none", **options}
        found = per_example(loss, p, target, **call)
        for one, other in zip(found, (values.sum(axis=1), slopes, bends), strict=True):
            known = np.where(gone.reshape(70, *[1] * (other.ndim - 1)), 0, (other.T * there).T)
            known = np.where(np.isnan(known), 0, known)  # 0 by 0, of a class without a share
            np.testing.assert_allclose(one.astype(float), known, rtol=256 * eps, atol=eps)
        assert found[0][4] == np.inf
        places = [np.asfortranarray(p), np.repeat(p, 2, axis=1)[:, ::2], p.copy()]
        for place in places:
            assert_same(per_example(loss, place, target, **call), found)
            of_sum = {**call, "reduction": "sum"}
            expected = loss.value_and_grad(p, target, **of_sum)
            assert_same(loss.value_and_grad(place, target, out=place, **of_sum), expected)


@pytest.mark.parametrize("classes", [3, 300, 5000])
@both_floats
def test_logarithms_of_targets_are_those_of_their_exponentials(classes, dtype):
    rng = np.random.default_rng(classes)
    x, t = rng.normal(size=(2, 70, classes))
    t[:, 1] = -np.inf
    t = (t - np.log(np.exp(t).sum(axis=1, keepdims=True))).astype(dtype)
    q = _core.apply("exp", t.reshape(-1)).reshape(t.shape)
    x, loss = x.astype(dtype), numloss.kl_divergence
    expected = per_example(loss, x, q, temperature=2.0)
    for logs in (t, np.asfortranarray(t), t[:, ::-1].copy()[:, ::-1]):
        found = per_example(loss, x, logs, temperature=2.0, log_target=True)
        assert_same(found, expected)
    ways = [results(loss, x, target, log_target=given) for target, given in ((q, False), (t, True))]
    assert_same(*ways)


@pytest.mark.parametrize("classes", [3, 300])
@both_floats
def test_divergence_of_probabilities(classes, dtype):
    """In the digits of the values, as they may be negative where rows do not add up to 1."""
    rng = np.random.default_rng(classes)
    p = rng.uniform(size=(40, classes)).astype(dtype)
    q = rng.exponential(size=(40, classes)) * (rng.uniform(size=(40, classes)) < 0.75) + 1e-9
    q[:, 0], p[3, 1] = 0, 0
    q = (q / q.sum(axis=1, keepdims=True)).astype(dtype)
    found = per_example(numloss.kl_divergence, p, q, from_logits=False)
    wide, share = p.astype(np.longdouble), q.astype(np.longdouble)
    with np.errstate(divide="ignore"):
        terms = np.where(q == 0, 0, share * np.log(np.where(q == 0, 1, share) / wide))
        slopes = -np.where(q == 0, 0, share / wide)
        bends = np.where(q == 0, 0, share / wide**2)
    eps = float(np.finfo(dtype).eps)
    assert found[0] == pytest.approx(terms.sum(axis=1), abs=64 * eps)
    np.testing.assert_allclose(found[1], slopes, rtol=4 * eps)
    np.testing.assert_allclose(found[2], bends, rtol=8 * eps)
    assert found[0][3] == np.inf
    normed = p[4:] / p[4:].sum(axis=1, keepdims=True)
    same = numloss.kl_divergence(normed, q[4:], from_logits=False, reduction="none")
    logs = numloss.kl_divergence(np.log(normed), q[4:], reduction="none")
    np.testing.assert_allclose(same, logs, rtol=64 * eps)
    assert_same(
        [numloss.cross_entropy.grad(p, q, from_logits=False)],
        [numloss.kl_divergence.grad(p, q, from_logits=False)],
    )


def test_kullback_leibler_divergence_is_cross_entropy_less_entropy():
    variant = next(v for v in VARIANTS if v.name == "kl_divergence")
    prediction, q, _ = sample(variant)
    entropy = -np.sum(np.where(q > 0, q * np.log(np.where(q > 0, q, 1)), 0), axis=-1)
    cross_entropy = numloss.cross_entropy(prediction, q, reduction="none")
    divergence = numloss.kl_divergence(prediction, q, reduction="none")
    assert divergence == pytest.approx(cross_entropy - entropy, abs=1e-14)
    assert (divergence > 0).all()
    assert_same(
        [numloss.kl_divergence.grad(prediction, q)], [numloss.cross_entropy.grad(prediction, q)]
    )


#: Logits of -inf are classes that are not there, but among ordered classes they count, and a
#: smoothing shares its mass among them too. Members of an ensemble are no classes.
SPREADABLE = [
    v
    for v in VARIANTS
    if v.rowwise
    and v.name not in (*numloss.ordinal.__all__, *numloss.ranking.__all__, "cox")
    and v.name not in TABLED
    and "label_smoothing" not in v.parameters
    and not v.domain.in_unit
    and v.domain is not MEMBERS
]


@pytest.mark.parametrize("classes", [65, 300, 1030, 4097, 9000])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("variant", SPREADABLE, ids=str)
def test_long_rows_are_short_ones_spread_out(variant, dtype, classes):
    """However many tiles a row takes, in whatever order their maxima come."""
    n, few = 6, 40
    prediction, target = variant.inputs((n, few), dtype)
    in_rows = target.ndim == prediction.ndim
    if not in_rows:
        target = target % few
    options = variant.options(few)
    values, gradient, hessian = per_example(variant.loss, prediction, target, **options)
    rng = np.random.default_rng(classes)
    places = np.sort(rng.choice(classes, few, replace=False))

    def spread(x, fill):
        wide = np.full((*x.shape[:-1], classes), fill, x.dtype)
        wide[..., places] = x
        return wide

    for key, x in options.items():
        options[key] = spread(x, 1.0) if isinstance(x, np.ndarray) else x
    wide_target = spread(target, 0) if in_rows else places[target]
    found = per_example(variant.loss, spread(prediction, -np.inf), wide_target, **options)
    eps = np.finfo(dtype).eps
    shrink = few / classes if options.get("normalize") else 1.0
    expected = (shrink * x for x in (values, spread(gradient, 0.0), spread(hessian, 0.0)))
    for wide, short in zip(found, expected, strict=True):
        np.testing.assert_allclose(wide, short, rtol=512 * eps, atol=64 * eps)


@pytest.mark.parametrize("classes", [5, 256, 257, 1025, 9000])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_hinge_of_the_maximum_takes_the_first_of_equals(classes, dtype):
    """And none where the label leads by the margin: in one tile of a row or in several."""
    crammer_singer = partial(numloss.multiclass_hinge.value_and_grad, variant="crammer_singer")
    for first in (0, classes // 3, classes - 2):
        scores = np.zeros((2, classes), dtype)
        label = classes - 1
        scores[0, [first, classes - 2]] = 2.0
        scores[1, label] = 1.0
        value, gradient = crammer_singer(scores, [label, label], reduction="none")
        expected = np.zeros((2, classes), dtype)
        expected[0, first], expected[0, label] = 1, -1
        assert value.tolist() == [3, 0]
        assert_same([gradient], [expected])


# --------------------------------------------------------------------------------------- penalties

PENALTIES = [
    (numloss.l1_penalty, {}, lambda w: abs(w), np.sign),
    (numloss.l1_penalty, {"strength": 0.5}, lambda w: abs(w) / 2, lambda w: np.sign(w) / 2),
    (numloss.l2_penalty, {}, lambda w: w**2 / 2, lambda w: w),
    (numloss.l2_penalty, {"strength": 4.0}, lambda w: 2 * w**2, lambda w: 4 * w),
    (
        numloss.elastic_net,
        {"strength": 2.0, "l1_ratio": 0.25},
        lambda w: abs(w) / 2 + 3 * w**2 / 4,
        lambda w: np.sign(w) / 2 + 3 * w / 2,
    ),
    (numloss.elastic_net, {"l1_ratio": 1.0}, lambda w: abs(w), np.sign),
    (numloss.elastic_net, {"l1_ratio": 0.0}, lambda w: w**2 / 2, lambda w: w),
]


@both_floats
@pytest.mark.parametrize(
    ("penalty", "parameters", "value", "gradient"),
    PENALTIES,
    ids=[f"{row[0].__name__}-{i}" for i, row in enumerate(PENALTIES)],
)
def test_penalty(penalty, parameters, value, gradient, dtype):
    w = np.random.default_rng(1).normal(size=(70, 30)).astype(dtype)
    w[3, 5] = 0
    eps = np.finfo(dtype).eps
    total = penalty(w, **parameters)
    assert type(total) is np.float64
    assert_relative(total, value(w.astype(np.longdouble)).sum(), eps)
    slope = penalty.grad(w, **parameters)
    assert slope.dtype == dtype
    assert_within(slope, gradient(w.astype(np.longdouble)), 2 * spacing(slope, dtype))
    assert slope[3, 5] == 0
    assert_same(penalty.value_and_grad(w, **parameters), (total, slope))
    place = w.copy()
    assert penalty.grad(place, out=place, **parameters) is place
    assert_same([place], [slope])


@pytest.mark.parametrize("dtype", ["f2", "bf2", "f4", ">f8"])
@pytest.mark.parametrize("classes", [5, 300])
def test_labels_may_be_whole_floats(dtype, classes):
    x = np.random.default_rng(1).normal(size=(70, classes)).astype("f4")
    y = np.arange(70) % min(classes, 128)
    y[3] = -100
    floats = y.astype(ml_dtypes.bfloat16 if dtype == "bf2" else dtype)
    for loss in (numloss.cross_entropy, numloss.multiclass_hinge, numloss.ordinal_cross_entropy):
        expected = per_example(loss, x, y)
        assert_same(per_example(loss, x, floats), expected)
        assert_same(per_example(loss, x, np.repeat(floats, 2)[::2]), expected)
    assert numloss.cross_entropy(x, floats).dtype == np.float64
    # As labels do, they leave the type of the results alone.
    assert numloss.cross_entropy.grad(x, y.astype(float)).dtype == np.float32


@pytest.mark.parametrize("dtype", [*FLOATS, "float16"])
@pytest.mark.parametrize("classes", [5, 300, 5000])
@pytest.mark.parametrize("temperature", [0.5, 4.0])
def test_temperature_divides_the_scores(temperature, classes, dtype):
    """By a power of 2 it costs no digit: results are those of divided scores to the last bit."""
    rng = np.random.default_rng(classes)
    x = rng.normal(scale=2, size=(70, classes)).astype(dtype)
    x[rng.uniform(size=x.shape) < 0.1] = -np.inf
    x[:, 0] = 1
    y = np.zeros(70, int)
    y[5] = -100
    q = (x == x.max(axis=-1, keepdims=True)).astype(dtype)
    q /= q.sum(axis=-1, keepdims=True)
    options = {"reduction": "none", "weight": rng.uniform(size=70), "dtype": np.float64}
    asks = {"return_logsumexp": True, "return_predicted": True}
    for loss, target, more in (
        (numloss.cross_entropy, y, {}),
        (numloss.cross_entropy, y, {"label_smoothing": 0.1}),
        (numloss.cross_entropy, q, {"class_weight": np.linspace(1, 2, classes)}),
        (numloss.kl_divergence, q, {}),
    ):
        cooled, more = x.astype(float) / temperature, more | options
        expected = loss.value_and_grad(cooled, target, **more, **asks)
        slope, curvature = loss.grad_and_hess(cooled, target, **more)
        warm = more | {"temperature": temperature}
        value, gradient, *extras = loss.value_and_grad(x, target, **warm, **asks)
        assert_same((value, *extras), (expected[0], *expected[2:]))
        assert_same((gradient,), (expected[1] / temperature,))
        for place in (x.astype(float), np.asfortranarray(x.astype(float))):
            found = loss.grad_and_hess(place, target, **warm, out=(place, None))
            assert_same(found, (slope / temperature, curvature / temperature**2))


@pytest.mark.parametrize("classes", [3, 300])
def test_scores_that_a_temperature_takes_beyond_the_type_stay_finite(classes):
    x = np.full((2, classes), -3e38, "f4")
    x[:, 1] = 3e38
    value, gradient, hessian = per_example(numloss.cross_entropy, x, [1, 0], temperature=0.5)
    assert value.tolist() == [0.0, np.inf]
    assert gradient[0].tolist() == [0.0] * classes
    assert gradient[1, :2].tolist() == [-2.0, 2.0]
    assert not hessian.any()


@pytest.mark.parametrize("dtype", [*FLOATS, "float16"])
@pytest.mark.parametrize("classes", [5, 300, 5000])
def test_where_leaves_classes_out_as_minus_infinity_does(classes, dtype):
    """To the last bit, whatever their scores are, and however mask and scores lie."""
    rng = np.random.default_rng(classes)
    x = rng.normal(scale=2, size=(70, classes)).astype(dtype)
    mask = rng.uniform(size=x.shape) < 0.7
    mask[:, 0], mask[3], mask[7, 1] = True, False, False
    y = np.zeros(70, int)
    y[5], y[7] = -100, 1
    q = (mask / np.maximum(1, mask.sum(axis=1, keepdims=True))).astype(dtype)
    q[3, 0] = 1
    left, x = np.where(mask, x, -np.inf).astype(dtype), np.where(mask, x, np.nan)
    asks = {"return_logsumexp": True, "return_predicted": True, "reduction": "none"}

    def alike(x):  # of a NaN the bits do not count
        return np.where(np.isnan(x), np.array(np.nan, x.dtype), x) if x.dtype.kind == "f" else x

    for target, more in (
        (y, {"z_loss": 0.125, "weight": rng.uniform(size=70)}),
        (q, {"class_weight": np.linspace(1, 2, classes), "softcap": 3.0}),
    ):
        expected = numloss.cross_entropy.value_and_grad(left, target, **more, **asks)
        second = numloss.cross_entropy.grad_and_hess(left, target, reduction="none", **more)
        possible = mask | (np.arange(70) == 3)[:, None] | (target is y)
        assert not expected[1][~possible].any()
        for order in "CF":
            there = np.array(mask, order=order)
            place = np.array(x, order=order)
            found = numloss.cross_entropy.value_and_grad(x, target, where=there, **more, **asks)
            assert_same(map(alike, found), map(alike, expected))
            more_of_it = {"where": there, "reduction": "none", "out": (place, None), **more}
            found = numloss.cross_entropy.grad_and_hess(place, target, **more_of_it)
            assert_same(map(alike, found), map(alike, second))
    assert np.isnan(expected[0][3])
    assert numloss.cross_entropy(x[7:8], y[7:8], where=mask[7:8]) == np.inf
    rows = [x[:1].repeat(70, 0), q[:1].repeat(70, 0)]
    expected = results(numloss.cross_entropy, *rows, where=mask[:1].repeat(70, 0))
    for where in (mask[:1], mask[0], mask[0].tolist()):
        assert_same(results(numloss.cross_entropy, *rows, where=where), expected)


@pytest.mark.parametrize("classes", [5, 300])
def test_smoothing_spreads_over_the_classes_that_can_happen(classes):
    """As if there were no others; and a z-loss has the class weight of the label alone."""
    rng = np.random.default_rng(classes)
    x, mask = rng.normal(size=(9, classes)), rng.uniform(size=(9, classes)) < 0.6
    mask[:, 2] = True
    weights = np.linspace(1, 2, classes)
    options = {"label_smoothing": 0.2, "z_loss": 0.5, "softcap": 2.0}
    call = {"where": mask, "class_weight": weights, "reduction": "none", **options}
    value, gradient = numloss.cross_entropy.value_and_grad(x, np.full(9, 2), **call)
    for i, there in enumerate(mask):
        alone, label = x[i : i + 1, there], [there[:2].sum()]
        of_row = options | {"class_weight": weights[there], "reduction": "sum"}
        expected, slope = numloss.cross_entropy.value_and_grad(alone, label, **of_row)
        assert_relative(value[i], expected, 1e-14)
        assert gradient[i, there] == pytest.approx(slope[0], abs=1e-14)
        assert not gradient[i, ~there].any()
        exact = CASES["cross_entropy"].definition(
            alone.astype(np.longdouble), np.array(label), weights[there], **options
        )
        assert_relative(value[i], exact[0], 1e-14)


@pytest.mark.parametrize("classes", [5, 300, 5000])
def test_capped_scores_are_those_of_the_extras(classes):
    x = np.random.default_rng(classes).normal(scale=9, size=(40, classes))
    y = np.arange(40) % classes
    asks = {"return_logsumexp": True, "return_predicted": True}
    capped = 3.0 * np.tanh(x / 3.0)
    expected = numloss.cross_entropy(capped, y, temperature=0.5, **asks)
    found = numloss.cross_entropy(x, y, temperature=0.5, softcap=3.0, **asks)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one[()], other, rtol=1e-13)


@pytest.mark.parametrize("classes", [3, 300])
@both_floats
def test_softcap_at_its_ends(classes, dtype):
    """A cap beyond all scores changes none, and one below them makes them all alike."""
    x = np.linspace(-30, 30, 2 * classes).reshape(2, classes).astype(dtype)
    y = [1, 0]
    plain = per_example(numloss.cross_entropy, x, y)
    for one, other in zip(
        per_example(numloss.cross_entropy, x, y, softcap=1e300), plain, strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    value, gradient, hessian = per_example(numloss.cross_entropy, x, y, softcap=1e-300)
    np.testing.assert_allclose(value, np.log(classes), rtol=1e-6)
    assert not gradient.any()
    assert not hessian.any()
    x[:, 2] = -np.inf
    value, gradient, _ = per_example(numloss.cross_entropy, x, y, softcap=2.0)
    expected = numloss.cross_entropy(np.delete(x, 2, axis=1), y, softcap=2.0, reduction="none")
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    assert not gradient[:, 2].any()


@pytest.mark.parametrize("classes", [5, 300, 5000])
def test_priors_move_the_scores(classes):
    rng = np.random.default_rng(classes)
    x = rng.normal(scale=2, size=(70, classes))
    y, priors = 1 + np.arange(70) % (classes - 1), np.arange(classes) % 7
    y[priors[y] == 0] = 1
    loss, plain = numloss.logit_adjusted, numloss.cross_entropy
    with np.errstate(divide="ignore"):
        moved = x + 2.0 * np.log(priors / priors.sum())
    found = per_example(loss, x, y, priors=priors, tau=2.0)
    for one, other in zip(found, per_example(plain, moved, y), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-300)
    assert not found[1][:, priors == 0].any()
    for options in ({}, {"priors": priors, "tau": 0.0}):
        assert_same(per_example(loss, x, y, **options), per_example(plain, x, y))


@pytest.mark.parametrize("classes", [5, 300, 5000])
def test_rare_classes_are_to_lead_by_a_margin(classes):
    rng = np.random.default_rng(classes)
    x = rng.normal(size=(70, classes))
    y, counts = np.arange(70) % classes, np.arange(classes) % 7 * 4
    margins = 0.25 * (4.0 / np.maximum(counts, 4)) ** 0.25  # without examples that of the rarest
    loss, plain = numloss.ldam, numloss.cross_entropy
    for given, margin in ((counts, margins), (None, np.full(classes, 0.25))):
        moved = 2 * (x - margin * (np.arange(classes) == y[:, None]))
        found = per_example(loss, x, y, counts=given, max_margin=0.25, scale=2.0)
        for one, other, factor in zip(found, per_example(plain, moved, y), (1, 2, 4), strict=True):
            np.testing.assert_allclose(one, factor * other, rtol=1e-11, atol=1e-300)
    assert_same(per_example(loss, x, y, counts=np.zeros(classes)), per_example(loss, x, y))


@both_floats
def test_forward_correction_at_the_ends(dtype):
    transition = np.array([[0.9, 0.1, 0.0], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5]])
    inf, nan = np.inf, np.nan
    x = np.array(
        [
            *([1e4, 0, -1e4], [0, 1e4, 0], [1e4, 0, 0], [-inf, 0, -inf]),
            *([0, 0, nan], [inf, 0, 0], [-inf, -inf, -inf]),
        ],
        dtype,
    )
    y = [2, 0, 1, 0, 0, 0, 0]
    value, gradient, hessian = per_example(
        numloss.forward_cross_entropy, x, y, transition=transition
    )
    one = np.array([0.9, 0, 0.25]) / 1.15
    expected = [2e4 + np.log(2), 1e4 - np.log(1.15), -np.log(0.1), inf]
    np.testing.assert_allclose(value[:4], expected, rtol=4 * np.finfo(dtype).eps)
    slopes = [[1, 0, -1], [0, 1, 0] - one, [0, 0, 0], [0, 1, 0] - one]
    np.testing.assert_allclose(gradient[:4], slopes, rtol=0, atol=4 * np.finfo(dtype).eps)
    bends = [[0, 0, 0], -one * (1 - one), [0, 0, 0], -one * (1 - one)]
    np.testing.assert_allclose(hessian[:4], bends, rtol=0, atol=4 * np.finfo(dtype).eps)
    for found in (value, gradient, hessian):
        assert np.isnan(found[4:]).all()
    assert not np.signbit(gradient[:4][gradient[:4] == 0]).any()


@pytest.mark.parametrize("classes", [1, 5, 300])
@both_floats
def test_forward_correction_by_nothing_is_cross_entropy(classes, dtype):
    rng = np.random.default_rng(classes)
    x, y = rng.normal(scale=9, size=(70, classes)).astype(dtype), np.arange(70) % classes
    expected = per_example(numloss.cross_entropy, x, y)
    assert_same(per_example(numloss.forward_cross_entropy, x, y), expected)
    found = per_example(numloss.forward_cross_entropy, x, y, transition=np.eye(classes))
    eps = np.finfo(dtype).eps
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=64 * eps, atol=eps * (one is not found[0]))
    # What is labelled at random tells nothing.
    even = np.full((classes, classes), 1 / classes)
    found = per_example(numloss.forward_cross_entropy, x, y, transition=even)
    np.testing.assert_allclose(found[0], np.log(classes), rtol=16 * eps, atol=16 * eps)
    assert abs(found[1]).max() < 16 * eps
    if classes > 1:  # a label that is never given costs infinity
        never = np.eye(classes)[np.ones(classes, int)]
        value = numloss.forward_cross_entropy(x, 0 * y, transition=never, reduction="none")
        assert (value == np.inf).all()
