"""Losses of one score or probability against a binary target."""

from __future__ import annotations

import numpy as np

from cases.arithmetic import Array, sigmoid, x_log_y
from cases.inputs import BINARY, BOOLEANS, CHANCES, FRACTIONS, SIGNS
from cases.table import Case, Kink


def binary_cross_entropy(
    p: Array,
    t: Array,
    pos_weight: float = 1.0,
    label_smoothing: float = 0.0,
    from_logits: bool = True,
) -> Array:
    positive, negative = (sigmoid(p), sigmoid(-p)) if from_logits else (p, 1 - p)
    t = t * (1 - label_smoothing) + label_smoothing / 2
    return -(pos_weight * x_log_y(t, positive) + x_log_y(1 - t, negative))


def focal(
    p: Array, t: Array, gamma: float = 2.0, alpha: float | None = 0.25, from_logits: bool = True
) -> Array:
    positive, negative = (sigmoid(p), sigmoid(-p)) if from_logits else (p, 1 - p)
    miss = positive * (1 - t) + negative * t  # 1 - p_t
    alpha_t = 1 if alpha is None else alpha * t + (1 - alpha) * (1 - t)
    return -alpha_t * miss**gamma * (x_log_y(t, positive) + x_log_y(1 - t, negative))


def sign(t: Array) -> Array:
    return 2 * t.astype(int) - 1 if t.dtype == bool else t


def hinge(s: Array, t: Array, margin: float = 1.0) -> Array:
    return np.maximum(0, margin - sign(t) * s)


def squared_hinge(s: Array, t: Array, margin: float = 1.0) -> Array:
    return hinge(s, t, margin) ** 2


CASES = {
    "binary_cross_entropy": Case(
        binary_cross_entropy,
        {
            BINARY: ({}, {"pos_weight": 3.0}, {"label_smoothing": 0.1}),
            FRACTIONS: ({}, {"pos_weight": 0.5, "label_smoothing": 0.25}),
            CHANCES: (
                {"from_logits": False},
                {"from_logits": False, "pos_weight": 3.0, "label_smoothing": 0.1},
            ),
        },
    ),
    "focal": Case(
        focal,
        {
            BINARY: (
                {},
                {"gamma": 0.0, "alpha": None},
                {"gamma": 0.5},
                {"gamma": 3.5, "alpha": 0.75},
            ),
            FRACTIONS: ({}, {"gamma": 1.0, "alpha": None}),
            CHANCES: ({"from_logits": False}, {"from_logits": False, "gamma": 1.5, "alpha": None}),
        },
        ulps=48,  # a power magnifies errors
    ),
    "hinge": Case(
        hinge,
        {SIGNS: ({}, {"margin": 0.25}), BOOLEANS: ({},)},
        distance_to_kink=lambda s, t, margin=1.0: abs(margin - sign(t) * s),
        kinks=(Kink(1.0, 1.0, 0.0, 0.0, 0.0), Kink(-0.25, -1.0, 0.0, 0.0, 0.0, {"margin": 0.25})),
    ),
    "squared_hinge": Case(
        squared_hinge,
        {SIGNS: ({}, {"margin": 0.25}), BOOLEANS: ({},)},
        distance_to_kink=lambda s, t, margin=1.0: abs(margin - sign(t) * s),
        kinks=(Kink(1.0, 1.0, 0.0, 0.0, 0.0), Kink(-0.25, -1.0, 0.0, 0.0, 0.0, {"margin": 0.25})),
    ),
}
