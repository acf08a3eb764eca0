"""Losses over classes."""

from __future__ import annotations

import numpy as np

from cases.arithmetic import Array, at_label, is_label, log, softmax, x_log_y
from cases.inputs import DISTRIBUTIONS, LABELS, RAMP
from cases.table import Case, Kink


def cross_entropy(
    x: Array, target: Array, class_weight: Array | float = 1.0, label_smoothing: float = 0.0
) -> Array:
    classes = x.shape[-1]
    q = target if target.ndim == x.ndim else is_label(target, classes).astype(int)
    q = q * (1 - label_smoothing) + label_smoothing / classes
    return -x_log_y(class_weight * q, softmax(x)).sum(axis=-1)


def kl_divergence(x: Array, q: Array) -> Array:
    return (x_log_y(q, q + 0 * x) - x_log_y(q, softmax(x))).sum(axis=-1)


def multiclass_hinge(
    s: Array,
    label: Array,
    margin: float = 1.0,
    variant: str = "weston_watkins",
    class_weight: Array | None = None,
) -> Array:
    excess = np.maximum(0, margin + s - at_label(s, label)[..., None])
    others = np.where(is_label(label, s.shape[-1]), 0, excess)
    loss = others.sum(axis=-1) if variant == "weston_watkins" else others.max(axis=-1)
    return loss if class_weight is None else class_weight[label] * loss


def softmax_focal(x: Array, label: Array, gamma: float = 2.0, alpha: Array | float = 1.0) -> Array:
    p = softmax(x)
    miss = np.where(is_label(label, x.shape[-1]), 0, p).sum(axis=-1)  # 1 - p_y
    factor = alpha[label] if isinstance(alpha, np.ndarray) else alpha
    return -factor * miss**gamma * log(at_label(p, label))


def _distance_to_step(s: Array, label: Array, margin: float = 1.0) -> Array:
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
            ),
            DISTRIBUTIONS: ({}, {"class_weight": RAMP, "label_smoothing": 0.1}),
        },
    ),
    "kl_divergence": Case(kl_divergence, {DISTRIBUTIONS: ({},)}, ulps=32),
    "multiclass_hinge": Case(
        multiclass_hinge,
        {
            LABELS: (
                {},
                {"margin": 0.25, "class_weight": RAMP},
                {"variant": "crammer_singer"},
                {"variant": "crammer_singer", "margin": 2.0, "class_weight": RAMP},
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
            )
        },
        ulps=128,  # a power magnifies errors
    ),
}
