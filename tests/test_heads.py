"""Losses of more inputs than a prediction and a target: two heads, numbers beside the target."""

from __future__ import annotations

import itertools

import ml_dtypes
import mpmath
import numpy as np
import pytest
from cases import TWO_HEADED, TWO_HEADED_VARIANTS, assert_same, precise

import numloss
from numloss import _core

gaussian_nll, quantile = numloss.gaussian_nll, numloss.quantile

# ------------------------------------------------------------------------- every loss of two heads

every_variant = pytest.mark.parametrize("variant", TWO_HEADED_VARIANTS, ids=str)
both_floats = pytest.mark.parametrize("dtype", ["f4", "f8"])
first_variants = pytest.mark.parametrize(
    "variant", {v.name: v for v in reversed(TWO_HEADED_VARIANTS)}.values(), ids=str
)


def split(variant, options):
    """Return the second input, and the parameters."""
    (name,) = variant.loss.heads[1:]
    return options[name], {key: x for key, x in options.items() if key != name}


def inputs_of(variant, shape, dtype="f8"):
    p, t = variant.inputs(shape, dtype)
    second, parameters = split(variant, variant.options(1, p.shape, dtype))
    return p, t, second, parameters


def definition_of(variant, p, t, second, parameters):
    """Return values, gradients and Hessians of the definition, from arrays of mpmath's numbers."""
    (name,) = variant.loss.heads[1:]
    h = mpmath.mpf(10) ** -30

    def value(dp=0, ds=0):
        return variant.case.definition(p + dp, t, **{name: second + ds}, **parameters)

    center = value()
    found = [center]
    sides = [(value(h, 0), value(-h, 0)), (value(0, h), value(0, -h))]
    found += [(ahead - behind) / (2 * h) for ahead, behind in sides]
    found += [(ahead - 2 * center + behind) / h**2 for ahead, behind in sides]
    return found


def everything(loss, p, t, second, **call):
    """Return values, gradients and Hessians of the examples."""
    call["reduction"] = "none"
    gradients, hessians = loss.grad_and_hess(p, t, second, **call)
    return [loss(p, t, second, **call), *gradients, *hessians]


def terms_of(variant, p, t, second):
    """Return how large the terms are of which values and derivatives are differences."""
    r, one = abs(p - t), np.ones_like(p)
    s = np.exp(second / 2) if variant.parameters.get("log_variance") else np.abs(second)
    if variant.loss.heads[1] == "variance":
        s = s if variant.parameters.get("log_variance") else np.sqrt(s)
        z = (r / s) ** 2
        by = (1 + z) if variant.parameters.get("log_variance") else (1 + z) / s**2
        of = z if variant.parameters.get("log_variance") else (1 + 2 * z) / s**4
        return [abs(np.log(s)) + z + 1, r / s**2, by, one / s**2, of]
    if variant.name == "interval_score":
        outside = np.maximum(p - t, 0) + np.maximum(t - second, 0)
        factor = 2 / variant.parameters.get("alpha", 0.1)
        return [abs(second) + abs(p) + factor * outside, factor * one, factor * one, one, one]
    if variant.name == "crps_gaussian":
        z = r / s
        # z² times the rounding of z; subnormal densities are rounded, too.
        bend = np.maximum(np.exp(-(z**2) / 2), np.finfo(p.dtype).tiny) / s * (1 + z**2)
        return [r + s, 0 * one, one, bend, bend * z**2]
    df = variant.parameters.get("df", 1.0)
    w = (r / s) ** 2 / (df + (r / s) ** 2) if variant.name == "student_t_nll" else r / s
    rest = (df + 1) * w + 1
    return [abs(np.log(s)) + rest, 0 * one, rest / s, (df + 1) / df / s**2, 3 * rest / s**2]


