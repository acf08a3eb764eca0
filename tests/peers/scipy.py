"""SciPy: values of the examples by ``scipy.special``, and the gradient where its functions give it.

They compute in the dtype of their arguments, and have no 16-bit ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from peers import by_name

Array = NDArray[Any]
Pair = tuple[Array, Array | None]


def huber(p: Array, t: Array, delta: float = 1.0) -> Pair:
    r = p - t
    return special.huber(p.dtype.type(delta), r), np.clip(r, -delta, delta)


def pseudo_huber(p: Array, t: Array, delta: float = 1.0) -> Pair:
    r = p - t
    return special.pseudo_huber(p.dtype.type(delta), r), r / np.sqrt(1 + (r / delta) ** 2)


def poisson(p: Array, t: Array, log_input: bool = True, full: bool = False) -> Pair:
    constant = special.gammaln(t + 1) if full else 0
    if log_input:
        return np.exp(p) - t * p + constant, np.exp(p) - t
    return p - special.xlogy(t, p) + constant, 1 - t / p


def gamma(p: Array, t: Array, log_input: bool = True) -> Pair:
    if log_input:
        return p + t * np.exp(-p), 1 - t * np.exp(-p)
    return np.log(p) + t / p, (1 - t / p) / p


def tweedie(p: Array, t: Array, power: float = 1.5, log_input: bool = True) -> Pair:
    mean, slope = (np.exp(p), np.exp(p)) if log_input else (p, 1)
    if power == 1:
        return special.kl_div(t, mean), (1 - t / mean) * slope
    if power == 2:
        return special.kl_div(1, t / mean), (1 - t / mean) / mean * slope
    a, b = 1 - power, 2 - power
    value = t**b / (a * b) - t * mean**a / a + mean**b / b
    return value, (mean - t) * mean ** (-power) * slope


def binary_cross_entropy(
    p: Array,
    t: Array,
    pos_weight: float = 1.0,
    label_smoothing: float = 0.0,
    from_logits: bool = True,
) -> Pair:
    t = t * (1 - label_smoothing) + label_smoothing / 2 if label_smoothing else t
    if not from_logits:
        return -(pos_weight * special.xlogy(t, p) + special.xlog1py(1 - t, -p)), None
    value = -(pos_weight * t * special.log_expit(p) + (1 - t) * special.log_expit(-p))
    return value, (1 - t) * special.expit(p) - pos_weight * t * special.expit(-p)


def cross_entropy(x: Array, y: Array, label_smoothing: float = 0.0) -> Pair:
    q = y if y.ndim == x.ndim else (y[:, None] == np.arange(x.shape[-1])).astype(x.dtype)
    if label_smoothing:
        q = q * (1 - label_smoothing) + label_smoothing / x.shape[-1]
    value = -(q * special.log_softmax(x, axis=-1)).sum(axis=-1)
    return value, q.sum(axis=-1, keepdims=True) * special.softmax(x, axis=-1) - q


def kl_divergence(x: Array, q: Array) -> Pair:
    p = special.softmax(x, axis=-1)
    return special.rel_entr(q, p).sum(axis=-1), q.sum(axis=-1, keepdims=True) * p - q


def focal(
    x: Array, t: Array, gamma: float = 2.0, alpha: float | None = 0.25, from_logits: bool = True
) -> Pair:
    if not from_logits:
        raise NotImplementedError
    p, q = special.expit(x), special.expit(-x)
    cross_entropy = -(t * special.log_expit(x) + (1 - t) * special.log_expit(-x))
    loss = (p * (1 - t) + q * t) ** gamma * cross_entropy
    return (loss if alpha is None else (alpha * t + (1 - alpha) * (1 - t)) * loss), None


def softmax_focal(x: Array, y: Array, gamma: float = 2.0) -> Pair:
    log_p = np.take_along_axis(special.log_softmax(x, axis=-1), y[:, None], axis=-1)[:, 0]
    return (-np.expm1(log_p)) ** gamma * -log_p, None


def ranked_probability(x: Array, y: Array) -> Pair:
    cumulative = np.cumsum(special.softmax(x, axis=-1), axis=-1)[:, :-1]
    reached = np.arange(x.shape[-1] - 1) >= y[:, None]
    return ((cumulative - reached.astype(x.dtype)) ** 2).sum(axis=-1), None


def ordinal_cross_entropy(
    x: Array, y: Array, distance: str = "absolute", temperature: float = 1.0
) -> Pair:
    if not isinstance(distance, str):
        raise NotImplementedError
    steps = abs(np.arange(x.shape[-1]) - y[:, None]).astype(x.dtype)
    steps = steps**2 if distance == "squared" else steps
    return cross_entropy(x, special.softmax(-steps / temperature, axis=-1))


FORMULAS: dict[str, Callable[..., Pair]] = by_name(
    huber,
    pseudo_huber,
    binary_cross_entropy,
    cross_entropy,
    kl_divergence,
    focal,
    softmax_focal,
    ranked_probability,
    ordinal_cross_entropy,
)
