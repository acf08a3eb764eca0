"""Losses of two classes and of several labels against the libraries that have them."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from sklearn._loss.loss import ExponentialLoss
from sklearn.linear_model import _sgd_fast as sgd
from torch.nn import functional

import numloss

N, L = 300, 6
RNG = np.random.default_rng(11)
SCORES = RNG.normal(scale=2, size=(N, L))
THERE = RNG.random((N, L)) < 0.3
SIGNS = np.where(THERE, 1.0, -1.0)


def close(found, expected, rel=1e-12):
    assert found == pytest.approx(expected, rel=rel, abs=1e-14)


# ------------------------------------------------------------------------------- several labels


@pytest.mark.parametrize("weight", [None, np.linspace(0.5, 2.0, L)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_multilabel_soft_margin_is_cross_entropy_with_a_mean(weight, reduction):
    """torch: the mean over the labels of each example, then what `reduction` says of these."""
    x = torch.tensor(SCORES, requires_grad=True)
    labels = torch.tensor(THERE.astype(float))
    torch_weight = None if weight is None else torch.tensor(weight)
    expected = functional.multilabel_soft_margin_loss(
        x, labels, weight=torch_weight, reduction=reduction
    )
    expected.sum().backward()
    call = {"weight": None if weight is None else weight[None, :]}
    if reduction == "none":
        each = numloss.binary_cross_entropy(SCORES, THERE, reduction="none", **call)
        close(each.mean(axis=1), expected.detach().numpy())
        return
    # Labels are counted, their weights are not: L of them an example, or all there are.
    call["denominator"] = "count" if reduction == "mean" else L
    value, gradient = numloss.binary_cross_entropy.value_and_grad(SCORES, THERE, **call)
    close(value, expected.item())
    close(gradient, x.grad.numpy())


# ------------------------------------------------------------------------------------- two classes


def test_exponential_is_that_of_scikit_learn():
    y = THERE[:, 0].astype(float)
    raw = SCORES[:, 0].copy()
    theirs = ExponentialLoss()
    close(numloss.exponential(raw, THERE[:, 0], reduction="none"), theirs.loss(y, raw))
    found = numloss.exponential.grad_and_hess(raw, THERE[:, 0], reduction="none")
    for mine, expected in zip(found, theirs.gradient_hessian(y, raw), strict=True):
        close(mine, expected)
    # The link: a probability is the sigmoid of twice the score.
    close(theirs.link.inverse(raw), 1 / (1 + np.exp(-2 * raw)))


@pytest.mark.parametrize(
    ("loss", "options", "theirs"),
    [
        (numloss.modified_huber, {}, sgd.ModifiedHuber()),
        (numloss.hinge, {}, sgd.Hinge(1.0)),
        (numloss.hinge, {"margin": 0.0}, sgd.Hinge(0.0)),
        (numloss.squared_hinge, {}, sgd.SquaredHinge(1.0)),
    ],
)
def test_losses_of_sgd_are_those_of_scikit_learn(loss, options, theirs):
    scores, signs = SCORES[:, 0], SIGNS[:, 0]
    value, gradient = loss.value_and_grad(scores, signs, reduction="none", **options)
    pairs = list(zip(signs.tolist(), scores.tolist(), strict=True))
    close(value, np.array([theirs.py_loss(p, y) for y, p in pairs]))
    close(gradient, np.array([theirs.py_dloss(p, y) for y, p in pairs]))


def test_the_perceptrons_loss_is_that_of_optax():
    s, t = SCORES.astype("f4"), SIGNS.astype("f4")
    expected = np.asarray(optax.losses.perceptron_loss(jnp.asarray(s), jnp.asarray(t)))
    close(numloss.hinge(s, t, margin=0.0, reduction="none"), expected, rel=1e-6)


def test_poly_cross_entropy_is_that_of_optax_over_two_classes():
    """Whose second class is ours, with twice the distance of logits halved."""
    x = SCORES[:, 0].astype("f4")
    logits = jnp.stack([jnp.zeros(N), jnp.asarray(x)], axis=1)
    labels = jnp.stack([1.0 - THERE[:, 0], THERE[:, 0]], axis=1)
    for epsilon in (2.0, 0.5, -1.0):
        expected = optax.losses.poly_loss_cross_entropy(logits, labels, epsilon=epsilon)
        found = numloss.poly_binary_cross_entropy(x, THERE[:, 0], epsilon=epsilon, reduction="none")
        assert found == pytest.approx(np.asarray(expected), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_clipped_probabilities(dtype):
    """What torch, scikit-learn and Keras clip at, and a gradient that is that of the value."""
    p = np.array([0.0, 1e-9, 1e-3, 0.5, 1 - 2.0**-20, 1.0], dtype)
    eps = float(np.finfo(dtype).eps)
    for clip in (float(np.exp(-100)), 1e-7, eps, 0.25, 0.5):
        for t in (0.0, 1.0):
            call = {"from_logits": False, "clip": clip, "reduction": "none"}
            value, gradient = numloss.binary_cross_entropy.value_and_grad(p, t, **call)
            _, hessian = numloss.binary_cross_entropy.grad_and_hess(p, t, **call)
            mine, other = (1 - p, p) if t == 0 else (p, 1 - p)
            mine = np.maximum(mine.astype("f8"), clip)
            right = np.where(other < clip, np.log1p(-clip), np.log(mine))
            assert value == pytest.approx(-right, rel=64 * eps, abs=eps)
            beyond = (p < clip) | (1 - p < clip)
            assert not gradient[beyond].any()
            assert not hessian[beyond].any()
            assert gradient[~beyond].all()
            focal = numloss.focal.grad(p, t, alpha=None, gamma=0.0, **call)
            assert focal == pytest.approx(gradient, rel=4 * eps)
    x = torch.tensor(p)
    theirs = functional.binary_cross_entropy(x, torch.zeros_like(x), reduction="none")
    mine = numloss.binary_cross_entropy(
        p, 0.0, from_logits=False, clip=float(np.exp(-100)), reduction="none"
    )
    assert mine == pytest.approx(theirs.numpy(), rel=4 * eps)
