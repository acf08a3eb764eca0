"""NumPy: the stable formulas that a careful user writes, gradient by hand.

Each formula takes what is wanted, shares what value and gradient have in common, and computes
nothing else, with the default parameters. Arrays are float32 or float64.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peers import by_name

Array = NDArray[Any]
#: Of prediction, target, and whether value and gradient are wanted; None is what is not.
Formula = Callable[[Array, Array, bool, bool], tuple[Any, Any]]


def mse(p: Array, t: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Mean squared error."""
    r = p - t
    return np.mean(r * r) if value else None, r * (2 / r.size) if grad else None


def mae(p: Array, t: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Mean absolute error."""
    r = p - t
    return np.mean(np.abs(r)) if value else None, np.sign(r) / r.size if grad else None


def huber(p: Array, t: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Huber loss, delta 1."""
    r = p - t
    a = np.abs(r)
    return (
        np.mean(np.where(a <= 1, 0.5 * r * r, a - 0.5)) if value else None,
        np.clip(r, -1, 1) / r.size if grad else None,
    )


def half_mse(p: Array, t: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Half the mean squared error."""
    r = p - t
    return np.mean(r * r) / 2 if value else None, r / r.size if grad else None


def smooth_l1(p: Array, t: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Smooth L1 loss, beta 1."""
    return huber(p, t, value, grad)


def pseudo_huber(p: Array, t: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Pseudo-Huber loss, delta 1."""
    r = p - t
    h = np.sqrt(1 + r * r)
    return np.mean(r * r / (1 + h)) if value else None, r / h / r.size if grad else None


def log_cosh(p: Array, t: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Logarithm of the hyperbolic cosine."""
    r = p - t
    a = np.abs(r)
    return (
        np.mean(a + np.log1p(np.exp(-2 * a)) - np.log(2).astype(r.dtype)) if value else None,
        np.tanh(r) / r.size if grad else None,
    )


def msle(p: Array, t: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Mean squared logarithmic error."""
    d = np.log1p(p) - np.log1p(t)
    return np.mean(d * d) if value else None, 2 / d.size * d / (1 + p) if grad else None


def mape(p: Array, t: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Mean absolute percentage error, as a share, floor 2^-52."""
    r = p - t
    divisor = np.maximum(np.abs(t), 2.0**-52)
    return (
        np.mean(np.abs(r) / divisor) if value else None,
        np.sign(r) / (divisor * r.size) if grad else None,
    )


def binary_cross_entropy(x: Array, t: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Binary cross-entropy of logits."""
    e = np.exp(-np.abs(x))
    return (
        np.mean(np.maximum(x, 0) - x * t + np.log1p(e)) if value else None,
        (sigmoid(x, e) - t) / x.size if grad else None,
    )


def hinge(s: Array, t: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Hinge loss, margin 1."""
    m = 1 - t * s
    return (
        np.mean(np.maximum(m, 0)) if value else None,
        np.where(m > 0, -t, 0) / s.size if grad else None,
    )


def squared_hinge(s: Array, t: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Squared hinge loss, margin 1."""
    h = np.maximum(1 - t * s, 0)
    return np.mean(h * h) if value else None, t * h * (-2 / s.size) if grad else None


def focal(x: Array, t: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Sigmoid focal loss, gamma 2, alpha 1/4, of targets 0 and 1."""
    e = np.exp(-np.abs(x))
    cross_entropy = np.maximum(x, 0) - x * t + np.log1p(e)
    p = sigmoid(x, e)
    miss = p + t - 2 * p * t  # 1 - p_t
    alpha = 0.75 - 0.5 * t
    mean = np.mean(alpha * miss * miss * cross_entropy) if value else None
    if not grad:
        return mean, None
    slope = p * (1 - p) * (1 - 2 * t)
    return mean, alpha * miss * (2 * slope * cross_entropy + miss * (p - t)) / x.size


def sigmoid(x: Array, e: Array) -> Array:
    """Sigmoid of x, given exp(-|x|)."""
    return np.where(x >= 0, 1, e) / (1 + e)


def cross_entropy(x: Array, y: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Softmax cross-entropy with labels."""
    shifted, e, z = softmax_parts(x)
    rows = np.arange(len(x))
    mean = np.mean(np.log(z[:, 0]) - shifted[rows, y]) if value else None
    if not grad:
        return mean, None
    e /= z
    e[rows, y] -= 1
    e /= len(x)
    return mean, e


def kl_divergence(x: Array, q: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Kullback-Leibler divergence of the softmax from positive probabilities."""
    shifted, e, z = softmax_parts(x)
    mean = np.sum(q * (np.log(q) - shifted + np.log(z))) / len(x) if value else None
    return mean, (e / z - q) / len(x) if grad else None


def multiclass_hinge(x: Array, y: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Weston-Watkins hinge loss, margin 1."""
    rows = np.arange(len(x))
    h = np.maximum(x - x[rows, y][:, None] + 1, 0)
    h[rows, y] = 0
    mean = np.sum(h) / len(x) if value else None
    if not grad:
        return mean, None
    g = (h > 0).astype(x.dtype)
    g[rows, y] = -g.sum(axis=1)
    g /= len(x)
    return mean, g


def softmax_focal(x: Array, y: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Softmax focal loss, gamma 2."""
    shifted, e, z = softmax_parts(x)
    rows = np.arange(len(x))
    log_p = shifted[rows, y] - np.log(z[:, 0])
    p = np.exp(log_p)
    mean = np.mean(-((1 - p) ** 2) * log_p) if value else None
    if not grad:
        return mean, None
    slope = (1 - p) * (2 * p * log_p - (1 - p)) / len(x)
    e *= -slope[:, None] / z
    e[rows, y] += slope
    return mean, e


def ranked_probability(x: Array, y: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Ranked probability score of ordered classes."""
    _, e, z = softmax_parts(x)
    e /= z
    above = np.arange(x.shape[1]) >= y[:, None]
    d = np.cumsum(e, axis=1) - above
    d[:, -1] = 0
    mean = np.sum(d * d) / len(x) if value else None
    if not grad:
        return mean, None
    g = 2 * np.cumsum(d[:, ::-1], axis=1)[:, ::-1]
    return mean, e * (g - np.sum(e * g, axis=1, keepdims=True)) / len(x)


def ordinal_cross_entropy(x: Array, y: Array, value: bool, grad: bool) -> tuple[Any, Any]:
    """Cross-entropy against labels that decay with the distance to the class, temperature 1."""
    shifted, e, z = softmax_parts(x)
    q = ordinal_labels(x.shape[1], x.dtype)[y]
    mean = np.mean(np.log(z[:, 0]) - np.sum(q * shifted, axis=1)) if value else None
    return mean, (e / z - q) / len(x) if grad else None


@lru_cache
def ordinal_labels(classes: int, dtype: np.dtype[Any]) -> Array:
    """Soft labels of every class, made once as a user would."""
    k = np.arange(classes)
    weights = np.exp(-np.abs(k[:, None] - k))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(dtype)


def softmax_parts(x: Array) -> tuple[Array, Array, Array]:
    """Shifted logits, their exponentials and the sum of these."""
    shifted = x - x.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    return shifted, e, e.sum(axis=1, keepdims=True)


FORMULAS: dict[str, Formula] = by_name(
    mse,
    mae,
    huber,
    half_mse,
    smooth_l1,
    pseudo_huber,
    log_cosh,
    msle,
    mape,
    binary_cross_entropy,
    cross_entropy,
    kl_divergence,
    hinge,
    squared_hinge,
    multiclass_hinge,
    focal,
    softmax_focal,
    ranked_probability,
    ordinal_cross_entropy,
)


def mse_second_order(p: Array, t: Array) -> tuple[Array, Array]:
    """Gradient and Hessian of the mean squared error."""
    return mse(p, t, value=False, grad=True)[1], np.full_like(p, 2 / p.size)


def binary_cross_entropy_second_order(x: Array, t: Array) -> tuple[Array, Array]:
    """Gradient and Hessian of the binary cross-entropy of logits."""
    p = sigmoid(x, np.exp(-np.abs(x)))
    return (p - t) / x.size, p * (1 - p) / x.size


def cross_entropy_second_order(x: Array, y: Array) -> tuple[Array, Array]:
    """Gradient and diagonal Hessian of the softmax cross-entropy."""
    _, p, z = softmax_parts(x)
    p /= z
    hessian = p * (1 - p) / len(x)
    p[np.arange(len(x)), y] -= 1
    p /= len(x)
    return p, hessian


SECOND_ORDER: dict[str, Callable[[Array, Array], tuple[Array, Array]]] = {
    "mse": mse_second_order,
    "binary_cross_entropy": binary_cross_entropy_second_order,
    "cross_entropy": cross_entropy_second_order,
}
