"""Losses of two classes and of several labels: what they have in common, and options of theirs."""

import numpy as np
import pytest

import numloss

N, L = 300, 6
RNG = np.random.default_rng(11)
SCORES = RNG.normal(scale=2, size=(N, L))
THERE = RNG.random((N, L)) < 0.3
SIGNS = np.where(THERE, 1.0, -1.0)


def close(found, expected, rel=1e-12):
    assert found == pytest.approx(expected, rel=rel, abs=1e-14)


def test_multilabel_margin_of_one_class_is_that_of_several():
    labels = RNG.integers(0, L, N)
    expected = numloss.multiclass_hinge.value_and_grad(SCORES, labels, margin=0.5)
    found = numloss.multilabel_margin.value_and_grad(
        SCORES, labels[:, None] == np.arange(L), margin=0.5
    )
    close(found[0], expected[0])
    close(found[1], expected[1])


@pytest.mark.parametrize("shape", [(7, 1), (65, 300), (3, 5000)])
def test_multilabel_margin_of_any_number_of_classes(shape):
    rng = np.random.default_rng(2)
    scores, there = rng.normal(size=shape), rng.random(shape) < 4 / shape[1]
    value, gradient = numloss.multilabel_margin.value_and_grad(scores, there, reduction="none")
    for s, t, v, g in zip(scores, there, value, gradient, strict=True):
        z = 1 - (s[t][:, None] - s[~t])
        close(v, np.maximum(0, z).sum())
        assert g[t].tolist() == (-(z > 0).sum(axis=1)).tolist()
        assert g[~t].tolist() == (z > 0).sum(axis=0).tolist()


def test_multilabel_margin_takes_any_layout_and_weights():
    weight = RNG.exponential(size=N)
    value, gradient = numloss.multilabel_margin.value_and_grad(SCORES, THERE, weight=weight)
    other, across = numloss.multilabel_margin.value_and_grad(
        np.asfortranarray(SCORES).T, THERE.T, weight=weight, axis=0
    )
    assert other == value
    assert np.array_equal(across.T, gradient)
    each = numloss.multilabel_margin(SCORES, THERE, reduction="none")
    close(value, np.average(each, weights=weight))


def test_classes_that_cannot_happen():
    inf = np.inf
    scores = np.array([[1.0, -inf, 0.5], [-inf, 0.0, 1.0], [-inf, -inf, -inf]])
    there = np.array([[True, False, False], [True, False, True], [True, False, False]])
    value = numloss.multilabel_margin(scores, there, reduction="none")
    assert value[:2].tolist() == [0.5, inf]
    assert np.isnan(value[2])


@pytest.mark.parametrize("loss", [numloss.binary_cross_entropy, numloss.focal])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.2}, {"gamma": 1.5}])
def test_a_weight_for_each_label_is_that_of_its_column(loss, dtype, from_logits, options):
    if "gamma" in options and loss is not numloss.focal:
        options = {}
    x = SCORES if from_logits else 1 / (1 + np.exp(-SCORES))
    x, t = x.astype(dtype), THERE.astype(dtype)
    weights = np.array([0.0, 0.25, 1.0, 2.0, 5.0, 7.5])
    call = {"reduction": "none", "from_logits": from_logits, **options}
    value = loss(x, t, pos_weight=weights, **call)
    gradient, hessian = loss.grad_and_hess(x, t, pos_weight=weights, **call)
    for k, weight in enumerate(weights.tolist()):
        one = loss(x[:, k], t[:, k], pos_weight=weight, **call)
        assert np.array_equal(value[:, k], one)
        by_column = loss.grad_and_hess(x[:, k], t[:, k], pos_weight=weight, **call)
        assert np.array_equal(gradient[:, k], by_column[0])
        assert np.array_equal(hessian[:, k], by_column[1])
    assert np.array_equal(loss(x, t, pos_weight=weights.tolist(), **call), value)
    assert np.array_equal(
        loss(np.asfortranarray(x), t, pos_weight=weights.astype("f4")[::1], **call), value
    )
    assert np.array_equal(
        loss(x, t, pos_weight=np.array(2.0), **call), loss(x, t, pos_weight=2.0, **call)
    )


def test_logistic_is_cross_entropy_of_signs():
    call = {"reduction": "none"}
    for targets in (SIGNS, THERE):
        found = numloss.logistic.grad_and_hess(SCORES, targets, **call)
        expected = numloss.binary_cross_entropy.grad_and_hess(SCORES, THERE, **call)
        close(found[0], expected[0])
        close(found[1], expected[1])
        close(
            numloss.logistic(SCORES, targets, **call),
            numloss.binary_cross_entropy(SCORES, THERE, **call),
        )


def test_smoothed_hinge_tends_to_the_hinge():
    close(numloss.smoothed_hinge(SCORES, SIGNS, smoothing=1e-13), numloss.hinge(SCORES, SIGNS))
    call = {"reduction": "none"}
    close(
        4 * numloss.smoothed_hinge(SCORES, SIGNS, smoothing=2.0, **call),
        numloss.modified_huber(SCORES, SIGNS, **call),
    )
