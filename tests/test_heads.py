"""Losses of more inputs than a prediction and a target: two heads, numbers beside the target."""

from __future__ import annotations

import itertools

import ml_dtypes
import mpmath
import numpy as np
import pytest
from cases import assert_same

import numloss
from numloss import _core

gaussian_nll, quantile = numloss.gaussian_nll, numloss.quantile

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