@both_floats
@every_variant
def test_values_and_derivatives_are_those_of_the_definition(variant, dtype):
    p, t, second, parameters = inputs_of(variant, 100, dtype)
    points = variant.domain.points
    ends = np.resize([0.125, 8.0, 1.0], points[0].shape)
    p, t, second = (
        np.concatenate([a, b.astype(dtype)])
        for a, b in zip((p, t, second), (*points, ends), strict=True)
    )
    smooth = np.ones(len(p), bool)
    if variant.case.distance_to_kink is not None:
        named = {variant.loss.heads[1]: second}
        smooth = variant.case.distance_to_kink(p, t, **named, **parameters) > 0
        assert smooth.mean() > 0.9
    with mpmath.workdps(450):
        exact = [precise(x, exact=True) for x in (p, t, second)]
        numbers = {k: precise(x, True) if type(x) is float else x for k, x in parameters.items()}
        references = definition_of(variant, *exact, numbers)
        found = everything(variant.loss, p, t, second, **parameters)
        scales = terms_of(variant, *(x.astype(float) for x in (p, t, second)))
        eps = float(np.finfo(dtype).eps)
        for k, (x, reference, scale) in enumerate(zip(found, references, scales, strict=True)):
            assert x.dtype == dtype
            for i in np.flatnonzero(smooth if k else np.ones_like(smooth)):
                unit = eps * max(abs(float(reference[i])), scale[i], float(np.finfo(dtype).tiny))
                off = abs(float(mpmath.mpf(float(x[i])) - reference[i]))
                assert off <= variant.ulps * unit, (k, p[i], t[i], second[i], x[i], reference[i])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
@first_variants
def test_derivatives_are_those_of_the_reduced_value(variant, weighted, reduction):
    p, t, second, parameters = inputs_of(variant, (7, 5))
    w = np.random.default_rng(1).uniform(size=(7, 5)) if weighted else np.ones((7, 5))
    call = {"reduction": reduction, **({"weight": w} if weighted else {}), **parameters}
    plain = everything(variant.loss, p, t, second, **parameters)
    factor = w / {"mean": w.sum(), "sum": 1.0, "none": 1.0}[reduction]
    value, gradients = variant.loss.value_and_grad(p, t, second, **call)
    again, hessians = variant.loss.grad_and_hess(p, t, second, **call)
    expected = plain[0] * w if reduction == "none" else (plain[0] * factor).sum()
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    for x, known in zip((*gradients, *hessians), plain[1:], strict=True):
        np.testing.assert_allclose(x, known * factor, rtol=1e-13, atol=1e-16)
    assert_same(gradients, again)
    assert_same(variant.loss.grad(p, t, second, **call), gradients)


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", ml_dtypes.bfloat16])
@every_variant
def test_bits_of_instruction_sets_threads_and_layouts(variant, dtype):
    p, t, second, parameters = inputs_of(variant, (300, 70), dtype)
    expected = everything(variant.loss, p, t, second, **parameters)
    before = _core.config()["isa"]
    for isa in _core.config()["isas"]:
        _core.select_isa(isa)
        assert_same(everything(variant.loss, p, t, second, **parameters), expected, isa)
    _core.select_isa(before)
    order = [np.asfortranarray(p), np.repeat(t, 2, axis=1)[:, ::2], np.asfortranarray(second)]
    with numloss.threads(3):
        assert_same(everything(variant.loss, *order, **parameters), expected)
    whole = variant.loss(p, t, second, **parameters)
    with numloss.threads(1):
        assert_same([variant.loss(p, t, second, **parameters)], [whole])


@first_variants
def test_nan_comes_out_where_it_went_in(variant):
    for which in range(3):
        *arrays, parameters = inputs_of(variant, 4)
        arrays[which][2] = np.nan
        for x in everything(variant.loss, *arrays, **parameters):
            assert np.isnan(x).tolist() == [False, False, True, False], which


SCALED = [name for name in TWO_HEADED if name != "interval_score"]


