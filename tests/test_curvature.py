"""Curvatures by name, full Hessians of a softmax and products with vectors, against differences."""

from __future__ import annotations

import numpy as np
import pytest
from cases import VARIANTS
from scipy import special

import numloss
from numloss import curvature, hessian_vector, softmax_hessian

RNG = np.random.default_rng(11)
X = RNG.normal(scale=2, size=(7, 5))
LABELS = RNG.integers(0, 5, 7)
W = RNG.uniform(0.5, 2, 7)
P = special.softmax(X, axis=1)

# --------------------------------------------------------------------------------------- curvature


@pytest.mark.parametrize("weight", [None, W])
def test_rules_over_classes_are_their_formulas(weight):
    w = 1.0 if weight is None else weight[:, None]
    rules = {
        "exact": P * (1 - P),
        "absolute": P * (1 - P),
        "upper_bound": 2 * P * (1 - P),
        "friedman": 5 / 4 * P * (1 - P),
        "gradient": abs(P - np.eye(5)[LABELS]),
        "constant": np.full_like(P, 0.7),
    }
    assert tuple(rules) == numloss._curvature.RULES
    for rule, wanted in rules.items():
        found = curvature("cross_entropy", rule, X, LABELS, weight=weight, constant=0.7)
        np.testing.assert_allclose(found, wanted * w, rtol=1e-12)


def test_rules_of_one_score():
    p, t = np.array([0.1, -0.5, 4.0, 0.0]), np.zeros(4)
    assert curvature("mae", "constant", p, t, constant=2.0).tolist() == [2.0] * 4
    assert curvature("mae", "gradient", p, t, floor=0.5).tolist() == [1.0, 1.0, 1.0, 0.5]
    assert curvature("huber", "exact", p, t, floor=0.25).tolist() == [1.0, 1.0, 0.25, 1.0]
    assert curvature("huber", "upper_bound", p, t).tolist() == [1.0] * 4
    assert curvature("huber", "gradient", p, t, floor=0.25).tolist() == [0.25, 0.5, 1.0, 0.25]
    weighted = curvature(numloss.mse, "exact", p.astype("f4"), 0.0, weight=np.arange(4))
    assert weighted.tolist() == [0, 2, 4, 6]
    assert weighted.dtype == np.float32
    probability = special.expit(p)
    np.testing.assert_allclose(
        curvature("binary_cross_entropy", "exact", p, [0, 1, 1, 0]),
        probability * (1 - probability), rtol=1e-14,
    )  # fmt: skip
    assert (curvature("focal", "exact", p, t) >= 1e-16).all()
    exact = numloss.focal.grad_and_hess(p, t, reduction="none")[1]
    np.testing.assert_array_equal(curvature("focal", "absolute", p, t), abs(exact))


def test_adapters_take_the_same_ones():
    pytest.importorskip("lightgbm")
    labels = np.array([0, 1, 1, 0, 1, 0, 0], float)
    adapter = numloss.lightgbm.Adapter("focal", curvature="absolute", gamma=1.0)
    found = curvature("focal", "absolute", X[:, 0], labels, weight=W, gamma=1.0)
    assert np.array_equal(adapter.wrapper_objective(labels, X[:, 0].copy(), W)[1], found)


def test_of_two_heads_it_is_by_the_scores():
    scores, t = X[:, :2], np.zeros(7)
    r, v = scores[:, 0], np.exp(scores[:, 1])
    expected = np.stack([1 / v, r**2 / v / 2], axis=1)
    found = curvature("gaussian_nll", "exact", scores, t)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    weighted = curvature("gaussian_nll", "constant", scores, t, weight=W)
    np.testing.assert_array_equal(weighted, np.stack([W, W], axis=1))


def test_more_axes_have_weights_of_their_own():
    scores, labels = RNG.normal(size=(2, 3, 4)), RNG.integers(0, 4, (2, 3))
    w = RNG.uniform(size=(2, 3))
    flat = curvature(
        "cross_entropy", "gradient", scores.reshape(6, 4), labels.reshape(6), weight=w.reshape(6)
    )
    found = curvature("cross_entropy", "gradient", scores, labels, weight=w)
    assert np.array_equal(found.reshape(6, 4), flat)


def test_options_of_columns():
    p, t = RNG.normal(size=(6, 2)), RNG.normal(size=6)
    found = curvature("quantile", "gradient", p, t, q=[0.1, 0.9])
    assert np.array_equal(found, abs(numloss.quantile.grad(p, t, [0.1, 0.9], reduction="sum")))
    with pytest.raises(numloss.Error, match="has a second derivative of 0"):
        curvature("quantile", "exact", p, t, q=[0.1, 0.9])


def test_options_that_make_another_hessian_have_no_upper_bound():
    for option in ({"softcap": 5.0}, {"z_loss": 0.1}):
        with pytest.raises(numloss.Error, match=f"is not known with {next(iter(option))}"):
            curvature("cross_entropy", "upper_bound", X, LABELS, **option)
    with pytest.raises(numloss.Error, match="has no option 'from_logits'"):
        curvature("cross_entropy", "exact", X, LABELS, from_logits=False)
    with pytest.raises(numloss.Error, match="log_target must be left out"):
        curvature("kl_divergence", "exact", X, P, log_target=True)


# ----------------------------------------------------------------------------------- full Hessians

SOFT = [v for v in VARIANTS if v.rowwise and v.loss.softmax_hessian]


