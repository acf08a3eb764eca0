"""Losses of examples that may have several labels, or none."""

from __future__ import annotations

import numpy as np

from cases.arithmetic import Array, sigmoid, x_log_y
from cases.inputs import BINARY, FRACTIONS, SETS
from cases.table import Case


def asymmetric(
    x: Array, t: Array, gamma_pos: float = 1.0, gamma_neg: float = 4.0, clip: float = 0.05
) -> Array:
    p, q = sigmoid(x), sigmoid(-x)
    shifted = np.maximum(p - clip, 0)
    rest = np.where(p < clip, 1, q + clip)  # 1 - shifted, of as many digits
    return -(q**gamma_pos * x_log_y(t, p) + shifted**gamma_neg * x_log_y(1 - t, rest))


def multilabel_margin(s: Array, there: Array, margin: float = 1.0) -> Array:
    lead = s[..., :, None] - s[..., None, :]
    pairs = there[..., :, None] & ~there[..., None, :]
    return np.where(pairs, np.maximum(0, margin - lead), 0).sum(axis=(-2, -1))


def room_of_pairs(s: Array, there: Array, margin: float = 1.0) -> Array:
    lead = s[..., :, None] - s[..., None, :]
    pairs = there[..., :, None] & ~there[..., None, :]
    return np.where(pairs, abs(margin - lead), 1).min(axis=(-2, -1))


CASES = {
    "asymmetric": Case(
        asymmetric,
        {
            BINARY: (
                {},
                {"gamma_pos": 0.0, "gamma_neg": 2.0, "clip": 0.0},
                {"gamma_pos": 2.5, "gamma_neg": 1.0, "clip": 0.25},
                {"gamma_pos": 0.0, "gamma_neg": 0.0, "clip": 0.0},
            ),
            FRACTIONS: ({},),
        },
        ulps=64,  # powers magnify errors, and p - clip cancels
        distance_to_kink=lambda x, t, clip=0.05, **powers: abs(1 / (1 + np.exp(-x)) - clip),
    ),
    "multilabel_margin": Case(
        multilabel_margin,
        {SETS: ({}, {"margin": 0.25})},
        distance_to_kink=room_of_pairs,
    ),
}