@pytest.mark.parametrize("name", SCALED)
def test_second_predictions_are_above_0(name):
    loss = getattr(numloss, name)
    second = loss.heads[1]
    for x in (0.0, -2.0):
        with pytest.raises(ValueError, match=f"{second} must be above 0, got {x} at index 1"):
            loss([1.0, 2.0], [1.0, 2.0], [1.0, x])
    with pytest.raises(ValueError, match=f"{second} must have the shape of the prediction"):
        loss([1.0, 2.0], [1.0, 2.0], [1.0])
    with pytest.raises(TypeError, match=f"missing 1 required positional argument: '{second}'"):
        loss([1.0, 2.0], [1.0, 2.0])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_huge_and_tiny_residuals_and_scales(dtype):
    """What a result of any of these is finite must come out finite, and right."""
    info = np.finfo(dtype)
    sizes = np.array([info.tiny, 1e-20, 1.0, 1e20, info.max / 4], dtype)
    r, s = (x.reshape(-1) for x in np.meshgrid(sizes, sizes))
    zero = np.zeros_like(r)
    wide, scale = r.astype(np.longdouble), s.astype(np.longdouble)
    for df in (0.5, 4.0, 1e4):
        found = numloss.student_t_nll(r, zero, s, df=df, reduction="none")
        known = np.log(scale) + (df + 1) / 2 * np.log1p(wide**2 / df / scale**2)
        np.testing.assert_allclose(found, known.astype(dtype), rtol=64 * info.eps, atol=info.tiny)
        found = numloss.student_t_nll.grad(r, zero, s, df=df, reduction="none")
        known = (df + 1) * wide / (df * scale**2 + wide**2), (1 - df * wide**2 / (
            df * scale**2 + wide**2) * (df + 1) / df) / scale  # fmt: skip
        for x, wanted in zip(found, known, strict=True):
            fits = abs(wanted) < info.max
            off = (
                abs(x - wanted)[fits]
                / (64 * info.eps * abs(wanted) + df / scale * info.eps + info.tiny)[fits]
            )
            assert off.max() < 8
    found = numloss.crps_gaussian(r, zero, s, reduction="none")
    bounds = wide - scale / np.sqrt(np.pi), wide + scale * 0.25
    assert (found >= bounds[0] * (1 - 8 * info.eps)).all()
    assert (found <= bounds[1] * (1 + 8 * info.eps)).all()
    logarithms = np.array([-80.0, -1e3, -1e5], dtype) * (3 if dtype == "f8" else 1)
    exactly = numloss.gaussian_nll(
        np.zeros(3, dtype), np.zeros(3, dtype), logarithms, log_variance=True, reduction="none"
    )
    assert exactly.tolist() == (logarithms / 2).tolist()


def test_logarithms_of_variances():
    p, t, v = draw(100)
    plain, logarithm = (v, {}), (np.log(v), {"log_variance": True})
    values = [gaussian_nll(p, t, x, reduction="none", **o) for x, o in (plain, logarithm)]
    np.testing.assert_allclose(*values, rtol=1e-12, atol=1e-14)
    (a, b), (c, d) = (gaussian_nll.grad(p, t, x, **o) for x, o in (plain, logarithm))
    np.testing.assert_allclose(a, c, rtol=1e-12)
    np.testing.assert_allclose(b * v, d, rtol=1e-11, atol=1e-15)  # the chain rule
    assert np.isfinite(gaussian_nll(p, t, -v, log_variance=True))


def test_interval_score_is_made_of_two_quantiles():
    rng = np.random.default_rng(0)
    lower, upper, t = rng.normal(size=(3, 200))
    for alpha in (0.05, 0.5):
        value, (by_lower, by_upper) = numloss.interval_score.value_and_grad(
            lower, t, upper, alpha=alpha
        )
        a, g = quantile.value_and_grad(lower, t, alpha / 2)
        b, h = quantile.value_and_grad(upper, t, 1 - alpha / 2)
        assert value == pytest.approx(2 / alpha * (a + b), rel=1e-13)
        np.testing.assert_allclose(by_lower, 2 / alpha * g, rtol=1e-12)
        np.testing.assert_allclose(by_upper, 2 / alpha * h, rtol=1e-12)
    at_kink = numloss.interval_score.grad([1.0], [1.0], [1.0])
    assert [x.tolist() for x in at_kink] == [[0.0], [0.0]]


@pytest.mark.parametrize("alpha", [0, 1, -0.5, np.nan, 2])
def test_levels_of_intervals(alpha):
    with pytest.raises(ValueError, match="alpha must be a number above 0 and below 1, got"):
        numloss.interval_score([0.0], [1.0], [2.0], alpha=alpha)
    with pytest.raises(ValueError, match=r"upper must have the shape of the lower, \(2,\)"):
        numloss.interval_score([0.0, 1.0], [1.0, 1.0], [2.0])


@pytest.mark.parametrize("df", [0, -1, np.inf, np.nan])
def test_degrees_of_freedom(df):
    with pytest.raises(ValueError, match="df must be a positive finite number, got"):
        numloss.student_t_nll([0.0], [1.0], [2.0], df=df)


