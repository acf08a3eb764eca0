"""Losses over classes."""

from __future__ import annotations

import numpy as np

from cases.arithmetic import Array, at_label, exp, is_label, log, softmax, sqrt, tanh, x_log_y
from cases.inputs import (
    DISTRIBUTIONS,
    LABELS,
    LOG_CHANCES,
    LOG_CHANCES_OF_SHARES,
    RAMP,
    TRANSITION,
)
from cases.table import Case, Kink


def cross_entropy(
    x: Array,
    target: Array,
    class_weight: Array | float = 1.0,
    label_smoothing: float = 0.0,
    temperature: float = 1.0,
    softcap: float | None = None,
    z_loss: float = 0.0,
) -> Array:
    classes = x.shape[-1]
    q = target if target.ndim == x.ndim else is_label(target, classes).astype(int)
    weight = 1 if np.ndim(class_weight) == 0 else (class_weight * q).sum(axis=-1)
    q = q * (1 - label_smoothing) + label_smoothing / classes
    x = (x if softcap is None else softcap * tanh(x / softcap)) / temperature
    z = z_loss * weight * log(exp(x).sum(axis=-1)) ** 2 if z_loss else 0
    return -x_log_y(class_weight * q, softmax(x)).sum(axis=-1) + z


def kl_divergence(x: Array, q: Array, temperature: float = 1.0) -> Array:
    return (x_log_y(q, q + 0 * x) - x_log_y(q, softmax(x / temperature))).sum(axis=-1)


def _outcome(x: Array, target: Array) -> Array:
    """Return probabilities: those of a label are 1 at it."""
    return target if target.ndim == x.ndim else is_label(target, x.shape[-1]).astype(int)


def js_divergence(x: Array, target: Array, beta: float = 0.5) -> Array:
    q, p = _outcome(x, target), softmax(x)
    m = beta * q + (1 - beta) * p
    return (beta * x_log_y(q, q / m) + (1 - beta) * x_log_y(p, p / m)).sum(axis=-1)


def total_variation(x: Array, target: Array) -> Array:
    return abs(softmax(x) - _outcome(x, target)).sum(axis=-1) / 2


def distance_to_share(x: Array, target: Array) -> Array:
    """Distance of the logits from where the softmax of a class is its share, but 0 and 1."""
    if target.ndim < x.ndim:
        return np.ones(x.shape[:-1])
    log_p = x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
    return np.where(target > 0, abs(log_p - np.log(np.maximum(target, 1e-9))), 9).min(axis=-1)


def _sparsemax_threshold(z: Array) -> Array:
    """Algorithm 1 of Martins & Astudillo."""
    ordered = -np.sort(-z, axis=-1)
    rank = np.arange(1, z.shape[-1] + 1)
    sums = ordered.cumsum(axis=-1)
    size = (1 + rank * ordered > sums).sum(axis=-1, keepdims=True).astype(int)
    return (np.take_along_axis(sums, size - 1, axis=-1) - 1) / size


def sparsemax(z: Array, target: Array) -> Array:
    q, threshold = _outcome(z, target), _sparsemax_threshold(z)
    squares = np.where(z > threshold, z**2 - threshold**2, 0 * z)
    return ((squares + q**2) / 2 - q * z).sum(axis=-1)


def _entmax15_threshold(z: Array) -> Array:
    """Algorithm 2 of Peters et al., for scores that have been halved."""
    ordered = -np.sort(-z, axis=-1)
    rank = np.arange(1, z.shape[-1] + 1)
    mean = ordered.cumsum(axis=-1) / rank
    scatter = (ordered**2).cumsum(axis=-1) - rank * mean**2
    thresholds = mean - sqrt(np.maximum(0 * z, (1 - scatter) / rank))
    size = (thresholds <= ordered).sum(axis=-1, keepdims=True).astype(int)
    return np.take_along_axis(thresholds, size - 1, axis=-1)


def entmax15(z: Array, target: Array) -> Array:
    q, z = _outcome(z, target), z - z.max(axis=-1, keepdims=True)  # the same of all shifted alike
    p = np.maximum(0 * z, z / 2 - _entmax15_threshold(z / 2)) ** 2
    entropies = (p - p * sqrt(p) - q + q * sqrt(q + 0 * z)) * 4 / 3
    return (entropies + (p - q) * z).sum(axis=-1)