def differences(loss, x, target, axis=-1, **call):
    """Return each row's Hessian from central differences of the gradient, classes last."""
    columns = []
    for c in range(x.shape[axis]):
        step = np.zeros(x.shape[axis])
        step[c] = 1e-5
        step = step.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])
        ahead, behind = (loss.grad(x + s, target, axis=axis, **call) for s in (step, -step))
        columns.append(np.moveaxis((ahead - behind) / 2e-5, axis, -1))
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("variant", SOFT, ids=repr)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_full_hessians_are_differences_of_the_gradient(variant, reduction):
    x, target = variant.inputs((6, 4), seed=2)
    call = {"reduction": reduction, **variant.options(4)}
    if reduction != "none":
        call["weight"] = W[:6]
    expected = differences(variant.loss, x, target, **call)
    try:
        full = softmax_hessian(variant.loss, x, target, **call)
    except numloss.Error as error:  # options that make other probabilities, such as a temperature
        assert "the Hessian of the scores' softmax" in str(error)  # noqa: PT017
        p = special.softmax(x, axis=1)
        shape = p[:, :, None] * (np.eye(4) - p[:, None, :])
        ratios = expected / shape
        assert np.ptp(ratios, axis=(1, 2)).max() > 1e-3
        return
    np.testing.assert_allclose(full, expected, atol=2e-9)
    diagonal = variant.loss.grad_and_hess(x, target, **call)[1]
    np.testing.assert_allclose(np.diagonal(full, axis1=1, axis2=2), diagonal, rtol=1e-12)
    v = RNG.normal(size=x.shape)
    product = hessian_vector(variant.loss, x, target, v, **call)
    np.testing.assert_allclose(product, np.einsum("nij,nj->ni", full, v), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("denominator", ["weight", "count", 3.5])
def test_what_does_not_count_has_no_hessian(denominator):
    labels = np.where(np.arange(7) == 2, -100, LABELS)
    scores = X.copy()
    scores[2] = np.nan
    weight = np.where(np.arange(7) == 3, 0, W)
    call = {"weight": weight, "class_weight": [1, 2, 3, 4, 5.0], "denominator": denominator}
    full = softmax_hessian("cross_entropy", scores, labels, **call)
    assert not full[2:4].any()
    clean = np.delete(np.arange(7), [2])
    expected = differences(numloss.cross_entropy, X, labels, **call)
    np.testing.assert_allclose(full[clean], expected[clean], atol=1e-9)
    product = hessian_vector("cross_entropy", scores, labels, np.ones_like(scores), **call)
    np.testing.assert_allclose(product, 0, atol=1e-15)  # a constant moves no softmax


def test_classes_may_be_on_any_axis():
    x, labels = RNG.normal(size=(3, 4, 2)), RNG.integers(0, 4, (3, 2))
    v = RNG.normal(size=x.shape)
    full = softmax_hessian("cross_entropy", x, labels, axis=1)
    assert full.shape == (3, 2, 4, 4)
    np.testing.assert_allclose(full, differences(numloss.cross_entropy, x, labels, 1), atol=1e-9)
    product = hessian_vector("cross_entropy", x, labels, v, axis=1)
    np.testing.assert_allclose(product, np.einsum("nkij,njk->nik", full, v), rtol=1e-12)


def test_a_class_that_has_nearly_everything_keeps_its_digits():
    x = np.array([[40.0, 0.0, 1.0]])
    p = [1 - np.exp(-40) * (1 + np.e), np.exp(-40), np.exp(-39)]
    rest = np.exp(-40) * (1 + np.e)
    full = softmax_hessian("cross_entropy", x, [1])[0]
    np.testing.assert_allclose(np.diag(full), [rest, p[1], p[2]], rtol=1e-14)
    np.testing.assert_allclose(full[0, 1:], [-p[1], -p[2]], rtol=1e-14)
    impossible = softmax_hessian("cross_entropy", [[0.0, -np.inf, 0.0]], [0])[0]
    np.testing.assert_allclose(impossible[1], 0)
    assert softmax_hessian("cross_entropy", [[2.0]], [0]).tolist() == [[[0.0]]]


def test_types_are_those_of_the_prediction():
    full = softmax_hessian("cross_entropy", X.astype("f4"), LABELS)
    assert full.dtype == np.float32
    np.testing.assert_allclose(full, softmax_hessian("cross_entropy", X, LABELS), atol=1e-7)
    assert hessian_vector("cross_entropy", X.astype("f4"), LABELS, X).dtype == np.float32
    assert softmax_hessian("cross_entropy", [[1, 2]], [0]).dtype == np.float64


ELEMENTS = [v for v in VARIANTS if not v.rowwise]


@pytest.mark.parametrize("variant", ELEMENTS, ids=repr)
def test_of_single_numbers_the_product_is_the_diagonal(variant):
    p, t = variant.inputs(50, seed=1)
    options, v, w = variant.options(1, (50,)), RNG.normal(size=50), RNG.uniform(size=50)
    found = hessian_vector(variant.loss, p, t, v, weight=w, **options)
    diagonal = variant.loss.grad_and_hess(p, t, weight=w, **options)[1]
    assert np.array_equal(found, diagonal * v)


def test_they_are_those_of_jax():
    jax = pytest.importorskip("jax")

    def loss(x):
        rows = jax.nn.log_softmax(x, axis=1)
        return -(W * rows[np.arange(7), LABELS]).sum() / W.sum()

    with jax.enable_x64(True):
        whole = np.asarray(jax.hessian(loss)(X))  # (7, 5, 7, 5)
    full = softmax_hessian("cross_entropy", X, LABELS, weight=W)
    for row in range(7):
        np.testing.assert_allclose(full[row], whole[row, :, row], rtol=1e-10, atol=1e-16)
    v = RNG.normal(size=X.shape)
    np.testing.assert_allclose(
        hessian_vector("cross_entropy", X, LABELS, v, weight=W),
        np.einsum("icjd,jd->ic", whole, v), rtol=1e-10, atol=1e-15,
    )  # fmt: skip