@pytest.mark.parametrize("df", [1e-3, 0.5, 1, 4, 19.9, 20, 35, 1e3, 1e6, 1e12])
def test_constant_of_student_t(df):
    with mpmath.workdps(50):
        n = mpmath.mpf(df)
        known = (
            mpmath.loggamma(n / 2) - mpmath.loggamma((n + 1) / 2) + mpmath.log(n * mpmath.pi) / 2
        )
    found = numloss.student_t_nll([0.0], [0.0], [1.0], df=df, full=True)
    assert found == pytest.approx(float(known), rel=2e-14)


# -------------------------------------------------------------------------------- gaussian_nll


def draw(shape, dtype="f8", seed=0):
    rng = np.random.default_rng(seed)
    p, t = rng.normal(size=shape), rng.normal(size=shape)
    v = rng.gamma(2.0, size=shape) + 0.01
    return [x.astype(dtype) for x in (p, t, v)]


def exact(p, t, v, full=False):
    """Return value, gradients and Hessians from the definition, in 60 digits."""
    with mpmath.workdps(60):
        p, t, v = (mpmath.mpf(float(x)) for x in (p, t, v))
        loss = (mpmath.log(v) + (p - t) ** 2 / v) / 2
        loss += mpmath.log(2 * mpmath.pi) / 2 if full else 0
        z = (p - t) ** 2 / v
        return loss, (p - t) / v, (1 - z) / (2 * v), 1 / v, (2 * z - 1) / (2 * v**2)


EXTREMES = [
    (1e-3, 0.0, 1e-3), (5.0, -5.0, 1e-2), (1.0, 1.0, 1e8), (1e10, 0.0, 1e15), (3.0, 3.0, 1e-12),
    (1e-20, 0.0, 1e-20), (1e15, 0.0, 1e12), (-2.0, 1.0, 9.0),
]  # fmt: skip