def _tempered_softmax(x: Array, t: float) -> Array:
    """Probabilities exp_t(x - lambda), lambda by Newton's method, first in double."""
    if t == 1:
        return softmax(x)
    y, k = x - x.max(axis=-1, keepdims=True), t - 1

    def step(y: Array, shift: Array) -> tuple[Array, Array]:
        base = 1 + k * (shift - y)
        p = base ** (-1 / k)
        slope = (p / base).sum(axis=-1, keepdims=True)  # of p^t
        return p, shift + (p.sum(axis=-1, keepdims=True) - 1) / slope

    rough, shift = y.astype(float), np.zeros_like(y[..., :1], float)
    for _ in range(60):
        shift = step(rough, shift)[1]
    shift = shift + 0 * y[..., :1]
    for _ in range(6):
        p, shift = step(y, shift)
    return p


def bi_tempered(x: Array, target: Array, t1: float = 0.8, t2: float = 1.2) -> Array:
    q, p = _outcome(x, target) + 0 * x, _tempered_softmax(x, t2)
    if t1 == 1:
        terms = x_log_y(q, q / p) - q + p
    else:
        powers = (np.where(q > 0, q, 1) ** (1 - t1), p ** (1 - t1))
        terms = q * (powers[0] - powers[1]) / (1 - t1)
        terms = terms - (q * powers[0] - p * powers[1]) / (2 - t1)
    return terms.sum(axis=-1)


def multiclass_hinge(
    s: Array,
    label: Array,
    margin: float = 1.0,
    power: float = 1.0,
    normalize: bool = False,
    variant: str = "weston_watkins",
    class_weight: Array | None = None,
) -> Array:
    excess = np.maximum(0, margin + s - at_label(s, label)[..., None]) ** power
    others = np.where(is_label(label, s.shape[-1]), 0, excess)
    loss = others.sum(axis=-1) if variant == "weston_watkins" else others.max(axis=-1)
    loss = loss / s.shape[-1] if normalize else loss
    return loss if class_weight is None else class_weight[label] * loss


def softmax_focal(x: Array, label: Array, gamma: float = 2.0, alpha: Array | float = 1.0) -> Array:
    p = softmax(x)
    miss = np.where(is_label(label, x.shape[-1]), 0, p).sum(axis=-1)  # 1 - p_y
    factor = alpha[label] if isinstance(alpha, np.ndarray) else alpha
    return -factor * miss**gamma * log(at_label(p, label))


def _miss(p: Array, label: Array) -> Array:
    """Return 1 - p_y as a sum of what is not the label's."""
    return np.where(is_label(label, p.shape[-1]), 0, p).sum(axis=-1)


def _weighted(loss: Array, label: Array, class_weight: Array | None) -> Array:
    return loss if class_weight is None else class_weight[label] * loss


def generalized_cross_entropy(
    x: Array, label: Array, q: float = 0.7, class_weight: Array | None = None
) -> Array:
    p = at_label(softmax(x), label)
    return _weighted((1 - p**q) / q if q else -log(p), label, class_weight)


def poly_cross_entropy(
    x: Array, label: Array, epsilon: float = 2.0, class_weight: Array | None = None
) -> Array:
    p = softmax(x)
    return _weighted(epsilon * _miss(p, label) - log(at_label(p, label)), label, class_weight)


def symmetric_cross_entropy(
    x: Array, label: Array, alpha: float = 0.1, beta: float = 1.0, class_weight: Array | None = None
) -> Array:
    p = softmax(x)
    log_q = np.where(is_label(label, x.shape[-1]), 0, -4)
    loss = -alpha * log(at_label(p, label)) - beta * (p * log_q).sum(axis=-1)
    return _weighted(loss, label, class_weight)


def multiclass_brier(x: Array, target: Array) -> Array:
    return ((softmax(x) - _outcome(x, target)) ** 2).sum(axis=-1)


def nll(
    x: Array, target: Array, class_weight: Array | float = 1.0, label_smoothing: float = 0.0
) -> Array:
    classes = x.shape[-1]
    q = target if target.ndim == x.ndim else is_label(target, classes).astype(int)
    q = q * (1 - label_smoothing) + label_smoothing / classes
    return -(class_weight * q * x).sum(axis=-1)


def logit_adjusted(
    x: Array,
    target: Array,
    priors: Array | float = 1.0,
    tau: float = 1.0,
    class_weight: Array | float = 1.0,
    label_smoothing: float = 0.0,
) -> Array:
    shares = priors / (priors + 0 * x).sum(axis=-1, keepdims=True)
    return cross_entropy(x + tau * log(shares), target, class_weight, label_smoothing)


