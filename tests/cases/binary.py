"""Losses of one score or probability against a binary target."""

from __future__ import annotations

import numpy as np

from cases.arithmetic import Array, sigmoid, x_log_y
from cases.inputs import BINARY, CHANCES, FRACTIONS
from cases.table import Case


def both_probabilities(p: Array, clip: float, from_logits: bool) -> tuple[Array, Array]:
    if from_logits:
        return sigmoid(p), sigmoid(-p)
    p = np.minimum(np.maximum(p, clip), 1 - clip)
    return p, 1 - p


def binary_cross_entropy(
    p: Array,
    t: Array,
    pos_weight: float = 1.0,
    label_smoothing: float = 0.0,
    clip: float = 0.0,
    from_logits: bool = True,
) -> Array:
    positive, negative = both_probabilities(p, clip, from_logits)
    t = t * (1 - label_smoothing) + label_smoothing / 2
    return -(pos_weight * x_log_y(t, positive) + x_log_y(1 - t, negative))


def focal(
    p: Array,
    t: Array,
    gamma: float = 2.0,
    alpha: float | None = 0.25,
    pos_weight: float = 1.0,
    label_smoothing: float = 0.0,
    clip: float = 0.0,
    from_logits: bool = True,
) -> Array:
    positive, negative = both_probabilities(p, clip, from_logits)
    t = t * (1 - label_smoothing) + label_smoothing / 2
    miss = positive * (1 - t) + negative * t  # 1 - p_t
    alpha_t = 1 if alpha is None else alpha * t + (1 - alpha) * (1 - t)
    loss = pos_weight * x_log_y(t, positive) + x_log_y(1 - t, negative)
    return -alpha_t * miss**gamma * loss


def poly_binary_cross_entropy(x: Array, t: Array, epsilon: float = 1.0) -> Array:
    hit = sigmoid(x) * t + sigmoid(-x) * (1 - t)  # p_t
    return binary_cross_entropy(x, t) + epsilon * (1 - hit)


def brier(p: Array, t: Array, from_logits: bool = True) -> Array:
    return ((sigmoid(p) if from_logits else p) - t) ** 2


def room_to_clip(p: Array, t: Array, clip: float = 0.0, **options: object) -> Array:
    """How far a probability is from where it is clipped."""
    return abs(np.minimum(p, 1 - p) - clip) if clip else np.ones(p.shape)


CASES = {
    "binary_cross_entropy": Case(
        binary_cross_entropy,
        {
            BINARY: ({}, {"pos_weight": 3.0}, {"label_smoothing": 0.1}),
            FRACTIONS: ({}, {"pos_weight": 0.5, "label_smoothing": 0.25}),
            CHANCES: (
                {"from_logits": False},
                {"from_logits": False, "pos_weight": 3.0, "label_smoothing": 0.1},
                {"from_logits": False, "clip": 0.0625},
            ),
        },
        distance_to_kink=room_to_clip,
    ),
    "focal": Case(
        focal,
        {
            BINARY: (
                {},
                {"gamma": 0.0, "alpha": None},
                {"gamma": 0.5},
                {"gamma": 3.5, "alpha": 0.75},
                {"pos_weight": 3.0, "label_smoothing": 0.1},
            ),
            FRACTIONS: ({}, {"gamma": 1.0, "alpha": None}),
            CHANCES: (
                {"from_logits": False},
                {"from_logits": False, "gamma": 1.5, "alpha": None},
                {"from_logits": False, "pos_weight": 3.0, "label_smoothing": 0.1},
                {"from_logits": False, "clip": 0.0625},
            ),
        },
        distance_to_kink=room_to_clip,
        ulps=48,  # a power magnifies errors
    ),
    "poly_binary_cross_entropy": Case(
        poly_binary_cross_entropy,
        {BINARY: ({}, {"epsilon": -0.5}), FRACTIONS: ({"epsilon": 2.0},)},
        ulps=12,  # negative, epsilon takes half of the value away
    ),
    "brier": Case(
        brier,
        {BINARY: ({},), CHANCES: ({"from_logits": False},)},
        ulps=8,
    ),
}