@pytest.mark.parametrize(("dtype", "ulps"), [("f4", 6), ("f8", 6)])
@pytest.mark.parametrize("full", [False, True])
def test_gaussian_nll_against_its_definition(dtype, ulps, full):
    p, t, v = draw(200, dtype)
    p, t, v = (
        np.concatenate([x, np.array(e, dtype)])
        for x, e in zip((p, t, v), zip(*EXTREMES, strict=True), strict=True)
    )
    found = [gaussian_nll(p, t, v, full=full, reduction="none")]
    by_mean, by_variance = gaussian_nll.grad(p, t, v, full=full, reduction="none")
    _, (of_mean, of_variance) = gaussian_nll.grad_and_hess(p, t, v, full=full, reduction="none")
    found += [by_mean, by_variance, of_mean, of_variance]
    eps = float(np.finfo(dtype).eps)
    for i in range(len(p)):
        references = exact(p[i], t[i], v[i], full)
        # A term of a difference sets the scale: log v or 1, what is taken from it may cancel.
        z = float((float(p[i]) - float(t[i])) ** 2 / float(v[i]))
        scales = [abs(np.log(float(v[i]))) + z + 1, 0, (1 + z) / (2 * v[i]), 0,
                  (1 + 2 * z) / (2 * float(v[i]) ** 2)]  # fmt: skip
        for x, reference, scale in zip(found, references, scales, strict=True):
            assert x.dtype == dtype
            if np.isfinite(x[i]) and abs(float(reference)) < float(np.finfo(dtype).max):
                unit = eps * max(abs(float(reference)), float(scale))
                assert abs(float(x[i]) - float(reference)) <= ulps * unit, (i, x[i], reference)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_are_those_of_the_reduced_value(reduction, weighted):
    p, t, v = draw((7, 5))
    w = np.random.default_rng(1).uniform(size=(7, 5)) if weighted else np.ones((7, 5))
    call = {"reduction": reduction} | ({"weight": w} if weighted else {})
    z = (p - t) ** 2 / v
    losses, by_mean, by_variance = (np.log(v) + z) / 2, (p - t) / v, (1 - z) / (2 * v)
    factor = w / {"mean": w.sum(), "sum": 1.0, "none": 1.0}[reduction]
    value, (g, h) = gaussian_nll.value_and_grad(p, t, v, **call)
    expected = losses * w if reduction == "none" else (losses * factor).sum()
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    np.testing.assert_allclose(g, by_mean * factor, rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(h, by_variance * factor, rtol=1e-13, atol=1e-16)
    assert_same(gaussian_nll.grad(p, t, v, **call), (g, h))


def layouts(arrays):
    """Return the same arrays, each in a layout of its own."""
    for order in itertools.product((0, 1, 2), repeat=3):
        yield [
            (np.ascontiguousarray, np.asfortranarray, lambda x: np.repeat(x, 2, axis=1)[:, ::2])[k](
                x
            )
            for k, x in zip(order, arrays, strict=True)
        ]


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", ml_dtypes.bfloat16, ">f4"])
def test_bits_depend_on_neither_layout_threads_nor_instruction_set(dtype):
    p, t, v = draw((300, 70), "f4")
    p, t, v = (x.astype(dtype) for x in (p, t, v))
    v = np.where(v > 0, v, v.dtype.type(1))

    def everything(p, t, v):
        value, grads = gaussian_nll.value_and_grad(p, t, v, full=True)
        g, h = gaussian_nll.grad_and_hess(p, t, v, reduction="none")
        return [value, *grads, *g, *h, gaussian_nll(p, t, v, reduction="none")]

    expected = everything(p, t, v)
    before = _core.config()["isa"]
    for isa in _core.config()["isas"]:
        _core.select_isa(isa)
        assert_same(everything(p, t, v), expected, isa)
    _core.select_isa(before)
    for arrays in layouts([p, t, v]):
        assert_same(everything(*arrays), expected)
    for n in (1, 2, 3):
        with numloss.threads(n):
            assert_same(everything(p, t, v), expected, n)


def test_many_tiles_and_threads():
    p, t, v = draw(700_001, "f4")
    with numloss.threads(1):
        expected = gaussian_nll.value_and_grad(p, t, v)
    with numloss.threads(3):
        found = gaussian_nll.value_and_grad(p, t, v)
    assert_same([found[0], *found[1]], [expected[0], *expected[1]])
    z = (p.astype("f8") - t) ** 2 / v
    assert found[0] == pytest.approx(np.mean((np.log(v.astype("f8")) + z) / 2), rel=1e-6)


def test_places_for_several_gradients():
    p, t, v = draw(40)
    expected = gaussian_nll.grad(p, t, v)
    places = np.zeros(40), np.zeros(40)
    found = gaussian_nll.grad(p, t, v, out=places)
    assert found[0] is places[0]
    assert found[1] is places[1]
    assert_same(found, expected)
    # The first gradient may replace the prediction.
    in_place = p.copy()
    found = gaussian_nll.grad(in_place, t, v, out=(in_place, None))
    assert found[0] is in_place
    assert_same(found, expected)
    values, hessian = np.zeros(40), np.zeros(40)
    found = gaussian_nll.value_and_grad(p, t, v, reduction="none", out=(values, (None, places[1])))
    assert found[0] is values
    assert found[1][1] is places[1]
    found = gaussian_nll.grad_and_hess(p, t, v, out=(None, (hessian, None)))
    assert found[1][0] is hessian


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda p, t, v: gaussian_nll(p, t, 0 * v),
            r"must be above 0, got 0.0 at index 0",
        ),
        (
            lambda p, t, v: gaussian_nll.grad(p, t, np.where(np.arange(4) == 2, -1.5, v)),
            r"variance must be above 0, got -1.5 at index 2",
        ),
        (
            lambda p, t, v: gaussian_nll(p, t, v[:2]),
            r"variance must have the shape of the prediction, \(4,\), got \(2,\)",
        ),
        (
            lambda p, t, v: gaussian_nll(p, t, 1.0),
            r"must have the shape of the prediction",
        ),
        (
            lambda p, t, v: gaussian_nll.grad(p, t, v, out=(p, v)),
            r"out overlaps variance: it must lie apart from it",
        ),
        (
            lambda p, t, v: gaussian_nll.grad(p, t, v, out=np.zeros(4)),
            r"out must have a tuple of 2 places, one for each input with a gradient, got",
        ),
        (
            lambda p, t, v: gaussian_nll.grad(p, t, v, out=(np.zeros(4),) * 2),
            r"out: the arrays for the results overlap each other",
        ),
        (lambda p, t, v: gaussian_nll(p, t), r"missing 1 required positional argument: 'variance'"),
        (lambda p, t, v: gaussian_nll(p, t, v, full=1), r"full must be True or False, got 1"),
    ],
)
def test_gaussian_nll_refuses(call, message):
    p, t, v = draw(4)
    before = [x.copy() for x in (p, t, v)]
    with pytest.raises((ValueError, TypeError), match=message):
        call(p, t, v)
    assert_same([p, t, v], before)