def ldam(
    x: Array,
    label: Array,
    counts: Array | None = None,
    max_margin: float = 0.5,
    scale: float = 30.0,
    class_weight: Array | None = None,
) -> Array:
    margin = max_margin
    if counts is not None:
        margins = 1 / sqrt(sqrt(counts))
        margin = (margins * (max_margin / margins.max()))[label][..., None]
    moved = np.where(is_label(label, x.shape[-1]), x - margin, x)
    return _weighted(-log(at_label(softmax(scale * moved), label)), label, class_weight)


def forward_cross_entropy(
    x: Array,
    label: Array,
    transition: Array | None = None,
    class_weight: Array | None = None,
) -> Array:
    chances = is_label(label, x.shape[-1]) if transition is None else transition.T[label]
    return _weighted(-log((softmax(x) * chances).sum(axis=-1)), label, class_weight)


def _distance_to_step(
    s: Array, label: Array, margin: float = 1.0, power: float = 1.0, normalize: bool = False
) -> Array:
    """Distance of the scores from where a class becomes active, or leads another active one."""
    excess = margin + s - at_label(s, label)[..., None]
    others = np.where(is_label(label, s.shape[-1]), np.inf, excess)
    others = np.sort(others, axis=-1)
    return np.minimum(abs(others).min(axis=-1), np.diff(others, axis=-1).min(axis=-1))


#: A power of 2 for each example, which every type holds.