def test_what_is_not_there_may_hold_anything():
    p, t, v = draw(4)
    w = np.array([1.0, 0.0, 2.0, 1.0])
    expected = gaussian_nll.value_and_grad(p, t, v, weight=w)
    p[1], t[1], v[1] = np.nan, np.inf, -1.0
    found = gaussian_nll.value_and_grad(p, t, v, weight=w)
    assert_same([found[0], *found[1]], [expected[0], *expected[1]])


def test_nan_stays_where_it_is():
    for which in range(3):
        arrays = draw(4)
        arrays[which][2] = np.nan
        g, h = gaussian_nll.grad_and_hess(*arrays, reduction="none")
        for x in (gaussian_nll(*arrays, reduction="none"), g[0], h[1]):
            assert np.isnan(x).tolist() == [False, False, True, False]


# ------------------------------------------------------------------------------------ quantile

LEVELS = np.array([0.1, 0.5, 0.9, 1.0])


def pinball(p, t, q):
    return np.maximum(q * (t - p), (q - 1) * (t - p))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_columns_of_quantiles(dtype, order):
    rng = np.random.default_rng(0)
    p = np.asarray(rng.normal(size=(3001, 4)), dtype, order=order)
    t = rng.normal(size=3001).astype(dtype)
    q = LEVELS.astype(dtype)
    expected = pinball(p.astype("f8"), t[:, None].astype("f8"), q.astype("f8"))
    found = quantile(p, t, q, reduction="none")
    np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(dtype).eps)
    slope = np.where(t[:, None] > p, -q.astype("f8"), 1 - q.astype("f8"))
    np.testing.assert_allclose(
        quantile.grad(p, t, q, reduction="none"), slope, rtol=4 * np.finfo(dtype).eps
    )
    assert quantile(p, t, q) == pytest.approx(expected.mean(), rel=1e-6)
    # One target a row means the same as that target in every column.
    wide = np.repeat(t[:, None], 4, axis=1)
    assert_same([quantile(p, t, q)], [quantile(p, wide, q)])
    assert_same([quantile.grad(p, t, q)], [quantile.grad(p, wide, q)])
    # A column by itself means the same as within the table.
    for k in range(4):
        alone = quantile(np.ascontiguousarray(p[:, k]), t, q[k], reduction="none")
        assert_same([alone], [np.ascontiguousarray(found[:, k])])


def test_levels_of_other_shapes_and_places():
    p, t = np.zeros((2, 3, 4)), np.ones((2, 3))
    assert quantile(p, t, LEVELS, reduction="sum") == pytest.approx(6 * LEVELS.sum())
    assert quantile(p, 1.0, LEVELS, reduction="sum") == pytest.approx(6 * LEVELS.sum())
    assert quantile(0.0, 2.0, 0.25) == 0.5
    assert quantile([0.0, 0.0], [2.0, -2.0]) == 1.0
    np.testing.assert_array_equal(quantile.grad([2.0, 1.0], [2.0, 2.0], 0.25), [0.0, -0.125])
    out = np.zeros((3, 2))
    assert quantile.grad(np.zeros((3, 2)), np.ones(3), [0.25, 0.5], out=out) is out


@pytest.mark.parametrize(
    ("q", "message"),
    [
        (1.5, r"q must be in \[0, 1\], got 1.5"),
        ([0.5, -0.25, 0.5, 0.5], r"q must be in \[0, 1\], got -0.25 at index 1"),
        (
            [0.5, 0.5],
            r"one for each column of a prediction of shape \(3, 4\)",
        ),
        (np.zeros((3, 4)), r"q must be a number, or one for each column"),
        (None, r"q must be array-like, got None"),
        ("0.5", r"q must hold real numbers"),
    ],
)
def test_levels_that_are_refused(q, message):
    p, t = np.zeros((3, 4)), np.zeros((3, 4))
    with pytest.raises((ValueError, TypeError), match=message):
        quantile(p, t, q)
    with pytest.raises(ValueError, match="prediction and target must have the same shape"):
        quantile(p, np.zeros(3), 0.5)
    with pytest.raises(ValueError, match="prediction and target must have the same shape"):
        quantile(p, np.zeros(4), LEVELS)