CASES = {
    "cross_entropy": Case(
        cross_entropy,
        {
            LABELS: (
                {},
                {"class_weight": RAMP},
                {"label_smoothing": 0.1},
                {"class_weight": RAMP, "label_smoothing": 0.1},
                {"temperature": 2.0, "class_weight": RAMP},
                {"softcap": 4.0, "z_loss": 0.125, "class_weight": RAMP},
                {"z_loss": 0.25, "label_smoothing": 0.1},
            ),
            DISTRIBUTIONS: (
                {},
                {"class_weight": RAMP, "label_smoothing": 0.1},
                {"temperature": 4.0, "label_smoothing": 0.1},
                {"softcap": 4.0, "z_loss": 0.25, "class_weight": RAMP},
            ),
        },
    ),
    "kl_divergence": Case(kl_divergence, {DISTRIBUTIONS: ({}, {"temperature": 2.0})}, ulps=32),
    "js_divergence": Case(
        js_divergence,
        {LABELS: ({}, {"beta": 0.125}), DISTRIBUTIONS: ({}, {"beta": 0.875})},
        ulps=64,
        crosses_zero=2,
    ),
    "total_variation": Case(
        total_variation,
        {LABELS: ({},), DISTRIBUTIONS: ({},)},
        ulps=32,
        distance_to_kink=distance_to_share,
        kinks=(
            Kink([0.0, 0.0], [0.5, 0.5], 0.0, [0.0] * 2, [0.0] * 2),
            Kink(
                [0.0] * 4,
                [0.25, 0.5, 0.0, 0.25],
                0.25,
                [0.0, -0.125, 0.125, 0.0],
                [0.0, -0.0625, 0.0625, 0.0],
            ),
        ),
        crosses_zero=2,
    ),
    "sparsemax": Case(
        sparsemax,
        {LABELS: ({},), DISTRIBUTIONS: ({},)},
        ulps=64,  # the rounding of a difference of scores counts for more in a share near 0
        cancels=True,
        # The threshold is rounded.
        distance_to_kink=lambda z, t: abs(z - _sparsemax_threshold(z)).min(axis=-1).round(12),
        kinks=(
            Kink([1.0, 0.0], 0, 0.0, [0.0] * 2, [0.0] * 2),
            Kink([0.0, 0.0, -0.5], [0.5, 0.0, 0.5], 0.25, [0.0, 0.5, -0.5], [0.5, 0.5, 0.0]),
        ),
        crosses_zero=1,
    ),
    "entmax15": Case(
        entmax15,
        {LABELS: ({},), DISTRIBUTIONS: ({},)},
        ulps=128,  # the rounding of a difference of scores counts for more in a share near 0
        cancels=True,
        distance_to_kink=lambda z, target: abs(z - 2 * _entmax15_threshold(z / 2)).min(axis=-1),
        crosses_zero=1,
    ),
    "bi_tempered": Case(
        bi_tempered,
        {
            LABELS: ({}, {"t1": 1.0, "t2": 1.0}),
            DISTRIBUTIONS: ({"t1": 0.25, "t2": 1.5},),
        },
        ulps=128,  # powers magnify errors
        crosses_zero=2,
    ),
    "multiclass_hinge": Case(
        multiclass_hinge,
        {
            LABELS: (
                {},
                {"margin": 0.25, "class_weight": RAMP},
                {"variant": "crammer_singer"},
                {"variant": "crammer_singer", "margin": 2.0, "class_weight": RAMP},
                {"power": 2.0, "margin": 0.5},
                {"power": 2.0, "variant": "crammer_singer"},
                {"normalize": True, "margin": 0.0},
            )
        },
        distance_to_kink=_distance_to_step,
        kinks=(
            Kink([1.0, 0.0, -1.0], 0, 0.0, [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
            Kink([0.5, 0.0, 0.0], 0, 1.0, [-2.0, 1.0, 1.0], [0.0, 0.0, 0.0]),
            Kink(
                [0.5, 0.0, 0.0],
                0,
                0.5,
                [-1.0, 1.0, 0.0],
                [0.0, 0.0, 0.0],
                {"variant": "crammer_singer"},
            ),
            Kink([0.5, 0.0, 0.0], 0, 0.0, [0.0] * 3, [0.0] * 3, {"power": 2.0, "margin": 0.5}),
            Kink(
                [0.5, 0.0, 0.0],
                0,
                0.25,
                [-1.0, 1.0, 0.0],
                [2.0, 2.0, 0.0],
                {"power": 2.0, "variant": "crammer_singer"},
            ),
            Kink([0.0, 0.0], 0, 0.0, [0.0] * 2, [0.0] * 2, {"margin": 0.0}),
        ),
    ),
    "softmax_focal": Case(
        softmax_focal,
        {
            LABELS: (
                {},
                {"gamma": 0.0, "alpha": RAMP},
                {"gamma": 0.5, "alpha": 0.25},
                {"gamma": 3.5},
            ),
        },
        ulps=128,  # a power magnifies errors
    ),
    "generalized_cross_entropy": Case(
        generalized_cross_entropy,
        {LABELS: ({}, {"q": 0.0, "class_weight": RAMP}, {"q": 2.0**-4}, {"q": 1.0})},
        ulps=512,  # a power magnifies errors
        crosses_zero=2,
    ),
    "poly_cross_entropy": Case(
        poly_cross_entropy,
        {LABELS: ({}, {"epsilon": 1.0, "class_weight": RAMP}, {"epsilon": -1.0})},
        ulps=96,
        crosses_zero=2,
    ),
    "symmetric_cross_entropy": Case(
        symmetric_cross_entropy,
        {LABELS: ({}, {"alpha": 6.0, "beta": 0.1, "class_weight": RAMP}, {"alpha": 0.0})},
        crosses_zero=2,
    ),
    "ldam": Case(
        ldam,
        {LABELS: ({}, {"counts": RAMP, "scale": 4.0, "class_weight": RAMP})},
        ulps=2048,  # the exponential magnifies the rounding of distances that have been scaled
        cancels=True,
        steep=True,
    ),
    "forward_cross_entropy": Case(
        forward_cross_entropy,
        {LABELS: ({"transition": TRANSITION}, {"transition": TRANSITION, "class_weight": RAMP})},
        ulps=64,
        crosses_zero=2,
    ),
    "multiclass_brier": Case(
        multiclass_brier, {LABELS: ({},), DISTRIBUTIONS: ({},)}, ulps=32, crosses_zero=1
    ),
    "nll": Case(
        nll,
        {
            LOG_CHANCES: ({}, {"class_weight": RAMP}, {"label_smoothing": 0.1}),
            LOG_CHANCES_OF_SHARES: ({}, {"class_weight": RAMP, "label_smoothing": 0.1}),
        },
    ),
    "logit_adjusted": Case(
        logit_adjusted,
        {
            LABELS: (
                {"priors": RAMP},
                {"priors": RAMP, "tau": 2.0, "class_weight": RAMP, "label_smoothing": 0.1},
            ),
            DISTRIBUTIONS: ({"priors": RAMP, "tau": 0.5},),
        },
        ulps=1024,  # the sum of a logit and an offset is rounded to the last place of the logit
    ),
}
